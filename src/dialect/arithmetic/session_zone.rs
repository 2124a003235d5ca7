//! The rule `SessionZone` takes instants apart in the session's time zone: `date_trunc`, `extract`,
//! `to_char`, and casts to dates, times and texts.
//!
//! Columns hold instants in UTC. Where the session's zone is another, they are cast to it before they
//! are taken apart; `date_trunc` casts its result back, so that it stays comparable with the column.
//!
//! DataFusion 55: these functions use the zone of the value's Arrow type, which is that of the
//! column, and `SET TimeZone` changes new values such as `now()` alone. Not needed once
//! `date_trunc('day', at)` follows `datafusion.execution.time_zone`: `postgres_language.slt` sets a
//! zone and shows it.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{Expr, ExprSchemable, cast};

/// The function rewrite, which does nothing while the session's zone is UTC.
#[derive(Debug)]
pub(crate) struct SessionZone;

impl FunctionRewrite for SessionZone {
    fn name(&self) -> &str {
        "instants in the session's zone"
    }

    /// Moves the instant of one call or cast to the session's zone, where its type has another. The
    /// instant is the second argument of `date_trunc` and `date_part`, the first of `to_char`.
    fn rewrite(&self, expr: Expr, schema: &DFSchema, config: &ConfigOptions) -> Result<Transformed<Expr>> {
        let Some(zone) = config.execution.time_zone.as_deref().filter(|zone| *zone != "UTC") else {
            return Ok(Transformed::no(expr));
        };
        let elsewhere = |expr: &Expr| match expr.get_type(schema) {
            Ok(DataType::Timestamp(unit, Some(given))) if *given != *zone => Some((unit, given)),
            _ => None,
        };
        let moved = |expr: Expr, unit: TimeUnit| cast(expr, DataType::Timestamp(unit, Some(zone.into())));
        match expr {
            Expr::ScalarFunction(mut call) if matches!(call.func.name(), "date_trunc" | "date_part" | "to_char") => {
                let place = usize::from(call.func.name() != "to_char");
                let Some((unit, given)) = call.args.get(place).and_then(elsewhere) else {
                    return Ok(Transformed::no(Expr::ScalarFunction(call)));
                };
                let instant = std::mem::take(&mut call.args[place]);
                call.args[place] = moved(instant, unit);
                let truncates = call.func.name() == "date_trunc";
                let found = Expr::ScalarFunction(call);
                let back = DataType::Timestamp(unit, Some(given));
                Ok(Transformed::yes(if truncates { cast(found, back) } else { found }))
            }
            Expr::Cast(Cast { expr: inner, field }) => {
                let plain = matches!(
                    field.data_type(),
                    DataType::Date32
                        | DataType::Time32(_)
                        | DataType::Time64(_)
                        | DataType::Timestamp(_, None)
                        | DataType::Utf8
                        | DataType::Utf8View
                );
                match elsewhere(&inner).filter(|_| plain) {
                    Some((unit, _)) => {
                        let inner = Box::new(moved(*inner, unit));
                        Ok(Transformed::yes(Expr::Cast(Cast { expr: inner, field })))
                    }
                    None => Ok(Transformed::no(Expr::Cast(Cast { expr: inner, field }))),
                }
            }
            other => Ok(Transformed::no(other)),
        }
    }
}
