//! Rows on their way: live ones, parallel ones, many at once, their age, cancels.

use super::*;
use ttapi::market::event::Quote;

#[tokio::test(flavor = "multi_thread")]
async fn a_live_table_streams_and_ends_with_its_client() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let info = client.statement("SELECT symbol, bid FROM live.quotes WHERE symbol = 'NEW'").await.unwrap();
    let (mut stream, _) = client.get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
    until("the statement follows", || async { market.books.book::<Quote>().followers() == 1 }).await;
    let listed = market.engine.queries().running();
    assert_eq!((listed.len(), listed[0].front_end), (1, "flight"));
    for bid in 0..3 {
        market.books.book::<Quote>().publish(fixture::quote(
            "NEW",
            Some(f64::from(bid)),
            None,
            instant("2026-11-04T15:30:00Z"),
        ));
        let batch = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(texts(&[batch]), [["NEW".to_owned(), bid.to_string()]]);
    }
    // Events that come close together leave together.
    for bid in 0..50 {
        market.books.book::<Quote>().publish(fixture::quote(
            "NEW",
            Some(f64::from(bid)),
            None,
            instant("2026-11-04T15:30:00Z"),
        ));
    }
    let (mut rows, mut batches) = (0, 0);
    while rows < 50 {
        let batch = tokio::time::timeout(Duration::from_secs(10), stream.next()).await.unwrap();
        rows += batch.unwrap().unwrap().num_rows();
        batches += 1;
    }
    assert!(batches < 25, "{batches} batches for 50 rows");
    drop(stream);
    until("the statement ends", || async { market.books.book::<Quote>().followers() == 0 && market.running() == 0 })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancels_reach_what_runs_and_what_has_not_begun() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let sql = "SELECT * FROM live.quotes WHERE symbol = 'nosuch'";
    for old in [false, true] {
        let info = client.statement(sql).await.unwrap();
        let (mut stream, _) = client.get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
        until("the statement follows", || async { market.books.book::<Quote>().followers() == 1 }).await;
        let began = Instant::now();
        cancel(&mut client, &info, old).await.unwrap();
        let status = status_of(stream.next().await.unwrap().unwrap_err());
        refused::<()>(Err(status), Code::Cancelled, "canceling statement");
        assert!(began.elapsed() < Duration::from_secs(5));
        until("the statement ends", || async { market.running() == 0 }).await;
        // It does not begin again.
        refused(
            client.get(info.endpoint[0].ticket.clone().unwrap()).await.map(drop),
            Code::Cancelled,
            "before it began",
        );
    }
    // So does one by SQL, from whatever front end.
    let info = client.statement(sql).await.unwrap();
    let (mut stream, _) = client.get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
    until("the statement follows", || async { market.books.book::<Quote>().followers() == 1 }).await;
    let pid = market.engine.queries().running()[0].pid;
    let found = client.query(&format!("SELECT pg_cancel_backend({pid})")).await.unwrap();
    assert_eq!(texts(&found), [["t"]]);
    refused::<()>(Err(status_of(stream.next().await.unwrap().unwrap_err())), Code::Cancelled, "canceling statement");
    let other = Market::start().await;
    let info = client.statement(sql).await.unwrap();
    refused(cancel(&mut other.client().await, &info, false).await, Code::NotFound, "does not run on this server");
    refused(cancel(&mut client, &FlightInfo::new(), false).await, Code::InvalidArgument, "no endpoint");
}

