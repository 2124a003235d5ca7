//! Actions of Flight (DoAction): a client prepares and closes statements, cancels them, and sets and reads session options.

use super::call::Call;
use super::encode::schema_bytes;
use super::error::malformed;
use super::execution::{Execution, Outcome};
use super::parameter;
use super::state::ServerState;
use super::statement::{self, no_transactions};
use super::ticket::{self, Handle, StatementTicket};
use super::wire::{
    CloseSessionResult, CloseStatus, ErrorValue, GetSessionOptionsResult, OptionError, OptionValue, SessionOptionValue,
    SetSessionOptionsRequest, SetSessionOptionsResult,
};
use crate::engine::Settings;
use crate::error::ErrorKind;
use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionCancelQueryResult, ActionClosePreparedStatementRequest,
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, Any, ProstMessageExt,
    TicketStatementQuery,
};
use arrow_flight::{
    Action, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightEndpoint, FlightInfo,
    RenewFlightEndpointRequest,
};
use bytes::Bytes;
use prost::Message;
use tonic::Status;

/// Name and description of every action.
const ACTIONS: &[(&str, &str)] = &[
    (
        "CreatePreparedStatement",
        "Prepares a statement. Body: ActionCreatePreparedStatementRequest; result: ActionCreatePreparedStatementResult.",
    ),
    ("ClosePreparedStatement", "Closes a prepared statement. Body: ActionClosePreparedStatementRequest; no result."),
    ("CancelFlightInfo", "Cancels a statement. Body: CancelFlightInfoRequest; result: CancelFlightInfoResult."),
    (
        "CancelQuery",
        "Cancels a statement, as older clients do. Body: ActionCancelQueryRequest; result: ActionCancelQueryResult.",
    ),
    (
        "RenewFlightEndpoint",
        "Gives an endpoint back: none of them expires. Body: RenewFlightEndpointRequest; result: FlightEndpoint.",
    ),
    (
        "SetSessionOptions",
        "Sets options of the session. Body: SetSessionOptionsRequest; result: SetSessionOptionsResult.",
    ),
    (
        "GetSessionOptions",
        "Gives the options of the session. Body: GetSessionOptionsRequest; result: GetSessionOptionsResult.",
    ),
    ("CloseSession", "Ends the session. Body: CloseSessionRequest; result: CloseSessionResult."),
];

/// Every action there is.
pub(super) fn list() -> Vec<ActionType> {
    let action = |(name, description): &(&str, &str)| ActionType {
        r#type: (*name).to_owned(),
        description: (*description).to_owned(),
    };
    ACTIONS.iter().map(action).collect()
}

/// Does one action; gives the body of its result, if it has one.
pub(super) async fn perform(shared: &ServerState, call: &mut Call, action: Action) -> Result<Option<Bytes>, Status> {
    let body = action.body;
    let bytes = |message: Vec<u8>| Ok(Some(message.into()));
    match action.r#type.as_str() {
        "CreatePreparedStatement" => bytes(prepare(shared, call, unpacked(&body)?).await?.as_any().encode_to_vec()),
        "ClosePreparedStatement" => {
            let request: ActionClosePreparedStatementRequest = unpacked(&body)?;
            let handle: Handle = ticket::decode("prepared statement handle", &request.prepared_statement_handle)?;
            shared.bindings.forget(&handle.statement);
            Ok(None)
        }
        "CancelFlightInfo" => {
            let request: CancelFlightInfoRequest = read(&body)?;
            let info = request.info.ok_or_else(|| malformed("there is no FlightInfo in it"))?;
            cancel(shared, call, &info)?;
            bytes(CancelFlightInfoResult { status: CancelStatus::Cancelled.into() }.encode_to_vec())
        }
        "CancelQuery" => {
            let request: ActionCancelQueryRequest = unpacked(&body)?;
            cancel(shared, call, &read(&request.info)?)?;
            // The number of the protocol for "cancelled", which its crate does not export.
            bytes(ActionCancelQueryResult { result: 1 }.as_any().encode_to_vec())
        }
        "RenewFlightEndpoint" => {
            let request: RenewFlightEndpointRequest = read(&body)?;
            let endpoint = request.endpoint.ok_or_else(|| malformed("there is no endpoint in it"))?;
            statement_ticket(&endpoint)?;
            bytes(endpoint.encode_to_vec())
        }
        "SetSessionOptions" => bytes(set_options(shared, call, read(&body)?)?.encode_to_vec()),
        "GetSessionOptions" => bytes(options(&call.open(shared, call.session())?.settings()).encode_to_vec()),
        "CloseSession" => {
            call.close(shared);
            bytes(CloseSessionResult { status: CloseStatus::Closed.into() }.encode_to_vec())
        }
        name @ ("BeginTransaction" | "EndTransaction" | "BeginSavepoint" | "EndSavepoint") => {
            Err(no_transactions(name))
        }
        "CreatePreparedSubstraitPlan" => Err(Status::unimplemented("Substrait plans are not supported; send SQL")),
        name => Err(malformed(format!("there is no action \"{name}\""))),
    }
}

