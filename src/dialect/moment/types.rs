//! The Arrow types of dates, times, moments and spans of time, by PostgreSQL's names for them.

use datafusion::arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use std::sync::LazyLock;

/// `date`: days since 1970.
pub(crate) const DATE: DataType = DataType::Date32;
/// `time`: microseconds from midnight.
pub(crate) const TIME: DataType = DataType::Time64(TimeUnit::Microsecond);
/// `timestamp`: microseconds since 1970 on a clock somewhere.
pub(crate) const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);
/// `timestamptz`: microseconds since 1970 in UTC.
pub(crate) static TIMESTAMPTZ: LazyLock<DataType> = LazyLock::new(crate::dialect::catalog::definition::timestamptz);
/// `interval`: months, days and nanoseconds, of which whole microseconds are used.
pub(crate) const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// What a type is among the types of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Date,
    Time,
    Timestamp,
    Timestamptz,
    Interval,
}

impl Kind {
    /// The kind of a type, in whatever unit; `None` for all other types.
    pub(crate) fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Time32(_) | DataType::Time64(_) => Self::Time,
            DataType::Timestamp(_, None) => Self::Timestamp,
            DataType::Timestamp(_, Some(_)) => Self::Timestamptz,
            DataType::Interval(_) | DataType::Duration(_) => Self::Interval,
            _ => return None,
        })
    }

    /// The Arrow type that values of the kind have here.
    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::Date => DATE,
            Self::Time => TIME,
            Self::Timestamp => TIMESTAMP,
            Self::Timestamptz => TIMESTAMPTZ.clone(),
            Self::Interval => INTERVAL,
        }
    }

    /// PostgreSQL's name of the type.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Time => "time without time zone",
            Self::Timestamp => "timestamp without time zone",
            Self::Timestamptz => "timestamp with time zone",
            Self::Interval => "interval",
        }
    }

    /// The name as errors about a text have it, which is short for types without a zone.
    pub(crate) fn short_name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Timestamp => "timestamp",
            other => other.name(),
        }
    }

    /// Whether values are days or moments: dates become timestamps, and these `timestamptz`, without being asked.
    pub(crate) fn is_moment(self) -> bool {
        matches!(self, Self::Date | Self::Timestamp | Self::Timestamptz)
    }

    /// The kind in which two days or moments are compared; `None` for other kinds.
    pub(crate) fn common(self, other: Self) -> Option<Self> {
        if self == other {
            return Some(self);
        }
        if !self.is_moment() || !other.is_moment() {
            return None;
        }
        let either = |kind| self == kind || other == kind;
        Some(if either(Self::Timestamptz) { Self::Timestamptz } else { Self::Timestamp })
    }
}
