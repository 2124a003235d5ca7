//! A Flight SQL client for the tests: keeps cookies, shows what the server says beside the rows.

use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{Any, CommandStatementQuery, ProstMessageExt};
use arrow_flight::{Action, FlightDescriptor, FlightInfo, Ticket};
use datafusion::arrow::array::RecordBatch;
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};
use ttapi::engine::Engine;
use ttapi::serve::flight;

/// Serves Flight SQL clients of an engine on a free port until `shutdown`.
pub(crate) async fn serve_flight(engine: Engine, options: flight::Options, shutdown: CancellationToken) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { flight::serve(listener, engine, options, shutdown).await.unwrap() });
    address
}

/// A connection.
#[derive(Clone)]
pub(crate) struct FlightClient {
    pub(crate) inner: FlightServiceClient<Channel>,
    /// Headers of every call.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Whether it keeps cookies.
    pub(crate) keeps_cookies: bool,
    pub(crate) cookie: Option<String>,
}

impl FlightClient {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let channel = endpoint.connect_timeout(Duration::from_secs(10)).connect().await.unwrap();
        let inner = FlightServiceClient::new(channel).max_decoding_message_size(usize::MAX);
        Self { inner, headers: Vec::new(), keeps_cookies: true, cookie: None }
    }

    /// With a header on every call.
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn without_cookies(mut self) -> Self {
        self.keeps_cookies = false;
        self
    }

    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        for (name, value) in &self.headers {
            request.metadata_mut().insert(*name, value.parse().unwrap());
        }
        if let Some(cookie) = self.cookie.as_ref().filter(|_| self.keeps_cookies) {
            request.metadata_mut().insert("cookie", cookie.parse().unwrap());
        }
        request
    }

    fn keep<T>(&mut self, response: Response<T>) -> T {
        if let Some(cookie) = response.metadata().get("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let pair = cookie.split(';').next().unwrap();
            self.cookie = (!cookie.contains("Max-Age=0")).then(|| pair.to_owned());
        }
        response.into_inner()
    }

    pub(crate) async fn describe(&mut self, command: &impl ProstMessageExt) -> Result<FlightInfo, Status> {
        self.describe_bytes(command.as_any().encode_to_vec()).await
    }

    pub(crate) async fn describe_bytes(&mut self, command: Vec<u8>) -> Result<FlightInfo, Status> {
        let request = self.request(FlightDescriptor::new_cmd(command));
        let response = self.inner.get_flight_info(request).await?;
        Ok(self.keep(response))
    }

    pub(crate) async fn statement(&mut self, sql: &str) -> Result<FlightInfo, Status> {
        self.describe(&CommandStatementQuery { query: sql.to_owned(), transaction_id: None }).await
    }

    /// Starts to fetch; gives the reply's headers too.
    pub(crate) async fn get(&mut self, ticket: Ticket) -> Result<(FlightRecordBatchStream, MetadataMap), Status> {
        let request = self.request(ticket);
        let response = self.inner.do_get(request).await?;
        let headers = response.metadata().clone();
        let messages = self.keep(response).map_err(FlightError::from);
        Ok((FlightRecordBatchStream::new_from_flight_data(messages), headers))
    }

    /// Fetches every endpoint of a description, one after the other.
    pub(crate) async fn fetch(&mut self, info: FlightInfo) -> Result<Vec<RecordBatch>, Status> {
        let mut batches = Vec::new();
        for endpoint in info.endpoint {
            let (mut rows, _) = self.get(endpoint.ticket.unwrap()).await?;
            while let Some(batch) = rows.next().await {
                batches.push(batch.map_err(status_of)?);
            }
        }
        Ok(batches)
    }

    pub(crate) async fn query(&mut self, sql: &str) -> Result<Vec<RecordBatch>, Status> {
        let info = self.statement(sql).await?;
        self.fetch(info).await
    }

    /// Bodies of an action's results.
    pub(crate) async fn action(&mut self, name: &str, body: Vec<u8>) -> Result<Vec<Vec<u8>>, Status> {
        let request = self.request(Action::new(name, body));
        let response = self.inner.do_action(request).await?;
        let results = self.keep(response);
        results.map_ok(|result| result.body.to_vec()).try_collect().await
    }
}

/// The status within an error of the decoder.
pub(crate) fn status_of(error: FlightError) -> Status {
    match error {
        FlightError::Tonic(status) => *status,
        other => panic!("not a status: {other}"),
    }
}

/// Reads a message that travels with the name of its type.
pub(crate) fn unpacked<M: ProstMessageExt>(bytes: &[u8]) -> M {
    Any::decode(bytes).unwrap().unpack().unwrap().unwrap()
}
