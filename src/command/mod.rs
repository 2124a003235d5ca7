//! The commands: each loads its configuration, does one thing, and says in its exit code whether it worked.

pub mod backup;
pub mod collect;
pub mod collection;
pub mod config;
pub mod demo;
mod descriptors;
pub mod import;
pub mod lake;
pub mod quality;
pub mod query;
mod recording;
pub mod roll_back;
pub mod serve;
pub mod simulate;
pub mod status;
pub mod undo;
pub mod user;

use crate::args::Common;
use crate::config::{Config, ConfigError, load};

/// Directory of the lake that `tt demo` uses when none is given.
pub const DEMO_DATA: &str = "./tt-demo";

/// The configuration of a command line.
pub(crate) fn configuration(common: &Common) -> Result<Config, ConfigError> {
    load(common.config.as_deref(), &common.flags())
}
