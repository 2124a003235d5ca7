//! Options of the Flight SQL server: limits, timeouts, users and encryption, as [`super::serve`] takes them from the
//! program's configuration.

use crate::clock::Clock;
use crate::config::Compression;
use crate::serve::auth::Users;
use crate::serve::limit::CONNECTIONS_DEFAULT;
use crate::serve::tls::Tls;
use std::time::Duration;

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
            connections_max: CONNECTIONS_DEFAULT,
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
