//! Rows that come in any order of years, in memory and outside of it.

use super::*;
use crate::lake::dataset;
use arrow::array::{ArrayRef, AsArray, Date32Array, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow::datatypes::Date32Type;

/// Bars of a symbol on some days, counted from 1970.
fn bars(symbol: &str, days: &[i32]) -> RecordBatch {
    let schema = dataset::find(dataset::EOD).unwrap().schema;
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "symbol" => Arc::new(StringArray::from(vec![symbol; days.len()])),
            "date" => Arc::new(Date32Array::from(days.to_vec())),
            "source" => Arc::new(StringArray::from(vec!["test"; days.len()])),
            "fetched_at" => {
                let moments = TimestampMicrosecondArray::from(vec![0; days.len()]);
                Arc::new(moments.with_data_type(field.data_type().clone()))
            }
            _ => new_null_array(field.data_type(), days.len()),
        }
    });
    RecordBatch::try_new(schema.clone(), columns.collect()).unwrap()
}

fn runs(folder: &Path, held_bytes_max: usize) -> YearRuns {
    YearRuns::holding(&Arc::new(dataset::find(dataset::EOD).unwrap()), folder, held_bytes_max).unwrap()
}

/// Symbol and day of the rows of a year, in their order.
fn read(runs: &YearRuns, year: i32) -> Vec<(String, i32)> {
    let rows = runs.of_years(&BTreeSet::from([year])).unwrap();
    let of_batch = |batch: &RecordBatch| {
        let days = batch.column(1).as_primitive::<Date32Type>().values().to_vec();
        let symbols = batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned);
        symbols.zip(days).collect::<Vec<_>>()
    };
    rows.iter().flat_map(of_batch).collect()
}

#[test]
fn rows_of_a_year_come_in_the_order_they_were_added_wherever_they_are() {
    let folder = tempfile::tempdir().unwrap();
    for held_bytes_max in [usize::MAX, 40_000, 0] {
        let mut runs = runs(folder.path(), held_bytes_max);
        assert!(runs.is_empty());
        for symbol in 0..50 {
            // 1970, 1971 and 1972 again and again, and one day of 1969.
            runs.add(&bars(&format!("S{symbol}"), &[-1, 0, 1, 365, 366, 730, 731])).unwrap();
        }
        assert_eq!(runs.counts(), BTreeMap::from([(1969, 50), (1970, 100), (1971, 100), (1972, 100)]));
        assert_eq!(runs.file.is_some(), held_bytes_max < usize::MAX);
        assert!(runs.held_bytes <= held_bytes_max);
        for year in [1970, 1971, 1972] {
            let first = (year - 1970) * 365;
            let expected: Vec<_> =
                (0..50).flat_map(|symbol| [0, 1].map(|day| (format!("S{symbol}"), first + day))).collect();
            assert_eq!(read(&runs, year), expected, "{held_bytes_max} bytes, {year}");
            assert_eq!(read(&runs, year), expected, "asked again");
        }
        runs.add(&bars("LATE", &[2])).unwrap();
        assert_eq!(read(&runs, 1970).last(), Some(&("LATE".to_owned(), 2)), "added after a look");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no file has a name");
    }
}

#[test]
fn few_rows_need_no_folder_and_many_are_told_that_there_is_none() {
    let missing = Path::new("/nowhere/at/all");
    let mut few = runs(missing, 1 << 20);
    few.add(&bars("A", &[0, 1])).unwrap();
    assert_eq!(read(&few, 1970).len(), 2);
    let error = runs(missing, 0).add(&bars("A", &[0])).unwrap_err().to_string();
    assert!(
        error.contains("/nowhere/at/all: rows that wait to be merged cannot be put in a temporary file"),
        "{error}"
    );
}

#[test]
fn a_batch_of_a_year_is_no_part_of_what_it_came_in() {
    let folder = tempfile::tempdir().unwrap();
    let mut runs = runs(folder.path(), usize::MAX);
    let days: Vec<i32> = (0..20_000).map(|day| day % 365).collect();
    let whole = bars("A", &days);
    runs.add(&whole.slice(0, 10)).unwrap();
    assert!(runs.held_bytes < 10_000, "{} bytes for ten rows", runs.held_bytes);
    let other = crate::lake::dataset::find("symbols").unwrap();
    assert!(YearRuns::new(&Arc::new(other), folder.path()).is_err(), "it is not kept by year");
}
