//! Functions on texts that DataFusion lacks, or whose results differ from PostgreSQL's.

use super::arguments::{Kind, Values};
use super::define::Returns;
use super::failure::fails;
use super::section::Section;
use super::typed::{Routine, call, routine, texts_value};
use crate::error::{ErrorKind, QueryError};
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;
use unicode_normalization::UnicodeNormalization;

use Kind::{Any, Bool, Int, Text as T};

/// The definitions of this file.
pub(super) const ROUTINES: &[Routine] = &[
    routine("chr", Section::Text, "Letter by its number.", &[call(&[Int], Returns::Text, chr)]),
    routine(
        "is_normalized",
        Section::Text,
        "Whether a text is in a normal form of Unicode.",
        &[
            call(&[T, T], Returns::Bool, |values| Ok(ScalarValue::from(normalized(values)? == values.text(0)))),
            call(&[T], Returns::Bool, |values| Ok(ScalarValue::from(normalized(values)? == values.text(0)))),
        ],
    ),
    routine(
        "normalize",
        Section::Text,
        "Text in a normal form of Unicode.",
        &[
            call(&[T, T], Returns::Text, |values| normalized(values).map(ScalarValue::from)),
            call(&[T], Returns::Text, |values| normalized(values).map(ScalarValue::from)),
        ],
    ),
    routine(
        "parse_ident",
        Section::Text,
        "Parts of a name with dots, each as the catalog spells it.",
        &[call(&[T], Returns::Texts, parse_ident), call(&[T, Bool], Returns::Texts, parse_ident)],
    ),
    routine(
        "pg_client_encoding",
        Section::System,
        "Encoding of the client's texts: UTF8.",
        &[call(&[], Returns::Text, |_| Ok(ScalarValue::from("UTF8")))],
    ),
    routine(
        "pg_size_bytes",
        Section::Text,
        "Bytes of a size as people write it: 10 MB.",
        &[call(&[T], Returns::Big, size_bytes)],
    ),
    routine(
        "pg_size_pretty",
        Section::Text,
        "Bytes as people write them: 8192 bytes, 12 MB.",
        &[
            call(&[Int], Returns::Text, |values| Ok(ScalarValue::from(size_pretty(values.int(0))))),
            call(&[Kind::Float], Returns::Text, |values| {
                Ok(ScalarValue::from(size_pretty(values.float(0).round() as i64)))
            }),
        ],
    ),
    routine("to_bin", Section::Text, "Number in binary.", &[call(&[Any], Returns::Text, |values| in_base(values, 2))]),
    routine(
        "to_hex",
        Section::Text,
        "Number in hexadecimal.",
        &[call(&[Any], Returns::Text, |values| in_base(values, 16))],
    ),
    routine("to_oct", Section::Text, "Number in octal.", &[call(&[Any], Returns::Text, |values| in_base(values, 8))]),
    routine(
        "unistr",
        Section::Text,
        "Text with escapes of Unicode letters resolved.",
        &[call(&[T], Returns::Text, unistr)],
    ),
    routine(
        "upper",
        Section::Text,
        "Text in upper case.",
        &[call(&[T], Returns::Text, |values| {
            Ok(ScalarValue::from(values.text(0).chars().map(upper).collect::<String>()))
        })],
    ),
    routine(
        "varchar_cast",
        Section::Text,
        "Text cut to so many letters, as a cast to varchar(n) does.",
        &[call(&[T, Int], Returns::Text, |values| {
            let most = usize::try_from(values.int(1)).unwrap_or_default();
            Ok(ScalarValue::from(values.text(0).chars().take(most).collect::<String>()))
        })],
    ),
    routine(
        "name_cast",
        Section::Text,
        "Text cut to the bytes a name may have.",
        &[call(&[T], Returns::Text, |values| {
            let text = values.text(0);
            let end = (0..=text.len().min(63)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            Ok(ScalarValue::from(&text[..end]))
        })],
    ),
];

/// A letter in upper case, where that is one letter.
fn upper(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(only), None) => only,
        _ => letter,
    }
}

