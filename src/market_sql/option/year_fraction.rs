//! `year_fraction`: how much of a year lies between two dates or moments.

use super::arguments::{function as option_function, is_text};
use crate::dialect::moment::fault::{external, out_of_range};
use crate::dialect::moment::function::{Call, Column};
use crate::dialect::moment::types::{DATE, Kind, TIMESTAMPTZ};
use crate::error::{ErrorKind, QueryError};
use crate::market::day_count::{Convention, between_dates, between_moments};
use crate::market::exchange::Exchange;
use crate::market_sql::calendar::{Named, known};
use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Date32Type, Float64Type, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::ScalarUDF;

/// The function of this file.
pub(super) fn function() -> ScalarUDF {
    option_function(
        "year_fraction",
        "The part of a year from one date or moment to another, by a convention of counting.",
        resolved,
        fractions,
    )
}

/// Two dates or two moments, a convention, and for `BUS/252` an exchange if not XNYS.
fn resolved(given: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let (ends, texts) = given.split_at_checked(2)?;
    let untyped = |given: &DataType| matches!(given, DataType::Null | DataType::Utf8 | DataType::Utf8View);
    let moment = |given: &DataType| Kind::of(given).is_some_and(Kind::is_moment);
    let fits = ends.iter().all(|end| untyped(end) || moment(end)) && texts.iter().all(is_text);
    let dates = ends.iter().all(|end| untyped(end) || Kind::of(end) == Some(Kind::Date));
    let end = if dates { DATE } else { TIMESTAMPTZ.clone() };
    let types = [end.clone(), end].into_iter().chain(texts.iter().map(|_| DataType::Utf8)).collect();
    (fits && (1..=2).contains(&texts.len())).then_some((types, DataType::Float64))
}

/// The dates or moments of an argument.
enum Ends {
    Dates(Column<Date32Type>),
    Moments(Column<TimestampMicrosecondType>),
}

impl Ends {
    fn of(call: &Call<'_>, place: usize) -> Result<Self> {
        Ok(match call.argument(place)?.data_type() {
            DataType::Date32 => Self::Dates(call.column(place)?),
            _ => Self::Moments(call.column(place)?),
        })
    }

    /// The end of a row in microseconds since 1970, a date from its midnight in Greenwich.
    fn at(&self, row: usize) -> Option<i64> {
        match self {
            Self::Dates(dates) => dates.at(row).map(|days| i64::from(days).saturating_mul(86_400_000_000)),
            Self::Moments(moments) => moments.at(row),
        }
    }

    /// The date of an end, of a moment that by the exchange's clock.
    fn date(&self, moment: DateTime<Utc>, exchange: &Exchange) -> NaiveDate {
        match self {
            Self::Dates(_) => moment.date_naive(),
            Self::Moments(_) => exchange.date_at(moment),
        }
    }
}

/// The fraction of each row; NULL where an argument is.
fn fractions(call: &Call<'_>) -> Result<ArrayRef> {
    let (from, to, names) = (Ends::of(call, 0)?, Ends::of(call, 1)?, call.texts(2)?);
    let exchanges = if call.args.len() > 3 { Named::of_argument(call, 3)? } else { Named::usual() };
    call.rows::<Float64Type>(|row| {
        let (Some(begin), Some(end), Some(name)) = (from.at(row), to.at(row), names.at(row)) else { return Ok(None) };
        let Some(exchange) = exchanges.at(row)? else { return Ok(None) };
        let convention = Convention::of(name).ok_or_else(|| unknown(name))?;
        let (begin, end) = (moment(begin)?, moment(end)?);
        if let Some(fraction) = between_moments(convention, begin, end) {
            return Ok(Some(fraction));
        }
        let (begin, end) = (from.date(begin, exchange), to.date(end, exchange));
        if convention == Convention::Business252 {
            known(exchange, days(begin))?;
            known(exchange, days(end))?;
        }
        Ok(Some(between_dates(convention, begin, end, exchange)))
    })
}

fn days(date: NaiveDate) -> i32 {
    Date32Type::from_naive_date(date)
}

/// A moment in the years that calendars reach; infinities have no distance.
fn moment(us: i64) -> Result<DateTime<Utc>> {
    let moment = DateTime::from_timestamp_micros(us).filter(|moment| moment.year().abs() < 200_000);
    moment.ok_or_else(|| out_of_range("timestamp"))
}

fn unknown(name: &str) -> DataFusionError {
    let error = QueryError::new(ErrorKind::InvalidParameter, format!("day count convention \"{name}\" is not known"));
    let names = Convention::ALL.map(|(name, _)| format!("'{name}'")).join(", ");
    external(error.with_hint(format!("It is one of {names}.")))
}
