//! The live feed: one session that follows the subscribed symbols and publishes into the books, for ever.

use super::events::EventType;
use super::session::{self, Change, Session, SessionError, Setup, Subscription};
use super::token::QuoteTokens;
use crate::live::Live;
use crate::market::event::Scope;
use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Longest wait between connections, and the wait after a refused token.
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(60);
/// A session that lived this long ended by chance: the next wait is the first again.
const STEADY: Duration = Duration::from_secs(60);
/// Subscriptions the vendor allows on a session.
const SUBSCRIPTIONS_MAX: usize = 25_000;

/// What the feed follows, in streamer spelling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedSymbols {
    /// Listed symbols in tastytrade spelling: their quotes, trades and other events are followed, and have this symbol.
    pub quotes: Vec<String>,
    /// Options: their quotes, greeks and other events are followed.
    pub greeks: Vec<String>,
    /// The spelling that the feed knows, of listed symbols where it is another one (`/ESZ26:XCME` of `/ESZ6`).
    pub spellings: BTreeMap<String, String>,
}

/// What a session is asked for.
struct Wanted {
    subscriptions: BTreeSet<Subscription>,
    /// Our spelling by the feed's, where it is another one.
    ours: HashMap<Arc<str>, Arc<str>>,
    /// Symbols of which not everything is asked for, because a session may have no more subscriptions.
    left_out: BTreeSet<Arc<str>>,
}

impl FeedSymbols {
    fn wanted(&self) -> Wanted {
        let listed = self.quotes.iter().map(|symbol| (self.spellings.get(symbol).unwrap_or(symbol), Scope::Listed));
        let options = self.greeks.iter().map(|symbol| (symbol, Scope::Options));
        let pairs = listed.chain(options).filter(|(symbol, _)| !symbol.is_empty());
        let all = pairs.flat_map(|(symbol, scope)| {
            let symbol: Arc<str> = symbol.as_str().into();
            let has = move |kind: &EventType| kind.scope() == Some(Scope::Every) || kind.scope() == Some(scope);
            EventType::live().filter(has).map(move |kind| Subscription {
                kind,
                symbol: symbol.clone(),
                from_time: None,
            })
        });
        let all: BTreeSet<_> = all.collect();
        let ours = self.spellings.iter().map(|(ours, theirs)| (theirs.as_str().into(), ours.as_str().into()));
        let ours: HashMap<Arc<str>, Arc<str>> = ours.collect();
        let name = |symbol: &Arc<str>| ours.get(symbol).unwrap_or(symbol).clone();
        let left_out = all.iter().skip(SUBSCRIPTIONS_MAX).map(|left_out| name(&left_out.symbol)).collect();
        if all.len() > SUBSCRIPTIONS_MAX {
            tracing::warn!(
                asked = all.len(),
                followed = SUBSCRIPTIONS_MAX,
                "more subscriptions than a session may have"
            );
        }
        Wanted { subscriptions: all.into_iter().take(SUBSCRIPTIONS_MAX).collect(), ours, left_out }
    }
}

/// How the feed asks for its events.
#[derive(Debug, Clone)]
pub struct FeedOptions {
    /// Period within which the server may keep only the latest event of a symbol.
    pub aggregation: Duration,
    /// First wait before another connection; it doubles, up to a minute.
    pub reconnect_delay: Duration,
}

impl Default for FeedOptions {
    fn default() -> Self {
        Self { aggregation: Duration::from_millis(100), reconnect_delay: Duration::from_secs(1) }
    }
}

/// The feed as a person sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedSnapshot {
    /// Whether a session is open.
    pub connected: bool,
    /// Since when it is open, or is not.
    pub since: Option<DateTime<Utc>>,
    /// Pairs of event type and symbol that are asked for.
    pub subscriptions: u64,
    /// Symbols of which not everything is followed, because the venue takes no more subscriptions; sorted.
    pub left_out: Vec<String>,
    /// Events published since the start.
    pub events: u64,
    /// Frames with events since the start.
    pub frames: u64,
    /// Messages and events of the open session that were not understood.
    pub ignored: u64,
    /// Sessions opened after the first.
    pub reconnects: u64,
    /// Why the last session ended, or could not be opened.
    pub last_error: Option<String>,
    /// When the last event came.
    pub last_event_at: Option<DateTime<Utc>>,
}

/// What the feed tells of itself. The feed writes it; anyone reads it.
#[derive(Debug, Default)]
pub struct FeedStatus {
    events: AtomicU64,
    frames: AtomicU64,
    ignored: AtomicU64,
    /// Microseconds since 1970 of the last event; 0 is none.
    last_event_at: AtomicU64,
    sessions: AtomicU64,
    subscriptions: AtomicU64,
    /// Held for a copy, never across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default, Clone)]
struct State {
    connected: bool,
    since: Option<DateTime<Utc>>,
    last_error: Option<String>,
    left_out: Vec<String>,
}

impl FeedStatus {
    /// What the feed is at, at this moment.
    pub fn snapshot(&self) -> FeedSnapshot {
        let State { connected, since, last_error, left_out } =
            self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let last = i64::try_from(self.last_event_at.load(Ordering::Relaxed)).ok().filter(|micros| *micros > 0);
        FeedSnapshot {
            connected,
            since,
            subscriptions: self.subscriptions.load(Ordering::Relaxed),
            left_out,
            events: self.events.load(Ordering::Relaxed),
            frames: self.frames.load(Ordering::Relaxed),
            ignored: self.ignored.load(Ordering::Relaxed),
            reconnects: self.sessions.load(Ordering::Relaxed).saturating_sub(1),
            last_error,
            last_event_at: last.and_then(DateTime::from_timestamp_micros),
        }
    }

