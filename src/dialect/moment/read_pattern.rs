//! `to_date` and `to_timestamp` of texts, by PostgreSQL's patterns.
//!
//! DataFusion 55: their patterns are those of `strftime` (`%Y-%m-%d`). Not needed once `to_date('2026-11-26',
//! 'YYYY-MM-DD')` is a date.

mod settle;

use super::fault::{error, external, not_supported, out_of_range};
use super::function::{Call, named};
use super::pattern::{Action, DAYS, MONTHS, Node, ROMAN, Word, nodes};
use super::types::DATE;
use crate::error::{ErrorKind, QueryError};
use crate::text::calendar::{SECOND_US, date, is_moment, moment};
use crate::text::datetime::Fault;
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, Date32Type, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ScalarUDF, Volatility};

/// The function `to_date(text, pattern)`.
pub(crate) fn to_date() -> ScalarUDF {
    named(
        "to_date",
        "The date of a text by a pattern.",
        Volatility::Immutable,
        |given| (given.len() == 2).then(|| (vec![DataType::Utf8, DataType::Utf8], DATE)),
        |call| {
            each::<Date32Type>(call, |text, found| {
                let (days, ..) = found.settle(text)?;
                date(days).ok_or_else(|| external(error(Fault::Range, text, "date")))
            })
        },
    )
}

/// The moments of texts by patterns, in the session's zone unless the pattern reads another.
pub(super) fn timestamps(call: &Call<'_>) -> Result<ArrayRef> {
    let zone = call.zone();
    each::<TimestampMicrosecondType>(call, |text, found| {
        let (days, time) = found.settle(text)?;
        let failed = || out_of_range("timestamp");
        let local = moment(days, time).ok_or_else(failed)?;
        match found.east() {
            Some(east) => local.checked_sub(east * SECOND_US).filter(|us| is_moment(*us)).ok_or_else(failed),
            None => zone.moment(local).ok_or_else(failed),
        }
    })
}

/// Reads each text of the first column by the pattern of the second.
fn each<T: datafusion::arrow::array::ArrowPrimitiveType>(
    call: &Call<'_>,
    finish: impl Fn(&str, &Found) -> Result<T::Native>,
) -> Result<ArrayRef> {
    let (texts, patterns) = (call.texts(0)?, call.texts(1)?);
    let mut known: Option<(String, Vec<Node>)> = None;
    call.rows::<T>(|row| {
        let (Some(text), Some(pattern)) = (texts.at(row), patterns.at(row)) else { return Ok(None) };
        if known.as_ref().is_none_or(|(own, _)| own != pattern) {
            known = Some((pattern.to_owned(), nodes(pattern)));
        }
        let nodes = known.as_ref().map_or(&[][..], |(_, nodes)| nodes);
        finish(text, &read(text, nodes)?).map(Some)
    })
}

/// 22007 with a sentence of PostgreSQL's.
fn invalid(message: String) -> DataFusionError {
    external(QueryError::new(ErrorKind::InvalidDatetime, message))
}

/// What a text gave; 0 is nothing, as in PostgreSQL.
#[derive(Debug, Default)]
struct Found {
    hour: i64,
    half_day: bool,
    afternoon: bool,
    minute: i64,
    second: i64,
    seconds_of_day: i64,
    weekday: i64,
    day: i64,
    day_of_year: i64,
    month: i64,
    year: i64,
    year_digits: usize,
    before_christ: bool,
    week: i64,
    week_of_month: i64,
    century: i64,
    julian: i64,
    milliseconds: i64,
    microseconds: i64,
    zone_sign: i64,
    zone_hour: i64,
    zone_minute: i64,
    /// Whether weeks and days are counted as in ISO 8601; `None` until a word tells.
    iso: Option<bool>,
}

/// Whether a word counts as in ISO 8601; `None` for words of both calendars.
fn convention(word: Word) -> Option<bool> {
    match word {
        Word::IsoDayOfYear | Word::IsoWeekday | Word::IsoWeek | Word::IsoYear(_) => Some(true),
        Word::Century
        | Word::DayName
        | Word::DayShort
        | Word::DayOfYear
        | Word::Day
        | Word::Weekday
        | Word::Month
        | Word::MonthName
        | Word::MonthShort
        | Word::Roman
        | Word::Week
        | Word::WeekOfMonth
        | Word::YearWithComma
        | Word::Year(_) => Some(false),
        _ => None,
    }
}

