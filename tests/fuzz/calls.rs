//! Calls of Flight clients made of an input: its first byte chooses the call, the rest is what the call carries.

use super::input::{converse, idle};
use super::target::Target;
use arrow_flight::flight_descriptor::DescriptorType;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest, CommandGetTables,
    CommandPreparedStatementQuery, CommandStatementQuery, ProstMessageExt, TicketStatementQuery,
};
use arrow_flight::utils::batches_to_flight_data;
use arrow_flight::{
    Action, CancelFlightInfoRequest, Criteria, Empty, FlightData, FlightDescriptor, HandshakeRequest, Ticket,
};
use bytes::Bytes;
use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::Schema;
use futures::{StreamExt, TryStreamExt, stream};
use prost::Message;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

/// Time a call gets from its client, which then leaves: some have no end.
const BUSY: Duration = Duration::from_millis(500);

/// How long the server may take to answer at all, and to be done with a client that leaves.
const DONE: Duration = Duration::from_secs(20);

/// Messages of an answer that are looked at.
const MESSAGES: usize = 16;

/// What clients of HTTP/2 begin with: the preface, and settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// What tickets and handles of the server begin with.
const MARK: &[u8] = b"ttapi1";

const ACTIONS: [&str; 13] = [
    "CreatePreparedStatement",
    "ClosePreparedStatement",
    "CancelFlightInfo",
    "CancelQuery",
    "RenewFlightEndpoint",
    "SetSessionOptions",
    "GetSessionOptions",
    "CloseSession",
    "BeginTransaction",
    "EndTransaction",
    "CreatePreparedSubstraitPlan",
    "ListEverything",
    "",
];

const HEADERS: [&str; 8] = [
    "authorization",
    "cookie",
    "tt-max-staleness",
    "tt-freshness",
    "tt-as-of",
    "tt-time-zone",
    "tt-endpoints",
    "user-agent",
];

/// The call that a first byte chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bytes,
    Frames,
    Described,
    Statement,
    Path,
    Schema,
    Ticket,
    OwnTicket,
    OwnHandle,
    Action,
    PutMessages,
    PutRows,
    Handshake,
    Header,
    List,
    Polled,
    OwnPoll,
}

const KINDS: [Kind; 17] = [
    Kind::Bytes,
    Kind::Frames,
    Kind::Described,
    Kind::Statement,
    Kind::Path,
    Kind::Schema,
    Kind::Ticket,
    Kind::OwnTicket,
    Kind::OwnHandle,
    Kind::Action,
    Kind::PutMessages,
    Kind::PutRows,
    Kind::Handshake,
    Kind::Header,
    Kind::List,
    Kind::Polled,
    Kind::OwnPoll,
];

/// Makes the call. Says what the server did wrong.
pub(crate) async fn flight(target: &Target, input: &[u8]) -> Result<(), String> {
    let Some((first, bytes)) = input.split_first() else { return Ok(()) };
    let kind = KINDS[usize::from(*first) % KINDS.len()];
    match kind {
        Kind::Bytes | Kind::Frames => {
            let before = if kind == Kind::Frames { PREFACE } else { &[] };
            let socket = TcpStream::connect(target.flight[0]).await.map_err(|error| format!("connect: {error}"))?;
            converse(target, socket, &[before, bytes].concat()).await?;
        }
        Kind::Handshake | Kind::Header => {
            for server in target.flight {
                call(kind, client(server)?, bytes).await?;
            }
        }
        _ => call(kind, client(target.flight[0])?, bytes).await?,
    }
    idle(target).await
}

fn client(server: std::net::SocketAddr) -> Result<FlightServiceClient<Channel>, String> {
    let endpoint = Endpoint::from_shared(format!("http://{server}")).map_err(|error| error.to_string())?;
    Ok(FlightServiceClient::new(endpoint.connect_lazy()).max_decoding_message_size(usize::MAX))
}

async fn call(kind: Kind, client: FlightServiceClient<Channel>, bytes: &[u8]) -> Result<(), String> {
    // Rows may go on and on; an answer begins in good time.
    match timeout(DONE, answer(kind, client, bytes)).await {
        Ok(Err(status)) => check(&status),
        Ok(Ok(())) => Ok(()),
        Err(_) => Err(format!("{kind:?}: no answer")),
    }
}

/// A status of our own that tells of a fault of our own is wrong; what the protocol below says of malformed bytes is not.
fn check(status: &Status) -> Result<(), String> {
    let ours = status.message().contains("inside the server") || status.message().contains("its log tells why");
    match status.code() {
        Code::Internal | Code::Unknown if ours => Err(format!("an internal error: {status}")),
        _ => Ok(()),
    }
}

