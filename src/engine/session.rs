//! One session per connection: its settings, its plans, what it runs.

use super::cpu::{Cpu, Rows};
use super::depth;
use super::error::{ErrorKind, QueryError};
use super::own::{self, Own};
use super::queries::{Listed, Queries, RunningQuery};
use super::role::Role;
use super::settings::{Defaults, Settings};
use super::template::DATABASE;
use super::variables::Variables;
use crate::table::command::{InputFreshness, RefreshCommand, explain_freshness, freshness_of};
use crate::table::context::{Notices, OnStale, QueryContext, ScanPart, Snapshots};
use crate::table::function::{SessionFacts, register_session};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use chrono::Utc;
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{ParamValues, ScalarValue, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::{ExecutionPlanProperties, SendableRecordBatchStream};
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Tokenizer;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A parsed statement: sqlparser's tree in the PostgreSQL dialect.
pub type Statement = ast::Statement;

/// Everything sessions share. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    template: SessionState,
    defaults: Defaults,
    next_session: AtomicU64,
    queries: Arc<Queries>,
    cpu: Cpu,
}

impl Engine {
    /// An engine over a session template that holds catalogs, functions and limits.
    pub fn new(template: SessionState, statement_timeout: Option<Duration>) -> Self {
        Self::with_queries(template, Defaults { statement_timeout, ..Defaults::default() }, Arc::default())
    }

    /// The same with all that a session is given, and with a list of running statements that others look at too.
    pub fn with_queries(template: SessionState, defaults: Defaults, queries: Arc<Queries>) -> Self {
        let (next_session, cpu) = (AtomicU64::new(1), Cpu::start());
        Self { shared: Arc::new(Shared { template, defaults, next_session, queries, cpu }) }
    }

    /// What runs now.
    pub fn queries(&self) -> &Arc<Queries> {
        &self.shared.queries
    }

    /// What every session starts from.
    pub(super) fn template(&self) -> &SessionState {
        &self.shared.template
    }

    /// Opens a session for one connection.
    pub fn open_session(&self, user: &str, role: Role, front_end: &'static str) -> Session {
        let id = self.shared.next_session.fetch_add(1, Ordering::Relaxed);
        let defaults = Defaults { superuser: role == Role::Admin, ..self.shared.defaults };
        let settings = Arc::new(Mutex::new(Settings::new(defaults)));
        let variables = Variables { settings: settings.clone(), queries: self.shared.queries.clone() };
        let mut base = self.shared.template.clone();
        let facts = SessionFacts {
            user: user.to_owned(),
            database: DATABASE.to_owned(),
            pid: i32::try_from(id).unwrap_or(i32::MAX),
            variables: Arc::new(variables),
        };
        if let Err(error) = register_session(&mut base, facts) {
            // The session then lacks functions such as current_user, and says so when they are called.
            tracing::error!("the functions of a session are not registered: {error}");
        }
        Session {
            engine: self.clone(),
            base,
            id,
            user: user.to_owned(),
            role,
            front_end,
            settings,
            current: Arc::default(),
            terminated: CancellationToken::new(),
            notices: Notices::default(),
            snapshots: Mutex::default(),
            part: Mutex::default(),
        }
    }
}

/// One connection's state. Shared by reference; methods take `&self`.
pub struct Session {
    engine: Engine,
    /// The template with what this session alone knows.
    base: SessionState,
    id: u64,
    user: String,
    role: Role,
    front_end: &'static str,
    settings: Arc<Mutex<Settings>>,
    current: Arc<Mutex<CancellationToken>>,
    /// Cancelled when somebody asks for the end of this session.
    terminated: CancellationToken,
    notices: Notices,
    /// The versions of the tables that a transaction reads; `None` outside. Held for a few instructions.
    snapshots: Mutex<Option<Snapshots>>,
    /// The part of a table that is read instead of the whole. Held for a few instructions.
    part: Mutex<Option<ScanPart>>,
}

/// Cancels whatever its session runs at that moment; nothing when it runs nothing.
#[derive(Clone)]
pub struct CancelHandle {
    current: Arc<Mutex<CancellationToken>>,
}

impl CancelHandle {
    /// Cancels the running statement.
    pub fn cancel(&self) {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }
}

/// A planned statement, ready to run any number of times.
#[derive(Clone)]
pub struct Plan {
    logical: LogicalPlan,
    /// Columns of the result.
    pub schema: SchemaRef,
    /// Types of `$1`, `$2`, ... in order; `None` where nothing in the statement tells.
    pub parameters: Vec<Option<DataType>>,
}

