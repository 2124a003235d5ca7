//! One run of one dataset: ask its source, write what it brought, remember the run. The scheduler decides when.

use super::scheduler::RequestBuilder;
use super::write::{Written, write};
use super::{Fetch, FetchError, Fetched, Progress};
use crate::clock::Clock;
use crate::lake::freshness::Freshness;
use crate::lake::{DatasetState, Lake, LakeTable, Run, WriteMode};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// A run that is about to begin. Dropping its future commits nothing.
pub(super) struct Refresh {
    pub(super) lake: Arc<Lake>,
    pub(super) table: Arc<LakeTable>,
    pub(super) freshness: Arc<Freshness>,
    pub(super) source: Arc<dyn Fetch>,
    pub(super) request: RequestBuilder,
    /// Whether a CSV twin is written.
    pub(super) csv: bool,
    /// A dataset to which the rows are also appended.
    pub(super) history: Option<(Arc<LakeTable>, Arc<Freshness>)>,
    pub(super) clock: Clock,
    pub(super) cause: &'static str,
    pub(super) started_at: DateTime<Utc>,
    pub(super) progress: Arc<Progress>,
}

impl Refresh {
    /// Runs it. What goes wrong is in the run; the rows that were there stay then.
    pub(super) async fn run(self) -> Run {
        // A panic is our own fault and costs this run alone.
        let outcome = AssertUnwindSafe(self.fetch_and_write()).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_| Err("internal error: the refresh panicked".to_owned()));
        let mut run = match &outcome {
            Ok((fetched, written)) => self.run_so_far(Some(fetched), written.version),
            Err(_) => self.run_so_far(None, self.table.current().map(|snapshot| snapshot.version)),
        };
        if let Err(reason) = outcome {
            tracing::warn!(dataset = self.table.dataset().name, "refresh failed: {reason}");
            run.error = Some(reason);
        }
        remember(&self.table, &self.freshness, &run).await;
        run
    }

    async fn fetch_and_write(&self) -> Result<(Fetched, Written), String> {
        let name = self.table.dataset().name;
        let request = (self.request)(self.lake.clone(), self.progress.clone()).await?;
        let fetched = self.source.fetch(&request).await.map_err(|error: FetchError| error.to_string())?;
        let rows: usize = fetched.batches.iter().map(RecordBatch::num_rows).sum();
        let held = self.table.update().await.map_err(|error| error.to_string())?;
        // An empty answer never replaces rows.
        if rows == 0 && held.is_some() && self.table.dataset().mode == WriteMode::Replace {
            return Err(format!("the source of \"{name}\" answered without rows"));
        }
        let written = write(&self.table, &fetched.batches, &fetched.failed).await.map_err(|error| error.to_string())?;
        if let Some((table, freshness)) = &self.history {
            let kept = write(table, &fetched.batches, &[]).await.map_err(|error| error.to_string())?;
            let run = self.run_so_far(Some(&fetched), kept.version);
            remember(table, freshness, &run).await;
            freshness.end(run);
        }
        if self.csv
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

/// Keeps the run across restarts; another process may have added runs of its own since. Where the record cannot be read,
/// what this process knows is kept, so that a failed read does not make the rows look as if they were never loaded.
async fn remember(table: &LakeTable, freshness: &Freshness, run: &Run) {
    let mut state = match table.read_state().await {
        Ok(state) => state,
        Err(error) => {
            tracing::warn!("{error}");
            DatasetState::clone(&freshness.remembered())
        }
    };
    state.record(run.clone());
    if let Err(error) = table.write_state(&state).await {
        tracing::warn!("the refresh is not remembered: {error}");
    }
}
