//! The cached table: a dataset of the lake and a freshness contract behind one provider.
//!
//! A scan first settles freshness (serve, nudge, wait, warn or refuse), then reads one snapshot of the dataset as plain
//! Parquet. It never talks to a source.

use super::context::{OnStale, QueryContext};
use super::scan::{scan_snapshot, storage_error};
use crate::engine::{ErrorKind, QueryError};
use crate::lake::LakeTable;
use crate::lake::freshness::{Freshness, Policy};
use crate::lake::refresh::RefreshHandle;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use chrono::TimeDelta;
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

    /// Returns once the rows may be served, or refuses.
    async fn settle(&self, context: &QueryContext) -> Result<()> {
        let Some(policy) = self.freshness.policy else { return Ok(()) };
        let overdue = self.overdue(context);
        let Some(overdue) = overdue else { return Ok(()) };
        let missing = self.freshness.loaded_at().is_none();
        let within =
            |limit: std::time::Duration| !missing && TimeDelta::from_std(limit).is_ok_and(|limit| overdue <= limit);
        match context.on_stale {
            OnStale::Fail => return Err(self.stale_error("the session asks for fresh rows")),
            OnStale::Serve if !missing => {
                self.refresh.nudge(self.freshness.dataset, "query");
                context.notices.add(self.stale_notice());
                return Ok(());
            }
            OnStale::Wait if context.max_staleness.is_none() && within(policy.stale_while_revalidate) => {
                self.refresh.nudge(self.freshness.dataset, "query");
                return Ok(());
            }
            OnStale::Serve | OnStale::Wait => {}
        }
        let Err(reason) = self.wait(&policy).await else { return Ok(()) };
        if within(policy.stale_if_error) {
            context.notices.add(format!("{} ({reason})", self.stale_notice()));
            return Ok(());
        }
        Err(self.stale_error(&reason))
    }

    /// How far past what this session takes the rows are; `None` when they may be served.
    fn overdue(&self, context: &QueryContext) -> Option<TimeDelta> {
        let limit = context.max_staleness.and_then(|limit| TimeDelta::from_std(limit).ok());
        match (limit, self.freshness.age()) {
            (Some(limit), Some(age)) if age > limit => Some(age - limit),
            _ => self.freshness.overdue(),
        }
    }

    async fn wait(&self, policy: &Policy) -> Result<(), String> {
        let refreshed = self.refresh.refresh(self.freshness.dataset, "query");
        match tokio::time::timeout(policy.wait_timeout, refreshed).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("the refresh takes longer than {:?}", policy.wait_timeout)),
        }
    }

    fn stale_notice(&self) -> String {
        format!("table \"{}\" is stale: {}", self.freshness.dataset, self.age_text())
    }

    fn age_text(&self) -> String {
        match self.freshness.age().and_then(|age| age.to_std().ok()) {
            Some(age) => format!("its rows are {} old", humantime::format_duration(whole_seconds(age))),
            None => "it was never loaded".to_owned(),
        }
    }

    fn stale_error(&self, reason: &str) -> DataFusionError {
        let message = format!("table \"{}\" is not fresh: {}; {reason}", self.freshness.dataset, self.age_text());
        let error = QueryError::new(ErrorKind::Stale, message)
            .with_hint("SET freshness = 'serve' takes the old rows; system.freshness tells more");
        DataFusionError::External(Box::new(error))
    }
}

fn whole_seconds(duration: std::time::Duration) -> std::time::Duration {
    std::time::Duration::from_secs(duration.as_secs())
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
        self.settle(&QueryContext::of(state)).await?;
        let snapshot = self.table.latest().await.map_err(storage_error)?;
        let snapshot = snapshot.filter(|snapshot| !snapshot.files.is_empty());
        let Some(snapshot) = snapshot else {
            let schema = datafusion::common::project_schema(&self.schema, projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        };
        // A limit below an inexact filter would cut rows that pass it.
        let limit = limit.filter(|_| filters.is_empty());
        scan_snapshot(state, &self.store_url, &snapshot, projection, limit)
    }
}
