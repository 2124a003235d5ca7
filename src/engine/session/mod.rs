//! The session of one connection: its settings, its plans and the statement it runs.

mod change;
pub(crate) mod command;
mod declare;
mod definition;
mod edit;
pub(crate) mod exported;
pub(crate) mod kept;
pub(crate) mod load;
mod planning;
mod plans;
pub(crate) mod pool;
pub(crate) mod registry;
pub(crate) mod scan_part;
mod search_path;
pub(crate) mod settings;
pub(crate) mod spelling;
mod temporary_schema;
mod variables;
mod view_rows;

use super::admit::read_only;
use super::plan::over_views::OverViews;
use super::plan::prepared::Prepared;
use super::plan::state::{Moments, StatementState};
use super::plan::{Plan, renamed};
use super::run::batch_size;
use super::run::cpu::{self, Rows};
use super::run::in_order;
use super::run::memory;
use super::run::queries::{Progress, QueryState, RunningQuery};
use super::run::rows::{self, RowStream, Running};
use super::run::{constants, cooperation, damaged_file, repeated};
use super::shared::{DATABASE, Shared};
use crate::clock::Clock;
use crate::dialect::function::register_session;
use crate::dialect::moment::session_style;
use crate::dialect::parse::{self, Placeholders, Statement};
use crate::dialect::session::{Held, SessionFacts};
use crate::error::{ErrorKind, QueryError};
use crate::explain;
use crate::role::Role;
use crate::scan::parquet::ScanPart;
use crate::table::context::{Notices, OnStale, QueryContext, Snapshots};
use crate::table::demand::Demand;
use crate::table::inputs::{InputFreshness, Inputs};
use crate::table::planner::demand_of;
use crate::temporary::rows::Budget;
use crate::work::{self, Work};
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use datafusion::catalog::Session as _;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionState;
use datafusion::physical_plan::{ExecutionPlanProperties, SendableRecordBatchStream};
use plans::Plans;
use registry::{CancelHandle, OpenSession, Place};
use settings::{Defaults, Settings};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use variables::Variables;

/// Texts from this length on are not read beside the other connections of a thread.
const LONG_TEXT_BYTES: usize = 16 << 10;

/// One connection's state. Shared by reference; methods take `&self`.
pub struct Session {
    shared: Arc<Shared>,
    /// The template with what this session alone knows, and with its zone. Held for a few instructions.
    state: Mutex<Arc<SessionState>>,
    id: u64,
    settings: Arc<Mutex<Settings>>,
    open: Arc<OpenSession>,
    /// Its place on the list of open sessions; `None` while it waits to be lent. Held for a few instructions.
    place: Mutex<Option<Place>>,
    /// What the statements of one request share; `None` between requests. Held for a few instructions.
    request: Mutex<Option<Request>>,
    notices: Notices,
    /// What its temporary tables may take.
    budget: Arc<Budget>,
    /// The part of a table that is read instead of the whole. Held for a few instructions.
    part: Mutex<Option<ScanPart>>,
    /// Plans of statements that come again. Held for a few instructions.
    plans: Mutex<Plans>,
}

/// What a client asks for in one go, from its first message to the word that it may ask again.
struct Request {
    /// When the first message of it came.
    began: DateTime<Utc>,
    cancel: CancellationToken,
    /// When the statement at work is out of time; set by its first step.
    deadline: Option<Option<Instant>>,
}

impl Session {
    /// Opens the session of one connection and lists it; dropping it takes it off the list.
    pub(crate) fn open(shared: &Arc<Shared>, user: &str, role: Role, front_end: &'static str) -> Self {
        let id = shared.next_session.fetch_add(1, Ordering::Relaxed);
        let defaults = Defaults { superuser: role == Role::Admin, ..shared.defaults };
        let settings = Arc::new(Mutex::new(Settings::new(defaults)));
        // Pids go round rather than past what clients can hold.
        let pid = i32::try_from(id & 0x7fff_ffff).unwrap_or_default();
        let open = OpenSession::new(pid, user, role, front_end, settings.clone());
        let notices = Notices::default();
        let weak = Arc::downgrade(shared);
        let variables = Variables { session: open.clone(), notices: notices.clone(), shared: weak };
        let mut base = shared.template.clone();
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
        base.config_mut().set_extension(Arc::new(temporary_schema::current(&settings)));
        Self {
            shared: shared.clone(),
            state: Mutex::new(Arc::new(base)),
            id,
            settings,
            place: Mutex::new(Some(shared.sessions.add(open.clone()))),
            open,
            request: Mutex::default(),
            notices,
            budget: Arc::new(Budget::new(shared.defaults.temporary_bytes.unwrap_or(usize::MAX))),
            part: Mutex::default(),
            plans: Mutex::default(),
        }
    }

