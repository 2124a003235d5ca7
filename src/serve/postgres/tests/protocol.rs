//! The order of messages, and bytes that are none.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_of_one_query_run_in_order_until_one_fails() {
    let server = start(Options::default()).await;
    let mut socket = server.greeted().await;
    let mut ask = async |sql: &str| {
        socket.write_all(&message(b'Q', &[sql.as_bytes(), b"\0"].concat())).await.unwrap();
        until_ready(&mut socket).await
    };
    assert_eq!(ask("SELECT 1; SELECT 2;").await, ("TDCTDCZ".to_owned(), 'I'));
    assert_eq!(ask("").await, ("IZ".to_owned(), 'I'));
    assert_eq!(ask(" -- nothing\n;").await, ("IZ".to_owned(), 'I'));
    assert_eq!(ask("SELECT 1; SELECT 1/0; SELECT 2").await, ("TDCTEZ".to_owned(), 'I'));
    assert_eq!(ask("SELECT 1; SELEC 2").await, ("EZ".to_owned(), 'I'));
    assert_eq!(ask("BEGIN; SELECT 1").await, ("CTDCZ".to_owned(), 'T'));
    assert_eq!(ask("SELECT * FROM missing").await, ("EZ".to_owned(), 'E'));
    assert_eq!(ask("SELECT 1").await, ("EZ".to_owned(), 'E'));
    assert_eq!(ask("COMMIT").await, ("CZ".to_owned(), 'I'));
    assert_eq!(ask("COMMIT").await, ("NCZ".to_owned(), 'I'));
    assert_eq!(ask("SET application_name = 'x'").await, ("SCZ".to_owned(), 'I'));
    assert_eq!(ask("BEGIN; SAVEPOINT a; SELECT * FROM missing").await, ("CCEZ".to_owned(), 'E'));
    assert_eq!(ask("ROLLBACK TO a; RELEASE a; END").await, ("CCCZ".to_owned(), 'I'));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failure_messages_are_skipped_to_sync() {
    let server = start(Options::default()).await;
    let mut socket = server.greeted().await;
    let parse = |sql: &str| message(b'P', &[b"\0", sql.as_bytes(), b"\0\0\0"].concat());
    let bind = message(b'B', b"\0\0\0\0\0\0\0\0");
    let execute = message(b'E', b"\0\0\0\0\0");
    let sync = message(b'S', b"");
    let pipeline = [
        parse("SELECT * FROM missing"),
        bind.clone(),
        execute.clone(),
        sync.clone(),
        parse("SELECT 1"),
        bind.clone(),
        execute.clone(),
        execute.clone(),
        sync.clone(),
        parse("SELECT 1; SELECT 2"),
        sync.clone(),
        // Malformed: counts that the body does not bear out, and formats without columns.
        message(b'B', b"\0\0\xff\xff"),
        sync.clone(),
        parse("SELECT 1"),
        message(b'B', b"\0\0\0\x02\0\0\0\0\0\0\0\0"),
        sync.clone(),
        message(b'B', b"\0\0\0\0\0\x01\0\0\0\x011\0\0"),
        sync.clone(),
        message(b'B', b"\0\0\0\0\0\0\0\x01\0\x09"),
        sync.clone(),
        message(b'E', b"nope\0\xff\xff\xff\xff"),
        sync.clone(),
        message(b'D', b"?\0"),
        sync.clone(),
        parse(""),
        bind.clone(),
        execute.clone(),
        sync.clone(),
    ];
    socket.write_all(&pipeline.concat()).await.unwrap();
    let expected = ["EZ", "12DCCZ", "EZ", "EZ", "1EZ", "EZ", "EZ", "EZ", "EZ", "12IZ"];
    for expected in expected {
        assert_eq!(until_ready(&mut socket).await, (expected.to_owned(), 'I'));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_startup_close_the_connection() {
    let server = start(Options::default()).await;
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 64], &[0; 64], b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03"] {
        let mut socket = server.raw().await;
        socket.write_all(garbage).await.unwrap();
        assert!(ends(&mut socket).await.is_empty());
    }
    // A protocol of the past and a packet without terminator are told why.
    let mut socket = server.raw().await;
    socket.write_all(&startup(131_072)).await.unwrap();
    assert_eq!(field(&ends(&mut socket).await[5..], b'S'), "FATAL");
    let mut socket = server.raw().await;
    socket.write_all(&[0, 0, 0, 12, 0, 3, 0, 0, b'u', b's', b'e', b'r']).await.unwrap();
    assert_eq!(field(&ends(&mut socket).await[5..], b'C'), "08P01");
    // An unknown message and an endless one end the session.
    for message in [&b"\x01\0\0\0\x04"[..], b"Q\x7f\xff\xff\xff", b"Q\0\0\0\x03"] {
        let mut socket = server.greeted().await;
        socket.write_all(message).await.unwrap();
        assert_eq!(field(&ends(&mut socket).await[5..], b'S'), "FATAL");
    }
    assert_eq!(one(&server.client().await, "SELECT 1").await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encryption_is_refused_and_newer_protocols_are_negotiated() {
    let server = start(Options::default()).await;
    let mut socket = server.raw().await;
    for code in [80_877_103_u32, 80_877_104] {
        socket.write_all(&[&[0, 0, 0, 8][..], &code.to_be_bytes()].concat()).await.unwrap();
        assert_eq!(socket.read_u8().await.unwrap(), b'N');
    }
    socket.write_all(&startup(196_610)).await.unwrap();
    let (kind, body) = next(&mut socket).await;
    assert_eq!((kind, body), (b'v', vec![0, 3, 0, 0, 0, 0, 0, 0]));
    assert_eq!(until_ready(&mut socket).await.1, 'I');
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_told() {
    let options = Options {
        connections_max: 1,
        startup_timeout: Duration::from_millis(200),
        prepared_statements_max: 2,
        message_bytes_max: 1_000,
        ..Options::default()
    };
    let server = start(options).await;
    let mut silent = server.raw().await;
    assert_eq!(field(&ends(&mut silent).await[5..], b'C'), "57014");
    let client = server.client().await;
    let config = format!("host=127.0.0.1 port={} user=me", server.address.port());
    check_code(tokio_postgres::connect(&config, NoTls).await.map(drop), "53300");
    client.batch_execute("PREPARE a AS SELECT 1; PREPARE b AS SELECT 1").await.unwrap();
    check_code(client.batch_execute("PREPARE c AS SELECT 1").await, "53400");
    check_code(client.batch_execute(&format!("SELECT '{}'", "x".repeat(1_000))).await, "54000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_ends_sessions_with_a_word() {
    let server = start(Options::default()).await;
    let mut idle = server.greeted().await;
    let mut busy = server.greeted().await;
    busy.write_all(&message(b'Q', b"SELECT n FROM silent\0")).await.unwrap();
    while next(&mut busy).await.0 != b'D' {}
    server.shutdown.cancel();
    for socket in [&mut idle, &mut busy] {
        let rest = ends(socket).await;
        assert_eq!(field(&rest[5..], b'C'), "57P01");
    }
    tokio::time::timeout(PATIENCE, server.task).await.unwrap().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_cancels_nothing() {
    let server = start(Options::default()).await;
    let mut socket = server.raw().await;
    socket.write_all(&startup(196_608)).await.unwrap();
    let key = loop {
        let (kind, body) = next(&mut socket).await;
        if kind == b'K' {
            break body;
        }
    };
    while next(&mut socket).await.0 != b'Z' {}
    socket.write_all(&message(b'Q', b"SELECT n FROM silent\0")).await.unwrap();
    while next(&mut socket).await.0 != b'D' {}
    let cancel = async |secret: &[u8]| {
        let mut other = server.raw().await;
        let code = 80_877_102_u32.to_be_bytes();
        let length = (12 + secret.len() as u32).to_be_bytes();
        other.write_all(&[&length[..], &code, &key[..4], secret].concat()).await.unwrap();
        ends(&mut other).await
    };
    let wrong = ((&key[4..]).get_u32() ^ 1).to_be_bytes();
    assert!(cancel(&wrong).await.is_empty());
    assert!(cancel(&key[4..7]).await.is_empty());
    assert_eq!(server.engine.queries().running().len(), 1);
    let began = Instant::now();
    cancel(&key[4..]).await;
    let (kind, body) = next(&mut socket).await;
    assert_eq!((kind, field(&body, b'C')), (b'E', "57014".to_owned()));
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
}
