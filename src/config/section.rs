//! The configuration as the program gets it: [`Config`], and one type for each section of `config/ttapi.toml`.
//!
//! `main`, `server` and the commands hand each part what it needs of it. Durations and sizes are read, "0s" for no
//! limit has become `None`. Sections whose every value reads as it stands are taken from the TOML directly.

use super::layer::Setting;
use super::source::SourceConfig;
use super::value::{duration_text, size_text};
use crate::lake::StoreOptions;
use crate::lake::freshness::Policy;
use crate::market::list::Lists;
use crate::secret::Secret;
use ipnet::IpNet;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Retention of a dataset that has no section.
const RETENTION_DEFAULT: Duration = Duration::from_secs(30 * 86_400);

/// The datasets that are refreshed first, per dataset; without a cycle.
pub(super) type Dependencies = BTreeMap<&'static str, Vec<&'static str>>;

/// The configuration a command runs on, checked: made by [`super::load`] alone.
#[derive(Debug, Clone)]
pub struct Config {
    /// Addresses of the front ends, and whether they may be reached from other machines.
    pub server: ServerConfig,
    /// Who may connect to the front ends.
    pub auth: AuthConfig,
    /// Encryption of connections to the front ends.
    pub tls: TlsConfig,
    /// Where the lake is: a directory, or `s3://bucket/prefix`.
    pub lake_location: String,
    /// How to reach the lake when it is on S3, and how its new files are compressed.
    pub store: StoreOptions,
    /// How often commits of other processes are looked for.
    pub lake_watch: Duration,
    /// Room for columns of the lake in memory, in bytes; at most half of the memory limit.
    pub lake_memory: usize,
    /// When tables are merged and old files removed.
    pub upkeep: UpkeepConfig,
    /// Where rows can come from: every `[source.NAME]`, by name.
    pub sources: BTreeMap<String, SourceConfig>,
    /// Which symbols are collected and followed, and how live events are kept.
    pub collect: CollectConfig,
    /// The symbol lists that a name can mean: those of the program and those of `[lists]`, whose files were read.
    pub lists: Lists,
    /// Freshness and CSV twin of each dataset that goes stale, by name.
    pub datasets: BTreeMap<&'static str, DatasetConfig>,
    /// How far back the versions of each dataset are kept; see [`Config::retention`].
    pub(super) retention: BTreeMap<&'static str, Duration>,
    /// What is refreshed before what; see [`Config::depends_on`].
    pub(super) dependencies: Dependencies,
    /// Limits of connections, statements and memory.
    pub limits: LimitsConfig,
    /// The Flight SQL front end's limits and habits.
    pub flight: FlightConfig,
    /// The simulated venue of `tt demo`.
    pub simulator: SimulatorConfig,
    /// Every key with its value and where it came from, secrets hidden; sorted by key.
    pub settings: Vec<Setting>,
}

impl Config {
    /// How long a version of a dataset can be read after it was replaced; 30 days for a dataset without a section.
    pub fn retention(&self, dataset: &str) -> Duration {
        self.retention.get(dataset).copied().unwrap_or(RETENTION_DEFAULT)
    }

    /// Where the spools of live events are: `spool/` in the lake's directory unless `collect.spool_directory` names another
    /// place; the working directory's `tt-spool` for a lake on S3.
    pub fn spool_directory(&self) -> PathBuf {
        match self.collect.spool_directory.as_str() {
            "" if self.lake_location.contains("://") => PathBuf::from("tt-spool"),
            "" => PathBuf::from(&self.lake_location).join("spool"),
            directory => PathBuf::from(directory),
        }
    }

    /// The source that a dataset is fetched from; `None` for one that is derived, or appended to.
    pub fn source_of(&self, dataset: &str) -> Option<&str> {
        self.datasets.get(dataset)?.source.as_deref()
    }

    /// Sources of a dataset's rows, the strongest first: a row yields only to one of a stronger source.
    pub fn precedence(&self, dataset: &str) -> Option<&[String]> {
        self.datasets.get(dataset)?.precedence.as_deref()
    }

    /// The datasets that are refreshed before a dataset. No dataset depends on itself, however indirectly.
    pub fn depends_on(&self, dataset: &str) -> &[&'static str] {
        self.dependencies.get(dataset).map(Vec::as_slice).unwrap_or_default()
    }
}

/// How the bodies of Flight messages are compressed (`flight.compression`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// They are sent as they are: on one machine and on a fast network nothing is faster.
    #[default]
    None,
    /// LZ4: cheap, and a half to a third of the bytes.
    Lz4,
    /// Zstandard: dearer, and fewer bytes still.
    Zstd,
}

/// `[server]`: where the three front ends listen. Port 0 picks a free port.
#[derive(Debug, Clone, Deserialize)]
pub struct ServerConfig {
    /// Address of the Postgres wire.
    pub pg: SocketAddr,
    /// Address of Flight SQL.
    pub flight: SocketAddr,
    /// Address of health, metrics and the status page.
    pub http: SocketAddr,
    /// Whether Postgres and Flight SQL may be served beyond loopback while everybody is let in.
    pub allow_without_users: bool,
    /// Whether they may be served beyond loopback unencrypted.
    pub allow_without_tls: bool,
    /// Whether HTTP, which has neither users nor TLS, may be served beyond loopback.
    pub allow_http_beyond_loopback: bool,
    /// Names that HTTP answers to, beside addresses and localhost.
    pub http_names: Vec<String>,
}

