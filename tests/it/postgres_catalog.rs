//! What PostgreSQL clients ask of the catalog, word for word, and what they get.
//!
//! `tests/data/pg_catalog/*.sql` hold the statements each client command sends. `{oid}` stands for the number of the
//! relation the command is about, which the client has read before.

use datafusion::arrow::array::{ArrayRef, BooleanArray, ListBuilder, RecordBatch, StringArray, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider, SchemaProvider,
};
use datafusion::common::ScalarValue;
use datafusion::datasource::{MemTable, ViewTable};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use ttapi::dialect::catalog::Comments;
use ttapi::dialect::catalog::oid;
use ttapi::engine::template::over;
use ttapi::engine::{Defaults, Engine, Session};
use ttapi::error::{ErrorKind, QueryError};
use ttapi::lake::dataset;

const MOVERS: &str = "SELECT symbol, type FROM symbols";

#[derive(Debug)]
struct Texts;

impl Comments for Texts {
    fn table(&self, schema: &str, table: &str) -> Option<String> {
        (schema == "public").then(|| dataset::find(table)).flatten().map(|dataset| dataset.comment.to_owned())
    }

    fn column(&self, schema: &str, table: &str, column: &str) -> Option<String> {
        (schema == "public" && table == "symbols" && column == "market").then(|| "MIC of the listing market".to_owned())
    }

    fn view_definition(&self, schema: &str, view: &str) -> Option<String> {
        (schema == "public" && view == "movers").then(|| MOVERS.to_owned())
    }

    fn key(&self, schema: &str, table: &str) -> &'static [&'static str] {
        if schema == "public" { dataset::find(table).map_or(&[], |dataset| dataset.key) } else { &[] }
    }
}

fn symbols() -> RecordBatch {
    let schema = dataset::find("symbols").unwrap().schema;
    let text = |values: [Option<&str>; 3]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let element = Field::new("element", DataType::Utf8, true);
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(element);
    lists.append_value([Some("sp500"), Some("nasdaq100")]);
    lists.append_value([Some("etf")]);
    lists.append_null();
    let now = ScalarValue::TimestampMicrosecond(Some(1_767_225_600_000_000), Some("UTC".into()));
    let columns: Vec<ArrayRef> = vec![
        text([Some("AAPL"), Some("SPY"), Some("VIX")]),
        text([Some("equity"), Some("etf"), Some("index")]),
        text([Some("Apple Inc."), Some("SPDR S&P 500"), None]),
        text([Some("XNAS"), Some("ARCX"), None]),
        Arc::new(lists.finish()),
        Arc::new(BooleanArray::from(vec![true, true, false])),
        text([Some("AAPL"), Some("SPY"), Some("VIX")]),
        now.to_array_of_size(3).unwrap(),
    ];
    RecordBatch::try_new(schema, columns).unwrap()
}

fn table(schema: &MemorySchemaProvider, name: &str, batch: RecordBatch) {
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
    schema.register_table(name.to_owned(), Arc::new(table)).unwrap();
}

async fn engine() -> Engine {
    let config = SessionConfig::new()
        .with_default_catalog_and_schema("tt", "public")
        .with_create_default_catalog_and_schema(false)
        .with_target_partitions(1)
        .set_str("datafusion.sql_parser.dialect", "postgresql")
        .set_bool("datafusion.sql_parser.collect_spans", true);
    let catalog: Arc<dyn CatalogProvider> = Arc::new(MemoryCatalogProvider::new());
    let public = Arc::new(MemorySchemaProvider::new());
    table(&public, "symbols", symbols());
    table(&public, "eod", RecordBatch::new_empty(dataset::find("eod").unwrap().schema));
    let live = Arc::new(MemorySchemaProvider::new());
    let quotes = Schema::new(vec![
        Field::new("symbol", DataType::Utf8, false),
        Field::new("bid", DataType::Float64, true),
        Field::new("bid_size", DataType::Int64, true),
        Field::new("event_at", dataset::instant(), true),
    ]);
    table(&live, "quotes", RecordBatch::new_empty(Arc::new(quotes)));
    let system = Arc::new(MemorySchemaProvider::new());
    let freshness = Schema::new(vec![Field::new("dataset", DataType::Utf8, false)]);
    table(&system, "freshness", RecordBatch::new_empty(Arc::new(freshness)));
    catalog.register_schema("public", public.clone()).unwrap();
    catalog.register_schema("live", live).unwrap();
    catalog.register_schema("system", system).unwrap();
    let comments: Arc<dyn Comments> = Arc::new(Texts);
    let catalogs = Arc::new(MemoryCatalogProviderList::new());
    datafusion::catalog::CatalogProviderList::register_catalog(catalogs.as_ref(), "tt".to_owned(), catalog.clone());
    let state =
        SessionStateBuilder::new().with_config(config).with_catalog_list(catalogs).with_default_features().build();
    let context = SessionContext::new_with_state(state);
    let movers = context.sql(MOVERS).await.unwrap().into_unoptimized_plan();
    public.register_table("movers".to_owned(), Arc::new(ViewTable::new(movers, Some(MOVERS.to_owned())))).unwrap();
    over(&context, comments, Defaults::default()).unwrap()
}

