//! Casts to text give PostgreSQL's text: `2026-11-26 09:30:00-05`, `1e+15`, `1 day 02:00:00`, `{a,"b c"}`; so do `||` and
//! `concat`.
//!
//! The engine below writes such values its own way. Before a plan is optimised, their casts are replaced by a function.

use crate::text::column;
use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, plan_err};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, cast,
};
use std::sync::{Arc, LazyLock};

/// The rule.
#[derive(Debug)]
pub(super) struct ToText;

/// Functions that make texts of whatever they are given.
const JOINING: [&str; 3] = ["concat", "concat_ws", "format"];

impl FunctionRewrite for ToText {
    fn name(&self) -> &str {
        "PostgreSQL's texts"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, config: &ConfigOptions) -> Result<Transformed<Expr>> {
        let zone = config.execution.time_zone.as_deref().unwrap_or("UTC");
        let text = |expr: Expr| match kind(&expr.get_type(schema).unwrap_or(DataType::Null), zone) {
            Some(kind) => {
                let args = vec![cast(expr, kind)];
                Transformed::yes(Expr::ScalarFunction(ScalarFunction { func: TO_TEXT.clone(), args }))
            }
            None => Transformed::no(expr),
        };
        let is_text = |data_type: &DataType| matches!(data_type, DataType::Utf8 | DataType::Utf8View);
        Ok(match expr {
            Expr::Cast(Cast { expr: inner, field }) if is_text(field.data_type()) => {
                let told = text(*inner);
                match told.transformed {
                    true => told,
                    false => Transformed::no(Expr::Cast(Cast { expr: Box::new(told.data), field })),
                }
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right }) => {
                // A list is joined to a list, not its text to a text.
                let part = |expr: Expr| match expr.get_type(schema) {
                    Ok(DataType::List(_)) => Transformed::no(expr),
                    _ => text(expr),
                };
                let (left, right) = (part(*left), part(*right));
                let changed = left.transformed || right.transformed;
                let (left, right) = (Box::new(left.data), Box::new(right.data));
                let joined = Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right });
                Transformed::new_transformed(joined, changed)
            }
            Expr::ScalarFunction(mut call) if JOINING.contains(&call.func.name()) => {
                let args: Vec<_> = std::mem::take(&mut call.args).into_iter().map(text).collect();
                let changed = args.iter().any(|arg| arg.transformed);
                call.args = args.into_iter().map(|arg| arg.data).collect();
                Transformed::new_transformed(Expr::ScalarFunction(call), changed)
            }
            other => Transformed::no(other),
        })
    }
}

/// The type as which a value's text is written; `None` leaves it to the engine.
fn kind(data_type: &DataType, zone: &str) -> Option<DataType> {
    Some(match data_type {
        DataType::Float32 | DataType::Float64 => data_type.clone(),
        DataType::Float16 => DataType::Float32,
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(_, Some(_)) => DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into())),
        DataType::Date32 => DataType::Date32,
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::Interval(_) | DataType::Duration(_) => DataType::Interval(IntervalUnit::MonthDayNano),
        DataType::List(element) if !element.data_type().is_nested() => {
            let of = kind(element.data_type(), zone).unwrap_or_else(|| element.data_type().clone());
            DataType::List(Arc::new(element.as_ref().clone().with_data_type(of)))
        }
        _ => return None,
    })
}

static TO_TEXT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(Text::default())));

/// A value as text.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Text {
    signature: Signature,
}

impl Default for Text {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Text {
    fn name(&self) -> &str {
        "to_text"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = arguments.args.as_slice() else { return plan_err!("to_text takes one value") };
        let texts = column::texts(&value.to_array(arguments.number_rows)?)?;
        Ok(ColumnarValue::Array(texts))
    }
}
