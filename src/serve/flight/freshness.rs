//! Freshness of an answer as JSON for the Flight client: in `FlightInfo.app_metadata`, and again with the rows, when it is
//! settled.
//!
//! ```json
//! {
//!   "execution": "0f1e...",
//!   "state": "stale", "age_seconds": 1205.0, "expires_at": "2026-11-20T21:30:00Z", "feed_class": "real-time",
//!   "inputs": [
//!     {"dataset": "eod", "state": "stale", "age_seconds": 1205.0, "ttl": "session close + 30m",
//!      "expires_at": "2026-11-20T21:30:00Z", "version": 17, "feed_class": "real-time", "last_error": "..."}
//!   ],
//!   "notices": ["table \"eod\" is stale: ..."]
//! }
//! ```
//!
//! The fields outside `inputs` are about the answer as a whole: the worst state, the oldest rows, the first to expire, the
//! weakest feed. `state` is one of `live`, `fresh`, `refreshing`, `stale`, `failed`, `missing`; what is not known is left
//! out. `notices` are there with the rows only: before, nothing has been read.

use crate::engine::InputFreshness;
use bytes::Bytes;
use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

/// The JSON of an answer; `all` ends with the answer as a whole.
pub(super) fn told(execution: &[u8], mut all: Vec<InputFreshness>, notices: Option<&[String]>) -> Bytes {
    let mut object = all.pop().map(|whole| facts(&whole)).unwrap_or_default();
    object.insert("execution".to_owned(), json!(hex(execution)));
    let input = |input: &InputFreshness| {
        let mut object = facts(input);
        object.insert("dataset".to_owned(), json!(input.dataset));
        Value::Object(object)
    };
    object.insert("inputs".to_owned(), all.iter().map(input).collect());
    if let Some(notices) = notices {
        object.insert("notices".to_owned(), json!(notices));
    }
    Value::Object(object).to_string().into()
}

fn facts(input: &InputFreshness) -> Map<String, Value> {
    let expires_at = input.expires_at.map(|at| json!(at.to_rfc3339_opts(SecondsFormat::AutoSi, true)));
    let facts = [
        ("state", Some(json!(input.state.name()))),
        ("age_seconds", input.age.map(|age| json!(age.num_milliseconds() as f64 / 1_000.0))),
        ("ttl", input.ttl.as_ref().map(|ttl| json!(ttl))),
        ("expires_at", expires_at),
        ("version", input.version.map(|version| json!(version))),
        ("feed_class", input.feed_class.map(|class| json!(class))),
        ("last_error", input.last_error.as_ref().map(|error| json!(error))),
    ];
    facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
