//! Rows on their way: the first at once, held back by a slow client, ended by a cancel, by time, and with the client.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_row_of_an_endless_table_arrives_at_once_and_cancel_ends_it() {
    let server = start(Options::default()).await;
    let client = server.client().await;
    for table in ["silent", "flood"] {
        let rows = client.query_raw::<_, i64, _>(&format!("SELECT n FROM {table}"), []).await.unwrap();
        pin_mut!(rows);
        let first = tokio::time::timeout(PATIENCE, rows.next()).await.unwrap().unwrap().unwrap();
        assert!(first.get::<_, i64>(0) >= 0);
        let began = Instant::now();
        client.cancel_token().cancel_query(NoTls).await.unwrap();
        let error = loop {
            match tokio::time::timeout(PATIENCE, rows.next()).await.unwrap().unwrap() {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED));
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
    // The simple protocol too, and the session goes on. The last statement is off the list a moment after its error.
    server.wait_for_running(0).await;
    let (result, ()) = tokio::join!(client.simple_query("SELECT n FROM silent"), async {
        server.wait_for_running(1).await;
        client.cancel_token().cancel_query(NoTls).await.unwrap();
    });
    check_code(result, "57014");
    assert_eq!(one(&client, "SELECT 1").await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_timeout_covers_the_stream() {
    let server = start(Options::default()).await;
    let client = server.client_with("options='-c statement_timeout=50ms'").await;
    check_code(client.simple_query("SELECT n FROM silent").await, "57014");
    check_code(client.query("SELECT n FROM silent", &[]).await, "57014");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_frees_its_query() {
    let server = start(Options::default()).await;
    let mut socket = server.greeted().await;
    socket.write_all(&message(b'Q', b"SELECT n FROM silent\0")).await.unwrap();
    while next(&mut socket).await.0 != b'D' {}
    server.wait_for_running(1).await;
    drop(socket);
    server.wait_for_running(0).await;
    // Even when it has filled the read-ahead before.
    let mut socket = server.greeted().await;
    socket.write_all(&message(b'Q', b"SELECT n FROM silent\0")).await.unwrap();
    while next(&mut socket).await.0 != b'D' {}
    for _ in 0..45 {
        socket.write_all(&message(b'Q', &[b"SELECT '", &[b'x'; 2_000][..], b"'\0"].concat())).await.unwrap();
    }
    drop(socket);
    server.wait_for_running(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_holds_the_query_back() {
    let server = start(Options::default()).await;
    let mut socket = server.greeted().await;
    socket.write_all(&message(b'Q', b"SELECT n FROM flood\0")).await.unwrap();
    server.wait_for_running(1).await;
    // Another is served meanwhile, and the flood ends with its client.
    let client = server.client().await;
    assert_eq!(one(&client, "SELECT 1").await, "1");
    drop(socket);
    server.wait_for_running(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portal_stops_and_goes_on() {
    let server = start(Options::default()).await;
    let mut client = server.client().await;
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind("SELECT volume FROM bars WHERE volume > 0 ORDER BY volume", &[]).await.unwrap();
    assert_eq!(transaction.query_portal(&portal, 1).await.unwrap()[0].get::<_, i64>(0), 5);
    assert_eq!(transaction.query_portal(&portal, -5).await.unwrap()[0].get::<_, i64>(0), 6);
    assert!(transaction.query_portal(&portal, 1).await.unwrap().is_empty());
    let endless = transaction.bind("SELECT n FROM silent", &[]).await.unwrap();
    assert_eq!(transaction.query_portal(&endless, 1).await.unwrap().len(), 1);
    transaction.commit().await.unwrap();
    server.wait_for_running(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_ends_its_connection_alone() {
    let server = start(Options::default()).await;
    let other = server.client().await;
    let client = server.client().await;
    client.simple_query("SELECT n FROM broken").await.unwrap_err();
    assert_eq!(one(&other, "SELECT 1").await, "1");
    server.wait_for_running(0).await;
}
