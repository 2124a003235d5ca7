//! The rewriter translates PostgreSQL's patterns into those of DataFusion's functions: SIMILAR TO and
//! `substring(x FROM ...)`, and LIKE with its own escape.
//!
//! DataFusion 55: `SIMILAR TO` is executed as an unanchored regular expression with the pattern as it
//! stands, so `%` and `_` match themselves only (`similar_to` in datafusion-physical-expr;
//! apache/datafusion#22263, fixed by apache/datafusion#23188, which 55.2 does not have). Not needed
//! once `SELECT 'abc' SIMILAR TO 'a%'` is true: `similar_patterns_are_anchored_regular_expressions`
//! names today's form.
//!
//! DataFusion 55: LIKE refuses every escape character but the backslash (apache/datafusion#13291).
//! Not needed once `'a_b' LIKE 'a/_b' ESCAPE '/'` is true without `like_escape`.

use super::build::take;
use super::build::{call, call_arguments, literal, text};
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

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
/// The function `similar_to_escape` makes the regular expression, so that the pattern may be any text.
pub(crate) fn similar_to(expr: &mut Expr) {
    let Expr::SimilarTo { negated, expr: value, pattern, escape_char } = expr else { return };
    let op = if *negated { BinaryOperator::PGRegexNotMatch } else { BinaryOperator::PGRegexMatch };
    let escape = escape_char.take().map(Expr::Value);
    let regular = call("similar_to_escape", std::iter::once(take(pattern)).chain(escape).collect());
    *expr = Expr::BinaryOp { left: Box::new(take(value)), op, right: Box::new(regular) };
}

/// Rewrites `normalize(x, NFD)`, whose form is a word of the language, to `normalize(x, 'NFD')`.
pub(crate) fn form_as_text(expr: &mut Expr) {
    let Expr::Function(function) = &*expr else { return };
    let Some(arguments) = call_arguments(function) else { return };
    if let [value, Expr::Identifier(form)] = arguments.as_slice() {
        *expr = call("normalize", vec![(*value).clone(), text(&form.value)]);
    }
}

/// Rewrites `x IS [NOT] form NORMALIZED` to `[NOT] is_normalized(x, 'form')`.
///
/// DataFusion 55: it has no normal forms of Unicode. Not needed once `'a' IS NORMALIZED` plans.
pub(crate) fn is_normalized(expr: &mut Expr) {
    let Expr::IsNormalized { expr: value, form, negated } = expr else { return };
    let form = form.as_ref().map(|form| text(&form.to_string()));
    let found = call("is_normalized", std::iter::once(take(value)).chain(form).collect());
    *expr = if *negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(found) } } else { found };
}

/// Rewrites `substring(x FROM 'pattern')` to the first group of a regular expression, or to all that
/// it matches when it has no group; NULL without a match. With FOR it is a pattern of SIMILAR TO and
/// its escape.
///
/// DataFusion 55: `substring(x FROM y)` is always planned as `substr` with a position, so that a text
/// is refused. Not needed once it takes a pattern.
pub(crate) fn substring(expr: &mut Expr) {
    let Expr::Substring { expr: value, substring_from: Some(pattern), substring_for: escape, .. } = expr else {
        return;
    };
    if literal(pattern).is_none() {
        return;
    }
    let pattern = match escape {
        None => take(pattern),
        Some(escape) if literal(escape).is_some() => call("similar_to_escape", vec![take(pattern), take(escape)]),
        Some(_) => return,
    };
    *expr = call("textregexsubstr", vec![take(value), pattern]);
}

/// Rewrites `pg_catalog.substring(x, 'pattern')`, which reads as a call, as `substring(x FROM 'pattern')` is.
pub(crate) fn substring_call(expr: &mut Expr) {
    let Expr::Function(function) = &*expr else { return };
    match call_arguments(function).unwrap_or_default().as_slice() {
        [value, pattern] if literal(pattern).is_some() => {
            *expr = call("textregexsubstr", vec![(*value).clone(), (*pattern).clone()]);
        }
        [value, pattern, escape] if literal(pattern).is_some() && literal(escape).is_some() => {
            let pattern = call("similar_to_escape", vec![(*pattern).clone(), (*escape).clone()]);
            *expr = call("textregexsubstr", vec![(*value).clone(), pattern]);
        }
        _ => {}
    }
}