    fn plans(&self) -> MutexGuard<'_, Plans> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self) -> MutexGuard<'_, Option<Place>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

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

    /// Cancelled when an admin terminates this session; its front end then ends the connection.
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

    /// Parses a text to statements, none for an empty one. An error of kind Syntax (42601) carries its position. A cancel
    /// and the time limit of statements end it.
    pub fn parse(&self, sql: &str) -> Result<Vec<Statement>, QueryError> {
        self.parse_with(sql, Placeholders::Numbers)
    }

    /// As [`Session::parse`], for clients whose parameters are `?`.
    pub fn parse_question_marks(&self, sql: &str) -> Result<Vec<Statement>, QueryError> {
        self.parse_with(sql, Placeholders::QuestionMarks)
    }

    fn parse_with(&self, sql: &str, placeholders: Placeholders) -> Result<Vec<Statement>, QueryError> {
        self.reading(sql, || {
            read_only::check_text(sql)?;
            parse::parse_with(sql, &self.shared.extensions, placeholders)
        })
    }

    /// Reads a text. A long one holds up no other client meanwhile, and its reading ends with the statement's time, or
    /// when it is cancelled.
    ///
    /// # Errors
    /// Those of `read`, and the cancellation.
    pub(crate) fn reading<T, E: From<QueryError>>(
        &self,
        sql: &str,
        read: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        // It may be one of many in a text that is read. The parser alone may take an end for a way that it tries and leaves.
        if work::is_over_now() {
            return Err(rows::cancelled().into());
        }
        if sql.len() < LONG_TEXT_BYTES {
            return read();
        }
        let cancel = self.request().as_ref().map_or_else(|| self.open.cancel.token(), |request| request.cancel.clone());
        let deadline = self.settings().statement_timeout().map(|limit| Instant::now() + limit);
        let ended = move || {
            let late = deadline.is_some_and(|deadline| deadline <= Instant::now());
            if cancel.is_cancelled() { Some(rows::cancelled()) } else { late.then(rows::timed_out) }
        };
        let over = ended.clone();
        let work = Work::new(Arc::default(), move || over().is_some());
        let read = cpu::beside_other_work(|| work.step(read));
        // What ended early is not all that there is, or an error that means nothing.
        ended().map_or(read, |error| Err(error.into()))
    }

