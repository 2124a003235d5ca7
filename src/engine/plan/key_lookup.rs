//! Lookups: `SELECT columns FROM table WHERE key = $1` over a table that finds rows by that key. Seen when the
//! statement is planned, answered without optimiser, physical plan or another thread.

use crate::table::context::QueryContext;
use crate::table::live::keyed;
use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use datafusion::datasource::source_as_provider;
use datafusion::error::Result;
use datafusion::logical_expr::{BinaryExpr, Expr, FetchType, Limit, LogicalPlan, Operator, SkipType};
use std::sync::Arc;

/// A statement that is one lookup.
#[derive(Debug)]
pub(crate) struct KeyLookup {
    table: Arc<dyn TableProvider>,
    /// Places of the result's columns in the table's schema.
    columns: Vec<usize>,
    key: Key,
}

/// Where the key comes from.
#[derive(Debug, PartialEq, Eq)]
enum Key {
    /// From the statement; no row has the key NULL.
    Given(Option<String>),
    /// From the parameter of this place, counted from 0.
    Parameter(usize),
}

impl KeyLookup {
    /// The lookup that a plan is, if it is nothing else: columns of a row, under whatever name.
    pub(crate) fn of(plan: &LogicalPlan) -> Option<Self> {
        let plan = match plan {
            LogicalPlan::Limit(limit) if leaves_one_row(limit) => limit.input.as_ref(),
            other => other,
        };
        let LogicalPlan::Projection(projection) = plan else { return None };
        let LogicalPlan::Filter(filter) = projection.input.as_ref() else { return None };
        let mut source = filter.input.as_ref();
        while let LogicalPlan::SubqueryAlias(alias) = source {
            source = alias.input.as_ref();
        }
        let LogicalPlan::TableScan(scan) = source else { return None };
        if scan.projection.is_some() || !scan.filters.is_empty() || scan.fetch.is_some() {
            return None;
        }
        let table = source_as_provider(&scan.source).ok()?;
        let key = key(&filter.predicate, keyed(table.as_ref())?.key())?;
        let schema = table.schema();
        let columns = projection.expr.iter().map(|expr| place(expr, &schema)).collect::<Option<_>>()?;
        Some(Self { table, columns, key })
    }

    /// The row, or none; nothing at all when the value of the parameter is not of the key's type.
    pub(crate) async fn row(&self, context: &QueryContext, values: &[ScalarValue]) -> Option<Result<RecordBatch>> {
        let key = match &self.key {
            Key::Given(key) => key.as_deref(),
            Key::Parameter(place) => text(values.get(*place)?)?,
        };
        let table = keyed(self.table.as_ref())?;
        Some(match key {
            Some(key) => table.row(context, key, &self.columns).await,
            // Nothing equals NULL, but a table that may not be read says so.
            None => table.row(context, "", &self.columns).await.map(|row| row.slice(0, 0)),
        })
    }
}

/// A limit that a single row is within.
fn leaves_one_row(limit: &Limit) -> bool {
    let skips_none = matches!(limit.get_skip_type(), Ok(SkipType::Literal(0)));
    skips_none && matches!(limit.get_fetch_type(), Ok(FetchType::Literal(Some(1..))))
}

/// The place of a column that is given as it is.
fn place(expr: &Expr, schema: &Schema) -> Option<usize> {
    match expr {
        Expr::Column(column) => schema.index_of(&column.name).ok(),
        Expr::Alias(alias) => place(&alias.expr, schema),
        _ => None,
    }
}

/// The key that a filter asks for, when it asks for nothing else.
fn key(filter: &Expr, name: &str) -> Option<Key> {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = filter else { return None };
    let is_key = |expr: &Expr| matches!(expr, Expr::Column(column) if column.name == name);
    let value = match (left.as_ref(), right.as_ref()) {
        (column, value) | (value, column) if is_key(column) => value,
        _ => return None,
    };
    match value {
        Expr::Literal(value, _) => Some(Key::Given(text(value)?.map(str::to_owned))),
        Expr::Placeholder(placeholder) => {
            let is_text = |field: &arrow::datatypes::FieldRef| *field.data_type() == DataType::Utf8;
            let number = placeholder.id.strip_prefix('$')?.parse::<usize>().ok()?;
            placeholder.field.as_ref().filter(|field| is_text(field))?;
            number.checked_sub(1).map(Key::Parameter)
        }
        _ => None,
    }
}

/// A text, which may be NULL; nothing when it is not a text.
fn text(value: &ScalarValue) -> Option<Option<&str>> {
    match value {
        ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text) => Some(text.as_deref()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Live;
    use crate::table::live::latest_tables;
    use datafusion::prelude::SessionContext;

    async fn lookup(sql: &str) -> Option<(Vec<usize>, Key)> {
        let context = SessionContext::new();
        for (name, table) in latest_tables(&Live::new(16)) {
            context.register_table(name, table).unwrap();
        }
        let plan = context.state().create_logical_plan(sql).await.unwrap();
        KeyLookup::of(&plan).map(|lookup| (lookup.columns, lookup.key))
    }

    #[tokio::test]
    async fn columns_of_one_symbol_are_a_lookup() {
        let parameter = |number| Key::Parameter(number);
        let given = |text: &str| Key::Given(Some(text.to_owned()));
        assert_eq!(lookup("SELECT bid, symbol FROM quotes WHERE symbol = $1").await, Some((vec![1, 0], parameter(0))));
        assert_eq!(
            lookup("SELECT q.bid AS b FROM quotes AS q WHERE 'A' = q.symbol").await,
            Some((vec![1], given("A")))
        );
        assert_eq!(lookup("SELECT price FROM trades WHERE symbol = $2 LIMIT 1").await, Some((vec![1], parameter(1))));
        assert_eq!(lookup("SELECT * FROM greeks WHERE symbol = 'A'").await.unwrap().0, (0..13).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn anything_more_is_a_plan() {
        for sql in [
            "SELECT bid FROM quotes",
            "SELECT bid + 1 FROM quotes WHERE symbol = $1",
            "SELECT bid FROM quotes WHERE symbol <> $1",
            "SELECT bid FROM quotes WHERE symbol = $1 AND bid > 1",
            "SELECT bid FROM quotes WHERE bid = 1",
            "SELECT bid FROM quotes WHERE symbol = lower($1)",
            "SELECT bid FROM quotes WHERE symbol = $1 LIMIT 0",
            "SELECT bid FROM quotes WHERE symbol = $1 LIMIT 1 OFFSET 1",
            "SELECT DISTINCT bid FROM quotes WHERE symbol = $1",
            "SELECT max(bid) FROM quotes WHERE symbol = $1",
            "SELECT bid FROM (SELECT symbol, bid * 2 AS bid FROM quotes) AS q WHERE symbol = $1",
            "SELECT q.bid FROM quotes q JOIN trades t ON t.symbol = q.symbol WHERE q.symbol = $1",
        ] {
            assert_eq!(lookup(sql).await, None, "{sql}");
        }
    }
}