async fn answer(kind: Kind, mut client: FlightServiceClient<Channel>, bytes: &[u8]) -> Result<(), Status> {
    match kind {
        Kind::Bytes | Kind::Frames => {}
        Kind::Described => {
            fetch(&mut client, FlightDescriptor::new_cmd(bytes.to_vec())).await?;
        }
        Kind::Statement => {
            let query = String::from_utf8_lossy(bytes).into_owned();
            fetch(&mut client, command(&CommandStatementQuery { query, transaction_id: None })).await?;
        }
        Kind::Path => {
            let path = bytes.split(|byte| *byte == 0).map(|name| String::from_utf8_lossy(name).into_owned());
            fetch(
                &mut client,
                FlightDescriptor {
                    r#type: DescriptorType::Path.into(),
                    path: path.collect(),
                    ..FlightDescriptor::default()
                },
            )
            .await?;
        }
        Kind::Schema => {
            client.get_schema(FlightDescriptor::new_cmd(bytes.to_vec())).await?;
        }
        Kind::Polled => {
            let query = String::from_utf8_lossy(bytes).into_owned();
            poll(&mut client, command(&CommandStatementQuery { query, transaction_id: None })).await?;
        }
        Kind::OwnPoll => {
            let ticket = TicketStatementQuery { statement_handle: [MARK, bytes].concat().into() };
            poll(&mut client, command(&ticket)).await?;
        }
        Kind::Ticket => rows(&mut client, Ticket::new(bytes.to_vec())).await?,
        Kind::OwnTicket => {
            let ticket = TicketStatementQuery { statement_handle: [MARK, bytes].concat().into() };
            rows(&mut client, Ticket::new(ticket.as_any().encode_to_vec())).await?;
        }
        Kind::OwnHandle => {
            let handle: Bytes = [MARK, bytes].concat().into();
            let query = CommandPreparedStatementQuery { prepared_statement_handle: handle.clone() };
            fetch(&mut client, command(&query)).await?;
            let request = ActionClosePreparedStatementRequest { prepared_statement_handle: handle };
            act(&mut client, "ClosePreparedStatement", request.as_any().encode_to_vec()).await?;
        }
        Kind::Action => {
            let (name, body) = bytes.split_first().unwrap_or((&0, &[]));
            act(&mut client, ACTIONS[usize::from(*name) % ACTIONS.len()], body.to_vec()).await?;
        }
        Kind::PutMessages => put(&mut client, messages(bytes)).await?,
        Kind::PutRows => {
            let parameters = parameters(&mut client, bytes).await?;
            put(&mut client, parameters).await?;
        }
        Kind::Handshake => {
            let payload = Bytes::copy_from_slice(bytes);
            let mut request = Request::new(stream::iter([HandshakeRequest { protocol_version: 0, payload }]));
            if let Some(value) = header(bytes) {
                request.metadata_mut().insert("authorization", value);
            }
            let mut replies = client.handshake(request).await?.into_inner();
            while replies.message().await?.is_some() {}
        }
        Kind::Header => {
            let (name, value) = bytes.split_first().unwrap_or((&0, &[]));
            let mut request = Request::new(FlightDescriptor::new_cmd("SELECT symbol FROM symbols"));
            if let Some(value) = header(value) {
                headers(request.metadata_mut(), HEADERS[usize::from(*name) % HEADERS.len()], value);
            }
            client.get_flight_info(request).await?;
        }
        Kind::List => {
            let mut flights = client.list_flights(Criteria { expression: bytes.to_vec().into() }).await?.into_inner();
            while flights.message().await?.is_some() {}
            let mut actions = client.list_actions(Empty {}).await?.into_inner();
            while actions.message().await?.is_some() {}
        }
    }
    Ok(())
}

fn command(message: &impl ProstMessageExt) -> FlightDescriptor {
    FlightDescriptor::new_cmd(message.as_any().encode_to_vec())
}

fn header(bytes: &[u8]) -> Option<AsciiMetadataValue> {
    AsciiMetadataValue::try_from(bytes).ok()
}

fn headers(metadata: &mut MetadataMap, name: &'static str, value: AsciiMetadataValue) {
    metadata.insert(name, value);
}

/// Describes, and fetches the rows of the first endpoint.
async fn fetch(client: &mut FlightServiceClient<Channel>, descriptor: FlightDescriptor) -> Result<(), Status> {
    let info = client.get_flight_info(descriptor).await?.into_inner();
    match info.endpoint.into_iter().next().and_then(|endpoint| endpoint.ticket) {
        Some(ticket) => rows(client, ticket).await,
        None => Ok(()),
    }
}

