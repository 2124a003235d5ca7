//! The parts of a JSON text one level down, as they are written: what `json` gives of its members keeps
//! its spelling, and of a normal text each part is normal.

use super::parse::{Invalid, parse};
use super::value::Value;

/// What a JSON value consists of, one level down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parts<'a> {
    /// An object's members in order, each with its name unescaped and its text as written.
    Members(Vec<(String, &'a str)>),
    /// An array's elements in order, as written.
    Elements(Vec<&'a str>),
    /// A text, a number, a boolean or null.
    Plain,
}

impl<'a> Parts<'a> {
    /// The text of a member: of two of one name, the last.
    pub(crate) fn member(&self, name: &str) -> Option<&'a str> {
        match self {
            Self::Members(members) => members.iter().rev().find(|(own, _)| own == name).map(|(_, value)| *value),
            _ => None,
        }
    }

    /// The text of an element by its number from 0, or from -1 for the last.
    pub(crate) fn element(&self, number: i64) -> Option<&'a str> {
        let Self::Elements(elements) = self else { return None };
        let length = i64::try_from(elements.len()).unwrap_or(i64::MAX);
        let place = if number < 0 { length.checked_add(number)? } else { number };
        elements.get(usize::try_from(place).ok()?).copied()
    }
}

/// Reads one level of a text that is known to be JSON.
///
/// # Errors
/// Whatever makes it none.
pub(crate) fn parts(json: &str) -> Result<Parts<'_>, Invalid> {
    let text = json.trim_matches([' ', '\t', '\n', '\r']);
    let inside = |end: char| text.get(1..).and_then(|rest| rest.strip_suffix(end)).ok_or(Invalid::Syntax);
    match text.as_bytes().first() {
        Some(b'{') => {
            let mut members = Vec::new();
            for part in split(inside('}')?) {
                let end = colon(part).ok_or(Invalid::Syntax)?;
                let (name, value) = part.split_at(end);
                let Value::Text(name) = parse(name)? else { return Err(Invalid::Syntax) };
                members.push((name, trimmed(value.get(1..).unwrap_or_default())));
            }
            Ok(Parts::Members(members))
        }
        Some(b'[') => Ok(Parts::Elements(split(inside(']')?).into_iter().map(trimmed).collect())),
        Some(_) => Ok(Parts::Plain),
        None => Err(Invalid::Syntax),
    }
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

/// The parts between commas that stand in no text, array or object.
fn split(inside: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    if trimmed(inside).is_empty() {
        return parts;
    }
    let (mut start, mut depth, mut quoted, mut escaped) = (0, 0_usize, false, false);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(inside.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(inside.get(start..).unwrap_or_default());
    parts
}

/// The place of the colon behind a name.
fn colon(member: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in member.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b':' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// A value as text: without quotes and escapes, `None` of null, and all else as it is written.
///
/// # Errors
/// A text that does not read, or has a letter that no text can hold.
pub(crate) fn plain(json: &str) -> Result<Option<String>, Invalid> {
    let text = trimmed(json);
    Ok(match text.as_bytes().first() {
        Some(b'"') => match parse(text)? {
            Value::Text(text) if text.contains('\0') => return Err(Invalid::Letter),
            Value::Text(text) => Some(text),
            _ => None,
        },
        Some(b'n') => None,
        _ => Some(text.to_owned()),
    })
}

/// The name of a value's kind, as `json_typeof` gives it.
pub(crate) fn kind(json: &str) -> &'static str {
    match trimmed(json).as_bytes().first() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    }
}
