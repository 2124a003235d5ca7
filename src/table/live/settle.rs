//! Whether a query may have the rows of a live table as the feed is: with a notice, or not at all.

use crate::error::{ErrorKind, QueryError};
use crate::live::feed::{FeedBoard, Judged, is_askable};
use crate::market::event::{Event, Scope};
use crate::table::context::{OnStale, QueryContext};
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use std::collections::HashSet;
use std::time::Duration;

/// What a session takes of a feed that is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    on_stale: OnStale,
    max_staleness: Option<Duration>,
}

impl Terms {
    /// Those of a statement.
    pub(super) fn of(context: &QueryContext) -> Self {
        Self { on_stale: context.on_stale, max_staleness: context.max_staleness }
    }

    /// Whether nobody asks for more than what is known anyway.
    pub(super) fn are_plain(self) -> bool {
        self.on_stale != OnStale::Fail && self.max_staleness.is_none()
    }

    /// The words for the client where something is wrong that it takes; an error of kind Stale where it does not. Nothing
    /// can be refreshed here, so that who waits for no older rows waits in vain.
    ///
    /// # Errors
    /// The session takes no rows as old as the feed's.
    pub(super) fn settle(
        self,
        feed: &FeedBoard,
        table: &str,
        event: &str,
        symbols: Option<&HashSet<String>>,
    ) -> Result<Option<String>> {
        if self.are_plain() && feed.is_whole() {
            return Ok(None);
        }
        let Some(verdict) = feed.verdict(event, symbols) else { return Ok(None) };
        let refuses =
            self.on_stale == OnStale::Fail || (self.on_stale == OnStale::Wait && self.max_staleness.is_some());
        match verdict.judge(feed.terms(), self.max_staleness) {
            Judged::Whole => Ok(None),
            Judged::Stale(words) if refuses => Err(stale(table, &words)),
            Judged::Stale(words) | Judged::Partial(words) => Ok(Some(format!("table \"{table}\": {words}"))),
        }
    }
}

/// The error for rows that are older than the session takes.
fn stale(table: &str, words: &str) -> DataFusionError {
    let error = QueryError::new(ErrorKind::Stale, format!("table \"{table}\" is not fresh: {words}"));
    let hint = "SET freshness = 'serve' takes what there is; system.sources and system.feed_gaps tell more";
    DataFusionError::External(Box::new(error.with_hint(hint)))
}

/// Those of the symbols that have such an event, and are no nonsense.
pub(super) fn followable<E: Event>(symbols: &HashSet<String>) -> impl Iterator<Item = &String> {
    let has = |symbol: &&String| match E::SCOPE {
        Scope::Every => true,
        Scope::Listed => !symbol.starts_with('.'),
        Scope::Options => symbol.starts_with('.'),
    };
    symbols.iter().filter(has).filter(|symbol| is_askable(symbol))
}

/// The sentence about symbols that a query names and that nobody followed so far; `None` where there are none, and where
/// there is no feed that could follow them.
pub(super) fn newly_followed<'a>(
    feed: &FeedBoard,
    event: &'static str,
    symbols: impl Iterator<Item = &'a String>,
) -> Option<String> {
    let lines = feed.lines();
    let is_followed = |symbol: &&String| lines.iter().any(|line| line.follows().get(event, symbol).is_some());
    let left_out = feed.left_out();
    let is_known = |symbol: &&String| left_out.iter().any(|one| one.event == event && &*one.symbol == symbol.as_str());
    let mut new: Vec<&str> =
        symbols.filter(|symbol| !is_followed(symbol) && !is_known(symbol)).map(String::as_str).collect();
    if new.is_empty() || lines.is_empty() {
        return None;
    }
    new.sort_unstable();
    let (count, linger) = (new.len(), feed.terms().linger.as_secs());
    new.truncate(5);
    let more = if count > new.len() { format!(" and {} more", count - new.len()) } else { String::new() };
    Some(format!(
        "{event} of {}{more} were not followed; they are from now on, until {linger} s after the last query that names them",
        new.join(", ")
    ))
}
