//! The watch over one connection: whether it is silent while it should speak, and what is to be done about it.
//!
//! It goes by the hours in which the followed symbols trade and by the rhythm in which each spoke so far. A connection that
//! is silent for long is first asked for something it has to answer, unless its rhythm says that this is no quiet; then it
//! is subscribed anew; then it is left for another. Pure but for what the board remembers: time is handed in.

use crate::live::feed::{Followed, Line};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;

/// How long a question or a new subscription may take to bring events.
const ANSWER: TimeDelta = TimeDelta::seconds(15);
/// Least time between connections that are left because some symbols are silent while others speak.
const LEFT_FOR_SYMBOLS: TimeDelta = TimeDelta::minutes(10);

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    /// All is well, or an answer is waited for.
    Nothing,
    /// Ask for something that has to be answered: it may be that nothing happens.
    Ask,
    /// Subscribe anew to everything: it is stalled.
    Resubscribe(String),
    /// Subscribe anew to these, which are silent while others speak.
    ResubscribeSome(Vec<(&'static str, Arc<str>)>),
    /// Leave the connection for another.
    Leave(String),
}

/// How far a silence has got.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Fine,
    Asked(DateTime<Utc>),
    Resubscribed(DateTime<Utc>),
}

/// The watch over one session of a connection.
#[derive(Debug)]
pub(super) struct Watchdog {
    /// Silence within session hours after which something is wrong.
    least: TimeDelta,
    stage: Stage,
    /// When the session began to follow.
    begun: DateTime<Utc>,
    /// When silent symbols were subscribed anew, while that waits for an answer.
    symbols_asked: Option<DateTime<Utc>>,
}

impl Watchdog {
    /// A watch that begins now.
    pub(super) fn new(least: TimeDelta, now: DateTime<Utc>) -> Self {
        Self { least, stage: Stage::Fine, begun: now, symbols_asked: None }
    }

    /// The connection brought events.
    pub(super) fn heard(&mut self) {
        self.stage = Stage::Fine;
    }

    /// What is to be done at this moment. `left_at` is when a connection was last left for the sake of some symbols.
    pub(super) fn look(&mut self, line: &Line, now: DateTime<Utc>, left_at: &mut Option<DateTime<Utc>>) -> Action {
        let follows = line.follows();
        let Some(open) = line.hours().open_since(now).filter(|_| !follows.is_empty()) else {
            self.stage = Stage::Fine;
            return self.look_at_symbols(line, now, left_at);
        };
        let from = line.last_data_at().unwrap_or(self.begun).max(self.begun).max(open);
        let silence = now - from;
        match self.stage {
            Stage::Fine if silence < self.least => self.look_at_symbols(line, now, left_at),
            Stage::Fine if line.is_against_rhythm(silence, self.least) => self.resubscribe(silence, now),
            Stage::Fine => {
                self.stage = Stage::Asked(now);
                Action::Ask
            }
            Stage::Asked(at) if now - at >= ANSWER => self.resubscribe(silence, now),
            Stage::Resubscribed(at) if now - at >= ANSWER => {
                self.stage = Stage::Fine;
                Action::Leave(format!("no events for {} s, nor after subscribing anew", silence.num_seconds()))
            }
            Stage::Asked(_) | Stage::Resubscribed(_) => Action::Nothing,
        }
    }

    fn resubscribe(&mut self, silence: TimeDelta, now: DateTime<Utc>) -> Action {
        self.stage = Stage::Resubscribed(now);
        Action::Resubscribe(format!("no events for {} s in session hours", silence.num_seconds()))
    }

    /// Whether symbols are silent against their rhythm while the connection speaks.
    fn look_at_symbols(&mut self, line: &Line, now: DateTime<Utc>, left_at: &mut Option<DateTime<Utc>>) -> Action {
        let follows = line.follows();
        let mut silent = Vec::new();
        for one in follows.iter() {
            if !one.is_quiet() && self.is_silent(one, now) && one.set_quiet(true) {
                silent.push((one.event, one.symbol.clone()));
            }
        }
        if !silent.is_empty() {
            self.symbols_asked = Some(now);
            silent.sort();
            return Action::ResubscribeSome(silent);
        }
        let unanswered = self.symbols_asked.filter(|at| now - *at >= ANSWER).is_some();
        if !unanswered {
            return Action::Nothing;
        }
        self.symbols_asked = None;
        let long_ago = left_at.is_none_or(|at| now - at >= LEFT_FOR_SYMBOLS);
        let mut still: Vec<&str> = follows.iter().filter(|one| one.is_quiet()).map(|one| &*one.symbol).collect();
        still.sort_unstable();
        match still.first().filter(|_| long_ago) {
            Some(first) => {
                *left_at = Some(now);
                Action::Leave(format!("{} of its symbols are silent, such as {first}", still.len()))
            }
            None => Action::Nothing,
        }
    }

