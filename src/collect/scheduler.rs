//! The one place that decides when a dataset is refreshed: on demand, when its rows go stale, after its inputs.
//!
//! One run per dataset at a time, whatever the number of requests; whoever asks while it runs waits for its end, and
//! whoever looked before its end takes its outcome. Dropping the task stops every run; nothing half-written becomes
//! visible.

use super::refresh::Refresh;
use super::{Fetch, Progress, Request};
use crate::clock::Clock;
use crate::lake::freshness::{Freshness, FreshnessBoard, Ttl};
use crate::lake::refresh::RefreshRequest;
use crate::lake::{Lake, Run};
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

/// Expiries of processes are spread over at most this part of the TTL.
const JITTER_PART: u32 = 10;

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
    /// How far the expiries of several processes are spread.
    pub jitter: Duration,
}

/// How a scheduler behaves.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether stale datasets are refreshed without being asked for.
    pub background: bool,
    /// Runs at once.
    pub runs_max: usize,
    /// How long a failed run answers queries without another run.
    pub negative_ttl: Duration,
    /// What tells this process from others that collect into the same lake (see [`jitter`]).
    pub process: u64,
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
    options: Options,
    pending: BTreeMap<&'static str, Pending>,
    runs: JoinSet<Finished>,
    failures: HashMap<&'static str, Failure>,
}

/// A run in progress or waiting for its inputs.
struct Pending {
    cause: &'static str,
    started: bool,
    waiters: Waiters,
}

impl Pending {
    fn new(cause: &'static str) -> Self {
        Self { cause, started: false, waiters: Vec::new() }
    }
}

/// Runs of one dataset that failed, without a success since.
struct Failure {
    runs: u32,
    ended_at: DateTime<Utc>,
    reason: String,
}

struct Finished {
    dataset: &'static str,
    run: Run,
}

impl Scheduler {
    /// A scheduler over collectors.
    pub fn new(
        lake: Arc<Lake>,
        board: FreshnessBoard,
        collectors: BTreeMap<&'static str, Collector>,
        requests: mpsc::Receiver<RefreshRequest>,
        clock: Clock,
        options: Options,
    ) -> Self {
        let (events, _) = broadcast::channel(256);
        let (pending, runs, failures) = (BTreeMap::new(), JoinSet::new(), HashMap::new());
        Self { lake, board, collectors, requests, events, clock, options, pending, runs, failures }
    }

