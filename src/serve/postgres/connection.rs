//! The connection of one Postgres client: one session of the engine over one socket, the loop over the client's
//! messages, and the simple protocol.
//!
//! [`super::serve`] runs one per client, in a task of its own. It ends when the client terminates, when the server
//! stops, or when a message fails in a way after which nothing can follow.

use super::command::{Command, shifted};
use super::error::{Disconnect, Failure, Stop};
use super::held;
use super::lexer::{Piece, Pieces};
use super::message::{Frame, Message};
use super::notice::{notice, send_notices};
use super::options::Options;
use super::parameter::Parameter;
use super::plan_cache::PlanCache;
use super::portal::{Portal, Prepared, query_tag};
use super::setting;
use super::startup::Startup;
use super::transaction::{Status, Transaction};
use super::transport::{Transport, WRITE_BYTES};
use super::types::{arrow_type, is_texts, postgres_type, row_description};
use crate::clock::Clock;
use crate::dialect::parse::lexer::kept_bytes;
use crate::engine::{Plan, Running, Session, Settings, Statement};
use crate::heap::Promise;
use arrow::datatypes::DataType;
use pgwire::messages::response::{CommandComplete, EmptyQueryResponse, ReadyForQuery};
use pgwire::messages::startup::{Authentication, BackendKeyData, ParameterStatus, SecretKey};
use postgres_types::Type;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// One Postgres client: a session of the engine over one socket, with its statements, portals and transaction.
pub(super) struct Connection {
    pub(super) transport: Transport,
    pub(super) session: Session,
    pub(super) options: Options,
    /// Settings as the client asked for them at the start; RESET goes back to them.
    pub(super) defaults: Settings,
    pub(super) transaction: Transaction,
    pub(super) statements: HashMap<String, Arc<Prepared>>,
    pub(super) portals: HashMap<String, Portal>,
    pub(super) plan_cache: PlanCache,
    /// A query of several statements is a transaction of its own.
    pub(super) in_block: bool,
    /// After a failure of the extended protocol, until Sync.
    skipping: bool,
    reported: Vec<(&'static str, String)>,
    reported_version: u64,
}

impl Connection {
    /// A connection whose client is known but not yet answered.
    pub(super) fn new(transport: Transport, session: Session, options: Options) -> Self {
        let defaults = session.settings().clone();
        Self {
            transport,
            session,
            defaults,
            options,
            transaction: Transaction::new(),
            statements: HashMap::new(),
            portals: HashMap::new(),
            plan_cache: PlanCache::default(),
            in_block: false,
            skipping: false,
            reported: Vec::new(),
            reported_version: 0,
        }
    }

    /// Ends the session and gives up all that it holds.
    pub(super) fn into_transport(self) -> Transport {
        self.transport
    }

    /// Takes the client's settings and greets it.
    ///
    /// # Errors
    /// A setting that is unknown or does not take its value.
    pub(super) fn open(&mut self, startup: &Startup, pid: i32, secret: i32) -> Result<(), Failure> {
        {
            let mut settings = self.session.settings();
            for (name, value) in &startup.settings {
                setting::set(&mut settings, name, value)?;
            }
            self.defaults = settings.clone();
        }
        self.transport.send(&Authentication::Ok);
        self.reported = setting::reported(&self.session);
        for (name, value) in &self.reported {
            self.transport.send(&ParameterStatus::new((*name).to_owned(), value.clone()));
        }
        self.transport.send(&BackendKeyData::new(pid, SecretKey::I32(secret)));
        self.transport.send(&ReadyForQuery::new(self.transaction.wire_status()));
        Ok(())
    }