    /// Whether one is silent for longer than its rhythm allows, within its hours and since it is asked for here.
    fn is_silent(&self, one: &Followed, now: DateTime<Utc>) -> bool {
        if !one.flows {
            return false;
        }
        let Some(limit) = one.rhythm.too_long(self.least) else { return false };
        let Some(open) = one.hours.open_since(now) else { return false };
        let from = one.rhythm.last_at().unwrap_or(one.since).max(one.since).max(self.begun).max(open);
        now - from >= limit
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::live::feed::{FeedBoard, FeedTerms, Follows, Why};

    const LEAST: TimeDelta = TimeDelta::seconds(60);

    struct Watched {
        clock: Clock,
        line: Arc<Line>,
        dog: Watchdog,
        left_at: Option<DateTime<Utc>>,
    }

    impl Watched {
        fn at(now: &str) -> Self {
            let clock = Clock::hand_set(now.parse().unwrap());
            let line = FeedBoard::new(clock.clone(), FeedTerms::default()).open_line();
            let mut follows = Follows::default();
            for symbol in ["SPY", ".QUIET260116C1"] {
                follows.insert(Arc::new(Followed::new(symbol.into(), "quotes", true, Why::List, clock.now())));
            }
            line.set_follows(follows);
            let dog = Watchdog::new(LEAST, clock.now());
            Self { clock, line, dog, left_at: None }
        }

        fn wait(&mut self, seconds: i64) -> Action {
            self.clock.advance(TimeDelta::seconds(seconds));
            self.dog.look(&self.line, self.clock.now(), &mut self.left_at)
        }

        fn speak(&mut self, symbol: &str) {
            let now = self.clock.now();
            self.line.heard(now);
            self.dog.heard();
            let one = self.line.follows().get("quotes", symbol).unwrap().clone();
            one.rhythm.heard(now, one.hours.open_since(now));
            one.set_quiet(false);
        }

        /// A quote a second for so many seconds.
        fn speak_for(&mut self, seconds: i64) {
            for _ in 0..seconds {
                assert_eq!(self.wait(1), Action::Nothing);
                self.speak("SPY");
            }
        }
    }

    #[test]
    fn a_silence_against_the_rhythm_is_a_stall_at_once() {
        let mut watched = Watched::at("2026-06-10T15:00:00Z");
        watched.speak_for(30);
        assert_eq!(watched.wait(59), Action::Nothing);
        assert_eq!(watched.wait(1), Action::Resubscribe("no events for 60 s in session hours".to_owned()));
        assert_eq!(watched.wait(14), Action::Nothing);
        assert!(matches!(watched.wait(1), Action::Leave(reason) if reason.contains("75 s")));
    }

    #[test]
    fn a_connection_without_a_rhythm_is_asked_first_and_quiet_is_no_stall() {
        let mut watched = Watched::at("2026-06-10T15:00:00Z");
        assert_eq!(watched.wait(60), Action::Ask);
        watched.speak(".QUIET260116C1");
        assert_eq!(watched.wait(59), Action::Nothing);
        assert_eq!(watched.wait(1), Action::Ask);
        assert_eq!(watched.wait(10), Action::Nothing);
        assert!(matches!(watched.wait(5), Action::Resubscribe(_)));
        watched.speak("SPY");
        assert_eq!(watched.wait(30), Action::Nothing);
    }

    #[test]
    fn silence_is_no_fault_outside_of_sessions_and_counts_from_the_opening() {
        let mut watched = Watched::at("2026-06-10T19:59:00Z");
        watched.speak_for(30);
        assert_eq!(watched.wait(3_600), Action::Nothing);
        watched.clock.set("2026-06-11T13:30:30Z".parse().unwrap());
        assert_eq!(watched.wait(0), Action::Nothing);
        assert!(matches!(watched.wait(30), Action::Resubscribe(_)));
        // Saturdays and holidays have no session.
        for day in ["2026-06-13T15:00:00Z", "2026-12-25T15:00:00Z"] {
            watched.clock.set(day.parse().unwrap());
            assert_eq!(watched.wait(0), Action::Nothing);
        }
    }

    #[test]
    fn a_symbol_is_silent_by_its_own_rhythm_alone() {
        let mut watched = Watched::at("2026-06-10T15:00:00Z");
        watched.speak_for(30);
        // Its quotes go on in another symbol, which never had a rhythm.
        for _ in 0..59 {
            assert_eq!(watched.wait(1), Action::Nothing);
            watched.line.heard(watched.clock.now());
            watched.dog.heard();
        }
        assert_eq!(watched.wait(1), Action::ResubscribeSome(vec![("quotes", "SPY".into())]));
        watched.line.heard(watched.clock.now());
        assert!(matches!(watched.wait(15), Action::Leave(reason) if reason.contains("SPY")));
        // It is not left again soon for the same.
        watched.dog = Watchdog::new(LEAST, watched.clock.now());
        watched.line.heard(watched.clock.now());
        watched.dog.symbols_asked = Some(watched.clock.now());
        assert_eq!(watched.wait(20), Action::Nothing);
        watched.speak("SPY");
        assert!(watched.line.follows().iter().all(|one| !one.is_quiet()));
    }
}
