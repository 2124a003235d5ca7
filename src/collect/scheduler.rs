//! The one place that decides when a dataset is refreshed: on demand, when its rows go stale, after its inputs.
//!
//! One run per dataset at a time, whatever the number of requests; whoever asks while it runs waits for its end.
//! Dropping the task stops every run; nothing half-written becomes visible.

use super::write::{Written, write};
use super::{Fetch, FetchError, Fetched, Progress, Request};
use crate::clock::Clock;
use crate::lake::freshness::{Freshness, FreshnessBoard};
use crate::lake::refresh::RefreshRequest;
use crate::lake::{Lake, LakeTable, Run};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often expiries are looked at.
const TICK: Duration = Duration::from_millis(500);

/// First pause after a failed run before the next one in the background; it doubles up to [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_secs(15);
const RETRY_MAX: Duration = Duration::from_secs(900);

type Waiters = Vec<oneshot::Sender<Result<(), String>>>;

/// What is asked of a source.
pub type RequestBuilder =
    Arc<dyn Fn(Arc<Lake>, Arc<Progress>) -> futures::future::BoxFuture<'static, Result<Request, String>> + Send + Sync>;

/// One dataset with its source.
#[derive(Clone)]
pub struct Collector {
    /// Where its rows come from.
    pub source: Arc<dyn Fetch>,
    /// What to ask for.
    pub request: RequestBuilder,
    /// Whether a CSV twin is written after each change.
    pub csv: bool,
    /// A dataset to which each fetch is also appended (`market_metrics` keeps its history).
    pub history: Option<&'static str>,
}

/// What happens to refreshes, for a display.
#[derive(Debug, Clone)]
pub enum Event {
    /// A run began.
    Started {
        /// Dataset.
        dataset: &'static str,
        /// How far it is.
        progress: Arc<Progress>,
    },
    /// A run ended.
    Ended {
        /// Dataset.
        dataset: &'static str,
        /// What it did.
        run: Run,
    },
}

/// The scheduler, ready to run.
pub struct Scheduler {
    lake: Arc<Lake>,
    board: FreshnessBoard,
    collectors: BTreeMap<&'static str, Collector>,
    requests: mpsc::Receiver<RefreshRequest>,
    events: broadcast::Sender<Event>,
    clock: Clock,
    /// Whether stale datasets are refreshed without being asked for.
    background: bool,
}

/// A run in progress or waiting for its inputs.
struct Pending {
    cause: &'static str,
    started: bool,
    waiters: Waiters,
}

struct Finished {
    dataset: &'static str,
    run: Run,
}

impl Scheduler {
    /// A scheduler over collectors; `background` also refreshes what goes stale without being asked.
    pub fn new(
        lake: Arc<Lake>,
        board: FreshnessBoard,
        collectors: BTreeMap<&'static str, Collector>,
        requests: mpsc::Receiver<RefreshRequest>,
        clock: Clock,
        background: bool,
    ) -> Self {
        let (events, _) = broadcast::channel(256);
        Self { lake, board, collectors, requests, events, clock, background }
    }