impl Plan {
    pub(super) fn logical(&self) -> &LogicalPlan {
        &self.logical
    }

    /// How fresh the tables it reads are now, sorted by name; last, named `(result)`, the query as a whole.
    pub fn freshness(&self) -> Result<Vec<InputFreshness>, QueryError> {
        Ok(freshness_of(&self.logical)?)
    }
}

/// A statement's time limit and cancellation, from its arrival to its last row.
pub struct Running {
    _listed: Listed,
    cancel: CancellationToken,
    deadline: Option<Instant>,
    sql: String,
}

impl Running {
    /// Runs a step of the statement, unless it is cancelled or out of time first.
    pub async fn guard<T, E: Into<QueryError>>(
        &self,
        step: impl Future<Output = Result<T, E>>,
    ) -> Result<T, QueryError> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(cancelled()),
            () = until(self.deadline) => Err(timed_out()),
            result = step => result.map_err(Into::into),
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn cancelled() -> QueryError {
    QueryError::new(ErrorKind::Cancelled, "canceling statement due to user request")
}

fn timed_out() -> QueryError {
    QueryError::new(ErrorKind::Timeout, "canceling statement due to statement timeout")
}

/// Rows of a running statement. Dropping it stops the statement and frees what it holds.
pub struct RowStream {
    running: Running,
    rows: Rows,
    schema: SchemaRef,
    unbounded: bool,
}

impl RowStream {
    /// Whether the rows have no end: they come as events happen.
    pub fn is_unbounded(&self) -> bool {
        self.unbounded
    }

    /// Columns of the rows.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Goes on under the time limit and cancellation of a later statement: a cursor's next FETCH.
    pub fn resume(&mut self, running: Running) {
        self.running = running;
    }

    /// The next batch; `None` after the last. Ends with an error when cancelled or out of time.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, QueryError>> {
        let batch = self.running.guard(self.rows.next()).await.transpose()?;
        Some(batch.and_then(|batch| relabelled(batch, &self.schema)))
    }
}

impl Session {
    /// Number of this session, unique in this process.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// User of this session.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// What the user may do.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Reads or changes the settings. Do not hold it across an await.
    pub fn settings(&self) -> std::sync::MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is cancelled when somebody asks for the end of this session, which its front end then gives it.
    pub fn terminated(&self) -> CancellationToken {
        self.terminated.clone()
    }

