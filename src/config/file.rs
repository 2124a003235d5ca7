//! The configuration as written, before checks: the shape of `config/ttapi.toml` and of the files that come over it.
//!
//! Each field is a key of that file, which says what it means. Sections that need no reading beyond this have their
//! type in `section`; those here hold durations and sizes as text until `check` reads them.

use super::section::{AuthConfig, CollectConfig, FlightConfig, ServerConfig, SimulatorConfig, TlsConfig, UpkeepConfig};
use super::source::SourceSection;
use crate::lake::FileCompression;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A whole file. Every key is there, because the defaults lie below whatever a user wrote.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) server: ServerConfig,
    pub(super) auth: AuthConfig,
    pub(super) tls: TlsConfig,
    pub(super) lake: LakeSection,
    pub(super) source: BTreeMap<String, SourceSection>,
    pub(super) collect: CollectConfig,
    /// Files of the user's own lists, by the name of the list.
    pub(super) lists: BTreeMap<String, PathBuf>,
    pub(super) dataset: BTreeMap<String, DatasetSection>,
    pub(super) limits: LimitsSection,
    pub(super) flight: FlightConfig,
    pub(super) simulator: SimulatorConfig,
}

/// `[lake]`: where the lake is, and how its files are written.
#[derive(Deserialize)]
pub(super) struct LakeSection {
    pub(super) location: String,
    pub(super) region: String,
    pub(super) endpoint: String,
    pub(super) allow_http: bool,
    pub(super) watch: String,
    pub(super) compression: FileCompression,
    pub(super) memory: String,
    pub(super) upkeep: UpkeepConfig,
}

/// `[dataset.NAME]`: when rows go stale, and what is kept.
#[derive(Deserialize)]
pub(super) struct DatasetSection {
    /// This and the next five are there for a dataset that goes stale.
    pub(super) ttl: Option<String>,
    pub(super) stale_while_revalidate: Option<String>,
    pub(super) wait_timeout: Option<String>,
    pub(super) stale_if_error: Option<String>,
    pub(super) csv: Option<bool>,
    pub(super) jitter: Option<String>,
    pub(super) depends_on: Option<Vec<String>>,
    /// There for a dataset of several sources.
    pub(super) precedence: Option<Vec<String>>,
    /// There for a dataset that is fetched.
    pub(super) source: Option<String>,
    pub(super) retention: String,
}

/// `[limits]`: bounds of connections, statements and memory.
#[derive(Deserialize)]
pub(super) struct LimitsSection {
    pub(super) connections: usize,
    pub(super) connections_reserved: usize,
    pub(super) trusted_proxies: Vec<String>,
    pub(super) startup_timeout: String,
    pub(super) message: String,
    pub(super) prepared_statements: usize,
    pub(super) portals: usize,
    pub(super) idle_session_timeout: String,
    pub(super) idle_in_transaction_session_timeout: String,
    pub(super) statement_timeout: String,
    pub(super) memory: String,
    pub(super) query_memory: String,
    pub(super) temporary_memory: String,
    pub(super) spill: String,
}
