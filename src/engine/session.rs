//! One session per connection: its settings, its plans, what it runs.

use super::checked::Checked;
use super::constant;
use super::cpu::{self, Cpu, Rows};
use super::depth::{self, Depth};
use super::dialect::Bounded;
use super::error::{ErrorKind, QueryError};
use super::memory;
use super::operators::Operators;
use super::own::{self, Own};
use super::prepared::Prepared;
use super::queries::{Listed, Queries, QueryState, RunningQuery};
use super::role::Role;
use super::search::Search;
use super::sessions::{CancelHandle, OpenSession, Place, Sessions};
use super::settings::{Defaults, Settings};
use super::statement::StatementState;
use super::template::DATABASE;
use super::variables::Variables;
use super::zone::Zoned;
use crate::table::command::{RefreshCommand, explain_freshness};
use crate::table::context::{Notices, OnStale, QueryContext, ScanPart, Snapshots};
use crate::table::demand::Demand;
use crate::table::function::{SessionFacts, register_session};
use crate::table::inputs::{InputFreshness, Inputs};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use chrono::Utc;
use datafusion::catalog::{Session as _, TableProvider};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{ParamValues, ScalarValue, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::execution::FunctionRegistry;
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
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A parsed statement: sqlparser's tree in the PostgreSQL dialect.
pub type Statement = ast::Statement;

/// Texts from this length on are not read beside the other connections of a thread.
const LONG_TEXT_BYTES: usize = 16 << 10;

/// Everything sessions share. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    template: SessionState,
    defaults: Defaults,
    next_session: AtomicU64,
    queries: Arc<Queries>,
    sessions: Arc<Sessions>,
    /// Asks who may connect. It is told once, by whoever knows.
    users: OnceLock<ListUsers>,
    cpu: Cpu,
}

/// Gives the users that may connect, sorted by name.
pub type ListUsers = Box<dyn Fn() -> Vec<(String, Role)> + Send + Sync>;

impl Shared {
    /// The users that may connect; `None` when everybody may.
    pub(super) fn users(&self) -> Option<Vec<(String, Role)>> {
        self.users.get().map(|list| list())
    }

    pub(super) fn queries(&self) -> &Queries {
        &self.queries
    }

    pub(super) fn sessions(&self) -> &Sessions {
        &self.sessions
    }
}

impl Engine {
    /// An engine over a session template that holds catalogs, functions and limits.
    pub fn new(template: SessionState, statement_timeout: Option<Duration>) -> Self {
        Self::with_queries(template, Defaults { statement_timeout, ..Defaults::default() }, Arc::default())
    }

    /// The same with all that a session is given, and with a list of running statements that others look at too.
    pub fn with_queries(mut template: SessionState, defaults: Defaults, queries: Arc<Queries>) -> Self {
        let rules = template.register_function_rewrite(Arc::new(Checked));
        let rules = rules.and_then(|()| template.register_function_rewrite(Arc::new(Zoned)));
        if let Err(error) = rules.and_then(|()| template.register_expr_planner(Arc::new(Operators))) {
            tracing::error!("PostgreSQL's arithmetic is not registered: {error}");
        }
        Self {
            shared: Arc::new(Shared {
                template,
                defaults,
                next_session: AtomicU64::new(1),
                queries,
                sessions: Arc::default(),
                users: OnceLock::new(),
                cpu: Cpu::start(),
            }),
        }
    }

    /// Has `pg_roles` and its like list these users. Only the first call counts.
    pub fn list_users(&self, users: ListUsers) {
        // A second list is a mistake of the caller's that changes nothing.
        let _ = self.shared.users.set(users);
    }

    /// Who is connected, over all front ends.
    pub fn sessions(&self) -> &Arc<Sessions> {
        &self.shared.sessions
    }

    /// What runs now.
    pub fn queries(&self) -> &Arc<Queries> {
        &self.shared.queries
    }

    /// Pieces of work on the threads for statements, those included that nobody waits for any more.
    pub fn tasks(&self) -> usize {
        self.shared.cpu.tasks()
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
        // Pids go round rather than past what clients can hold.
        let pid = i32::try_from(id & 0x7fff_ffff).unwrap_or_default();
        let open = OpenSession::new(pid, user, role, front_end, settings.clone());
        let notices = Notices::default();
        let shared = Arc::downgrade(&self.shared);
        let variables = Variables { session: open.clone(), notices: notices.clone(), shared };
        let mut base = self.shared.template.clone();
        let facts = SessionFacts {
            user: user.to_owned(),
            role,
            database: DATABASE.to_owned(),
            pid,
            variables: Arc::new(variables),
        };
        if let Err(error) = register_session(&mut base, facts) {
            // The session then lacks functions such as current_user, and says so when they are called.
            tracing::error!("the functions of a session are not registered: {error}");
        }
        Session {
            engine: self.clone(),
            state: Mutex::new(Arc::new(base)),
            id,
            settings,
            _place: self.shared.sessions.add(open.clone()),
            open,
            request: Mutex::default(),
            notices,
            snapshots: Mutex::default(),
            part: Mutex::default(),
        }
    }
}

