//! The front end over real sockets: a driver where one helps, bytes where they matter.

#![allow(clippy::unwrap_used)]

use super::{Options, serve};
use crate::engine::Engine;
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::{Buf, BytesMut};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::{StreamExt, TryStreamExt, pin_mut};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use tokio_util::sync::CancellationToken;

mod login;
mod sessions;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// One row, and then nothing for ever.
#[derive(Debug)]
struct Silent(SchemaRef);

impl PartitionStream for Silent {
    fn schema(&self) -> &SchemaRef {
        &self.0
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let one: ArrayRef = Arc::new(Int64Array::from(vec![7]));
        let batch = RecordBatch::try_new(self.0.clone(), vec![one]).unwrap();
        let rows = futures::stream::iter([Ok(batch)]).chain(futures::stream::pending());
        Box::pin(RecordBatchStreamAdapter::new(self.0.clone(), rows))
    }
}

/// Batches without end, as fast as they are taken.
#[derive(Debug)]
struct Flood(SchemaRef);

impl PartitionStream for Flood {
    fn schema(&self) -> &SchemaRef {
        &self.0
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let many: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1_000));
        let batch = RecordBatch::try_new(self.0.clone(), vec![many]).unwrap();
        let rows = futures::stream::repeat_with(move || Ok(batch.clone()));
        Box::pin(RecordBatchStreamAdapter::new(self.0.clone(), rows))
    }
}

/// A stream that panics.
#[derive(Debug)]
struct Broken(SchemaRef);

impl PartitionStream for Broken {
    fn schema(&self) -> &SchemaRef {
        &self.0
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = futures::stream::poll_fn(|_| panic!("broken on purpose"));
        Box::pin(RecordBatchStreamAdapter::new(self.0.clone(), rows))
    }
}

