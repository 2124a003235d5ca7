//! What calls of market SQL's aggregates and window functions may have beside their arguments.

use super::aggregate::{Aggregate, Distinct};
use super::indicator::Indicator;
use super::performance::MaxDrawdown;
use crate::dialect::moment::fault::{external, not_supported};
use crate::error::{ErrorKind, QueryError};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::{AggregateFunctionParams, WindowFunctionParams};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    AggregateUDF, Expr, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
};

/// The function rewrite that checks them; it has no state.
#[derive(Debug)]
pub(super) struct Calls;

impl FunctionRewrite for Calls {
    fn name(&self) -> &str {
        "calls of market SQL"
    }

    fn rewrite(&self, expr: Expr, _: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        match expr {
            Expr::AggregateFunction(mut call) => {
                let AggregateFunctionParams { distinct, order_by, .. } = &mut call.params;
                if MaxDrawdown::is(&call.func) && order_by.is_empty() {
                    let message = "max_drawdown requires an ORDER BY: max_drawdown(value ORDER BY time)";
                    return Err(external(QueryError::new(ErrorKind::WrongObject, message)));
                }
                let changed = told_apart(&call.func, distinct)?;
                Ok(Transformed::new_transformed(Expr::AggregateFunction(call), changed))
            }
            Expr::WindowFunction(mut call) => {
                let changed = match &call.fun {
                    WindowFunctionDefinition::AggregateUDF(function) => {
                        if MaxDrawdown::is(function) && call.params.order_by.is_empty() {
                            return Err(windowing("max_drawdown"));
                        }
                        told_apart(function, &mut call.params.distinct)?
                    }
                    WindowFunctionDefinition::WindowUDF(function) => {
                        if let Some(name) = Indicator::name_of(function) {
                            check(name, &call.params)?;
                        }
                        false
                    }
                };
                Ok(Transformed::new_transformed(Expr::WindowFunction(call), changed))
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

/// Takes DISTINCT away where it changes nothing; whether it was there.
fn told_apart(function: &AggregateUDF, distinct: &mut bool) -> Result<bool> {
    let Some(declared) = Aggregate::of(function).filter(|_| *distinct) else { return Ok(false) };
    match declared.distinct {
        Distinct::Same => {
            *distinct = false;
            Ok(true)
        }
        Distinct::Refused => Err(not_supported(format!("{}(DISTINCT) is not supported", declared.name))),
    }
}

/// Checks the window of an indicator.
fn check(name: &str, params: &WindowFunctionParams) -> Result<()> {
    if params.distinct {
        return Err(not_supported("DISTINCT is not implemented for window functions".to_owned()));
    }
    if params.filter.is_some() {
        return Err(not_supported("FILTER is not implemented for non-aggregate window functions".to_owned()));
    }
    if params.null_treatment.is_some() {
        return Err(not_supported(format!("{name} with IGNORE NULLS or RESPECT NULLS is not supported")));
    }
    if params.order_by.is_empty() {
        return Err(windowing(name));
    }
    if !is_usual(&params.window_frame) {
        let message = format!("{name} over a frame is not supported: it reads all rows up to the current one");
        return Err(not_supported(message));
    }
    Ok(())
}

/// Whether a frame is the one of a window that names none.
fn is_usual(frame: &WindowFrame) -> bool {
    let begins = matches!(&frame.start_bound, WindowFrameBound::Preceding(rows) if rows.is_null());
    let peers = matches!(frame.units, WindowFrameUnits::Range | WindowFrameUnits::Groups);
    peers && begins && frame.end_bound == WindowFrameBound::CurrentRow
}

/// 42P20: a window without an order.
fn windowing(name: &str) -> DataFusionError {
    external(QueryError::new(ErrorKind::Windowing, format!("window function {name} requires a window with ORDER BY")))
}
