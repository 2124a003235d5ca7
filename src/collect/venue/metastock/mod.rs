//! End-of-day files as people have them, in MetaStock's forms and many others, one symbol per file or many, into daily
//! bars of the dataset `eod`.
//!
//! [`import`] walks a folder, reads files in parallel and hands over batches in symbol order. A row that is no session's is
//! rejected with line and reason, and so is a file of which nothing can be understood, while the others are imported.
//! Binary folders (`MASTER`, `F1.DAT`) and text files are told apart by their names. It never writes: what becomes of the
//! batches is the caller's matter.

mod bad_rows;
mod binary;
mod chunk;
mod columns;
mod date;
mod detect;
mod doubts;
mod given;
mod header;
mod known;
mod line;
mod number;
mod options;
mod parse;
mod reading;
mod renames;
mod report;
mod series;
mod spacing;
mod text;
mod walk;

use crate::collect::Progress;
use crate::lake::dataset;
use crate::lake::quality::Rejected;
use anyhow::Context;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, NaiveDate, Utc};
use chunk::Chunks;
use given::Given;
use parse::Parsed;
use reading::{Found, Reading};
use std::sync::mpsc::{Receiver, sync_channel};
use walk::plan;

pub use date::Order as DateOrder;
pub use known::{KnownFile, KnownFiles};
pub use options::{Options, SOURCE};
pub use renames::Renames;
pub use report::{FailedFile, Report};

/// Files one reader may be ahead of the delivery.
const FILES_AHEAD: usize = 16;
/// Rows per batch are at most this, so that offsets of text stay within 32 bits.
const CHUNK_ROWS_MAX: usize = 10_000_000;
/// Rejected rows that the report lists; `system.rejected_rows` has more of them.
const REJECTED_SHOWN: usize = 20;

/// Imports the files at `path` (one file, or a folder with all below it). Every batch given to `deliver` has the schema
/// of `eod` and the source of the options, and is sorted by symbol and date with one row per key. Batches come in symbol
/// order as far as files hold one symbol each; where they hold many, a symbol may be spread over several batches, and the
/// row of the later batch counts. Rows of dates later than that of `fetched_at` are rejected.
///
/// A file that is `known` and as it was is not parsed: its rows are counted and not delivered. Where another file has rows
/// of its symbols, that will not do ([`Report::overlaps`]), and the caller imports again without what is known.
///
/// # Errors
/// `path` cannot be listed or holds no such file, or `deliver` fails, which stops the import.
pub fn import(
    path: &std::path::Path,
    options: &Options,
    known: &KnownFiles,
    fetched_at: DateTime<Utc>,
    progress: &Progress,
    deliver: impl FnMut(RecordBatch) -> anyhow::Result<()>,
) -> anyhow::Result<Report> {
    let today = fetched_at.date_naive().signed_duration_since(NaiveDate::default()).num_days();
    let latest_day = i32::try_from(today).unwrap_or(i32::MAX).min(options.latest_day);
    let options = &Options { latest_day, ..options.clone() };
    let mut report = Report::default();
    let units = plan(path, options, &mut report)?;
    progress.begin(units.len() as u64);
    report.files = units.len() as u64;
    let schema = dataset::find(dataset::EOD).context("no dataset of daily bars")?.schema;
    let chunk_rows = options.chunk_rows.clamp(1, CHUNK_ROWS_MAX);
    let mut chunks = Chunks::new(schema, chunk_rows, fetched_at, options.source.clone(), deliver);
    let mut given = Given::default();
    let reading = Reading { root: path, options, known };
    let readers = options.readers.max(1);
    std::thread::scope(|scope| {
        // Reader n takes every n-th file, so asking the readers in turn gives the files in order, none far ahead.
        let results: Vec<Receiver<Result<Found<'_>, FailedFile>>> = (0..readers)
            .map(|reader| {
                let (sender, receiver) = sync_channel(FILES_AHEAD);
                let mine = units.iter().skip(reader).step_by(readers);
                scope.spawn(move || {
                    for (_, unit) in mine {
                        if sender.send(reading.read(unit)).is_err() {
                            return;
                        }
                    }
                });
                receiver
            })
            .collect();
        for ((symbol, unit), results) in units.iter().zip(results.iter().cycle()) {
            let file = unit.path().display().to_string();
            let found = results.recv().unwrap_or_else(|_| {
                Err(FailedFile { file: file.clone(), line: None, reason: "the reader stopped".to_owned() })
            });
            match found {
                Ok(Found::AsBefore(known)) => {
                    progress.finish(known.rows, false);
                    given.add(&known.symbols, true);
                    take_again(known, &file, &mut report);
                }
                Ok(Found::Parsed(mut parsed, known)) => {
                    progress.finish(parsed.rows() as u64, false);
                    given.add(parsed.series.iter().map(|series| &series.symbol), false);
                    report.known_anew.extend(known.map(|known| *known));
                    take(&mut parsed, &file, &options.source, &mut report);
                    chunks.flush_before(symbol, &mut report)?;
                    chunks.hold(parsed.series);
                }
                Err(failed) => {
                    progress.finish(0, true);
                    report.files_failed.push(failed);
                }
            }
        }
        chunks.flush(&mut report)
    })?;
    report.overlaps = given.overlaps();
    report.known_anew.retain(|file| !file.symbols.iter().any(|symbol| given.is_shared(symbol)));
    report.symbols = given.into_names();
    tell_failed(&mut report, &options.source);
    Ok(report)
}

