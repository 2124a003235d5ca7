//! `tt demo`: everything on this machine with no account: the simulated venue on two free ports, and a server that
//! collects from it as it would from the vendor.
//!
//! After the ready line it prints the psql command that connects. The lake stays where it is (`./tt-demo`, or
//! `--data`), so that the next demo begins with what this one kept.

use super::serve::{FirstLoad, serve};
use super::{DEMO_DATA, configuration};
use crate::args::Common;
use crate::clock::Clock;
use crate::collect::client::Recorder;
use crate::console::say;
use crate::secret::Secret;
use crate::server::Role;
use crate::simulator::{CLIENT_SECRET, Faults, Options, REFRESH_TOKEN, Simulator};
use crate::{server, shutdown};
use anyhow::{Context, Result};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

/// Runs the simulated venue and a server that collects from it, until a signal. The ready line comes when every dataset
/// was loaded or tried once.
///
/// # Errors
/// Those of [`super::serve::run`].
pub async fn run(common: &Common) -> Result<ExitCode> {
    let mut common = common.clone();
    if common.data.is_none() && common.config.is_none() {
        common.data = Some(DEMO_DATA.to_owned());
    }
    let mut config = configuration(&common)?;
    let shutdown = shutdown::on_signal();
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let rest = server::bind(any_port, "--pg").await?;
    let dxlink = server::bind(any_port, "--pg").await?;
    let options = Options {
        seed: config.simulator.seed,
        symbols: config.simulator.symbols,
        rate: config.simulator.rate,
        clock: Clock::System,
        conflate: config.simulator.conflate,
        faults: Faults::default(),
    };
    let simulator = Simulator::start(options, rest, dxlink, shutdown.clone()).await.context("start the venue")?;
    let venue = config.sources.entry("tastytrade".to_owned()).or_default();
    venue.base_url = format!("http://{}", simulator.rest_addr());
    venue.client_secret = Secret::new(CLIENT_SECRET);
    venue.refresh_token = Secret::new(REFRESH_TOKEN);
    venue.requests_per_second = None;
    serve(&config, Role::Collect, FirstLoad::Wait, &Recorder::off(), &shutdown, |pg| {
        say!("psql -h {} -p {} -U tt -d tt", pg.ip(), pg.port());
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}
