//! Statements that hurt: each fails, or goes on until it is cancelled, and the server lives.

use crate::slt::InProcess;
use crate::world;
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};
use ttapi::clock::Clock;
use ttapi::engine::Engine;
use ttapi::error::{ErrorKind, QueryError};
use ttapi::server::{self, Role};

struct Hurt {
    engine: Engine,
    _stop: DropGuard,
    _directory: tempfile::TempDir,
}

async fn hurt() -> Hurt {
    let directory = tempfile::tempdir().unwrap();
    let mut config = world::configuration();
    config.lake_location = directory.path().to_str().unwrap().to_owned();
    config.limits.memory_bytes = 256 << 20;
    config.limits.spill_bytes = 64 << 20;
    let stop = CancellationToken::new();
    let server = server::start(&config, Role::ReadOnly, Clock::System, &stop).await.unwrap();
    Hurt { engine: server.engine, _stop: stop.drop_guard(), _directory: directory }
}

/// How long anything may take before a test gives up: other tests run beside it, and nothing is optimised.
const DEADLINE: Duration = Duration::from_secs(60);

impl Hurt {
    async fn ask(&self, sql: &str) -> Result<Vec<Vec<String>>, QueryError> {
        let session = self.engine.open_session("test", ttapi::role::Role::Admin, "local");
        let asked = tokio::time::timeout(DEADLINE, InProcess(session).query(sql)).await;
        asked.unwrap_or_else(|_| panic!("no answer to {}", start_of(sql)))
    }

    /// A statement fails in its own way, leaves nothing running, and harms nobody else.
    async fn fails(&self, sql: &str, kind: ErrorKind) {
        match self.ask(sql).await {
            Ok(rows) => panic!("{}: {} rows", start_of(sql), rows.len()),
            Err(error) => assert_eq!(error.kind, kind, "{}: {error}", start_of(sql)),
        }
        self.lives(sql).await;
    }

    /// A statement goes on until it is cancelled, and then ends.
    async fn ends_when_cancelled(&self, sql: &str) {
        let session = self.engine.open_session("test", ttapi::role::Role::Admin, "local");
        let cancel = session.cancel_handle();
        let text = sql.to_owned();
        let asked = tokio::spawn(async move { InProcess(session).query(&text).await });
        // Well into its work.
        world::until(&format!("{sql} runs"), || async { self.engine.tasks() > 0 }).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        cancel.cancel();
        let error = tokio::time::timeout(DEADLINE, asked).await.unwrap().unwrap().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Cancelled, "{sql}: {error}");
        self.lives(sql).await;
    }

    async fn lives(&self, sql: &str) {
        world::until(&format!("nothing is left of {}", start_of(sql)), || async { self.engine.tasks() == 0 }).await;
        assert_eq!(self.ask("SELECT 1").await.unwrap(), [["1"]], "{}", start_of(sql));
    }
}

fn start_of(sql: &str) -> &str {
    sql.get(..100).unwrap_or(sql)
}

/// Functions that make much of little, alone and over rows.
#[tokio::test(flavor = "multi_thread")]
async fn values_have_a_size() {
    let hurt = hurt().await;
    for sql in [
        "SELECT repeat('x', 2000000000)",
        "SELECT lpad('x', 2000000000, 'ab')",
        "SELECT length(rpad('x', 2147483647))",
        "SELECT array_repeat(1, 2000000000)",
        "SELECT array_repeat(array_repeat(1, 100000), 100000)",
        "SELECT array_resize(ARRAY[1], 2000000000, 0)",
        "SELECT range(1, 9876543210)",
        "SELECT cardinality(range(0, 9876543210))",
        "SELECT range(timestamp '2000-01-01', timestamp '2026-01-01', interval '1 second')",
        "SELECT replace(repeat('a', 100000), 'a', repeat('b', 100000))",
        "SELECT regexp_replace(repeat('a', 100000), 'a', repeat('b', 100000), 'g')",
        "SELECT array_to_string(range(1, 100000), repeat('x', 1000000))",
        "SELECT repeat('x', v) FROM generate_series(1000000, 1001000) t(v)",
        "SELECT string_agg(repeat('x', 10000), ',') FROM generate_series(1, 1000000) t(v)",
        "SELECT format(repeat('%1$s', 100000), repeat('x', 100000))",
    ] {
        hurt.fails(sql, ErrorKind::OutOfMemory).await;
    }
    let long = "SELECT levenshtein(repeat('a', 1000000), repeat('b', 1000000))";
    hurt.fails(long, ErrorKind::InvalidParameter).await;
    hurt.fails(
        "SELECT approx_percentile_cont(v, 0.5, 100000000000) FROM generate_series(1, 10) t(v)",
        ErrorKind::InvalidParameter,
    )
    .await;
    hurt.fails("SELECT arrow_cast(NULL, 'FixedSizeBinary(2000000000)')", ErrorKind::UnknownFunction).await;
    hurt.fails("SELECT regexp_like('a', '((((a{100}){100}){100}){100})')", ErrorKind::InvalidPattern).await;
    assert_eq!(hurt.ask("SELECT length(repeat('x', 1000000)), cardinality(range(date '2000-01-01', date '2026-01-01', interval '1 day'))").await.unwrap(), [["1000000", "9497"]]);
}