    /// Answers messages until the connection ends; says how it ended.
    pub(super) async fn run(&mut self) -> Stop {
        loop {
            let frame = match self.next_frame().await {
                Ok(frame) => frame,
                Err(stop) => return stop,
            };
            // Sync ends the skipping and Terminate the session; the rest goes unread.
            if self.skipping && !matches!(frame.kind, b'S' | b'X') {
                continue;
            }
            let extended = frame.is_extended();
            self.session.begin_request();
            let result = match frame.decode() {
                Ok(Message::Terminate) => return Disconnect::Closed.into(),
                Ok(message) => self.answer(message).await,
                Err(failure) => Err(failure.into()),
            };
            let result = match result {
                Err(Stop::Failure(failure)) if !failure.fatal => {
                    self.fail(&failure);
                    self.skipping = extended;
                    if extended { Ok(()) } else { self.ready().await }
                }
                other => other,
            };
            if let Err(stop) = result {
                return stop;
            }
        }
    }

    /// The next message, unless the client takes too long to send it.
    async fn next_frame(&mut self) -> Result<Frame, Stop> {
        let frame = self.transport.frame(self.options.message_bytes_max);
        let Some((limit, failure)) = idle_limit(&self.session, &self.transaction) else {
            return frame.await;
        };
        tokio::time::timeout(limit, frame).await.unwrap_or_else(|_| Err(failure.into()))
    }

    /// Performs one message of the client and queues its replies.
    async fn answer(&mut self, message: Message) -> Result<(), Stop> {
        match message {
            Message::Query(sql) => {
                let result = self.query(&sql).await;
                self.in_block = false;
                result?;
                self.ready().await
            }
            Message::Parse { statement, sql, types } => self.parse(statement, &sql, &types).await,
            Message::Bind(bind) => self.bind(bind).await,
            Message::Describe(target) => Ok(self.describe(&target)?),
            Message::Execute { portal, rows_max } => self.execute(&portal, rows_max).await,
            Message::Close(target) => {
                self.close(&target);
                Ok(())
            }
            Message::Flush => Ok(self.transport.flush().await?),
            Message::Sync => {
                self.skipping = false;
                self.ready().await
            }
            Message::FunctionCall => Err(Failure::new("0A000", "function calls are not supported").into()),
            Message::Copy | Message::Terminate => Ok(()),
        }
    }

    /// Tells of a failure and what it does to the transaction.
    fn fail(&mut self, failure: &Failure) {
        self.notices();
        self.transport.send(&failure.response());
        self.transaction.fail(&mut self.session.settings());
    }

    /// Ends the statement's own transaction, if it is in no other, and says that the next may come.
    async fn ready(&mut self) -> Result<(), Stop> {
        if self.transaction.status() == Status::Idle {
            self.end_transaction(true);
        }
        self.report_settings();
        self.session.end_request();
        self.transport.send(&ReadyForQuery::new(self.transaction.wire_status()));
        Ok(self.transport.flush().await?)
    }

    /// Ends the transaction, and the portals that do not outlive it.
    pub(super) fn end_transaction(&mut self, commit: bool) {
        self.session.end_snapshot();
        {
            let mut settings = self.session.settings();
            if commit {
                self.transaction.commit(&mut settings);
            } else {
                self.transaction.roll_back(&mut settings);
            }
        }
        self.portals.retain(|_, portal| portal.kept || (commit && portal.hold));
        self.portals.values_mut().for_each(|portal| portal.kept = true);
    }

    /// Tells of settings that changed since the client last got them.
    fn report_settings(&mut self) {
        let version = self.session.settings().version();
        if self.reported_version == version {
            return;
        }
        let now = setting::reported(&self.session);
        for (name, value) in now.iter().filter(|pair| !self.reported.contains(pair)) {
            self.transport.send(&ParameterStatus::new((*name).to_owned(), value.clone()));
        }
        self.reported = now;
        self.reported_version = version;
    }

    /// Passes on what planning and running left for the client.
    pub(super) fn notices(&mut self) {
        send_notices(&mut self.transport, &self.session);
    }

