//! One connection of the feed: the protocol's state and its timers. The task that runs it owns it alone.

use super::Feed;
use super::candle::{self, History};
use super::channel::{CandleSubscription, Channel, Contract, EventKind, Waiting};
use super::frame::{self, Format};
use super::message::{self, ErrorCode, Incoming, Subscription};
use crate::market::symbol::{CandleSymbol, canonical_candle};
use crate::simulator::event::{CandleEvent, FeedEvent};
use crate::simulator::fault::Kind;
use crate::simulator::hub::Batch;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{SinkExt, StreamExt};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::broadcast;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_util::sync::CancellationToken;

/// Longest message of a client; a longer one closes the connection with code 1009.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Pairs one connection may subscribe to.
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
/// Looks between summaries.
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

/// The state of one connection.
pub(super) struct Session {
    feed: Arc<Feed>,
    channels: BTreeMap<u64, Channel>,
    outgoing: VecDeque<Message>,
    course: Course,
    set_up: bool,
    token: Option<String>,
    opened_at: DateTime<Utc>,
    heard_at: DateTime<Utc>,
    sent_at: DateTime<Utc>,
    silence_seconds_max: f64,
    keepalive_seconds: f64,
    /// A fault asks for a pause before anything else happens.
    pause: Option<Duration>,
    looks: u64,
    summaries_sent: usize,
}

