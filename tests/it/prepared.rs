//! Prepared statements over the Postgres wire: what is kept from one execution to the next is never seen in the rows.

use crate::fixture;
use crate::world::{World, connect, serve_postgres};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, SimpleQueryMessage, SimpleQueryRow};
use tokio_util::sync::CancellationToken;
use ttapi::market::event::Quote;
use ttapi::server::Role;

const METRICS: &str = "/market-metrics";

/// What a table was fetched at, of one symbol.
const FETCHED_AT: &str = "SELECT fetched_at FROM market_metrics WHERE symbol = $1";

/// A world whose metrics were loaded just now.
async fn world() -> World {
    let world = World::start(Role::OnDemand).await;
    world.refresh(&["market_metrics"]).await;
    world
}

fn instants(rows: &[Row]) -> Vec<DateTime<Utc>> {
    rows.iter().map(|row| row.get(0)).collect()
}

async fn run(client: &Client, sql: &str) {
    client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_execution_sees_the_latest_version() {
    let world = world().await;
    let (client, _notices) = connect(world.postgres().await).await;
    let statement = client.prepare(FETCHED_AT).await.unwrap();
    for _ in 0..3 {
        let loaded_at = world.clock.now();
        for symbol in ["AAPL", "MSFT", "AAPL"] {
            assert_eq!(instants(&client.query(&statement, &[&symbol]).await.unwrap()), [loaded_at], "{symbol}");
        }
        assert_eq!(client.query(&statement, &[&"NONE"]).await.unwrap().len(), 0);
        assert_eq!(client.query(&statement, &[&None::<&str>]).await.unwrap().len(), 0);
        world.advance(TimeDelta::minutes(1));
        world.refresh(&["market_metrics"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_execution_settles_freshness() {
    let mut world = world().await;
    let (client, mut notices) = connect(world.postgres().await).await;
    let statement = client.prepare(FETCHED_AT).await.unwrap();
    let loaded_at = world.clock.now();
    let calls = world.calls(METRICS);
    assert_eq!(instants(&client.query(&statement, &[&"AAPL"]).await.unwrap()), [loaded_at]);
    assert_eq!(world.calls(METRICS), calls);

    // Too old: it waits for the refresh.
    world.advance(TimeDelta::hours(3));
    let loaded_at = world.clock.now();
    assert_eq!(instants(&client.query(&statement, &[&"AAPL"]).await.unwrap()), [loaded_at]);
    assert_eq!(world.calls(METRICS), calls + 1);

    // No source: the old rows, with a notice each time.
    world.advance(TimeDelta::hours(3));
    world.stop_venue().await;
    for _ in 0..3 {
        assert_eq!(instants(&client.query(&statement, &[&"AAPL"]).await.unwrap()), [loaded_at]);
        let notice = notices.recv().await.unwrap();
        assert!(
            notice.message().starts_with("table \"market_metrics\" is stale for AAPL: its rows are 3 h old"),
            "{notice}"
        );
    }
    run(&client, "SET freshness = 'fail'").await;
    let error = client.query(&statement, &[&"AAPL"]).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "TT001");
    run(&client, "SET freshness = 'wait'").await;

    // Beyond what may be served after an error: an error, until the source is back.
    world.advance(TimeDelta::days(1));
    let error = client.query(&statement, &[&"AAPL"]).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "TT001");
    world.start_venue().await;
    world.advance(TimeDelta::seconds(31));
    assert_eq!(instants(&client.query(&statement, &[&"AAPL"]).await.unwrap()), [world.clock.now()]);
    assert!(notices.try_recv().is_err());

    // A demand of the session, made after the statement was prepared.
    world.advance(TimeDelta::seconds(10));
    let calls = world.calls(METRICS);
    client.query(&statement, &[&"AAPL"]).await.unwrap();
    assert_eq!(world.calls(METRICS), calls);
    run(&client, "SET max_staleness = '5s'").await;
    assert_eq!(instants(&client.query(&statement, &[&"AAPL"]).await.unwrap()), [world.clock.now()]);
    assert_eq!(world.calls(METRICS), calls + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_reads_one_version_and_the_past_is_the_past() {
    let world = world().await;
    let (client, _notices) = connect(world.postgres().await).await;
    let statement = client.prepare(FETCHED_AT).await.unwrap();
    let first = world.clock.now();
    let read = async || instants(&client.query(&statement, &[&"AAPL"]).await.unwrap())[0];
    assert_eq!(read().await, first);

    run(&client, "BEGIN").await;
    assert_eq!(read().await, first);
    world.advance(TimeDelta::minutes(1));
    world.refresh(&["market_metrics"]).await;
    let second = world.clock.now();
    assert_eq!(read().await, first);
    run(&client, "COMMIT").await;
    assert_eq!(read().await, second);

    // Commit times are those of the machine's clock.
    let history = world.server.lake.table("market_metrics").unwrap().history().await.unwrap();
    run(&client, &format!("SET as_of = '{}'", history[0].committed_at.to_rfc3339())).await;
    assert_eq!(read().await, first);
    run(&client, "SET as_of = '2020-01-01'").await;
    assert_eq!(client.query(&statement, &[&"AAPL"]).await.unwrap().len(), 0);
    run(&client, "RESET as_of").await;
    assert_eq!(read().await, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_function_says_of_now_or_of_the_session_is_not_kept() {
    let world = world().await;
    let (client, _notices) = connect(world.postgres().await).await;
    let sql = "SELECT now(), current_setting('application_name'), current_setting('TimeZone'), $1::text";
    let statement = client.prepare(sql).await.unwrap();
    let mut last = DateTime::<Utc>::MIN_UTC;
    for name in ["one", "two", "three"] {
        run(&client, &format!("SET application_name = '{name}'")).await;
        let row = client.query_one(&statement, &[&name]).await.unwrap();
        let now: DateTime<Utc> = row.get(0);
        assert!(now > last, "{now}");
        last = now;
        assert_eq!((row.get(1), row.get(3)), (name, name));
    }
    // Also when the setting is changed by a query.
    run(&client, "SELECT set_config('TimeZone', 'Asia/Tokyo', false)").await;
    let row = client.query_one(&statement, &[&""]).await.unwrap();
    assert_eq!(row.get::<_, &str>(2), "Asia/Tokyo");
}

/// Rows of a statement of the simple protocol, as texts.
async fn simple(client: &Client, sql: &str) -> Vec<Vec<Option<String>>> {
    let messages = client.simple_query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let row = |row: &SimpleQueryRow| (0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect();
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(one) => Some(row(one)),
        _ => None,
    });
    rows.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_words_of_the_simple_protocol_see_what_is_new() {
    let world = world().await;
    let (client, _notices) = connect(world.postgres().await).await;
    let same = async |sql: &str| {
        let rows = simple(&client, sql).await;
        for _ in 0..3 {
            assert_eq!(simple(&client, sql).await, rows, "{sql}");
        }
        rows
    };
    let fetched_at = "SELECT fetched_at, date_part('hour', fetched_at) FROM market_metrics WHERE symbol = 'AAPL'";
    let before = same(fetched_at).await;
    world.advance(TimeDelta::minutes(1));
    world.refresh(&["market_metrics"]).await;
    let after = same(fetched_at).await;
    assert_ne!(before, after);
    run(&client, "SET timezone = 'Asia/Tokyo'").await;
    assert_ne!(same(fetched_at).await, after);
    run(&client, "RESET timezone").await;
    assert_eq!(same(fetched_at).await, after);
    // A table of the session's own comes before the catalog's, and another of its name has other columns.
    let words = "SELECT * FROM market_metrics ORDER BY 1 LIMIT 1";
    let of_all = same(words).await;
    run(&client, "CREATE TEMP TABLE market_metrics (x int); INSERT INTO market_metrics VALUES (7)").await;
    assert_eq!(same(words).await, [[Some("7".to_owned())]]);
    run(&client, "UPDATE market_metrics SET x = 8").await;
    assert_eq!(same(words).await, [[Some("8".to_owned())]]);
    run(&client, "BEGIN; DROP TABLE market_metrics; CREATE TEMP TABLE market_metrics (y text, z text)").await;
    run(&client, "INSERT INTO market_metrics VALUES ('a', 'b')").await;
    assert_eq!(same(words).await, [["a", "b"].map(|text| Some(text.to_owned()))]);
    run(&client, "ROLLBACK").await;
    assert_eq!(same(words).await, [[Some("8".to_owned())]]);
    run(&client, "DROP TABLE market_metrics").await;
    assert_eq!(same(words).await, of_all);
    // Two statements of one text are two.
    assert_eq!(same("SELECT 1; SELECT 2").await, [[Some("1".to_owned())], [Some("2".to_owned())]]);
    let moment = "SELECT now()";
    assert_ne!(simple(&client, moment).await, simple(&client, moment).await);
}

/// A value of the one parameter.
type Value = Box<dyn ToSql + Sync>;

/// Statements with parameters of several types and places: filters, expressions, limits, joins, lists, lookups.
fn statements() -> Vec<(&'static str, Vec<Value>)> {
    fn values<T: ToSql + Sync + 'static>(values: Vec<T>) -> Vec<Value> {
        values.into_iter().map(|value| Box::new(value) as Value).collect()
    }
    let symbols = || values(vec![Some("AAPL"), Some("MSFT"), Some("NONE"), None, Some("AAPL")]);
    vec![
        ("SELECT * FROM quotes WHERE symbol = $1", symbols()),
        ("SELECT q.ask AS a, bid, q.symbol FROM public.quotes AS q WHERE $1 = q.symbol LIMIT 1", symbols()),
        ("SELECT mid FROM quotes WHERE symbol = $1 AND bid > 0", symbols()),
        ("SELECT * FROM trades WHERE symbol = $1", symbols()),
        ("SELECT symbol, mid * 2 FROM quotes WHERE symbol IN ($1, 'MSFT') ORDER BY symbol", symbols()),
        ("SELECT symbol, date, close FROM eod WHERE symbol = $1 ORDER BY date", symbols()),
        (
            "SELECT s.description, q.bid FROM symbols s JOIN quotes q ON q.symbol = s.symbol WHERE s.symbol = $1",
            symbols(),
        ),
        ("SELECT count(*), max(close) FROM eod WHERE close > $1", values(vec![Some(0.0), Some(45.0), None])),
        ("SELECT symbol, date FROM eod ORDER BY date DESC, symbol LIMIT $1", values(vec![0_i64, 3, 1])),
        (
            "SELECT date, date + 1 FROM eod WHERE symbol = 'AAPL' AND extract(day FROM date) > $1::int - 1 ORDER BY 1",
            values(vec![1, 30]),
        ),
        (
            "SELECT symbol FROM symbols WHERE symbol = ANY($1) ORDER BY 1",
            values(vec![vec!["AAPL", "SPY"], vec![], vec!["MSFT"]]),
        ),
        (
            "SELECT (SELECT max(close) FROM eod WHERE symbol = $1), (SELECT bid FROM quotes WHERE symbol = $1)",
            symbols(),
        ),
        ("SELECT symbol, close FROM bars_latest WHERE symbol LIKE $1 ORDER BY 1", values(vec!["A%", "%", "%T"])),
        ("SELECT description FROM symbols WHERE description = 'Apple' OR description = $1", symbols()),
        (
            "SELECT a.date, b.date, b.close FROM eod a ASOF JOIN eod b MATCH_CONDITION (a.date > b.date) \
             ON a.symbol = b.symbol WHERE a.symbol = $1 ORDER BY 1",
            symbols(),
        ),
        (
            "SELECT time_bucket_gapfill('1 day', date, finish => '2025-11-05') AS day, locf(max(close)) FROM eod \
             WHERE date >= $1 GROUP BY day ORDER BY day",
            values(["2025-10-30", "2025-11-04"].map(|date| date.parse::<NaiveDate>().unwrap()).to_vec()),
        ),
    ]
}

/// A value as text, whatever its type.
fn cell(row: &Row, column: usize) -> String {
    struct Raw(Option<Vec<u8>>);
    impl<'a> tokio_postgres::types::FromSql<'a> for Raw {
        fn from_sql(
            _: &tokio_postgres::types::Type,
            raw: &'a [u8],
        ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
            Ok(Self(Some(raw.to_vec())))
        }
        fn from_sql_null(_: &tokio_postgres::types::Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
            Ok(Self(None))
        }
        fn accepts(_: &tokio_postgres::types::Type) -> bool {
            true
        }
    }
    format!("{}: {:?}", row.columns()[column].name(), row.get::<_, Raw>(column).0)
}

fn cells(rows: &[Row]) -> Vec<Vec<String>> {
    rows.iter().map(|row| (0..row.len()).map(|column| cell(row, column)).collect()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_prepared_long_ago_gives_the_rows_of_one_prepared_now() {
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    let address = serve_postgres(fixture::engine().await, stop).await;
    let (client, _notices) = connect(address).await;
    let mut kept = Vec::new();
    for (sql, values) in statements() {
        let statement = client.prepare(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        kept.push((sql, statement, values));
    }
    let mut found = 0;
    for change in ["SET TIME ZONE 'UTC'", "SET TIME ZONE 'Asia/Tokyo'", "SET application_name = 'x'", "RESET ALL"] {
        run(&client, change).await;
        for (sql, statement, values) in &kept {
            for value in values {
                let fresh = client.prepare(sql).await.unwrap();
                let expected = cells(&client.query(&fresh, &[value.as_ref()]).await.unwrap());
                for _ in 0..2 {
                    let rows = client.query(statement, &[value.as_ref()]).await;
                    let rows = rows.unwrap_or_else(|error| panic!("{sql} {value:?}: {error}"));
                    assert_eq!(cells(&rows), expected, "{sql} {value:?} after {change}");
                }
                found += expected.len();
            }
        }
    }
    assert!(found > 100, "{found}");
}

/// A lookup that is answered on the short way gives what the long way gives.
#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_gives_what_a_plan_gives() {
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    let address = serve_postgres(fixture::engine().await, stop).await;
    let (client, _notices) = connect(address).await;
    for (table, symbol) in [("quotes", "AAPL"), ("quotes", "MSFT"), ("trades", "AAPL"), ("greeks", ".AAPL261218C25")] {
        let short = client.prepare(&format!("SELECT * FROM {table} WHERE symbol = $1")).await.unwrap();
        let long =
            client.prepare(&format!("SELECT * FROM {table} WHERE symbol = $1 AND length(symbol) > 0")).await.unwrap();
        let expected = cells(&client.query(&long, &[&symbol]).await.unwrap());
        assert_eq!(expected.len(), 1);
        assert_eq!(cells(&client.query(&short, &[&symbol]).await.unwrap()), expected);
        let literal = format!("SELECT * FROM {table} WHERE symbol = '{symbol}'");
        assert_eq!(cells(&client.query(&literal, &[]).await.unwrap()), expected);
        assert_eq!(client.query(&short, &[&"none"]).await.unwrap().len(), 0);
    }
    // What is live has no past, on the short way too.
    let short = client.prepare("SELECT bid FROM quotes WHERE symbol = $1").await.unwrap();
    run(&client, "SET as_of = '2020-01-01'").await;
    for symbol in [Some("AAPL"), None] {
        let error = client.query(&short, &[&symbol]).await.unwrap_err();
        assert!(error.as_db_error().unwrap().message().contains("is live and cannot be read as of"), "{error}");
    }
    run(&client, "RESET as_of").await;
    assert_eq!(client.query_one(&short, &[&"AAPL"]).await.unwrap().get::<_, f64>(0), 23.75);
}

/// The same text again and again is not planned again, and always sees the latest event and the session's demands.
#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_in_the_same_words_sees_each_event() {
    let world = World::start(Role::OnDemand).await;
    let (client, _notices) = connect(world.postgres().await).await;
    let sql = "SELECT bid FROM quotes WHERE symbol = 'AAPL'";
    let bids = async || {
        let messages = client.simple_query(sql).await?;
        let row = |message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        Ok::<_, tokio_postgres::Error>(messages.into_iter().filter_map(row).collect::<Vec<_>>())
    };
    assert_eq!(bids().await.unwrap(), [""; 0]);
    for bid in ["1.5", "2.5", "3.5"] {
        world.server.live.book::<Quote>().publish(Quote {
            symbol: "AAPL".into(),
            bid: Some(bid.parse().unwrap()),
            bid_size: None,
            ask: None,
            ask_size: None,
            event_at: None,
            received_at: world.clock.now(),
        });
        assert_eq!(bids().await.unwrap(), [bid]);
        // A Parse of its own for each execution.
        let row = client.query_one(sql, &[]).await.unwrap();
        assert_eq!(row.get::<_, f64>(0).to_string(), bid);
    }
    run(&client, "SET as_of = '2020-01-01'").await;
    assert!(bids().await.is_err());
    run(&client, "RESET as_of").await;
    run(&client, "BEGIN").await;
    assert_eq!(bids().await.unwrap(), ["3.5"]);
    client.batch_execute("SELECT no_such_column FROM quotes").await.unwrap_err();
    assert_eq!(bids().await.unwrap_err().code().unwrap().code(), "25P02");
    run(&client, "ROLLBACK").await;
    assert_eq!(bids().await.unwrap(), ["3.5"]);
}