/// Tells again what was told of a file that is as it was.
fn take_again(known: &KnownFile, file: &str, report: &mut Report) {
    report.rows += known.rows;
    report.duplicates_dropped += known.duplicates;
    report.conflicts += known.conflicts;
    report.warnings.extend(known.warnings.iter().map(|warning| format!("{file}: {warning}")));
    known.doubts.iter().cloned().for_each(|(doubt, count)| report.findings.doubt(doubt, count));
    report.known_still.push(known.clone());
}

/// Takes what is said of a file into the report.
fn take(parsed: &mut Parsed, file: &str, source: &str, report: &mut Report) {
    report.duplicates_dropped += parsed.duplicates;
    report.conflicts += parsed.conflicts;
    report.rows_skipped += parsed.skipped;
    report.rows_rejected += parsed.bad.count;
    report.warnings.extend(parsed.warnings.iter().map(|warning| format!("{file}: {warning}")));
    for row in &parsed.bad.listed {
        if report.rejected.len() >= REJECTED_SHOWN {
            break;
        }
        let (line, text) = (row.line.map(|line| format!("line {line}: ")), row.text.escape_debug());
        let text = if row.text.is_empty() { format!("{} rows", row.count) } else { format!("{text}") };
        report.rejected.push(format!("{file}: {}{} ({text})", line.unwrap_or_default(), row.reason));
    }
    std::mem::take(&mut parsed.bad).tell(source, file, &mut report.findings);
    std::mem::take(&mut parsed.doubts).into_iter().for_each(|(doubt, count)| report.findings.doubt(doubt, count));
}