impl Session {
    pub(super) fn new(feed: Arc<Feed>) -> Self {
        let now = feed.exchange.clock.now();
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
            pause: None,
            looks: 0,
            summaries_sent: 0,
        }
    }

    /// Serves the connection until either side ends it, or `shutdown`.
    pub(super) async fn run(mut self, socket: WebSocketStream<TcpStream>, shutdown: CancellationToken) {
        let (mut sink, mut source) = socket.split();
        let (writer, mut queue) = mpsc::channel::<Message>(16);
        // The writer alone waits for the client, so that a client that does not read cannot stop the reading.
        let writing = tokio::spawn(async move {
            while let Some(message) = queue.recv().await {
                sink.feed(message).await?;
                if queue.is_empty() {
                    sink.flush().await?;
                }
            }
            sink.flush().await
        });
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
                permit = writer.reserve(), if !self.outgoing.is_empty() => match (permit, self.outgoing.pop_front()) {
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
        drop(writer);
        if self.course == Course::Dropped {
            writing.abort();
        } else {
            // A client that does not read any more is not waited for.
            let _ = tokio::time::timeout(Duration::from_secs(1), writing).await;
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.feed.exchange.clock.now()
    }

    fn send(&mut self, text: String) {
        self.sent_at = self.now();
        self.outgoing.push_back(Message::text(text));
    }

    fn fail(&mut self, channel: u64, code: ErrorCode, reason: &str) {
        self.send(message::error(channel, code, reason));
    }

    fn close(&mut self, code: u16, reason: &'static str) {
        self.outgoing.push_back(Message::Close(Some(CloseFrame { code: code.into(), reason: reason.into() })));
        self.course = Course::Closing;
    }

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
                self.channels.insert(number, Channel::new(number, contract));
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

    fn handle_subscription(&mut self, incoming: Incoming) {
        let number = incoming.channel;
        if incoming.reset {
            self.reset(number);
        }
        for pair in &incoming.remove {
            self.unsubscribe(number, pair);
        }
        let mut touched: Vec<EventKind> =
            incoming.add.iter().filter_map(|pair| EventKind::from_name(&pair.r#type)).collect();
        touched.sort();
        touched.dedup();
        self.announce(number, &touched);
        let mut begun = Begun::default();
        for pair in &incoming.add {
            if let Err(reason) = self.subscribe(number, pair, &mut begun) {
                self.fail(number, ErrorCode::BadAction, reason);
                break;
            }
        }
        self.send_ticks(number, EventKind::Quote, begun.batch.quotes);
        self.send_ticks(number, EventKind::Greeks, begun.batch.greeks);
        self.send_ticks(number, EventKind::Trade, begun.batch.trades);
        self.send_ticks(number, EventKind::TradeExtended, begun.extended_trades);
        self.send_ticks(number, EventKind::Summary, begun.summaries);
        self.send_ticks(number, EventKind::Profile, begun.profiles);
        self.count_subscriptions();
    }

    /// Announces the fields of types that are used for the first time on a channel.
    fn announce(&mut self, number: u64, kinds: &[EventKind]) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        let new: Vec<EventKind> = kinds.iter().copied().filter(|kind| channel.layout(*kind).1).collect();
        if !new.is_empty() {
            let (format, fields) = (channel.format.name(), channel.fields(&new));
            let config = message::feed_config(number, format, channel.period_seconds, &fields);
            self.send(config);
        }
    }

    fn subscribe(&mut self, number: u64, pair: &Subscription, begun: &mut Begun) -> Result<(), &'static str> {
        let Some(kind) = EventKind::from_name(&pair.r#type) else { return Ok(()) };
        if kind == EventKind::Candle {
            return self.subscribe_candle(number, pair);
        }
        let full = self.channels.values().map(Channel::size).sum::<usize>() >= SUBSCRIPTIONS_MAX;
        let feed = self.feed.clone();
        let now = self.now();
        let Some(channel) = self.channels.get_mut(&number) else { return Ok(()) };
        let begins = channel.begins_with_last(kind);
        let symbols = channel.subscribed.entry(kind).or_default();
        let symbol: Arc<str> = pair.symbol.as_str().into();
        let source = match symbols.get(&symbol) {
            Some(source) => source.clone(),
            None if full => return Err("more than 25000 subscriptions"),
            None => {
                let source = feed.exchange.resolve(&symbol).map(Arc::new);
                if let (Some(source), Some(ticks)) = (&source, kind.ticks()) {
                    feed.hub.add(ticks, &symbol, source);
                }
                symbols.insert(symbol.clone(), source.clone());
                source
            }
        };
        if let Some(source) = source.filter(|_| begins) {
            let exchange = &feed.exchange;
            match kind {
                EventKind::Quote => begun.batch.quotes.extend(exchange.quote(&symbol, &source, now, 0)),
                EventKind::Trade => begun.batch.trades.extend(exchange.trade(&symbol, &source, now, 0)),
                EventKind::TradeExtended => begun
                    .extended_trades
                    .extend(exchange.trade(&symbol, &source, now, 0).filter(|trade| trade.extended_hours)),
                EventKind::Greeks => begun.batch.greeks.extend(exchange.greeks(&symbol, &source, now)),
                EventKind::Summary => begun.summaries.extend(exchange.summary(&symbol, &source, now)),
                EventKind::Profile => begun.profiles.extend(exchange.profile(&symbol, &source, now)),
                EventKind::Candle => {}
            }
        }
        Ok(())
    }

    fn subscribe_candle(&mut self, number: u64, pair: &Subscription) -> Result<(), &'static str> {
        let Some(symbol) = CandleSymbol::parse(&pair.symbol) else { return Ok(()) };
        let canonical = symbol.canonical();
        let known = self.channels.get(&number).is_some_and(|channel| channel.candles.contains_key(&canonical));
        let candles: usize = self.channels.values().map(|channel| channel.candles.len()).sum();
        if !known && candles >= CANDLES_MAX {
            return Err("more than 100 candle subscriptions");
        }
        let now = self.now();
        let from = pair.from_time.and_then(|millis| DateTime::from_timestamp_millis(millis as i64));
        let from = from.unwrap_or(now).max(DateTime::UNIX_EPOCH);
        let history = candle::history(&self.feed.exchange, &symbol, from, now);
        let spellings = [pair.symbol.as_str(), canonical.as_str(), symbol.base.as_str()];
        let fault = self.feed.faults.for_feed(EventKind::Candle.name(), &spellings);
        self.feed.snapshots.fetch_add(1, Ordering::Relaxed);
        let Some(channel) = self.channels.get_mut(&number) else { return Ok(()) };
        let history = channel.limit_history(history);
        let wants_snapshot = channel.contract != Contract::Stream;
        let last = history.candles.first().cloned();
        channel.candles.insert(canonical.clone(), CandleSubscription { symbol, last });
        if wants_snapshot {
            self.send_snapshot(number, &canonical.into(), history, fault);
        }
        Ok(())
    }

    fn send_snapshot(&mut self, number: u64, symbol: &Arc<str>, history: History, fault: Option<Kind>) {
        let History { mut candles, mut cut_off } = history;
        let mut rows_per_frame = CANDLES_PER_FRAME;
        match &fault {
            Some(Kind::EmptySnapshot) => candles.clear(),
            Some(Kind::Snip) => {
                candles.truncate(candles.len().div_ceil(2));
                cut_off = true;
            }
            Some(Kind::SplitSnapshot) => rows_per_frame = 2,
            _ => {}
        }
        candle::flag_snapshot(&mut candles, cut_off);
        if candles.is_empty() {
            candles.push(candle::empty_row(symbol, self.now()));
        }
        let missing = fault == Some(Kind::NotANumber);
        let times = if fault == Some(Kind::RepeatedSnapshot) { 2 } else { 1 };
        for _ in 0..times {
            for part in candles.chunks(rows_per_frame) {
                self.send_frame(number, EventKind::Candle, part, |_| missing);
            }
        }
        if let (Some(Kind::Correction), Some(newest)) = (&fault, candles.first()) {
            // The row goes away and comes back within one transaction: nobody may see the gap.
            let removal = CandleEvent { flags: candle::PENDING | candle::REMOVE, ..newest.clone() };
            let again = CandleEvent { flags: 0, ..newest.clone() };
            self.send_frame(number, EventKind::Candle, &[removal], |_| false);
            self.send_frame(number, EventKind::Candle, &[again], |_| false);
        }
        self.apply(fault, number);
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

    fn unsubscribe(&mut self, number: u64, pair: &Subscription) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        match EventKind::from_name(&pair.r#type) {
            Some(EventKind::Candle) => {
                if let Some(canonical) = canonical_candle(&pair.symbol) {
                    channel.candles.remove(&canonical);
                }
            }
            Some(kind) => {
                let removed = channel.subscribed.get_mut(&kind).and_then(|symbols| symbols.remove_entry(&*pair.symbol));
                if let (Some((symbol, Some(_))), Some(ticks)) = (removed, kind.ticks()) {
                    self.feed.hub.remove(ticks, &symbol);
                }
            }
            None => {}
        }
    }

    /// Removes every subscription of a channel.
    fn reset(&mut self, number: u64) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        channel.candles.clear();
        for (kind, symbols) in channel.subscribed.drain() {
            for (symbol, source) in symbols {
                if let (Some(_), Some(ticks)) = (source, kind.ticks()) {
                    self.feed.hub.remove(ticks, &symbol);
                }
            }
        }
    }

    fn count_subscriptions(&self) {
        let size: usize = self.channels.values().map(Channel::size).sum();
        self.feed.subscriptions.store(size as u64, Ordering::Relaxed);
    }

    fn take(&mut self, batch: &Batch) {
        self.channels.values_mut().for_each(|channel| channel.take(batch));
    }

    /// Sends the ticks that are due.
    fn flush(&mut self) {
        let due: Vec<u64> =
            self.channels.values_mut().filter_map(|channel| channel.due().then_some(channel.number)).collect();
        for number in due {
            let Some(channel) = self.channels.get_mut(&number) else { continue };
            let drained = (
                Waiting::drain(&mut channel.quotes),
                Waiting::drain(&mut channel.trades),
                Waiting::drain(&mut channel.extended_trades),
                Waiting::drain(&mut channel.greeks),
            );
            let (quotes, trades, extended_trades, greeks) = drained;
            self.send_ticks(number, EventKind::Quote, quotes);
            self.send_ticks(number, EventKind::Trade, trades);
            self.send_ticks(number, EventKind::TradeExtended, extended_trades);
            self.send_ticks(number, EventKind::Greeks, greeks);
        }
    }

    fn send_ticks<E: FeedEvent>(&mut self, number: u64, kind: EventKind, events: Vec<E>) {
        if events.is_empty() {
            return;
        }
        let fault = self.feed.faults.for_feed(kind.name(), &[]);
        let all_missing = fault == Some(Kind::NotANumber);
        self.apply(fault, number);
        let missing: HashSet<Arc<str>> = match self.feed.faults.any_for_symbol(kind.name()) {
            false => HashSet::new(),
            true => {
                let broken =
                    |symbol: &Arc<str>| self.feed.faults.for_symbol(kind.name(), symbol) == Some(Kind::NotANumber);
                events.iter().map(E::symbol).filter(|symbol| broken(symbol)).cloned().collect()
            }
        };
        for part in events.chunks(TICKS_PER_FRAME) {
            self.send_frame(number, kind, part, |event| all_missing || missing.contains(event.symbol()));
        }
    }

    fn send_frame<E: FeedEvent>(&mut self, number: u64, kind: EventKind, events: &[E], missing: impl Fn(&E) -> bool) {
        self.announce(number, &[kind]);
        let Some(channel) = self.channels.get_mut(&number) else { return };
        let (layout, _) = channel.layout(kind);
        let text = frame::data(number, kind.name(), channel.format, &layout, events, missing);
        self.send(text);
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

    fn send_current_candles(&mut self, now: DateTime<Utc>) {
        let exchange = self.feed.exchange.clone();
        let mut changed: Vec<(u64, CandleEvent)> = Vec::new();
        for channel in self.channels.values_mut() {
            for subscription in channel.candles.values_mut() {
                let current = candle::current(&exchange, &subscription.symbol, now);
                // NaN is unlike itself: candles are compared by the fields that move.
                let moving = |candle: &CandleEvent| (candle.time, candle.close.to_bits(), candle.volume.to_bits());
                if let Some(current) =
                    current.filter(|current| subscription.last.as_ref().map(moving) != Some(moving(current)))
                {
                    subscription.last = Some(current.clone());
                    changed.push((channel.number, current));
                }
            }
        }
        let numbers: HashSet<u64> = changed.iter().map(|(number, _)| *number).collect();
        for number in numbers {
            let of_channel = |(other, candle): &(u64, CandleEvent)| (*other == number).then(|| candle.clone());
            let candles: Vec<CandleEvent> = changed.iter().filter_map(of_channel).collect();
            self.send_frame(number, EventKind::Candle, &candles, |_| false);
        }
    }

    /// Sends some of the summaries again, in turn.
    fn send_summaries(&mut self, now: DateTime<Utc>) {
        let mut summaries = Vec::new();
        for channel in self.channels.values() {
            let Some(symbols) = channel.subscribed.get(&EventKind::Summary) else { continue };
            let turn = self.summaries_sent % symbols.len().max(1);
            let sources = symbols.iter().filter_map(|(symbol, source)| Some((symbol, source.as_ref()?)));
            let some = sources.skip(turn).take(SUMMARIES_PER_LOOK);
            let made = some.filter_map(|(symbol, source)| self.feed.exchange.summary(symbol, source, now));
            summaries.push((channel.number, made.collect::<Vec<_>>()));
        }
        self.summaries_sent += SUMMARIES_PER_LOOK;
        for (number, events) in summaries {
            self.send_ticks(number, EventKind::Summary, events);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let numbers: Vec<u64> = self.channels.keys().copied().collect();
        numbers.into_iter().for_each(|number| self.reset(number));
        if let Some(token) = &self.token {
            self.feed.leave(token);
        }
    }
}

/// What a subscription message brings at once.
#[derive(Default)]
struct Begun {
    batch: Batch,
    extended_trades: Vec<crate::simulator::event::TradeEvent>,
    summaries: Vec<crate::simulator::event::SummaryEvent>,
    profiles: Vec<crate::simulator::event::ProfileEvent>,
}
