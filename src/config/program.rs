//! The configuration the program runs on: every value read, checked and resolved. The server and the commands take it.

use super::dependencies::Dependencies;
use super::section::{
    AuthConfig, CollectConfig, DatasetConfig, FlightConfig, LimitsConfig, ServerConfig, SimulatorConfig, TlsConfig,
};
use super::setting::Setting;
use super::source::SourceConfig;
use crate::lake::StoreOptions;
use std::collections::BTreeMap;
use std::time::Duration;

/// Retention of a dataset that has no section.
const RETENTION_DEFAULT: Duration = Duration::from_secs(30 * 86_400);

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
    /// Where rows can come from: every `[source.NAME]`, by name.
    pub sources: BTreeMap<String, SourceConfig>,
    /// What is collected.
    pub collect: CollectConfig,
    /// Freshness and CSV twin per dataset that goes stale.
    pub datasets: BTreeMap<&'static str, DatasetConfig>,
    /// How far back the versions of each dataset are kept; see [`Config::retention`].
    pub(super) retention: BTreeMap<&'static str, Duration>,
    /// What is refreshed before what; see [`Config::depends_on`].
    pub(super) dependencies: Dependencies,
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

    /// The source that a dataset is fetched from; `None` for one that is derived, or appended to.
    pub fn source_of(&self, dataset: &str) -> Option<&str> {
        self.datasets.get(dataset)?.source.as_deref()
    }

    /// The datasets that are refreshed before a dataset. No dataset depends on itself, however indirectly.
    pub fn depends_on(&self, dataset: &str) -> &[&'static str] {
        self.dependencies.get(dataset).map(Vec::as_slice).unwrap_or_default()
    }
}
