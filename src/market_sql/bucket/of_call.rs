//! The buckets that the arguments of a call say, besides the moment.

use super::arguments::{Arguments, Form};
use super::buckets::{Alignment, Buckets};
use super::grid::Width;
use crate::dialect::moment::fault::{external, invalid};
use crate::dialect::moment::function::{Call, Column, Texts};
use crate::error::{ErrorKind, QueryError};
use crate::market::exchange;
use crate::text::calendar::DAY_US;
use crate::text::zone::Zone;
use arrow::datatypes::{
    DataType, Date32Type, Int16Type, Int32Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
    TimestampMicrosecondType,
};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::ColumnarValue;

/// The arguments of a call that say which buckets are meant, as columns.
pub(crate) enum Settings {
    /// Of whole numbers: their width and offset.
    Numbers(Column<Int64Type>, Option<Column<Int64Type>>),
    /// Of time, with what aligns them.
    Time(Box<TimeSettings>),
}

/// Arguments about buckets of time.
pub(crate) struct TimeSettings {
    widths: Column<IntervalMonthDayNanoType>,
    zones: Option<Texts>,
    sessions: Option<Texts>,
    origins: Option<Moments>,
    offsets: Option<Column<IntervalMonthDayNanoType>>,
    /// Whether moments are dates, whose buckets are whole days.
    of_dates: bool,
}

/// A column of moments, or of days as their midnights.
pub(crate) enum Moments {
    /// Microseconds of a `timestamp` or `timestamptz`.
    Micros(Column<TimestampMicrosecondType>),
    /// Days, each as its midnight.
    Days(Column<Date32Type>),
    /// Numbers of 16 bits.
    Small(Column<Int16Type>),
    /// Numbers of 32 bits.
    Integers(Column<Int32Type>),
    /// Numbers of 64 bits.
    Numbers(Column<Int64Type>),
}

impl Moments {
    /// Those of an argument.
    pub(crate) fn of(call: &Call<'_>, place: usize) -> Result<Self> {
        Ok(match call.argument(place)?.data_type() {
            DataType::Int16 => Self::Small(call.column(place)?),
            DataType::Int32 => Self::Integers(call.column(place)?),
            DataType::Int64 => Self::Numbers(call.column(place)?),
            DataType::Date32 => Self::Days(call.column(place)?),
            _ => Self::Micros(call.column(place)?),
        })
    }

    /// The moment of a row, or the number.
    pub(crate) fn at(&self, row: usize) -> Option<i64> {
        match self {
            Self::Micros(moments) => moments.at(row),
            Self::Small(numbers) => numbers.at(row).map(i64::from),
            Self::Integers(numbers) => numbers.at(row).map(i64::from),
            Self::Numbers(numbers) => numbers.at(row),
            Self::Days(days) => days.at(row).map(of_day),
        }
    }
}

/// The midnight of a day; the infinite days are infinite moments.
pub(crate) fn of_day(day: i32) -> i64 {
    match day {
        i32::MAX => i64::MAX,
        i32::MIN => i64::MIN,
        day => i64::from(day) * DAY_US,
    }
}

/// What the arguments of one row say.
#[derive(PartialEq)]
enum Wanted<'a> {
    Numbers(i64, i64),
    Time {
        width: IntervalMonthDayNano,
        zone: Option<&'a str>,
        session: Option<&'a str>,
        origin: Option<i64>,
        offset: Option<IntervalMonthDayNano>,
    },
}

impl Settings {
    /// Those of a call.
    pub(crate) fn of(call: &Call<'_>, form: &Form) -> Result<Self> {
        let Arguments { zone, origin, offset, session } = form.arguments;
        if form.is_of_numbers() {
            let offsets = offset.map(|place| call.column(place)).transpose()?;
            return Ok(Self::Numbers(call.column(0)?, offsets));
        }
        Ok(Self::Time(Box::new(TimeSettings {
            widths: call.column(0)?,
            zones: zone.map(|place| call.texts(place)).transpose()?,
            sessions: session.map(|place| call.texts(place)).transpose()?,
            origins: origin.map(|place| Moments::of(call, place)).transpose()?,
            offsets: offset.map(|place| call.column(place)).transpose()?,
            of_dates: form.is_of_dates(),
        })))
    }

