//! What takes longer when a table's log gets longer: opening it, a look, a commit, a moment of the past, vacuum; without
//! merging of files, and beside it.
//!
//!     cargo bench --bench growth
//!     cargo bench --profile dev --bench growth             # with what `cargo test` has built already
//!
//! Takes minutes: ten thousand commits, twice.

use arrow::array::{ArrayRef, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow::record_batch::RecordBatch;
use chrono::Utc;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use ttapi::disk::Disk;
use ttapi::lake::{Lake, LakeTable, Position, StoreOptions};

const HISTORY: &str = "market_metrics_history";

/// A disk that waits for nothing: ten thousand commits are about their number here.
#[derive(Debug)]
struct Hasty;

impl Disk for Hasty {
    fn sync_file(&self, _: &File, _: &Path) -> std::io::Result<()> {
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> std::io::Result<()> {
        Ok(())
    }
}

/// One row of a symbol, and nothing else in it.
fn row(table: &LakeTable) -> RecordBatch {
    let schema = &table.dataset().schema;
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "symbol" => Arc::new(StringArray::from(vec!["A"])),
            "fetched_at" => Arc::new(TimestampMicrosecondArray::from(vec![1]).with_timezone("UTC")),
            _ => new_null_array(field.data_type(), 1),
        }
    });
    RecordBatch::try_new(schema.clone(), columns.collect()).expect("a row that fits")
}

async fn open(place: &Path) -> Lake {
    Lake::open_on(&place.to_string_lossy(), &StoreOptions::default(), Arc::new(Hasty)).await.expect("a lake")
}

/// The least time of some runs, in milliseconds.
macro_rules! least {
    ($times:expr, $work:expr) => {{
        let mut least = f64::MAX;
        for _ in 0..$times {
            let started = Instant::now();
            let _ = $work;
            least = least.min(started.elapsed().as_secs_f64() * 1000.0);
        }
        least
    }};
}

async fn commit(table: &LakeTable, number: i64) {
    let position = Position { application: "spool".to_owned(), number };
    let base = table.current();
    let staged = table.stage(&row(table)).await.expect("a file");
    table.commit_position(base.as_deref(), &[], vec![staged], &position).await.expect("a commit");
}

async fn grow(merging: bool) {
    let place = tempfile::tempdir().expect("a place");
    let lake = open(place.path()).await;
    let table = lake.table(HISTORY).expect("a table");
    table.follow("spool").await.expect("a look");
    let began = Utc::now();
    println!("merging: {merging}\ncommits files open_ms look_ms commit_ms seen_ms as_of_ms vacuum_ms");
    for number in 1..=10_000_i64 {
        commit(table, number).await;
        if merging && table.current().expect("a version").mergeable_files() >= 64 {
            table.compact_some(8).await.expect("a merge");
        }
        if ![10, 1_000, 10_000].contains(&number) {
            continue;
        }
        let opened =
            least!(3, open(place.path()).await.table(HISTORY).expect("a table").update().await.expect("a look"));
        let look = least!(20, table.update().await.expect("a look"));
        let other = open(place.path()).await;
        let other = other.table(HISTORY).expect("a table");
        other.update().await.expect("a look");
        let (mut committed, mut seen) = (f64::MAX, f64::MAX);
        for more in 0..5 {
            committed = committed.min(least!(1, commit(table, number * 1_000_000 + more).await));
            seen = seen.min(least!(1, other.update().await.expect("a look")));
        }
        let middle = began + (Utc::now() - began) / 2;
        let as_of = least!(1, other.snapshot_at(middle).await.expect("a look"));
        let vacuumed = least!(1, other.vacuum(Duration::from_secs(3600), Utc::now(), true).await.expect("a look"));
        let files = table.current().expect("a version").files.len();
        println!("{number:7} {files:5} {opened:7.1} {look:7.3} {committed:9.1} {seen:7.1} {as_of:8.1} {vacuumed:9.1}");
    }
    let latest = table.current().expect("a version");
    assert_eq!(latest.rows(), Some(10_015));
}

#[tokio::main]
async fn main() {
    grow(false).await;
    grow(true).await;
}
