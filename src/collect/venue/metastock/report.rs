//! What became of an import: counts, and what was refused or is odd. `tt import metastock` prints it.

use super::known::KnownFile;
use crate::lake::quality::Findings;
use std::collections::BTreeSet;

/// One file that is not imported, or a folder that cannot be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedFile {
    /// Path of the file as it was given.
    pub file: String,
    /// The line that is wrong, from 1; `None` when the file as a whole is.
    pub line: Option<u64>,
    /// Why, in one clear sentence.
    pub reason: String,
}

/// What an import did.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Files found, failed ones included. A security of a binary folder counts as one.
    pub files: u64,
    /// Files that were refused as a whole, each with its reason.
    pub files_failed: Vec<FailedFile>,
    /// Rows that the import delivered, and those of files that are as they were.
    pub rows: u64,
    /// Symbols that the files have rows of.
    pub symbols: BTreeSet<String>,
    /// Rows of files that were taken which are not imported, those of other periods included.
    pub rows_rejected: u64,
    /// Rows left out because another one says the same.
    pub duplicates_dropped: u64,
    /// Rows left out because a later one of the same symbol and date says otherwise.
    pub conflicts: u64,
    /// Rows left out because they cover less or more than a day.
    pub rows_skipped: u64,
    /// Rejected rows, one line each as far as they are listed: file, line, reason and text.
    pub rejected: Vec<String>,
    /// Sentences that begin with the file they are about.
    pub warnings: Vec<String>,
    /// Rejected rows and files, and doubts, for whoever records them.
    pub findings: Findings,
    /// Files that are as they were, whose rows were not delivered.
    pub known_still: Vec<KnownFile>,
    /// Files that were read and that no later import need read while they stay as they are.
    pub known_anew: Vec<KnownFile>,
    /// Whether a file that is as it was shares a symbol with another one. Then what was delivered is not what the files
    /// say, and all of them have to be read.
    pub overlaps: bool,
}
