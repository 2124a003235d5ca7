//! The front end over real sockets: a driver where one helps, bytes where they matter.

#![allow(clippy::unwrap_used)]

use super::{Options, serve};
use crate::dialect::catalog::NoComments;
use crate::engine::template::over;
use crate::engine::{Defaults, Engine};
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

mod columns;
mod login;
mod protocol;
mod sessions;
mod statements;
mod streams;

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
    serve_engine(over(&context, Arc::new(NoComments), Defaults::default()).unwrap(), options).await
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
