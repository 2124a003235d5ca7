//! The Flight SQL front end: statements over gRPC, rows as Arrow record batches.
//!
//! It answers what drivers ask (ADBC, JDBC, ODBC and plain Flight clients) and keeps next to nothing for them: a ticket holds its
//! statement, a prepared statement's handle its text and parameters, a session's cookie its settings, a token its user. So
//! any server over the same lake can answer any call.
//!
//! [`serve`] owns the listener. gRPC owns the connections; a stream of rows is stopped by its client, by a cancel, by the
//! `shutdown` token, or with its statement. Foreign names stay in this folder: nothing else knows gRPC or Flight.

mod action;
mod bindings;
mod call;
mod caller;
mod claim;
mod connection;
mod encode;
mod error;
mod freshness;
mod gathering;
mod limited;
mod message;
mod metadata;
mod parameter;
mod polled;
mod rows;
mod running;
mod service;
mod sessions;
mod sql_info;
mod statement;
mod ticket;
mod token;
mod types;
pub mod wire;

pub use crate::config::Compression;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::serve::auth::Users;
use crate::serve::tls::Tls;
use anyhow::{Context, Result, anyhow};
use arrow_flight::flight_service_server::FlightServiceServer;
use arrow_flight::sql::metadata::{SqlInfoData, XdbcTypeInfoData};
use bindings::Bindings;
use bytes::Bytes;
use limited::Limited;
use message::Served;
use polled::Polled;
use running::Executions;
use service::Service;
use sessions::Sessions;
use std::sync::Arc;
use std::time::Duration;
use token::Tokens;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

/// The protocol that clients agree on in their TLS handshake.
pub const ALPN: &[u8] = b"h2";

/// Header of a reply that warns: an answer of stale rows. There is one for each notice.
pub(crate) const MESSAGE_HEADER: &str = "tt-notice";

/// Limits and habits of the front end.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who may connect.
    pub users: Users,
    /// Encryption of every connection; `None` is none at all.
    pub tls: Option<Tls>,
    /// Connections at once.
    pub connections_max: usize,
    /// Calls at once on one connection.
    pub calls_max: u32,
    /// Statements whose rows are being sent, over all connections.
    pub streams_max: usize,
    /// Logins whose settings are kept here.
    pub sessions_max: usize,
    /// Bytes of one request.
    pub request_bytes_max: usize,
    /// Bytes that a message of rows is filled to.
    pub message_bytes: usize,
    /// Bytes of a prepared statement's handle, its parameters included.
    pub handle_bytes_max: usize,
    /// Endpoints of one large result.
    pub endpoints_max: u32,
    /// Rows that are worth an endpoint of their own.
    pub endpoint_rows: u64,
    /// How bodies of messages are compressed.
    pub compression: Compression,
    /// How long rows of a statement without end are gathered before they leave.
    pub flush: Duration,
    /// How long a client may take to shake hands, and then to begin to speak.
    pub handshake_timeout: Duration,
    /// How often a silent client is asked whether it is there.
    pub keepalive_interval: Duration,
    /// How long it may take to answer that.
    pub keepalive_timeout: Duration,
    /// How long a statement is held that was begun by PollFlightInfo and that nobody asks for.
    pub poll_ttl: Duration,
    /// How long a token holds.
    pub token_ttl: Duration,
    /// What tokens are signed with; `None` makes a key that ends with the process.
    pub token_key: Option<Vec<u8>>,
    /// What tells tokens the time.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            users: Users::open(),
            tls: None,
            connections_max: 500,
            calls_max: 200,
            streams_max: 500,
            sessions_max: 10_000,
            request_bytes_max: 16 << 20,
            message_bytes: 2 << 20,
            handle_bytes_max: 1 << 20,
            endpoints_max: 4,
            endpoint_rows: 1_000_000,
            compression: Compression::None,
            flush: Duration::from_millis(50),
            handshake_timeout: Duration::from_secs(10),
            keepalive_interval: Duration::from_secs(60),
            keepalive_timeout: Duration::from_secs(20),
            poll_ttl: Duration::from_secs(60),
            token_ttl: Duration::from_secs(12 * 3_600),
            token_key: None,
            clock: Clock::System,
        }
    }
}

/// What all calls share.
struct Shared {
    engine: Engine,
    options: Options,
    tokens: Tokens,
    sessions: Sessions,
    executions: Executions,
    polled: Polled,
    bindings: Bindings,
    streams: Arc<Semaphore>,
    sql_info: SqlInfoData,
    type_info: XdbcTypeInfoData,
    /// Number of this server, by which it knows its own tickets.
    server: Bytes,
    shutdown: CancellationToken,
}

/// Serves until `shutdown`, then ends every stream of rows with UNAVAILABLE.
///
/// # Errors
/// When gRPC cannot be served.
pub async fn serve(listener: TcpListener, engine: Engine, options: Options, shutdown: CancellationToken) -> Result<()> {
    let described = |status: tonic::Status| anyhow!("{}", status.message());
    let shared = Arc::new(Shared {
        sql_info: sql_info::sql_info(&engine, &options).map_err(described)?,
        type_info: sql_info::type_info().map_err(described)?,
        engine,
        tokens: Tokens::new(options.token_key.as_deref(), options.token_ttl),
        sessions: Sessions::new(options.sessions_max),
        executions: Executions::default(),
        polled: Polled::default(),
        bindings: Bindings::default(),
        streams: Arc::new(Semaphore::new(options.streams_max)),
        server: uuid::Uuid::new_v4().into_bytes().to_vec().into(),
        options,
        shutdown: shutdown.clone(),
    });
    let options = &shared.options;
    let service = Served::new(Service(shared.clone()), options.request_bytes_max);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<FlightServiceServer<Service>>().await;
    let connections = connection::accept(listener, &shared);
    Server::builder()
        .max_concurrent_streams(options.calls_max)
        .http2_keepalive_interval(Some(options.keepalive_interval))
        .http2_keepalive_timeout(Some(options.keepalive_timeout))
        .add_service(health_service)
        .add_service(Limited::new(service, options))
        .serve_with_incoming_shutdown(connections, shutdown.cancelled_owned())
        .await
        .context("serve gRPC")
}
