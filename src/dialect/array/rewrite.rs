//! The rule that puts functions of ours in the place of DataFusion's array functions, which its planner
//! makes of operators, and compares arrays by their order.

use super::function::own;
use super::value::depth;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, lit};

/// The function rewrite; it has no state.
#[derive(Debug)]
pub(crate) struct Arrays;

/// Functions of DataFusion's, and the names of ours.
const REPLACED: &[(&str, &str)] = &[
    ("array_append", "array_append"),
    ("array_concat", "array_cat"),
    ("array_has_all", "array_contains"),
    ("array_has_any", "array_overlaps"),
    ("array_prepend", "array_prepend"),
];

impl FunctionRewrite for Arrays {
    fn name(&self) -> &str {
        "arrays"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        match expr {
            Expr::ScalarFunction(call) => {
                let replaced = REPLACED.iter().find(|(name, _)| *name == call.func.name());
                match replaced.and_then(|(_, name)| own(name)).filter(|own| **own != call.func) {
                    Some(own) => {
                        let call = ScalarFunction { func: own.clone(), args: call.args };
                        Ok(Transformed::yes(Expr::ScalarFunction(call)))
                    }
                    None => Ok(Transformed::no(Expr::ScalarFunction(call))),
                }
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if compares(op) => {
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
            other => Ok(Transformed::no(other)),
        }
    }
}

/// Whether an operator compares, and is not one that joins by hash look for.
fn compares(op: Operator) -> bool {
    matches!(op, Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq | Operator::NotEq)
}
