//! What gRPC does by itself for Flight clients: health, asking silent ones whether they are there, and limits by name.

use crate::fixture;
use crate::flight_client::{FlightClient, serve_flight};
use crate::world::until;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::sql::{CommandPreparedStatementQuery, ProstMessageExt};
use arrow_flight::{FlightData, FlightDescriptor};
use futures::StreamExt;
use prost::Message;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use ttapi::engine::Engine;
use ttapi::live::Live;
use ttapi::serve::flight::Options;

/// How long anything may take before a test gives up.
const DEADLINE: Duration = Duration::from_secs(60);

/// Rows that come when an event does, and here none does.
const QUIET: &str = "SELECT symbol FROM live.quotes WHERE symbol = 'nosuch'";

struct Market {
    address: SocketAddr,
    engine: Engine,
    _books: Live,
    _stop: DropGuard,
}

impl Market {
    async fn with(options: Options) -> Self {
        let (engine, books) = fixture::engine_and_books().await;
        let stop = CancellationToken::new();
        let address = serve_flight(engine.clone(), options, stop.clone()).await;
        Self { address, engine, _books: books, _stop: stop.drop_guard() }
    }

    async fn client(&self) -> FlightClient {
        FlightClient::connect(self.address).await
    }

    fn running(&self) -> usize {
        self.engine.queries().running().len()
    }
}

/// Rows of a statement that goes on and on.
async fn begun(client: &mut FlightClient) -> FlightRecordBatchStream {
    let info = client.statement(QUIET).await.unwrap();
    client.get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap().0
}

#[track_caller]
fn exhausted<T>(outcome: Result<T, Status>, limit: &str) {
    let Err(status) = outcome else { panic!("nothing was refused") };
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    assert!(status.message().contains(limit), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_told_and_nothing_else_is() {
    let market = Market::with(Options::default()).await;
    let mut channel = Endpoint::from_shared(format!("http://{}", market.address)).unwrap().connect().await.unwrap();
    let mut health = HealthClient::new(channel.clone());
    for service in ["", "arrow.flight.protocol.FlightService"] {
        let told = health.check(HealthCheckRequest { service: service.to_owned() }).await.unwrap().into_inner();
        assert_eq!(told.status(), ServingStatus::Serving, "{service:?}");
    }
    let unknown = health.check(HealthCheckRequest { service: "arrow.flight.protocol.Other".to_owned() }).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
    for path in [
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ] {
        std::future::poll_fn(|context| channel.poll_ready(context)).await.unwrap();
        let request = http::Request::post(format!("http://{}{path}", market.address))
            .header("content-type", "application/grpc")
            .body(Body::empty());
        let response = channel.call(request.unwrap()).await.unwrap();
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(status.code(), Code::Unimplemented, "{path}");
    }
}

/// Passes bytes on, both ways, until it is told to be silent: then it swallows them, and no socket is closed.
async fn proxy(to: SocketAddr) -> (SocketAddr, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, silent) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
    let told = silent.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(to).await.unwrap();
            let (client, server) = (client.into_split(), server.into_split());
            for (mut from, mut to) in [(client.0, server.1), (server.0, client.1)] {
                let silent = told.clone();
                tokio::spawn(async move {
                    let mut bytes = vec![0; 64 << 10];
                    while let Ok(read @ 1..) = from.read(&mut bytes).await {
                        if !silent.load(Ordering::Relaxed) && to.write_all(&bytes[..read]).await.is_err() {
                            return;
                        }
                    }
                    // The other side hears nothing of it either.
                    if silent.load(Ordering::Relaxed) {
                        std::future::pending::<()>().await;
                    }
                });
            }
        }
    });
    (address, silent)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_without_a_word_is_dropped() {
    let options = Options {
        connections_max: 2,
        keepalive_interval: Duration::from_millis(200),
        keepalive_timeout: Duration::from_millis(500),
        ..Options::default()
    };
    let market = Market::with(options).await;
    let mut there = market.client().await;
    let there_rows = begun(&mut there).await;
    let (address, silent) = proxy(market.address).await;
    let mut vanishing = FlightClient::connect(address).await;
    let vanishing_rows = begun(&mut vanishing).await;
    until("both run", || async { market.running() == 2 }).await;
    exhausted(market.client().await.query("SELECT 1").await, "limits.connections");
    silent.store(true, Ordering::Relaxed);
    until("one of them is gone", || async { market.running() == 1 }).await;
    // Its place is free, and whoever answers keeps its own, however quiet it is.
    let other = market.client().await;
    until("there is room", || async { other.clone().query("SELECT 1").await.is_ok() }).await;
    assert_eq!(market.running(), 1);
    there.query("SELECT 1").await.unwrap();
    drop((there_rows, vanishing_rows));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_begin_to_speak_is_sent_away() {
    let options = Options { connections_max: 1, handshake_timeout: Duration::from_millis(200), ..Options::default() };
    let market = Market::with(options).await;
    for said in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", b"GET / HTTP/1.1\r\n"] {
        let mut socket = TcpStream::connect(market.address).await.unwrap();
        socket.write_all(said).await.unwrap();
        let mut heard = Vec::new();
        // Closed or reset.
        let _ = tokio::time::timeout(DEADLINE, socket.read_to_end(&mut heard)).await.unwrap();
    }
    let mut client = market.client().await;
    until("there is room", || async { client.clone().query("SELECT 1").await.is_ok() }).await;
    // One that has spoken may be silent for longer than that.
    let mut rows = begun(&mut client).await;
    let silent = tokio::time::timeout(Duration::from_millis(600), rows.next()).await;
    assert!(silent.is_err());
    client.query("SELECT 1").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_too_many_is_told_so() {
    let market = Market::with(Options { connections_max: 2, ..Options::default() }).await;
    let (mut first, mut second) = (market.client().await, market.client().await);
    first.query("SELECT 1").await.unwrap();
    let rows = begun(&mut second).await;
    let third = market.client().await;
    exhausted(third.clone().query("SELECT 1").await, "limits.connections = 2");
    exhausted(third.clone().action("ListEverything", Vec::new()).await, "limits.connections = 2");
    // The others go on, and the third has its turn when one of them leaves.
    first.query("SELECT 1").await.unwrap();
    assert_eq!(market.running(), 1);
    drop((second, rows));
    until("there is room", || async { third.clone().query("SELECT 1").await.is_ok() }).await;
    first.query("SELECT 1").await.unwrap();
    // However many come, they end.
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(TcpStream::connect(market.address).await.unwrap());
    }
    for mut socket in crowd {
        let _ = tokio::time::timeout(DEADLINE, socket.read_to_end(&mut Vec::new())).await.unwrap();
    }
    first.query("SELECT 1").await.unwrap();
}

