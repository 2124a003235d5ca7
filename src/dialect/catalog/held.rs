//! Rows of what the client of a session holds open: cursors and prepared statements.

use super::value::{Row, Value};
use super::view::View;
use crate::dialect::session::{HeldCursor, HeldStatement};

/// `pg_cursors`: a row for each cursor that the client holds open.
pub(super) fn cursors(view: &View<'_>) -> Vec<Row> {
    let held = view.facts.map(|facts| facts.variables.held()).unwrap_or_default();
    let row = |cursor: HeldCursor| -> Row {
        vec![
            ("name", cursor.name.into()),
            ("statement", cursor.sql.into()),
            ("is_holdable", cursor.hold.into()),
            ("is_binary", false.into()),
            ("is_scrollable", cursor.scroll.into()),
            ("creation_time", Value::Instant(cursor.at.timestamp_micros())),
        ]
    };
    held.cursors.into_iter().map(row).collect()
}

/// `pg_prepared_statements`: a row for each statement that the client has prepared under a name.
pub(super) fn prepared_statements(view: &View<'_>) -> Vec<Row> {
    let held = view.facts.map(|facts| facts.variables.held()).unwrap_or_default();
    let row = |statement: HeldStatement| -> Row {
        let types: Vec<String> = statement.parameters.iter().map(|name| quoted_element(name)).collect();
        let parameters = format!("{{{}}}", types.join(","));
        vec![
            ("name", statement.name.into()),
            ("statement", statement.sql.into()),
            ("prepare_time", Value::Instant(statement.at.timestamp_micros())),
            ("parameter_types", parameters.into()),
            ("from_sql", statement.from_sql.into()),
            ("generic_plans", 0.into()),
            ("custom_plans", 0.into()),
        ]
    };
    held.statements.into_iter().map(row).collect()
}

/// An element of an array's text, in quotes where it has a space.
fn quoted_element(name: &str) -> String {
    if name.contains(' ') { format!("\"{name}\"") } else { name.to_owned() }
}
