//! Functions of the sessions of exchanges. The exchange is the last argument, a market identifier code, and `XNYS` where it
//! is left out. A date that is not known is an error, and never a guess.

use crate::dialect::moment::fault::{external, overflow};
use crate::dialect::moment::function::{Call, Column, Texts, named};
use crate::dialect::moment::types::{DATE, Kind, TIMESTAMPTZ};
use crate::error::{ErrorKind, QueryError};
use crate::market::exchange::{self, Exchange, Session};
use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Date32Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate, Utc};
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ScalarUDF, Volatility};
use std::sync::Arc;

/// The exchange that is meant where none is named.
const USUAL: &str = "XNYS";

/// What an argument is read as.
#[derive(Clone, Copy)]
enum Wanted {
    Date,
    Moment,
    Whole,
    Text,
}

impl Wanted {
    /// Whether an argument of a type is taken; a text that is written out is read.
    fn takes(self, given: &DataType) -> bool {
        let is_text = matches!(given, DataType::Null | DataType::Utf8 | DataType::Utf8View);
        is_text
            || match self {
                Self::Date => Kind::of(given) == Some(Kind::Date),
                Self::Moment => Kind::of(given).is_some_and(Kind::is_moment),
                Self::Whole => given.is_integer(),
                Self::Text => false,
            }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Date => DATE,
            Self::Moment => TIMESTAMPTZ.clone(),
            Self::Whole => DataType::Int64,
            Self::Text => DataType::Utf8,
        }
    }
}

/// The types of a call with these arguments and, if it is named, an exchange behind them.
fn resolved(given: &[DataType], wanted: &[Wanted], returns: DataType) -> Option<(Vec<DataType>, DataType)> {
    let all = [wanted, &[Wanted::Text]].concat();
    let fits = (wanted.len()..=all.len()).contains(&given.len());
    let takes = given.iter().zip(&all).all(|(given, wanted)| wanted.takes(given));
    let types = all.into_iter().take(given.len()).map(Wanted::data_type).collect();
    (fits && takes).then_some((types, returns))
}

/// The functions of this file.
pub(super) fn functions() -> Vec<ScalarUDF> {
    use Wanted::{Date, Moment, Whole};
    let named = |name, doc, resolve, body| named(name, doc, Volatility::Immutable, resolve, body);
    vec![
        named(
            "is_session",
            "Whether an exchange has a session on a date.",
            |given| resolved(given, &[Date], DataType::Boolean),
            |call| truths(call, &Dates::of(call)?, |(exchange, date)| exchange.session(date).is_some()),
        ),
        named(
            "is_open",
            "Whether an exchange is open at a moment: in a session, and not in its break.",
            |given| resolved(given, &[Moment], DataType::Boolean),
            |call| {
                truths(call, &Moments::of(call)?, |(exchange, moment)| {
                    exchange.session(exchange.date_at(moment)).is_some_and(|session| session.contains(moment))
                })
            },
        ),
        named(
            "session_date",
            "The date of the session that a moment falls on by the exchange's clock; NULL on a date without one.",
            |given| resolved(given, &[Moment], DATE),
            |call| {
                each::<Date32Type, _>(call, &Moments::of(call)?, |(exchange, moment)| {
                    Ok(exchange.session(exchange.date_at(moment)).map(|session| days(session.date)))
                })
            },
        ),
        named(
            "session_open",
            "When the session of a date opens; NULL on a date without one.",
            |given| resolved(given, &[Date], TIMESTAMPTZ.clone()),
            |call| of_session(call, |session| session.open_at),
        ),
        named(
            "session_close",
            "When the session of a date closes; NULL on a date without one.",
            |given| resolved(given, &[Date], TIMESTAMPTZ.clone()),
            |call| of_session(call, |session| session.close_at),
        ),
        named(
            "next_session",
            "The first date with a session after a date.",
            |given| resolved(given, &[Date], DATE),
            |call| each::<Date32Type, _>(call, &Dates::of(call)?, |(exchange, date)| offset(exchange, date, 1)),
        ),
        named(
            "previous_session",
            "The last date with a session before a date.",
            |given| resolved(given, &[Date], DATE),
            |call| each::<Date32Type, _>(call, &Dates::of(call)?, |(exchange, date)| offset(exchange, date, -1)),
        ),
        named(
            "session_offset",
            "The date that is so many sessions after a date, or before it; of 0, the date itself or the next session's.",
            |given| resolved(given, &[Date, Whole], DATE),
            |call| {
                let (dates, counts) = (Dates::of(call)?, call.column::<Int64Type>(1)?);
                call.rows::<Date32Type>(|row| match (dates.at(row)?, counts.at(row)) {
                    (Some((exchange, date)), Some(count)) => offset(exchange, date, count),
                    _ => Ok(None),
                })
            },
        ),
        named(
            "sessions_between",
            "How many sessions there are from one date on and before another.",
            |given| resolved(given, &[Date, Date], DataType::Int64),
            |call| {
                let (dates, ends) = (Dates::of(call)?, call.column::<Date32Type>(1)?);
                call.rows::<Int64Type>(|row| match (dates.at(row)?, ends.at(row)) {
                    (Some((exchange, date)), Some(end)) => Ok(Some(exchange.between(date, known(exchange, end)?))),
                    _ => Ok(None),
                })
            },
        ),
        named(
            "next_open",
            "When an exchange opens for the first time after a moment.",
            |given| resolved(given, &[Moment], TIMESTAMPTZ.clone()),
            |call| next(call, |session| session.open_at),
        ),
        named(
            "next_close",
            "When an exchange closes for the first time after a moment.",
            |given| resolved(given, &[Moment], TIMESTAMPTZ.clone()),
            |call| next(call, |session| session.close_at),
        ),
    ]
}

