//! The past of the lake, one snapshot per statement, REFRESH TABLE and EXPLAIN FRESHNESS, over a real lake.

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use ttapi::clock::Clock;
use ttapi::collect::write::write;
use ttapi::engine::template::{Parts, build};
use ttapi::engine::{Engine, Queries, Session};
use ttapi::error::{ErrorKind, QueryError};
use ttapi::lake::freshness::{Freshness, FreshnessBoard, Policy, Ttl};
use ttapi::lake::quality::{Doubt, DoubtKind, Findings, Severity};
use ttapi::lake::refresh::{RefreshRequest, channel};
use ttapi::lake::{Lake, LakeTable, Run, StoreOptions, dataset};
use ttapi::live::Live;
use ttapi::resident::Residents;
use ttapi::serve::postgres;
use ttapi::table::kept_view::KeptViews;
use ttapi::table::schemas::Tables;

/// An engine over a lake of its own; the test is the scheduler.
struct Place {
    /// Removed at the end.
    _directory: tempfile::TempDir,
    lake: Arc<Lake>,
    board: FreshnessBoard,
    engine: Engine,
    requests: mpsc::Receiver<RefreshRequest>,
}

const POLICY: Policy = Policy {
    ttl: Ttl::After(Duration::from_secs(3600)),
    stale_while_revalidate: Duration::ZERO,
    wait_timeout: Duration::from_secs(5),
    stale_if_error: Duration::ZERO,
    jitter: Duration::ZERO,
};

/// Datasets named in `stale` have a contract and were never loaded; the others never go stale.
async fn place(stale: &[&str]) -> Place {
    let directory = tempfile::tempdir().unwrap();
    let lake = Arc::new(Lake::open(directory.path().to_str().unwrap(), &StoreOptions::default()).await.unwrap());
    let board: FreshnessBoard = dataset::all()
        .into_iter()
        .map(|dataset| {
            let policy = stale.contains(&dataset.name).then_some(POLICY);
            let class = if dataset.name == "eod" { "imported" } else { "real-time" };
            let freshness = Freshness::new(&dataset, policy, true, class, Clock::System);
            (dataset.name, Arc::new(freshness))
        })
        .collect();
    let (refresh, requests) = channel();
    let engine = build(Parts {
        tables: Tables {
            lake: lake.clone(),
            board: board.clone(),
            refresh,
            live: Arc::new(Live::new(16)),
            histories: BTreeMap::new(),
            residents: Residents::start(&lake, 64 << 20).unwrap(),
            kept_views: KeptViews::default(),
            settings: Vec::new(),
            system_tables: Vec::new(),
        },
        queries: Arc::new(Queries::default()),
        defaults: ttapi::engine::Defaults::default(),
        memory_bytes: 64 << 20,
        spill_bytes: 64 << 20,
    });
    Place { _directory: directory, engine: engine.await.unwrap(), lake, board, requests }
}

impl Place {
    fn table(&self, name: &str) -> &LakeTable {
        self.lake.table(name).unwrap()
    }

