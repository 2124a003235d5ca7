//! The calls of the Flight protocol: each is decoded, answered by the module of its command, and turned into a gRPC
//! reply.

use super::call::Call;
use super::encode::schema_bytes;
use super::error::{internal, malformed};
use super::message::Messages;
use super::rows::Rows;
use super::state::ServerState;
use super::statement::{self, Given};
use super::ticket::{self, Handle, StatementTicket};
use super::{action, caller, metadata, poll, sent_rows};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use arrow_flight::error::FlightError;
use arrow_flight::flight_descriptor::DescriptorType;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::{Any, Command, DoPutPreparedStatementResult, DoPutUpdateResult};
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest,
    HandshakeResponse, PollInfo, PutResult, SchemaResult, Ticket,
};
use bytes::Bytes;
use futures::stream::{self, Stream};
use prost::Message;
use std::pin::Pin;
use std::sync::Arc;
use tonic::{Request, Response, Status, Streaming};

/// What the names of Flight SQL's messages begin with.
const TYPE_URL: &str = "type.googleapis.com/arrow.flight.protocol.sql.";

/// The Flight service that tonic calls, over the state shared by all calls; a clone shares it too.
#[derive(Clone)]
pub(super) struct Service(pub(super) Arc<ServerState>);

/// The stream type of every reply but that of DoGet.
type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A stream that yields these messages at once, without waiting.
fn replies<T: Send + 'static>(all: impl IntoIterator<Item = T, IntoIter: Send + 'static>) -> Replies<T> {
    Box::pin(stream::iter(all.into_iter().map(Ok)))
}

/// What a client wants described or fetched.
enum Wanted {
    /// The text of a statement that Flight SQL's messages do not wrap.
    Statement(String),
    /// Something Flight SQL has a message for.
    Command(Command),
}

/// Reads a command. Text that is no message is a statement: clients without Flight SQL's messages can ask too.
fn command(bytes: &Bytes) -> Result<Wanted, Status> {
    if let Ok(any) = Any::decode(bytes.as_ref())
        && any.type_url.starts_with(TYPE_URL)
    {
        let command = Command::try_from(any).map_err(|_| malformed("the command does not read"))?;
        return Ok(Wanted::Command(command));
    }
    match std::str::from_utf8(bytes) {
        Ok(sql) if !sql.is_empty() && !sql.contains('\0') => Ok(Wanted::Statement(sql.to_owned())),
        _ => Err(malformed("the command does not read: wanted a message of Flight SQL, or the text of a statement")),
    }
}

/// Reads a descriptor; a path names a table.
fn wanted(descriptor: &FlightDescriptor) -> Result<Wanted, Status> {
    if descriptor.r#type() != DescriptorType::Path {
        return command(&descriptor.cmd);
    }
    let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
    match descriptor.path.as_slice() {
        [] => Err(malformed("the path of the descriptor is empty")),
        names => {
            let names: Vec<String> = names.iter().map(quoted).collect();
            Ok(Wanted::Statement(format!("SELECT * FROM {}", names.join("."))))
        }
    }
}

/// Reads a handle, with the parameters bound last where the client did not take them along.
fn handle(shared: &ServerState, bytes: &Bytes) -> Result<Handle, Status> {
    let mut handle: Handle = ticket::decode("prepared statement handle", bytes)?;
    if handle.parameters.is_empty() {
        handle.parameters = shared.bindings.of(&handle.statement);
    }
    Ok(handle)
}

/// UNIMPLEMENTED when the client names a transaction; an empty id means none.
fn no_transaction(id: Option<&Bytes>) -> Result<(), Status> {
    match id {
        Some(id) if !id.is_empty() => Err(statement::no_transactions("a transaction id")),
        _ => Ok(()),
    }
}

fn substrait() -> Status {
    Status::unimplemented("Substrait plans are not supported; send SQL")
}

/// PERMISSION_DENIED for what would change data.
fn read_only(what: &str) -> Status {
    Status::permission_denied(format!("{what} is not possible: this server only reads"))
}

/// UNIMPLEMENTED for a Flight SQL message that is no command for this call, with its name.
fn unknown(command: &Command) -> Status {
    let name = command.type_url().rsplit('.').next().unwrap_or_default().to_owned();
    Status::unimplemented(format!("{name} is not a command that can be asked for here"))
}

