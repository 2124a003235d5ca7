//! The dates and times of MetaStock text files, in every form vendors write them.
//!
//! A file uses one form throughout. [`DateForm`] is that form; [`Order`] says which of month and day comes first where
//! the text does not tell.

use chrono::{Datelike, NaiveDate};

/// Days from 0001-01-01 to 1970-01-01, as chrono counts them.
const EPOCH_DAYS: i32 = 719_163;

/// Which part of a date such as `05/01/2026` comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The month first, then day and year.
    MonthFirst,
    /// The day first, then month and year.
    DayFirst,
    /// The year first, in two digits, then month and day.
    YearFirst,
}

/// How one file writes its dates. Each may be followed by a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateForm {
    /// Digits only, year first: `20260105`, `260105`, `1260105` (years since 1900), `202601050930`.
    YearFirstDigits,
    /// Digits only, year last: `01052026`, `010526`.
    YearLastDigits(Order),
    /// Year, month and day with marks between: `2026-01-05`, `2026/01/05`.
    YearFirstParts,
    /// `05-Jan-26`, `Jan 5, 2026`, `5 January 2026`: the month has letters.
    NamedMonth,
    /// Two or more marks between, and the year in two digits where it is first: `1/5/2026`, `05.01.26`.
    Parts(Order),
    /// `1/5/2026` before it is known which part is the month.
    UndecidedParts,
    /// `01052026` before it is known which part is the month.
    UndecidedDigits,
}

impl DateForm {
    /// The form once the order of its parts is known; itself where it was known before.
    pub(super) fn decided(self, order: impl FnOnce() -> Option<Order>) -> Option<Self> {
        match self {
            Self::UndecidedParts => order().map(Self::Parts),
            Self::UndecidedDigits => order().map(Self::YearLastDigits),
            decided => Some(decided),
        }
    }
}

/// A date, and the time of day where the date column carries one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// The date as days since 1970-01-01.
    pub(super) day: i32,
    /// The time of day as seconds since midnight.
    pub(super) second: u32,
}

/// The form `field` is written in, or `None` when it is no date. `hint` is the order a header or a person names.
pub(super) fn form(field: &[u8], hint: Option<Order>) -> Option<DateForm> {
    let field = split_time(field).map_or(field, |(date, _)| date);
    if !field.is_empty() && field.iter().all(u8::is_ascii_digit) {
        return digits_form(field, hint);
    }
    if field.iter().any(u8::is_ascii_alphabetic) {
        return named_month(field, 50).map(|_| DateForm::NamedMonth);
    }
    let [first, second, third] = parts(field)?;
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    match digits(first) && digits(second) && digits(third) {
        true if first.len() == 4 => Some(DateForm::YearFirstParts),
        true => Some(hint.map_or(DateForm::UndecidedParts, DateForm::Parts)),
        false => None,
    }
}

/// Eight digits are a date in one order only, for no month is 19 or 20.
fn digits_form(field: &[u8], hint: Option<Order>) -> Option<DateForm> {
    let year_last = hint.filter(|order| *order != Order::YearFirst);
    match field.len() {
        8 if year_first_digits(field, 50).is_some() => Some(DateForm::YearFirstDigits),
        8 if [Order::MonthFirst, Order::DayFirst].iter().any(|order| year_last_digits(field, *order, 50).is_some()) => {
            Some(year_last.map_or(DateForm::UndecidedDigits, DateForm::YearLastDigits))
        }
        6 => Some(year_last.map_or(DateForm::YearFirstDigits, DateForm::YearLastDigits)),
        7 | 12 | 14 => Some(DateForm::YearFirstDigits),
        _ => None,
    }
}

/// What a date such as `13/5/2026` proves about its file; `None` when it proves nothing.
pub(super) fn proof(field: &[u8]) -> Option<Order> {
    let field = split_time(field).map_or(field, |(date, _)| date);
    let (first, second) = match parts(field) {
        Some([first, second, _]) => (first, second),
        None if field.len() == 8 => (field.get(..2)?, field.get(2..4)?),
        None => return None,
    };
    match (number(first)?, number(second)?) {
        (first, second) if (13..=31).contains(&first) && (1..=12).contains(&second) => Some(Order::DayFirst),
        (first, second) if (1..=12).contains(&first) && (13..=31).contains(&second) => Some(Order::MonthFirst),
        _ => None,
    }
}