/// Operators that keep what they are given: they fail at the limit.
#[tokio::test(flavor = "multi_thread")]
async fn memory_has_a_limit() {
    let hurt = hurt().await;
    for sql in [
        // Hash joins do not spill.
        "SELECT count(*) FROM generate_series(1, 100000000) a(v) JOIN generate_series(1, 100000000) b(v) ON a.v = b.v + 1",
        "SELECT sum(a.v) OVER () FROM generate_series(1, 100000) a(v), generate_series(1, 100000) b(v)",
        "SELECT array_agg(a.v) FROM generate_series(1, 100000) a(v), generate_series(1, 100000) b(v)",
        "SELECT median(a.v) FROM generate_series(1, 100000) a(v), generate_series(1, 100000) b(v)",
        "WITH RECURSIVE t AS (SELECT v AS n FROM generate_series(1, 1000) s(v)
            UNION ALL SELECT t.n FROM t, generate_series(1, 1000)) SELECT count(*) FROM t",
    ] {
        hurt.fails(sql, ErrorKind::OutOfMemory).await;
    }
    // A sort spills: which of the two limits it meets first is a matter of its threads.
    let sort = "SELECT a.v FROM generate_series(1, 1000000000) a(v) ORDER BY a.v % 1000, a.v";
    let kind = hurt.ask(sort).await.unwrap_err().kind;
    assert!(matches!(kind, ErrorKind::OutOfMemory | ErrorKind::LimitExceeded), "{kind:?}");
    hurt.lives(sort).await;
}

/// Operators that repeat a large value for each row: they ask before they do.
#[tokio::test(flavor = "multi_thread")]
async fn repeated_values_are_asked_for() {
    let hurt = hurt().await;
    for sql in [
        "SELECT max(range(0, 100000)) OVER () FROM generate_series(1, 100000)",
        "SELECT count(repeat('x', 100000)) OVER () FROM generate_series(1, 100000)",
        "SELECT last_value(repeat('x', 100000)) OVER () FROM generate_series(1, 100000)",
        "SELECT array_agg(v) OVER () FROM generate_series(1, 100000) t(v)",
        "SELECT string_agg(v::text, ',') OVER (ORDER BY v) FROM generate_series(1, 100000) t(v)",
        "SELECT array_agg(v) OVER (PARTITION BY v % 2) FROM generate_series(1, 100000) t(v)",
        "SELECT a.x, b.x, v FROM (SELECT array_agg(i) x FROM generate_series(1, 100000) t(i)) a,
            (SELECT array_agg(i) x FROM generate_series(1, 100000) t(i)) b, generate_series(1, 10000) u(v)",
        "SELECT x, v FROM (SELECT array_agg(i) x FROM generate_series(1, 100000) t(i)) a
            JOIN generate_series(1, 100000) u(v) ON x[1] <= v",
        "SELECT x, v FROM (SELECT array_agg(i) x, min(i) k FROM generate_series(1, 100000) t(i)) a
            JOIN generate_series(1, 100000) u(v) ON k = v % 2",
        "SELECT repeat('x', 100000 + v % 2), unnest(range(0, 100000)) FROM generate_series(1, 10) t(v)",
    ] {
        hurt.fails(sql, ErrorKind::OutOfMemory).await;
    }
    // A value beside many rows is no harm where batches are cut.
    let cut = "SELECT sum(cardinality(x)) FROM (SELECT (SELECT array_agg(i) FROM generate_series(1, 100000) t(i)) x, v
        FROM generate_series(1, 1000) u(v) OFFSET 0) q";
    assert_eq!(hurt.ask(cut).await.unwrap(), [["100000000"]]);
    let small = "SELECT count(DISTINCT x), max(cardinality(y)) FROM (SELECT first_value(v::text) OVER w x,
        array_agg(v) OVER (PARTITION BY v % 1000) y FROM generate_series(1, 10000) t(v)
        WINDOW w AS (PARTITION BY v % 10 ORDER BY v)) q";
    assert_eq!(hurt.ask(small).await.unwrap(), [["10", "10"]]);
}

