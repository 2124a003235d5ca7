//! dxLink messages: one JSON object per text frame, with `type` and `channel`.
//!
//! Event data is read without a tree in between: a frame may hold thousands of values.

use crate::collect::venue::number::whole_number;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// The channel of the connection itself.
pub(crate) const CONNECTION: i64 = 0;
/// The channel all our events come on.
pub(crate) const FEED: i64 = 1;

/// Any message of the server. Keys we do not read are passed over.
#[derive(Debug, Deserialize)]
pub(crate) struct Message<'a> {
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Cow<'a, str>,
    #[serde(default)]
    pub(crate) channel: i64,
    /// `AUTH_STATE`: `AUTHORIZED` or `UNAUTHORIZED`.
    #[serde(default)]
    pub(crate) state: Option<String>,
    /// Of an `ERROR`: its code, in the venue's words.
    #[serde(default)]
    pub(crate) error: Option<String>,
    /// Of an `ERROR`: its sentence for people.
    #[serde(default)]
    pub(crate) message: Option<String>,
    /// `SETUP`: seconds after which the server expects us to take its silence for death.
    #[serde(default, rename = "keepaliveTimeout")]
    pub(crate) keepalive_timeout: Option<f64>,
    /// `FEED_CONFIG`: fields by event type, in the order of the values.
    #[serde(default, rename = "eventFields")]
    pub(crate) event_fields: Option<HashMap<String, Vec<String>>>,
    /// Of `FEED_DATA`: the events, as they stand in the message.
    #[serde(default, borrow)]
    pub(crate) data: Data<'a>,
}

/// A value of an event. What is no scalar, or null, is `Missing`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar<'a> {
    Missing,
    Text(Cow<'a, str>),
    Number(f64),
    Integer(i64),
    Flag(bool),
}

impl Scalar<'_> {
    /// A finite number; `NaN` and the infinities come as text and are none.
    pub(crate) fn number(&self) -> Option<f64> {
        let number = match self {
            Self::Number(number) => *number,
            Self::Integer(integer) => *integer as f64,
            Self::Text(text) => text.parse().ok()?,
            Self::Missing | Self::Flag(_) => return None,
        };
        Some(number).filter(|number| number.is_finite())
    }

    /// A whole number, exact to 64 bits when it is written as one.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(integer) => Some(*integer),
            Self::Text(text) => text.parse().ok(),
            other => other.number().and_then(whole_number),
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The events of a frame, as laid out by the server.
#[derive(Debug, Default)]
pub(crate) struct Data<'a> {
    pub(crate) blocks: Vec<Block<'a>>,
    /// Members that are neither a type name with its values nor an event object.
    pub(crate) misplaced: usize,
}

/// Events of one kind.
#[derive(Debug, PartialEq)]
pub(crate) enum Block<'a> {
    /// Type name and the values of all its events, one after the other.
    Compact(Cow<'a, str>, Vec<Scalar<'a>>),
    /// One event with named values.
    Full(Vec<(Cow<'a, str>, Scalar<'a>)>),
}

enum Member<'a> {
    Name(Cow<'a, str>),
    Values(Vec<Scalar<'a>>),
    Event(Vec<(Cow<'a, str>, Scalar<'a>)>),
    Other,
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or(Scalar::Number(number as f64), Scalar::Integer))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Flag(flag))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Missing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Missing)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Missing)
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// A key of an event object, borrowed where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(ScalarVisitor)? {
            Scalar::Text(text) => Ok(Self(text)),
            _ => Ok(Self(Cow::Borrowed(""))),
        }
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = Member<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a type name, a list of values or an event")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Member::Name(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Member::Name(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        // No room is made ahead: a message may hold millions of lists, and nothing in them.
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element()? {
            values.push(value);
        }
        Ok(Member::Values(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((Key(key), value)) = map.next_entry()? {
            fields.push((key, value));
        }
        Ok(Member::Event(fields))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Member::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Member::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Member::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Member::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Member::Other)
    }
}

impl<'de> Deserialize<'de> for Member<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct DataVisitor;

