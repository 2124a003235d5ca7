//! Statements of a Flight SQL client: GetFlightInfo describes one and gives its ticket, and DoGet runs it when the
//! ticket comes back.
//!
//! Both plan the statement anew, since nothing is kept between them, but where PollFlightInfo has begun it.

use super::call::{Call, session};
use super::encode::schema_bytes;
use super::error::{header, internal, malformed, status};
use super::execution::Execution;
use super::freshness::told;
use super::message::Messages;
use super::parameter::{self, ExecutionValues, Parameters};
use super::rows::{Answer, Next, Rows};
use super::sent_rows::{self, SentRows};
use super::state::ServerState;
use super::ticket::{Part, StatementTicket};
use super::types::sent_schema;
use crate::engine::{
    LentSession, PlainScan, Plan, Progress, Running, ScanPart, Session, SessionCommand, Settings, Statement,
    session_command,
};
use crate::serve::auth::Identity;
use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use bytes::Bytes;
use std::sync::{Arc, OnceLock, Weak};
use tonic::{Response, Status};

/// Header of a reply that warns, such as that the rows are stale. There is one for each notice.
const NOTICE_HEADER: &str = "tt-notice";

/// A statement and the rows of its parameters.
pub(super) struct Given<'a> {
    pub(super) sql: &'a str,
    pub(super) parameters: &'a Bytes,
}

/// What a statement is before it is run.
enum Meant {
    /// A statement that the engine plans and whose rows the client reads.
    Rows(Box<Statement>),
    /// SET, RESET, SHOW or a word about transactions, which this file performs without the planner.
    Session(SessionCommand),
}

/// Parses exactly one statement, with `?` for parameters where the client writes it so; INVALID_ARGUMENT for none or
/// several.
fn read(session: &Session, sql: &str) -> Result<Meant, Status> {
    let statement = match <[Statement; 1]>::try_from(session.parse_question_marks(sql).map_err(status)?) {
        Ok([statement]) => statement,
        Err(all) if all.is_empty() => return Err(malformed("there is no statement in it")),
        Err(_) => return Err(malformed("one statement at a time: there are several in it")),
    };
    Ok(match session_command(&statement) {
        Some(command) => Meant::Session(command),
        None => Meant::Rows(Box::new(statement)),
    })
}

/// A ticket for a statement, under the settings of the call.
pub(super) fn ticket(shared: &ServerState, call: &Call, given: &Given<'_>) -> StatementTicket {
    StatementTicket {
        sql: given.sql.to_owned(),
        settings: call.settings(),
        execution: uuid::Uuid::new_v4().into_bytes().to_vec().into(),
        server: shared.server.clone(),
        parameters: given.parameters.clone(),
        done: false,
        part: None,
    }
}

/// Says what a statement will give, and where to get it. A statement about the session takes effect here.
pub(super) async fn describe(
    shared: &ServerState,
    call: &mut Call,
    descriptor: FlightDescriptor,
    mut ticket: StatementTicket,
) -> Result<FlightInfo, Status> {
    let session = call.open(shared, &ticket.settings)?;
    let mut parts = None;
    let (schema, app_metadata) = match read(&session, &ticket.sql)? {
        Meant::Session(SessionCommand::Show(name)) => {
            (shown_schema(&session.settings(), name.as_deref())?, Bytes::new())
        }
        Meant::Session(command) => {
            perform(shared, call, command)?;
            ticket.done = true;
            (Arc::new(Schema::empty()), Bytes::new())
        }
        Meant::Rows(statement) => {
            let running = session.start(&ticket.sql);
            let rows = sent_rows::decode(&ticket.parameters)?;
            let plan = session.plan_for(&running, &statement, &parameter::declared(&rows)).await.map_err(status)?;
            let parameters = Parameters::read(&plan, &session, rows)?;
            let plan = first_bound(&session, plan, &parameters)?;
            let rows_min = shared.options.endpoint_rows.saturating_mul(2).max(1);
            parts = session.plain_scan(&running, &plan, rows_min).await.map_err(status)?;
            (sent_schema(&plan.schema), told(&ticket.execution, session.freshness(&plan).await.map_err(status)?, None))
        }
    };
    let tickets = match &parts {
        Some(scan) => tickets_of_parts(shared, call, ticket, scan),
        None => vec![ticket],
    };
    let records = parts.and_then(|scan| i64::try_from(scan.rows).ok());
    Ok(FlightInfo {
        schema: schema_bytes(&schema)?,
        endpoint: tickets.iter().map(endpoint).collect(),
        app_metadata,
        total_records: records.unwrap_or(-1),
        ..FlightInfo::new().with_descriptor(descriptor)
    })
}