    /// Sends the client a NoticeResponse of severity WARNING.
    pub(super) fn warn(&mut self, code: &str, message: &str) {
        self.transport.send(&notice("WARNING", code, message));
    }

    /// Says that a statement is done.
    pub(super) fn complete(&mut self, tag: String) {
        let before = self.session.settings().take_local();
        if let Some(before) = before {
            self.transaction.changed_locally(before);
        }
        self.notices();
        self.report_settings();
        self.transport.send(&CommandComplete::new(tag));
    }

    /// The simple protocol: all statements are read before the first runs, and a failure ends them all.
    async fn query(&mut self, sql: &str) -> Result<(), Stop> {
        self.statements.remove("");
        self.portals.remove("");
        let (first, mut rest) = self.session.reading(sql, || {
            let mut pieces = Pieces::of(sql);
            Ok::<_, Failure>((pieces.next(), pieces.peekable()))
        })?;
        let Some(first) = first else {
            self.transport.send(&EmptyQueryResponse::new());
            return Ok(());
        };
        self.in_block = rest.peek().is_some();
        if !self.in_block
            && let Some(prepared) = self.planned(first, &[])
        {
            self.check_transaction(&prepared.command)?;
            return self.run_simple(prepared).await;
        }
        let pieces = std::iter::once(first).chain(rest);
        if self.in_block {
            // The trees of all may be hundreds of times their text: each is read again when its turn comes.
            self.session.reading(sql, || pieces.clone().try_for_each(|piece| self.read(piece).map(drop)))?;
        }
        for piece in pieces {
            let command = self.read(piece)?;
            self.check_transaction(&command)?;
            let prepared = Arc::new(self.prepare(command, piece.sql, &[]).await?);
            self.plan_cache.put(&prepared);
            self.run_simple(prepared).await?;
            self.session.end_statement();
            // Very many of them may want neither another thread nor the socket: others have their turn all the same.
            if self.transport.unsent() > WRITE_BYTES {
                self.transport.flush().await?;
            }
            tokio::task::coop::consume_budget().await;
        }
        Ok(())
    }

    /// Reads one of the statements of a text.
    pub(super) fn read(&self, piece: Piece<'_>) -> Result<Command, Failure> {
        self.session.reading(piece.sql, || Command::parse(piece, &self.session))
    }

    /// The same lookup, if it was planned lately.
    pub(super) fn planned(&mut self, piece: Piece<'_>, declared: &[u32]) -> Option<Arc<Prepared>> {
        let settings = self.session.settings().version();
        self.plan_cache.take(piece.sql, piece.offset, declared, settings)
    }

    /// Runs a statement of the simple protocol.
    async fn run_simple(&mut self, prepared: Arc<Prepared>) -> Result<(), Stop> {
        if !prepared.parameters.is_empty() {
            return Err(no_parameters().into());
        }
        let mut portal = Portal::simple(prepared)?;
        if let Some(schema) = self.result_schema(&portal.prepared) {
            self.transport.write(|_| super::types::check_width(&schema))?;
            let formats = self.result_formats(&portal.prepared, &portal.formats);
            self.transport.send(&row_description(&schema, &formats)?);
        }
        self.run_portal(&mut portal, None).await
    }

    /// In a failed transaction only its end is allowed.
    pub(super) fn check_transaction(&self, command: &Command) -> Result<(), Failure> {
        if self.transaction.status() == Status::Failed && !command.ends_failed_transaction() {
            let message = "current transaction is aborted, commands ignored until end of transaction block";
            return Err(Failure::new("25P02", message));
        }
        Ok(())
    }

