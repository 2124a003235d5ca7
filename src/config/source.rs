//! `[source.NAME]`: how a source is reached and how hard it is tried. Every source has the same keys, as far as they
//! apply to it, so that a new source is a section of the file and no code here. The HTTP client takes it as it is.

use super::error::ConfigError;
use super::value::duration;
use crate::secret::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// A section `[source.NAME]` of the configuration, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceConfig {
    /// Whether it may be asked at all.
    pub enabled: bool,
    /// Scheme, host and port, such as `https://api.tastyworks.com`.
    pub base_url: String,
    /// OAuth2 client secret, for a source that grants tokens.
    pub client_secret: Secret,
    /// OAuth2 refresh token, likewise.
    pub refresh_token: Secret,
    /// Key that is sent with each request, for a source that gives out such keys.
    pub api_key: Secret,
    /// Sustained requests per second; `None` is no limit.
    pub requests_per_second: Option<u32>,
    /// Requests that may go at once before the limit counts.
    pub burst: u32,
    /// Requests in flight at once.
    pub in_flight: usize,
    /// Tries per request, the first included.
    pub attempts: usize,
    /// Time for one try, its body included.
    pub timeout: Duration,
    /// Failures in a row that open an endpoint's breaker. Should exceed what one bad symbol can spoil at once.
    pub breaker_failures: u32,
    /// How long it stays open.
    pub breaker_open: Duration,
    /// Successes in a row that close it.
    pub breaker_successes: u32,
}

impl Default for SourceConfig {
    /// Without address and credentials; what the keys that may be left out are.
    fn default() -> Self {
        Self {
            enabled: true,
            base_url: String::new(),
            client_secret: Secret::default(),
            refresh_token: Secret::default(),
            api_key: Secret::default(),
            requests_per_second: Some(2),
            burst: 10,
            in_flight: 100,
            attempts: 3,
            timeout: Duration::from_secs(30),
            breaker_failures: 20,
            breaker_open: Duration::from_secs(30),
            breaker_successes: 2,
        }
    }
}

/// `[source.NAME]` as written. Which of the optional keys a source has, the file of defaults says; see `check_names`.
#[derive(Deserialize)]
pub(super) struct SourceSection {
    enabled: Option<bool>,
    base_url: String,
    client_secret: Option<Secret>,
    refresh_token: Option<Secret>,
    api_key: Option<Secret>,
    requests_per_second: u32,
    burst: u32,
    in_flight: usize,
    attempts: usize,
    timeout: String,
    breaker_failures: u32,
    breaker_open: String,
    breaker_successes: u32,
}

/// Reads every section; what cannot be used is named by its key.
pub(super) fn resolve(
    sections: BTreeMap<String, SourceSection>,
) -> Result<BTreeMap<String, SourceConfig>, ConfigError> {
    sections.into_iter().map(|(name, section)| Ok((name.clone(), resolve_one(&name, section)?))).collect()
}

fn resolve_one(name: &str, section: SourceSection) -> Result<SourceConfig, ConfigError> {
    if !Url::parse(&section.base_url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
        let text = format!("source.{name}.base_url: \"{}\" is not an http:// or https:// URL", section.base_url);
        return Err(ConfigError::new(text));
    }
    let given = |secret: &Option<Secret>| secret.as_ref().is_some_and(|secret| !secret.is_empty());
    if given(&section.client_secret) != given(&section.refresh_token) {
        return Err(ConfigError::new(format!("source.{name}: client_secret and refresh_token go together")));
    }
    if section.in_flight == 0 || section.attempts == 0 || section.burst == 0 {
        return Err(ConfigError::new(format!("source.{name}: in_flight, attempts and burst are at least 1")));
    }
    Ok(SourceConfig {
        enabled: section.enabled.unwrap_or(true),
        base_url: section.base_url,
        client_secret: section.client_secret.unwrap_or_default(),
        refresh_token: section.refresh_token.unwrap_or_default(),
        api_key: section.api_key.unwrap_or_default(),
        requests_per_second: (section.requests_per_second > 0).then_some(section.requests_per_second),
        burst: section.burst,
        in_flight: section.in_flight,
        attempts: section.attempts,
        timeout: duration(&format!("source.{name}.timeout"), &section.timeout)?,
        breaker_failures: section.breaker_failures,
        breaker_open: duration(&format!("source.{name}.breaker_open"), &section.breaker_open)?,
        breaker_successes: section.breaker_successes,
    })
}

/// The source a dataset names, when there is a section of that name; else a refusal with the nearest name.
pub(super) fn known(
    dataset: &str,
    name: &str,
    sources: &BTreeMap<String, SourceConfig>,
) -> Result<String, ConfigError> {
    if sources.contains_key(name) {
        return Ok(name.to_owned());
    }
    let likeness = |known: &&String| strsim::jaro_winkler(known, name);
    let nearest = sources.keys().max_by(|left, right| likeness(left).total_cmp(&likeness(right)));
    let hint = nearest.map(|nearest| format!("; the nearest is \"{nearest}\"")).unwrap_or_default();
    Err(ConfigError::new(format!("dataset.{dataset}.source: there is no source \"{name}\"{hint}")))
}
