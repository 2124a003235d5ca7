//! Runs every file of `tests/slt` through each way into the server. The files hold one set of expected rows, so each
//! runner shows values the same way: as PostgreSQL's text format, NULL as `NULL`, empty text as `(empty)`.

use crate::fixture;
use crate::flight_client::{FlightClient, serve_flight};
use crate::postgres_text;
use crate::world::{self, World};
use async_trait::async_trait;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, MakeConnection, Runner};
use std::borrow::Borrow;
use std::fmt;
use std::path::{Path, PathBuf};
use tokio_postgres::{NoTls, SimpleQueryMessage};
use tokio_util::sync::CancellationToken;
use ttapi::engine::{Engine, Session, SessionCommand, Statement, session_command};
use ttapi::error::QueryError;
use ttapi::server::Role;
use ttapi::simulator::fault::Kind;

type Output = DBOutput<DefaultColumnType>;

/// What a statement failed with: the message alone, as every way into the server words it.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self(error.message)
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(answer) => Self(answer.message().to_owned()),
            None => Self(format!("connection failed: {error}")),
        }
    }
}

fn shown(value: Option<&str>) -> String {
    match value {
        None => "NULL".to_owned(),
        Some("") => "(empty)".to_owned(),
        Some(text) => text.to_owned(),
    }
}

fn rows(columns: usize, rows: Vec<Vec<String>>) -> Output {
    DBOutput::Rows { types: vec![DefaultColumnType::Any; columns], rows }
}

/// A session of the engine, without a front end.
pub(crate) struct InProcess<S = Session>(pub(crate) S);

impl<'a> InProcess<&'a Session> {
    /// A session that somebody else goes on with.
    pub(crate) fn over(session: &'a Session) -> Self {
        Self(session)
    }
}

impl<S: Borrow<Session>> InProcess<S> {
    /// Rows of the last of some statements, as text.
    pub(crate) async fn query(&self, sql: &str) -> Result<Vec<Vec<String>>, QueryError> {
        match self.run_all(sql).await? {
            DBOutput::Rows { rows, .. } => Ok(rows),
            _ => Ok(Vec::new()),
        }
    }

    async fn run_all(&self, sql: &str) -> Result<Output, QueryError> {
        let mut output = DBOutput::StatementComplete(0);
        for statement in self.0.borrow().parse(sql)? {
            output = self.run_statement(sql, &statement).await?;
        }
        Ok(output)
    }

    async fn run_statement(&self, sql: &str, statement: &Statement) -> Result<Output, QueryError> {
        let session = self.0.borrow();
        match session_command(statement) {
            Some(SessionCommand::Set { name, value: Some(value) }) => session.settings().set(&name, &value)?,
            Some(SessionCommand::Set { name, value: None } | SessionCommand::Reset(Some(name))) => {
                session.settings().reset(&name)?;
            }
            Some(SessionCommand::Show(Some(name))) => {
                return Ok(rows(1, vec![vec![shown(Some(&session.settings().show(&name)?))]]));
            }
            _ => return self.run_query(sql, statement).await,
        }
        Ok(DBOutput::StatementComplete(0))
    }

    async fn run_query(&self, sql: &str, statement: &Statement) -> Result<Output, QueryError> {
        let session = self.0.borrow();
        let running = session.start(sql);
        let plan = session.plan(&running, statement).await?;
        let mut stream = session.execute(running, &plan, Vec::new()).await?;
        let zone = session.settings().show("TimeZone").unwrap().parse().unwrap_or(chrono_tz::Tz::UTC);
        let mut lines = Vec::new();
        while let Some(batch) = stream.next().await.transpose()? {
            for row in 0..batch.num_rows() {
                let cell = |column: &datafusion::arrow::array::ArrayRef| {
                    shown(postgres_text::cell(column.as_ref(), row, zone).as_deref())
                };
                lines.push(batch.columns().iter().map(cell).collect());
            }
        }
        Ok(rows(plan.schema.fields().len(), lines))
    }
}

#[async_trait]
impl AsyncDB for InProcess<Session> {
    type Error = Failure;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<Output, Failure> {
        Ok(self.run_all(sql).await?)
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "ttapi"
    }
}

/// A connection over the Postgres wire, in the simple protocol.
pub(crate) struct PostgresWire(tokio_postgres::Client);

impl PostgresWire {
    /// Connects to `address` (`host=127.0.0.1 port=5433 user=test`).
    pub(crate) async fn connect(address: &str) -> Result<Self, Failure> {
        let (client, connection) = tokio_postgres::connect(address, NoTls).await?;
        // Ends by itself when the client is dropped.
        tokio::spawn(connection);
        Ok(Self(client))
    }
}

#[async_trait]
impl AsyncDB for PostgresWire {
    type Error = Failure;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<Output, Failure> {
        let mut columns = None;
        let mut lines = Vec::new();
        let mut affected = 0;
        for message in self.0.simple_query(sql).await? {
            match message {
                SimpleQueryMessage::RowDescription(description) => columns = Some(description.len()),
                SimpleQueryMessage::Row(row) => lines.push((0..row.len()).map(|index| shown(row.get(index))).collect()),
                SimpleQueryMessage::CommandComplete(count) => affected = count,
                _ => {}
            }
        }
        Ok(match columns {
            Some(columns) => rows(columns, lines),
            None => DBOutput::StatementComplete(affected),
        })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "ttapi"
    }
}

