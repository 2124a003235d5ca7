//! Zones in POSIX's notation: `<+03>-03`, `EST5EDT,M3.2.0,M11.1.0`, and fixed offsets.

use crate::text::calendar::{DAY_US, SECOND_US, civil, days_of, days_of_month, is_leap, weekday};

/// A rule: standard time, and summer time between two days of each year.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Rule {
    name: String,
    standard: Clock,
    summer: Option<(Clock, Change, Change)>,
}

/// An abbreviation and its seconds east of Greenwich.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Clock {
    name: String,
    east: i32,
}

/// When the clocks change in a year: a day, and seconds from its midnight on the clock that is in use before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Change {
    day: Day,
    seconds: i64,
}

/// A day of each year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Day {
    /// `Jn`: the nth day from 1, 29 February not counted.
    OfCommonYear(i64),
    /// `n`: the nth day from 0, 29 February counted.
    Counted(i64),
    /// `Mm.w.d`: weekday d of week w of a month, week 5 being the last.
    OfMonth(i64, i64, i64),
}

/// Changes of the United States, which PostgreSQL takes for a summer time without any.
const DEFAULT_CHANGES: &str = ",M3.2.0,M11.1.0";

/// Hours of an offset stay below a week.
const HOURS_MAX: i64 = 167;

impl Rule {
    /// A fixed offset, named as PostgreSQL names it: `<+05:30>-05:30`.
    pub(crate) fn fixed(east: i32) -> Self {
        let seconds = east.unsigned_abs();
        let mut digits = format!("{:02}", seconds / 3_600);
        if !seconds.is_multiple_of(3_600) {
            digits.push_str(&format!(":{:02}", seconds / 60 % 60));
        }
        if !seconds.is_multiple_of(60) {
            digits.push_str(&format!(":{:02}", seconds % 60));
        }
        let (sign, turned) = if east < 0 { ('-', '+') } else { ('+', '-') };
        let name = format!("<{sign}{digits}>{turned}{digits}");
        Self { name, standard: Clock { name: format!("{sign}{digits}"), east }, summer: None }
    }

    /// Reads a rule, whose letters count as capitals; `None` for a text that is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let name = text.to_ascii_uppercase();
        let (standard, rest) = clock_name(&name)?;
        let (west, rest) = offset(rest)?;
        let standard = Clock { name: standard.to_owned(), east: i32::try_from(-west).ok()? };
        if rest.is_empty() {
            return Some(Self { name, standard, summer: None });
        }
        let (summer, rest) = clock_name(rest)?;
        if summer.is_empty() {
            return None;
        }
        let (east, rest) = match rest.is_empty() || rest.starts_with([',', ';']) {
            true => (standard.east + 3_600, rest),
            false => {
                let (west, rest) = offset(rest)?;
                (i32::try_from(-west).ok()?, rest)
            }
        };
        let summer = Clock { name: summer.to_owned(), east };
        let changes = if rest.is_empty() { DEFAULT_CHANGES } else { rest };
        let (start, end) = changes.strip_prefix([',', ';'])?.split_once(',')?;
        let summer = (summer, change(start)?, change(end)?);
        Some(Self { standard, summer: Some(summer), name })
    }

    /// The name as SHOW gives it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has no summer time.
    pub(crate) fn is_fixed(&self) -> bool {
        self.summer.is_none()
    }

    /// Seconds east of Greenwich and the abbreviation at a moment.
    pub(crate) fn reading(&self, us: i64) -> (i32, &str) {
        let clock = match &self.summer {
            Some((summer, ..)) if self.is_summer(us) => summer,
            _ => &self.standard,
        };
        (clock.east, &clock.name)
    }

    /// Whether a moment is in summer time.
    pub(crate) fn is_summer(&self, us: i64) -> bool {
        let Some((summer, start, end)) = &self.summer else { return false };
        let standard_us = i64::from(self.standard.east) * SECOND_US;
        let (year, ..) = civil(us.saturating_add(standard_us).div_euclid(DAY_US));
        let start = start.local_us(year).saturating_sub(standard_us);
        let end = end.local_us(year).saturating_sub(i64::from(summer.east) * SECOND_US);
        match start < end {
            true => (start..end).contains(&us),
            false => !(end..start).contains(&us),
        }
    }
}

impl Change {
    /// The change of a year, on the clock before it.
    fn local_us(self, year: i64) -> i64 {
        let days = match self.day {
            Day::OfCommonYear(day) => days_of(year, 1, 1) + day - 1 + i64::from(is_leap(year) && day >= 60),
            Day::Counted(day) => days_of(year, 1, 1) + day,
            Day::OfMonth(month, week, day) => {
                let first = days_of(year, month, 1);
                let of_month = (day - weekday(first)).rem_euclid(7) + (week - 1) * 7;
                let last = days_of_month(year, month);
                first + if of_month >= last { of_month - 7 } else { of_month }
            }
        };
        days.saturating_mul(DAY_US).saturating_add(self.seconds * SECOND_US)
    }
}

/// The abbreviation at the beginning, in angle brackets or up to the first digit, comma or sign.
fn clock_name(text: &str) -> Option<(&str, &str)> {
    if let Some(inside) = text.strip_prefix('<') {
        return inside.split_once('>');
    }
    let end = text.find(|letter: char| letter.is_ascii_digit() || matches!(letter, ',' | '-' | '+'));
    Some(text.split_at(end.unwrap_or(text.len())))
}

/// A count of hours, minutes and seconds with a sign, in seconds; `None` when there is no digit.
fn offset(text: &str) -> Option<(i64, &str)> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (hours, rest) = number(rest, 0, HOURS_MAX)?;
    let mut seconds = hours * 3_600;
    let Some(minutes) = rest.strip_prefix(':') else { return Some((sign * seconds, rest)) };
    let (minutes, rest) = number(minutes, 0, 59)?;
    seconds += minutes * 60;
    let Some(last) = rest.strip_prefix(':') else { return Some((sign * seconds, rest)) };
    let (last, rest) = number(last, 0, 60)?;
    Some((sign * (seconds + last), rest))
}

/// Digits at the beginning as a number within bounds.
fn number(text: &str, least: i64, most: i64) -> Option<(i64, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let number = digits.parse().ok().filter(|number| (least..=most).contains(number))?;
    Some((number, rest))
}

/// A change as a rule writes it, at two o'clock unless a time follows; all of the text.
fn change(text: &str) -> Option<Change> {
    let (day, rest) = if let Some(month) = text.strip_prefix('M') {
        let (month, rest) = number(month, 1, 12)?;
        let (week, rest) = number(rest.strip_prefix('.')?, 1, 5)?;
        let (day, rest) = number(rest.strip_prefix('.')?, 0, 6)?;
        (Day::OfMonth(month, week, day), rest)
    } else if let Some(day) = text.strip_prefix('J') {
        let (day, rest) = number(day, 1, 365)?;
        (Day::OfCommonYear(day), rest)
    } else {
        let (day, rest) = number(text, 0, 365)?;
        (Day::Counted(day), rest)
    };
    let (seconds, rest) = match rest.strip_prefix('/') {
        Some(time) => offset(time)?,
        None => (2 * 3_600, rest),
    };
    rest.is_empty().then_some(Change { day, seconds })
}