/// Whether a word reads digits, so that digits before it must be counted.
fn reads_digits(word: Word) -> bool {
    !matches!(
        word,
        Word::Era { .. }
            | Word::HalfDay { .. }
            | Word::DayName
            | Word::DayShort
            | Word::Exact
            | Word::Fraction(_)
            | Word::MonthName
            | Word::MonthShort
            | Word::Offset
            | Word::Roman
            | Word::Zone
            | Word::ZoneHour
    )
}

/// Reads a text by a pattern. What the pattern leaves over is passed over.
fn read(text: &str, nodes: &[Node]) -> Result<Found> {
    let mut found = Found::default();
    let mut exact = false;
    let mut rest = text;
    // Blanks that were passed over beyond those of the pattern.
    let mut extra: i64 = 0;
    for (place, node) in nodes.iter().enumerate() {
        if rest.is_empty() {
            break;
        }
        let own_blank = matches!(node, Node::Blank(_) | Node::Separator(_));
        if !exact && (!own_blank || place == 0) {
            extra += skip_blanks(&mut rest);
        }
        match node {
            Node::Blank(_) | Node::Separator(_) if !exact => {
                extra -= 1;
                if let Some(first) = rest.chars().next()
                    && (first.is_ascii_whitespace() || first.is_ascii_punctuation())
                {
                    rest = &rest[first.len_utf8()..];
                    extra += 1;
                }
                continue;
            }
            Node::Text(_) if !exact && extra > 0 => {
                extra -= 1;
                continue;
            }
            Node::Blank(_) | Node::Separator(_) | Node::Text(_) => {
                rest = &rest[rest.chars().next().map_or(0, char::len_utf8)..];
                continue;
            }
            Node::Action(action) => {
                if action.word == Word::Exact {
                    exact = true;
                    continue;
                }
                if let Some(iso) = convention(action.word) {
                    if found.iso.is_some_and(|known| known != iso) {
                        return Err(invalid("invalid combination of date conventions".to_owned()));
                    }
                    found.iso = Some(iso);
                }
                let before = &text[..text.len() - rest.len()];
                let mut reader = Reader { rest, slurp: action.plain || ends(nodes, place) };
                found.take(action, &mut reader, extra, before)?;
                rest = reader.rest;
                if action.ordinal.is_some() {
                    rest = rest.get(2..).unwrap_or("");
                }
            }
        }
        if !exact {
            extra = skip_blanks(&mut rest);
        }
    }
    Ok(found)
}

fn skip_blanks(rest: &mut &str) -> i64 {
    let trimmed = rest.trim_start_matches(|letter: char| letter.is_ascii_whitespace());
    let skipped = rest.len() - trimmed.len();
    *rest = trimmed;
    i64::try_from(skipped).unwrap_or(i64::MAX)
}

/// Whether what follows a word in the pattern cannot be a digit, so that the word reads all digits there are.
fn ends(nodes: &[Node], place: usize) -> bool {
    match (&nodes[place], nodes.get(place + 1)) {
        (Node::Action(action), _) if action.ordinal.is_some() => true,
        (_, Some(Node::Action(next))) => !reads_digits(next.word),
        (_, Some(Node::Text(letter) | Node::Separator(letter) | Node::Blank(letter))) => !letter.is_ascii_digit(),
        (_, None) => true,
    }
}

/// The rest of a text, and how digits are read of it.
struct Reader<'a> {
    rest: &'a str,
    slurp: bool,
}

