//! What is wrong with a spool.

use std::path::{Path, PathBuf};

/// A spool that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process keeps it.
    #[error("the spool {} is kept by another process", directory.display())]
    Busy {
        /// The spool's directory.
        directory: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("spool file {}: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What is wrong.
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
