//! Data files with flipped bits: what is read of them fails, or is right; never something else.

use crate::error::{ErrorKind, QueryError};
use crate::lake::{Lake, LakeError, LakeTable, StoreOptions};
use crate::table::history::HistoryTable;
use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::prelude::{SessionConfig, SessionContext};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use std::path::PathBuf;
use std::sync::Arc;

/// A sequence that looks random and is the same every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, bound: usize) -> usize {
        self.next() as usize % bound
    }
}

/// A table of one file in a lake of its own.
struct World {
    directory: tempfile::TempDir,
    dataset: &'static str,
    table: Arc<LakeTable>,
    context: SessionContext,
    file: PathBuf,
    /// The file as it was written.
    bytes: Vec<u8>,
}

/// Rows of any dataset: texts of 40 kinds, numbers of any, some of them NULL.
fn rows(table: &LakeTable, count: usize) -> RecordBatch {
    let mut numbers = Numbers(7);
    let schema = &table.dataset().schema;
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        let some = |value: u64| !field.is_nullable() || !value.is_multiple_of(9);
        match field.data_type() {
            DataType::Utf8 => {
                Arc::new(StringArray::from_iter_values((0..count).map(|row| format!("S{:03}", row % 40))))
            }
            DataType::Date32 => {
                Arc::new(Date32Array::from_iter_values((0..count).map(|row| 19_000 + (row / 40) as i32)))
            }
            DataType::Float64 => {
                let values = (0..count).map(|_| numbers.next()).map(|value| some(value).then_some(value as f64 / 64.0));
                Arc::new(values.collect::<Float64Array>())
            }
            DataType::Int64 => {
                let values = (0..count).map(|_| numbers.next()).map(|value| some(value).then_some(value as i64));
                Arc::new(values.collect::<Int64Array>())
            }
            DataType::Timestamp(..) => {
                let values = (0..count).map(|row| 1_700_000_000_000_000 + row as i64);
                Arc::new(TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC"))
            }
            other => new_null_array(other, count),
        }
    });
    RecordBatch::try_new(schema.clone(), columns.collect()).unwrap()
}

impl World {
    async fn new(dataset: &'static str, count: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let lake = Lake::open(&directory.path().to_string_lossy(), &StoreOptions::default()).await.unwrap();
        let table = lake.table(dataset).unwrap();
        let staged = table.stage(&rows(table, count)).await.unwrap();
        table.commit(None, &[], vec![staged]).await.unwrap();
        Self::open(directory, dataset).await
    }

    /// The lake as another process sees it.
    async fn open(directory: tempfile::TempDir, dataset: &'static str) -> Self {
        let lake = Lake::open(&directory.path().to_string_lossy(), &StoreOptions::default()).await.unwrap();
        let table = lake.table(dataset).unwrap().clone();
        let snapshot = table.update().await.unwrap().unwrap();
        let file = directory.path().join("lake").join(dataset).join(snapshot.files[0].path.filename().unwrap());
        let bytes = std::fs::read(&file).unwrap();
        // One partition, for a LIMIT then takes the same rows each time.
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
        let (url, store) = lake.store();
        context.runtime_env().register_object_store(url, store.clone());
        let url = ObjectStoreUrl::parse(url.as_str()).unwrap();
        context.register_table("t", Arc::new(HistoryTable::new(table.clone(), None, url))).unwrap();
        Self { directory, dataset, table, context, file, bytes }
    }

    /// The same lake as an older version of this program would have written it.
    async fn without_digests(self) -> Self {
        let log = self.directory.path().join("lake").join(self.dataset).join("_delta_log/00000000000000000000.json");
        let text = std::fs::read_to_string(&log).unwrap();
        let lines = text.lines().map(|line| {
            let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
            if let Some(add) = line.get_mut("add") {
                add.as_object_mut().unwrap().remove("tags").expect("digests");
            }
            if let Some(information) = line.get_mut("commitInfo") {
                information.as_object_mut().unwrap().remove("ttapi.crc32").expect("a digest of the entry");
            }
            line.to_string()
        });
        std::fs::write(&log, lines.collect::<Vec<_>>().join("\n")).unwrap();
        Self::open(self.directory, self.dataset).await
    }

    /// The rows of a query as text, by a reader that has not seen the file before.
    async fn query(&self, sql: &str) -> Result<String, QueryError> {
        self.context.runtime_env().cache_manager.get_file_metadata_cache().clear();
        let rows = async { self.context.sql(sql).await?.collect().await }.await?;
        Ok(pretty_format_batches(&rows).unwrap().to_string())
    }

