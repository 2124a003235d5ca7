//! Functions on regular expressions: `regexp_replace` and its like, `substring` with a pattern, and the
//! functions behind the operators `~`, `~*`, `!~` and `!~*`.
//!
//! A pattern is compiled once and kept for later batches and statements, as PostgreSQL keeps them.

use super::arguments::{Kind, Values};
use super::define::Returns;
use super::failure::fails;
use super::made::check_value;
use super::section::Section;
use super::typed::{ROWS_OF_TEXTS, Routine, call, routine, texts_value};
use crate::dialect::regexp::{
    Flags, Fuel, Match, Options, Regexp, Text, TooComplex, WrongFlag, WrongPattern, from_similar,
};
use crate::error::{ErrorKind, QueryError};
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use Kind::{Int, Text as T};

/// The definitions of this file.
pub(super) const ROUTINES: &[Routine] = &[
    routine(
        "regexp_count",
        Section::Text,
        "How often a regular expression matches a text.",
        &[
            call(&[T, T], Returns::Int, count),
            call(&[T, T, Int], Returns::Int, count),
            call(&[T, T, Int, T], Returns::Int, count),
        ],
    ),
    routine(
        "regexp_instr",
        Section::Text,
        "Place in a text at which a regular expression matches; 0 for none.",
        &[
            call(&[T, T], Returns::Int, instr),
            call(&[T, T, Int], Returns::Int, instr),
            call(&[T, T, Int, Int], Returns::Int, instr),
            call(&[T, T, Int, Int, Int], Returns::Int, instr),
            call(&[T, T, Int, Int, Int, T], Returns::Int, instr),
            call(&[T, T, Int, Int, Int, T, Int], Returns::Int, instr),
        ],
    ),
    routine(
        "regexp_like",
        Section::Text,
        "Whether a regular expression matches a text.",
        &[call(&[T, T], Returns::Bool, like), call(&[T, T, T], Returns::Bool, like)],
    ),
    routine(
        "regexp_match",
        Section::Text,
        "What the first match of a regular expression holds, as an array.",
        &[call(&[T, T], Returns::Texts, first_match), call(&[T, T, T], Returns::Texts, first_match)],
    ),
    routine(
        "regexp_matches",
        Section::Text,
        "What the matches of a regular expression hold, a row for each.",
        &[call(&[T, T], ROWS_OF_TEXTS, matches), call(&[T, T, T], ROWS_OF_TEXTS, matches)],
    ),
    routine(
        "regexp_replace",
        Section::Text,
        "Text with what a regular expression matches replaced.",
        &[
            call(&[T, T, T], Returns::Text, replace),
            call(&[T, T, T, T], Returns::Text, replace),
            call(&[T, T, T, Int], Returns::Text, replace_from),
            call(&[T, T, T, Int, Int], Returns::Text, replace_from),
            call(&[T, T, T, Int, Int, T], Returns::Text, replace_from),
        ],
    ),
    routine(
        "regexp_split_to_array",
        Section::Text,
        "Parts of a text between the matches of a regular expression.",
        &[call(&[T, T], Returns::Texts, split), call(&[T, T, T], Returns::Texts, split)],
    ),
    routine(
        "regexp_substr",
        Section::Text,
        "What a regular expression matches in a text.",
        &[
            call(&[T, T], Returns::Text, substr),
            call(&[T, T, Int], Returns::Text, substr),
            call(&[T, T, Int, Int], Returns::Text, substr),
            call(&[T, T, Int, Int, T], Returns::Text, substr),
            call(&[T, T, Int, Int, T, Int], Returns::Text, substr),
        ],
    ),
    routine(
        "similar_to_escape",
        Section::Text,
        "Regular expression of a pattern of SIMILAR TO.",
        &[call(&[T], Returns::Text, similar), call(&[T, T], Returns::Text, similar)],
    ),
    routine(
        "textregexsubstr",
        Section::Text,
        "First group of a regular expression, or all it matches.",
        &[call(&[T, T], Returns::Text, first_group)],
    ),
    routine(
        "textregexeq",
        Section::Text,
        "Whether a regular expression matches: the operator ~.",
        &[call(&[T, T], Returns::Bool, |values| Ok(ScalarValue::from(is_match(values, false)?)))],
    ),
    routine(
        "textregexne",
        Section::Text,
        "Whether a regular expression does not match: the operator !~.",
        &[call(&[T, T], Returns::Bool, |values| Ok(ScalarValue::from(!is_match(values, false)?)))],
    ),
    routine(
        "texticregexeq",
        Section::Text,
        "Whether a regular expression matches in any case: the operator ~*.",
        &[call(&[T, T], Returns::Bool, |values| Ok(ScalarValue::from(is_match(values, true)?)))],
    ),
    routine(
        "texticregexne",
        Section::Text,
        "Whether a regular expression matches in no case: the operator !~*.",
        &[call(&[T, T], Returns::Bool, |values| Ok(ScalarValue::from(!is_match(values, true)?)))],
    ),
];