/// A file that is refused is a finding too.
fn tell_failed(report: &mut Report, source: &str) {
    for failed in &report.files_failed {
        report.findings.reject(Rejected {
            source: source.to_owned(),
            location: failed.file.clone(),
            line: failed.line,
            symbol: None,
            text: String::new(),
            reason: format!("the file is refused: {}", failed.reason),
        });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::collect::merge::merge;
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Date32Type, Float64Type, Int64Type};
    use std::path::{Path, PathBuf};
    use std::sync::atomic::Ordering;

    fn now() -> DateTime<Utc> {
        "2026-11-03T22:00:00Z".parse().unwrap()
    }

    fn run(path: &Path, options: &Options) -> (Report, Vec<RecordBatch>) {
        let mut batches = Vec::new();
        let progress = Progress::default();
        let report = import(path, options, &KnownFiles::default(), now(), &progress, |batch| {
            batches.push(batch);
            Ok(())
        })
        .unwrap();
        assert_eq!(progress.done.load(Ordering::Relaxed), report.files);
        assert!(progress.failed.load(Ordering::Relaxed) <= report.files_failed.len() as u64);
        assert_eq!(report.rows, batches.iter().map(|batch| batch.num_rows() as u64).sum::<u64>());
        (report, batches)
    }

    fn recorded() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/metastock")
    }

    #[test]
    fn recorded_files_are_imported_to_the_row() {
        let (report, batches) = run(&recorded(), &Options::default());
        assert_eq!((report.rows, report.symbols.len(), report.files), (12_154, 5, 5));
        assert_eq!((report.files_failed.len(), report.conflicts, report.rows_skipped), (0, 0, 0));
        assert_eq!(batches.len(), 1);
        let batch = &batches[0];
        let symbols = batch.column(0).as_string::<i32>();
        let dates = batch.column(1).as_primitive::<Date32Type>();
        let row = |symbol: &str, day: &str| {
            (0..batch.num_rows())
                .find(|&row| symbols.value(row) == symbol && date::text(dates.value(row)) == day)
                .unwrap()
        };
        let close = batch.column(5).as_primitive::<Float64Type>();
        assert_eq!(close.value(row("AAPL", "2013-03-01")), 430.47);
        assert_eq!(close.value(row("FB", "2012-05-18")), 38.2318);
        assert_eq!(close.value(row("IBM", "2000-03-01")), 100.25);
        let volume = batch.column(6).as_primitive::<Int64Type>();
        assert_eq!(volume.value(row("AAPL", "2000-03-01")), 9_616_100);
        assert_eq!(batch.column(7).null_count(), batch.num_rows(), "no equity has open interest");
        let mut names: Vec<_> = symbols.iter().flatten().collect();
        names.dedup();
        assert_eq!(names, ["AAPL", "FB", "GOOG", "IBM", "MSFT"]);
        let days: Vec<_> = dates.values().iter().copied().collect();
        assert_eq!(date::text(*days.iter().min().unwrap()), "2000-03-01");
        assert_eq!(date::text(*days.iter().max().unwrap()), "2013-03-01");
    }

    #[test]
    fn the_same_import_twice_changes_nothing() {
        let (_, batches) = run(&recorded(), &Options::default());
        let eod = dataset::find("eod").unwrap();
        let first = merge(&eod, &[], &batches).unwrap();
        assert_eq!((first.added, first.changed), (12_154, 0));
        let second = merge(&eod, std::slice::from_ref(&first.rows), &batches).unwrap();
        assert_eq!((second.added, second.changed, second.unchanged), (0, 0, 12_154));
        assert_eq!(second.rows, first.rows);
    }

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        folder
    }

    #[test]
    fn a_bad_file_costs_only_itself() {
        let folder = folder(&[
            ("a.txt", b"20260105,1,2,1,2,5\n"),
            ("b.csv", b"20260105,1,2,1,2,5\n20260106,1,2,1\n"),
            ("c.prn", b""),
            ("d.txt", b"MZ\x90\0\x03"),
            ("e.asc", b"20260105,1,2,1,2,5"),
            ("f.pdf", b"no file of ours"),
            (".g.txt", b"nor this"),
        ]);
        let (report, _) = run(folder.path(), &Options::default());
        let failed: Vec<_> = report
            .files_failed
            .iter()
            .map(|failed| {
                (Path::new(&failed.file).file_name().unwrap().to_str().unwrap(), failed.line, failed.reason.as_str())
            })
            .collect();
        assert_eq!(
            failed,
            [("c.prn", None, "the file is empty"), ("d.txt", None, "not a text file: a control character at byte 3"),]
        );
        assert_eq!((report.files, report.rows, report.symbols.len(), report.rows_rejected), (5, 3, 3, 1));
        let rejected =
            format!("{}: line 2: 4 columns instead of 6 (20260106,1,2,1)", folder.path().join("b.csv").display());
        assert_eq!(report.rejected, [rejected]);
        assert_eq!(report.findings.rejected_rows(), 3, "refused files are findings too");
    }

    #[test]
    fn one_symbol_in_several_files_is_one_series() {
        let folder = folder(&[
            ("new/x.txt", b"ACME,20260106,1,2,1,2,5\nACME,20260107,1,2,1,2,5\n"),
            ("old/y.txt", b"ACME,20260105,1,2,1,2,5\nACME,20260106,1,2,1,1.5,5\nACME,20260107,1,2,1,2,5\n"),
            ("z.txt", b"ABC,20260105,1,2,1,2,5\n"),
        ]);
        let options = Options { chunk_rows: 1, ..Options::default() };
        let (report, batches) = run(folder.path(), &options);
        assert_eq!((report.rows, report.symbols.len(), report.duplicates_dropped, report.conflicts), (4, 2, 1, 1));
        let symbols: Vec<_> =
            batches.iter().map(|batch| batch.column(0).as_string::<i32>().value(0).to_owned()).collect();
        assert_eq!(symbols, ["ABC", "ACME"]);
    }

    #[test]
    fn many_small_files_come_in_symbol_order_and_small_batches() {
        let names: Vec<String> = (0..300).rev().map(|number| format!("s{number:03}.txt")).collect();
        let files: Vec<(&str, &[u8])> =
            names.iter().map(|name| (name.as_str(), b"20260105,1,2,1,2,5\n20260106,1,2,1,2,5\n".as_slice())).collect();
        let folder = folder(&files);
        for readers in [1, 2, 7] {
            let (report, batches) = run(folder.path(), &Options { chunk_rows: 100, readers, ..Options::default() });
            assert_eq!((report.rows, batches.len()), (600, 6));
            let symbols: Vec<String> = batches
                .iter()
                .flat_map(|batch| {
                    batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned).collect::<Vec<_>>()
                })
                .collect();
            assert!(symbols.is_sorted());
        }
    }

    #[test]
    fn files_that_are_as_they_were_are_counted_and_not_delivered() {
        let good = b"20260105,1,2,1,2,5\n20260106,1,2,1,2,5\n20260106,1,2,1,1.5,5\n".as_slice();
        let folder = folder(&[("a.txt", good), ("b.txt", good), ("bad.txt", b"20260105,1,2,1,2,5\n20260106,1,2,1\n")]);
        let options = Options::default();
        let again = |known: KnownFiles| {
            let mut delivered = Vec::new();
            let report = import(folder.path(), &options, &known, now(), &Progress::default(), |batch| {
                delivered.extend(batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
                Ok(())
            });
            delivered.dedup();
            (report.unwrap(), delivered)
        };
        let said = |report: &Report| {
            let doubts: Vec<_> = report.findings.doubts().map(|(doubt, count)| (doubt.clone(), count)).collect();
            let counts = (report.files, report.rows, report.conflicts, report.rows_rejected);
            (counts, report.symbols.clone(), report.warnings.clone(), doubts)
        };
        let (first, all) = again(KnownFiles::default());
        assert_eq!((first.known_anew.len(), all.len()), (2, 3), "a file with a rejected row is read again");
        let known = || first.known_anew.iter().cloned().collect::<KnownFiles>();
        let (second, read) = again(known());
        assert_eq!((second.known_still.clone(), second.overlaps), (first.known_anew.clone(), false));
        assert_eq!((said(&second), read), (said(&first), vec!["BAD".to_owned()]));
        // A byte that changes, and a name: another file.
        std::fs::write(folder.path().join("a.txt"), b"20260105,1,2,1,2,5\n20260106,1,2,1,2,5\n20260106,1,2,1,1.6,5\n")
            .unwrap();
        std::fs::rename(folder.path().join("b.txt"), folder.path().join("c.txt")).unwrap();
        let (third, read) = again(known());
        assert_eq!((third.known_still.len(), read), (0, ["A", "BAD", "C"].map(str::to_owned).to_vec()));
        // What was in the past is of the future where the clock was set back.
        let early = Options { latest_day: 20_000, ..Options::default() };
        let known = third.known_anew.into_iter().collect();
        let report = import(folder.path(), &early, &known, now(), &Progress::default(), |_| Ok(())).unwrap();
        assert_eq!((report.known_still.len(), report.files_failed.len()), (0, 3));
    }

    #[test]
    fn a_file_that_shares_a_symbol_with_one_that_is_not_read_tells_so() {
        let folder = folder(&[("a.txt", b"ACME,20260105,1,2,1,2,5\n")]);
        let options = Options::default();
        let all = |known: &KnownFiles| {
            import(folder.path(), &options, known, now(), &Progress::default(), |_| Ok(())).unwrap()
        };
        let known: KnownFiles = all(&KnownFiles::default()).known_anew.into_iter().collect();
        assert!(!all(&known).overlaps);
        std::fs::write(folder.path().join("b.txt"), b"ACME,20260106,1,2,1,2,5\n").unwrap();
        assert!(all(&known).overlaps);
        let whole = all(&KnownFiles::default());
        assert!(!whole.overlaps && whole.known_anew.is_empty(), "files of one symbol are read together");
    }

    #[test]
    fn symbols_are_renamed_where_asked() {
        let folder = folder(&[("brk.b.txt", b"20260105,1,2,1,2,5\n")]);
        let renames = Renames::read("BRK.B,BRK/B").unwrap();
        let source = "mine".to_owned();
        let (_, batches) = run(folder.path(), &Options { renames, source, ..Options::default() });
        assert_eq!(batches[0].column(0).as_string::<i32>().value(0), "BRK/B");
        assert_eq!(batches[0].column(8).as_string::<i32>().value(0), "mine");
    }

    #[test]
    fn bars_of_the_future_are_rejected() {
        let folder = folder(&[("a.txt", b"20261103,1,2,1,2,5\n20261104,1,2,1,2,5\n20990105,1,2,1,2,5\n")]);
        let (report, _) = run(folder.path(), &Options::default());
        assert_eq!((report.rows, report.rows_rejected), (1, 2));
        assert!(report.rejected[0].contains("2026-11-04 is in the future"), "{:?}", report.rejected);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_skipped_by_name() {
        let folder = folder(&[("a.txt", b"20260105,1,2,1,2,5\n")]);
        for name in ["pipe.csv", "MASTER"] {
            let made = std::process::Command::new("mkfifo").arg(folder.path().join(name)).status();
            assert!(made.unwrap().success());
        }
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("zero.txt")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("broken.txt")).unwrap();
        let (report, _) = run(folder.path(), &Options::default());
        assert_eq!((report.files, report.rows), (1, 1));
        let said = report.warnings.join("\n");
        for name in ["pipe.csv: skipped: it is a named pipe", "zero.txt: skipped: it is a device"] {
            assert!(said.contains(name), "{name} in {said}");
        }
        assert!(report.files_failed[0].file.ends_with("broken.txt"), "{:?}", report.files_failed);
        let (pipe, none, progress) = (folder.path().join("pipe.csv"), KnownFiles::default(), Progress::default());
        let alone = import(&pipe, &Options::default(), &none, now(), &progress, |_| Ok(()));
        assert!(alone.unwrap_err().to_string().contains("pipe.csv: it is a named pipe"));
    }

    #[test]
    fn a_folder_without_files_and_a_failed_delivery_are_errors() {
        let empty = folder(&[]);
        let (none, progress) = (KnownFiles::default(), Progress::default());
        let error = import(empty.path(), &Options::default(), &none, now(), &progress, |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("holds no MetaStock file"));
        let stop = import(&recorded(), &Options::default(), &none, now(), &progress, |_| anyhow::bail!("disk full"));
        assert_eq!(stop.unwrap_err().to_string(), "disk full");
    }
}
