//! What a query over live tables is told of the feed: how it is, how old its data are, and what is not followed.

use super::line::{FeedState, Line};
use super::{FeedBoard, FeedTerms};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use std::collections::{BTreeSet, HashSet};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

/// Symbols that a sentence names; of more it tells the number.
const NAMES_TOLD: usize = 5;

/// How the feed is, as far as one query needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How the worst of its connections is.
    pub state: FeedState,
    /// Since when it is so.
    pub since: DateTime<Utc>,
    /// Why; `None` while it is live.
    pub reason: Option<String>,
    /// What the venue would not do.
    pub remark: Option<String>,
    /// When the connection that was silent for longest spoke last.
    pub last_data_at: Option<DateTime<Utc>>,
    /// Time within session hours since then; `None` where there never was an event.
    pub silence: Option<TimeDelta>,
    /// Symbols that fell silent while their connections go on, sorted.
    pub quiet: Vec<Arc<str>>,
    /// Symbols that are not followed, because the venue takes no more; sorted.
    pub left_out: Vec<Arc<str>>,
    /// The class of the data, and what the venue calls it.
    pub class: String,
}

/// Whether rows may be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// Nothing is wrong that is known.
    Whole,
    /// They may, with these words: something is missing, but what is there is of now.
    Partial(String),
    /// They are older than they may be.
    Stale(String),
}

impl FeedBoard {
    /// How the feed is for a query on one event, of some symbols or all; `None` where no feed is followed.
    pub fn verdict(&self, event: &str, symbols: Option<&HashSet<String>>) -> Option<Verdict> {
        let lines = self.lines();
        let now = self.now();
        let concerns = |line: &&Arc<Line>| match symbols {
            Some(symbols) => {
                let follows = line.follows();
                symbols.iter().any(|symbol| follows.get(event, symbol).is_some())
            }
            None => true,
        };
        let concerned: Vec<&Arc<Line>> = lines.iter().filter(concerns).collect();
        // What no connection follows yet is as well off as the feed as a whole.
        let concerned = if concerned.is_empty() { lines.iter().collect() } else { concerned };
        let worst = concerned.iter().max_by_key(|line| line.state())?.status();
        let silence = |line: &&&Arc<Line>| line.last_data_at().map(|at| line.hours().elapsed(at, now));
        let oldest = concerned.iter().max_by_key(|line| silence(line).unwrap_or(TimeDelta::MAX))?;
        let wanted = |symbol: &str| symbols.is_none_or(|symbols| symbols.contains(symbol));
        let mut quiet = BTreeSet::new();
        for line in &concerned {
            let follows = line.follows();
            let of_event = follows.iter().filter(|one| one.event == event && one.is_quiet());
            quiet.extend(of_event.map(|one| one.symbol.clone()).filter(|symbol| wanted(symbol)));
        }
        let left_out = self.left_out();
        let left_out = left_out.iter().filter(|one| one.event == event && wanted(&one.symbol));
        Some(Verdict {
            state: worst.state,
            since: worst.since,
            reason: worst.reason,
            remark: concerned.iter().find_map(|line| line.remark()),
            last_data_at: oldest.last_data_at(),
            silence: silence(&oldest),
            quiet: quiet.into_iter().collect(),
            left_out: left_out.map(|one| one.symbol.clone()).collect(),
            class: class(self.terms(), self.level().as_deref().map(String::as_str)),
        })
    }
}

/// The class of the data, with the venue's own word where that says more.
fn class(terms: &FeedTerms, level: Option<&str>) -> String {
    match level {
        Some(level) if level != "api" && terms.class != "simulated" => format!("{}, {level}", terms.class),
        _ => terms.class.to_owned(),
    }
}

impl Verdict {
    /// Whether rows may be given: none that are older than `max_staleness`, or than the silence after which the feed is
    /// taken for stalled. Time outside of session hours does not count.
    pub fn judge(&self, terms: &FeedTerms, max_staleness: Option<Duration>) -> Judged {
        let limit = TimeDelta::from_std(max_staleness.unwrap_or(terms.silence)).unwrap_or(TimeDelta::MAX);
        let too_old = self.silence.is_none_or(|silence| silence > limit);
        let stale = match self.state {
            FeedState::Stalled => true,
            // Nothing has come where nothing trades, or nothing is asked for.
            FeedState::Live => too_old && self.silence.is_some(),
            FeedState::Connecting | FeedState::Disconnected | FeedState::Refused => too_old,
        };
        if stale || !self.quiet.is_empty() {
            return Judged::Stale(self.words());
        }
        let delayed = terms.class == "delayed" || self.class.contains("demo");
        let whole = self.state == FeedState::Live && self.left_out.is_empty() && self.remark.is_none() && !delayed;
        if whole { Judged::Whole } else { Judged::Partial(self.words()) }
    }

    /// The same in words: the state, the age and the class, then what is missing.
    pub fn words(&self) -> String {
        let mut words = format!("the feed is {}", self.state.name());
        // Writing to a String cannot fail.
        let _ = match (self.state, &self.last_data_at) {
            (FeedState::Live, None) => Ok(()),
            (_, None) => write!(words, " and has brought nothing yet"),
            (_, Some(at)) => write!(
                words,
                ", its last event {} old in session hours (of {})",
                span(self.silence.unwrap_or_default()),
                at.to_rfc3339_opts(SecondsFormat::Secs, true)
            ),
        };
        let _ = write!(words, "; its data are {}", self.class);
        for more in [&self.reason, &self.remark].into_iter().flatten() {
            let _ = write!(words, "; {more}");
        }
        if !self.quiet.is_empty() {
            let _ = write!(words, "; silent against their rhythm: {}", names(&self.quiet));
        }
        if !self.left_out.is_empty() {
            let _ = write!(words, "; not followed, since the venue takes no more: {}", names(&self.left_out));
        }
        words
    }

    /// What has to change before it is told again: not how old everything is meanwhile.
    pub fn key(&self) -> String {
        let Self { state, since, quiet, left_out, remark, .. } = self;
        format!("{state:?} {since} {quiet:?} {left_out:?} {remark:?}")
    }
}

/// The first symbols, and how many more there are.
fn names(symbols: &[Arc<str>]) -> String {
    let named: Vec<&str> = symbols.iter().take(NAMES_TOLD).map(AsRef::as_ref).collect();
    let more = symbols.len().saturating_sub(NAMES_TOLD);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

/// `2 h 5 m`, `95 s`: a span for people.
fn span(span: TimeDelta) -> String {
    let seconds = span.num_seconds();
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} m {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} m", seconds / 3_600, seconds / 60 % 60),
    }
}