/// Texts that are read by recursion, as types, arrays, spans and documents.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_nested_has_a_depth() {
    let hurt = hurt().await;
    for (sql, kind) in [
        (format!("SELECT NULL::int{}", "[]".repeat(4_000)), ErrorKind::LimitReached),
        (format!("SELECT '{}{}'::int[]", "{".repeat(100_000), "}".repeat(100_000)), ErrorKind::InvalidText),
        (format!("SELECT {}'1 day'", "INTERVAL ".repeat(30_000)), ErrorKind::NotSupported),
        (format!("SELECT {}1{}", "CAST(".repeat(100_000), " AS int)".repeat(100_000)), ErrorKind::NotSupported),
        (
            format!("SELECT {}1{}", "CASE WHEN true THEN ".repeat(10_000), " END".repeat(10_000)),
            ErrorKind::NotSupported,
        ),
        (
            format!("SELECT arrow_cast(NULL, '{}Int64{}')", "List(".repeat(5_000), ")".repeat(5_000)),
            ErrorKind::UnknownFunction,
        ),
        (format!("SELECT (ARRAY[1]){}", "[1]".repeat(20_000)), ErrorKind::NotSupported),
        (format!("SELECT now(){}", " AT TIME ZONE 'UTC'".repeat(20_000)), ErrorKind::NotSupported),
        (format!("SELECT '{{}}'::jsonb{}", " -> 'a'".repeat(20_000)), ErrorKind::NotSupported),
        (
            format!(
                "WITH c0 AS (SELECT 1 AS a){} SELECT a FROM c11999",
                (1..12_000).map(|n| format!(", c{n} AS (SELECT a FROM c{})", n - 1)).collect::<String>()
            ),
            ErrorKind::NotSupported,
        ),
        ("SELECT repeat('[', 1000000)::jsonb".to_owned(), ErrorKind::TooDeep),
        ("SELECT 'a' ~ repeat('(', 100000)".to_owned(), ErrorKind::InvalidPattern),
        (format!("SELECT 1{}", " ".repeat(2_000_000)), ErrorKind::LimitReached),
    ] {
        hurt.fails(&sql, kind).await;
    }
    // What is within quotes is one value, however long.
    let long = format!("SELECT length('{}')", "a ".repeat(1_000_000));
    assert_eq!(hurt.ask(&long).await.unwrap(), [["2000000"]]);
}

/// Texts whose plan would be out of all proportion to them, or whose reading would.
#[tokio::test(flavor = "multi_thread")]
async fn plans_have_a_size() {
    let hurt = hurt().await;
    for shape in [
        "with 60",
        "doubled 30",
        "cube 30",
        "wide 20000",
        "exists 15",
        "parens 100000",
        "subqueries 3000",
        "functions 20000",
        "arrays 5000",
        "minus 20000",
        "ors 20000",
    ] {
        hurt.fails(&generated(shape), ErrorKind::NotSupported).await;
    }
    for shape in
        ["functions 40", "arrays 12", "with 2", "doubled 8", "cube 8", "wide 1600", "in_list 20000", "values 20000"]
    {
        if let Err(error) = hurt.ask(&generated(shape)).await {
            assert_eq!(error.kind, ErrorKind::Stale, "{shape}: {error}");
        }
        hurt.lives(shape).await;
    }
}

