//! What the HTTP server asks of the program: whether it is ready, its metrics, and the state of its datasets and its
//! feed. `tt serve` implements [`Health`]; nothing here knows the lake or a source.

use super::metrics::Metric;
use async_trait::async_trait;
use std::collections::BTreeMap;

/// What the program says about itself. Each call is one look, cheap and callable at any rate; none waits but for the doubts,
/// which are read now and then.
#[async_trait]
pub trait Health: Send + Sync + 'static {
    /// Why it cannot serve yet, or cannot do all of its work, one sentence each; empty when it is ready.
    fn unready(&self) -> Vec<String>;

    /// Samples for `/metrics`, without those of [`Health::datasets`] and [`Health::feed`], which are derived.
    fn metrics(&self) -> Vec<Metric>;

    /// Freshness of every dataset, in the order to show it.
    fn datasets(&self) -> Vec<DatasetStatus>;

    /// What is doubtful about rows, by name of the dataset; nothing of those without a doubt.
    async fn doubts(&self) -> BTreeMap<String, DoubtStatus>;

    /// The live feed; `None` when none is configured.
    fn feed(&self) -> Option<FeedStatus>;

    /// Names and versions to show: the program first.
    fn versions(&self) -> Vec<(&'static str, String)>;
}

/// The freshness of one dataset, as `/metrics` and the status page show it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DatasetStatus {
    /// Name of the dataset, which is that of its SQL table.
    pub dataset: String,
    /// `fresh`, `stale`, `refreshing`, `failed` or `missing`, as `system.freshness` has it.
    pub state: &'static str,
    /// Age of its rows; `None` while there are none.
    pub age_seconds: Option<f64>,
    /// Age at which it is stale; `None` where that is not a fixed time.
    pub ttl_seconds: Option<f64>,
    /// Rows in the current version; `None` while there is none or it is not counted.
    pub rows: Option<u64>,
    /// Version of its Delta table in the lake; `None` before the first.
    pub version: Option<u64>,
    /// Why its last refresh failed; `None` when it did not.
    pub last_error: Option<String>,
}

/// What is doubtful about the rows of one dataset, as the status page shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DoubtStatus {
    /// How grave the gravest is: `severe`, `warning` or `info`, as `system.data_quality` has it.
    pub severity: &'static str,
    /// How many there are by severity: `1 severe, 2 warning`.
    pub counts: String,
    /// The gravest in words: symbol, kind and one case.
    pub example: String,
}

/// The state of the live feed's connection to the dxLink server, as metrics and the status page show it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeedStatus {
    /// The name of the feed, such as `dxLink`.
    pub origin: String,
    /// `live`, `connecting`, `stalled`, `disconnected` or `refused`, as `system.sources` has it.
    pub state: String,
    /// Whether the connection is up, so that events can arrive.
    pub connected: bool,
    /// Subscriptions of the feed: pairs of event type and symbol.
    pub symbols: u64,
    /// Events received since the process started.
    pub events: u64,
    /// Time since the last event; `None` before the first.
    pub last_event_age_seconds: Option<f64>,
    /// Why it was last lost; `None` when it never was.
    pub last_error: Option<String>,
}
