//! The client library `tokio-postgres`: it prepares every statement and takes all values in binary. And what two servers
//! over one lake tell it of the catalog: the same numbers.

use crate::world::{World, connect, serve_postgres};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use futures::{StreamExt, TryStreamExt};
use std::error::Error;
use std::time::Duration;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use ttapi::server::Role;

/// The bytes of a value of any type.
struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

const TYPES: &str = include_str!("../clients/types.sql");

fn code(error: &tokio_postgres::Error) -> String {
    error.code().map_or_else(|| error.to_string(), |code| code.code().to_owned())
}

#[tokio::test]
async fn values_of_every_type_in_binary() {
    let world = World::start(Role::ReadOnly).await;
    let (client, _) = connect(world.postgres().await).await;
    let statement = client.prepare(TYPES).await.unwrap();
    let types: Vec<&str> = statement.columns().iter().map(|column| column.type_().name()).collect();
    let expected = "bool int2 int4 int8 float4 float8 float8 float8 numeric numeric text text bytea date time timestamp \
        timestamptz interval _int4 _text _date";
    assert_eq!(types, expected.split_whitespace().collect::<Vec<_>>());
    let rows = client.query(&statement, &[]).await.unwrap();
    let [row, nulls] = rows.as_slice() else { panic!("{} rows", rows.len()) };
    assert!(row.get::<_, bool>("boolean"));
    assert_eq!(row.get::<_, i16>("int2"), i16::MIN);
    assert_eq!(row.get::<_, i32>("int4"), i32::MIN);
    assert_eq!(row.get::<_, i64>("int8"), i64::MAX);
    assert_eq!(row.get::<_, f32>("float4"), 1.5);
    assert_eq!(row.get::<_, f64>("float8"), 0.1);
    assert!(row.get::<_, f64>("not_a_number").is_nan());
    assert_eq!(row.get::<_, f64>("infinite"), f64::NEG_INFINITY);
    // Four digits each: 1 2345 . 6789, of weight 1 and with four digits behind the point.
    let decimal = [0, 3, 0, 1, 0, 0, 0, 4, 0, 1, 0x09, 0x29, 0x1a, 0x85];
    assert_eq!(row.get::<_, Raw>("decimal").0, decimal);
    let wide = row.get::<_, Raw>("wide_decimal").0;
    assert_eq!((&wide[..8], wide.len()), (&[0, 16, 0, 12, 0x40, 0, 0, 10][..], 8 + 2 * 16));
    assert_eq!(row.get::<_, &str>("words"), "é \"x\" 'y'");
    assert_eq!(row.get::<_, &str>("no_words"), "");
    assert_eq!(row.get::<_, &[u8]>("bytes"), [0, 0xff, 0x10]);
    let day = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    let clock = NaiveTime::from_hms_micro_opt(13, 14, 15, 123_456).unwrap();
    assert_eq!(row.get::<_, NaiveDate>("day"), day);
    assert_eq!(row.get::<_, NaiveTime>("clock"), clock);
    let new_year = NaiveDate::from_ymd_opt(2023, 12, 31).unwrap().and_hms_micro_opt(23, 59, 59, 999_999).unwrap();
    assert_eq!(row.get::<_, NaiveDateTime>("local"), new_year);
    assert_eq!(row.get::<_, DateTime<Utc>>("instant"), day.and_time(clock).and_utc());
    let mut span = 11_045_678_000_i64.to_be_bytes().to_vec();
    span.extend([0, 0, 0, 2, 0, 0, 0, 1]);
    assert_eq!(row.get::<_, Raw>("span").0, span);
    assert_eq!(row.get::<_, Vec<Option<i32>>>("integers"), [Some(1), Some(2), None]);
    assert_eq!(row.get::<_, Vec<Option<&str>>>("texts"), [Some("a"), Some("b\"c"), None, Some("")]);
    assert_eq!(row.get::<_, Vec<Option<NaiveDate>>>("days"), [Some(day), None]);
    for column in 0..nulls.len() {
        assert!(nulls.get::<_, Option<Raw>>(column).is_none(), "{}", nulls.columns()[column].name());
    }
}

#[tokio::test]
async fn parameters_take_the_type_that_is_wanted() {
    let world = World::start(Role::ReadOnly).await;
    let (client, _) = connect(world.postgres().await).await;
    let sql =
        "SELECT $1::int + 1, $2::text || '!', $3::bigint[], $4::timestamptz, $5::bytea, $6::float8, $7::date, $8::bool";
    let statement = client.prepare(sql).await.unwrap();
    let types: Vec<&str> = statement.params().iter().map(Type::name).collect();
    assert_eq!(types, ["int4", "text", "_int8", "timestamptz", "bytea", "float8", "date", "bool"]);
    let at: DateTime<Utc> = "2024-07-01T12:00:00.000001Z".parse().unwrap();
    let day = NaiveDate::from_ymd_opt(1999, 12, 31).unwrap();
    let list = vec![Some(1_i64), None];
    let row = client
        .query_one(&statement, &[&41_i32, &"hi", &list, &at, &[0_u8, 255].as_slice(), &0.5_f64, &day, &None::<bool>])
        .await
        .unwrap();
    assert_eq!((row.get::<_, i32>(0), row.get::<_, &str>(1)), (42, "hi!"));
    assert_eq!(row.get::<_, Vec<Option<i64>>>(2), list);
    assert_eq!(row.get::<_, DateTime<Utc>>(3), at);
    assert_eq!(row.get::<_, &[u8]>(4), [0, 255]);
    assert_eq!((row.get::<_, f64>(5), row.get::<_, NaiveDate>(6), row.get::<_, Option<bool>>(7)), (0.5, day, None));
    let statement =
        client.prepare("SELECT symbol FROM symbols WHERE symbol = ANY($1) AND active = $2 LIMIT $3").await.unwrap();
    let types: Vec<&str> = statement.params().iter().map(Type::name).collect();
    assert_eq!(types, ["_text", "bool", "int8"]);
}