/// Compiled patterns that are kept.
const KEPT: usize = 64;

/// The compiled pattern, of those that are kept or made anew.
///
/// # Errors
/// `InvalidPattern` (SQLSTATE 2201B) for a text that is no regular expression.
fn compiled(pattern: &str, options: Options) -> Result<Arc<Regexp>> {
    type Known = HashMap<(String, Options), Arc<Regexp>>;
    /// Held for a lookup, or to add one; never while a pattern is compiled.
    static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);
    let key = (pattern.to_owned(), options);
    if let Some(known) = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(known.clone());
    }
    let made = Regexp::new(pattern, options).map_err(|invalid| invalid_pattern(invalid.0))?;
    let made = Arc::new(made);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= KEPT {
        known.clear();
    }
    known.insert(key, made.clone());
    Ok(made)
}

/// PostgreSQL's error of a pattern.
fn invalid_pattern(reason: &str) -> DataFusionError {
    let message = format!("invalid regular expression: {reason}");
    DataFusionError::External(Box::new(QueryError::new(ErrorKind::InvalidPattern, message)))
}

/// The error of a match that would take too long.
fn too_complex(_: TooComplex) -> DataFusionError {
    invalid_pattern("regular expression is too complex")
}

/// Whether the pattern, the second argument, matches the first.
fn is_match(values: &Values<'_>, fold: bool) -> Result<bool> {
    let pattern = values.pattern(1, Options { fold, ..Options::default() })?;
    pattern.is_match(values.text(0), &values.scratch.fuel).map_err(too_complex)
}

impl Values<'_> {
    /// The compiled pattern of an argument; that of the last row where it is the same.
    fn pattern(&self, index: usize, options: Options) -> Result<Arc<Regexp>> {
        let text = self.text(index);
        let mut last = self.scratch.pattern.borrow_mut();
        if let Some((known, of, made)) = last.as_ref()
            && known == text
            && *of == options
        {
            return Ok(made.clone());
        }
        let made = compiled(text, options)?;
        *last = Some((text.to_owned(), options, made.clone()));
        Ok(made)
    }

    /// The flags of an argument; none when it is not there.
    fn flags(&self, index: usize, function: &str, global: bool) -> Result<Flags> {
        let flags = Flags::parse(self.text(index)).or_else(|wrong| match wrong {
            WrongFlag::Unknown(letter) => {
                fails(ErrorKind::InvalidParameter, format!("invalid regular expression option: \"{letter}\""))
            }
            WrongFlag::Unsupported(letter) => {
                fails(ErrorKind::NotSupported, format!("the regular expression option \"{letter}\" is not supported"))
            }
        })?;
        if flags.global && !global {
            let message = format!("{function}() does not support the \"global\" option");
            return fails(ErrorKind::InvalidParameter, message);
        }
        Ok(flags)
    }

    /// A number that has to be at least `least`; `default` when it is not there.
    fn number(&self, index: usize, name: &str, least: i64, default: i64) -> Result<usize> {
        let number = self.try_int(index).unwrap_or(default);
        match usize::try_from(number) {
            Ok(found) if number >= least => Ok(found),
            _ => fails(ErrorKind::InvalidParameter, format!("invalid value for parameter \"{name}\": {number}")),
        }
    }
}

/// Matches of a pattern, one behind the other: after an empty one the next is looked for one letter on.
struct Matches<'a> {
    pattern: &'a Regexp,
    text: &'a Text<'a>,
    fuel: &'a Fuel,
    next: usize,
}

impl<'a> Matches<'a> {
    fn new(pattern: &'a Regexp, text: &'a Text<'a>, fuel: &'a Fuel, from: usize) -> Self {
        Self { pattern, text, fuel, next: from }
    }
}

impl Iterator for Matches<'_> {
    type Item = Result<Match>;

    fn next(&mut self) -> Option<Result<Match>> {
        if self.next > self.text.len() {
            return None;
        }
        match self.pattern.find(self.text, self.next, self.fuel) {
            Ok(Some(found)) => {
                self.next = found.whole.end + usize::from(found.whole.is_empty());
                Some(Ok(found))
            }
            Ok(None) => {
                self.next = usize::MAX;
                None
            }
            Err(error) => {
                self.next = usize::MAX;
                Some(Err(too_complex(error)))
            }
        }
    }
}

fn like(values: &Values<'_>) -> Result<ScalarValue> {
    let flags = values.flags(2, "regexp_like", false)?;
    let pattern = values.pattern(1, flags.options)?;
    Ok(ScalarValue::from(pattern.is_match(values.text(0), &values.scratch.fuel).map_err(too_complex)?))
}

