//! Spans of time are read as PostgreSQL reads them: `1 year 2 mons -3 days 04:05:06.7`, `1.5 hours`, `2 days ago`,
//! `1-2`, `P1DT2H`.

use super::calendar::{DAY_US, HOUR_US, SECOND_US};
use super::datetime::fault::Fault;
use super::datetime::token::{Field, Look, fields};
use super::span::SpanStyle;
use arrow::datatypes::IntervalMonthDayNano;

/// A unit of a span, from the smallest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unit {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
    Decade,
    Century,
    Millennium,
}

impl Unit {
    /// The unit of a name in lower case, in any of PostgreSQL's spellings.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecon" | "microsecond" | "microseconds" => {
                Self::Microsecond
            }
            "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecon" | "millisecond" | "milliseconds" => {
                Self::Millisecond
            }
            "s" | "sec" | "secs" | "second" | "seconds" => Self::Second,
            "m" | "min" | "mins" | "minute" | "minutes" => Self::Minute,
            "h" | "hr" | "hrs" | "hour" | "hours" => Self::Hour,
            "d" | "day" | "days" => Self::Day,
            "w" | "week" | "weeks" => Self::Week,
            "mon" | "mons" | "month" | "months" => Self::Month,
            "y" | "yr" | "yrs" | "year" | "years" => Self::Year,
            "dec" | "decs" | "decade" | "decades" => Self::Decade,
            "c" | "cent" | "century" | "centuries" => Self::Century,
            "mil" | "mils" | "millennia" | "millennium" => Self::Millennium,
            _ => return None,
        })
    }

    /// Microseconds of a unit of time.
    fn us(self) -> i64 {
        match self {
            Self::Microsecond => 1,
            Self::Millisecond => 1_000,
            Self::Second => SECOND_US,
            Self::Minute => 60 * SECOND_US,
            Self::Hour => HOUR_US,
            _ => DAY_US,
        }
    }

    /// Years of a unit from the year on.
    fn years(self) -> i64 {
        match self {
            Self::Decade => 10,
            Self::Century => 100,
            Self::Millennium => 1_000,
            _ => 1,
        }
    }
}

/// The fields that a type such as `interval day to minute` has: the largest and the smallest.
pub(crate) type Range = (Unit, Unit);

/// Reads a span, rounded to microseconds.
pub(crate) fn parse(text: &str) -> Result<IntervalMonthDayNano, Fault> {
    parse_within(text, None)
}

/// Reads a span as [`parse`] does, as a style means it: in that of the SQL standard the sign before the first part holds
/// for all, where no other part has one.
pub(crate) fn parse_as(text: &str, style: SpanStyle) -> Result<IntervalMonthDayNano, Fault> {
    match signed(text).filter(|_| style == SpanStyle::SqlStandard) {
        Some(signed) => parse(&signed),
        None => parse(text),
    }
}

/// A text of several parts of which the first alone has a sign, a minus, with one before each of them; `None` for any
/// other. The style of the SQL standard and the others mean different spans by it.
pub(crate) fn signed(text: &str) -> Option<String> {
    let written = fields(text).ok()?;
    let (first, others) = written.split_first()?;
    let has_sign = |field: &Field| field.text.starts_with(['-', '+']);
    let is_number = |field: &Field| field.look != Look::Word;
    let several = others.iter().any(is_number) && !others.iter().any(has_sign);
    (first.text.starts_with('-') && several).then(|| {
        let part = |field: &Field| format!("{}{}", if is_number(field) { "-" } else { "" }, field.text);
        let others: Vec<String> = others.iter().map(part).collect();
        format!("{} {}", first.text, others.join(" "))
    })
}

/// Reads a span of a type with fields: a number without a unit counts the smallest, and what is smaller is cut off.
pub(crate) fn parse_within(text: &str, range: Option<Range>) -> Result<IntervalMonthDayNano, Fault> {
    let read = match words(text, range) {
        Err(Fault::Syntax) => iso(text),
        read => read,
    };
    let span = match read {
        Err(Fault::Field) => return Err(Fault::Span),
        read => read?,
    };
    span.within(range).finish()
}

/// A span while its fields are read.
#[derive(Debug, Default, Clone, Copy)]
struct Span {
    months: i64,
    days: i64,
    us: i64,
}

/// Parts of a span that are given; a text gives each at most once.
type Parts = u16;

