//! Values of feed events as the wire spells them: JSON, with what is not a number as text.

use std::fmt::Write;

/// One value of an event, as the wire spells it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    /// A double; NaN and the infinities travel as text.
    Number(f64),
    Integer(i64),
    Text(&'a str),
    Bool(bool),
    Null,
}

impl Value<'_> {
    /// Writes the value as JSON.
    pub(crate) fn write(self, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Number(number) if number.is_nan() => write!(out, "\"NaN\""),
            Self::Number(number) if number.is_infinite() => {
                write!(out, "\"{}Infinity\"", if number < 0.0 { "-" } else { "" })
            }
            Self::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
                write!(out, "{}.0", number as i64)
            }
            Self::Number(number) => write!(out, "{number}"),
            Self::Integer(number) => write!(out, "{number}"),
            Self::Bool(flag) => write!(out, "{flag}"),
            Self::Null => write!(out, "null"),
            Self::Text(text) => {
                write_text(out, text);
                Ok(())
            }
        };
    }
}

/// Writes text as a JSON string.
pub(crate) fn write_text(out: &mut String, text: &str) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_spelled_as_the_wire_has_them() {
        let written = |value: Value<'_>| {
            let mut out = String::new();
            value.write(&mut out);
            out
        };
        assert_eq!(written(Value::Number(500.01)), "500.01");
        assert_eq!(written(Value::Number(300.0)), "300.0");
        assert_eq!(written(Value::Number(f64::NAN)), "\"NaN\"");
        assert_eq!(written(Value::Number(f64::NEG_INFINITY)), "\"-Infinity\"");
        assert_eq!(written(Value::Text("a\"b")), "\"a\\\"b\"");
        assert_eq!(written(Value::Null), "null");
    }
}
