//! Imports of folders that change, into a real lake: with the record of what was imported, and without it.

use super::*;
use crate::clock::Clock;
use crate::collect::take_back::{last_import, take_back};
use crate::collect::write::write;
use crate::lake::{DatasetState, IMPORT, Run, StoreOptions};
use arrow::array::{
    ArrayRef, AsArray, Date32Array, Float64Array, StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{Date32Type, Float64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use std::collections::BTreeMap;

const RECORD: &str = "state/eod.imports.json";

/// Where an importer reads and writes.
struct Place {
    folder: tempfile::TempDir,
    with_record: bool,
}

/// What is said of an import: rows, symbols, rejected rows, duplicates, conflicts, added and changed rows, warnings.
type Said = (u64, Vec<String>, [u64; 5], Vec<String>, Vec<String>);

impl Place {
    fn new(with_record: bool) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), with_record }
    }

    async fn lake(&self) -> Lake {
        let location = self.folder.path().to_str().unwrap();
        Lake::open(location, &StoreOptions::default()).await.unwrap()
    }

    /// Imports a folder as the command does. Gives what is said of it, and how many files were not parsed.
    async fn import(&self, files: &Path, options: &Options, at: DateTime<Utc>) -> (Said, usize) {
        let record = self.folder.path().join(RECORD);
        if !self.with_record && record.exists() {
            std::fs::remove_file(record).unwrap();
        }
        let lake = self.lake().await;
        let table = lake.table(dataset::EOD).unwrap();
        let progress = Arc::new(Progress::default());
        let mut import = Import::read(Some(&lake), files, options.clone(), at, progress.clone()).await.unwrap();
        let still = import.report.known_still.len();
        let expected = import.preview(table, &progress).await.unwrap();
        let written = import.write(table, &progress).await.unwrap();
        assert_eq!((expected.added, expected.changed), (written.added, written.changed));
        let version = written.version.or_else(|| table.current().map(|snapshot| snapshot.version));
        let run = Run { cause: IMPORT.to_owned(), started_at: at, ended_at: at, version, ..Run::default() };
        table.remember(run, &DatasetState::default()).await;
        import.remember(&lake, table, &written).await;
        let report = &import.report;
        let counts =
            [report.rows_rejected, report.duplicates_dropped, report.conflicts, written.added, written.changed];
        let doubts = report.findings.doubts().map(|(doubt, count)| format!("{doubt:?} {count}"));
        let symbols = report.symbols.iter().cloned().collect();
        ((report.rows, symbols, counts, report.warnings.clone(), doubts.collect()), still)
    }

    /// Symbol and date to close, source and load time of every row.
    async fn rows(&self) -> BTreeMap<(String, i32), (f64, String, i64)> {
        let lake = self.lake().await;
        let table = lake.table(dataset::EOD).unwrap();
        let Some(snapshot) = table.update().await.unwrap() else { return BTreeMap::new() };
        let rows = table.read(&snapshot.files).await.unwrap();
        let rows = concat_batches(&table.dataset().schema, &rows).unwrap();
        let text = |column: usize, row: usize| rows.column(column).as_string::<i32>().value(row).to_owned();
        let days = rows.column(1).as_primitive::<Date32Type>();
        let closes = rows.column(5).as_primitive::<Float64Type>();
        let fetched = rows.column(9).as_primitive::<TimestampMicrosecondType>();
        let found: BTreeMap<_, _> = (0..rows.num_rows())
            .map(|row| ((text(0, row), days.value(row)), (closes.value(row), text(8, row), fetched.value(row))))
            .collect();
        assert_eq!(found.len(), rows.num_rows(), "a key is there twice");
        found
    }
}

