//! The extended protocol of Postgres: Parse, Bind, Describe, Execute and Close, each answered for one session.
//!
//! After a failure the connection skips what the client sends up to the next Sync.

use super::command::Command;
use super::connection::Connection;
use super::error::{Failure, Stop};
use super::lexer::Pieces;
use super::message::{Bind, Target};
use super::portal::{Portal, Prepared, State, Tag};
use super::rows::Sink;
use super::types::{Format, Formats, postgres_type, row_description};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use pgwire::messages::data::{NoData, ParameterDescription};
use pgwire::messages::extendedquery::{BindComplete, CloseComplete, ParseComplete, PortalSuspended};
use pgwire::messages::response::EmptyQueryResponse;
use std::sync::Arc;

/// The one statement without words: it runs as nothing.
pub(super) fn is_empty(prepared: &Prepared) -> bool {
    prepared.sql.is_empty()
}

impl Connection {
    /// Parse: reads and plans a statement and keeps it under `name`. 42P05 when the name is taken.
    pub(super) async fn parse(&mut self, name: String, sql: &str, types: &[u32]) -> Result<(), Stop> {
        if !name.is_empty() && self.statements.contains_key(&name) {
            return Err(Failure::new("42P05", format!("prepared statement \"{name}\" already exists")).into());
        }
        // A failed Parse leaves no statement without a name.
        if name.is_empty() {
            self.statements.remove("");
        }
        let (first, second) = self.session.reading(sql, || {
            let mut pieces = Pieces::of(sql);
            Ok::<_, Failure>((pieces.next(), pieces.next()))
        })?;
        if second.is_some() {
            let message = "cannot insert multiple commands into a prepared statement";
            return Err(Failure::new("42601", message).into());
        }
        let prepared = match first {
            None => Arc::new(self.prepare(Command::Unlisten, "", &[]).await?),
            Some(piece) => match self.planned(piece, types) {
                Some(prepared) => {
                    self.check_transaction(&prepared.command)?;
                    prepared
                }
                None => {
                    let command = self.read(piece)?;
                    self.check_transaction(&command)?;
                    let prepared = Arc::new(self.prepare(command, piece.sql, types).await?);
                    self.plan_cache.put(&prepared);
                    prepared
                }
            },
        };
        self.keep_statement(name, prepared)?;
        self.transport.send(&ParseComplete::new());
        Ok(())
    }

    /// Keeps a prepared statement under its name.
    pub(super) fn keep_statement(&mut self, name: String, prepared: Arc<Prepared>) -> Result<(), Failure> {
        if self.statements.contains_key(&name) && !name.is_empty() {
            return Err(Failure::new("42P05", format!("prepared statement \"{name}\" already exists")));
        }
        if self.statements.len() >= self.options.prepared_statements_max {
            let message = format!("a session has at most {} prepared statements", self.options.prepared_statements_max);
            return Err(Failure::new("53400", message).with_hint("DEALLOCATE or close those no longer needed."));
        }
        self.statements.insert(name, prepared);
        Ok(())
    }

    /// The prepared statement of a name.
    pub(super) fn statement(&self, name: &str) -> Result<Arc<Prepared>, Failure> {
        let missing = || match name {
            "" => Failure::new("26000", "unnamed prepared statement does not exist"),
            name => Failure::new("26000", format!("prepared statement \"{name}\" does not exist")),
        };
        self.statements.get(name).cloned().ok_or_else(missing)
    }