/// Reads `field` in `form`. Two-digit years below `pivot` are in the 2000s, the others in the 1900s.
pub(super) fn parse(field: &[u8], form: DateForm, pivot: u32) -> Option<Moment> {
    date_alone(field, form, pivot).or_else(|| {
        let (date, time_of_day) = split_time(field)?;
        Some(Moment { second: time(time_of_day)?, ..date_alone(date, form, pivot)? })
    })
}

fn date_alone(field: &[u8], form: DateForm, pivot: u32) -> Option<Moment> {
    match form {
        DateForm::YearFirstDigits => year_first_digits(field, pivot),
        DateForm::YearLastDigits(order) => year_last_digits(field, order, pivot),
        DateForm::YearFirstParts => {
            let [year, month, day] = parts(field)?;
            if year.len() == 4 { moment(number(year)?, number(month)?, number(day)?) } else { None }
        }
        DateForm::NamedMonth => named_month(field, pivot),
        DateForm::Parts(Order::YearFirst) => {
            let [year, month, day] = parts(field)?;
            moment(any_year(year, pivot)?, number(month)?, number(day)?)
        }
        DateForm::Parts(order) => {
            let [first, second, year] = parts(field)?;
            in_order(number(first)?, number(second)?, any_year(year, pivot)?, order)
        }
        DateForm::UndecidedParts | DateForm::UndecidedDigits => None,
    }
}

/// A date and the time of day behind it: `2026-01-05T00:00:00Z`, `5/1/2026 16:00`, `20260105 160000`.
fn split_time(field: &[u8]) -> Option<(&[u8], &[u8])> {
    let before_time = |byte: &u8| matches!(byte, b' ' | b'T' | b't');
    let place = match field.iter().position(|byte| *byte == b':') {
        Some(colon) => field.get(..colon)?.iter().rposition(before_time)?,
        None => {
            let place = field.iter().position(before_time)?;
            let digits = |part: &[u8]| part.len() >= 4 && part.iter().all(u8::is_ascii_digit);
            let date = field.get(..place)?;
            let is_time = digits(field.get(place + 1..)?) && (digits(date) || parts(date).is_some());
            is_time.then_some(place)?
        }
    };
    Some((field.get(..place)?.trim_ascii_end(), field.get(place + 1..)?))
}

/// Seconds since midnight of `HHMMSS`, `HHMM`, `HH:MM` or `HH:MM:SS`, with `AM` or `PM`, a fraction or a zone behind it.
/// `0` and an empty field are midnight.
pub(super) fn time(field: &[u8]) -> Option<u32> {
    let (hour, minute, second) = if field.contains(&b':') {
        let end = field.iter().position(|byte| !byte.is_ascii_digit() && *byte != b':').unwrap_or(field.len());
        let (clock, rest) = field.split_at(end);
        let mut parts = clock.split(|&byte| byte == b':');
        let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
        let second = parts.next().map_or(Some(0), number)?;
        if parts.next().is_some() {
            return None;
        }
        (in_half_day(hour, rest.trim_ascii()), minute, second)
    } else {
        let value = if field.is_empty() { 0 } else { number(field)? };
        match field.len() {
            0..=4 => (value / 100, value % 100, 0),
            5 | 6 => (value / 10_000, value / 100 % 100, value % 100),
            _ => return None,
        }
    };
    (hour < 24 && minute < 60 && second < 60).then_some(hour * 3_600 + minute * 60 + second)
}

fn in_half_day(hour: u32, rest: &[u8]) -> u32 {
    let says = |word: &[u8]| rest.get(..2).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
    match hour {
        12 if says(b"am") => 0,
        1..=11 if says(b"pm") => hour + 12,
        _ => hour,
    }
}

/// `2026-01-05` for a day count, for messages.
pub(super) fn text(day: i32) -> String {
    NaiveDate::from_num_days_from_ce_opt(day.saturating_add(EPOCH_DAYS))
        .map_or_else(|| format!("day {day}"), |date| date.to_string())
}