async fn prepare(
    shared: &ServerState,
    call: &mut Call,
    request: ActionCreatePreparedStatementRequest,
) -> Result<ActionCreatePreparedStatementResult, Status> {
    if request.transaction_id.is_some_and(|id| !id.is_empty()) {
        return Err(no_transactions("a transaction id"));
    }
    let described = statement::columns(shared, call, &request.query).await?;
    let handle = ticket::encode(&Handle {
        sql: request.query,
        parameters: Bytes::new(),
        statement: uuid::Uuid::new_v4().into_bytes().to_vec().into(),
    });
    if handle.len() > shared.options.handle_bytes_max {
        let limit = shared.options.handle_bytes_max;
        return Err(Status::resource_exhausted(format!("the statement takes more than {limit} bytes (flight.handle)")));
    }
    Ok(ActionCreatePreparedStatementResult {
        prepared_statement_handle: handle,
        dataset_schema: schema_bytes(&described.columns)?,
        parameter_schema: schema_bytes(&parameter::schema(&described.parameters))?,
    })
}

/// Cancels what runs of a statement, and keeps the rest of it from beginning.
fn cancel(shared: &ServerState, call: &Call, info: &FlightInfo) -> Result<(), Status> {
    let tickets: Vec<StatementTicket> = info.endpoint.iter().map(statement_ticket).collect::<Result<_, _>>()?;
    if tickets.is_empty() {
        return Err(malformed("there is no endpoint in it"));
    }
    for ticket in tickets {
        let execution: Execution =
            ticket.execution.as_ref().try_into().map_err(|_| malformed("the ticket has no number"))?;
        let outcome = shared.executions.cancel(execution, &call.identity);
        shared.polled.forget(&execution, &call.identity);
        let elsewhere = outcome == Outcome::NotRunning && ticket.server != shared.server;
        if elsewhere || outcome == Outcome::NotYours {
            return Err(Status::not_found("the statement does not run on this server"));
        }
    }
    Ok(())
}

/// The ticket of an endpoint.
fn statement_ticket(endpoint: &FlightEndpoint) -> Result<StatementTicket, Status> {
    let ticket = endpoint.ticket.as_ref().map(|ticket| ticket.ticket.clone()).unwrap_or_default();
    let packed: TicketStatementQuery = unpacked(&ticket)?;
    ticket::decode("ticket", &packed.statement_handle)
}

fn set_options(
    shared: &ServerState,
    call: &mut Call,
    request: SetSessionOptionsRequest,
) -> Result<SetSessionOptionsResult, Status> {
    let mut errors = std::collections::HashMap::new();
    let catalog = shared.engine.catalog_name();
    call.change(shared, |settings| {
        let mut options: Vec<_> = request.session_options.into_iter().collect();
        options.sort_by(|(left, _), (right, _)| left.cmp(right));
        for (name, value) in options {
            if let Err(error) = set_option(settings, &catalog, &name, value) {
                errors.insert(name, OptionError { value: error.into() });
            }
        }
        Ok(())
    })?;
    Ok(SetSessionOptionsResult { errors })
}

fn set_option(settings: &mut Settings, catalog: &str, name: &str, value: SessionOptionValue) -> Result<(), ErrorValue> {
    let text = match value.option_value {
        None => None,
        Some(OptionValue::Text(text)) => Some(text),
        Some(OptionValue::Boolean(value)) => Some(if value { "on" } else { "off" }.to_owned()),
        Some(OptionValue::Integer(number)) => Some(number.to_string()),
        Some(OptionValue::Double(number)) => Some(number.to_string()),
        Some(OptionValue::Texts(texts)) => Some(texts.values.join(", ")),
    };
    // Names that JDBC and ADBC have for what is not ours to set, or has another name here.
    let name = match name {
        "catalog" if text.as_deref().is_none_or(|text| text == catalog) => return Ok(()),
        "catalog" => return Err(ErrorValue::InvalidValue),
        "schema" => "search_path",
        other => other,
    };
    let outcome = match text {
        Some(text) => settings.set(name, &text),
        None => settings.reset(name),
    };
    outcome.map_err(|error| match error.kind {
        ErrorKind::UnknownObject => ErrorValue::InvalidName,
        ErrorKind::InvalidParameter => ErrorValue::InvalidValue,
        _ => ErrorValue::Error,
    })
}

fn options(settings: &Settings) -> GetSessionOptionsResult {
    let option = |(name, value)| (name, SessionOptionValue { option_value: Some(OptionValue::Text(value)) });
    GetSessionOptionsResult { session_options: settings.all().into_iter().map(option).collect() }
}

fn read<M: Message + Default>(body: &Bytes) -> Result<M, Status> {
    M::decode(body.as_ref()).map_err(|_| malformed("the body of the action does not read"))
}

/// Reads a message that travels with the name of its type.
fn unpacked<M: ProstMessageExt>(bytes: &Bytes) -> Result<M, Status> {
    let wrong = || malformed(format!("wanted a {}", M::type_url().rsplit('.').next().unwrap_or_default()));
    let any = Any::decode(bytes.as_ref()).map_err(|_| wrong())?;
    any.unpack().map_err(|_| wrong())?.ok_or_else(wrong)
}