/// Asks twice, cancels what goes on, and fetches the rows of what is complete.
async fn poll(client: &mut FlightServiceClient<Channel>, descriptor: FlightDescriptor) -> Result<(), Status> {
    let mut told = client.poll_flight_info(descriptor).await?.into_inner();
    if let Some(again) = told.flight_descriptor.take() {
        told = client.poll_flight_info(again).await?.into_inner();
    }
    if told.flight_descriptor.is_some() {
        let request = CancelFlightInfoRequest { info: told.info };
        return act(client, "CancelFlightInfo", request.encode_to_vec()).await;
    }
    let endpoint = told.info.and_then(|info| info.endpoint.into_iter().next());
    match endpoint.and_then(|endpoint| endpoint.ticket) {
        Some(ticket) => rows(client, ticket).await,
        None => Ok(()),
    }
}

async fn rows(client: &mut FlightServiceClient<Channel>, ticket: Ticket) -> Result<(), Status> {
    let reading = async {
        let mut messages = client.do_get(ticket).await?.into_inner().take(MESSAGES);
        while messages.try_next().await?.is_some() {}
        Ok(())
    };
    timeout(BUSY, reading).await.unwrap_or(Ok(()))
}

async fn act(client: &mut FlightServiceClient<Channel>, name: &str, body: Vec<u8>) -> Result<(), Status> {
    let mut results = client.do_action(Action::new(name, body)).await?.into_inner();
    while results.message().await?.is_some() {}
    Ok(())
}

async fn put(client: &mut FlightServiceClient<Channel>, messages: Vec<FlightData>) -> Result<(), Status> {
    let mut results = client.do_put(stream::iter(messages)).await?.into_inner();
    while results.message().await?.is_some() {}
    Ok(())
}

/// Bytes as one message after the other, each behind its length.
fn messages(mut bytes: &[u8]) -> Vec<FlightData> {
    let mut messages = Vec::new();
    while let Some((length, after)) = bytes.split_first_chunk::<2>() {
        let (message, after) = after.split_at(usize::from(u16::from_le_bytes(*length)).min(after.len()));
        messages.extend(FlightData::decode(message));
        bytes = after;
    }
    messages
}

/// Bytes as what is bound to the parameters of a statement: headers and bodies of Arrow's messages by turns, each behind
/// its length.
async fn parameters(client: &mut FlightServiceClient<Channel>, mut bytes: &[u8]) -> Result<Vec<FlightData>, Status> {
    let query = "SELECT symbol FROM symbols WHERE symbol = $1 OR symbol = $2".to_owned();
    let request = ActionCreatePreparedStatementRequest { query, transaction_id: None };
    let action = Action::new("CreatePreparedStatement", request.as_any().encode_to_vec());
    let result = client.do_action(action).await?.into_inner().message().await?.unwrap_or_default();
    let any = arrow_flight::sql::Any::decode(result.body).unwrap_or_default();
    let prepared: Option<arrow_flight::sql::ActionCreatePreparedStatementResult> = any.unpack().unwrap_or_default();
    let handle = prepared.map(|prepared| prepared.prepared_statement_handle).unwrap_or_default();
    let mut part = || {
        let (length, after) = bytes.split_first_chunk::<2>()?;
        let (part, after) = after.split_at(usize::from(u16::from_le_bytes(*length)).min(after.len()));
        bytes = after;
        Some(Bytes::copy_from_slice(part))
    };
    let mut messages = Vec::new();
    while let Some(header) = part() {
        let body = part().unwrap_or_default();
        messages.push(FlightData::new().with_data_header(header).with_data_body(body));
    }
    if messages.is_empty() {
        messages.push(FlightData::new());
    }
    let descriptor = command(&CommandPreparedStatementQuery { prepared_statement_handle: handle });
    messages[0] = std::mem::take(&mut messages[0]).with_descriptor(descriptor);
    Ok(messages)
}