/// Statements whose clients never read hold a batch and a message each, and nobody else up.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_streams_of_which_some_are_never_read() {
    let market = Market::with(Options { streams_max: 100, ..Options::default() }).await;
    // Four billion rows: whoever gathered them would need more memory than there is.
    let endless = "SELECT a.n, repeat('x', 100) AS text FROM generate_series(1, 65536) AS a (n), generate_series(1, 65536) AS b (m)";
    let mut idle = Vec::new();
    for _ in 0..40 {
        let mut client = market.client().await;
        let info = client.statement(endless).await.unwrap();
        idle.push((client.get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap(), client));
    }
    let before = resident_bytes();
    let reading = (0..60).map(|number| {
        let address = market.address;
        tokio::spawn(async move {
            let mut client = FlightClient::connect(address).await;
            let found = client
                .query(&format!("SELECT sum(n) FROM generate_series(1, 100000) AS s (n) WHERE n % 60 = {number}"))
                .await;
            texts(&found.unwrap())[0][0].parse::<i64>().unwrap()
        })
    });
    let sums = futures::future::try_join_all(reading).await.unwrap();
    assert_eq!(sums.iter().sum::<i64>(), 100_000 * 100_001 / 2);
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 512 << 20, "{grown} bytes more");
    assert_eq!(market.running(), 40);
    // A stream that was left alone goes on where it was.
    let ((mut stream, _), _) = idle.pop().unwrap();
    for _ in 0..20 {
        let batch = stream.next().await.unwrap().unwrap();
        assert_eq!(batch.column(1).as_string::<i32>().value(0).len(), 100);
    }
    drop((stream, idle));
    until("all statements end", || async { market.running() == 0 }).await;
}

fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4_096
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_and_sessions_are_bounded() {
    let market = Market::with(Options { streams_max: 1, sessions_max: 1, ..Options::default() }).await;
    let mut client = market.client().await;
    let info = client.statement("SELECT * FROM live.quotes").await.unwrap();
    let (stream, _) = client.get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
    refused(client.query("SELECT 1").await, Code::ResourceExhausted, "flight.streams");
    drop(stream);
    until("the stream ends", || async { market.running() == 0 }).await;
    until("its place is free", || async { client.clone().query("SELECT 1").await.is_ok() }).await;
    let anyone = market.client().await.without_cookies();
    let basic = anyone.clone().with_header("authorization", "Basic YWRhOnBlbmNpbA==");
    let mut first = anyone.clone().with_header("authorization", log_in(&basic).await.unwrap());
    let mut second = anyone.with_header("authorization", log_in(&basic).await.unwrap());
    first.query("SET max_staleness = '5s'").await.unwrap();
    refused(second.query("SET max_staleness = '5s'").await, Code::ResourceExhausted, "flight.sessions");
    first.action("CloseSession", Vec::new()).await.unwrap();
    second.query("SET max_staleness = '5s'").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_may_be_compressed() {
    for compression in [ttapi::config::Compression::Lz4, ttapi::config::Compression::Zstd] {
        let market = Market::with(Options { compression, ..Options::default() }).await;
        let mut client = market.client().await;
        let sql = "SELECT n::bigint, 'the same text in every row' FROM generate_series(1, 10000) AS s (n)";
        let info = client.statement(sql).await.unwrap();
        let request = client.request(info.endpoint[0].ticket.clone().unwrap());
        let messages: Vec<FlightData> =
            client.inner.do_get(request).await.unwrap().into_inner().try_collect().await.unwrap();
        let sent: usize = messages.iter().map(|message| message.data_body.len()).sum();
        assert!(sent < 200_000, "{sent} bytes");
        let found = client.query(sql).await.unwrap();
        let sum: i64 =
            found.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).sum();
        assert_eq!(sum, 10_000 * 10_001 / 2);
    }
}

