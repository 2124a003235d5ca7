//! `tt simulate`: the simulated venue alone, for whoever writes or tests a client of tastytrade or dxLink; or, in its place,
//! a venue that answers what was recorded of another.
//!
//! Standard output says where it is, and with what it is entered:
//!
//! ```text
//! ready rest=127.0.0.1:41231 dxlink=127.0.0.1:35211
//! client_secret=sim-secret refresh_token=sim-refresh
//! ```

use crate::clock::Clock;
use crate::console::say;
use crate::simulator::replay::{Recording, Replay};
use crate::simulator::{CLIENT_SECRET, Faults, Options, REFRESH_TOKEN, Simulator};
use crate::{server, shutdown};
use anyhow::{Context, Result, anyhow};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

/// Runs the venue until a signal, at the addresses of its two services (port 0 picks a free one). `symbols` is the
/// number of equities, 0 for the built-in lists alone; `rate` is quotes a second over all symbols; with `conflate`
/// the latest of a symbol in each period is sent, else each; `faults` is a TOML file of what goes wrong.
///
/// # Errors
/// An address is taken, or the file of faults cannot be read or names no fault.
pub async fn run(
    rest: SocketAddr,
    dxlink: SocketAddr,
    seed: u64,
    symbols: usize,
    rate: f64,
    conflate: bool,
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
    let options = Options { seed, symbols, rate, clock: Clock::System, conflate, faults };
    let simulator = Simulator::start(options, rest, dxlink, shutdown.clone()).await.context("start the venue")?;
    announce(simulator.rest_addr(), simulator.dxlink_addr());
    shutdown.cancelled().await;
    Ok(ExitCode::SUCCESS)
}

/// Answers what a recording holds until a signal; the feed speaks `speed` times as fast as recorded, infinite is as fast as
/// it is taken.
///
/// # Errors
/// An address is taken, or the recording cannot be read: the error names file and line.
pub async fn replay(rest: SocketAddr, dxlink: SocketAddr, folder: &Path, speed: f64) -> Result<ExitCode> {
    let recording = Recording::open(folder).map_err(|reason| anyhow!(reason))?;
    let shutdown = shutdown::on_signal();
    let rest = server::bind(rest, "--rest").await?;
    let dxlink = server::bind(dxlink, "--dxlink").await?;
    let replay = Replay::start(recording, speed, rest, dxlink, shutdown.clone()).context("start the replay")?;
    announce(replay.rest_addr(), replay.dxlink_addr());
    shutdown.cancelled().await;
    Ok(ExitCode::SUCCESS)
}

fn announce(rest: SocketAddr, dxlink: SocketAddr) {
    say!("ready rest={rest} dxlink={dxlink}");
    // A line of its own: programs read the one above to its end.
    say!("client_secret={CLIENT_SECRET} refresh_token={REFRESH_TOKEN}");
}
