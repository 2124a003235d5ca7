//! Logs: to stderr, one line each; `TT_LOG` narrows or widens them (`TT_LOG=debug`, `TT_LOG=ttapi=trace`).

use tracing_subscriber::EnvFilter;

/// What is logged unless `TT_LOG` says otherwise: warnings, and nothing of libraries' own commit chatter.
const DEFAULT: &str = "warn,deltalake_core=off,delta_kernel=off,delta_kernel_default_engine=off";

/// Starts logging. A second call does nothing.
pub fn start() {
    let filter = EnvFilter::try_from_env("TT_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).try_init();
}
