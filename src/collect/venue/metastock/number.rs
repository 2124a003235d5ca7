//! Numbers as people and programs write them: `1234.5`, `1234,5`, `1.5E+03`, `"1,234.5"`, `$10`, `82.49M`.
//!
//! Almost all are plain decimals, which are read without a detour. What could be read in two ways is no number.

use super::line::Separator;
use std::borrow::Cow;

/// The field is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotANumber;

/// Powers of ten that a double holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// What stands where there is no value.
const NO_VALUE: [&str; 10] = ["-", "--", "n/a", "na", "#n/a", "n/d", "nan", "nd", "none", "null"];

/// Signs of currencies that stand before or behind a number.
const CURRENCIES: [&str; 4] = ["$", "€", "£", "¥"];

/// A decimal number, `None` for a field that says that there is none. Beside any separator but a comma, a comma is a
/// decimal mark.
pub(super) fn price(field: &[u8], separator: Separator) -> Result<Option<f64>, NotANumber> {
    if field.is_empty() {
        return Ok(None);
    }
    match short_decimal(field) {
        Some(value) => Ok(Some(value)),
        None => unusual(field, separator, Grouping::Unambiguous),
    }
}

/// The same for what is counted: `1,234` has no decimals then, and `82.49M` is short for millions.
pub(super) fn count(field: &[u8], separator: Separator) -> Result<Option<f64>, NotANumber> {
    if field.is_empty() {
        return Ok(None);
    }
    if let Some(value) = short_decimal(field) {
        return Ok(Some(value));
    }
    let (digits, scale) = match field {
        [rest @ .., b'K' | b'k'] => (rest, 1e3),
        [rest @ .., b'M' | b'm'] => (rest, 1e6),
        [rest @ .., b'B' | b'b'] => (rest, 1e9),
        _ => (field, 1.0),
    };
    let digits = digits.trim_ascii_end();
    let value = unusual(digits, separator, Grouping::Assumed)?;
    // Of 82.49 millions nobody means a fraction of a share.
    Ok(value.map(|value| if scale > 1.0 { (value * scale).round() } else { value }))
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

/// What a mark before exactly three digits means, where nothing else tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grouping {
    /// It may be thousands or decimals, so that the field is no number.
    Unambiguous,
    /// It is that of thousands.
    Assumed,
}

/// Anything that is not a short decimal.
fn unusual(field: &[u8], separator: Separator, grouping: Grouping) -> Result<Option<f64>, NotANumber> {
    if let Some(value) = long_decimal(field, separator) {
        return Ok(Some(value));
    }
    let text = std::str::from_utf8(field).map_err(|_| NotANumber)?.trim();
    if text.is_empty() || NO_VALUE.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Ok(None);
    }
    let (negative, text) = without_signs(text);
    let value = grouped(text, grouping).ok_or(NotANumber)?;
    Ok(Some(if negative { -value } else { value }))
}

/// Anything else `str::parse` reads that is made of digits, signs, points and exponents.
fn long_decimal(field: &[u8], separator: Separator) -> Option<f64> {
    let marks = field.iter().filter(|byte| **byte == b',').count();
    let field = if separator != Separator::Comma && marks == 1 && !field.contains(&b'.') {
        Cow::Owned(field.iter().map(|&byte| if byte == b',' { b'.' } else { byte }).collect())
    } else {
        Cow::Borrowed(field)
    };
    if !field.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'+' | b'-' | b'e' | b'E')) {
        return None;
    }
    std::str::from_utf8(&field).ok()?.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// A number without the signs around it, and whether it is negative.
fn without_signs(text: &str) -> (bool, &str) {
    let (mut negative, mut rest) = (false, text);
    loop {
        let before = rest.len();
        for sign in CURRENCIES {
            rest = rest.strip_prefix(sign).unwrap_or(rest).trim_start();
            rest = rest.strip_suffix(sign).unwrap_or(rest).trim_end();
        }
        if !negative && let Some(number) = rest.strip_prefix('-') {
            (negative, rest) = (true, number.trim_start());
        }
        if rest.len() == before {
            return (negative, rest);
        }
    }
}

