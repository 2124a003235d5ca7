//! What users see of each other, and what a query may use of the server, over a real lake.

use crate::slt::InProcess;
use crate::world::{World, configuration, serve_postgres};
use tokio_postgres::NoTls;
use tokio_util::sync::CancellationToken;
use ttapi::engine::Session;
use ttapi::error::ErrorKind;
use ttapi::role::Role;
use ttapi::server;

async fn world() -> World {
    let world = World::start(server::Role::ReadOnly).await;
    let users = [("ada", Role::Admin), ("bob", Role::Reader), ("eve", Role::Reader)];
    world.server.engine.list_users(Box::new(move || users.map(|(name, role)| (name.to_owned(), role)).to_vec()));
    world
}

async fn rows(session: &Session, sql: &str) -> Vec<Vec<String>> {
    InProcess::over(session).query(sql).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_text_of_a_statement_is_its_users_and_an_admins() {
    let world = world().await;
    let session = |user, role| world.server.engine.open_session(user, role, "postgres");
    let (ada, bob, eve) = (session("ada", Role::Admin), session("bob", Role::Reader), session("eve", Role::Reader));
    let running = bob.start("SELECT 'of bob'");
    let sql = r#"SELECT pid, "user", front_end, state, sql, rows_sent FROM system.queries WHERE "user" = 'bob'"#;
    let pid = bob.pid().to_string();
    let of_bob = |text: &str| vec![["bob", "postgres", "planning", text, "0"].map(str::to_owned).to_vec()];
    let seen_by = async |session: &Session, others: bool| {
        let mut seen = rows(session, sql).await;
        seen.retain(|row| !row[4].contains("system.queries"));
        for row in &mut seen {
            assert_eq!(row.remove(0), pid);
        }
        let activity = "SELECT query FROM pg_stat_activity WHERE usename = 'bob'";
        let hidden = rows(session, activity).await == [["<insufficient privilege>"]];
        assert_eq!(hidden, !others);
        seen
    };
    assert_eq!(seen_by(&ada, true).await, of_bob("SELECT 'of bob'"));
    assert_eq!(seen_by(&bob, true).await, of_bob("SELECT 'of bob'"));
    assert_eq!(seen_by(&eve, false).await, of_bob("NULL"));
    drop(running);
    let idle = "SELECT state, query FROM pg_stat_activity WHERE usename = 'eve'";
    assert_eq!(rows(&ada, idle).await[0][0], "idle");
    eve.begin_snapshot();
    assert_eq!(rows(&ada, idle).await[0][0], "idle in transaction");
    drop(eve);
    assert!(rows(&ada, idle).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_are_listed_as_they_are() {
    let world = world().await;
    let bob = world.server.engine.open_session("bob", Role::Reader, "postgres");
    let roles = "SELECT rolname, rolsuper, rolcanlogin FROM pg_roles ORDER BY rolname";
    let expected = [["ada", "t", "t"], ["bob", "f", "t"], ["eve", "f", "t"], ["tt", "t", "f"]];
    assert_eq!(rows(&bob, roles).await, expected);
    let users = "SELECT usename, usesuper FROM pg_user ORDER BY usename";
    assert_eq!(rows(&bob, users).await, [["ada", "t"], ["bob", "f"], ["eve", "f"]]);
    let sql = "SELECT pg_get_userbyid(oid) FROM pg_roles WHERE rolname = 'eve'";
    assert_eq!(rows(&bob, sql).await, [["eve"]]);
    assert_eq!(rows(&bob, "SELECT current_setting('is_superuser')").await, [["off"]]);
    let refused = InProcess::over(&bob).query("REFRESH TABLE eod").await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Forbidden);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_and_spill_end_the_query_that_takes_too_much() {
    let numbers = "generate_series(1, 2000000) AS a(n)";
    let sort = format!(
        "SELECT max(r) FROM (SELECT row_number() OVER (ORDER BY x DESC) AS r
         FROM (SELECT n::text || repeat('x', 100) AS x FROM {numbers}) AS wide) AS sorted"
    );
    let gather = format!("SELECT array_length(array_agg(n::bigint), 1) FROM {numbers}");
    for (query_memory, memory, spill, sql, code) in [
        (8 << 20, 64 << 20, 1 << 30, &gather, "53200"),
        (64 << 20, 8 << 20, 1 << 30, &gather, "53200"),
        (128 << 20, 128 << 20, 1 << 20, &sort, "53400"),
    ] {
        let mut config = configuration();
        config.limits.query_memory_bytes = query_memory;
        config.limits.memory_bytes = memory;
        config.limits.spill_bytes = spill;
        let world = World::with(server::Role::ReadOnly, config, crate::world::WEDNESDAY).await;
        let shutdown = CancellationToken::new();
        let _stop = shutdown.clone().drop_guard();
        let address = serve_postgres(world.server.engine.clone(), shutdown).await;
        let settings = format!("host=127.0.0.1 port={} user=ada", address.port());
        let (client, connection) = tokio_postgres::connect(&settings, NoTls).await.unwrap();
        tokio::spawn(connection);
        let (other, connection) = tokio_postgres::connect(&settings, NoTls).await.unwrap();
        tokio::spawn(connection);
        let (failed, small) = tokio::join!(client.simple_query(sql), other.simple_query("SELECT count(*) FROM eod"));
        let error = failed.map(drop).unwrap_err();
        assert_eq!(error.code().map(|state| state.code()), Some(code), "{sql}: {error:?}");
        // What was never loaded is not fresh, which is another matter.
        assert!(small.is_ok() || small.unwrap_err().code().is_some_and(|state| state.code() == "TT001"));
        // The same session goes on, and with less it works.
        client
            .simple_query("SELECT array_length(array_agg(n), 1) FROM generate_series(1, 1000) AS a(n)")
            .await
            .unwrap();
    }
}
