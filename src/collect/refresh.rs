//! One run of one dataset: ask its source, write what it brought, remember the run. The scheduler decides when.

use super::collector::{AskAgain, RequestBuilder};
use super::completeness::Judge;
use super::fetch::{Fetch, FetchError, Fetched, Previous, Progress, Request};
use super::purpose::Purpose;
use super::restate::{Settled, Settling};
use super::write::{Written, write, write_scope};
use crate::clock::Clock;
use crate::lake::dataset::{self, Absence};
use crate::lake::freshness::{Coverage, Freshness};
use crate::lake::{Lake, LakeTable, MadeOf, Run, Scope, WriteMode};
use crate::market::calendar;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, NaiveDate, Utc};
use futures::FutureExt;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// A run that is about to begin. Dropping its future commits nothing.
pub(super) struct Refresh {
    pub(super) lake: Arc<Lake>,
    pub(super) table: Arc<LakeTable>,
    pub(super) freshness: Arc<Freshness>,
    pub(super) source: Arc<dyn Fetch>,
    pub(super) request: RequestBuilder,
    /// What of the dataset is fetched.
    pub(super) coverage: Coverage,
    /// What lets the source be asked again after a refusal.
    pub(super) ask_again: Option<AskAgain>,
    /// Whether a CSV twin is written.
    pub(super) csv: bool,
    /// A dataset to which the rows are also appended.
    pub(super) history: Option<(Arc<LakeTable>, Arc<Freshness>)>,
    /// The dataset of splits, which daily bars tell of.
    pub(super) splits: Option<(Arc<LakeTable>, Arc<Freshness>)>,
    pub(super) clock: Clock,
    pub(super) cause: &'static str,
    pub(super) scope: Scope,
    pub(super) started_at: DateTime<Utc>,
    pub(super) progress: Arc<Progress>,
    /// What its requests are for.
    pub(super) purpose: Arc<Purpose>,
    /// The most of what is held that an answer may leave out, in percent.
    pub(super) absent_percent_max: u8,
}

