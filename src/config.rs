//! Configuration: `config/ttapi.toml` holds every key at its default, then the user's file, the environment, the flags.
//!
//! Two types: [`File`] is the text as layered, [`Config`] is what the program gets, after checks. The environment and
//! TOML are read here and nowhere else.

mod dependencies;

use crate::collect::client::Secret;
use crate::lake::dataset;
use crate::lake::freshness::{Policy, Ttl};
use crate::lake::{RETENTION_MIN, StoreOptions};
use crate::market::list;
use crate::serve::flight::Compression;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::{Dict, Value};
use figment::{Figment, Profile};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// The file every key stands in, at its default.
pub const DEFAULTS: &str = include_str!("../config/ttapi.toml");

/// Keys whose value is never shown.
const SECRETS: [&str; 3] = ["flight.token_key", "source.tastytrade.client_secret", "source.tastytrade.refresh_token"];

/// Bounds of `limits.message`: long statements must go through, and a length has 31 bits.
const MESSAGE_BYTES_MIN: usize = 64_000;
const MESSAGE_BYTES_MAX: usize = 1_000_000_000;

/// Retention of a dataset that has no section.
const RETENTION_DEFAULT: Duration = Duration::from_secs(30 * 86_400);

/// Characters of a key that nobody guesses.
const TOKEN_KEY_BYTES_MIN: usize = 32;

/// A configuration that cannot be used: one sentence that names the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// The configuration the program runs on.
#[derive(Debug, Clone)]
pub struct Config {
    /// Addresses, and whether they may be reached from other machines.
    pub server: ServerConfig,
    /// Who may connect.
    pub auth: AuthConfig,
    /// Encryption of connections.
    pub tls: TlsConfig,
    /// Where the lake is.
    pub lake_location: String,
    /// How to reach it, when it is on S3.
    pub store: StoreOptions,
    /// How often other processes' commits are looked for.
    pub lake_watch: Duration,
    /// The vendor.
    pub tastytrade: TastytradeConfig,
    /// What is collected.
    pub collect: CollectConfig,
    /// Freshness and CSV twin per dataset.
    pub datasets: BTreeMap<&'static str, DatasetConfig>,
    /// How far back the versions of each dataset are kept; see [`Config::retention`].
    retention: BTreeMap<&'static str, Duration>,
    /// What is refreshed before what; see [`Config::depends_on`].
    dependencies: dependencies::Dependencies,
    /// Limits of queries.
    pub limits: LimitsConfig,
    /// The Flight SQL front end.
    pub flight: FlightConfig,
    /// The simulated venue.
    pub simulator: SimulatorConfig,
    /// Every key with its value and where it came from, secrets hidden; sorted by key.
    pub settings: Vec<Setting>,
}

impl Config {
    /// How far back the versions of a dataset are kept.
    pub fn retention(&self, dataset: &str) -> Duration {
        self.retention.get(dataset).copied().unwrap_or(RETENTION_DEFAULT)
    }

    /// The datasets that are refreshed before a dataset. No dataset depends on itself, however indirectly.
    pub fn depends_on(&self, dataset: &str) -> &[&'static str] {
        self.dependencies.get(dataset).map(Vec::as_slice).unwrap_or_default()
    }
}

/// One key of the configuration, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// `section.key`.
    pub name: String,
    /// Value as TOML text; `(hidden)` for a secret.
    pub value: String,
    /// `default`, the file, `environment` or `flag`.
    pub origin: String,
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

