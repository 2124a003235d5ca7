//! `tt config check` and `tt config print`.

use super::configuration;
use crate::args::Common;
use crate::console::say;
use anyhow::Result;
use std::process::ExitCode;

/// Says whether the configuration can be used.
pub fn check(common: &Common) -> Result<ExitCode> {
    configuration(common)?;
    say!("the configuration can be used");
    Ok(ExitCode::SUCCESS)
}

/// Prints every key with its value and where it came from. Secrets stay hidden.
pub fn print(common: &Common) -> Result<ExitCode> {
    let config = configuration(common)?;
    let width = config.settings.iter().map(|setting| setting.name.len() + setting.value.len()).max().unwrap_or(0);
    for setting in &config.settings {
        let pad = width.saturating_sub(setting.name.len() + setting.value.len()).min(60);
        say!("{} = {}{}  # {}", setting.name, setting.value, " ".repeat(pad), setting.origin);
    }
    Ok(ExitCode::SUCCESS)
}
