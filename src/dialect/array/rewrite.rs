//! The rule that puts functions of ours in the place of DataFusion's array functions, which its planner
//! makes of operators, and compares arrays by their order.

use super::function::own;
use super::value::{base, depth};
use crate::text::array::VECTOR;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::functions_nested::array_has::{ArrayHasAll, ArrayHasAny};
use datafusion::functions_nested::concat::{ArrayAppend, ArrayConcat, ArrayPrepend};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, Operator, lit};
use std::any::Any;

/// The function rewrite; it has no state.
#[derive(Debug)]
pub(crate) struct Arrays;

/// The name of ours that a function of DataFusion's stands for; its planner makes them of operators.
fn of_operator(call: &ScalarFunction) -> Option<&'static str> {
    let function: &dyn Any = call.func.inner().as_ref();
    if function.is::<ArrayAppend>() {
        Some("array_append")
    } else if function.is::<ArrayPrepend>() {
        Some("array_prepend")
    } else if function.is::<ArrayConcat>() {
        Some("array_cat")
    } else if function.is::<ArrayHasAll>() {
        Some("array_contains")
    } else if function.is::<ArrayHasAny>() {
        Some("array_overlaps")
    } else {
        None
    }
}

impl FunctionRewrite for Arrays {
    fn name(&self) -> &str {
        "arrays"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        match expr {
            Expr::ScalarFunction(call) => {
                let of_arrays = |arg: &Expr| arg.get_type(schema).is_ok_and(|of| depth(&of) > 0);
                if call.func.name() == "make_array"
                    && call.args.iter().any(of_arrays)
                    && let Some(whole) = own("array_whole")
                {
                    return Ok(Transformed::yes(whole.call(vec![Expr::ScalarFunction(call)])));
                }
                match of_operator(&call).and_then(own) {
                    Some(own) => {
                        let call = ScalarFunction { func: own.clone(), args: call.args };
                        Ok(Transformed::yes(Expr::ScalarFunction(call)))
                    }
                    None => Ok(Transformed::no(Expr::ScalarFunction(call))),
                }
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right })
                if compares(op) || (op == Operator::Eq && is_of_floats(&left, schema)) =>
            {
                let lists = |side: &Expr| side.get_type(schema).is_ok_and(|of| depth(&of) > 0);
                let known = |side: &Expr| side.get_type(schema).is_ok_and(|of| of != DataType::Null);
                match own("array_order").filter(|_| lists(&left) && lists(&right) && known(&left)) {
                    Some(own) => {
                        let order = ScalarFunction { func: own.clone(), args: vec![*left, *right] };
                        let zero = Box::new(lit(0_i32));
                        let left = Box::new(Expr::ScalarFunction(order));
                        Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right: zero })))
                    }
                    None => Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))),
                }
            }
            Expr::Cast(Cast { expr, field }) if matches!(field.data_type(), DataType::List(of) if of.name() != VECTOR) => {
                match own("array_texts").filter(|_| expr.get_type(schema).is_ok_and(|of| of.is_string())) {
                    Some(own) => {
                        let texts = Expr::ScalarFunction(ScalarFunction { func: own.clone(), args: vec![*expr] });
                        Ok(Transformed::yes(Expr::Cast(Cast { expr: Box::new(texts), field })))
                    }
                    None => Ok(Transformed::no(Expr::Cast(Cast { expr, field }))),
                }
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

/// Whether an expression is an array of doubles or reals, whose `-0` equals `0`.
fn is_of_floats(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|of| depth(&of) > 0 && base(&of).is_floating())
}

/// Whether an operator compares, and is not one that joins by hash look for.
fn compares(op: Operator) -> bool {
    matches!(op, Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq | Operator::NotEq)
}
