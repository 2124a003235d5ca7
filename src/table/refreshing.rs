//! The cached table: a dataset of the lake and a freshness contract behind one provider.
//!
//! A scan first settles freshness (serve, nudge, wait, warn or refuse), then reads one snapshot of the dataset as plain
//! Parquet. It never talks to a source.

use super::context::{OnStale, QueryContext};
use super::scan::{scan_part, scan_snapshot, storage_error};
use crate::engine::{ErrorKind, QueryError};
use crate::lake::freshness::{Freshness, Policy};
use crate::lake::refresh::{NO_SCHEDULER, RefreshHandle};
use crate::lake::{LakeTable, Snapshot};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use std::sync::Arc;

/// A dataset as a table.
#[derive(Debug)]
pub struct RefreshingTable {
    table: Arc<LakeTable>,
    freshness: Arc<Freshness>,
    refresh: RefreshHandle,
    store_url: ObjectStoreUrl,
    schema: SchemaRef,
}

impl RefreshingTable {
    /// A table over a dataset; `store_url` is where its file paths are rooted.
    pub fn new(
        table: Arc<LakeTable>,
        freshness: Arc<Freshness>,
        refresh: RefreshHandle,
        store_url: ObjectStoreUrl,
    ) -> Self {
        let schema = table.dataset().schema.clone();
        Self { table, freshness, refresh, store_url, schema }
    }

    /// The dataset's freshness, and its table in the lake.
    pub fn parts(&self) -> (&Arc<Freshness>, &Arc<LakeTable>) {
        (&self.freshness, &self.table)
    }

    /// Where fresher rows are asked for.
    pub fn refresh(&self) -> &RefreshHandle {
        &self.refresh
    }

    /// The version to read: that of a moment of the past, which cannot be stale, or the latest once it may be served.
    pub(crate) async fn snapshot(&self, context: &QueryContext) -> Result<Option<Arc<Snapshot>>> {
        let snapshot = match context.as_of {
            Some(at) => self.table.snapshot_at(at).await,
            None => {
                self.settle(context).await?;
                self.table.latest().await
            }
        };
        snapshot.map_err(storage_error)
    }

    /// Returns once the rows may be served, or refuses.
    async fn settle(&self, context: &QueryContext) -> Result<()> {
        let Some(policy) = self.freshness.policy else { return Ok(()) };
        let freshness = &self.freshness;
        // Before the look at the rows: a run that ends in between then counts as an answer.
        let seen = freshness.runs_ended();
        let overdue = freshness.overdue();
        let too_old = match context.max_staleness {
            None => overdue.is_some(),
            Some(limit) => freshness.older_than(limit),
        };
        if !too_old {
            if overdue.is_some() {
                self.refresh.nudge(freshness.dataset, "query", seen);
            }
            return Ok(());
        }
        let loaded = freshness.loaded_at().is_some();
        let within = |limit: std::time::Duration| {
            loaded && overdue.is_none_or(|overdue| overdue.to_std().is_ok_and(|overdue| overdue <= limit))
        };
        match context.on_stale {
            OnStale::Fail => {
                self.refresh.nudge(freshness.dataset, "query", seen);
                return Err(self.stale_error("the session takes no stale rows"));
            }
            OnStale::Serve if freshness.age().is_some() => {
                self.refresh.nudge(freshness.dataset, "query", seen);
                context.notices.add(self.stale_notice("the session takes stale rows"));
                return Ok(());
            }
            OnStale::Wait if context.max_staleness.is_none() && within(policy.stale_while_revalidate) => {
                if !self.refresh.nudge(freshness.dataset, "query", seen) {
                    context.notices.add(self.stale_notice(NO_SCHEDULER));
                }
                return Ok(());
            }
            OnStale::Serve | OnStale::Wait => {}
        }
        let Err(reason) = self.wait(&policy, seen).await else { return Ok(()) };
        if within(policy.stale_if_error) {
            context.notices.add(self.stale_notice(&reason));
            return Ok(());
        }
        Err(self.stale_error(&reason))
    }

    async fn wait(&self, policy: &Policy, seen: u64) -> Result<(), String> {
        let refreshed = self.refresh.refresh_since(self.freshness.dataset, "query", seen);
        match tokio::time::timeout(policy.wait_timeout, refreshed).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("the refresh takes longer than {:?}", policy.wait_timeout)),
        }
    }

    fn stale_notice(&self, reason: &str) -> String {
        format!("table \"{}\" is stale: {}; {}", self.freshness.dataset, self.age_text(), self.cause(reason))
    }

    /// The reason, and what the last refresh failed with when the reason is another one.
    fn cause(&self, reason: &str) -> String {
        match &self.freshness.remembered().last_error {
            Some(error) if error != reason => format!("{reason}; the last refresh failed: {error}"),
            _ => reason.to_owned(),
        }
    }

    fn age_text(&self) -> String {
        match self.freshness.age().and_then(|age| age.to_std().ok()) {
            Some(age) => format!("its rows are {} old", in_words(age.as_secs())),
            None => "it was never loaded".to_owned(),
        }
    }

    fn stale_error(&self, reason: &str) -> DataFusionError {
        let (dataset, cause) = (self.freshness.dataset, self.cause(reason));
        let message = format!("table \"{dataset}\" is not fresh: {}; {cause}", self.age_text());
        let hint = match self.freshness.loaded_at() {
            Some(_) => "SET freshness = 'serve' takes the old rows; system.freshness tells more",
            None => "system.freshness tells more",
        };
        let error = QueryError::new(ErrorKind::Stale, message).with_hint(hint);
        DataFusionError::External(Box::new(error))
    }
}

/// `31 d`, `1 d 3 h`, `20 m 5 s`: days at most, since months have no length.
fn in_words(seconds: u64) -> String {
    let parts = [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let first = parts.iter().position(|(number, _)| *number > 0).unwrap_or(parts.len() - 1);
    // The two largest units; the next smaller ones say nothing of interest.
    let shown = parts.iter().skip(first).take(2).enumerate().filter(|(place, (number, _))| *place == 0 || *number > 0);
    shown.map(|(_, (number, unit))| format!("{number} {unit}")).collect::<Vec<_>>().join(" ")
}

#[async_trait]
impl TableProvider for RefreshingTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let context = QueryContext::of(state);
        if let Some(part) = context.part.as_ref().filter(|part| part.dataset == self.freshness.dataset) {
            let snapshot = self.table.snapshot_by_version(part.version).await.map_err(storage_error)?;
            return scan_part(state, &self.store_url, &snapshot, projection, part);
        }
        let taken = context.snapshots.once(self.freshness.dataset, context.as_of, self.snapshot(&context));
        let snapshot = taken.await?.filter(|snapshot| !snapshot.files.is_empty());
        let Some(snapshot) = snapshot else {
            let schema = datafusion::common::project_schema(&self.schema, projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        };
        // A limit below an inexact filter would cut rows that pass it.
        let limit = limit.filter(|_| filters.is_empty());
        scan_snapshot(state, &self.store_url, &snapshot, projection, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_days_at_most() {
        let cases =
            [(0, "0 s"), (59, "59 s"), (1_205, "20 m 5 s"), (3_600, "1 h"), (3_605, "1 h"), (97_200, "1 d 3 h")];
        for (seconds, words) in cases {
            assert_eq!(in_words(seconds), words);
        }
        assert_eq!(in_words(31 * 86_400), "31 d");
    }
}