async fn run_with(session: &Session, sql: &str, parameters: Vec<ScalarValue>) -> Result<Vec<RecordBatch>, QueryError> {
    let mut batches = Vec::new();
    for statement in session.parse(sql)? {
        let running = session.start(sql);
        let plan = session.plan(&running, &statement).await?;
        let mut rows = session.execute(running, &plan, parameters.clone()).await?;
        batches = vec![RecordBatch::new_empty(rows.schema())];
        while let Some(batch) = rows.next().await {
            batches.push(batch?);
        }
    }
    Ok(batches)
}

async fn run(session: &Session, sql: &str) -> Result<Vec<RecordBatch>, QueryError> {
    run_with(session, sql, Vec::new()).await
}

/// The rows as text: columns by `|`, rows by line.
async fn show(session: &Session, sql: &str) -> String {
    match run(session, sql).await {
        Ok(batches) => lines(&batches),
        Err(error) => format!("{:?}: {error}", error.kind),
    }
}

fn lines(batches: &[RecordBatch]) -> String {
    let options = datafusion::arrow::util::display::FormatOptions::default().with_null("NULL");
    let mut text = String::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            for (index, column) in batch.columns().iter().enumerate() {
                let separator = if index == 0 { "" } else { "|" };
                let value =
                    datafusion::arrow::util::display::ArrayFormatter::try_new(column.as_ref(), &options).unwrap();
                write!(text, "{separator}{}", value.value(row)).unwrap();
            }
            text.push('\n');
        }
    }
    text.trim_end().to_owned()
}

fn statements(path: &Path) -> Vec<String> {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let number = if name.ends_with("live_quotes") {
        oid::relation("live", "quotes")
    } else if name.ends_with("movers") {
        oid::relation("public", "movers")
    } else {
        oid::relation("public", "symbols")
    };
    let text = std::fs::read_to_string(path).unwrap().replace("{oid}", &number.to_string());
    text.split(";\n").map(str::trim).filter(|sql| !sql.is_empty()).map(str::to_owned).collect()
}

fn files(client: &str) -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pg_catalog");
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        all.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(client)).collect();
    files.sort();
    files
}

/// Everything a client's files give, each statement's rows under its command.
async fn transcript(client: &str) -> String {
    let engine = engine().await;
    let session = engine.open_session("alice", ttapi::role::Role::Admin, "postgres");
    let mut text = String::new();
    for path in files(client) {
        writeln!(text, "## {}", path.file_stem().unwrap().to_string_lossy()).unwrap();
        for (index, sql) in statements(&path).iter().enumerate() {
            writeln!(text, "-- {}\n{}", index + 1, show(&session, sql).await).unwrap();
        }
    }
    text
}

#[tokio::test]
async fn psql_commands_give_their_rows() {
    insta::assert_snapshot!("psql", transcript("psql").await);
}

