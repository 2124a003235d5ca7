//! What statements give over the wire: values, parameters, codes of failures, settings, cursors, COPY.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_go_as_text_and_as_binary_and_nulls_stay_null() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    client.batch_execute("SET TIME ZONE 'America/New_York'").await.unwrap();
    let rows = text(&client, "SELECT * FROM bars ORDER BY volume NULLS LAST").await;
    let expected = ["AAPL", "2024-02-29", "187.23", "5", "t", "123.45", "2024-07-01 08:00:00-04", "1"];
    assert_eq!(rows[0], expected.map(|text| Some(text.to_owned())));
    assert_eq!(rows[1][6].as_deref(), Some("1969-12-31 19:00:00-05"));
    assert_eq!(rows[2], vec![None; 8]);

    let rows = client.query("SELECT * FROM bars ORDER BY volume NULLS LAST", &[]).await.unwrap();
    let types: Vec<_> = rows[0].columns().iter().map(|column| column.type_().clone()).collect();
    let expected =
        [Type::TEXT, Type::DATE, Type::FLOAT8, Type::INT8, Type::BOOL, Type::NUMERIC, Type::TIMESTAMPTZ, Type::INT4];
    assert_eq!(types, expected);
    assert_eq!(rows[0].get::<_, &str>("symbol"), "AAPL");
    assert_eq!(rows[0].get::<_, chrono::NaiveDate>("date"), chrono::NaiveDate::from_ymd_opt(2024, 2, 29).unwrap());
    assert_eq!(rows[0].get::<_, f64>("close"), 187.23);
    assert_eq!(rows[0].get::<_, chrono::DateTime<chrono::Utc>>("seen_at").timestamp(), 1_719_835_200);
    assert_eq!(rows[2].get::<_, Option<f64>>("close"), None);
    assert_eq!(rows[2].get::<_, Option<chrono::NaiveDate>>("date"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_have_types_and_values() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    let sql = "SELECT symbol FROM bars WHERE volume = $1 AND symbol = $2 AND date < $3";
    let statement = client.prepare(sql).await.unwrap();
    assert_eq!(statement.params(), [Type::INT8, Type::TEXT, Type::DATE]);
    let date = chrono::NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
    let rows = client.query(&statement, &[&5_i64, &"AAPL", &date]).await.unwrap();
    assert_eq!(rows.len(), 1);
    let none = client.query(&statement, &[&None::<i64>, &"AAPL", &date]).await.unwrap();
    assert!(none.is_empty());

    // Nothing tells its type: it is text, or what the client says.
    let row = client.query_one("SELECT $1", &[&"é"]).await.unwrap();
    assert_eq!((row.columns()[0].type_(), row.get::<_, &str>(0)), (&Type::TEXT, "é"));
    let typed = client.prepare_typed("SELECT $1, $2", &[Type::INT4, Type::FLOAT8]).await.unwrap();
    let row = client.query_one(&typed, &[&7_i32, &None::<f64>]).await.unwrap();
    assert_eq!((row.get::<_, i32>(0), row.get::<_, Option<f64>>(1)), (7, None));
    let row = client.query_one("SELECT $1::int + 1", &[&7_i32]).await.unwrap();
    assert_eq!(row.columns().len(), 1);

    // A float is not cut to the integer beside it.
    let typed = client.prepare_typed("SELECT symbol FROM bars WHERE volume < $1", &[Type::FLOAT8]).await.unwrap();
    assert_eq!(client.query(&typed, &[&5.5_f64]).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_have_their_codes() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    let codes = [
        ("SELEC 1", "42601"),
        ("LISTEN x", "0A000"),
        ("COPY bars FROM STDIN", "25006"),
        ("COPY bars TO '/tmp/never'", "42501"),
        ("COPY (SELECT 1) TO PROGRAM 'sh'", "42501"),
        ("SET no_such_setting = 1", "42704"),
        ("SHOW no_such_setting", "42704"),
        ("SET TimeZone = 'Nowhere'", "22023"),
        ("DECLARE c CURSOR FOR SELECT 1", "25P01"),
        ("FETCH c", "34000"),
        ("EXECUTE p", "26000"),
        ("DEALLOCATE p", "26000"),
        ("SAVEPOINT a", "25P01"),
        ("BEGIN; DISCARD ALL", "25001"),
        ("ROLLBACK TO a", "3B001"),
        ("ROLLBACK; SELECT $1", "42P02"),
        ("CREATE TABLE t (a int)", "25006"),
    ];
    for (sql, code) in codes {
        let error = client.simple_query(sql).await.err().unwrap_or_else(|| panic!("{sql} did not fail"));
        assert_eq!(error.code().map(SqlState::code), Some(code), "{sql}: {error:?}");
    }
    let sql = "SELECT symbol FROM bars WHERE volume = $1::text::bigint";
    check_code(client.query(sql, &[&"x"]).await, "22P02");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_shown_reported_and_reset() {
    let server = start(Options::default()).await;
    let client = server.client_with("application_name=here options='-c TimeZone=Europe/Rome'").await;
    assert_eq!(one(&client, "SHOW timezone").await, "Europe/Rome");
    assert_eq!(one(&client, "SHOW TIME ZONE").await, "Europe/Rome");
    assert_eq!(one(&client, "SHOW server_version").await, "16.6");
    client.batch_execute("BEGIN; SET LOCAL TimeZone = 'Asia/Tokyo'").await.unwrap();
    assert_eq!(one(&client, "SHOW TimeZone").await, "Asia/Tokyo");
    client.batch_execute("COMMIT; SET TimeZone = 'utc'").await.unwrap();
    assert_eq!(one(&client, "SHOW TimeZone").await, "UTC");
    client.batch_execute("RESET TimeZone").await.unwrap();
    assert_eq!(one(&client, "SHOW TimeZone").await, "Europe/Rome");
    client.batch_execute("SET application_name = 'there'; DISCARD PLANS").await.unwrap();
    client.batch_execute("DISCARD ALL").await.unwrap();
    assert_eq!(one(&client, "SHOW application_name").await, "here");
    assert!(text(&client, "SHOW ALL").await.len() > 20);
    check_code(client.batch_execute("SET TimeZone = 'UTC'; SELEC").await, "42601");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_query_takes_its_settings_back() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    client.batch_execute("SET TimeZone = 'Asia/Tokyo'; SELECT * FROM missing").await.unwrap_err();
    assert_eq!(one(&client, "SHOW TimeZone").await, "UTC");
    client.batch_execute("BEGIN; SET TimeZone = 'Asia/Tokyo'; ROLLBACK").await.unwrap();
    assert_eq!(one(&client, "SHOW TimeZone").await, "UTC");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursors_go_forward_and_some_outlive_their_transaction() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    let declare = "CURSOR FOR SELECT volume FROM bars WHERE volume > 0 ORDER BY volume";
    client
        .batch_execute(&format!("BEGIN; DECLARE c {declare}; DECLARE e CURSOR FOR SELECT n FROM silent"))
        .await
        .unwrap();
    assert_eq!(text(&client, "FETCH FORWARD 1 FROM c").await, [[Some("5".to_owned())]]);
    assert_eq!(text(&client, "FETCH NEXT FROM e").await, [[Some("7".to_owned())]]);
    client.batch_execute("MOVE 1 FROM c").await.unwrap();
    assert!(text(&client, "FETCH ALL FROM c").await.is_empty());
    client.batch_execute("CLOSE c; COMMIT").await.unwrap();
    check_code(client.simple_query("FETCH NEXT FROM e").await, "34000");
    server.wait_for_running(0).await;

    client.batch_execute(&declare.replace("CURSOR", "DECLARE h CURSOR WITH HOLD")).await.unwrap();
    // A cursor is a portal of the extended protocol too.
    let rows = client.query("FETCH 1 FROM h", &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, i64>(0), 5);
    client.batch_execute("BEGIN; ROLLBACK").await.unwrap();
    assert_eq!(text(&client, "FETCH ALL FROM h").await, [[Some("6".to_owned())]]);
    client.batch_execute("CLOSE ALL").await.unwrap();
    check_code(client.simple_query("FETCH h").await, "34000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_are_prepared_in_sql() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    client
        .batch_execute("PREPARE p (bigint, text) AS SELECT symbol FROM bars WHERE volume = $1 AND symbol = $2")
        .await
        .unwrap();
    assert_eq!(one(&client, "EXECUTE p(2 + 3, 'AAPL')").await, "AAPL");
    check_code(client.simple_query("EXECUTE p(1)").await, "42601");
    check_code(client.simple_query("PREPARE p AS SELECT 1").await, "42P05");
    client.batch_execute("DEALLOCATE p; PREPARE p AS SELECT date FROM bars WHERE date = $1").await.unwrap();
    assert_eq!(one(&client, "EXECUTE p('2024-02-29')").await, "2024-02-29");
    client.batch_execute("DEALLOCATE ALL").await.unwrap();
    check_code(client.simple_query("EXECUTE p(1)").await, "26000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prepared_statement_is_explained() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    client.batch_execute("PREPARE p (text) AS SELECT symbol FROM bars WHERE symbol = $1").await.unwrap();
    let plan = text(&client, "EXPLAIN (VERBOSE, COSTS OFF) EXECUTE p(NULL)").await;
    let lines: Vec<&str> = plan.iter().filter_map(|row| row[0].as_deref()).collect();
    assert_eq!(lines, ["Result", "  Output: symbol", "  One-Time Filter: false"]);
    let json = one(&client, "EXPLAIN (FORMAT JSON, COSTS OFF) EXECUTE p('AAPL')").await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["Plan"]["Relation Name"], "bars");
    assert_eq!(json[0]["Plan"]["Filter"], "(symbol = 'AAPL')");
    check_code(client.simple_query("EXPLAIN EXECUTE p").await, "42601");
    check_code(client.simple_query("EXPLAIN EXECUTE q").await, "26000");
    check_code(client.simple_query("EXPLAIN ANALYZE DELETE FROM bars").await, "25006");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_locked_for_reading_alone() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    check_code(client.simple_query("LOCK TABLE bars IN ACCESS SHARE MODE").await, "25P01");
    client.batch_execute("BEGIN; LOCK TABLE ONLY bars, public.bars IN ACCESS SHARE MODE NOWAIT; COMMIT").await.unwrap();
    check_code(client.simple_query("BEGIN; LOCK nowhere IN ACCESS SHARE MODE").await, "42P01");
    client.batch_execute("ROLLBACK").await.unwrap();
    check_code(client.simple_query("BEGIN; LOCK TABLE bars").await, "25006");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_is_there_until_its_transaction_ends() {
    let server = start(Options::default()).await;
    let (exporter, importer) = (server.client().await, server.client().await);
    exporter.batch_execute("BEGIN").await.unwrap();
    let name = one(&exporter, "SELECT pg_export_snapshot()").await;
    let import = format!("SET TRANSACTION SNAPSHOT '{name}'");
    check_code(importer.simple_query(&import).await, "25P01");
    importer.batch_execute(&format!("BEGIN; {import}; SELECT count(*) FROM bars; COMMIT")).await.unwrap();
    exporter.batch_execute("COMMIT").await.unwrap();
    check_code(importer.simple_query(&format!("BEGIN; {import}")).await, "22023");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copy_streams_in_three_formats() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    let copied = async |sql: &str| {
        let chunks = client.copy_out(sql).await.unwrap();
        let all: BytesMut = chunks
            .try_fold(BytesMut::new(), async |mut all, chunk| {
                all.extend_from_slice(&chunk);
                Ok(all)
            })
            .await
            .unwrap();
        String::from_utf8_lossy(&all).into_owned()
    };
    let query = "(SELECT symbol, close FROM bars ORDER BY volume NULLS LAST)";
    assert_eq!(copied(&format!("COPY {query} TO STDOUT")).await, "AAPL\t187.23\nMSFT\t100\n\\N\t\\N\n");
    assert_eq!(
        copied(&format!("COPY {query} TO STDOUT (FORMAT csv, HEADER)")).await,
        "symbol,close\nAAPL,187.23\nMSFT,100\n,\n"
    );
    assert_eq!(copied("COPY bars (size) TO STDOUT CSV").await, "1\n2\n\n");
    let chunks = client.copy_out(&format!("COPY {query} TO STDOUT BINARY")).await.unwrap();
    let rows: Vec<_> = tokio_postgres::binary_copy::BinaryCopyOutStream::new(chunks, &[Type::TEXT, Type::FLOAT8])
        .try_collect()
        .await
        .unwrap();
    assert_eq!((rows.len(), rows[0].get::<&str>(0), rows[1].get::<f64>(1)), (3, "AAPL", 100.0));
    assert_eq!(rows[2].get::<Option<&str>>(0), None);
}
