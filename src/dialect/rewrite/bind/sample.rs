//! The binder of TABLESAMPLE: a table that is sampled becomes a query that draws for each of its rows.
//!
//! SYSTEM draws for each row too, since a block of rows that is taken or left as a whole says less of a table that is
//! sorted by symbol. REPEATABLE draws by the row's text and the seed, so that the same rows come from the same version.
//!
//! DataFusion 55: the SQL planner passes over TABLESAMPLE. Not needed once `SELECT count(*) FROM eod TABLESAMPLE
//! SYSTEM (0)` is 0.

use super::super::build::{self, call, cast};
use super::binder::Binder;
use crate::dialect::parse::tree::fold;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    DataType, Expr, Ident, ObjectName, SetExpr, TableAlias, TableFactor, TableSample, TableSampleKind, TableWithJoins,
};

impl Binder<'_> {
    /// Replaces a table with TABLESAMPLE by a query of its rows; leaves every other factor as it is.
    ///
    /// # Errors
    /// 42809 for what is no table.
    pub(super) fn sample(&self, factor: &mut TableFactor) -> Result<(), QueryError> {
        let TableFactor::Table { name, alias, args: None, sample: sample @ Some(_), .. } = &mut *factor else {
            return Ok(());
        };
        let (Some(TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample)), Some(own)) =
            (sample.take(), name.0.last().and_then(|part| part.as_ident()).cloned())
        else {
            return Ok(());
        };
        if self.is_stored(name) == Some(false) {
            let message = "TABLESAMPLE clause can only be applied to tables and materialized views";
            return Err(QueryError::new(ErrorKind::WrongObject, message));
        }
        let alias = alias.take().unwrap_or_else(|| super::from::named(&fold(&own)));
        let row = TableAlias { columns: Vec::new(), ..alias.clone() };
        let table = std::mem::replace(factor, super::from::empty_table());
        *factor = drawn(table, *sample, row, alias);
        Ok(())
    }

    /// Whether a name is that of a table whose rows are stored, and not of a view or a query of WITH; `None` where nothing
    /// has the name, which the planner tells.
    pub(super) fn is_stored(&self, name: &ObjectName) -> Option<bool> {
        let parts: Vec<Ident> = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
        let own = parts.last().map(fold)?;
        if parts.len() == 1 && self.ctes.iter().any(|cte| cte.name == own) {
            return Some(false);
        }
        let place = match parts.as_slice() {
            [.., schema, _] => fold(schema),
            _ => (self.place)(&own).unwrap_or_else(|| "public".to_owned()),
        };
        self.relations.get(&(place, own)).map(|known| known.stored)
    }
}

/// `(SELECT * FROM table AS row WHERE sampled(draw, percent)) AS alias`.
fn drawn(mut table: TableFactor, sample: TableSample, row: TableAlias, alias: TableAlias) -> TableFactor {
    let draw = match sample.seed {
        None => call("random", Vec::new()),
        Some(seed) => {
            let row = cast(Expr::Identifier(row.name.clone()), DataType::Text);
            call("sample_draw", vec![row, cast(Expr::Value(seed.value), DataType::DoublePrecision)])
        }
    };
    let percent = sample.quantity.map_or_else(build::null, |quantity| quantity.value);
    let condition = call("sampled", vec![draw, cast(percent, DataType::DoublePrecision)]);
    if let TableFactor::Table { alias, .. } = &mut table {
        *alias = Some(row);
    }
    let subquery = all_rows_of(table, |select| select.selection = Some(condition));
    TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None }
}

/// `SELECT * FROM table`, changed by `change`.
pub(super) fn all_rows_of(
    table: TableFactor,
    change: impl FnOnce(&mut datafusion::sql::sqlparser::ast::Select),
) -> Box<datafusion::sql::sqlparser::ast::Query> {
    let mut query = build::query("SELECT * FROM one").unwrap_or_else(super::expression::no_query);
    if let SetExpr::Select(select) = query.body.as_mut() {
        select.from = vec![TableWithJoins { relation: table, joins: Vec::new() }];
        change(select);
    }
    Box::new(query)
}
