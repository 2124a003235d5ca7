//! `tt config`: whether the configuration can be used (`check`), and what it says and why (`print`).

use super::configuration;
use super::serve::Doors;
use crate::args::Common;
use crate::config::ConfigError;
use crate::console::say;
use anyhow::Result;
use std::process::ExitCode;

/// Says whether `tt serve` could start with the configuration: every key is read, and every file that it names (lists,
/// users, certificates, keys). Neither the lake nor the vendor is asked, and nothing is bound.
///
/// # Errors
/// [`ConfigError`], which is exit code 2, with the first key or file that cannot be used.
pub fn check(common: &Common) -> Result<ExitCode> {
    let config = configuration(common)?;
    Doors::open(&config).map_err(|error| ConfigError::new(format!("{error:#}")))?;
    say!("the configuration can be used");
    Ok(ExitCode::SUCCESS)
}

/// Prints every key, its value and, after `#`, the layer it came from: `default`, the file, `environment` or `flag`.
/// Secrets stay hidden.
///
/// # Errors
/// [`ConfigError`], for a configuration that does not read.
pub fn print(common: &Common) -> Result<ExitCode> {
    let config = configuration(common)?;
    let width = config.settings.iter().map(|setting| setting.name.len() + setting.value.len()).max().unwrap_or(0);
    for setting in &config.settings {
        let pad = width.saturating_sub(setting.name.len() + setting.value.len()).min(60);
        say!("{} = {}{}  # {}", setting.name, setting.value, " ".repeat(pad), setting.origin);
    }
    Ok(ExitCode::SUCCESS)
}
