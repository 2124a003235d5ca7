use super::*;
use crate::lake::StoreOptions;
use crate::lake::dataset::EOD;
use arrow::array::{ArrayRef, AsArray, Date32Array, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow::datatypes::{DataType, Date32Type, SchemaRef};
use arrow::record_batch::RecordBatch;
use std::ops::Bound;
use std::time::{Duration, Instant};

/// A table of daily bars in a lake of its own: one file for each list of bars.
struct World {
    _directory: tempfile::TempDir,
    lake: Lake,
    residents: Arc<Residents>,
}

fn bars(schema: &SchemaRef, bars: &[(&str, i32)]) -> RecordBatch {
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match (field.name().as_str(), field.data_type()) {
            ("symbol", _) => Arc::new(StringArray::from_iter_values(bars.iter().map(|bar| bar.0))),
            ("date", _) => Arc::new(Date32Array::from_iter_values(bars.iter().map(|bar| bar.1))),
            (_, DataType::Utf8) => Arc::new(StringArray::from_iter_values(bars.iter().map(|_| "x"))),
            (_, DataType::Timestamp(..)) => {
                Arc::new(TimestampMicrosecondArray::from(vec![7; bars.len()]).with_timezone("UTC"))
            }
            (_, other) => new_null_array(other, bars.len()),
        }
    });
    RecordBatch::try_new(schema.clone(), columns.collect()).unwrap()
}

impl World {
    async fn new(limit: usize, files: &[&[(&str, i32)]]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let location = directory.path().to_str().unwrap();
        let lake = Lake::open_or_create(location, &StoreOptions::default()).await.unwrap();
        let residents = Residents::start(&lake, limit).unwrap();
        let world = Self { _directory: directory, lake, residents };
        world.add(files).await;
        world
    }

    fn table(&self) -> &Arc<LakeTable> {
        self.lake.table(EOD).unwrap()
    }

    async fn add(&self, files: &[&[(&str, i32)]]) {
        let mut staged = Vec::new();
        for file in files {
            staged.push(self.table().stage(&bars(&self.table().dataset().schema, file)).await.unwrap());
        }
        self.table().commit(self.table().current().as_deref(), &[], staged).await.unwrap();
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.table().current().unwrap()
    }

    /// Symbols and days of a lookup, once everything it needs is here.
    fn found(&self, first: &[&str], second: (Bound<i64>, Bound<i64>), count: Option<i64>) -> Vec<String> {
        let schema = &self.table().dataset().schema;
        let columns = [schema.index_of("symbol").unwrap(), schema.index_of("date").unwrap()];
        let projected = Arc::new(schema.project(&columns).unwrap());
        let wanted = Wanted { columns: &columns, schema: &projected, count, most: 1_000 };
        let range = KeyRange { first, second };
        let rows = eventually(|| self.residents.rows_of(&self.snapshot(), &range, &wanted)).unwrap();
        let (symbols, days) = (rows.column(0).as_string::<i32>(), rows.column(1).as_primitive::<Date32Type>());
        (0..rows.num_rows()).map(|row| format!("{}{}", symbols.value(row), days.value(row))).collect()
    }
}

/// Asks until something is there; the loader's thread has a deadline.
fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < deadline, "nothing was loaded in time");
        std::thread::yield_now();
    }
}

const ALL: (Bound<i64>, Bound<i64>) = (Bound::Unbounded, Bound::Unbounded);

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_keys_come_from_all_files_in_order() {
    let world = World::new(1 << 20, &[&[("A", 1), ("A", 2), ("B", 1)], &[("A", 11), ("B", 10), ("B", 12)]]).await;
    assert_eq!(world.found(&["A"], ALL, None), ["A1", "A2", "A11"]);
    assert_eq!(world.found(&["A", "B"], ALL, None), ["A1", "A2", "A11", "B1", "B10", "B12"]);
    assert_eq!(world.found(&["B"], (Bound::Included(10), Bound::Excluded(12)), None), ["B10"]);
    assert_eq!(world.found(&["B"], ALL, Some(2)), ["B1", "B10"]);
    assert_eq!(world.found(&["B"], ALL, Some(-2)), ["B10", "B12"]);
    assert_eq!(world.found(&["C"], ALL, None), [""; 0]);
    let figures = world.residents.figures();
    let eod = figures.iter().find(|one| one.dataset == EOD).unwrap();
    assert_eq!(eod.files, 2);
    assert!(eod.hits >= 6 && eod.bytes == world.residents.bytes(), "{eod:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_overlap_are_put_in_order() {
    let world = World::new(1 << 20, &[&[("A", 1), ("A", 5)], &[("A", 2), ("A", 9)]]).await;
    assert_eq!(world.found(&["A"], ALL, None), ["A1", "A2", "A5", "A9"]);
    assert_eq!(world.found(&["A"], ALL, Some(-3)), ["A2", "A5", "A9"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_adds_its_files_and_lets_go_of_others() {
    let world = World::new(1 << 20, &[&[("A", 1)]]).await;
    assert_eq!(world.found(&["A"], ALL, None), ["A1"]);
    let before = world.snapshot();
    world.add(&[&[("A", 2)]]).await;
    assert_eq!(world.found(&["A"], ALL, None), ["A1", "A2"]);
    // The old version is still what it was.
    let held = world.residents.datasets.get(EOD).unwrap();
    assert_eq!(held.version(&before).number(), before.version);
    let removed: Vec<_> = world
        .snapshot()
        .files
        .iter()
        .filter(|file| before.files.iter().any(|old| old.path == file.path))
        .cloned()
        .collect();
    let staged = world.table().stage(&bars(&world.table().dataset().schema, &[("A", 3)])).await.unwrap();
    world.table().commit(Some(&world.snapshot()), &removed, vec![staged]).await.unwrap();
    assert_eq!(world.found(&["A"], ALL, None), ["A2", "A3"]);
    assert_eq!(held.files_here().len(), 2);
    let bytes: usize = held.files_here().iter().flat_map(|file| file.columns_here()).map(|(_, _, bytes)| bytes).sum();
    assert_eq!(world.residents.bytes(), bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stays_beyond_the_limit_and_all_can_be_given_back() {
    let many: Vec<(String, i32)> = (0..2_000).map(|day| ("A".to_owned(), day)).collect();
    let many: Vec<(&str, i32)> = many.iter().map(|(symbol, day)| (symbol.as_str(), *day)).collect();
    let world = World::new(20_000, &[&many, &[("A", 5_000)]]).await;
    let held = world.residents.datasets.get(EOD).unwrap();
    world.residents.follow(&world.snapshot());
    // The small file fits, the large one does not.
    eventually(|| held.files_here().iter().any(|file| !file.columns_here().is_empty()).then_some(()));
    let stored = |file: &crate::lake::DataFile| StoredFile::new(EOD, file);
    for file in &world.snapshot().files {
        let all: Vec<usize> = (0..held.dataset.schema.fields().len()).collect();
        let found = world.residents.file(&stored(file), &all);
        assert!(found.is_none_or(|rows| rows.count == 1));
    }
    assert!(world.residents.bytes() <= 20_000);
    world.residents.give_back(usize::MAX);
    assert_eq!(world.residents.bytes(), 0);
    let none = World::new(0, &[&[("A", 1)]]).await;
    none.residents.follow(&none.snapshot());
    assert!(none.residents.file(&stored(&none.snapshot().files[0]), &[0]).is_none());
}
