//! The analyzer rule `Casts` gives casts between texts, dates, times, moments and spans PostgreSQL's meaning.
//!
//! It runs after type coercion, so that it sees the casts that a statement writes and those that DataFusion puts in. A
//! text that is written out becomes a literal, by which scans can prune; everything else becomes a call of
//! `super::convert`.

use super::convert::{Source, convert, exists, read};
use super::types::Kind;
use crate::clock::Clock;
use crate::dialect::schema::map_under_names;
use crate::text::datetime::Context;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, cast};
use datafusion::optimizer::AnalyzerRule;

/// The analyzer rule; it has no state.
#[derive(Debug)]
pub(crate) struct Casts;

impl AnalyzerRule for Casts {
    fn name(&self) -> &str {
        "casts_of_moments"
    }

    /// Replaces such casts throughout a plan and its subqueries.
    ///
    /// # Errors
    /// That of a text that does not read.
    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        let style = super::session_style::of(config);
        let now_us = Clock::System.now().timestamp_micros();
        let context = Context { zone: &style.zone, spans: style.spans, now_us };
        let plan = plan.transform_up_with_subqueries(|node| {
            if !has_casts(&node)? {
                return Ok(Transformed::no(node));
            }
            let mut schema = merge_schema(&node.inputs());
            if let LogicalPlan::TableScan(scan) = &node {
                let of_table = DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?;
                schema.merge(&of_table);
            }
            // Columns keep the names that other nodes know them by.
            map_under_names(node, |expr| expr.transform_up(|expr| replaced(expr, &schema, context)))
        });
        Ok(plan?.data)
    }
}

/// Whether a node has a cast to a kind of time.
fn has_casts(node: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    node.apply_expressions(|expr| {
        found |=
            expr.exists(|expr| Ok(matches!(expr, Expr::Cast(cast) if Kind::of(cast.field.data_type()).is_some())))?;
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// One cast in PostgreSQL's meaning; every other expression as it is.
fn replaced(expr: Expr, schema: &DFSchema, context: Context<'_>) -> Result<Transformed<Expr>> {
    let Expr::Cast(Cast { expr: inner, field }) = &expr else { return Ok(Transformed::no(expr)) };
    let Some(to) = Kind::of(field.data_type()) else { return Ok(Transformed::no(expr)) };
    // The field's own unit, where it is not the one of this server, is a further cast.
    let wanted = |value: Expr| match *field.data_type() == to.data_type()
        || to == Kind::Timestamptz && is_micros(field.data_type())
    {
        true => value,
        false => cast(value, field.data_type().clone()),
    };
    if let Expr::Literal(value, _) = inner.as_ref() {
        if let Some(Some(text)) = value.try_as_str() {
            let literal = read(text, to, context)?;
            return Ok(Transformed::yes(wanted(Expr::Literal(literal, None))));
        }
        if value.is_null() {
            let null = ScalarValue::try_from(field.data_type())?;
            return Ok(Transformed::yes(Expr::Literal(null, None)));
        }
    }
    let Ok(from) = inner.get_type(schema) else { return Ok(Transformed::no(expr)) };
    let from = match &from {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Source::Text,
        from => match Kind::of(from) {
            // Of the same kind it is a change of unit, which Arrow does right.
            Some(kind) if kind != to && exists(kind, to) => Source::Of(kind),
            _ => return Ok(Transformed::no(expr)),
        },
    };
    Ok(Transformed::yes(wanted(convert(inner.as_ref().clone(), from, to))))
}

/// Whether a moment with a zone is in microseconds and in UTC, whatever it calls UTC.
fn is_micros(data_type: &DataType) -> bool {
    *data_type == Kind::Timestamptz.data_type()
}
