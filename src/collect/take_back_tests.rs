//! Imports that are taken back, in a real lake in a temporary directory.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::collect::write::write;
use crate::lake::{DatasetState, Lake, StoreOptions};
use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Date32Type, Float64Type};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;

/// 2026-01-02, in days.
const DAY: i32 = 20_455;

fn bars(source: &str, fetched_at: DateTime<Utc>, rows: &[(&str, i32, f64)]) -> RecordBatch {
    let price = || -> ArrayRef { Arc::new(rows.iter().map(|row| Some(row.2)).collect::<Float64Array>()) };
    let none = || -> ArrayRef { Arc::new(Int64Array::from(vec![None; rows.len()])) };
    let fetched_at = TimestampMicrosecondArray::from(vec![fetched_at.timestamp_micros(); rows.len()]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.0)).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.1)).collect::<Date32Array>()),
        price(),
        price(),
        price(),
        price(),
        none(),
        none(),
        Arc::new(StringArray::from(vec![source; rows.len()])),
        Arc::new(fetched_at.with_timezone("UTC")),
    ];
    RecordBatch::try_new(crate::lake::dataset::find("eod").unwrap().schema, columns).unwrap()
}

async fn import(table: &LakeTable, rows: &[(&str, i32, f64)]) -> Run {
    let started_at = crate::clock::Clock::System.now();
    let written = write(table, &[bars("metastock", started_at, rows)], &[]).await.unwrap();
    let run =
        Run { cause: IMPORT.to_owned(), started_at, ended_at: started_at, version: written.version, ..Run::default() };
    table.remember(run.clone(), &DatasetState::default()).await;
    run
}

async fn held(table: &LakeTable) -> Vec<(String, i32, f64, String)> {
    let snapshot = table.update().await.unwrap().unwrap();
    let mut held = Vec::new();
    for rows in table.read(&snapshot.files).await.unwrap() {
        let text = |index: usize, row: usize| rows.column(index).as_string::<i32>().value(row).to_owned();
        for row in 0..rows.num_rows() {
            let day = rows.column(1).as_primitive::<Date32Type>().value(row);
            let close = rows.column(5).as_primitive::<Float64Type>().value(row);
            held.push((text(0, row), day - DAY, close, text(8, row)));
        }
    }
    held.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
    held
}

fn row(symbol: &str, day: i32, close: f64, source: &str) -> (String, i32, f64, String) {
    (symbol.to_owned(), day, close, source.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_import_did_is_undone_and_later_commits_stay() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path().to_str().unwrap(), &StoreOptions::default()).await.unwrap();
    let table = lake.table("eod").unwrap();
    assert!(last_import(table).await.unwrap().is_none());
    let long_ago = DateTime::UNIX_EPOCH;
    let vendor = [("A", DAY, 10.0), ("A", DAY - 20, 9.0), ("B", DAY, 20.0)];
    write(table, &[bars("dxlink", long_ago, &vendor)], &[]).await.unwrap();
    import(table, &[("A", DAY, 11.0), ("A", DAY + 1, 12.0), ("C", DAY - 20, 7.0), ("B", DAY, 21.0)]).await;
    // Another import corrects one of its rows, the vendor adds one, and an import changes nothing.
    let later = import(table, &[("B", DAY, 22.0)]).await;
    write(table, &[bars("dxlink", long_ago + TimeDelta::days(1), &[("D", DAY, 1.0)])], &[]).await.unwrap();
    import(table, &[("B", DAY, 22.0)]).await;
    let (run, version) = last_import(table).await.unwrap().unwrap();
    assert_eq!((run.started_at, Some(version)), (later.started_at, later.version), "the one that changed something");
    let done = take_back(table, &run, version).await.unwrap();
    assert_eq!((done.removed, done.restored), (1, 1));
    assert!(held(table).await.contains(&row("B", 0, 21.0, "metastock")), "the row of the import before is back");
    let mut undo = Run { cause: UNDO.to_owned(), ..Run::default() };
    undo.made_of.inputs.insert("eod".to_owned(), version);
    table.remember(undo, &DatasetState::default()).await;
    let (run, version) = last_import(table).await.unwrap().unwrap();
    let done = take_back(table, &run, version).await.unwrap();
    assert_eq!((done.removed, done.restored), (4, 2));
    let expected = [
        row("A", -20, 9.0, "dxlink"),
        row("A", 0, 10.0, "dxlink"),
        row("B", 0, 20.0, "dxlink"),
        row("D", 0, 1.0, "dxlink"),
    ];
    assert_eq!(held(table).await, expected);
    let version = done.version;
    let again = take_back(table, &run, run.version.unwrap()).await.unwrap();
    assert_eq!(again, TakenBack { version, removed: 0, restored: 0 }, "nothing is left to take back");
    assert!(table.history().await.unwrap().len() as u64 > version, "no version is deleted");
}
