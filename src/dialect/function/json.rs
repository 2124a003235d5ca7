//! The function `json_build_object` makes the JSON that drivers ask for when they describe tables.
//!
//! DataFusion 55: it has no functions of JSON. Not needed once it has them.

use super::define::{ANY_NUMBER, Context, Definition, Returns, is_text, stable};
use super::result_size::sum;
use super::section::Section;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err};

/// Their definitions; the result is text, since Arrow has no JSON.
pub(crate) const FUNCTIONS: &[Definition] = &[stable(
    "json_build_object",
    "JSON object of names and values that follow each other.",
    ANY_NUMBER,
    Returns::Text,
    build_object,
)
.about(Section::Other)
.sized(sum)];

/// An object of names and values that follow each other, spelled as PostgreSQL does: `{"a" : 1, "b" :
/// null}`.
///
/// # Errors
/// An odd number of arguments, or a NULL name.
fn build_object(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let mut members = Vec::with_capacity(values.len() / 2);
    for pair in values.chunks(2) {
        let [name, value] = pair else { return exec_err!("argument list must have even number of elements") };
        let Some(name) = words(name)? else { return exec_err!("a name of an object must not be null") };
        members.push(format!("{} : {}", serde_json::Value::from(name), member(value)?));
    }
    Ok(ScalarValue::from(format!("{{{}}}", members.join(", "))))
}

/// One value as JSON: numbers and booleans as they are, NULL as null, all else as a string.
fn member(value: &ScalarValue) -> Result<serde_json::Value> {
    let plain = value.data_type().is_numeric() || value.data_type() == DataType::Boolean;
    Ok(match words(value)? {
        None => serde_json::Value::Null,
        Some(text) if plain && !is_text(value) => serde_json::from_str(&text).unwrap_or(text.into()),
        Some(text) => text.into(),
    })
}

/// The text of a value; `None` of NULL.
fn words(value: &ScalarValue) -> Result<Option<String>> {
    match value.cast_to(&DataType::Utf8)? {
        ScalarValue::Utf8(text) => Ok(text),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_kind() {
        let values = [
            ScalarValue::from("always"),
            ScalarValue::from(true),
            ScalarValue::from("start"),
            ScalarValue::from(5_i64),
            ScalarValue::from("name"),
            ScalarValue::from("a\"b"),
            ScalarValue::from("schema"),
            ScalarValue::Utf8(None),
        ];
        let members: Vec<String> = values.chunks(2).map(|pair| format!("{}", member(&pair[1]).unwrap())).collect();
        assert_eq!(members, ["true", "5", "\"a\\\"b\"", "null"]);
    }
}
