//! The first execution of a portal: the engine starts its rows, or the session carries out its command.
//!
//! The extended protocol (Execute) and the simple protocol come here alike.

use super::command::{Command, Discard, Query};
use super::connection::Connection;
use super::copy::{CopyForm, CopyIn};
use super::copy_in::CopyReader;
use super::cursor::Cursor;
use super::error::{Disconnect, Failure, Stop};
use super::extended::texts;
use super::parameter::fitted;
use super::portal::{Portal, Prepared, State, Tag, discard_tag};
use super::rows::{Rows, Sink};
use super::setting;
use super::transaction::Status;
use super::types::{Formats, check_width};
use crate::engine::{Changed, Plan, ScalarValue, Statement};
use arrow::array::{ArrayRef, StringArray};
use arrow::record_batch::RecordBatch;
use pgwire::messages::copy::{CopyDone, CopyInResponse, CopyOutResponse};
use std::sync::Arc;

impl Connection {
    /// Starts a portal: gives its rows, or does all there is to do and gives the tag.
    pub(super) async fn open_portal(
        &mut self,
        prepared: Arc<Prepared>,
        values: &[ScalarValue],
        formats: &Formats,
    ) -> Result<State, Stop> {
        let done = |tag| Ok(State::Done(Tag::Plain(tag)));
        match &prepared.command {
            Command::Query(_) => self.run_query(&prepared, values).await,
            Command::Execute { name, values, explain } => {
                self.execute_prepared(name, values.as_ref(), explain.as_deref()).await
            }
            Command::Show(name) => Ok(State::Open(Box::new(self.show(name.as_deref())?), Tag::Plain("SHOW"))),
            Command::CopyIn(copy) => self.copy_in(&prepared.sql, copy).await,
            Command::Copy { out, .. } => self.copy(&prepared, values, out).await,
            Command::Declare { name, hold, scroll, .. } => {
                self.declare(name.clone(), (*hold, *scroll), &prepared, values).await?;
                done("DECLARE CURSOR")
            }
            Command::Fetch { cursor, to } => {
                let formats = self.result_formats(&prepared, formats);
                let fetched = self.fetch(&prepared.sql, cursor, *to, &mut Sink::Data(formats)).await?;
                Ok(State::Fetched("FETCH", fetched))
            }
            Command::Move { cursor, to } => {
                let moved = self.fetch(&prepared.sql, cursor, *to, &mut Sink::Skip).await?;
                Ok(State::Fetched("MOVE", moved))
            }
            Command::Close(name) => {
                match name {
                    Some(name) => drop(self.portals.remove(name).ok_or_else(|| no_cursor(name))?),
                    None => self.portals.clear(),
                }
                done(if name.is_some() { "CLOSE CURSOR" } else { "CLOSE CURSOR ALL" })
            }
            Command::Prepare { name, types, query } => {
                let declared: Vec<u32> = types.iter().map(postgres_types::Type::oid).collect();
                let mut inner = self.prepare(Command::Query(query.clone()), &query.sql, &declared).await?;
                inner.prepared_by = Some(prepared.sql.clone());
                self.keep_statement(name.clone(), Arc::new(inner))?;
                done("PREPARE")
            }
            Command::Deallocate(Some(name)) => {
                self.statement(name)?;
                self.statements.remove(name);
                done("DEALLOCATE")
            }
            Command::Deallocate(None) => {
                self.statements.clear();
                done("DEALLOCATE ALL")
            }
            Command::Discard(what) => {
                self.discard(*what)?;
                done(discard_tag(*what))
            }
            Command::Set { name, value, local } => {
                self.set(name, value.as_deref(), *local)?;
                done("SET")
            }
            Command::Reset(name) => {
                self.reset(name.as_deref())?;
                done("RESET")
            }
            Command::Lock(tables) => {
                if self.transaction.status() == Status::Idle && !self.in_block {
                    return Err(Failure::new("25P01", "LOCK TABLE can only be used in transaction blocks").into());
                }
                for table in tables {
                    self.plan(&table.sql, &table.statement, None, &[]).await?;
                }
                done("LOCK TABLE")
            }
            Command::ImportSnapshot(name) => {
                if self.transaction.status() == Status::Idle {
                    let message = "SET TRANSACTION SNAPSHOT can only be used in transaction blocks";
                    return Err(Failure::new("25P01", message).into());
                }
                self.session.import_snapshot(name).map_err(Failure::from)?;
                done("SET")
            }
            Command::SetTransaction => done("SET"),
            Command::PrepareTransaction if self.transaction.status() == Status::Idle => {
                self.warn("25P01", "there is no transaction in progress");
                done("ROLLBACK")
            }
            Command::PrepareTransaction => Err(Failure::new("55000", "prepared transactions are disabled")
                .with_hint("Set max_prepared_transactions to a nonzero value.")
                .into()),
            Command::Unlisten => done("UNLISTEN"),
            Command::Begin { .. }
            | Command::Commit { .. }
            | Command::Rollback { .. }
            | Command::Savepoint(_)
            | Command::Release(_)
            | Command::RollbackTo(_) => done(self.transact(&prepared.command)?),
        }
    }