    fn flip(&self, bit: usize) {
        let mut bytes = self.bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&self.file, bytes).unwrap();
    }

    fn mend(&self) {
        std::fs::write(&self.file, &self.bytes).unwrap();
    }

    /// Queries that read a file in every way: all of it, some columns, by bloom filter, by bounds of row groups and pages, the
    /// first rows, and what the log knows.
    fn queries(&self) -> Vec<String> {
        let schema = &self.table.dataset().schema;
        let all = schema.fields().iter().filter_map(|field| {
            let name = field.name();
            match field.data_type() {
                DataType::Utf8 => Some(format!("count(DISTINCT {name}), min({name})")),
                DataType::Float64 => Some(format!("sum({name}), count({name}), min({name})")),
                DataType::Int64 => Some(format!("sum({name}), count({name})")),
                DataType::Date32 | DataType::Timestamp(..) => Some(format!("max({name}), count(DISTINCT {name})")),
                _ => None,
            }
        });
        let number = schema.fields().iter().find(|field| *field.data_type() == DataType::Float64).unwrap().name();
        vec![
            format!("SELECT count(*), {} FROM t", all.collect::<Vec<_>>().join(", ")),
            format!("SELECT count(*), sum({number}) FROM t WHERE symbol = 'S007'"),
            format!("SELECT count({number}) FROM t WHERE symbol >= 'S030' AND symbol < 'S033'"),
            format!("SELECT sum({number}) FROM t WHERE {number} < 20000000"),
            "SELECT count(*) FROM t WHERE symbol = 'S0075'".to_owned(),
            format!("SELECT symbol, {number} FROM t ORDER BY symbol, {number} LIMIT 5"),
            format!("SELECT sum({number}) FROM (SELECT {number} FROM t LIMIT 100)"),
            "SELECT count(*) FROM t".to_owned(),
        ]
    }

    async fn answers(&self) -> Vec<(String, String)> {
        let mut answers = Vec::new();
        for sql in self.queries() {
            let answer = self.query(&sql).await.unwrap();
            answers.push((sql, answer));
        }
        answers
    }

    /// Reads the file in every way: the errors, and the answers that are wrong.
    async fn outcome(&self, answers: &[(String, String)]) -> (Vec<QueryError>, Vec<String>) {
        let (mut errors, mut wrong) = (Vec::new(), Vec::new());
        for (sql, right) in answers {
            match self.query(sql).await {
                Ok(answer) if answer == *right => {}
                Ok(answer) => wrong.push(format!("{sql}\n{answer}")),
                Err(error) => errors.push(error),
            }
        }
        (errors, wrong)
    }

    /// An error says what is damaged, and nothing of where the lake stands.
    #[track_caller]
    fn check_error(&self, error: &QueryError) {
        assert_eq!(error.kind, ErrorKind::Corrupted, "{error}");
        let name = format!("lake/{}/{}", self.dataset, self.file.file_name().unwrap().to_str().unwrap());
        assert!(error.message.contains(&name), "{error}");
        assert!(error.hint.as_ref().unwrap().contains("tt lake check"), "{error}");
        let place = self.directory.path().file_name().unwrap().to_str().unwrap();
        assert!(!error.to_string().contains(place), "{error}");
    }

    fn footer(&self) -> ParquetMetaData {
        let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
        reader.parse_and_finish(&bytes::Bytes::from(self.bytes.clone())).unwrap()
    }
}

/// A place in every kind of part that a file has, by name.
fn places(world: &World) -> Vec<(String, usize)> {
    let (footer, end) = (world.footer(), world.bytes.len());
    let mut places = Vec::new();
    let mut add = |name: String, place: i64| places.push((name, usize::try_from(place).unwrap()));
    for (group, columns) in footer.row_groups().iter().enumerate() {
        for (number, column) in columns.columns().iter().enumerate() {
            let name = |what: &str| format!("{what} of {} in group {group}", column.column_descr().name());
            let (start, bytes) = column.byte_range();
            let (start, bytes) = (start as i64, bytes as i64);
            if let Some(dictionary) = column.dictionary_page_offset() {
                add(name("header of the dictionary"), dictionary + 3);
                add(name("dictionary"), i64::midpoint(dictionary, column.data_page_offset()));
            }
            add(name("first page header"), column.data_page_offset() + 3);
            add(name("middle"), start + bytes / 2);
            add(name("last byte"), start + bytes - 1);
            let pages = footer.offset_index().unwrap()[group][number].page_locations();
            let last = pages.last().unwrap();
            add(name("last page header"), last.offset + 1);
            add(name("last page"), last.offset + i64::from(last.compressed_page_size) / 2);
            let (at, length) =
                (column.column_index_offset().unwrap(), i64::from(column.column_index_length().unwrap()));
            add(name("bounds of pages"), at + length / 2);
            let (at, length) =
                (column.offset_index_offset().unwrap(), i64::from(column.offset_index_length().unwrap()));
            add(name("places of pages"), at + length / 2);
            if let Some(bloom) = column.bloom_filter_offset() {
                add(name("header of the bloom filter"), bloom + 2);
                add(name("bloom filter"), bloom + i64::from(column.bloom_filter_length().unwrap()) / 2);
            }
        }
    }
    let length = u32::from_le_bytes(world.bytes[end - 8..end - 4].try_into().unwrap()) as usize;
    for part in 0..24 {
        add(format!("footer, part {part}"), (end - 8 - length + length * part / 24) as i64);
    }
    add("length of the footer".to_owned(), end as i64 - 8);
    add("last magic".to_owned(), end as i64 - 2);
    add("first magic".to_owned(), 1);
    places
}

