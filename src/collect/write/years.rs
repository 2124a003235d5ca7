//! The years that rows and files are of, by a date column of a dataset.

use super::table_rows::rows_error;
use crate::lake::dataset::{Dataset, Layout};
use crate::lake::{DataFile, LakeError, StatisticValue};
use arrow::array::{AsArray, BooleanArray, Date32Array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Date32Type;
use arrow::record_batch::RecordBatch;
use chrono::{Datelike, Days, NaiveDate};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// A dataset, and the column whose year says which file a row is in.
#[derive(Debug, Clone)]
pub(super) struct Years {
    dataset: Arc<Dataset>,
    column: &'static str,
}

impl Years {
    /// The years of a dataset that has a file for each; `None` for others.
    pub(super) fn of_dataset(dataset: &Arc<Dataset>) -> Option<Self> {
        match dataset.layout {
            Layout::ByYear(column) => Some(Self::new(dataset, column)),
            Layout::Whole => None,
        }
    }

    pub(super) fn new(dataset: &Arc<Dataset>, column: &'static str) -> Self {
        Self { dataset: dataset.clone(), column }
    }

    pub(super) fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    pub(super) fn dates<'a>(&self, rows: &'a RecordBatch) -> Result<&'a Date32Array, LakeError> {
        let column = rows.column_by_name(self.column).and_then(|column| column.as_primitive_opt::<Date32Type>());
        column.ok_or_else(|| rows_error(self.dataset.name, format!("rows without a {}", self.column)))
    }

    pub(super) fn of(&self, rows: &RecordBatch) -> Result<BTreeSet<i32>, LakeError> {
        let mut last_days = None;
        let mut years = BTreeSet::new();
        for days in self.dates(rows)?.iter().flatten() {
            if last_days != Some(days) {
                years.insert(year_of(days));
                last_days = Some(days);
            }
        }
        Ok(years)
    }

    /// Where the rows of each year stand, in the order in which they come; rows without a date are left out.
    pub(super) fn runs(&self, rows: &RecordBatch) -> Result<BTreeMap<i32, Vec<Range<usize>>>, LakeError> {
        let mut runs: BTreeMap<i32, Vec<Range<usize>>> = BTreeMap::new();
        let mut run: Option<(i32, usize)> = None;
        // Days of the year of the run, so that not each has to be read.
        let mut within = 0..0;
        let mut end = |run: Option<(i32, usize)>, end: usize| {
            if let Some((year, first)) = run {
                runs.entry(year).or_default().push(first..end);
            }
        };
        for (row, days) in self.dates(rows)?.iter().enumerate() {
            let Some(days) = days else {
                end(run.take(), row);
                continue;
            };
            if run.is_some() && within.contains(&days) {
                continue;
            }
            end(run.take(), row);
            let year = year_of(days);
            within = days_of(year);
            run = Some((year, row));
        }
        end(run, rows.num_rows());
        Ok(runs)
    }

    pub(super) fn rows_in(&self, rows: &RecordBatch, years: &BTreeSet<i32>) -> Result<RecordBatch, LakeError> {
        let within = |days: Option<i32>| Some(days.is_some_and(|days| years.contains(&year_of(days))));
        let keep: BooleanArray = self.dates(rows)?.iter().map(within).collect();
        filter_record_batch(rows, &keep).map_err(|error| rows_error(self.dataset.name, error))
    }

    /// The files that may hold rows of a year, and all years that they may hold rows of: a file of another writer may span
    /// several.
    pub(super) fn reached(&self, files: &[DataFile], year: i32) -> (BTreeSet<i32>, Vec<DataFile>) {
        let mut years = BTreeSet::from([year]);
        loop {
            let touched = files.iter().filter(|file| self.overlaps(file, &years));
            let touched: Vec<DataFile> = touched.cloned().collect();
            let reached: BTreeSet<i32> = touched.iter().flat_map(|file| self.of_file(file)).collect();
            if reached.is_subset(&years) {
                return (years, touched);
            }
            years.extend(reached);
        }
    }

    /// The first and the last day of a file by its statistics; `None` when they are missing.
    pub(super) fn days_of_file(&self, file: &DataFile) -> Option<(i32, i32)> {
        let column = self.dataset.schema.index_of(self.column).ok().and_then(|column| file.columns.get(column))?;
        match (&column.min, &column.max) {
            (Some(StatisticValue::Date(min)), Some(StatisticValue::Date(max))) => Some((*min, *max)),
            _ => None,
        }
    }

    /// Years a file holds by its statistics; none when they are missing.
    fn of_file(&self, file: &DataFile) -> Vec<i32> {
        let days = self.days_of_file(file);
        days.map(|(min, max)| (year_of(min)..=year_of(max)).collect()).unwrap_or_default()
    }

    /// Whether a file may hold rows of some years. One without statistics may hold anything.
    fn overlaps(&self, file: &DataFile, years: &BTreeSet<i32>) -> bool {
        let held = self.of_file(file);
        held.is_empty() || held.iter().any(|year| years.contains(year))
    }
}

fn year_of(days: i32) -> i32 {
    let epoch = NaiveDate::default();
    let date = match u64::try_from(days) {
        Ok(days) => epoch.checked_add_days(Days::new(days)),
        Err(_) => epoch.checked_sub_days(Days::new(u64::from(days.unsigned_abs()))),
    };
    date.map_or(0, |date| date.year())
}

/// The days of a year, counted from the epoch; none where the calendar ends.
fn days_of(year: i32) -> Range<i32> {
    let first = |year| NaiveDate::from_yo_opt(year, 1).map(|date| date.signed_duration_since(NaiveDate::default()));
    let days = |year: i32| first(year).and_then(|span| i32::try_from(span.num_days()).ok());
    match (days(year), year.checked_add(1).and_then(days)) {
        (Some(from), Some(to)) => from..to,
        _ => 0..0,
    }
}
