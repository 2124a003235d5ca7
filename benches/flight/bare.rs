//! Two yardsticks for the Flight SQL front end: a bare Arrow Flight server that holds batches in memory and does nothing
//! but send them, and a client that drops what it gets.
//!
//! ```text
//! flight_bare serve ADDRESS SQL [PORT]     fetches a statement's batches from a Flight SQL server, then sends them to whoever asks
//! flight_bare fetch ADDRESS SQL [N]        fetches a statement and drops its batches; N asks for endpoints to read in parallel
//! flight_bare trips ADDRESS SQL COUNT      runs a small statement again and again, and prints the median time
//! ```
#![allow(clippy::unwrap_used)]

use arrow::record_batch::RecordBatch;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt};
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest,
    HandshakeResponse, PollInfo, PutResult, SchemaResult, Ticket,
};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use std::sync::Arc;
use std::time::Instant;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};

/// What the client lets the server send before it has read it: HTTP/2's default of 64 KB would measure the round trip.
const WINDOW_BYTES: u32 = 16 << 20;

async fn connect(address: &str) -> FlightServiceClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let endpoint = endpoint.initial_stream_window_size(WINDOW_BYTES).initial_connection_window_size(WINDOW_BYTES);
    FlightServiceClient::new(endpoint.connect().await.unwrap()).max_decoding_message_size(usize::MAX)
}

async fn describe(client: &mut FlightServiceClient<Channel>, sql: &str, endpoints: u32) -> FlightInfo {
    let command = CommandStatementQuery { query: sql.to_owned(), transaction_id: None };
    let mut request = Request::new(FlightDescriptor::new_cmd(command.as_any().encode_to_vec()));
    request.metadata_mut().insert("tt-endpoints", endpoints.into());
    client.get_flight_info(request).await.unwrap().into_inner()
}

async fn batches(mut client: FlightServiceClient<Channel>, ticket: Ticket) -> FlightRecordBatchStream {
    let messages = client.do_get(ticket).await.unwrap().into_inner();
    FlightRecordBatchStream::new_from_flight_data(messages.map_err(FlightError::from))
}

/// Rows and bytes of one endpoint, dropped as they come.
async fn drain(client: FlightServiceClient<Channel>, ticket: Ticket) -> (usize, usize) {
    let (mut rows, mut bytes) = (0, 0);
    let mut batches = batches(client, ticket).await;
    while let Some(batch) = batches.next().await {
        let batch = batch.unwrap();
        rows += batch.num_rows();
        bytes += batch.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap()).sum::<usize>();
    }
    (rows, bytes)
}

/// Prints rows, bytes and seconds.
async fn fetch(address: &str, sql: &str, endpoints: u32) {
    let began = Instant::now();
    let info = describe(&mut connect(address).await, sql, endpoints).await;
    let drains = info.endpoint.into_iter().map(|endpoint| async {
        let client = connect(address).await;
        tokio::spawn(drain(client, endpoint.ticket.unwrap())).await.unwrap()
    });
    let all = futures::future::join_all(drains).await;
    let seconds = began.elapsed().as_secs_f64();
    let (rows, bytes) = all.iter().fold((0, 0), |(rows, bytes), one| (rows + one.0, bytes + one.1));
    println!("{{\"rows\": {rows}, \"bytes\": {bytes}, \"seconds\": {seconds}, \"endpoints\": {}}}", all.len());
}

/// Prints the median seconds of a description and its rows.
async fn trips(address: &str, sql: &str, count: usize) {
    let mut client = connect(address).await;
    let mut seconds = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        let info = describe(&mut client, sql, 1).await;
        let ticket = info.endpoint[0].ticket.clone().unwrap();
        drain(client.clone(), ticket).await;
        seconds.push(began.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    println!("{{\"seconds\": {}}}", seconds[seconds.len() / 2]);
}

/// Batches in memory, sent to whoever asks.
#[derive(Clone)]
struct Memory(Arc<Vec<RecordBatch>>);

async fn serve(address: &str, sql: &str, port: &str) {
    let mut client = connect(address).await;
    let ticket = describe(&mut client, sql, 1).await.endpoint[0].ticket.clone().unwrap();
    let all: Vec<RecordBatch> = batches(client, ticket).await.try_collect().await.unwrap();
    let incoming = TcpIncoming::bind(format!("127.0.0.1:{port}").parse().unwrap()).unwrap().with_nodelay(Some(true));
    println!("ready flight={}", incoming.local_addr().unwrap());
    let service = FlightServiceServer::new(Memory(Arc::new(all))).max_encoding_message_size(usize::MAX);
    Server::builder().add_service(service).serve_with_incoming(incoming).await.unwrap();
}

fn no<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("this server only sends"))
}

#[tonic::async_trait]
impl FlightService for Memory {
    type HandshakeStream = BoxStream<'static, Result<HandshakeResponse, Status>>;
    type ListFlightsStream = BoxStream<'static, Result<FlightInfo, Status>>;
    type DoGetStream = BoxStream<'static, Result<FlightData, Status>>;
    type DoPutStream = BoxStream<'static, Result<PutResult, Status>>;
    type DoActionStream = BoxStream<'static, Result<arrow_flight::Result, Status>>;
    type ListActionsStream = BoxStream<'static, Result<ActionType, Status>>;
    type DoExchangeStream = BoxStream<'static, Result<FlightData, Status>>;

    async fn get_flight_info(&self, _: Request<FlightDescriptor>) -> Result<Response<FlightInfo>, Status> {
        let endpoint = FlightEndpoint::new().with_ticket(Ticket::new("all"));
        Ok(Response::new(FlightInfo::new().with_endpoint(endpoint)))
    }

    async fn do_get(&self, _: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        let all = self.0.clone();
        let batches = stream::iter(0..all.len()).map(move |place| Ok(all[place].clone()));
        let messages = FlightDataEncoderBuilder::new().build(batches).map_err(Status::from);
        Ok(Response::new(messages.boxed()))
    }

    async fn handshake(
        &self,
        _: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        no()
    }

    async fn list_flights(&self, _: Request<Criteria>) -> Result<Response<Self::ListFlightsStream>, Status> {
        no()
    }

    async fn poll_flight_info(&self, _: Request<FlightDescriptor>) -> Result<Response<PollInfo>, Status> {
        no()
    }

    async fn get_schema(&self, _: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        no()
    }

    async fn do_put(&self, _: Request<Streaming<FlightData>>) -> Result<Response<Self::DoPutStream>, Status> {
        no()
    }

    async fn do_action(&self, _: Request<Action>) -> Result<Response<Self::DoActionStream>, Status> {
        no()
    }

    async fn list_actions(&self, _: Request<Empty>) -> Result<Response<Self::ListActionsStream>, Status> {
        no()
    }

    async fn do_exchange(&self, _: Request<Streaming<FlightData>>) -> Result<Response<Self::DoExchangeStream>, Status> {
        no()
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", address, sql] => serve(address, sql, "0").await,
        ["serve", address, sql, port] => serve(address, sql, port).await,
        ["fetch", address, sql] => fetch(address, sql, 1).await,
        ["fetch", address, sql, endpoints] => fetch(address, sql, endpoints.parse().unwrap()).await,
        ["trips", address, sql, count] => trips(address, sql, count.parse().unwrap()).await,
        _ => {
            eprintln!("usage: flight_bare serve|fetch|trips ADDRESS SQL [PORT|ENDPOINTS|COUNT]");
            std::process::exit(2);
        }
    }
}