/// `[source.tastytrade]`.
#[derive(Debug, Clone)]
pub struct TastytradeConfig {
    /// Scheme, host and port of the REST service.
    pub base_url: String,
    /// OAuth client secret.
    pub client_secret: Secret,
    /// OAuth refresh token.
    pub refresh_token: Secret,
    /// Sustained requests per second; `None` is no limit.
    pub requests_per_second: Option<u32>,
    /// Requests at once before the limit counts.
    pub burst: u32,
    /// Requests in flight at once.
    pub in_flight: usize,
    /// Tries per request.
    pub attempts: usize,
    /// Time for one request.
    pub timeout: Duration,
    /// Failures in a row that open a breaker.
    pub breaker_failures: u32,
    /// How long it stays open.
    pub breaker_open: Duration,
    /// Successes in a row that close it.
    pub breaker_successes: u32,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatasetConfig {
    /// Its freshness contract.
    pub policy: Policy,
    /// Whether a CSV twin is written.
    pub csv: bool,
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

/// The configuration as written, before checks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    server: ServerConfig,
    auth: AuthConfig,
    tls: TlsConfig,
    lake: LakeSection,
    source: SourceSection,
    collect: CollectConfig,
    dataset: BTreeMap<String, DatasetSection>,
    limits: LimitsSection,
    flight: FlightConfig,
    simulator: SimulatorConfig,
}

#[derive(Deserialize)]
struct LakeSection {
    location: String,
    region: String,
    endpoint: String,
    allow_http: bool,
    watch: String,
}

#[derive(Deserialize)]
struct SourceSection {
    tastytrade: TastytradeSection,
}

#[derive(Deserialize)]
struct TastytradeSection {
    base_url: String,
    client_secret: Secret,
    refresh_token: Secret,
    requests_per_second: u32,
    burst: u32,
    in_flight: usize,
    attempts: usize,
    timeout: String,
    breaker_failures: u32,
    breaker_open: String,
    breaker_successes: u32,
}

#[derive(Deserialize)]
struct DatasetSection {
    /// This and the next five are there for a dataset that goes stale.
    ttl: Option<String>,
    stale_while_revalidate: Option<String>,
    wait_timeout: Option<String>,
    stale_if_error: Option<String>,
    csv: Option<bool>,
    jitter: Option<String>,
    depends_on: Option<Vec<String>>,
    retention: String,
}

#[derive(Deserialize)]
struct LimitsSection {
    connections: usize,
    connections_reserved: usize,
    startup_timeout: String,
    message: String,
    prepared_statements: usize,
    portals: usize,
    idle_session_timeout: String,
    idle_in_transaction_session_timeout: String,
    statement_timeout: String,
    memory: String,
    query_memory: String,
    spill: String,
}

/// Values given on the command line, as `section.key` and text.
pub type Flags = Vec<(String, String)>;

/// Layers defaults, the user's file, the environment and flags, and checks the result.
pub fn load(file: Option<&Path>, flags: &Flags) -> Result<Config, ConfigError> {
    let mut figment = defaults();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError(format!("cannot read the configuration {}: {error}", path.display())))?;
        let user = Figment::from(Toml::string(&text));
        check_names(&user, &format!("{}", path.display()))?;
        figment = figment.merge(NamedToml { name: path.display().to_string(), text });
    }
    let environment = Env::prefixed("TT__").split("__");
    check_names(&Figment::from(&environment), "the environment")?;
    figment = figment.merge(environment);
    for (key, value) in flags {
        figment = figment.merge(Serialized::default(key, value));
    }
    resolve(&figment)
}

fn defaults() -> Figment {
    Figment::from(NamedToml { name: "default".to_owned(), text: DEFAULTS.to_owned() })
}

/// TOML text that remembers where it came from.
struct NamedToml {
    name: String,
    text: String,
}

