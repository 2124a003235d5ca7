//! From what is written to what the program gets: every value is read, and one that cannot be used is named by its key.
//!
//! [`resolve`] is the only maker of a [`Config`]. The first fault ends it: a user mends one key at a time, and a later
//! sentence is often a consequence of an earlier one. Whether files of users and of TLS can be used is not asked here,
//! for most commands do without them; `tt config check` and `tt serve` ask.

use super::dependencies;
use super::error::ConfigError;
use super::file::{DatasetSection, File, LimitsSection};
use super::layer::{describe, settings};
use super::lists;
use super::section::{Config, DatasetConfig, Dependencies, LimitsConfig, UpkeepConfig};
use super::source::{self, SourceConfig};
use super::value::{duration, networks, size, ttl};
use crate::lake::freshness::Policy;
use crate::lake::{RETENTION_MIN, StoreOptions, dataset};
use figment::Figment;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Bounds of `limits.message`, in bytes: long statements must go through, and the length of a Postgres message has 31
/// bits.
const MESSAGE_BYTES_MIN: usize = 64_000;
const MESSAGE_BYTES_MAX: usize = 1_000_000_000;

/// Bytes of `flight.token_key` that nobody guesses.
const TOKEN_KEY_BYTES_MIN: usize = 32;

/// Room for columns of the lake in memory where nothing is said: 2 GB, which a laptop has to spare.
const LAKE_MEMORY_BYTES: usize = 2_000_000_000;

/// The checked configuration of all layers together.
///
/// # Errors
/// The first value that does not read, or that does not go with another.
pub(super) fn resolve(figment: &Figment) -> Result<Config, ConfigError> {
    let file: File = figment.extract().map_err(|error| ConfigError::new(describe(figment, &error)))?;
    let sources = source::resolve(file.source)?;
    let lists = lists::read(&file.lists)?;
    lists::check("collect.lists", &file.collect.lists, &lists)?;
    lists::check("collect.live_lists", &file.collect.live_lists, &lists)?;
    if file.collect.history_flush.is_zero() || file.collect.history_flush_events == 0 {
        return Err(ConfigError::new(
            "collect: history_flush and history_flush_events are more than nothing".to_owned(),
        ));
    }
    if file.collect.absent_percent_max > 100 {
        return Err(ConfigError::new("collect.absent_percent_max is at most 100".to_owned()));
    }
    let feed = &file.collect.feed;
    if feed.silence.is_zero() || feed.connections == 0 || feed.subscriptions == 0 {
        return Err(ConfigError::new(
            "collect.feed: silence, connections and subscriptions are more than nothing".to_owned(),
        ));
    }
    if file.collect.refreshes_max == 0 {
        return Err(ConfigError::new("collect.refreshes_max is at least 1".to_owned()));
    }
    let named = |path: &PathBuf| !path.as_os_str().is_empty();
    if named(&file.tls.certificate) != named(&file.tls.key) {
        return Err(ConfigError::new("tls: certificate and key go together".to_owned()));
    }
    if named(&file.tls.client_ca) && !named(&file.tls.certificate) {
        return Err(ConfigError::new("tls.client_ca: there is no TLS without certificate and key".to_owned()));
    }
    let lake_watch = duration("lake.watch", &file.lake.watch)?;
    if lake_watch.is_zero() {
        return Err(ConfigError::new("lake.watch is more than nothing".to_owned()));
    }
    let dependencies = dependencies::dependencies(&file.dataset)?;
    let flight = &file.flight;
    if flight.streams == 0 || flight.calls == 0 || flight.request == 0 || flight.message == 0 || flight.handle == 0 {
        return Err(ConfigError::new(
            "flight: streams, calls, request, message and handle are more than nothing".to_owned(),
        ));
    }
    if !flight.token_key.is_empty() && flight.token_key.expose().len() < TOKEN_KEY_BYTES_MIN {
        return Err(ConfigError::new(format!("flight.token_key has fewer than {TOKEN_KEY_BYTES_MIN} characters")));
    }
    let optional = |text: String| (!text.is_empty()).then_some(text);
    let limits = limits(&file.limits)?;
    let lake_memory = lake_memory(&file.lake.memory, limits.memory_bytes)?;
    Ok(Config {
        server: file.server,
        auth: file.auth,
        tls: file.tls,
        lake_location: file.lake.location,
        store: StoreOptions {
            region: optional(file.lake.region),
            endpoint: optional(file.lake.endpoint),
            allow_http: file.lake.allow_http,
            compression: file.lake.compression,
        },
        lake_watch,
        lake_memory,
        upkeep: upkeep(file.lake.upkeep)?,
        collect: file.collect,
        lists,
        datasets: datasets(&file.dataset, &dependencies, &sources)?,
        sources,
        retention: retention(&file.dataset)?,
        dependencies,
        limits,
        flight: file.flight,
        simulator: file.simulator,
        settings: settings(figment)?,
    })
}