impl Reader<'_> {
    /// A number of so many digits at most, and the count of letters it took.
    fn number(&mut self, action: &Action, length: usize) -> Result<(i64, usize)> {
        let wrong = |taken: &str| invalid(format!("invalid value \"{taken}\" for \"{}\"", action.name));
        let text = self.rest.trim_start_matches(|letter: char| letter.is_ascii_whitespace());
        let part = match self.slurp {
            true => text,
            false => &text[..text.char_indices().nth(length).map_or(text.len(), |(end, _)| end)],
        };
        let sign = usize::from(part.starts_with(['-', '+']));
        let digits = part[sign..].bytes().take_while(u8::is_ascii_digit).count();
        if !self.slurp && part.chars().count() < length {
            let message = format!("source string too short for \"{}\" formatting field", action.name);
            return Err(invalid(message));
        }
        if digits == 0 || (!self.slurp && sign + digits < length) {
            return Err(wrong(&part[..part.char_indices().nth(length.max(1)).map_or(part.len(), |(end, _)| end)]));
        }
        let taken = &part[..sign + digits];
        let value = taken.parse::<i32>().map_err(|_| {
            let message = format!("value for \"{}\" in source string is out of range", action.name);
            external(QueryError::new(ErrorKind::DatetimeOverflow, message))
        })?;
        let blanks = self.rest.len() - text.len();
        self.rest = &text[taken.len()..];
        Ok((value.into(), taken.len() + blanks))
    }

    /// The place of the first name that the text begins with, in any case.
    fn name<'n>(&mut self, action: &Action, names: impl IntoIterator<Item = &'n str>) -> Result<i64> {
        for (place, name) in names.into_iter().enumerate() {
            if self.rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
                self.rest = &self.rest[name.len()..];
                return Ok(i64::try_from(place).unwrap_or(0));
            }
        }
        let word = self.rest.split(|letter: char| letter.is_ascii_whitespace()).next().unwrap_or("");
        Err(invalid(format!("invalid value \"{word}\" for \"{}\"", action.name)))
    }
}

/// Sets a field, which may be given twice with the same value only.
fn set(field: &mut i64, value: i64, action: &Action) -> Result<()> {
    if *field != 0 && *field != value {
        let message = format!("conflicting values for \"{}\" field in formatting string", action.name);
        return Err(invalid(message));
    }
    *field = value;
    Ok(())
}

/// A year of fewer than four digits, in the years around 2020.
fn around_2020(year: i64) -> i64 {
    match year {
        ..70 => year + 2_000,
        70..100 => year + 1_900,
        100..520 => year + 2_000,
        520..1_000 => year + 1_000,
        _ => year,
    }
}

