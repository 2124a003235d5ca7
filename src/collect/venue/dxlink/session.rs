//! One dxLink connection: handshake, keepalive, subscriptions out, events in.
//!
//! One task owns a session and drives it by [`Session::next`]; dropping it closes the connection.

use super::events::{EventType, Events};
use super::inbound::{self, Answer, Heard, Inbound};
use super::session_error::SessionError;
use super::token::{QuoteToken, QuoteTokens};
use super::wire::{self, Message};
use crate::clock::Clock;
use crate::collect::client::Client;
use crate::collect::client::websocket::Socket;
use serde_json::json;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, timeout_at};

/// Limit for each step of the handshake.
const STEP_LIMIT: Duration = Duration::from_secs(10);
/// How long we wait to be told that a token is wanted before presenting it anyway.
const TOKEN_WANTED_LIMIT: Duration = Duration::from_secs(3);
/// Period of our signs of life; the server closes after 60 s without one.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_LIMIT_SECONDS: u64 = 60;
/// Bounds on the silence a server may announce for itself.
const SILENCE_SECONDS: (f64, f64) = (5.0, 600.0);
/// Entries and bytes of one subscription message; a larger one may close the connection.
const ENTRIES_MAX: usize = 500;
const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Subscription changes the vendor allows a minute, less a margin.
const CHANGES_PER_MINUTE: usize = 9_500;
const MINUTE: Duration = Duration::from_secs(60);

/// One subscription: an event type and a symbol.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Subscription {
    pub(crate) kind: EventType,
    /// Streamer spelling; canonical for candles.
    pub(crate) symbol: Arc<str>,
    /// For history: epoch milliseconds.
    pub(crate) from_time: Option<i64>,
}

/// A change of subscriptions.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// Forget all others first.
    pub(crate) reset: bool,
    pub(crate) remove: Vec<Subscription>,
    pub(crate) add: Vec<Subscription>,
    /// The symbol that rows have, by the spelling that is subscribed, where it is another one.
    pub(crate) ours: HashMap<Arc<str>, Arc<str>>,
}

/// What a session is opened for.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) kinds: Vec<EventType>,
    pub(crate) aggregation: Duration,
}

/// An authorised connection with one open channel.
#[derive(Debug)]
pub(crate) struct Session {
    socket: Socket,
    origin: String,
    token: QuoteToken,
    clock: Clock,
    /// What the server would not do since it was last asked for something.
    remark: Option<String>,
    inbound: Inbound,
    silence_limit: Duration,
    heard_at: Instant,
    keepalive: Interval,
    /// Subscription messages not sent yet, with the number of changes in each.
    outbox: VecDeque<(String, usize)>,
    /// Changes of the last minute.
    sent: VecDeque<(Instant, usize)>,
}

/// Opens a session with the token held, or with a new one when that is refused.
pub(crate) async fn open(tokens: &QuoteTokens, setup: &Setup) -> Result<Session, SessionError> {
    let client = tokens.client();
    match Session::open(&tokens.current().await?, setup, client).await {
        Err(SessionError::Unauthorized { .. }) => Session::open(&tokens.renew().await?, setup, client).await,
        result => result,
    }
}

impl Session {
    async fn open(token: &QuoteToken, setup: &Setup, client: &Client) -> Result<Self, SessionError> {
        let origin = origin(&token.url);
        let socket = Socket::connect(&token.url, STEP_LIMIT, client.tap()).await;
        let socket = socket.map_err(|reason| SessionError::Connect { origin: origin.clone(), reason })?;
        let mut keepalive = tokio::time::interval(KEEPALIVE);
        keepalive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut session = Self {
            socket,
            origin,
            token: token.clone(),
            clock: client.clock().clone(),
            remark: None,
            inbound: Inbound::new(),
            silence_limit: Duration::from_secs(KEEPALIVE_LIMIT_SECONDS),
            heard_at: Instant::now(),
            keepalive,
            outbox: VecDeque::new(),
            sent: VecDeque::new(),
        };
        session.greet().await?;
        session.authorize(token).await?;
        session.open_channel(setup).await?;
        Ok(session)
    }

