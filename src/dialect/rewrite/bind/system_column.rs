//! The binder of the columns that every table has without declaring them: `ctid`, `tableoid`, and the transactions of a
//! row, `xmin` and its like.
//!
//! `ctid` numbers the rows in the order of the table's key. So a statement that names it reads each table that has one
//! as a query with a further column; all other statements are left as they are.
//!
//! DataFusion 55: a table has the columns that it declares. Not needed once a provider can have columns that `*` leaves
//! out.

use super::super::build::{call, cast};
use super::binder::{Binder, MARK};
use super::scope::{Output, Relation, ambiguous, quoted};
use crate::dialect::parse::tree::fold;
use crate::dialect::parse::walk::Walk;
use crate::error::QueryError;
use datafusion::sql::sqlparser::ast::{
    DataType, Expr, Ident, ObjectName, SelectItem, TableFactor, Value, Visit, Visitor,
};
use std::ops::ControlFlow;

/// The transaction that PostgreSQL writes where a row was there before all that run.
const FROZEN: u32 = 2;

/// Whether a name is that of a column that tables have without declaring it.
pub(super) fn is_system(column: &str) -> bool {
    matches!(column, "ctid" | "tableoid" | "xmin" | "cmin" | "xmax" | "cmax")
}

/// Whether a statement names `ctid` anywhere.
pub(super) fn names_addresses<T: Visit>(statement: &T) -> bool {
    struct Search;
    impl Visitor for Search {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            let named = match expr {
                Expr::Identifier(name) => fold(name) == "ctid",
                Expr::CompoundIdentifier(parts) => parts.last().is_some_and(|name| fold(name) == "ctid"),
                _ => false,
            };
            if named { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }
    statement.walk(&mut Search).is_break()
}

/// The name of the column of addresses inside, which no statement can write.
fn address() -> Output {
    Output { name: "ctid".to_owned(), inner: format!("ctid{MARK}") }
}

impl Relation {
    /// The value of a system column in the rows of this table; `None` when it has none.
    fn system_column(&self, column: &str) -> Option<Expr> {
        let number = |number: u32| {
            let number = Expr::Value(Value::Number(number.to_string(), false).into());
            cast(number, DataType::Custom(ObjectName::from(vec![Ident::new("oid")]), Vec::new()))
        };
        match column {
            "ctid" if self.addressed => Some(self.qualified(&address())),
            "ctid" => None,
            "tableoid" => self.oid.map(number),
            "xmin" if self.oid.is_some() => Some(number(FROZEN)),
            "xmax" | "cmin" | "cmax" if self.oid.is_some() => Some(number(0)),
            _ => None,
        }
    }
}

impl Binder<'_> {
    /// The value of a system column by its name alone, of the innermost query that has one table with it.
    ///
    /// # Errors
    /// 42702 where several tables have it.
    pub(super) fn bare_system(&self, column: &str) -> Result<Option<Expr>, QueryError> {
        if !is_system(column) {
            return Ok(None);
        }
        for scope in self.scopes.iter().rev() {
            let mut found = scope.relations.iter().filter_map(|relation| relation.system_column(column));
            match (found.next(), found.next()) {
                (Some(only), None) => return Ok(Some(only)),
                (Some(_), Some(_)) => return Err(ambiguous(column)),
                (None, _) => {}
            }
        }
        Ok(None)
    }

    /// The value of `relation.column`, where the column is a system column of a table.
    pub(super) fn qualified_system(relation: &Relation, column: &str) -> Option<Expr> {
        if is_system(column) { relation.system_column(column) } else { None }
    }

    /// Gives a table of FROM its addresses: the table becomes a query of all its columns, with `ctid` behind them.
    pub(super) fn addressed(&self, factor: &mut TableFactor, relation: &mut Relation) {
        let TableFactor::Table { alias, .. } = &mut *factor else { return };
        if !self.addresses || relation.key.is_empty() || relation.columns.is_none() {
            return;
        }
        let mut outer = alias.take().unwrap_or_else(|| super::from::named(&relation.name));
        if !outer.columns.is_empty() {
            outer.columns.push(datafusion::sql::sqlparser::ast::TableAliasColumnDef {
                name: quoted(&address().inner),
                data_type: None,
            });
        }
        let keys: Vec<String> = relation.key.iter().map(|column| quoted(column).to_string()).collect();
        let Some(number) =
            super::super::build::expression(&format!("row_number() OVER (ORDER BY {})", keys.join(", ")))
        else {
            return;
        };
        let table = std::mem::replace(factor, super::from::empty_table());
        let subquery = super::sample::all_rows_of(table, |select| {
            let expr = call("row_address", vec![number]);
            select.projection.push(SelectItem::ExprWithAlias { expr, alias: quoted(&address().inner) });
        });
        *factor = TableFactor::Derived { lateral: false, subquery, alias: Some(outer), sample: None };
        relation.addressed = true;
    }
}
