//! What was imported, file by file, beside the table: `state/eod.imports.json`.
//!
//! A file that is in the record gave rows which the table of a certain version has, or rows of stronger sources in their
//! place: to merge them into that version again would change nothing. The same holds for each later version, as long as no
//! commit in between changed a row of the file's symbols. The log tells which symbols a commit changed; where it does not,
//! as for a rollback, nothing is known of any file, and all are read. What else decides about rows is in [`Source::meaning`].
//!
//! Nothing depends on the record: one that is missing, damaged or of another release costs the time of reading.

use crate::collect::venue::metastock::{KnownFile, KnownFiles, Options, Report};
use crate::collect::write::Written;
use crate::lake::{Lake, LakeError, LakeTable, Snapshot};
use serde::{Deserialize, Serialize};
use std::path::Path;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_128};

/// Name of the record among the notes of the lake.
const NOTE: &str = "eod.imports";
/// Version of its form and of what it means; another one is another record.
const FORM: u32 = 1;
/// Folders that are remembered at most; those that were imported last.
const FOLDERS_MAX: usize = 8;
/// Bytes of a record that is read or written.
const BYTES_MAX: usize = 64 << 20;

/// Where files are imported from, and how they are understood.
#[derive(Debug)]
pub(super) struct Source {
    folder: String,
    meaning: String,
}

impl Source {
    /// `None` where the path is no text, or is not there.
    pub(super) fn new(path: &Path, options: &Options, table: &LakeTable) -> Option<Self> {
        let folder = path.canonicalize().ok()?.to_str()?.to_owned();
        let (release, precedence) = (env!("CARGO_PKG_VERSION"), table.precedence());
        let meaning = format!("{FORM} {release} {} {precedence:?}", options.meaning());
        Some(Self { folder, meaning: hexadecimal(xxh3_128(meaning.as_bytes())) })
    }
}

/// The record as it is written.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    /// The folder that was imported last stands last.
    folders: Vec<Folder>,
}

/// Files of one folder that a version of the table has.
#[derive(Debug, Serialize, Deserialize)]
struct Folder {
    folder: String,
    /// Digest of all beside the files that decides about rows.
    meaning: String,
    version: u64,
    /// Digest of the names of the version's data files: a table that was begun anew, restored or repaired may have another
    /// version of that number.
    table: String,
    files: Vec<KnownFile>,
}

/// What was read of the record, for writing it anew.
#[derive(Debug, Default)]
pub(super) struct Recalled {
    /// The version that has the files that are known; `None` where there is no table.
    version: Option<u64>,
    /// What is remembered of other folders.
    others: Vec<Folder>,
}

/// Reads what is known of the files of a source, and still holds for the latest version of the table.
pub(super) async fn recall(lake: &Lake, table: &LakeTable, source: &Source) -> (Recalled, KnownFiles) {
    let mut folders = read(lake).await.folders;
    let own = folders.iter().position(|folder| folder.folder == source.folder).map(|place| folders.remove(place));
    // Whoever cannot read the table says so when it comes to its rows.
    let latest = table.update().await.ok().flatten();
    let recalled = Recalled { version: latest.as_ref().map(|latest| latest.version), others: folders };
    let known = match (own.filter(|own| own.meaning == source.meaning), latest) {
        (Some(own), Some(latest)) => still_held(table, own, &latest).await,
        _ => None,
    };
    (recalled, known.unwrap_or_default())
}

/// The files of a folder whose rows the latest version has as the one of the record had; `None` where that is not known.
async fn still_held(table: &LakeTable, folder: Folder, latest: &Snapshot) -> Option<KnownFiles> {
    let recorded = table.snapshot_by_version(folder.version).await.ok()?;
    if digest(&recorded) != folder.table {
        return None;
    }
    let changed = table.changed_items(folder.version, latest.version).await?;
    Some(folder.files.into_iter().filter(|file| !file.symbols.iter().any(|symbol| changed.contains(symbol))).collect())
}

/// Writes down which files the table has after an import, and takes them from the report.
///
/// # Errors
/// The version of the table is no longer there, or the record cannot be written.
pub(super) async fn remember(
    lake: &Lake,
    table: &LakeTable,
    source: Source,
    recalled: Recalled,
    written: &Written,
    report: &mut Report,
) -> Result<(), LakeError> {
    let Some(version) = written.version.or(recalled.version) else { return Ok(()) };
    let still = std::mem::take(&mut report.known_still);
    let mut files = unchanged_meanwhile(table, still, recalled.version, written, version).await;
    files.append(&mut report.known_anew);
    let snapshot = table.snapshot_by_version(version).await?;
    let mut folders = recalled.others;
    folders.push(Folder { folder: source.folder, meaning: source.meaning, version, table: digest(&snapshot), files });
    let surplus = folders.len().saturating_sub(FOLDERS_MAX);
    folders.drain(..surplus);
    let text = serde_json::to_vec(&Record { folders });
    let text = text.map_err(|error| LakeError::Rows { table: NOTE.to_owned(), reason: error.to_string() })?;
    if text.len() > BYTES_MAX {
        tracing::debug!(bytes = text.len(), "too many files were imported to be remembered");
        return Ok(());
    }
    lake.write_note(NOTE, text).await
}

/// Files that were not read, but for those whose symbols somebody changed while others were: between the version that was
/// looked at and the one that the import made another may have come.
async fn unchanged_meanwhile(
    table: &LakeTable,
    still: Vec<KnownFile>,
    since: Option<u64>,
    written: &Written,
    version: u64,
) -> Vec<KnownFile> {
    let Some(since) = since.filter(|_| !still.is_empty()) else { return Vec::new() };
    let is_own = written.added > 0 || written.changed > 0;
    let until = if is_own { version.saturating_sub(1) } else { version };
    let Some(changed) = table.changed_items(since, until).await else { return Vec::new() };
    still.into_iter().filter(|file| !file.symbols.iter().any(|symbol| changed.contains(symbol))).collect()
}

/// The record; an empty one where none can be read.
async fn read(lake: &Lake) -> Record {
    let text = match lake.read_note(NOTE).await {
        Ok(Some(text)) if text.len() <= BYTES_MAX => text,
        Ok(_) => return Record::default(),
        Err(error) => {
            tracing::debug!("{error}; all files are read");
            return Record::default();
        }
    };
    serde_json::from_slice(&text).unwrap_or_else(|error| {
        tracing::debug!("the record of what was imported is damaged: {error}; all files are read");
        Record::default()
    })
}

/// What tells a version from others of its number: the names of its files, which are never given twice.
fn digest(snapshot: &Snapshot) -> String {
    let mut digest = Xxh3Default::new();
    for file in &snapshot.files {
        digest.update(file.path.as_ref().as_bytes());
        digest.update(&file.size.to_le_bytes());
    }
    hexadecimal(digest.digest128())
}

fn hexadecimal(digest: u128) -> String {
    format!("{digest:032x}")
}
