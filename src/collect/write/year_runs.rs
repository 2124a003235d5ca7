//! Very many rows on their way into a table that has a file for each year: gathered by year as they come, in memory while
//! they are few, and outside of it beyond.
//!
//! A merge wants the rows of one year, and files of daily bars have all years of one symbol after the other. What does not
//! fit into memory goes to a [`SpillFile`] in runs of one year each, so that a merge reads those of its year and no others.

use super::rows_by_year::{RowsByYear, by_year};
use super::spill_file::SpillFile;
use super::table_rows::rows_error;
use super::years::Years;
use crate::lake::LakeError;
use crate::lake::dataset::Dataset;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of rows that are held in memory; an import of fewer needs no temporary file.
const HELD_BYTES_MAX: usize = 64 << 20;

/// The rows, by year. They are read as often as is needed, and are gone with it.
#[derive(Debug)]
pub struct YearRuns {
    years: Years,
    folder: PathBuf,
    held_bytes_max: usize,
    held_bytes: usize,
    runs: BTreeMap<i32, YearRun>,
    file: Option<SpillFile>,
}

/// The rows of one year: those outside of memory came first.
#[derive(Debug, Default)]
struct YearRun {
    rows: u64,
    outside: Vec<Range<u64>>,
    held: Vec<RecordBatch>,
    held_bytes: usize,
}

impl YearRuns {
    /// No rows of a dataset yet; a temporary file is made in `folder` when one is needed.
    ///
    /// # Errors
    /// The dataset has not a file for each year.
    pub fn new(dataset: &Arc<Dataset>, folder: &Path) -> Result<Self, LakeError> {
        Self::holding(dataset, folder, HELD_BYTES_MAX)
    }

    /// The same with so many bytes in memory at most, beside those of one batch.
    pub(super) fn holding(dataset: &Arc<Dataset>, folder: &Path, held_bytes_max: usize) -> Result<Self, LakeError> {
        let years = Years::of_dataset(dataset);
        let years = years.ok_or_else(|| rows_error(dataset.name, "its rows are not kept by year"))?;
        let (folder, runs) = (folder.to_owned(), BTreeMap::new());
        Ok(Self { years, folder, held_bytes_max, held_bytes: 0, runs, file: None })
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Adds the rows of a batch behind those that are there; one without a date is left out.
    ///
    /// # Errors
    /// The batch is of another dataset, or the temporary file cannot be made or written: its disk is full, or fails.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        for (year, rows) in by_year(&self.years, batch)? {
            let bytes = rows.get_array_memory_size();
            let run = self.runs.entry(year).or_default();
            run.rows += rows.num_rows() as u64;
            run.held_bytes += bytes;
            run.held.push(rows);
            self.held_bytes += bytes;
        }
        if self.held_bytes > self.held_bytes_max {
            self.spill_to(self.held_bytes_max / 2)?;
        }
        Ok(())
    }

    /// Puts the longest runs outside of memory, until no more bytes are in it than so many. Few long runs are written and
    /// read faster than many short ones.
    fn spill_to(&mut self, bytes_max: usize) -> Result<(), LakeError> {
        let mut longest: Vec<(usize, i32)> = self.runs.iter().map(|(year, run)| (run.held_bytes, *year)).collect();
        longest.sort_unstable_by(|one, other| other.cmp(one));
        for (_, year) in longest {
            if self.held_bytes <= bytes_max {
                break;
            }
            self.spill(year).map_err(|error| self.failed("cannot be put", &error))?;
        }
        Ok(())
    }

    fn spill(&mut self, year: i32) -> Result<(), ArrowError> {
        let Some(run) = self.runs.get_mut(&year).filter(|run| !run.held.is_empty()) else { return Ok(()) };
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(SpillFile::new_in(&self.folder, self.years.dataset().schema.clone())?),
        };
        run.outside.push(file.put(&run.held)?);
        run.held.clear();
        self.held_bytes = self.held_bytes.saturating_sub(std::mem::take(&mut run.held_bytes));
        Ok(())
    }

    fn read(&self, run: &YearRun) -> Result<Vec<RecordBatch>, ArrowError> {
        let mut rows = Vec::new();
        for place in &run.outside {
            rows.extend(self.file.as_ref().map(|file| file.read(place)).transpose()?.unwrap_or_default());
        }
        rows.extend(run.held.iter().cloned());
        // A file that was cut short would end the stream of its last batch, too.
        let count: u64 = rows.iter().map(|rows| rows.num_rows() as u64).sum();
        if count == run.rows { Ok(rows) } else { Err(ArrowError::IpcError(format!("{count} rows of {}", run.rows))) }
    }

    fn failed(&self, what: &str, error: &ArrowError) -> LakeError {
        LakeError::File {
            table: self.years.dataset().name.to_owned(),
            file: self.folder.display().to_string(),
            reason: format!("rows that wait to be merged {what} in a temporary file there: {error}"),
        }
    }
}

impl RowsByYear for YearRuns {
    fn counts(&self) -> BTreeMap<i32, u64> {
        self.runs.iter().map(|(year, run)| (*year, run.rows)).collect()
    }

    fn of_years(&self, years: &BTreeSet<i32>) -> Result<Vec<RecordBatch>, LakeError> {
        let mut rows = Vec::new();
        for run in years.iter().filter_map(|year| self.runs.get(year)) {
            let of_year = self.read(run).map_err(|error| self.failed("cannot be read", &error))?;
            rows.extend(of_year);
        }
        Ok(rows)
    }
}

#[cfg(test)]
#[path = "year_runs_tests.rs"]
mod tests;
