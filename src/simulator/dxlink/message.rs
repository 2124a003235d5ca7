//! Messages of the dxLink protocol: what a client sends is parsed here, and short answers are built.

use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;

/// Any client message: fields that a message does not have are `None`, unknown fields are passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Incoming {
    pub(crate) r#type: String,
    pub(crate) channel: u64,
    pub(crate) version: Option<String>,
    /// Seconds after which the client takes our silence for death.
    pub(crate) keepalive_timeout: Option<f64>,
    /// Seconds the client would like us to take its silence for.
    pub(crate) accept_keepalive_timeout: Option<f64>,
    /// Quote token of AUTH.
    pub(crate) token: Option<String>,
    /// Service of CHANNEL_REQUEST; the venue has `FEED` alone.
    pub(crate) service: Option<String>,
    #[serde(default)]
    pub(crate) parameters: Parameters,
    /// Aggregation period the client asks for, in seconds.
    pub(crate) accept_aggregation_period: Option<f64>,
    pub(crate) accept_data_format: Option<String>,
    pub(crate) accept_event_fields: Option<HashMap<String, Vec<String>>>,
    /// Pairs to subscribe to, after `remove` has been done.
    #[serde(default)]
    pub(crate) add: Vec<Subscription>,
    #[serde(default)]
    pub(crate) remove: Vec<Subscription>,
    /// Whether all subscriptions of the channel go first.
    #[serde(default)]
    pub(crate) reset: bool,
}

/// Parameters of a channel request.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Parameters {
    pub(crate) contract: Option<String>,
}

/// One pair of a subscription message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subscription {
    pub(crate) r#type: String,
    pub(crate) symbol: String,
    /// Start of a candle's history, in milliseconds since 1970; `None` is the current candle.
    pub(crate) from_time: Option<f64>,
}

/// Codes of `ERROR` messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    Timeout,
    Unauthorized,
    InvalidMessage,
    BadAction,
    UnsupportedProtocol,
}

impl ErrorCode {
    fn name(self) -> &'static str {
        match self {
            Self::Timeout => "TIMEOUT",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::InvalidMessage => "INVALID_MESSAGE",
            Self::BadAction => "BAD_ACTION",
            Self::UnsupportedProtocol => "UNSUPPORTED_PROTOCOL",
        }
    }
}

/// `ERROR` on a channel; channel 0 is the connection.
pub(crate) fn error(channel: u64, code: ErrorCode, message: &str) -> String {
    json!({"type": "ERROR", "channel": channel, "error": code.name(), "message": message}).to_string()
}

/// `SETUP`: how many seconds of silence the venue allows its client, given for both directions.
pub(crate) fn setup(keepalive_seconds: f64) -> String {
    let seconds = keepalive_seconds;
    json!({
        "type": "SETUP", "channel": 0, "version": "1.0-sim-1",
        "keepaliveTimeout": seconds, "acceptKeepaliveTimeout": seconds,
    })
    .to_string()
}

/// `AUTH_STATE UNAUTHORIZED`: a token is awaited, or was refused.
pub(crate) fn unauthorized() -> String {
    json!({"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"}).to_string()
}

/// `AUTH_STATE AUTHORIZED`, after which channels may be opened.
pub(crate) fn authorized() -> String {
    json!({"type": "AUTH_STATE", "channel": 0, "state": "AUTHORIZED", "userId": "sim-user"}).to_string()
}

/// `KEEPALIVE`, sent when nothing else was for half of the client's timeout.
pub(crate) fn keepalive() -> String {
    json!({"type": "KEEPALIVE", "channel": 0}).to_string()
}

/// `CHANNEL_OPENED` with the contract that the channel has from now on.
pub(crate) fn channel_opened(channel: u64, contract: &str) -> String {
    let parameters = json!({"contract": contract, "subFormat": "LIST"});
    json!({"type": "CHANNEL_OPENED", "channel": channel, "service": "FEED", "parameters": parameters}).to_string()
}

/// `CHANNEL_CLOSED`, the answer to CHANNEL_CANCEL.
pub(crate) fn channel_closed(channel: u64) -> String {
    json!({"type": "CHANNEL_CLOSED", "channel": channel}).to_string()
}

/// `FEED_CONFIG`; fields of event types are announced when there are any.
pub(crate) fn feed_config(
    channel: u64,
    format: &str,
    period_seconds: f64,
    fields: &[(&'static str, Vec<&'static str>)],
) -> String {
    let mut message = json!({
        "type": "FEED_CONFIG", "channel": channel, "dataFormat": format, "aggregationPeriod": period_seconds,
    });
    if let (false, Some(message)) = (fields.is_empty(), message.as_object_mut()) {
        let fields: HashMap<&str, &Vec<&str>> = fields.iter().map(|(kind, names)| (*kind, names)).collect();
        message.insert("eventFields".to_owned(), json!(fields));
    }
    message.to_string()
}
