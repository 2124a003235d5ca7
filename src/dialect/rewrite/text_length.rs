//! The rewriter cuts texts that are cast to a type with a length: `x::varchar(3)` is `left(x::text, 3)`,
//! and `x::char(3)` drops the blanks behind as well, by which it is compared and joined. A column of the
//! result has them again.
//!
//! DataFusion 55: the length of a text's type is passed over. Not needed once `'abcd'::varchar(3)` is
//! `abc`.

use super::build::{call, take, text};
use datafusion::sql::sqlparser::ast::{CharacterLength, DataType, Expr, SelectItem, Value};

/// The length of a text's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Length {
    /// Letters, at most.
    letters: u64,
    /// Whether blanks behind do not count.
    padded: bool,
}

/// The length of the type that an expression is cast to; `None` for types without one.
pub(crate) fn of(expr: &Expr) -> Option<Length> {
    let data_type = match expr {
        Expr::Cast { data_type, .. } => data_type,
        Expr::TypedString(typed) => &typed.data_type,
        _ => return None,
    };
    let letters = |length: &Option<CharacterLength>| match length {
        Some(CharacterLength::IntegerLength { length, .. }) => Some(*length),
        _ => None,
    };
    match data_type {
        DataType::Char(length) | DataType::Character(length) => {
            Some(Length { letters: letters(length).unwrap_or(1), padded: true })
        }
        DataType::Varchar(length)
        | DataType::CharacterVarying(length)
        | DataType::CharVarying(length)
        | DataType::Nvarchar(length) => Some(Length { letters: letters(length)?, padded: false }),
        _ => None,
    }
}

/// A number that is written out.
fn number(letters: u64) -> Expr {
    Expr::Value(Value::Number(letters.to_string(), false).into())
}

/// Cuts what a cast gives to a length.
pub(crate) fn cut(expr: &mut Expr, length: Length) {
    let cut = call("left", vec![take(expr), number(length.letters)]);
    *expr = if length.padded { call("rtrim", vec![cut, text(" ")]) } else { cut };
}

/// Fills the columns of a result that are cast to `char(n)` with blanks.
pub(crate) fn fill(projection: &mut [SelectItem]) {
    for item in projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item
            && let Some(Length { letters, padded: true }) = of(expr)
        {
            *expr = call("rpad", vec![take(expr), number(letters)]);
        }
    }
}