#[tokio::test]
async fn streams_portals_pipelines_and_copy() {
    let world = World::start(Role::ReadOnly).await;
    let (mut client, _) = connect(world.postgres().await).await;
    let many = "SELECT n::bigint FROM generate_series(1, 10000) AS n";
    let rows = client.query_raw(many, std::iter::empty::<i32>()).await.unwrap();
    let sum = rows.try_fold(0_i64, |sum, row| async move { Ok(sum + row.get::<_, i64>(0)) }).await.unwrap();
    assert_eq!(sum, 50_005_000);
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind(many, &[]).await.unwrap();
    let first = transaction.query_portal(&portal, 3).await.unwrap();
    let second = transaction.query_portal(&portal, 2).await.unwrap();
    let numbers = |rows: &[tokio_postgres::Row]| rows.iter().map(|row| row.get::<_, i64>(0)).collect::<Vec<_>>();
    assert_eq!((numbers(&first), numbers(&second)), (vec![1, 2, 3], vec![4, 5]));
    transaction.commit().await.unwrap();
    let one = |n: i32| {
        let client = &client;
        async move { client.query_one("SELECT $1::int", &[&n]).await.unwrap().get::<_, i32>(0) }
    };
    assert_eq!(futures::future::join_all((0..20).map(one)).await, (0..20).collect::<Vec<_>>());
    let copied = client.copy_out("COPY (SELECT 1 AS a, 'x' AS b) TO STDOUT").await.unwrap();
    let copied: Vec<_> = copied.map(|part| part.unwrap()).collect().await;
    assert_eq!(copied.concat(), b"1\tx\n");
    let messages = client.simple_query("SELECT 1 AS a; SELECT 'b' AS b").await.unwrap();
    let rows = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    assert_eq!(rows.collect::<Vec<_>>(), ["1", "b"]);
}

#[tokio::test]
async fn errors_and_cancel() {
    let world = World::start(Role::ReadOnly).await;
    let (client, _) = connect(world.postgres().await).await;
    for (sql, expected) in [
        ("SELEC 1", "42601"),
        ("SELECT * FROM nosuch", "42P01"),
        ("SELECT nosuch(1)", "42883"),
        ("SELECT 9223372036854775807 + 1", "22003"),
        ("SELECT 1.5::float8 / 0", "22012"),
        ("SELECT 'x'::date", "22007"),
        ("LISTEN news", "0A000"),
        ("DELETE FROM symbols", "25006"),
    ] {
        assert_eq!(code(&client.query(sql, &[]).await.unwrap_err()), expected, "{sql}");
    }
    let cancel = client.cancel_token();
    let sleeping = client.query("SELECT pg_sleep(600)", &[]);
    let cancelled = async {
        // It may not have begun yet: what does not run cannot be cancelled.
        loop {
            cancel.cancel_query(NoTls).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let ended = tokio::select! {
        ended = sleeping => ended,
        () = async { tokio::time::timeout(Duration::from_secs(20), cancelled).await.ok(); } => panic!("not cancelled in time"),
    };
    assert_eq!(code(&ended.unwrap_err()), "57014");
    assert!(client.query_one("SELECT pg_sleep(0.01)", &[]).await.is_ok());
}

/// Every number of the catalog with the name it stands for.
async fn numbers(client: &Client) -> Vec<(String, u32)> {
    let sql = "SELECT 'relation ' || oid::regclass::text, oid FROM pg_class UNION ALL \
        SELECT 'schema ' || nspname, oid FROM pg_namespace UNION ALL SELECT 'function ' || proname, oid FROM pg_proc UNION ALL \
        SELECT 'constraint ' || conname, oid FROM pg_constraint UNION ALL SELECT 'type ' || typname, oid FROM pg_type UNION ALL \
        SELECT 'role ' || rolname, oid FROM pg_roles UNION ALL SELECT 'database ' || datname, oid FROM pg_database ORDER BY 1, 2";
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn two_servers_and_a_restart_give_the_same_numbers() {
    let mut world = World::start(Role::ReadOnly).await;
    let (client, _) = connect(world.postgres().await).await;
    let first = numbers(&client).await;
    assert!(first.len() > 400, "{}", first.len());
    assert!(first.iter().any(|(name, _)| name == "relation eod_pkey"));
    let mut seen: Vec<u32> =
        first.iter().filter(|(name, _)| name.starts_with("relation ")).map(|(_, oid)| *oid).collect();
    let relations = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), relations, "two relations of one number");
    let replica = world.second_server(Role::ReadOnly).await;
    let (client, _) = connect(serve_postgres(replica.engine.clone(), Default::default()).await).await;
    assert_eq!(numbers(&client).await, first);
    world.restart(Role::ReadOnly).await;
    let (client, _) = connect(world.postgres().await).await;
    assert_eq!(numbers(&client).await, first);
}