/// Calls that real clients make, by name: the seeds.
pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let of = |kind: Kind, bytes: &[u8]| {
        let place = KINDS.iter().position(|other| *other == kind).unwrap_or_default();
        [&[place as u8][..], bytes].concat()
    };
    let sql = "SELECT symbol, date, close FROM eod WHERE symbol = $1 ORDER BY date";
    // As the server's own: the statement's text is the first field of a ticket and of a handle.
    let text = |sql: &str| [&[0x0a, sql.len() as u8][..], sql.as_bytes()].concat();
    let statement = CommandStatementQuery { query: "SELECT 1".to_owned(), transaction_id: None };
    let tables = CommandGetTables {
        catalog: None,
        db_schema_filter_pattern: Some("pub%".to_owned()),
        table_name_filter_pattern: Some("e_d".to_owned()),
        table_types: vec!["TABLE".to_owned()],
        include_schema: true,
    };
    let prepare = ActionCreatePreparedStatementRequest { query: sql.to_owned(), transaction_id: None };
    let action = |name: u8, body: Vec<u8>| of(Kind::Action, &[&[name][..], &body].concat());
    let sized = |parts: &[&[u8]]| -> Vec<u8> {
        parts.iter().flat_map(|part| [&(part.len() as u16).to_le_bytes()[..], part].concat()).collect()
    };
    let rows = batches_to_flight_data(&arguments().schema(), vec![arguments()]).unwrap_or_default();
    let parts: Vec<&[u8]> = rows.iter().flat_map(|data| [&data.data_header[..], &data.data_body[..]]).collect();
    let whole: Vec<Vec<u8>> = rows.iter().map(Message::encode_to_vec).collect();
    vec![
        ("bytes_http_1", of(Kind::Bytes, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")),
        ("bytes_preface", of(Kind::Bytes, PREFACE)),
        (
            "frames_settings",
            of(Kind::Frames, b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\0\x08\x06\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        ),
        (
            "frames_headers",
            of(Kind::Frames, b"\0\0\x05\x01\x05\0\0\0\x01\x82\x86\x84\x41\0\0\0\x04\x08\0\0\0\0\0\0\0\x10\0"),
        ),
        ("described_text", of(Kind::Described, b"SELECT * FROM symbols")),
        ("described_statement", of(Kind::Described, &statement.as_any().encode_to_vec())),
        ("described_tables", of(Kind::Described, &tables.as_any().encode_to_vec())),
        ("statement", of(Kind::Statement, b"SELECT symbol, bid FROM live.quotes")),
        ("path", of(Kind::Path, b"public\0eod")),
        ("schema", of(Kind::Schema, &statement.as_any().encode_to_vec())),
        ("ticket_tables", of(Kind::Ticket, &tables.as_any().encode_to_vec())),
        (
            "own_ticket",
            of(
                Kind::OwnTicket,
                &[text("SELECT count(*) FROM eod"), b"\x12\x0f\x0a\x09TimeZone\x12\x02+1".to_vec()].concat(),
            ),
        ),
        (
            "own_ticket_part",
            of(
                Kind::OwnTicket,
                &[text("SELECT symbol FROM eod"), b"\x3a\x0b\x0a\x03eod\x10\x01\x18\0\x20\x02".to_vec()].concat(),
            ),
        ),
        ("own_handle", of(Kind::OwnHandle, &text("SELECT symbol FROM symbols"))),
        ("action_prepare", action(0, prepare.as_any().encode_to_vec())),
        ("action_options", action(5, b"\x0a\x15\x0a\x0dmax_staleness\x12\x04\x0a\x025s".to_vec())),
        ("action_cancel", action(2, b"\x0a\0".to_vec())),
        ("put_messages", of(Kind::PutMessages, &sized(&whole.iter().map(Vec::as_slice).collect::<Vec<_>>()))),
        ("put_rows", of(Kind::PutRows, &sized(&parts))),
        ("handshake", of(Kind::Handshake, b"Basic dHQ6c2VjcmV0")),
        ("header_bearer", of(Kind::Header, b"\0Bearer 1.AAAA.BBBB")),
        ("header_cookie", of(Kind::Header, b"\x01arrow_flight_session_id=1.CgA")),
        ("header_staleness", of(Kind::Header, b"\x025s")),
        ("list", of(Kind::List, b"")),
        (
            "polled",
            of(Kind::Polled, b"SELECT sum(a.n) FROM generate_series(1, 9999) a(n), generate_series(1, 9999) b(n)"),
        ),
        ("polled_quick", of(Kind::Polled, b"SELECT symbol FROM symbols")),
        ("own_poll", of(Kind::OwnPoll, &text("SELECT count(*) FROM eod"))),
    ]
}

/// Two rows for the parameters of a statement.
fn arguments() -> RecordBatch {
    let column = |values: [Option<&str>; 2]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let columns = [("1", column([Some("AAPL"), None])), ("2", column([Some("SPY"), Some("")]))];
    RecordBatch::try_from_iter(columns).unwrap_or_else(|_| RecordBatch::new_empty(Arc::new(Schema::empty())))
}
