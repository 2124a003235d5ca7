//! The tables of schema `system` about the server itself: how fresh datasets are, what was refreshed, what is set.
//!
//! Each is a list of columns and a function that gives the rows now; nothing is cached.

use crate::dialect::session::SessionFacts;
use crate::lake::dataset::instant;
use crate::lake::freshness::{FreshnessBoard, Ttl};
use crate::lake::{Lake, Scope};
use arrow::array::{ArrayRef, ListBuilder, StringArray, StringBuilder, TimestampMicrosecondArray};
use arrow::array::{Int64Array, IntervalMonthDayNanoArray};
use arrow::datatypes::{DataType, Field, IntervalMonthDayNano, IntervalUnit, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider, Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;

/// Gives the rows of a table now, in its schema.
pub type Rows = Arc<dyn Fn(&SchemaRef) -> Result<RecordBatch, arrow::error::ArrowError> + Send + Sync>;

/// The same for a reader of whom something is known.
pub(crate) type RowsFor =
    Arc<dyn Fn(&SchemaRef, Option<&SessionFacts>) -> Result<RecordBatch, arrow::error::ArrowError> + Send + Sync>;

/// The same for rows that have to be read from the lake.
pub(crate) type ReadRows =
    Arc<dyn Fn(SchemaRef, Option<Arc<SessionFacts>>) -> BoxFuture<'static, Result<RecordBatch>> + Send + Sync>;

/// Where the rows of a table are from.
enum Origin {
    Memory(RowsFor),
    Lake(ReadRows),
}

/// A column: name, type, and what people are told of it.
pub type SystemColumn = (&'static str, DataType, &'static str);

/// A table whose rows are made anew for each query.
pub struct SystemTable {
    schema: SchemaRef,
    rows: Origin,
}

impl SystemTable {
    /// A table of these columns, all of which may be NULL.
    pub fn new(columns: Vec<SystemColumn>, rows: Rows) -> Self {
        Self::for_reader(columns, Arc::new(move |schema, _| rows(schema)))
    }

    /// A table whose rows depend on who reads them.
    pub(crate) fn for_reader(columns: Vec<SystemColumn>, rows: RowsFor) -> Self {
        Self::of(columns, Origin::Memory(rows))
    }

    /// A table whose rows are read from the lake for each query.
    pub(crate) fn read(columns: Vec<SystemColumn>, rows: ReadRows) -> Self {
        Self::of(columns, Origin::Lake(rows))
    }

    fn of(columns: Vec<SystemColumn>, rows: Origin) -> Self {
        let fields: Vec<Field> = columns.into_iter().map(|(name, kind, _)| Field::new(name, kind, true)).collect();
        Self { schema: Arc::new(Schema::new(fields)), rows }
    }
}

impl fmt::Debug for SystemTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemTable").field("schema", &self.schema).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for SystemTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let reader = state.config().get_extension::<SessionFacts>();
        let rows = match &self.rows {
            Origin::Memory(rows) => rows(&self.schema, reader.as_deref()).map_err(DataFusionError::from)?,
            Origin::Lake(rows) => rows(self.schema.clone(), reader).await?,
        };
        Ok(MemorySourceConfig::try_new_exec(&[vec![rows]], self.schema.clone(), projection.cloned())?)
    }
}

/// One key of the configuration: one row of `system.settings`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Name of the key, as `section.key`.
    pub name: String,
    /// Value as TOML text; `(hidden)` for a secret.
    pub value: String,
    /// `default`, the file, `environment` or `flag`.
    pub origin: String,
}

/// What the tables of schema `system` read at each query.
pub struct Sources {
    /// The lake, for versions, rows and bytes of each dataset.
    pub lake: Arc<Lake>,
    /// Freshness of every dataset.
    pub board: FreshnessBoard,
    /// The configuration in force, secrets hidden.
    pub settings: Vec<Setting>,
}

