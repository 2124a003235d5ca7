//! One dxLink connection: the state of the protocol and its timers, owned by the task that runs it and by no other.

mod delivery;
mod subscription;

use super::channel::{Channel, Contract};
use super::feed::Feed;
use super::frame::Format;
use super::message::{self, ErrorCode, Incoming};
use super::writer::Writer;
use crate::simulator::fault::{Kind, Until};
use crate::simulator::hub::Batch;
use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::broadcast;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_util::sync::CancellationToken;

/// Longest message of a client; a longer one closes the connection with code 1009.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Pairs of event type and symbol that one connection may subscribe to, over all its channels.
const SUBSCRIPTIONS_MAX: usize = 25_000;
/// Candles one connection may subscribe to.
const CANDLES_MAX: usize = 100;
/// Channels one connection may open.
const CHANNELS_MAX: usize = 100;
/// Seconds of silence after which a client is taken for dead, unless it asks for less.
const SILENCE_SECONDS_MAX: f64 = 60.0;
/// Longest the client may take for SETUP and AUTH, seconds.
const HANDSHAKE_SECONDS_MAX: f64 = 10.0;
/// The venue sends something at least this often, seconds.
const KEEPALIVE_SECONDS_MAX: f64 = 25.0;
/// How often waiting ticks and timers are looked at.
const TICK: Duration = Duration::from_millis(20);
/// Ticks between looks at current candles and timers.
const TICKS_PER_LOOK: u64 = 50;
/// Looks, of one second each, from one round of summaries to the next.
const LOOKS_PER_SUMMARY: u64 = 5;
/// Summaries sent again in one look.
const SUMMARIES_PER_LOOK: usize = 200;
/// Ticks in one frame.
const TICKS_PER_FRAME: usize = 1_000;
/// Candles in one frame.
const CANDLES_PER_FRAME: usize = 250;
/// Frames that may wait for a slow client before ticks are held back (and in the end skipped).
const FRAMES_HELD: usize = 64;
/// Frames that may wait before no more requests are read.
const FRAMES_HELD_MAX: usize = 4_096;

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Open,
    /// Sends what waits, then closes.
    Closing,
    /// Ends at once and without a word.
    Dropped,
}

/// The state of one dxLink connection, which its task owns.
pub(super) struct Session {
    feed: Arc<Feed>,
    /// Open channels by the number the client gave them.
    channels: BTreeMap<u64, Channel>,
    /// Frames that wait for the writer, oldest first.
    outgoing: VecDeque<Message>,
    course: Course,
    /// Whether the client has sent SETUP.
    set_up: bool,
    /// Quote token it was authorised by; holds one of the sessions of that token.
    token: Option<String>,
    opened_at: DateTime<Utc>,
    /// When the last message of the client came.
    heard_at: DateTime<Utc>,
    /// When the last text frame was queued.
    sent_at: DateTime<Utc>,
    /// Seconds of the client's silence after which the connection ends with TIMEOUT.
    silence_seconds_max: f64,
    /// Seconds without a frame of the venue after which a KEEPALIVE is sent.
    keepalive_seconds: f64,
    /// Data frames that a fault holds back, to be sent as one.
    gathered: Option<Vec<String>>,
    /// A fault asks for a pause before anything else happens.
    pause: Option<Duration>,
    looks: u64,
    summaries_sent: usize,
    /// Subscriptions that are in the venue's count.
    counted: u64,
}

impl Session {
    pub(super) fn new(feed: Arc<Feed>) -> Self {
        let now = feed.exchange.clock.now();
        feed.faults.end_stalls(Until::Reconnected);
        Self {
            feed,
            channels: BTreeMap::new(),
            outgoing: VecDeque::new(),
            course: Course::Open,
            set_up: false,
            token: None,
            opened_at: now,
            heard_at: now,
            sent_at: now,
            silence_seconds_max: SILENCE_SECONDS_MAX,
            keepalive_seconds: KEEPALIVE_SECONDS_MAX,
            gathered: None,
            pause: None,
            looks: 0,
            summaries_sent: 0,
            counted: 0,
        }
    }

