//! One line of a MetaStock text file: splitting it into fields, reading the single field. No knowledge of layouts.

use std::borrow::Cow;

/// What stands between two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    Comma,
    Semicolon,
    Tab,
    /// One or more blanks or tabs.
    Blank,
}

/// Why a file cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LineError {
    /// Line number from 1; `None` when the whole file is meant.
    pub(super) line: Option<u64>,
    /// Why, in one clear sentence.
    pub(super) reason: String,
}

impl LineError {
    pub(super) fn at(line: u64, reason: impl Into<String>) -> Self {
        Self { line: Some(line), reason: reason.into() }
    }

    pub(super) fn whole(reason: impl Into<String>) -> Self {
        Self { line: None, reason: reason.into() }
    }
}

/// The lines of a text that hold something, numbered from 1, without line ends and outer blanks.
pub(super) struct Lines<'a> {
    rest: Option<&'a [u8]>,
    number: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { rest: Some(text), number: 0 }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.rest?;
            let line = match rest.iter().position(|&byte| byte == b'\n') {
                Some(end) => {
                    let (line, tail) = rest.split_at(end);
                    self.rest = tail.get(1..);
                    line
                }
                None => {
                    self.rest = None;
                    rest
                }
            };
            self.number += 1;
            // Tabs separate, so only blanks and carriage returns are trimmed.
            let line = trim(line, |byte| matches!(byte, b' ' | b'\r'));
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Some((self.number, line));
            }
        }
    }
}

/// The fields of a line, without quotes and outer blanks.
pub(super) fn fields(line: &[u8], separator: Separator) -> Fields<'_> {
    Fields { rest: Some(line), separator }
}

/// The fields of one line; see [`fields`].
pub(super) struct Fields<'a> {
    rest: Option<&'a [u8]>,
    separator: Separator,
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut rest = self.rest?;
        if self.separator == Separator::Blank {
            rest = rest.trim_ascii_start();
            if rest.is_empty() {
                self.rest = None;
                return None;
            }
        }
        let quote = rest.first() == Some(&b'"');
        let skipped = if quote {
            // A quote that never closes is a field to the end of the line.
            rest.iter().skip(1).position(|&byte| byte == b'"').map_or(rest.len(), |end| end + 2)
        } else {
            0
        };
        let separates: fn(u8) -> bool = match self.separator {
            Separator::Comma => |byte| byte == b',',
            Separator::Semicolon => |byte| byte == b';',
            Separator::Tab => |byte| byte == b'\t',
            Separator::Blank => |byte| byte.is_ascii_whitespace(),
        };
        let end = rest.iter().skip(skipped).position(|&byte| separates(byte)).map(|end| end + skipped);
        let (field, tail) = match end {
            Some(end) => (rest.get(..end).unwrap_or_default(), rest.get(end + 1..)),
            None => (rest, None),
        };
        self.rest = tail;
        Some(trim(field, |byte| byte == b'"' || byte.is_ascii_whitespace()))
    }
}

fn trim(mut field: &[u8], unwanted: impl Fn(u8) -> bool) -> &[u8] {
    while let [first, rest @ ..] = field
        && unwanted(*first)
    {
        field = rest;
    }
    while let [rest @ .., last] = field
        && unwanted(*last)
    {
        field = rest;
    }
    field
}

/// Powers of ten that a double holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// The field is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotANumber;

/// A decimal number, `None` for an empty field. Beside any separator but a comma, a comma is a decimal point.
pub(super) fn price(field: &[u8], separator: Separator) -> Result<Option<f64>, NotANumber> {
    if field.is_empty() {
        return Ok(None);
    }
    match short_decimal(field) {
        Some(value) => Ok(Some(value)),
        None => long_decimal(field, separator).map(Some).ok_or(NotANumber),
    }
}

/// Numbers of up to fifteen digits: both the digits and the power of ten are exact doubles, so that one division is
/// rounded once and gives what `str::parse` gives.
fn short_decimal(field: &[u8]) -> Option<f64> {
    let (negative, digits) = match field {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, field),
    };
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    let mut value = 0_u64;
    let mut count = 0_usize;
    let mut point = None;
    for (index, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + u64::from(byte - b'0');
                count += 1;
            }
            b'.' if point.is_none() => point = Some(index),
            _ => return None,
        }
    }
    if count == 0 || count > 15 {
        return None;
    }
    let decimals = point.map_or(0, |point| digits.len() - point - 1);
    // At most fifteen digits, below 2^53: exact.
    let value = value as f64 / POWERS.get(decimals)?;
    Some(if negative { -value } else { value })
}