    /// Replaces the rows of a table whose key begins with a symbol.
    async fn load(&self, name: &str, symbols: &[&str]) {
        let table = self.table(name);
        let schema = &table.dataset().schema;
        let columns = schema.fields().iter().map(|field| -> ArrayRef {
            match field.name().as_str() {
                "symbol" => Arc::new(StringArray::from(symbols.to_vec())),
                "fetched_at" => Arc::new(TimestampMicrosecondArray::from(vec![1; symbols.len()]).with_timezone("UTC")),
                _ => new_null_array(field.data_type(), symbols.len()),
            }
        });
        let rows = RecordBatch::try_new(schema.clone(), columns.collect()).unwrap();
        write(table, &[rows], &[]).await.unwrap();
        // Commit times are whole milliseconds: the next is to be told apart.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    /// When each version of a table was committed, as text.
    async fn committed_at(&self, name: &str) -> Vec<String> {
        let history = self.table(name).history().await.unwrap();
        history.iter().map(|entry| entry.committed_at.to_rfc3339()).collect()
    }
}

async fn try_rows(session: &Session, sql: &str) -> Result<Vec<Vec<String>>, QueryError> {
    let statements = session.parse(sql)?;
    let [statement] = statements.as_slice() else { panic!("{sql} is not one statement") };
    let running = session.start(sql);
    let plan = session.plan(&running, statement).await?;
    let mut stream = session.execute(running, &plan, Vec::new()).await?;
    let options = FormatOptions::default().with_null("-");
    let mut rows = Vec::new();
    while let Some(batch) = stream.next().await.transpose()? {
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        rows.extend(
            (0..batch.num_rows()).map(|row| columns.iter().map(|column| column.value(row).to_string()).collect()),
        );
    }
    Ok(rows)
}

async fn rows(session: &Session, sql: &str) -> Vec<Vec<String>> {
    try_rows(session, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// The first column.
async fn column(session: &Session, sql: &str) -> Vec<String> {
    rows(session, sql).await.into_iter().filter_map(|row| row.into_iter().next()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_read_as_it_was_known_then() {
    let place = place(&[]).await;
    let session = place.engine.open_session("test", ttapi::role::Role::Admin, "local");
    let before = "2020-01-01T00:00Z";
    for symbols in [&["A"][..], &["B", "C"], &["D"]] {
        place.load("symbols", symbols).await;
        place.load("market_metrics", symbols).await;
    }
    let sql = "SELECT symbol FROM symbols ORDER BY symbol";
    let joined = "SELECT s.symbol FROM symbols s JOIN market_metrics m ON m.symbol = s.symbol ORDER BY s.symbol";
    // The second table of each pair was written last, so its time sees both.
    for (at, expected) in place.committed_at("market_metrics").await.iter().zip([&["A"][..], &["B", "C"], &["D"]]) {
        session.settings().set("as_of", at).unwrap();
        assert_eq!(column(&session, sql).await, expected, "as of {at}");
        assert_eq!(column(&session, joined).await, expected, "as of {at}");
    }
    session.settings().set("as_of", before).unwrap();
    assert_eq!(column(&session, sql).await, [""; 0]);
    assert_eq!(column(&session, "SELECT count(*) FROM symbols").await, ["0"]);
    session.settings().reset("as_of").unwrap();
    assert_eq!(column(&session, sql).await, ["D"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_table_of_the_past_stands_beside_others_of_now() {
    let mut place = place(&["symbols"]).await;
    for symbols in [&["A"][..], &["B", "C"], &["C", "D"]] {
        place.load("symbols", symbols).await;
    }
    remember(&place, "symbols", 60);
    let times = place.committed_at("symbols").await;
    let session = place.engine.open_session("test", ttapi::role::Role::Admin, "local");
    let [first, second, _] = times.as_slice() else { panic!("{times:?}") };
    let of = |at: &str| format!("SELECT symbol FROM symbols FOR SYSTEM_TIME AS OF '{at}' ORDER BY symbol");
    assert_eq!(column(&session, &of(first)).await, ["A"]);
    assert_eq!(column(&session, &of(second)).await, ["B", "C"]);
    assert_eq!(column(&session, &of("2020-01-01")).await, [""; 0]);
    let sql = format!(
        "SELECT now.symbol, symbols.symbol, p.symbol FROM symbols now
         LEFT JOIN public.symbols FOR SYSTEM_TIME AS OF timestamptz '{second}' USING (symbol)
         LEFT JOIN symbols FOR SYSTEM_TIME AS OF '{first}' AS p ON p.symbol < now.symbol ORDER BY 1"
    );
    assert_eq!(rows(&session, &sql).await, [["C", "C", "A"], ["D", "-", "A"]]);
    let sql =
        format!("SELECT count(*) FROM symbols s WHERE symbol NOT IN ({})", of(second).replace(" ORDER BY symbol", ""));
    assert_eq!(column(&session, &sql).await, ["1"]);
    // One of the past stays what it is while the session reads another moment, and asks for no refresh.
    session.settings().set("as_of", first).unwrap();
    assert_eq!(column(&session, &of(second)).await, ["B", "C"]);
    session.settings().reset("as_of").unwrap();
    session.settings().set("max_staleness", "1ms").unwrap();
    assert_eq!(column(&session, &of(second)).await, ["B", "C"]);
    assert!(place.requests.try_recv().is_err(), "the past asks for no refresh");
    let told = rows(&session, &format!("EXPLAIN FRESHNESS {}", of(second))).await;
    assert_eq!((told[0][0].as_str(), told[0][5].as_str()), ("symbols", "1"));
    for (sql, kind, words) in [
        (of("soon"), ErrorKind::InvalidParameter, "\"soon\" is no moment"),
        (of("9999-01-01"), ErrorKind::InvalidParameter, "is in the future"),
        ("SELECT 1 FROM symbols FOR SYSTEM_TIME AS OF now()".to_owned(), ErrorKind::NotSupported, "written out"),
        ("SELECT 1 FROM symbols FOR SYSTEM_TIME AS OF $1".to_owned(), ErrorKind::NotSupported, "written out"),
        (
            "SELECT 1 FROM movers FOR SYSTEM_TIME AS OF '2026-01-01'".to_owned(),
            ErrorKind::WrongObject,
            "only be applied to tables",
        ),
        ("SELECT 1 FROM quotes FOR SYSTEM_TIME AS OF '2026-01-01'".to_owned(), ErrorKind::NotSupported, "is live"),
    ] {
        let error = try_rows(&session, &sql).await.unwrap_err();
        assert!(error.kind == kind && error.message.contains(words), "{sql}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_never_stale() {
    let mut place = place(&["symbols"]).await;
    place.load("symbols", &["A"]).await;
    let session = place.engine.open_session("test", ttapi::role::Role::Admin, "local");
    session.settings().set("freshness", "fail").unwrap();
    let sql = "SELECT symbol FROM symbols";
    assert_eq!(try_rows(&session, sql).await.unwrap_err().kind, ErrorKind::Stale);
    while place.requests.try_recv().is_ok() {}
    let committed_at = place.committed_at("symbols").await.remove(0);
    session.settings().set("as_of", &committed_at).unwrap();
    assert_eq!(column(&session, sql).await, ["A"]);
    assert!(place.requests.try_recv().is_err(), "the past asks for no refresh");
}

#[tokio::test(flavor = "multi_thread")]
async fn vacuumed_versions_say_so() {
    let place = place(&[]).await;
    place.load("symbols", &["A"]).await;
    let at = place.committed_at("symbols").await.remove(0);
    place.load("symbols", &["B"]).await;
    let later = Clock::System.now() + chrono::TimeDelta::hours(27);
    let vacuumed = place.table("symbols").vacuum(Duration::from_secs(3600), later, false).await.unwrap();
    assert_eq!(vacuumed.files.len(), 1);
    let session = place.engine.open_session("test", ttapi::role::Role::Admin, "local");
    session.settings().set("as_of", &at).unwrap();
    let error = try_rows(&session, "SELECT symbol FROM symbols").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidParameter);
    assert!(error.message.contains("is no longer kept"), "{error}");
    session.settings().reset("as_of").unwrap();
    assert_eq!(column(&session, "SELECT symbol FROM symbols").await, ["B"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_reads_one_version() {
    let place = place(&[]).await;
    place.load("symbols", &["A"]).await;
    let session = place.engine.open_session("test", ttapi::role::Role::Admin, "local");
    let sql = "SELECT symbol FROM symbols";
    session.begin_snapshot();
    assert_eq!(column(&session, sql).await, ["A"]);
    place.load("symbols", &["B"]).await;
    assert_eq!(column(&session, sql).await, ["A"]);
    session.end_snapshot();
    assert_eq!(column(&session, sql).await, ["B"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn freshness_is_explained_through_views_joins_and_subqueries() {
    let mut place = place(&["symbols", "market_metrics"]).await;
    let session = place.engine.open_session("test", ttapi::role::Role::Admin, "local");
    remember(&place, "symbols", 7200);
    remember(&place, "market_metrics", 60);
    place.load("symbols", &["A"]).await;
    let sql = "EXPLAIN FRESHNESS SELECT b.symbol FROM bars_latest b JOIN market_metrics m ON m.symbol = b.symbol
               JOIN market_metrics again ON again.symbol = b.symbol
               WHERE b.symbol IN (SELECT symbol FROM symbols) AND b.symbol = (SELECT min(symbol) FROM quotes)";
    let told = rows(&session, sql).await;
    let mut states: Vec<(&str, &str)> = told.iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
    let result = states.pop();
    states.sort_unstable();
    assert_eq!(states, [("eod", "missing"), ("market_metrics", "fresh"), ("quotes", "live"), ("symbols", "stale")]);
    assert_eq!(result, Some(("(result)", "missing")));
    let by_name: BTreeMap<&str, &Vec<String>> = told.iter().map(|row| (row[0].as_str(), row)).collect();
    let field = |dataset: &str, index: usize| by_name[dataset][index].as_str();
    assert_eq!(field("(result)", 2), field("symbols", 2), "the age of the oldest input");
    assert_eq!((field("symbols", 3), field("symbols", 5)), ("1h", "0"));
    assert_eq!(field("(result)", 4), field("symbols", 4), "the first to expire");
    assert_eq!((field("eod", 6), field("symbols", 6), field("(result)", 6)), ("imported", "real-time", "imported"));
    assert!(place.requests.try_recv().is_err(), "explaining asks for no refresh");
}

/// What is odd about rows of a dataset.
async fn doubt(place: &Place, dataset: &str, doubts: impl IntoIterator<Item = Doubt>) {
    let mut findings = Findings::default();
    doubts.into_iter().for_each(|doubt| findings.doubt(doubt, 3));
    place.lake.table(dataset).unwrap().tell(findings, Clock::System.now()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doubts_are_told_where_a_query_meets_them() {
    let place = place(&[]).await;
    let session = place.engine.open_session("test", ttapi::role::Role::Admin, "local");
    let eod = [
        Doubt::about("A", DoubtKind::Outlier, Severity::Severe, "from 10 to 0.5"),
        Doubt::about("B", DoubtKind::Gap, Severity::Warning, "3 sessions"),
        Doubt::of_dataset(DoubtKind::Calendar, Severity::Info, "another calendar"),
    ];
    doubt(&place, "eod", eod).await;
    doubt(&place, "symbols", [Doubt::about("B", DoubtKind::Late, Severity::Warning, "since Monday")]).await;
    // Rows that are not asked for by symbol, and those of events.
    for dataset in ["splits", "quotes_history"] {
        let kept = ["A", "B"].map(|symbol| Doubt::about(symbol, DoubtKind::Restated, Severity::Warning, "twice"));
        doubt(&place, dataset, kept).await;
    }
    let session = &session;
    let told = async |sql: &str| -> Vec<(String, String, String)> {
        let rows = rows(session, &format!("EXPLAIN FRESHNESS {sql}")).await;
        rows.into_iter().map(|row| (row[0].clone(), row[9].clone(), row[10].clone())).collect()
    };
    let expected = |rows: &[(&str, &str, &str)]| -> Vec<(String, String, String)> {
        rows.iter().map(|(name, counts, gravest)| ((*name).into(), (*counts).into(), (*gravest).into())).collect()
    };
    let all = ("1 severe, 1 warning, 1 info", "A outlier: from 10 to 0.5");
    let whole = expected(&[("eod", all.0, all.1), ("(result)", all.0, all.1)]);
    assert_eq!(told("SELECT * FROM eod").await, whole);
    assert_eq!(told("SELECT * FROM eod WHERE close > 7").await, whole);
    let of_b = ("1 warning, 1 info", "B gap: 3 sessions");
    assert_eq!(
        told("SELECT close FROM eod WHERE symbol = 'B'").await,
        expected(&[("eod", of_b.0, of_b.1), ("(result)", of_b.0, of_b.1)])
    );
    let of_whole = ("1 info", "calendar: another calendar");
    assert_eq!(
        told("SELECT close FROM eod WHERE symbol = 'C'").await,
        expected(&[("eod", of_whole.0, of_whole.1), ("(result)", of_whole.0, of_whole.1)])
    );
    // Of a join the sum of both, and the gravest that was met last.
    assert_eq!(
        told("SELECT e.close FROM eod e JOIN symbols s ON s.symbol = e.symbol WHERE e.symbol = 'B'").await,
        expected(&[
            ("eod", of_b.0, of_b.1),
            ("symbols", "1 warning", "B late: since Monday"),
            ("(result)", "2 warning, 1 info", "B late: since Monday"),
        ])
    );
    let restated = ("1 warning", "B restated: twice");
    for dataset in ["splits", "quotes_history"] {
        assert_eq!(
            told(&format!("SELECT * FROM {dataset} WHERE symbol = 'B'")).await,
            expected(&[(dataset, restated.0, restated.1), ("(result)", restated.0, restated.1)])
        );
    }
    assert_eq!(told("SELECT * FROM dividends").await, expected(&[("dividends", "-", "-"), ("(result)", "-", "-")]));
}

/// Makes a dataset loaded some seconds ago.
fn remember(place: &Place, dataset: &str, seconds: i64) {
    let at = Clock::System.now() - chrono::TimeDelta::seconds(seconds);
    let mut state = ttapi::lake::DatasetState::default();
    state.record(run("ttl", at));
    place.board[dataset].set_state(state);
}

fn run(cause: &str, at: chrono::DateTime<chrono::Utc>) -> Run {
    Run {
        cause: cause.to_owned(),
        started_at: at,
        ended_at: at,
        items: 2,
        failed: Vec::new(),
        rows: 2,
        origin_calls: 1,
        version: Some(7),
        ..Run::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_table_names_what_it_cannot_refresh() {
    let mut place = place(&[]).await;
    let session = place.engine.open_session("test", ttapi::role::Role::Admin, "local");
    for (sql, kind, part) in [
        ("REFRESH TABLE bars_latest", ErrorKind::WrongObject, "\"bars_latest\" is a view"),
        ("REFRESH TABLE system.freshness", ErrorKind::WrongObject, "\"system.freshness\" is not a cached table"),
        ("REFRESH TABLE quotes", ErrorKind::WrongObject, "\"quotes\" is not a cached table"),
        ("REFRESH TABLE symbol", ErrorKind::UnknownTable, "relation \"symbol\" does not exist"),
        ("REFRESH TABLE nowhere.eod", ErrorKind::UnknownTable, "schema \"nowhere\" does not exist"),
    ] {
        let error = try_rows(&session, sql).await.unwrap_err();
        assert_eq!((error.kind, error.message.contains(part)), (kind, true), "{sql}: {error}");
    }
    let error = try_rows(&session, "REFRESH TABLE symbol").await.unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("Perhaps you meant the table \"symbols\"."));
    assert!(place.requests.try_recv().is_err());
    drop(place.requests);
    let error = try_rows(&session, "REFRESH TABLE symbols").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Source);
    assert!(error.message.contains("cannot refresh \"symbols\": this server does not refresh"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_table_waits_for_its_end_over_the_wire() {
    let mut place = place(&[]).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let shutdown = CancellationToken::new();
    let server =
        tokio::spawn(postgres::serve(listener, place.engine.clone(), postgres::Options::default(), shutdown.clone()));
    let board = place.board.clone();
    let (asked, mut causes) = mpsc::unbounded_channel();
    let scheduler = tokio::spawn(async move {
        while let Some(request) = place.requests.recv().await {
            asked.send(format!("{} by {}", request.dataset, request.cause)).unwrap();
            let outcome = match request.dataset.as_str() {
                "eod" => Err("503 from the source".to_owned()),
                dataset => {
                    let mut state = ttapi::lake::DatasetState::default();
                    state.record(run(request.cause, Clock::System.now()));
                    board[dataset].set_state(state);
                    Ok(())
                }
            };
            request.done.send(outcome).unwrap();
        }
    });
    let address = format!("host=127.0.0.1 port={port} user=test dbname=tt");
    let (client, connection) = tokio_postgres::connect(&address, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let row = client.query_one("REFRESH TABLE symbols", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>("dataset"), "symbols");
    assert_eq!((row.get::<_, i64>("version"), row.get::<_, i64>("rows"), row.get::<_, i64>("failed")), (7, 2, 0));
    let simple = client.simple_query("REFRESH TABLE symbols; SELECT 1").await.unwrap();
    assert_eq!(simple.len(), 6, "{simple:?}");
    let failed = client.query("REFRESH TABLE eod", &[]).await.unwrap_err();
    let failed = failed.as_db_error().unwrap();
    assert_eq!(failed.code().code(), "TT002");
    assert!(failed.message().contains("503 from the source"), "{failed}");
    let refused = client.simple_query("REFRESH TABLE movers").await.unwrap_err();
    assert_eq!(refused.as_db_error().unwrap().code().code(), "42809");
    let future = client.simple_query("SET as_of = '9999-01-01'").await.unwrap_err();
    assert_eq!(future.as_db_error().unwrap().code().code(), "22023");
    client.simple_query("SET as_of = '2025-01-01 00:00+01'; RESET as_of; SET as_of TO '2025-01-01'").await.unwrap();
    let shown = client.query_one("SHOW as_of", &[]).await.unwrap();
    assert_eq!(shown.get::<_, &str>(0), "2025-01-01T00:00:00Z");
    let live = client.query("SELECT symbol FROM quotes", &[]).await.unwrap_err();
    assert_eq!(live.as_db_error().unwrap().code().code(), "0A000");
    drop(client);
    connection.await.unwrap().unwrap();
    shutdown.cancel();
    server.await.unwrap().unwrap();
    scheduler.abort();
    let mut all = Vec::new();
    while let Ok(cause) = causes.try_recv() {
        all.push(cause);
    }
    assert_eq!(all, ["symbols by command", "symbols by command", "eod by command"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_over_the_wire_reads_one_version() {
    let place = place(&[]).await;
    place.load("symbols", &["A"]).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let shutdown = CancellationToken::new();
    let server =
        tokio::spawn(postgres::serve(listener, place.engine.clone(), postgres::Options::default(), shutdown.clone()));
    let address = format!("host=127.0.0.1 port={port} user=test dbname=tt");
    let (client, connection) = tokio_postgres::connect(&address, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let symbol = async || client.query_one("SELECT symbol FROM symbols", &[]).await.unwrap().get::<_, String>(0);
    client.simple_query("BEGIN").await.unwrap();
    assert_eq!(symbol().await, "A");
    place.load("symbols", &["B"]).await;
    assert_eq!(symbol().await, "A");
    client.simple_query("COMMIT").await.unwrap();
    assert_eq!(symbol().await, "B");
    drop(client);
    shutdown.cancel();
    server.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn merged_files_answer_as_before() {
    let place = place(&[]).await;
    let name = "market_metrics_history";
    for symbols in [&["B", "A"][..], &["C", "A"], &["D"]] {
        place.load(name, symbols).await;
    }
    let session = place.engine.open_session("test", ttapi::role::Role::Admin, "local");
    let sql = "SELECT symbol, count(*) FROM market_metrics_history GROUP BY symbol ORDER BY symbol";
    let before = rows(&session, sql).await;
    session.begin_snapshot();
    assert_eq!(rows(&session, sql).await, before);
    let done = place.table(name).compact().await.unwrap();
    assert_eq!((done.merged, done.written, done.rows), (3, 1, 5));
    assert_eq!(rows(&session, sql).await, before, "an older reader");
    session.end_snapshot();
    assert_eq!(rows(&session, sql).await, before, "a new reader");
    let sorted = column(&session, "SELECT symbol FROM market_metrics_history").await;
    assert!(sorted.is_sorted(), "{sorted:?}");
    let (_, exported) = place.table(name).write_csv_twin().await.unwrap();
    assert_eq!(exported, 5);
    let count = rows(&session, "SELECT count(*) FROM market_metrics_history").await;
    assert_eq!(count[0][0], "5");
}

#[tokio::test(flavor = "multi_thread")]
async fn freshness_of_the_past_is_explained_as_it_was_then() {
    let place = place(&["symbols"]).await;
    let session = place.engine.open_session("test", ttapi::role::Role::Admin, "local");
    place.load("symbols", &["A"]).await;
    place.load("symbols", &["B"]).await;
    place.load("market_metrics", &["A"]).await;
    let committed: Vec<chrono::DateTime<chrono::Utc>> =
        place.committed_at("symbols").await.iter().map(|at| at.parse().unwrap()).collect();
    // The first version was loaded when it was committed, the second failed to be refreshed since.
    let mut state = ttapi::lake::DatasetState::default();
    for at in &committed {
        state.record(run("ttl", *at));
    }
    let failed = Run { error: Some("503".to_owned()), ..run("ttl", committed[1] + chrono::TimeDelta::milliseconds(1)) };
    state.record(failed);
    place.board["symbols"].set_state(state);
    let sql = "EXPLAIN FRESHNESS SELECT * FROM symbols JOIN market_metrics USING (symbol)";
    let mut told = Vec::new();
    for at in [committed[0], committed[1] + chrono::TimeDelta::milliseconds(2)] {
        session.settings().set("as_of", &at.to_rfc3339()).unwrap();
        let rows = rows(&session, sql).await;
        let of_symbols = rows.iter().find(|row| row[0] == "symbols").unwrap().clone();
        told.push((of_symbols[1].clone(), of_symbols[5].clone(), of_symbols[7].clone()));
        let metrics = rows.iter().find(|row| row[0] == "market_metrics").unwrap();
        assert_eq!((metrics[1].as_str(), metrics[5].as_str()), ("missing", "-"), "it did not exist yet");
        assert_eq!(rows.last().unwrap()[1], "missing");
    }
    let told: Vec<_> =
        told.iter().map(|(state, version, error)| (state.as_str(), version.as_str(), error.as_str())).collect();
    assert_eq!(told, [("fresh", "0", "-"), ("fresh", "1", "503")]);
    session.settings().reset("as_of").unwrap();
    let now = rows(&session, sql).await;
    assert!(now.iter().all(|row| row[0] == "(result)" || row[5] != "-"), "{now:?}");
}