fn bars() -> RecordBatch {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("symbol", Arc::new(StringArray::from(vec![Some("AAPL"), Some("MSFT"), None]))),
        ("date", Arc::new(Date32Array::from(vec![Some(19_782), Some(0), None]))),
        ("close", Arc::new(Float64Array::from(vec![Some(187.23), Some(100.0), None]))),
        ("volume", Arc::new(Int64Array::from(vec![Some(5), Some(6), None]))),
        ("active", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        (
            "cap",
            Arc::new(
                Decimal128Array::from(vec![Some(12_345), Some(-5), None]).with_precision_and_scale(20, 2).unwrap(),
            ),
        ),
        (
            "seen_at",
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(1_719_835_200_000_000), Some(0), None]).with_timezone("UTC"),
            ),
        ),
        ("size", Arc::new(Int32Array::from(vec![Some(1), Some(2), None]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

struct Server {
    address: SocketAddr,
    engine: Engine,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn start(options: Options) -> Server {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    context.register_batch("bars", bars()).unwrap();
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    let live = |part: Arc<dyn PartitionStream>| {
        Arc::new(StreamingTable::try_new(schema.clone(), vec![part]).unwrap().with_infinite_table(true))
    };
    context.register_table("silent", live(Arc::new(Silent(schema.clone())))).unwrap();
    context.register_table("flood", live(Arc::new(Flood(schema.clone())))).unwrap();
    context.register_table("broken", live(Arc::new(Broken(schema.clone())))).unwrap();
    serve_engine(Engine::new(context.state(), None), options).await
}

async fn serve_engine(engine: Engine, options: Options) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(serve(listener, engine.clone(), options, shutdown.clone()));
    Server { address, engine, shutdown, task }
}

impl Server {
    async fn client(&self) -> Client {
        self.client_with("").await
    }

    async fn client_with(&self, more: &str) -> Client {
        let config = format!("host=127.0.0.1 port={} user=me {more}", self.address.port());
        let (client, connection) = tokio_postgres::connect(&config, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    async fn raw(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A socket past its startup.
    async fn greeted(&self) -> TcpStream {
        let mut socket = self.raw().await;
        socket.write_all(&startup(196_608)).await.unwrap();
        until_ready(&mut socket).await;
        socket
    }

    /// Waits until so many statements run.
    async fn wait_for_running(&self, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.engine.queries().running().len() != count {
            assert!(Instant::now() < deadline, "{} statements run", self.engine.queries().running().len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn startup(version: u32) -> Vec<u8> {
    let mut packet = version.to_be_bytes().to_vec();
    packet.extend(b"user\0me\0\0");
    [&(packet.len() as u32 + 4).to_be_bytes()[..], &packet].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &(body.len() as u32 + 4).to_be_bytes(), body].concat()
}

async fn next(socket: &mut TcpStream) -> (u8, Vec<u8>) {
    let read = async {
        let kind = socket.read_u8().await.unwrap();
        let length = socket.read_u32().await.unwrap() as usize - 4;
        let mut body = vec![0; length];
        socket.read_exact(&mut body).await.unwrap();
        (kind, body)
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap()
}

/// The types of the messages up to ReadyForQuery, and its status.
async fn until_ready(socket: &mut TcpStream) -> (String, char) {
    let mut kinds = String::new();
    loop {
        let (kind, body) = next(socket).await;
        kinds.push(kind.into());
        if kind == b'Z' {
            return (kinds, body[0].into());
        }
    }
}

/// What an ErrorResponse says under a field's letter.
fn field(body: &[u8], letter: u8) -> String {
    let fields = body.split(|byte| *byte == 0);
    let found = fields.filter(|field| field.first() == Some(&letter)).map(|field| &field[1..]).next();
    String::from_utf8(found.unwrap_or_default().to_vec()).unwrap()
}

async fn ends(socket: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, socket.read_to_end(&mut rest)).await.unwrap().unwrap();
    rest
}

#[track_caller]
fn check_code<T>(result: Result<T, tokio_postgres::Error>, code: &str) {
    let error = result.err().expect("no error");
    assert_eq!(error.code().map(SqlState::code), Some(code), "{error:?}");
}

/// All cells of the simple protocol, row by row.
async fn text(client: &Client, sql: &str) -> Vec<Vec<Option<String>>> {
    let messages = client.simple_query(sql).await.unwrap();
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|index| row.get(index).map(str::to_owned)).collect()),
        _ => None,
    });
    rows.collect()
}

async fn one(client: &Client, sql: &str) -> String {
    text(client, sql).await.remove(0).remove(0).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_go_as_text_and_as_binary_and_nulls_stay_null() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    client.batch_execute("SET TIME ZONE 'America/New_York'").await.unwrap();
    let rows = text(&client, "SELECT * FROM bars ORDER BY volume NULLS LAST").await;
    let expected = ["AAPL", "2024-02-29", "187.23", "5", "t", "123.45", "2024-07-01 08:00:00-04", "1"];
    assert_eq!(rows[0], expected.map(|text| Some(text.to_owned())));
    assert_eq!(rows[1][6].as_deref(), Some("1969-12-31 19:00:00-05"));
    assert_eq!(rows[2], vec![None; 8]);

    let rows = client.query("SELECT * FROM bars ORDER BY volume NULLS LAST", &[]).await.unwrap();
    let types: Vec<_> = rows[0].columns().iter().map(|column| column.type_().clone()).collect();
    let expected =
        [Type::TEXT, Type::DATE, Type::FLOAT8, Type::INT8, Type::BOOL, Type::NUMERIC, Type::TIMESTAMPTZ, Type::INT4];
    assert_eq!(types, expected);
    assert_eq!(rows[0].get::<_, &str>("symbol"), "AAPL");
    assert_eq!(rows[0].get::<_, chrono::NaiveDate>("date"), chrono::NaiveDate::from_ymd_opt(2024, 2, 29).unwrap());
    assert_eq!(rows[0].get::<_, f64>("close"), 187.23);
    assert_eq!(rows[0].get::<_, chrono::DateTime<chrono::Utc>>("seen_at").timestamp(), 1_719_835_200);
    assert_eq!(rows[2].get::<_, Option<f64>>("close"), None);
    assert_eq!(rows[2].get::<_, Option<chrono::NaiveDate>>("date"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_have_types_and_values() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    let sql = "SELECT symbol FROM bars WHERE volume = $1 AND symbol = $2 AND date < $3";
    let statement = client.prepare(sql).await.unwrap();
    assert_eq!(statement.params(), [Type::INT8, Type::TEXT, Type::DATE]);
    let date = chrono::NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
    let rows = client.query(&statement, &[&5_i64, &"AAPL", &date]).await.unwrap();
    assert_eq!(rows.len(), 1);
    let none = client.query(&statement, &[&None::<i64>, &"AAPL", &date]).await.unwrap();
    assert!(none.is_empty());

    // Nothing tells its type: it is text, or what the client says.
    let row = client.query_one("SELECT $1", &[&"é"]).await.unwrap();
    assert_eq!((row.columns()[0].type_(), row.get::<_, &str>(0)), (&Type::TEXT, "é"));
    let typed = client.prepare_typed("SELECT $1, $2", &[Type::INT4, Type::FLOAT8]).await.unwrap();
    let row = client.query_one(&typed, &[&7_i32, &None::<f64>]).await.unwrap();
    assert_eq!((row.get::<_, i32>(0), row.get::<_, Option<f64>>(1)), (7, None));
    let row = client.query_one("SELECT $1::int + 1", &[&7_i32]).await.unwrap();
    assert_eq!(row.columns().len(), 1);

    // A float is not cut to the integer beside it.
    let typed = client.prepare_typed("SELECT symbol FROM bars WHERE volume < $1", &[Type::FLOAT8]).await.unwrap();
    assert_eq!(client.query(&typed, &[&5.5_f64]).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_row_of_an_endless_table_arrives_at_once_and_cancel_ends_it() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    for table in ["silent", "flood"] {
        let rows = client.query_raw::<_, i64, _>(&format!("SELECT n FROM {table}"), []).await.unwrap();
        pin_mut!(rows);
        let first = tokio::time::timeout(PATIENCE, rows.next()).await.unwrap().unwrap().unwrap();
        assert!(first.get::<_, i64>(0) >= 0);
        let began = Instant::now();
        client.cancel_token().cancel_query(NoTls).await.unwrap();
        let error = loop {
            match tokio::time::timeout(PATIENCE, rows.next()).await.unwrap().unwrap() {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED));
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
    // The simple protocol too, and the session goes on. The last statement is off the list a moment after its error.
    server.wait_for_running(0).await;
    let (result, ()) = tokio::join!(client.simple_query("SELECT n FROM silent"), async {
        server.wait_for_running(1).await;
        client.cancel_token().cancel_query(NoTls).await.unwrap();
    });
    check_code(result, "57014");
    assert_eq!(one(&client, "SELECT 1").await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_timeout_covers_the_stream() {
    let server = start(Options::default()).await;
    let client = server.client_with("options='-c statement_timeout=50ms'").await;
    check_code(client.simple_query("SELECT n FROM silent").await, "57014");
    check_code(client.query("SELECT n FROM silent", &[]).await, "57014");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_frees_its_query() {
    let server = start(Options::default()).await;
    let mut socket = server.greeted().await;
    socket.write_all(&message(b'Q', b"SELECT n FROM silent\0")).await.unwrap();
    while next(&mut socket).await.0 != b'D' {}
    server.wait_for_running(1).await;
    drop(socket);
    server.wait_for_running(0).await;
    // Even when it has filled the read-ahead before.
    let mut socket = server.greeted().await;
    socket.write_all(&message(b'Q', b"SELECT n FROM silent\0")).await.unwrap();
    while next(&mut socket).await.0 != b'D' {}
    for _ in 0..45 {
        socket.write_all(&message(b'Q', &[b"SELECT '", &[b'x'; 2_000][..], b"'\0"].concat())).await.unwrap();
    }
    drop(socket);
    server.wait_for_running(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_holds_the_query_back() {
    let server = start(Options::default()).await;
    let mut socket = server.greeted().await;
    socket.write_all(&message(b'Q', b"SELECT n FROM flood\0")).await.unwrap();
    server.wait_for_running(1).await;
    // Another is served meanwhile, and the flood ends with its client.
    let client = server.client().await;
    assert_eq!(one(&client, "SELECT 1").await, "1");
    drop(socket);
    server.wait_for_running(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portal_stops_and_goes_on() {
    let server = start(Options::default()).await;
    let mut client = server.client().await;
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind("SELECT volume FROM bars WHERE volume > 0 ORDER BY volume", &[]).await.unwrap();
    assert_eq!(transaction.query_portal(&portal, 1).await.unwrap()[0].get::<_, i64>(0), 5);
    assert_eq!(transaction.query_portal(&portal, -5).await.unwrap()[0].get::<_, i64>(0), 6);
    assert!(transaction.query_portal(&portal, 1).await.unwrap().is_empty());
    let endless = transaction.bind("SELECT n FROM silent", &[]).await.unwrap();
    assert_eq!(transaction.query_portal(&endless, 1).await.unwrap().len(), 1);
    transaction.commit().await.unwrap();
    server.wait_for_running(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_of_one_query_run_in_order_until_one_fails() {
    let server = start(Options::default()).await;
    let mut socket = server.greeted().await;
    let mut ask = async |sql: &str| {
        socket.write_all(&message(b'Q', &[sql.as_bytes(), b"\0"].concat())).await.unwrap();
        until_ready(&mut socket).await
    };
    assert_eq!(ask("SELECT 1; SELECT 2;").await, ("TDCTDCZ".to_owned(), 'I'));
    assert_eq!(ask("").await, ("IZ".to_owned(), 'I'));
    assert_eq!(ask(" -- nothing\n;").await, ("IZ".to_owned(), 'I'));
    assert_eq!(ask("SELECT 1; SELECT 1/0; SELECT 2").await, ("TDCTEZ".to_owned(), 'I'));
    assert_eq!(ask("SELECT 1; SELEC 2").await, ("EZ".to_owned(), 'I'));
    assert_eq!(ask("BEGIN; SELECT 1").await, ("CTDCZ".to_owned(), 'T'));
    assert_eq!(ask("SELECT * FROM missing").await, ("EZ".to_owned(), 'E'));
    assert_eq!(ask("SELECT 1").await, ("EZ".to_owned(), 'E'));
    assert_eq!(ask("COMMIT").await, ("CZ".to_owned(), 'I'));
    assert_eq!(ask("COMMIT").await, ("NCZ".to_owned(), 'I'));
    assert_eq!(ask("SET application_name = 'x'").await, ("SCZ".to_owned(), 'I'));
    assert_eq!(ask("BEGIN; SAVEPOINT a; SELECT * FROM missing").await, ("CCEZ".to_owned(), 'E'));
    assert_eq!(ask("ROLLBACK TO a; RELEASE a; END").await, ("CCCZ".to_owned(), 'I'));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failure_messages_are_skipped_to_sync() {
    let server = start(Options::default()).await;
    let mut socket = server.greeted().await;
    let parse = |sql: &str| message(b'P', &[b"\0", sql.as_bytes(), b"\0\0\0"].concat());
    let bind = message(b'B', b"\0\0\0\0\0\0\0\0");
    let execute = message(b'E', b"\0\0\0\0\0");
    let sync = message(b'S', b"");
    let pipeline = [
        parse("SELECT * FROM missing"),
        bind.clone(),
        execute.clone(),
        sync.clone(),
        parse("SELECT 1"),
        bind.clone(),
        execute.clone(),
        execute.clone(),
        sync.clone(),
        parse("SELECT 1; SELECT 2"),
        sync.clone(),
        // Malformed: counts that the body does not bear out, and formats without columns.
        message(b'B', b"\0\0\xff\xff"),
        sync.clone(),
        parse("SELECT 1"),
        message(b'B', b"\0\0\0\x02\0\0\0\0\0\0\0\0"),
        sync.clone(),
        message(b'B', b"\0\0\0\0\0\x01\0\0\0\x011\0\0"),
        sync.clone(),
        message(b'B', b"\0\0\0\0\0\0\0\x01\0\x09"),
        sync.clone(),
        message(b'E', b"nope\0\xff\xff\xff\xff"),
        sync.clone(),
        message(b'D', b"?\0"),
        sync.clone(),
        parse(""),
        bind.clone(),
        execute.clone(),
        sync.clone(),
    ];
    socket.write_all(&pipeline.concat()).await.unwrap();
    let expected = ["EZ", "12DCCZ", "EZ", "EZ", "1EZ", "EZ", "EZ", "EZ", "EZ", "12IZ"];
    for expected in expected {
        assert_eq!(until_ready(&mut socket).await, (expected.to_owned(), 'I'));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_have_their_codes() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    let codes = [
        ("SELEC 1", "42601"),
        ("LISTEN x", "0A000"),
        ("COPY bars FROM STDIN", "25006"),
        ("COPY bars TO '/tmp/never'", "42501"),
        ("COPY (SELECT 1) TO PROGRAM 'sh'", "42501"),
        ("SET no_such_setting = 1", "42704"),
        ("SHOW no_such_setting", "42704"),
        ("SET TimeZone = 'Nowhere'", "22023"),
        ("DECLARE c CURSOR FOR SELECT 1", "25P01"),
        ("FETCH c", "34000"),
        ("EXECUTE p", "26000"),
        ("DEALLOCATE p", "26000"),
        ("SAVEPOINT a", "25P01"),
        ("BEGIN; DISCARD ALL", "25001"),
        ("ROLLBACK TO a", "3B001"),
        ("ROLLBACK; SELECT $1", "42P02"),
        ("CREATE TABLE t (a int)", "25006"),
    ];
    for (sql, code) in codes {
        let error = client.simple_query(sql).await.err().unwrap_or_else(|| panic!("{sql} did not fail"));
        assert_eq!(error.code().map(SqlState::code), Some(code), "{sql}: {error:?}");
    }
    let sql = "SELECT symbol FROM bars WHERE volume = $1::text::bigint";
    check_code(client.query(sql, &[&"x"]).await, "22P02");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_shown_reported_and_reset() {
    let server = start(Options::default()).await;
    let client = server.client_with("application_name=here options='-c TimeZone=Europe/Rome'").await;
    assert_eq!(one(&client, "SHOW timezone").await, "Europe/Rome");
    assert_eq!(one(&client, "SHOW TIME ZONE").await, "Europe/Rome");
    assert_eq!(one(&client, "SHOW server_version").await, "16.6");
    client.batch_execute("BEGIN; SET LOCAL TimeZone = 'Asia/Tokyo'").await.unwrap();
    assert_eq!(one(&client, "SHOW TimeZone").await, "Asia/Tokyo");
    client.batch_execute("COMMIT; SET TimeZone = 'utc'").await.unwrap();
    assert_eq!(one(&client, "SHOW TimeZone").await, "UTC");
    client.batch_execute("RESET TimeZone").await.unwrap();
    assert_eq!(one(&client, "SHOW TimeZone").await, "Europe/Rome");
    client.batch_execute("SET application_name = 'there'; DISCARD PLANS").await.unwrap();
    client.batch_execute("DISCARD ALL").await.unwrap();
    assert_eq!(one(&client, "SHOW application_name").await, "here");
    assert!(text(&client, "SHOW ALL").await.len() > 20);
    check_code(client.batch_execute("SET TimeZone = 'UTC'; SELEC").await, "42601");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_query_takes_its_settings_back() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    client.batch_execute("SET TimeZone = 'Asia/Tokyo'; SELECT * FROM missing").await.unwrap_err();
    assert_eq!(one(&client, "SHOW TimeZone").await, "UTC");
    client.batch_execute("BEGIN; SET TimeZone = 'Asia/Tokyo'; ROLLBACK").await.unwrap();
    assert_eq!(one(&client, "SHOW TimeZone").await, "UTC");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursors_go_forward_and_some_outlive_their_transaction() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    let declare = "CURSOR FOR SELECT volume FROM bars WHERE volume > 0 ORDER BY volume";
    client
        .batch_execute(&format!("BEGIN; DECLARE c {declare}; DECLARE e CURSOR FOR SELECT n FROM silent"))
        .await
        .unwrap();
    assert_eq!(text(&client, "FETCH FORWARD 1 FROM c").await, [[Some("5".to_owned())]]);
    assert_eq!(text(&client, "FETCH NEXT FROM e").await, [[Some("7".to_owned())]]);
    client.batch_execute("MOVE 1 FROM c").await.unwrap();
    assert!(text(&client, "FETCH ALL FROM c").await.is_empty());
    client.batch_execute("CLOSE c; COMMIT").await.unwrap();
    check_code(client.simple_query("FETCH NEXT FROM e").await, "34000");
    server.wait_for_running(0).await;

    client.batch_execute(&declare.replace("CURSOR", "DECLARE h CURSOR WITH HOLD")).await.unwrap();
    // A cursor is a portal of the extended protocol too.
    let rows = client.query("FETCH 1 FROM h", &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, i64>(0), 5);
    client.batch_execute("BEGIN; ROLLBACK").await.unwrap();
    assert_eq!(text(&client, "FETCH ALL FROM h").await, [[Some("6".to_owned())]]);
    client.batch_execute("CLOSE ALL").await.unwrap();
    check_code(client.simple_query("FETCH h").await, "34000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_are_prepared_in_sql() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    client
        .batch_execute("PREPARE p (bigint, text) AS SELECT symbol FROM bars WHERE volume = $1 AND symbol = $2")
        .await
        .unwrap();
    assert_eq!(one(&client, "EXECUTE p(2 + 3, 'AAPL')").await, "AAPL");
    check_code(client.simple_query("EXECUTE p(1)").await, "42601");
    check_code(client.simple_query("PREPARE p AS SELECT 1").await, "42P05");
    client.batch_execute("DEALLOCATE p; PREPARE p AS SELECT date FROM bars WHERE date = $1").await.unwrap();
    assert_eq!(one(&client, "EXECUTE p('2024-02-29')").await, "2024-02-29");
    client.batch_execute("DEALLOCATE ALL").await.unwrap();
    check_code(client.simple_query("EXECUTE p(1)").await, "26000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copy_streams_in_three_formats() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    let copied = async |sql: &str| {
        let chunks = client.copy_out(sql).await.unwrap();
        let all: BytesMut = chunks
            .try_fold(BytesMut::new(), async |mut all, chunk| {
                all.extend_from_slice(&chunk);
                Ok(all)
            })
            .await
            .unwrap();
        String::from_utf8_lossy(&all).into_owned()
    };
    let query = "(SELECT symbol, close FROM bars ORDER BY volume NULLS LAST)";
    assert_eq!(copied(&format!("COPY {query} TO STDOUT")).await, "AAPL\t187.23\nMSFT\t100\n\\N\t\\N\n");
    assert_eq!(
        copied(&format!("COPY {query} TO STDOUT (FORMAT csv, HEADER)")).await,
        "symbol,close\nAAPL,187.23\nMSFT,100\n,\n"
    );
    assert_eq!(copied("COPY bars (size) TO STDOUT CSV").await, "1\n2\n\n");
    let chunks = client.copy_out(&format!("COPY {query} TO STDOUT BINARY")).await.unwrap();
    let rows: Vec<_> = tokio_postgres::binary_copy::BinaryCopyOutStream::new(chunks, &[Type::TEXT, Type::FLOAT8])
        .try_collect()
        .await
        .unwrap();
    assert_eq!((rows.len(), rows[0].get::<&str>(0), rows[1].get::<f64>(1)), (3, "AAPL", 100.0));
    assert_eq!(rows[2].get::<Option<&str>>(0), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_startup_close_the_connection() {
    let server = start(Options::default()).await;
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 64], &[0; 64], b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03"] {
        let mut socket = server.raw().await;
        socket.write_all(garbage).await.unwrap();
        assert!(ends(&mut socket).await.is_empty());
    }
    // A protocol of the past and a packet without terminator are told why.
    let mut socket = server.raw().await;
    socket.write_all(&startup(131_072)).await.unwrap();
    assert_eq!(field(&ends(&mut socket).await[5..], b'S'), "FATAL");
    let mut socket = server.raw().await;
    socket.write_all(&[0, 0, 0, 12, 0, 3, 0, 0, b'u', b's', b'e', b'r']).await.unwrap();
    assert_eq!(field(&ends(&mut socket).await[5..], b'C'), "08P01");
    // An unknown message and an endless one end the session.
    for message in [&b"\x01\0\0\0\x04"[..], b"Q\x7f\xff\xff\xff", b"Q\0\0\0\x03"] {
        let mut socket = server.greeted().await;
        socket.write_all(message).await.unwrap();
        assert_eq!(field(&ends(&mut socket).await[5..], b'S'), "FATAL");
    }
    assert_eq!(one(&server.client().await, "SELECT 1").await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encryption_is_refused_and_newer_protocols_are_negotiated() {
    let server = start(Options::default()).await;
    let mut socket = server.raw().await;
    for code in [80_877_103_u32, 80_877_104] {
        socket.write_all(&[&[0, 0, 0, 8][..], &code.to_be_bytes()].concat()).await.unwrap();
        assert_eq!(socket.read_u8().await.unwrap(), b'N');
    }
    socket.write_all(&startup(196_610)).await.unwrap();
    let (kind, body) = next(&mut socket).await;
    assert_eq!((kind, body), (b'v', vec![0, 3, 0, 0, 0, 0, 0, 0]));
    assert_eq!(until_ready(&mut socket).await.1, 'I');
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_told() {
    let options = Options {
        connections_max: 1,
        startup_timeout: Duration::from_millis(200),
        prepared_statements_max: 2,
        message_bytes_max: 1_000,
        ..Options::default()
    };
    let server = start(options).await;
    let mut silent = server.raw().await;
    assert_eq!(field(&ends(&mut silent).await[5..], b'C'), "57014");
    let client = server.client().await;
    let config = format!("host=127.0.0.1 port={} user=me", server.address.port());
    check_code(tokio_postgres::connect(&config, NoTls).await.map(drop), "53300");
    client.batch_execute("PREPARE a AS SELECT 1; PREPARE b AS SELECT 1").await.unwrap();
    check_code(client.batch_execute("PREPARE c AS SELECT 1").await, "53400");
    check_code(client.batch_execute(&format!("SELECT '{}'", "x".repeat(1_000))).await, "54000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_ends_its_connection_alone() {
    let server = start(Options::default()).await;
    let other = server.client().await;
    let client = server.client().await;
    client.simple_query("SELECT n FROM broken").await.unwrap_err();
    assert_eq!(one(&other, "SELECT 1").await, "1");
    server.wait_for_running(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_ends_sessions_with_a_word() {
    let server = start(Options::default()).await;
    let mut idle = server.greeted().await;
    let mut busy = server.greeted().await;
    busy.write_all(&message(b'Q', b"SELECT n FROM silent\0")).await.unwrap();
    while next(&mut busy).await.0 != b'D' {}
    server.shutdown.cancel();
    for socket in [&mut idle, &mut busy] {
        let rest = ends(socket).await;
        assert_eq!(field(&rest[5..], b'C'), "57P01");
    }
    tokio::time::timeout(PATIENCE, server.task).await.unwrap().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_cancels_nothing() {
    let server = start(Options::default()).await;
    let mut socket = server.raw().await;
    socket.write_all(&startup(196_608)).await.unwrap();
    let key = loop {
        let (kind, body) = next(&mut socket).await;
        if kind == b'K' {
            break body;
        }
    };
    while next(&mut socket).await.0 != b'Z' {}
    socket.write_all(&message(b'Q', b"SELECT n FROM silent\0")).await.unwrap();
    while next(&mut socket).await.0 != b'D' {}
    let cancel = async |secret: &[u8]| {
        let mut other = server.raw().await;
        let code = 80_877_102_u32.to_be_bytes();
        let length = (12 + secret.len() as u32).to_be_bytes();
        other.write_all(&[&length[..], &code, &key[..4], secret].concat()).await.unwrap();
        ends(&mut other).await
    };
    let wrong = ((&key[4..]).get_u32() ^ 1).to_be_bytes();
    assert!(cancel(&wrong).await.is_empty());
    assert!(cancel(&key[4..7]).await.is_empty());
    assert_eq!(server.engine.queries().running().len(), 1);
    let began = Instant::now();
    cancel(&key[4..]).await;
    let (kind, body) = next(&mut socket).await;
    assert_eq!((kind, field(&body, b'C')), (b'E', "57014".to_owned()));
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
}
