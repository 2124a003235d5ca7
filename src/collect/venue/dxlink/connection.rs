//! One connection of the feed for all its life: it follows its share, publishes what comes, watches whether it comes, and
//! opens another session when one ends.

use super::events::{EventType, Events};
use super::options::FeedOptions;
use super::session::{self, Change, Session, Setup, Subscription};
use super::session_error::SessionError;
use super::share::Share;
use super::status::FeedStatus;
use super::token::QuoteTokens;
use super::watchdog::{Action, Watchdog};
use crate::live::Live;
use crate::live::feed::{FeedBoard, FeedState, Followed, Follows, Gap, Line};
use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// Longest wait between connections, and the wait after a refused token.
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(60);
/// A session that lived this long ended by chance: the next wait is the first again.
const STEADY: Duration = Duration::from_secs(60);
/// How often it is looked whether the connection is silent. The silence itself goes by the program's clock.
const LOOK: Duration = Duration::from_millis(500);
/// Subscriptions that are made anew to ask whether the venue answers.
const ASKED: usize = 10;

/// One connection of the feed.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) tokens: QuoteTokens,
    pub(super) options: FeedOptions,
    pub(super) status: Arc<FeedStatus>,
    pub(super) live: Arc<Live>,
    pub(super) line: Arc<Line>,
}

/// The watch, and when a connection was last left for the sake of some symbols.
struct Watch {
    dog: Watchdog,
    left_at: Option<DateTime<Utc>>,
}

