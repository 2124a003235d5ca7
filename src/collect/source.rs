//! A source: where datasets are fetched from, over what, and whether it also streams. One folder of `venue` each.
//!
//! The server opens every source of the list in `venue` with its section of the configuration and asks each whether it
//! can be used; the configuration says which dataset comes from which source. A source knows its own wire formats and
//! credentials and nothing of other sources, of the lake or of SQL.

use super::client::error::ClientError;
use super::client::{BudgetStatus, EndpointStatus, Tap};
use super::collector::Collector;
use super::venue::dxlink::{FeedLimits, FeedStatus, FeedSymbols};
use crate::clock::Clock;
use crate::config::{Config, SourceConfig};
use crate::live::Live;
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Makes a source as configured, whose traffic is recorded by the tap. It sends nothing yet. `Err` when the configured address cannot be used.
pub type Open = fn(&SourceConfig, Clock, Tap) -> Result<Arc<dyn Source>, ClientError>;

/// One line of the list of sources.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    /// Its name: `[source.NAME]` and the key `source` of a dataset.
    pub name: &'static str,
    /// Makes the source from its section of the configuration.
    pub open: Open,
}

/// A source in this process, with its own client: its own credentials, breakers and rate budget.
pub trait Source: Send + Sync {
    /// Whether it can be asked: credentials are there, or none are needed. `Err` says what a person has to set, as the
    /// end of a sentence.
    fn ready(&self) -> Result<(), String>;

    /// The datasets it can fetch, sorted. The configuration is checked against them.
    fn datasets(&self) -> &'static [&'static str];

    /// What fetches one of them: what is asked for, and in what pieces. `None` for a dataset that it cannot fetch.
    fn collector(&self, dataset: &str, config: &Config) -> Option<Collector>;

    /// What kind of market data it gives: `real-time`, `delayed`, `end-of-day`, `simulated`.
    fn feed_class(&self) -> &'static str;

    /// Its live feed, ready to run within these limits; `None` for a source that has none. Called once.
    fn feed(&self, limits: FeedLimits) -> Option<Box<dyn LiveFeed>> {
        let _ = limits;
        None
    }

    /// Lets it be asked again though it refused the credentials: a person has seen to them.
    fn ask_again(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Its rate budget and what waits for it, for `system.budget`; `None` where there is no limit.
    fn budget(&self) -> Option<BudgetStatus> {
        None
    }

    /// Every endpoint asked so far, for `system.sources`.
    fn endpoints(&self) -> Vec<EndpointStatus>;
}

/// A live feed that has not been started.
pub trait LiveFeed: Send {
    /// What the feed tells of itself while it runs.
    fn status(&self) -> Arc<FeedStatus>;

    /// Publishes the events of the wanted symbols into the live books until `shutdown`. Dropping the future stops it.
    fn run(
        self: Box<Self>,
        live: Arc<Live>,
        symbols: watch::Receiver<FeedSymbols>,
        shutdown: CancellationToken,
    ) -> BoxFuture<'static, ()>;
}