impl<'de> Visitor<'de> for DataVisitor {
    type Value = Data<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut data = Data::default();
        let mut name = None;
        while let Some(member) = sequence.next_element()? {
            match (member, name.take()) {
                (Member::Name(text), earlier) => {
                    data.misplaced += usize::from(earlier.is_some());
                    name = Some(text);
                }
                (Member::Values(values), Some(name)) => data.blocks.push(Block::Compact(name, values)),
                (Member::Event(fields), None) => data.blocks.push(Block::Full(fields)),
                _ => data.misplaced += 1,
            }
        }
        data.misplaced += usize::from(name.is_some());
        Ok(data)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Data<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(DataVisitor)
    }
}

/// The first message of a connection.
pub(crate) fn setup(keepalive_seconds: u64) -> String {
    let version = concat!("0.1-ttapi/", env!("CARGO_PKG_VERSION"));
    json!({
        "type": "SETUP", "channel": CONNECTION, "version": version,
        "keepaliveTimeout": keepalive_seconds, "acceptKeepaliveTimeout": keepalive_seconds,
    })
    .to_string()
}

/// Presents the quote token.
pub(crate) fn auth(token: &str) -> String {
    json!({"type": "AUTH", "channel": CONNECTION, "token": token}).to_string()
}

/// A sign of life.
pub(crate) fn keepalive() -> String {
    json!({"type": "KEEPALIVE", "channel": CONNECTION}).to_string()
}

/// Opens our channel; the server chooses ticker or history by event type.
pub(crate) fn channel_request() -> String {
    json!({"type": "CHANNEL_REQUEST", "channel": FEED, "service": "FEED", "parameters": {"contract": "AUTO"}})
        .to_string()
}

/// Asks for positional values in this order.
pub(crate) fn feed_setup(aggregation_seconds: f64, fields: &HashMap<&str, &[&str]>) -> String {
    json!({
        "type": "FEED_SETUP", "channel": FEED, "acceptAggregationPeriod": aggregation_seconds,
        "acceptDataFormat": "COMPACT", "acceptEventFields": fields,
    })
    .to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn compact_data_keeps_every_block_and_every_bit() {
        let text = r#"{"type":"FEED_DATA","channel":1,"data":["Quote",["Quote","SPY",500.01,"NaN",1.3743299E7],
            "Candle",[7591660497351475200,null,true,{"a":[1]}]]}"#;
        let message: Message<'_> = serde_json::from_str(text).unwrap();
        let [Block::Compact(one, values), Block::Compact(two, more)] = message.data.blocks.as_slice() else { panic!() };
        assert_eq!((one.as_ref(), two.as_ref()), ("Quote", "Candle"));
        assert_eq!(values.get(2).unwrap().number(), Some(500.01));
        assert_eq!(values.get(3).unwrap().number(), None);
        assert_eq!(values.get(4).unwrap().integer(), Some(13_743_299));
        assert_eq!(more.first().unwrap().integer(), Some(7_591_660_497_351_475_200));
        assert_eq!(more.get(3), Some(&Scalar::Missing));
    }

    #[test]
    fn full_data_is_a_list_of_events() {
        let text =
            r#"{"type":"FEED_DATA","channel":1,"data":[{"eventType":"Quote","eventSymbol":"SPY","bidPrice":5e2}]}"#;
        let message: Message<'_> = serde_json::from_str(text).unwrap();
        let [Block::Full(fields)] = message.data.blocks.as_slice() else { panic!() };
        assert_eq!(fields.get(2).unwrap().1.number(), Some(500.0));
    }

    #[test]
    fn no_room_is_made_for_what_is_not_there() {
        let text = r#"{"type":"FEED_DATA","channel":1,"data":["",[],{}]}"#;
        let message: Message<'_> = serde_json::from_str(text).unwrap();
        let [Block::Compact(_, values), Block::Full(fields)] = message.data.blocks.as_slice() else { panic!() };
        assert_eq!((values.capacity(), fields.capacity()), (0, 0));
    }

    #[test]
    fn what_is_out_of_place_is_counted() {
        let text = r#"{"type":"FEED_DATA","channel":1,"data":["Quote","Trade",[1],5,null,[2],"Quote"]}"#;
        let message: Message<'_> = serde_json::from_str(text).unwrap();
        assert_eq!((message.data.blocks.len(), message.data.misplaced), (1, 5));
    }
}
