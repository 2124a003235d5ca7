//! What may be planned at all: statements that read. Everything else is refused before DataFusion sees it.

use super::error::{ErrorKind, QueryError};
use super::session::Statement;

/// Refuses a statement that would write, or read anything but our tables.
pub(super) fn check(statement: &Statement) -> Result<(), QueryError> {
    match statement {
        Statement::Query(_) => Ok(()),
        Statement::Explain { statement, .. } => check(statement),
        other => Err(QueryError::new(ErrorKind::ReadOnly, format!("cannot execute {} in a read-only server", verb(other)))),
    }
}

/// The statement's first words, for an error message.
fn verb(statement: &Statement) -> String {
    statement.to_string().split_whitespace().next().unwrap_or("statement").to_uppercase()
}