    /// Begins what a client asks for in one go, unless that has begun already. Until [`Session::end_request`] a cancel
    /// reaches it whatever it is at, between two steps of a statement too, and the steps of a statement share its time.
    pub fn begin_request(&self) {
        let begun = || Request { began: Clock::System.now(), cancel: self.open.cancel.token(), deadline: None };
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

    /// Tells the session what its client holds open, for the catalog to show.
    pub fn hold(&self, held: Held) {
        *self.open.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }

    /// Begins a statement, or a step of one within a request: its time limit runs from here, and a cancel reaches it
    /// from here.
    pub fn start(&self, sql: &str) -> Running {
        self.open.remember(sql);
        let query = RunningQuery {
            pid: self.open.pid,
            user: self.open.user.clone(),
            front_end: self.open.front_end,
            started_at: Clock::System.now(),
            sql: sql.to_owned(),
            progress: Arc::default(),
        };
        let listed = self.shared.queries.list(query);
        let limit = self.settings().statement_timeout();
        let from_now = || limit.map(|limit| Instant::now() + limit);
        let (cancel, deadline) = match &mut *self.request() {
            Some(request) => (request.cancel.clone(), *request.deadline.get_or_insert_with(from_now)),
            None => (self.open.cancel.token(), from_now()),
        };
        Running { listed, cancel, deadline, sql: sql.to_owned(), cpu: self.shared.cpu.clone() }
    }

    /// From here on all statements read the versions that the first of them finds, until [`Session::end_snapshot`].
    pub fn begin_snapshot(&self) {
        let began = self.request_began();
        *self.open.transaction_began.lock().unwrap_or_else(PoisonError::into_inner) = Some(began);
        *self.snapshots() = Some(Snapshots::of_transaction());
    }

    /// From here on each statement reads the latest versions again.
    pub fn end_snapshot(&self) {
        *self.open.transaction_began.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.snapshots() = None;
    }

    /// When the client's request at work began; now where the front end tells of none.
    fn request_began(&self) -> DateTime<Utc> {
        self.request().as_ref().map_or_else(|| Clock::System.now(), |request| request.began)
    }

    /// What a statement that begins now reads on its clocks.
    fn moments(&self) -> Moments {
        let request = self.request_began();
        match self.open.transaction_began() {
            Some(began) => Moments { transaction: began, statement: Some(request) },
            None => Moments { transaction: request, statement: None },
        }
    }

    /// From here on all statements of this transaction read the versions that another transaction has exported.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] when no open transaction has exported a snapshot of that name.
    pub fn import_snapshot(&self, name: &str) -> Result<(), QueryError> {
        *self.snapshots() = Some(self.shared.exported.find(name)?);
        Ok(())
    }

    fn snapshots(&self) -> MutexGuard<'_, Option<Snapshots>> {
        self.open.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A plan with values in the place of its parameters, which are of the types it wants.
    pub fn bind(&self, plan: &Plan, parameters: Vec<ScalarValue>) -> Result<Plan, QueryError> {
        let logical = plan.logical().clone().with_param_values(ParamValues::from(parameters))?;
        let depth = plan.prepared.depth;
        let over_views = depth.walk(|| OverViews::of(&self.state(), &logical, depth, &[]))?;
        let prepared = Arc::new(Prepared::new(logical, depth, &[]));
        let bound = Plan { prepared, over_views, parameters: Vec::new(), ..plan.clone() };
        Ok(match &plan.prepared.explain {
            Some(options) => bound.explained(options.clone()),
            None => bound,
        })
    }

    /// How fresh the tables are that a plan reads, sorted by name, now or at the moment of the past that this session
    /// reads; last, under [`crate::table::inputs::RESULT`], the answer as a whole. Nothing is refreshed for it.
    pub async fn freshness(&self, plan: &Plan) -> Result<Vec<InputFreshness>, QueryError> {
        let context = self.context();
        let as_of = context.as_of;
        let state = StatementState::begin(self.state(), context, &self.moments());
        let (inputs, prepared) = (Inputs::of(plan.logical())?, plan.prepared.clone());
        let told = async move {
            let open = !prepared.logical.get_parameter_types()?.is_empty();
            // What a plan needs of its tables is known once its parameters are.
            let demand = if open {
                Demand::default()
            } else {
                let optimised = prepared.depth.walk(|| prepared.optimised(&state, Vec::new()))?;
                demand_of(&optimised)?
            };
            inputs.told(&demand, as_of).await
        };
        self.shared.cpu.run(&Arc::default(), Box::pin(told)).await
    }

    pub(crate) fn set_part(&self, part: ScanPart) {
        *self.part.lock().unwrap_or_else(PoisonError::into_inner) = Some(part);
    }

    /// Runs a plan with values for its parameters.
    pub async fn execute(
        &self,
        running: Running,
        plan: &Plan,
        parameters: Vec<ScalarValue>,
    ) -> Result<RowStream, QueryError> {
        if let Some(change) = &plan.change {
            return self.change(running, plan, change, parameters).await;
        }
        let mut context = self.context();
        let at_hand = match (&plan.prepared.lookup, &plan.prepared.constants) {
            (Some(lookup), _) => lookup.row(&context, &parameters).await.transpose()?,
            (None, Some(constants)) => constants.row(&plan.schema, &parameters),
            (None, None) => None,
        };
        if let Some(row) = at_hand {
            return Ok(RowStream {
                running,
                rows: Rows::ready(row),
                schema: plan.schema.clone(),
                unbounded: false,
                changed: None,
            });
        }
        let (session, moments) = (self.state(), self.moments());
        let over_views = self.over_views(&running, plan, &mut context, (&session, &moments)).await?;
        let prepared = over_views.unwrap_or(&plan.prepared).clone();
        if let Some((small, values)) = prepared.small_plan(&session, &parameters, moments.transaction)
            && let Some(rows) = running.guard(small.rows(&context, &session, &values)).await?
        {
            let schema = named_as(rows.schema(), &plan.schema);
            return Ok(RowStream { running, rows: Rows::ready(rows), schema, unbounded: false, changed: None });
        }
        let state = StatementState::begin(session, context, &moments);
        let memory_bytes = self.shared.defaults.query_memory_bytes;
        let progress = running.listed.progress.clone();
        let meter = progress.meter().clone();
        let open = |stop| open(state, prepared, parameters, memory_bytes, (stop, progress));
        let (schema, unbounded, rows) = running.guard(self.shared.cpu.rows(meter, open)).await?;
        running.listed.progress.enter(QueryState::Running);
        let schema = named_as(schema, &plan.schema);
        Ok(RowStream { running, rows, schema, unbounded, changed: None })
    }

    /// What this session's statements share: its functions, its style and its catalog. The same until the style changes, or
    /// the session has its first temporary table.
    fn state(&self) -> Arc<SessionState> {
        let (style, no_temporary) = {
            let settings = self.settings();
            (settings.style(), settings.temporary().is_empty())
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if *session_style::of(state.config_options()) != style {
            session_style::set(Arc::make_mut(&mut state).config_mut().options_mut(), style);
        }
        if !no_temporary && !temporary_schema::is_in(&state) {
            match temporary_schema::with(&state, self.pid(), &self.settings) {
                Ok(with) => *state = Arc::new(with),
                // Its tables are then not found, and the client is told so.
                Err(error) => tracing::error!("the catalog of a session has no temporary tables: {error}"),
            }
        }
        state.clone()
    }

    /// A statement's demands on freshness and time.
    pub(crate) fn context(&self) -> QueryContext {
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
            snapshots: self.snapshots().clone().unwrap_or_default(),
            part: self.part.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            notices: self.notices.clone(),
            ..QueryContext::default()
        }
    }
}

/// The columns of rows under the names that a plan has told its client.
fn named_as(rows: SchemaRef, told: &SchemaRef) -> SchemaRef {
    let names = || told.fields().iter().map(|field| field.name());
    if rows.fields().iter().map(|field| field.name()).eq(names()) {
        return rows;
    }
    renamed(&rows, Some(names().cloned().collect()))
}

/// Makes a plan ready with these values and opens its rows; nothing is read before the first of them is asked for. Says
/// whether they have no end. Cancelling `stop` ends what keeps its thread.
async fn open(
    mut state: StatementState,
    prepared: Arc<Prepared>,
    values: Vec<ScalarValue>,
    memory_bytes: Option<usize>,
    (stop, progress): (CancellationToken, Arc<Progress>),
) -> Result<(SendableRecordBatchStream, bool), DataFusionError> {
    let (depth, begun) = (prepared.depth, Instant::now());
    let optimised = depth.walk(|| prepared.optimised(&state, values))?;
    constants::with_room(&optimised, &progress)?;
    let mut physical = depth.walking(state.physical(&optimised)).await?;
    if let Some(rows) = batch_size::batch_size(&physical, state.config().batch_size()) {
        state.with_batches_of(rows);
        physical = depth.walking(state.physical(&optimised)).await?;
    }
    let unbounded = physical.boundedness().is_unbounded();
    if unbounded {
        state.row_by_row();
        physical = depth.walking(state.physical(&optimised)).await?;
    }
    let physical = repeated::with_requests(in_order::undealt(physical)?)?;
    let physical = cooperation::with_yields(physical, &stop)?;
    let planning = begun.elapsed();
    let context = Arc::new(memory::limited(state.running(), memory_bytes));
    let explained = prepared.explain.as_ref();
    if let Some(options) = explained.filter(|options| !options.analyze) {
        return Ok((explain::planned(options, &optimised, &physical, planning), false));
    }
    if unbounded && explained.is_some() {
        let text = "EXPLAIN ANALYZE of a statement whose rows have no end is not supported";
        return Err(DataFusionError::External(Box::new(QueryError::new(ErrorKind::NotSupported, text))));
    }
    progress.runs(physical.clone());
    let rows = in_order::rows(&physical, &context)?;
    let rows = damaged_file::naming(rows, physical.clone(), context);
    Ok(match explained {
        Some(options) => (explain::analyzed(options.clone(), optimised, physical, planning, rows), false),
        None => (rows, unbounded),
    })
}
