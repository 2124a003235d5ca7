//! The rewriter gives casts to `char(n)` the value that their place sees: filled with blanks where it is shown or taken as
//! it is, without the blanks behind where it is compared, joined, cast or given to a function of texts.
//!
//! PostgreSQL fills the value and passes over the blanks wherever the type is compared or becomes a text. Here it is a text
//! whose type does not travel with it, so in every other place, where either could be asked of it later, it is refused.
//!
//! DataFusion 55: `char(n)` is a text of any length. Not needed once it is a type of its own.

use super::build::{self, call, called, is_parameter, literal, take, text};
use super::cast;
use crate::dialect::typing::marked;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, BinaryOperator, CharacterLength, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, GroupByExpr, OrderByExpr, SelectItem, TypedString, Value,
};

/// Functions of texts, to which PostgreSQL gives a `char(n)` without the blanks behind.
const OF_TEXT: &[&str] = &[
    "ascii",
    "btrim",
    "char_length",
    "character_length",
    "count",
    "initcap",
    "left",
    "length",
    "lower",
    "lpad",
    "ltrim",
    "md5",
    "position",
    "repeat",
    "replace",
    "reverse",
    "right",
    "rpad",
    "rtrim",
    "split_part",
    "starts_with",
    "strpos",
    "substr",
    "substring",
    "text",
    "translate",
    "upper",
];

/// Functions that take a `char(n)` as it is shown.
const AS_SHOWN: &[&str] = &["concat", "concat_ws", "format", "octet_length", "to_json", "to_jsonb"];

/// How a value of `char(n)` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Filled with blanks to the length of its type.
    Filled,
    /// Without the blanks behind.
    Bare,
}

/// The letters of a type that is filled with blanks, none where it has no length of its own; `None` for all other types.
fn letters(data_type: &DataType) -> Option<Option<u64>> {
    match data_type {
        DataType::Char(length) | DataType::Character(length) => Some(Some(match length {
            Some(CharacterLength::IntegerLength { length, .. }) => *length,
            _ => 1,
        })),
        DataType::Custom(..) if cast::unqualified(data_type).as_deref() == Some("bpchar") => Some(None),
        _ => None,
    }
}

/// The letters of the type that an expression is cast to, where it is filled with blanks and that may be seen: a single
/// letter that is written out is the same with and without them.
fn of(expr: &Expr) -> Option<Option<u64>> {
    let (data_type, value) = match expr {
        Expr::Nested(inner) => return of(inner),
        Expr::Cast { data_type, expr, .. } => (data_type, literal(expr)),
        Expr::TypedString(TypedString { data_type, value, .. }) => match &value.value {
            Value::SingleQuotedString(text) => (data_type, Some(text.as_str())),
            _ => (data_type, None),
        },
        _ => return None,
    };
    let letters = letters(data_type)?;
    let alone = letters == Some(1) && value.is_some_and(|value| !value.is_empty() && !value.starts_with(' '));
    (!alone).then_some(letters)
}

fn number(letters: u64) -> Expr {
    Expr::Value(Value::Number(letters.to_string(), false).into())
}

/// Gives a cast to `char(n)` one of its forms; all else stays as it is.
fn give(expr: &mut Expr, form: Form) {
    let Some(letters) = of(expr) else { return };
    let mut value = take(expr);
    while let Expr::Nested(inner) = value {
        value = *inner;
    }
    let value = match value {
        Expr::Cast { expr, .. } => *expr,
        Expr::TypedString(TypedString { value, .. }) => Expr::Value(value),
        other => other,
    };
    let value = build::cast(value, DataType::Text);
    *expr = match (letters, form) {
        (Some(letters), Form::Filled) => {
            call("rpad", vec![call("left", vec![value, number(letters)]), number(letters)])
        }
        (Some(letters), Form::Bare) => call("rtrim", vec![call("left", vec![value, number(letters)]), text(" ")]),
        (None, Form::Filled) => value,
        (None, Form::Bare) => call("rtrim", vec![value, text(" ")]),
    };
}

/// Fills the values that a result shows.
pub(crate) fn fill(projection: &mut [SelectItem]) {
    for item in projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            show(expr);
        }
    }
}

/// Fills a value that a client sees, and marks its type.
fn show(expr: &mut Expr) {
    let Some(letters) = of(expr) else { return };
    give(expr, Form::Filled);
    let data_type = letters.map_or_else(|| "bpchar".to_owned(), |letters| format!("char({letters})"));
    *expr = call(marked::CAST, vec![take(expr), text(&data_type)]);
}

/// Fills the values that rows are grouped by, as those of the list are.
pub(crate) fn group(keys: &mut GroupByExpr) {
    if let GroupByExpr::Expressions(keys, _) = keys {
        keys.iter_mut().for_each(show);
    }
}

/// Takes the blanks off the keys of ORDER BY.
pub(crate) fn sort(keys: &mut [OrderByExpr]) {
    keys.iter_mut().for_each(|key| give(&mut key.expr, Form::Bare));
}

