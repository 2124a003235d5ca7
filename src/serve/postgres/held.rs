//! What a client holds open, as the catalog shows it: prepared statements and cursors.

use super::command::Command;
use super::cursor::Cursor;
use super::portal::{Portal, Prepared};
use crate::dialect::catalog::types::display;
use crate::dialect::session::{Held, HeldCursor, HeldStatement};
use std::collections::HashMap;
use std::sync::Arc;

/// The statements and cursors of a connection, sorted by name. The unnamed portal is that of the statement that asks.
pub(super) fn held(statements: &HashMap<String, Arc<Prepared>>, portals: &HashMap<String, Portal>) -> Held {
    let statement = |(name, prepared): (&String, &Arc<Prepared>)| HeldStatement {
        name: name.clone(),
        sql: prepared.prepared_by.clone().unwrap_or_else(|| prepared.sql.clone()),
        at: prepared.at,
        parameters: prepared.parameters.iter().map(|parameter| display(parameter.described.oid(), None)).collect(),
        from_sql: prepared.prepared_by.is_some(),
    };
    let mut statements: Vec<_> = statements.iter().filter(|(name, _)| !name.is_empty()).map(statement).collect();
    statements.sort_by(|one, other| one.name.cmp(&other.name));
    let cursor = |(name, portal): (&String, &Portal)| HeldCursor {
        name: name.clone(),
        sql: portal.prepared.sql.clone(),
        at: portal.prepared.at,
        hold: portal.hold,
        scroll: portal.cursor.as_ref().is_some_and(Cursor::scrolls),
    };
    let declared = |portal: &Portal| matches!(portal.prepared.command, Command::Declare { .. } | Command::Query(_));
    let open = portals.iter().filter(|(name, portal)| !name.is_empty() && declared(portal));
    let mut cursors: Vec<_> = open.map(cursor).collect();
    cursors.sort_by(|one, other| one.name.cmp(&other.name));
    Held { statements, cursors }
}