fn year_first_digits(field: &[u8], pivot: u32) -> Option<Moment> {
    let value = |range: std::ops::Range<usize>| field.get(range).and_then(number);
    match field.len() {
        8 => moment(value(0..4)?, value(4..6)?, value(6..8)?),
        6 => moment(two_digit_year(value(0..2)?, pivot), value(2..4)?, value(4..6)?),
        7 => moment(1900 + value(0..3)?, value(3..5)?, value(5..7)?),
        12 | 14 => {
            let date = moment(value(0..4)?, value(4..6)?, value(6..8)?)?;
            Some(Moment { second: time(field.get(8..)?)?, ..date })
        }
        _ => None,
    }
}

fn year_last_digits(field: &[u8], order: Order, pivot: u32) -> Option<Moment> {
    let (first, second, year) = match field.len() {
        6 => (field.get(..2)?, field.get(2..4)?, two_digit_year(number(field.get(4..)?)?, pivot)),
        8 => (field.get(..2)?, field.get(2..4)?, number(field.get(4..)?)?),
        _ => return None,
    };
    in_order(number(first)?, number(second)?, year, order)
}

fn in_order(first: u32, second: u32, year: u32, order: Order) -> Option<Moment> {
    match order {
        Order::MonthFirst => moment(year, first, second),
        Order::DayFirst => moment(year, second, first),
        Order::YearFirst => None,
    }
}