    /// Has the engine run a prepared query, or a change of temporary tables, which is done when it comes back.
    async fn run_query(&mut self, prepared: &Prepared, values: &[ScalarValue]) -> Result<State, Stop> {
        let plan = plan(prepared)?;
        self.check_open_portals(plan)?;
        if !plan.is_change() {
            let rows = self.rows(prepared, values).await?;
            return Ok(State::Open(Box::new(rows), prepared.tag));
        }
        self.transaction.before_change(&self.session.settings());
        let running = self.start(&prepared.sql);
        let stream = self.transport.attend(self.session.execute(running, plan, values.to_vec())).await??;
        self.transaction.changed_temporary(&self.session.settings());
        Ok(match stream.changed() {
            Some(Changed { tag, .. }) if plan.has_rows() => {
                State::Open(Box::new(Rows::running(stream, plan.schema.clone())), Tag::Rows(tag))
            }
            Some(Changed { tag, rows: Some(rows) }) => State::Fetched(tag, rows),
            Some(Changed { tag, rows: None }) => State::Done(Tag::Plain(tag)),
            None => State::Done(prepared.tag),
        })
    }

    /// Refuses to drop, empty or alter a temporary table that an open cursor reads.
    fn check_open_portals(&self, plan: &Plan) -> Result<(), Failure> {
        let Some((what, tables)) = plan.replaces() else { return Ok(()) };
        let open = self.portals.iter().filter(|(name, portal)| !name.is_empty() && !portal.kept && portal.is_open());
        let mut read = open.filter_map(|(_, portal)| portal.prepared.plan.as_ref()).flat_map(Plan::temporary_tables);
        match read.find(|table| tables.contains(table)) {
            None => Ok(()),
            Some(table) => {
                let message =
                    format!("cannot {what} \"{table}\" because it is being used by active queries in this session");
                Err(Failure::new("55006", message))
            }
        }
    }

    /// Has the engine run a prepared query.
    async fn rows(&mut self, prepared: &Prepared, values: &[ScalarValue]) -> Result<Rows, Stop> {
        let plan = plan(prepared)?;
        if plan.is_change() {
            let message = "a change of a temporary table as the query of another statement is not supported";
            return Err(Failure::new("0A000", message).into());
        }
        let running = self.start(&prepared.sql);
        let stream = self.transport.attend(self.session.execute(running, plan, values.to_vec())).await??;
        Ok(Rows::running(stream, plan.schema.clone()))
    }

