//! What is known of files that were imported before. A file whose bytes are as they were need not be parsed again, and all
//! that was told of it is told again.

use super::doubts::Counted;
use super::parse::Parsed;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use xxhash_rust::xxh3::xxh3_128;

/// Symbols of a file that is remembered, at most. One of more is read again.
const SYMBOLS_MAX: usize = 64;
/// Doubts and warnings of a file that is remembered, at most.
const TOLD_MAX: usize = 64;

/// A file of which every row came in, and what an import tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownFile {
    content: Content,
    /// Symbols that it has rows of, sorted.
    pub symbols: Vec<String>,
    /// Its rows, one for each symbol and date.
    pub(super) rows: u64,
    /// The latest date of a row, as days since 1970-01-01.
    last_day: i32,
    pub(super) duplicates: u64,
    pub(super) conflicts: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) doubts: Vec<Counted>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<String>,
}

/// Which file it is, and which bytes it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    /// Path below what was imported, or the name of a file that was imported by itself.
    path: String,
    /// Size of the file in bytes.
    size: u64,
    /// XXH3 of its bytes with 128 bits, in hexadecimal digits.
    digest: String,
}

impl Content {
    pub(super) fn of(path: String, bytes: &[u8]) -> Self {
        Self { path, size: bytes.len() as u64, digest: format!("{:032x}", xxh3_128(bytes)) }
    }
}

impl KnownFile {
    /// What is to be remembered of a file; nothing where the next import is to read it in any case: rows were rejected, or
    /// there is much to tell.
    pub(super) fn of(content: Content, parsed: &Parsed) -> Option<Self> {
        let whole = parsed.bad.count == 0 && parsed.skipped == 0;
        let told = parsed.doubts.len().saturating_add(parsed.warnings.len());
        if !whole || told > TOLD_MAX || parsed.series.len() > SYMBOLS_MAX {
            return None;
        }
        let days = parsed.series.iter().filter_map(|series| series.days.last());
        Some(Self {
            content,
            symbols: parsed.series.iter().map(|series| series.symbol.clone()).collect(),
            rows: parsed.rows() as u64,
            last_day: days.map(|day| day.day).max()?,
            duplicates: parsed.duplicates,
            conflicts: parsed.conflicts,
            doubts: parsed.doubts.clone(),
            warnings: parsed.warnings.clone(),
        })
    }
}

/// Files that need not be parsed if they are as they were.
#[derive(Debug, Default)]
pub struct KnownFiles(HashMap<String, KnownFile>);

impl FromIterator<KnownFile> for KnownFiles {
    fn from_iter<Files: IntoIterator<Item = KnownFile>>(files: Files) -> Self {
        Self(files.into_iter().map(|file| (file.content.path.clone(), file)).collect())
    }
}

impl KnownFiles {
    /// What is known of a file that has this content, if all its rows are of a day up to `latest`.
    pub(super) fn same(&self, content: &Content, latest: i32) -> Option<&KnownFile> {
        self.0.get(&content.path).filter(|known| known.content == *content && known.last_day <= latest)
    }
}
