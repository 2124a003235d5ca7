//! How much of a year lies between two dates or moments, by the conventions that markets count by.

use crate::market::exchange::Exchange;
use chrono::{DateTime, Datelike, NaiveDate, Utc};

/// A convention of counting that needs no calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convention {
    /// Elapsed days over 365, `ACT/365F`.
    Actual365Fixed,
    /// Elapsed days over 360, `ACT/360`.
    Actual360,
    /// Elapsed minutes over 525,600, as Cboe counts for its volatility index.
    Minutes,
    /// Days of months of 30 days over 360, by the bond basis of ISDA's definitions of 2006.
    Thirty360,
    /// Days in leap years over 366 and in other years over 365, by ISDA.
    ActualActual,
    /// Sessions of an exchange over 252.
    Business252,
}

/// Microseconds of a day.
const DAY: f64 = 86_400e6;

impl Convention {
    /// All of them, by the names that people write.
    pub const ALL: [(&'static str, Self); 6] = [
        ("ACT/365F", Self::Actual365Fixed),
        ("ACT/360", Self::Actual360),
        ("ACT/ACT", Self::ActualActual),
        ("30/360", Self::Thirty360),
        ("BUS/252", Self::Business252),
        ("minutes", Self::Minutes),
    ];

    /// The convention of a name, in any case.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, convention)| *convention)
    }
}

/// The fraction of a year between two moments by their distance; `None` for a convention that counts dates.
pub fn between_moments(convention: Convention, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<f64> {
    let days = (to - from).num_microseconds()? as f64 / DAY;
    match convention {
        Convention::Actual365Fixed | Convention::Minutes => Some(days / 365.0),
        Convention::Actual360 => Some(days / 360.0),
        _ => None,
    }
}

/// The fraction of a year between two dates; negative where the second comes first.
pub fn between_dates(convention: Convention, from: NaiveDate, to: NaiveDate, exchange: &Exchange) -> f64 {
    let days = (to - from).num_days() as f64;
    match convention {
        Convention::Actual365Fixed | Convention::Minutes => days / 365.0,
        Convention::Actual360 => days / 360.0,
        Convention::Thirty360 => thirty360(from, to) as f64 / 360.0,
        Convention::ActualActual => f64::from(to.year() - from.year()) + (of_its_year(to) - of_its_year(from)),
        Convention::Business252 => exchange.between(from, to) as f64 / 252.0,
    }
}

/// Days between two dates in months of 30 days.
fn thirty360(from: NaiveDate, to: NaiveDate) -> i64 {
    let first = from.day().min(30);
    let last = if first == 30 { to.day().min(30) } else { to.day() };
    let month = |date: NaiveDate| i64::from(date.year()) * 12 + i64::from(date.month0());
    (month(to) - month(from)) * 30 + i64::from(last) - i64::from(first)
}

/// The part of its year that lies before a date.
fn of_its_year(date: NaiveDate) -> f64 {
    f64::from(date.ordinal0()) / if date.leap_year() { 366.0 } else { 365.0 }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::market::exchange;

    #[track_caller]
    fn check(convention: &str, from: &str, to: &str, expected: f64) {
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        let convention = Convention::of(convention).unwrap();
        let found = between_dates(convention, from, to, exchange::find("XNYS").unwrap());
        assert!((found - expected).abs() < 1e-14, "{found} is not {expected}");
    }

    /// Figures of QuantLib 1.44.
    #[test]
    fn dates_are_counted_as_quantlib_counts() {
        check("ACT/365F", "2026-01-31", "2028-03-01", 760.0 / 365.0);
        check("act/360", "2026-01-31", "2028-03-01", 760.0 / 360.0);
        check("ACT/ACT", "2003-11-01", "2004-05-01", 0.497_724_380_567_408_5);
        check("ACT/ACT", "2004-05-01", "2003-11-01", -0.497_724_380_567_408_5);
        check("30/360", "2026-01-31", "2026-03-31", 60.0 / 360.0);
        check("30/360", "2026-01-30", "2026-02-28", 28.0 / 360.0);
        check("30/360", "2026-02-28", "2026-03-31", 33.0 / 360.0);
    }

    #[test]
    fn sessions_and_minutes_are_counted() {
        check("BUS/252", "2026-11-23", "2026-11-30", 4.0 / 252.0);
        check("BUS/252", "2026-11-30", "2026-11-23", -4.0 / 252.0);
        let (from, to) = ("2026-01-02T15:30:00Z".parse().unwrap(), "2026-01-16T14:30:00Z".parse().unwrap());
        let minutes = between_moments(Convention::Minutes, from, to).unwrap();
        assert!((minutes - 20_100.0 / 525_600.0).abs() < 1e-15, "{minutes}");
        assert_eq!(between_moments(Convention::Thirty360, from, to), None);
        assert_eq!(Convention::of("ACT"), None);
    }
}