fn chr(values: &Values<'_>) -> Result<ScalarValue> {
    match values.int(0) {
        0 => fails(ErrorKind::LimitReached, "null character not permitted"),
        ..0 => fails(ErrorKind::InvalidParameter, "character number must be positive"),
        number => match u32::try_from(number).ok().and_then(char::from_u32) {
            Some(letter) => Ok(ScalarValue::from(letter.to_string())),
            None => fails(ErrorKind::LimitReached, format!("requested character too large for encoding: {number}")),
        },
    }
}

/// The text in the form that is named, NFC when none is.
fn normalized(values: &Values<'_>) -> Result<String> {
    let text = values.text(0);
    Ok(match values.try_text(1).map(str::to_ascii_uppercase).as_deref() {
        None | Some("NFC") => text.nfc().collect(),
        Some("NFD") => text.nfd().collect(),
        Some("NFKC") => text.nfkc().collect(),
        Some("NFKD") => text.nfkd().collect(),
        Some(other) => {
            return fails(ErrorKind::InvalidParameter, format!("invalid normalization form: {}", other.to_lowercase()));
        }
    })
}

/// A whole number in another base; of a negative one the two's complement in the bits of its type.
fn in_base(values: &Values<'_>, base: u32) -> Result<ScalarValue> {
    let (array, row) = values.any(0)?;
    let value = ScalarValue::try_from_array(array, row)?;
    let bits = match value {
        ScalarValue::Int8(Some(number)) => u64::from(i32::from(number) as u32),
        ScalarValue::Int16(Some(number)) => u64::from(i32::from(number) as u32),
        ScalarValue::Int32(Some(number)) => u64::from(number as u32),
        ScalarValue::Int64(Some(number)) => number as u64,
        ScalarValue::UInt32(Some(number)) => u64::from(number),
        other => return Err(super::failure::no_such_call("to_hex", &[other.data_type()])),
    };
    Ok(ScalarValue::from(match base {
        2 => format!("{bits:b}"),
        8 => format!("{bits:o}"),
        _ => format!("{bits:x}"),
    }))
}

/// A text in which `\0061`, `\+000061`, `\u0061` and `\U00000061` stand for letters.
fn unistr(values: &Values<'_>) -> Result<ScalarValue> {
    let wrong = || fails(ErrorKind::Syntax, "invalid Unicode escape");
    let mut made = String::new();
    let mut rest = values.text(0);
    let mut high: Option<u32> = None;
    while let Some(first) = rest.chars().next() {
        if first != '\\' || rest.as_bytes().get(1) == Some(&b'\\') {
            if high.is_some() {
                return fails(ErrorKind::Syntax, "invalid Unicode surrogate pair");
            }
            made.push(first);
            rest = rest.get(if first == '\\' { 2 } else { first.len_utf8() }..).unwrap_or_default();
            continue;
        }
        let (skip, digits) = match rest.as_bytes().get(1) {
            Some(b'+') => (2, 6),
            Some(b'u') => (2, 4),
            Some(b'U') => (2, 8),
            _ => (1, 4),
        };
        let Some(code) =
            rest.get(skip..skip + digits).filter(|code| code.bytes().all(|digit| digit.is_ascii_hexdigit()))
        else {
            return wrong();
        };
        let Ok(code) = u32::from_str_radix(code, 16) else { return wrong() };
        rest = rest.get(skip + digits..).unwrap_or_default();
        let code = match (high.take(), code) {
            (None, 0xd800..=0xdbff) => {
                high = Some(code);
                continue;
            }
            (Some(high), 0xdc00..=0xdfff) => 0x1_0000 + ((high - 0xd800) << 10) + (code - 0xdc00),
            (None, code) if !(0xdc00..=0xdfff).contains(&code) => code,
            _ => return fails(ErrorKind::Syntax, "invalid Unicode surrogate pair"),
        };
        match char::from_u32(code).filter(|letter| *letter != '\0') {
            Some(letter) => made.push(letter),
            None => return fails(ErrorKind::Syntax, format!("invalid Unicode code point: {code:04X}")),
        }
    }
    match high {
        Some(_) => fails(ErrorKind::Syntax, "invalid Unicode surrogate pair"),
        None => Ok(ScalarValue::from(made)),
    }
}

