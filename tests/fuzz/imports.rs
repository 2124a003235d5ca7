//! What is done with files that a person might import, and what must hold of the import whatever they are. Used by the fuzz
//! targets, and by the test that replays what they have found.

use super::folder;
use super::rows::{rows, wrong_order};
use arrow::array::RecordBatch;
use chrono::{DateTime, NaiveDate, Utc};
use std::path::Path;
use ttapi::collect::Progress;
use ttapi::collect::venue::metastock::{self, DateOrder, KnownFiles, Options, Renames};

/// What an import did, as far as it can be compared.
#[derive(Debug, PartialEq)]
struct Outcome {
    batches: Vec<RecordBatch>,
    /// Rows that were delivered, rejected or dropped for another of the same date.
    accounted: u64,
    /// The report in words, or the error of the import as a whole.
    told: String,
}

/// Imports one text file. Returns the number of its rows, or says what was done wrong.
pub(crate) fn text(bytes: &[u8]) -> Result<u64, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("acme co.txt");
    std::fs::write(&file, bytes).expect("write a file");
    imported(&file, &options(bytes), lines(bytes))
}

/// Imports a folder of index and data files, which the input holds one after the other. Returns the number of its rows, or
/// says what was done wrong.
pub(crate) fn binary(bytes: &[u8]) -> Result<u64, String> {
    let files = folder::split(bytes);
    let place = tempfile::tempdir().expect("a temporary folder");
    for (name, content) in &files {
        std::fs::write(place.path().join(name), content).expect("write a file");
    }
    // A row has a date and a close at least, of four bytes each.
    let records = files.iter().map(|(_, content)| content.len() as u64 / 8).sum();
    imported(place.path(), &Options::default(), records)
}

/// What a person may say beside the file; which of it follows from the sum of the bytes, so that a find stays what it is.
fn options(bytes: &[u8]) -> Options {
    let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    let plain = Options::default();
    match sum % 6 {
        0 => Options { date_order: Some(DateOrder::DayFirst), volume_multiplier: 100.0, ..plain },
        1 => Options { date_order: Some(DateOrder::MonthFirst), chunk_rows: 2, ..plain },
        2 => Options { date_order: Some(DateOrder::YearFirst), pivot_year: 80, ..plain },
        3 => Options { symbol: Some("acme".to_owned()), ..plain },
        4 => Options { renames: Renames::read("A,B\n*.US,*\n").expect("two symbols a line"), ..plain },
        _ => plain,
    }
}

/// Lines that a text may have, however they end.
fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r' | 0 | 0x1a)).count() as u64 + 1
}

/// Imports twice, and looks at every row. `rows_max` is how many there can be.
fn imported(path: &Path, options: &Options, rows_max: u64) -> Result<u64, String> {
    let now: DateTime<Utc> = "2026-11-03T22:00:00Z".parse().expect("a moment");
    let one = import(path, &Options { readers: 1, ..options.clone() }, now);
    let other = import(path, &Options { readers: 2, ..options.clone() }, now);
    if one != other {
        return Err(format!("two imports of the same differ: {}; {}", one.told, other.told));
    }
    if one.accounted > rows_max {
        return Err(format!("{} rows of at most {rows_max}: {}", one.accounted, one.told));
    }
    let latest = now.date_naive().signed_duration_since(NaiveDate::default()).num_days();
    let latest = i32::try_from(latest).expect("a day of our time");
    let rows = rows(&one.batches);
    let wrong = rows.iter().find_map(|row| row.wrong(latest)).or_else(|| one.batches.iter().find_map(wrong_order));
    wrong.map_or(Ok(rows.len() as u64), Err)
}

fn import(path: &Path, options: &Options, now: DateTime<Utc>) -> Outcome {
    let mut batches = Vec::new();
    let deliver = |batch| {
        batches.push(batch);
        Ok(())
    };
    match metastock::import(path, options, &KnownFiles::default(), now, &Progress::default(), deliver) {
        Ok(report) => {
            let delivered: u64 = batches.iter().map(|batch: &RecordBatch| batch.num_rows() as u64).sum();
            let dropped = report.duplicates_dropped + report.conflicts;
            let told = format!(
                "{} rows of {} symbols, {} rejected, {} dropped, {} skipped; {:?} {:?} {:?}",
                report.rows,
                report.symbols.len(),
                report.rows_rejected,
                dropped,
                report.rows_skipped,
                report.files_failed,
                report.rejected,
                report.warnings
            );
            Outcome { accounted: delivered.max(report.rows) + report.rows_rejected + dropped, batches, told }
        }
        Err(error) => Outcome { batches, accounted: 0, told: format!("{error:#}") },
    }
}