    /// A handle by which another task cancels what this session runs.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle { current: self.current.clone() }
    }

    /// Takes the notices that planning and running left for the client (a stale answer, for example).
    pub fn take_notices(&self) -> Vec<String> {
        self.notices.take()
    }

    /// Parses one or more statements.
    pub fn parse(&self, sql: &str) -> Result<Vec<Statement>, QueryError> {
        super::safety::check_text(sql)?;
        let dialect = PostgreSqlDialect {};
        let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location();
        let tokens = tokens.map_err(|error| QueryError::from_parser(error.into(), sql))?;
        depth::check(&tokens)?;
        let parse = || own::statements(&mut Parser::new(&dialect).with_tokens_with_locations(tokens));
        depth::walk(parse).map_err(|error| QueryError::from_parser(error, sql))
    }

    /// Begins a statement: its time limit runs from here, and a cancel reaches it from here.
    pub fn start(&self, sql: &str) -> Running {
        let cancel = CancellationToken::new();
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = cancel.clone();
        let query = RunningQuery {
            session_id: self.id,
            user: self.user.clone(),
            front_end: self.front_end,
            started_at: Utc::now(),
            sql: sql.to_owned(),
        };
        let listed = self.engine.shared.queries.list(query);
        let deadline = self.settings().statement_timeout().map(|limit| Instant::now() + limit);
        Running { _listed: listed, cancel, deadline, sql: sql.to_owned() }
    }

    /// Plans a statement that reads. Anything that would write is refused.
    pub async fn plan(&self, running: &Running, statement: &Statement) -> Result<Plan, QueryError> {
        match own::own(statement) {
            Some(Own::Refresh(name)) => return self.plan_refresh(running, name).await,
            Some(Own::Freshness(query)) => {
                let plan = Box::pin(self.plan(running, query)).await?;
                return plan_rows(Arc::new(explain_freshness(&plan.logical)?), plan.parameters);
            }
            None => {}
        }
        let rewritten = depth::walk(|| {
            super::safety::check(statement)?;
            let mut rewritten = statement.clone();
            super::rewrite::rewrite(&mut rewritten);
            Ok::<_, QueryError>(rewritten)
        })?;
        let spelled_out = depth::walk(|| super::rewrite::spelled_out(&rewritten));
        let state = self.state();
        let sql = running.sql.clone();
        let planned = self.engine.shared.cpu.run(Box::pin(async move {
            let planned = state.statement_to_plan(EngineStatement::Statement(Box::new(rewritten)));
            let planned = depth::walking(planned).await.map_err(|error| QueryError::from_engine(&error, &sql));
            planned.map_err(|error| error.suggest_table(table_names(&state)))
        }));
        let logical = running.guard(planned).await?;
        let parameters = parameter_types(&logical, &spelled_out)?;
        let schema = renamed(logical.schema().as_arrow(), super::rewrite::output_names(statement));
        Ok(Plan { logical, schema, parameters })
    }

    /// Plans REFRESH TABLE: the table must be there, and be one that is refreshed.
    async fn plan_refresh(&self, running: &Running, name: TableReference) -> Result<Plan, QueryError> {
        let state = self.state();
        let missing = |what: &str, name: &str| {
            QueryError::new(ErrorKind::UnknownTable, format!("{what} \"{name}\" does not exist"))
                .suggest_table(table_names(&state))
        };
        let schema = state.schema_for_ref(name.clone());
        let schema = schema.map_err(|_| missing("schema", name.schema().unwrap_or_default()))?;
        let table = running.guard(schema.table(name.table())).await?;
        let table = table.ok_or_else(|| missing("relation", &name.to_string()))?;
        plan_rows(Arc::new(RefreshCommand::new(&name.to_string(), table.as_ref())?), Vec::new())
    }

    /// From here on all statements read the versions that the first of them finds, until [`Session::end_snapshot`].
    pub fn begin_snapshot(&self) {
        *self.snapshots.lock().unwrap_or_else(PoisonError::into_inner) = Some(Snapshots::default());
    }

    /// From here on each statement reads the latest versions again.
    pub fn end_snapshot(&self) {
        *self.snapshots.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A plan with values in the place of its parameters; its columns may be of other types then.
    pub fn bind(&self, plan: &Plan, parameters: Vec<ScalarValue>) -> Result<Plan, QueryError> {
        let logical = plan.logical.clone().with_param_values(ParamValues::from(parameters))?;
        let names = plan.schema.fields().iter().map(|field| field.name().clone()).collect();
        let schema = renamed(logical.schema().as_arrow(), Some(names));
        Ok(Plan { logical, schema, parameters: Vec::new() })
    }

    pub(super) fn set_part(&self, part: ScanPart) {
        *self.part.lock().unwrap_or_else(PoisonError::into_inner) = Some(part);
    }

    /// Runs a plan with values for its parameters.
    pub async fn execute(
        &self,
        running: Running,
        plan: &Plan,
        parameters: Vec<ScalarValue>,
    ) -> Result<RowStream, QueryError> {
        let state = self.state();
        let mut logical = plan.logical.clone();
        if !parameters.is_empty() {
            logical = logical.with_param_values(ParamValues::from(parameters))?;
        }
        let cpu = &self.engine.shared.cpu;
        let (rows, unbounded) = running.guard(cpu.run(Box::pin(open(state, logical)))).await?;
        let names = plan.schema.fields().iter().map(|field| field.name().clone()).collect();
        let schema = renamed(&rows.schema(), Some(names));
        Ok(RowStream { running, rows: cpu.stream(rows), schema, unbounded })
    }

    /// The session's base with its zone and its demands on freshness.
    pub(super) fn state(&self) -> SessionState {
        let mut state = self.base.clone();
        // `now()` is this moment all through the statement.
        state.mark_start_execution();
        let settings = self.settings();
        let on_stale = match settings.freshness() {
            "serve" => OnStale::Serve,
            "fail" => OnStale::Fail,
            _ => OnStale::Wait,
        };
        let max_staleness = settings.max_staleness();
        let context = QueryContext {
            on_stale,
            max_staleness,
            as_of: settings.as_of(),
            snapshots: self.snapshots.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default(),
            part: self.part.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            notices: self.notices.clone(),
        };
        state.config_mut().options_mut().execution.time_zone = Some(settings.time_zone().name().to_owned());
        state.config_mut().set_extension(Arc::new(context));
        state
    }
}