/// Digits in groups of three, and perhaps decimals behind another mark.
fn grouped(text: &str, grouping: Grouping) -> Option<f64> {
    let is_mark = |sign: char| matches!(sign, ',' | '.' | ' ' | '\'' | '\u{a0}' | '\u{202f}');
    let marks: Vec<(usize, char)> = text.char_indices().filter(|(_, sign)| is_mark(*sign)).collect();
    let Some(&(last, sign)) = marks.last() else { return whole(text) };
    let alike = marks.iter().filter(|(_, other)| *other == sign).count();
    let decimals = text.get(last + sign.len_utf8()..)?;
    let ambiguous = decimals.len() == 3 && !text.starts_with('0');
    let is_decimal = match (sign, alike) {
        (',' | '.', 1) if marks.len() > 1 => true,
        (',' | '.', 1) if ambiguous && grouping == Grouping::Unambiguous => return None,
        (',' | '.', 1) => !ambiguous,
        _ => false,
    };
    let (integer, decimals) = if is_decimal { (text.get(..last)?, decimals) } else { (text, "") };
    let mark = marks.first().filter(|(at, _)| *at < integer.len()).map(|(_, sign)| *sign);
    let Some(mark) = mark else { return joined(integer, decimals) };
    let mut groups = integer.split(mark);
    let first = groups.next()?;
    let whole_groups = groups.all(|group| group.len() == 3);
    if !whole_groups || !(1..=3).contains(&first.len()) {
        return None;
    }
    joined(&integer.replace(mark, ""), decimals)
}

fn whole(text: &str) -> Option<f64> {
    joined(text, "")
}

fn joined(integer: &str, decimals: &str) -> Option<f64> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = (1..=18).contains(&integer.len()) && decimals.len() <= 18 && digits(integer) && digits(decimals);
    fits.then(|| format!("{integer}.{decimals}0").parse().ok()).flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use Separator::{Comma, Semicolon};

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
                assert_eq!(price(text.as_bytes(), Comma).unwrap().unwrap().to_bits(), expected.to_bits(), "{text}");
            }
        }
    }

    #[test]
    fn no_numbers() {
        for text in [
            ".",
            "1.2.3",
            "inf",
            "infinity",
            "1e999",
            "0x10",
            "1 2",
            "--1",
            "é",
            "+",
            "e",
            "$",
            "1,23,456.7",
            "1,2345.6",
            "1,234",
            "12,34,56",
            ",",
            "1.234,567,8",
            "1.234.5",
            "$$$",
            "10 USD",
            "1,,234.5",
            "½",
        ] {
            assert_eq!(price(text.as_bytes(), Comma), Err(NotANumber), "{text}");
        }
        assert_eq!(price(b"\xff", Comma), Err(NotANumber));
    }

    #[test]
    fn numbers_with_signs_and_groups() {
        for (text, separator, expected) in [
            ("1,5", Semicolon, 1.5),
            ("1,234", Semicolon, 1.234),
            ("1.5E+03", Comma, 1500.0),
            ("1,234.5", Comma, 1234.5),
            ("1,234.5", Semicolon, 1234.5),
            ("1.234,5", Semicolon, 1234.5),
            ("1.234,567", Comma, 1234.567),
            ("1,234,567", Comma, 1_234_567.0),
            ("12 345,5", Semicolon, 12_345.5),
            ("12\u{a0}345,5", Semicolon, 12_345.5),
            ("1'234.50", Comma, 1234.5),
            ("101,25", Comma, 101.25),
            ("0,125", Comma, 0.125),
            ("$10", Comma, 10.0),
            ("$1,234.5", Comma, 1234.5),
            ("-$10.5", Comma, -10.5),
            ("$-10.5", Comma, -10.5),
            ("10.5 €", Comma, 10.5),
            ("£ 7", Comma, 7.0),
        ] {
            assert_eq!(price(text.as_bytes(), separator), Ok(Some(expected)), "{text}");
        }
        for text in ["", "null", "N/A", "-", "NaN", "n/d", " "] {
            assert_eq!(price(text.as_bytes(), Comma), Ok(None), "{text}");
        }
    }

    #[test]
    fn counts_have_no_decimals_to_mistake() {
        for (text, expected) in
            [("1,234", 1234.0), ("82.49M", 82_490_000.0), ("1.5K", 1500.0), ("2B", 2e9), ("100", 100.0), ("7.5", 7.5)]
        {
            assert_eq!(count(text.as_bytes(), Comma), Ok(Some(expected)), "{text}");
        }
        assert_eq!(count(b"M", Comma), Ok(None));
        assert_eq!(count(b"-", Comma), Ok(None));
        assert_eq!(count(b"x2", Comma), Err(NotANumber));
    }
}
