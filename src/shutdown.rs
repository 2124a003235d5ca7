//! How the program ends: the first SIGINT or SIGTERM asks everything to stop, the second ends the process at once.
//!
//! The commands make one token and hand clones of it to whatever they start: front ends stop accepting, the scheduler
//! drops its runs, the histories commit what they received. `tt serve` waits five seconds at most for all of them.

use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first signal. The second signal ends the process with exit code 130. Called once,
/// on a tokio runtime.
pub fn on_signal() -> CancellationToken {
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        signal().await;
        token.cancel();
        signal().await;
        std::process::exit(130);
    });
    shutdown
}

/// Waits for the next signal that asks the process to end.
#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
