//! Logs of the program, by `tracing`: one line each on standard error, with time and level. Warnings and errors unless
//! `TT_LOG` narrows or widens them (`TT_LOG=debug`, `TT_LOG=ttapi=trace`).

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// What is logged unless `TT_LOG` says otherwise: warnings, and nothing of libraries' own commit chatter.
const DEFAULT: &str = "warn,deltalake_core=off,buoyant_kernel=off,buoyant_kernel_engine=off";

/// Starts logging, in colours on a terminal. A second call does nothing; a `TT_LOG` that does not read counts as none.
pub fn start() {
    let filter = EnvFilter::try_from_env("TT_LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let colours = std::io::stderr().is_terminal();
    let format = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = format.with_target(false).with_ansi(colours).try_init();
}
