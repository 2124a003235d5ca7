//! Flight SQL as its clients see it: descriptions, rows, prepared statements, sessions, cancels, and what is refused.

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

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_described_and_then_fetched() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let info =
        client.statement("SELECT symbol, close, volume FROM eod WHERE date = '2026-11-03' ORDER BY 1").await.unwrap();
    let schema = info.clone().try_decode_schema().unwrap();
    let described: Vec<_> =
        schema.fields().iter().map(|field| (field.name().as_str(), field.data_type().clone())).collect();
    let wanted = [("symbol", DataType::Utf8), ("close", DataType::Float64), ("volume", DataType::Int64)];
    assert_eq!(described, wanted);
    let batches = client.fetch(info).await.unwrap();
    assert_eq!(batches[0].schema().as_ref(), &schema);
    assert_eq!(texts(&batches), [["AAPL", "21", "400"], ["MSFT", "36", "NULL"]]);
    // A result without rows has columns all the same.
    let info = client.statement("SELECT symbol FROM eod WHERE false").await.unwrap();
    let (mut stream, _) = client.get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
    assert!(stream.next().await.is_none());
    assert_eq!(stream.schema().unwrap().field(0).name(), "symbol");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_without_messages_of_flight_sql_are_understood() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let info = client.describe_bytes(b"SELECT 1 AS one".to_vec()).await.unwrap();
    assert_eq!(texts(&client.fetch(info).await.unwrap()), [["1"]]);
    let path = FlightDescriptor::new_path(vec!["public".to_owned(), "symbols".to_owned()]);
    let info = client.inner.get_flight_info(path).await.unwrap().into_inner();
    assert_eq!(client.fetch(info).await.unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(), 3);
    let request = client.request(arrow_flight::Criteria::default());
    let flights: Vec<FlightInfo> =
        client.inner.list_flights(request).await.unwrap().into_inner().try_collect().await.unwrap();
    let paths: Vec<_> = flights.into_iter().map(|flight| flight.flight_descriptor.unwrap().path.join(".")).collect();
    assert!(paths.contains(&"live.quotes".to_owned()) && paths.contains(&"public.movers".to_owned()), "{paths:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_told_without_running() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let query = CommandStatementQuery { query: "SELECT * FROM live.quotes".to_owned(), transaction_id: None };
    let schema = client.inner.get_schema(FlightDescriptor::new_cmd(pack(&query))).await.unwrap().into_inner();
    let schema = Schema::try_from(&schema).unwrap();
    assert_eq!(schema.field(schema.fields().len() - 1).name(), "missed");
    assert_eq!(market.running(), 0);
    let info = FlightDescriptor::new_cmd(pack(&CommandGetTables::default()));
    let schema = Schema::try_from(&client.inner.get_schema(info).await.unwrap().into_inner()).unwrap();
    assert_eq!(schema.field(2).name(), "table_name");
    let poll = client.inner.poll_flight_info(FlightDescriptor::new_cmd(pack(&query))).await.unwrap().into_inner();
    assert!(poll.flight_descriptor.is_none() && poll.info.unwrap().endpoint.len() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn prepared_statements_take_rows_of_parameters() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let sql =
        "SELECT symbol, date, close, volume FROM eod WHERE symbol = $1 AND date >= $2 AND close > $3 ORDER BY date";
    let prepared = prepare(&mut client, sql).await.unwrap();
    let parameters = Schema::try_from(IpcMessage(prepared.parameter_schema.clone())).unwrap();
    let parameters: Vec<_> =
        parameters.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect();
    let wanted = [("$1", DataType::Utf8), ("$2", DataType::Date32), ("$3", DataType::Float64)];
    assert_eq!(parameters, wanted.map(|(name, kind)| (name.to_owned(), kind)));
    // The values are of other types than the columns, as clients have them: text for a date, an integer for a price.
    let handle = bind(
        &mut client,
        &prepared.prepared_statement_handle,
        rows(vec![
            ("a", texts_column(&[Some("AAPL"), None, Some("MSFT")])),
            ("b", texts_column(&[Some("2026-11-02"), Some("2026-11-02"), Some("2026-11-03")])),
            ("c", Arc::new(Int64Array::from(vec![13, 13, 0]))),
        ]),
    )
    .await
    .unwrap();
    let found = execute(&mut client, handle.clone()).await.unwrap();
    let wanted = [
        ["AAPL", "2026-11-02", "14", "300"],
        ["AAPL", "2026-11-03", "21", "400"],
        ["MSFT", "2026-11-03", "36", "NULL"],
    ];
    assert_eq!(texts(&found), wanted);
    // The handle is all there is: another server knows it too.
    let other = Market::start().await;
    let mut elsewhere = other.client().await;
    assert_eq!(texts(&execute(&mut elsewhere, handle).await.unwrap()), wanted);
    // Rows without any row are no executions; a NULL of no type is a NULL of any.
    let none = rows(vec![
        ("a", texts_column(&[])),
        ("b", Arc::new(Date32Array::from(Vec::<i32>::new()))),
        ("c", Arc::new(Float64Array::from(Vec::<f64>::new()))),
    ]);
    let handle = bind(&mut client, &prepared.prepared_statement_handle, none).await.unwrap();
    assert!(texts(&execute(&mut client, handle).await.unwrap()).is_empty());
    let prepared = prepare(&mut client, "SELECT $1::text, $2::bigint").await.unwrap();
    let nulls = rows(vec![("a", Arc::new(NullArray::new(1))), ("b", Arc::new(NullArray::new(1)))]);
    let handle = bind(&mut client, &prepared.prepared_statement_handle, nulls).await.unwrap();
    assert_eq!(texts(&execute(&mut client, handle).await.unwrap()), [["NULL", "NULL"]]);
    // More than nine parameters keep their order.
    let sql = format!("SELECT {}", (1..=12).map(|number| format!("${number}::bigint")).collect::<Vec<_>>().join(", "));
    let prepared = prepare(&mut client, &sql).await.unwrap();
    let numbers = (1..=12).map(|number| ("x", Arc::new(Int64Array::from(vec![number])) as ArrayRef));
    let named = numbers.enumerate().map(|(place, (_, column))| (format!("p{place}"), column, true));
    let numbers = RecordBatch::try_from_iter_with_nullable(named).unwrap();
    let handle = bind(&mut client, &prepared.prepared_statement_handle, numbers).await.unwrap();
    let found = execute(&mut client, handle).await.unwrap();
    assert_eq!(texts(&found)[0], (1..=12).map(|number: i32| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_do_not_fit_are_refused() {
    let options = Options { handle_bytes_max: 10_000, ..Options::default() };
    let market = Market::with(options).await;
    let mut client = market.client().await;
    let prepared = prepare(&mut client, "SELECT * FROM eod WHERE date = $1 AND volume > $2").await.unwrap();
    let handle = prepared.prepared_statement_handle;
    refused(execute(&mut client, handle.clone()).await, Code::InvalidArgument, "takes 2, and got 0");
    let one = rows(vec![("a", texts_column(&[Some("2026-11-02")]))]);
    refused(bind(&mut client, &handle, one).await, Code::InvalidArgument, "takes 2, and got 1");
    let soon = rows(vec![("a", texts_column(&[Some("soon")])), ("b", Arc::new(Int64Array::from(vec![1])))]);
    refused(bind(&mut client, &handle, soon).await, Code::InvalidArgument, "parameter $1 does not read as date");
    let large = rows(vec![
        ("a", texts_column(&vec![Some("2026-11-02"); 5_000])),
        ("b", Arc::new(Int64Array::from(vec![1; 5_000]))),
    ]);
    refused(bind(&mut client, &handle, large).await, Code::ResourceExhausted, "flight.handle");
    refused(client.statement("SELECT * FROM eod WHERE symbol = $1").await, Code::InvalidArgument, "takes 1, and got 0");
    let long = format!("SELECT '{}'", "x".repeat(20_000));
    refused(prepare(&mut client, &long).await, Code::ResourceExhausted, "flight.handle");
    // Truncated, cut into, and replaced by noise.
    let command = CommandPreparedStatementQuery { prepared_statement_handle: handle.clone() };
    let descriptor = FlightDescriptor::new_cmd(pack(&command));
    let fits = rows(vec![("a", texts_column(&[Some("2026-11-02")])), ("b", Arc::new(Int64Array::from(vec![1])))]);
    let whole = FlightDataEncoderBuilder::new()
        .with_flight_descriptor(Some(descriptor.clone()))
        .build(futures::stream::iter([Ok(fits)]))
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    for cut in [0, 1, 8, 40, whole[1].data_header.len() - 1] {
        let mut messages = whole.clone();
        messages[1].data_header = messages[1].data_header.slice(..cut);
        refused(put(&mut client, messages).await, Code::InvalidArgument, "do not read");
    }
    for cut in [0, 1, 8] {
        let mut messages = whole.clone();
        messages[1].data_body = messages[1].data_body.slice(..cut);
        refused(put(&mut client, messages).await, Code::InvalidArgument, "do not read");
    }
    for noise in 0..64_u8 {
        let mut messages = whole.clone();
        let mut header = messages[usize::from(noise % 2)].data_header.to_vec();
        let place = usize::from(noise) * 7 % header.len();
        header[place] ^= 0xff;
        messages[usize::from(noise % 2)].data_header = header.into();
        // Read or refused, but answered.
        if let Err(status) = put(&mut client, messages).await {
            assert!(matches!(status.code(), Code::InvalidArgument | Code::Unimplemented), "{status}");
        }
    }
    assert_eq!(texts(&client.query("SELECT 1").await.unwrap()), [["1"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_bytes_are_refused() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let own = client.statement("SELECT 1").await.unwrap().endpoint[0].ticket.clone().unwrap().ticket;
    let inner: TicketStatementQuery = unpacked(&own);
    let cut =
        TicketStatementQuery { statement_handle: inner.statement_handle.slice(..inner.statement_handle.len() - 3) };
    let foreign = TicketStatementQuery { statement_handle: Bytes::from_static(b"some other server's") };
    let bytes = [
        b"".to_vec(),
        b"SELECT 1".to_vec(),
        vec![0xff; 100],
        own[..own.len() - 1].to_vec(),
        pack(&cut),
        pack(&foreign),
    ];
    for bytes in bytes {
        refused(client.get(Ticket::new(bytes)).await.map(drop), Code::InvalidArgument, "no ticket of this server");
    }
    let handle = Bytes::from_static(b"\x00\x01 of another server");
    refused(execute(&mut client, handle).await, Code::InvalidArgument, "no prepared statement handle of this server");
    refused(client.describe_bytes(vec![0xff, 0x00]).await, Code::InvalidArgument, "does not read");
    refused(client.describe_bytes(Vec::new()).await, Code::InvalidArgument, "does not read");
    refused(
        client.action("CreatePreparedStatement", vec![0xff; 10]).await,
        Code::InvalidArgument,
        "ActionCreatePreparedStatementRequest",
    );
    refused(client.action("CancelFlightInfo", vec![0xff; 10]).await, Code::InvalidArgument, "does not read");
    refused(client.action("DropEverything", Vec::new()).await, Code::InvalidArgument, "no action \"DropEverything\"");
    let strange = FlightDescriptor::new_cmd(pack(&CommandStatementSubstraitPlan::default()));
    refused(client.inner.get_flight_info(strange).await, Code::Unimplemented, "Substrait");
    refused(put(&mut client, Vec::new()).await, Code::InvalidArgument, "empty");
    refused(put(&mut client, vec![FlightData::default()]).await, Code::InvalidArgument, "no descriptor");
    assert_eq!(texts(&client.query("SELECT 1").await.unwrap()), [["1"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_have_the_code_of_their_kind() {
    let market = Market::start().await;
    let mut client = market.client().await;
    for (sql, code, part) in [
        ("SELEC 1", Code::InvalidArgument, "SELEC"),
        ("", Code::InvalidArgument, "no statement"),
        ("SELECT 1; SELECT 2", Code::InvalidArgument, "one statement at a time"),
        ("SELECT * FROM nosuch", Code::NotFound, "nosuch"),
        ("SELECT nosuch FROM eod", Code::NotFound, "nosuch"),
        ("SELECT nosuch(1)", Code::NotFound, "nosuch"),
        ("SELECT 1 / 0", Code::InvalidArgument, "division by zero"),
        ("SELECT 'abc'::int", Code::InvalidArgument, "abc"),
        ("INSERT INTO symbols (symbol) VALUES ('X')", Code::PermissionDenied, "read-only"),
        ("COPY (SELECT 1) TO '/tmp/stolen'", Code::PermissionDenied, "COPY"),
        ("SELECT * FROM '/etc/passwd'", Code::PermissionDenied, "/etc/passwd"),
        ("SELECT count(*) FROM live.quotes", Code::Unimplemented, "never give a row"),
        ("BEGIN", Code::Unimplemented, "no transactions"),
        ("SET nosuch = 1", Code::NotFound, "nosuch"),
        ("SET timezone = 'Mars/Olympus'", Code::InvalidArgument, "TimeZone"),
    ] {
        refused(client.query(sql).await, code, part);
    }
    let status = client.query("SELECT *\nFROM nosuch").await.unwrap_err();
    assert!(status.metadata().get("tt-hint").is_some() || status.metadata().get("tt-position").is_some(), "{status:?}");
    let mut impatient = market.client().await.with_header("tt-statement-timeout", "100ms");
    refused(
        impatient.query("SELECT * FROM live.quotes WHERE symbol = 'nosuch'").await,
        Code::DeadlineExceeded,
        "timeout",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let put_command = |command: Vec<u8>| {
        vec![FlightData { flight_descriptor: Some(FlightDescriptor::new_cmd(command)), ..FlightData::default() }]
    };
    let update = CommandStatementUpdate { query: "DELETE FROM symbols".to_owned(), transaction_id: None };
    refused(put(&mut client, put_command(pack(&update))).await, Code::PermissionDenied, "DELETE");
    let ingest = CommandStatementIngest { table: "mine".to_owned(), ..CommandStatementIngest::default() };
    refused(put(&mut client, put_command(pack(&ingest))).await, Code::PermissionDenied, "\"mine\"");
    for action in ["BeginTransaction", "EndTransaction", "BeginSavepoint", "EndSavepoint"] {
        refused(client.action(action, Vec::new()).await, Code::Unimplemented, "no transactions");
    }
    refused(client.action("CreatePreparedSubstraitPlan", Vec::new()).await, Code::Unimplemented, "Substrait");
    // A statement about the session may come as an update.
    let update = CommandStatementUpdate { query: "SET freshness = 'serve'".to_owned(), transaction_id: None };
    client.query("SELECT 1").await.unwrap();
    put(&mut client, put_command(pack(&update))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_is_told_at_full_depth() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let info = client.describe(&CommandGetCatalogs {}).await.unwrap();
    assert_eq!(texts(&client.fetch(info).await.unwrap()), [["market"]]);
    let schemas = |catalog: Option<&str>, pattern: Option<&str>| CommandGetDbSchemas {
        catalog: catalog.map(str::to_owned),
        db_schema_filter_pattern: pattern.map(str::to_owned),
    };
    for (command, wanted) in [
        (schemas(None, None), vec!["live", "public"]),
        (schemas(Some("market"), Some("l%")), vec!["live"]),
        (schemas(None, Some("publi_")), vec!["public"]),
        (schemas(Some("other"), None), vec![]),
        (schemas(Some(""), None), vec![]),
    ] {
        let info = client.describe(&command).await.unwrap();
        assert_eq!(names(&client.fetch(info).await.unwrap(), "db_schema_name"), wanted);
    }
    let tables = |schema: Option<&str>, table: Option<&str>, kinds: &[&str], include_schema| CommandGetTables {
        catalog: None,
        db_schema_filter_pattern: schema.map(str::to_owned),
        table_name_filter_pattern: table.map(str::to_owned),
        table_types: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        include_schema,
    };
    for (command, wanted) in [
        (tables(Some("live"), None, &[], false), vec!["greeks", "quotes", "trades"]),
        (tables(None, Some("quotes"), &[], false), vec!["quotes", "quotes"]),
        (tables(None, Some("bars%"), &["VIEW"], false), vec!["bars_latest", "bars_monthly", "bars_weekly"]),
        (tables(None, Some("bars%"), &["TABLE"], false), vec![]),
        (tables(None, Some("eod"), &["TABLE", "VIEW"], false), vec!["eod"]),
        (tables(None, Some("nosuch"), &[], true), vec![]),
    ] {
        let info = client.describe(&command).await.unwrap();
        let schema = info.clone().try_decode_schema().unwrap();
        let found = client.fetch(info).await.unwrap();
        assert_eq!(names(&found, "table_name"), wanted);
        assert_eq!(schema.fields().len(), if command.include_schema { 5 } else { 4 });
    }
    let info = client.describe(&tables(None, Some("eod"), &[], true)).await.unwrap();
    let found = client.fetch(info).await.unwrap();
    let columns =
        found[0].column_by_name("table_schema").unwrap().as_any().downcast_ref::<BinaryArray>().unwrap().value(0);
    let columns = Schema::try_from(IpcMessage(columns.to_vec().into())).unwrap();
    let close = columns.field_with_name("close").unwrap();
    assert_eq!((close.data_type(), close.is_nullable()), (&DataType::Float64, true));
    assert_eq!(close.metadata()["ARROW:FLIGHT:SQL:TYPE_NAME"], "double precision");
    assert!(!columns.field_with_name("symbol").unwrap().is_nullable());
    assert!(columns.metadata()["ARROW:FLIGHT:SQL:REMARKS"].starts_with("One row per symbol"));
    let info = client.describe(&CommandGetTableTypes {}).await.unwrap();
    assert_eq!(names(&client.fetch(info).await.unwrap(), "table_type"), ["SYSTEM TABLE", "TABLE", "VIEW"]);
    let keys = CommandGetPrimaryKeys { catalog: None, db_schema: None, table: "eod".to_owned() };
    let info = client.describe(&keys).await.unwrap();
    assert_eq!(names(&client.fetch(info).await.unwrap(), "column_name"), ["symbol", "date"]);
    for table in ["movers", "nosuch", "quotes_history"] {
        let keys = CommandGetPrimaryKeys { catalog: None, db_schema: None, table: table.to_owned() };
        let info = client.describe(&keys).await.unwrap();
        assert!(names(&client.fetch(info).await.unwrap(), "column_name").is_empty(), "{table}");
    }
    let (exported, imported) = (CommandGetExportedKeys::default(), CommandGetImportedKeys::default());
    for command in [pack(&exported), pack(&imported), pack(&CommandGetCrossReference::default())] {
        let info = client.describe_bytes(command).await.unwrap();
        assert_eq!(info.clone().try_decode_schema().unwrap().fields().len(), 13);
        assert!(texts(&client.fetch(info).await.unwrap()).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_tells_what_it_can() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let info = client.describe(&CommandGetSqlInfo { info: Vec::new() }).await.unwrap();
    let all = client.fetch(info).await.unwrap();
    // Every number of the protocol but the two versions of Substrait, which is not spoken.
    assert_eq!(all[0].num_rows(), 14 - 2 + 77);
    let info = client.describe(&CommandGetSqlInfo { info: vec![0, 3, 8, 999_999] }).await.unwrap();
    let some = client.fetch(info).await.unwrap();
    assert_eq!(some[0].num_rows(), 3);
    let values = some[0].column(1).as_union();
    assert_eq!(values.value(0).as_string::<i32>().value(0), "ttapi");
    assert!(values.value(1).as_boolean().value(0));
    let info = client.describe(&CommandGetXdbcTypeInfo { data_type: None }).await.unwrap();
    let kinds = names(&client.fetch(info).await.unwrap(), "type_name");
    for kind in ["bigint", "boolean", "date", "double precision", "text", "timestamp with time zone"] {
        assert!(kinds.contains(&kind.to_owned()), "{kind}: {kinds:?}");
    }
    let info = client.describe(&CommandGetXdbcTypeInfo { data_type: Some(-5) }).await.unwrap();
    assert_eq!(names(&client.fetch(info).await.unwrap(), "type_name"), ["bigint"]);
    let actions = client.inner.list_actions(Empty {}).await.unwrap().into_inner();
    let actions: Vec<String> = actions.map_ok(|action| action.r#type).try_collect().await.unwrap();
    assert!(actions.contains(&"SetSessionOptions".to_owned()) && actions.len() == 8, "{actions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_live_in_the_cookie() {
    let market = Market::start().await;
    let mut client = market.client().await;
    client.query("SET timezone = 'America/New_York'").await.unwrap();
    client.query("SET max_staleness = '5s'").await.unwrap();
    assert_eq!(texts(&client.query("SHOW timezone").await.unwrap()), [["America/New_York"]]);
    let hour = "SELECT CAST('2026-11-04 15:30:00' AS timestamptz) = timestamptz '2026-11-04 20:30:00+00'";
    assert_eq!(texts(&client.query(hour).await.unwrap()), [["t"]]);
    // Another server goes on with the session.
    let other = Market::start().await;
    let mut elsewhere = FlightClient { inner: other.client().await.inner, ..client.clone() };
    assert_eq!(texts(&elsewhere.query("SHOW max_staleness").await.unwrap()), [["5s"]]);
    // What was described under one setting is fetched under it.
    let info = client.statement(hour).await.unwrap();
    client.query("RESET timezone").await.unwrap();
    assert_eq!(texts(&client.fetch(info).await.unwrap()), [["t"]]);
    assert_eq!(texts(&client.query(hour).await.unwrap()), [["f"]]);
    // A call's own header comes over the session's setting.
    let mut once = client.clone().with_header("tt-timezone", "Europe/Rome");
    assert_eq!(texts(&once.query("SHOW timezone").await.unwrap()), [["Europe/Rome"]]);
    assert_eq!(texts(&client.query("SHOW timezone").await.unwrap()), [["UTC"]]);
    let mut foreign = market.client().await.without_cookies().with_header("cookie", "arrow_flight_session_id=abc");
    refused(foreign.query("SELECT 1").await, Code::InvalidArgument, "cookie");
}

#[tokio::test(flavor = "multi_thread")]
async fn session_options_are_settings() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let text = |text: &str| SessionOptionValue { option_value: Some(OptionValue::Text(text.to_owned())) };
    let set = |options: Vec<(&str, SessionOptionValue)>| {
        let session_options = options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        SetSessionOptionsRequest { session_options }.encode_to_vec()
    };
    let timeout = SessionOptionValue { option_value: Some(OptionValue::Integer(1_500)) };
    let body = set(vec![
        ("as_of", text("2026-11-01T16:00Z")),
        ("statement_timeout", timeout),
        ("freshness", text("never")),
        ("nosuch", text("x")),
        ("catalog", text("market")),
        ("schema", text("public")),
    ]);
    let result = client.action("SetSessionOptions", body).await.unwrap();
    let errors = SetSessionOptionsResult::decode(result[0].as_slice()).unwrap().errors;
    let errors: BTreeMap<_, _> = errors.iter().map(|(name, error)| (name.as_str(), error.value())).collect();
    assert_eq!(errors, BTreeMap::from([("freshness", ErrorValue::InvalidValue), ("nosuch", ErrorValue::InvalidName)]));
    let get = async |client: &mut FlightClient| {
        let result = client.action("GetSessionOptions", Vec::new()).await.unwrap();
        let all = GetSessionOptionsResult::decode(result[0].as_slice()).unwrap().session_options;
        let shown = |name: &str| match &all[name].option_value {
            Some(OptionValue::Text(text)) => text.clone(),
            other => panic!("{name}: {other:?}"),
        };
        (shown("as_of"), shown("statement_timeout"), shown("freshness"))
    };
    assert_eq!(get(&mut client).await, ("2026-11-01T16:00:00Z".to_owned(), "1500".to_owned(), "wait".to_owned()));
    let unset = SessionOptionValue { option_value: None };
    client.action("SetSessionOptions", set(vec![("as_of", unset)])).await.unwrap();
    assert_eq!(get(&mut client).await.0, "");
    let closed = client.action("CloseSession", Vec::new()).await.unwrap();
    assert_eq!(CloseSessionResult::decode(closed[0].as_slice()).unwrap().status(), CloseStatus::Closed);
    assert_eq!(get(&mut client).await.1, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_hold_their_session_and_expire() {
    let clock = Clock::hand_set(instant("2026-11-20T10:00:00Z"));
    let options = Options { clock: clock.clone(), token_ttl: Duration::from_secs(3_600), ..Options::default() };
    let market = Market::with(options).await;
    let client = market.client().await.without_cookies();
    let basic = client.clone().with_header("authorization", "Basic YWRhOnBlbmNpbA==");
    let reply = log_in(&basic).await.unwrap();
    let bearer = client.clone().with_header("authorization", reply);
    let mut ada = bearer.clone();
    assert_eq!(texts(&ada.query("SELECT current_user").await.unwrap()), [["ada"]]);
    ada.query("SET max_staleness = '7s'").await.unwrap();
    assert_eq!(texts(&ada.query("SHOW max_staleness").await.unwrap()), [["7s"]]);
    // Another login of the same user is another session; without a login and cookies there is none.
    let mut again = client.clone().with_header("authorization", log_in(&basic).await.unwrap());
    assert_eq!(texts(&again.query("SHOW max_staleness").await.unwrap()), [[""]]);
    let mut anyone = client.clone();
    anyone.query("SELECT 1").await.unwrap();
    refused(anyone.query("SET max_staleness = '7s'").await, Code::FailedPrecondition, "no session");
    clock.advance(TimeDelta::seconds(3_599));
    ada.query("SELECT 1").await.unwrap();
    clock.advance(TimeDelta::seconds(1));
    refused(ada.query("SELECT 1").await, Code::Unauthenticated, "expired");
    let forged = format!("{}A", log_in(&basic).await.unwrap());
    for foreign in [forged.as_str(), "Basic !", "Digest x", "Bearer"] {
        let mut client = client.clone().with_header("authorization", foreign);
        refused(client.query("SELECT 1").await, Code::Unauthenticated, "");
    }
    // Where everybody is let in, what is no token at all is nobody's.
    let mut nobody = client.clone().with_header("authorization", "Bearer None");
    assert_eq!(texts(&nobody.query("SELECT current_user").await.unwrap()), [["anonymous"]]);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_live_table_streams_and_ends_with_its_client() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let info = client.statement("SELECT symbol, bid FROM live.quotes WHERE symbol = 'NEW'").await.unwrap();
    let (mut stream, _) = client.get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
    until("the statement follows", || async { market.books.quotes.followers() == 1 }).await;
    let listed = market.engine.queries().running();
    assert_eq!((listed.len(), listed[0].front_end), (1, "flight"));
    for bid in 0..3 {
        market.books.quotes.publish(fixture::quote("NEW", Some(f64::from(bid)), None, instant("2026-11-04T15:30:00Z")));
        let batch = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(texts(&[batch]), [["NEW".to_owned(), bid.to_string()]]);
    }
    // Events that come close together leave together.
    for bid in 0..50 {
        market.books.quotes.publish(fixture::quote("NEW", Some(f64::from(bid)), None, instant("2026-11-04T15:30:00Z")));
    }
    let (mut rows, mut batches) = (0, 0);
    while rows < 50 {
        let batch = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.unwrap();
        rows += batch.unwrap().unwrap().num_rows();
        batches += 1;
    }
    assert!(batches < 25, "{batches} batches for 50 rows");
    drop(stream);
    until("the statement ends", || async { market.books.quotes.followers() == 0 && market.running() == 0 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancels_reach_what_runs_and_what_has_not_begun() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let sql = "SELECT * FROM live.quotes WHERE symbol = 'nosuch'";
    for old in [false, true] {
        let info = client.statement(sql).await.unwrap();
        let (mut stream, _) = client.get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
        until("the statement follows", || async { market.books.quotes.followers() == 1 }).await;
        let began = Instant::now();
        cancel(&mut client, &info, old).await.unwrap();
        let status = status_of(stream.next().await.unwrap().unwrap_err());
        refused::<()>(Err(status), Code::Cancelled, "canceling statement");
        assert!(began.elapsed() < Duration::from_secs(5));
        until("the statement ends", || async { market.running() == 0 }).await;
        // It does not begin again.
        refused(
            client.get(info.endpoint[0].ticket.clone().unwrap()).await.map(drop),
            Code::Cancelled,
            "before it began",
        );
    }
    // So does one by SQL, from whatever front end.
    let info = client.statement(sql).await.unwrap();
    let (mut stream, _) = client.get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
    until("the statement follows", || async { market.books.quotes.followers() == 1 }).await;
    let pid = market.engine.queries().running()[0].pid;
    let found = client.query(&format!("SELECT pg_cancel_backend({pid})")).await.unwrap();
    assert_eq!(texts(&found), [["t"]]);
    refused::<()>(Err(status_of(stream.next().await.unwrap().unwrap_err())), Code::Cancelled, "canceling statement");
    let other = Market::start().await;
    let info = client.statement(sql).await.unwrap();
    refused(cancel(&mut other.client().await, &info, false).await, Code::NotFound, "does not run on this server");
    refused(cancel(&mut client, &FlightInfo::new(), false).await, Code::InvalidArgument, "no endpoint");
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

/// Statements whose clients never read hold a batch and a message each, and nobody else up.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_streams_of_which_some_are_never_read() {
    let market = Market::with(Options { streams_max: 100, ..Options::default() }).await;
    // Four billion rows: whoever gathered them would need more memory than there is.
    let endless = "SELECT a.n, repeat('x', 100) AS text FROM generate_series(1, 65536) AS a (n), generate_series(1, 65536) AS b (m)";
    let mut idle = Vec::new();
    for _ in 0..40 {
        let mut client = market.client().await;
        let info = client.statement(endless).await.unwrap();
        idle.push((client.get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap(), client));
    }
    let before = resident_bytes();
    let reading = (0..60).map(|number| {
        let address = market.address;
        tokio::spawn(async move {
            let mut client = FlightClient::connect(address).await;
            let found = client
                .query(&format!("SELECT sum(n) FROM generate_series(1, 100000) AS s (n) WHERE n % 60 = {number}"))
                .await;
            texts(&found.unwrap())[0][0].parse::<i64>().unwrap()
        })
    });
    let sums = futures::future::try_join_all(reading).await.unwrap();
    assert_eq!(sums.iter().sum::<i64>(), 100_000 * 100_001 / 2);
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 512 << 20, "{grown} bytes more");
    assert_eq!(market.running(), 40);
    // A stream that was left alone goes on where it was.
    let ((mut stream, _), _) = idle.pop().unwrap();
    for _ in 0..20 {
        let batch = stream.next().await.unwrap().unwrap();
        assert_eq!(batch.column(1).as_string::<i32>().value(0).len(), 100);
    }
    drop((stream, idle));
    until("all statements end", || async { market.running() == 0 }).await;
}

fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4_096
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_and_sessions_are_bounded() {
    let market = Market::with(Options { streams_max: 1, sessions_max: 1, ..Options::default() }).await;
    let mut client = market.client().await;
    let info = client.statement("SELECT * FROM live.quotes").await.unwrap();
    let (stream, _) = client.get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
    refused(client.query("SELECT 1").await, Code::ResourceExhausted, "flight.streams");
    drop(stream);
    until("the stream ends", || async { market.running() == 0 }).await;
    until("its place is free", || async { client.clone().query("SELECT 1").await.is_ok() }).await;
    let anyone = market.client().await.without_cookies();
    let basic = anyone.clone().with_header("authorization", "Basic YWRhOnBlbmNpbA==");
    let mut first = anyone.clone().with_header("authorization", log_in(&basic).await.unwrap());
    let mut second = anyone.with_header("authorization", log_in(&basic).await.unwrap());
    first.query("SET max_staleness = '5s'").await.unwrap();
    refused(second.query("SET max_staleness = '5s'").await, Code::ResourceExhausted, "flight.sessions");
    first.action("CloseSession", Vec::new()).await.unwrap();
    second.query("SET max_staleness = '5s'").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_may_be_compressed() {
    for compression in [ttapi::serve::flight::Compression::Lz4, ttapi::serve::flight::Compression::Zstd] {
        let market = Market::with(Options { compression, ..Options::default() }).await;
        let mut client = market.client().await;
        let sql = "SELECT n, 'the same text in every row' FROM generate_series(1, 10000) AS s (n)";
        let info = client.statement(sql).await.unwrap();
        let request = client.request(info.endpoint[0].ticket.clone().unwrap());
        let messages: Vec<FlightData> =
            client.inner.do_get(request).await.unwrap().into_inner().try_collect().await.unwrap();
        let sent: usize = messages.iter().map(|message| message.data_body.len()).sum();
        assert!(sent < 200_000, "{sent} bytes");
        let found = client.query(sql).await.unwrap();
        let sum: i64 =
            found.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).sum();
        assert_eq!(sum, 10_000 * 10_001 / 2);
    }
}

/// Each part is fetched on its own, and the table changes in between.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_scan_is_read_in_parts_of_one_version() {
    let mut world = World::start(Role::OnDemand).await;
    world.refresh(&["symbols"]).await;
    for _ in 0..3 {
        world.refresh(&["market_metrics"]).await;
        world.advance(TimeDelta::minutes(20));
    }
    let options = || Options { endpoint_rows: 2, endpoints_max: 3, ..Options::default() };
    let stop = CancellationToken::new();
    let address = serve_flight(world.server.engine.clone(), options(), stop.clone()).await;
    let client = FlightClient::connect(address).await;
    let mut parallel = client.clone().with_header("tt-endpoints", "8");
    let sql = "SELECT symbol, fetched_at FROM market_metrics_history";
    let info = parallel.statement(sql).await.unwrap();
    assert_eq!((info.endpoint.len(), info.total_records), (3, 15));
    world.refresh(&["market_metrics"]).await;
    // Another server over the same lake answers one of the parts.
    let other = world.second_server(Role::ReadOnly).await;
    let elsewhere = serve_flight(other.engine.clone(), options(), stop.clone()).await;
    let mut elsewhere = FlightClient::connect(elsewhere).await;
    let mut found = Vec::new();
    for (place, endpoint) in info.endpoint.iter().enumerate() {
        let client = if place == 1 { &mut elsewhere } else { &mut parallel };
        let (part, _) = client.get(endpoint.ticket.clone().unwrap()).await.unwrap();
        let part: Vec<RecordBatch> = part.try_collect().await.unwrap();
        assert!(part.iter().map(RecordBatch::num_rows).sum::<usize>() < 15, "a part is not the whole");
        found.extend(texts(&part));
    }
    found.sort();
    let count = found.len();
    found.dedup();
    assert_eq!((count, found.len()), (15, 15));
    assert_eq!(parallel.statement(sql).await.unwrap().total_records, 20);
    // Who does not ask gets the whole from the first endpoint; what is more than a choice of columns is not cut.
    assert_eq!(client.clone().statement(sql).await.unwrap().endpoint.len(), 1);
    for whole in [
        "SELECT symbol FROM market_metrics_history ORDER BY 1",
        "SELECT symbol FROM market_metrics_history LIMIT 12",
        "SELECT count(*) FROM market_metrics_history",
        "SELECT symbol, row_number() OVER () FROM market_metrics_history",
        "SELECT DISTINCT symbol FROM market_metrics_history",
    ] {
        assert_eq!(parallel.statement(whole).await.unwrap().endpoint.len(), 1, "{whole}");
    }
    let mut adbc = client.with_header("tt-endpoints", "many");
    refused(adbc.statement(sql).await, Code::InvalidArgument, "tt-endpoints");
    drop(stop.drop_guard());
    world.restart(Role::ReadOnly).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_age_of_an_answer_travels_with_it() {
    let mut world = World::with(Role::OnDemand, configuration(), "2026-06-06T22:00:00Z").await;
    world.refresh(&["symbols"]).await;
    world.clock.set(instant("2026-06-10T22:00:00Z"));
    world.spoil("/instruments", None, Kind::Status(500));
    world.server.refresh.refresh("symbols", "command").await.unwrap_err();
    world.restart(Role::ReadOnly).await;
    let stop = CancellationToken::new();
    let address = serve_flight(world.server.engine.clone(), Options::default(), stop.clone()).await;
    let client = FlightClient::connect(address).await;
    let told = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    let mut serve = client.clone().with_header("tt-freshness", "serve");
    let info = serve.statement("SELECT symbol FROM symbols").await.unwrap();
    let before = told(&info.app_metadata);
    assert_eq!((&before["state"], &before["age_seconds"]), (&"failed".into(), &345_600.0.into()));
    assert_eq!(before["inputs"][0]["dataset"], "symbols");
    assert!(before["inputs"][0]["last_error"].as_str().unwrap().contains("500"), "{before}");
    let request = serve.request(info.endpoint[0].ticket.clone().unwrap());
    let reply = serve.inner.do_get(request).await.unwrap();
    let notice = reply.metadata().get("tt-notice").unwrap().to_str().unwrap().to_owned();
    assert!(notice.contains("\"symbols\" is stale: its rows are 4 d old"), "{notice}");
    let messages: Vec<FlightData> = reply.into_inner().try_collect().await.unwrap();
    for message in &messages[..2] {
        let after = told(&message.app_metadata);
        assert_eq!(after["inputs"], before["inputs"]);
        assert!(after["notices"][0].as_str().unwrap().contains("is stale"), "{after}");
    }
    let mut fail = client.clone().with_header("tt-freshness", "fail");
    refused(
        fail.query("SELECT symbol FROM symbols").await,
        Code::Unavailable,
        "\"symbols\" is not fresh: its rows are 4 d old",
    );
    refused(client.clone().query("SELECT * FROM earnings").await, Code::Unavailable, "never loaded");
    drop(stop.drop_guard());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_users_are_let_in() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("users.toml");
    file::add(&path, "ada", None, &Verifier::of("pencil")).unwrap();
    let market = Market::with(Options { users: Users::load(&path).unwrap(), ..Options::default() }).await;
    let client = market.client().await;
    refused(client.clone().query("SELECT 1").await, Code::Unauthenticated, "log in");
    let stranger = client.clone().with_header("authorization", "Bearer None");
    refused(stranger.clone().query("SELECT 1").await, Code::Unauthenticated, "not of this server");
    refused(client.clone().action("ListEverything", Vec::new()).await, Code::Unauthenticated, "log in");
    refused(client.clone().get(Ticket::new("x")).await.map(drop), Code::Unauthenticated, "log in");
    let basic = |text: &str| format!("Basic {}", BASE64.encode(text));
    for wrong in ["ada:pen", "ada:", "bob:pencil", ":pencil", ":"] {
        let mut stranger = client.clone().with_header("authorization", basic(wrong));
        refused(stranger.query("SELECT 1").await, Code::Unauthenticated, "wrong");
        refused(log_in(&stranger).await, Code::Unauthenticated, "wrong");
    }
    let ada = client.clone().with_header("authorization", basic("ada:pencil").trim_end_matches('='));
    assert_eq!(texts(&ada.clone().query("SELECT current_user").await.unwrap()), [["ada"]]);
    let mut bearer = client.clone().with_header("authorization", log_in(&ada).await.unwrap());
    assert_eq!(texts(&bearer.query("SELECT current_user").await.unwrap()), [["ada"]]);
    // Another user cannot cancel what she runs.
    file::add(&path, "bob", None, &Verifier::of("crayon")).unwrap();
    let info = bearer.statement("SELECT * FROM live.quotes WHERE symbol = 'nosuch'").await.unwrap();
    let (stream, _) = bearer.get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
    let mut bob = client.clone().with_header("authorization", basic("bob:crayon"));
    refused(cancel(&mut bob, &info, false).await, Code::NotFound, "does not run");
    assert_eq!(market.running(), 1);
    drop(stream);
    // Her token ends with her account.
    file::remove(&path, "ada").unwrap();
    until("she is not known any more", || async { bearer.clone().query("SELECT 1").await.is_err() }).await;
    refused(bearer.query("SELECT 1").await, Code::Unauthenticated, "not known any more");
}
