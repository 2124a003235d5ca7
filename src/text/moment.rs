//! Dates, times of day, instants and intervals are written as PostgreSQL writes them in the style
//! ISO.

use bytes::BufMut;

/// Microseconds of a day of 24 hours.
pub(crate) const DAY_US: i64 = 86_400_000_000;

/// Two digits of a number below 100, filled with zeros.
fn pair(value: i64) -> [u8; 2] {
    [b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8]
}

/// Writes a number that is not negative, filled with zeros to a width.
fn put_number(value: i64, width: usize, out: &mut Vec<u8>) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(value);
    out.put_bytes(b'0', width.saturating_sub(digits.len()));
    out.put_slice(digits.as_bytes());
}

/// Writes `YYYY-MM-DD`; says whether ` BC` is to follow.
pub(crate) fn put_date(days: i64, out: &mut Vec<u8>) -> bool {
    let (year, month, day) = civil(days);
    if (1..=9_999).contains(&year) {
        let ([a, b], [c, d]) = (pair(year / 100), pair(year));
        let ([e, f], [g, h]) = (pair(month), pair(day));
        out.extend_from_slice(&[a, b, c, d, b'-', e, f, b'-', g, h]);
        return false;
    }
    let before_christ = year <= 0;
    put_number(if before_christ { 1 - year } else { year }, 4, out);
    out.put_u8(b'-');
    put_number(month, 2, out);
    out.put_u8(b'-');
    put_number(day, 2, out);
    before_christ
}

/// Writes ` BC` where it is to follow.
pub(crate) fn put_era(before_christ: bool, out: &mut Vec<u8>) {
    if before_christ {
        out.put_slice(b" BC");
    }
}

/// Writes `YYYY-MM-DD HH:MM:SS[.ffffff]`; says whether ` BC` is to follow.
pub(crate) fn put_instant(us: i64, out: &mut Vec<u8>) -> bool {
    let before_christ = put_date(us.div_euclid(DAY_US), out);
    out.put_u8(b' ');
    put_time(us.rem_euclid(DAY_US), out);
    before_christ
}

/// Writes `HH:MM:SS[.ffffff]` of a count that is not negative; hours go on beyond a day.
pub(crate) fn put_time(us: i64, out: &mut Vec<u8>) {
    let seconds = us / 1_000_000;
    put_number(seconds / 3_600, 2, out);
    out.put_u8(b':');
    put_number(seconds / 60 % 60, 2, out);
    out.put_u8(b':');
    put_number(seconds % 60, 2, out);
    let mut fraction = us % 1_000_000;
    if fraction > 0 {
        let mut width = 6;
        while fraction % 10 == 0 {
            fraction /= 10;
            width -= 1;
        }
        out.put_u8(b'.');
        put_number(fraction, width, out);
    }
}

/// Writes an offset from UTC, seconds east of it, as `+HH[:MM[:SS]]`.
pub(crate) fn put_offset(seconds: i64, out: &mut Vec<u8>) {
    out.put_u8(if seconds < 0 { b'-' } else { b'+' });
    let seconds = seconds.abs();
    put_number(seconds / 3_600, 2, out);
    if seconds % 3_600 != 0 {
        out.put_u8(b':');
        put_number(seconds / 60 % 60, 2, out);
    }
    if seconds % 60 != 0 {
        out.put_u8(b':');
        put_number(seconds % 60, 2, out);
    }
}

/// Writes `1 year 2 mons -3 days +04:05:06.7`: a positive part after a negative one says so.
pub(crate) fn put_interval(months: i32, days: i32, us: i64, out: &mut Vec<u8>) {
    let mut empty = true;
    let mut after_negative = false;
    for (value, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if value == 0 {
            continue;
        }
        if !empty {
            out.put_u8(b' ');
        }
        if after_negative && value > 0 {
            out.put_u8(b'+');
        }
        put_number(value.into(), 0, out);
        out.put_u8(b' ');
        out.put_slice(unit.as_bytes());
        if value != 1 {
            out.put_u8(b's');
        }
        empty = false;
        after_negative = value < 0;
    }
    if empty || us != 0 {
        if !empty {
            out.put_u8(b' ');
        }
        if us < 0 {
            out.put_u8(b'-');
        } else if after_negative {
            out.put_u8(b'+');
        }
        put_time(us.saturating_abs(), out);
    }
}

/// Year, month and day of a count of days since 1970 in the proleptic Gregorian calendar; year 0 is 1 BC.
///
/// By eras of 400 years that begin in March, where the leap day is last. Own arithmetic, because PostgreSQL's range
/// of years, and Arrow's, is wider than that of the calendar crate.
fn civil(days: i64) -> (i64, i64, i64) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for days in -800_000..800_000 {
            let expected = chrono::NaiveDate::from_num_days_from_ce_opt(days + 719_163).unwrap();
            let (year, month, day) = civil(days.into());
            assert_eq!(chrono::NaiveDate::from_ymd_opt(year as i32, month as u32, day as u32), Some(expected));
        }
    }
}