/// An endpoint without a location: the client fetches the ticket from the server it asked.
fn endpoint(ticket: &StatementTicket) -> FlightEndpoint {
    FlightEndpoint { ticket: Some(Ticket { ticket: ticket.pack() }), ..FlightEndpoint::default() }
}

/// A ticket for each part of a large table, for clients that read in parallel.
fn tickets_of_parts(
    shared: &ServerState,
    call: &Call,
    whole: StatementTicket,
    scan: &PlainScan,
) -> Vec<StatementTicket> {
    let worthwhile = u32::try_from(scan.rows / shared.options.endpoint_rows.max(1)).unwrap_or(u32::MAX);
    let count = call.endpoints(shared.options.endpoints_max).min(worthwhile);
    if count <= 1 {
        return vec![whole];
    }
    let ticket = |index| {
        let ScanPart { dataset, version, index, count } = scan.part(index, count);
        StatementTicket { part: Some(Part { dataset, version, index, count }), ..whole.clone() }
    };
    (0..count).map(ticket).collect()
}

/// A plan with the first row of parameters in it, whose tables tell more than those of an open one.
fn first_bound(session: &Session, plan: Plan, parameters: &Parameters) -> Result<Plan, Status> {
    match parameters.first()? {
        Some(values) => session.bind(&plan, values).map_err(status),
        None => Ok(plan),
    }
}

/// The columns of a statement's rows, and the types of its parameters.
pub(super) struct Described {
    pub(super) columns: SchemaRef,
    pub(super) parameters: Vec<Option<DataType>>,
}

/// Describes a statement without running it; one about the session does not take effect.
pub(super) async fn columns(shared: &ServerState, call: &Call, sql: &str) -> Result<Described, Status> {
    let session = call.open(shared, &call.settings())?;
    let (columns, parameters) = match read(&session, sql)? {
        Meant::Session(SessionCommand::Show(name)) => (shown_schema(&session.settings(), name.as_deref())?, Vec::new()),
        Meant::Session(_) => (Arc::new(Schema::empty()), Vec::new()),
        Meant::Rows(statement) => {
            let running = session.start(sql);
            let plan = session.plan(&running, &statement).await.map_err(status)?;
            (sent_schema(&plan.schema), plan.parameters)
        }
    };
    Ok(Described { columns, parameters })
}

/// Reads rows of parameters for a statement, checks them, and gives them as they stand in a handle.
pub(super) async fn bind(shared: &ServerState, call: &Call, sql: &str, rows: SentRows) -> Result<Bytes, Status> {
    let session = call.open(shared, &call.settings())?;
    let Meant::Rows(statement) = read(&session, sql)? else {
        return Err(malformed("the statement takes no parameters"));
    };
    let running = session.start(sql);
    let plan = session.plan_for(&running, &statement, &parameter::declared(&rows)).await.map_err(status)?;
    let parameters = Parameters::of(&plan, &session, rows)?;
    parameters.encode(shared.options.handle_bytes_max)
}

/// The gRPC reply that brings the rows of an answer.
fn reply(answer: Answer, shared: &ServerState, call: &Call) -> Result<Response<Messages>, Status> {
    let mut response = call.reply(answer.rows.into_messages(&shared.options, &shared.shutdown)?)?;
    for notice in answer.notices.iter().filter_map(|notice| header(notice)) {
        response.metadata_mut().append(NOTICE_HEADER, notice);
    }
    Ok(response)
}

