//! The one place that decides when a dataset is refreshed: on demand, when its rows go stale, after its inputs.
//!
//! One run per dataset at a time, whatever the number of requests; whoever asks while it runs waits for its end, and
//! whoever looked before its end takes its outcome. A request for some items runs for those alone where that costs the
//! source fewer requests than the whole dataset; what a run in progress does not cover waits for the next one, which is
//! for everything that was asked for meanwhile. Dropping the task stops every run; nothing half-written becomes visible.

mod job;

use super::collector::Collector;
use super::fetch::Progress;
use super::purpose::Purpose;
use super::refresh::Refresh;
use crate::clock::Clock;
use crate::lake::freshness::{Freshness, FreshnessBoard, Ttl};
use crate::lake::refresh::RefreshRequest;
use crate::lake::{ItemFailure, Lake, Run, Scope, dataset};
use chrono::{DateTime, Utc};
use job::{Job, Jobs, Waiter};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often expiries are looked at.
const TICK: Duration = Duration::from_millis(500);

/// First pause after a failed run before the next one in the background.
const RETRY_FIRST: Duration = Duration::from_secs(15);
const RETRY_MAX: Duration = Duration::from_secs(900);

/// Expiries of processes are spread over at most this part of the TTL.
const JITTER_PART: u32 = 10;

/// How a scheduler behaves.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether stale datasets are refreshed without being asked for.
    pub background: bool,
    /// Refreshes that may run at once.
    pub runs_max: usize,
    /// How long a failed run answers queries without another run.
    pub negative_ttl: Duration,
    /// The most of what is held that an answer may leave out, in percent; beyond it nothing of the answer is committed.
    pub absent_percent_max: u8,
    /// What tells this process from others that collect into the same lake (see [`jitter`]).
    pub process: u64,
}

/// What happens to refreshes, for a display.
#[derive(Debug, Clone)]
pub enum Event {
    /// A refresh has begun.
    Started {
        /// Name of the dataset.
        dataset: &'static str,
        /// How far it is.
        progress: Arc<Progress>,
    },
    /// A refresh has ended.
    Ended {
        /// Name of the dataset.
        dataset: &'static str,
        /// What the refresh did.
        run: Box<Run>,
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
    jobs: BTreeMap<&'static str, Jobs>,
    runs: JoinSet<Finished>,
    failures: HashMap<&'static str, Failure>,
    ended: HashMap<&'static str, Ended>,
}

/// When the last runs of a dataset ended, by its [`Freshness::runs_ended`].
#[derive(Default)]
struct Ended {
    /// The last over the whole dataset.
    all: u64,
    /// The last of single items since.
    items: BTreeMap<String, u64>,
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
    /// A scheduler over collectors. A refresh that failed just before a restart still answers queries for a moment.
    pub fn new(
        lake: Arc<Lake>,
        board: FreshnessBoard,
        collectors: BTreeMap<&'static str, Collector>,
        requests: mpsc::Receiver<RefreshRequest>,
        clock: Clock,
        options: Options,
    ) -> Self {
        let (events, _) = broadcast::channel(256);
        let (jobs, runs, ended) = (BTreeMap::new(), JoinSet::new(), HashMap::new());
        let remembered = |(&dataset, freshness): (&&'static str, &Arc<Freshness>)| {
            let remembered = freshness.remembered();
            let last = remembered.runs.iter().rev().find(|run| run.scope == Scope::All)?;
            let reason = last.error.clone()?;
            Some((dataset, Failure { runs: 1, ended_at: last.ended_at, reason }))
        };
        let failures = board.iter().filter_map(remembered).collect();
        for (dataset, collector) in &collectors {
            if let Some(freshness) = board.get(dataset) {
                freshness.want(collector.coverage());
            }
        }
        Self { lake, board, collectors, requests, events, clock, options, jobs, runs, failures, ended }
    }