    /// EXECUTE of a statement prepared by PREPARE or Parse, or the EXPLAIN around it. Its values are a query of one row.
    async fn execute_prepared(
        &mut self,
        name: &str,
        values: Option<&Query>,
        explain: Option<&Statement>,
    ) -> Result<State, Stop> {
        let mut prepared = self.statement(name)?;
        if prepared.settings_version != self.session.settings().version() {
            prepared = self.prepare_again(name, &prepared).await?;
        }
        let Command::Query(_) = &prepared.command else {
            return Err(Failure::new("0A000", format!("EXECUTE of \"{name}\" is not supported")).into());
        };
        let values = match values {
            Some(values) => self.one_row(values).await?,
            None => Vec::new(),
        };
        if values.len() != prepared.parameters.len() {
            let message = format!("wrong number of parameters for prepared statement \"{name}\"");
            let hint = format!("Expected {} parameters but got {}.", prepared.parameters.len(), values.len());
            return Err(Failure::new("42601", message).with_hint(hint).into());
        }
        let style = self.session.settings().style();
        let fit = |(value, parameter): (ScalarValue, &super::parameter::Parameter)| {
            fitted(value, &parameter.wanted_type(), &style)
        };
        let values = values.into_iter().zip(&prepared.parameters).map(fit).collect::<Result<Vec<_>, _>>()?;
        let Some(explain) = explain else { return self.run_query(&prepared, &values).await };
        let plan = self.session.explained(explain, plan(&prepared)?).map_err(Failure::from)?;
        let running = self.start(&prepared.sql);
        let stream = self.transport.attend(self.session.execute(running, &plan, values)).await??;
        Ok(State::Open(Box::new(Rows::running(stream, plan.schema.clone())), Tag::Plain("EXPLAIN")))
    }

    /// The values of a query's only row.
    async fn one_row(&mut self, query: &Query) -> Result<Vec<ScalarValue>, Stop> {
        let plan = self.plan(&query.sql, &query.statement, None, &[]).await?;
        let running = self.start(&query.sql);
        let mut stream = self.transport.attend(self.session.execute(running, &plan, Vec::new())).await??;
        while let Some(batch) = self.transport.attend(stream.next()).await? {
            let batch = batch?;
            if batch.num_rows() > 0 {
                let value = |column: &ArrayRef| ScalarValue::try_from_array(column, 0);
                let values = batch.columns().iter().map(value).collect::<Result<Vec<_>, _>>();
                return values.map_err(|error| Failure::new("0A000", error.to_string()).into());
            }
        }
        Ok(Vec::new())
    }

    fn show(&self, name: Option<&str>) -> Result<Rows, Failure> {
        let columns: Vec<ArrayRef> = match name {
            Some(name) => vec![Arc::new(StringArray::from(vec![setting::show(&self.session, name)?]))],
            None => {
                let (names, values): (Vec<_>, Vec<_>) = self.session.settings().all().into_iter().unzip();
                let nothing = vec![""; names.len()];
                vec![
                    Arc::new(StringArray::from(names)),
                    Arc::new(StringArray::from(values)),
                    Arc::new(StringArray::from(nothing)),
                ]
            }
        };
        let schema = match name {
            Some(name) => texts(&[&setting::spelled(&self.session, name)]),
            None => texts(&["name", "setting", "description"]),
        };
        let batch = RecordBatch::try_new(schema, columns).map_err(|error| Failure::new("XX000", error.to_string()))?;
        Ok(Rows::at_hand(batch))
    }

    async fn copy(&mut self, prepared: &Prepared, values: &[ScalarValue], out: &CopyForm) -> Result<State, Stop> {
        let schema = plan(prepared)?.schema.clone();
        check_width(&schema)?;
        let mut rows = self.rows(prepared, values).await?;
        self.notices();
        let format = out.format();
        let width = schema.fields().len();
        let formats = vec![format.code(); width];
        let width = i16::try_from(width).unwrap_or(i16::MAX);
        self.transport.send(&CopyOutResponse::new(i8::try_from(format.code()).unwrap_or_default(), width, formats));
        let mut writer = out.rows(schema.fields().iter().map(|field| field.name().as_str()));
        self.transport.write(|to| writer.header(to))?;
        let mut sink = Sink::Copy(writer);
        let sent = rows.send(&mut self.transport, &self.session, &mut sink, None).await?;
        if let Sink::Copy(mut writer) = sink {
            self.transport.write(|to| writer.trailer(to))?;
        }
        self.transport.send(&CopyDone::new());
        Ok(State::Fetched("COPY", sent.rows))
    }