    async fn greet(&mut self) -> Result<(), SessionError> {
        self.send(wire::setup(KEEPALIVE_LIMIT_SECONDS)).await?;
        let said = |message: &Message<'_>| inbound::silence(message, KEEPALIVE_LIMIT_SECONDS as f64);
        let silence = self.expect("SETUP", STEP_LIMIT, said);
        let silence = silence.await?.ok_or_else(|| self.no_answer("SETUP"))?;
        let (least, most) = SILENCE_SECONDS;
        // A clamp keeps NaN, so ask first.
        let silence = if silence.is_finite() { silence.clamp(least, most) } else { KEEPALIVE_LIMIT_SECONDS as f64 };
        self.silence_limit = Duration::from_secs_f64(silence);
        Ok(())
    }

    /// A server that wants a token says UNAUTHORIZED first; one that wants none says AUTHORIZED at once.
    async fn authorize(&mut self, token: &QuoteToken) -> Result<(), SessionError> {
        if self.expect("AUTH_STATE", TOKEN_WANTED_LIMIT, inbound::authorized).await? == Some(true) {
            return Ok(());
        }
        self.send(wire::auth(token.token.expose())).await?;
        match self.expect("AUTH_STATE", STEP_LIMIT, inbound::authorized).await {
            Ok(Some(true)) => Ok(()),
            Ok(Some(false)) => Err(self.unauthorized("AUTH_STATE UNAUTHORIZED".to_owned())),
            Ok(None) => Err(self.unauthorized("no answer to AUTH".to_owned())),
            // A server may close on a bad token without a word.
            Err(SessionError::Closed { reason, .. }) => Err(self.unauthorized(reason)),
            Err(error) => Err(error),
        }
    }

    async fn open_channel(&mut self, setup: &Setup) -> Result<(), SessionError> {
        self.send(wire::channel_request()).await?;
        let opened = self.expect("CHANNEL_OPENED", STEP_LIMIT, inbound::opened).await?;
        opened.ok_or_else(|| self.no_answer("CHANNEL_REQUEST"))?;
        let fields: HashMap<_, _> = setup.kinds.iter().map(|kind| (kind.name(), kind.fields())).collect();
        self.send(wire::feed_setup(setup.aggregation.as_secs_f64(), &fields)).await
    }

