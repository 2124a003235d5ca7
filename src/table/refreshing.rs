//! The cached table: a dataset of the lake and a freshness contract behind one provider.
//!
//! A scan first settles freshness (serve, nudge, wait, warn or refuse), then reads one snapshot of the dataset: the rows of
//! named keys, or all of them key by key, from memory where they are there, else files as plain Parquet. It never talks to a
//! source.

use super::context::{OnStale, QueryContext};
use super::demand::Demand;
use super::lookup::RangedTable;
use crate::error::{ErrorKind, QueryError};
use crate::lake::freshness::{Freshness, Policy};
use crate::lake::refresh::{NO_SCHEDULER, RefreshHandle, Wanted};
use crate::lake::{LakeTable, Scope, Snapshot};
use crate::resident::{KeyRange, Residents, Wanted as WantedRows};
use crate::scan::key_lookup;
use crate::scan::lake_error::storage_error;
use crate::scan::ordered_scan;
use crate::scan::parquet::{estimate, scan_part, scan_snapshot};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Statistics;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use std::sync::Arc;

/// Items a message names; of more it tells the number.
const NAMES_TOLD: usize = 5;

/// A cached dataset as a DataFusion table, whose rows are checked for freshness at each scan.
#[derive(Debug)]
pub struct RefreshingTable {
    table: Arc<LakeTable>,
    freshness: Arc<Freshness>,
    refresh: RefreshHandle,
    store_url: ObjectStoreUrl,
    /// Columns in memory; `None` where nothing stays.
    residents: Option<Arc<Residents>>,
    schema: SchemaRef,
    /// The moment whose version is read, whatever the session reads.
    past: Option<DateTime<Utc>>,
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
        Self { table, freshness, refresh, store_url, residents: None, schema, past: None }
    }

    /// The same table, which looks in memory first.
    pub fn with_residents(self, residents: Arc<Residents>) -> Self {
        Self { residents: Some(residents), ..self }
    }

    /// The same table as it was at a moment.
    pub(super) fn at(&self, past: DateTime<Utc>) -> Self {
        let (table, freshness) = (self.table.clone(), self.freshness.clone());
        let (refresh, store_url) = (self.refresh.clone(), self.store_url.clone());
        let (residents, schema) = (self.residents.clone(), self.schema.clone());
        Self { table, freshness, refresh, store_url, residents, schema, past: Some(past) }
    }

    /// The moment whose version a statement reads here; `None` is now.
    pub(super) fn as_of(&self, context: &QueryContext) -> Option<DateTime<Utc>> {
        self.past.or(context.as_of)
    }

    /// The moment whose version this table always reads.
    pub(super) fn past(&self) -> Option<DateTime<Utc>> {
        self.past
    }

    /// The dataset's freshness, and its table in the lake.
    pub fn parts(&self) -> (&Arc<Freshness>, &Arc<LakeTable>) {
        (&self.freshness, &self.table)
    }

    /// The handle by which the table asks the scheduler for fresher rows.
    pub fn refresh(&self) -> &RefreshHandle {
        &self.refresh
    }

    /// The version that the statement or its transaction reads, taken now unless it has read the table before; `None` when
    /// nothing was loaded.
    pub(super) async fn taken(&self, context: &QueryContext) -> Result<Option<Arc<Snapshot>>> {
        let taken = context.snapshots.once(self.freshness.dataset, self.as_of(context), self.snapshot(context));
        Ok(taken.await?.filter(|snapshot| !snapshot.files.is_empty()))
    }

    /// The version to read: that of a moment of the past, which cannot be stale, or the latest once it may be served.
    pub(crate) async fn snapshot(&self, context: &QueryContext) -> Result<Option<Arc<Snapshot>>> {
        let snapshot = match self.as_of(context) {
            Some(at) => self.table.snapshot_at(at).await,
            None => {
                self.settle(context).await?;
                self.table.latest().await
            }
        };
        snapshot.map_err(storage_error)
    }

    /// Returns once the rows that the statement needs may be served, or refuses. This is where freshness is checked: at
    /// each physical planning, so that a statement that was planned before is checked again when it runs.
    pub async fn settle(&self, context: &QueryContext) -> Result<()> {
        let Some(policy) = self.freshness.policy else { return Ok(()) };
        let freshness = &self.freshness;
        let scope = context.scope(freshness.dataset);
        // Before the look at the rows: a run that ends in between then counts as an answer.
        let seen = freshness.runs_ended();
        let too_old = |scope: &Scope| match context.max_staleness {
            None => freshness.is_stale(scope),
            Some(limit) => freshness.older_than(scope, limit),
        };
        let wanted = || {
            let mut scope = scope.clone();
            if let Scope::Items(names) = &mut scope {
                let stale = |one: &Scope| too_old(one) || freshness.is_stale(one);
                names.retain(|name| stale(&Scope::one(name)));
            }
            Wanted { dataset: freshness.dataset, scope, max_age: context.max_staleness, seen }
        };
        if !too_old(&scope) {
            if freshness.is_stale(&scope) {
                self.refresh.nudge(wanted());
            }
            self.tell_lagging(context, &scope);
            return Ok(());
        }
        match context.on_stale {
            OnStale::Fail => {
                self.refresh.nudge(wanted());
                return Err(self.stale_error(&scope, "the session takes no stale rows"));
            }
            OnStale::Serve if freshness.age(&scope).is_some() => {
                self.refresh.nudge(wanted());
                context.notices.add(self.stale_notice(&scope, "the session takes stale rows"));
                return Ok(());
            }
            OnStale::Wait
                if context.max_staleness.is_none()
                    && freshness.within(&scope, |policy| policy.stale_while_revalidate) =>
            {
                if !self.refresh.nudge(wanted()) {
                    context.notices.add(self.stale_notice(&scope, NO_SCHEDULER));
                }
                return Ok(());
            }
            OnStale::Serve | OnStale::Wait => {}
        }
        let failure = match self.wait(&policy, wanted()).await {
            Err(reason) => Some(reason),
            // A derived table is made of what could be had.
            Ok(()) if freshness.is_derived() && too_old(&scope) => freshness.failure(&scope),
            Ok(()) => None,
        };
        let Some(reason) = failure else {
            self.tell_lagging(context, &scope);
            return Ok(());
        };
        if freshness.within(&scope, |policy| policy.stale_if_error) {
            context.notices.add(self.stale_notice(&scope, &reason));
            return Ok(());
        }
        Err(self.stale_error(&scope, &reason))
    }

    /// Asks the scheduler for a refresh and waits for its end, at most `wait_timeout` of the contract. `Err` is the
    /// reason in words. Dropping the future gives up the wait; a request that was sent stays with the scheduler.
    async fn wait(&self, policy: &Policy, wanted: Wanted) -> Result<(), String> {
        match tokio::time::timeout(policy.wait_timeout, self.refresh.refresh_for_query(wanted)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let expected = |at: DateTime<Utc>| {
                    let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
                    format!("; within the rate limit of its source it can be had after {at} (see system.budget)")
                };
                let expected = self.freshness.expected_at().map(expected).unwrap_or_default();
                Err(format!("the refresh takes longer than {:?}{expected}", policy.wait_timeout))
            }
        }
    }

    /// Tells of items that failed while the others were refreshed: what is served of them is old, or missing.
    fn tell_lagging(&self, context: &QueryContext, scope: &Scope) {
        if *scope != Scope::All {
            return;
        }
        let lagging = self.freshness.lagging(context.max_staleness);
        let Some((_, first)) = lagging.first() else { return };
        let age = |name: &str| match self.freshness.age(&Scope::one(name)).and_then(|age| age.to_std().ok()) {
            Some(age) => format!("{name} ({} old)", in_words(age.as_secs())),
            None => format!("{name} (never loaded)"),
        };
        let named: Vec<String> = lagging.iter().take(NAMES_TOLD).map(|(name, _)| age(name)).collect();
        let more = lagging.len().saturating_sub(NAMES_TOLD);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let reason = first.failure.as_ref().map(|failure| format!("; {}", failure.reason)).unwrap_or_default();
        let (dataset, named) = (self.freshness.dataset, named.join(", "));
        context.notices.add(format!("table \"{dataset}\" is stale for {named}{more}{reason}"));
    }

    /// The notice for rows that are served although they are stale.
    fn stale_notice(&self, scope: &Scope, reason: &str) -> String {
        let (table, age, cause) = (self.name(scope), self.age_text(scope), self.cause(scope, reason));
        format!("{table}: {age}; {cause}", table = table("is stale"))
    }

    /// The table, what is to be said of it, and the items it is said of.
    fn name(&self, scope: &Scope) -> impl Fn(&str) -> String {
        let dataset = self.freshness.dataset;
        let items = match scope.names() {
            None => String::new(),
            Some(names) if names.len() > NAMES_TOLD => format!(" for {} items", names.len()),
            Some(names) => format!(" for {}", names.iter().cloned().collect::<Vec<_>>().join(", ")),
        };
        move |what| format!("table \"{dataset}\" {what}{items}")
    }

    /// The reason, and what the last refresh failed with when the reason is another one.
    fn cause(&self, scope: &Scope, reason: &str) -> String {
        match self.freshness.failure(scope) {
            Some(error) if error != reason => format!("{reason}; the last refresh failed: {error}"),
            _ => reason.to_owned(),
        }
    }

    /// The age of the rows in words, or that the table was never loaded.
    fn age_text(&self, scope: &Scope) -> String {
        match self.freshness.age(scope).and_then(|age| age.to_std().ok()) {
            Some(age) => format!("its rows are {} old", in_words(age.as_secs())),
            None => "it was never loaded".to_owned(),
        }
    }

    /// The error of kind Stale for rows that are not served, with a hint at `SET freshness`.
    fn stale_error(&self, scope: &Scope, reason: &str) -> DataFusionError {
        let (table, age, cause) = (self.name(scope), self.age_text(scope), self.cause(scope, reason));
        let message = format!("{table}: {age}; {cause}", table = table("is not fresh"));
        let hint = match self.freshness.age(scope) {
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
impl RangedTable for RefreshingTable {
    fn key(&self) -> &[&'static str] {
        self.table.dataset().key
    }

    fn demand(&self, first: &[&str]) -> Option<(&'static str, Scope)> {
        let by_item = self.table.dataset().item_column() == self.table.dataset().key.first().copied();
        let scope = match by_item && !first.is_empty() {
            true => Scope::Items(first.iter().map(|one| (*one).to_owned()).collect()),
            false => Scope::All,
        };
        Some((self.freshness.dataset, scope))
    }

    async fn look_up(
        &self,
        context: &QueryContext,
        range: &KeyRange<'_>,
        wanted: &WantedRows<'_>,
    ) -> Result<Option<RecordBatch>> {
        if context.part.is_some() {
            return Ok(None);
        }
        context.set_demand(Demand::new(self.demand(range.first).into_iter().collect()));
        let Some(snapshot) = self.taken(context).await? else {
            return Ok(Some(RecordBatch::new_empty(wanted.schema.clone())));
        };
        let rows = self.residents.as_ref().and_then(|residents| residents.rows_of(&snapshot, range, wanted));
        Ok(rows.transpose()?)
    }
}

#[async_trait]
impl TableProvider for RefreshingTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Rows and bytes of the latest version that this process knows, for the catalog. Never exact: a scan may read
    /// another version.
    fn statistics(&self) -> Option<Statistics> {
        self.table.current().map(|snapshot| estimate(&snapshot, &self.schema))
    }

    /// Inexact for every filter: Parquet pages are skipped by their bounds, and DataFusion filters the rows that are
    /// left.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    /// Settles freshness, takes the version that the statement or its transaction reads, and gives a scan of it: from
    /// memory where it is there, else of Parquet; a part of a version is read as it is. An empty plan when nothing was loaded. Fails with kind Stale where old
    /// rows may not be served.
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
        let Some(snapshot) = self.taken(&context).await? else {
            let schema = datafusion::common::project_schema(&self.schema, projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        };
        if let Some(residents) = &self.residents {
            residents.follow(&snapshot);
            if let Some(rows) = key_lookup::scan(residents, &snapshot, projection, filters)? {
                return Ok(rows);
            }
        }
        if filters.is_empty() {
            // Such a plan may be answered from the log alone.
            self.table.check_presence(&snapshot).await.map_err(storage_error)?;
        }
        // A limit below an inexact filter would cut rows that pass it.
        let limit = limit.filter(|_| filters.is_empty());
        if let Some(residents) = &self.residents
            && let Some(rows) = ordered_scan::scan(residents, &snapshot, state, projection, limit)?
        {
            return Ok(rows);
        }
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
