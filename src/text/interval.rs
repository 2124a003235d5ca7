//! Spans of time are read as PostgreSQL reads them: `1 year 2 mons -3 days 04:05:06.7`, `1.5 hours`,
//! `2 days ago`, `P1DT2H`.

use arrow::datatypes::IntervalMonthDayNano;

/// Nanoseconds of a second.
const NS_PER_SECOND: f64 = 1e9;
/// Days that a fraction of a month is counted in, as PostgreSQL does.
const DAYS_PER_MONTH: f64 = 30.0;
/// Nanoseconds of a day of 24 hours.
const NS_PER_DAY: f64 = 86_400.0 * NS_PER_SECOND;

/// Reads a span, rounded to microseconds; `None` for a text that is none, or a span whose months or
/// days leave 32 bits.
pub(crate) fn parse(text: &str) -> Option<IntervalMonthDayNano> {
    let text = text.trim();
    let mut span = Span::default();
    if let Some(standard) = text.strip_prefix('P') {
        iso(standard, &mut span)?;
        return span.finish();
    }
    let text = text.strip_prefix('@').unwrap_or(text).to_ascii_lowercase();
    let mut words = text.split_whitespace().peekable();
    words.peek()?;
    while let Some(word) = words.next() {
        if word == "ago" {
            span.negate();
            return words.next().is_none().then(|| span.finish()).flatten();
        }
        if word.contains(':') {
            clock(word, &mut span)?;
            continue;
        }
        let end = word.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(word.len());
        let number: f64 = word[..end].parse().ok()?;
        let unit = match &word[end..] {
            "" => words.next_if(|next| next.starts_with(|letter: char| letter.is_ascii_alphabetic()) && *next != "ago"),
            attached => Some(attached),
        };
        span.add(number, unit.unwrap_or("second"))?;
    }
    span.finish()
}

/// A span while its words are read: months, days and nanoseconds with their fractions.
#[derive(Default)]
struct Span {
    months: f64,
    days: f64,
    ns: f64,
}

impl Span {
    /// Adds so many of a unit, by any of PostgreSQL's names for it; `None` for an unknown unit.
    fn add(&mut self, number: f64, unit: &str) -> Option<()> {
        let unit = if unit.len() > 2 { unit.strip_suffix('s').unwrap_or(unit) } else { unit };
        match unit {
            "millennium" | "millennia" | "mil" => self.add_months(number * 12_000.0),
            "century" | "centurie" | "cent" | "c" => self.add_months(number * 1_200.0),
            "decade" | "dec" => self.add_months(number * 120.0),
            "year" | "yr" | "y" => self.add_months(number * 12.0),
            "month" | "mon" => self.add_months(number),
            "week" | "w" => self.add_days(number * 7.0),
            "day" | "d" => self.add_days(number),
            "hour" | "hr" | "h" => self.ns += number * 3_600.0 * NS_PER_SECOND,
            "minute" | "min" | "m" => self.ns += number * 60.0 * NS_PER_SECOND,
            "second" | "sec" | "s" => self.ns += number * NS_PER_SECOND,
            "millisecond" | "msec" | "ms" => self.ns += number * 1e6,
            "microsecond" | "usec" | "us" => self.ns += number * 1e3,
            _ => return None,
        }
        Some(())
    }

    /// Adds months; a fraction of a month is counted in days.
    fn add_months(&mut self, months: f64) {
        self.months += months.trunc();
        self.add_days((months - months.trunc()) * DAYS_PER_MONTH);
    }

    /// Adds days; a fraction of a day is time, but for what is there because of binary digits only.
    fn add_days(&mut self, days: f64) {
        let days = if (days - days.round()).abs() < 1e-9 { days.round() } else { days };
        self.days += days.trunc();
        self.ns += (days - days.trunc()) * NS_PER_DAY;
    }

    /// Turns the sign of each part, for `ago`.
    fn negate(&mut self) {
        (self.months, self.days, self.ns) = (-self.months, -self.days, -self.ns);
    }

    /// The span in whole microseconds; `None` when a part does not fit.
    #[allow(clippy::cast_possible_truncation, reason = "checked against the bounds before")]
    fn finish(&self) -> Option<IntervalMonthDayNano> {
        let whole = |value: f64| (value.abs() <= f64::from(i32::MAX)).then_some(value as i32);
        let micros = (self.ns / 1e3).round();
        let ns = (micros.abs() * 1e3 < i64::MAX as f64).then_some(micros as i64 * 1_000)?;
        Some(IntervalMonthDayNano::new(whole(self.months)?, whole(self.days)?, ns))
    }
}

/// Adds a time such as `-04:05:06.7`; `None` for minutes beyond 59 and anything that is no time.
fn clock(word: &str, span: &mut Span) -> Option<()> {
    let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
    let mut parts = unsigned.split(':');
    let hours: u32 = parts.next()?.parse().ok()?;
    let minutes: u32 = parts.next()?.parse().ok()?;
    let seconds: f64 = parts.next().unwrap_or("0").parse().ok()?;
    if parts.next().is_some() || minutes >= 60 || !(0.0..61.0).contains(&seconds) {
        return None;
    }
    let ns = (f64::from(hours) * 3_600.0 + f64::from(minutes) * 60.0 + seconds) * NS_PER_SECOND;
    span.ns += if word.starts_with('-') { -ns } else { ns };
    Some(())
}

/// Adds the parts of ISO 8601 behind the `P`, `1Y2M3DT4H5M6.7S`; `None` for anything else.
fn iso(text: &str, span: &mut Span) -> Option<()> {
    let mut time = false;
    let mut number = String::new();
    for letter in text.chars() {
        match letter {
            'T' if !time && number.is_empty() => time = true,
            '0'..='9' | '.' | '-' | '+' => number.push(letter),
            letter => {
                let unit = match (letter, time) {
                    ('Y', false) => "year",
                    ('M', false) => "month",
                    ('W', false) => "week",
                    ('D', false) => "day",
                    ('H', true) => "hour",
                    ('M', true) => "minute",
                    ('S', true) => "second",
                    _ => return None,
                };
                span.add(std::mem::take(&mut number).parse().ok()?, unit)?;
            }
        }
    }
    number.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(i32, i32, i64)>) {
        let expected = expected.map(|(months, days, micros)| IntervalMonthDayNano::new(months, days, micros * 1_000));
        assert_eq!(parse(text), expected, "{text}");
    }

    #[test]
    fn spans_read_as_in_postgres() {
        check("1 year 2 mons -3 days 04:05:06.7", Some((14, -3, 14_706_700_000)));
        check("1 month 2 days 03:04:05.678", Some((1, 2, 11_045_678_000)));
        check("-00:00:01", Some((0, 0, -1_000_000)));
        check("1.5 hours", Some((0, 0, 5_400_000_000)));
        check("1.5 days", Some((0, 1, 43_200_000_000)));
        check("2 days ago", Some((0, -2, 0)));
        check("5m", Some((0, 0, 300_000_000)));
        check("15 min", Some((0, 0, 900_000_000)));
        check("10", Some((0, 0, 10_000_000)));
        check("P1Y2M3DT4H5M6.5S", Some((14, 3, 14_706_500_000)));
        check("1 week", Some((0, 7, 0)));
        check("250 ms", Some((0, 0, 250_000)));
        check("soon", None);
        check("1 fortnight", None);
        check("", None);
        check("1:2:3:4", None);
        check("99999999999999 years", None);
    }
}