    /// Bind: decodes the values of a prepared statement and makes a portal of it, which does not run yet.
    pub(super) async fn bind(&mut self, bind: Bind) -> Result<(), Stop> {
        let mut prepared = self.statement(&bind.statement)?;
        self.check_transaction(&prepared.command)?;
        if prepared.settings_version != self.session.settings().version() {
            prepared = self.prepare_again(&bind.statement, &prepared).await?;
        }
        let given = bind.values.len();
        let wanted = prepared.parameters.len();
        if given != wanted {
            let message = format!(
                "bind message supplies {given} parameters, but prepared statement \"{}\" requires {wanted}",
                bind.statement
            );
            return Err(Failure::protocol(message).into());
        }
        let formats = Formats::from_codes(&bind.value_formats)?;
        if !formats.fit(given) {
            let message = format!("bind message has {} parameter formats but {given} parameters", formats.count());
            return Err(Failure::protocol(message).into());
        }
        let style = self.session.settings().style();
        let values =
            prepared.parameters.iter().zip(&bind.values).enumerate().map(|(index, (parameter, value))| {
                parameter.read(index + 1, value.as_ref(), formats.of(index), &style)
            });
        let values = values.collect::<Result<Vec<_>, _>>()?;
        let result_formats = Formats::from_codes(&bind.result_formats)?;
        let columns = self.result_schema(&prepared).map_or(0, |schema| schema.fields().len());
        if columns > 0 && !result_formats.fit(columns) {
            let count = result_formats.count();
            let message = format!("bind message has {count} result formats but query has {columns} columns");
            return Err(Failure::protocol(message).into());
        }
        self.keep_portal(bind.portal, Portal::new(prepared, values, result_formats)?)?;
        self.transport.send(&BindComplete::new());
        Ok(())
    }

    /// Plans a statement anew, because settings have changed since.
    pub(super) async fn prepare_again(&mut self, name: &str, old: &Arc<Prepared>) -> Result<Arc<Prepared>, Stop> {
        let declared: Vec<u32> = old.parameters.iter().map(|parameter| parameter.described.oid()).collect();
        let mut new = self.prepare(old.command.clone(), &old.sql, &declared).await?;
        (new.at, new.prepared_by) = (old.at, old.prepared_by.clone());
        let new = Arc::new(new);
        // What the client was told: names, and types as it knows them. Instants in another zone are still instants.
        let told = |prepared: &Prepared| {
            let column = |field: &Arc<Field>| (field.name().clone(), postgres_type(field.data_type()));
            prepared.plan.as_ref().map(|plan| plan.schema.fields().iter().map(column).collect::<Vec<_>>())
        };
        if told(old) != told(&new) {
            return Err(Failure::new("0A000", "cached plan must not change result type").into());
        }
        self.statements.insert(name.to_owned(), new.clone());
        Ok(new)
    }

    /// Keeps a portal under its name.
    pub(super) fn keep_portal(&mut self, name: String, portal: Portal) -> Result<(), Failure> {
        if !name.is_empty() && self.portals.contains_key(&name) {
            return Err(Failure::new("42P03", format!("cursor \"{name}\" already exists")));
        }
        if self.portals.len() >= self.options.portals_max {
            let message = format!("a session has at most {} portals", self.options.portals_max);
            return Err(Failure::new("53400", message).with_hint("CLOSE cursors no longer needed."));
        }
        self.portals.insert(name, portal);
        Ok(())
    }

    /// Describe: the parameters and columns of a statement, or the columns of a portal.
    pub(super) fn describe(&mut self, target: &Target) -> Result<(), Failure> {
        let (schema, formats) = match target {
            Target::Statement(name) => {
                let prepared = self.statement(name)?;
                let types = prepared.parameters.iter().map(|parameter| parameter.described.oid()).collect();
                self.transport.send(&ParameterDescription::new(types));
                (self.result_schema(&prepared), Formats::All(Format::Text))
            }
            Target::Portal(name) => {
                let portal = self.portals.get(name).ok_or_else(|| no_portal(name))?;
                if let (Command::Query(_), Some((formats, columns))) =
                    (&portal.prepared.command, portal.prepared.described.get())
                    && *formats == portal.formats
                {
                    self.transport.send(columns);
                    return Ok(());
                }
                let schema = match portal.prepared.command {
                    Command::Declare { .. } if portal.is_cursor() => portal.open_schema(),
                    _ => self.result_schema(&portal.prepared),
                };
                (schema, self.result_formats(&portal.prepared, &portal.formats))
            }
        };
        let Some(schema) = schema else {
            self.transport.send(&NoData::new());
            return Ok(());
        };
        let columns = row_description(&schema, &formats)?;
        self.transport.send(&columns);
        if let Target::Portal(name) = target
            && let Some(portal) = self.portals.get(name)
            && let Command::Query(_) = &portal.prepared.command
        {
            portal.prepared.described.get_or_init(|| (formats, columns));
        }
        Ok(())
    }