/// The plan of a statement whose rows a table makes.
fn plan_rows(rows: Arc<dyn TableProvider>, parameters: Vec<Option<DataType>>) -> Result<Plan, QueryError> {
    let logical = LogicalPlanBuilder::scan("rows", provider_as_source(rows), None)?.build()?;
    let schema = renamed(logical.schema().as_arrow(), None);
    Ok(Plan { logical, schema, parameters })
}

/// Optimises a plan and opens its rows; nothing is read before the first of them is asked for. Says whether they have no
/// end.
async fn open(
    mut state: SessionState,
    logical: LogicalPlan,
) -> Result<(SendableRecordBatchStream, bool), DataFusionError> {
    let mut physical = depth::walking(state.create_physical_plan(&logical)).await?;
    let unbounded = physical.boundedness().is_unbounded();
    if unbounded {
        // One partition keeps the events of a symbol in order; batches of one row keep operators that gather a full
        // batch (a filter with a subquery, a join) from withholding rows until thousands more have come.
        let config = std::mem::take(state.config_mut());
        *state.config_mut() = config.with_target_partitions(1).with_batch_size(1);
        physical = depth::walking(state.create_physical_plan(&logical)).await?;
    }
    Ok((datafusion::physical_plan::execute_stream(physical, state.task_ctx())?, unbounded))
}

/// Names a person may have meant by a table that does not exist.
fn table_names(state: &SessionState) -> impl Iterator<Item = String> {
    let catalogs = state.catalog_list();
    let catalog = catalogs.catalog(&state.config_options().catalog.default_catalog);
    let schemas = catalog.iter().flat_map(|catalog| {
        let named = |name: String| catalog.schema(&name).map(|schema| (name, schema.table_names()));
        catalog.schema_names().into_iter().filter_map(named).collect::<Vec<_>>()
    });
    let names = schemas.filter(|(schema, _)| schema != "pg_catalog").flat_map(|(schema, tables)| {
        let full = move |table: String| if schema == "public" { table } else { format!("{schema}.{table}") };
        tables.into_iter().map(full).collect::<Vec<_>>()
    });
    names.collect::<Vec<_>>().into_iter()
}

/// The result's columns under the names PostgreSQL gives them.
fn renamed(schema: &Schema, names: Option<Vec<String>>) -> SchemaRef {
    let own = || schema.fields().iter().map(|field| super::rewrite::visible(field.name()).to_owned()).collect();
    let names = names.filter(|names| names.len() == schema.fields().len()).unwrap_or_else(own);
    let fields = schema.fields().iter().zip(names).map(|(field, name)| field.as_ref().clone().with_name(name));
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

/// The same columns under other names.
fn relabelled(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, QueryError> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let batch = RecordBatch::try_new_with_options(schema.clone(), batch.columns().to_vec(), &options);
    batch.map_err(|error| DataFusionError::from(error).into())
}

/// Types of the parameters in order of their number, from the plan or else from the statement; a gap (`$1, $3`) has no type.
fn parameter_types(
    plan: &LogicalPlan,
    spelled_out: &BTreeMap<String, DataType>,
) -> Result<Vec<Option<DataType>>, QueryError> {
    let mut types = Vec::new();
    let lists = list_parameters(plan)?;
    for (name, data_type) in plan.get_parameter_types()? {
        let number = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
        let Some(number @ 1..=65_535) = number else {
            return Err(QueryError::new(ErrorKind::Syntax, format!("there is no parameter {name}")));
        };
        if types.len() < number {
            types.resize(number, None);
        }
        types[number - 1] = data_type.or_else(|| spelled_out.get(&name).or_else(|| lists.get(&name)).cloned());
    }
    Ok(types)
}

/// Types of the parameters that are searched, as in `symbol = ANY($1)`: lists of what is looked for.
fn list_parameters(plan: &LogicalPlan) -> Result<BTreeMap<String, DataType>, QueryError> {
    let mut found = BTreeMap::new();
    plan.apply_with_subqueries(|node| {
        let schema = merge_schema(&node.inputs());
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::ScalarFunction(call) = part
                    && let [Expr::Placeholder(list), needle] = call.args.as_slice()
                    && call.func.name() == "array_has"
                    && let Ok(element) = needle.get_type(&schema)
                {
                    found.entry(list.id.clone()).or_insert_with(|| DataType::new_list(element, true));
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}
