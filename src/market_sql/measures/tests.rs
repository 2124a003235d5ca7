//! Aggregates over random rows, in many parts and in one, against what is computed row by row.

use super::register;
use arrow::array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::util::display::array_value_to_string;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};
use std::sync::Arc;

/// One row: its group, a value, a text, a number, a time and a volume.
#[derive(Debug, Clone)]
struct Row {
    group: i64,
    value: Option<i64>,
    text: Option<String>,
    number: Option<f64>,
    time: Option<i64>,
    volume: Option<f64>,
}

/// Numbers that look random, and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn maybe<T>(&mut self, value: T) -> Option<T> {
        (self.below(8) > 0).then_some(value)
    }
}

fn rows(count: usize, groups: u64) -> Vec<Row> {
    let mut random = Random(42);
    let row = |_| {
        let (value, number, time) = (random.below(20), random.below(9), random.below(12));
        let number = [1.5, -0.0, 0.0, f64::NAN, f64::INFINITY, -3.0, 2.0, 7.25, 1e9][usize::try_from(number).unwrap()];
        Row {
            group: random.below(groups).cast_signed(),
            value: random.maybe(value.cast_signed()),
            text: random.maybe(format!("text {}", value * 7919 % 23)),
            number: random.maybe(number),
            time: random.maybe(time.cast_signed() - 5),
            volume: random.maybe(f64::from(u32::try_from(value).unwrap())),
        }
    };
    (0..count).map(row).collect()
}

fn batch(rows: &[Row]) -> RecordBatch {
    let time = DataType::Timestamp(TimeUnit::Microsecond, None);
    let types = [
        ("g", DataType::Int64),
        ("v", DataType::Int64),
        ("s", DataType::Utf8),
        ("n", DataType::Float64),
        ("t", time),
        ("size", DataType::Float64),
    ];
    let fields: Vec<Field> = types.into_iter().map(|(name, of)| Field::new(name, of, true)).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.group)).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| row.value).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| row.text.clone()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| row.number).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.time).collect::<TimestampMicrosecondArray>()),
        Arc::new(rows.iter().map(|row| row.volume).collect::<Float64Array>()),
    ];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// A context with the rows in a table of so many partitions of small batches.
fn context(rows: &[Row], partitions: usize, passes_rows_on: bool) -> SessionContext {
    let mut config = SessionConfig::new().with_target_partitions(partitions).with_batch_size(7);
    let options = &mut config.options_mut().execution;
    options.skip_partial_aggregation_probe_rows_threshold = if passes_rows_on { 1 } else { usize::MAX };
    options.skip_partial_aggregation_probe_ratio_threshold = 0.0;
    let mut context = SessionContext::new_with_config(config);
    register(&mut context).unwrap();
    let part = rows.len().div_ceil(partitions).max(1);
    let parts = rows.chunks(part).map(|part| part.chunks(11).map(batch).collect());
    let parts: Vec<Vec<RecordBatch>> = if rows.is_empty() { vec![Vec::new()] } else { parts.collect() };
    let table = MemTable::try_new(batch(&[]).schema(), parts).unwrap();
    context.register_table("r", Arc::new(table)).unwrap();
    context
}

/// The only column of a query, row by row.
async fn column(context: &SessionContext, sql: &str) -> Vec<String> {
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    let texts = batches.iter().flat_map(|batch| {
        let column = batch.column(0).clone();
        (0..batch.num_rows()).map(move |row| {
            if column.is_null(row) { "NULL".to_owned() } else { array_value_to_string(&column, row).unwrap() }
        })
    });
    texts.collect()
}

/// Results of a query over all ways to hand in the rows; they have to be the same.
async fn result(rows: &[Row], sql: &str) -> Vec<String> {
    let whole = column(&context(rows, 1, false), sql).await;
    for (partitions, passes_rows_on) in [(2, false), (5, false), (3, true)] {
        assert_eq!(column(&context(rows, partitions, passes_rows_on), sql).await, whole, "{sql}");
    }
    whole
}

/// The order of a double: NaN is greatest, and -0 is 0.
fn ordinal(number: f64) -> i64 {
    let bits = if number.is_nan() { f64::NAN } else { number + 0.0 }.to_bits().cast_signed();
    if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits }
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "NULL".to_owned(), |value| value.to_string())
}

/// The value that the greatest key leads to, of several the greatest.
fn picked<K: Ord, V: Ord>(rows: impl Iterator<Item = (Option<K>, V)>) -> Option<V> {
    rows.filter_map(|(key, value)| key.map(|key| (key, value))).max().map(|(_, value)| value)
}

const GROUPS: u64 = 13;

#[tokio::test]
async fn values_are_picked_by_time() {
    let rows = rows(700, GROUPS);
    for (sql, expected) in [
        ("last(v, t)", (|row: &Row| (row.time, row.value)) as fn(&Row) -> _),
        ("first(v, t)", |row| (row.time.map(|time| -time), row.value)),
        ("arg_max(v, t)", |row| (row.time.filter(|_| row.value.is_some()), row.value)),
        ("arg_min(v, t)", |row| (row.time.filter(|_| row.value.is_some()).map(|time| -time), row.value)),
        ("max_by(v, n)", |row| (row.number.filter(|_| row.value.is_some()).map(ordinal), row.value)),
        ("min_by(v, n)", |row| (row.number.filter(|_| row.value.is_some()).map(|number| -ordinal(number)), row.value)),
    ] {
        let found = result(&rows, &format!("SELECT {sql} FROM r GROUP BY g ORDER BY g")).await;
        let group = |group: u64| rows.iter().filter(move |row| row.group == group.cast_signed());
        let each = (0..GROUPS).map(|at| shown(picked(group(at).map(expected)).flatten()));
        assert_eq!(found, each.collect::<Vec<_>>(), "{sql}");
        let found = result(&rows, &format!("SELECT {sql} FROM r")).await;
        assert_eq!(found, [shown(picked(rows.iter().map(expected)).flatten())], "{sql}");
    }
}

