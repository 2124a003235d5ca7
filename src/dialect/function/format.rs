//! `format('%I.%I = %L', ...)` fills a text with values, with positions and widths as PostgreSQL reads
//! them: `%2$s`, `%-10s`, `%*s`, `%1$*2$s`.

use super::define::{Context, integer, null, text, text_value};
use super::made::check_value;
use crate::text::identifier::quote;
use datafusion::common::{Result, ScalarValue, exec_err};
use std::iter::Peekable;
use std::str::Chars;

/// Letters that a width may ask for; PostgreSQL has no other bound than the size of a text.
const WIDTH_MAX: usize = 1 << 20;
/// Spaces that all widths of one text may add, since a short pattern may ask for any number of them.
const PADDING_MAX: usize = 16 << 20;

/// Fills the first argument with the others: `%s` is a text, `%I` a name, `%L` a literal, `%%` itself;
/// NULL of a `%s` is empty, of a `%L` is NULL.
///
/// # Errors
/// Too few arguments, a NULL where a name is wanted, or another letter behind `%`.
pub(super) fn format(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(pattern) = text(values, 0) else { return Ok(null()) };
    let mut result = String::new();
    let mut letters = pattern.chars().peekable();
    let mut arguments = Arguments { values, next: 1 };
    let mut padded = 0;
    while let Some(letter) = letters.next() {
        if letter != '%' {
            result.push(letter);
            continue;
        }
        if letters.next_if_eq(&'%').is_some() {
            result.push('%');
            continue;
        }
        let spec = Spec::read(&mut letters, &mut arguments)?;
        let place = arguments.place(spec.position)?;
        let value = text(values, place);
        let filled = match (letters.next(), value) {
            (Some('s'), value) => value.unwrap_or_default(),
            (Some('I'), Some(name)) => quote(&name),
            (Some('I'), None) => return exec_err!("null values cannot be formatted as an SQL identifier"),
            (Some('L'), value) => value.map_or_else(|| "NULL".to_owned(), |value| literal(&value)),
            (Some(other), _) => return exec_err!("unrecognized format() type specifier \"{other}\""),
            (None, _) => return exec_err!("unterminated format() type specifier"),
        };
        let padding = spec.width.saturating_sub(filled.chars().count());
        padded += padding;
        if padded > PADDING_MAX {
            return exec_err!("format() would add more than {PADDING_MAX} spaces");
        }
        check_value("format", result.len().saturating_add(filled.len()))?;
        let padding = " ".repeat(padding);
        if spec.left {
            result.push_str(&filled);
            result.push_str(&padding);
        } else {
            result.push_str(&padding);
            result.push_str(&filled);
        }
    }
    Ok(text_value(Some(result)))
}

/// The arguments of one call, which are taken in turn unless a place names one.
struct Arguments<'a> {
    values: &'a [ScalarValue],
    next: usize,
}

impl Arguments<'_> {
    /// The place of an argument: the one that is named, else the next.
    fn place(&mut self, named: Option<usize>) -> Result<usize> {
        let place = named.unwrap_or(self.next);
        if place == 0 {
            return exec_err!("format specifies argument 0, but arguments are numbered from 1");
        }
        if place >= self.values.len() {
            return exec_err!("too few arguments for format()");
        }
        self.next = place + 1;
        Ok(place)
    }
}

/// What stands between `%` and the letter.
struct Spec {
    position: Option<usize>,
    /// Whether the value stands at the left of its width.
    left: bool,
    width: usize,
}

impl Spec {
    /// Reads `[n$][-][width | * | *n$]`.
    fn read(letters: &mut Peekable<Chars<'_>>, arguments: &mut Arguments<'_>) -> Result<Self> {
        let mut spec = Self { position: None, left: false, width: 0 };
        if let Some(number) = number(letters)? {
            if letters.next_if_eq(&'$').is_some() {
                spec.position = Some(number);
            } else {
                spec.width = number;
                return Ok(spec);
            }
        }
        while letters.next_if_eq(&'-').is_some() {
            spec.left = true;
        }
        if letters.next_if_eq(&'*').is_none() {
            spec.width = number(letters)?.unwrap_or(0);
            return Ok(spec);
        }
        let named = number(letters)?;
        if named.is_some() && letters.next_if_eq(&'$').is_none() {
            return exec_err!("width argument position must be ended by \"$\"");
        }
        let place = arguments.place(named)?;
        let width = integer(arguments.values, place)?.unwrap_or(0);
        spec.left |= width < 0;
        spec.width = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
        if spec.width > WIDTH_MAX { exec_err!("number is out of range") } else { Ok(spec) }
    }
}

/// The number at the head of the letters; `None` when there is none.
fn number(letters: &mut Peekable<Chars<'_>>) -> Result<Option<usize>> {
    let mut digits = String::new();
    while let Some(digit) = letters.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    if digits.is_empty() {
        return Ok(None);
    }
    match digits.parse() {
        Ok(number) if number <= WIDTH_MAX => Ok(Some(number)),
        _ => exec_err!("number is out of range"),
    }
}

/// A text as a literal of SQL: quotes are doubled, and a text with backslashes is written as
/// `E'...'`.
pub(super) fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}