fn count(values: &Values<'_>) -> Result<ScalarValue> {
    let start = values.number(2, "start", 1, 1)?;
    let flags = values.flags(3, "regexp_count", false)?;
    let pattern = values.pattern(1, flags.options)?;
    let text = Text::new(values.text(0));
    let mut count = 0_i32;
    for found in Matches::new(&pattern, &text, &values.scratch.fuel, start - 1) {
        found?;
        count += 1;
    }
    Ok(ScalarValue::from(count))
}

/// The place of the n-th match, or of a group in it; the outer `None` without one.
fn nth(
    values: &Values<'_>,
    pattern: &Regexp,
    text: &Text<'_>,
    (start, n, group): (usize, usize, usize),
) -> Result<Option<Range<usize>>> {
    let found = Matches::new(pattern, text, &values.scratch.fuel, start - 1).nth(n - 1).transpose()?;
    Ok(match (found, group.checked_sub(1)) {
        (None, _) => None,
        (Some(found), None) => Some(found.whole),
        (Some(found), Some(group)) => found.groups.into_iter().nth(group).flatten(),
    })
}

fn instr(values: &Values<'_>) -> Result<ScalarValue> {
    let (start, n) = (values.number(2, "start", 1, 1)?, values.number(3, "n", 1, 1)?);
    let end = match values.try_int(4).unwrap_or(0) {
        0 => false,
        1 => true,
        other => {
            return fails(ErrorKind::InvalidParameter, format!("invalid value for parameter \"endoption\": {other}"));
        }
    };
    let flags = values.flags(5, "regexp_instr", false)?;
    let group = values.number(6, "subexpr", 0, 0)?;
    let pattern = values.pattern(1, flags.options)?;
    let text = Text::new(values.text(0));
    let place = nth(values, &pattern, &text, (start, n, group))?;
    let place = place.map_or(0, |place| 1 + if end { place.end } else { place.start });
    Ok(ScalarValue::Int32(i32::try_from(place).ok()))
}

fn substr(values: &Values<'_>) -> Result<ScalarValue> {
    let (start, n) = (values.number(2, "start", 1, 1)?, values.number(3, "n", 1, 1)?);
    let flags = values.flags(4, "regexp_substr", false)?;
    let group = values.number(5, "subexpr", 0, 0)?;
    let pattern = values.pattern(1, flags.options)?;
    let text = Text::new(values.text(0));
    let place = nth(values, &pattern, &text, (start, n, group))?;
    Ok(ScalarValue::Utf8(place.map(|place| text.part(place).to_owned())))
}

/// What one match holds: its groups, or all of it when there are none.
fn held(text: &Text<'_>, found: Match) -> ScalarValue {
    match found.groups.is_empty() {
        true => texts_value([Some(text.part(found.whole))]),
        false => texts_value(found.groups.into_iter().map(|group| group.map(|place| text.part(place)))),
    }
}

fn first_match(values: &Values<'_>) -> Result<ScalarValue> {
    let flags = values.flags(2, "regexp_match", false).map_err(with_matches_hint)?;
    let pattern = values.pattern(1, flags.options)?;
    let text = Text::new(values.text(0));
    let found = pattern.find(&text, 0, &values.scratch.fuel).map_err(too_complex)?;
    Ok(found.map_or(ScalarValue::Null, |found| held(&text, found)))
}

/// Points to the function that takes the flag `g`.
fn with_matches_hint(error: DataFusionError) -> DataFusionError {
    let QueryError { kind, message, .. } = QueryError::from(error);
    let error = QueryError::new(kind, message);
    DataFusionError::External(Box::new(match error.message.contains("global") {
        true => error.with_hint("Use the regexp_matches function instead."),
        false => error,
    }))
}

/// What a piece of a text takes on its way into an array, beside its letters.
const PIECE_BYTES: usize = 64;

fn matches(values: &Values<'_>) -> Result<ScalarValue> {
    let flags = values.flags(2, "regexp_matches", true)?;
    let pattern = values.pattern(1, flags.options)?;
    let text = Text::new(values.text(0));
    let most = if flags.global { usize::MAX } else { 1 };
    let found = Matches::new(&pattern, &text, &values.scratch.fuel, 0).take(most);
    let mut rows = Vec::new();
    for found in found {
        rows.push(held(&text, found?));
        check_value("regexp_matches", rows.len().saturating_mul(PIECE_BYTES))?;
    }
    let of = datafusion::arrow::datatypes::DataType::new_list(datafusion::arrow::datatypes::DataType::Utf8, true);
    Ok(ScalarValue::List(ScalarValue::new_list_nullable(&rows, &of)))
}

