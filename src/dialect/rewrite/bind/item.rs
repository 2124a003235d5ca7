//! A column of a list, between the text and the plan.

use crate::dialect::parse::tree::fold;
use datafusion::sql::sqlparser::ast::{Expr, Ident};

/// A column of a list while its SELECT is bound.
pub(super) struct Item {
    /// The name PostgreSQL gives it.
    pub(super) name: String,
    /// Its value, with bound names.
    pub(super) expr: Expr,
    /// The name it has in the text; `None` without one.
    pub(super) alias: Option<Ident>,
    /// Whether its name is derived from what it computes.
    pub(super) derived: bool,
}

impl Item {
    /// Whether it is a column of a table under its own name.
    pub(super) fn is_column(&self) -> bool {
        match &self.expr {
            Expr::Identifier(name) => fold(name) == self.name,
            Expr::CompoundIdentifier(parts) => parts.last().is_some_and(|name| fold(name) == self.name),
            _ => false,
        }
    }
}