/// Midnight of a date between 1800 and 2199; anything else is a misread column.
fn moment(year: u32, month: u32, day: u32) -> Option<Moment> {
    if !(1800..2200).contains(&year) {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    Some(Moment { day: date.num_days_from_ce() - EPOCH_DAYS, second: 0 })
}

fn two_digit_year(year: u32, pivot: u32) -> u32 {
    if year < pivot { 2000 + year } else { 1900 + year }
}

fn any_year(field: &[u8], pivot: u32) -> Option<u32> {
    match field.len() {
        2 => Some(two_digit_year(number(field)?, pivot)),
        4 => number(field),
        _ => None,
    }
}

/// Exactly three parts around `/`, `-` or `.`, the same sign twice.
fn parts(field: &[u8]) -> Option<[&[u8]; 3]> {
    let sign = *field.iter().find(|byte| matches!(byte, b'/' | b'-' | b'.'))?;
    let mut parts = field.split(|&byte| byte == sign);
    let found = [parts.next()?, parts.next()?, parts.next()?];
    let plausible = parts.next().is_none() && found.iter().all(|part| (1..=9).contains(&part.len()));
    plausible.then_some(found)
}

/// A whole number of at most nine digits.
fn number(field: &[u8]) -> Option<u32> {
    if field.is_empty() || field.len() > 9 {
        return None;
    }
    field.iter().try_fold(0_u32, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0')))
}

/// `21 Jan 2008`, `Jan 21, 2008`, `21-JAN-08`, `Mon 21 January 2008`, `2008-Jan-21`.
fn named_month(field: &[u8], pivot: u32) -> Option<Moment> {
    let (mut month, mut numbers, mut count) = (None, [&[] as &[u8]; 2], 0_usize);
    for word in field.chunk_by(|one, other| one.is_ascii_digit() == other.is_ascii_digit()) {
        if word.first().is_some_and(u8::is_ascii_digit) {
            *numbers.get_mut(count)? = word;
            count += 1;
            continue;
        }
        for name in word.split(|byte| !byte.is_ascii_alphabetic()).filter(|name| !name.is_empty()) {
            match month_of(name) {
                Some(number) if month.is_none() => month = Some(number),
                None if is_weekday(name) => {}
                _ => return None,
            }
        }
    }
    let [first, second] = numbers;
    let (day, year) = if first.len() == 4 { (second, first) } else { (first, second) };
    moment(any_year(year, pivot)?, month?, number(day)?)
}

fn month_of(name: &[u8]) -> Option<u32> {
    const MONTHS: [&[u8]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    let short = name.get(..3)?;
    let index = MONTHS.iter().position(|month| short.eq_ignore_ascii_case(month))?;
    u32::try_from(index + 1).ok()
}

fn is_weekday(name: &[u8]) -> bool {
    const DAYS: [&[u8]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];
    name.get(..3).is_some_and(|short| DAYS.iter().any(|day| short.eq_ignore_ascii_case(day)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(field: &str, hint: Option<Order>, expected: Option<&str>) {
        let read = form(field.as_bytes(), hint)
            .and_then(|form| form.decided(|| Some(Order::MonthFirst)))
            .and_then(|form| parse(field.as_bytes(), form, 50))
            .map(|moment| text(moment.day));
        assert_eq!(read.as_deref(), expected, "{field}");
    }

    #[test]
    fn every_form_of_one_day() {
        for field in [
            "20260105",
            "260105",
            "1260105",
            "1/5/2026",
            "01/05/2026",
            "01/05/26",
            "2026-01-05",
            "05-Jan-26",
            "5-jan-2026",
            "202601050930",
            "2026/1/5",
            "Jan-05-2026",
            "5 Jan 2026",
            "Jan 5, 2026",
            "January 05, 2026",
            "Mon 5 Jan 2026",
            "05JAN2026",
            "2026-Jan-05",
            "01052026",
            "2026-01-05T00:00:00",
            "2026-01-05 00:00:00-05:00",
            "2026-01-05T00:00:00.000Z",
            "1/5/2026 16:00",
            "5 Jan 2026 00:00",
            "20260105 000000",
            "20260105T093000",
        ] {
            check(field, None, Some("2026-01-05"));
        }
        for field in ["5/1/2026", "05.01.2026", "05012026", "050126", "05-01-26"] {
            check(field, Some(Order::DayFirst), Some("2026-01-05"));
        }
        check("010526", Some(Order::MonthFirst), Some("2026-01-05"));
        check("26-01-05", Some(Order::YearFirst), Some("2026-01-05"));
        check("260105", Some(Order::YearFirst), Some("2026-01-05"));
        // A header or a person who names another order does not turn what can be read in one way only.
        check("20260105", Some(Order::DayFirst), Some("2026-01-05"));
        check("2026-01-05", Some(Order::MonthFirst), Some("2026-01-05"));
    }

    #[test]
    fn two_digit_years_turn_at_the_pivot() {
        check("491231", None, Some("2049-12-31"));
        check("500101", None, Some("1950-01-01"));
        check("0991231", None, Some("1999-12-31"));
    }

    #[test]
    fn no_dates() {
        for field in [
            "",
            "0",
            "20260230",
            "20261301",
            "101.25",
            "9616100",
            "ACME",
            "1/2",
            "1/2/3/4",
            "1/2/326",
            "99999999",
            "2026-00-10",
            "00000000",
            "5-Foo-26",
            "1//2026",
            "É/1/2026",
            "/",
            "999999999999999999999",
            "13132026",
            "21 Jan",
            "Jan 2008",
            "21 Jan Feb 2008",
            "A1/2/3",
            "1/2/2026 25:00",
            "12:30",
        ] {
            check(field, None, None);
        }
    }

    #[test]
    fn the_order_is_proved_only_by_a_day_above_twelve() {
        assert_eq!(proof(b"13/5/2026"), Some(Order::DayFirst));
        assert_eq!(proof(b"5/13/2026"), Some(Order::MonthFirst));
        assert_eq!(proof(b"5/12/2026"), None);
        assert_eq!(proof(b"13/13/2026"), None);
        assert_eq!(proof(b"13052026"), Some(Order::DayFirst));
        assert_eq!(proof(b"05132026"), Some(Order::MonthFirst));
        assert_eq!(proof(b"5/13/2026 16:00"), Some(Order::MonthFirst));
        assert_eq!(proof(b"99/1/2026"), None);
    }

    #[test]
    fn times_of_day() {
        for (field, expected) in [
            ("000000", Some(0)),
            ("0", Some(0)),
            ("", Some(0)),
            ("093100", Some(34_260)),
            ("0931", Some(34_260)),
            ("09:31", Some(34_260)),
            ("9:31:05", Some(34_265)),
            ("93100", Some(34_260)),
            ("9:31 PM", Some(77_460)),
            ("12:05 AM", Some(300)),
            ("12:05 PM", Some(43_500)),
            ("09:31:05.123456", Some(34_265)),
            ("16:00:00-05:00", Some(57_600)),
            ("240000", None),
            ("0960", None),
            ("a", None),
            ("1:2:3:4", None),
            ("1234567", None),
        ] {
            assert_eq!(time(field.as_bytes()), expected, "{field}");
        }
    }
}