    fn follows(&self, wanted: &Wanted) {
        self.subscriptions.store(wanted.subscriptions.len() as u64, Ordering::Relaxed);
        let left_out = wanted.left_out.iter().map(|symbol| symbol.as_ref().to_owned()).collect();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).left_out = left_out;
    }

    fn set(&self, connected: bool, now: DateTime<Utc>, error: Option<String>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.connected != connected || state.since.is_none() {
            state.since = Some(now);
        }
        state.connected = connected;
        if error.is_some() {
            state.last_error = error;
        }
    }
}

/// The feed. It writes to the books alone and never waits for their readers.
#[derive(Debug)]
pub struct Feed {
    tokens: QuoteTokens,
    options: FeedOptions,
    status: Arc<FeedStatus>,
}

impl Feed {
    /// A feed that has not started.
    pub fn new(tokens: QuoteTokens, options: FeedOptions) -> Self {
        Self { tokens, options, status: Arc::default() }
    }

    /// Where to read how the feed is doing.
    pub fn status(&self) -> Arc<FeedStatus> {
        self.status.clone()
    }

    /// Follows `symbols`, as they change, into `live` until `shutdown`; opens another session when one ends.
    pub async fn run(self, live: Arc<Live>, mut symbols: watch::Receiver<FeedSymbols>, shutdown: CancellationToken) {
        let delays = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(self.options.reconnect_delay)
            .with_max_delay(RECONNECT_DELAY_MAX)
            .without_max_times();
        let mut waits = delays.build();
        loop {
            let begun = Instant::now();
            let error = tokio::select! {
                () = shutdown.cancelled() => break,
                error = self.session(&live, &mut symbols) => error,
            };
            self.status.set(false, self.now(), Some(error.to_string()));
            tracing::warn!(%error, "the live feed is interrupted");
            if begun.elapsed() >= STEADY {
                waits = delays.build();
            }
            let wait = if error.refused() { None } else { waits.next() };
            let wait = wait.map_or(RECONNECT_DELAY_MAX, |wait| wait.min(RECONNECT_DELAY_MAX));
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
            }
        }
        self.status.set(false, self.now(), None);
    }

    fn now(&self) -> DateTime<Utc> {
        self.tokens.client().clock().now()
    }

    /// One session from its opening to its end.
    async fn session(&self, live: &Live, symbols: &mut watch::Receiver<FeedSymbols>) -> SessionError {
        let setup = Setup { kinds: EventType::live().collect(), aggregation: self.options.aggregation };
        let mut session = match session::open(&self.tokens, &setup).await {
            Ok(session) => session,
            Err(error) => return error,
        };
        self.status.sessions.fetch_add(1, Ordering::Relaxed);
        self.status.set(true, self.now(), None);
        let Wanted { subscriptions, ours, .. } = self.wanted(symbols);
        let mut followed = subscriptions;
        session.change(&Change { reset: true, add: followed.iter().cloned().collect(), ours, ..Change::default() });
        loop {
            tokio::select! {
                published = self.publish(&mut session, live) => {
                    if let Err(error) = published {
                        return error;
                    }
                }
                () = changed(symbols) => {
                    let Wanted { subscriptions, ours, .. } = self.wanted(symbols);
                    let remove = followed.difference(&subscriptions).cloned().collect();
                    let add = subscriptions.difference(&followed).cloned().collect();
                    session.change(&Change { reset: false, remove, add, ours });
                    followed = subscriptions;
                }
            }
        }
    }

    /// What is to be followed now, which the status tells from now on.
    fn wanted(&self, symbols: &mut watch::Receiver<FeedSymbols>) -> Wanted {
        let wanted = symbols.borrow_and_update().wanted();
        self.status.follows(&wanted);
        wanted
    }

    /// Publishes the next frame with events.
    async fn publish(&self, session: &mut Session, live: &Live) -> Result<(), SessionError> {
        let events = session.next().await?;
        self.status.events.fetch_add(events.len() as u64, Ordering::Relaxed);
        self.status.frames.fetch_add(1, Ordering::Relaxed);
        self.status.ignored.store(session.ignored(), Ordering::Relaxed);
        let micros = u64::try_from(self.now().timestamp_micros()).unwrap_or_default();
        self.status.last_event_at.store(micros, Ordering::Relaxed);
        events.publish(live);
        Ok(())
    }
}

/// Waits for other symbols; for ever when nobody can change them any more.
async fn changed(symbols: &mut watch::Receiver<FeedSymbols>) {
    if symbols.changed().await.is_err() {
        std::future::pending().await
    }
}
