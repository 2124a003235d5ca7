//! Options of the Flight SQL server: limits, timeouts, users and encryption, as [`super::serve`] takes them from the
//! program's configuration.

use crate::clock::Clock;
use crate::config::Compression;
use crate::serve::auth::Users;
use crate::serve::limit::CONNECTIONS_DEFAULT;
use crate::serve::tls::Tls;
use crate::serve::trusted_proxies::TrustedProxies;
use std::time::Duration;

/// Limits, timeouts, users and encryption of the Flight SQL server.
#[derive(Debug, Clone)]
pub struct Options {
    /// Users and passwords of this front end; [`Users::open`] lets everybody in.
    pub users: Users,
    /// Encryption of every connection; `None` is none at all.
    pub tls: Option<Tls>,
    /// Connections at the same time (`limits.connections`); a client beyond them is answered RESOURCE_EXHAUSTED.
    pub connections_max: usize,
    /// Proxies that bring clients of many networks, and may name them.
    pub trusted_proxies: TrustedProxies,
    /// Calls at the same time on one connection: HTTP/2's limit of concurrent streams, which clients learn and wait
    /// for.
    pub calls_max: u32,
    /// Statements whose rows are being sent, over all connections (`flight.streams`); one more is RESOURCE_EXHAUSTED.
    pub streams_max: usize,
    /// Logins whose settings the server keeps (`flight.sessions`).
    pub sessions_max: usize,
    /// Bytes of one request (`flight.request`); a larger one is RESOURCE_EXHAUSTED.
    pub request_bytes_max: usize,
    /// Bytes that a message of rows is filled to.
    pub message_bytes: usize,
    /// Bytes of a prepared statement's handle, its parameters included.
    pub handle_bytes_max: usize,
    /// Endpoints that one large result is divided into at most, for clients that read several in parallel.
    pub endpoints_max: u32,
    /// Rows that are worth an endpoint of their own.
    pub endpoint_rows: u64,
    /// How the bodies of messages are compressed: not at all, LZ4 frames or Zstandard.
    pub compression: Compression,
    /// How long rows of a statement without end are gathered before they leave.
    pub flush: Duration,
    /// How long a client may take to shake hands, and then to begin to speak; and for a whole request, as long as nobody
    /// has logged in on its connection.
    pub handshake_timeout: Duration,
    /// How often a silent client is asked whether it is there. A request of which nothing has come for as long ends.
    pub keepalive_interval: Duration,
    /// How long it may take to answer that.
    pub keepalive_timeout: Duration,
    /// How long a statement is held that was begun by PollFlightInfo and that nobody asks for.
    pub poll_ttl: Duration,
    /// How long a bearer token is valid after its login.
    pub token_ttl: Duration,
    /// What tokens are signed with; `None` makes a key that ends with the process.
    pub token_key: Option<Vec<u8>>,
    /// The time by which tokens and polled statements expire; tests set it.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            users: Users::open(),
            tls: None,
            connections_max: CONNECTIONS_DEFAULT,
            trusted_proxies: TrustedProxies::default(),
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
