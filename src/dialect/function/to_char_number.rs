//! Numbers are written by PostgreSQL's patterns for `to_char`: `9,999.99`, `FM000`, `S9`, `9.99EEEE`
//! and their like. Groups, point, currency and signs are those of the locale `C`.
//!
//! DataFusion's `to_char` does not take numbers at all, see `to_char`.

use super::number_pattern::{Anchor, Case, Part, Pattern};
use crate::error::{ErrorKind, QueryError};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;

/// Digits that a double and a single hold.
const DOUBLE_DIGITS: usize = 15;
const SINGLE_DIGITS: usize = 6;

/// A number by a pattern; `None` for NULL.
///
/// # Errors
/// A pattern whose parts exclude each other (42601), a number too large for what the pattern does (22003).
pub(crate) fn shown(number: &ScalarValue, pattern: &str) -> Result<Option<String>> {
    let mut pattern = Pattern::read(pattern).map_err(external)?;
    if pattern.roman && pattern.parts.iter().any(is_place_or_sign) {
        let message = "\"RN\" beside digits or a sign is not supported";
        return Err(external(QueryError::new(ErrorKind::NotSupported, message)));
    }
    let digits = match number {
        value if value.is_null() => return Ok(None),
        ScalarValue::Float64(Some(number)) => float(*number, &mut pattern, DOUBLE_DIGITS),
        ScalarValue::Float32(Some(number)) => float((*number).into(), &mut pattern, SINGLE_DIGITS),
        ScalarValue::Int32(Some(number)) => exact(&number.to_string(), &mut pattern, true),
        ScalarValue::Int64(Some(number)) => exact(&number.to_string(), &mut pattern, true),
        other => {
            let text = match other.cast_to(&DataType::Utf8)? {
                ScalarValue::Utf8(Some(text)) => text,
                _ => return Ok(None),
            };
            exact(&text, &mut pattern, false)
        }
    }?;
    if pattern.parts.is_empty() {
        return Ok(Some(String::new()));
    }
    if pattern.exponent {
        return Ok(Some(digits.text));
    }
    Writer::new(pattern, digits).written().map(Some).map_err(external)
}

/// An error of the dialect, as DataFusion passes it on.
/// Whether a part writes a digit or a sign of the number.
fn is_place_or_sign(part: &Part) -> bool {
    !matches!(part, Part::Roman(_) | Part::Mark | Part::Letter(_) | Part::Ordinal(_))
}

