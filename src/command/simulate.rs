//! `tt simulate`: the simulated venue alone.

use crate::clock::Clock;
use crate::console::say;
use crate::simulator::{Faults, Options, Simulator};
use crate::{server, shutdown};
use anyhow::{Context, Result, anyhow};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

/// Runs the venue until a signal.
pub async fn run(
    rest: SocketAddr,
    dxlink: SocketAddr,
    seed: u64,
    symbols: usize,
    rate: f64,
    faults: Option<&Path>,
) -> Result<ExitCode> {
    let faults = match faults {
        None => Faults::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
            Faults::from_toml(&text).map_err(|reason| anyhow!("{}: {reason}", path.display()))?
        }
    };
    let shutdown = shutdown::on_signal();
    let rest = server::bind(rest, "--rest").await?;
    let dxlink = server::bind(dxlink, "--dxlink").await?;
    let options = Options { seed, symbols, rate, clock: Clock::System, faults };
    let simulator = Simulator::start(options, rest, dxlink, shutdown.clone()).await.context("start the venue")?;
    say!("ready rest={} dxlink={}", simulator.rest_addr(), simulator.dxlink_addr());
    shutdown.cancelled().await;
    Ok(ExitCode::SUCCESS)
}
