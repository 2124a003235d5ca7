//! Steps that the text and the binary form of a parameter have in common: bytes to UTF-8, scalars to a list, and the error
//! of a text that does not read.

use crate::engine::ScalarValue;
use crate::serve::postgres::error::Failure;
use crate::serve::postgres::types::arrow_type;
use postgres_types::Type;

/// The text of a parameter.
///
/// # Errors
/// 22021 for bytes that are not UTF-8 or contain a zero.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Failure> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(Failure::new("22021", "invalid byte sequence for encoding \"UTF8\"")),
    }
}

/// 22P02 with PostgreSQL's sentence, which names the type and the text.
pub(super) fn invalid_text(text: &str, described: &Type) -> Failure {
    let name = match *described {
        Type::FLOAT8 => "double precision",
        Type::FLOAT4 => "real",
        Type::BOOL => "boolean",
        Type::INT2 => "smallint",
        Type::INT4 => "integer",
        Type::INT8 => "bigint",
        Type::TIMESTAMPTZ => "timestamp with time zone",
        _ => described.name(),
    };
    Failure::new("22P02", format!("invalid input syntax for type {name}: \"{text}\""))
}

/// A list of scalars, cast to the element type.
///
/// # Errors
/// 22P02 for an element that does not fit.
pub(super) fn list(values: &[ScalarValue], element: &Type) -> Result<ScalarValue, Failure> {
    let wanted = arrow_type(element);
    // Decimals come with a scale each; an array has one.
    let same = |value: &ScalarValue| match value.data_type() == wanted {
        true => Ok(value.clone()),
        false => value.cast_to(&wanted).map_err(|_| invalid_text(&value.to_string(), element)),
    };
    let values = values.iter().map(same).collect::<Result<Vec<_>, _>>()?;
    Ok(ScalarValue::List(ScalarValue::new_list_nullable(&values, &wanted)))
}
