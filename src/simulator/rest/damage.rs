//! Faults that change a whole answer: lists that are shorter than they say, and values as the venue does not document them.

use crate::simulator::fault::Kind;
use serde_json::{Map, Value};

/// Every how many items one is spoilt.
const SPOILT_EVERY: usize = 3;
/// Fields that are part of a row's key, by whatever name.
const KEYS: [&str; 5] = ["symbol", "call", "put", "occurred-date", "session-date"];

/// Changes an answer as the fault says; the other kinds change nothing here.
pub(super) fn damage(answer: &mut Value, kind: &Kind) {
    match kind {
        Kind::Incomplete(keep) => {
            if let Some(items) = items(answer) {
                items.truncate(*keep);
            }
        }
        Kind::EmptyItems => {
            if let Some(items) = items(answer) {
                items.clear();
            }
        }
        Kind::NullItems => {
            if let Some(items) = answer.pointer_mut("/data/items") {
                *items = Value::Null;
            }
        }
        Kind::NoPagination => {
            answer.as_object_mut().and_then(|answer| answer.remove("pagination"));
        }
        Kind::CompactZone => walk(answer, &mut |_, value| {
            if let Value::String(text) = value {
                *text = compact(text);
            }
        }),
        Kind::SpoiltKeys => spoil_keys(answer),
        Kind::SpoiltFields => walk(answer, &mut |name, value| {
            let is_value = !KEYS.contains(&name) && !matches!(value, Value::Array(_) | Value::Object(_));
            // What the options' rows cannot do without is spoilt too: it stands in their symbols.
            if is_value && !matches!(name, "total-pages" | "total-items" | "token" | "dxlink-url") {
                *value = Value::String("~".to_owned());
            }
        }),
        Kind::TokenLife { told } => {
            if let Some(life) = answer.as_object_mut().filter(|answer| answer.contains_key("expires_in")) {
                match *told {
                    true => life.insert("expires_in".to_owned(), Value::String("900".to_owned())),
                    false => life.remove("expires_in"),
                };
            }
        }
        _ => {}
    }
}

fn items(answer: &mut Value) -> Option<&mut Vec<Value>> {
    answer.pointer_mut("/data/items").and_then(Value::as_array_mut)
}

/// Calls `change` for every field of every object.
fn walk(value: &mut Value, change: &mut impl FnMut(&str, &mut Value)) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(name, field)| {
            change(name, field);
            walk(field, change);
        }),
        Value::Array(members) => members.iter_mut().for_each(|member| walk(member, change)),
        _ => {}
    }
}

/// An instant with `+0000`; any other text as it is.
fn compact(text: &str) -> String {
    let is_instant = text.len() > 19 && text.as_bytes().get(10) == Some(&b'T');
    match text.strip_suffix("+00:00").or_else(|| text.strip_suffix('Z')) {
        Some(moment) if is_instant => format!("{moment}+0000"),
        _ => text.to_owned(),
    }
}

/// Of the innermost lists of objects, every third member loses its key, and in turn is null.
fn spoil_keys(value: &mut Value) {
    match value {
        Value::Array(members) => {
            for (place, member) in members.iter_mut().enumerate() {
                spoil_keys(member);
                let Some(fields) = member.as_object_mut().filter(|fields| has_key(fields)) else { continue };
                match place % (2 * SPOILT_EVERY) {
                    0 => {
                        for key in KEYS {
                            if let Some(key) = fields.get_mut(key) {
                                *key = Value::Object(Map::new());
                            }
                        }
                    }
                    SPOILT_EVERY => *member = Value::Null,
                    _ => {}
                }
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(spoil_keys),
        _ => {}
    }
}

fn has_key(fields: &Map<String, Value>) -> bool {
    KEYS.iter().any(|key| fields.contains_key(*key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_are_damaged_as_the_fault_says() {
        let whole = || {
            let items: Vec<Value> =
                (0..7).map(|n| json!({"symbol": n.to_string(), "at": "2026-01-05T15:00:00.000+00:00"})).collect();
            json!({"data": {"items": items}, "pagination": {"total-pages": 1}})
        };
        let damaged = |kind: Kind| {
            let mut answer = whole();
            damage(&mut answer, &kind);
            answer
        };
        assert_eq!(
            damaged(Kind::Incomplete(3)).pointer("/data/items").and_then(Value::as_array).map(Vec::len),
            Some(3)
        );
        assert_eq!(damaged(Kind::EmptyItems).pointer("/data/items"), Some(&json!([])));
        assert_eq!(damaged(Kind::NullItems).pointer("/data/items"), Some(&Value::Null));
        assert_eq!(damaged(Kind::NoPagination).get("pagination"), None);
        let zone = damaged(Kind::CompactZone);
        assert_eq!(zone.pointer("/data/items/0/at"), Some(&json!("2026-01-05T15:00:00.000+0000")));
        let keys = damaged(Kind::SpoiltKeys);
        assert_eq!(keys.pointer("/data/items/0/symbol"), Some(&json!({})));
        assert_eq!(keys.pointer("/data/items/3"), Some(&Value::Null));
        assert_eq!(keys.pointer("/data/items/4/symbol"), Some(&json!("4")));
        let fields = damaged(Kind::SpoiltFields);
        assert_eq!(fields.pointer("/data/items/1/at"), Some(&json!("~")));
        assert_eq!(fields.pointer("/data/items/1/symbol"), Some(&json!("1")));
        let mut token = json!({"expires_in": 900});
        damage(&mut token, &Kind::TokenLife { told: true });
        assert_eq!(token, json!({"expires_in": "900"}));
        damage(&mut token, &Kind::TokenLife { told: false });
        assert_eq!(token, json!({}));
    }
}