/// Statements that would go on for years look up now and then.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_end_is_cancelled() {
    let hurt = hurt().await;
    for sql in [
        "SELECT count(*) FROM generate_series(1, 9876543210)",
        "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 100000) c",
        "SELECT count(*) FROM generate_series(1, 100000) a(v) JOIN generate_series(1, 10000000) b(v) ON a.v < b.v",
        "SELECT max(a.v % b.v) FROM generate_series(1, 1000000) a(v) JOIN generate_series(1, 1000000) b(v) ON a.v % 10 = b.v % 10",
        "SELECT count(*) FROM (SELECT unnest(range(1, 1000000)), v FROM generate_series(1, 1000000) t(v)) u",
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
        "SELECT max(a.attnum + b.attnum + c.attnum + d.attnum) FROM pg_catalog.pg_attribute a, pg_catalog.pg_attribute b, pg_catalog.pg_attribute c, pg_catalog.pg_attribute d",
        "SELECT row_number() OVER () FROM generate_series(1, 100000) a, generate_series(1, 100000) b LIMIT 1 OFFSET 9999999999",
    ] {
        hurt.ends_when_cancelled(sql).await;
    }
}

/// Joins that compare pairs for days and find no row: nothing comes by at which they could look up.
const FINDS_NOTHING: [&str; 4] = [
    "SELECT count(*) FROM generate_series(1, 100000) a(v) JOIN generate_series(1, 10000000) b(v) ON a.v > b.v + 1000000000",
    "SELECT max(a.v + b.v) FROM generate_series(1, 1000000) a(v) JOIN generate_series(1, 1000000) b(v)
        ON a.v % 2 = b.v % 2 AND a.v > b.v + 1000000000",
    "SELECT count(*) FROM generate_series(1, 100000) a(v)
        WHERE NOT EXISTS (SELECT 1 FROM generate_series(1, 10000000) b(v) WHERE a.v > b.v + 1000000000)",
    "SELECT count(*) FROM generate_series(1, 1000000) a(v)
        WHERE EXISTS (SELECT 1 FROM generate_series(1, 1000000) b(v) WHERE a.v % 2 = b.v % 2)",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_join_that_finds_nothing_is_cancelled() {
    let hurt = hurt().await;
    for sql in FINDS_NOTHING {
        hurt.ends_when_cancelled(sql).await;
    }
}

/// More of them than there are threads for statements: the others are answered beside them, and they end with their time.
#[tokio::test(flavor = "multi_thread")]
async fn joins_that_find_nothing_leave_room_for_others() {
    let hurt = hurt().await;
    let threads = 4 * std::thread::available_parallelism().unwrap().get();
    let sessions = (0..2 * threads).map(|_| hurt.engine.open_session("test", ttapi::role::Role::Admin, "local"));
    let asked = sessions.enumerate().map(|(number, session)| {
        let cancel = session.cancel_handle();
        let asked = tokio::spawn(async move { InProcess(session).query(FINDS_NOTHING[number % 4]).await });
        (cancel, asked)
    });
    let asked: Vec<_> = asked.collect();
    world::until("all of them run", || async { hurt.engine.tasks() >= 2 * threads }).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..3 {
        // Not one that is answered without a thread.
        assert_eq!(hurt.ask("SELECT count(*) FROM generate_series(1, 10)").await.unwrap(), [["10"]]);
    }
    for (cancel, asked) in asked {
        cancel.cancel();
        assert_eq!(asked.await.unwrap().unwrap_err().kind, ErrorKind::Cancelled);
    }
    hurt.lives("joins that find nothing").await;
}

/// A client that leaves, and a statement out of time, free the threads as a cancel does.
#[tokio::test(flavor = "multi_thread")]
async fn a_join_that_finds_nothing_ends_with_its_client_and_its_time() {
    let hurt = hurt().await;
    let address = world::serve_postgres(hurt.engine.clone(), CancellationToken::new()).await;
    for sql in FINDS_NOTHING {
        let settings = format!("host={} port={} user=test dbname=tt", address.ip(), address.port());
        let (client, connection) = tokio_postgres::connect(&settings, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let asked = tokio::spawn(async move { client.simple_query(sql).await.map(drop) });
        world::until(&format!("{sql} runs"), || async { hurt.engine.tasks() > 0 }).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        // The socket is closed, without a word.
        connection.abort();
        assert!(asked.await.unwrap().is_err());
        hurt.lives(sql).await;

        let (client, _) = world::connect(address).await;
        client.simple_query("SET statement_timeout = '300ms'").await.unwrap();
        let error = client.simple_query(sql).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "57014", "{sql}");
        hurt.lives(sql).await;
    }
}

