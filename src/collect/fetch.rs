//! What the scheduler asks of a source, and what it gets back.

pub use crate::lake::FailedItem;
pub use crate::progress::Progress;

use super::findings::FindingsSink;
use super::purpose::Purpose;
use crate::lake::{MadeOf, Snapshot};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// One refresh of one dataset.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Items to fetch (symbols in tastytrade spelling); a source that has no items ignores them.
    pub items: Vec<String>,
    /// Streamer spelling of an item where it is known; a source derives it otherwise.
    pub streamer_symbols: HashMap<String, String>,
    /// For history: the last date already held per item. A source fetches from some days before it on, so that bars
    /// which it has corrected or restated meet those that are held; or everything within its look-back when the item is
    /// absent.
    pub held_until: HashMap<String, NaiveDate>,
    /// For history: the date that a source begins with in place of its look-back, where its answer need not continue what
    /// it brought before.
    pub begin: HashMap<String, NaiveDate>,
    /// For history: the last date held of items that are asked for as if nothing were; it tells that more is to come.
    pub asked_anew: HashMap<String, NaiveDate>,
    /// For a derived dataset: the last result, when it is still the table's latest version.
    pub previous: Option<Previous>,
    /// Where the source reports how far it is.
    pub progress: Arc<Progress>,
    /// What its requests are for: the rate budget puts them in order by it.
    pub purpose: Arc<Purpose>,
    /// Where the source tells of rows that it rejects, and of what is doubtful.
    pub findings: FindingsSink,
}

/// The last result of a derivation.
#[derive(Debug, Clone)]
pub struct Previous {
    /// What it was made of.
    pub made_of: MadeOf,
    /// The version whose rows it has.
    pub snapshot: Arc<Snapshot>,
}

/// What one refresh brought. Batches have exactly the dataset's schema.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    /// Rows, in any order; `fetched_at` is filled.
    pub batches: Vec<RecordBatch>,
    /// Number of items that were asked for.
    pub items: u64,
    /// Items that failed after every attempt. Their old rows are kept.
    pub failed: Vec<FailedItem>,
    /// Why the answer is not all that there is, where it should be: rows that are not in it say nothing then, and rows of a
    /// history are not fresh by it.
    pub partial: Option<String>,
    /// The moment that rows of a history are of, where they are not as young as the fetch.
    pub as_of: Option<DateTime<Utc>>,
    /// Requests sent to the origin, retries included.
    pub origin_calls: u64,
    /// For a derived dataset: the version of each input it was made from.
    pub inputs: BTreeMap<String, u64>,
    /// For a derived dataset: what else the result depends on (see [`MadeOf::basis`]).
    pub basis: Option<String>,
    /// For a derived dataset: the items the rows are of, when the others' rows stay as they are.
    pub recomputed: Option<BTreeSet<String>>,
}

/// A refresh that brought nothing at all.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The origin cannot be reached, or answers only errors.
    #[error("{origin}: {reason}")]
    Unavailable {
        /// Host or endpoint that was asked.
        origin: String,
        /// Why, in one clear sentence.
        reason: String,
    },
    /// The origin refuses our credentials; a person must change them.
    #[error("{origin} refuses the credentials: {reason}")]
    Unauthorized {
        /// Host or endpoint that was asked.
        origin: String,
        /// What the other side said, secrets masked.
        reason: String,
    },
    /// The origin answered with something that is not its documented format.
    #[error("{origin}: unreadable answer: {reason}")]
    Unreadable {
        /// Host or endpoint that was asked.
        origin: String,
        /// What is wrong, and where.
        reason: String,
    },
}

/// A source of one dataset. Dropping the future stops the fetch; nothing is written by it.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// Fetches what `request` asks for. Some items may fail (see [`Fetched::failed`]); `Err` only when all did.
    async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError>;
}