/// The parts of a time with colons.
const CLOCK: Parts = part(Unit::Hour) | part(Unit::Minute) | SECONDS;
/// The parts of a second with a fraction.
const SECONDS: Parts = part(Unit::Second) | part(Unit::Millisecond) | part(Unit::Microsecond);

const fn part(unit: Unit) -> Parts {
    1 << unit as u16
}

/// Reads a span of words and numbers. From its end, since a unit stands behind its number.
fn words(text: &str, range: Option<Range>) -> Result<Span, Fault> {
    let mut span = Span::default();
    let mut known: Parts = 0;
    let mut unit: Option<Unit> = None;
    let mut open = false;
    let mut ago = false;
    let written = fields(text)?;
    for (index, Field { text, look }) in written.iter().enumerate().rev() {
        let given = match look {
            Look::Word if text == "ago" => {
                if index + 1 != written.len() {
                    return Err(Fault::Syntax);
                }
                ago = true;
                continue;
            }
            Look::Word if text == "at" || text == "on" => continue,
            Look::Word => {
                if open {
                    return Err(Fault::Syntax);
                }
                (unit, open) = (Some(Unit::named(text).ok_or(Fault::Syntax)?), true);
                continue;
            }
            Look::Time => {
                span.add_us(clock(text, range)?)?;
                unit = Some(Unit::Day);
                CLOCK
            }
            Look::Offset if text.contains(':') => {
                let us = clock(&text[1..], range).map_err(|_| Fault::Syntax)?;
                span.add_us(if text.starts_with('-') { -us } else { us })?;
                unit = Some(Unit::Day);
                CLOCK
            }
            Look::Offset | Look::Date | Look::Number => {
                let of = unit.unwrap_or_else(|| range.map_or(Unit::Second, |(_, least)| least.min(Unit::Year)));
                // A number before `ago` has a unit.
                if ago && unit.is_none() && !text[1..].contains('-') {
                    return Err(Fault::Syntax);
                }
                let (given, next) = number(text, of, &mut span)?;
                unit = Some(next);
                given
            }
        };
        open = false;
        if given & known != 0 {
            return Err(Fault::Syntax);
        }
        known |= given;
    }
    if known == 0 || open {
        return Err(Fault::Syntax);
    }
    if ago { span.negated() } else { Ok(span) }
}

/// A number of a unit, or years and months with a dash; the parts it gives and the unit of a number before it.
fn number(text: &str, unit: Unit, span: &mut Span) -> Result<(Parts, Unit), Fault> {
    let negative = text.starts_with('-');
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let sign = if negative { -1 } else { 1 };
    if let Some((years, months)) = digits.split_once('-') {
        let (years, months) = (whole(years)?, whole(months)?);
        if months >= 12 {
            return Err(Fault::Field);
        }
        span.add_months(years.checked_mul(12).and_then(|all| all.checked_add(months)).ok_or(Fault::Field)? * sign)?;
        return Ok((part(Unit::Month), Unit::Month));
    }
    let (digits, fraction) = match digits.find('.') {
        Some(point) => (&digits[..point], share(&digits[point..])? * sign as f64),
        None => (digits, 0.0),
    };
    let value = if digits.is_empty() { 0 } else { whole(digits)? * sign };
    span.add(value, fraction, unit)?;
    let given = if unit == Unit::Second && fraction != 0.0 { SECONDS } else { part(unit) };
    Ok((given, if unit == Unit::Hour { Unit::Day } else { unit }))
}

impl Span {
    /// Adds so many of a unit, and a fraction of one.
    fn add(&mut self, value: i64, fraction: f64, unit: Unit) -> Result<(), Fault> {
        match unit {
            Unit::Microsecond | Unit::Millisecond | Unit::Second | Unit::Minute | Unit::Hour => {
                self.add_us(value.checked_mul(unit.us()).ok_or(Fault::Field)?)?;
                self.add_fraction_us(fraction * unit.us() as f64)
            }
            Unit::Day => {
                self.add_days(value)?;
                self.add_fraction_us(fraction * DAY_US as f64)
            }
            Unit::Week => {
                self.add_days(value.checked_mul(7).ok_or(Fault::Field)?)?;
                self.add_fraction_days(fraction * 7.0)
            }
            Unit::Month => {
                self.add_months(value)?;
                self.add_fraction_days(fraction * 30.0)
            }
            _ => {
                let months = unit.years() * 12;
                self.add_months(value.checked_mul(months).ok_or(Fault::Field)?)?;
                self.add_months((fraction * months as f64).round_ties_even() as i64)
            }
        }
    }

