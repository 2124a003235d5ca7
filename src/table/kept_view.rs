//! Views whose rows stay in memory: a row for each symbol, made of many rows, asked for again and again.
//!
//! The rows of such a view follow from the versions of the datasets that it reads and from the day in New York, and from
//! nothing else. So they are made once for each [`Basis`], when a statement asks for it the second time; a statement that
//! comes later settles freshness and takes versions as any other, and reads the rows that were made of these. A statement
//! of another basis (a transaction's snapshot, a newer version) is answered in the ordinary way.

use super::context::QueryContext;
use super::lookup::RangedTable;
use super::refreshing::RefreshingTable;
use super::symbol_rows::{KEY, SymbolRows};
use crate::lake::Scope;
use crate::resident::{DatasetFigures, KeyRange, Wanted};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::America::New_York;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::datasource::source_as_provider;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool};
use datafusion::logical_expr::{Expr, LogicalPlan, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Bytes of the rows of one view, at most; a view with more is computed each time.
pub(crate) const VIEW_BYTES_MAX: usize = 64 << 20;

/// How often the making of a basis may be cut short by its statement's time limit, cancel or client. After that the rows
/// take longer than these statements have, and each is better off with what it needs of them.
const INTERRUPTIONS_MAX: u32 = 3;

/// The views of one catalog whose rows are kept, by name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct KeptViews(Arc<OnceLock<BTreeMap<&'static str, Arc<KeptView>>>>);

/// What the rows of a view follow from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Basis {
    /// Versions of the datasets that it reads, in their order; `None` where there is no table yet.
    versions: Vec<Option<u64>>,
    /// The day in New York when the statement's transaction began.
    day: NaiveDate,
}

/// A view as a table whose rows a statement has in its context.
pub struct KeptView {
    name: &'static str,
    plan: LogicalPlan,
    schema: SchemaRef,
    /// The cached tables that it reads, each once.
    inputs: Vec<Arc<dyn TableProvider>>,
    /// Held for a few instructions, never across an await.
    state: Mutex<State>,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    kept: Option<(Basis, Arc<SymbolRows>)>,
    /// The basis that was asked for last and is not kept.
    asked: Option<Basis>,
    /// The basis of which the rows could not be kept.
    refused: Option<Basis>,
    making: bool,
    /// How often the making of what was asked for last was cut short.
    interruptions: u32,
}

/// What is known of the rows of a basis.
pub(crate) enum Answer<'a> {
    /// The rows, as they are kept.
    Kept(Arc<SymbolRows>),
    /// They are worth making, and nobody is at it.
    Make(Making<'a>),
    /// They are computed in the ordinary way.
    Computed,
}

/// The rows of a basis, in the making. Dropped before its end, it was interrupted, and may be tried again.
pub(crate) struct Making<'a> {
    view: &'a KeptView,
    basis: Basis,
}

impl KeptViews {
    /// Sets the views; later calls change nothing.
    pub(super) fn set(&self, views: impl IntoIterator<Item = KeptView>) {
        let views = views.into_iter().map(|view| (view.name, Arc::new(view))).collect();
        let _ = self.0.set(views);
    }

    /// The view of a name whose plan is this one.
    pub(crate) fn find(&self, name: &str, plan: &LogicalPlan) -> Option<&Arc<KeptView>> {
        self.0.get()?.get(name).filter(|view| view.plan == *plan)
    }

    /// What is in memory of each view, for `system.cache`: it has no files.
    pub fn figures(&self) -> Vec<DatasetFigures> {
        self.0.get().into_iter().flat_map(|views| views.values()).map(|view| view.figures()).collect()
    }
}

impl KeptView {
    /// A view by its name and plan; none of its rows is there yet. `None` where it reads something else than cached
    /// tables, or has no column of symbols.
    pub(super) fn of(name: &'static str, plan: LogicalPlan) -> Option<Self> {
        let inputs = inputs(&plan)?;
        let schema = plan.schema().inner().clone();
        schema.index_of(KEY).ok()?;
        let (hits, misses) = Default::default();
        Some(Self { name, plan, schema, inputs, state: Mutex::default(), hits, misses })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The plan that makes its rows.
    pub(crate) fn plan(&self) -> &LogicalPlan {
        &self.plan
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a statement reads whose transaction began at this moment: freshness is settled for all rows of the inputs, and
    /// the versions are those that the statement reads from here on.
    ///
    /// # Errors
    /// Those of a scan of the inputs.
    pub(crate) async fn basis(&self, context: &QueryContext, began: DateTime<Utc>) -> Result<Basis> {
        let mut versions = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            let Some(table) = input.downcast_ref::<RefreshingTable>() else {
                return internal_err!("view {} reads something else than cached tables", self.name);
            };
            let snapshot = table.taken(context).await?;
            versions.push(snapshot.map(|snapshot| snapshot.version));
        }
        Ok(Basis { versions, day: began.with_timezone(&New_York).date_naive() })
    }

    /// The rows of a basis, or what is to be done for them.
    pub(crate) fn ask(&self, basis: &Basis) -> Answer<'_> {
        let mut state = self.state();
        if let Some((_, rows)) = state.kept.as_ref().filter(|(kept, _)| kept == basis) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Answer::Kept(rows.clone());
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        if state.making || state.refused.as_ref() == Some(basis) {
            return Answer::Computed;
        }
        if state.asked.as_ref() != Some(basis) {
            state.asked = Some(basis.clone());
            state.interruptions = 0;
            return Answer::Computed;
        }
        state.making = true;
        Answer::Make(Making { view: self, basis: basis.clone() })
    }

