//! Flight SQL as its clients see it: descriptions, rows, prepared statements, sessions, cancels, and what is refused.

mod catalog;
mod prepared;
mod sessions;
mod statements;
mod streams;

use crate::fixture;
use crate::flight_client::{FlightClient, serve_flight, status_of, unpacked};
use crate::postgres_text::cell;
use crate::world::{World, configuration, instant, until};
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionCancelQueryResult, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedStatementResult, CommandGetCatalogs, CommandGetCrossReference, CommandGetDbSchemas,
    CommandGetExportedKeys, CommandGetImportedKeys, CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes,
    CommandGetTables, CommandGetXdbcTypeInfo, CommandPreparedStatementQuery, CommandStatementIngest,
    CommandStatementQuery, CommandStatementSubstraitPlan, CommandStatementUpdate, DoPutPreparedStatementResult,
    ProstMessageExt, TicketStatementQuery,
};
use arrow_flight::{
    CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, Empty, FlightData, FlightDescriptor, FlightInfo,
    HandshakeRequest, IpcMessage, Ticket,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use chrono::TimeDelta;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, Date32Array, Float64Array, Int64Array, NullArray, RecordBatch, StringArray,
};
use datafusion::arrow::datatypes::{DataType, Int64Type, Schema};
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Code, Status};
use ttapi::clock::Clock;
use ttapi::live::Live;
use ttapi::serve::auth::{Users, Verifier, file};
use ttapi::serve::flight::Options;
use ttapi::serve::flight::wire::{
    CloseSessionResult, CloseStatus, ErrorValue, GetSessionOptionsResult, OptionValue, SessionOptionValue,
    SetSessionOptionsRequest, SetSessionOptionsResult,
};
use ttapi::server::Role;
use ttapi::simulator::fault::Kind;

/// A server over the small market. It ends when it is dropped.
struct Market {
    address: SocketAddr,
    engine: ttapi::engine::Engine,
    books: Live,
    _stop: DropGuard,
}

impl Market {
    async fn start() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let (engine, books) = fixture::engine_and_books().await;
        let stop = CancellationToken::new();
        let address = serve_flight(engine.clone(), options, stop.clone()).await;
        Self { address, engine, books, _stop: stop.drop_guard() }
    }

    async fn client(&self) -> FlightClient {
        FlightClient::connect(self.address).await
    }

    /// Numbers of Flight statements that run.
    fn running(&self) -> usize {
        self.engine.queries().running().iter().filter(|query| query.front_end == "flight").count()
    }
}

/// Rows as text.
fn texts(batches: &[RecordBatch]) -> Vec<Vec<String>> {
    let rows = batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)));
    let cell = |column: &ArrayRef, row| cell(column.as_ref(), row, chrono_tz::Tz::UTC).unwrap_or("NULL".to_owned());
    rows.map(|(batch, row)| batch.columns().iter().map(|column| cell(column, row)).collect()).collect()
}

/// The first column of rows as text.
fn names(batches: &[RecordBatch], column: &str) -> Vec<String> {
    batches
        .iter()
        .flat_map(|batch| {
            let column = batch.column_by_name(column).unwrap().as_string::<i32>().clone();
            (0..column.len()).map(move |row| column.value(row).to_owned()).collect::<Vec<_>>()
        })
        .collect()
}

#[track_caller]
fn refused<T>(outcome: Result<T, Status>, code: Code, part: &str) {
    let Err(status) = outcome else { panic!("not refused: {part}") };
    assert_eq!(status.code(), code, "{status}");
    assert!(status.message().contains(part), "{status}");
    // Never the program's own words.
    for word in ["Error(", "Error {", "panicked", ".rs:", "Some(", "ParseError"] {
        assert!(!status.message().contains(word), "{status}");
    }
}

fn pack(command: &impl ProstMessageExt) -> Vec<u8> {
    command.as_any().encode_to_vec()
}

async fn prepare(client: &mut FlightClient, sql: &str) -> Result<ActionCreatePreparedStatementResult, Status> {
    let request = ActionCreatePreparedStatementRequest { query: sql.to_owned(), transaction_id: None };
    let results = client.action("CreatePreparedStatement", pack(&request)).await?;
    Ok(unpacked(&results[0]))
}

/// Binds rows of parameters; gives the handle that carries them.
async fn bind(client: &mut FlightClient, handle: &Bytes, rows: RecordBatch) -> Result<Bytes, Status> {
    let command = CommandPreparedStatementQuery { prepared_statement_handle: handle.clone() };
    let descriptor = FlightDescriptor::new_cmd(pack(&command));
    let messages = FlightDataEncoderBuilder::new()
        .with_flight_descriptor(Some(descriptor))
        .build(futures::stream::iter([Ok(rows)]))
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    put(client, messages).await
}

async fn put(client: &mut FlightClient, messages: Vec<FlightData>) -> Result<Bytes, Status> {
    let request = client.request(futures::stream::iter(messages));
    let mut results = client.inner.do_put(request).await?.into_inner();
    let result = results.message().await?.unwrap();
    let result = DoPutPreparedStatementResult::decode(result.app_metadata).unwrap();
    Ok(result.prepared_statement_handle.unwrap_or_default())
}

async fn execute(client: &mut FlightClient, handle: Bytes) -> Result<Vec<RecordBatch>, Status> {
    let info = client.describe(&CommandPreparedStatementQuery { prepared_statement_handle: handle }).await?;
    client.fetch(info).await
}

fn rows(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

fn texts_column(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Logs in by the headers of the client; gives the authorization header of further calls.
async fn log_in(client: &FlightClient) -> Result<String, Status> {
    let request = client.request(futures::stream::iter([HandshakeRequest::default()]));
    let reply = client.clone().inner.handshake(request).await?;
    let header = reply.metadata().get("authorization").unwrap().to_str().unwrap().to_owned();
    // Older clients take the token from the body.
    let body = reply.into_inner().try_next().await?.unwrap();
    assert_eq!(format!("Bearer {}", String::from_utf8(body.payload.to_vec()).unwrap()), header);
    Ok(header)
}

async fn cancel(client: &mut FlightClient, info: &FlightInfo, old: bool) -> Result<(), Status> {
    if old {
        let request = ActionCancelQueryRequest { info: info.encode_to_vec().into() };
        let result = client.action("CancelQuery", pack(&request)).await?;
        assert_eq!(unpacked::<ActionCancelQueryResult>(&result[0]).result, 1);
    } else {
        let request = CancelFlightInfoRequest { info: Some(info.clone()) };
        let result = client.action("CancelFlightInfo", request.encode_to_vec()).await?;
        assert_eq!(CancelFlightInfoResult::decode(result[0].as_slice()).unwrap().status(), CancelStatus::Cancelled);
    }
    Ok(())
}