/// The schema `system`, with further tables that know what this module does not.
pub fn schema(sources: &Sources, further: Vec<(&'static str, SystemTable)>) -> Result<Arc<dyn SchemaProvider>> {
    let provider = MemorySchemaProvider::new();
    let add = |name: &str, columns: Vec<SystemColumn>, rows: Rows| {
        provider.register_table(name.to_owned(), Arc::new(SystemTable::new(columns, rows))).map(drop)
    };
    let (lake, board) = (sources.lake.clone(), sources.board.clone());
    add("freshness", freshness_columns(), Arc::new(move |schema| freshness(&lake, &board, schema)))?;
    let board = sources.board.clone();
    add("refreshes", refreshes_columns(), Arc::new(move |schema| refreshes(&board, schema)))?;
    let settings = sources.settings.clone();
    let rows: RowsFor = Arc::new(move |schema, reader| settings_rows(&settings, schema, reader));
    provider.register_table("settings".to_owned(), Arc::new(SystemTable::for_reader(settings_columns(), rows)))?;
    for (name, table) in further {
        provider.register_table(name.to_owned(), Arc::new(table))?;
    }
    Ok(Arc::new(provider))
}

/// The interval type of ages and time limits: months, days, nanoseconds.
pub(crate) fn interval() -> DataType {
    DataType::Interval(IntervalUnit::MonthDayNano)
}

/// A list of texts, whose elements may be NULL.
pub(crate) fn text_list() -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)))
}

/// Columns of `system.freshness`, in the order that [`freshness`] fills them.
pub(crate) fn freshness_columns() -> Vec<SystemColumn> {
    use DataType::{Int64, Utf8};
    vec![
        ("dataset", Utf8, "Name of the dataset"),
        ("state", Utf8, "'missing', 'live', 'fresh', 'stale', 'refreshing' or 'failed'"),
        ("age", interval(), "How long ago the rows were loaded; NULL when they never were"),
        ("ttl", Utf8, "When rows go stale, as configured; NULL for what only grows"),
        ("loaded_at", instant(), "When the rows were last loaded whole"),
        ("expires_at", instant(), "When they go stale"),
        ("version", Int64, "Latest version of the table"),
        ("rows", Int64, "Rows of that version [rows]"),
        ("bytes", Int64, "Size of its files [bytes]"),
        ("depends_on", text_list(), "Datasets that are refreshed first"),
        ("input_versions", text_list(), "What it was computed from, each as 'dataset=version'"),
        ("last_error", Utf8, "Why the last refresh failed; NULL when it did not"),
        ("feed_class", Utf8, "Class of the market data: 'real-time', 'delayed', 'simulated', 'imported' or 'unknown'"),
        ("stale_while_revalidate", interval(), "How long past the TTL rows are served at once while a refresh runs"),
        ("wait_timeout", interval(), "How long a query waits for a refresh"),
        ("stale_if_error", interval(), "How long past the TTL rows are served when the refresh fails"),
        ("jitter", interval(), "How far expiries of several processes are spread"),
        ("failed_items", text_list(), "Items whose last fetch failed"),
    ]
}

