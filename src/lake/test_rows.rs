//! Lakes and rows for tests of the lake: of any dataset, with symbols and a moment and nothing else.

use super::{Lake, LakeTable, Snapshot, StoreOptions};
use arrow::array::{ArrayRef, AsArray, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow::record_batch::RecordBatch;
use std::path::Path;
use std::sync::Arc;

/// A lake in a folder, as a process opens it.
pub(crate) async fn open(directory: &Path) -> Lake {
    let location = directory.to_str().expect("a UTF-8 path");
    Lake::open(location, &StoreOptions::default()).await.expect("a lake")
}

/// One row of a symbol, fetched a microsecond after 1970 began.
pub(super) fn row(table: &LakeTable, symbol: &str) -> RecordBatch {
    rows(table, &[symbol], 1)
}

/// A row for each symbol, fetched some microseconds after 1970 began.
pub(crate) fn rows(table: &LakeTable, symbols: &[&str], fetched_at: i64) -> RecordBatch {
    let schema = &table.dataset().schema;
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "symbol" => Arc::new(StringArray::from(symbols.to_vec())),
            "fetched_at" => {
                Arc::new(TimestampMicrosecondArray::from(vec![fetched_at; symbols.len()]).with_timezone("UTC"))
            }
            _ => new_null_array(field.data_type(), symbols.len()),
        }
    });
    RecordBatch::try_new(schema.clone(), columns.collect()).expect("rows that fit")
}

/// Adds a file, as an append does; gives the version.
pub(crate) async fn append(table: &LakeTable, symbols: &[&str], fetched_at: i64) -> Arc<Snapshot> {
    let base = table.update().await.expect("a look");
    let staged = table.stage(&rows(table, symbols, fetched_at)).await.expect("a staged file");
    table.commit(base.as_deref(), &[], vec![staged]).await.expect("a commit")
}

/// Replaces all files, as a refresh does.
pub(super) async fn replace(table: &LakeTable, symbols: &[&str]) -> Arc<Snapshot> {
    let base = table.update().await.expect("a look");
    let files = base.as_ref().map(|base| base.files.clone()).unwrap_or_default();
    let staged = table.stage(&rows(table, symbols, 1)).await.expect("a staged file");
    table.commit(base.as_deref(), &files, vec![staged]).await.expect("a commit")
}

/// The symbols of a version, in the order of its files.
pub(crate) async fn symbols(table: &LakeTable, snapshot: &Snapshot) -> Vec<String> {
    let mut symbols = Vec::new();
    for batch in table.read(&snapshot.files).await.expect("rows") {
        symbols.extend(batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    symbols
}
