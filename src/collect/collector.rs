//! One dataset together with what fetches it. Sources make collectors; the scheduler runs them.

use super::fetch::{Fetch, Progress, Request};
use super::items::Items;
use crate::lake::freshness::Coverage;
use crate::lake::{Lake, Scope};
use std::sync::Arc;

/// What is asked of a source. A scope may spare it work; items beside it are left out afterwards.
pub type RequestBuilder = Arc<
    dyn Fn(Arc<Lake>, Scope, Arc<Progress>) -> futures::future::BoxFuture<'static, Result<Request, String>>
        + Send
        + Sync,
>;

/// Lets a source be asked again that has refused for good.
pub type AskAgain = Arc<dyn Fn() -> futures::future::BoxFuture<'static, ()> + Send + Sync>;

/// One dataset with its source.
#[derive(Clone)]
pub struct Collector {
    /// Where its rows come from.
    pub source: Arc<dyn Fetch>,
    /// What to ask for.
    pub request: RequestBuilder,
    /// What it can be asked for alone; `None` where only all at once.
    pub items: Option<Items>,
    /// How far back its history is asked for, in days; `None` for what has none.
    pub reach_days: Option<u32>,
    /// What lets the source be asked again after a refusal, because a person says so.
    pub ask_again: Option<AskAgain>,
    /// Whether a CSV twin is written after each change.
    pub csv: bool,
    /// A dataset to which each fetch is also appended (`market_metrics` keeps its history).
    pub history: Option<&'static str>,
}

impl Collector {
    /// A dataset that is only asked for as a whole, without twin and history.
    pub(crate) fn new(source: impl Fetch + 'static, request: RequestBuilder) -> Self {
        Self::from_parts(Arc::new(source), request)
    }

    /// The same of a source that others hold too.
    pub(crate) fn from_parts(source: Arc<dyn Fetch>, request: RequestBuilder) -> Self {
        Self { source, request, items: None, reach_days: None, ask_again: None, csv: false, history: None }
    }

    /// The same, of which the history so many days back is asked for.
    #[must_use]
    pub(crate) fn reaching(mut self, days: u32) -> Self {
        self.reach_days = Some(days);
        self
    }

    /// What of the dataset is fetched.
    pub(crate) fn coverage(&self) -> Coverage {
        Coverage { items: self.items.as_ref().map(Items::all).unwrap_or_default(), reach_days: self.reach_days }
    }

    /// The same, of which some items can be asked for alone.
    #[must_use]
    pub(crate) fn by_item(mut self, items: Items) -> Self {
        self.items = Some(items);
        self
    }
}
