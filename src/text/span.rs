//! Spans of time are written as PostgreSQL writes them in each of its four styles.

use super::moment::{put_fraction, put_number, put_time};
use bytes::BufMut;

/// The style of a span's text: PostgreSQL's `intervalstyle`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) enum SpanStyle {
    /// `1 year 2 mons -3 days +04:05:06.7`.
    #[default]
    Postgres,
    /// `@ 1 year 2 mons -3 days 4 hours 5 mins 6.7 secs`.
    PostgresVerbose,
    /// `+1-2 -3 +4:05:06.7`, and `1-2` or `3 4:05:06.7` where that is what the SQL standard has.
    SqlStandard,
    /// `P1Y2M-3DT4H5M6.7S`, as ISO 8601 has it.
    Iso8601,
}

impl SpanStyle {
    /// The styles by the names that `intervalstyle` has for them.
    const NAMES: [(&'static str, Self); 4] = [
        ("postgres", Self::Postgres),
        ("postgres_verbose", Self::PostgresVerbose),
        ("sql_standard", Self::SqlStandard),
        ("iso_8601", Self::Iso8601),
    ];

    /// The style of a name, compared without case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, style)| *style)
    }

    /// Writes a span in this style.
    pub(crate) fn put(self, months: i32, days: i32, us: i64, out: &mut Vec<u8>) {
        match self {
            Self::Postgres => put_postgres(months, days, us, out),
            Self::PostgresVerbose => put_verbose(&Parts::of(months, days, us), out),
            Self::SqlStandard => put_sql(&Parts::of(months, days, us), out),
            Self::Iso8601 => put_iso(&Parts::of(months, days, us), out),
        }
    }
}

