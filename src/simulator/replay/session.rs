//! One connection of a replayed feed: the handshake is made to fit the client, and what follows is what was recorded.

use super::feeds::{Feeds, Pair, pair};
use super::play::{Ending, Play, Step};
use crate::simulator::dxlink::message::{self, Incoming};
use crate::simulator::dxlink::writer::Writer;
use futures::StreamExt;
use regex::Regex;
use serde_json::json;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_util::sync::CancellationToken;

/// Seconds of silence that are announced to the client.
const SILENCE_SECONDS: f64 = 60.0;
/// How often a sign of life is sent.
const KEEPALIVE: Duration = Duration::from_secs(20);
/// Frames that may wait for a slow client before the replay waits too.
const FRAMES_HELD: usize = 64;
/// Frames that may wait before no more requests are read.
const FRAMES_HELD_MAX: usize = 4_096;

/// The number of a channel in a frame. It stands before the data.
static CHANNEL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#""channel"\s*:\s*(\d+)"#).ok());

/// The state of one connection, which its task owns.
pub(super) struct Session {
    feeds: Arc<Feeds>,
    /// Channels that the client has opened, in their order.
    channels: Vec<u64>,
    /// The client's number by the recorded one.
    numbers: HashMap<u64, u64>,
    /// Frames that wait for the writer, oldest first.
    outgoing: VecDeque<Message>,
    /// What waits is sent, and then the connection ends.
    is_over: bool,
}

impl Session {
    pub(super) fn new(feeds: Arc<Feeds>) -> Self {
        let outgoing = VecDeque::new();
        Self { feeds, channels: Vec::new(), numbers: HashMap::new(), outgoing, is_over: false }
    }

    /// Serves the connection until either side ends it, or `shutdown`.
    pub(super) async fn run(mut self, socket: WebSocketStream<TcpStream>, shutdown: CancellationToken) {
        let (sink, mut source) = socket.split();
        let writer = Writer::start(sink);
        let mut play: Option<Play> = None;
        let mut keepalives = tokio::time::interval(KEEPALIVE);
        keepalives.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        keepalives.reset();
        while !self.is_over || !self.outgoing.is_empty() {
            let open = !self.is_over;
            tokio::select! {
                () = shutdown.cancelled() => break,
                permit = writer.queue.reserve(), if !self.outgoing.is_empty() => {
                    match (permit, self.outgoing.pop_front()) {
                        (Ok(permit), Some(message)) => permit.send(message),
                        _ => break,
                    }
                }
                received = source.next(), if open && self.outgoing.len() < FRAMES_HELD_MAX => match received {
                    Some(Ok(message)) => self.receive(message, &mut play),
                    _ => break,
                },
                step = next(&mut play), if open && self.outgoing.len() < FRAMES_HELD => self.perform(step),
                _ = keepalives.tick(), if open => self.send(message::keepalive()),
            }
        }
        writer.end().await;
    }

    fn send(&mut self, text: String) {
        self.outgoing.push_back(Message::text(text));
    }

    fn receive(&mut self, message: Message, play: &mut Option<Play>) {
        match message {
            Message::Text(text) => {
                if let Ok(incoming) = serde_json::from_str(&text) {
                    self.handle(incoming, play);
                }
            }
            Message::Ping(payload) => self.outgoing.push_back(Message::Pong(payload)),
            Message::Close(_) => self.is_over = true,
            Message::Binary(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }

    fn handle(&mut self, incoming: Incoming, play: &mut Option<Play>) {
        let channel = incoming.channel;
        match incoming.r#type.as_str() {
            "SETUP" => {
                self.send(message::setup(SILENCE_SECONDS));
                self.send(message::unauthorized());
            }
            "AUTH" => self.send(message::authorized()),
            "CHANNEL_REQUEST" => {
                self.channels.push(channel);
                let contract = incoming.parameters.contract.as_deref().unwrap_or("AUTO");
                self.send(message::channel_opened(channel, contract));
            }
            "CHANNEL_CANCEL" => self.send(message::channel_closed(channel)),
            "FEED_SETUP" => {
                let period = incoming.accept_aggregation_period.unwrap_or_default();
                self.send(message::feed_config(channel, "COMPACT", period, &[]));
            }
            "FEED_SUBSCRIPTION" => self.subscribe(&incoming, play),
            _ => {}
        }
    }

    /// The first subscription decides which recorded connection is replayed.
    fn subscribe(&mut self, incoming: &Incoming, play: &mut Option<Play>) {
        let pairs = incoming.add.iter().map(pair);
        if let Some(play) = play {
            return play.ask(pairs);
        }
        let pairs: HashSet<Pair> = pairs.collect();
        let feeds = self.feeds.clone();
        if pairs.is_empty() {
            return;
        }
        let Some(feed) = feeds.choose(&pairs) else { return };
        self.numbers = feed.channels.iter().copied().zip(self.channels.iter().copied()).collect();
        if !feed.fields.is_empty() {
            // Values follow the fields that were asked for when they were recorded, until a frame announces others.
            let config = json!({
                "type": "FEED_CONFIG", "channel": incoming.channel, "dataFormat": "COMPACT", "eventFields": feed.fields,
            });
            self.send(config.to_string());
        }
        *play = Some(Play::start(feed, feeds.speed, pairs));
    }

    fn perform(&mut self, step: Step) {
        match step {
            Step::Frame(text) => {
                let text = self.renumbered(text);
                self.send(text);
            }
            Step::Ended(ending) => {
                self.is_over = true;
                if let Ending::Closed(code) = ending {
                    let frame = code.map(|code| CloseFrame { code: code.into(), reason: "".into() });
                    self.outgoing.push_back(Message::Close(frame));
                }
            }
        }
    }

    /// A frame with the client's number of its channel.
    fn renumbered(&self, text: String) -> String {
        let found = CHANNEL.as_ref().and_then(|channel| channel.captures(&text)?.get(1));
        let number = found.and_then(|found| self.numbers.get(&found.as_str().parse().ok()?));
        match (found, number.map(u64::to_string)) {
            (Some(found), Some(number)) if number != found.as_str() => {
                let mut renumbered = text.clone();
                renumbered.replace_range(found.range(), &number);
                renumbered
            }
            _ => text,
        }
    }
}

/// The next step of a replay; never, where there is none.
async fn next(play: &mut Option<Play>) -> Step {
    match play {
        Some(play) => play.next().await,
        None => std::future::pending().await,
    }
}