    /// Follows what happens.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Runs until shutdown, which stops every refresh.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.start_ready();
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(request) = self.requests.recv() => self.accept(request),
                Some(finished) = self.runs.join_next(), if !self.runs.is_empty() => match finished {
                    Ok(finished) => self.finish(finished),
                    Err(error) => tracing::error!("a refresh stopped: {error}"),
                },
                _ = tick.tick(), if self.options.background => self.add_stale(),
            }
        }
        self.runs.shutdown().await;
    }

    fn accept(&mut self, request: RefreshRequest) {
        let Some((&dataset, _)) = self.collectors.get_key_value(request.dataset.as_str()) else {
            let reason = format!("no source is configured for \"{}\"", request.dataset);
            let _ = request.done.send(Err(reason));
            return;
        };
        let known = request.seen.filter(|_| !self.pending.contains_key(dataset));
        if let Some(outcome) = known.and_then(|seen| self.known(dataset, seen)) {
            let _ = request.done.send(outcome);
            return;
        }
        self.pending.entry(dataset).or_insert_with(|| Pending::new(request.cause)).waiters.push(request.done);
        self.add_overdue_inputs(dataset);
    }

    /// The answer that needs no run: the outcome of one that has ended since the asker looked, or a failure of just now.
    fn known(&self, dataset: &str, seen: u64) -> Option<Result<(), String>> {
        let failed = self.failures.get(dataset).map(|failure| Err(failure.reason.clone()));
        if self.failed_within(dataset, self.options.negative_ttl) {
            return failed;
        }
        let ended_since = self.board.get(dataset).is_some_and(|freshness| freshness.runs_ended() > seen);
        ended_since.then(|| failed.unwrap_or(Ok(())))
    }

    /// Whoever asks for a derived dataset asks for its overdue inputs first, however deep, and for what is made of
    /// those.
    fn add_overdue_inputs(&mut self, dataset: &str) {
        let Some(derived) = self.board.get(dataset).filter(|freshness| freshness.is_derived()).cloned() else { return };
        for input in derived.depends_on {
            let Some((&input, _)) = self.collectors.get_key_value(input) else { continue };
            self.add_overdue_inputs(input);
            let Some(freshness) = self.board.get(input) else { continue };
            let made_anew = freshness.is_derived() && self.inputs_pending(freshness);
            let overdue = freshness.overdue().is_some() || made_anew;
            if overdue && !self.failed_within(input, self.options.negative_ttl) {
                self.pending.entry(input).or_insert_with(|| Pending::new("dependency"));
            }
        }
    }

    fn inputs_pending(&self, freshness: &Freshness) -> bool {
        freshness.depends_on.iter().any(|input| self.pending.contains_key(input))
    }

    fn add_stale(&mut self) {
        for &dataset in self.collectors.keys() {
            let Some(freshness) = self.board.get(dataset) else { continue };
            let jitter = self.jitter(freshness);
            let due = freshness.overdue().and_then(|overdue| overdue.to_std().ok()).is_some_and(|by| by >= jitter);
            if !due || self.pending.contains_key(dataset) || self.backs_off(dataset) {
                continue;
            }
            let cause = match freshness.loaded_at() {
                None => "start",
                Some(_) if freshness.is_derived() => "dependency",
                Some(_) => "ttl",
            };
            self.pending.insert(dataset, Pending::new(cause));
        }
    }

    /// How long this process leaves the first try to others.
    fn jitter(&self, freshness: &Freshness) -> Duration {
        let Some(collector) = self.collectors.get(freshness.dataset) else { return Duration::ZERO };
        let longest = match freshness.policy.map(|policy| policy.ttl) {
            Some(Ttl::After(ttl)) => collector.jitter.min(ttl / JITTER_PART),
            Some(Ttl::SessionClose(_)) => collector.jitter,
            // Nobody can say since when an input has another version.
            Some(Ttl::Inputs) | None => Duration::ZERO,
        };
        jitter(longest, freshness.dataset, self.options.process)
    }

    /// After failures the background waits longer and longer; a query or a command may still ask.
    fn backs_off(&self, dataset: &str) -> bool {
        let Some(failure) = self.failures.get(dataset) else { return false };
        self.failed_within(dataset, retry_pause(failure.runs))
    }

    /// A clock set back ends the pause rather than prolonging it.
    fn failed_within(&self, dataset: &str, pause: Duration) -> bool {
        let failed_at = self.failures.get(dataset).map(|failure| failure.ended_at);
        failed_at.is_some_and(|at| (self.clock.now() - at).to_std().is_ok_and(|since| since < pause))
    }

    /// Starts what waits, as far as there is room.
    fn start_ready(&mut self) {
        while self.runs.len() < self.options.runs_max {
            let Some(dataset) = self.next_ready() else { return };
            self.start(dataset);
        }
    }

    /// Nothing before its inputs: an input that is pending runs first. What somebody waits for comes before what is
    /// only due.
    fn next_ready(&self) -> Option<&'static str> {
        let ready = self.pending.iter().filter(|(dataset, entry)| {
            !entry.started && !self.board.get(*dataset).is_some_and(|freshness| self.inputs_pending(freshness))
        });
        ready.min_by_key(|(_, entry)| entry.waiters.is_empty()).map(|(&dataset, _)| dataset)
    }

    fn start(&mut self, dataset: &'static str) {
        let (Some(collector), Some(table), Some(freshness)) =
            (self.collectors.get(dataset), self.lake.table(dataset), self.board.get(dataset))
        else {
            self.pending.remove(dataset);
            return;
        };
        let Some(entry) = self.pending.get_mut(dataset) else { return };
        // Its inputs were refreshed first and brought nothing new, or another process was quicker.
        if entry.waiters.is_empty() && freshness.overdue().is_none() {
            self.pending.remove(dataset);
            return;
        }
        entry.started = true;
        freshness.begin();
        let progress = Arc::new(Progress::default());
        let _ = self.events.send(Event::Started { dataset, progress: progress.clone() });
        let history = collector.history.and_then(|name| Some((self.lake.table(name)?, self.board.get(name)?)));
        let refresh = Refresh {
            lake: self.lake.clone(),
            table: table.clone(),
            freshness: freshness.clone(),
            source: collector.source.clone(),
            request: collector.request.clone(),
            csv: collector.csv,
            history: history.map(|(table, freshness)| (table.clone(), freshness.clone())),
            clock: self.clock.clone(),
            cause: entry.cause,
            started_at: self.clock.now(),
            progress,
        };
        self.runs.spawn(async move { Finished { dataset, run: refresh.run().await } });
    }

    fn finish(&mut self, Finished { dataset, run }: Finished) {
        let outcome = match &run.error {
            None => Ok(()),
            Some(reason) => Err(reason.clone()),
        };
        match &outcome {
            Ok(()) => drop(self.failures.remove(dataset)),
            Err(reason) => {
                let runs = self.failures.get(dataset).map_or(0, |failure| failure.runs).saturating_add(1);
                let failure = Failure { runs, ended_at: run.ended_at, reason: reason.clone() };
                self.failures.insert(dataset, failure);
            }
        }
        if let Some(freshness) = self.board.get(dataset) {
            freshness.end(run.clone());
        }
        let _ = self.events.send(Event::Ended { dataset, run });
        for waiter in self.pending.remove(dataset).map(|entry| entry.waiters).unwrap_or_default() {
            // A reader that went away does not need the answer.
            let _ = waiter.send(outcome.clone());
        }
    }
}

/// The pause of the background after so many failed runs in a row.
fn retry_pause(failed_runs: u32) -> Duration {
    RETRY_FIRST.saturating_mul(2_u32.saturating_pow(failed_runs.saturating_sub(1))).min(RETRY_MAX)
}

/// A number that tells this process from others, wherever they run.
pub fn process_number() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0
}

/// A process's own part of `longest` for a dataset: always the same for both, evenly spread over processes.
pub fn jitter(longest: Duration, dataset: &str, process: u64) -> Duration {
    // FNV-1a, and a last mix, because the parts are taken from the upper bits.
    let hash = dataset
        .bytes()
        .chain(process.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    longest.mul_f64((mixed >> 32) as f64 / 4_294_967_296.0)
}

#[cfg(test)]
#[path = "scheduler_tests.rs"]
mod tests;
