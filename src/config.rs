//! The configuration of `tt`: `config/ttapi.toml` holds every key at its default; over it come the user's file, the
//! environment (`TT__SECTION__KEY`) and the flags.
//!
//! [`load`] is called once per command. [`Config`] is what the program gets, after checks; whoever has one need check
//! nothing again. The environment, TOML and the files of `[lists]` are read here and nowhere else. Relative paths are
//! taken from the directory in which `tt` runs.

mod check;
mod dependencies;
mod error;
mod file;
mod layer;
mod lists;
mod section;
mod source;
mod value;

pub use error::ConfigError;
pub use layer::{DEFAULTS, Setting};
pub use section::{
    AuthConfig, CollectConfig, Compression, Config, DatasetConfig, FeedConfig, FlightConfig, LimitsConfig,
    ServerConfig, SimulatorConfig, TlsConfig, UpkeepConfig,
};
pub use source::SourceConfig;

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use layer::{NamedToml, check_names};
use std::path::Path;

/// Values given on the command line, as pairs of `section.key` and text (`("server.pg", "127.0.0.1:0")`). They win over
/// every other layer.
pub type Flags = Vec<(String, String)>;

/// Layers the defaults, the user's file, the environment and the flags, and checks the result.
///
/// # Errors
/// One sentence that names the file or the key: a file that cannot be read or is no TOML, a key that does not exist
/// (with the nearest that does), a value that does not read, values that do not go together, a list's file that cannot
/// be used.
pub fn load(file: Option<&Path>, flags: &Flags) -> Result<Config, ConfigError> {
    let mut figment = layer::defaults();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::new(format!("cannot read the configuration {}: {error}", path.display())))?;
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