    /// Execute: runs a portal until it has sent `rows_max` rows; zero or less is all of them.
    pub(super) async fn execute(&mut self, name: &str, rows_max: i32) -> Result<(), Stop> {
        // While it runs nothing else can ask for it; a portal that fails is gone.
        let mut portal = self.portals.remove(name).ok_or_else(|| no_portal(name))?;
        if is_empty(&portal.prepared) {
            self.transport.send(&EmptyQueryResponse::new());
        } else {
            self.check_transaction(&portal.prepared.command)?;
            let rows_max = u64::try_from(rows_max).ok().filter(|max| *max > 0);
            self.run_portal(&mut portal, rows_max).await?;
        }
        self.session.end_statement();
        // DISCARD and CLOSE ALL may have run in it.
        self.portals.entry(name.to_owned()).or_insert(portal);
        Ok(())
    }

    /// Close: drops a statement or portal; one that does not exist is no error.
    pub(super) fn close(&mut self, target: &Target) {
        match target {
            Target::Statement(name) => drop(self.statements.remove(name)),
            Target::Portal(name) => drop(self.portals.remove(name)),
        }
        self.transport.send(&CloseComplete::new());
    }

    /// Columns of a statement's result; none when it has no rows.
    pub(super) fn result_schema(&self, prepared: &Prepared) -> Option<SchemaRef> {
        match &prepared.command {
            Command::Query(_) => {
                let plan = prepared.plan.as_ref().filter(|plan| plan.has_rows())?;
                let rows = matches!(prepared.tag, Tag::Rows(_));
                (rows || !plan.told.fields().is_empty()).then(|| plan.told.clone())
            }
            Command::Show(None) => Some(texts(&["name", "setting", "description"])),
            Command::Show(Some(name)) => Some(texts(&[&super::setting::spelled(&self.session, name)])),
            Command::Execute { explain: Some(explain), .. } => Some(crate::engine::explained_columns(explain)),
            Command::Execute { name, .. } => self.result_schema(self.statements.get(name)?),
            Command::Fetch { cursor, .. } => self.portals.get(cursor)?.open_schema(),
            _ => None,
        }
    }

    /// Formats of a portal's result; a binary cursor's rows are binary whatever was asked.
    pub(super) fn result_formats(&self, prepared: &Prepared, asked: &Formats) -> Formats {
        if let Command::Fetch { cursor, .. } = &prepared.command
            && let Some(cursor) = self.portals.get(cursor)
            && matches!(cursor.prepared.command, Command::Declare { binary: true, .. })
        {
            return Formats::All(Format::Binary);
        }
        asked.clone()
    }

    /// Runs a portal until its rows end or `rows_max` are sent, and says how it went.
    pub(super) async fn run_portal(&mut self, portal: &mut Portal, rows_max: Option<u64>) -> Result<(), Stop> {
        let mut resumed = true;
        if matches!(portal.state, State::New) {
            resumed = false;
            portal.state = self.open_portal(portal.prepared.clone(), &portal.values, &portal.formats).await?;
        }
        let (rows, tag) = match &mut portal.state {
            State::Open(rows, tag) => (rows, *tag),
            State::Fetched(word, count) => {
                let tag = Tag::Rows(word);
                self.complete(tag.text(*count));
                portal.state = State::Done(tag);
                return Ok(());
            }
            State::Done(tag) => {
                self.complete(tag.text(0));
                return Ok(());
            }
            State::New => return Ok(()),
        };
        if resumed {
            rows.resume(self.session.start(&portal.prepared.sql));
        }
        self.notices();
        let mut sink = match self.result_schema(&portal.prepared) {
            Some(_) => Sink::Data(portal.formats.clone()),
            None => Sink::Skip,
        };
        let sent = rows.send(&mut self.transport, &self.session, &mut sink, rows_max).await?;
        if !sent.finished {
            self.transport.send(&PortalSuspended::new());
            return Ok(());
        }
        portal.state = State::Done(tag);
        self.complete(tag.text(sent.rows));
        Ok(())
    }
}

/// 34000: no portal of this name is open.
fn no_portal(name: &str) -> Failure {
    Failure::new("34000", format!("portal \"{name}\" does not exist"))
}

/// A schema of text columns with these names, as SHOW and its like answer.
pub(super) fn texts(names: &[&str]) -> SchemaRef {
    Arc::new(Schema::new(names.iter().map(|name| Field::new(*name, DataType::Utf8, false)).collect::<Vec<_>>()))
}