impl Found {
    /// Reads the part of one word.
    fn take(&mut self, action: &Action, reader: &mut Reader<'_>, extra: i64, before: &str) -> Result<()> {
        let length = action.name.len();
        let mut number = |field: &mut i64, length: usize| {
            let (value, _) = reader.number(action, length)?;
            set(field, value, action)
        };
        match action.word {
            Word::Hour24 => number(&mut self.hour, 2)?,
            Word::Hour12 => {
                number(&mut self.hour, 2)?;
                self.half_day = true;
            }
            Word::Minute => number(&mut self.minute, 2)?,
            Word::Second => number(&mut self.second, 2)?,
            Word::SecondsOfDay => number(&mut self.seconds_of_day, length)?,
            Word::Day => number(&mut self.day, 2)?,
            Word::DayOfYear => number(&mut self.day_of_year, 3)?,
            Word::IsoDayOfYear => number(&mut self.day_of_year, 3)?,
            Word::Month => number(&mut self.month, 2)?,
            Word::Week | Word::IsoWeek => number(&mut self.week, 2)?,
            Word::WeekOfMonth => number(&mut self.week_of_month, 1)?,
            Word::Weekday => number(&mut self.weekday, 1)?,
            Word::Century => number(&mut self.century, 2)?,
            Word::Julian => number(&mut self.julian, 1)?,
            Word::ZoneMinute => {
                number(&mut self.zone_minute, 2)?;
                if self.zone_sign == 0 {
                    self.zone_sign = 1;
                }
            }
            // Which of its days a quarter means is not known.
            Word::Quarter => number(&mut 0, 1)?,
            Word::IsoWeekday => {
                number(&mut self.weekday, 1)?;
                self.weekday = self.weekday % 7 + 1;
            }
            Word::Milliseconds => {
                let (value, digits) = reader.number(action, 3)?;
                set(&mut self.milliseconds, value, action)?;
                self.milliseconds *= scale(3, digits);
            }
            Word::Microseconds | Word::Fraction(_) => {
                let places = if let Word::Fraction(places) = action.word { places as usize } else { 6 };
                let (value, digits) = reader.number(action, places)?;
                set(&mut self.microseconds, value, action)?;
                self.microseconds *= scale(6, digits);
            }
            Word::HalfDay { dots } => {
                let halves = if dots { ["a.m.", "p.m."] } else { ["am", "pm"] };
                self.afternoon = reader.name(action, halves)? == 1;
                self.half_day = true;
            }
            Word::Era { dots } => {
                let eras = if dots { ["b.c.", "a.d."] } else { ["bc", "ad"] };
                self.before_christ = reader.name(action, eras)? == 0;
            }
            Word::MonthName => {
                let month = reader.name(action, MONTHS)? + 1;
                set(&mut self.month, month, action)?;
            }
            Word::MonthShort => {
                let month = reader.name(action, MONTHS.map(|name| &name[..3]))? + 1;
                set(&mut self.month, month, action)?;
            }
            Word::DayName => {
                let day = reader.name(action, DAYS)?;
                set(&mut self.weekday, day, action)?;
                self.weekday += 1;
            }
            Word::DayShort => {
                let day = reader.name(action, DAYS.map(|name| &name[..3]))?;
                set(&mut self.weekday, day, action)?;
                self.weekday += 1;
            }
            Word::Roman => {
                // The longer ones first: `VIII` begins with `V`.
                let mut names: Vec<(usize, &str)> = ROMAN.iter().copied().enumerate().collect();
                names.sort_by_key(|(_, name)| std::cmp::Reverse(name.len()));
                let place = reader.name(action, names.iter().map(|(_, name)| *name))?;
                let month =
                    usize::try_from(place).ok().and_then(|place| names.get(place)).map_or(0, |(month, _)| *month);
                set(&mut self.month, i64::try_from(month).unwrap_or(0) + 1, action)?;
            }
            Word::ZoneHour => {
                let sign = match reader.rest.bytes().next() {
                    Some(sign @ (b'-' | b'+')) => {
                        reader.rest = &reader.rest[1..];
                        if sign == b'-' { -1 } else { 1 }
                    }
                    // A sign may have been taken for a separator.
                    _ if extra > 0 && before.ends_with('-') => -1,
                    _ => 1,
                };
                self.zone_sign = sign;
                let (value, _) = reader.number(action, 2)?;
                set(&mut self.zone_hour, value, action)?;
            }
            Word::YearWithComma => {
                let wrong = || invalid("invalid input string for \"Y,YYY\"".to_owned());
                let (thousands, years) = reader.rest.trim_start().split_once(',').ok_or_else(wrong)?;
                let digits = years.bytes().take(3).take_while(u8::is_ascii_digit).count();
                let thousands: i64 = thousands.parse::<i32>().map_err(|_| wrong())?.into();
                let rest: i64 = years[..digits].parse().map_err(|_| wrong())?;
                set(&mut self.year, thousands * 1_000 + rest, action)?;
                (self.year_digits, reader.rest) = (4, &years[digits..]);
            }
            Word::Year(4) | Word::IsoYear(4) => {
                number(&mut self.year, 4)?;
                self.year_digits = 4;
            }
            Word::Year(count) | Word::IsoYear(count) => {
                let (value, digits) = reader.number(action, count)?;
                set(&mut self.year, value, action)?;
                if digits < 4 {
                    self.year = around_2020(self.year);
                }
                self.year_digits = count;
            }
            Word::Offset | Word::Zone => {
                let message = format!("formatting field \"{}\" is only supported in to_char", action.name);
                return Err(not_supported(message));
            }
            Word::Exact => {}
        }
        Ok(())
    }
}

/// What a fraction of so many digits is multiplied by to have so many places.
fn scale(places: usize, digits: usize) -> i64 {
    10_i64.pow(u32::try_from(places.saturating_sub(digits)).unwrap_or(0))
}
