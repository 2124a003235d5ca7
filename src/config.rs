//! Configuration: `config/ttapi.toml` holds every key at its default, then the user's file, the environment, the flags.
//!
//! [`Config`] is what the program gets, after checks. The environment and TOML are read here and nowhere else.

mod check;
mod dependencies;
mod error;
mod file;
mod layer;
mod program;
mod section;
mod setting;
mod source;
mod value;

pub use error::ConfigError;
pub use layer::DEFAULTS;
pub use program::Config;
pub use section::{
    AuthConfig, CollectConfig, Compression, DatasetConfig, FlightConfig, LimitsConfig, ServerConfig, SimulatorConfig,
    TlsConfig,
};
pub use setting::Setting;
pub use source::SourceConfig;

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use layer::{NamedToml, check_names};
use std::path::Path;

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