fn split(values: &Values<'_>) -> Result<ScalarValue> {
    let flags = values.flags(2, "regexp_split_to_array", false)?;
    let pattern = values.pattern(1, flags.options)?;
    let text = Text::new(values.text(0));
    let (mut parts, mut end_of_last, mut part_start) = (Vec::new(), 0, 0);
    for found in Matches::new(&pattern, &text, &values.scratch.fuel, 0) {
        let place = found?.whole;
        // Empty matches at either end, or right behind another match, part nothing.
        if place.start < text.len() && place.end > end_of_last {
            parts.push(Some(text.part(part_start..place.start)));
            check_value("regexp_split_to_array", parts.len().saturating_mul(PIECE_BYTES))?;
            part_start = place.end;
        }
        end_of_last = place.end;
    }
    parts.push(Some(text.part(part_start..text.len())));
    Ok(texts_value(parts))
}

fn first_group(values: &Values<'_>) -> Result<ScalarValue> {
    let pattern = values.pattern(1, Options::default())?;
    let text = Text::new(values.text(0));
    let found = pattern.find(&text, 0, &values.scratch.fuel).map_err(too_complex)?;
    let place = found.and_then(|found| match found.groups.into_iter().next() {
        None => Some(found.whole),
        Some(group) => group,
    });
    Ok(ScalarValue::Utf8(place.map(|place| text.part(place).to_owned())))
}

fn replace(values: &Values<'_>) -> Result<ScalarValue> {
    if values.text(3).starts_with(|letter: char| letter.is_ascii_digit()) {
        let message = format!("invalid regular expression option: \"{}\"", &values.text(3)[..1]);
        let hint = "If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer \
                    explicitly.";
        let error = QueryError::new(ErrorKind::InvalidParameter, message).with_hint(hint);
        return Err(DataFusionError::External(Box::new(error)));
    }
    let flags = values.flags(3, "regexp_replace", true)?;
    replaced(values, flags.options, 1, if flags.global { 0 } else { 1 })
}

fn replace_from(values: &Values<'_>) -> Result<ScalarValue> {
    let start = values.number(3, "start", 1, 1)?;
    let n = values.number(4, "n", 0, 1)?;
    let flags = values.flags(5, "regexp_replace", true)?;
    replaced(values, flags.options, start, n)
}

/// The text with its n-th match from a place on replaced, or all of them when n is 0.
fn replaced(values: &Values<'_>, options: Options, start: usize, n: usize) -> Result<ScalarValue> {
    let pattern = values.pattern(1, options)?;
    let (whole, with) = (values.text(0), values.text(2));
    // Without a match the text is what it was.
    if start == 1 && !pattern.is_match(whole, &values.scratch.fuel).map_err(too_complex)? {
        return Ok(ScalarValue::from(whole));
    }
    let text = Text::new(whole);
    let (mut made, mut done) = (String::with_capacity(whole.len()), 0);
    for (index, found) in Matches::new(&pattern, &text, &values.scratch.fuel, start - 1).enumerate() {
        let found = found?;
        if n > 0 && index + 1 < n {
            continue;
        }
        made.push_str(text.part(done..found.whole.start));
        done = found.whole.end;
        append_replacement(with, &text, &found, &mut made);
        if n > 0 {
            break;
        }
    }
    made.push_str(text.part(done..text.len()));
    Ok(ScalarValue::from(made))
}

/// What a match is replaced with: `\1` is a group, `\&` all of it, `\\` a backslash.
fn append_replacement(with: &str, text: &Text<'_>, found: &Match, made: &mut String) {
    let mut rest = with;
    while let Some((plain, behind)) = rest.split_once('\\') {
        made.push_str(plain);
        rest = behind;
        match behind.chars().next() {
            Some('&') => made.push_str(text.part(found.whole.clone())),
            Some('\\') => made.push('\\'),
            Some(digit @ '1'..='9') => {
                let group =
                    digit.to_digit(10).and_then(|digit| found.groups.get(digit as usize - 1)).cloned().flatten();
                made.push_str(group.map_or("", |place| text.part(place)));
            }
            _ => {
                made.push('\\');
                continue;
            }
        }
        rest = behind.get(1..).unwrap_or_default();
    }
    made.push_str(rest);
}

fn similar(values: &Values<'_>) -> Result<ScalarValue> {
    let escape = (values.len() > 1).then(|| values.text(1));
    match from_similar(values.text(0), escape) {
        Ok(made) => Ok(ScalarValue::from(made)),
        Err(WrongPattern::Escape) => fails(ErrorKind::Escape, "invalid escape string"),
        Err(WrongPattern::Separators) => fails(
            ErrorKind::EscapeUse,
            "SQL regular expression may not contain more than two escape-double-quote separators",
        ),
    }
}
