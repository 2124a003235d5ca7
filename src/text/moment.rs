//! Dates, times of day and instants are written as PostgreSQL writes them in the style ISO.

use super::calendar::{DAY_US, FIRST_DAY, FIRST_US, LAST_DAY, LAST_US, civil};
use bytes::BufMut;

/// Two digits of a number below 100, filled with zeros.
fn pair(value: i64) -> [u8; 2] {
    [b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8]
}

/// Writes a number that is not negative, filled with zeros to a width.
pub(super) fn put_number(value: i64, width: usize, out: &mut Vec<u8>) {
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

/// Writes `infinity` or `-infinity` for the moment that stands for it; says whether it did.
pub(crate) fn put_infinity(us: i64, out: &mut Vec<u8>) -> bool {
    match us {
        LAST_US => out.put_slice(b"infinity"),
        FIRST_US => out.put_slice(b"-infinity"),
        _ => return false,
    }
    true
}

/// Writes a date with its era, or one of the infinities.
pub(crate) fn put_day(days: i32, out: &mut Vec<u8>) {
    let infinite = match days {
        LAST_DAY => put_infinity(LAST_US, out),
        FIRST_DAY => put_infinity(FIRST_US, out),
        _ => false,
    };
    if !infinite {
        let before_christ = put_date(days.into(), out);
        put_era(before_christ, out);
    }
}

/// Writes a timestamp without a zone and its era, or one of the infinities.
pub(crate) fn put_timestamp(us: i64, out: &mut Vec<u8>) {
    if !put_infinity(us, out) {
        let before_christ = put_instant(us, out);
        put_era(before_christ, out);
    }
}

/// Writes a moment on a clock so many microseconds east of Greenwich, with that offset and its era, or one of the
/// infinities.
pub(crate) fn put_timestamptz(us: i64, east_us: i64, out: &mut Vec<u8>) {
    if !put_infinity(us, out) {
        let before_christ = put_instant(us.saturating_add(east_us), out);
        put_offset(east_us / 1_000_000, out);
        put_era(before_christ, out);
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
    put_fraction(us % 1_000_000, out);
}

/// Writes microseconds below a second as a fraction with its point, without zeros at its end; nothing of none.
pub(super) fn put_fraction(mut fraction: i64, out: &mut Vec<u8>) {
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