/// Numbers that look random, and are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// A file of some symbol's bars in two years.
fn bars(random: &mut Random, symbol: &str) -> String {
    let mut text = "<TICKER>,<PER>,<DTYYYYMMDD>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n".to_owned();
    for day in ["20241227", "20241230", "20241231", "20250102", "20250103"] {
        if random.below(5) > 0 {
            let close = 10 + random.below(3);
            text.push_str(&format!("{symbol},D,{day},000000,{close},{close},{close},{close},7,0\n"));
        }
    }
    text.push_str(&format!("{symbol},D,20250106,000000,10,10,10,10,7,0\n"));
    text
}

/// Changes some of the files of a folder: their bytes, whether they are there, whose rows they have.
fn change(random: &mut Random, folder: &Path) {
    for _ in 0..1 + random.below(3) {
        let number = random.below(8);
        let file = folder.join(format!("s{number}.txt"));
        match random.below(10) {
            0 | 1 if file.exists() => std::fs::remove_file(&file).unwrap(),
            // Rows of another file's symbol.
            2 => {
                let other = random.below(8);
                std::fs::write(&file, bars(random, &format!("S{other}"))).unwrap();
            }
            // A row that is rejected.
            3 => std::fs::write(&file, bars(random, &format!("S{number}")) + "no,row\n").unwrap(),
            _ => std::fs::write(&file, bars(random, &format!("S{number}"))).unwrap(),
        }
    }
}

/// A commit of the venue's bars of one symbol.
async fn commit_of_the_venue(place: &Place, symbol: &str, close: f64, at: DateTime<Utc>) {
    let lake = place.lake().await;
    let table = lake.table(dataset::EOD).unwrap();
    let schema = &table.dataset().schema;
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "symbol" => Arc::new(StringArray::from(vec![symbol, symbol])),
            "date" => Arc::new(Date32Array::from(vec![20_090, 20_095])),
            "close" => Arc::new(Float64Array::from(vec![close, close])),
            "source" => Arc::new(StringArray::from(vec!["dxlink", "dxlink"])),
            "fetched_at" => {
                Arc::new(TimestampMicrosecondArray::from(vec![at.timestamp_micros(); 2]).with_timezone("UTC"))
            }
            _ => new_null_array(field.data_type(), 2),
        }
    });
    let rows = RecordBatch::try_new(schema.clone(), columns.collect()).unwrap();
    write(table, &[rows], &[]).await.unwrap();
}

async fn delete(place: &Place, symbol: &str) {
    let lake = place.lake().await;
    lake.table(dataset::EOD).unwrap().delete(&[("symbol", symbol)]).await.unwrap();
}

async fn undo(place: &Place) {
    let lake = place.lake().await;
    let table = lake.table(dataset::EOD).unwrap();
    if let Some((run, version)) = last_import(table).await.unwrap() {
        take_back(table, &run, version).await.unwrap();
        let mut undone = Run { cause: crate::lake::UNDO.to_owned(), ..Run::default() };
        undone.made_of.inputs.insert(dataset::EOD.to_owned(), version);
        table.remember(undone, &DatasetState::default()).await;
    }
}

/// Whatever happens between imports, one that leaves out what it knows does as one that reads everything.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_with_a_record_does_as_one_without() {
    let mut left_out = 0;
    for seed in 1..=8 {
        let (mut random, files) = (Random(seed * 0x9e37_79b9), tempfile::tempdir().unwrap());
        let random = &mut random;
        let places = [Place::new(true), Place::new(false)];
        for number in 0..8 {
            std::fs::write(files.path().join(format!("s{number}.txt")), bars(random, &format!("S{number}"))).unwrap();
        }
        for round in 0..7 {
            let at = Clock::System.now();
            let (event, symbol, close) =
                (random.below(8), format!("S{}", random.below(8)), 50.0 + random.below(3) as f64);
            let source = if random.below(6) == 0 { "mine" } else { "metastock" };
            let options = Options { source: source.to_owned(), ..Options::default() };
            let mut said = Vec::new();
            for place in &places {
                match event {
                    0 => delete(place, &symbol).await,
                    1 | 2 => commit_of_the_venue(place, &symbol, close, at).await,
                    3 => undo(place).await,
                    _ => {}
                }
                let (words, still) = place.import(files.path(), &options, at).await;
                assert!(place.with_record || still == 0);
                left_out += still;
                said.push(words);
            }
            assert_eq!(said[0], said[1], "seed {seed}, round {round}, event {event}");
            assert_eq!(places[0].rows().await, places[1].rows().await, "seed {seed}, round {round}, event {event}");
            if random.below(4) > 0 {
                change(random, files.path());
            }
        }
    }
    assert!(left_out > 40, "only {left_out} files were as they were");
}

