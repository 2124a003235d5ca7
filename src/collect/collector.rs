//! One dataset together with what fetches it. Sources make collectors; the scheduler runs them.

use super::fetch::{Fetch, Progress, Request};
use super::items::Items;
use crate::lake::{Lake, Scope};
use std::sync::Arc;

/// What is asked of a source. A scope may spare it work; items beside it are left out afterwards.
pub type RequestBuilder = Arc<
    dyn Fn(Arc<Lake>, Scope, Arc<Progress>) -> futures::future::BoxFuture<'static, Result<Request, String>>
        + Send
        + Sync,
>;

/// One dataset with its source.
#[derive(Clone)]
pub struct Collector {
    /// Where its rows come from.
    pub source: Arc<dyn Fetch>,
    /// What to ask for.
    pub request: RequestBuilder,
    /// What it can be asked for alone; `None` where only all at once.
    pub items: Option<Items>,
    /// Whether a CSV twin is written after each change.
    pub csv: bool,
    /// A dataset to which each fetch is also appended (`market_metrics` keeps its history).
    pub history: Option<&'static str>,
}

impl Collector {
    /// A dataset that is only asked for as a whole, without twin and history.
    pub(crate) fn new(source: impl Fetch + 'static, request: RequestBuilder) -> Self {
        Self { source: Arc::new(source), request, items: None, csv: false, history: None }
    }

    /// The same, of which some items can be asked for alone.
    #[must_use]
    pub(crate) fn by_item(mut self, items: Items) -> Self {
        self.items = Some(items);
        self
    }
}
