//! Sessions in the hands of others and of the clock: cancel, terminate, limits of time, shutdown; whatever a session is
//! at, it ends and frees what it held.

use super::login::two_users;
use super::*;
use crate::role::Role;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How soon a session that ends has ended. It takes some milliseconds; the rest is for machines with other work.
const SOON: Duration = Duration::from_secs(5);

/// Rows without end of a table that does not say so, so that a sort takes them; it counts its readers.
#[derive(Debug)]
struct Numbers {
    schema: SchemaRef,
    readers: Arc<AtomicUsize>,
}

/// One reader; dropping it tells that what it held is free.
struct Reader(Arc<AtomicUsize>);

impl Reader {
    fn new(readers: &Arc<AtomicUsize>) -> Self {
        readers.fetch_add(1, Ordering::SeqCst);
        Self(readers.clone())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl PartitionStream for Numbers {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let many: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1_000));
        let batch = RecordBatch::try_new(self.schema.clone(), vec![many]).unwrap();
        let reader = Reader::new(&self.readers);
        let rows = futures::stream::repeat_with(move || {
            let _held = &reader;
            Ok(batch.clone())
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), rows))
    }
}

/// A table that is never planned to the end: it waits for something that does not come, as for a refresh.
#[derive(Debug)]
struct Unplanned {
    schema: SchemaRef,
    readers: Arc<AtomicUsize>,
}

#[async_trait]
impl TableProvider for Unplanned {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        _: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        let _reader = Reader::new(&self.readers);
        std::future::pending().await
    }
}

struct Place {
    server: Server,
    readers: Arc<AtomicUsize>,
}

impl Place {
    async fn start(options: Options) -> Self {
        Self::with_defaults(options, Defaults::default()).await
    }

    async fn with_defaults(options: Options, defaults: Defaults) -> Self {
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
        let readers = Arc::new(AtomicUsize::new(0));
        let numbers = Arc::new(Numbers { schema: schema.clone(), readers: readers.clone() });
        let endless = |live| {
            let table = StreamingTable::try_new(schema.clone(), vec![numbers.clone()]).unwrap();
            Arc::new(table.with_infinite_table(live))
        };
        context.register_table("numbers", endless(false)).unwrap();
        context.register_table("live", endless(true)).unwrap();
        let unplanned = Unplanned { schema: schema.clone(), readers: readers.clone() };
        context.register_table("unplanned", Arc::new(unplanned)).unwrap();
        context.register_batch("bars", bars()).unwrap();
        let engine = over(&context, Arc::new(NoComments), defaults).unwrap();
        Self { server: serve_engine(engine, options).await, readers }
    }

