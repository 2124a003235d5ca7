//! The rule `FloatLists` lets -0 be 0 in lists: `x IN (0, 5)` and `x = ANY(ARRAY[0, 5])` over floats.
//!
//! Before a plan is optimized, what may be a zero gets `+ 0.0`, which leaves all other floats as they
//! are. A list of other numbers stays as it is, so that files are still chosen by it.
//!
//! DataFusion 55: a list of constants is looked up by the bits of its values. Not needed once `'-0'::float8
//! IN (0, 5)` is true.

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, lit};

/// The function rewrite; it has no state.
#[derive(Debug)]
pub(crate) struct FloatLists;

impl FunctionRewrite for FloatLists {
    fn name(&self) -> &str {
        "zeros in lists"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _config: &ConfigOptions) -> Result<Transformed<Expr>> {
        let Expr::InList(InList { expr, list, negated }) = expr else { return Ok(Transformed::no(expr)) };
        let float =
            |expr: &Expr| expr.get_type(schema).is_ok_and(|of| matches!(of, DataType::Float32 | DataType::Float64));
        let floats = float(&expr) || list.iter().any(float);
        if !floats || list.iter().all(|element| number(element).is_some_and(|number| number != 0.0)) {
            return Ok(Transformed::no(Expr::InList(InList { expr, list, negated })));
        }
        let list = list.into_iter().map(|element| if number(&element).is_some() { element } else { unsigned(element) });
        let list = list.map(zero).collect();
        Ok(Transformed::yes(Expr::InList(InList { expr: Box::new(unsigned(*expr)), list, negated })))
    }
}

/// A number that is written out.
fn number(expr: &Expr) -> Option<f64> {
    let Expr::Literal(value, _) = expr else { return None };
    if !value.data_type().is_numeric() {
        return None;
    }
    match value.cast_to(&DataType::Float64) {
        Ok(ScalarValue::Float64(number)) => number,
        _ => None,
    }
}

/// A zero that is written out, without a sign.
fn zero(expr: Expr) -> Expr {
    match expr {
        Expr::Literal(ScalarValue::Float64(Some(value)), metadata) => {
            Expr::Literal(ScalarValue::Float64(Some(value + 0.0)), metadata)
        }
        Expr::Literal(ScalarValue::Float32(Some(value)), metadata) => {
            Expr::Literal(ScalarValue::Float32(Some(value + 0.0)), metadata)
        }
        other => other,
    }
}

/// A float whose zero has no sign.
fn unsigned(expr: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr { left: Box::new(expr), op: Operator::Plus, right: Box::new(lit(0.0_f64)) })
}
