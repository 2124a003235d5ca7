//! Starts the upkeep of the lake where rows are collected, and tells in `system.upkeep` how it goes.

use crate::clock::Clock;
use crate::collect::upkeep::{Done, Due, Report, Upkeep};
use crate::config::Config;
use crate::lake::Lake;
use crate::system::upkeep::{UpkeepFigures, UpkeepRow, UpkeepRows};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Begins the upkeep of all tables, until shutdown; `None` where the configuration says that there is none.
pub(super) fn start(config: &Config, lake: &Lake, clock: &Clock, shutdown: &CancellationToken) -> Option<Arc<Upkeep>> {
    if !config.upkeep.enabled {
        return None;
    }
    let tables = lake.tables().map(|table| (table.clone(), config.retention(table.dataset().name)));
    let upkeep = Arc::new(Upkeep::new(tables, config.upkeep.clone(), clock.clone()));
    tokio::spawn(upkeep.clone().run(shutdown.clone()));
    Some(upkeep)
}

/// What `system.upkeep` shows, read anew for each query; nothing where there is no upkeep.
pub(super) fn rows(upkeep: Option<Arc<Upkeep>>) -> UpkeepRows {
    Arc::new(move || upkeep.iter().flat_map(|upkeep| upkeep.report()).map(row).collect())
}

fn row(report: Report) -> UpkeepRow {
    let running = report.record.running();
    let record = report.record;
    let (next_at, waits_for) = match report.due {
        Due::Later(next_at, wait) if !running => (next_at, Some(wait.reason())),
        _ => (None, None),
    };
    let state = match (running, &record.error, report.due) {
        (true, ..) => "running",
        (_, Some(_), _) => "failed",
        (.., Due::Now { .. }) => "due",
        (.., Due::Later(..)) => "waiting",
    };
    UpkeepRow {
        dataset: report.dataset,
        kind: report.kind.name(),
        state,
        started_at: record.started_at,
        ended_at: record.ended_at,
        done: record.ended_at.map(|_| figures(record.last)),
        error: record.error,
        next_at,
        waits_for,
        files: report.files,
        small_files: report.small_files,
    }
}

fn figures(done: Done) -> UpkeepFigures {
    let Done { merged, written, removed, bytes_freed, log_files } = done;
    UpkeepFigures { merged, written, removed, bytes_freed, log_files }
}
