//! Casts between texts, dates, times, moments and spans: on single values, and as functions on columns.

use super::fault::{error, external, out_of_range};
use super::function::{Call, call, invoke};
use super::recent::Recent;
use super::types::Kind;
use crate::text::calendar::{DAY_US, FIRST_DAY, FIRST_US, LAST_DAY, LAST_US, date, is_infinite, moment, split};
use crate::text::datetime::{self, Context};
use crate::text::interval;
use crate::text::zone::Offsets;
use datafusion::arrow::array::{ArrayRef, ArrowPrimitiveType};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, IntervalMonthDayNano, IntervalMonthDayNanoType, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// The moment at which a day begins, without a zone; infinity stays.
pub(crate) fn midnight(days: i32) -> Result<i64> {
    match days {
        LAST_DAY => Ok(LAST_US),
        FIRST_DAY => Ok(FIRST_US),
        days => moment(days.into(), 0).ok_or_else(|| out_of_range("date")),
    }
}

/// The day of a moment without a zone; infinity stays.
pub(crate) fn day(us: i64) -> Result<i32> {
    match us {
        LAST_US => Ok(LAST_DAY),
        FIRST_US => Ok(FIRST_DAY),
        us => date(split(us).0).ok_or_else(|| out_of_range("date")),
    }
}

/// Nanoseconds of a span's time; `Err` where they leave 64 bits.
pub(crate) fn nanoseconds(us: i64) -> Result<i64> {
    us.checked_mul(1_000).ok_or_else(|| out_of_range("interval"))
}

/// A text as a value of a kind.
///
/// # Errors
/// 22007, 22008, 22009, 22015 or 22023, as PostgreSQL has them.
pub(crate) fn read(text: &str, kind: Kind, context: Context<'_>) -> Result<ScalarValue> {
    let failed = |fault| external(error(fault, text, kind.short_name()));
    Ok(match kind {
        Kind::Date => ScalarValue::Date32(Some(datetime::date(text, context).map_err(failed)?)),
        Kind::Time => ScalarValue::Time64Microsecond(Some(datetime::time(text, context).map_err(failed)?)),
        Kind::Timestamp => {
            ScalarValue::TimestampMicrosecond(Some(datetime::timestamp(text, context).map_err(failed)?), None)
        }
        Kind::Timestamptz => {
            let us = datetime::timestamptz(text, context).map_err(failed)?;
            ScalarValue::TimestampMicrosecond(Some(us), Some("UTC".into()))
        }
        Kind::Interval => {
            ScalarValue::IntervalMonthDayNano(Some(interval::parse_as(text, context.spans).map_err(failed)?))
        }
    })
}

/// What is cast to a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    Text,
    Of(Kind),
}

/// Whether PostgreSQL has a cast between two kinds of time.
pub(crate) fn exists(from: Kind, to: Kind) -> bool {
    use Kind::{Date, Interval, Time, Timestamp, Timestamptz};
    matches!(
        (from, to),
        (Date, Date | Timestamp | Timestamptz)
            | (Time, Time | Interval)
            | (Timestamp | Timestamptz, Date | Time | Timestamp | Timestamptz)
            | (Interval, Interval | Time)
    )
}

/// The call that casts an expression to a kind.
pub(crate) fn convert(expr: Expr, from: Source, to: Kind) -> Expr {
    static FUNCTIONS: LazyLock<HashMap<(Source, Kind), Arc<ScalarUDF>>> = LazyLock::new(|| {
        let kinds = [Kind::Date, Kind::Time, Kind::Timestamp, Kind::Timestamptz, Kind::Interval];
        let sources = kinds.map(Source::Of).into_iter().chain([Source::Text]);
        let pairs = sources.flat_map(|from| kinds.map(|to| (from, to)));
        pairs.map(|(from, to)| ((from, to), Arc::new(ScalarUDF::from(Convert::new(from, to))))).collect()
    });
    match FUNCTIONS.get(&(from, to)) {
        Some(function) => call(function, vec![expr]),
        None => expr,
    }
}

/// Whether a function is a cast between two kinds of time, which depends on the session's zone at most: a text may say
/// `now`.
pub(super) fn follows_zone(function: &ScalarUDF) -> bool {
    function.inner().downcast_ref::<Convert>().is_some_and(|convert| convert.from != Source::Text)
}

/// The function that casts a column from one kind to another.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Convert {
    from: Source,
    to: Kind,
    signature: Signature,
}

impl Convert {
    fn new(from: Source, to: Kind) -> Self {
        let zoned = |kind| kind == Kind::Timestamptz;
        let stable = match from {
            // Texts may say `now`, and spans be meant in the style of a session.
            Source::Text => true,
            Source::Of(from) => zoned(from) != zoned(to),
        };
        let volatility = if stable { Volatility::Stable } else { Volatility::Immutable };
        Self { from, to, signature: Signature::any(1, volatility) }
    }
}

impl ScalarUDFImpl for Convert {
    fn name(&self) -> &str {
        match self.to {
            Kind::Date => "to_date_value",
            Kind::Time => "to_time_value",
            Kind::Timestamp => "to_timestamp_value",
            Kind::Timestamptz => "to_timestamptz_value",
            Kind::Interval => "to_interval_value",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.data_type())
    }