/// Each part is fetched on its own, and the table changes in between.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_scan_is_read_in_parts_of_one_version() {
    let mut world = World::start(Role::OnDemand).await;
    world.refresh(&["symbols"]).await;
    for _ in 0..3 {
        world.refresh(&["market_metrics"]).await;
        world.advance(TimeDelta::minutes(20));
    }
    let options = || Options { endpoint_rows: 2, endpoints_max: 3, ..Options::default() };
    let stop = CancellationToken::new();
    let address = serve_flight(world.server.engine.clone(), options(), stop.clone()).await;
    let client = FlightClient::connect(address).await;
    let mut parallel = client.clone().with_header("tt-endpoints", "8");
    let sql = "SELECT symbol, fetched_at FROM market_metrics_history";
    let info = parallel.statement(sql).await.unwrap();
    assert_eq!((info.endpoint.len(), info.total_records), (3, 15));
    world.refresh(&["market_metrics"]).await;
    // Another server over the same lake answers one of the parts.
    let other = world.second_server(Role::ReadOnly).await;
    let elsewhere = serve_flight(other.engine.clone(), options(), stop.clone()).await;
    let mut elsewhere = FlightClient::connect(elsewhere).await;
    let mut found = Vec::new();
    for (place, endpoint) in info.endpoint.iter().enumerate() {
        let client = if place == 1 { &mut elsewhere } else { &mut parallel };
        let (part, _) = client.get(endpoint.ticket.clone().unwrap()).await.unwrap();
        let part: Vec<RecordBatch> = part.try_collect().await.unwrap();
        assert!(part.iter().map(RecordBatch::num_rows).sum::<usize>() < 15, "a part is not the whole");
        found.extend(texts(&part));
    }
    found.sort();
    let count = found.len();
    found.dedup();
    assert_eq!((count, found.len()), (15, 15));
    assert_eq!(parallel.statement(sql).await.unwrap().total_records, 20);
    // Who does not ask gets the whole from the first endpoint; what is more than a choice of columns is not cut.
    assert_eq!(client.clone().statement(sql).await.unwrap().endpoint.len(), 1);
    for whole in [
        "SELECT symbol FROM market_metrics_history ORDER BY 1",
        "SELECT symbol FROM market_metrics_history LIMIT 12",
        "SELECT count(*) FROM market_metrics_history",
        "SELECT symbol, row_number() OVER () FROM market_metrics_history",
        "SELECT DISTINCT symbol FROM market_metrics_history",
    ] {
        assert_eq!(parallel.statement(whole).await.unwrap().endpoint.len(), 1, "{whole}");
    }
    let mut adbc = client.with_header("tt-endpoints", "many");
    refused(adbc.statement(sql).await, Code::InvalidArgument, "tt-endpoints");
    drop(stop.drop_guard());
    world.restart(Role::ReadOnly).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_age_of_an_answer_travels_with_it() {
    let mut world = World::with(Role::OnDemand, configuration(), "2026-06-06T22:00:00Z").await;
    world.refresh(&["symbols"]).await;
    world.clock.set(instant("2026-06-10T22:00:00Z"));
    world.spoil("/instruments", None, Kind::Status(500));
    world.server.refresh.refresh("symbols", "command").await.unwrap_err();
    world.restart(Role::ReadOnly).await;
    let stop = CancellationToken::new();
    let address = serve_flight(world.server.engine.clone(), Options::default(), stop.clone()).await;
    let client = FlightClient::connect(address).await;
    let told = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    let mut serve = client.clone().with_header("tt-freshness", "serve");
    let info = serve.statement("SELECT symbol FROM symbols").await.unwrap();
    let before = told(&info.app_metadata);
    assert_eq!((&before["state"], &before["age_seconds"]), (&"failed".into(), &345_600.0.into()));
    assert_eq!(before["inputs"][0]["dataset"], "symbols");
    assert!(before["inputs"][0]["last_error"].as_str().unwrap().contains("500"), "{before}");
    let request = serve.request(info.endpoint[0].ticket.clone().unwrap());
    let reply = serve.inner.do_get(request).await.unwrap();
    let notice = reply.metadata().get("tt-notice").unwrap().to_str().unwrap().to_owned();
    assert!(notice.contains("\"symbols\" is stale: its rows are 4 d old"), "{notice}");
    let messages: Vec<FlightData> = reply.into_inner().try_collect().await.unwrap();
    for message in &messages[..2] {
        let after = told(&message.app_metadata);
        assert_eq!(after["inputs"], before["inputs"]);
        assert!(after["notices"][0].as_str().unwrap().contains("is stale"), "{after}");
    }
    let mut fail = client.clone().with_header("tt-freshness", "fail");
    refused(
        fail.query("SELECT symbol FROM symbols").await,
        Code::Unavailable,
        "\"symbols\" is not fresh: its rows are 4 d old",
    );
    refused(client.clone().query("SELECT * FROM earnings").await, Code::Unavailable, "never loaded");
    drop(stop.drop_guard());
}
