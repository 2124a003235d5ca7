//! The same statements over the same files, read from the files and from memory: the answers are the same.

use datafusion::arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::array::{TimestampMicrosecondArray, new_null_array};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::scalar::ScalarValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use ttapi::clock::Clock;
use ttapi::engine::template::{Parts, build};
use ttapi::engine::{Engine, Queries, Session};
use ttapi::lake::freshness::{Freshness, FreshnessBoard};
use ttapi::lake::refresh::channel;
use ttapi::lake::{Lake, LakeTable, StoreOptions, dataset};
use ttapi::live::Live;
use ttapi::resident::Residents;
use ttapi::table::kept_view::KeptViews;
use ttapi::table::schemas::Tables;

/// An engine over a lake, with so much memory for its columns.
pub(super) async fn engine(lake: &Arc<Lake>, memory: usize) -> (Engine, Arc<Residents>) {
    engine_with(lake, memory, Arc::new(Live::new(16))).await
}

/// The same with these books of live events.
pub(super) async fn engine_with(lake: &Arc<Lake>, memory: usize, live: Arc<Live>) -> (Engine, Arc<Residents>) {
    let of = |dataset: dataset::Dataset| {
        (dataset.name, Arc::new(Freshness::new(&dataset, None, true, "imported", Clock::System)))
    };
    let board: FreshnessBoard = dataset::all().into_iter().map(of).collect();
    let residents = Residents::start(lake, memory).unwrap();
    let kept_views = KeptViews::default();
    let figures = kept_views.clone();
    let parts = Parts {
        tables: Tables {
            lake: lake.clone(),
            board,
            refresh: channel().0,
            live,
            histories: BTreeMap::new(),
            residents: residents.clone(),
            kept_views,
            settings: Vec::new(),
            system_tables: vec![(
                "cache",
                ttapi::system::cache::table(residents.clone(), Box::new(move || figures.figures())),
            )],
        },
        queries: Arc::new(Queries::default()),
        defaults: ttapi::engine::Defaults::default(),
        memory_bytes: 256 << 20,
        spill_bytes: 64 << 20,
    };
    (build(parts).await.unwrap(), residents)
}

/// Bars that look random: prices with NULLs, of symbols that have some days in common.
pub(super) fn bars(table: &LakeTable, days: impl Iterator<Item = i32> + Clone) -> RecordBatch {
    let keys: Vec<(usize, i32)> = (0..40)
        .flat_map(|symbol| days.clone().map(move |day| (symbol, day)))
        .filter(|(symbol, day)| !(symbol * 7 + *day as usize * 13).is_multiple_of(5))
        .collect();
    let number = |place: usize, (symbol, day): &(usize, i32)| -> Option<i64> {
        let mixed = (*symbol as i64 * 31 + i64::from(*day) * 17 + place as i64 * 101) % 997;
        (mixed % 11 != 0).then_some(mixed)
    };
    let columns = table.dataset().schema.fields().iter().enumerate().map(|(place, field)| -> ArrayRef {
        match (field.name().as_str(), field.data_type()) {
            ("symbol", _) => {
                Arc::new(StringArray::from_iter_values(keys.iter().map(|(symbol, _)| format!("S{symbol:03}"))))
            }
            ("date", _) => Arc::new(Date32Array::from_iter_values(keys.iter().map(|(_, day)| *day))),
            (_, DataType::Float64) => Arc::new(
                keys.iter().map(|key| number(place, key).map(|value| value as f64 / 8.0)).collect::<Float64Array>(),
            ),
            (_, DataType::Int64) => Arc::new(keys.iter().map(|key| number(place, key)).collect::<Int64Array>()),
            (_, DataType::Utf8) => Arc::new(StringArray::from_iter_values(keys.iter().map(|_| "made"))),
            (_, DataType::Timestamp(..)) => {
                Arc::new(TimestampMicrosecondArray::from(vec![7; keys.len()]).with_timezone("UTC"))
            }
            (_, other) => new_null_array(other, keys.len()),
        }
    });
    RecordBatch::try_new(table.dataset().schema.clone(), columns.collect()).unwrap()
}

