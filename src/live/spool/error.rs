//! Errors of the spool: its directory is in use by another process, or a file of it cannot be read or written.

use std::path::{Path, PathBuf};

/// Why a spool cannot be opened, written or read.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process keeps it.
    #[error("the spool {} is kept by another process", directory.display())]
    Busy {
        /// Directory of the spool that cannot be used.
        directory: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("spool file {}: {reason}", file.display())]
    Unreadable {
        /// Segment file that cannot be written or read.
        file: PathBuf,
        /// What is wrong with it, in words.
        reason: String,
    },
}

impl SpoolError {
    pub(super) fn io(file: &Path, error: &std::io::Error) -> Self {
        Self::Unreadable { file: file.to_owned(), reason: error.to_string() }
    }

    pub(super) fn arrow(file: &Path, error: &arrow::error::ArrowError) -> Self {
        Self::Unreadable { file: file.to_owned(), reason: error.to_string() }
    }
}
