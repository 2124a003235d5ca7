//! `extract(field FROM value)`, whose result is a `numeric`, and `date_part(field, value)`, whose result is a double.
//!
//! DataFusion 55: both are one function, whose result is an integer without the fraction of a second, or a double for
//! the epoch. Not needed once `extract(second FROM timestamp '2026-01-01 00:00:01.5')` is `1.500000`.

use super::fault::not_supported;
use super::field::{Field, unrecognized, unsupported};
use super::function::{Call, Texts, invoke};
use super::recent::Recent;
use super::types::{Kind, TIMESTAMP};
use crate::text::calendar::{
    DAY_US, FIRST_DAY, FIRST_US, HOUR_US, LAST_DAY, LAST_US, SECOND_US, civil, days_of, iso_week, julian, split,
    weekday,
};
use crate::text::interval::Unit;
use crate::text::zone::{Offsets, Zone};
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Field as ArrowField, FieldRef, Float64Type,
    IntervalMonthDayNano, IntervalMonthDayNanoType, Time64MicrosecondType, TimestampMicrosecondType,
};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// Places of a second's fraction.
const SECOND_PLACES: i8 = 6;
/// Places of a Julian day's fraction.
const JULIAN_PLACES: i8 = 20;
/// Digits of a result.
const DIGITS: u8 = 38;

/// One of the two functions.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Part {
    /// Whether the result is a `numeric`.
    exact: bool,
    signature: Signature,
}

impl Part {
    /// The function `extract`, which gives a `numeric`.
    pub(crate) fn extract() -> Self {
        Self { exact: true, signature: Signature::user_defined(Volatility::Stable) }
    }

    /// The function `date_part`, which gives a double.
    pub(crate) fn date_part() -> Self {
        Self { exact: false, signature: Signature::user_defined(Volatility::Stable) }
    }
}

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Value {
    /// A number with so many places.
    Number(i128, i8),
    /// A day and the microseconds of it that have gone.
    Julian(i64, i64),
    Infinite(bool),
    None,
}

impl ScalarUDFImpl for Part {
    fn name(&self) -> &str {
        if self.exact { "extract" } else { "date_part" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// `date_part` of a date is that of its midnight, as in PostgreSQL.
    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [_, value] = arguments else { return plan_err!("{} takes a field and a value", self.name()) };
        let value = match Kind::of(value) {
            Some(Kind::Date) if !self.exact => TIMESTAMP,
            Some(kind) => kind.data_type(),
            None if *value == DataType::Null => TIMESTAMP,
            None => return plan_err!("function {}(text, {value}) does not exist", self.name()),
        };
        Ok(vec![DataType::Utf8, value])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.exact { DataType::Decimal128(DIGITS, SECOND_PLACES) } else { DataType::Float64 })
    }