    fn figures(&self) -> DatasetFigures {
        let bytes = self.state().kept.as_ref().map(|(_, rows)| rows.bytes());
        DatasetFigures {
            dataset: self.name,
            files: 0,
            columns: bytes.map_or(0, |_| self.schema.fields().len()),
            bytes: bytes.unwrap_or_default(),
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
        }
    }
}

impl Making<'_> {
    /// Keeps the rows, and gives them; `None` where there is no memory for them, and then they are not made again.
    ///
    /// # Errors
    /// Rows of other columns than the view's.
    pub(crate) fn keep(self, rows: &[RecordBatch], pool: &Arc<dyn MemoryPool>) -> Result<Option<Arc<SymbolRows>>> {
        let rows = SymbolRows::of(&concat_batches(&self.view.schema, rows)?)?;
        let memory = MemoryConsumer::new(format!("rows of view {}", self.view.name)).register(pool);
        if rows.bytes() > VIEW_BYTES_MAX || memory.try_grow(rows.bytes()).is_err() {
            self.refuse();
            return Ok(None);
        }
        let kept = Arc::new(rows.accounted(memory));
        self.view.state().kept = Some((self.basis.clone(), kept.clone()));
        Ok(Some(kept))
    }

    /// The rows cannot be made or kept, and are not made again.
    pub(crate) fn refuse(self) {
        self.view.state().refused = Some(self.basis.clone());
    }
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        let mut state = self.view.state();
        state.making = false;
        let kept = state.kept.as_ref().is_some_and(|(kept, _)| *kept == self.basis);
        if kept || state.refused.as_ref() == Some(&self.basis) {
            return;
        }
        state.interruptions += 1;
        if state.interruptions >= INTERRUPTIONS_MAX {
            state.refused = Some(self.basis.clone());
        }
    }
}

#[async_trait]
impl RangedTable for KeptView {
    fn key(&self) -> &[&'static str] {
        &[KEY]
    }

    fn demand(&self, _: &[&str]) -> Option<(&'static str, Scope)> {
        None
    }

    async fn look_up(
        &self,
        context: &QueryContext,
        range: &KeyRange<'_>,
        wanted: &Wanted<'_>,
    ) -> Result<Option<RecordBatch>> {
        let Some(kept) = context.views.get(self.name) else { return Ok(None) };
        let pieces: Vec<RecordBatch> = kept.of_symbols(range.first).collect();
        let rows = match &pieces[..] {
            [one] => one.clone(),
            pieces => concat_batches(&self.schema, pieces)?,
        };
        let few = rows.num_rows() <= wanted.most;
        Ok(few.then(|| rows.project(wanted.columns)).transpose()?)
    }
}

impl fmt::Debug for KeptView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptView").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for KeptView {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    /// The rows in the statement's context, which must be there.
    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let context = QueryContext::of(state);
        let Some(kept) = context.views.get(self.name) else { return internal_err!("no rows of view {}", self.name) };
        let rows = [vec![kept.rows().clone()]];
        Ok(MemorySourceConfig::try_new_exec(&rows, self.schema.clone(), projection.cloned())?)
    }
}

