//! What a person at a terminal sees: progress of collection and import, and rows as a table, CSV or JSON.
//!
//! Progress goes to standard error and rows to standard output, so that rows can be piped. Nothing here fetches or
//! queries; it shows what it is handed.

pub mod progress;
pub mod table;

use std::io::{ErrorKind, Write};

/// Prints a line for whoever called the command. `println!` would panic where its reader has gone, as in `tt status |
/// head`.
macro_rules! say {
    ($($part:tt)*) => { $crate::console::line(format_args!($($part)*)) };
}
pub(crate) use say;

/// Writes a line to standard output.
pub(crate) fn line(text: std::fmt::Arguments<'_>) {
    // A server goes on serving, and a command has done what it tells of, whether it can be told or not.
    let _ = writeln!(Output::lock(), "{text}");
}

/// Standard output. Once its reader has read enough and gone, the rest is lost without an error.
pub(crate) struct Output(std::io::StdoutLock<'static>);

impl Output {
    pub(crate) fn lock() -> Self {
        Self(std::io::stdout().lock())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(bytes.len()),
            outcome => outcome,
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            outcome => outcome,
        }
    }
}