impl Service {
    /// Answers GetFlightInfo: plans a statement and puts its ticket into the endpoints, or gives the schema of a
    /// command about the catalog, whose ticket is the command itself.
    async fn describe(&self, call: &mut Call, descriptor: FlightDescriptor) -> Result<FlightInfo, Status> {
        let nothing = Bytes::new();
        let command = match wanted(&descriptor)? {
            Wanted::Statement(sql) => {
                let ticket = statement::ticket(&self.0, call, &Given { sql: &sql, parameters: &nothing });
                return statement::describe(&self.0, call, descriptor, ticket).await;
            }
            Wanted::Command(command) => command,
        };
        match &command {
            Command::CommandStatementQuery(query) => {
                no_transaction(query.transaction_id.as_ref())?;
                let ticket = statement::ticket(&self.0, call, &Given { sql: &query.query, parameters: &nothing });
                statement::describe(&self.0, call, descriptor, ticket).await
            }
            Command::CommandPreparedStatementQuery(query) => {
                let handle = handle(&self.0, &query.prepared_statement_handle)?;
                let given = Given { sql: &handle.sql, parameters: &handle.parameters };
                let ticket = statement::ticket(&self.0, call, &given);
                statement::describe(&self.0, call, descriptor, ticket).await
            }
            _ => {
                let ticket = Ticket { ticket: command.clone().into_any().encode_to_vec().into() };
                let schema = self.catalog_schema(command)?;
                Ok(FlightInfo {
                    schema: schema_bytes(&schema)?,
                    endpoint: vec![FlightEndpoint { ticket: Some(ticket), ..FlightEndpoint::default() }],
                    ..FlightInfo::new().with_descriptor(descriptor)
                })
            }
        }
    }

    /// Begins a statement with the first question about it, and says how far it is with each.
    async fn poll(&self, call: &mut Call, descriptor: FlightDescriptor) -> Result<PollInfo, Status> {
        let (shared, hold) = (&self.0, self.0.options.poll_ttl);
        let again = StatementTicket::unpack(&descriptor.cmd);
        if let Some(ticket) = &again
            && let Some(standing) = shared.polled.ask(ticket, &call.identity.user, poll::WAIT, hold).await?
        {
            return Ok(poll::told(&shared.options, ticket, standing));
        }
        let info = match again {
            // It was begun by another server, or was given up.
            Some(ticket) => statement::describe(shared, call, descriptor, ticket).await?,
            None => self.describe(call, descriptor).await?,
        };
        // Several parts of a table are read as they are fetched; what is told of the server and the session is at hand.
        let ticket = match info.endpoint.as_slice() {
            [endpoint] => endpoint.ticket.as_ref().and_then(|ticket| StatementTicket::unpack(&ticket.ticket)),
            _ => None,
        };
        let Some(ticket) = ticket.filter(|ticket| !ticket.done) else { return Ok(poll::complete(info)) };
        let (server, identity, begun) = (shared.clone(), call.identity.clone(), ticket.clone());
        let open = |progress: poll::ProgressSlot| async move {
            statement::open_to_first_rows(&server, &identity, begun, &progress).await
        };
        let begin = (call.identity.user.as_str(), &ticket);
        shared.polled.begin(begin, info.clone(), &shared.options, shared.shutdown.clone(), open)?;
        match shared.polled.ask(&ticket, &call.identity.user, poll::FIRST_WAIT, hold).await? {
            Some(standing) => Ok(poll::told(&shared.options, &ticket, standing)),
            None => Err(Status::cancelled("the statement was cancelled before it began")),
        }
    }

    /// Columns of what is asked about the catalog and the server.
    fn catalog_schema(&self, command: Command) -> Result<SchemaRef, Status> {
        Ok(match command {
            Command::CommandGetCatalogs(command) => command.into_builder().schema(),
            Command::CommandGetDbSchemas(command) => command.into_builder().schema(),
            Command::CommandGetTables(command) => command.into_builder().schema(),
            Command::CommandGetTableTypes(_) => metadata::table_types_schema(),
            Command::CommandGetSqlInfo(_) => self.0.sql_info.schema(),
            Command::CommandGetXdbcTypeInfo(_) => self.0.type_info.schema(),
            Command::CommandGetPrimaryKeys(_) => metadata::primary_keys_schema(),
            Command::CommandGetExportedKeys(_)
            | Command::CommandGetImportedKeys(_)
            | Command::CommandGetCrossReference(_) => metadata::no_foreign_keys().schema(),
            Command::CommandStatementSubstraitPlan(_) => return Err(substrait()),
            other => return Err(unknown(&other)),
        })
    }

