//! The rewriter cuts texts that are cast to a type with a length: `x::varchar(3)` is `left(x::text, 3)`. What is filled with
//! blanks is `super::padded`'s.
//!
//! DataFusion 55: the length of a text's type is passed over. Not needed once `'abcd'::varchar(3)` is
//! `abc`.

use super::build::{call, take};
use datafusion::sql::sqlparser::ast::{CharacterLength, DataType, Expr, Value};

/// The letters that fit the type an expression is cast to; `None` for types without a length, or with another meaning of
/// it.
pub(crate) fn of(expr: &Expr) -> Option<u64> {
    let data_type = match expr {
        Expr::Cast { data_type, .. } => data_type,
        Expr::TypedString(typed) => &typed.data_type,
        _ => return None,
    };
    match data_type {
        DataType::Char(None) | DataType::Character(None) => Some(1),
        DataType::Char(length)
        | DataType::Character(length)
        | DataType::Varchar(length)
        | DataType::CharacterVarying(length)
        | DataType::CharVarying(length)
        | DataType::Nvarchar(length) => match length {
            Some(CharacterLength::IntegerLength { length, .. }) => Some(*length),
            _ => None,
        },
        _ => None,
    }
}

/// Cuts what a cast gives to a length.
pub(crate) fn cut(expr: &mut Expr, letters: u64) {
    let letters = Expr::Value(Value::Number(letters.to_string(), false).into());
    *expr = call("left", vec![take(expr), letters]);
}