    fn invoke_with_args(&self, mut arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        // Units other than microseconds are brought to them first.
        if let Source::Of(kind) = self.from {
            for argument in &mut arguments.args {
                if argument.data_type() != kind.data_type() {
                    *argument = match &*argument {
                        ColumnarValue::Array(array) => ColumnarValue::Array(cast(array, &kind.data_type())?),
                        ColumnarValue::Scalar(value) => ColumnarValue::Scalar(value.cast_to(&kind.data_type())?),
                    };
                }
            }
        }
        invoke(&arguments, self.signature.volatility, body(self.from, self.to))
    }
}

/// The body of a cast.
fn body(from: Source, to: Kind) -> fn(&Call<'_>) -> Result<ArrayRef> {
    use Kind::{Date, Interval, Time, Timestamp, Timestamptz};
    match (from, to) {
        (Source::Text, Date) => texts::<Date32Type>,
        (Source::Text, Time) => texts::<Time64MicrosecondType>,
        (Source::Text, Timestamp | Timestamptz) => texts::<TimestampMicrosecondType>,
        (Source::Text, Interval) => texts::<IntervalMonthDayNanoType>,
        (Source::Of(Date), Timestamp) => |call| call.map::<Date32Type, TimestampMicrosecondType>(midnight),
        (Source::Of(Date), Timestamptz) => |call| {
            let zone = call.zone();
            let mut recent = Recent::of_days();
            call.map::<Date32Type, TimestampMicrosecondType>(|days| {
                recent.get(days.into(), || zone.moment(midnight(days)?).ok_or_else(|| out_of_range("timestamp")))
            })
        },
        (Source::Of(Timestamp), Timestamptz) => |call| {
            let zone = call.zone();
            call.map::<TimestampMicrosecondType, TimestampMicrosecondType>(|us| {
                zone.moment(us).ok_or_else(|| out_of_range("timestamp"))
            })
        },
        (Source::Of(Timestamp), Date) => |call| call.map::<TimestampMicrosecondType, Date32Type>(day),
        (Source::Of(Timestamp), Time) => times,
        (Source::Of(Timestamptz), Timestamp) => |call| {
            let mut offsets = Offsets::of(call.zone().clone());
            call.map::<TimestampMicrosecondType, TimestampMicrosecondType>(|us| {
                offsets.local(us).ok_or_else(|| out_of_range("timestamp"))
            })
        },
        (Source::Of(Timestamptz), Date) => |call| {
            let mut offsets = Offsets::of(call.zone().clone());
            call.map::<TimestampMicrosecondType, Date32Type>(|us| {
                day(offsets.local(us).ok_or_else(|| out_of_range("timestamp"))?)
            })
        },
        (Source::Of(Timestamptz), Time) => times,
        (Source::Of(Time), Interval) => |call| {
            call.map::<Time64MicrosecondType, IntervalMonthDayNanoType>(|us| {
                Ok(IntervalMonthDayNano::new(0, 0, nanoseconds(us)?))
            })
        },
        (Source::Of(Interval), Time) => |call| {
            call.map::<IntervalMonthDayNanoType, Time64MicrosecondType>(|span| {
                Ok(span.nanoseconds.div_euclid(1_000).rem_euclid(DAY_US))
            })
        },
        (Source::Of(Date), Date) => |call| call.map::<Date32Type, Date32Type>(Ok),
        (Source::Of(Time), Time) => |call| call.map::<Time64MicrosecondType, Time64MicrosecondType>(Ok),
        (Source::Of(Timestamp), Timestamp) | (Source::Of(Timestamptz), Timestamptz) => {
            |call| call.map::<TimestampMicrosecondType, TimestampMicrosecondType>(Ok)
        }
        (Source::Of(Interval), Interval) => |call| call.map::<IntervalMonthDayNanoType, IntervalMonthDayNanoType>(Ok),
        _ => |_| exec_err!("PostgreSQL has no such cast"),
    }
}

/// The times of day of moments, on the session's clock where they have a zone. Infinity has none, and gives NULL.
fn times(call: &Call<'_>) -> Result<ArrayRef> {
    let column = call.column::<TimestampMicrosecondType>(0)?;
    let zoned = matches!(call.argument(0)?.data_type(), DataType::Timestamp(_, Some(_)));
    let mut offsets = Offsets::of(if zoned { call.zone().clone() } else { crate::text::zone::Zone::UTC });
    call.rows::<Time64MicrosecondType>(|row| {
        let Some(us) = column.at(row).filter(|us| !is_infinite(*us)) else { return Ok(None) };
        Ok(Some(split(offsets.local(us).ok_or_else(|| out_of_range("timestamp"))?).1))
    })
}

/// Texts, each read by itself; neighbours that are the same are read once.
fn texts<T: ArrowPrimitiveType>(call: &Call<'_>) -> Result<ArrayRef> {
    let Some(kind) = Kind::of(call.returns) else { return exec_err!("a date, a time or a span is wanted") };
    let (column, context) = (call.texts(0)?, call.context());
    let mut last: Option<(String, T::Native)> = None;
    call.rows::<T>(|row| {
        let Some(text) = column.at(row) else { return Ok(None) };
        if let Some((known, value)) = &last
            && known == text
        {
            return Ok(Some(*value));
        }
        let value = read(text, kind, context)?.to_array()?;
        let value = datafusion::arrow::array::AsArray::as_primitive::<T>(&value).value(0);
        last = Some((text.to_owned(), value));
        Ok(Some(value))
    })
}

/// The length of an interval in microseconds, a month having 30 days and a day 24 hours.
pub(crate) fn length_us(span: IntervalMonthDayNano) -> i128 {
    let days = i128::from(span.months) * 30 + i128::from(span.days);
    days * i128::from(DAY_US) + i128::from(span.nanoseconds.div_euclid(1_000))
}