    /// Begins a statement. One that may read what the client holds open finds it in the session.
    pub(super) fn start(&self, sql: &str) -> Running {
        let names =
            |word: &str| sql.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()));
        if names("pg_prepared_statement") || names("pg_cursor") {
            self.session.hold(held::held(&self.statements, &self.portals));
        }
        self.session.start(sql)
    }

    /// Plans the query within a command and finds out the types of its parameters; `declared` are the client's, 0 being
    /// none.
    pub(super) async fn prepare(&mut self, command: Command, sql: &str, declared: &[u32]) -> Result<Prepared, Stop> {
        let bytes = kept_bytes(sql);
        let mut prepared = Prepared {
            _room: Promise::of_all(bytes).ok_or_else(|| Failure::no_room(bytes))?,
            sql: sql.to_owned(),
            plan: None,
            parameters: Vec::new(),
            declared: declared.to_vec(),
            tag: query_tag(sql),
            settings_version: self.session.settings().version(),
            at: Clock::System.now(),
            prepared_by: None,
            described: OnceLock::new(),
            command,
        };
        let Some(query) = prepared.command.query() else { return Ok(prepared) };
        let declared: Vec<Option<Type>> = declared.iter().map(|oid| declared_type(*oid)).collect();
        let types: Vec<Option<DataType>> = declared.iter().map(|declared| declared.as_ref().map(arrow_type)).collect();
        let plan = self.plan(&query.sql, &query.statement, query.offset, &types).await?;
        if matches!(prepared.command, Command::Copy { .. }) && !plan.parameters.is_empty() {
            return Err(no_parameters().into());
        }
        let count = plan.parameters.len().max(declared.len());
        prepared.parameters = (0..count)
            .map(|index| {
                let wanted = plan.parameters.get(index).cloned().flatten();
                let described = declared.get(index).cloned().flatten();
                let own = || plan.parameter_types.get(&(index + 1)).and_then(|oid| Type::from_oid(*oid));
                let text = wanted.as_ref().is_none_or(is_texts);
                let described = described.or_else(|| own().filter(|_| text));
                let described = described.or_else(|| wanted.as_ref().map(postgres_type)).unwrap_or(Type::TEXT);
                Parameter { described, wanted }
            })
            .collect();
        prepared.plan = Some(plan);
        Ok(prepared)
    }

    /// Plans a statement while the client is watched. `offset` places a failure in the client's text; `types` are those
    /// that the client declares for the parameters.
    pub(super) async fn plan(
        &mut self,
        sql: &str,
        statement: &Statement,
        offset: Option<usize>,
        types: &[Option<DataType>],
    ) -> Result<Plan, Stop> {
        let running = self.start(sql);
        let planned = self.transport.attend(self.session.plan_for(&running, statement, types)).await?;
        planned.map_err(|error| placed(error.into(), offset).into())
    }
}

/// A failure placed in the client's text; without a place when that text is not the client's.
fn placed(failure: Failure, offset: Option<usize>) -> Failure {
    match offset {
        Some(offset) => shifted(failure, offset),
        None => Failure { position: None, ..failure },
    }
}

/// How long the client may take now, and what it is told when it takes longer.
fn idle_limit(session: &Session, transaction: &Transaction) -> Option<(Duration, Failure)> {
    let settings = session.settings();
    let idle = settings.idle_session_timeout().map(|limit| (limit, "57P05", "idle-session"));
    let limit = match transaction.status() {
        Status::Idle => idle,
        Status::Open | Status::Failed => {
            let limit = settings.idle_in_transaction_session_timeout();
            limit.map(|limit| (limit, "25P03", "idle-in-transaction"))
        }
    };
    limit.map(|(limit, code, what)| {
        (limit, Failure::fatal(code, format!("terminating connection due to {what} timeout")))
    })
}

/// The type behind an OID that says something.
fn declared_type(oid: u32) -> Option<Type> {
    match oid {
        0 => None,
        oid => Some(Type::from_oid(oid).unwrap_or(Type::TEXT)).filter(|declared| *declared != Type::UNKNOWN),
    }
}

/// 42P02: the statement has parameters where none can be given.
fn no_parameters() -> Failure {
    Failure::new("42P02", "there is no parameter $1")
}