/// Rows as text, by a plan that is made once.
pub(super) async fn answer(session: &Session, sql: &str, values: &[ScalarValue]) -> Vec<Vec<String>> {
    let statements = session.parse(sql).unwrap();
    let running = session.start(sql);
    let plan = session.plan(&running, &statements[0]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let options = FormatOptions::default().with_null("-");
    let mut last = None;
    // A lookup is found out when the statement was optimised once.
    for _ in 0..3 {
        let running = session.start(sql);
        let stream = session.execute(running, &plan, values.to_vec()).await;
        let mut stream = stream.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let mut rows: Vec<Vec<String>> = Vec::new();
        while let Some(batch) = stream.next().await.transpose().unwrap() {
            let columns: Vec<_> =
                batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
            let row = |row| columns.iter().map(|column| column.value(row).to_string()).collect();
            rows.extend((0..batch.num_rows()).map(row));
        }
        assert!(last.as_ref().is_none_or(|last| *last == rows), "{sql}");
        last = Some(rows);
    }
    last.unwrap()
}

/// Statements whose rows are in one order.
const STATEMENTS: &[&str] = &[
    "SELECT * FROM eod WHERE symbol = 'S003' ORDER BY date",
    "SELECT date, close FROM eod WHERE symbol = 'S003' ORDER BY date DESC LIMIT 5",
    "SELECT close FROM eod WHERE symbol = 'S003' ORDER BY date LIMIT 7",
    "SELECT date, close FROM eod WHERE symbol = 'S003' AND date >= '1973-01-05' ORDER BY date",
    "SELECT date, close FROM eod WHERE symbol = 'S003' AND date > '1973-01-05' AND date <= '1973-06-05' ORDER BY date",
    "SELECT date FROM eod WHERE symbol = 'S003' AND date = '1973-01-05'",
    "SELECT date FROM eod WHERE symbol = 'S003' AND '1973-01-05' < date ORDER BY date DESC LIMIT 3",
    "SELECT symbol, date FROM eod WHERE symbol IN ('S009', 'S001', 'none') ORDER BY symbol, date",
    "SELECT symbol, date FROM eod WHERE symbol IN ('S009', 'S001') ORDER BY symbol DESC, date DESC LIMIT 9",
    "SELECT symbol, date FROM eod WHERE symbol IN ('S009', 'S001') ORDER BY symbol, date LIMIT 9",
    "SELECT date, close FROM eod WHERE symbol = 'S003' AND close > 60 ORDER BY date DESC LIMIT 4",
    "SELECT date, close FROM eod WHERE symbol = 'S003' AND close IS NULL ORDER BY date",
    "SELECT date, close FROM eod WHERE symbol = 'S003' AND close > 60 AND volume < 500 ORDER BY date",
    "SELECT e.close AS c, e.symbol FROM eod AS e WHERE e.symbol = 'S004' ORDER BY e.date DESC LIMIT 2",
    "SELECT * FROM (SELECT date AS d, close FROM eod WHERE symbol = 'S004') AS one ORDER BY d DESC LIMIT 2",
    "SELECT d FROM (SELECT date AS d, symbol AS s FROM eod) AS one WHERE s = 'S004' ORDER BY d LIMIT 2",
    "SELECT date, close * 2 FROM eod WHERE symbol = 'S004' ORDER BY date DESC LIMIT 2",
    "SELECT date FROM eod WHERE symbol = 'S004' ORDER BY close DESC NULLS LAST, date LIMIT 5",
    "SELECT date FROM eod WHERE symbol = 'S004' AND symbol = 'S005'",
    "SELECT date FROM eod WHERE symbol = NULL",
    "SELECT count(*) FROM eod WHERE symbol = 'none'",
    "SELECT count(*), min(date), max(date), sum(volume) FROM eod",
    "SELECT count(*), sum(close) FROM eod WHERE date = '1973-01-06'",
    "SELECT count(*), sum(volume) FROM eod WHERE date BETWEEN '1972-06-01' AND '1973-02-01'",
    "SELECT symbol, count(*), max(high), sum(volume) FROM eod GROUP BY symbol ORDER BY symbol",
    "SELECT count(DISTINCT symbol), count(DISTINCT date) FROM eod",
    "SELECT symbol, date, volume FROM eod WHERE date > '1973-06-01' ORDER BY volume DESC NULLS LAST, symbol, date LIMIT 20",
    "SELECT symbol, date, lag(close) OVER (PARTITION BY symbol ORDER BY date) FROM eod ORDER BY symbol, date LIMIT 500",
    "SELECT a.date, a.close, b.close FROM eod a JOIN eod b ON b.date = a.date AND b.symbol = 'S002' WHERE a.symbol = 'S001'
     ORDER BY a.date",
    "SELECT date_trunc('week', date) AS w, max(high), sum(volume) FROM eod WHERE symbol = 'S001' GROUP BY w ORDER BY w",
    "SELECT close FROM eod WHERE symbol = 'S001' OR symbol = 'S002' ORDER BY close NULLS FIRST, symbol, date LIMIT 30",
    "SELECT symbol FROM eod WHERE symbol LIKE 'S00%' GROUP BY symbol HAVING count(*) > 10 ORDER BY symbol",
    "SELECT symbol, date FROM (SELECT symbol, date, row_number() OVER (PARTITION BY symbol ORDER BY date DESC) AS n FROM eod)
     AS one WHERE n = 1 ORDER BY symbol",
    "SELECT symbol, close FROM bars_latest ORDER BY symbol",
    "SELECT symbol, date, close FROM (SELECT *, row_number() OVER (PARTITION BY symbol ORDER BY date) AS n FROM eod) AS one
     WHERE n <= 3 ORDER BY symbol, date",
    "SELECT symbol, n FROM (SELECT symbol, rank() OVER (PARTITION BY symbol ORDER BY date DESC) AS n FROM eod) AS one
     WHERE n < 3 ORDER BY symbol, n",
    "SELECT symbol, c, n FROM (SELECT symbol, close AS c, lag(date) OVER w AS l, row_number() OVER w AS n FROM eod
     WINDOW w AS (PARTITION BY symbol ORDER BY date DESC)) AS one WHERE n = 2 ORDER BY symbol",
    "SELECT symbol, l FROM (SELECT symbol, lead(date) OVER w AS l, row_number() OVER w AS n FROM eod
     WINDOW w AS (PARTITION BY symbol ORDER BY date DESC)) AS one WHERE n = 1 ORDER BY symbol",
    "SELECT symbol, date FROM (SELECT symbol, date, row_number() OVER (PARTITION BY symbol ORDER BY date DESC) AS n FROM eod
     WHERE date < '1973-01-05') AS one WHERE n = 1 ORDER BY symbol",
    "SELECT symbol, date FROM (SELECT symbol, date, row_number() OVER (PARTITION BY symbol ORDER BY close) AS n FROM eod)
     AS one WHERE n = 1 ORDER BY symbol",
    "SELECT symbol, date FROM (SELECT symbol, date, row_number() OVER (PARTITION BY symbol ORDER BY date DESC) AS n FROM eod)
     AS one WHERE n = 1 AND date > '1973-10-25' ORDER BY symbol",
    "SELECT DISTINCT ON (symbol) symbol, date, close FROM eod ORDER BY symbol, date DESC",
    "SELECT DISTINCT ON (symbol) symbol, date, close FROM eod WHERE close > 100 ORDER BY symbol, date DESC",
    "SELECT DISTINCT ON (symbol) symbol, date, close FROM eod ORDER BY symbol, close DESC NULLS LAST, date",
    "SELECT symbol, max(date) FROM eod GROUP BY symbol ORDER BY symbol",
    "SELECT symbol, min(date) FROM eod GROUP BY symbol ORDER BY symbol",
    "SELECT symbol, min(date), max(date) FROM eod GROUP BY symbol ORDER BY symbol",
    "SELECT symbol, max(date), count(*) FROM eod GROUP BY symbol ORDER BY symbol",
    "SELECT symbol, max(date) FILTER (WHERE close > 50) FROM eod GROUP BY symbol ORDER BY symbol",
    "SELECT DISTINCT symbol FROM eod ORDER BY symbol",
    "SELECT DISTINCT ON (symbol) symbol, date, close FROM eod WHERE date <= '1973-01-05' ORDER BY symbol, date DESC",
    "SELECT DISTINCT ON (symbol) symbol, date FROM eod WHERE date > '1972-06-01' AND date < '1973-01-05' ORDER BY symbol, date",
    "SELECT symbol, max(date) FROM eod WHERE date < '1972-06-01' GROUP BY symbol ORDER BY symbol",
    "SELECT symbol, min(date) FROM eod WHERE date >= '1973-10-28' AND symbol <> 'S003' GROUP BY symbol ORDER BY symbol",
    "SELECT symbol, date FROM (SELECT symbol, date, row_number() OVER (PARTITION BY symbol ORDER BY date DESC) AS n FROM eod
     WHERE date <= '1973-03-03' AND date > '1972-01-01') AS one WHERE n < 3 ORDER BY symbol, date",
    "SELECT DISTINCT symbol FROM eod WHERE date > '1973-10-25' ORDER BY symbol",
    "SELECT symbol FROM eod GROUP BY symbol ORDER BY symbol DESC LIMIT 3",
    "SELECT symbol, max(date) FROM eod WHERE symbol > 'S004' GROUP BY symbol ORDER BY symbol",
    "SELECT symbol, max(date) AS d FROM eod GROUP BY symbol ORDER BY d DESC, symbol LIMIT 3",
    // A constant that a sort below a window left out is still known when the plan is put together again.
    "SELECT symbol, source, date FROM (SELECT *, row_number() OVER (PARTITION BY symbol, source ORDER BY c, date) AS n FROM
     (SELECT symbol, source, date, count(*) AS c FROM eod WHERE length(symbol) > 1 GROUP BY 1, 2, 3) AS s) AS one
     WHERE symbol = 'S003' AND n < 5 ORDER BY date",
    "SELECT symbol, date, n FROM (SELECT symbol, date, rank() OVER (PARTITION BY symbol, source ORDER BY close, date) AS n
     FROM eod WHERE close * 2 > 60) AS one WHERE symbol = 'S003' AND n < 5 ORDER BY n, date",
    "SELECT source, date, sum(v) OVER (PARTITION BY symbol, source ORDER BY date) FROM (SELECT symbol, source, date,
     sum(volume) AS v FROM eod WHERE symbol = 'S003' AND abs(close) >= 1 GROUP BY 1, 2, 3) AS one ORDER BY date",
    // Equalities of computed values, alone and beside others, one of them with itself in it.
    "SELECT symbol, date, rank() OVER (PARTITION BY symbol, source ORDER BY length(symbol), date) FROM eod
     WHERE upper(symbol) = symbol AND date < '1972-02-01' ORDER BY symbol, date",
    "SELECT symbol, date FROM eod WHERE upper(symbol) = symbol ORDER BY length(symbol), symbol, date LIMIT 20",
    "SELECT symbol, date FROM (SELECT *, row_number() OVER (PARTITION BY volume % 2, symbol ORDER BY date) AS n FROM eod
     WHERE volume % 2 = 0 AND close * 2 > 60) AS one WHERE symbol = 'S003' AND n < 4 ORDER BY date",
    "SELECT symbol, date, close FROM eod WHERE abs(close) = close AND symbol = 'S003' AND high = low + 12.625
     ORDER BY -close, low, date",
];

