//! What can go wrong with the lake.

use deltalake_core::DeltaTableError;

/// A failed read or write of the lake.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The location is not a directory or an `s3://` URL we can use.
    #[error("cannot use \"{location}\" as the data directory: {reason}")]
    Location {
        /// As the user gave it.
        location: String,
        /// Why it cannot be used, one clear sentence.
        reason: String,
    },
    /// The transaction log of a table cannot be read.
    #[error("lake table {table}: cannot read its log: {reason}")]
    Log {
        /// Dataset whose table it is.
        table: String,
        /// What is wrong, one clear sentence.
        reason: String,
    },
    /// A version cannot be committed. The rows of the latest version stay; a later look may find the new one all the same,
    /// when its log entry was there before the disk failed.
    #[error("lake table {table}: cannot commit: {reason}")]
    Commit {
        /// Dataset whose table it is.
        table: String,
        /// What is wrong, one clear sentence.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("lake table {table}: file {file}: {reason}")]
    File {
        /// Dataset whose table it is.
        table: String,
        /// Its path or URL.
        file: String,
        /// What is wrong, one clear sentence.
        reason: String,
    },
    /// A data file is gone, or not what was written.
    #[error("lake table {table}: file {file} is damaged: {reason}")]
    Damaged {
        /// Dataset whose table it is.
        table: String,
        /// Its path in the lake, as clients may see it.
        file: String,
        /// What is wrong, one clear sentence.
        reason: String,
    },
    /// Another writer was first; read again and retry.
    #[error("lake table {table}: another writer committed first")]
    Conflict {
        /// Dataset whose table it is.
        table: String,
    },
    /// A moment before the oldest version that is kept.
    #[error("lake table {table}: what it held at {at} is no longer kept (dataset.{table}.retention says how long)")]
    Forgotten {
        /// Dataset whose table it is.
        table: String,
        /// The moment asked for.
        at: String,
    },
    /// A backup cannot be made, read or restored.
    #[error("backups in {target}: {reason}")]
    Backup {
        /// Where the backups are.
        target: String,
        /// What is wrong, one clear sentence.
        reason: String,
    },
    /// Rows that do not have the dataset's columns.
    #[error("lake table {table}: {reason}")]
    Rows {
        /// Dataset whose table it is.
        table: String,
        /// What does not fit.
        reason: String,
    },
}

impl LakeError {
    /// What to do about it, where that is known.
    pub fn advice(&self) -> Option<String> {
        let Self::Damaged { table, .. } = self else { return None };
        Some(format!(
            "\"tt lake check {table}\" tells what else is damaged. Put the file back from a backup; or let \"tt lake repair \
             {table}\" take it out of the table, and refresh or import its rows anew."
        ))
    }

    pub(crate) fn log(table: &str, error: &DeltaTableError) -> Self {
        Self::Log { table: table.to_owned(), reason: sentence(error) }
    }

    pub(crate) fn commit(table: &str, error: &DeltaTableError) -> Self {
        Self::Commit { table: table.to_owned(), reason: sentence(error) }
    }

    pub(crate) fn file(table: &str, file: impl std::fmt::Display, reason: impl std::fmt::Display) -> Self {
        Self::File { table: table.to_owned(), file: file.to_string(), reason: reason.to_string() }
    }

    pub(crate) fn backup(target: &str, reason: impl std::fmt::Display) -> Self {
        Self::Backup { target: target.to_owned(), reason: reason.to_string() }
    }

    pub(crate) fn rows(table: &str, reason: impl std::fmt::Display) -> Self {
        Self::Rows { table: table.to_owned(), reason: reason.to_string() }
    }
}

/// The first line of the error; a backtrace may follow.
fn sentence(error: &DeltaTableError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
