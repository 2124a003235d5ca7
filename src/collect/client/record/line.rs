//! What is recorded, as it is handed over and as it stands in the files: a JSON object a line.

use super::json::REMOVED;
use super::redact::Redactor;
use crate::collect::client::answer::Received;
use crate::secret::Secret;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use std::collections::BTreeMap;

/// Headers of an answer that are recorded. All others may hold cookies, sessions, names.
const HEADERS: [&str; 9] = [
    "age",
    "cache-control",
    "content-type",
    "date",
    "last-modified",
    "retry-after",
    "server",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];
/// What an entry takes in memory beside its texts.
const ENTRY_BYTES: usize = 256;

/// A request as it was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// When it was sent, by [`super::Tap::now_ms`].
    pub(crate) at_ms: u64,
    pub(crate) method: &'static str,
    /// Path of the request, percent-encoded and without host.
    pub(crate) path: &'a str,
    pub(crate) query: &'a [(&'static str, String)],
    /// Name of a parameter that carries a key, which itself is not handed over.
    pub(crate) key: Option<&'static str>,
    pub(crate) accept: &'a str,
    pub(crate) body: Option<&'a str>,
}

/// An exchange as it is handed over, with its secrets.
pub(super) struct Exchange {
    at_ms: u64,
    took_ms: u64,
    method: &'static str,
    path: String,
    query: Vec<(&'static str, String)>,
    accept: String,
    asked: Option<String>,
    status: Option<u16>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    broken: Option<String>,
}

/// What happens on a connection.
pub(super) enum FeedEntry {
    /// A connection of this source is opened, to this address.
    Opened(&'static str, String),
    Sent(String),
    Received(String),
    /// The other side ended it, and why.
    Ended(String),
    /// Nothing more is to come.
    Left,
}

/// What is handed over to the writer.
pub(super) enum Entry {
    Hide(Secret),
    /// An exchange of a source.
    Exchange(&'static str, Exchange),
    /// Number of the connection, and the moment in milliseconds.
    Feed(u64, u64, FeedEntry),
    /// Everything is to be on the disk; who waits is told.
    Finish(tokio::sync::oneshot::Sender<()>),
}

#[derive(Serialize)]
struct RestLine<'a> {
    at_ms: u64,
    took_ms: u64,
    method: &'a str,
    path: String,
    query: String,
    accept: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    headers: BTreeMap<&'a str, String>,
    #[serde(flatten)]
    body: Body,
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<String>,
}

/// A body as it is written: text where it is text.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Body {
    Body(String),
    BodyBase64(String),
}

impl Exchange {
    pub(super) fn new(asked: &Asked<'_>, received: Result<&Received, &str>, now_ms: u64) -> Self {
        let mut query = asked.query.to_vec();
        query.extend(asked.key.map(|name| (name, REMOVED.to_owned())));
        let header = |name: &&str| {
            let value = received.ok()?.headers.get(*name)?.to_str().ok()?;
            Some(((*name).to_owned(), value.to_owned()))
        };
        Self {
            at_ms: asked.at_ms,
            took_ms: now_ms.saturating_sub(asked.at_ms),
            method: asked.method,
            path: asked.path.to_owned(),
            query,
            accept: asked.accept.to_owned(),
            asked: asked.body.map(str::to_owned),
            status: received.ok().map(|received| received.status.as_u16()),
            headers: HEADERS.iter().filter_map(header).collect(),
            body: received.map_or_else(|_| Vec::new(), |received| received.body.clone()),
            broken: received.map_or_else(|reason| Some(reason.to_owned()), Received::broken),
        }
    }

    /// The line of the file, with its line feed and without secrets.
    pub(super) fn line(&self, redactor: &mut Redactor) -> Vec<u8> {
        // The answer first: what it gives may stand in the request too.
        let body = Body::of(&self.body, redactor);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.query {
            query.append_pair(name, &redactor.named(name, value));
        }
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), redactor.text(value)));
        to_line(&RestLine {
            at_ms: self.at_ms,
            took_ms: self.took_ms,
            method: self.method,
            headers: headers.collect(),
            path: redactor.text(&self.path),
            query: query.finish(),
            accept: &self.accept,
            asked: self.asked.as_ref().map(|body| redactor.text(body)),
            status: self.status,
            body,
            broken: self.broken.as_ref().map(|reason| redactor.text(reason)),
        })
    }

    fn bytes(&self) -> usize {
        let query: usize = self.query.iter().map(|(_, value)| value.len()).sum();
        self.path.len() + query + self.body.len() + self.asked.as_ref().map_or(0, String::len)
    }
}

impl Body {
    fn of(bytes: &[u8], redactor: &mut Redactor) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Body(redactor.text(text)),
            Err(_) => Self::BodyBase64(BASE64_STANDARD.encode(redactor.bytes(bytes))),
        }
    }
}

impl FeedEntry {
    /// The line of the file, with its line feed and without secrets; `None` for what has none.
    pub(super) fn line(&self, at_ms: u64, redactor: &mut Redactor) -> Option<Vec<u8>> {
        let (name, text) = match self {
            Self::Opened(_, url) => ("opened", url),
            Self::Sent(text) => ("sent", text),
            Self::Received(text) => ("received", text),
            Self::Ended(reason) => ("ended", reason),
            Self::Left => return None,
        };
        // The moment first in every line.
        let mut line = format!("{{\"at_ms\":{at_ms},\"{name}\":").into_bytes();
        line.extend(serde_json::to_vec(&redactor.text(text)).unwrap_or_default());
        line.extend(b"}\n");
        Some(line)
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Opened(_, text) | Self::Sent(text) | Self::Received(text) | Self::Ended(text) => text.len(),
            Self::Left => 0,
        }
    }
}

impl Entry {
    /// What it takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        ENTRY_BYTES
            + match self {
                Self::Exchange(_, exchange) => exchange.bytes(),
                Self::Feed(_, _, entry) => entry.bytes(),
                Self::Hide(_) | Self::Finish(_) => 0,
            }
    }
}

fn to_line(value: &impl Serialize) -> Vec<u8> {
    // Texts and numbers alone: there is nothing in it that could fail.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}
