//! Prepared statements and portals of the Postgres client. Cursors are portals too: they share their names, as in
//! PostgreSQL.

use super::command::{Command, Discard};
use super::cursor::Cursor;
use super::error::Failure;
use super::parameter::Parameter;
use super::rows::Rows;
use super::types::{Format, Formats};
use crate::engine::{Plan, ScalarValue};
use crate::heap::Promise;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use pgwire::messages::data::RowDescription;
use std::sync::{Arc, OnceLock};

/// A statement that is read and planned, ready to run any number of times.
pub(super) struct Prepared {
    /// What the statement is: a query, a cursor's declaration, COPY, or a command of the session.
    pub(super) command: Command,
    /// Text of the statement.
    pub(super) sql: String,
    /// Plan of the query within, if there is one.
    pub(super) plan: Option<Plan>,
    /// Types of `$1`, `$2`, ... in order.
    pub(super) parameters: Vec<Parameter>,
    /// Types the client declared them with, as it wrote them.
    pub(super) declared: Vec<u32>,
    /// What its rows end with, when it is a query.
    pub(super) tag: Tag,
    /// Version of the settings it was planned under.
    pub(super) settings_version: u64,
    /// When it was prepared.
    pub(super) at: DateTime<Utc>,
    /// The text of the PREPARE it came by; `None` for one of the protocol.
    pub(super) prepared_by: Option<String>,
    /// How its columns are described in the formats that were asked for first; most are asked for again and again.
    pub(super) described: OnceLock<(Formats, RowDescription)>,
    /// Room for its text and its plan.
    pub(super) _room: Promise,
}

/// A prepared statement with its values, and how far it has run.
pub(super) struct Portal {
    /// The statement it runs, shared with the prepared statement of the client, which may be closed meanwhile.
    pub(super) prepared: Arc<Prepared>,
    /// Values of `$1`, `$2`, ..., decoded at Bind.
    pub(super) values: Vec<ScalarValue>,
    /// Text or binary, for each column of the result.
    pub(super) formats: Formats,
    pub(super) state: State,
    /// It outlives its transaction once that has committed.
    pub(super) hold: bool,
    /// Its transaction has committed.
    pub(super) kept: bool,
    /// Where FETCH has come; `None` before the first, of one that Bind has made.
    pub(super) cursor: Option<Cursor>,
    /// Room for its values.
    _room: Promise,
}

/// How far the execution of a portal has come.
pub(super) enum State {
    /// It was bound and has not run.
    New,
    /// Rows that are left, and the tag they end with.
    Open(Box<Rows>, Tag),
    /// It has just sent all its rows itself: the word of its tag, and their number.
    Fetched(&'static str, u64),
    /// The tag that a further Execute is answered with.
    Done(Tag),
}

/// The command tag of CommandComplete, which drivers read the kind of the statement and its row count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// The tag is these words, such as `SET` or `BEGIN`, whatever the number of rows.
    Plain(&'static str),
    /// A word and the number of rows.
    Rows(&'static str),
}

impl Tag {
    /// The text after so many rows.
    pub(super) fn text(self, rows: u64) -> String {
        match self {
            Self::Plain(words) => words.to_owned(),
            Self::Rows(word) => format!("{word} {rows}"),
        }
    }
}

impl Portal {
    /// A portal that Bind or DECLARE makes, with its values and formats; it has not run.
    ///
    /// # Errors
    /// 53200 when there is no memory to keep the values.
    pub(super) fn new(prepared: Arc<Prepared>, values: Vec<ScalarValue>, formats: Formats) -> Result<Self, Failure> {
        let bytes = values.iter().map(ScalarValue::size).fold(0, usize::saturating_add);
        // There may be thousands of them, each with little.
        let room = Promise::of_all(bytes).ok_or_else(|| Failure::no_room(bytes))?;
        Ok(Self { prepared, values, formats, state: State::New, hold: false, kept: false, cursor: None, _room: room })
    }

    /// A portal of the simple protocol: text, and no values.
    pub(super) fn simple(prepared: Arc<Prepared>) -> Result<Self, Failure> {
        Self::new(prepared, Vec::new(), Formats::All(Format::Text))
    }

    /// Whether it is what DECLARE has made, rather than the DECLARE itself, which has no rows.
    pub(super) fn is_cursor(&self) -> bool {
        !matches!(self.state, State::New | State::Done(Tag::Plain(_)))
    }

    /// Whether it runs, or has run and is not closed.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.state, State::New) && self.prepared.plan.is_some()
    }

    /// Columns of the rows that are left.
    pub(super) fn open_schema(&self) -> Option<SchemaRef> {
        match &self.state {
            State::Open(rows, _) => Some(rows.schema().clone()),
            State::New | State::Fetched(..) | State::Done(_) => {
                self.prepared.plan.as_ref().map(|plan| plan.told.clone())
            }
        }
    }
}

/// The tag of a query, by its first word.
pub(super) fn query_tag(sql: &str) -> Tag {
    match super::lexer::Tokens::of(sql).next().map(|token| token.value()).as_deref() {
        Some("explain") => Tag::Plain("EXPLAIN"),
        Some("refresh") => Tag::Plain("REFRESH TABLE"),
        Some("describe" | "desc") => Tag::Plain("DESCRIBE"),
        _ => Tag::Rows("SELECT"),
    }
}

/// The tag of a command without rows.
pub(super) fn discard_tag(what: Discard) -> &'static str {
    match what {
        Discard::All => "DISCARD ALL",
        Discard::Plans => "DISCARD PLANS",
        Discard::Sequences => "DISCARD SEQUENCES",
        Discard::Temp => "DISCARD TEMP",
    }
}
