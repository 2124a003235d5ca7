//! The scopes tell the rewrite rules what a name stands for at the current point of the walk: a query
//! of WITH, or a catalog table under its alias.

use crate::dialect::catalog::definition;
use crate::dialect::parse::tree::fold;
use datafusion::sql::sqlparser::ast::{Expr, ObjectName};

/// What the queries around the point of the walk define, innermost last.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    /// The names that WITH gives, folded, one list for each query around.
    pub(super) names: Vec<Vec<String>>,
    /// The catalog tables of each SELECT around, under the names they have there.
    pub(super) tables: Vec<Vec<(String, &'static definition::Definition)>>,
}

impl Scopes {
    /// Whether WITH gives this folded name, so that it is no table of the catalog or the search path.
    pub(super) fn shadows(&self, table: &str) -> bool {
        self.names.iter().flatten().any(|name| name == table)
    }

    /// Whether a qualified expression is that column of that catalog table, by the alias the table
    /// has around here. Unqualified columns are never recognised.
    pub(super) fn is_column(&self, expr: &Expr, table: &str, column: &str) -> bool {
        let Expr::CompoundIdentifier(parts) = expr else { return false };
        let [of, name] = parts.as_slice() else { return false };
        let of = fold(of);
        let found = self.tables.iter().rev().flatten().find(|(known, _)| *known == of);
        fold(name) == column && found.is_some_and(|(_, definition)| definition.name == table)
    }

    /// The catalog table a name stands for: `pg_class` unless WITH shadows it, `pg_catalog.pg_class`,
    /// `tt.pg_catalog.pg_class`; `None` for every other name.
    pub(super) fn catalog_table(&self, name: &ObjectName) -> Option<&'static definition::Definition> {
        let parts: Vec<String> = name.0.iter().filter_map(|part| part.as_ident().map(fold)).collect();
        match parts.as_slice() {
            [table] if !self.shadows(table) => definition::find(table),
            [schema, table] | [_, schema, table] if schema == "pg_catalog" => definition::find(table),
            _ => None,
        }
    }
}