/// `[auth]`: who may connect to the front ends.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct AuthConfig {
    /// File of users; empty lets everybody in.
    pub users: PathBuf,
}

/// `[tls]`: the PEM files of encryption, the same for Postgres and Flight clients.
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

/// `[collect]`: which symbols are collected and followed, and how live events are kept.
#[derive(Debug, Clone, Deserialize)]
pub struct CollectConfig {
    /// Names of the lists whose members are collected; each is in [`Config::lists`].
    pub lists: Vec<String>,
    /// Symbols that are collected beside the lists, in tastytrade spelling.
    pub symbols: Vec<String>,
    /// Underlyings whose option chains are kept.
    pub option_underlyings: Vec<String>,
    /// Depth of the first collection of daily bars, in days.
    pub look_back_days: u32,
    /// Bars that count for `returns_stddev`, in days.
    pub returns_look_back_days: u32,
    /// Names of the lists whose quotes and trades are followed live.
    pub live_lists: Vec<String>,
    /// Events a live subscriber may lag before it is brought up to date instead.
    pub ring_events: usize,
    /// Whether live events are kept in the histories.
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
    /// Directory in which events wait for their commit; empty is the default place.
    pub spool_directory: String,
    /// Datasets that are refreshed at once; at least 1.
    pub refreshes_max: usize,
    /// The most of what is held that an answer may leave out, in percent; at most 100.
    pub absent_percent_max: u8,
    /// How long a failed refresh answers queries without another one.
    #[serde(deserialize_with = "duration_text")]
    pub negative_ttl: Duration,
    /// How the live feed is watched, and what it may take of the venue.
    pub feed: FeedConfig,
}

/// `[collect.feed]`: how the live feed is watched, and what it may take of the venue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FeedConfig {
    /// Silence within session hours after which something is wrong.
    #[serde(deserialize_with = "duration_text")]
    pub silence: Duration,
    /// Connections at once; at least 1.
    pub connections: usize,
    /// Pairs of event type and symbol on one connection; at least 1.
    pub subscriptions: usize,
    /// How long a symbol is followed after the last query that named it.
    #[serde(deserialize_with = "duration_text")]
    pub linger: Duration,
    /// Whether `/readyz` asks for a live feed.
    pub required: bool,
}

/// `[lake.upkeep]`: when a server that collects merges small files and removes old ones.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UpkeepConfig {
    /// Whether it does so at all.
    pub enabled: bool,
    /// How often it looks what is due; the first pause after a failure.
    #[serde(deserialize_with = "duration_text")]
    pub interval: Duration,
    /// Small files of a table that are merged once the exchange is closed; at least 2.
    pub small_files: usize,
    /// Small files of a table that are merged at once; at least as many.
    pub small_files_max: usize,
    /// How often files and log entries are removed that no version within the retention needs.
    #[serde(deserialize_with = "duration_text")]
    pub vacuum: Duration,
}

/// `[dataset.NAME]` of a dataset that goes stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetConfig {
    /// When it goes stale, and what queries get then.
    pub policy: Policy,
    /// Whether a CSV twin is written after each change.
    pub csv: bool,
    /// The `[source.NAME]` that it is fetched from; `None` for a derived dataset.
    pub source: Option<String>,
    /// Sources of its rows, the strongest first; `None` for a dataset that has one source alone.
    pub precedence: Option<Vec<String>>,
}

/// `[limits]`: bounds of connections, statements and memory.
#[derive(Debug, Clone)]
pub struct LimitsConfig {
    /// Postgres sessions at once.
    pub connections: usize,
    /// The last so many of them are for admins.
    pub connections_reserved: usize,
    /// Networks of proxies that bring clients of other networks.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a client may take to encrypt and to prove who it is.
    pub startup_timeout: Duration,
    /// Bytes of one message of a client.
    pub message_bytes: usize,
    /// Prepared statements that one session may hold.
    pub prepared_statements: usize,
    /// Portals and cursors that one session may hold.
    pub portals: usize,
    /// How long a session may be left alone outside a transaction; `None` is for ever, here and below.
    pub idle_session_timeout: Option<Duration>,
    /// How long it may be left alone inside one.
    pub idle_in_transaction_session_timeout: Option<Duration>,
    /// Default time limit over a statement; `None` is no limit.
    pub statement_timeout: Option<Duration>,
    /// Memory for all queries together, in bytes.
    pub memory_bytes: usize,
    /// Memory for one query, in bytes; at most that for all.
    pub query_memory_bytes: usize,
    /// Memory for the temporary tables of one session, in bytes; at most that for all.
    pub temporary_bytes: usize,
    /// Disk for the spilling of all queries together, in bytes.
    pub spill_bytes: u64,
}

/// `[flight]`: limits and habits of the Flight SQL front end.
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
    /// How long the token of a login holds.
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

/// `[simulator]`: the market that `tt demo` makes up.
#[derive(Debug, Clone, Deserialize)]
pub struct SimulatorConfig {
    /// Seed of every price: the same seed has the same history.
    pub seed: u64,
    /// Equities of the universe; 0 is the lists alone.
    pub symbols: usize,
    /// Quotes per second over all symbols.
    pub rate: f64,
    /// Whether the latest event of a symbol takes the place of earlier ones within a period, as the vendor has it.
    pub conflate: bool,
}
