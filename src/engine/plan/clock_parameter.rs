//! `now()` as one more parameter, behind those of the client: a plan that reads the clock is optimised once, as others are,
//! and each execution gives it the moment of its transaction.
//!
//! DataFusion 55: the optimiser itself calls `now()` and writes its value into the plan. Not needed once it leaves the call to
//! the execution.

use arrow::datatypes::{DataType, Field, TimeUnit};
use chrono::{DateTime, Utc};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan};
use std::sync::Arc;

/// A plan whose `now()` is a parameter, and the type that this has.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) plan: LogicalPlan,
    data_type: DataType,
}

/// The plan with the parameter of this place, counted from 0, for `now()`; `None` where it does not read the clock.
///
/// # Errors
/// A plan that cannot be put together again.
pub(super) fn opened(plan: &LogicalPlan, place: usize) -> Result<Option<Opened>> {
    let mut data_type = None;
    let opened = plan.clone().transform_up_with_subqueries(|node| {
        let names = NamePreserver::new(&node);
        let schema = node.schema().clone();
        let changed = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let changed = expr.transform_up(|part| {
                let Expr::ScalarFunction(call) = &part else { return Ok(Transformed::no(part)) };
                if call.func.name() != "now" || !call.args.is_empty() {
                    return Ok(Transformed::no(part));
                }
                let of = part.get_type(schema.as_ref())?;
                data_type = Some(of.clone());
                let field = Some(Arc::new(Field::new("now", of, true)));
                Ok(Transformed::yes(Expr::Placeholder(Placeholder { id: format!("${}", place + 1), field })))
            })?;
            Ok(changed.update_data(|expr| name.restore(expr)))
        })?;
        if changed.transformed { changed.map_data(LogicalPlan::recompute_schema) } else { Ok(changed) }
    })?;
    Ok(data_type.map(|data_type| Opened { plan: opened.data, data_type }))
}

impl Opened {
    /// A moment as a value of the parameter; `None` for types that no moment has, and for moments that the type does not
    /// have.
    pub(super) fn value(&self, moment: DateTime<Utc>) -> Option<ScalarValue> {
        match &self.data_type {
            DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
                Some(ScalarValue::TimestampNanosecond(Some(moment.timestamp_nanos_opt()?), zone.clone()))
            }
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                Some(ScalarValue::TimestampMicrosecond(Some(moment.timestamp_micros()), zone.clone()))
            }
            _ => None,
        }
    }
}