/// A folder of three symbols, which was imported once.
async fn imported() -> (Place, tempfile::TempDir) {
    let (place, files) = (Place::new(true), tempfile::tempdir().unwrap());
    for symbol in ["A", "B", "C"] {
        std::fs::write(files.path().join(format!("{symbol}.txt")), bars(&mut Random(7), symbol)).unwrap();
    }
    place.import(files.path(), &Options::default(), Clock::System.now()).await;
    (place, files)
}

async fn as_they_were(place: &Place, files: &Path, options: &Options) -> usize {
    place.import(files, options, Clock::System.now()).await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn only_files_whose_symbols_nobody_has_changed_are_left_out() {
    let (place, files) = imported().await;
    let plain = Options::default();
    assert_eq!(as_they_were(&place, files.path(), &plain).await, 3);
    commit_of_the_venue(&place, "B", 90.0, Clock::System.now()).await;
    assert_eq!(as_they_were(&place, files.path(), &plain).await, 2, "a commit that names its symbol");
    assert_eq!(as_they_were(&place, files.path(), &plain).await, 3);
    delete(&place, "B").await;
    assert_eq!(as_they_were(&place, files.path(), &plain).await, 0, "a commit that names none");
    assert!(place.rows().await.keys().any(|(symbol, _)| symbol == "B"), "its rows are back");
    assert_eq!(as_they_were(&place, files.path(), &plain).await, 3);
    let hundreds = Options { volume_multiplier: 100.0, ..Options::default() };
    assert_eq!(as_they_were(&place, files.path(), &hundreds).await, 0, "other options");
    assert_eq!(as_they_were(&place, files.path(), &plain).await, 0, "and those of before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_another_table_or_none_at_all_is_of_no_matter() {
    let (place, files) = imported().await;
    let (plain, record) = (Options::default(), place.folder.path().join(RECORD));
    let rows = place.rows().await;
    for damage in ["", "{", "{\"folders\":[{\"folder\":7}]}", "\u{0}\u{1}"] {
        std::fs::write(&record, damage).unwrap();
        assert_eq!(as_they_were(&place, files.path(), &plain).await, 0, "{damage:?}");
        assert_eq!(place.rows().await, rows);
        assert_eq!(as_they_were(&place, files.path(), &plain).await, 3, "it is written anew");
    }
    // A table that was begun anew has a version of the same number.
    std::fs::remove_dir_all(place.folder.path().join("lake")).unwrap();
    commit_of_the_venue(&place, "Z", 90.0, Clock::System.now()).await;
    assert_eq!(as_they_were(&place, files.path(), &plain).await, 0);
    assert_eq!(place.rows().await.len(), rows.len() + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_folders_are_remembered() {
    let (place, files) = imported().await;
    let others = tempfile::tempdir().unwrap();
    std::fs::write(others.path().join("A.txt"), bars(&mut Random(9), "X")).unwrap();
    assert_eq!(as_they_were(&place, others.path(), &Options::default()).await, 0);
    for _ in 0..2 {
        assert_eq!(as_they_were(&place, files.path(), &Options::default()).await, 3);
        assert_eq!(as_they_were(&place, others.path(), &Options::default()).await, 1);
    }
    let alone = others.path().join("A.txt");
    assert_eq!(as_they_were(&place, &alone, &Options::default()).await, 0, "a file by itself is a folder of its own");
    assert_eq!(as_they_were(&place, &alone, &Options::default()).await, 1);
}