    /// Those of values, which are the same for all rows.
    ///
    /// # Errors
    /// A value of another type than its parameter's.
    pub(crate) fn of_values(values: &[ScalarValue], form: &Form) -> Result<Self> {
        let wrong = || exec_datafusion_err!("an argument has another type than was planned");
        let value = |place: usize| values.get(place).ok_or_else(wrong);
        let span = |place: usize| match value(place)? {
            ScalarValue::IntervalMonthDayNano(span) => Ok(Column::One(*span)),
            _ => Err(wrong()),
        };
        let number = |place: usize| match value(place)? {
            ScalarValue::Int64(number) => Ok(Column::One(*number)),
            _ => Err(wrong()),
        };
        let text = |place: usize| {
            Ok::<_, DataFusionError>(Texts::One(value(place)?.try_as_str().flatten().map(str::to_owned)))
        };
        let moment = |place: usize| match value(place)? {
            ScalarValue::Date32(day) => Ok(Moments::Days(Column::One(*day))),
            ScalarValue::TimestampMicrosecond(us, _) => Ok(Moments::Micros(Column::One(*us))),
            _ => Err(wrong()),
        };
        let Arguments { zone, origin, offset, session } = form.arguments;
        if form.is_of_numbers() {
            return Ok(Self::Numbers(number(0)?, offset.map(number).transpose()?));
        }
        Ok(Self::Time(Box::new(TimeSettings {
            widths: span(0)?,
            zones: zone.map(text).transpose()?,
            sessions: session.map(text).transpose()?,
            origins: origin.map(moment).transpose()?,
            offsets: offset.map(span).transpose()?,
            of_dates: form.is_of_dates(),
        })))
    }

    /// Whether all rows have the same buckets.
    pub(crate) fn is_constant(call: &Call<'_>) -> bool {
        let is_one = |argument: &ColumnarValue| matches!(argument, ColumnarValue::Scalar(_));
        call.args.iter().enumerate().all(|(place, argument)| place == 1 || is_one(argument))
    }

    /// The buckets of a row; `None` where an argument is NULL that must not be.
    ///
    /// # Errors
    /// What the arguments say is not possible.
    pub(crate) fn at(&self, row: usize) -> Result<Option<Buckets>> {
        self.wanted(row).map(|wanted| self.buckets(&wanted)).transpose()
    }

    /// Whether two rows have the same buckets.
    pub(crate) fn is_same(&self, row: usize, other: usize) -> bool {
        self.wanted(row) == self.wanted(other)
    }

    fn wanted(&self, row: usize) -> Option<Wanted<'_>> {
        Some(match self {
            Self::Numbers(widths, offsets) => {
                let offset = offsets.as_ref().and_then(|offsets| offsets.at(row)).unwrap_or_default();
                Wanted::Numbers(widths.at(row)?, offset)
            }
            Self::Time(time) => Wanted::Time {
                width: time.widths.at(row)?,
                zone: given(&time.zones, row)?,
                session: given(&time.sessions, row)?,
                origin: time.origins.as_ref().and_then(|origins| origins.at(row)),
                offset: time.offsets.as_ref().and_then(|offsets| offsets.at(row)),
            },
        })
    }

    fn buckets(&self, wanted: &Wanted<'_>) -> Result<Buckets> {
        let (width, zone, session, origin, offset) = match *wanted {
            Wanted::Numbers(width, offset) => return Buckets::of_numbers(width, offset),
            Wanted::Time { width, zone, session, origin, offset } => (Width::of(width)?, zone, session, origin, offset),
        };
        let of_dates = matches!(self, Self::Time(time) if time.of_dates);
        let partly = offset.is_some_and(|offset| offset.nanoseconds % 86_400_000_000_000 != 0);
        if of_dates && (!width.is_of_days() || partly) {
            return Err(invalid("interval must not have sub-day precision".to_owned()));
        }
        if let Some(name) = session {
            let exchange = exchange::find(name).ok_or_else(|| unknown_exchange(name))?;
            return Buckets::of_sessions(width, exchange);
        }
        let unknown = |name: &str| invalid(format!("time zone \"{name}\" not recognized"));
        let zone = zone.map(|name| Zone::of_text(name).ok_or_else(|| unknown(name))).transpose()?;
        Buckets::of_time(width, Alignment { origin, offset, zone })
    }
}

/// The text of a row of a parameter that may be left out; `None` outside where it is NULL.
#[allow(clippy::option_option, reason = "NULL, and a parameter that is left out, are two answers")]
fn given(texts: &Option<Texts>, row: usize) -> Option<Option<&str>> {
    match texts {
        Some(texts) => texts.at(row).map(Some),
        None => Some(None),
    }
}

/// 22023 for the code of an exchange whose sessions are not known.
fn unknown_exchange(name: &str) -> DataFusionError {
    let error = QueryError::new(ErrorKind::InvalidParameter, format!("exchange \"{name}\" is not known"));
    external(error.with_hint("SELECT * FROM exchanges() lists those that are."))
}
