//! The Flight SQL server: it takes statements over gRPC and sends rows as Arrow record batches.
//!
//! It answers what drivers ask (ADBC, JDBC, ODBC and plain Flight clients) and keeps next to nothing for them: a ticket
//! holds its statement, a prepared statement's handle its text and parameters, a session's cookie its settings, a token
//! its user. So any server over the same lake can answer any call.
//!
//! [`serve`] owns the listener. gRPC owns the connections; a stream of rows is stopped by its client, by a cancel, by
//! the `shutdown` token, or with its statement. Foreign names stay in this folder: nothing else knows gRPC or Flight.

mod action;
mod bindings;
mod call;
mod caller;
mod connection;
mod connection_info;
mod do_get;
mod encode;
mod error;
mod execution;
mod framing;
mod freshness;
mod ipc_check;
mod limit;
mod logins;
mod lz4_frame;
mod message;
mod metadata;
mod options;
mod parameter;
mod plain_size;
mod poll;
mod received;
mod rows;
mod sent_rows;
mod service;
mod sessions;
mod sql_info;
mod state;
mod statement;
mod ticket;
mod token;
mod types;
pub mod wire;
mod write_buffer;

pub use options::Options;

use crate::engine::Engine;
use anyhow::{Context, Result, anyhow};
use arrow_flight::flight_service_server::FlightServiceServer;
use bindings::Bindings;
use do_get::FlightSqlServer;
use execution::Executions;
use limit::LimitService;
use logins::Logins;
use poll::PolledStatements;
use service::Service;
use sessions::Sessions;
use state::ServerState;
use std::sync::Arc;
use token::Tokens;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

/// Bytes of a question for the server's health: the name of a service.
const HEALTH_BYTES_MAX: usize = 4 << 10;

/// The protocol that clients agree on in their TLS handshake.
pub const ALPN: &[u8] = b"h2";

/// Serves until `shutdown`, then ends every stream of rows with UNAVAILABLE.
///
/// # Errors
/// When gRPC cannot be served.
pub async fn serve(listener: TcpListener, engine: Engine, options: Options, shutdown: CancellationToken) -> Result<()> {
    let described = |status: tonic::Status| anyhow!("{}", status.message());
    let shared = Arc::new(ServerState {
        sql_info: sql_info::sql_info(&engine, &options).map_err(described)?,
        type_info: sql_info::type_info().map_err(described)?,
        engine,
        logins: Logins::new(),
        tokens: Tokens::new(options.token_key.as_deref(), options.token_ttl),
        sessions: Sessions::new(options.sessions_max),
        executions: Executions::default(),
        polled: PolledStatements::default(),
        bindings: Bindings::default(),
        streams: Arc::new(Semaphore::new(options.streams_max)),
        server: uuid::Uuid::new_v4().into_bytes().to_vec().into(),
        options,
        shutdown: shutdown.clone(),
    });
    let options = &shared.options;
    let service = FlightSqlServer::new(Service(shared.clone()), options.request_bytes_max);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<FlightServiceServer<Service>>().await;
    let connections = connection::accept(listener, &shared);
    Server::builder()
        .max_concurrent_streams(options.calls_max)
        .http2_keepalive_interval(Some(options.keepalive_interval))
        .http2_keepalive_timeout(Some(options.keepalive_timeout))
        .add_service(health_service.max_decoding_message_size(HEALTH_BYTES_MAX))
        .add_service(LimitService::new(service, options))
        .serve_with_incoming_shutdown(connections, shutdown.cancelled_owned())
        .await
        .context("serve gRPC")
}