fn external(error: QueryError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// A number as a pattern writes it: its digits without a sign, rounded to the pattern's places, or `#`
/// for each place where it has no room.
#[derive(Debug)]
struct Digits {
    text: String,
    negative: bool,
    /// Places before the point that the number leaves free.
    free: usize,
}

impl Digits {
    /// The text of a number, with a sign when it is negative, beside the places of a pattern.
    fn fitted(text: &str, pattern: &Pattern) -> Self {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let length = text.find('.').unwrap_or(text.len());
        match pattern.before.checked_sub(length) {
            Some(free) => Self { text: text.to_owned(), negative, free },
            None => {
                let (before, behind) = ("#".repeat(pattern.before), "#".repeat(pattern.behind));
                Self { text: format!("{before}.{behind}"), negative, free: 0 }
            }
        }
    }

    /// A text that is written as it is.
    fn plain(text: String) -> Self {
        Self { text, negative: false, free: 0 }
    }
}

/// Roman numerals of 1 to 3999, else `#`.
fn roman(number: f64) -> Digits {
    const NUMERALS: [(u16, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if !(1.0..=3999.0).contains(&number) {
        return Digits::plain("#".repeat(15));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 1 and 3999")]
    let mut left = number as u16;
    let mut text = String::new();
    for (value, numeral) in NUMERALS {
        while left >= value {
            text.push_str(numeral);
            left -= value;
        }
    }
    Digits::plain(text)
}

/// `#` in the places of a number with an exponent.
fn no_exponent(pattern: &Pattern) -> Digits {
    let (before, behind) = ("#".repeat(pattern.before), "#".repeat(pattern.behind + 4));
    Digits::plain(format!(" {before}.{behind}"))
}

/// The digits of a float, of which no more are shown than its type holds.
fn float(number: f64, pattern: &mut Pattern, most: usize) -> Result<Digits> {
    if pattern.roman {
        return Ok(roman(number.round_ties_even()));
    }
    if pattern.exponent {
        if !number.is_finite() {
            return Ok(no_exponent(pattern));
        }
        let text = format!("{:.*e}", pattern.behind, number);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let sign = if mantissa.starts_with('-') { "" } else { " " };
        let of_exponent = if exponent < 0 { '-' } else { '+' };
        return Ok(Digits::plain(format!("{sign}{mantissa}e{of_exponent}{:02}", exponent.abs())));
    }
    let mut number = number;
    if pattern.shifts {
        number *= 10_f64.powi(i32::try_from(pattern.shifted).unwrap_or(i32::MAX));
        pattern.before += pattern.shifted;
    }
    let text = |places: usize| match number {
        number if number.is_nan() => "NaN".to_owned(),
        number if number == f64::INFINITY => "Infinity".to_owned(),
        number if number == f64::NEG_INFINITY => "-Infinity".to_owned(),
        number => format!("{number:.places$}"),
    };
    let length = text(0).trim_start_matches('-').len();
    pattern.behind = pattern.behind.min(most.saturating_sub(length));
    Ok(Digits::fitted(&text(pattern.behind), pattern))
}

/// The digits of an exact number, rounded half away from zero.
fn exact(text: &str, pattern: &mut Pattern, whole: bool) -> Result<Digits> {
    let too_large = || external(QueryError::new(ErrorKind::OutOfRange, "integer out of range"));
    if pattern.roman {
        let rounded: f64 = rounded(text, 0).parse().unwrap_or(f64::NAN);
        return match rounded.abs() > f64::from(i32::MAX) {
            true if !whole => Err(too_large()),
            _ => Ok(roman(rounded)),
        };
    }
    if pattern.exponent {
        return Ok(scientific(text, pattern));
    }
    let mut text = text.to_owned();
    if pattern.shifts {
        text = shifted(&text, pattern.shifted);
        pattern.before += pattern.shifted;
    }
    Ok(Digits::fitted(&rounded(&text, pattern.behind), pattern))
}

/// A decimal text with its point so many places further right.
fn shifted(text: &str, places: usize) -> String {
    let (before, behind) = text.split_once('.').unwrap_or((text, ""));
    let behind = format!("{behind:0<places$}");
    let (moved, left) = behind.split_at(places);
    let (sign, before) = before.strip_prefix('-').map_or(("", before), |before| ("-", before));
    let joined = format!("{before}{moved}");
    let digits = joined.trim_start_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    if left.is_empty() { format!("{sign}{digits}") } else { format!("{sign}{digits}.{left}") }
}

/// A decimal text rounded half away from zero to so many places; zero has no sign.
fn rounded(text: &str, places: usize) -> String {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    if !digits.starts_with(|digit: char| digit.is_ascii_digit()) {
        return text.to_owned();
    }
    let (before, behind) = digits.split_once('.').unwrap_or((digits, ""));
    let up = behind.as_bytes().get(places).is_some_and(|digit| *digit >= b'5');
    let kept = format!("{before}{:0<places$}", &behind[..behind.len().min(places)]);
    let mut kept = kept.into_bytes();
    if up {
        increment(&mut kept);
    }
    let zero = kept.iter().all(|digit| *digit == b'0');
    let kept: String = kept.into_iter().map(char::from).collect();
    let (before, behind) = kept.split_at(kept.len() - places);
    let sign = if negative && !zero { "-" } else { "" };
    let before = if before.is_empty() { "0" } else { before };
    if places == 0 { format!("{sign}{before}") } else { format!("{sign}{before}.{behind}") }
}

/// The next larger number in decimal digits.
fn increment(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
}

/// An exact number with an exponent of at least two digits.
fn scientific(text: &str, pattern: &Pattern) -> Digits {
    let (sign, digits) = text.strip_prefix('-').map_or((" ", text), |digits| ("-", digits));
    if !digits.starts_with(|digit: char| digit.is_ascii_digit()) {
        return no_exponent(pattern);
    }
    let (before, behind) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{before}{behind}");
    let places = pattern.behind;
    let Some(first) = all.find(|digit| digit != '0') else {
        let zero = if places == 0 { "0".to_owned() } else { format!("0.{}", "0".repeat(places)) };
        return Digits::plain(format!(" {zero}e+00"));
    };
    let mut exponent = i64::try_from(before.len()).unwrap_or(0) - 1 - i64::try_from(first).unwrap_or(0);
    let significant = &all[first..];
    let mut mantissa = rounded(&format!("{}.{}", &significant[..1], &significant[1..]), places);
    if mantissa.starts_with("10") {
        exponent += 1;
        mantissa = rounded(&format!("1.{}", "0".repeat(places)), places);
    }
    let of_exponent = if exponent < 0 { '-' } else { '+' };
    Digits::plain(format!("{sign}{mantissa}e{of_exponent}{:02}", exponent.abs()))
}

/// A number while it is written by a pattern.
struct Writer {
    pattern: Pattern,
    digits: Digits,
    /// The digits, and the place of the next.
    letters: Vec<char>,
    next: usize,
    /// The last digit behind the point that is no filling zero, where such are left out.
    relevant: Option<usize>,
    /// The first place that is filled with zeros.
    zero_from: Option<usize>,
    anchor: Option<Anchor>,
    /// Places written so far, and how many there are.
    place: usize,
    places: usize,
    signed: bool,
    /// Whether the last place was a digit.
    inside: bool,
    text: String,
}

impl Writer {
    /// The state before the first part.
    fn new(mut pattern: Pattern, digits: Digits) -> Self {
        if pattern.roman {
            let parts = std::mem::take(&mut pattern.parts);
            pattern = Pattern { parts, roman: true, bare: pattern.bare, ..Pattern::default() };
        }
        let letters: Vec<char> = digits.text.chars().collect();
        let mut anchor = pattern.anchor;
        let signed = if pattern.plus || pattern.minus {
            pattern.minus
        } else {
            if !digits.negative && pattern.bare {
                pattern.brackets = false;
            }
            if anchor == Some(Anchor::Before) && pattern.before == pattern.before_anchor {
                anchor = Some(Anchor::Behind);
            }
            !digits.negative && pattern.bare && pattern.anchor.is_none()
        };
        let mut relevant = None;
        if pattern.bare && pattern.point {
            relevant = letters.iter().position(|letter| *letter == '.').map(|point| {
                let last = letters.iter().rposition(|letter| *letter != '0').unwrap_or(point);
                let last = last.max(point);
                match pattern.zero_to.checked_sub(digits.free) {
                    Some(zeros) if zeros > 0 => last.max(zeros.min(letters.len() - 1)),
                    _ => last,
                }
            });
        }
        let room = (pattern.before + pattern.behind).saturating_sub(1);
        let places = room + usize::from(!signed && digits.free == 0);
        let zero_from = pattern.zero_from.map(|from| from - 1);
        Self {
            pattern,
            digits,
            letters,
            next: 0,
            relevant,
            zero_from,
            anchor,
            place: 0,
            places,
            signed,
            inside: false,
            text: String::new(),
        }
    }

    /// The number, part by part.
    fn written(mut self) -> Result<String, QueryError> {
        for part in std::mem::take(&mut self.pattern.parts) {
            match part {
                Part::Nine | Part::Zero | Part::Point => self.digit(part),
                Part::Group if self.inside => self.text.push(','),
                Part::Group | Part::Currency if part == Part::Currency || !self.pattern.bare => self.text.push(' '),
                Part::Group | Part::Currency | Part::Mark => {}
                Part::Roman(case) => {
                    let numerals = match case {
                        Case::Upper => self.digits.text.clone(),
                        Case::Lower => self.digits.text.to_lowercase(),
                    };
                    let width = if self.pattern.bare { 0 } else { 15 };
                    self.text.push_str(&format!("{numerals:>width$}"));
                }
                Part::Ordinal(case) => self.ordinal(case)?,
                Part::Minus if self.digits.negative => self.text.push('-'),
                Part::Plus if !self.digits.negative => self.text.push('+'),
                Part::Minus | Part::Plus if !self.pattern.bare => self.text.push(' '),
                Part::Minus | Part::Plus => {}
                Part::Sign => self.text.push(if self.digits.negative { '-' } else { '+' }),
                Part::Letter(letter) => self.text.push(letter),
            }
        }
        // A double has no digits for the last places of a long pattern, and the text ends there.
        Ok(self.text.split('\0').next().unwrap_or_default().to_owned())
    }

    /// The ending of an ordinal number: `1st`, `12th`; none of what is no whole positive number.
    fn ordinal(&mut self, case: Case) -> Result<(), QueryError> {
        if self.pattern.roman || self.letters.first() == Some(&'#') || self.digits.negative || self.pattern.point {
            return Ok(());
        }
        let last = self.letters.last().copied().unwrap_or_default();
        if !last.is_ascii_digit() {
            return Err(QueryError::new(ErrorKind::InvalidText, format!("\"{}\" is not a number", self.digits.text)));
        }
        let teens = self.letters.len() > 1 && self.letters[self.letters.len() - 2] == '1';
        let ending = match last {
            '1' if !teens => "st",
            '2' if !teens => "nd",
            '3' if !teens => "rd",
            _ => "th",
        };
        self.text.push_str(&if case == Case::Upper { ending.to_uppercase() } else { ending.to_owned() });
        Ok(())
    }

    /// Whether the zero before a point comes next, for which a pattern without `0` has a blank.
    fn is_bare_zero(&self) -> bool {
        self.zero_from.is_none() && self.next == 0 && self.letters.first() == Some(&'0') && self.pattern.behind != 0
    }

    /// Whether nothing but zeros is behind the point, which are left out.
    fn ends_at_point(&self) -> bool {
        self.relevant.is_some_and(|at| self.letters.get(at) == Some(&'.'))
    }

    /// One place: the sign where it is due, then a digit, a point, a blank or a zero.
    fn digit(&mut self, part: Part) {
        self.inside = false;
        let negative = self.digits.negative;
        let due = self.place >= self.digits.free || self.zero_from == Some(self.place);
        if !self.signed && due && (!self.is_bare_zero() || self.ends_at_point()) {
            self.sign();
        }
        if self.place < self.digits.free && self.zero_from.is_none_or(|from| from > self.place) {
            if !self.pattern.bare {
                self.text.push(' ');
            }
        } else if self.place < self.digits.free {
            self.text.push('0');
            self.inside = true;
        } else {
            self.number(part);
        }
        let mut end = self.places + usize::from(self.digits.free > 0) + usize::from(self.pattern.point);
        if self.relevant == Some(self.next) {
            end = self.place;
        }
        if self.place + 1 == end {
            if self.signed && self.pattern.brackets {
                self.text.push(if negative { '>' } else { ' ' });
            } else if self.anchor == Some(Anchor::Behind) {
                self.text.push(if negative { '-' } else { '+' });
            }
        }
        self.place += 1;
    }

    /// The sign before the number.
    fn sign(&mut self) {
        let negative = self.digits.negative;
        match self.anchor {
            Some(Anchor::Behind) => return,
            Some(Anchor::Before) => self.text.push(if negative { '-' } else { '+' }),
            None if self.pattern.brackets => self.text.push(if negative { '<' } else { ' ' }),
            None if negative => self.text.push('-'),
            None if !self.pattern.bare => self.text.push(' '),
            None => {}
        }
        self.signed = true;
    }

    /// The next digit or point of the number.
    fn number(&mut self, part: Part) {
        let letter = self.letters.get(self.next).copied();
        if letter == Some('.') {
            self.text.push('.');
        } else if self.relevant.is_some_and(|last| self.next > last) && part != Part::Zero {
            // A zero that fills.
        } else if self.is_bare_zero() {
            if !self.pattern.bare {
                self.text.push(' ');
            } else if self.ends_at_point() {
                self.text.push('0');
            }
        } else {
            self.text.push(letter.unwrap_or('\0'));
            self.inside = true;
        }
        if letter.is_some() {
            self.next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 answers.
    #[test]
    fn patterns_read_as_in_postgres() {
        for (number, pattern, expected) in [
            (1234.5, "9,999.99", " 1,234.50"),
            (-1234.5, "9,999.99", "-1,234.50"),
            (5.0, "000", " 005"),
            (5.0, "FM000", "005"),
            (12.0, "9999", "   12"),
            (-12.0, "9999", "  -12"),
            (0.1, "9.99", "  .10"),
            (0.1, "0.99", " 0.10"),
            (0.1, "FM0.99", "0.1"),
            (12345.0, "999", " ###"),
            (12.0, "S999", " +12"),
            (1.5, "FM999.00", "1.50"),
            (12345.678, "9.99EEEE", " 1.23e+04"),
            (1234567.0, "FM9,999,999", "1,234,567"),
            (0.0, "999", "   0"),
            (12.0, "FMRN", "XII"),
            (1.0, "99th", "  1st"),
            (-12.0, "999PR", " <12>"),
            (f64::NAN, "999", " NaN"),
        ] {
            let shown = shown(&ScalarValue::from(number), pattern).unwrap().unwrap();
            assert_eq!(shown, expected, "{number} by {pattern}");
        }
    }

    #[test]
    fn decimals_round_away_from_zero() {
        assert_eq!(rounded("1.255", 2), "1.26");
        assert_eq!(rounded("-0.004", 2), "0.00");
        assert_eq!(rounded("99.5", 0), "100");
        assert_eq!(shifted("12.345", 2), "1234.5");
    }
}
