//! The tree of a parsed statement is sqlparser's; this file gives it a name, so that extensions need
//! not know the crate.

use datafusion::sql::sqlparser::ast::{self, Ident};

/// A parsed statement: sqlparser's tree of the PostgreSQL dialect, with the statements that
/// extensions add in nodes of that tree.
pub type Statement = ast::Statement;

/// An identifier as the catalog spells it: in lower case unless it is in quotes.
pub(crate) fn fold(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}