/// A connection over Flight SQL.
pub(crate) struct FlightWire(FlightClient);

impl FlightWire {
    /// The zone instants are shown in.
    async fn zone(&mut self) -> Result<chrono_tz::Tz, Failure> {
        let batches = self.0.query("SHOW TimeZone").await?;
        let zone = postgres_text::cell(batches[0].column(0), 0, chrono_tz::Tz::UTC).unwrap();
        // Zones that are no region have their moments written by the server, in casts to text.
        Ok(zone.parse().unwrap_or(chrono_tz::Tz::UTC))
    }
}

impl From<tonic::Status> for Failure {
    fn from(status: tonic::Status) -> Self {
        Self(status.message().to_owned())
    }
}

#[async_trait]
impl AsyncDB for FlightWire {
    type Error = Failure;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<Output, Failure> {
        let info = self.0.statement(sql).await?;
        let columns = info.clone().try_decode_schema().unwrap().fields().len();
        let batches = self.0.fetch(info).await?;
        if columns == 0 {
            return Ok(DBOutput::StatementComplete(0));
        }
        let zone = self.zone().await?;
        let mut lines = Vec::new();
        for batch in batches {
            for row in 0..batch.num_rows() {
                let cell = |column: &datafusion::arrow::array::ArrayRef| {
                    shown(postgres_text::cell(column.as_ref(), row, zone).as_deref())
                };
                lines.push(batch.columns().iter().map(cell).collect());
            }
        }
        Ok(rows(columns, lines))
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "ttapi"
    }
}

/// Files about the freshness of real tables; the others are about the small market of `fixture.rs`.
const OF_THE_WORLD: [&str; 10] = [
    "correlated.slt",
    "feed.slt",
    "forbidden.slt",
    "freshness.slt",
    "guards.slt",
    "lake.slt",
    "market_data.slt",
    "postgres_language.slt",
    "sums.slt",
    "system_columns.slt",
];

/// The `.slt` files of one fixture, sorted.
fn files(of_the_world: bool) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt");
    let belongs = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.ends_with(".slt") && OF_THE_WORLD.contains(&name) == of_the_world
    };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(belongs).collect();
    files.sort();
    files
}

/// Every record of the files that differs; each file has a connection of its own.
async fn failures<D, M>(files: Vec<PathBuf>, connect: M) -> Vec<String>
where
    D: AsyncDB<ColumnType = DefaultColumnType>,
    M: MakeConnection<Conn = D> + Clone,
{
    assert!(!files.is_empty(), "no such file in tests/slt");
    let mut failures = Vec::new();
    for file in files {
        let mut runner = Runner::new(connect.clone());
        for record in sqllogictest::parse_file(&file).unwrap() {
            if let Err(error) = runner.run_async(record).await {
                failures.push(error.display(false).to_string());
            }
        }
        runner.shutdown_async().await;
    }
    failures
}

/// Runs files in process, over the Postgres wire and over Flight SQL, of the same engine.
async fn run_each_way(files: Vec<PathBuf>, engine: Engine) {
    let in_process = || async { Ok(InProcess(engine.open_session("test", ttapi::role::Role::Admin, "local"))) };
    let mut differ = failures(files.clone(), in_process).await;
    let stop = CancellationToken::new();
    let address = world::serve_postgres(engine.clone(), stop.clone()).await;
    let flight = serve_flight(engine.clone(), ttapi::serve::flight::Options::default(), stop.clone()).await;
    let _stop = stop.drop_guard();
    let settings = format!("host={} port={} user=test dbname=tt", address.ip(), address.port());
    differ.extend(failures(files.clone(), || PostgresWire::connect(&settings)).await);
    differ.extend(failures(files, || async { Ok(FlightWire(FlightClient::connect(flight).await)) }).await);
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_files_of_the_small_market() {
    run_each_way(files(false), fixture::engine().await).await;
}

/// The lake of a seeded venue on the evening of 10 June 2026, with tables in every state, served without refreshes.
///
/// Fresh: calendar, option_chains, eod, market_data and what is derived of them. market_metrics went stale 5 minutes ago; symbols
/// three days ago, and its last refresh failed; dividends was loaded a month ago; earnings never was.
#[tokio::test(flavor = "multi_thread")]
async fn sql_files_of_the_lake() {
    let mut world = World::with(Role::OnDemand, world::configuration(), "2026-05-10T22:00:00Z").await;
    world.refresh(&["dividends"]).await;
    world.clock.set(world::instant("2026-06-06T22:00:00Z"));
    world.refresh(&["symbols"]).await;
    world.clock.set(world::instant("2026-06-10T21:40:00Z"));
    world.refresh(&["market_metrics"]).await;
    world.clock.set(world::instant("2026-06-10T22:00:00Z"));
    world.refresh(&["calendar", "option_chains", "eod", "expirations", "returns_stddev", "market_data"]).await;
    world.spoil("/instruments", None, Kind::Status(500));
    world.server.refresh.refresh("symbols", "command").await.unwrap_err();
    world.restart(Role::ReadOnly).await;
    run_each_way(files(true), world.server.engine.clone()).await;
}