/// One connection's state. Shared by reference; methods take `&self`.
pub struct Session {
    engine: Engine,
    /// The template with what this session alone knows, and with its zone. Held for a few instructions.
    state: Mutex<Arc<SessionState>>,
    id: u64,
    settings: Arc<Mutex<Settings>>,
    open: Arc<OpenSession>,
    _place: Place,
    /// What the statements of one request share; `None` between requests. Held for a few instructions.
    request: Mutex<Option<Request>>,
    notices: Notices,
    /// The versions of the tables that a transaction reads; `None` outside. Held for a few instructions.
    snapshots: Mutex<Option<Snapshots>>,
    /// The part of a table that is read instead of the whole. Held for a few instructions.
    part: Mutex<Option<ScanPart>>,
}

/// What a client asks for in one go, from its first message to the word that it may ask again.
struct Request {
    cancel: CancellationToken,
    /// When the statement at work is out of time; set by its first step.
    deadline: Option<Option<Instant>>,
}

/// A planned statement, ready to run any number of times.
#[derive(Clone)]
pub struct Plan {
    prepared: Arc<Prepared>,
    /// Columns of the result.
    pub schema: SchemaRef,
    /// Types of `$1`, `$2`, ... in order; `None` where nothing in the statement tells.
    pub parameters: Vec<Option<DataType>>,
}

impl Plan {
    pub(super) fn logical(&self) -> &LogicalPlan {
        &self.prepared.logical
    }

    /// Whether it is answered without being optimised or planned further: the row of one key of one table.
    pub fn is_lookup(&self) -> bool {
        self.prepared.lookup.is_some()
    }
}

/// A statement's time limit and cancellation, from its arrival to its last row.
pub struct Running {
    listed: Listed,
    cancel: CancellationToken,
    deadline: Option<Instant>,
    sql: String,
    engine: Engine,
}

impl Running {
    /// Runs a step of the statement, unless it is cancelled or out of time first.
    pub async fn guard<T, E: Into<QueryError>>(
        &self,
        step: impl Future<Output = Result<T, E>>,
    ) -> Result<T, QueryError> {
        tokio::select! {
            biased;
            error = self.stopped() => Err(error),
            result = step => result.map_err(Into::into),
        }
    }

    /// Waits until it is cancelled or out of time, and says which.
    pub async fn stopped(&self) -> QueryError {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => cancelled(),
            () = until(self.deadline) => timed_out(),
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
    rows: Rows<RecordBatch>,
    schema: SchemaRef,
    unbounded: bool,
}

/// Rows of a running statement, each batch with something done to it. Dropping it stops the statement.
pub struct MappedStream<T> {
    running: Running,
    rows: Rows<T>,
}

impl<T> MappedStream<T> {
    /// What was made of the next batch; `None` after the last. Ends with an error when cancelled or out of time.
    pub async fn next(&mut self) -> Option<Result<T, QueryError>> {
        self.running.guard(self.rows.next()).await.transpose()
    }

    /// As [`RowStream::sent`].
    pub fn sent(&self, rows: u64) {
        self.running.listed.progress.sent(rows);
    }

    /// As [`RowStream::stopped`].
    pub async fn stopped(&self) -> QueryError {
        self.running.stopped().await
    }
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
        running.listed.progress.enter(QueryState::Running);
        self.running = running;
    }

    /// Waits for the client to ask for more.
    pub fn suspend(&self) {
        self.running.listed.progress.enter(QueryState::Suspended);
    }

    /// Counts rows that were handed to the client.
    pub fn sent(&self, rows: u64) {
        self.running.listed.progress.sent(rows);
    }

    /// Waits until the statement is cancelled or out of time. For a client that takes rows slowly or not at all, where
    /// nobody asks for the [`RowStream::next`] batch.
    pub async fn stopped(&self) -> QueryError {
        self.running.stopped().await
    }