/// Answers DoGet: runs the statement of a ticket, or takes over the one that PollFlightInfo has begun.
pub(super) async fn run(
    shared: &ServerState,
    call: &Call,
    ticket: StatementTicket,
) -> Result<Response<Messages>, Status> {
    let answer = match shared.polled.fetch(&ticket, &call.identity.user).await {
        Some(answer) => answer?,
        None => open(shared, &call.identity, ticket).await?,
    };
    reply(answer, shared, call)
}

/// Runs a statement up to its first rows, for PollFlightInfo; `progress` shows how far it is meanwhile. Dropping the
/// future stops the statement.
pub(super) async fn open_to_first_rows(
    shared: &ServerState,
    identity: &Identity,
    ticket: StatementTicket,
    progress: &OnceLock<Weak<Progress>>,
) -> Result<Answer, Status> {
    let mut answer = Box::pin(open(shared, identity, ticket)).await?;
    if let Some(running) = answer.rows.progress() {
        progress.get_or_init(|| Arc::downgrade(&running));
    }
    answer.rows.make_first().await?;
    Ok(answer)
}

/// Begins what a ticket stands for, in a session of its own.
pub(super) async fn open(shared: &ServerState, identity: &Identity, ticket: StatementTicket) -> Result<Answer, Status> {
    let session = session(shared, identity, &ticket.settings)?;
    if let Some(Part { dataset, version, index, count }) = ticket.part {
        session.read_part(ScanPart { dataset, version, index, count });
    }
    if ticket.done {
        return Ok(Answer::at_hand(RecordBatch::new_empty(Arc::new(Schema::empty()))));
    }
    let statement = match read(&session, &ticket.sql)? {
        Meant::Session(SessionCommand::Show(name)) => {
            return Ok(Answer::at_hand(shown(&session.settings(), name.as_deref())?));
        }
        Meant::Session(_) => return Err(malformed("the ticket's statement has no rows")),
        Meant::Rows(statement) => statement,
    };
    let permit = shared.streams.clone().try_acquire_owned();
    let permit = permit.map_err(|_| Status::resource_exhausted("too many statements at once (flight.streams)"))?;
    let running = session.start(&ticket.sql);
    let execution: Execution = ticket.execution.as_ref().try_into().unwrap_or_default();
    let listed = shared.executions.list(execution, &identity.user, session.cancel_handle());
    let listed = listed.map_err(|_| Status::cancelled("the statement was cancelled before it began"))?;
    let rows = sent_rows::decode(&ticket.parameters)?;
    let plan = session.plan_for(&running, &statement, &parameter::declared(&rows)).await.map_err(status)?;
    let parameters = Parameters::read(&plan, &session, rows)?;
    let schema = sent_schema(&first_bound(&session, plan.clone(), &parameters)?.schema);
    let parameters = parameters.into_executions();
    let mut executions = BoundStatement { sql: ticket.sql, session: Arc::new(session), plan, parameters };
    let first = executions.start(running).await?;
    let notices = executions.session.take_notices();
    let freshness = executions.session.freshness(&executions.plan).await.map_err(status)?;
    let told = told(&execution, freshness, Some(&notices));
    let held = (listed, permit, executions.session.clone());
    let next = (!executions.parameters.is_empty()).then(|| executions.into_next());
    Ok(Answer { rows: Rows::running(schema, told, first, next, &shared.options, held), notices })
}

/// The executions of one statement that are still to come: one for each row of its parameters.
struct BoundStatement {
    sql: String,
    session: Arc<LentSession>,
    plan: Plan,
    parameters: ExecutionValues,
}

impl BoundStatement {
    /// Starts the first; `None` when there are rows of parameters, but none in them.
    async fn start(&mut self, running: Running) -> Result<Option<crate::engine::RowStream>, Status> {
        let Some(values) = self.parameters.next().transpose()? else { return Ok(None) };
        self.session.execute(running, &self.plan, values).await.map(Some).map_err(status)
    }