    fn add_months(&mut self, months: i64) -> Result<(), Fault> {
        self.months = self.months.checked_add(months).filter(|all| i32::try_from(*all).is_ok()).ok_or(Fault::Field)?;
        Ok(())
    }

    fn add_days(&mut self, days: i64) -> Result<(), Fault> {
        self.days = self.days.checked_add(days).filter(|all| i32::try_from(*all).is_ok()).ok_or(Fault::Field)?;
        Ok(())
    }

    fn add_us(&mut self, us: i64) -> Result<(), Fault> {
        self.us = self.us.checked_add(us).ok_or(Fault::Field)?;
        Ok(())
    }

    /// Adds days, whose fraction is time.
    fn add_fraction_days(&mut self, days: f64) -> Result<(), Fault> {
        self.add_days(days.trunc() as i64)?;
        self.add_fraction_us(days.fract() * DAY_US as f64)
    }

    /// Adds microseconds, rounded; a half goes toward zero.
    fn add_fraction_us(&mut self, us: f64) -> Result<(), Fault> {
        let more = match us.fract() {
            rest if rest > 0.5 => 1,
            rest if rest < -0.5 => -1,
            _ => 0,
        };
        self.add_us(us.trunc() as i64 + more)
    }

    fn negated(self) -> Result<Self, Fault> {
        let us = self.us.checked_neg().ok_or(Fault::Field)?;
        Ok(Self { months: -self.months, days: -self.days, us })
    }

    /// The span without what is smaller than the fields of its type.
    fn within(self, range: Option<Range>) -> Self {
        let Some((_, least)) = range else { return self };
        match least {
            Unit::Year | Unit::Decade | Unit::Century | Unit::Millennium => {
                Self { months: self.months / 12 * 12, days: 0, us: 0 }
            }
            Unit::Month => Self { days: 0, us: 0, ..self },
            Unit::Day | Unit::Week => Self { us: 0, ..self },
            Unit::Hour | Unit::Minute => Self { us: self.us / least.us() * least.us(), ..self },
            Unit::Second | Unit::Millisecond | Unit::Microsecond => self,
        }
    }

    /// The span as Arrow has it; `Range` when a part does not fit.
    fn finish(&self) -> Result<IntervalMonthDayNano, Fault> {
        let narrow = |value: i64| i32::try_from(value).map_err(|_| Fault::Range);
        let ns = self.us.checked_mul(1_000).ok_or(Fault::Range)?;
        Ok(IntervalMonthDayNano::new(narrow(self.months)?, narrow(self.days)?, ns))
    }
}

/// Digits as a number.
fn whole(digits: &str) -> Result<i64, Fault> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::Syntax);
    }
    digits.parse().map_err(|_| Fault::Field)
}

/// A fraction with its point.
fn share(text: &str) -> Result<f64, Fault> {
    if text == "." {
        return Ok(0.0);
    }
    let digits = text.bytes().skip(1).all(|byte| byte.is_ascii_digit());
    if digits { format!("0{text}").parse().map_err(|_| Fault::Syntax) } else { Err(Fault::Syntax) }
}

/// Microseconds of a time such as `04:05:06.7`; `04:05` is minutes and seconds where the type has no hours.
fn clock(text: &str, range: Option<Range>) -> Result<i64, Fault> {
    let mut parts = text.splitn(3, ':');
    let first = whole(parts.next().unwrap_or_default())?;
    let second = parts.next().ok_or(Fault::Syntax)?;
    let third = parts.next();
    let (seconds, fraction) = match third.unwrap_or(second).split_once('.') {
        Some((seconds, _)) => (seconds, share(&third.unwrap_or(second)[seconds.len()..])?),
        None => (third.unwrap_or(second), 0.0),
    };
    let short = second.contains('.') || range == Some((Unit::Minute, Unit::Second));
    let (hours, minutes, seconds) = match third {
        Some(_) => (first, whole(second)?, whole(seconds)?),
        None if short => (0, first, whole(seconds)?),
        None => (first, whole(second)?, 0),
    };
    if minutes > 59 || seconds > 60 {
        return Err(Fault::Field);
    }
    let fraction = (fraction * SECOND_US as f64).round_ties_even() as i64;
    let rest = (minutes * 60 + seconds) * SECOND_US + fraction;
    hours.checked_mul(HOUR_US).and_then(|us| us.checked_add(rest)).ok_or(Fault::Field)
}

