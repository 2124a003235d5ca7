//! Patterns: `SIMILAR TO`, SQL's own regular expressions, as the regular expressions of the planner; and `LIKE` with an
//! escape of its own, where the planner knows the backslash alone.

use super::build::{call, literal, text};
use super::take;
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr};

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
