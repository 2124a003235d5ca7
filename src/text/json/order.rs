//! Keys that compare by their bytes as PostgreSQL compares values of `jsonb`: null, texts, numbers,
//! booleans, arrays, objects; of arrays and objects those with fewer parts first.

use super::number;
use super::value::Value;

/// The key of a normal value. An empty array, where it is all there is, comes before everything.
pub(crate) fn key(value: &Value) -> Vec<u8> {
    let mut key = Vec::new();
    match value {
        Value::Array(elements) if elements.is_empty() => key.push(0),
        other => add(other, &mut key),
    }
    key
}

fn add(value: &Value, key: &mut Vec<u8>) {
    match value {
        Value::Null => key.push(1),
        Value::Text(text) => {
            key.push(2);
            add_text(text, key);
        }
        Value::Number(written) => {
            key.push(3);
            key.extend(number::key(written));
        }
        Value::Bool(value) => key.extend([4, u8::from(*value)]),
        Value::Array(elements) => {
            key.push(5);
            key.extend(u32::try_from(elements.len()).unwrap_or(u32::MAX).to_be_bytes());
            elements.iter().for_each(|element| add(element, key));
        }
        Value::Object(members) => {
            key.push(6);
            key.extend(u32::try_from(members.len()).unwrap_or(u32::MAX).to_be_bytes());
            for (name, value) in members {
                add_text(name, key);
                add(value, key);
            }
        }
    }
}

/// A text and its end; a zero byte is in none.
fn add_text(text: &str, key: &mut Vec<u8>) {
    key.extend(text.bytes());
    key.push(0);
}
