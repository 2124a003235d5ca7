//! The contract of a live event: what its type tells, so that every table, dataset and catalog entry of it follows.

use super::column::Column;
use chrono::{DateTime, Utc};
use std::fmt::Debug;
use std::sync::Arc;

/// Columns that identify a row of every table of latest events: a book holds one event of each symbol.
pub const LATEST_KEY: &[&str] = &["symbol"];

/// Columns by which every history of events is sorted; `sequence` keeps events of one microsecond apart.
pub const HISTORY_KEY: &[&str] = &["symbol", "received_at", "sequence"];

/// Which of the followed symbols an event is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Listed symbols and the options near the money.
    Every,
    /// Listed symbols alone.
    Listed,
    /// The options near the money alone.
    Options,
}

/// The dataset that keeps every event received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// Name of the dataset and of its table: the event's name with `_history`.
    pub name: &'static str,
    /// One sentence for people: grain and source.
    pub comment: &'static str,
}

/// One kind of live event. The collector makes values of it, books hold them, tables show them.
///
/// A table exists where its comment is given. Its columns are `symbol`, then [`Event::COLUMNS`], then `event_at` and
/// `received_at`; a history has `sequence` and `fetched_at` after them, a table of the schema `live` has `missed`.
///
/// A new event is a file beside this one with a type that implements this trait, its place in the list beside it, and its
/// fields on the wire of the venue that sends it.
pub trait Event: Clone + Debug + Send + Sync + 'static {
    /// Name of the table of latest events and of the table in the schema `live`: plural, in lower case.
    const NAME: &'static str;

    /// Comment of the table with the latest event of each symbol; `None` where there is no such table.
    const LATEST: Option<&'static str>;

    /// Comment of the table in the schema `live`, which follows the events; `None` where there is no such table.
    const LIVE: Option<&'static str>;

    /// The dataset that keeps every event; `None` where only the latest is known.
    const HISTORY: Option<History>;

    /// Which symbols it is asked for.
    const SCOPE: Scope;

    /// The columns between `symbol` and `event_at`.
    const COLUMNS: &'static [Column<Self>];

    /// Symbol in streamer spelling (`AAPL`, `.SPY260116C500`).
    fn symbol(&self) -> &Arc<str>;

    /// Venue time; `None` when the venue sends none.
    fn event_at(&self) -> Option<DateTime<Utc>>;

    /// When this process received it.
    fn received_at(&self) -> DateTime<Utc>;
}