    /// The next batch; `None` after the last. Ends with an error when cancelled or out of time.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, QueryError>> {
        let batch = match self.rows.at_hand() {
            Some(ready) => Ok(ready?),
            None => self.running.guard(self.rows.next()).await.transpose()?,
        };
        Some(batch.and_then(|batch| relabelled(batch, &self.schema)))
    }

    /// Has `work` done on each further batch where statements run, several at once. The order stays, and only as many are
    /// taken ahead as there are processors.
    pub fn map<T: Send + 'static>(self, work: impl Fn(RecordBatch) -> T + Send + Sync + 'static) -> MappedStream<T> {
        let Self { running, rows, schema, unbounded: _ } = self;
        let rows = running.engine.shared.cpu.map(rows, move |batch| Ok(work(relabelled(batch, &schema)?)));
        MappedStream { running, rows }
    }
}

impl Session {
    /// Number of this session, unique in this process.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// User of this session.
    pub fn user(&self) -> &str {
        &self.open.user
    }

    /// Number that other sessions and clients name this one by.
    pub fn pid(&self) -> i32 {
        self.open.pid
    }

    /// What the user may do.
    pub fn role(&self) -> Role {
        self.open.role
    }

    /// Reads or changes the settings. Do not hold it across an await.
    pub fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is cancelled when somebody asks for the end of this session, which its front end then gives it.
    pub fn terminated(&self) -> CancellationToken {
        self.open.terminated.clone()
    }

    /// A handle by which another task cancels what this session runs.
    pub fn cancel_handle(&self) -> CancelHandle {
        self.open.cancel.clone()
    }

    /// Takes the notices that planning and running left for the client (a stale answer, for example).
    pub fn take_notices(&self) -> Vec<String> {
        self.notices.take()
    }

    /// Takes the warnings they left (of a session that is not there to be cancelled, for example).
    pub fn take_warnings(&self) -> Vec<String> {
        self.notices.take_warnings()
    }

    /// Parses one or more statements.
    pub fn parse(&self, sql: &str) -> Result<Vec<Statement>, QueryError> {
        if sql.len() < LONG_TEXT_BYTES { parse(sql) } else { cpu::apart(|| parse(sql)) }
    }

    /// Begins what a client asks for in one go, unless that has begun already. Until [`Session::end_request`] a cancel
    /// reaches it whatever it is at, between two steps of a statement too, and the steps of a statement share its time.
    pub fn begin_request(&self) {
        let begun = || Request { cancel: self.open.cancel.token(), deadline: None };
        self.request().get_or_insert_with(begun);
    }

    /// The statement at work is done; the time of the next one of the request is its own.
    pub fn end_statement(&self) {
        if let Some(request) = &mut *self.request() {
            request.deadline = None;
        }
    }

    /// The client may ask again.
    pub fn end_request(&self) {
        *self.request() = None;
    }

    fn request(&self) -> MutexGuard<'_, Option<Request>> {
        self.request.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a statement, or a step of one within a request: its time limit runs from here, and a cancel reaches it from
    /// here.
    pub fn start(&self, sql: &str) -> Running {
        self.open.remember(sql);
        let query = RunningQuery {
            pid: self.open.pid,
            user: self.open.user.clone(),
            front_end: self.open.front_end,
            started_at: Utc::now(),
            sql: sql.to_owned(),
            progress: Arc::default(),
        };
        let listed = self.engine.shared.queries.list(query);
        let limit = self.settings().statement_timeout();
        let from_now = || limit.map(|limit| Instant::now() + limit);
        let (cancel, deadline) = match &mut *self.request() {
            Some(request) => (request.cancel.clone(), *request.deadline.get_or_insert_with(from_now)),
            None => (self.open.cancel.token(), from_now()),
        };
        Running { listed, cancel, deadline, sql: sql.to_owned(), engine: self.engine.clone() }
    }