impl Connection {
    /// Follows the share, as it changes, until `shutdown`.
    pub(super) async fn run(self, mut shares: watch::Receiver<Share>, shutdown: CancellationToken) {
        let delays = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(self.options.reconnect_delay)
            .with_max_delay(RECONNECT_DELAY_MAX)
            .without_max_times();
        let mut waits = delays.build();
        let mut left_at = None;
        let mut token_was_lost = false;
        loop {
            let begun = Instant::now();
            let error = tokio::select! {
                () = shutdown.cancelled() => break,
                error = self.session(&mut shares, &mut left_at) => error,
            };
            self.ended(&error);
            if begun.elapsed() >= STEADY {
                waits = delays.build();
            }
            let token_is_lost = matches!(error, SessionError::AuthLost { .. });
            let wait = match &error {
                // A new token is asked for at once, unless the last new one was lost as well.
                _ if token_is_lost && !token_was_lost => Some(Duration::ZERO),
                error if error.refused() => None,
                _ => waits.next(),
            };
            token_was_lost = token_is_lost;
            let wait = wait.map_or(RECONNECT_DELAY_MAX, |wait| wait.min(RECONNECT_DELAY_MAX));
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
            }
        }
        self.status.ended(self.line.number(), self.now(), None);
    }

    fn now(&self) -> DateTime<Utc> {
        self.tokens.client().clock().now()
    }

    fn board(&self) -> &FeedBoard {
        self.live.feed()
    }

    /// Tells that a session ended, or could not be opened.
    fn ended(&self, error: &SessionError) {
        let state = match error {
            SessionError::Stalled { .. } => FeedState::Stalled,
            error if error.refused() => FeedState::Refused,
            _ => FeedState::Disconnected,
        };
        let reason = error.to_string();
        tracing::warn!(connection = self.line.number(), %error, "the live feed is interrupted");
        self.status.ended(self.line.number(), self.now(), Some(reason.clone()));
        self.board().lost(&self.line, state, &reason);
    }

    /// One session from its opening to its end.
    async fn session(&self, shares: &mut watch::Receiver<Share>, left_at: &mut Option<DateTime<Utc>>) -> SessionError {
        let setup = Setup { kinds: EventType::live().collect(), aggregation: self.options.aggregation };
        let mut session = match session::open(&self.tokens, &setup).await {
            Ok(session) => session,
            Err(error) => return error,
        };
        self.status.opened(self.line.number(), session.origin(), self.now());
        self.board().set_level(session.token().level.clone());
        let mut share = shares.borrow_and_update().clone();
        self.follow(&share);
        session.change(&everything(&share));
        let silence = TimeDelta::from_std(self.board().terms().silence).unwrap_or(TimeDelta::MAX);
        let mut watch = Watch { dog: Watchdog::new(silence, self.now()), left_at: *left_at };
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let error = loop {
            tokio::select! {
                events = session.next() => match events {
                    Ok(events) => self.publish(events, session.ignored(), &mut watch.dog),
                    Err(error) => break error,
                },
                () = changed(shares) => {
                    let next = shares.borrow_and_update().clone();
                    session.change(&difference(&share, &next));
                    share = next;
                    self.follow(&share);
                }
                _ = looks.tick() => {
                    if let Err(error) = self.look(&mut session, &share, &mut watch) {
                        break error;
                    }
                }
            }
        };
        *left_at = watch.left_at;
        if matches!(error, SessionError::AuthLost { .. }) {
            self.tokens.discard(session.token());
        }
        error
    }

    /// Says what is followed from now on. What was followed before keeps its rhythm.
    fn follow(&self, share: &Share) {
        let (before, now) = (self.line.follows(), self.now());
        let mut follows = Follows::default();
        for (subscription, why) in &share.subscriptions {
            let (symbol, event) = (share.name(&subscription.symbol), subscription.kind.table());
            let known = before.get(event, symbol).filter(|known| known.why == *why).cloned();
            let fresh = || Arc::new(Followed::new(symbol.clone(), event, subscription.kind.flows(), *why, now));
            follows.insert(known.unwrap_or_else(fresh));
        }
        self.line.set_follows(follows);
        self.board().changed();
    }

    /// Publishes the events of a frame.
    fn publish(&self, events: Events, ignored: u64, dog: &mut Watchdog) {
        let now = self.now();
        self.status.heard(self.line.number(), events.len(), ignored, now);
        let follows = self.line.follows();
        events.each(|event, symbol| {
            if let Some(one) = follows.get(event, symbol) {
                let before = one.rhythm.last_at();
                one.rhythm.heard(now, one.hours.open_since(now));
                if one.is_quiet() && one.set_quiet(false) {
                    self.board().gaps().add(self.gap_of(one, before.unwrap_or(one.since), now));
                    self.board().changed();
                }
            }
        });
        self.line.heard(now);
        dog.heard();
        // The rows first: whoever is told that it speaks again finds what it said.
        events.publish(&self.live);
        self.board().speaks(&self.line);
    }

    /// The gap of one symbol that was silent while others spoke.
    fn gap_of(&self, one: &Followed, from: DateTime<Utc>, to: DateTime<Utc>) -> Gap {
        Gap {
            feed: self.board().terms().name,
            from,
            to: Some(to),
            reason: "the symbol was silent against its rhythm while others spoke".to_owned(),
            symbols: Some([one.symbol.clone()].into()),
            events: [one.event].into(),
        }
    }

    /// Looks whether the connection is silent, and does something about it.
    fn look(&self, session: &mut Session, share: &Share, watch: &mut Watch) -> Result<(), SessionError> {
        let now = self.now();
        if session.remark() != self.line.remark().as_deref() {
            self.line.set_remark(session.remark().map(str::to_owned));
            self.board().changed();
        }
        let nothing_trades = share.subscriptions.is_empty() || self.line.hours().open_since(now).is_none();
        if self.line.state() != FeedState::Live && nothing_trades {
            // Connected, and silence says nothing.
            self.board().speaks(&self.line);
        }
        match watch.dog.look(&self.line, now, &mut watch.left_at) {
            Action::Nothing => {}
            Action::Ask => session.change(&again(share.subscriptions.keys().take(ASKED), share)),
            Action::Resubscribe(reason) => {
                tracing::warn!(connection = self.line.number(), reason, "the live feed is stalled");
                self.board().lost(&self.line, FeedState::Stalled, &reason);
                session.change(&everything(share));
            }
            Action::ResubscribeSome(silent) => {
                tracing::warn!(connection = self.line.number(), ?silent, "symbols are silent against their rhythm");
                self.board().changed();
                let is_silent = |one: &&Subscription| {
                    let name = share.name(&one.symbol);
                    silent.iter().any(|(event, symbol)| *event == one.kind.table() && symbol == name)
                };
                session.change(&again(share.subscriptions.keys().filter(is_silent), share));
            }
            Action::Leave(reason) => return Err(SessionError::Stalled { origin: session.origin().to_owned(), reason }),
        }
        Ok(())
    }
}

/// All of a share, and nothing else.
fn everything(share: &Share) -> Change {
    let add = share.subscriptions.keys().cloned().collect();
    Change { reset: true, add, ours: share.ours.clone(), ..Change::default() }
}

/// Some of a share, taken back and asked for anew.
fn again<'a>(some: impl Iterator<Item = &'a Subscription>, share: &Share) -> Change {
    let add: Vec<Subscription> = some.cloned().collect();
    Change { reset: false, remove: add.clone(), add, ours: share.ours.clone() }
}

/// What makes one share of another.
fn difference(before: &Share, next: &Share) -> Change {
    let lacks = |share: &Share, one: &Subscription| !share.subscriptions.contains_key(one);
    let remove = before.subscriptions.keys().filter(|one| lacks(next, one)).cloned().collect();
    let add = next.subscriptions.keys().filter(|one| lacks(before, one)).cloned().collect();
    let ours: HashMap<Arc<str>, Arc<str>> = next.ours.clone();
    Change { reset: false, remove, add, ours }
}

/// Waits for another share; for ever when nobody can change it any more.
async fn changed(shares: &mut watch::Receiver<Share>) {
    if shares.changed().await.is_err() {
        std::future::pending().await
    }
}