/// Rows of `system.freshness`, one per dataset, sorted by name; all figures are of this moment.
fn freshness(lake: &Lake, board: &FreshnessBoard, schema: &SchemaRef) -> Result<RecordBatch, arrow::error::ArrowError> {
    let all: Vec<_> = board.values().collect();
    let snapshots: Vec<_> = all.iter().map(|one| lake.table(one.dataset).and_then(|table| table.current())).collect();
    let number = |value: Option<u64>| value.and_then(|value| i64::try_from(value).ok());
    let policy = |pick: fn(&crate::lake::freshness::Policy) -> std::time::Duration| {
        intervals(all.iter().map(|one| one.policy.as_ref().map(pick).and_then(|limit| TimeDelta::from_std(limit).ok())))
    };
    let mut depends_on = ListBuilder::new(StringBuilder::new());
    for one in &all {
        depends_on.append_value(one.depends_on.iter().copied().map(Some));
    }
    let mut input_versions = ListBuilder::new(StringBuilder::new());
    for one in &all {
        let versions = one.remembered();
        input_versions
            .append_value(versions.made_of.inputs.iter().map(|(name, version)| Some(format!("{name}={version}"))));
    }
    let mut failed_items = ListBuilder::new(StringBuilder::new());
    for one in &all {
        failed_items.append_value(one.failed_items().into_iter().map(Some));
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(all.iter().map(|one| one.dataset))),
        Arc::new(StringArray::from_iter_values(all.iter().map(|one| one.state().name()))),
        intervals(all.iter().map(|one| one.age(&Scope::All))),
        Arc::new(all.iter().map(|one| one.policy.map(|policy| ttl_text(policy.ttl))).collect::<StringArray>()),
        instants(all.iter().map(|one| one.loaded_at())),
        instants(all.iter().map(|one| one.expires_at())),
        Arc::new(snapshots.iter().map(|one| number(one.as_ref().map(|one| one.version))).collect::<Int64Array>()),
        Arc::new(snapshots.iter().map(|one| number(one.as_ref().and_then(|one| one.rows()))).collect::<Int64Array>()),
        Arc::new(snapshots.iter().map(|one| number(one.as_ref().map(|one| one.bytes()))).collect::<Int64Array>()),
        Arc::new(depends_on.finish()),
        Arc::new(input_versions.finish()),
        Arc::new(all.iter().map(|one| one.last_error()).collect::<StringArray>()),
        Arc::new(StringArray::from_iter_values(all.iter().map(|one| one.feed_class))),
        policy(|policy| policy.stale_while_revalidate),
        policy(|policy| policy.wait_timeout),
        policy(|policy| policy.stale_if_error),
        policy(|policy| policy.jitter),
        Arc::new(failed_items.finish()),
    ];
    RecordBatch::try_new(schema.clone(), columns)
}

/// A TTL as the configuration words it.
pub fn ttl_text(ttl: Ttl) -> String {
    match ttl {
        Ttl::After(duration) => humantime::format_duration(duration).to_string(),
        Ttl::Inputs => "inputs".to_owned(),
        Ttl::SessionClose(delay) => format!("session close + {}", humantime::format_duration(delay)),
    }
}

/// Columns of `system.refreshes`, in the order that [`refreshes`] fills them.
pub(crate) fn refreshes_columns() -> Vec<SystemColumn> {
    use DataType::{Int64, Utf8};
    vec![
        ("dataset", Utf8, "Name of the dataset"),
        ("cause", Utf8, "Why it ran"),
        ("started_at", instant(), "When it began"),
        ("ended_at", instant(), "When it ended"),
        ("items", Int64, "Items asked for [items]"),
        ("failed", Int64, "Items that failed [items]"),
        ("failed_items", text_list(), "Items that failed, each as 'item: reason'"),
        ("rows", Int64, "Rows fetched [rows]"),
        ("origin_calls", Int64, "Requests sent to the origin, retries included [requests]"),
        ("version", Int64, "Version of the table afterwards"),
        ("error", Utf8, "Why it brought nothing; NULL when it did"),
        ("scope", text_list(), "Items it was for; NULL is the whole dataset"),
    ]
}

