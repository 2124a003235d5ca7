//! Rows that can be asked for year by year, wherever they are: what a merge by year reads.

use super::table_rows::rows_error;
use super::years::Years;
use crate::lake::LakeError;
use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Rows of a dataset that has a file for each year. Whoever asks again, as after a lost race, gets the same.
pub(super) trait RowsByYear: Sync {
    /// How many rows there are of each year. Those without a date are of none.
    fn counts(&self) -> BTreeMap<i32, u64>;

    /// The rows of some years in batches, those of one year in the order in which they came.
    ///
    /// # Errors
    /// They cannot be read again from where they were put.
    fn of_years(&self, years: &BTreeSet<i32>) -> Result<Vec<RecordBatch>, LakeError>;
}

/// Batches in memory as rows by year.
pub(super) struct Batches<'a> {
    batches: &'a [RecordBatch],
    runs: BTreeMap<i32, Vec<(usize, Range<usize>)>>,
}

impl<'a> Batches<'a> {
    pub(super) fn new(years: &Years, batches: &'a [RecordBatch]) -> Result<Self, LakeError> {
        let mut runs: BTreeMap<i32, Vec<(usize, Range<usize>)>> = BTreeMap::new();
        for (place, batch) in batches.iter().enumerate() {
            for (year, found) in years.runs(batch)? {
                runs.entry(year).or_default().extend(found.into_iter().map(|run| (place, run)));
            }
        }
        Ok(Self { batches, runs })
    }
}

impl RowsByYear for Batches<'_> {
    fn counts(&self) -> BTreeMap<i32, u64> {
        let rows = |runs: &Vec<(usize, Range<usize>)>| runs.iter().map(|(_, run)| run.len() as u64).sum();
        self.runs.iter().map(|(year, runs)| (*year, rows(runs))).collect()
    }

    fn of_years(&self, years: &BTreeSet<i32>) -> Result<Vec<RecordBatch>, LakeError> {
        let runs = years.iter().filter_map(|year| self.runs.get(year)).flatten();
        Ok(runs.filter_map(|(batch, run)| Some(self.batches.get(*batch)?.slice(run.start, run.len()))).collect())
    }
}

/// The rows of each year in a batch, copied, so that the batch can be let go of.
pub(super) fn by_year(years: &Years, batch: &RecordBatch) -> Result<Vec<(i32, RecordBatch)>, LakeError> {
    let of_year = |(year, runs): (i32, Vec<Range<usize>>)| {
        // The empty one makes sure of a copy: one slice alone would be handed on as it is.
        let slices = runs.into_iter().map(|run| batch.slice(run.start, run.len()));
        let slices: Vec<RecordBatch> = slices.chain([batch.slice(0, 0)]).collect();
        Ok((year, concat_batches(&batch.schema(), &slices)?))
    };
    let parts: Result<_, arrow::error::ArrowError> = years.runs(batch)?.into_iter().map(of_year).collect();
    parts.map_err(|error| rows_error(years.dataset().name, error))
}
