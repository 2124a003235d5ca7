//! The watch of a running live query over its feed: what became of it is told in the middle of the rows.

use super::settle::Terms;
use crate::live::feed::{FeedBoard, FeedState, Gap};
use crate::table::context::Notices;
use chrono::SecondsFormat;
use datafusion::common::Result;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};

/// How often it is looked how old the feed's data are, where the session takes none that are older than it says.
const LOOK: Duration = Duration::from_millis(500);

/// What a live query looks at of its feed.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    /// What is known of the feed.
    pub(super) feed: Arc<FeedBoard>,
    /// The table, as the query names it.
    pub(super) table: String,
    /// The event it is of.
    pub(super) event: &'static str,
    /// The symbols that are wanted; `None` is all.
    pub(super) symbols: Option<HashSet<String>>,
    /// What the session takes.
    pub(super) terms: Terms,
    /// Where the client is told.
    pub(super) notices: Notices,
}

/// The watch of one running query.
#[derive(Debug)]
pub(super) struct FeedWatch {
    watched: Watched,
    changes: watch::Receiver<u64>,
    looks: Interval,
    /// What was told last of a feed that is not as it should be.
    told: Option<String>,
    /// Gaps before this number are told, or were over before the query began.
    gaps_told: u64,
}

impl FeedWatch {
    /// A watch from now on; what is wrong already was told when the query was planned.
    pub(super) fn new(watched: Watched) -> Self {
        let mut changes = watched.feed.changes();
        changes.borrow_and_update();
        let Watched { feed, table, event, symbols, terms, .. } = &watched;
        let wrong = terms.settle(feed, table, event, symbols.as_ref());
        let verdict = feed.verdict(event, symbols.as_ref()).filter(|_| matches!(wrong, Ok(Some(_))));
        let told = verdict.map(|verdict| verdict.key());
        let gaps_told = watched.feed.gaps().first_open_or_next();
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { watched, changes, looks, told, gaps_told }
    }

    /// Waits until there is something to tell, and leaves it with the session. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The feed's data have become older than the session takes.
    pub(super) async fn news(&mut self) -> Result<()> {
        loop {
            let plain = self.watched.terms.are_plain();
            tokio::select! {
                changed = self.changes.changed() => if changed.is_err() {
                    return std::future::pending().await;
                },
                _ = self.looks.tick(), if !plain => {}
            }
            if self.tell()? {
                return Ok(());
            }
        }
    }

    /// Tells what is new; whether anything was.
    fn tell(&mut self) -> Result<bool> {
        let Watched { feed, table, event, symbols, terms, notices } = &self.watched;
        let words = terms.settle(feed, table, event, symbols.as_ref())?;
        let Some(verdict) = feed.verdict(event, symbols.as_ref()) else { return Ok(false) };
        let speaks = verdict.state == FeedState::Live && verdict.quiet.is_empty();
        let mut texts = Vec::new();
        if speaks {
            let (gaps, next) = feed.gaps().since(self.gaps_told);
            texts.extend(
                gaps.iter().filter(|gap| concerns(gap, event, symbols.as_ref())).map(|gap| missing(table, gap)),
            );
            self.gaps_told = next;
        }
        let now = words.as_ref().map(|_| verdict.key());
        if now != self.told {
            match words {
                Some(words) => texts.push(words),
                None if texts.is_empty() => texts.push(format!("table \"{table}\": the feed is live")),
                None => {}
            }
            self.told = now;
        }
        let any = !texts.is_empty();
        texts.into_iter().for_each(|text| notices.add(text));
        Ok(any)
    }
}

/// Whether a query on an event of some symbols, or all, may have lost something in a gap.
fn concerns(gap: &Gap, event: &str, symbols: Option<&HashSet<String>>) -> bool {
    let of_symbols = match (&gap.symbols, symbols) {
        (Some(lost), Some(wanted)) => lost.iter().any(|symbol| wanted.contains(symbol.as_ref())),
        _ => true,
    };
    of_symbols && gap.events.contains(&event)
}

/// The sentence about a gap.
fn missing(table: &str, gap: &Gap) -> String {
    let at = |moment: chrono::DateTime<chrono::Utc>| moment.to_rfc3339_opts(SecondsFormat::Millis, true);
    let until = gap.to.map(|to| format!(" to {}", at(to))).unwrap_or_default();
    format!("table \"{table}\": events may be missing from {}{until}: {} (system.feed_gaps)", at(gap.from), gap.reason)
}