    /// Plans a statement that reads. Anything that would write is refused.
    pub async fn plan(&self, running: &Running, statement: &Statement) -> Result<Plan, QueryError> {
        match own::own(statement) {
            Some(Own::Refresh(name)) => return self.plan_refresh(running, name).await,
            Some(Own::Freshness(query)) => {
                let plan = Box::pin(self.plan(running, query)).await?;
                return plan_rows(Arc::new(explain_freshness(&plan.prepared.logical)?), plan.parameters);
            }
            None => {}
        }
        let depth = Depth::of(&running.sql);
        let search = self.search();
        let rewrite = || {
            super::safety::check(statement)?;
            super::size::check(statement)?;
            super::weight::check(statement)?;
            let mut rewritten = statement.clone();
            super::rewrite::rewrite(&mut rewritten, &|table| search.place(table));
            let spelled_out = super::rewrite::spelled_out(&rewritten);
            Ok::<_, QueryError>((rewritten, spelled_out))
        };
        let long = running.sql.len() >= LONG_TEXT_BYTES;
        let (rewritten, spelled_out) = if long { cpu::apart(|| depth.walk(rewrite)) } else { depth.walk(rewrite) }?;
        let state = self.state();
        let sql = running.sql.clone();
        let planned = self.engine.shared.cpu.run(Box::pin(async move {
            let planned = state.statement_to_plan(EngineStatement::Statement(Box::new(rewritten)));
            let planned = depth.walking(planned).await.map_err(|error| QueryError::from_engine(&error, &sql));
            planned.map_err(|error| error.suggest_table(table_names(&state)))
        }));
        let logical = running.guard(planned).await?;
        let own = own_parameter_types(&logical)?;
        let parameters = parameter_types(&logical, &own, &spelled_out)?;
        let schema = renamed(logical.schema().as_arrow(), super::rewrite::output_names(statement));
        let own: Vec<_> = own.into_values().collect();
        Ok(Plan { prepared: Arc::new(Prepared::new(logical, depth, &own)), schema, parameters })
    }

    /// Where unqualified tables are looked for now.
    fn search(&self) -> Search {
        let setting = self.settings().show("search_path").unwrap_or_default();
        Search::new(&setting, self.user(), self.engine.shared.template.catalog_list().catalog(DATABASE))
    }

    /// Plans REFRESH TABLE: the table must be there, and be one that is refreshed.
    async fn plan_refresh(&self, running: &Running, name: TableReference) -> Result<Plan, QueryError> {
        if self.role() != Role::Admin {
            return Err(QueryError::new(ErrorKind::Forbidden, "permission denied: REFRESH TABLE is for admins")
                .with_hint("A query refreshes what is past its time; SET max_staleness asks for fresher rows."));
        }
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
        self.open.in_transaction.store(true, Ordering::Relaxed);
        *self.snapshots.lock().unwrap_or_else(PoisonError::into_inner) = Some(Snapshots::of_transaction());
    }

