//! DataFusion's expressions and column names as a person reads them in SQL.

use crate::dialect::catalog::types;
use crate::dialect::guard::CONDITION;
use crate::text::column::texts;
use crate::text::style::Style;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CastExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr, Literal, NotExpr,
};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_expr_common::physical_expr::fmt_sql;
use std::sync::Arc;

/// Names that DataFusion writes around a literal.
const LITERAL_TYPES: [&str; 14] = [
    "Boolean",
    "Date32",
    "Decimal128",
    "Float32",
    "Float64",
    "Int16",
    "Int32",
    "Int64",
    "Int8",
    "IntervalMonthDayNano",
    "LargeUtf8",
    "UInt64",
    "Utf8",
    "Utf8View",
];

/// Functions that stand for an operator, whose overflow they check.
const OPERATORS: [(&str, &str); 5] =
    [("add", "+"), ("divide", "/"), ("modulo", "%"), ("multiply", "*"), ("subtract", "-")];

/// An expression as SQL.
pub(super) fn expression(expr: &dyn PhysicalExpr) -> String {
    let list =
        |all: &[Arc<dyn PhysicalExpr>]| all.iter().map(|one| expression(one.as_ref())).collect::<Vec<_>>().join(", ");
    if let Some(column) = expr.downcast_ref::<Column>() {
        return plain(crate::dialect::rewrite::visible(column.name()));
    }
    if let Some(literal) = expr.downcast_ref::<Literal>() {
        return value(literal.value());
    }
    if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        let (left, right) = (expression(binary.left().as_ref()), expression(binary.right().as_ref()));
        return format!("({left} {} {right})", binary.op());
    }
    if let Some(cast) = expr.downcast_ref::<CastExpr>() {
        let (number, modifier) = types::of_arrow(cast.cast_type());
        let inner = expression(cast.expr().as_ref());
        let inner = if inner.starts_with('(') { inner } else { format!("({inner})") };
        return format!("{inner}::{}", types::display(number, Some(modifier)));
    }
    if let Some(not) = expr.downcast_ref::<NotExpr>() {
        return format!("(NOT {})", expression(not.arg().as_ref()));
    }
    if let Some(null) = expr.downcast_ref::<IsNullExpr>() {
        return format!("({} IS NULL)", expression(null.arg().as_ref()));
    }
    if let Some(null) = expr.downcast_ref::<IsNotNullExpr>() {
        return format!("({} IS NOT NULL)", expression(null.arg().as_ref()));
    }
    if let Some(searched) = expr.downcast_ref::<InListExpr>() {
        let not = if searched.negated() { "NOT " } else { "" };
        return format!("({} {not}IN ({}))", expression(searched.expr().as_ref()), list(searched.list()));
    }
    if let Some(like) = expr.downcast_ref::<LikeExpr>() {
        let not = if like.negated() { "NOT " } else { "" };
        let word = if like.case_insensitive() { "ILIKE" } else { "LIKE" };
        let (text, pattern) = (expression(like.expr().as_ref()), expression(like.pattern().as_ref()));
        return format!("({text} {not}{word} {pattern})");
    }
    if let Some(call) = expr.downcast_ref::<ScalarFunctionExpr>() {
        let operator = OPERATORS.iter().find(|(name, _)| *name == call.name());
        return match (operator, call.args()) {
            (None, [condition]) if call.name() == CONDITION => expression(condition.as_ref()),
            (Some((_, operator)), [left, right]) => {
                format!("({} {operator} {})", expression(left.as_ref()), expression(right.as_ref()))
            }
            _ => format!("{}({})", call.name(), list(call.args())),
        };
    }
    plain(&fmt_sql(expr).to_string())
}

/// A constant: numbers and truth values as they are, anything else as text.
fn value(value: &ScalarValue) -> String {
    if value.is_null() {
        return "NULL".to_owned();
    }
    let data_type = value.data_type();
    if data_type.is_numeric() || matches!(value, ScalarValue::Boolean(_)) {
        return value.to_string();
    }
    let text = value.to_array().ok().and_then(|array| {
        let texts = texts(&array, &Style::DEFAULT).ok()?;
        ScalarValue::try_from_array(&texts, 0).ok()
    });
    let quoted = format!("'{}'", text.as_ref().unwrap_or(value).to_string().replace('\'', "''"));
    if matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        return quoted;
    }
    let (number, modifier) = types::of_arrow(&data_type);
    format!("{quoted}::{}", types::display(number, Some(modifier)))
}

/// A condition as SQL, in parentheses.
pub(super) fn condition(expr: &dyn PhysicalExpr) -> String {
    let text = expression(expr);
    if text.starts_with('(') { text } else { format!("({text})") }
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
        let after = rest.get(character.len_utf8()..).unwrap_or_default();
        if character == '@' && after.starts_with(|next: char| next.is_ascii_digit()) {
            rest = after.trim_start_matches(|next: char| next.is_ascii_digit());
            continue;
        }
        out.push(character);
        rest = after;
    }
    out.replace("count(1)", "count(*)")
}

/// The literal at the beginning of the text as SQL, and what follows it.
fn typed_literal<'a>(before: &str, text: &'a str) -> Option<(String, &'a str)> {
    if before.ends_with(|last: char| last.is_alphanumeric() || last == '_') {
        return None;
    }
    let name =
        LITERAL_TYPES.iter().find(|name| text.strip_prefix(**name).is_some_and(|after| after.starts_with('(')))?;
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
    use arrow::datatypes::{Field, Schema};
    use datafusion::logical_expr::Operator;
    use datafusion::physical_expr::expressions::{binary, cast, col, lit};

    #[test]
    fn names_are_those_of_sql() {
        assert_eq!(plain("close@5 > 100"), "close > 100");
        assert_eq!(plain("count(Int64(1))"), "count(*)");
        assert_eq!(plain("symbol@0 = Utf8(\"it's\")"), "symbol = 'it''s'");
        assert_eq!(plain("a@b"), "a@b");
    }

    #[test]
    fn conditions_are_those_of_sql() {
        let schema =
            Schema::new(vec![Field::new("symbol", DataType::Utf8, true), Field::new("n", DataType::Int32, true)]);
        let symbol = binary(col("symbol", &schema).unwrap(), Operator::Eq, lit("it's"), &schema).unwrap();
        assert_eq!(condition(symbol.as_ref()), "(symbol = 'it''s')");
        let number = cast(col("n", &schema).unwrap(), &schema, DataType::Float64).unwrap();
        let number = binary(number, Operator::Gt, lit(1.5), &schema).unwrap();
        assert_eq!(condition(number.as_ref()), "((n)::double precision > 1.5)");
        let date = ScalarValue::Date32(Some(20_000));
        assert_eq!(value(&date), "'2024-10-04'::date");
    }
}
