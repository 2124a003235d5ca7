//! The proleptic Gregorian calendar, as counts of days since 1970 and of microseconds.
//!
//! Own arithmetic, because PostgreSQL's range of years, and Arrow's, is wider than that of the calendar crate.

/// Microseconds of a second.
pub(crate) const SECOND_US: i64 = 1_000_000;
/// Microseconds of an hour.
pub(crate) const HOUR_US: i64 = 3_600 * SECOND_US;
/// Microseconds of a day of 24 hours.
pub(crate) const DAY_US: i64 = 24 * HOUR_US;
/// The day that stands for `infinity`, later than all dates; as in PostgreSQL.
pub(crate) const LAST_DAY: i32 = i32::MAX;
/// The day that stands for `-infinity`, earlier than all dates.
pub(crate) const FIRST_DAY: i32 = i32::MIN;
/// The moment that stands for `infinity`, later than all timestamps; as in PostgreSQL.
pub(crate) const LAST_US: i64 = i64::MAX;
/// The moment that stands for `-infinity`, earlier than all timestamps.
pub(crate) const FIRST_US: i64 = i64::MIN;
/// The Julian day 0, 24 November 4714 BC: PostgreSQL has no earlier date.
const JULIAN_DAY_0: i64 = -2_440_588;
/// The day after the last date of PostgreSQL, which is 31 December 5874897.
const END_OF_DATES: i64 = 2_145_042_906;

/// Year, month and day of a count of days since 1970; year 0 is 1 BC.
///
/// By eras of 400 years that begin in March, where the leap day is last.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// Days since 1970 of a date; months from 1 to 12, years within 64 bits by far, days may go beyond the month.
pub(crate) fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Whether a year has a 29 February; year 0 is 1 BC, which has.
pub(crate) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month from 1 to 12.
pub(crate) fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A day within PostgreSQL's range of dates; `None` outside of it.
pub(crate) fn date(days: i64) -> Option<i32> {
    (JULIAN_DAY_0..END_OF_DATES).contains(&days).then(|| i32::try_from(days).ok()).flatten()
}

/// Whether a moment is within the range of timestamps, which begins with Julian day 0 and ends before `infinity`.
///
/// PostgreSQL's own range ends 30 years later, in 294276; what is not here has no 64 bits since 1970.
pub(crate) fn is_moment(us: i64) -> bool {
    us != LAST_US && us >= JULIAN_DAY_0 * DAY_US
}

/// The moment of a day and a time; `None` outside the range of timestamps.
pub(crate) fn moment(days: i64, time_us: i64) -> Option<i64> {
    let us = days.checked_mul(DAY_US)?.checked_add(time_us)?;
    is_moment(us).then_some(us)
}

/// Whether a moment is one of the two infinities.
pub(crate) fn is_infinite(us: i64) -> bool {
    us == LAST_US || us == FIRST_US
}

/// The day and the microseconds of the day of a moment.
pub(crate) fn split(us: i64) -> (i64, i64) {
    (us.div_euclid(DAY_US), us.rem_euclid(DAY_US))
}

/// The Julian day of a count of days since 1970.
pub(crate) fn julian(days: i64) -> i64 {
    days - JULIAN_DAY_0
}

/// The day since 1970 of a Julian day.
pub(crate) fn from_julian(day: i64) -> i64 {
    day + JULIAN_DAY_0
}

/// The day of the week, 0 for Sunday.
pub(crate) fn weekday(days: i64) -> i64 {
    (days + 4).rem_euclid(7)
}

/// The Monday with which an ISO year begins, in days since 1970.
pub(crate) fn iso_year_start(year: i64) -> i64 {
    let fourth = days_of(year, 1, 4);
    fourth - (weekday(fourth) + 6) % 7
}

/// ISO year and week of a day.
pub(crate) fn iso_week(days: i64) -> (i64, i64) {
    let (year, ..) = civil(days);
    let of = [year + 1, year, year - 1].into_iter().find(|year| iso_year_start(*year) <= days).unwrap_or(year);
    (of, (days - iso_year_start(of)) / 7 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Datelike;

    #[test]
    fn days_are_those_of_the_calendar() {
        for days in -800_000..800_000 {
            let expected = chrono::NaiveDate::from_num_days_from_ce_opt(days + 719_163).unwrap();
            let (year, month, day) = civil(days.into());
            assert_eq!(chrono::NaiveDate::from_ymd_opt(year as i32, month as u32, day as u32), Some(expected));
            assert_eq!(days_of(year, month, day), i64::from(days));
            let week = expected.iso_week();
            assert_eq!(iso_week(days.into()), (i64::from(week.year()), i64::from(week.week())));
        }
        assert_eq!(days_of(5_874_897, 12, 31), END_OF_DATES - 1);
    }
}