/// `lake.memory` in bytes: a share of the memory of all. Where nothing is said, as much of it as a laptop has to spare.
///
/// # Errors
/// A size that does not read, or more than half of all memory.
fn lake_memory(said: &str, memory_bytes: usize) -> Result<usize, ConfigError> {
    let most = memory_bytes / 2;
    if said.is_empty() {
        return Ok(most.min(LAKE_MEMORY_BYTES));
    }
    match usize::try_from(size("lake.memory", said)?) {
        Ok(bytes) if bytes <= most => Ok(bytes),
        _ => Err(ConfigError::new("lake.memory is at most half of limits.memory".to_owned())),
    }
}

/// `[lake.upkeep]`, whose bounds go together.
///
/// # Errors
/// A time of nothing, or bounds that nothing could keep.
fn upkeep(section: UpkeepConfig) -> Result<UpkeepConfig, ConfigError> {
    let refuse = |reason: &str| Err(ConfigError::new(format!("lake.upkeep.{reason}")));
    if section.interval.is_zero() || section.vacuum.is_zero() {
        return refuse("interval and lake.upkeep.vacuum are more than nothing");
    }
    if section.small_files < 2 {
        return refuse("small_files is at least 2: one file cannot be merged");
    }
    if section.small_files_max < section.small_files {
        return refuse("small_files_max is at least lake.upkeep.small_files");
    }
    Ok(section)
}

/// `[limits]`, with sizes in bytes and "0s" as no limit.
///
/// # Errors
/// A size or duration that does not read, or a limit that would lock everybody out.
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
        trusted_proxies: networks("limits.trusted_proxies", &section.trusted_proxies)?,
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
        temporary_bytes: bytes("temporary_memory", &section.temporary_memory)?,
        spill_bytes: size("limits.spill", &section.spill)?,
    };
    let refuse = |reason: &str| Err(ConfigError::new(format!("limits.{reason}")));
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

/// Freshness and CSV twin of the datasets whose section says when they go stale; the others are histories, which never
/// do.
///
/// # Errors
/// A value that does not read, or a TTL of `inputs` without inputs.
fn datasets(
    sections: &BTreeMap<String, DatasetSection>,
    dependencies: &Dependencies,
    sources: &BTreeMap<String, SourceConfig>,
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
            source,
            precedence,
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
        let source = source.as_ref().map(|name| source::known(definition.name, name, sources)).transpose()?;
        let precedence = precedence.clone();
        check_precedence(&key("precedence"), precedence.as_deref().unwrap_or_default())?;
        datasets.insert(definition.name, DatasetConfig { policy, csv: *csv, source, precedence });
    }
    Ok(datasets)
}

/// Refuses a source that is named twice, or has no name.
fn check_precedence(key: &str, sources: &[String]) -> Result<(), ConfigError> {
    for (place, source) in sources.iter().enumerate() {
        if source.is_empty() || sources.iter().take(place).any(|earlier| earlier == source) {
            return Err(ConfigError::new(format!("{key}: \"{source}\" is empty, or named twice")));
        }
    }
    Ok(())
}

/// How long versions are kept, for every dataset that has a section.
///
/// # Errors
/// A duration that does not read, or that is less than [`RETENTION_MIN`], within which running queries rely on their
/// files.
fn retention(sections: &BTreeMap<String, DatasetSection>) -> Result<BTreeMap<&'static str, Duration>, ConfigError> {
    let mut retention = BTreeMap::new();
    for definition in dataset::all() {
        let Some(section) = sections.get(definition.name) else { continue };
        let key = format!("dataset.{}.retention", definition.name);
        let kept = duration(&key, &section.retention)?;
        if kept < RETENTION_MIN {
            let least = humantime::format_duration(RETENTION_MIN);
            return Err(ConfigError::new(format!("{key}: \"{}\" is less than {least}", section.retention)));
        }
        retention.insert(definition.name, kept);
    }
    Ok(retention)
}
