//! What a running server says of itself over HTTP: whether it is ready, its datasets, its feed, its counters.
//!
//! `command::serve` makes one [`ServerStatus`] and hands it to `serve::http`, which asks it through the trait
//! [`Health`] for `/readyz`, `/metrics` and the status page, and knows nothing of lake and engine.

use crate::clock::Clock;
use crate::collect::history::History;
use crate::collect::upkeep::{Kind as UpkeepKind, Upkeep};
use crate::collect::venue::dxlink::FeedStatus;
use crate::engine::Queries;
use crate::lake::freshness::{FreshnessBoard, Ttl};
use crate::lake::quality::DoubtSummary;
use crate::lake::{Lake, LakeTable, Scope};
use crate::live::Live;
use crate::live::feed::FeedState;
use crate::market::event::{Quote, Trade};
use crate::serve::http::metrics::{Kind, Metric};
use crate::serve::http::{self, Health};
use crate::server::{Server, Storage};
use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use futures::future::join_all;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long doubts that were read are told: each look reads a file of each dataset, and pages ask every few seconds.
const DOUBTS_KEPT: Duration = Duration::from_secs(10);

/// A view of a running server: shared handles, and whether it is ready. Each answer is read from them when it is asked
/// for, without I/O; but for the doubts, which are in the lake.
pub struct ServerStatus {
    lake: Arc<Lake>,
    board: FreshnessBoard,
    live: Arc<Live>,
    queries: Arc<Queries>,
    feed: Option<Arc<FeedStatus>>,
    feed_required: bool,
    histories: Vec<Arc<History>>,
    storage: Option<Arc<Storage>>,
    upkeep: Option<Arc<Upkeep>>,
    ready: AtomicBool,
    /// What the last look found doubtful, and when that was.
    doubts: ArcSwapOption<(Instant, Doubts)>,
}

/// What is doubtful, by name of the dataset.
type Doubts = BTreeMap<String, http::DoubtStatus>;

impl ServerStatus {
    /// A status that is not ready until [`ServerStatus::set_ready`].
    pub fn new(server: &Server) -> Self {
        Self {
            lake: server.lake.clone(),
            board: server.board.clone(),
            live: server.live.clone(),
            queries: server.engine.queries().clone(),
            feed: server.feed.clone(),
            feed_required: server.feed_required,
            histories: server.histories.clone(),
            storage: server.storage.clone(),
            upkeep: server.upkeep.clone(),
            ready: AtomicBool::new(false),
            doubts: ArcSwapOption::empty(),
        }
    }

    /// Says that clients are served from now on.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }
}

#[async_trait]
impl Health for ServerStatus {
    /// One reason until the front ends serve; those for which what is collected cannot be stored, while reads go on; and,
    /// where the configuration asks for it, why the feed is not live.
    fn unready(&self) -> Vec<String> {
        let starting = !self.ready.load(Ordering::Relaxed);
        let starting = starting.then(|| "the first collection has not ended".to_owned());
        let storage = self.storage.as_ref().and_then(|storage| storage.failure());
        let not_kept = |history: &Arc<History>| {
            Some(format!("live events of {} are not kept: {}", history.dataset(), history.failure()?))
        };
        let silent = || {
            let verdict = self.live.feed().verdict("", None)?;
            (verdict.state != FeedState::Live).then(|| verdict.words())
        };
        let silent = self.feed_required.then(silent).flatten();
        starting.into_iter().chain(storage).chain(silent).chain(self.histories.iter().filter_map(not_kept)).collect()
    }

    /// Counts of statements, live symbols and, per history kept here, of events written, lost and not committed yet; and
    /// what upkeep this process does of which dataset.
    fn metrics(&self) -> Vec<Metric> {
        let gauge = |name, help, value: usize| Metric::new(name, help, Kind::Gauge, value as f64);
        let mut metrics = vec![
            gauge("tt_queries_running", "Statements that run now.", self.queries.running().len()),
            gauge("tt_live_quote_symbols", "Symbols with a live quote.", self.live.book::<Quote>().len()),
            gauge("tt_live_trade_symbols", "Symbols with a live trade.", self.live.book::<Trade>().len()),
        ];
        for history in &self.histories {
            let Some(spool) = history.spool() else { continue };
            let (status, dataset) = (spool.status(), history.dataset());
            let counter = |name, help, value: u64| Metric::new(name, help, Kind::Counter, value as f64);
            let all = [
                counter("tt_history_events_total", "Live events written to the spool.", status.written()),
                counter("tt_history_missed_total", "Live events lost before the spool.", status.missed()),
                gauge("tt_history_uncommitted_events", "Events the lake does not have yet.", spool.tail().events()),
            ];
            metrics.extend(all.map(|metric| metric.with_label("dataset", dataset)));
        }
        metrics.extend(self.upkeep.iter().flat_map(|upkeep| upkeep_metrics(upkeep)));
        metrics
    }

