//! What the server says on one connection, text by text: its answers to the handshake, then events. Pure: who owns the
//! socket hands in the texts and the time.

use super::events::Events;
use super::parse::Decoder;
use super::wire::{self, Message};
use chrono::{DateTime, Utc};

/// What a text of an open connection says.
#[derive(Debug)]
pub(super) enum Heard {
    /// Events, or something that asks for nothing to be done: none then.
    Events(Events),
    /// A subscription is refused, and why.
    Refusal(String),
    /// The token was good, and is no more.
    AuthLost(String),
    /// The server closed our channel.
    ChannelClosed,
}

/// What a text says while one answer is waited for.
#[derive(Debug)]
pub(super) enum Answer<T> {
    /// It is the answer that was waited for.
    Found(T),
    /// Something else; the answer may still come.
    Other,
    /// An error about the token.
    Unauthorized(String),
    /// An error about anything else.
    Refused(String),
}

/// The reading side of one connection.
#[derive(Debug)]
pub(super) struct Inbound {
    pub(super) decoder: Decoder,
}

impl Inbound {
    pub(super) fn new() -> Self {
        Self { decoder: Decoder::new() }
    }

    /// Reads a text of the handshake, from which `pick` takes the answer that `step` waits for.
    pub(super) fn answer<T>(&mut self, text: &str, step: &str, pick: impl Fn(&Message<'_>) -> Option<T>) -> Answer<T> {
        let Ok(message) = serde_json::from_str::<Message<'_>>(text) else {
            self.decoder.garbage.count("unreadable message", text);
            return Answer::Other;
        };
        if let Some(found) = pick(&message) {
            return Answer::Found(found);
        }
        if message.kind != "ERROR" {
            return Answer::Other;
        }
        let (code, words) = (message.error.unwrap_or_default(), message.message.unwrap_or_default());
        let reason = format!("{code} during {step}: {words}");
        if code == "UNAUTHORIZED" { Answer::Unauthorized(reason) } else { Answer::Refused(reason) }
    }

    /// Reads a text of the open connection, which came at `now`.
    pub(super) fn read(&mut self, text: &str, now: DateTime<Utc>) -> Heard {
        let message: Message<'_> = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(error) => {
                self.decoder.garbage.count("unreadable message", &error.to_string());
                return Heard::Events(Events::default());
            }
        };
        match (message.kind.as_ref(), message.channel) {
            ("FEED_DATA", wire::FEED) => return Heard::Events(self.decoder.decode(message.data, now)),
            ("FEED_CONFIG", wire::FEED) => {
                if let Some(fields) = &message.event_fields {
                    self.decoder.announce(fields);
                }
            }
            ("KEEPALIVE" | "SETUP", _) => {}
            ("AUTH_STATE", _) if message.state.as_deref() != Some("UNAUTHORIZED") => {}
            ("AUTH_STATE", _) => return Heard::AuthLost("AUTH_STATE UNAUTHORIZED".to_owned()),
            ("ERROR", channel) => {
                let (code, words) = (message.error.unwrap_or_default(), message.message.unwrap_or_default());
                if channel == wire::CONNECTION && code == "UNAUTHORIZED" {
                    return Heard::AuthLost(words);
                }
                let said = format!("{code}: {words}");
                self.decoder.garbage.count("error message", &said);
                if channel == wire::FEED {
                    return Heard::Refusal(said);
                }
            }
            ("CHANNEL_CLOSED", wire::FEED) => return Heard::ChannelClosed,
            (kind, _) => self.decoder.garbage.count("unknown message", kind),
        }
        Heard::Events(Events::default())
    }
}

/// The silence in seconds that a `SETUP` announces; `unsaid` where it does not tell.
pub(super) fn silence(message: &Message<'_>, unsaid: f64) -> Option<f64> {
    (message.kind == "SETUP").then(|| message.keepalive_timeout.unwrap_or(unsaid))
}

/// Whether an `AUTH_STATE` lets us in.
pub(super) fn authorized(message: &Message<'_>) -> Option<bool> {
    (message.kind == "AUTH_STATE").then(|| message.state.as_deref() == Some("AUTHORIZED"))
}

/// That our channel is open.
pub(super) fn opened(message: &Message<'_>) -> Option<()> {
    (message.kind == "CHANNEL_OPENED" && message.channel == wire::FEED).then_some(())
}