    /// Serves the connection until either side ends it, or `shutdown`.
    pub(super) async fn run(mut self, socket: WebSocketStream<TcpStream>, shutdown: CancellationToken) {
        let (sink, mut source) = socket.split();
        let writer = Writer::start(sink);
        let mut batches = self.feed.hub.follow();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut tick_count = 0_u64;
        while self.course == Course::Open || (self.course == Course::Closing && !self.outgoing.is_empty()) {
            if let Some(pause) = self.pause.take() {
                tokio::time::sleep(pause).await;
            }
            let open = self.course == Course::Open;
            tokio::select! {
                () = shutdown.cancelled() => break,
                permit = writer.queue.reserve(), if !self.outgoing.is_empty() => match (permit, self.outgoing.pop_front()) {
                    (Ok(permit), Some(message)) => permit.send(message),
                    _ => break,
                },
                received = source.next(), if open && self.outgoing.len() < FRAMES_HELD_MAX => match received {
                    Some(Ok(message)) => self.receive(message),
                    _ => break,
                },
                batch = batches.recv(), if open && self.outgoing.len() < FRAMES_HELD => match batch {
                    Ok(batch) => self.take(&batch),
                    // The client is too slow: what the ring has dropped is skipped.
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => break,
                },
                _ = ticks.tick(), if open => {
                    tick_count += 1;
                    if self.outgoing.len() < FRAMES_HELD {
                        self.flush();
                    }
                    if tick_count.is_multiple_of(TICKS_PER_LOOK) {
                        self.look();
                    }
                }
            }
        }
        match self.course {
            Course::Dropped => writer.abort(),
            Course::Open | Course::Closing => writer.end().await,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.feed.exchange.clock.now()
    }

    fn send(&mut self, text: String) {
        // Nothing may follow a close frame.
        if self.course == Course::Open {
            self.sent_at = self.now();
            self.outgoing.push_back(Message::text(text));
        }
    }

    /// Answers with `ERROR`; the connection stays open.
    fn fail(&mut self, channel: u64, code: ErrorCode, reason: &str) {
        self.send(message::error(channel, code, reason));
    }

    /// Queues a close frame, behind which nothing is sent.
    fn close(&mut self, code: u16, reason: &'static str) {
        self.outgoing.push_back(Message::Close(Some(CloseFrame { code: code.into(), reason: reason.into() })));
        self.course = Course::Closing;
    }

    /// Takes one WebSocket message; a text that is no message of the protocol is answered with INVALID_MESSAGE.
    fn receive(&mut self, message: Message) {
        self.heard_at = self.now();
        match message {
            Message::Text(text) if text.len() > MESSAGE_BYTES_MAX => self.close(1009, "message too big"),
            Message::Text(text) => match serde_json::from_str::<Incoming>(&text) {
                Ok(incoming) => self.handle(incoming),
                Err(error) => self.fail(0, ErrorCode::InvalidMessage, &format!("cannot read message: {error}")),
            },
            Message::Binary(_) => self.fail(0, ErrorCode::InvalidMessage, "messages are text"),
            Message::Ping(payload) => self.outgoing.push_back(Message::Pong(payload)),
            Message::Close(_) => self.course = Course::Closing,
            Message::Pong(_) | Message::Frame(_) => {}
        }
    }

    /// Performs a message of the protocol, or the fault that a rule sets for its type.
    fn handle(&mut self, incoming: Incoming) {
        let fault = self.feed.faults.for_feed(&incoming.r#type, &[]);
        let refused = fault == Some(Kind::Unauthorised);
        if refused {
            self.fail(0, ErrorCode::Unauthorized, "not permitted");
            return self.close(1000, "unauthorized");
        }
        self.apply(fault, incoming.channel);
        match incoming.r#type.as_str() {
            "SETUP" => self.handle_setup(&incoming),
            "AUTH" => self.handle_auth(incoming.token.as_deref().unwrap_or_default()),
            "KEEPALIVE" | "ERROR" => {}
            "CHANNEL_REQUEST" => self.handle_request(&incoming),
            "CHANNEL_CANCEL" => match self.channels.contains_key(&incoming.channel) {
                true => {
                    self.reset(incoming.channel);
                    self.channels.remove(&incoming.channel);
                    self.count_subscriptions();
                    self.send(message::channel_closed(incoming.channel));
                }
                false => self.fail(incoming.channel, ErrorCode::BadAction, "channel is not open"),
            },
            "FEED_SETUP" | "FEED_SUBSCRIPTION" if !self.channels.contains_key(&incoming.channel) => {
                self.fail(incoming.channel, ErrorCode::BadAction, "channel is not open");
            }
            "FEED_SETUP" => self.handle_feed_setup(incoming),
            "FEED_SUBSCRIPTION" => self.handle_subscription(incoming),
            other => {
                let reason = format!("unknown message type {other:?}");
                self.fail(incoming.channel, ErrorCode::InvalidMessage, &reason);
            }
        }
    }

    fn handle_setup(&mut self, incoming: &Incoming) {
        let Some(version) = incoming.version.as_deref() else {
            return self.fail(0, ErrorCode::InvalidMessage, "SETUP needs a version");
        };
        if !version.starts_with(['0', '1']) {
            self.fail(0, ErrorCode::UnsupportedProtocol, "protocol versions 0.1 and 1.0 are served");
            return self.close(1000, "unsupported protocol");
        }
        let positive = |seconds: Option<f64>| seconds.filter(|seconds| *seconds > 0.0);
        if let Some(seconds) = positive(incoming.accept_keepalive_timeout) {
            self.silence_seconds_max = seconds.min(SILENCE_SECONDS_MAX);
        }
        if let Some(seconds) = positive(incoming.keepalive_timeout) {
            self.keepalive_seconds = (seconds / 2.0).min(KEEPALIVE_SECONDS_MAX);
        }
        self.set_up = true;
        self.send(message::setup(self.silence_seconds_max));
        if self.token.is_none() {
            self.send(message::unauthorized());
        }
    }

    /// AUTH: a sixth connection of one token closes with code 1008; an unknown token leaves the session unauthorised.
    fn handle_auth(&mut self, token: &str) {
        if !self.feed.tokens.accepts_quote(token, self.now()) {
            return self.send(message::unauthorized());
        }
        if self.token.as_deref() != Some(token) {
            if !self.feed.enter(token) {
                self.fail(0, ErrorCode::BadAction, "too many sessions for this token");
                return self.close(1008, "too many sessions");
            }
            if let Some(before) = self.token.replace(token.to_owned()) {
                self.feed.leave(&before);
            }
        }
        self.send(message::authorized());
    }

    /// CHANNEL_REQUEST: needs AUTH first, a free number above 0 and one of the four contracts.
    fn handle_request(&mut self, incoming: &Incoming) {
        let number = incoming.channel;
        if self.token.is_none() {
            return self.fail(number, ErrorCode::Unauthorized, "authorise first");
        }
        let contract = Contract::from_name(incoming.parameters.contract.as_deref().unwrap_or("AUTO"));
        let free = number > 0 && !self.channels.contains_key(&number) && self.channels.len() < CHANNELS_MAX;
        match contract.filter(|_| incoming.service.as_deref() == Some("FEED")) {
            None => self.fail(number, ErrorCode::BadAction, "unknown service or contract"),
            Some(_) if !free => self.fail(number, ErrorCode::BadAction, "channel number cannot be opened"),
            Some(contract) => {
                self.channels.insert(number, Channel::new(number, contract, self.feed.conflate));
                self.send(message::channel_opened(number, contract.name()));
            }
        }
    }

    fn handle_feed_setup(&mut self, incoming: Incoming) {
        if let Some(channel) = self.channels.get_mut(&incoming.channel) {
            let format = incoming.accept_data_format.as_deref();
            channel.set_up(incoming.accept_aggregation_period, format, incoming.accept_event_fields);
            let config = message::feed_config(channel.number, channel.format.name(), channel.period_seconds, &[]);
            self.send(config);
        }
    }

    /// Faults that act on the connection or its channel rather than on data.
    fn apply(&mut self, fault: Option<Kind>, number: u64) {
        match fault {
            Some(Kind::Drop) => self.course = Course::Dropped,
            Some(Kind::Close(code)) => self.close(code, "closed on request"),
            Some(Kind::Slow(delay)) => self.pause = Some(delay),
            Some(Kind::Garbage) => {
                self.send(format!("{{\"type\":\"FEED_DATA\",\"channel\":{number},\"data\":[\"Quote\",[\"SPY\",1.0"));
            }
            Some(Kind::Full { announced }) => {
                if let Some(channel) = self.channels.get_mut(&number) {
                    channel.format = Format::Full;
                    let config = message::feed_config(number, "FULL", channel.period_seconds, &[]);
                    if announced {
                        self.send(config);
                    }
                }
            }
            _ => {}
        }
    }

    fn take(&mut self, batch: &Batch) {
        self.channels.values_mut().for_each(|channel| channel.take(batch));
    }

    /// Once a second: timers, the current candles, and now and then the summaries.
    fn look(&mut self) {
        let now = self.now();
        let since = |at: DateTime<Utc>| (now - at).max(TimeDelta::zero()).as_seconds_f64();
        let authorised = self.set_up && self.token.is_some();
        if since(self.heard_at) > self.silence_seconds_max
            || (!authorised && since(self.opened_at) > HANDSHAKE_SECONDS_MAX)
        {
            self.fail(0, ErrorCode::Timeout, "no message in time");
            return self.close(1000, "timeout");
        }
        if let Some(token) =
            self.token.take_if(|_| self.feed.faults.for_feed("AUTH_STATE", &[]) == Some(Kind::AuthLost))
        {
            self.feed.tokens.revoke_quote(&token);
            self.feed.leave(&token);
            self.send(message::unauthorized());
        }
        if since(self.sent_at) >= self.keepalive_seconds {
            self.send(message::keepalive());
        }
        if self.outgoing.len() >= FRAMES_HELD {
            return;
        }
        self.looks += 1;
        self.send_current_candles(now);
        if self.looks.is_multiple_of(LOOKS_PER_SUMMARY) {
            self.send_summaries(now);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let numbers: Vec<u64> = self.channels.keys().copied().collect();
        numbers.into_iter().for_each(|number| self.reset(number));
        self.count_subscriptions();
        if let Some(token) = &self.token {
            self.feed.leave(token);
        }
    }
}
