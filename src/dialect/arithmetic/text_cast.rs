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

use crate::text::array::put_array;
use crate::text::moment::{DAY_US, put_date, put_era, put_instant, put_interval, put_offset, put_time};
use crate::text::number::{put_float4, put_float8};
use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast as convert;
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, IntervalMonthDayNanoType, IntervalUnit, Time64MicrosecondType,
    TimeUnit, TimestampMicrosecondType,
};
use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, exec_err, plan_err};
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

/// The type as which a value's text is written; `None` leaves it to Arrow, whose text is
/// PostgreSQL's.
///
/// Timestamps are brought to microseconds, those with a zone to the session's; durations become
/// intervals; a list is written by its elements, unless these are nested.
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

/// The function `to_text`, made once.
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
        let texts = texts(&value.to_array(arguments.number_rows)?)?;
        Ok(ColumnarValue::Array(texts))
    }
}

/// The texts of an array's values, NULL where the value is.
fn texts(array: &ArrayRef) -> Result<ArrayRef> {
    let mut texts = StringBuilder::with_capacity(array.len(), array.len() * 8);
    let mut out = Vec::new();
    let mut write = writer(array)?;
    for row in 0..array.len() {
        if array.is_null(row) {
            texts.append_null();
            continue;
        }
        out.clear();
        write(row, &mut out)?;
        texts.append_value(String::from_utf8_lossy(&out));
    }
    Ok(Arc::new(texts.finish()))
}

/// Writes the value of a row, which is not NULL, at the end of a buffer.
type Write<'a> = Box<dyn FnMut(usize, &mut Vec<u8>) -> Result<()> + 'a>;

/// The writer for an array's type; a list's writer writes its elements by one of their own.
///
/// # Errors
/// An unknown time zone, a time of day beyond 24 hours, and an instant outside the calendar's range.
fn writer(array: &ArrayRef) -> Result<Write<'_>> {
    Ok(match array.data_type() {
        DataType::Float32 => {
            let array = array.as_primitive::<Float32Type>();
            Box::new(move |row, out| {
                put_float4(array.value(row), out);
                Ok(())
            })
        }
        DataType::Float64 => {
            let array = array.as_primitive::<Float64Type>();
            Box::new(move |row, out| {
                put_float8(array.value(row), out);
                Ok(())
            })
        }
        DataType::Date32 => {
            let array = array.as_primitive::<Date32Type>();
            Box::new(move |row, out| {
                let before_christ = put_date(array.value(row).into(), out);
                put_era(before_christ, out);
                Ok(())
            })
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            let array = array.as_primitive::<Time64MicrosecondType>();
            Box::new(move |row, out| match array.value(row) {
                us @ 0..=DAY_US => {
                    put_time(us, out);
                    Ok(())
                }
                us => exec_err!("date/time field value out of range: {us}"),
            })
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let zone = match zone.as_deref().map(str::parse::<Tz>) {
                Some(Ok(zone)) => Some(zone),
                Some(Err(_)) => return exec_err!("time zone {zone:?} is not known"),
                None => None,
            };
            let array = array.as_primitive::<TimestampMicrosecondType>();
            Box::new(move |row, out| instant(array.value(row), zone, out))
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let array = array.as_primitive::<IntervalMonthDayNanoType>();
            Box::new(move |row, out| {
                let span = array.value(row);
                put_interval(span.months, span.days, span.nanoseconds.div_euclid(1_000), out);
                Ok(())
            })
        }
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            let (values, mut write) = (lists.values(), writer(lists.values())?);
            let mut element = Vec::new();
            let offsets = lists.value_offsets();
            Box::new(move |row, out| {
                let range = offsets[row] as usize..offsets[row + 1] as usize;
                put_array(range, &mut element, out, |index, element| {
                    let there = !values.is_null(index);
                    if there {
                        write(index, element)?;
                    }
                    Ok(there)
                })
            })
        }
        // Within a list; on its own it is a word.
        DataType::Boolean => {
            let array = array.as_boolean();
            Box::new(move |row, out| {
                out.push(if array.value(row) { b't' } else { b'f' });
                Ok(())
            })
        }
        // Elements of a list whose text Arrow writes as PostgreSQL does: integers, decimals and
        // texts.
        _ => {
            let texts = convert(array, &DataType::Utf8)?.as_string::<i32>().clone();
            Box::new(move |row, out| {
                out.extend_from_slice(texts.value(row).as_bytes());
                Ok(())
            })
        }
    })
}

/// Writes an instant, microseconds since 1970 in UTC, with the offset its zone has then; without a
/// zone it is a wall clock and has no offset.
fn instant(us: i64, zone: Option<Tz>, out: &mut Vec<u8>) -> Result<()> {
    let Some(zone) = zone else {
        let before_christ = put_instant(us, out);
        put_era(before_christ, out);
        return Ok(());
    };
    let Some(at) = DateTime::from_timestamp_micros(us) else {
        return exec_err!("date/time field value out of range: {us}");
    };
    let east = i64::from(zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc());
    let before_christ = put_instant(us.saturating_add(east * 1_000_000), out);
    put_offset(east, out);
    put_era(before_christ, out);
    Ok(())
}