    /// Waits until nothing runs, nothing is held, and so many sessions are open.
    async fn wait_for_rest(&self, sessions: usize) {
        let began = Instant::now();
        loop {
            let running = self.server.engine.queries().running().len();
            let (readers, open) = (self.readers.load(Ordering::SeqCst), self.server.engine.sessions().open().len());
            if running == 0 && readers == 0 && open == sessions {
                return;
            }
            assert!(began.elapsed() < SOON, "{running} statements run, {readers} read, {open} sessions are open");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until a statement of this text reads a table, or is at the planning of it.
    async fn wait_for_work(&self, sql: &str) {
        let began = Instant::now();
        let runs = || self.server.engine.queries().running().iter().any(|one| one.sql.contains(sql));
        while self.readers.load(Ordering::SeqCst) == 0 || !runs() {
            assert!(began.elapsed() < PATIENCE, "nothing is read");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// What a session can be at: a name, statements before, and the one that does not end by itself.
const WORK: &[(&str, &str, &str)] = &[
    ("planning", "", "SELECT n FROM unplanned"),
    ("sort", "", "SELECT n FROM numbers ORDER BY n"),
    ("aggregate", "", "SELECT sum(n) FROM numbers"),
    ("cross join", "", "SELECT count(*) FROM numbers AS a CROSS JOIN bars"),
    ("live rows", "", "SELECT n FROM live WHERE n < 0"),
    ("rows that nobody reads", "", "SELECT n FROM live"),
    ("COPY", "", "COPY (SELECT n FROM live WHERE n < 0) TO STDOUT"),
    ("FETCH", "BEGIN; DECLARE c CURSOR FOR SELECT n FROM live WHERE n < 0", "FETCH c"),
];

/// A socket whose session has begun the work and is at it.
async fn at_work(place: &Place, before: &str, work: &str) -> TcpStream {
    let mut socket = place.server.greeted().await;
    for sql in [before, work].into_iter().filter(|sql| !sql.is_empty()) {
        socket.write_all(&message(b'Q', &[sql.as_bytes(), b"\0"].concat())).await.unwrap();
        if sql == before {
            until_ready(&mut socket).await;
        }
    }
    place.wait_for_work(work).await;
    socket
}

/// The code of the next error, past rows.
async fn error_code(socket: &mut TcpStream) -> String {
    loop {
        match next(socket).await {
            (b'E', body) => return field(&body, b'C'),
            (b'T' | b'D' | b'd' | b'H' | b'N', _) => {}
            (kind, _) => panic!("message {} instead of an error", char::from(kind)),
        }
    }
}

async fn signal(place: &Place, function: &str) {
    let pid = place.server.engine.queries().running()[0].pid;
    let client = place.server.client().await;
    assert_eq!(one(&client, &format!("SELECT {function}({pid})")).await, "t");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_ends_whatever_runs_and_frees_it() {
    let place = Place::start(Options::default()).await;
    for (name, before, work) in WORK {
        let mut socket = at_work(&place, before, work).await;
        signal(&place, "pg_cancel_backend").await;
        // Before its error is read: the rows before it fill the socket, where nobody reads them.
        if before.is_empty() {
            place.wait_for_rest(1).await;
        }
        assert_eq!(error_code(&mut socket).await, "57014", "{name}");
        until_ready(&mut socket).await;
        socket.write_all(&message(b'Q', b"ROLLBACK; SELECT 1\0")).await.unwrap();
        assert!(until_ready(&mut socket).await.0.ends_with("TDCZ"), "{name}: the session goes on");
        drop(socket);
        place.wait_for_rest(0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_timeout_ends_whatever_runs_and_frees_it() {
    let place = Place::start(Options::default()).await;
    for (name, before, work) in WORK {
        let before = format!("SET statement_timeout = '300ms'; {before}");
        let mut socket = at_work(&place, &before, work).await;
        if !before.contains("DECLARE") {
            place.wait_for_rest(1).await;
        }
        assert_eq!(error_code(&mut socket).await, "57014", "{name}");
        until_ready(&mut socket).await;
        drop(socket);
        place.wait_for_rest(0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_ends_whatever_runs_and_frees_it() {
    let place = Place::start(Options::default()).await;
    for (_, before, work) in WORK {
        drop(at_work(&place, before, work).await);
        place.wait_for_rest(0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn termination_ends_whatever_runs_and_the_session() {
    let place = Place::start(Options::default()).await;
    for (name, before, work) in WORK {
        let mut socket = at_work(&place, before, work).await;
        signal(&place, "pg_terminate_backend").await;
        place.wait_for_rest(0).await;
        if *name != "rows that nobody reads" {
            assert_eq!(error_code(&mut socket).await, "57P01", "{name}");
        }
        ends(&mut socket).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_ends_whatever_runs() {
    for (name, before, work) in WORK {
        let place = Place::start(Options::default()).await;
        let mut socket = at_work(&place, before, work).await;
        place.server.shutdown.cancel();
        place.wait_for_rest(0).await;
        if *name != "rows that nobody reads" {
            assert_eq!(error_code(&mut socket).await, "57P01", "{name}");
        }
        drop(socket);
        tokio::time::timeout(SOON, place.server.task).await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_between_fetches_ends_with_its_session() {
    let place = Place::start(Options::default()).await;
    let portal = [
        message(b'P', b"\0SELECT n FROM live\0\0\0"),
        message(b'B', b"\0\0\0\0\0\0\0\0"),
        message(b'E', b"\0\0\0\0\x02"),
        message(b'H', b""),
    ];
    let cursor = message(b'Q', b"BEGIN; DECLARE c CURSOR FOR SELECT n FROM live; FETCH 2 FROM c\0");
    for (begin, last) in [(portal.concat(), b's'), (cursor, b'Z')] {
        for end in ["close", "terminate"] {
            let mut socket = place.server.greeted().await;
            socket.write_all(&begin).await.unwrap();
            while next(&mut socket).await.0 != last {}
            let waiting = place.server.engine.queries().running();
            let progress: Vec<_> =
                waiting.iter().map(|one| (one.progress.state().name(), one.progress.rows_sent())).collect();
            assert_eq!(progress, [("suspended", 2)]);
            match end {
                "close" => drop(socket),
                _ => {
                    signal(&place, "pg_terminate_backend").await;
                    assert_eq!(error_code(&mut socket).await, "57P01");
                }
            }
            place.wait_for_rest(0).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_between_two_steps_of_a_statement_is_not_lost() {
    let place = Place::start(Options::default()).await;
    let session = place.server.engine.open_session("me", Role::Admin, "postgres");
    session.begin_request();
    drop(session.start("SELECT 1"));
    session.cancel_handle().cancel();
    let second = session.start("SELECT 1");
    let stopped = tokio::time::timeout(SOON, second.stopped()).await.unwrap();
    assert_eq!(stopped.kind, crate::error::ErrorKind::Cancelled);
    // What comes next is another matter, and so is a cancel while nothing runs.
    session.end_request();
    session.cancel_handle().cancel();
    session.begin_request();
    let next = session.start("SELECT 1");
    assert!(tokio::time::timeout(Duration::from_millis(20), next.stopped()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_a_statement_share_its_time() {
    let defaults = Defaults { statement_timeout: Some(Duration::from_millis(50)), ..Defaults::default() };
    let engine = over(&SessionContext::new(), Arc::new(NoComments), defaults).unwrap();
    let session = engine.open_session("me", Role::Admin, "postgres");
    session.begin_request();
    drop(session.start("SELECT 1"));
    tokio::time::advance(Duration::from_millis(40)).await;
    let second = session.start("SELECT 1");
    let left = tokio::time::timeout(Duration::from_millis(11), second.stopped()).await.unwrap();
    assert_eq!(left.kind, crate::error::ErrorKind::Timeout);
    session.end_statement();
    let next = session.start("SELECT 1");
    assert!(tokio::time::timeout(Duration::from_millis(49), next.stopped()).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_left_alone_ends() {
    let limits = Defaults {
        idle_session_timeout: Some(Duration::from_millis(500)),
        idle_in_transaction_session_timeout: Some(Duration::from_millis(400)),
        ..Defaults::default()
    };
    let place = Place::with_defaults(Options::default(), limits).await;
    let client = place.server.client_with("options='-c idle_session_timeout=0'").await;
    for (sql, code) in [
        ("SELECT 1", "57P05"),
        ("BEGIN", "25P03"),
        ("BEGIN; SELECT * FROM missing", "25P03"),
        ("BEGIN; DECLARE c CURSOR FOR SELECT n FROM live; FETCH c", "25P03"),
    ] {
        let mut socket = place.server.greeted().await;
        socket.write_all(&message(b'Q', &[sql.as_bytes(), b"\0"].concat())).await.unwrap();
        until_ready(&mut socket).await;
        let rest = ends(&mut socket).await;
        assert_eq!((field(&rest[5..], b'S'), field(&rest[5..], b'C')), ("FATAL".into(), code.into()), "{sql}");
        place.wait_for_rest(1).await;
    }
    // Work is not idleness, and a session may set its own.
    assert_eq!(one(&client, "SHOW idle_in_transaction_session_timeout").await, "400ms");
    let mut busy = at_work(&place, "", "SELECT n FROM live WHERE n < 0").await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    signal_and_end(&place, &mut busy).await;
    assert_eq!(one(&client, "SELECT 1").await, "1");
}

async fn signal_and_end(place: &Place, socket: &mut TcpStream) {
    let pid = place.server.engine.queries().running()[0].pid;
    let client = place.server.client_with("options='-c idle_session_timeout=0'").await;
    assert_eq!(one(&client, &format!("SELECT pg_cancel_backend({pid})")).await, "t");
    assert_eq!(error_code(socket).await, "57014");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_may_be_cancelled_by_an_admin_and_by_themselves() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::start(Options { users: two_users(&directory), ..Options::default() }).await;
    let client = async |user: &str, password: &str| {
        let config = format!("host=127.0.0.1 port={} user={user} password={password}", place.server.address.port());
        let (client, connection) = tokio_postgres::connect(&config, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    };
    let (ada, bob, also_bob) =
        (client("ada", "engine").await, client("bob", "pass").await, client("bob", "pass").await);
    let pid_of = async |client: &Client| one(client, "SELECT pg_backend_pid()").await;
    let (pid_of_ada, pid_of_bob) = (pid_of(&ada).await, pid_of(&bob).await);
    for function in ["pg_cancel_backend", "pg_terminate_backend"] {
        check_code(bob.simple_query(&format!("SELECT {function}({pid_of_ada})")).await, "42501");
        assert_eq!(one(&bob, &format!("SELECT {function}(2000000000)")).await, "f");
        assert_eq!(text(&bob, &format!("SELECT {function}(NULL)")).await, [[None]]);
        check_code(bob.simple_query(&format!("SELECT {function}(99999999999)")).await, "22003");
    }
    for other in [&also_bob, &ada] {
        let (result, ()) = tokio::join!(bob.simple_query("SELECT n FROM live WHERE n < 0"), async {
            place.wait_for_work("live").await;
            assert_eq!(one(other, &format!("SELECT pg_cancel_backend({pid_of_bob})")).await, "t");
        });
        check_code(result, "57014");
    }
    // Itself: the statement that asks is the one that is cancelled.
    check_code(bob.simple_query("SELECT pg_cancel_backend(pg_backend_pid()), n FROM live").await, "57014");
    assert_eq!(one(&also_bob, &format!("SELECT pg_terminate_backend({pid_of_bob})")).await, "t");
    let began = Instant::now();
    while !bob.is_closed() {
        assert!(began.elapsed() < SOON);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    check_code(also_bob.simple_query("REFRESH TABLE bars").await, "42501");
    check_code(ada.simple_query("REFRESH TABLE bars").await, "42809");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_places_are_for_admins() {
    let directory = tempfile::tempdir().unwrap();
    let options =
        Options { users: two_users(&directory), connections_max: 3, connections_reserved: 1, ..Options::default() };
    let place = Place::start(options).await;
    let connect = async |user: &str, password: &str| {
        let config = format!("host=127.0.0.1 port={} user={user} password={password}", place.server.address.port());
        let (client, connection) = tokio_postgres::connect(&config, NoTls).await?;
        tokio::spawn(connection);
        Ok::<_, tokio_postgres::Error>(client)
    };
    let first = connect("bob", "pass").await.unwrap();
    let _second = connect("bob", "pass").await.unwrap();
    check_code(connect("bob", "pass").await, "53300");
    let admin = connect("ada", "engine").await.unwrap();
    check_code(connect("ada", "engine").await, "53300");
    // A place is free again as soon as its session is gone.
    drop((first, admin));
    place.wait_for_rest(1).await;
    connect("bob", "pass").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_has_one_now() {
    let place = Place::start(Options::default()).await;
    let client = place.server.client().await;
    let moments =
        "SELECT concat_ws(' ', now(), current_timestamp, transaction_timestamp(), localtime, timestamptz 'now')";
    assert_eq!(one(&client, "SELECT now() = statement_timestamp()").await, "t");
    client.batch_execute("BEGIN").await.unwrap();
    let first = one(&client, moments).await;
    assert_eq!(one(&client, moments).await, first);
    assert_eq!(
        one(&client, "SELECT statement_timestamp() > now() AND clock_timestamp() > statement_timestamp()").await,
        "t"
    );
    let listed = "SELECT xact_start = now() FROM pg_stat_activity WHERE pid = pg_backend_pid()";
    assert_eq!(one(&client, listed).await, "t");
    // A statement that is prepared reads the moments of its execution.
    let prepared = client.prepare("SELECT now()::text, statement_timestamp()::text").await.unwrap();
    let moment = async |column: usize| client.query_one(&prepared, &[]).await.unwrap().get::<_, String>(column);
    assert_eq!(moment(0).await, moment(0).await);
    assert_ne!(moment(1).await, moment(1).await);
    client.batch_execute("COMMIT AND CHAIN").await.unwrap();
    assert_ne!(one(&client, moments).await, first);
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_ne!(moment(0).await, moment(0).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_session_has_so_many_portals_and_no_more() {
    let place = Place::start(Options { portals_max: 2, ..Options::default() }).await;
    let client = place.server.client().await;
    let declare = |name| format!("DECLARE {name} CURSOR WITH HOLD FOR SELECT n FROM live");
    client.batch_execute(&declare("a")).await.unwrap();
    client.batch_execute(&declare("b")).await.unwrap();
    check_code(client.batch_execute(&declare("c")).await, "53400");
    client.batch_execute("CLOSE a").await.unwrap();
    client.batch_execute(&declare("c")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_query_has_so_much_memory_and_no_more() {
    let limits = Defaults { query_memory_bytes: Some(1 << 20), ..Defaults::default() };
    let place = Place::with_defaults(Options::default(), limits).await;
    let client = place.server.client().await;
    let other = place.server.client().await;
    let (result, running) = tokio::join!(
        client.simple_query("SELECT array_agg(n) FROM numbers"),
        other.simple_query("SELECT sum(volume) FROM bars"),
    );
    check_code(result, "53200");
    running.unwrap();
    place.wait_for_rest(2).await;
    assert_eq!(one(&client, "SELECT count(*) FROM bars").await, "3");
}