    /// Follows what happens.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Runs until shutdown.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut pending: BTreeMap<&'static str, Pending> = BTreeMap::new();
        let mut failures: HashMap<&'static str, u32> = HashMap::new();
        let mut runs: JoinSet<Finished> = JoinSet::new();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.start_ready(&mut pending, &mut runs);
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(request) = self.requests.recv() => self.accept(request, &mut pending),
                Some(finished) = runs.join_next(), if !runs.is_empty() => match finished {
                    Ok(finished) => self.finish(finished, &mut pending, &mut failures),
                    Err(error) => tracing::error!("a refresh stopped: {error}"),
                },
                _ = tick.tick(), if self.background => self.add_stale(&mut pending, &failures),
            }
        }
        runs.shutdown().await;
    }

    fn accept(&self, request: RefreshRequest, pending: &mut BTreeMap<&'static str, Pending>) {
        let Some((&dataset, _)) = self.collectors.get_key_value(request.dataset.as_str()) else {
            let reason = format!("no source is configured for \"{}\"", request.dataset);
            let _ = request.done.send(Err(reason));
            return;
        };
        let entry = pending.entry(dataset).or_insert_with(|| Pending {
            cause: request.cause,
            started: false,
            waiters: Vec::new(),
        });
        entry.waiters.push(request.done);
        self.add_stale_inputs(dataset, pending);
    }

    /// Whoever asks for a derived dataset asks for its stale inputs first, however deep.
    fn add_stale_inputs(&self, dataset: &str, pending: &mut BTreeMap<&'static str, Pending>) {
        let Some(derived) = self.board.get(dataset).filter(|freshness| freshness.is_derived()) else { return };
        for input in derived.depends_on {
            let overdue = self.board.get(input).is_some_and(|freshness| freshness.overdue().is_some());
            let Some((&input, _)) = self.collectors.get_key_value(input).filter(|_| overdue) else { continue };
            pending.entry(input).or_insert_with(|| Pending {
                cause: "dependency",
                started: false,
                waiters: Vec::new(),
            });
            self.add_stale_inputs(input, pending);
        }
    }

    fn add_stale(&self, pending: &mut BTreeMap<&'static str, Pending>, failures: &HashMap<&'static str, u32>) {
        for &dataset in self.collectors.keys() {
            let Some(freshness) = self.board.get(dataset) else { continue };
            if freshness.overdue().is_none() || pending.contains_key(dataset) || self.backs_off(freshness, failures) {
                continue;
            }
            let cause = match freshness.loaded_at() {
                None => "start",
                Some(_) if freshness.is_derived() => "dependency",
                Some(_) => "ttl",
            };
            pending.insert(dataset, Pending { cause, started: false, waiters: Vec::new() });
        }
    }

    /// After failures the background waits longer and longer; a query may still ask at any time.
    fn backs_off(&self, freshness: &Freshness, failures: &HashMap<&'static str, u32>) -> bool {
        let Some(&count) = failures.get(freshness.dataset).filter(|count| **count > 0) else { return false };
        let pause = RETRY_FIRST.saturating_mul(2_u32.saturating_pow(count - 1)).min(RETRY_MAX);
        let Some(tried_at) = freshness.remembered().tried_at else { return false };
        (self.clock.now() - tried_at).to_std().is_ok_and(|since| since < pause)
    }

    /// Starts what waits, but nothing before its inputs: an input that is pending runs first.
    fn start_ready(&self, pending: &mut BTreeMap<&'static str, Pending>, runs: &mut JoinSet<Finished>) {
        let waiting: Vec<&'static str> = pending.keys().copied().collect();
        for &dataset in &waiting {
            let inputs = self.board.get(dataset).map_or(&[][..], |freshness| freshness.depends_on);
            if inputs.iter().any(|input| waiting.contains(input)) {
                continue;
            }
            let Some(entry) = pending.get_mut(dataset).filter(|entry| !entry.started) else { continue };
            let (Some(collector), Some(table), Some(freshness)) =
                (self.collectors.get(dataset), self.lake.table(dataset), self.board.get(dataset))
            else {
                continue;
            };
            entry.started = true;
            freshness.set_refreshing(true);
            let progress = Arc::new(Progress::default());
            let _ = self.events.send(Event::Started { dataset, progress: progress.clone() });
            let refresh = Refresh {
                lake: self.lake.clone(),
                table: table.clone(),
                collector: collector.clone(),
                clock: self.clock.clone(),
                cause: entry.cause,
                started_at: self.clock.now(),
                progress,
            };
            runs.spawn(async move { Finished { dataset, run: refresh.run().await } });
        }
    }

    fn finish(
        &self,
        finished: Finished,
        pending: &mut BTreeMap<&'static str, Pending>,
        failures: &mut HashMap<&'static str, u32>,
    ) {
        let Finished { dataset, run } = finished;
        let outcome = match &run.error {
            None => {
                failures.remove(dataset);
                Ok(())
            }
            Some(reason) => {
                *failures.entry(dataset).or_default() += 1;
                Err(reason.clone())
            }
        };
        if let Some(freshness) = self.board.get(dataset) {
            let mut state = crate::lake::DatasetState::clone(&freshness.remembered());
            state.record(run.clone());
            freshness.set_state(state);
            freshness.set_refreshing(false);
        }
        let _ = self.events.send(Event::Ended { dataset, run });
        for waiter in pending.remove(dataset).map(|entry| entry.waiters).unwrap_or_default() {
            // A reader that went away does not need the answer.
            let _ = waiter.send(outcome.clone());
        }
    }
}

/// One run of one dataset.
struct Refresh {
    lake: Arc<Lake>,
    table: Arc<LakeTable>,
    collector: Collector,
    clock: Clock,
    cause: &'static str,
    started_at: DateTime<Utc>,
    progress: Arc<Progress>,
}

impl Refresh {
    async fn run(self) -> Run {
        let outcome = self.fetch_and_write().await;
        let mut run = match &outcome {
            Ok((fetched, written)) => self.run_so_far(Some(fetched), written.version),
            Err(_) => self.run_so_far(None, self.table.current().map(|snapshot| snapshot.version)),
        };
        if let Err(reason) = outcome {
            tracing::warn!(dataset = self.table.dataset().name, "refresh failed: {reason}");
            run.error = Some(reason);
        }
        self.table.remember(&run).await;
        run
    }

    async fn fetch_and_write(&self) -> Result<(Fetched, Written), String> {
        let name = self.table.dataset().name;
        let request = (self.collector.request)(self.lake.clone(), self.progress.clone()).await?;
        let fetched = self.collector.source.fetch(&request).await.map_err(|error: FetchError| error.to_string())?;
        let rows: usize = fetched.batches.iter().map(arrow::record_batch::RecordBatch::num_rows).sum();
        let held = self.table.update().await.map_err(|error| error.to_string())?;
        // An empty answer never replaces rows.
        if rows == 0 && held.is_some() && self.table.dataset().mode == crate::lake::WriteMode::Replace {
            return Err(format!("the source of \"{name}\" answered without rows"));
        }
        let written = write(&self.table, &fetched.batches, &fetched.failed).await.map_err(|error| error.to_string())?;
        if let Some(history) = self.collector.history.and_then(|history| self.lake.table(history)) {
            let kept = write(history, &fetched.batches, &[]).await.map_err(|error| error.to_string())?;
            history.remember(&self.run_so_far(Some(&fetched), kept.version)).await;
        }
        if self.collector.csv
            && (written.added > 0 || written.changed > 0)
            && let Err(error) = self.table.write_csv_twin().await
        {
            tracing::warn!("the CSV twin is not written: {error}");
        }
        Ok((fetched, written))
    }

    /// The record of this run up to now.
    fn run_so_far(&self, fetched: Option<&Fetched>, version: Option<u64>) -> Run {
        Run {
            cause: self.cause.to_owned(),
            started_at: self.started_at,
            ended_at: self.clock.now(),
            items: fetched.map_or(0, |fetched| fetched.items),
            failed: fetched.map(|fetched| fetched.failed.clone()).unwrap_or_default(),
            rows: fetched.map_or(0, |fetched| fetched.batches.iter().map(|batch| batch.num_rows() as u64).sum()),
            origin_calls: fetched.map_or(0, |fetched| fetched.origin_calls),
            version,
            inputs: fetched.map(|fetched| fetched.inputs.clone()).unwrap_or_default(),
            error: None,
        }
    }
}