/// Runs statements and compares their rows; all that differ are told at once.
async fn check(session: &Session, cases: &[(&str, &str)]) {
    let mut failures = String::new();
    for (sql, expected) in cases {
        let found = show(session, sql).await;
        if found != *expected {
            writeln!(failures, "{sql}\n  expected {expected:?}\n  found    {found:?}").unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[tokio::test]
async fn functions_answer_as_postgres_does() {
    let engine = engine().await;
    let session = engine.open_session("alice", ttapi::role::Role::Admin, "postgres");
    let symbols = oid::relation("public", "symbols").to_string();
    let cases = [
        ("SELECT left(version(), 15)", "PostgreSQL 16.6"),
        ("SELECT left(pg_catalog.version(), 10)", "PostgreSQL"),
        ("SELECT current_user, session_user, user, current_database(), current_catalog", "alice|alice|alice|tt|tt"),
        ("SELECT current_schema(), current_schema, current_schemas(false)", "public|public|[public]"),
        ("SELECT 'symbols'::regclass", "symbols"),
        ("SELECT 'live.quotes'::regclass", "live.quotes"),
        ("SELECT 'pg_class'::regclass::oid", "1259"),
        ("SELECT 'symbols'::regclass::oid", symbols.as_str()),
        ("SELECT relname FROM pg_class WHERE oid = 'symbols'::regclass", "symbols"),
        ("SELECT c.oid::regclass FROM pg_class c WHERE relname = 'quotes'", "live.quotes"),
        ("SELECT 'nothing'::regclass", "UnknownTable: relation \"nothing\" does not exist"),
        ("SELECT to_regclass('nothing') IS NULL", "true"),
        ("SELECT 'int4'::regtype::oid, 1184::regtype", "23|timestamp with time zone"),
        ("SELECT format_type(1009, -1), format_type(NULL, NULL)", "text[]|NULL"),
        (
            "SELECT obj_description('symbols'::regclass, 'pg_class')",
            "One row per active equity, ETF or index, and per future or cryptocurrency that is collected. Source: tastytrade instruments.",
        ),
        ("SELECT col_description('symbols'::regclass, 4)", "MIC of the listing market"),
        ("SELECT pg_get_viewdef('movers'::regclass, true)", " SELECT symbol, type FROM symbols;"),
        ("SELECT set_config('search_path', '', false)", ""),
        ("SELECT pg_get_viewdef('public.movers'::regclass)", " SELECT symbol, type FROM public.symbols;"),
        ("SELECT set_config('search_path', 'public', false)", "public"),
        ("SELECT has_table_privilege('symbols', 'SELECT'), has_table_privilege('symbols', 'INSERT')", "true|false"),
        ("SELECT pg_size_pretty(1048576::bigint), pg_size_pretty(10240)", "1024 kB|10 kB"),
        ("SELECT quote_ident('My Table'), quote_literal('it''s')", "\"My Table\"|'it''s'"),
        ("SELECT current_setting('server_version_num'), current_setting('no.such', true)", "160006|NULL"),
        ("SELECT current_setting('no_such')", "UnknownObject: unrecognized configuration parameter \"no_such\""),
        ("SELECT set_config('application_name', 'test', false)", "test"),
        ("SELECT current_setting('application_name')", "test"),
        ("SELECT array_upper(ARRAY[1, 2, 3], 1), array_lower(ARRAY[1], 1)", "3|1"),
        ("SELECT pg_typeof(1::bigint), pg_typeof('x'::text)", "bigint|text"),
        ("SELECT pg_get_userbyid(10), pg_is_in_recovery()", "tt|false"),
        ("SELECT timestamptz '2026-07-01 13:30:00Z' AT TIME ZONE 'America/New_York'", "2026-07-01T09:30:00"),
        ("SELECT timestamp '2026-07-01 09:30:00' AT TIME ZONE 'America/New_York'", "2026-07-01T13:30:00Z"),
        ("SELECT fetched_at AT TIME ZONE 'Mars' FROM symbols", "InvalidParameter: time zone \"Mars\" not recognized"),
        ("SELECT count(*) FROM pg_settings WHERE name = 'TimeZone'", "1"),
        ("SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = 'alice'", "true"),
        ("SELECT nspname FROM pg_namespace ORDER BY 1", "information_schema\nlive\npg_catalog\npublic\nsystem"),
        ("SELECT s FROM generate_series(1, 3) s", "1\n2\n3"),
        ("SELECT pg_typeof(now()), pg_typeof(current_timestamp)", "timestamp with time zone|timestamp with time zone"),
        ("SELECT now() - interval '1 hour' < now(), now() AT TIME ZONE 'America/New_York' < now()", "true|true"),
        ("SELECT format('%I.%L', 'My', 'x'), getdatabaseencoding()", "\"My\".'x'|UTF8"),
    ];
    check(&session, &cases).await;
}

#[tokio::test]
async fn any_and_all_work_on_columns_and_literals() {
    let engine = engine().await;
    let session = engine.open_session("alice", ttapi::role::Role::Admin, "postgres");
    let cases = [
        ("SELECT count(*) FROM symbols WHERE 'sp500' = ANY(lists)", "1"),
        ("SELECT count(*) FROM symbols WHERE 'sp500' = ANY (lists) OR 'etf' = any(lists)", "2"),
        ("SELECT count(*) FROM symbols WHERE symbol = ANY('{AAPL,SPY}')", "2"),
        ("SELECT count(*) FROM symbols WHERE symbol = ANY('{AAPL,SPY}'::text[])", "2"),
        ("SELECT count(*) FROM symbols WHERE symbol = ANY(ARRAY['AAPL','SPY'])", "2"),
        ("SELECT count(*) FROM symbols WHERE symbol <> ALL('{AAPL,SPY}')", "1"),
        ("SELECT count(*) FROM symbols WHERE symbol = ANY('{}')", "0"),
        ("SELECT count(*) FROM symbols WHERE symbol = ANY(SELECT symbol FROM symbols WHERE active)", "2"),
        ("SELECT count(*) FROM symbols WHERE symbol > ANY(SELECT symbol FROM symbols WHERE active)", "2"),
        ("SELECT count(*) FROM symbols WHERE symbol > ALL(SELECT symbol FROM symbols WHERE active)", "1"),
        ("SELECT count(*) FROM symbols WHERE symbol <> ALL(SELECT symbol FROM symbols WHERE active)", "1"),
        ("SELECT ARRAY(SELECT symbol FROM symbols ORDER BY 1)", "[AAPL, SPY, VIX]"),
        ("SELECT ARRAY(SELECT symbol FROM symbols WHERE false)", "[]"),
        ("SELECT '{1,2}'::int[]", "[1, 2]"),
        ("SELECT unnest(lists) AS list FROM symbols ORDER BY 1", "etf\nnasdaq100\nsp500"),
        ("SELECT symbol FROM symbols WHERE symbol ILIKE 'aa%'", "AAPL"),
        ("SELECT symbol FROM symbols WHERE symbol SIMILAR TO '(AA|SP)%' ORDER BY 1", "AAPL\nSPY"),
        ("SELECT symbol FROM symbols WHERE symbol ~ '^V' FOR UPDATE", "VIX"),
    ];
    check(&session, &cases).await;
    let list = ScalarValue::List(ScalarValue::new_list_nullable(&["SPY".into(), "VIX".into()], &DataType::Utf8));
    let sql = "SELECT count(*) FROM symbols WHERE symbol = ANY($1)";
    assert_eq!(lines(&run_with(&session, sql, vec![list]).await.unwrap()), "2");
}

#[tokio::test]
async fn columns_have_the_names_postgres_gives_them() {
    let engine = engine().await;
    let session = engine.open_session("alice", ttapi::role::Role::Admin, "postgres");
    let batches = run(&session, "SELECT count(*), 1, 2, current_user, max(symbol) FROM symbols").await.unwrap();
    let names: Vec<String> = batches[0].schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["count", "?column?", "?column?", "current_user", "max"]);
    let batches = run(&session, "SELECT d.oid, d.* FROM pg_database d").await.unwrap();
    let names: Vec<String> = batches[0].schema().fields().iter().take(3).map(|field| field.name().clone()).collect();
    assert_eq!(names, ["oid", "oid", "datname"]);
}

/// A statement, and the kind, the sentence, the place and a word of the hint that its error has.
type Fault = (&'static str, ErrorKind, &'static str, Option<usize>, Option<&'static str>);

#[tokio::test]
async fn errors_have_a_kind_a_sentence_and_a_place() {
    let engine = engine().await;
    let session = engine.open_session("alice", ttapi::role::Role::Admin, "postgres");
    let cases: [Fault; 19] = [
        (
            "SELECT * FROM symbol",
            ErrorKind::UnknownTable,
            "relation \"symbol\" does not exist",
            Some(15),
            Some("symbols"),
        ),
        ("SELECT * FROM nowhere.x", ErrorKind::UnknownTable, "relation \"nowhere.x\" does not exist", Some(15), None),
        (
            "SELECT * FROM live.quote",
            ErrorKind::UnknownTable,
            "relation \"live.quote\" does not exist",
            Some(15),
            Some("live.quotes"),
        ),
        (
            "SELECT symbl FROM symbols",
            ErrorKind::UnknownColumn,
            "column \"symbl\" does not exist",
            Some(8),
            Some("symbols.symbol"),
        ),
        ("SELECT s.nothing FROM symbols s", ErrorKind::UnknownColumn, "column s.nothing does not exist", Some(8), None),
        (
            "SELECT x.symbol FROM symbols s",
            ErrorKind::UnknownTable,
            "missing FROM-clause entry for table \"x\"",
            Some(8),
            None,
        ),
        (
            "SELECT symbol FROM symbols a, symbols b",
            ErrorKind::AmbiguousColumn,
            "column reference \"symbol\" is ambiguous",
            Some(8),
            None,
        ),
        (
            "SELECT lenth(symbol) FROM symbols",
            ErrorKind::UnknownFunction,
            "function lenth does not exist",
            Some(8),
            Some("length"),
        ),
        (
            "SELECT * FROM no_such_function(1)",
            ErrorKind::UnknownFunction,
            "function no_such_function does not exist",
            None,
            None,
        ),
        (
            "SELECT symbol, count(*) FROM symbols",
            ErrorKind::Grouping,
            "column \"symbols.symbol\" must appear in the GROUP BY clause or be used in an aggregate function",
            Some(8),
            None,
        ),
        ("SELECT 1/0", ErrorKind::DivisionByZero, "division by zero", None, None),
        ("SELECT 'abc'::int", ErrorKind::InvalidText, "invalid input syntax for type integer: \"abc\"", None, None),
        (
            "SELECT 'abc'::timestamptz",
            ErrorKind::InvalidDatetime,
            "invalid input syntax for type timestamp with time zone: \"abc\"",
            None,
            None,
        ),
        (
            "SELECT 300::smallint + 40000::smallint",
            ErrorKind::OutOfRange,
            "value \"40000\" is out of range for type smallint",
            None,
            None,
        ),
        (
            "SELECT true + 1",
            ErrorKind::UnknownFunction,
            "operator does not exist: boolean + integer",
            None,
            Some("explicit type casts"),
        ),
        (
            "SELECT sum(symbol) FROM symbols",
            ErrorKind::UnknownFunction,
            "function sum(text) does not exist",
            None,
            None,
        ),
        ("SELECT * FROM symbols WHERE )", ErrorKind::Syntax, "syntax error at or near \")\"", Some(29), None),
        (
            "INSERT INTO symbols VALUES (1)",
            ErrorKind::ReadOnly,
            "cannot execute INSERT in a read-only transaction",
            None,
            None,
        ),
        (
            "SELECT * FROM '/etc/passwd'",
            ErrorKind::Forbidden,
            "reading files is not allowed on this server: \"/etc/passwd\"",
            None,
            None,
        ),
    ];
    let mut failures = String::new();
    for (sql, kind, message, position, hint) in cases {
        let error = run(&session, sql).await.unwrap_err();
        let hinted = hint.is_none_or(|hint| error.hint.as_deref().unwrap_or_default().contains(hint));
        if (error.kind, error.message.as_str(), error.position) != (kind, message, position) || !hinted {
            writeln!(failures, "{sql}\n  {error:?}").unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[tokio::test]
async fn long_conditions_are_planned() {
    let engine = engine().await;
    let session = engine.open_session("alice", ttapi::role::Role::Admin, "postgres");
    let many = "AND symbol <> 'X' ".repeat(2_000);
    let sql = format!("SELECT count(*) FROM symbols WHERE active {many}");
    assert_eq!(show(&session, &sql).await, "2");
}

#[tokio::test]
async fn parameters_have_types_where_the_statement_tells() {
    let engine = engine().await;
    let session = engine.open_session("alice", ttapi::role::Role::Admin, "postgres");
    let sql =
        "SELECT $1::int, $2::regclass FROM symbols WHERE symbol = $3 AND fetched_at > $4 AND symbol = ANY($5) LIMIT $6";
    let statement = session.parse(sql).unwrap().remove(0);
    let plan = session.plan(&session.start(sql), &statement).await.unwrap();
    let types: Vec<String> =
        plan.parameters.iter().map(|of| of.as_ref().map_or("?".to_owned(), ToString::to_string)).collect();
    assert_eq!(types.join(" "), "Int32 Utf8 Utf8 Timestamp(µs, \"UTC\") List(Utf8) Int64");
}

#[tokio::test]
async fn numbers_agree_between_processes() {
    let first = engine().await.open_session("alice", ttapi::role::Role::Admin, "postgres");
    let second = engine().await.open_session("bob", ttapi::role::Role::Admin, "postgres");
    let sql = "SELECT oid, relname FROM pg_class ORDER BY 1, 2";
    assert_eq!(show(&first, sql).await, show(&second, sql).await);
}

#[tokio::test]
async fn drivers_and_tools_get_their_rows() {
    insta::assert_snapshot!("jdbc", transcript("jdbc").await);
    insta::assert_snapshot!("sqlalchemy", transcript("sqlalchemy").await);
    insta::assert_snapshot!("tools", transcript("tools").await);
}