/// Writes `1 year 2 mons -3 days +04:05:06.7`: a positive part after a negative one says so.
fn put_postgres(months: i32, days: i32, us: i64, out: &mut Vec<u8>) {
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

/// A span taken apart; parts of a negative number are negative.
struct Parts {
    years: i64,
    months: i64,
    days: i64,
    hours: i64,
    minutes: i64,
    /// Seconds with their fraction.
    second_us: i64,
}

impl Parts {
    fn of(months: i32, days: i32, us: i64) -> Self {
        Self {
            years: (months / 12).into(),
            months: (months % 12).into(),
            days: days.into(),
            hours: us / HOUR_US,
            minutes: us % HOUR_US / MINUTE_US,
            second_us: us % MINUTE_US,
        }
    }

    fn has_time(&self) -> bool {
        self.hours != 0 || self.minutes != 0 || self.second_us != 0
    }

    fn all(&self) -> [i64; 6] {
        [self.years, self.months, self.days, self.hours, self.minutes, self.second_us]
    }
}

const SECOND_US: i64 = 1_000_000;
const MINUTE_US: i64 = 60 * SECOND_US;
const HOUR_US: i64 = 60 * MINUTE_US;

/// Writes the digits of seconds and their fraction, without a sign.
fn put_seconds(us: i64, width: usize, out: &mut Vec<u8>) {
    put_number((us / SECOND_US).abs(), width, out);
    put_fraction((us % SECOND_US).abs(), out);
}

/// Writes `@ 1 year -2 days 3.5 secs`; of a span that begins with a negative part the opposite, and ` ago`.
fn put_verbose(parts: &Parts, out: &mut Vec<u8>) {
    let [years, months, days, hours, minutes, second_us] = parts.all();
    let ago = parts.all().into_iter().find(|part| *part != 0).is_some_and(i64::is_negative);
    out.put_u8(b'@');
    let units = [(years, "year"), (months, "mon"), (days, "day"), (hours, "hour"), (minutes, "min")];
    for (value, unit) in units.into_iter().filter(|(value, _)| *value != 0) {
        let value = if ago { -value } else { value };
        out.put_u8(b' ');
        put_number(value, 0, out);
        out.put_u8(b' ');
        out.put_slice(unit.as_bytes());
        if value != 1 {
            out.put_u8(b's');
        }
    }
    if second_us != 0 {
        out.put_slice(if (second_us < 0) == ago { b" " } else { b" -" });
        put_seconds(second_us, 0, out);
        out.put_slice(if second_us.abs() == SECOND_US { b" sec" } else { b" secs" });
    }
    if parts.all().iter().all(|part| *part == 0) {
        out.put_slice(b" 0");
    }
    if ago {
        out.put_slice(b" ago");
    }
}

/// Writes `1-2`, `3 4:05:06` or `4:05:06`, each with one sign; what is none of these has all parts and all signs.
fn put_sql(parts: &Parts, out: &mut Vec<u8>) {
    let all = parts.all();
    let (negative, positive) = (all.iter().any(|part| *part < 0), all.iter().any(|part| *part > 0));
    let has_months = parts.years != 0 || parts.months != 0;
    let has_days = parts.days != 0;
    let sign = |negative: bool| if negative { b'-' } else { b'+' };
    let put = |value: i64, width: usize, out: &mut Vec<u8>| put_number(value.abs(), width, out);
    let months = |out: &mut Vec<u8>| {
        put(parts.years, 0, out);
        out.put_u8(b'-');
        put(parts.months, 0, out);
    };
    let time = |out: &mut Vec<u8>| {
        put(parts.hours, 0, out);
        out.put_u8(b':');
        put(parts.minutes, 2, out);
        out.put_u8(b':');
        put_seconds(parts.second_us, 2, out);
    };
    if !negative && !positive {
        out.put_u8(b'0');
        return;
    }
    if negative && positive || has_months && (has_days || parts.has_time()) {
        out.put_u8(sign(parts.years < 0 || parts.months < 0));
        months(out);
        out.put_slice(&[b' ', sign(parts.days < 0)]);
        put(parts.days, 0, out);
        out.put_slice(&[b' ', sign(parts.hours < 0 || parts.minutes < 0 || parts.second_us < 0)]);
        time(out);
        return;
    }
    if negative {
        out.put_u8(b'-');
    }
    if has_months {
        months(out);
        return;
    }
    if has_days {
        put(parts.days, 0, out);
        out.put_u8(b' ');
    }
    time(out);
}

/// Writes `P1Y2M3DT4H5M6.7S`, each part with its own sign.
fn put_iso(parts: &Parts, out: &mut Vec<u8>) {
    let [years, months, days, hours, minutes, second_us] = parts.all();
    let put = |value: i64, unit: u8, out: &mut Vec<u8>| {
        if value != 0 {
            put_number(value, 0, out);
            out.put_u8(unit);
        }
    };
    if parts.all().iter().all(|part| *part == 0) {
        out.put_slice(b"PT0S");
        return;
    }
    out.put_u8(b'P');
    put(years, b'Y', out);
    put(months, b'M', out);
    put(days, b'D', out);
    if parts.has_time() {
        out.put_u8(b'T');
    }
    put(hours, b'H', out);
    put(minutes, b'M', out);
    if second_us != 0 {
        if second_us < 0 {
            out.put_u8(b'-');
        }
        put_seconds(second_us, 0, out);
        out.put_u8(b'S');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(months: i32, days: i32, us: i64, expected: [&str; 4]) {
        for ((_, style), expected) in SpanStyle::NAMES.into_iter().zip(expected) {
            let mut text = Vec::new();
            style.put(months, days, us, &mut text);
            assert_eq!(String::from_utf8(text).unwrap(), expected);
        }
    }

    #[test]
    fn spans_are_written_in_each_style_as_postgresql_does() {
        check(0, 0, 0, ["00:00:00", "@ 0", "0", "PT0S"]);
        check(
            14,
            3,
            14_706_789_000,
            [
                "1 year 2 mons 3 days 04:05:06.789",
                "@ 1 year 2 mons 3 days 4 hours 5 mins 6.789 secs",
                "+1-2 +3 +4:05:06.789",
                "P1Y2M3DT4H5M6.789S",
            ],
        );
        check(-14, 3, 0, ["-1 years -2 mons +3 days", "@ 1 year 2 mons -3 days ago", "-1-2 +3 +0:00:00", "P-1Y-2M3D"]);
        check(0, -1, 3_600_000_000, ["-1 days +01:00:00", "@ 1 day -1 hours ago", "+0-0 -1 +1:00:00", "P-1DT1H"]);
        check(1, 0, -1_000_000, ["1 mon -00:00:01", "@ 1 mon -1 sec", "+0-1 +0 -0:00:01", "P1MT-1S"]);
        check(0, 0, 90_000_000_000, ["25:00:00", "@ 25 hours", "25:00:00", "PT25H"]);
        check(0, 0, -500_000, ["-00:00:00.5", "@ 0.5 secs ago", "-0:00:00.5", "PT-0.5S"]);
        check(0, 3, 3_600_000_000, ["3 days 01:00:00", "@ 3 days 1 hour", "3 1:00:00", "P3DT1H"]);
        check(-13, 0, 0, ["-1 years -1 mons", "@ 1 year 1 mon ago", "-1-1", "P-1Y-1M"]);
        check(
            0,
            -2,
            -1,
            ["-2 days -00:00:00.000001", "@ 2 days 0.000001 secs ago", "-2 0:00:00.000001", "P-2DT-0.000001S"],
        );
        check(0, 0, -61_000_000, ["-00:01:01", "@ 1 min 1 sec ago", "-0:01:01", "PT-1M-1S"]);
    }
}
