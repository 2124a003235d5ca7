//! The sections of the configuration as the program gets them. Those that need no reading are read as they stand.

use super::value::{duration_text, size_text};
use crate::lake::freshness::Policy;
use crate::secret::Secret;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How the bodies of Flight messages are compressed (`flight.compression`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all: on a fast network nothing is faster.
    #[default]
    None,
    /// LZ4: cheap, and a half to a third of the bytes.
    Lz4,
    /// Zstandard: dearer, and fewer bytes still.
    Zstd,
}

/// `[server]`.
#[derive(Debug, Clone, Deserialize)]
pub struct ServerConfig {
    /// Postgres wire.
    pub pg: SocketAddr,
    /// Flight SQL.
    pub flight: SocketAddr,
    /// Health, metrics, status page.
    pub http: SocketAddr,
    /// Whether Postgres and Flight SQL may be served beyond loopback while everybody is let in.
    pub allow_without_users: bool,
    /// Whether they may be served beyond loopback unencrypted.
    pub allow_without_tls: bool,
    /// Whether HTTP, which has neither users nor TLS, may be served beyond loopback.
    pub allow_http_beyond_loopback: bool,
}

/// `[auth]`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct AuthConfig {
    /// File of users; empty lets everybody in.
    pub users: PathBuf,
}

/// `[tls]`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct TlsConfig {
    /// PEM file of the certificate and those that vouch for it; empty is no TLS.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
    /// PEM file of authorities, one of which has signed the certificate every client shows; empty asks for none.
    pub client_ca: PathBuf,
    /// Whether a Postgres client that does not encrypt is refused.
    pub required: bool,
}

/// `[collect]`.
#[derive(Debug, Clone, Deserialize)]
pub struct CollectConfig {
    /// Lists to collect.
    pub lists: Vec<String>,
    /// Symbols beside the lists.
    pub symbols: Vec<String>,
    /// Underlyings whose chains are kept.
    pub option_underlyings: Vec<String>,
    /// Depth of the first collection of daily bars, in days.
    pub look_back_days: u32,
    /// Bars that count for `returns_stddev`, in days.
    pub returns_look_back_days: u32,
    /// Lists followed live.
    pub live_lists: Vec<String>,
    /// Events a live subscriber may lag.
    pub ring_events: usize,
    /// Whether live events are kept.
    pub history: bool,
    /// Longest time between commits of live events.
    #[serde(deserialize_with = "duration_text")]
    pub history_flush: Duration,
    /// Live events that are committed without waiting for that.
    pub history_flush_events: usize,
    /// Uncommitted events in memory, in bytes per history.
    #[serde(deserialize_with = "size_text")]
    pub history_memory: u64,
    /// Uncommitted events on disk, in bytes per history.
    #[serde(deserialize_with = "size_text")]
    pub history_spool: u64,
    /// Where they wait; empty is the default place.
    pub spool_directory: String,
    /// Refreshes at once.
    pub refreshes_max: usize,
    /// How long a failed refresh answers queries without another one.
    #[serde(deserialize_with = "duration_text")]
    pub negative_ttl: Duration,
}

/// `[dataset.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetConfig {
    /// Its freshness contract.
    pub policy: Policy,
    /// Whether a CSV twin is written.
    pub csv: bool,
    /// The `[source.NAME]` that it is fetched from; `None` for a derived dataset.
    pub source: Option<String>,
}

/// `[limits]`.
#[derive(Debug, Clone)]
pub struct LimitsConfig {
    /// Postgres sessions at once.
    pub connections: usize,
    /// The last so many of them are for admins.
    pub connections_reserved: usize,
    /// How long a client may take to encrypt and to prove who it is.
    pub startup_timeout: Duration,
    /// Bytes of one message of a client.
    pub message_bytes: usize,
    /// Prepared statements of one session.
    pub prepared_statements: usize,
    /// Portals and cursors of one session.
    pub portals: usize,
    /// How long a session may be left alone outside a transaction; `None` is for ever, here and below.
    pub idle_session_timeout: Option<Duration>,
    /// How long it may be left alone inside one.
    pub idle_in_transaction_session_timeout: Option<Duration>,
    /// Default time limit over a statement; `None` is no limit.
    pub statement_timeout: Option<Duration>,
    /// Memory for all queries, in bytes.
    pub memory_bytes: usize,
    /// Memory for one query, in bytes.
    pub query_memory_bytes: usize,
    /// Disk for spilling, in bytes.
    pub spill_bytes: u64,
}

/// `[flight]`.
#[derive(Debug, Clone, Deserialize)]
pub struct FlightConfig {
    /// Whether Flight SQL is served at all.
    pub enabled: bool,
    /// How bodies of messages are compressed.
    pub compression: Compression,
    /// How long rows of a live statement are gathered before they leave.
    #[serde(deserialize_with = "duration_text")]
    pub flush: Duration,
    /// How long a statement is held that was begun by PollFlightInfo and that nobody asks for.
    #[serde(deserialize_with = "duration_text")]
    pub poll_ttl: Duration,
    /// How long a token holds.
    #[serde(deserialize_with = "duration_text")]
    pub token_ttl: Duration,
    /// What tokens are signed with; empty makes a key that ends with the process.
    pub token_key: Secret,
    /// Statements whose rows are being sent.
    pub streams: usize,
    /// Calls at once on one connection.
    pub calls: u32,
    /// Logins whose settings are kept in memory.
    pub sessions: usize,
    /// Bytes of one request.
    #[serde(deserialize_with = "size_text")]
    pub request: u64,
    /// Bytes that a message of rows is filled to.
    #[serde(deserialize_with = "size_text")]
    pub message: u64,
    /// Endpoints of one large result.
    pub endpoints: u32,
    /// Rows that are worth an endpoint of their own.
    pub endpoint_rows: u64,
    /// Bytes of a prepared statement's handle.
    #[serde(deserialize_with = "size_text")]
    pub handle: u64,
    /// How often a silent client is asked whether it is there.
    #[serde(deserialize_with = "duration_text")]
    pub keepalive: Duration,
    /// How long it may take to answer.
    #[serde(deserialize_with = "duration_text")]
    pub keepalive_timeout: Duration,
}

/// `[simulator]`.
#[derive(Debug, Clone, Deserialize)]
pub struct SimulatorConfig {
    /// Same seed, same history.
    pub seed: u64,
    /// Equities of the universe; 0 is the lists alone.
    pub symbols: usize,
    /// Quotes per second over all symbols.
    pub rate: f64,
}
