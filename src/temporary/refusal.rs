//! How a statement about temporary tables is refused: by name, and where its tree has more in it than was read.

use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

/// A plain statement, to compare others with.
///
/// # Errors
/// None for the texts of this room.
pub(super) fn template(sql: &str) -> Result<Statement, QueryError> {
    let parsed = Parser::parse_sql(&PostgreSqlDialect {}, sql);
    let statement = parsed.ok().and_then(|statements| statements.into_iter().next());
    statement.ok_or_else(|| not_supported("such a statement"))
}

/// Refuses a tree with more in it than was read.
///
/// # Errors
/// 0A000 where it is another one than the plain tree.
pub(super) fn same<T: PartialEq>(given: &T, plain: &T) -> Result<(), QueryError> {
    if given == plain { Ok(()) } else { Err(not_supported("a clause of this statement")) }
}

/// The refusal of what temporary tables do not have (0A000).
pub(super) fn not_supported(what: &str) -> QueryError {
    QueryError::new(ErrorKind::NotSupported, format!("{what} is not supported for temporary tables"))
}

/// A mistake that the parser lets through (42601).
pub(super) fn syntax(message: &str) -> QueryError {
    QueryError::new(ErrorKind::Syntax, message)
}