impl figment::Provider for NamedToml {
    fn metadata(&self) -> figment::Metadata {
        figment::Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<figment::value::Map<Profile, Dict>, figment::Error> {
        Toml::string(&self.text).data()
    }
}

/// Refuses a key that the defaults do not have, with the nearest one that they do.
fn check_names(layer: &Figment, origin: &str) -> Result<(), ConfigError> {
    let fail = |error: figment::Error| ConfigError(format!("{origin}: {}", one_line(&error.to_string())));
    let read = |figment: &Figment| figment.extract::<Dict>().map_err(fail);
    let known: Vec<String> = flatten(&read(&defaults())?).into_keys().collect();
    for name in flatten(&read(layer)?).into_keys() {
        if known.contains(&name) {
            continue;
        }
        let nearest = known
            .iter()
            .max_by(|left, right| strsim::jaro_winkler(left, &name).total_cmp(&strsim::jaro_winkler(right, &name)));
        let hint = nearest.map(|nearest| format!("; the nearest is \"{nearest}\"")).unwrap_or_default();
        return Err(ConfigError(format!("{origin}: unknown key \"{name}\"{hint}")));
    }
    Ok(())
}

fn flatten(dict: &Dict) -> BTreeMap<String, &Value> {
    let mut flat = BTreeMap::new();
    for (key, value) in dict {
        match value {
            Value::Dict(_, inner) => {
                flat.extend(flatten(inner).into_iter().map(|(name, value)| (format!("{key}.{name}"), value)));
            }
            other => {
                flat.insert(key.clone(), other);
            }
        }
    }
    flat
}

fn resolve(figment: &Figment) -> Result<Config, ConfigError> {
    let file: File = figment.extract().map_err(|error| ConfigError(describe(figment, &error)))?;
    let tastytrade = file.source.tastytrade;
    if !Url::parse(&tastytrade.base_url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
        let text = format!("source.tastytrade.base_url: \"{}\" is not an http:// or https:// URL", tastytrade.base_url);
        return Err(ConfigError(text));
    }
    for name in file.collect.lists.iter().chain(&file.collect.live_lists) {
        if list::members(name).is_none() {
            let known: Vec<&str> = list::names().collect();
            return Err(ConfigError(format!("collect.lists: no list \"{name}\"; there are {}", known.join(", "))));
        }
    }
    if tastytrade.client_secret.is_empty() != tastytrade.refresh_token.is_empty() {
        return Err(ConfigError("source.tastytrade: client_secret and refresh_token go together".to_owned()));
    }
    if tastytrade.in_flight == 0 || tastytrade.attempts == 0 || tastytrade.burst == 0 {
        return Err(ConfigError("source.tastytrade: in_flight, attempts and burst are at least 1".to_owned()));
    }
    if file.collect.history_flush.is_zero() || file.collect.history_flush_events == 0 {
        return Err(ConfigError("collect: history_flush and history_flush_events are more than nothing".to_owned()));
    }
    if file.collect.refreshes_max == 0 {
        return Err(ConfigError("collect.refreshes_max is at least 1".to_owned()));
    }
    let named = |path: &PathBuf| !path.as_os_str().is_empty();
    if named(&file.tls.certificate) != named(&file.tls.key) {
        return Err(ConfigError("tls: certificate and key go together".to_owned()));
    }
    if named(&file.tls.client_ca) && !named(&file.tls.certificate) {
        return Err(ConfigError("tls.client_ca: there is no TLS without certificate and key".to_owned()));
    }
    let lake_watch = duration("lake.watch", &file.lake.watch)?;
    if lake_watch.is_zero() {
        return Err(ConfigError("lake.watch is more than nothing".to_owned()));
    }
    let dependencies = dependencies::dependencies(&file.dataset)?;
    let flight = &file.flight;
    if flight.streams == 0 || flight.calls == 0 || flight.request == 0 || flight.message == 0 || flight.handle == 0 {
        return Err(ConfigError(
            "flight: streams, calls, request, message and handle are more than nothing".to_owned(),
        ));
    }
    if !flight.token_key.is_empty() && flight.token_key.expose().len() < TOKEN_KEY_BYTES_MIN {
        return Err(ConfigError(format!("flight.token_key has fewer than {TOKEN_KEY_BYTES_MIN} characters")));
    }
    let optional = |text: String| (!text.is_empty()).then_some(text);
    Ok(Config {
        server: file.server,
        auth: file.auth,
        tls: file.tls,
        lake_location: file.lake.location,
        store: StoreOptions {
            region: optional(file.lake.region),
            endpoint: optional(file.lake.endpoint),
            allow_http: file.lake.allow_http,
        },
        lake_watch,
        tastytrade: TastytradeConfig {
            base_url: tastytrade.base_url,
            client_secret: tastytrade.client_secret,
            refresh_token: tastytrade.refresh_token,
            requests_per_second: (tastytrade.requests_per_second > 0).then_some(tastytrade.requests_per_second),
            burst: tastytrade.burst,
            in_flight: tastytrade.in_flight,
            attempts: tastytrade.attempts,
            timeout: duration("source.tastytrade.timeout", &tastytrade.timeout)?,
            breaker_failures: tastytrade.breaker_failures,
            breaker_open: duration("source.tastytrade.breaker_open", &tastytrade.breaker_open)?,
            breaker_successes: tastytrade.breaker_successes,
        },
        collect: file.collect,
        datasets: datasets(&file.dataset, &dependencies)?,
        retention: retention(&file.dataset)?,
        dependencies,
        limits: limits(&file.limits)?,
        flight: file.flight,
        simulator: file.simulator,
        settings: settings(figment)?,
    })
}

fn limits(section: &LimitsSection) -> Result<LimitsConfig, ConfigError> {
    let optional = |key: &str, text: &str| {
        let limit = duration(&format!("limits.{key}"), text)?;
        Ok::<_, ConfigError>((!limit.is_zero()).then_some(limit))
    };
    let bytes = |key: &str, text: &str| {
        let bytes = size(&format!("limits.{key}"), text)?;
        Ok::<_, ConfigError>(usize::try_from(bytes).unwrap_or(usize::MAX))
    };
    let limits = LimitsConfig {
        connections: section.connections,
        connections_reserved: section.connections_reserved,
        startup_timeout: duration("limits.startup_timeout", &section.startup_timeout)?,
        message_bytes: bytes("message", &section.message)?,
        prepared_statements: section.prepared_statements,
        portals: section.portals,
        idle_session_timeout: optional("idle_session_timeout", &section.idle_session_timeout)?,
        idle_in_transaction_session_timeout: optional(
            "idle_in_transaction_session_timeout",
            &section.idle_in_transaction_session_timeout,
        )?,
        statement_timeout: optional("statement_timeout", &section.statement_timeout)?,
        memory_bytes: bytes("memory", &section.memory)?,
        query_memory_bytes: bytes("query_memory", &section.query_memory)?,
        spill_bytes: size("limits.spill", &section.spill)?,
    };
    let refuse = |reason: &str| Err(ConfigError(format!("limits.{reason}")));
    if limits.connections <= limits.connections_reserved {
        return refuse("connections is more than limits.connections_reserved");
    }
    if limits.startup_timeout.is_zero() {
        return refuse("startup_timeout is more than nothing");
    }
    if limits.message_bytes < MESSAGE_BYTES_MIN || limits.message_bytes > MESSAGE_BYTES_MAX {
        return refuse("message is 64kB to 1GB");
    }
    if limits.prepared_statements == 0 || limits.portals == 0 {
        return refuse("prepared_statements and limits.portals are at least 1");
    }
    if limits.query_memory_bytes > limits.memory_bytes {
        return refuse("query_memory is at most limits.memory");
    }
    Ok(limits)
}

/// The deserialiser's error as one sentence that names the key, the layer and, unless it is secret, the value.
fn describe(figment: &Figment, error: &figment::Error) -> String {
    let key = error.path.join(".");
    let layer = match error.metadata.as_ref().map(|metadata| metadata.name.as_ref()) {
        Some(name) if name.contains("environment") => " in the environment".to_owned(),
        Some(name) => format!(" in {name}"),
        None => String::new(),
    };
    let value = figment.find_value(&key).ok().filter(|_| !SECRETS.contains(&key.as_str()));
    let value = value.and_then(|value| value.into_string()).map(|text| format!(": \"{text}\"")).unwrap_or_default();
    format!("{key}{layer}: {}{value}", error.kind)
}

/// A parser's error without the drawing of the place.
fn one_line(text: &str) -> String {
    let drawn = |line: &str| line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').starts_with('|');
    let lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !drawn(line) && *line != "in TOML source string").collect();
    lines.join("; ")
}