/// Gives the parts of an expression the form that it asks for, before they are rewritten themselves.
pub(crate) fn parts(expr: &mut Expr) {
    match expr {
        Expr::BinaryOp { left, op, right } if compares(op) => compared([left, right].map(AsMut::as_mut)),
        Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
            compared([left, right].map(AsMut::as_mut));
        }
        Expr::Between { expr, low, high, .. } => compared([expr, low, high].map(AsMut::as_mut)),
        Expr::InList { expr, list, .. } => compared(std::iter::once(expr.as_mut()).chain(list)),
        Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => {
            give(left, Form::Bare);
            give(right, Form::Bare);
        }
        Expr::BinaryOp { left, op, .. } if matches(op) => give(left, Form::Filled),
        Expr::Like { expr, .. } | Expr::ILike { expr, .. } | Expr::SimilarTo { expr, .. } => give(expr, Form::Filled),
        Expr::IsNull(inner) | Expr::IsNotNull(inner) | Expr::Cast { expr: inner, .. } => give(inner, Form::Bare),
        Expr::Substring { expr, .. } | Expr::Trim { expr, .. } => give(expr, Form::Bare),
        Expr::Position { expr, r#in } => {
            give(expr, Form::Bare);
            give(r#in, Form::Bare);
        }
        Expr::Function(function) => arguments(function),
        _ => {}
    }
}

/// Whether an operator compares its sides.
fn compares(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq)
}

/// Whether an operator matches its left side with a pattern.
fn matches(op: &BinaryOperator) -> bool {
    use BinaryOperator as Op;
    matches!(
        op,
        Op::PGRegexMatch
            | Op::PGRegexIMatch
            | Op::PGRegexNotMatch
            | Op::PGRegexNotIMatch
            | Op::PGLikeMatch
            | Op::PGILikeMatch
            | Op::PGNotLikeMatch
            | Op::PGNotILikeMatch
    )
}

/// Values that are compared with each other: beside a `char(n)`, what has no type of its own is one too.
fn compared<'a>(values: impl IntoIterator<Item = &'a mut Expr>) {
    let mut values: Vec<&mut Expr> = values.into_iter().collect();
    if !values.iter().any(|value| of(value).is_some()) {
        return;
    }
    for value in &mut values {
        give(value, Form::Bare);
        if let Some(letters) = literal(value) {
            **value = text(letters.trim_end_matches(' '));
        } else if is_parameter(value) {
            let given = build::cast(take(value), DataType::Text);
            **value = call("rtrim", vec![given, text(" ")]);
        }
    }
}

/// The arguments of a call.
fn arguments(function: &mut Function) {
    let Some(name) = called(function) else { return };
    let form = match name.as_str() {
        name if OF_TEXT.contains(&name) => Form::Bare,
        name if AS_SHOWN.contains(&name) => Form::Filled,
        _ => return,
    };
    let FunctionArguments::List(list) = &mut function.args else { return };
    for argument in &mut list.args {
        if let FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) = argument {
            give(value, form);
        }
    }
}

/// Refuses a cast to `char(n)` that is left where its type would be asked for later.
///
/// # Errors
/// 0A000 for such a cast, and for one to an array of them.
pub(crate) fn check(expr: &Expr) -> Result<(), QueryError> {
    let array = match expr {
        Expr::Cast { data_type: DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)), .. } => {
            letters(element).is_some_and(|letters| letters.is_none_or(|letters| letters > 1))
        }
        _ => false,
    };
    if array || !matches!(expr, Expr::Nested(_)) && of(expr).is_some() {
        let message = "a value of type character(n) is not supported in this place";
        return Err(QueryError::new(ErrorKind::NotSupported, message)
            .with_hint("Cast it to text, which has no blanks behind, or to varchar(n) instead."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_parts(sql: &str, expected: &str) {
        let mut expr = build::expression(sql).unwrap();
        parts(&mut expr);
        assert_eq!(expr.to_string(), expected);
    }

    #[test]
    fn blanks_count_where_postgres_counts_them() {
        check_parts("a::char(3) = 'b '", "rtrim(left(CAST(a AS TEXT), 3), ' ') = 'b'");
        check_parts("octet_length(a::char(3))", "octet_length(rpad(left(CAST(a AS TEXT), 3), 3))");
        check_parts("a::char(3) LIKE 'b'", "rpad(left(CAST(a AS TEXT), 3), 3) LIKE 'b'");
        check_parts("a::text = 'b '", "a::TEXT = 'b '");
    }

    #[test]
    fn a_value_whose_type_would_travel_is_refused() {
        for sql in ["a::char(3)", "a::bpchar", "a::char(2)[]"] {
            assert_eq!(check(&build::expression(sql).unwrap()).unwrap_err().kind, ErrorKind::NotSupported);
        }
        for sql in ["'r'::char", "a::text", "a::char[]", "a::varchar(3)"] {
            assert!(check(&build::expression(sql).unwrap()).is_ok());
        }
    }
}