    /// Rows of what is asked about the catalog and the server.
    async fn catalog_rows(&self, command: Command) -> Result<RecordBatch, Status> {
        let shared = &self.0;
        let failed = |error: FlightError| internal("describe itself", error);
        match command {
            Command::CommandGetCatalogs(command) => metadata::catalogs(shared, command),
            Command::CommandGetDbSchemas(command) => metadata::schemas(shared, command),
            Command::CommandGetTables(command) => metadata::tables(shared, command).await,
            Command::CommandGetTableTypes(_) => metadata::table_types(),
            Command::CommandGetSqlInfo(command) => command.into_builder(&shared.sql_info).build().map_err(failed),
            Command::CommandGetXdbcTypeInfo(command) => command.into_builder(&shared.type_info).build().map_err(failed),
            Command::CommandGetPrimaryKeys(command) => metadata::primary_keys(shared, command).await,
            Command::CommandGetExportedKeys(_)
            | Command::CommandGetImportedKeys(_)
            | Command::CommandGetCrossReference(_) => Ok(metadata::no_foreign_keys()),
            Command::CommandStatementSubstraitPlan(_) => Err(substrait()),
            other => Err(unknown(&other)),
        }
    }

    /// Columns of what a descriptor stands for, without running it.
    async fn columns(&self, call: &Call, descriptor: &FlightDescriptor) -> Result<SchemaRef, Status> {
        let sql = match wanted(descriptor)? {
            Wanted::Statement(sql) => sql,
            Wanted::Command(Command::CommandStatementQuery(query)) => query.query,
            Wanted::Command(Command::CommandPreparedStatementQuery(query)) => {
                handle(&self.0, &query.prepared_statement_handle)?.sql
            }
            Wanted::Command(command) => return self.catalog_schema(command),
        };
        Ok(statement::columns(&self.0, call, &sql).await?.columns)
    }

    /// Answers DoGet: runs the statement in the ticket, or the command about the catalog, and gives the messages of its
    /// rows. INVALID_ARGUMENT for a ticket that this kind of server did not issue.
    pub(super) async fn get(&self, request: Request<Ticket>) -> Result<Response<Messages>, Status> {
        let call = Call::new(&self.0, request.metadata(), request.extensions().get()).await?;
        let bytes = request.into_inner().ticket;
        let foreign = || malformed("this is no ticket of this server");
        let any = Any::decode(bytes).map_err(|_| foreign())?;
        let run = match Command::try_from(any).map_err(|_| foreign())? {
            Command::TicketStatementQuery(query) => ticket::decode("ticket", &query.statement_handle)?,
            Command::CommandPreparedStatementQuery(query) => {
                let handle = handle(&self.0, &query.prepared_statement_handle)?;
                StatementTicket {
                    sql: handle.sql,
                    parameters: handle.parameters,
                    settings: call.settings(),
                    ..StatementTicket::default()
                }
            }
            Command::Unknown(_) => return Err(foreign()),
            command => {
                let rows = self.catalog_rows(command).await?;
                return call.reply(Rows::at_hand(rows).into_messages(&self.0.options, &self.0.shutdown)?);
            }
        };
        Box::pin(statement::run(&self.0, &call, run)).await
    }

    /// What a client sends: parameters of a prepared statement, or statements that would change something.
    async fn put(&self, call: &mut Call, mut messages: Streaming<FlightData>) -> Result<Bytes, Status> {
        let first = messages.message().await?.ok_or_else(|| malformed("the stream of the call is empty"))?;
        let descriptor = first.flight_descriptor.as_ref();
        let descriptor = descriptor.ok_or_else(|| malformed("the first message has no descriptor"))?;
        let nothing = Bytes::new();
        let count = match wanted(descriptor)? {
            Wanted::Command(Command::CommandPreparedStatementQuery(query)) => {
                let handle = handle(&self.0, &query.prepared_statement_handle)?;
                let bytes_max = self.0.options.handle_bytes_max;
                let rows = sent_rows::receive(first, messages, bytes_max).await?;
                let parameters = statement::bind(&self.0, call, &handle.sql, rows).await?;
                let bound = ticket::encode(&Handle { parameters: parameters.clone(), ..handle.clone() });
                if bound.len() > bytes_max {
                    return Err(sent_rows::too_large(bytes_max));
                }
                self.0.bindings.keep(&handle.statement, parameters);
                let result = DoPutPreparedStatementResult { prepared_statement_handle: Some(bound) };
                return Ok(result.encode_to_vec().into());
            }
            Wanted::Command(Command::CommandStatementUpdate(update)) => {
                no_transaction(update.transaction_id.as_ref())?;
                statement::update(&self.0, call, Given { sql: &update.query, parameters: &nothing }).await?
            }
            Wanted::Command(Command::CommandPreparedStatementUpdate(update)) => {
                let handle = handle(&self.0, &update.prepared_statement_handle)?;
                statement::update(&self.0, call, Given { sql: &handle.sql, parameters: &handle.parameters }).await?
            }
            Wanted::Command(Command::CommandStatementIngest(ingest)) => {
                return Err(read_only(&format!("loading rows into \"{}\"", ingest.table)));
            }
            Wanted::Command(Command::CommandStatementSubstraitPlan(_)) => return Err(substrait()),
            Wanted::Command(other) => return Err(unknown(&other)),
            Wanted::Statement(_) => return Err(read_only("uploading")),
        };
        Ok(DoPutUpdateResult { record_count: count }.encode_to_vec().into())
    }
}