/// Reads a span of ISO 8601, with letters, `P1Y2M3DT4H5M6.7S`, or with separators, `P1-2-3T4:5:6`.
fn iso(text: &str) -> Result<Span, Fault> {
    let mut rest = text.strip_prefix('P').filter(|rest| !rest.is_empty()).ok_or(Fault::Syntax)?;
    let mut span = Span::default();
    let (mut time, mut lettered) = (false, false);
    let mut order = [Unit::Year, Unit::Month, Unit::Day].iter();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T') {
            if time {
                return Err(Fault::Syntax);
            }
            (time, rest) = (true, after);
            order = [Unit::Hour, Unit::Minute, Unit::Second].iter();
            continue;
        }
        let signed = rest.strip_prefix(['-', '+']).unwrap_or(rest);
        let length = signed.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(signed.len());
        let (digits, after) = signed.split_at(length);
        let sign = if rest.starts_with('-') { -1 } else { 1 };
        let (digits, fraction) = match digits.find('.') {
            Some(point) => (&digits[..point], share(&digits[point..])?),
            None => (digits, 0.0),
        };
        let value = if digits.is_empty() && fraction != 0.0 { 0 } else { whole(digits)? };
        let mut letters = after.chars();
        let (unit, after) = match (letters.next(), time) {
            (Some('Y'), false) => (Unit::Year, letters.as_str()),
            (Some('M'), false) => (Unit::Month, letters.as_str()),
            (Some('W'), false) => (Unit::Week, letters.as_str()),
            (Some('D'), false) => (Unit::Day, letters.as_str()),
            (Some('H'), true) => (Unit::Hour, letters.as_str()),
            (Some('M'), true) => (Unit::Minute, letters.as_str()),
            (Some('S'), true) => (Unit::Second, letters.as_str()),
            (Some('-'), false) | (Some(':'), true) if !lettered => {
                (*order.next().ok_or(Fault::Syntax)?, letters.as_str())
            }
            (None, _) | (Some('T'), false) if !lettered => (*order.next().ok_or(Fault::Syntax)?, after),
            _ => return Err(Fault::Syntax),
        };
        lettered |= matches!(rest[rest.len() - after.len() - 1..].chars().next(), Some('A'..='Z'));
        span.add(value * sign, fraction * sign as f64, unit)?;
        rest = after;
    }
    Ok(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(i32, i32, i64)>) {
        let expected = expected.map(|(months, days, micros)| IntervalMonthDayNano::new(months, days, micros * 1_000));
        assert_eq!(parse(text).ok(), expected, "{text}");
    }

    #[test]
    fn a_leading_minus_holds_for_all_parts_in_the_style_of_the_sql_standard() {
        for (text, standard, other) in [
            ("-1-2 3 04:05", (-14, -3, -14_700), (-14, 3, 14_700)),
            ("-1 2:03:04", (0, -1, -7_384), (0, -1, 7_384)),
            ("-1 day 2 hours ago", (0, 1, 7_200), (0, 1, -7_200)),
            ("-1 year 2 mons", (-14, 0, 0), (-10, 0, 0)),
            ("-1 day +2 hours", (0, -1, 7_200), (0, -1, 7_200)),
            ("1 day 2 hours", (0, 1, 7_200), (0, 1, 7_200)),
            ("-2 hours", (0, 0, -7_200), (0, 0, -7_200)),
        ] {
            let of = |(months, days, seconds): (i32, i32, i64)| {
                IntervalMonthDayNano::new(months, days, seconds * 1_000_000_000)
            };
            assert_eq!(parse_as(text, SpanStyle::SqlStandard).ok(), Some(of(standard)), "{text}");
            assert_eq!(parse_as(text, SpanStyle::Iso8601).ok(), Some(of(other)), "{text}");
        }
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
        check("1 day ago 2 hours", None);
        check("1-2", Some((14, 0, 0)));
        check("-1-2 3 04:05", Some((-14, 3, 14_700_000_000)));
        check("-1 day 02:00", Some((0, -1, 7_200_000_000)));
        check("1.5 months", Some((1, 15, 0)));
        check("1.25 years", Some((15, 0, 0)));
        check("1:30.5", Some((0, 0, 90_500_000)));
        check("P1-2-3T4:5:6", Some((14, 3, 14_706_000_000)));
        check("P1.5D", Some((0, 1, 43_200_000_000)));
        check("P", None);
        check("1 day 1 day", None);
        check("day", None);
        check("soon", None);
        check("1 fortnight", None);
        check("", None);
        check("1:2:3:4", None);
        check("99999999999999 years", None);
    }
}