/// The same whose rows go beyond one part of a scan, or come backwards.
const ORDERS: &[&str] = &[
    "SELECT symbol, date, close FROM eod ORDER BY symbol, date",
    "SELECT symbol, date, close FROM eod ORDER BY symbol DESC, date DESC",
    "SELECT symbol, date, close FROM eod ORDER BY symbol, date DESC",
    "SELECT symbol, date, close FROM eod ORDER BY symbol DESC, date",
    "SELECT symbol, date FROM eod WHERE date > '1973-06-01' ORDER BY symbol DESC, date DESC LIMIT 100",
    "SELECT symbol, date FROM eod WHERE close > 100 ORDER BY symbol, date DESC LIMIT 100 OFFSET 50",
    "SELECT symbol, date_trunc('week', date) AS w, min(low), max(high), sum(volume), count(close) FROM eod
     WHERE date >= '1973-01-01' GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT symbol, date_trunc('month', date) AS m, avg(close) FROM eod GROUP BY 1, 2 HAVING sum(volume) > 5000 ORDER BY 1, 2",
    "SELECT symbol, date, sum(volume) OVER w, lag(close) OVER w, avg(close) OVER (w ROWS 9 PRECEDING) FROM eod
     WINDOW w AS (PARTITION BY symbol ORDER BY date) ORDER BY 1, 2",
    "SELECT symbol, date, sum(volume) OVER w, first_value(close) OVER w FROM eod
     WINDOW w AS (PARTITION BY symbol ORDER BY date DESC) ORDER BY 1, 2",
    "SELECT symbol, date, ntile(4) OVER (PARTITION BY symbol ORDER BY date) FROM eod WHERE date > '1973-03-01' ORDER BY 1, 2",
    "SELECT symbol, date, rank() OVER (PARTITION BY date ORDER BY close NULLS FIRST, symbol) FROM eod ORDER BY 1, 2",
    "SELECT a.symbol, count(*), sum(a.volume - b.volume) FROM eod a JOIN eod b ON a.symbol = b.symbol AND a.date = b.date + 1
     GROUP BY a.symbol ORDER BY 1",
    "SELECT a.symbol, a.n, b.n FROM (SELECT symbol, count(*) AS n FROM eod GROUP BY 1) a JOIN (SELECT symbol, max(volume) AS n
     FROM eod WHERE close > 80 GROUP BY 1) b USING (symbol) ORDER BY 1",
    "SELECT symbol, source, count(*) FROM eod GROUP BY GROUPING SETS ((symbol, source), (symbol), (source), ()) ORDER BY 1, 2, 3",
    "SELECT symbol, date FROM eod WHERE symbol IN (SELECT symbol FROM eod GROUP BY symbol HAVING max(close) > 124) ORDER BY 1, 2",
    "SELECT symbol, date FROM eod WHERE symbol > 'S01' AND symbol < 'S03' AND volume IS NULL ORDER BY 1, 2",
    "SELECT symbol, count(*) FROM (SELECT * FROM eod UNION ALL SELECT * FROM eod) AS both GROUP BY symbol ORDER BY symbol",
    "SELECT symbol, date, close FROM eod e WHERE close = (SELECT max(close) FROM eod f WHERE f.symbol = e.symbol) ORDER BY 1, 2",
    "SELECT count(*) FROM (SELECT symbol, date FROM eod LIMIT 5000) AS some",
    // What a join learns of its symbols is no condition on the first ten.
    "SELECT t.symbol, t.date FROM (SELECT symbol, date FROM eod ORDER BY symbol DESC, date DESC LIMIT 10) AS t
     JOIN (VALUES ('S001'), ('S039')) AS w (s) ON w.s = t.symbol ORDER BY 1, 2",
    "SELECT count(*) FROM (SELECT symbol, date FROM eod ORDER BY symbol, date LIMIT 10) AS t
     JOIN (VALUES ('S001'), ('S039')) AS w (s) ON w.s = t.symbol",
    "SELECT symbol, min(volume), max(volume) FROM eod WHERE date = '1973-06-01' OR date = '1973-06-04' GROUP BY 1 ORDER BY 1",
    "SELECT e.symbol, e.date, q.date FROM eod e ASOF JOIN eod q MATCH_CONDITION (e.date > q.date) ON e.symbol = q.symbol
     ORDER BY 1, 2",
];

