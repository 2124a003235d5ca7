//! The rewriter translates PostgreSQL's patterns into those of DataFusion's functions: SIMILAR TO and
//! `substring(x FROM ...)`, LIKE with its own escape, and the patterns of `to_date` and
//! `to_timestamp`.
//!
//! DataFusion 55: `SIMILAR TO` is executed as an unanchored regular expression with the pattern as it
//! stands, so `%` and `_` match themselves only (`similar_to` in datafusion-physical-expr;
//! apache/datafusion#22263, fixed by apache/datafusion#23188, which 55.2 does not have). Not needed
//! once `SELECT 'abc' SIMILAR TO 'a%'` is true: `similar_patterns_are_anchored_regular_expressions`
//! names today's form.
//!
//! DataFusion 55: LIKE refuses every escape character but the backslash (apache/datafusion#13291).
//! Not needed once `'a_b' LIKE 'a/_b' ESCAPE '/'` is true without `like_escape`.
//!
//! DataFusion 55: the patterns of `to_date` and `to_timestamp` are those of `strftime` (`%Y-%m-%d`).
//! Not needed once `to_date('2026-11-26', 'YYYY-MM-DD')` is a date.

use super::build::take;
use super::build::{call, call_arguments, called, cast, literal, text};
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Value};

/// Rewrites `x LIKE pattern ESCAPE '/'` to `x LIKE like_escape(pattern, '/')`, whose escape is the
/// backslash; NOT and ILIKE stay. `ESCAPE '\'` is dropped, as it is the default.
pub(crate) fn own_escape(expr: &mut Expr) {
    let (Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. }) = expr else { return };
    let Some(escape) = escape_char.take() else { return };
    let escape = Expr::Value(escape);
    if literal(&escape) != Some("\\") {
        **pattern = call("like_escape", vec![take(pattern), escape]);
    }
}

/// Rewrites `x SIMILAR TO 'pattern'` to `x ~ '^(?:...)$'`, and NOT SIMILAR TO to `!~`.
///
/// The pattern must be a literal, without an ESCAPE; other forms are left to DataFusion, which
/// refuses ESCAPE.
pub(crate) fn similar_to(expr: &mut Expr) {
    let Expr::SimilarTo { negated, expr: value, pattern, escape_char: None } = expr else { return };
    let Some(pattern) = literal(pattern) else { return };
    let op = if *negated { BinaryOperator::PGRegexNotMatch } else { BinaryOperator::PGRegexMatch };
    let right = Box::new(text(&regular(pattern)));
    *expr = Expr::BinaryOp { left: Box::new(take(value)), op, right };
}

/// Rewrites `substring(x FROM 'pattern')` to the first group of a regular expression, or to all that
/// it matches when it has no group; NULL without a match.
///
/// DataFusion 55: `substring(x FROM y)` is always planned as `substr` with a position, so that a text
/// is refused. Not needed once it takes a pattern.
pub(crate) fn substring(expr: &mut Expr) {
    let Expr::Substring { expr: value, substring_from: Some(pattern), substring_for: None, .. } = expr else { return };
    let Some(pattern) = literal(pattern).map(text) else { return };
    let matched = call("regexp_match", vec![take(value), pattern]);
    let first = Expr::Value(Value::Number("1".to_owned(), false).into());
    *expr = call("array_element", vec![matched, first]);
}

/// Rewrites `to_date(x, 'YYYY-MM-DD')` and `to_timestamp(x, 'YYYY-MM-DD HH24:MI')` to the same
/// functions with patterns of `strftime`, and tells whether it did.
///
/// The pattern must be a literal whose every word is known; otherwise the call stays as it is. An
/// instant gets microseconds and the session's zone by a cast.
pub(crate) fn to_moment(expr: &mut Expr) -> bool {
    let Expr::Function(function) = &*expr else { return false };
    let (Some(name), Some(arguments)) = (called(function), call_arguments(function)) else { return false };
    let [value, pattern] = arguments.as_slice() else { return false };
    let Some(pattern) = literal(pattern).and_then(moment_pattern) else { return false };
    let arguments = vec![(*value).clone(), text(&pattern)];
    *expr = match name.as_str() {
        "to_date" => call("to_date", arguments),
        "to_timestamp" => cast(call("to_timestamp_micros", arguments), super::cast::instant()),
        _ => return false,
    };
    true
}

/// PostgreSQL's words for the parts of a moment as those of `strftime`: `YYYY-MM-DD` is `%Y-%m-%d`.
/// `None` for a word that is not read, such as `Q` or `TZ`; upper and lower case are alike.
fn moment_pattern(pattern: &str) -> Option<String> {
    /// PostgreSQL's words, longer ones before those they begin with.
    const WORDS: [(&str, &str); 17] = [
        ("YYYY", "%Y"),
        ("MONTH", "%B"),
        ("MON", "%b"),
        ("MM", "%m"),
        ("DDD", "%j"),
        ("DD", "%d"),
        ("DAY", "%A"),
        ("DY", "%a"),
        ("HH24", "%H"),
        ("HH12", "%I"),
        ("HH", "%I"),
        ("MI", "%M"),
        ("SS", "%S"),
        ("US", "%6f"),
        ("MS", "%3f"),
        ("AM", "%p"),
        ("PM", "%p"),
    ];
    let mut rest = pattern;
    let mut found = String::new();
    while let Some(letter) = rest.chars().next() {
        let word =
            WORDS.iter().find(|(word, _)| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)));
        let taken = match word {
            Some((word, part)) => {
                found.push_str(part);
                word.len()
            }
            // The letter before a time of ISO 8601 stands for itself; other letters are words we do not read.
            None if letter.is_alphabetic() && letter != 'T' => return None,
            None if letter == '"' => 1,
            None => {
                found.push(letter);
                letter.len_utf8()
            }
        };
        rest = rest.get(taken..)?;
    }
    // A fraction is read with its point.
    Some(found.replace(".%6f", "%.6f").replace(".%3f", "%.3f"))
}

/// The regular expression of a SIMILAR TO pattern, anchored at both ends.
///
/// `%` is any text and `_` any letter; `| * + ? { } ( )` and classes in brackets mean what they do in
/// regular expressions; a backslash makes the next letter itself, and all else is itself.
fn regular(pattern: &str) -> String {
    let mut regular = String::from("^(?:");
    let mut letters = pattern.chars();
    let mut in_class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                if let Some(escaped) = letters.next() {
                    push_literal(&mut regular, escaped);
                }
            }
            '[' if !in_class => {
                in_class = true;
                regular.push('[');
            }
            ']' if in_class => {
                in_class = false;
                regular.push(']');
            }
            letter if in_class => regular.push(letter),
            '%' => regular.push_str(".*"),
            '_' => regular.push('.'),
            '|' | '*' | '+' | '?' | '{' | '}' | '(' | ')' => regular.push(letter),
            letter => push_literal(&mut regular, letter),
        }
    }
    regular.push_str(")$");
    regular
}

/// Appends a letter that stands for itself, escaped where a regular expression gives it a meaning.
fn push_literal(regular: &mut String, letter: char) {
    if !letter.is_alphanumeric() && letter.is_ascii_punctuation() && letter != '_' {
        regular.push('\\');
    }
    regular.push(letter);
}