    /// Follows what happens to refreshes from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Runs until shutdown, which stops every refresh.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.start_ready();
            self.tell_purposes();
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(request) = self.requests.recv() => self.accept(request),
                Some(finished) = self.runs.join_next(), if !self.runs.is_empty() => match finished {
                    Ok(finished) => self.finish(finished),
                    Err(error) => tracing::error!("a refresh stopped: {error}"),
                },
                _ = tick.tick() => if self.options.background {
                    self.add_stale();
                },
            }
        }
        self.runs.shutdown().await;
    }

    fn accept(&mut self, request: RefreshRequest) {
        let Some((&dataset, collector)) = self.collectors.get_key_value(request.dataset.as_str()) else {
            let reason = format!("no source is configured for \"{}\"", request.dataset);
            let _ = request.done.send(Err(reason));
            return;
        };
        let mut waiter = Waiter { done: request.done, scope: request.scope, earlier: None };
        // A derived dataset need not be computed again when its inputs turn out to be the same.
        let derived = self.board.get(dataset).is_some_and(|freshness| freshness.is_derived());
        let even_if_fresh = !derived || request.seen.is_none();
        if let Some(job) = self.jobs.get_mut(dataset).and_then(|jobs| jobs.covering(&waiter.scope)) {
            job.join(request.cause, even_if_fresh, waiter);
            self.add_inputs(dataset, request.max_age);
            return;
        }
        let mut scope = waiter.scope.clone();
        if let Some(seen) = request.seen {
            if let Some(outcome) = self.known(dataset, &scope, seen) {
                let _ = waiter.done.send(outcome);
                return;
            }
            // What has just failed is not tried again for each query that names it beside others.
            if let Scope::Items(names) = &mut scope {
                waiter.earlier = names.iter().find_map(|name| self.item_failed(dataset, name));
                names.retain(|name| self.item_failed(dataset, name).is_none());
            }
        }
        let scope = collector.items.as_ref().map_or(Scope::All, |items| items.worth(scope));
        self.add(dataset, Job { scope, even_if_fresh, waiters: vec![waiter], ..Job::new(request.cause) });
        self.add_inputs(dataset, request.max_age);
    }

    /// Puts a job behind what runs, together with what waits there.
    fn add(&mut self, dataset: &'static str, job: Job) {
        let items = self.collectors.get(dataset).and_then(|collector| collector.items.as_ref());
        let worth = |scope: Scope| items.map_or(Scope::All, |items| items.worth(scope));
        self.jobs.entry(dataset).or_default().add(job, worth);
    }

    /// The answer that needs no run: the outcome of one that has ended since the asker looked, or a failure of just now.
    fn known(&self, dataset: &str, scope: &Scope, seen: u64) -> Option<Result<(), String>> {
        let failed = self.failures.get(dataset).map(|failure| Err(failure.reason.clone()));
        if self.failed_within(dataset, self.options.negative_ttl) {
            return failed;
        }
        let ended = self.ended.get(dataset);
        let Scope::Items(names) = scope else {
            let ended_since = ended.is_some_and(|ended| ended.all > seen);
            return ended_since.then(|| failed.unwrap_or(Ok(())));
        };
        let mut failures = names.iter().map(|name| self.item_failed(dataset, name));
        if let Some(Some(first)) = failures.clone().next()
            && failures.all(|failure| failure.is_some())
        {
            return Some(Err(first));
        }
        let ended_since =
            |name: &String| ended.is_some_and(|ended| ended.items.get(name).map_or(ended.all, |run| *run) > seen);
        let failure = || self.board.get(dataset).and_then(|freshness| freshness.failure(scope));
        names.iter().all(ended_since).then(|| failure().map_or(Ok(()), Err))
    }

    /// Why an item failed, for a while that doubles with each failure in a row. It is remembered over a restart.
    fn item_failed(&self, dataset: &str, name: &str) -> Option<String> {
        let remembered = self.board.get(dataset)?.remembered();
        let ItemFailure { at, times, reason } = remembered.items.get(name)?.failure.as_ref()?;
        let pause = pause(self.options.negative_ttl, *times);
        let recent = (self.clock.now() - *at).to_std().is_ok_and(|since| since < pause);
        recent.then(|| format!("{name}: {reason}"))
    }

    /// Whoever asks for a derived dataset asks for its inputs first, however deep: those that are due, or older than the
    /// asker takes, and what is made of those.
    fn add_inputs(&mut self, dataset: &str, max_age: Option<Duration>) {
        let Some(derived) = self.board.get(dataset).filter(|freshness| freshness.is_derived()).cloned() else { return };
        for &input in &derived.depends_on {
            if !self.collectors.contains_key(input) || self.failed_within(input, self.options.negative_ttl) {
                continue;
            }
            self.add_inputs(input, max_age);
            let Some(freshness) = self.board.get(input) else { continue };
            let made_anew = freshness.is_derived() && self.inputs_pending(freshness);
            let too_old = !freshness.is_derived() && max_age.is_some_and(|age| freshness.older_than(&Scope::All, age));
            let covered = self.jobs.get_mut(input).is_some_and(|jobs| jobs.covering(&Scope::All).is_some());
            if !covered && (too_old || made_anew || freshness.due(&Scope::All).is_some()) {
                self.add(input, Job { even_if_fresh: too_old, ..Job::new("dependency") });
            }
        }
    }

    /// Whether an input is about to be refreshed as a whole. A refresh of single items is not waited for: there may always
    /// be another one.
    fn inputs_pending(&self, freshness: &Freshness) -> bool {
        freshness.depends_on.iter().any(|input| self.jobs.get(input).is_some_and(Jobs::has_whole))
    }

    fn add_stale(&mut self) {
        let datasets: Vec<&'static str> = self.collectors.keys().copied().collect();
        for dataset in datasets {
            let Some(freshness) = self.board.get(dataset) else { continue };
            let jitter = self.jitter(freshness);
            let due = freshness.due(&Scope::All).and_then(|due| due.to_std().ok()).is_some_and(|by| by >= jitter);
            let jobs = self.jobs.get(dataset);
            if !due && jobs.is_none() {
                self.add_items(dataset);
                continue;
            }
            if !due || jobs.is_some_and(Jobs::has_whole) || self.backs_off(dataset) {
                continue;
            }
            let cause = match freshness.loaded_at() {
                None => "start",
                Some(_) if freshness.is_derived() => "dependency",
                Some(_) => "ttl",
            };
            self.add(dataset, Job::new(cause));
        }
    }

    /// Items that came into the configuration since the dataset was loaded are fetched at once, and those that failed are
    /// tried again, less and less often.
    fn add_items(&mut self, dataset: &'static str) {
        let Some(freshness) = self.board.get(dataset) else { return };
        let mut wanted = freshness.never_asked();
        if let Some(items) = self.collectors.get(dataset).and_then(|collector| collector.items.as_ref()) {
            let all = items.all();
            let failed = freshness.remembered();
            let failed = failed.items.iter().filter(|(name, state)| {
                let again = |failure: &ItemFailure| {
                    let since = (self.clock.now() - failure.at).to_std();
                    since.is_ok_and(|since| since >= pause(RETRY_FIRST, failure.times))
                };
                all.contains(*name) && state.failure.as_ref().is_some_and(again)
            });
            wanted.extend(failed.map(|(name, _)| name.clone()));
        }
        if !wanted.is_empty() && !self.backs_off(dataset) {
            let items = self.collectors.get(dataset).and_then(|collector| collector.items.as_ref());
            let scope = items.map_or(Scope::All, |items| items.worth(Scope::Items(wanted)));
            self.add(dataset, Job { scope, even_if_fresh: true, ..Job::new("start") });
        }
    }

    /// How long this process leaves the first try to others.
    fn jitter(&self, freshness: &Freshness) -> Duration {
        let Some(policy) = &freshness.policy else { return Duration::ZERO };
        let longest = match policy.ttl {
            Ttl::After(ttl) => policy.jitter.min(ttl / JITTER_PART),
            Ttl::SessionClose(_) => policy.jitter,
            // Nobody can say since when an input has another version.
            Ttl::Inputs => Duration::ZERO,
        };
        jitter(longest, freshness.dataset, self.options.process)
    }

    /// After failures the background waits longer and longer; a query or a command may still ask.
    fn backs_off(&self, dataset: &str) -> bool {
        let Some(failure) = self.failures.get(dataset) else { return false };
        self.failed_within(dataset, pause(RETRY_FIRST, failure.runs))
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

    /// No dataset before its inputs: an input that waits or runs goes first. What somebody waits for comes before what is
    /// only due.
    fn next_ready(&self) -> Option<&'static str> {
        let ready = self.jobs.iter().filter_map(|(&dataset, jobs)| {
            let next = jobs.next.as_ref().filter(|_| jobs.running.is_none())?;
            let inputs_first = next.scope == Scope::All
                && self.board.get(dataset).is_some_and(|freshness| self.inputs_pending(freshness));
            (!inputs_first).then_some((dataset, next))
        });
        ready.min_by_key(|(_, next)| next.waiters.is_empty()).map(|(dataset, _)| dataset)
    }

    /// Tells the budgets of sources which runs somebody waits for, and readers when a run can be expected to have asked for
    /// all it needs.
    fn tell_purposes(&self) {
        for (&dataset, jobs) in &self.jobs {
            let Some(purpose) = jobs.running.as_ref().and_then(|job| job.purpose.as_ref()) else { continue };
            purpose.set_awaited(self.is_awaited(dataset));
            if let Some(freshness) = self.board.get(dataset) {
                freshness.set_expected_at(purpose.sent_at());
            }
        }
    }

    /// Whether somebody waits for a dataset, or for one that is refreshed after it.
    fn is_awaited(&self, dataset: &str) -> bool {
        let waits_for = |other: &&'static str| {
            self.board.get(other).is_some_and(|freshness| freshness.depends_on.contains(&dataset))
        };
        self.jobs.get(dataset).is_some_and(Jobs::is_awaited)
            || self.jobs.keys().filter(|other| waits_for(other)).any(|other| self.is_awaited(other))
    }

    fn start(&mut self, dataset: &'static str) {
        let Some(next) = self.jobs.get_mut(dataset).and_then(|jobs| jobs.next.take()) else { return };
        let (Some(collector), Some(table), Some(freshness)) =
            (self.collectors.get(dataset), self.lake.table(dataset), self.board.get(dataset))
        else {
            self.jobs.remove(dataset);
            return;
        };
        // Its inputs were refreshed first and brought nothing new, or another process was quicker.
        if !next.even_if_fresh && freshness.due(&next.scope).is_none() {
            self.jobs.remove(dataset);
            next.waiters.into_iter().for_each(|waiter| waiter.tell(Ok(())));
            return;
        }
        if next.scope == Scope::All {
            freshness.begin();
        }
        let (cause, scope) = (next.cause, next.scope.clone());
        let purpose = Arc::new(Purpose::of(dataset));
        let next = Job { purpose: Some(purpose.clone()), ..next };
        self.jobs.entry(dataset).or_default().running = Some(next);
        let progress = Arc::new(Progress::default());
        let _ = self.events.send(Event::Started { dataset, progress: progress.clone() });
        let beside = |name| Some((self.lake.table(name)?.clone(), self.board.get(name)?.clone()));
        let refresh = Refresh {
            lake: self.lake.clone(),
            table: table.clone(),
            freshness: freshness.clone(),
            source: collector.source.clone(),
            request: collector.request.clone(),
            coverage: collector.coverage(),
            ask_again: collector.ask_again.clone(),
            csv: collector.csv,
            history: collector.history.and_then(beside),
            splits: Some(dataset::SPLITS).filter(|_| dataset == dataset::EOD).and_then(beside),
            clock: self.clock.clone(),
            cause,
            scope,
            started_at: self.clock.now(),
            progress,
            purpose,
            absent_percent_max: self.options.absent_percent_max,
        };
        self.runs.spawn(async move { Finished { dataset, run: refresh.run().await } });
    }

    fn finish(&mut self, Finished { dataset, run }: Finished) {
        match (&run.scope, &run.error) {
            (Scope::All, None) => drop(self.failures.remove(dataset)),
            (Scope::All, Some(reason)) => {
                let runs = self.failures.get(dataset).map_or(0, |failure| failure.runs).saturating_add(1);
                let failure = Failure { runs, ended_at: run.ended_at, reason: reason.clone() };
                self.failures.insert(dataset, failure);
            }
            (Scope::Items(_), _) => {}
        }
        if let Some(freshness) = self.board.get(dataset) {
            freshness.set_expected_at(None);
            freshness.end(run.clone());
            let (number, ended) = (freshness.runs_ended(), self.ended.entry(dataset).or_default());
            match &run.scope {
                Scope::All => *ended = Ended { all: number, items: BTreeMap::new() },
                Scope::Items(names) => ended.items.extend(names.iter().map(|name| (name.clone(), number))),
            }
        }
        let job = self.jobs.get_mut(dataset).and_then(|jobs| jobs.running.take());
        if self.jobs.get(dataset).is_some_and(|jobs| jobs.next.is_none()) {
            self.jobs.remove(dataset);
        }
        let _ = self.events.send(Event::Ended { dataset, run: Box::new(run.clone()) });
        for waiter in job.map(|job| job.waiters).unwrap_or_default() {
            let outcome = waiter.outcome(&run);
            waiter.tell(outcome);
        }
    }
}

/// The pause after so many failures in a row: it doubles with each, up to [`RETRY_MAX`].
fn pause(first: Duration, failures: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(RETRY_MAX)
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
mod tests;