/// The same with parameters.
fn with_values() -> Vec<(&'static str, Vec<ScalarValue>)> {
    let text = |text: &str| ScalarValue::Utf8(Some(text.to_owned()));
    let day = |day| ScalarValue::Date32(Some(day));
    vec![
        ("SELECT date, close FROM eod WHERE symbol = $1 ORDER BY date DESC LIMIT 5", vec![text("S007")]),
        ("SELECT date, close FROM eod WHERE symbol = $1 ORDER BY date DESC LIMIT 5", vec![ScalarValue::Utf8(None)]),
        ("SELECT date FROM eod WHERE symbol = $1 AND date >= $2 ORDER BY date", vec![text("S007"), day(1_100)]),
        (
            "SELECT date FROM eod WHERE symbol = $1 AND date < $2 ORDER BY date",
            vec![text("S007"), ScalarValue::Date32(None)],
        ),
        ("SELECT date FROM eod WHERE symbol IN ($1, $2) ORDER BY symbol, date", vec![text("S007"), text("S001")]),
        (
            "SELECT date FROM eod WHERE symbol = $1 AND close > $2 ORDER BY date LIMIT 3",
            vec![text("S007"), ScalarValue::Float64(Some(50.0))],
        ),
        ("SELECT $2::text, date FROM eod WHERE symbol = $1 ORDER BY date LIMIT 1", vec![text("S007"), text("x")]),
    ]
}

