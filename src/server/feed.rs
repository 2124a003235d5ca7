//! Starts the live feed with all that tells it what to follow, and shows in `system.sources` how it is.

use crate::clock::Clock;
use crate::collect::client::EndpointStatus;
use crate::collect::source::LiveFeed;
use crate::collect::sources::Sources;
use crate::collect::venue::dxlink::{FeedStatus, FeedSymbols};
use crate::collect::{feed_gaps, left_out, near_money, queried, spelling, universe};
use crate::config::Config;
use crate::lake::Lake;
use crate::live::Live;
use crate::live::feed::FeedTerms;
use crate::system::sources::{FeedFigures, SourceRow, SourceRows};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What the feed is called in `system.sources`, beside the endpoints of its source.
const ENDPOINT: &str = "live feed";

/// What is agreed of the feed, as configured.
pub(super) fn terms(config: &Config, sources: &Sources) -> FeedTerms {
    let feed = &config.collect.feed;
    let class = sources.feed_class(config, "quotes");
    FeedTerms { class, silence: feed.silence, linger: feed.linger, ..FeedTerms::default() }
}

/// Follows the live symbols until `shutdown`, and tells when it has ended.
pub(super) async fn start(
    config: &Config,
    feed: Box<dyn LiveFeed>,
    lake: &Arc<Lake>,
    live: &Arc<Live>,
    clock: &Clock,
    shutdown: &CancellationToken,
    ended: CancellationToken,
) -> Arc<FeedStatus> {
    let quotes = universe::symbols(&config.lists, &config.collect.live_lists, &config.collect.symbols);
    let (symbols, subscribed) = watch::channel(FeedSymbols { quotes, ..FeedSymbols::default() });
    let status = feed.status();
    feed_gaps::recall(lake, live).await;
    let run = feed.run(live.clone(), subscribed, shutdown.clone());
    tokio::spawn(async move {
        let _ended = ended.drop_guard();
        run.await;
    });
    tokio::spawn(feed_gaps::follow(lake.clone(), live.clone(), shutdown.clone()));
    tokio::spawn(left_out::follow(lake.clone(), status.clone(), clock.clone(), shutdown.clone()));
    tokio::spawn(spelling::follow(lake.clone(), symbols.clone(), shutdown.clone()));
    tokio::spawn(queried::follow(live.clone(), symbols.clone(), shutdown.clone()));
    tokio::spawn(near_money::follow(lake.clone(), live.clone(), clock.clone(), symbols, shutdown.clone()));
    status
}

/// What `system.sources` shows, read anew for each query: the endpoints, and the feed with the name of its source.
pub(super) fn source_rows(
    sources: Sources,
    feed: Option<(&'static str, Arc<FeedStatus>)>,
    live: Arc<Live>,
) -> SourceRows {
    Arc::new(move || {
        let row = |(source, one): (&'static str, EndpointStatus)| SourceRow {
            source,
            origin: one.origin,
            endpoint: one.endpoint,
            breaker: Some(one.breaker_state.name()),
            open_until: one.open_until,
            calls: one.calls,
            failures: one.failures,
            in_flight: one.in_flight,
            budget_left: one.budget_left,
            last_error: one.last_error,
            feed: None,
        };
        let feed = feed.as_ref().and_then(|(source, status)| feed_row(source, status, &live));
        sources.endpoints().into_iter().map(row).chain(feed).collect()
    })
}

/// The row of the feed; `None` until it has begun.
fn feed_row(source: &'static str, status: &FeedStatus, live: &Live) -> Option<SourceRow> {
    let (counted, verdict) = (status.snapshot(), live.feed().verdict(ENDPOINT, None)?);
    Some(SourceRow {
        source,
        origin: counted.origin.unwrap_or_default(),
        endpoint: ENDPOINT,
        breaker: None,
        open_until: None,
        calls: counted.sessions,
        failures: counted.failures,
        in_flight: 0,
        budget_left: None,
        last_error: verdict.reason.or(verdict.remark).or(counted.last_error),
        feed: Some(FeedFigures {
            state: verdict.state.name(),
            since: verdict.since,
            last_data_at: verdict.last_data_at,
            class: verdict.class,
        }),
    })
}
