//! Statements: what they are before they run, their rows, and what is refused.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_described_and_then_fetched() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let info =
        client.statement("SELECT symbol, close, volume FROM eod WHERE date = '2026-11-03' ORDER BY 1").await.unwrap();
    let schema = info.clone().try_decode_schema().unwrap();
    let described: Vec<_> =
        schema.fields().iter().map(|field| (field.name().as_str(), field.data_type().clone())).collect();
    let wanted = [("symbol", DataType::Utf8), ("close", DataType::Float64), ("volume", DataType::Int64)];
    assert_eq!(described, wanted);
    let batches = client.fetch(info).await.unwrap();
    assert_eq!(batches[0].schema().as_ref(), &schema);
    assert_eq!(texts(&batches), [["AAPL", "21", "400"], ["MSFT", "36", "NULL"]]);
    // A result without rows has columns all the same.
    let info = client.statement("SELECT symbol FROM eod WHERE false").await.unwrap();
    let (mut stream, _) = client.get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
    assert!(stream.next().await.is_none());
    assert_eq!(stream.schema().unwrap().field(0).name(), "symbol");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_without_messages_of_flight_sql_are_understood() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let info = client.describe_bytes(b"SELECT 1 AS one".to_vec()).await.unwrap();
    assert_eq!(texts(&client.fetch(info).await.unwrap()), [["1"]]);
    let path = FlightDescriptor::new_path(vec!["public".to_owned(), "symbols".to_owned()]);
    let info = client.inner.get_flight_info(path).await.unwrap().into_inner();
    assert_eq!(client.fetch(info).await.unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(), 3);
    let request = client.request(arrow_flight::Criteria::default());
    let flights: Vec<FlightInfo> =
        client.inner.list_flights(request).await.unwrap().into_inner().try_collect().await.unwrap();
    let paths: Vec<_> = flights.into_iter().map(|flight| flight.flight_descriptor.unwrap().path.join(".")).collect();
    assert!(paths.contains(&"live.quotes".to_owned()) && paths.contains(&"public.movers".to_owned()), "{paths:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_told_without_running() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let query = CommandStatementQuery { query: "SELECT * FROM live.quotes".to_owned(), transaction_id: None };
    let schema = client.inner.get_schema(FlightDescriptor::new_cmd(pack(&query))).await.unwrap().into_inner();
    let schema = Schema::try_from(&schema).unwrap();
    assert_eq!(schema.field(schema.fields().len() - 1).name(), "missed");
    assert_eq!(market.running(), 0);
    let info = FlightDescriptor::new_cmd(pack(&CommandGetTables::default()));
    let schema = Schema::try_from(&client.inner.get_schema(info).await.unwrap().into_inner()).unwrap();
    assert_eq!(schema.field(2).name(), "table_name");
    let poll = client.inner.poll_flight_info(FlightDescriptor::new_cmd(pack(&query))).await.unwrap().into_inner();
    assert!(poll.flight_descriptor.is_none() && poll.info.unwrap().endpoint.len() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_bytes_are_refused() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let own = client.statement("SELECT 1").await.unwrap().endpoint[0].ticket.clone().unwrap().ticket;
    let inner: TicketStatementQuery = unpacked(&own);
    let cut =
        TicketStatementQuery { statement_handle: inner.statement_handle.slice(..inner.statement_handle.len() - 3) };
    let foreign = TicketStatementQuery { statement_handle: Bytes::from_static(b"some other server's") };
    let bytes = [
        b"".to_vec(),
        b"SELECT 1".to_vec(),
        vec![0xff; 100],
        own[..own.len() - 1].to_vec(),
        pack(&cut),
        pack(&foreign),
    ];
    for bytes in bytes {
        refused(client.get(Ticket::new(bytes)).await.map(drop), Code::InvalidArgument, "no ticket of this server");
    }
    let handle = Bytes::from_static(b"\x00\x01 of another server");
    refused(execute(&mut client, handle).await, Code::InvalidArgument, "no prepared statement handle of this server");
    refused(client.describe_bytes(vec![0xff, 0x00]).await, Code::InvalidArgument, "does not read");
    refused(client.describe_bytes(Vec::new()).await, Code::InvalidArgument, "does not read");
    refused(
        client.action("CreatePreparedStatement", vec![0xff; 10]).await,
        Code::InvalidArgument,
        "ActionCreatePreparedStatementRequest",
    );
    refused(client.action("CancelFlightInfo", vec![0xff; 10]).await, Code::InvalidArgument, "does not read");
    refused(client.action("DropEverything", Vec::new()).await, Code::InvalidArgument, "no action \"DropEverything\"");
    let strange = FlightDescriptor::new_cmd(pack(&CommandStatementSubstraitPlan::default()));
    refused(client.inner.get_flight_info(strange).await, Code::Unimplemented, "Substrait");
    refused(put(&mut client, Vec::new()).await, Code::InvalidArgument, "empty");
    refused(put(&mut client, vec![FlightData::default()]).await, Code::InvalidArgument, "no descriptor");
    assert_eq!(texts(&client.query("SELECT 1").await.unwrap()), [["1"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_have_the_code_of_their_kind() {
    let market = Market::start().await;
    let mut client = market.client().await;
    for (sql, code, part) in [
        ("SELEC 1", Code::InvalidArgument, "SELEC"),
        ("", Code::InvalidArgument, "no statement"),
        ("SELECT 1; SELECT 2", Code::InvalidArgument, "one statement at a time"),
        ("SELECT * FROM nosuch", Code::NotFound, "nosuch"),
        ("SELECT nosuch FROM eod", Code::NotFound, "nosuch"),
        ("SELECT nosuch(1)", Code::NotFound, "nosuch"),
        ("SELECT 1 / 0", Code::InvalidArgument, "division by zero"),
        ("SELECT 'abc'::int", Code::InvalidArgument, "abc"),
        ("INSERT INTO symbols (symbol) VALUES ('X')", Code::PermissionDenied, "read-only"),
        ("COPY (SELECT 1) TO '/tmp/stolen'", Code::PermissionDenied, "COPY"),
        ("SELECT * FROM '/etc/passwd'", Code::PermissionDenied, "/etc/passwd"),
        ("SELECT count(*) FROM live.quotes", Code::Unimplemented, "never give a row"),
        ("BEGIN", Code::Unimplemented, "no transactions"),
        ("SET nosuch = 1", Code::NotFound, "nosuch"),
        ("SET timezone = 'Mars/Olympus'", Code::InvalidArgument, "TimeZone"),
    ] {
        refused(client.query(sql).await, code, part);
    }
    let status = client.query("SELECT *\nFROM nosuch").await.unwrap_err();
    assert!(status.metadata().get("tt-hint").is_some() || status.metadata().get("tt-position").is_some(), "{status:?}");
    let mut impatient = market.client().await.with_header("tt-statement-timeout", "100ms");
    refused(
        impatient.query("SELECT * FROM live.quotes WHERE symbol = 'nosuch'").await,
        Code::DeadlineExceeded,
        "timeout",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let put_command = |command: Vec<u8>| {
        vec![FlightData { flight_descriptor: Some(FlightDescriptor::new_cmd(command)), ..FlightData::default() }]
    };
    let update = CommandStatementUpdate { query: "DELETE FROM symbols".to_owned(), transaction_id: None };
    refused(put(&mut client, put_command(pack(&update))).await, Code::PermissionDenied, "DELETE");
    let ingest = CommandStatementIngest { table: "mine".to_owned(), ..CommandStatementIngest::default() };
    refused(put(&mut client, put_command(pack(&ingest))).await, Code::PermissionDenied, "\"mine\"");
    for action in ["BeginTransaction", "EndTransaction", "BeginSavepoint", "EndSavepoint"] {
        refused(client.action(action, Vec::new()).await, Code::Unimplemented, "no transactions");
    }
    refused(client.action("CreatePreparedSubstraitPlan", Vec::new()).await, Code::Unimplemented, "Substrait");
    // A statement about the session may come as an update.
    let update = CommandStatementUpdate { query: "SET freshness = 'serve'".to_owned(), transaction_id: None };
    client.query("SELECT 1").await.unwrap();
    put(&mut client, put_command(pack(&update))).await.unwrap();
}