#[tonic::async_trait]
impl FlightService for Service {
    type HandshakeStream = Replies<HandshakeResponse>;
    type ListFlightsStream = Replies<FlightInfo>;
    type DoGetStream = Replies<FlightData>;
    type DoPutStream = Replies<PutResult>;
    type DoActionStream = Replies<arrow_flight::Result>;
    type ListActionsStream = Replies<ActionType>;
    type DoExchangeStream = Replies<FlightData>;

    /// Logs in and gives the token twice, as the payload and as the header `authorization`, since clients read either.
    async fn handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        let token = caller::log_in(&self.0, request).await?;
        let bearer = format!("Bearer {token}").parse().map_err(|error| internal("give a token", error))?;
        let payload = Bytes::from(token);
        let mut response = Response::new(replies([HandshakeResponse { protocol_version: 0, payload }]));
        response.metadata_mut().insert("authorization", bearer);
        Ok(response)
    }

    /// Every table, as a flight whose path is its schema and name.
    async fn list_flights(&self, request: Request<Criteria>) -> Result<Response<Self::ListFlightsStream>, Status> {
        let call = Call::new(&self.0, request.metadata(), request.extensions().get()).await?;
        if !request.get_ref().expression.is_empty() {
            return Err(malformed("criteria are not supported: all tables are listed"));
        }
        let flights = metadata::flights(&self.0).await?;
        call.reply(replies(flights))
    }

    /// Describes a statement or command and gives the tickets of its rows; nothing of a query runs yet.
    async fn get_flight_info(&self, request: Request<FlightDescriptor>) -> Result<Response<FlightInfo>, Status> {
        let mut call = Call::new(&self.0, request.metadata(), request.extensions().get()).await?;
        let info = Box::pin(self.describe(&mut call, request.into_inner())).await?;
        call.reply(info)
    }

    /// Begins a statement, or waits up to a second for one that was begun; see [`super::poll`].
    async fn poll_flight_info(&self, request: Request<FlightDescriptor>) -> Result<Response<PollInfo>, Status> {
        let mut call = Call::new(&self.0, request.metadata(), request.extensions().get()).await?;
        let told = Box::pin(self.poll(&mut call, request.into_inner())).await?;
        call.reply(told)
    }

    /// The schema of a statement or command, by planning alone.
    async fn get_schema(&self, request: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        let call = Call::new(&self.0, request.metadata(), request.extensions().get()).await?;
        let schema: SchemaRef = Box::pin(self.columns(&call, request.get_ref())).await?;
        let schema: &Schema = &schema;
        call.reply(SchemaResult { schema: schema_bytes(schema)? })
    }

    /// Never called: [`super::do_get::FlightSqlServer`] answers it with [`Service::get`].
    async fn do_get(&self, _: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        Err(Status::internal("DoGet did not reach what answers it"))
    }

    /// Binds the parameters of a prepared statement, or runs a statement that the client sends as an update.
    async fn do_put(&self, request: Request<Streaming<FlightData>>) -> Result<Response<Self::DoPutStream>, Status> {
        let mut call = Call::new(&self.0, request.metadata(), request.extensions().get()).await?;
        let app_metadata = Box::pin(self.put(&mut call, request.into_inner())).await?;
        call.reply(replies([PutResult { app_metadata }]))
    }

    /// Performs one action; its result is a stream of one message, or of none.
    async fn do_action(&self, request: Request<Action>) -> Result<Response<Self::DoActionStream>, Status> {
        let mut call = Call::new(&self.0, request.metadata(), request.extensions().get()).await?;
        let body = Box::pin(action::perform(&self.0, &mut call, request.into_inner())).await?;
        call.reply(replies(body.map(|body| arrow_flight::Result { body })))
    }

    /// The names and descriptions of all actions.
    async fn list_actions(&self, request: Request<Empty>) -> Result<Response<Self::ListActionsStream>, Status> {
        let call = Call::new(&self.0, request.metadata(), request.extensions().get()).await?;
        call.reply(replies(action::list()))
    }

    /// Always UNIMPLEMENTED: no call sends rows both ways.
    async fn do_exchange(&self, _: Request<Streaming<FlightData>>) -> Result<Response<Self::DoExchangeStream>, Status> {
        Err(Status::unimplemented("there is nothing to exchange with this server"))
    }
}