    /// Takes the rows that the client sends for a temporary table.
    async fn copy_in(&mut self, sql: &str, copy: &CopyIn) -> Result<State, Stop> {
        let mut load = self.session.begin_load(&copy.table, &copy.columns).map_err(Failure::from)?;
        let unknown = copy.force_null.iter().chain(&copy.force_not_null);
        if let Some(name) = unknown.into_iter().find(|name| load.fields().iter().all(|field| field.name() != *name)) {
            return Err(Failure::new("42703", format!("column \"{name}\" does not exist")).into());
        }
        let (style, most) = (self.session.settings().style(), self.options.message_bytes_max);
        let mut reader = CopyReader::new(copy, load.fields(), style, most);
        load.of(reader.schema().clone());
        let (format, width) = (copy.form.format().code(), load.fields().len());
        let columns = i16::try_from(width).unwrap_or(i16::MAX);
        let formats = vec![format; width];
        self.transport.send(&CopyInResponse::new(i8::try_from(format).unwrap_or_default(), columns, formats));
        self.transport.flush().await?;
        let running = self.start(sql);
        loop {
            let frame = tokio::select! {
                biased;
                error = running.stopped() => return Err(Failure::from(error).into()),
                frame = self.transport.frame(most) => frame?,
            };
            match frame.kind {
                b'd' => {
                    if let Some(batch) = reader.read(&frame.body)? {
                        load.push(&batch).map_err(Failure::from)?;
                    }
                }
                b'c' => break,
                b'f' => {
                    let reason = String::from_utf8_lossy(&frame.body);
                    let message = format!("COPY from stdin failed: {}", reason.trim_end_matches('\0'));
                    return Err(Failure::new("57014", message).into());
                }
                // A client that sends these ahead of the rows has them passed over, as in PostgreSQL.
                b'H' | b'S' => {}
                b'X' => return Err(Disconnect::Closed.into()),
                other => {
                    let message = format!("unexpected message type 0x{other:02X} during COPY from stdin");
                    return Err(Failure::fatal("08P01", message).into());
                }
            }
        }
        load.push(&reader.finish()?).map_err(Failure::from)?;
        self.transaction.before_change(&self.session.settings());
        let loaded = self.transport.attend(self.session.finish_load(running, load)).await?;
        self.transaction.changed_temporary(&self.session.settings());
        let rows = loaded.map_err(Failure::from)?;
        Ok(State::Fetched("COPY", rows))
    }

    async fn declare(
        &mut self,
        name: String,
        (hold, scroll): (bool, bool),
        prepared: &Arc<Prepared>,
        values: &[ScalarValue],
    ) -> Result<(), Stop> {
        if self.transaction.status() == Status::Idle && !hold && !self.in_block {
            return Err(Failure::new("25P01", "DECLARE CURSOR can only be used in transaction blocks").into());
        }
        let rows = self.rows(prepared, values).await?;
        rows.suspend();
        let mut cursor = Portal::new(prepared.clone(), Vec::new(), Formats::All(super::types::Format::Text))?;
        cursor.state = State::Open(Box::new(rows), Tag::Rows("SELECT"));
        cursor.hold = hold;
        cursor.cursor = Some(Cursor::new(scroll.then(|| self.session.kept_rows())));
        Ok(self.keep_portal(name, cursor)?)
    }

