//! The rule `TextCasts` gives casts to text PostgreSQL's text: `2026-11-26 09:30:00-05`, `1e+15`, `1
//! day 02:00:00`, `{a,"b c"}`; so do `||`, `concat`, `concat_ws` and `format`.
//!
//! Before a plan is optimized, the operand of such a cast becomes the argument of the function
//! `to_text`, which writes with the same code (`crate::text`) as the PostgreSQL wire, so that both
//! always agree. Integers, booleans and texts are written alike by both, and stay casts.
//!
//! DataFusion 55: its casts are Arrow's, which write `2026-11-26T09:30:00-05:00`, `1.0`, `1 days 2
//! hours` and `[a, b c]`. Not needed once casts take a format for these types: the texts in
//! `postgres_language.slt` and `postgres_text.rs` tell.

use crate::dialect::array::value::base;
use crate::dialect::moment::session_style;
use crate::dialect::moment::types::TIMESTAMPTZ;
use crate::text::decimal::is_unbound;
use crate::text::{column, json, tid, uuid};
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

/// The function `to_text`: the text of one value of a type that `kind` gives; NULL of NULL.
#[derive(Debug)]
pub(crate) struct TextCasts;

/// Functions that make texts of whatever they are given, so that each argument is written as a cast
/// would.
const JOINING: [&str; 3] = ["concat", "concat_ws", "format"];

impl FunctionRewrite for TextCasts {
    fn name(&self) -> &str {
        "PostgreSQL's texts"
    }

    /// Replaces what one cast, `||` or joining function turns into text. A list beside `||` is left
    /// alone, since it is joined to a list and not its text to a text.
    fn rewrite(&self, expr: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        let written = |expr: Expr, kind: Option<DataType>| match kind {
            Some(kind) => {
                let expr = if expr.get_type(schema).is_ok_and(|own| own == kind) { expr } else { cast(expr, kind) };
                Transformed::yes(Expr::ScalarFunction(ScalarFunction { func: TO_TEXT.clone(), args: vec![expr] }))
            }
            None => Transformed::no(expr),
        };
        let type_of = |expr: &Expr| expr.get_type(schema).unwrap_or(DataType::Null);
        let text = |expr: Expr| {
            let kind = kind(&type_of(&expr));
            written(expr, kind)
        };
        // As output functions write it: a boolean is one letter.
        let output = |expr: Expr| match type_of(&expr) {
            DataType::Boolean => written(expr, Some(DataType::Boolean)),
            _ => text(expr),
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
                // A list is joined to a list, and bytes to bytes, not their text to a text.
                let bytes = |expr: &Expr| matches!(type_of(expr), DataType::Binary | DataType::BinaryView);
                let both = bytes(&left) && bytes(&right);
                let part = |expr: Expr| match expr.get_type(schema) {
                    Ok(DataType::List(_)) => Transformed::no(expr),
                    Ok(_) if both => Transformed::no(expr),
                    _ => text(expr),
                };
                let (left, right) = (part(*left), part(*right));
                let changed = left.transformed || right.transformed;
                let (left, right) = (Box::new(left.data), Box::new(right.data));
                let joined = Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right });
                Transformed::new_transformed(joined, changed)
            }
            Expr::ScalarFunction(mut call) if JOINING.contains(&call.func.name()) => {
                let args: Vec<_> = std::mem::take(&mut call.args).into_iter().map(output).collect();
                let changed = args.iter().any(|arg| arg.transformed);
                call.args = args.into_iter().map(|arg| arg.data).collect();
                Transformed::new_transformed(Expr::ScalarFunction(call), changed)
            }
            other => Transformed::no(other),
        })
    }
}

/// The type as which a value's text is written; `None` leaves it to Arrow, whose text is
/// PostgreSQL's.
///
/// Timestamps are brought to microseconds; durations become intervals; a list is written by its elements, unless these
/// are records.
fn kind(data_type: &DataType) -> Option<DataType> {
    Some(match data_type {
        DataType::Float32 | DataType::Float64 => data_type.clone(),
        unbound if is_unbound(unbound) => data_type.clone(),
        DataType::Float16 => DataType::Float32,
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(_, Some(_)) => TIMESTAMPTZ.clone(),
        DataType::Date32 => DataType::Date32,
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
        DataType::Interval(_) | DataType::Duration(_) => DataType::Interval(IntervalUnit::MonthDayNano),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        own if uuid::is_uuid(own) || tid::is_tid(own) || json::is_json(own) || json::is_jsonb(own) => own.clone(),
        // A record, field by field.
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|field| {
                    let of = kind(field.data_type()).unwrap_or_else(|| field.data_type().clone());
                    field.as_ref().clone().with_data_type(of)
                })
                .collect(),
        ),
        DataType::List(element) if !base(element.data_type()).is_nested() || json_element(element.data_type()) => {
            let of = kind(element.data_type()).unwrap_or_else(|| element.data_type().clone());
            DataType::List(Arc::new(element.as_ref().clone().with_data_type(of)))
        }
        _ => return None,
    })
}

/// Whether the elements of a list are JSON, which is nested in Arrow alone.
fn json_element(element: &DataType) -> bool {
    json::is_json(element) || json::is_jsonb(element)
}

/// The function `to_text`, made once.
static TO_TEXT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(Text::default())));

/// A value as text; a moment's depends on the session's zone, a span's on its style.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Text {
    signature: Signature,
}

impl Default for Text {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Stable) }
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
        let texts =
            column::texts(&value.to_array(arguments.number_rows)?, session_style::of(&arguments.config_options))?;
        Ok(ColumnarValue::Array(texts))
    }
}