    /// A row per dataset of the lake, by name. A TTL that is not a fixed time is left out.
    fn datasets(&self) -> Vec<http::DatasetStatus> {
        let status = |(name, freshness): (&&'static str, &Arc<crate::lake::freshness::Freshness>)| {
            let snapshot = self.lake.table(name).and_then(|table| table.current());
            http::DatasetStatus {
                dataset: (*name).to_owned(),
                state: freshness.state().name(),
                age_seconds: freshness.age(&Scope::All).map(|age| age.as_seconds_f64()),
                ttl_seconds: freshness.policy.and_then(|policy| match policy.ttl {
                    Ttl::After(ttl) => Some(ttl.as_secs_f64()),
                    Ttl::SessionClose(_) | Ttl::Inputs => None,
                }),
                rows: snapshot.as_ref().and_then(|snapshot| snapshot.rows()),
                version: snapshot.as_ref().map(|snapshot| snapshot.version),
                last_error: freshness.last_error(),
            }
        };
        self.board.iter().map(status).collect()
    }

    /// Those of every dataset of the lake, whichever process told of them; a few seconds old at most.
    async fn doubts(&self) -> Doubts {
        if let Some(known) = self.doubts.load_full().filter(|known| known.0.elapsed() < DOUBTS_KEPT) {
            return known.1.clone();
        }
        let read = join_all(self.lake.tables().map(doubts_of)).await;
        let doubts: Doubts = read.into_iter().flatten().collect();
        self.doubts.store(Some(Arc::new((Instant::now(), doubts.clone()))));
        doubts
    }

    /// The dxLink feed, by the machine's clock; `None` where this process follows none.
    fn feed(&self) -> Option<http::FeedStatus> {
        let feed = self.feed.as_ref()?.snapshot();
        let state = self.live.feed().verdict("", None).map_or(FeedState::Connecting, |verdict| verdict.state);
        Some(http::FeedStatus {
            origin: "dxLink".to_owned(),
            state: state.name().to_owned(),
            connected: feed.connected,
            symbols: feed.subscriptions,
            events: feed.events,
            last_event_age_seconds: feed.last_event_at.map(|at| (Clock::System.now() - at).as_seconds_f64()),
            last_error: feed.last_error,
        })
    }

    /// The program's own version.
    fn versions(&self) -> Vec<(&'static str, String)> {
        vec![("tt", env!("CARGO_PKG_VERSION").to_owned())]
    }
}

/// What is doubtful about a dataset; `None` where nothing is.
async fn doubts_of(table: &Arc<LakeTable>) -> Option<(String, http::DoubtStatus)> {
    let doubts = DoubtSummary::of(&table.known_quality().await.doubts, &Scope::All);
    let (severity, counts, example) = (doubts.severity()?.name(), doubts.counts()?, doubts.example()?);
    Some((table.dataset().name.to_owned(), http::DoubtStatus { severity, counts, example }))
}

/// Files of each table, and what its upkeep did since the start.
fn upkeep_metrics(upkeep: &Upkeep) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for report in upkeep.report() {
        let (total, failed) = (report.record.total, report.record.failed);
        let counter = |name, help, value: u64| Metric::new(name, help, Kind::Counter, value as f64);
        let gauge = |name, help, value: Option<u64>| Some(Metric::new(name, help, Kind::Gauge, value? as f64));
        let of_kind = match report.kind {
            UpkeepKind::Compact => vec![
                counter("tt_upkeep_merged_files_total", "Small files that were made larger ones of.", total.merged),
                counter("tt_upkeep_written_files_total", "Files that were written for them.", total.written),
            ],
            UpkeepKind::Vacuum => vec![
                counter("tt_upkeep_removed_files_total", "Data files that were removed.", total.removed),
                counter("tt_upkeep_freed_bytes_total", "Size of the data files that were removed.", total.bytes_freed),
                counter("tt_upkeep_log_files_total", "Files of the log that were removed.", total.log_files),
            ],
        };
        let failures = counter("tt_upkeep_failures_total", "Runs of upkeep that failed.", failed);
        let now = match report.kind {
            UpkeepKind::Compact => gauge("tt_lake_small_files", "Files that a merge would take.", report.small_files),
            UpkeepKind::Vacuum => gauge("tt_lake_files", "Files of the latest version.", report.files),
        };
        let all = of_kind.into_iter().chain(now).chain([failures.with_label("kind", report.kind.name())]);
        metrics.extend(all.map(|metric| metric.with_label("dataset", report.dataset)));
    }
    metrics
}
