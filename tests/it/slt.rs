//! Runs every file of `tests/slt` through each way into the server. The files hold one set of expected rows, so each
//! runner shows values the same way: as PostgreSQL's text format, NULL as `NULL`, empty text as `(empty)`.

use crate::fixture;
use crate::postgres_text;
use async_trait::async_trait;
use datafusion::sql::sqlparser::ast;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, MakeConnection, Runner};
use std::fmt;
use std::path::{Path, PathBuf};
use tokio_postgres::{NoTls, SimpleQueryMessage};
use ttapi::engine::{QueryError, Session, Statement};

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
struct InProcess(Session);

impl InProcess {
    async fn run_statement(&self, sql: &str, statement: &Statement) -> Result<Output, QueryError> {
        let session = &self.0;
        match statement {
            Statement::Set(ast::Set::SingleAssignment { variable, values, .. }) => {
                let value = values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                session.settings().set(&variable.to_string(), value.trim_matches('\''))?;
                return Ok(DBOutput::StatementComplete(0));
            }
            Statement::ShowVariable { variable } => {
                let name = variable.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(" ");
                return Ok(rows(1, vec![vec![shown(Some(&session.settings().show(&name)?))]]));
            }
            _ => {}
        }
        let running = session.start(sql);
        let plan = session.plan(&running, statement).await?;
        let mut stream = session.execute(running, &plan, Vec::new()).await?;
        let zone = session.settings().time_zone();
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
impl AsyncDB for InProcess {
    type Error = Failure;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<Output, Failure> {
        let mut output = DBOutput::StatementComplete(0);
        for statement in self.0.parse(sql)? {
            output = self.run_statement(sql, &statement).await?;
        }
        Ok(output)
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
    #[expect(dead_code, reason = "waits for a server to connect to")]
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

/// Every `.slt` file, sorted.
fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "slt"))
        .collect();
    files.sort();
    files
}

/// Runs every file on connections of its own, and fails once with all that differ.
pub(crate) async fn run_all<D, M>(connect: M)
where
    D: AsyncDB<ColumnType = DefaultColumnType>,
    M: MakeConnection<Conn = D> + Clone,
{
    let files = files();
    assert!(!files.is_empty(), "no file in tests/slt");
    let mut failures = Vec::new();
    for file in files {
        let mut runner = Runner::new(connect.clone());
        if let Err(error) = runner.run_file_async(&file).await {
            failures.push(error.display(false).to_string());
        }
        runner.shutdown_async().await;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_files_in_process() {
    let engine = fixture::engine().await;
    run_all(|| async { Ok(InProcess(engine.open_session("test", "local"))) }).await;
}