/// All statements of a message are read before the first runs; there may be very many.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_many_statements_ends_with_its_time() {
    let hurt = hurt().await;
    let address = world::serve_postgres(hurt.engine.clone(), CancellationToken::new()).await;
    let (client, _) = world::connect(address).await;
    client.simple_query("SET statement_timeout = '300ms'").await.unwrap();
    let many = "SELECT 1;".repeat(500_000);
    for many in [&many, &"COMMIT;".repeat(2_000_000)] {
        let error = client.simple_query(many).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "57014");
    }
    client.simple_query("SET statement_timeout = 0").await.unwrap();
    let cancel = client.cancel_token();
    let asked = client.simple_query(&many);
    let cancelled = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        cancel.cancel_query(tokio_postgres::NoTls).await.unwrap();
        tokio::time::Instant::now()
    };
    let (asked, cancelled) = tokio::join!(asked, cancelled);
    assert_eq!(asked.unwrap_err().code().unwrap().code(), "57014");
    assert!(cancelled.elapsed() < Duration::from_secs(5));
    // A fault in the last one keeps the first from running.
    let error = client.simple_query("SET application_name = 'first'; SELECT 1; SELEC 2").await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "42601");
    let shown = client.query_one("SELECT current_setting('application_name')", &[]).await.unwrap();
    assert_ne!(shown.get::<_, String>(0), "first");
}

/// A text of some shape and size: `"parens 1000"`.
fn generated(shape: &str) -> String {
    let (name, size) = shape.split_once(' ').unwrap();
    let size: usize = size.parse().unwrap();
    let list = |item: fn(usize) -> String| (0..size).map(item).collect::<Vec<_>>().join(", ");
    let nested = |before: &str, inside: &str, after: &str| before.repeat(size) + inside + &after.repeat(size);
    let chain = |step: &str| {
        let steps = (1..=size).map(|n| format!(", c{n} AS ({})", step.replace("BEFORE", &format!("c{}", n - 1))));
        format!("WITH c0 AS (SELECT v AS a FROM generate_series(1, 10) t(v)){}", steps.collect::<String>())
    };
    match name {
        "arrays" => format!("SELECT {}", nested("ARRAY[", "1", "]")),
        "cube" => format!(
            "SELECT count(*) FROM (VALUES ({})) t({c}) GROUP BY CUBE({c})",
            list(|n| n.to_string()),
            c = list(|n| format!("c{n}"))
        ),
        "doubled" => chain("SELECT a + a AS a FROM BEFORE") + &format!(" SELECT count(*) FROM c{size} WHERE a > 5"),
        "exists" => {
            (0..size).fold("SELECT 1".to_owned(), |sql, n| format!("SELECT 1 FROM symbols s{n} WHERE EXISTS ({sql})"))
        }
        "functions" => format!("SELECT {}", nested("abs(", "1", ")")),
        "in_list" => format!(
            "SELECT count(*) FROM generate_series(1, 10) t(v) WHERE v::text IN ({})",
            list(|n| format!("'S{n}'"))
        ),
        "minus" => format!("SELECT {}", nested("- ", "1", "")),
        "ors" => format!("SELECT 1 WHERE {}", vec!["1 = 2"; size].join(" OR ")),
        "parens" => format!("SELECT {}", nested("(", "1", ")")),
        "subqueries" => nested("SELECT * FROM (", "SELECT 1 AS a", ") AS t"),
        "values" => format!("SELECT count(*) FROM (VALUES {}) t(v)", list(|n| format!("({n})"))),
        "wide" => format!("SELECT {}", list(|n| format!("{n} AS c{n}"))),
        "with" => chain("SELECT x.a FROM BEFORE x CROSS JOIN BEFORE y") + &format!(" SELECT count(*) FROM c{size}"),
        other => panic!("no shape {other}"),
    }
}