/// The parts of a qualified name: in quotes as they are, else in lower case. What stands behind the
/// name is an error unless the second argument is false.
fn parse_ident(values: &Values<'_>) -> Result<ScalarValue> {
    let whole = values.text(0);
    let wrong = || fails(ErrorKind::InvalidParameter, format!("string is not a valid identifier: \"{whole}\""));
    let blank = |letter: char| matches!(letter, ' ' | '\t' | '\n' | '\r' | '\u{c}' | '\u{b}');
    let mut parts = Vec::new();
    let mut rest = whole.trim_start_matches(blank);
    loop {
        if let Some(inside) = rest.strip_prefix('"') {
            let mut part = String::new();
            let mut left = inside;
            loop {
                let Some((before, behind)) = left.split_once('"') else { return wrong() };
                part.push_str(before);
                left = behind;
                let Some(more) = left.strip_prefix('"') else { break };
                part.push('"');
                left = more;
            }
            if part.is_empty() {
                return wrong();
            }
            parts.push(Some(part));
            rest = left;
        } else {
            let starts = |letter: char| letter.is_ascii_alphabetic() || letter == '_' || !letter.is_ascii();
            if !rest.starts_with(starts) {
                return wrong();
            }
            let goes_on = |letter: char| starts(letter) || letter.is_ascii_digit() || letter == '$';
            let end = rest.find(|letter| !goes_on(letter)).unwrap_or(rest.len());
            let (part, behind) = rest.split_at(end);
            parts.push(Some(part.to_ascii_lowercase()));
            rest = behind;
        }
        rest = rest.trim_start_matches(blank);
        match rest.strip_prefix('.') {
            Some(behind) => rest = behind.trim_start_matches(blank),
            None if rest.is_empty() || values.try_boolean(1) == Some(false) => return Ok(texts_value(parts)),
            None => return wrong(),
        }
    }
}

/// Bytes in the largest unit that leaves fewer than about 20,000 of it, rounded half away from zero.
fn size_pretty(bytes: i64) -> String {
    /// Units by name, with the bits in which they are counted.
    const UNITS: [(&str, u32); 6] = [("bytes", 0), ("kB", 10), ("MB", 20), ("GB", 30), ("TB", 40), ("PB", 50)];
    let mut size = bytes;
    for (index, (unit, bits)) in UNITS.iter().enumerate() {
        let limit = if index == 0 { 10 * 1_024 } else { 20 * 1_024 - 1 };
        let last = UNITS.get(index + 1);
        if last.is_none() || size.unsigned_abs() < limit {
            if index > 0 {
                size = (size + size.signum()) / 2;
            }
            return format!("{size} {unit}");
        }
        if let Some((_, next)) = last {
            // All but bytes are halved at the end, so that they round.
            let shift = next - bits - 1 + u32::from(index > 0);
            size /= 1 << shift;
        }
    }
    String::new()
}

fn size_bytes(values: &Values<'_>) -> Result<ScalarValue> {
    let whole = values.text(0);
    let wrong = |detail: &str| {
        let error = QueryError::new(ErrorKind::InvalidParameter, format!("invalid size: \"{whole}\""));
        Err(DataFusionError::External(Box::new(if detail.is_empty() { error } else { error.with_hint(detail) })))
    };
    let text = whole.trim();
    let end = text.find(|letter: char| !matches!(letter, '0'..='9' | '.' | '-' | '+')).unwrap_or(text.len());
    let end = match text.get(end..) {
        // An exponent.
        Some(rest)
            if rest.starts_with(['e', 'E'])
                && rest[1..].starts_with(|next: char| next.is_ascii_digit() || matches!(next, '-' | '+')) =>
        {
            end + 2 + rest[2..].find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len() - 2)
        }
        _ => end,
    };
    let (number, unit) = text.split_at(end);
    let Ok(number) = number.parse::<f64>() else { return wrong("") };
    let bits = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" => 0,
        "kb" => 10,
        "mb" => 20,
        "gb" => 30,
        "tb" => 40,
        "pb" => 50,
        _ => return wrong("Valid units are \"bytes\", \"B\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\"."),
    };
    let bytes = number * f64::from(1_u32 << (bits / 2)) * f64::from(1_u32 << (bits - bits / 2));
    if bytes.abs() >= 9.2e18 {
        return fails(ErrorKind::OutOfRange, "bigint out of range");
    }
    Ok(ScalarValue::from(bytes.round() as i64))
}