/// The arguments of a call that are about an exchange, row by row.
trait Rows {
    /// What a row is about.
    type Row;

    /// The row; `None` where an argument is NULL.
    ///
    /// # Errors
    /// 22023 for a code that is not known, 22008 for a time of which nothing is known.
    fn at(&self, row: usize) -> Result<Option<Self::Row>>;
}

/// The exchanges that a call names by its last argument.
pub(super) struct Named(Option<Texts>);

impl Named {
    /// Those of a call; a call whose last argument is no text names none, and means [`USUAL`].
    fn of(call: &Call<'_>) -> Result<Self> {
        let last = call.args.len() - 1;
        (call.argument(last)?.data_type() == DataType::Utf8).then(|| call.texts(last)).transpose().map(Self)
    }

    /// [`USUAL`] for all rows.
    pub(super) fn usual() -> Self {
        Self(None)
    }

    /// Those of an argument by its place.
    pub(super) fn of_argument(call: &Call<'_>, place: usize) -> Result<Self> {
        Ok(Self(Some(call.texts(place)?)))
    }

    /// The exchange of a row; `None` where its name is NULL.
    ///
    /// # Errors
    /// 22023 for a code that is not known.
    pub(super) fn at(&self, row: usize) -> Result<Option<&'static Exchange>> {
        let name = match &self.0 {
            Some(names) => names.at(row),
            None => Some(USUAL),
        };
        name.map(|name| exchange::find(name).ok_or_else(|| unknown(name))).transpose()
    }
}

fn unknown(name: &str) -> DataFusionError {
    let error = QueryError::new(ErrorKind::InvalidParameter, format!("exchange \"{name}\" is not known"));
    external(error.with_hint("SELECT * FROM exchanges() lists those that are."))
}

/// A date of which it is known whether it has a session.
///
/// # Errors
/// 22008 for any other.
pub(super) fn known(exchange: &Exchange, days: i32) -> Result<NaiveDate> {
    let date = Date32Type::to_naive_date_opt(days).filter(|date| exchange.knows(*date));
    date.ok_or_else(|| beyond(exchange))
}

fn beyond(exchange: &Exchange) -> DataFusionError {
    let Exchange { mic, first, last, .. } = exchange;
    overflow(&format!("sessions of {mic} are known from {first} to {last}"))
}

fn days(date: NaiveDate) -> i32 {
    Date32Type::from_naive_date(date)
}

/// Dates, which are the first argument, and the exchange, which is the last.
struct Dates {
    exchanges: Named,
    dates: Column<Date32Type>,
}

impl Dates {
    fn of(call: &Call<'_>) -> Result<Self> {
        Ok(Self { exchanges: Named::of(call)?, dates: call.column(0)? })
    }
}

impl Rows for Dates {
    type Row = (&'static Exchange, NaiveDate);

    fn at(&self, row: usize) -> Result<Option<Self::Row>> {
        let (Some(exchange), Some(date)) = (self.exchanges.at(row)?, self.dates.at(row)) else { return Ok(None) };
        Ok(Some((exchange, known(exchange, date)?)))
    }
}

/// Moments, which are the first argument, and the exchange, which is the last.
struct Moments {
    exchanges: Named,
    moments: Column<TimestampMicrosecondType>,
}

impl Moments {
    fn of(call: &Call<'_>) -> Result<Self> {
        Ok(Self { exchanges: Named::of(call)?, moments: call.column(0)? })
    }
}

impl Rows for Moments {
    type Row = (&'static Exchange, DateTime<Utc>);

    fn at(&self, row: usize) -> Result<Option<Self::Row>> {
        let (Some(exchange), Some(us)) = (self.exchanges.at(row)?, self.moments.at(row)) else { return Ok(None) };
        let moment = DateTime::from_timestamp_micros(us).filter(|moment| exchange.knows(exchange.date_at(*moment)));
        moment.map(|moment| Some((exchange, moment))).ok_or_else(|| beyond(exchange))
    }
}

/// A column of truth values.
fn truths<R: Rows>(call: &Call<'_>, rows: &R, truth: impl Fn(R::Row) -> bool) -> Result<ArrayRef> {
    let truths = (0..call.rows).map(|row| Ok(rows.at(row)?.map(&truth)));
    Ok(Arc::new(truths.collect::<Result<BooleanArray>>()?))
}

/// A column of values, NULL where an argument is.
fn each<T: ArrowPrimitiveType, R: Rows>(
    call: &Call<'_>,
    rows: &R,
    value: impl Fn(R::Row) -> Result<Option<T::Native>>,
) -> Result<ArrayRef> {
    call.rows::<T>(|row| rows.at(row)?.map_or(Ok(None), &value))
}

/// A moment of the session of each date.
fn of_session(call: &Call<'_>, moment: fn(Session) -> DateTime<Utc>) -> Result<ArrayRef> {
    each::<TimestampMicrosecondType, _>(call, &Dates::of(call)?, |(exchange, date)| {
        Ok(exchange.session(date).map(|session| moment(session).timestamp_micros()))
    })
}

/// The first of some moments of sessions that comes after each moment.
fn next(call: &Call<'_>, of: fn(&Session) -> DateTime<Utc>) -> Result<ArrayRef> {
    each::<TimestampMicrosecondType, _>(call, &Moments::of(call)?, |(exchange, moment)| {
        let next = exchange.first_from(moment, |session| of(session) > moment);
        next.map(|session| Some(of(&session).timestamp_micros())).ok_or_else(|| beyond(exchange))
    })
}

/// The date that is so many sessions away.
fn offset(exchange: &Exchange, date: NaiveDate, count: i64) -> Result<Option<i32>> {
    exchange.offset(date, count).map(|date| Some(days(date))).ok_or_else(|| beyond(exchange))
}
