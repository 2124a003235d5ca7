//! Writes against a real lake in a temporary directory.

use super::*;
use crate::lake::{Lake, StoreOptions};
use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
use std::sync::Arc;

async fn open(directory: &tempfile::TempDir) -> Lake {
    let location = directory.path().to_str().expect("a UTF-8 path");
    Lake::open(location, &StoreOptions::default()).await.expect("a lake")
}

/// Daily bars of one source: symbol, days since 1970, close.
fn bars(source: &str, fetched_at: i64, rows: &[(&str, i32, f64)]) -> RecordBatch {
    let schema = crate::lake::dataset::find("eod").expect("eod").schema;
    let price = || -> ArrayRef { Arc::new(rows.iter().map(|row| Some(row.2)).collect::<Float64Array>()) };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.0)).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.1)).collect::<Date32Array>()),
        price(),
        price(),
        price(),
        price(),
        Arc::new(rows.iter().map(|_| Some(100)).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|_| None::<i64>).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|_| Some(source)).collect::<StringArray>()),
        Arc::new(TimestampMicrosecondArray::from(vec![fetched_at; rows.len()]).with_timezone("UTC")),
    ];
    RecordBatch::try_new(schema, columns).expect("rows that fit")
}

/// 2026-01-02 and 2025-12-31, in days.
const NEW_YEAR: i32 = 20_455;
const LAST_YEAR: i32 = 20_453;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bars_twice_are_one_version() {
    let directory = tempfile::tempdir().expect("a directory");
    let lake = open(&directory).await;
    let table = lake.table("eod").expect("eod");
    let rows = [("AAPL", LAST_YEAR, 1.0), ("AAPL", NEW_YEAR, 2.0), ("MSFT", NEW_YEAR, 3.0)];
    let first = write(table, &[bars("dxlink", 1, &rows)], &[]).await.expect("a first write");
    assert_eq!((first.added, first.changed), (3, 0));
    let second = write(table, &[bars("dxlink", 2, &rows)], &[]).await.expect("a second write");
    assert_eq!(second, Written { version: first.version, added: 0, changed: 0 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_session_leaves_the_files_of_other_years_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let lake = open(&directory).await;
    let table = lake.table("eod").expect("eod");
    write(table, &[bars("dxlink", 1, &[("A", LAST_YEAR, 1.0), ("A", NEW_YEAR, 2.0)])], &[]).await.expect("a write");
    let before = table.current().expect("a version");
    write(table, &[bars("dxlink", 2, &[("A", NEW_YEAR + 3, 4.0)])], &[]).await.expect("a write");
    let after = table.current().expect("a version");
    let paths =
        |snapshot: &Snapshot| -> BTreeSet<String> { snapshot.files.iter().map(|file| file.path.to_string()).collect() };
    assert_eq!((before.files.len(), after.files.len(), after.rows()), (2, 2, Some(3)));
    assert_eq!(paths(&before).intersection(&paths(&after)).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_is_seen_and_a_lost_race_merges_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mine, other) = (open(&directory).await, open(&directory).await);
    let (mine, other) = (mine.table("eod").expect("eod"), other.table("eod").expect("eod"));
    write(mine, &[bars("dxlink", 1, &[("A", NEW_YEAR, 1.0)])], &[]).await.expect("my write");
    let base = mine.current();
    let staged = mine.stage(&bars("dxlink", 1, &[("Z", NEW_YEAR, 1.0)])).await.expect("a staged file");
    write(other, &[bars("metastock", 2, &[("B", NEW_YEAR, 2.0)])], &[]).await.expect("the other's write");
    let lost = mine.commit(base.as_deref(), &[], vec![staged]).await;
    assert!(matches!(lost, Err(LakeError::Conflict { .. })), "{lost:?}");
    write(mine, &[bars("dxlink", 3, &[("C", NEW_YEAR, 3.0)])], &[]).await.expect("my second write");
    assert_eq!(other.update().await.expect("a look").and_then(|snapshot| snapshot.rows()), Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_log_names_its_table_and_leaves_the_others() {
    let directory = tempfile::tempdir().expect("a directory");
    let lake = open(&directory).await;
    write(lake.table("eod").expect("eod"), &[bars("dxlink", 1, &[("A", NEW_YEAR, 1.0)])], &[]).await.expect("a write");
    let log = directory.path().join("lake/eod/_delta_log/00000000000000000000.json");
    std::fs::write(&log, b"\x00\xffnot a log").expect("damage");
    let lake = open(&directory).await;
    let error = lake.table("eod").expect("eod").update().await.expect_err("an error");
    assert!(error.to_string().contains("lake table eod"), "{error}");
    assert!(lake.table("symbols").expect("symbols").update().await.expect("no table yet").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_item_keeps_its_old_row() {
    let directory = tempfile::tempdir().expect("a directory");
    let lake = open(&directory).await;
    let table = lake.table("market_metrics").expect("market_metrics");
    let schema = &table.dataset().schema;
    let metrics = |symbols: &[&str], fetched_at: i64| -> RecordBatch {
        let columns = schema.fields().iter().map(|field| -> ArrayRef {
            match field.name().as_str() {
                "symbol" => Arc::new(StringArray::from(symbols.to_vec())),
                "fetched_at" => {
                    Arc::new(TimestampMicrosecondArray::from(vec![fetched_at; symbols.len()]).with_timezone("UTC"))
                }
                _ => arrow::array::new_null_array(field.data_type(), symbols.len()),
            }
        });
        RecordBatch::try_new(schema.clone(), columns.collect()).expect("rows that fit")
    };
    write(table, &[metrics(&["A", "B", "GONE"], 1)], &[]).await.expect("a write");
    let failed = [FailedItem { item: "B".to_owned(), reason: "503".to_owned() }];
    write(table, &[metrics(&["A"], 2)], &failed).await.expect("a write");
    let snapshot = table.current().expect("a version");
    let rows = table.read(&snapshot.files).await.expect("rows");
    let rows = arrow::compute::concat_batches(schema, &rows).expect("one batch");
    assert_eq!(rows.column(0).as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["A", "B"]);
    let fetched = rows.column_by_name("fetched_at").expect("a column");
    let fetched = fetched.as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
    assert_eq!(fetched.values().as_ref(), [2, 1]);
}

/// Every row of a table, sorted by symbol and date.
async fn all_rows(table: &LakeTable) -> Vec<(String, i32, String)> {
    let snapshot = table.update().await.expect("a look").expect("a version");
    let mut all = Vec::new();
    for rows in table.read(&snapshot.files).await.expect("rows") {
        let symbols = rows.column(0).as_string::<i32>();
        let days = rows.column(1).as_primitive::<arrow::datatypes::Date32Type>();
        for row in 0..rows.num_rows() {
            let values = rows.columns().iter().skip(2).map(|column| format!("{:?}", column.slice(row, 1)));
            all.push((symbols.value(row).to_owned(), days.value(row), values.collect::<Vec<_>>().join(" ")));
        }
    }
    all.sort();
    all
}

/// Writes batches to one table as they are, and to another by way of a temporary file. Gives what the latter said.
async fn write_both(tables: [&LakeTable; 2], batches: &[RecordBatch]) -> Written {
    let mut runs = YearRuns::holding(tables[1].dataset(), &std::env::temp_dir(), 0).expect("no rows yet");
    batches.iter().for_each(|batch| runs.add(batch).expect("rows that are put aside"));
    let progress = Progress::default();
    let expected = preview(tables[1], &runs, &progress).await.expect("a preview");
    let plain = write(tables[0], batches, &[]).await.expect("a write");
    let written = write_runs(tables[1], &runs, &progress).await.expect("a write of runs");
    let done = [&progress.done, &progress.total].map(|count| count.load(std::sync::atomic::Ordering::Relaxed));
    assert_eq!(done[0], done[1], "every year is done");
    assert_eq!((plain, expected.added, expected.changed), (written, written.added, written.changed));
    assert_eq!(all_rows(tables[0]).await, all_rows(tables[1]).await);
    written
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_waited_in_a_file_are_merged_like_others_and_years_without_news_stay() {
    let directories = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
    let lakes = [open(&directories[0]).await, open(&directories[1]).await];
    let tables = [lakes[0].table("eod").expect("eod"), lakes[1].table("eod").expect("eod")].map(AsRef::as_ref);
    let names: Vec<String> = (0..20).map(|number| format!("S{number:02}")).collect();
    let of_symbol = |name: &String, at, close| {
        bars("metastock", at, &[(name, LAST_YEAR - 1, 1.0), (name, LAST_YEAR, 2.0), (name, NEW_YEAR, close)])
    };
    let all: Vec<RecordBatch> = names.iter().map(|name| of_symbol(name, 1, 3.0)).collect();
    let first = write_both(tables, &all).await;
    assert_eq!((first.version, first.added, first.changed), (Some(0), 60, 0));
    assert_eq!(write_both(tables, &all).await, Written { added: 0, ..first }, "all of them again");
    let few = [of_symbol(&names[3], 2, 3.0), of_symbol(&names[9], 2, 3.0)];
    assert_eq!(write_both(tables, &few).await, Written { added: 0, ..first }, "a few of them again");
    let files = |table: &LakeTable| -> BTreeSet<String> {
        table.current().expect("a version").files.iter().map(|file| file.path.to_string()).collect()
    };
    let before = files(tables[1]);
    let few = [of_symbol(&names[3], 2, 3.5), of_symbol(&names[9], 2, 3.0), of_symbol(&"NEW".to_owned(), 2, 1.0)];
    let changed = write_both(tables, &few[..2]).await;
    assert_eq!((changed.version, changed.added, changed.changed), (Some(1), 0, 1));
    assert_eq!(before.intersection(&files(tables[1])).count(), 1, "the file of the year before stays");
    assert_eq!(write_both(tables, &few).await.added, 3);
}