    /// Reads until `pick` takes something out of a message. `None`: nothing came within the limit.
    async fn expect<T>(
        &mut self,
        step: &str,
        limit: Duration,
        pick: impl Fn(&Message<'_>) -> Option<T>,
    ) -> Result<Option<T>, SessionError> {
        let deadline = Instant::now() + limit;
        loop {
            let text = match timeout_at(deadline, self.socket.next()).await {
                Err(_) => return Ok(None),
                Ok(Err(reason)) => return Err(self.closed(reason)),
                Ok(Ok(text)) => text,
            };
            self.heard_at = Instant::now();
            match self.inbound.answer(&text, step, &pick) {
                Answer::Found(found) => return Ok(Some(found)),
                Answer::Other => {}
                Answer::Unauthorized(reason) => return Err(self.unauthorized(reason)),
                Answer::Refused(reason) => {
                    return Err(SessionError::Connect { origin: self.origin.clone(), reason });
                }
            }
        }
    }

    /// Queues a change of subscriptions; [`Session::next`] sends it as the vendor's limits allow.
    pub(crate) fn change(&mut self, change: &Change) {
        self.remark = None;
        for Subscription { symbol, .. } in &change.add {
            self.inbound.decoder.expect(symbol, change.ours.get(symbol).unwrap_or(symbol));
        }
        self.outbox.extend(frames(change));
    }

    /// The events of the next frame that has any. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Events, SessionError> {
        loop {
            let wake = self.flush().await?;
            let wake = async {
                match wake {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let silent_at = self.heard_at + self.silence_limit;
            let text = tokio::select! {
                text = timeout_at(silent_at, self.socket.next()) => text,
                _ = self.keepalive.tick() => {
                    self.send(wire::keepalive()).await?;
                    continue;
                }
                () = wake => continue,
            };
            let text = match text {
                Ok(Ok(text)) => text,
                Ok(Err(reason)) => return Err(self.closed(reason)),
                Err(_) => {
                    return Err(SessionError::Silent {
                        origin: self.origin.clone(),
                        seconds: self.silence_limit.as_secs(),
                    });
                }
            };
            self.heard_at = Instant::now();
            let events = self.receive(&text)?;
            if events.len() > 0 {
                return Ok(events);
            }
        }
    }

    fn receive(&mut self, text: &str) -> Result<Events, SessionError> {
        match self.inbound.read(text, self.clock.now()) {
            Heard::Events(events) => Ok(events),
            Heard::Refusal(said) => {
                self.remark = Some(format!("{} refuses a subscription: {said}", self.origin));
                Ok(Events::default())
            }
            Heard::AuthLost(reason) => Err(self.auth_lost(reason)),
            Heard::ChannelClosed => Err(self.closed("the server closed the channel".to_owned())),
        }
    }

    /// Sends what the limits allow; tells when to try again if something is left.
    async fn flush(&mut self) -> Result<Option<Instant>, SessionError> {
        while let Some((frame, changes)) = self.outbox.front() {
            let now = Instant::now();
            while self.sent.front().is_some_and(|(at, _)| *at + MINUTE <= now) {
                self.sent.pop_front();
            }
            let recent: usize = self.sent.iter().map(|(_, changes)| changes).sum();
            if recent + changes > CHANGES_PER_MINUTE
                && let Some((oldest, _)) = self.sent.front()
            {
                return Ok(Some(*oldest + MINUTE));
            }
            let (frame, changes) = (frame.clone(), *changes);
            self.send(frame).await?;
            // Only now: a frame whose sending was broken off is sent again, and an addition twice is one.
            self.outbox.pop_front();
            self.sent.push_back((now, changes));
        }
        Ok(None)
    }

    /// What the server would not do since it was last asked for something.
    pub(crate) fn remark(&self) -> Option<&str> {
        self.remark.as_deref()
    }

    /// The token that the session was opened with.
    pub(crate) fn token(&self) -> &QuoteToken {
        &self.token
    }

    /// Host and port of the server.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Messages and values received and not understood.
    pub(crate) fn ignored(&self) -> u64 {
        self.inbound.decoder.garbage.total()
    }

    /// Closes the connection with a close frame.
    pub(crate) async fn close(mut self) {
        // A peer that does not listen is not waited for.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.socket.close()).await;
    }

    async fn send(&mut self, text: String) -> Result<(), SessionError> {
        let sent = tokio::time::timeout(STEP_LIMIT, self.socket.send(text)).await;
        sent.unwrap_or_else(|_| Err("it takes no more data".to_owned())).map_err(|reason| self.closed(reason))
    }

    fn closed(&self, reason: String) -> SessionError {
        SessionError::Closed { origin: self.origin.clone(), reason }
    }

    fn unauthorized(&self, reason: String) -> SessionError {
        SessionError::Unauthorized { origin: self.origin.clone(), reason }
    }

    fn auth_lost(&self, reason: String) -> SessionError {
        SessionError::AuthLost { origin: self.origin.clone(), reason }
    }

    fn no_answer(&self, step: &str) -> SessionError {
        let reason = format!("no answer to {step} within {} s", STEP_LIMIT.as_secs());
        SessionError::Connect { origin: self.origin.clone(), reason }
    }
}

/// Host and port of an address; nothing else of it is ever shown.
fn origin(url: &str) -> String {
    let parsed = url::Url::parse(url).ok();
    let host = parsed.as_ref().and_then(|url| Some((url.host_str()?.to_owned(), url.port())));
    match host {
        Some((host, Some(port))) => format!("{host}:{port}"),
        Some((host, None)) => host,
        None => "dxlink".to_owned(),
    }
}

/// Cuts a change into messages within the limits, removals first.
fn frames(change: &Change) -> Vec<(String, usize)> {
    let removals =
        change.remove.iter().map(|entry| (true, json!({"type": entry.kind.name(), "symbol": *entry.symbol})));
    let additions = change.add.iter().map(|entry| {
        let mut addition = json!({"type": entry.kind.name(), "symbol": *entry.symbol});
        if let (Some(from_time), Some(object)) = (entry.from_time, addition.as_object_mut()) {
            object.insert("fromTime".to_owned(), from_time.into());
        }
        (false, addition)
    });
    let mut frames = Vec::new();
    let mut reset = change.reset;
    let (mut remove, mut add, mut bytes) = (Vec::new(), Vec::new(), 0);
    for (removal, entry) in removals.chain(additions) {
        let entry = entry.to_string();
        if remove.len() + add.len() >= ENTRIES_MAX || bytes + entry.len() + 256 > FRAME_BYTES_MAX {
            frames.push(frame(std::mem::take(&mut reset), &std::mem::take(&mut remove), &std::mem::take(&mut add)));
            bytes = 0;
        }
        bytes += entry.len() + 1;
        if removal { remove.push(entry) } else { add.push(entry) }
    }
    if reset || !remove.is_empty() || !add.is_empty() {
        frames.push(frame(reset, &remove, &add));
    }
    frames
}

fn frame(reset: bool, remove: &[String], add: &[String]) -> (String, usize) {
    let mut text = format!(r#"{{"type":"FEED_SUBSCRIPTION","channel":{}"#, wire::FEED);
    if reset {
        text.push_str(r#","reset":true"#);
    }
    for (key, entries) in [("remove", remove), ("add", add)] {
        if !entries.is_empty() {
            text.push_str(&format!(r#","{key}":[{}]"#, entries.join(",")));
        }
    }
    text.push('}');
    (text, remove.len() + add.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod frame_tests {
    use super::*;

    fn subscription(symbol: String) -> Subscription {
        Subscription { kind: EventType::from_name("Quote").unwrap(), symbol: symbol.into(), from_time: None }
    }

    #[test]
    fn a_change_is_cut_by_entries_and_bytes() {
        let add: Vec<_> = (0..1201).map(|number| subscription(format!("S{number}"))).collect();
        let cut =
            frames(&Change { reset: true, remove: vec![subscription("OLD".to_owned())], add, ..Change::default() });
        assert_eq!(cut.iter().map(|(_, changes)| *changes).collect::<Vec<_>>(), [500, 500, 202]);
        let first: serde_json::Value = serde_json::from_str(&cut.first().unwrap().0).unwrap();
        assert_eq!((&first["reset"], &first["remove"][0]["symbol"]), (&json!(true), &json!("OLD")));
        assert!(!cut.get(1).unwrap().0.contains("reset"));
        let long: Vec<_> = (0..500).map(|number| subscription(format!("{number}{}", "X".repeat(1000)))).collect();
        let cut = frames(&Change { add: long, ..Change::default() });
        assert!(cut.len() > 5 && cut.iter().all(|(text, _)| text.len() <= FRAME_BYTES_MAX));
        assert!(frames(&Change::default()).is_empty());
    }

    #[test]
    fn a_candle_carries_its_from_time() {
        let candle =
            Subscription { kind: EventType::Candle, symbol: "AAPL{=d}".into(), from_time: Some(1_735_689_600_000) };
        let cut = frames(&Change { add: vec![candle], ..Change::default() });
        let value: serde_json::Value = serde_json::from_str(&cut.first().unwrap().0).unwrap();
        assert_eq!(value["add"][0], json!({"type": "Candle", "symbol": "AAPL{=d}", "fromTime": 1_735_689_600_000_i64}));
    }

    #[test]
    fn an_origin_is_host_and_port_only() {
        assert_eq!(origin("ws://127.0.0.1:81/realtime?token=hush"), "127.0.0.1:81");
        assert_eq!(origin("hush"), "dxlink");
    }
}