    /// From here on each statement reads the latest versions again.
    pub fn end_snapshot(&self) {
        self.open.in_transaction.store(false, Ordering::Relaxed);
        *self.snapshots.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A plan with values in the place of its parameters; its columns may be of other types then.
    pub fn bind(&self, plan: &Plan, parameters: Vec<ScalarValue>) -> Result<Plan, QueryError> {
        let logical = plan.logical().clone().with_param_values(ParamValues::from(parameters))?;
        let names = plan.schema.fields().iter().map(|field| field.name().clone()).collect();
        let schema = renamed(logical.schema().as_arrow(), Some(names));
        let prepared = Arc::new(Prepared::new(logical, plan.prepared.depth, &[]));
        Ok(Plan { prepared, schema, parameters: Vec::new() })
    }

    /// How fresh the tables are that a plan reads, sorted by name, now or at the moment of the past that this session
    /// reads; last, under [`crate::table::inputs::RESULT`], the answer as a whole. Nothing is refreshed for it.
    pub async fn freshness(&self, plan: &Plan) -> Result<Vec<InputFreshness>, QueryError> {
        let context = self.context();
        let as_of = context.as_of;
        let state = StatementState::begin(self.state(), context);
        let (inputs, prepared) = (Inputs::of(plan.logical())?, plan.prepared.clone());
        let told = async move {
            let open = !prepared.logical.get_parameter_types()?.is_empty();
            // What a plan needs of its tables is known once its parameters are.
            let demand = if open {
                Demand::default()
            } else {
                let optimised = prepared.depth.walk(|| prepared.optimised(&state, Vec::new()))?;
                Demand::of(&optimised)?
            };
            inputs.told(&demand, as_of).await
        };
        self.engine.shared.cpu.run(Box::pin(told)).await
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
        let context = self.context();
        if let Some(lookup) = &plan.prepared.lookup
            && let Some(row) = lookup.row(&context, &parameters).await
        {
            return Ok(RowStream { running, rows: Rows::ready(row?), schema: plan.schema.clone(), unbounded: false });
        }
        let state = StatementState::begin(self.state(), context);
        let open = open(state, plan.prepared.clone(), parameters, self.engine.shared.defaults.query_memory_bytes);
        let (schema, unbounded, rows) = running.guard(self.engine.shared.cpu.rows(open)).await?;
        running.listed.progress.enter(QueryState::Running);
        let names = plan.schema.fields().iter().map(|field| field.name().clone()).collect();
        let schema = renamed(&schema, Some(names));
        Ok(RowStream { running, rows, schema, unbounded })
    }

    /// What this session's statements share: its functions and its zone. The same until the zone changes.
    fn state(&self) -> Arc<SessionState> {
        let zone = self.settings().time_zone().name();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.config_options().execution.time_zone.as_deref() != Some(zone) {
            let changed = Arc::make_mut(&mut state);
            changed.config_mut().options_mut().execution.time_zone = Some(zone.to_owned());
        }
        state.clone()
    }

    /// A statement's demands on freshness and time.
    pub(super) fn context(&self) -> QueryContext {
        let settings = self.settings();
        let on_stale = match settings.freshness() {
            "serve" => OnStale::Serve,
            "fail" => OnStale::Fail,
            _ => OnStale::Wait,
        };
        QueryContext {
            on_stale,
            max_staleness: settings.max_staleness(),
            as_of: settings.as_of(),
            snapshots: self.snapshots.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default(),
            part: self.part.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            notices: self.notices.clone(),
            ..QueryContext::default()
        }
    }
}

fn parse(sql: &str) -> Result<Vec<Statement>, QueryError> {
    super::safety::check_text(sql)?;
    let dialect = PostgreSqlDialect {};
    let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location();
    let tokens = tokens.map_err(|error| QueryError::from_parser(error.into(), sql))?;
    depth::check(&tokens)?;
    let bounded = Bounded::for_tokens(tokens.len());
    let parse = || own::statements(&mut Parser::new(&bounded).with_tokens_with_locations(tokens));
    Depth::of(sql).walk(parse).map_err(|error| QueryError::from_parser(error, sql))
}

/// The plan of a statement whose rows a table makes.
fn plan_rows(rows: Arc<dyn TableProvider>, parameters: Vec<Option<DataType>>) -> Result<Plan, QueryError> {
    let logical = LogicalPlanBuilder::scan("rows", provider_as_source(rows), None)?.build()?;
    let schema = renamed(logical.schema().as_arrow(), None);
    Ok(Plan { prepared: Arc::new(Prepared::new(logical, Depth::Shallow, &[])), schema, parameters })
}

/// Makes a plan ready with these values and opens its rows; nothing is read before the first of them is asked for. Says
/// whether they have no end.
async fn open(
    mut state: StatementState,
    prepared: Arc<Prepared>,
    values: Vec<ScalarValue>,
    memory_bytes: Option<usize>,
) -> Result<(SendableRecordBatchStream, bool), DataFusionError> {
    let depth = prepared.depth;
    let optimised = depth.walk(|| prepared.optimised(&state, values))?;
    let mut physical = depth.walking(state.physical(&optimised)).await?;
    if let Some(rows) = constant::batch_size(&physical, state.config().batch_size()) {
        state.with_batches_of(rows);
        physical = depth.walking(state.physical(&optimised)).await?;
    }
    let unbounded = physical.boundedness().is_unbounded();
    if unbounded {
        state.row_by_row();
        physical = depth.walking(state.physical(&optimised)).await?;
    }
    let context = Arc::new(memory::limited(state.running(), memory_bytes));
    let rows = datafusion::physical_plan::execute_stream(physical.clone(), context.clone())?;
    Ok((super::damage::naming(rows, physical, context), unbounded))
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

/// Types of the parameters by their number, as far as the plan itself has them.
fn own_parameter_types(plan: &LogicalPlan) -> Result<BTreeMap<usize, Option<DataType>>, QueryError> {
    let numbered = |(name, data_type): (String, Option<DataType>)| match name
        .strip_prefix('$')
        .and_then(|digits| digits.parse::<usize>().ok())
    {
        Some(number @ 1..=65_535) => Ok((number, data_type)),
        _ => Err(QueryError::new(ErrorKind::Syntax, format!("there is no parameter {name}"))),
    };
    plan.get_parameter_types()?.into_iter().map(numbered).collect()
}

/// Types of the parameters in order of their number, from the plan or else from the statement; a gap (`$1, $3`) has no type.
fn parameter_types(
    plan: &LogicalPlan,
    own: &BTreeMap<usize, Option<DataType>>,
    spelled_out: &BTreeMap<String, DataType>,
) -> Result<Vec<Option<DataType>>, QueryError> {
    let mut types = vec![None; own.keys().next_back().copied().unwrap_or_default()];
    let lists = if own.is_empty() { BTreeMap::new() } else { list_parameters(plan)? };
    for (number, data_type) in own {
        let name = format!("${number}");
        types[number - 1] = data_type.clone().or_else(|| spelled_out.get(&name).or_else(|| lists.get(&name)).cloned());
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