/// Anything else `str::parse` reads that is made of digits, signs, points and exponents.
fn long_decimal(field: &[u8], separator: Separator) -> Option<f64> {
    let field = if separator != Separator::Comma && field.contains(&b',') && !field.contains(&b'.') {
        Cow::Owned(field.iter().map(|&byte| if byte == b',' { b'.' } else { byte }).collect())
    } else {
        Cow::Borrowed(field)
    };
    if !field.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'+' | b'-' | b'e' | b'E')) {
        return None;
    }
    std::str::from_utf8(&field).ok()?.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// What a row covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    /// One trading session per row.
    Day,
    /// Less or more than one session; the letter, or `I` for minutes.
    Other(char),
}

/// `D`, `W`, `M`, `Q`, `Y`, `I`, or a number of minutes.
pub(super) fn period(field: &[u8]) -> Option<Period> {
    match field {
        [b'D' | b'd'] => Some(Period::Day),
        [letter] if b"WMQYI".contains(&letter.to_ascii_uppercase()) => {
            Some(Period::Other(char::from(letter.to_ascii_uppercase())))
        }
        _ if (1..=4).contains(&field.len()) && field.iter().all(u8::is_ascii_digit) => Some(Period::Other('I')),
        _ => None,
    }
}

/// A symbol: up to 32 printable ASCII characters without blanks or quotes.
pub(super) fn ticker(field: &[u8]) -> Option<&str> {
    let printable = field.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'"');
    if (1..=32).contains(&field.len()) && printable { std::str::from_utf8(field).ok() } else { None }
}

/// A field for a message: quoted, cut short, with unprintable bytes escaped.
pub(super) fn quoted(field: &[u8]) -> String {
    let shown = field.get(..40).unwrap_or(field);
    format!("\"{}\"", shown.escape_ascii())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_str_parse() {
        let mut state = 1_u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let whole = (state >> 33) % 10_u64.pow((state % 10) as u32 + 1);
            let fraction = (state >> 13) % 1_000_000;
            for text in [
                format!("{whole}.{fraction}"),
                format!("-{whole}"),
                format!("{whole}.{fraction:06}{whole}"),
                format!(".{fraction}"),
                format!("{whole}."),
            ] {
                let expected: f64 = text.parse().unwrap();
                assert_eq!(
                    price(text.as_bytes(), Separator::Comma).unwrap().unwrap().to_bits(),
                    expected.to_bits(),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn no_numbers() {
        for text in ["-", ".", "1.2.3", "nan", "inf", "infinity", "1e999", "0x10", "1 2", "--1", "1,5", "é", "+", "e"]
        {
            assert_eq!(price(text.as_bytes(), Separator::Comma), Err(NotANumber), "{text}");
        }
        assert_eq!(price(b"1,234.5", Separator::Semicolon), Err(NotANumber));
        assert_eq!(price(b"1,5", Separator::Semicolon), Ok(Some(1.5)));
        assert_eq!(price(b"1.5E+03", Separator::Comma), Ok(Some(1500.0)));
        assert_eq!(price(b"", Separator::Comma), Ok(None));
    }

    #[test]
    fn fields_of_a_line() {
        let split = |line: &'static str, separator| {
            fields(line.as_bytes(), separator)
                .map(|field| String::from_utf8_lossy(field).into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(split("a, b ,,c,", Separator::Comma), ["a", "b", "", "c", ""]);
        assert_eq!(split("\"Acme, Inc\",1", Separator::Comma), ["Acme, Inc", "1"]);
        assert_eq!(split("\"open", Separator::Comma), ["open"]);
        assert_eq!(split("a  b\tc ", Separator::Blank), ["a", "b", "c"]);
        assert_eq!(split("a\t\tb", Separator::Tab), ["a", "", "b"]);
    }

    #[test]
    fn lines_of_a_text() {
        let lines: Vec<_> = Lines::new(b"a\r\n\r\n  \nb\nc").collect();
        assert_eq!(lines, [(1, b"a".as_slice()), (4, b"b"), (5, b"c")]);
    }
}
