//! The recording of `--record`: begun before the sources are made, finished when nothing more comes.

use crate::args::Recording;
use crate::clock::Clock;
use crate::collect::client::Recorder;
use crate::config::Config;
use crate::secret::Secret;
use anyhow::{Result, anyhow};
use bytesize::ByteSize;

/// What records as the command line says, without the secrets of the configuration.
///
/// # Errors
/// The directory is in use, or cannot be made.
pub(super) fn start(recording: &Recording, config: &Config) -> Result<Recorder> {
    let Some(folder) = &recording.record else { return Ok(Recorder::off()) };
    let of_sources = config
        .sources
        .values()
        .flat_map(|source| [source.client_secret.clone(), source.refresh_token.clone(), source.api_key.clone()]);
    let secrets: Vec<Secret> = of_sources.chain([config.flight.token_key.clone()]).collect();
    Recorder::start(folder, recording.record_limit, &secrets, &Clock::System).map_err(|reason| anyhow!(reason))
}

/// Waits until the recording is on the disk, and says on standard error what it holds.
pub(super) async fn finish(recorder: &Recorder) {
    let Some(recorded) = recorder.finish().await else { return };
    eprintln!(
        "tt: recorded {} requests and {} frames, {}, in {}",
        recorded.exchanges,
        recorded.frames,
        ByteSize(recorded.bytes),
        recorded.folder.display()
    );
    if let Some(reason) = recorded.ended {
        eprintln!("tt: the recording is not whole: {reason}");
    }
}