fn datasets(
    sections: &BTreeMap<String, DatasetSection>,
    dependencies: &dependencies::Dependencies,
) -> Result<BTreeMap<&'static str, DatasetConfig>, ConfigError> {
    let mut datasets = BTreeMap::new();
    for definition in dataset::all() {
        let Some(DatasetSection {
            ttl: Some(after),
            stale_while_revalidate: Some(stale_while_revalidate),
            wait_timeout: Some(wait_timeout),
            stale_if_error: Some(stale_if_error),
            csv: Some(csv),
            jitter: Some(jitter),
            ..
        }) = sections.get(definition.name)
        else {
            continue;
        };
        let key = |name: &str| format!("dataset.{}.{name}", definition.name);
        let policy = Policy {
            ttl: ttl(&key("ttl"), after)?,
            stale_while_revalidate: duration(&key("stale_while_revalidate"), stale_while_revalidate)?,
            wait_timeout: duration(&key("wait_timeout"), wait_timeout)?,
            stale_if_error: duration(&key("stale_if_error"), stale_if_error)?,
            jitter: duration(&key("jitter"), jitter)?,
        };
        let depends_on = dependencies.get(definition.name).map(Vec::as_slice).unwrap_or_default();
        dependencies::check_ttl(definition.name, policy.ttl, depends_on)?;
        datasets.insert(definition.name, DatasetConfig { policy, csv: *csv });
    }
    Ok(datasets)
}

fn retention(sections: &BTreeMap<String, DatasetSection>) -> Result<BTreeMap<&'static str, Duration>, ConfigError> {
    let mut retention = BTreeMap::new();
    for definition in dataset::all() {
        let Some(section) = sections.get(definition.name) else { continue };
        let key = format!("dataset.{}.retention", definition.name);
        let kept = duration(&key, &section.retention)?;
        if kept < RETENTION_MIN {
            let least = humantime::format_duration(RETENTION_MIN);
            return Err(ConfigError(format!("{key}: \"{}\" is less than {least}", section.retention)));
        }
        retention.insert(definition.name, kept);
    }
    Ok(retention)
}