/// Rows of `system.refreshes`: the runs that each dataset remembers.
fn refreshes(board: &FreshnessBoard, schema: &SchemaRef) -> Result<RecordBatch, arrow::error::ArrowError> {
    let states: Vec<_> = board.values().map(|one| (one.dataset, one.remembered())).collect();
    let mut runs: Vec<_> =
        states.iter().flat_map(|(dataset, state)| state.runs.iter().map(move |run| (*dataset, run))).collect();
    runs.sort_by_key(|(_, run)| run.started_at);
    let number = |value: u64| i64::try_from(value).ok();
    let mut scope = ListBuilder::new(StringBuilder::new());
    for (_, run) in &runs {
        scope.append_option(run.scope.names().map(|names| names.iter().map(Some)));
    }
    let mut failed = ListBuilder::new(StringBuilder::new());
    for (_, run) in &runs {
        failed.append_value(run.failed.iter().map(|failed| Some(format!("{}: {}", failed.item, failed.reason))));
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(runs.iter().map(|(dataset, _)| dataset))),
        Arc::new(StringArray::from_iter_values(runs.iter().map(|(_, run)| &run.cause))),
        instants(runs.iter().map(|(_, run)| Some(run.started_at))),
        instants(runs.iter().map(|(_, run)| Some(run.ended_at))),
        Arc::new(runs.iter().map(|(_, run)| number(run.items)).collect::<Int64Array>()),
        Arc::new(runs.iter().map(|(_, run)| number(run.failed.len() as u64)).collect::<Int64Array>()),
        Arc::new(failed.finish()),
        Arc::new(runs.iter().map(|(_, run)| number(run.rows)).collect::<Int64Array>()),
        Arc::new(runs.iter().map(|(_, run)| number(run.origin_calls)).collect::<Int64Array>()),
        Arc::new(runs.iter().map(|(_, run)| run.version.and_then(number)).collect::<Int64Array>()),
        Arc::new(runs.iter().map(|(_, run)| run.error.clone()).collect::<StringArray>()),
        Arc::new(scope.finish()),
    ];
    RecordBatch::try_new(schema.clone(), columns)
}

/// Columns of `system.queries`, whose rows the engine gives.
pub(crate) fn queries_columns() -> Vec<SystemColumn> {
    use DataType::{Float64, Int64, Utf8};
    vec![
        ("pid", Int64, "Number of the session"),
        ("user", Utf8, "Name of its user"),
        ("front_end", Utf8, "How it is connected"),
        ("started_at", instant(), "When the statement began"),
        ("state", Utf8, "What it does now"),
        ("sql", Utf8, "Text of the statement; NULL for whom it does not concern"),
        ("rows_sent", Int64, "Rows sent so far [rows]"),
        ("progress", Float64, "Part of the input read so far; NULL where it is not known [ratio, 0 to 1]"),
    ]
}

/// Columns of `system.settings`, all text.
pub(crate) fn settings_columns() -> Vec<SystemColumn> {
    use DataType::Utf8;
    vec![
        ("name", Utf8, "Key in the configuration"),
        ("value", Utf8, "Value in force; secrets are hidden, and so are paths from who is no admin"),
        ("origin", Utf8, "Where it is from: 'default', 'environment', 'flag' or a file"),
    ]
}

/// Rows of `system.settings`, one per key; secrets are `(hidden)` by the time they come here. Where the server has its files
/// is for admins to know.
fn settings_rows(
    settings: &[Setting],
    schema: &SchemaRef,
    reader: Option<&SessionFacts>,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let is_admin = reader.is_some_and(SessionFacts::is_admin);
    let shown = |text| if is_admin || !is_path(text) { text } else { "(hidden)" };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(settings.iter().map(|one| &one.name))),
        Arc::new(StringArray::from_iter_values(settings.iter().map(|one| shown(one.value.as_str())))),
        Arc::new(StringArray::from_iter_values(settings.iter().map(|one| shown(one.origin.as_str())))),
    ];
    RecordBatch::try_new(schema.clone(), columns)
}

/// Whether a value, as it is written in TOML, is a path from the root.
fn is_path(value: &str) -> bool {
    std::path::Path::new(value.trim_start_matches('"')).is_absolute()
}

/// Instants as microseconds since 1970 in UTC; `None` becomes NULL.
pub(crate) fn instants(values: impl Iterator<Item = Option<DateTime<Utc>>>) -> ArrayRef {
    let micros = values.map(|value| value.map(|instant| instant.timestamp_micros()));
    Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

/// Whole milliseconds as an interval without days, which clients show as hours, minutes and seconds.
pub(crate) fn intervals(values: impl Iterator<Item = Option<TimeDelta>>) -> ArrayRef {
    let parts = values.map(|value| {
        let nanos = value?.num_milliseconds().checked_mul(1_000_000)?;
        Some(IntervalMonthDayNano::new(0, 0, nanos))
    });
    Arc::new(parts.collect::<IntervalMonthDayNanoArray>())
}
