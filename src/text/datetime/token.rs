//! A text of a moment is taken apart into fields by their look alone: dates, times, offsets, numbers and words.

use super::fault::Fault;
use super::word;

/// What a field looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Digits alone, or with a point.
    Number,
    /// Parts joined by dashes, slashes or points; also a zone's name that has such letters in it.
    Date,
    /// Parts joined by colons.
    Time,
    /// An offset from Greenwich, with its sign.
    Offset,
    /// Letters of a name or a word.
    Word,
}

/// A field as it is written, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) text: String,
    pub(crate) look: Look,
}

/// Fields of a text, at most; PostgreSQL's own limit.
const FIELDS_MAX: usize = 25;
/// Bytes of a text, at most; PostgreSQL's own limit.
const BYTES_MAX: usize = 128;

/// The fields of a text. Blanks separate them, and other punctuation is passed over.
pub(crate) fn fields(text: &str) -> Result<Vec<Field>, Fault> {
    if text.len() > BYTES_MAX {
        return Err(Fault::Syntax);
    }
    let lower = text.to_ascii_lowercase();
    let mut rest = lower.as_str();
    let mut fields = Vec::new();
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_ascii_whitespace() || letter == '\u{b}');
        let Some(first) = rest.bytes().next() else { return Ok(fields) };
        let (look, length) = match first {
            b'0'..=b'9' => number_or_more(rest),
            b'.' => (Look::Number, 1 + digits(&rest[1..])),
            b'a'..=b'z' => word_or_more(rest),
            b'+' | b'-' => {
                let sign = &rest[..1];
                rest = rest[1..].trim_start_matches(|letter: char| letter.is_ascii_whitespace());
                let (look, length) = match rest.bytes().next() {
                    Some(b'0'..=b'9') => {
                        (Look::Offset, run(rest, |byte| matches!(byte, b'0'..=b'9' | b':' | b'.' | b'-')))
                    }
                    Some(b'a'..=b'z') => (Look::Word, run(rest, |byte| byte.is_ascii_alphabetic())),
                    _ => return Err(Fault::Syntax),
                };
                fields.push(Field { text: format!("{sign}{}", &rest[..length]), look });
                rest = &rest[length..];
                if fields.len() > FIELDS_MAX {
                    return Err(Fault::Syntax);
                }
                continue;
            }
            byte if byte.is_ascii_punctuation() => {
                rest = &rest[1..];
                continue;
            }
            _ => return Err(Fault::Syntax),
        };
        fields.push(Field { text: rest[..length].to_owned(), look });
        rest = &rest[length..];
        if fields.len() > FIELDS_MAX {
            return Err(Fault::Syntax);
        }
    }
}

/// Bytes at the beginning for which a condition holds.
fn run(text: &str, holds: impl Fn(u8) -> bool) -> usize {
    text.bytes().position(|byte| !holds(byte)).unwrap_or(text.len())
}

fn digits(text: &str) -> usize {
    run(text, |byte| byte.is_ascii_digit())
}

/// What begins with a digit: a time, a date or a number, and its length.
fn number_or_more(text: &str) -> (Look, usize) {
    let first = digits(text);
    match text.as_bytes().get(first) {
        Some(b':') => (Look::Time, run(text, |byte| matches!(byte, b'0'..=b'9' | b':' | b'.'))),
        Some(delimiter @ (b'-' | b'/' | b'.')) => {
            let mut end = first + 1;
            match text.as_bytes().get(end) {
                Some(b'0'..=b'9') => {
                    let number = *delimiter == b'.';
                    end += digits(&text[end..]);
                    if text.as_bytes().get(end) != Some(delimiter) {
                        return (if number { Look::Number } else { Look::Date }, end);
                    }
                    let more = |byte: u8| byte.is_ascii_digit() || byte == *delimiter;
                    (Look::Date, end + run(&text[end..], more))
                }
                _ => {
                    let more = |byte: u8| byte.is_ascii_alphanumeric() || byte == *delimiter;
                    (Look::Date, end + run(&text[end..], more))
                }
            }
        }
        _ => (Look::Number, first),
    }
}

/// What begins with a letter: a word, or a date or a zone's name with more in it, and its length.
fn word_or_more(text: &str) -> (Look, usize) {
    let letters = run(text, |byte| byte.is_ascii_alphabetic());
    let more = match text.as_bytes().get(letters) {
        Some(b'-' | b'/' | b'.') => true,
        Some(b'+' | b'0'..=b'9') => word::find(&text[..letters]).is_none(),
        _ => false,
    };
    if !more {
        return (Look::Word, letters);
    }
    let more = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'/' | b'_' | b'.' | b':');
    (Look::Date, letters + run(&text[letters..], more))
}