/// The cached tables that a plan reads, each once; `None` where it reads something else, or a moment of the past.
fn inputs(plan: &LogicalPlan) -> Option<Vec<Arc<dyn TableProvider>>> {
    let (mut inputs, mut names, mut cached_only) = (Vec::new(), Vec::new(), true);
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let provider = source_as_provider(&scan.source)?;
            match provider.downcast_ref::<RefreshingTable>().filter(|table| table.past().is_none()) {
                Some(table) if names.contains(&table.parts().0.dataset) => {}
                Some(table) => {
                    names.push(table.parts().0.dataset);
                    inputs.push(provider);
                }
                None => cached_only = false,
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    (walked.is_ok() && cached_only && !inputs.is_empty()).then_some(inputs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::execution::memory_pool::GreedyMemoryPool;
    use datafusion::logical_expr::LogicalPlanBuilder;

    fn view() -> KeptView {
        let fields = [Field::new("symbol", DataType::Utf8, true), Field::new("n", DataType::Int32, true)];
        KeptView {
            name: "view",
            plan: LogicalPlanBuilder::empty(false).build().unwrap(),
            schema: Arc::new(Schema::new(fields.to_vec())),
            inputs: Vec::new(),
            state: Mutex::default(),
            hits: AtomicU64::default(),
            misses: AtomicU64::default(),
        }
    }

    fn basis(version: u64, day: u32) -> Basis {
        Basis { versions: vec![Some(version), None], day: NaiveDate::from_ymd_opt(2026, 11, day).unwrap() }
    }

    fn rows(view: &KeptView) -> RecordBatch {
        let symbols = StringArray::from(vec![Some("C"), None, Some("A"), Some("B")]);
        let numbers = Int32Array::from(vec![3, 0, 1, 2]);
        RecordBatch::try_new(view.schema.clone(), vec![Arc::new(symbols), Arc::new(numbers)]).unwrap()
    }

    fn make(view: &KeptView, basis: &Basis, pool_bytes: usize) -> Option<Arc<SymbolRows>> {
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(pool_bytes));
        let Answer::Make(making) = view.ask(basis) else { panic!("nothing to make") };
        assert!(matches!(view.ask(basis), Answer::Computed), "made twice at once");
        making.keep(&[rows(view)], &pool).unwrap()
    }

    #[test]
    fn rows_are_made_when_they_are_asked_for_again_and_kept_for_their_basis() {
        let view = view();
        assert!(matches!(view.ask(&basis(1, 3)), Answer::Computed));
        assert!(make(&view, &basis(1, 3), 1 << 20).is_some());
        assert!(matches!(view.ask(&basis(1, 3)), Answer::Kept(_)));
        // Another day, or another version, has other rows.
        for other in [basis(1, 4), basis(2, 3)] {
            assert!(matches!(view.ask(&other), Answer::Computed));
            assert!(matches!(view.ask(&basis(1, 3)), Answer::Kept(_)));
        }
        assert!(make(&view, &basis(2, 3), 1 << 20).is_some());
        assert!(matches!(view.ask(&basis(1, 3)), Answer::Computed));
        let figures = view.figures();
        assert_eq!((figures.hits, figures.columns), (3, 2));
        assert!(figures.bytes > 0);
    }

    #[test]
    fn rows_without_room_are_not_tried_again() {
        let view = view();
        view.ask(&basis(1, 3));
        assert!(make(&view, &basis(1, 3), 8).is_none());
        for _ in 0..3 {
            assert!(matches!(view.ask(&basis(1, 3)), Answer::Computed));
        }
        // Those of the next version are.
        view.ask(&basis(2, 3));
        assert!(make(&view, &basis(2, 3), 1 << 20).is_some());
    }

    #[test]
    fn rows_whose_making_was_interrupted_are_tried_again_a_few_times() {
        let view = view();
        view.ask(&basis(1, 3));
        for _ in 1..INTERRUPTIONS_MAX {
            let Answer::Make(making) = view.ask(&basis(1, 3)) else { panic!("nothing to make") };
            drop(making);
        }
        assert!(make(&view, &basis(1, 3), 1 << 20).is_some());
        view.ask(&basis(2, 3));
        for _ in 0..INTERRUPTIONS_MAX {
            let Answer::Make(making) = view.ask(&basis(2, 3)) else { panic!("nothing to make") };
            drop(making);
        }
        assert!(matches!(view.ask(&basis(2, 3)), Answer::Computed));
    }

    #[tokio::test]
    async fn rows_are_found_by_their_symbols() {
        let view = view();
        view.ask(&basis(1, 3));
        let kept = make(&view, &basis(1, 3), 1 << 20).unwrap();
        let context = QueryContext { views: BTreeMap::from([("view", kept)]), ..QueryContext::default() };
        let schema = Arc::new(view.schema.project(&[1]).unwrap());
        for (symbols, found) in [
            (&["A"][..], &[1][..]),
            (&["A", "C"], &[1, 3]),
            (&["", "A", "AA", "D"], &[1]),
            (&["none"], &[]),
            (&[], &[]),
        ] {
            let range = KeyRange { first: symbols, second: (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded) };
            let wanted = Wanted { columns: &[1], schema: &schema, count: None, most: 2 };
            let rows = view.look_up(&context, &range, &wanted).await.unwrap().unwrap();
            assert_eq!(rows.column(0).as_ref(), &Int32Array::from(found.to_vec()), "{symbols:?}");
        }
        let range =
            KeyRange { first: &["A", "B", "C"], second: (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded) };
        let wanted = Wanted { columns: &[1], schema: &schema, count: None, most: 2 };
        assert!(view.look_up(&context, &range, &wanted).await.unwrap().is_none());
    }
}
