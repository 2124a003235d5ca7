//! Patterns: `SIMILAR TO`, SQL's own regular expressions, as the regular expressions of the planner; and `LIKE` with an
//! escape of its own, where the planner knows the backslash alone. And patterns of dates.

use super::build::{call, call_arguments, called, cast, literal, text};
use super::take;
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Value};

/// Rewrites `x LIKE pattern ESCAPE '/'` to a pattern whose escape is the backslash.
pub(super) fn own_escape(expr: &mut Expr) {
    let (Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. }) = expr else { return };
    let Some(escape) = escape_char.take() else { return };
    let escape = Expr::Value(escape);
    if literal(&escape) != Some("\\") {
        **pattern = call("like_escape", vec![take(pattern), escape]);
    }
}

/// Rewrites `x SIMILAR TO 'pattern'` when the pattern is a literal without an escape of its own.
pub(super) fn similar_to(expr: &mut Expr) {
    let Expr::SimilarTo { negated, expr: value, pattern, escape_char: None } = expr else { return };
    let Some(pattern) = literal(pattern) else { return };
    let op = if *negated { BinaryOperator::PGRegexNotMatch } else { BinaryOperator::PGRegexMatch };
    let right = Box::new(text(&regular(pattern)));
    *expr = Expr::BinaryOp { left: Box::new(take(value)), op, right };
}

/// Rewrites `substring(x FROM 'pattern')` to the first group of a regular expression, or to all that it matches.
pub(super) fn substring(expr: &mut Expr) {
    let Expr::Substring { expr: value, substring_from: Some(pattern), substring_for: None, .. } = expr else { return };
    let Some(pattern) = literal(pattern).map(text) else { return };
    let matched = call("regexp_match", vec![take(value), pattern]);
    let first = Expr::Value(Value::Number("1".to_owned(), false).into());
    *expr = call("array_element", vec![matched, first]);
}

/// Gives `to_date(x, 'YYYY-MM-DD')` and `to_timestamp(x, 'YYYY-MM-DD HH24:MI')` the planner's patterns; whether it was one.
pub(super) fn to_moment(expr: &mut Expr) -> bool {
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

/// PostgreSQL's words for the parts of a moment as those of `strftime`; `None` for words that are not read.
fn moment_pattern(pattern: &str) -> Option<String> {
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

/// `%` is any text and `_` any letter; `| * + ? { } ( ) [ ]` mean what they do elsewhere; all else is itself.
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

fn push_literal(regular: &mut String, letter: char) {
    if !letter.is_alphanumeric() && letter.is_ascii_punctuation() && letter != '_' {
        regular.push('\\');
    }
    regular.push(letter);
}