    fn set(&mut self, name: &str, value: Option<&str>, local: bool) -> Result<(), Failure> {
        let me = self.session.user();
        match name.to_ascii_lowercase().as_str() {
            "role" if value.is_none_or(|role| role.eq_ignore_ascii_case("none") || role == me) => return Ok(()),
            "session_authorization" if value.is_none_or(|user| user == me) => return Ok(()),
            "role" | "session_authorization" => {
                return Err(Failure::new("42501", format!("permission denied to set {name}")));
            }
            _ => {}
        }
        if local && self.transaction.status() == Status::Idle && !self.in_block {
            self.warn("25P01", "SET LOCAL can only be used in transaction blocks");
            // A value that does not read is refused all the same.
            let mut tried = self.session.settings().clone();
            return value.map_or(Ok(()), |value| setting::set(&mut tried, name, value));
        }
        let value = match value {
            Some(value) => value.to_owned(),
            None => self.defaults.show(name)?,
        };
        let mut settings = self.session.settings();
        self.transaction.change(&mut settings, local, |settings| setting::set(settings, name, &value))
    }

    fn reset(&mut self, name: Option<&str>) -> Result<(), Failure> {
        if let Some(name) = name {
            return self.set(name, None, false);
        }
        let defaults = &self.defaults;
        let mut settings = self.session.settings();
        self.transaction.change(&mut settings, false, |settings| {
            let temporary = settings.temporary().clone();
            settings.clone_from(defaults);
            settings.keep_rows(temporary);
            Ok(())
        })
    }

    fn discard(&mut self, what: Discard) -> Result<(), Failure> {
        if what == Discard::Temp {
            self.drop_temporary();
        }
        if what != Discard::All {
            return Ok(());
        }
        if self.transaction.status() != Status::Idle || self.in_block {
            return Err(Failure::new("25001", "DISCARD ALL cannot run inside a transaction block"));
        }
        self.statements.clear();
        self.portals.clear();
        self.drop_temporary();
        self.reset(None)
    }

    fn drop_temporary(&mut self) {
        self.transaction.before_change(&self.session.settings());
        self.session.drop_temporary();
        self.transaction.changed_temporary(&self.session.settings());
    }

    /// BEGIN, COMMIT and the like; gives the tag.
    fn transact(&mut self, command: &Command) -> Result<&'static str, Failure> {
        Ok(match command {
            Command::Begin { tag } => {
                if self.transaction.status() != Status::Idle {
                    self.warn("25001", "there is already a transaction in progress");
                }
                self.begin();
                tag
            }
            Command::Commit { chain } => {
                let failed = self.transaction.status() == Status::Failed;
                self.end(!failed, *chain)?;
                if failed { "ROLLBACK" } else { "COMMIT" }
            }
            Command::Rollback { chain } => {
                self.end(false, *chain)?;
                "ROLLBACK"
            }
            Command::Savepoint(name) => {
                self.transaction.savepoint(name.clone(), &self.session.settings())?;
                "SAVEPOINT"
            }
            Command::Release(name) => {
                self.transaction.release(name)?;
                "RELEASE"
            }
            Command::RollbackTo(name) => {
                self.transaction.roll_back_to(name, &mut self.session.settings())?;
                "ROLLBACK"
            }
            _ => "",
        })
    }

    /// Ends the transaction, and begins the next when it is to be chained.
    fn end(&mut self, commit: bool, chain: bool) -> Result<(), Failure> {
        if self.transaction.status() == Status::Idle {
            if chain {
                let what = if commit { "COMMIT" } else { "ROLLBACK" };
                return Err(Failure::new("25P01", format!("{what} AND CHAIN can only be used in transaction blocks")));
            }
            self.warn("25P01", "there is no transaction in progress");
        }
        self.end_transaction(commit);
        if chain {
            self.begin();
        }
        Ok(())
    }

    /// Begins a transaction, all of which reads the same versions.
    fn begin(&mut self) {
        if self.transaction.status() == Status::Idle {
            self.session.begin_snapshot();
        }
        self.transaction.begin(&self.session.settings());
    }
}

fn plan(prepared: &Prepared) -> Result<&Plan, Failure> {
    prepared.plan.as_ref().ok_or_else(|| Failure::new("XX000", "statement without a plan"))
}

fn no_cursor(name: &str) -> Failure {
    Failure::new("34000", format!("cursor \"{name}\" does not exist"))
}