/// A duration, `session close + DURATION`, or `inputs`.
fn ttl(key: &str, text: &str) -> Result<Ttl, ConfigError> {
    if text == "inputs" {
        return Ok(Ttl::Inputs);
    }
    match text.strip_prefix("session close") {
        None => duration(key, text).map(Ttl::After),
        Some(rest) => match rest.trim().strip_prefix('+') {
            Some(delay) => duration(key, delay.trim()).map(Ttl::SessionClose),
            None => Err(ConfigError(format!("{key}: \"{text}\" is not \"session close + DURATION\""))),
        },
    }
}

fn duration(key: &str, text: &str) -> Result<Duration, ConfigError> {
    humantime::parse_duration(text)
        .map_err(|error| ConfigError(format!("{key}: \"{text}\" is not a duration: {error}")))
}

/// A duration in a section that is read as it stands; whoever reports the error names the key.
fn duration_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = |error| serde::de::Error::custom(format!("\"{text}\" is not a duration: {error}"));
    humantime::parse_duration(&text).map_err(wrong)
}

fn size_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let size: Result<bytesize::ByteSize, _> = text.parse();
    let fail = |error| serde::de::Error::custom(format!("\"{text}\" is not a size: {error}"));
    size.map(|size| size.as_u64()).map_err(fail)
}

fn size(key: &str, text: &str) -> Result<u64, ConfigError> {
    let size: Result<bytesize::ByteSize, _> = text.parse();
    size.map(|size| size.as_u64()).map_err(|error| ConfigError(format!("{key}: \"{text}\" is not a size: {error}")))
}