    /// The places of the result follow from the field's name, where that is written out.
    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        if !self.exact {
            return Ok(Arc::new(ArrowField::new(self.name(), DataType::Float64, true)));
        }
        let name = arguments.scalar_arguments.first().copied().flatten().and_then(|name| name.try_as_str().flatten());
        let places = match name.map(Field::named) {
            Some(Some(Field::Of(Unit::Millisecond))) => 3,
            Some(Some(Field::Of(Unit::Second) | Field::Epoch)) => match arguments.arg_fields.get(1) {
                Some(field) if Kind::of(field.data_type()) == Some(Kind::Date) => 0,
                _ => SECOND_PLACES,
            },
            Some(Some(Field::Julian)) => match arguments.arg_fields.get(1) {
                Some(field) if Kind::of(field.data_type()) == Some(Kind::Date) => 0,
                _ => JULIAN_PLACES,
            },
            Some(_) => 0,
            None => SECOND_PLACES,
        };
        Ok(Arc::new(ArrowField::new(self.name(), DataType::Decimal128(DIGITS, places), true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        invoke(&arguments, Volatility::Stable, if self.exact { exact } else { inexact })
    }
}

/// The fields as decimals of the result's places.
fn exact(call: &Call<'_>) -> Result<ArrayRef> {
    let DataType::Decimal128(_, places) = *call.returns else { return plan_err!("a decimal is wanted") };
    fields::<Decimal128Type>(call, |value| {
        Ok(match value {
            Value::Number(number, scale) if scale <= places => {
                Some(number * 10_i128.pow(u32::try_from(places - scale).unwrap_or(0)))
            }
            Value::Number(number, scale) => Some(number / 10_i128.pow(u32::try_from(scale - places).unwrap_or(0))),
            Value::Julian(day, us) => {
                let one = 10_i128.pow(u32::try_from(places).unwrap_or(0));
                let share = (i128::from(us) * one + i128::from(DAY_US) / 2) / i128::from(DAY_US);
                Some(i128::from(day) * one + share)
            }
            Value::Infinite(_) => return Err(not_supported("numeric infinity is not supported".to_owned())),
            Value::None => None,
        })
    })
}

/// The fields as doubles.
fn inexact(call: &Call<'_>) -> Result<ArrayRef> {
    fields::<Float64Type>(call, |value| {
        Ok(match value {
            Value::Number(number, scale) => Some(number as f64 / 10_f64.powi(scale.into())),
            Value::Julian(day, us) => Some(day as f64 + us as f64 / DAY_US as f64),
            Value::Infinite(positive) => Some(if positive { f64::INFINITY } else { f64::NEG_INFINITY }),
            Value::None => None,
        })
    })
}

/// One field of each value of a column.
fn fields<R: ArrowPrimitiveType>(
    call: &Call<'_>,
    finish: impl Fn(Value) -> Result<Option<R::Native>>,
) -> Result<ArrayRef> {
    let names = call.texts(0)?;
    let data_type = call.argument(1)?.data_type();
    let Some(kind) = Kind::of(&data_type) else { return plan_err!("a date, a time or a span is wanted") };
    if let Texts::One(name) = &names {
        let Some(name) = name.as_ref().filter(|_| call.rows > 0) else { return call.rows::<R>(|_| Ok(None)) };
        let field = Field::named(name).ok_or_else(|| unrecognized(name, kind))?;
        return match kind {
            Kind::Date => {
                let mut recent = Recent::of_days();
                let days = call.column::<Date32Type>(1)?;
                call.rows::<R>(|row| match days.at(row) {
                    Some(day) => recent.get(day.into(), || finish(of_date(day, field, name)?)),
                    None => Ok(None),
                })
            }
            Kind::Timestamp => {
                let mut recent = Recent::of_moments();
                let moments = call.column::<TimestampMicrosecondType>(1)?;
                call.rows::<R>(|row| match moments.at(row) {
                    Some(us) => recent.get(us, || finish(of_moment(us, 0, field, name, kind)?)),
                    None => Ok(None),
                })
            }
            _ => field_of_each::<R>(call, kind, &|_| Ok(Some((name, field))), finish),
        };
    }
    let field = |row: usize| match names.at(row) {
        Some(name) => Ok(Some((name, Field::named(name).ok_or_else(|| unrecognized(name, kind))?))),
        None => Ok(None),
    };
    field_of_each::<R>(call, kind, &field, finish)
}

/// A field of each value of a column; `field` gives its name and what it is, by row.
fn field_of_each<'a, R: ArrowPrimitiveType>(
    call: &Call<'_>,
    kind: Kind,
    field: &dyn Fn(usize) -> Result<Option<(&'a str, Field)>>,
    finish: impl Fn(Value) -> Result<Option<R::Native>>,
) -> Result<ArrayRef> {
    match kind {
        Kind::Date => {
            let days = call.column::<Date32Type>(1)?;
            call.rows::<R>(|row| match (field(row)?, days.at(row)) {
                (Some((name, field)), Some(day)) => finish(of_date(day, field, name)?),
                _ => Ok(None),
            })
        }
        Kind::Timestamp | Kind::Timestamptz => {
            let moments = call.column::<TimestampMicrosecondType>(1)?;
            let zone = (kind == Kind::Timestamptz).then(|| call.zone());
            let mut offsets = Offsets::of(zone.cloned().unwrap_or(Zone::UTC));
            call.rows::<R>(|row| match (field(row)?, moments.at(row)) {
                (Some((name, field)), Some(us)) => {
                    let east_us = if matches!(us, LAST_US | FIRST_US) { 0 } else { offsets.east_us(us) };
                    finish(of_moment(us, east_us, field, name, kind)?)
                }
                _ => Ok(None),
            })
        }
        Kind::Time => {
            let times = call.column::<Time64MicrosecondType>(1)?;
            call.rows::<R>(|row| match (field(row)?, times.at(row)) {
                (Some((name, field)), Some(us)) => finish(of_time(us, field).ok_or_else(|| unsupported(name, kind))?),
                _ => Ok(None),
            })
        }
        Kind::Interval => {
            let spans = call.column::<IntervalMonthDayNanoType>(1)?;
            call.rows::<R>(|row| match (field(row)?, spans.at(row)) {
                (Some((name, field)), Some(span)) => {
                    finish(of_span(span, field).ok_or_else(|| unsupported(name, kind))?)
                }
                _ => Ok(None),
            })
        }
    }
}

fn whole(number: i64) -> Value {
    Value::Number(number.into(), 0)
}

/// A field of a day.
fn of_date(day: i32, field: Field, name: &str) -> Result<Value> {
    let unsupported = || unsupported(name, Kind::Date);
    if matches!(day, LAST_DAY | FIRST_DAY) {
        return match of_day(0, field) {
            _ if field.grows() => Ok(Value::Infinite(day == LAST_DAY)),
            Some(_) => Ok(Value::None),
            None => Err(unsupported()),
        };
    }
    match field {
        Field::Julian => Ok(whole(julian(day.into()))),
        Field::Epoch => Ok(whole(i64::from(day) * 86_400)),
        field => of_day(day.into(), field).ok_or_else(unsupported),
    }
}

/// A field of a moment on a clock so many microseconds east of Greenwich.
fn of_moment(us: i64, east_us: i64, field: Field, name: &str, kind: Kind) -> Result<Value> {
    let zoned = kind == Kind::Timestamptz;
    let local = if matches!(us, LAST_US | FIRST_US) { 0 } else { us.saturating_add(east_us) };
    let (days, time) = split(local);
    let seconds = east_us / SECOND_US;
    let value = match field {
        Field::Epoch => Some(Value::Number(us.into(), SECOND_PLACES)),
        Field::Julian => Some(Value::Julian(julian(days), time)),
        Field::Timezone if zoned => Some(whole(seconds)),
        Field::TimezoneHour if zoned => Some(whole(seconds / 3_600)),
        Field::TimezoneMinute if zoned => Some(whole(seconds / 60 % 60)),
        field => of_clock(time, field).or_else(|| of_day(days, field)),
    };
    let value = value.ok_or_else(|| unsupported(name, kind))?;
    Ok(match us {
        LAST_US | FIRST_US if field.grows() => Value::Infinite(us == LAST_US),
        LAST_US | FIRST_US => Value::None,
        _ => value,
    })
}

/// A field of a day; `None` for those of a time.
fn of_day(days: i64, field: Field) -> Option<Value> {
    let (year, month, day) = civil(days);
    // There is no year 0: 1 BC is -1.
    let signed = |year: i64| if year > 0 { year } else { year - 1 };
    let ages = |years: i64| match year {
        1.. => (year + years - 1) / years,
        _ => -((years - 1 - (year - 1)) / years),
    };
    Some(whole(match field {
        Field::Of(Unit::Day) => day,
        Field::Of(Unit::Week) => iso_week(days).1,
        Field::Of(Unit::Month) => month,
        Field::Of(Unit::Year) => signed(year),
        Field::Of(Unit::Decade) => year.div_euclid(10),
        Field::Of(Unit::Century) => ages(100),
        Field::Of(Unit::Millennium) => ages(1_000),
        Field::Quarter => (month - 1) / 3 + 1,
        Field::IsoYear => signed(iso_week(days).0),
        Field::Weekday => weekday(days),
        Field::IsoWeekday => (weekday(days) + 6) % 7 + 1,
        Field::DayOfYear => days - days_of(year, 1, 1) + 1,
        Field::Julian | Field::Epoch => 0,
        _ => return None,
    }))
}

/// A field of a time; `None` for those of a day.
fn of_clock(us: i64, field: Field) -> Option<Value> {
    Some(match field {
        Field::Of(Unit::Microsecond) => whole(us % (60 * SECOND_US)),
        Field::Of(Unit::Millisecond) => Value::Number((us % (60 * SECOND_US)).into(), 3),
        Field::Of(Unit::Second) => Value::Number((us % (60 * SECOND_US)).into(), SECOND_PLACES),
        Field::Of(Unit::Minute) => whole(us / (60 * SECOND_US) % 60),
        Field::Of(Unit::Hour) => whole(us / HOUR_US),
        _ => return None,
    })
}

fn of_time(us: i64, field: Field) -> Option<Value> {
    match field {
        Field::Epoch => Some(Value::Number(us.into(), SECOND_PLACES)),
        field => of_clock(us, field),
    }
}

fn of_span(span: IntervalMonthDayNano, field: Field) -> Option<Value> {
    let us = super::arithmetic::time_us(span);
    let (years, months) = (i64::from(span.months / 12), i64::from(span.months % 12));
    Some(match field {
        Field::Epoch => {
            // A year has 365 days and a quarter here, and a month that is no part of a year 30 days.
            let quarter_days = years * 1_461 + months * 120 + i64::from(span.days) * 4;
            Value::Number(i128::from(quarter_days) * 21_600_000_000 + i128::from(us), SECOND_PLACES)
        }
        Field::Quarter => whole(months / 3 + 1),
        Field::Of(Unit::Day) => whole(span.days.into()),
        Field::Of(Unit::Month) => whole(months),
        Field::Of(Unit::Year) => whole(years),
        Field::Of(Unit::Decade) => whole(years / 10),
        Field::Of(Unit::Century) => whole(years / 100),
        Field::Of(Unit::Millennium) => whole(years / 1_000),
        field => return of_clock(us, field),
    })
}