/// Pages, row groups and blocks are many here.
#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_in_any_part_of_a_file_is_told() {
    let world = World::new("dividends", 150_000).await;
    let answers = world.answers().await;
    let places = places(&world);
    assert!(places.iter().any(|(name, _)| name.starts_with("bloom filter")), "{places:?}");
    assert!(places.iter().any(|(name, _)| name.ends_with("in group 1")), "{places:?}");
    for (bit, (name, place)) in places.into_iter().enumerate() {
        world.flip(place * 8 + bit % 8);
        let (errors, wrong) = world.outcome(&answers).await;
        assert!(wrong.is_empty(), "{name}: {}", wrong[0]);
        assert!(!errors.is_empty(), "{name}: nobody has seen it");
        errors.iter().for_each(|error| world.check_error(error));
    }
    world.mend();
    assert_eq!(world.answers().await, answers);
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bits_never_change_an_answer() {
    let mut numbers = Numbers(11);
    for (dataset, count, flips) in [("eod", 1_500, 250), ("dividends", 4_000, 150), ("option_chains", 900, 100)] {
        let world = World::new(dataset, count).await;
        let answers = world.answers().await;
        let snapshot = world.table.current().unwrap();
        let held = world.table.read(&snapshot.files).await.unwrap();
        for _ in 0..flips {
            let bit = numbers.below(world.bytes.len() * 8);
            world.flip(bit);
            let (errors, wrong) = world.outcome(&answers).await;
            assert!(wrong.is_empty(), "bit {bit} of {dataset}: {}", wrong[0]);
            assert!(!errors.is_empty(), "bit {bit} of {dataset}: nobody has seen it");
            errors.iter().for_each(|error| world.check_error(error));
            let merged = world.table.read(&snapshot.files).await;
            assert!(matches!(merged, Err(LakeError::Damaged { .. })), "bit {bit} of {dataset}: {merged:?}");
        }
        world.mend();
        assert_eq!(world.table.read(&snapshot.files).await.unwrap(), held);
    }
}

/// What the others find is there to be found.
#[tokio::test(flavor = "multi_thread")]
async fn without_digests_random_bits_change_answers() {
    let world = World::new("eod", 1_500).await.without_digests().await;
    let answers = world.answers().await;
    let (mut numbers, mut silent) = (Numbers(11), 0);
    for _ in 0..60 {
        world.flip(numbers.below(world.bytes.len() * 8));
        silent += usize::from(!world.outcome(&answers).await.1.is_empty());
    }
    assert!(silent > 5, "{silent} of 60 flips gave a wrong answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_damaged_column_is_named_and_the_others_are_read() {
    let world = World::new("eod", 60_000).await;
    let footer = world.footer();
    let chunk = footer.row_group(0).columns().iter().find(|column| column.column_descr().name() == "low").unwrap();
    let (start, bytes) = chunk.byte_range();
    let sum = world.query("SELECT sum(close), sum(volume) FROM t").await.unwrap();
    world.flip(usize::try_from(start + bytes / 2).unwrap() * 8);
    let error = world.query("SELECT sum(low) FROM t").await.unwrap_err();
    world.check_error(&error);
    assert!(error.message.contains("(of low) are not what was written"), "{error}");
    assert_eq!(world.query("SELECT sum(close), sum(volume) FROM t").await.unwrap(), sum);
}

/// What the log alone could answer is not answered for files that are gone or cut short.
#[tokio::test(flavor = "multi_thread")]
async fn a_count_is_of_files_that_are_there() {
    let counts = ["SELECT count(*) FROM t", "SELECT min(date), max(date) FROM t", "SELECT count(volume) FROM t"];
    for cut in [false, true] {
        let world = World::new("eod", 1_000).await;
        if cut {
            std::fs::write(&world.file, &world.bytes[..world.bytes.len() - 1]).unwrap();
        } else {
            std::fs::remove_file(&world.file).unwrap();
        }
        for sql in counts {
            let error = world.query(sql).await.unwrap_err();
            world.check_error(&error);
            assert!(error.message.contains(if cut { "bytes, and" } else { "is gone" }), "{error}");
        }
        let error = world.query("SELECT sum(close) FROM t WHERE symbol = 'S007'").await.unwrap_err();
        world.check_error(&error);
        world.mend();
        for sql in counts {
            world.query(sql).await.unwrap();
        }
    }
}
