//! Temporary tables where the comparison with PostgreSQL (`tests/clients/temporary`) does not reach: without a front end,
//! over Flight SQL, and at the limit of a session.

use crate::fixture;
use crate::flight_client::{FlightClient, serve_flight};
use crate::slt::InProcess;
use crate::world::{WEDNESDAY, World, configuration};
use tokio_util::sync::CancellationToken;
use ttapi::error::ErrorKind;
use ttapi::role::Role;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_without_a_front_end_has_them_too() {
    let engine = fixture::engine().await;
    let (one, other) =
        (engine.open_session("ada", Role::Reader, "local"), engine.open_session("bob", Role::Reader, "local"));
    let (one, other) = (InProcess::over(&one), InProcess::over(&other));
    one.query("CREATE TEMP TABLE t AS SELECT DISTINCT symbol FROM eod").await.unwrap();
    let joined = one.query("SELECT count(*) FROM eod JOIN t USING (symbol)").await.unwrap();
    assert_eq!(joined, one.query("SELECT count(*) FROM eod").await.unwrap());
    one.query("UPDATE t SET symbol = lower(symbol)").await.unwrap();
    assert_eq!(one.query("SELECT count(*) FROM t WHERE symbol <> lower(symbol)").await.unwrap(), [["0"]]);
    assert_eq!(other.query("SELECT * FROM t").await.unwrap_err().kind, ErrorKind::UnknownTable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flight_keeps_no_sessions_and_has_none() {
    let shutdown = CancellationToken::new();
    let _stop = shutdown.clone().drop_guard();
    let address = serve_flight(fixture::engine().await, ttapi::serve::flight::Options::default(), shutdown).await;
    let mut client = FlightClient::connect(address).await;
    for sql in ["CREATE TEMP TABLE t (a int)", "CREATE TEMP VIEW v AS SELECT 1", "SELECT 1 AS a INTO TEMP t"] {
        let status = client.query(sql).await.unwrap_err();
        assert!(status.message().contains("temporary tables are not supported over Flight SQL"), "{sql}: {status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_has_so_much_and_gives_it_back() {
    let mut config = configuration();
    config.limits.temporary_bytes = 1 << 20;
    let world = World::with(ttapi::server::Role::ReadOnly, config, WEDNESDAY).await;
    let session = world.server.engine.open_session("ada", ttapi::role::Role::Reader, "local");
    let session = InProcess::over(&session);
    session.query("CREATE TEMP TABLE t AS SELECT generate_series(1, 100000) AS n").await.unwrap();
    for sql in [
        "CREATE TEMP TABLE u AS SELECT * FROM t UNION ALL SELECT * FROM t",
        "INSERT INTO t SELECT n + 1 FROM t UNION ALL SELECT n FROM t",
    ] {
        let error = session.query(sql).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::LimitExceeded, "{sql}: {}", error.message);
    }
    assert_eq!(session.query("SELECT count(*) FROM t").await.unwrap(), [["100000"]]);
    session.query("DROP TABLE t").await.unwrap();
    session.query("CREATE TEMP TABLE u AS SELECT generate_series(1, 100000) AS n").await.unwrap();
}