fn settings(figment: &Figment) -> Result<Vec<Setting>, ConfigError> {
    let dict: Dict = figment.extract().map_err(|error| ConfigError(error.to_string()))?;
    let setting = |(name, value): (String, &Value)| {
        let origin = figment.find_metadata(&name).map(|metadata| metadata.name.to_string());
        let origin = match origin.as_deref() {
            Some(name) if name.contains("environment") => "environment".to_owned(),
            Some(name) if name.contains("::") || name.contains("String") => "flag".to_owned(),
            Some(name) => name.to_owned(),
            None => "default".to_owned(),
        };
        let value = if SECRETS.contains(&name.as_str()) {
            (if value.as_str().unwrap_or_default().is_empty() { "(not set)" } else { "(hidden)" }).to_owned()
        } else {
            serde_json::to_string(value).unwrap_or_default()
        };
        Setting { name, value, origin }
    };
    Ok(flatten(&dict).into_iter().map(setting).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> Result<Config, ConfigError> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("tt.toml");
        std::fs::write(&path, text).expect("a file");
        load(Some(&path), &Vec::new())
    }

    #[track_caller]
    fn refused(text: &str, part: &str) {
        let message = load_text(text).expect_err("a refusal").to_string();
        assert!(message.contains(part), "{message}");
    }

    #[test]
    fn the_defaults_are_usable_and_cover_every_refreshed_dataset() {
        let config = load(None, &Vec::new()).expect("defaults");
        for name in
            ["calendar", "dividends", "earnings", "eod", "market_metrics", "option_chains", "returns_stddev", "symbols"]
        {
            assert!(config.datasets.contains_key(name), "{name}");
        }
        assert_eq!(config.retention("market_metrics_history"), Duration::from_secs(30 * 86_400));
        assert!(!config.datasets.contains_key("market_metrics_history"));
        assert_eq!(config.depends_on("returns_stddev"), ["eod", "expirations"]);
        assert_eq!(config.datasets["eod"].policy.ttl, Ttl::SessionClose(Duration::from_secs(1800)));
        assert!(config.settings.iter().all(|setting| setting.origin == "default"), "{:?}", config.settings);
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest() {
        refused("[server]\npgg = \"127.0.0.1:1\"", "unknown key \"server.pgg\"; the nearest is \"server.pg\"");
        refused("[dataset.eodd]\nttl = \"1h\"", "dataset.eodd.ttl");
    }

    #[test]
    fn broken_toml_is_told_in_one_line() {
        let error = check_names(&Figment::from(Toml::string("[limits\nmemory=")), "a.toml").unwrap_err().to_string();
        assert!(
            error.starts_with("a.toml: TOML parse error at line 1, column 8; ") && !error.contains('\n'),
            "{error}"
        );
    }

    #[test]
    fn a_bad_value_names_its_key() {
        refused("[dataset.eod]\nttl = \"-5s\"", "dataset.eod.ttl");
        refused("[collect]\nhistory_flush = \"soon\"", "collect.history_flush");
        refused("[collect]\nhistory_flush = \"0s\"", "collect: history_flush");
        refused("[dataset.eod]\ndepends_on = [\"symbol\"]", "no dataset \"symbol\"; the nearest is \"symbols\"");
        refused("[dataset.eod]\ndepends_on = \"symbols\"", "dataset.eod.depends_on");
        refused(
            "[dataset.eod]\ndepends_on = [\"returns_stddev\"]",
            "datasets that wait for each other: eod -> returns_stddev -> eod",
        );
        refused("[dataset.symbols]\ndepends_on = [\"symbols\"]", "symbols -> symbols");
        refused(
            "[dataset.expirations]\ndepends_on = [\"calendar\"]",
            "\"option_chains\" is missing; \"expirations\" is computed from calendar and option_chains",
        );
        refused("[dataset.symbols]\nttl = \"inputs\"", "dataset.symbols.ttl");
        refused("[dataset.eod]\nretention = \"5m\"", "dataset.eod.retention");
        refused("[dataset.eod]\njitter = \"some\"", "dataset.eod.jitter");
        refused("[collect]\nnegative_ttl = \"soon\"", "collect.negative_ttl");
        refused("[collect]\nrefreshes_max = 0", "collect.refreshes_max");
        refused("[limits]\nmemory = \"lots\"", "limits.memory");
        refused("[server]\npg = \"nowhere\"", "server.pg");
        refused("[tls]\ncertificate = \"a.crt\"", "tls: certificate and key go together");
        refused("[tls]\nclient_ca = \"a.crt\"", "tls.client_ca");
        refused("[limits]\nconnections = 3", "limits.connections");
        refused("[limits]\nstartup_timeout = \"0s\"", "limits.startup_timeout");
        refused("[limits]\nmessage = \"1kB\"", "limits.message");
        refused("[limits]\nportals = 0", "limits.portals");
        refused("[limits]\nquery_memory = \"5GB\"", "limits.query_memory");
        refused("[limits]\nidle_session_timeout = \"soon\"", "limits.idle_session_timeout");
        refused("[flight]\ncompression = \"gzip\"", "flight.compression");
        refused("[flight]\nflush = \"soon\"", "flight.flush");
        refused("[flight]\nstreams = 0", "flight: streams");
        refused("[flight]\ntoken_key = \"short\"", "flight.token_key has fewer than 32");
        refused("[collect]\nlists = [\"sp5000\"]", "sp5000");
        refused("[source.tastytrade]\nclient_secret = \"x\"", "go together");
    }

    #[test]
    fn secrets_never_show() {
        let text = "[source.tastytrade]\nclient_secret = \"hush\"\nrefresh_token = \"hush\"";
        let config = load_text(text).expect("a configuration");
        assert!(!format!("{config:?}").contains("hush"));
        assert_eq!(config.tastytrade.client_secret.expose(), "hush");
    }

    #[test]
    fn flags_win_and_say_so() {
        let flags = vec![("server.pg".to_owned(), "127.0.0.1:0".to_owned())];
        let config = load(None, &flags).expect("a configuration");
        assert_eq!(config.server.pg.port(), 0);
        let setting = config.settings.iter().find(|setting| setting.name == "server.pg").expect("the key");
        assert_eq!(setting.origin, "flag");
    }

    #[test]
    fn a_file_of_any_kind_is_read_or_refused_in_one_line() {
        let mut noise = crate::collect::venue::noise::Noise(0x5eed);
        let seed = "[server]\nmax_connections = 5\n[lake]\nwatch = \"1s\"\n[dataset.eod]\nttl = \"session close + 5m\"\n\
            [limits]\nmemory = \"64MB\"\n[collect]\nsymbols = [\"AAPL\"]\n";
        for _ in 0..200 {
            let text = String::from_utf8_lossy(&noise.mutated(seed.as_bytes())).into_owned();
            if let Err(error) = load_text(&text) {
                assert!(!error.to_string().contains('\n'), "{text:?}: {error}");
            }
        }
    }
}
