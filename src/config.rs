//! Configuration: `config/ttapi.toml` holds every key at its default, then the user's file, the environment, the flags.
//!
//! [`Config`] is what the program gets, after checks. The environment and TOML are read here and nowhere else.

mod check;
mod dependencies;
mod file;
mod layer;
mod section;
mod value;

pub use section::{
    Compression, AuthConfig, CollectConfig, DatasetConfig, FlightConfig, LimitsConfig, ServerConfig, SimulatorConfig,
    TastytradeConfig, TlsConfig,
};

use crate::lake::StoreOptions;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use layer::{NamedToml, check_names};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The file every key stands in, at its default.
pub const DEFAULTS: &str = include_str!("../config/ttapi.toml");

/// Retention of a dataset that has no section.
const RETENTION_DEFAULT: Duration = Duration::from_secs(30 * 86_400);

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

/// Values given on the command line, as `section.key` and text.
pub type Flags = Vec<(String, String)>;

/// Layers defaults, the user's file, the environment and flags, and checks the result.
pub fn load(file: Option<&Path>, flags: &Flags) -> Result<Config, ConfigError> {
    let mut figment = layer::defaults();
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
    check::resolve(&figment)
}

#[cfg(test)]
mod tests;
