//! Keeps the tables of the lake small and quick to read, beside everything else that a collecting server does: merges the
//! small files of histories, and removes what no version within the retention needs.
//!
//! One task does one table at a time. It waits for nobody's lock longer than a commit takes, and nobody waits for it:
//! writers do not notice a merge, and a removed file is one that nobody may ask for. When the server stops, it stops where
//! it is; what it has begun is committed by nobody and removed by a later run.

mod due;
mod record;

pub use due::{Due, Wait};
pub use record::{Done, Record};

use crate::clock::Clock;
use crate::config::UpkeepConfig;
use crate::lake::{Compacted, LakeTable, Vacuumed, WriteMode};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Groups of files that one run merges at most; the rest is for the next one, after other tables had their turn.
const GROUPS_MAX: usize = 8;

/// How long a run may take. What it has done by then stays done.
const RUN_MAX: Duration = Duration::from_secs(600);

/// What is done to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Small files are merged.
    Compact,
    /// Files and log entries that nobody may ask for are removed.
    Vacuum,
}

impl Kind {
    /// The word in `system.upkeep`, which is that of the command that does the same.
    pub fn name(self) -> &'static str {
        match self {
            Self::Compact => "compact",
            Self::Vacuum => "vacuum",
        }
    }
}

/// Where the upkeep of one table and kind stands.
#[derive(Debug, Clone)]
pub struct Report {
    /// Name of the dataset.
    pub dataset: &'static str,
    /// What is done to it.
    pub kind: Kind,
    /// What is known of its runs.
    pub record: Record,
    /// When the next run is due.
    pub due: Due,
    /// Files of the latest version; `None` where there is none.
    pub files: Option<u64>,
    /// Those of them that a merge would take; `None` where nothing is merged.
    pub small_files: Option<u64>,
}

/// A table, and how long a version of it can be read after it was replaced.
struct Kept {
    table: Arc<LakeTable>,
    retention: Duration,
}

/// The upkeep of all tables of a lake. Shared by the task and by those who ask how it stands.
pub struct Upkeep {
    tables: Vec<Kept>,
    config: UpkeepConfig,
    clock: Clock,
    /// What commits and files are dated by: the clock of the machine, whatever the rest of the program goes by.
    log_clock: Clock,
    since: DateTime<Utc>,
    /// Held for a look or an entry, never across an await.
    records: Mutex<BTreeMap<(&'static str, Kind), Record>>,
}

impl std::fmt::Debug for Upkeep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upkeep").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Upkeep {
    /// The upkeep of these tables, each with its retention; nothing runs yet.
    pub fn new(
        tables: impl IntoIterator<Item = (Arc<LakeTable>, Duration)>,
        config: UpkeepConfig,
        clock: Clock,
    ) -> Self {
        let tables = tables.into_iter().map(|(table, retention)| Kept { table, retention }).collect();
        let since = clock.now();
        Self { tables, config, clock, log_clock: Clock::System, since, records: Mutex::default() }
    }

    /// Does what is due, a look each interval, until shutdown.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(self.config.interval);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // A start has enough to do.
        tick.tick().await;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = tick.tick() => {}
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.round() => {}
            }
        }
    }

    /// Does once what is due now, what cannot wait first. Dropping the future stops it.
    pub async fn round(&self) {
        let due = self.kinds().filter_map(|(kept, kind)| match self.due(kept, kind) {
            Due::Now { urgent } => Some((!urgent, kind, kept)),
            Due::Later(..) => None,
        });
        let mut jobs: Vec<_> = due.collect();
        jobs.sort_by_key(|(can_wait, kind, _)| (*can_wait, *kind));
        for (_, kind, kept) in jobs {
            // Another run may have taken so long that the exchange has opened.
            if matches!(self.due(kept, kind), Due::Now { .. }) {
                self.do_one(kept, kind).await;
            }
        }
    }

    /// Where everything stands now, by dataset.
    pub fn report(&self) -> Vec<Report> {
        let report = |(kept, kind): (&Kept, Kind)| {
            let (dataset, snapshot) = (kept.table.dataset(), kept.table.current());
            let count = |files: usize| u64::try_from(files).unwrap_or(u64::MAX);
            let grows = dataset.mode == WriteMode::Append;
            Report {
                dataset: dataset.name,
                kind,
                record: self.record(kept, kind),
                due: self.due(kept, kind),
                files: snapshot.as_ref().map(|snapshot| count(snapshot.files.len())),
                small_files: snapshot.filter(|_| grows).map(|snapshot| count(snapshot.mergeable_files())),
            }
        };
        self.kinds().map(report).collect()
    }

    /// Every table with what may be due for it. Tables that are written whole, or a year at a time, are not merged.
    fn kinds(&self) -> impl Iterator<Item = (&Kept, Kind)> {
        let of_table = |kept: &'_ Kept| {
            let grows = kept.table.dataset().mode == WriteMode::Append;
            [grows.then_some(Kind::Compact), Some(Kind::Vacuum)].into_iter().flatten()
        };
        self.tables.iter().flat_map(move |kept| of_table(kept).map(move |kind| (kept, kind)))
    }

    fn due(&self, kept: &Kept, kind: Kind) -> Due {
        let Some(snapshot) = kept.table.current() else { return Due::Later(None, Wait::Table) };
        let (past, now) = (self.record(kept, kind).past(), self.clock.now());
        match kind {
            Kind::Compact => due::compact(snapshot.mergeable_files(), &past, &self.config, now),
            Kind::Vacuum => due::vacuum(&past, self.since, &self.config, now),
        }
    }

    async fn do_one(&self, kept: &Kept, kind: Kind) {
        let dataset = kept.table.dataset().name;
        self.records().entry((dataset, kind)).or_default().begin(self.clock.now());
        let working = async {
            match kind {
                Kind::Compact => kept.table.compact_some(GROUPS_MAX).await.map(compacted),
                Kind::Vacuum => kept.table.vacuum(kept.retention, self.log_clock.now(), false).await.map(vacuumed),
            }
        };
        let outcome = match tokio::time::timeout(RUN_MAX, working).await {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(_) => Err(format!("it took more than {}", humantime::format_duration(RUN_MAX))),
        };
        if let Ok(done) = &outcome
            && *done != Done::default()
        {
            tracing::info!("{} of {dataset}: {done:?}", kind.name());
        }
        let failure = self.records().entry((dataset, kind)).or_default().end(self.clock.now(), outcome);
        if let Some(failure) = failure {
            tracing::warn!("{} of {dataset} failed: {failure}", kind.name());
        }
    }

    fn record(&self, kept: &Kept, kind: Kind) -> Record {
        self.records().get(&(kept.table.dataset().name, kind)).cloned().unwrap_or_default()
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<(&'static str, Kind), Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn compacted(done: Compacted) -> Done {
    Done { merged: done.merged as u64, written: done.written as u64, ..Done::default() }
}

fn vacuumed(done: Vacuumed) -> Done {
    Done {
        removed: (done.files.len() + done.leftovers.len()) as u64,
        bytes_freed: done.bytes,
        log_files: done.log_files as u64,
        ..Done::default()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