    /// Opens the remaining executions one after the other, as [`Rows`] asks for them. The asynchronous lock is never
    /// contended: one stream owns the closure.
    fn into_next(self) -> Next {
        let executions = Arc::new(tokio::sync::Mutex::new(self));
        Box::new(move || {
            let executions = executions.clone();
            Box::pin(async move {
                let mut executions = executions.lock().await;
                if executions.parameters.is_empty() {
                    return Ok(None);
                }
                let running = executions.session.start(&executions.sql);
                executions.start(running).await
            })
        })
    }
}

/// Runs a statement that a client expects to change something, and gives the number of changed rows, which is none:
/// what would write is refused, and what only reads does not belong here.
pub(super) async fn update(shared: &ServerState, call: &mut Call, given: Given<'_>) -> Result<i64, Status> {
    let settings = call.settings();
    let session = call.open(shared, &settings)?;
    let statement = match read(&session, given.sql)? {
        Meant::Session(command) => {
            perform(shared, call, command)?;
            return Ok(0);
        }
        Meant::Rows(statement) => statement,
    };
    let running = session.start(given.sql);
    let rows = sent_rows::decode(given.parameters)?;
    let plan = session.plan_for(&running, &statement, &parameter::declared(&rows)).await.map_err(status)?;
    let mut executions = Parameters::read(&plan, &session, rows)?.into_executions();
    let Some(values) = executions.next().transpose()? else { return Ok(0) };
    let mut rows = session.execute(running, &plan, values).await.map_err(status)?;
    if rows.is_unbounded() {
        return Err(malformed("the statement gives rows without end; execute it as a query"));
    }
    while let Some(batch) = rows.next().await {
        batch.map_err(status)?;
    }
    Ok(0)
}

/// Does what a statement about the session says.
fn perform(shared: &ServerState, call: &mut Call, command: SessionCommand) -> Result<(), Status> {
    match command {
        SessionCommand::Set { name, value: Some(value) } => call.change(shared, |settings| settings.set(&name, &value)),
        SessionCommand::Set { name, value: None } | SessionCommand::Reset(Some(name)) => {
            call.change(shared, |settings| settings.reset(&name))
        }
        SessionCommand::Reset(None) => call.change(shared, |settings| {
            settings.reset_all();
            Ok(())
        }),
        SessionCommand::SetTransaction | SessionCommand::Show(_) => Ok(()),
        SessionCommand::Transaction(word) => Err(no_transactions(word)),
    }
}

/// UNIMPLEMENTED for BEGIN, COMMIT and the like, naming `SET as_of` as what to use for a consistent reading.
pub(super) fn no_transactions(word: &str) -> Status {
    Status::unimplemented(format!(
        "{word}: there are no transactions over Flight SQL; SET as_of reads every table at one moment"
    ))
}

/// The columns of SHOW: one named after the setting, or `name` and `setting` for SHOW ALL; all text.
fn shown_schema(settings: &Settings, name: Option<&str>) -> Result<SchemaRef, Status> {
    Ok(shown(settings, name)?.schema())
}

/// The rows of SHOW: one value, or every setting with its value. NOT_FOUND for an unknown setting.
fn shown(settings: &Settings, name: Option<&str>) -> Result<RecordBatch, Status> {
    let texts = |name: &str| Field::new(name, DataType::Utf8, true);
    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = match name {
        Some(name) => {
            let value = settings.show(name).map_err(status)?;
            let all = settings.all();
            let spelled =
                all.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(known, _)| known.as_str());
            (vec![texts(spelled.unwrap_or(name))], vec![Arc::new(StringArray::from(vec![value]))])
        }
        None => {
            let (names, values): (Vec<_>, Vec<_>) = settings.all().into_iter().unzip();
            let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(names)), Arc::new(StringArray::from(values))];
            (vec![texts("name"), texts("setting")], columns)
        }
    };
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|error| internal("show settings", error))
}
