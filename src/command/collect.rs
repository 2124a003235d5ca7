//! `tt collect`: refresh datasets once, with their progress on standard error, for timers and for a first load.
//!
//! It runs a scheduler of its own over the lake, which may be a running server's: that sees the new versions. The exit
//! code is for whoever watches the timer.

use super::collection;
use super::configuration;
use super::recording;
use crate::args::{Common, Recording};
use crate::clock::Clock;
use crate::collect::client::Recorder;
use crate::collect::sources::Sources;
use crate::config::Config;
use crate::console::progress::Display;
use crate::lake::Run;
use crate::lake::quality::DoubtKind;
use crate::server::{self, Role, Server};
use crate::shutdown;
use anyhow::{Result, bail};
use std::process::ExitCode;

/// Exit code when everything is fresh, but for rows that were rejected and symbols that nobody knows.
const NOT_WHOLE: u8 = 3;
/// Doubts of a dataset that are printed one by one.
const DOUBTS_TOLD: usize = 20;

/// Refreshes the named datasets, or all that have a source, whatever their age; a derived one after its inputs, where those
/// are due. Exit code 0 only when every item of every one is fresh and all rows came in; 3 when rows were rejected or a symbol
/// is not known, 1 when an item or a dataset failed. What it is about goes to standard error. `recorded` says whether what
/// the sources send is recorded.
///
/// # Errors
/// There are no credentials, a name is no dataset with a source, the lake cannot be opened, the recording cannot be begun, or
/// a signal came first.
pub async fn run(common: &Common, datasets: &[String], recorded: &Recording) -> Result<ExitCode> {
    let config = configuration(common)?;
    if let Some(missing) = Sources::open(&config, Clock::System)?.missing() {
        bail!("there is no source to collect from: {missing}");
    }
    let recorder = recording::start(recorded, &config)?;
    let outcome = collect(&config, datasets, &recorder).await;
    recording::finish(&recorder).await;
    outcome
}

async fn collect(config: &Config, datasets: &[String], recorder: &Recorder) -> Result<ExitCode> {
    let shutdown = shutdown::on_signal();
    let mut server = server::start_recorded(config, Role::OnDemand, Clock::System, recorder, &shutdown).await?;
    server.lake.check_writable().await?;
    if server.collected.is_empty() {
        bail!("there is nothing to collect: no dataset names a source that can be asked");
    }
    let mut names: Vec<String> = datasets.to_vec();
    for name in &names {
        if !server.collected.contains(&name.as_str()) {
            bail!("no source is configured for \"{name}\"; there are {}", server.collected.join(", "));
        }
    }
    if names.is_empty() {
        names = server.collected.iter().map(|name| (*name).to_owned()).collect();
    }
    let display = server.events.take().map(|events| tokio::spawn(collection::show(events, Display::new())));
    let refreshes = names.iter().map(|name| server.refresh.refresh(name, "command"));
    let outcomes = tokio::select! {
        outcomes = futures::future::join_all(refreshes) => outcomes,
        () = shutdown.cancelled() => bail!("stopped before the collection had ended"),
    };
    shutdown.cancel();
    if let Some(display) = display {
        let _ = display.await;
    }
    let (mut fresh, mut whole) = (true, true);
    for (name, outcome) in names.iter().zip(outcomes) {
        let run = server.board.get(name.as_str()).and_then(|freshness| freshness.remembered().runs.back().cloned());
        if let Some(run) = &run {
            whole &= tell_doubts(&server, name, run).await;
        }
        let failed = run.map(|run| run.failed).unwrap_or_default();
        match outcome {
            Err(reason) => {
                fresh = false;
                eprintln!("tt: {name}: {reason}");
            }
            Ok(()) if !failed.is_empty() => {
                fresh = false;
                eprintln!("tt: {name}: {} items failed and keep their old rows", failed.len());
                for item in failed {
                    eprintln!("tt: {name}: {}: {}", item.item, item.reason);
                }
            }
            Ok(()) => {}
        }
    }
    Ok(match (fresh, whole) {
        (true, true) => ExitCode::SUCCESS,
        (true, false) => ExitCode::from(NOT_WHOLE),
        (false, _) => ExitCode::FAILURE,
    })
}

/// Prints what a run found doubtful. Whether all rows came in, of symbols that are known.
async fn tell_doubts(server: &Server, name: &str, run: &Run) -> bool {
    let Some(table) = server.lake.table(name) else { return true };
    let quality = table.known_quality().await;
    let doubts: Vec<_> = quality.doubts.iter().filter(|met| met.last_seen >= run.started_at).collect();
    for met in doubts.iter().take(DOUBTS_TOLD) {
        let (symbol, kind) = (met.what.symbol.as_deref().unwrap_or("all"), met.what.kind.name());
        eprintln!("tt: {name}: {symbol}: {kind}: {}", met.what.example);
    }
    if doubts.len() > DOUBTS_TOLD {
        eprintln!("tt: {name}: {} further doubts are in system.data_quality", doubts.len() - DOUBTS_TOLD);
    }
    !doubts.iter().any(|met| matches!(met.what.kind, DoubtKind::Rejected | DoubtKind::UnknownSymbol))
}