#[tokio::test]
async fn texts_are_picked_and_pick() {
    let rows = rows(700, GROUPS);
    let group = |group: u64| rows.iter().filter(move |row| row.group == group.cast_signed());
    let found = result(&rows, "SELECT last(s, t) FROM r GROUP BY g ORDER BY g").await;
    let each = (0..GROUPS).map(|at| shown(picked(group(at).map(|row| (row.time, row.text.clone()))).flatten()));
    assert_eq!(found, each.collect::<Vec<_>>());
    let found = result(&rows, "SELECT first(v, s) FROM r GROUP BY g ORDER BY g").await;
    let each = (0..GROUPS).map(|at| {
        let key = |row: &Row| (row.text.clone().map(std::cmp::Reverse), row.value);
        shown(picked(group(at).map(key)).flatten())
    });
    assert_eq!(found, each.collect::<Vec<_>>());
}

#[tokio::test]
async fn filters_frames_and_distinct_keep_their_meaning() {
    let rows = rows(300, 3);
    let group = |group: i64| rows.iter().filter(move |row| row.group == group);
    let found = result(&rows, "SELECT last(DISTINCT v, t) FILTER (WHERE v > 10) FROM r GROUP BY g ORDER BY g").await;
    let each = (0..3).map(|at| {
        let passes = group(at).filter(|row| row.value.is_some_and(|value| value > 10));
        shown(picked(passes.map(|row| (row.time, row.value))).flatten())
    });
    assert_eq!(found, each.collect::<Vec<_>>());
    let sql = "SELECT max_by(v, t) OVER (ORDER BY i ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING) FROM \
        (SELECT v, t, row_number() OVER (ORDER BY t, v, s, n, size, g) AS i FROM r) AS q ORDER BY i";
    let numbered =
        "SELECT coalesce(v, -1) * 1000 + coalesce(arrow_cast(t, 'Int64'), -500) FROM r ORDER BY t, v, s, n, size, g";
    let (found, all) = (result(&rows, sql).await, result(&rows, numbered).await);
    let all: Vec<(Option<i64>, Option<i64>)> = all
        .iter()
        .map(|both| {
            let both: i64 = both.parse().unwrap();
            let time = both.rem_euclid(1000);
            let time = if time > 499 { time - 1000 } else { time };
            let value = (both - time) / 1000;
            (Some(time).filter(|time| *time != -500), Some(value).filter(|value| *value >= 0))
        })
        .collect();
    let frame = |at: usize| &all[at.saturating_sub(2)..(at + 2).min(all.len())];
    let pick = |rows: &[(Option<i64>, Option<i64>)]| {
        shown(picked(rows.iter().map(|(time, value)| (time.filter(|_| value.is_some()), *value))).flatten())
    };
    assert_eq!(found, (0..all.len()).map(|at| pick(frame(at))).collect::<Vec<_>>());
}

#[tokio::test]
async fn bars_and_means_do_not_depend_on_the_parts() {
    let rows = rows(900, GROUPS);
    let known = |row: &&Row| row.number.is_some_and(f64::is_finite);
    let group = |group: u64| rows.iter().filter(move |row| row.group == group.cast_signed()).filter(known);
    result(&rows, "SELECT candlestick(t, n, size) FROM r GROUP BY g ORDER BY g").await;
    let highs = result(&rows, "SELECT get_field(candlestick(t, n, size), 'high') FROM r GROUP BY g ORDER BY g").await;
    let each = (0..GROUPS).map(|at| {
        let timed = group(at).filter(|row| row.time.is_some());
        let high = timed.filter_map(|row| row.number).max_by(f64::total_cmp);
        format!("{:?}", high.unwrap())
    });
    assert_eq!(highs, each.collect::<Vec<_>>());
    let means = result(&rows, "SELECT vwap(n, size) FROM r GROUP BY g ORDER BY g").await;
    let each = (0..GROUPS).map(|at| {
        let traded = group(at).filter_map(|row| row.number.zip(row.volume));
        let (worth, volume) = traded.fold((0.0, 0.0), |(worth, volume), (n, size)| (worth + n * size, volume + size));
        worth / volume
    });
    for (found, expected) in means.iter().zip(each) {
        assert!((found.parse::<f64>().unwrap() / expected - 1.0).abs() < 1e-12, "{found} {expected}");
    }
    result(&rows, "SELECT twap(n, t) FROM r GROUP BY g ORDER BY g").await;
    result(&rows, "SELECT max_drawdown(n ORDER BY t, v DESC) FROM r GROUP BY g ORDER BY g").await;
    result(&rows, "SELECT max_drawdown(n ORDER BY t, v DESC) FROM r").await;
    result(&rows, "SELECT round(sharpe(v, 252, 0.5), 9) FROM r GROUP BY g ORDER BY g").await;
    result(&rows, "SELECT round(sortino(v, 252, 9), 9) FROM r").await;
}

#[tokio::test]
async fn no_rows_have_no_result() {
    for call in
        ["first(v, t)", "arg_max(s, n)", "candlestick(t, n, size)", "vwap(n, size)", "twap(n, t)", "sharpe(n, 252)"]
    {
        assert_eq!(result(&[], &format!("SELECT {call} FROM r")).await, ["NULL"], "{call}");
    }
}