/// Three files, one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn answers_from_memory_are_those_from_files() {
    compare(|table| [730..1_000, 1_000..1_100, 1_100..1_400].map(|days| bars(table, days)).to_vec()).await;
}

/// Files over the same days, each with every other day of each symbol.
#[tokio::test(flavor = "multi_thread")]
async fn answers_from_memory_are_those_from_files_that_overlap() {
    compare(|table| [730, 731].map(|first| bars(table, (first..1_400).step_by(2))).to_vec()).await;
}

async fn compare(files: impl Fn(&LakeTable) -> Vec<RecordBatch>) {
    let directory = tempfile::tempdir().unwrap();
    let location = directory.path().to_str().unwrap();
    let lake = Arc::new(Lake::open_or_create(location, &StoreOptions::default()).await.unwrap());
    let table = lake.table("eod").unwrap();
    let mut staged = Vec::new();
    for rows in files(table) {
        staged.push(table.stage(&rows).await.unwrap());
    }
    let file_count = staged.len();
    table.commit(table.current().as_deref(), &[], staged).await.unwrap();
    let (files, _) = engine(&lake, 0).await;
    let (memory, residents) = engine(&lake, 64 << 20).await;
    let open = |engine: &Engine| engine.open_session("test", ttapi::role::Role::Admin, "local");
    let (files, memory) = (open(&files), open(&memory));
    // Everything of the small table is loaded once something was read of it.
    answer(&memory, "SELECT count(close) FROM eod", &[]).await;
    let columns = table.dataset().schema.fields().len();
    let deadline = Instant::now() + Duration::from_secs(60);
    let here = || residents.figures().iter().find(|one| one.dataset == "eod").map_or(0, |eod| eod.columns);
    while here() < columns * file_count {
        assert!(Instant::now() < deadline, "{} of {} columns are in memory", here(), columns * file_count);
        tokio::task::yield_now().await;
    }
    let plain = STATEMENTS.iter().chain(ORDERS).map(|sql| (*sql, Vec::new()));
    for (sql, values) in plain.chain(with_values()) {
        let missed = |residents: &Residents| residents.figures().iter().map(|one| one.misses).sum::<u64>();
        let before = missed(&residents);
        assert_eq!(answer(&memory, sql, &values).await, answer(&files, sql, &values).await, "{sql}");
        assert_eq!(missed(&residents), before, "{sql} read a file");
    }
}