/// HTTP/2 tells a client how many calls it may make at once; one more waits its turn.
#[tokio::test(flavor = "multi_thread")]
async fn calls_beyond_a_connections_limit_wait_and_hold_nobody_else_up() {
    let market = Market::with(Options { calls_max: 1, ..Options::default() }).await;
    let mut client = market.client().await;
    let rows = begun(&mut client).await;
    let mut same = client.clone();
    let waiting = tokio::spawn(async move { same.query("SELECT 1").await.map(|batches| batches.len()) });
    let mut other = market.client().await;
    for _ in 0..5 {
        other.query("SELECT 1").await.unwrap();
    }
    assert!(!waiting.is_finished());
    drop(rows);
    assert_eq!(tokio::time::timeout(DEADLINE, waiting).await.unwrap().unwrap().unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_a_size() {
    let market = Market::with(Options { request_bytes_max: 64 << 10, ..Options::default() }).await;
    let mut client = market.client().await;
    let long = |bytes: usize| format!("SELECT length('{}')", "x".repeat(bytes));
    client.query(&long(20 << 10)).await.unwrap();
    exhausted(client.query(&long(80 << 10)).await, "flight.request");
    exhausted(client.action("CreatePreparedStatement", vec![0; 80 << 10]).await, "flight.request");
    // In the middle of what is uploaded, too.
    let command = CommandPreparedStatementQuery { prepared_statement_handle: Vec::new().into() };
    let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
    for large in [0, 1] {
        let mut messages = vec![FlightData::new().with_descriptor(descriptor.clone()), FlightData::new()];
        messages[large] = std::mem::take(&mut messages[large]).with_data_body(vec![0; 80 << 10]);
        let request = client.request(futures::stream::iter(messages));
        let put = async { client.clone().inner.do_put(request).await?.into_inner().message().await };
        match large {
            0 => exhausted(put.await, "flight.request"),
            // The handle is looked at before the rest is read.
            _ => assert_eq!(put.await.unwrap_err().code(), Code::InvalidArgument),
        }
    }
    client.query("SELECT 1").await.unwrap();
}
