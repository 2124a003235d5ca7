//! DataFusion's expressions and column names as a person reads them in SQL.

use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr_common::physical_expr::fmt_sql;

/// Names that DataFusion writes around a literal.
const LITERAL_TYPES: [&str; 14] = [
    "Boolean", "Date32", "Decimal128", "Float32", "Float64", "Int16", "Int32", "Int64", "Int8", "LargeUtf8", "UInt64",
    "Utf8", "Utf8View", "IntervalMonthDayNano",
];

/// An expression as SQL.
pub(super) fn expression(expr: &dyn PhysicalExpr) -> String {
    plain(&fmt_sql(expr).to_string())
}

/// A condition as SQL, in parentheses.
pub(super) fn condition(expr: &dyn PhysicalExpr) -> String {
    let text = expression(expr);
    if text.starts_with('(') && text.ends_with(')') && closes_at_end(&text) { text } else { format!("({text})") }
}

/// Whether the parenthesis that begins the text is the one that ends it.
fn closes_at_end(text: &str) -> bool {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1 == text.len();
        }
    }
    false
}

/// The text without DataFusion's own marks: the number behind a column's name, and the type around a literal.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if let Some((literal, after)) = typed_literal(&out, rest) {
            out.push_str(&literal);
            rest = after;
            continue;
        }
        let after = &rest[character.len_utf8()..];
        if character == '@' && after.starts_with(|next: char| next.is_ascii_digit()) {
            rest = after.trim_start_matches(|next: char| next.is_ascii_digit());
            continue;
        }
        out.push(character);
        rest = after;
    }
    out
}

/// The literal at the beginning of the text as SQL, and what follows it.
fn typed_literal<'a>(before: &str, text: &'a str) -> Option<(String, &'a str)> {
    if before.ends_with(|last: char| last.is_alphanumeric() || last == '_') {
        return None;
    }
    let name = LITERAL_TYPES.iter().find(|name| {
        text.strip_prefix(**name).is_some_and(|after| after.starts_with('('))
    })?;
    let inner = text.get(name.len() + 1..)?;
    if let Some(quoted) = inner.strip_prefix('"') {
        let end = quoted.find("\")")?;
        return Some((format!("'{}'", quoted.get(..end)?.replace('\'', "''")), quoted.get(end + 2..)?));
    }
    let end = inner.find(')')?;
    Some((inner.get(..end)?.to_owned(), inner.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_sql() {
        assert_eq!(plain("close@5 > 100"), "close > 100");
        assert_eq!(plain("count(Int64(1))"), "count(1)");
        assert_eq!(plain("symbol@0 = Utf8(\"it's\")"), "symbol = 'it''s'");
        assert_eq!(plain("a@b"), "a@b");
    }
}
