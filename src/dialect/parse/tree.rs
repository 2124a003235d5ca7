//! The tree of a parsed statement is sqlparser's; this file gives it a name, so that extensions need
//! not know the crate.

use datafusion::sql::sqlparser::ast;

/// A parsed statement: sqlparser's tree of the PostgreSQL dialect, with the statements that
/// extensions add in nodes of that tree.
pub type Statement = ast::Statement;