impl Refresh {
    /// Runs it. What goes wrong is in the run; the rows that were there stay then.
    pub(super) async fn run(self) -> Run {
        let inputs = Inputs { loaded_at: self.freshness.inputs_loaded_at(), versions: self.freshness.input_versions() };
        // A panic is our own fault and costs this run alone.
        let outcome = AssertUnwindSafe(self.fetch_and_write()).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_| Err("internal error: the refresh panicked".to_owned()));
        let mut run = match &outcome {
            Ok((fetched, written)) => {
                Run { made_of: inputs.made_of(fetched), ..self.run_so_far(Some(fetched), written.version) }
            }
            Err(_) => self.run_so_far(None, self.table.current().map(|snapshot| snapshot.version)),
        };
        let is_history = self.scope == Scope::All && self.table.dataset().absence == Absence::Nothing;
        let failure = match outcome {
            Err(reason) => Some(reason),
            // What came is kept, and is as old as it is.
            Ok((fetched, _)) if is_history => {
                run.as_of = fetched.as_of;
                fetched.partial
            }
            Ok(_) => None,
        };
        if let Some(reason) = failure {
            tracing::warn!(dataset = self.table.dataset().name, "refresh failed: {reason}");
            run.error = Some(reason);
        }
        self.table.remember(run.clone(), &self.freshness.remembered()).await;
        run
    }

    async fn fetch_and_write(&self) -> Result<(Fetched, Written), String> {
        let name = self.table.dataset().name;
        let mut request = (self.request)(self.lake.clone(), self.scope.clone(), self.progress.clone()).await?;
        request.purpose = self.purpose.clone();
        if let Some(names) = self.scope.names() {
            request.items.retain(|item| names.contains(item));
        }
        if let Some(ask_again) = self.ask_again.as_ref().filter(|_| self.cause == "command") {
            ask_again().await;
        }
        // A command computes every row anew, whatever is known of the last result.
        if self.freshness.is_derived() && self.cause != "command" {
            request.previous = self.previous().await;
        }
        let answer = self.source.fetch(&request).await.map_err(|error: FetchError| error.to_string());
        let today = calendar::eastern_date(self.clock.now());
        let judged = match answer {
            Ok(answer) => self.judge(answer, &request, today).await,
            Err(reason) => Err(reason),
        };
        let settled = match judged {
            Ok(answer) => self.settle(answer, &request).await,
            Err(reason) => Err(reason),
        };
        self.table.tell(request.findings.take(), self.clock.now()).await;
        let (fetched, settled) = settled?;
        let scope = fetched.recomputed.clone().map_or_else(|| self.scope.clone(), Scope::Items);
        let rows: usize = fetched.batches.iter().map(RecordBatch::num_rows).sum();
        let replaces = self.table.dataset().mode == WriteMode::Replace && fetched.recomputed.is_none();
        // An empty answer never replaces rows.
        if rows == 0 && replaces && self.holds_rows().await? {
            let failed = fetched.failed.first().map(|failed| format!(": {}: {}", failed.item, failed.reason));
            return Err(format!("the source of \"{name}\" answered without rows{}", failed.unwrap_or_default()));
        }
        // Before the bars: a split whose bars are not there yet is seen again, and one that is not there never would be.
        let splits = self.write_splits(&settled).await?;
        let old = self.table.current().map(|snapshot| snapshot.version);
        let written = write_scope(&self.table, &fetched.batches, &scope, &fetched.failed, Some(today)).await;
        let written = written.map_err(|error| error.to_string())?;
        self.table.tell(settled.findings(old, written.version), self.clock.now()).await;
        self.remember_splits(&settled, splits).await;
        if let Some((table, freshness)) = &self.history {
            let kept = write(table, &fetched.batches, &[]).await.map_err(|error| error.to_string())?;
            let run = Run { scope: Scope::All, ..self.run_so_far(Some(&fetched), kept.version) };
            table.remember(run.clone(), &freshness.remembered()).await;
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

    /// Judges an answer beside what is held; see [`Judge`].
    async fn judge(&self, mut answer: Fetched, request: &Request, today: NaiveDate) -> Result<Fetched, String> {
        let judge = Judge {
            table: &self.table,
            asked: &request.items,
            scope: &self.scope,
            absent_percent_max: self.absent_percent_max,
            today,
            findings: &request.findings,
        };
        judge.judge(&mut answer).await?;
        Ok(answer)
    }

    /// Settles an answer of daily bars with those that are held; see [`Settling`].
    async fn settle(&self, mut answer: Fetched, request: &Request) -> Result<(Fetched, Settled), String> {
        if self.table.dataset().name != dataset::EOD {
            return Ok((answer, Settled::default()));
        }
        let settling = Settling {
            table: &self.table,
            splits: self.splits.as_ref().map(|(table, _)| &**table),
            source: &*self.source,
            request,
            now: self.clock.now(),
        };
        let settled = settling.settle(&mut answer).await?;
        Ok((answer, settled))
    }

    /// Writes the splits that daily bars told of; gives the version of their table.
    async fn write_splits(&self, settled: &Settled) -> Result<Option<u64>, String> {
        let Some((table, _)) = &self.splits else { return Ok(None) };
        let Some(rows) = &settled.splits else { return Ok(table.current().map(|snapshot| snapshot.version)) };
        let kept = write(table, std::slice::from_ref(rows), &[]).await.map_err(|error| error.to_string())?;
        Ok(kept.version)
    }

    /// Remembers that splits are known as of this refresh, whether it saw any or not.
    async fn remember_splits(&self, settled: &Settled, version: Option<u64>) {
        let Some((table, freshness)) = &self.splits else { return };
        let rows = settled.splits.as_ref().map_or(0, RecordBatch::num_rows) as u64;
        let run = Run { rows, asked: None, reach_days: None, ..self.run_so_far(None, version) };
        table.remember(run.clone(), &freshness.remembered()).await;
        freshness.end(run);
    }

    /// Whether there are rows of what is refreshed.
    async fn holds_rows(&self) -> Result<bool, String> {
        let held = self.table.update().await.map_err(|error| error.to_string())?;
        let (Some(held), Some(names), Some(column)) = (&held, self.scope.names(), self.table.dataset().item_column())
        else {
            return Ok(held.is_some());
        };
        let rows = self.table.read_items(&held.files, &[column], names).await.map_err(|error| error.to_string())?;
        Ok(rows.iter().any(|rows| rows.num_rows() > 0))
    }

    /// The last result, unless somebody else has written the table since, or what it was made of is not known.
    async fn previous(&self) -> Option<Previous> {
        let state = self.table.read_state().await.ok()?;
        let snapshot = self.table.update().await.ok()??;
        let same = state.version == Some(snapshot.version) && !state.made_of.inputs.is_empty();
        same.then_some(Previous { made_of: state.made_of, snapshot })
    }

    /// The record of this run up to now.
    fn run_so_far(&self, fetched: Option<&Fetched>, version: Option<u64>) -> Run {
        Run {
            cause: self.cause.to_owned(),
            scope: self.scope.clone(),
            started_at: self.started_at,
            ended_at: self.clock.now(),
            items: fetched.map_or(0, |fetched| fetched.items),
            failed: fetched.map(|fetched| fetched.failed.clone()).unwrap_or_default(),
            rows: fetched.map_or(0, |fetched| fetched.batches.iter().map(|batch| batch.num_rows() as u64).sum()),
            origin_calls: fetched.map_or(0, |fetched| fetched.origin_calls),
            version,
            made_of: MadeOf::default(),
            error: None,
            asked: Some(self.coverage.items.clone()).filter(|items| !items.is_empty()),
            reach_days: self.coverage.reach_days,
            as_of: None,
        }
    }
}

/// What a rebuild finds when it begins. An input that is refreshed meanwhile counts as older than it is, never as younger.
struct Inputs {
    loaded_at: BTreeMap<String, DateTime<Utc>>,
    versions: BTreeMap<String, u64>,
}

impl Inputs {
    /// What was made of them: where the source tells which versions it took, those; of what the dataset depends on
    /// beyond that, the versions when the run began.
    fn made_of(self, fetched: &Fetched) -> MadeOf {
        let mut inputs = self.versions;
        inputs.extend(fetched.inputs.clone());
        MadeOf { inputs, inputs_loaded_at: self.loaded_at, basis: fetched.basis.clone() }
    }
}
