//! Statements as the front end tells them apart: those about the session, read here, and those for the engine.

use super::copy::{Copy, CopyForm, CopyIn, Source};
use super::error::Failure;
use super::fetch::{Direction, fetch};
use super::lexer::{Kind, Piece, Reader};
use super::types::named_type;
use crate::engine::{Session, Statement};
use crate::text::identifier::quote;
use postgres_types::Type;

/// A query for the engine, with its text.
#[derive(Debug, Clone)]
pub(super) struct Query {
    pub(super) statement: Statement,
    pub(super) sql: String,
    /// Characters of the client's text before it; `None` when the client did not write it so.
    pub(super) offset: Option<usize>,
}

/// A part of the session's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Discard {
    All,
    Plans,
    Sequences,
    Temp,
}

/// A statement of the Postgres client as this front end tells it apart: one about the session, its cursors or its
/// prepared statements, which it performs itself, or a query for the engine.
#[derive(Debug, Clone)]
pub(super) enum Command {
    Query(Query),
    /// The tag is `BEGIN` or `START TRANSACTION`.
    Begin {
        tag: &'static str,
    },
    Commit {
        chain: bool,
    },
    Rollback {
        chain: bool,
    },
    Savepoint(String),
    Release(String),
    RollbackTo(String),
    /// `None` is the default.
    Set {
        name: String,
        value: Option<String>,
        local: bool,
    },
    /// Isolation and access of transactions: all are read-only snapshots here whatever is asked.
    SetTransaction,
    /// SET TRANSACTION SNAPSHOT: the name that pg_export_snapshot gave.
    ImportSnapshot(String),
    /// PREPARE TRANSACTION, for two-phase commit: there is none.
    PrepareTransaction,
    /// RESET of one setting; `None` resets all of them.
    Reset(Option<String>),
    /// SHOW of one setting; `None` shows all of them.
    Show(Option<String>),
    Discard(Discard),
    /// DEALLOCATE of one prepared statement; `None` drops all of them.
    Deallocate(Option<String>),
    Prepare {
        name: String,
        types: Vec<Type>,
        query: Query,
    },
    /// The values are a query of one row. `explain` is the EXPLAIN around it.
    Execute {
        name: String,
        values: Option<Query>,
        explain: Option<Box<Statement>>,
    },
    Declare {
        name: String,
        hold: bool,
        scroll: bool,
        binary: bool,
        query: Query,
    },
    Fetch {
        cursor: String,
        to: Direction,
    },
    Move {
        cursor: String,
        to: Direction,
    },
    /// CLOSE of one cursor; `None` closes all of them.
    Close(Option<String>),
    Copy {
        query: Query,
        out: CopyForm,
    },
    /// COPY FROM STDIN into a temporary table.
    CopyIn(CopyIn),
    /// LOCK TABLE in the mode that every reader has anyway: a query for each table, which says whether it is there.
    Lock(Vec<Query>),
    /// There is never anything to stop listening to.
    Unlisten,
}

impl Command {
    /// Reads one statement.
    ///
    /// # Errors
    /// 42601 with the place when it does not read, 0A000 and 42501 for what this server does not do.
    pub(super) fn parse(piece: Piece<'_>, session: &Session) -> Result<Self, Failure> {
        let mut reader = Reader::new(piece);
        let Some(first) = reader.take() else { return query(piece, session).map(Self::Query) };
        if first.kind != Kind::Word {
            return query(piece, session).map(Self::Query);
        }
        let command = match first.text.to_ascii_uppercase().as_str() {
            "BEGIN" => begin(&mut reader, "BEGIN")?,
            "START" => {
                reader.expect("TRANSACTION")?;
                begin(&mut reader, "START TRANSACTION")?
            }
            "COMMIT" | "END" => Self::Commit { chain: chain(&mut reader)? },
            "ROLLBACK" | "ABORT" => rollback(&mut reader)?,
            "SAVEPOINT" => Self::Savepoint(reader.name()?),
            "RELEASE" => {
                reader.keyword("SAVEPOINT");
                Self::Release(reader.name()?)
            }
            "SET" => set(&mut reader)?,
            "RESET" => Self::Reset(all_or_setting(&mut reader)?),
            "SHOW" => Self::Show(all_or_setting(&mut reader)?),
            "DISCARD" => Self::Discard(discard(&mut reader)?),
            "DEALLOCATE" => {
                reader.keyword("PREPARE");
                Self::Deallocate(all_or_name(&mut reader)?)
            }
            "PREPARE" if reader.keyword("TRANSACTION") => {
                let name = reader.take().filter(|token| token.kind == Kind::Text);
                name.map(|_| Self::PrepareTransaction).ok_or_else(|| reader.unexpected())?
            }
            "PREPARE" => return prepare(&mut reader, session),
            "EXECUTE" => execute(&mut reader, session)?,
            "EXPLAIN" => return explain(piece, session),
            "DECLARE" => return declare(&mut reader, session),
            "FETCH" => {
                let (to, cursor) = fetch(&mut reader)?;
                Self::Fetch { cursor, to }
            }
            "MOVE" => {
                let (to, cursor) = fetch(&mut reader)?;
                Self::Move { cursor, to }
            }
            "CLOSE" => Self::Close(all_or_name(&mut reader)?),
            "COPY" => {
                let (source, out) = match super::copy::parse(&mut reader)? {
                    Copy::In(copy) => {
                        reader.end()?;
                        return Ok(Self::CopyIn(copy));
                    }
                    Copy::Out(source, out) => (source, out),
                };
                let query = match source {
                    Source::Query(piece) => query(piece, session)?,
                    Source::Table(sql) => Query { offset: None, ..query(Piece { sql: &sql, offset: 0 }, session)? },
                };
                Self::Copy { query, out }
            }
            "LOCK" => lock(&mut reader, session)?,
            "UNLISTEN" => {
                reader.take();
                Self::Unlisten
            }
            "LISTEN" | "NOTIFY" => {
                return Err(Failure::new("0A000", format!("{} is not supported", first.text.to_ascii_uppercase())));
            }
            _ => return query(piece, session).map(Self::Query),
        };
        reader.end()?;
        Ok(command)
    }

    /// Whether a failed transaction still takes it.
    pub(super) fn ends_failed_transaction(&self) -> bool {
        matches!(self, Self::Commit { .. } | Self::Rollback { .. } | Self::RollbackTo(_))
    }

    /// The query within, whose parameters are those of the statement.
    pub(super) fn query(&self) -> Option<&Query> {
        match self {
            Self::Query(query) | Self::Declare { query, .. } | Self::Copy { query, .. } => Some(query),
            _ => None,
        }
    }
}

/// Has the engine read a text that must be one statement.
fn query(piece: Piece<'_>, session: &Session) -> Result<Query, Failure> {
    let parsed = session.parse(piece.sql).map_err(|error| shifted(error.into(), piece.offset))?;
    match <[Statement; 1]>::try_from(parsed) {
        Ok([statement]) => Ok(Query { statement, sql: piece.sql.to_owned(), offset: Some(piece.offset) }),
        Err(_) => Err(Failure::new("42601", "syntax error").at(piece.offset + 1)),
    }
}

/// A failure in a part of the client's text, placed in the whole.
pub(super) fn shifted(mut failure: Failure, offset: usize) -> Failure {
    failure.position = failure.position.map(|position| position + offset);
    failure
}

/// Transaction modes: read, and of no effect.
fn modes(reader: &mut Reader<'_>) -> Result<(), Failure> {
    const MODES: [&str; 11] = [
        "ISOLATION",
        "LEVEL",
        "SERIALIZABLE",
        "REPEATABLE",
        "READ",
        "COMMITTED",
        "UNCOMMITTED",
        "WRITE",
        "ONLY",
        "NOT",
        "DEFERRABLE",
    ];
    while reader.peek().is_some() {
        if !reader.symbol(',') && !MODES.iter().any(|mode| reader.keyword(mode)) {
            return Err(reader.unexpected());
        }
    }
    Ok(())
}

fn noise(reader: &mut Reader<'_>) {
    let _ = reader.keyword("WORK") || reader.keyword("TRANSACTION");
}

fn begin(reader: &mut Reader<'_>, tag: &'static str) -> Result<Command, Failure> {
    noise(reader);
    modes(reader)?;
    Ok(Command::Begin { tag })
}

/// `[WORK | TRANSACTION] [AND [NO] CHAIN]`
fn chain(reader: &mut Reader<'_>) -> Result<bool, Failure> {
    noise(reader);
    if reader.keyword("PREPARED") {
        return Err(Failure::new("0A000", "prepared transactions are not supported"));
    }
    if !reader.keyword("AND") {
        return Ok(false);
    }
    let chain = !reader.keyword("NO");
    reader.expect("CHAIN")?;
    Ok(chain)
}

fn rollback(reader: &mut Reader<'_>) -> Result<Command, Failure> {
    noise(reader);
    if reader.keyword("TO") {
        reader.keyword("SAVEPOINT");
        return Ok(Command::RollbackTo(reader.name()?));
    }
    Ok(Command::Rollback { chain: chain(reader)? })
}

fn set(reader: &mut Reader<'_>) -> Result<Command, Failure> {
    let local = reader.keyword("LOCAL");
    let session = !local && reader.keyword("SESSION");
    if session && reader.keyword("CHARACTERISTICS") {
        reader.expect("AS")?;
        reader.expect("TRANSACTION")?;
        modes(reader)?;
        return Ok(Command::SetTransaction);
    }
    if reader.keyword("TRANSACTION") {
        if reader.keyword("SNAPSHOT") {
            let name = values(reader)?.ok_or_else(|| reader.unexpected())?;
            return Ok(Command::ImportSnapshot(name));
        }
        modes(reader)?;
        return Ok(Command::SetTransaction);
    }
    if reader.keyword("TIME") {
        reader.expect("ZONE")?;
        let interval = reader.keyword("INTERVAL");
        let value = values(reader)?;
        if interval {
            while reader.take().is_some() {}
        }
        let value = value.filter(|zone| !zone.eq_ignore_ascii_case("local"));
        // The setting tells an offset east of Greenwich from a rule of POSIX, which counts west, by the word.
        let value = value.map(|value| if interval { format!("INTERVAL '{value}'") } else { value });
        return Ok(Command::Set { name: "TimeZone".to_owned(), value, local });
    }
    if reader.keyword("NAMES") {
        let value = if reader.peek().is_some() { values(reader)? } else { None };
        return Ok(Command::Set { name: "client_encoding".to_owned(), value, local });
    }
    if reader.keyword("SCHEMA") {
        return Ok(Command::Set { name: "search_path".to_owned(), value: values(reader)?, local });
    }
    let name = setting(reader)?;
    if !reader.keyword("TO") && !reader.symbol('=') {
        return Err(reader.unexpected());
    }
    Ok(Command::Set { name, value: values(reader)?, local })
}

/// `a`, `a.b`, and the few settings whose names are several words.
fn setting(reader: &mut Reader<'_>) -> Result<String, Failure> {
    let mut name = reader.name()?;
    let words = match name.as_str() {
        "time" => Some((["ZONE", ""], "TimeZone")),
        "transaction" => Some((["ISOLATION", "LEVEL"], "transaction_isolation")),
        "session" => Some((["AUTHORIZATION", ""], "session_authorization")),
        _ => None,
    };
    if let Some((words, meant)) = words {
        words.iter().filter(|word| !word.is_empty()).try_for_each(|word| reader.expect(word))?;
        return Ok(meant.to_owned());
    }
    while reader.symbol('.') {
        name = format!("{name}.{}", reader.name()?);
    }
    Ok(name)
}

/// One value or several with commas; `None` for `DEFAULT`.
fn values(reader: &mut Reader<'_>) -> Result<Option<String>, Failure> {
    if reader.keyword("DEFAULT") {
        return Ok(None);
    }
    let mut values = Vec::new();
    loop {
        let sign = if reader.symbol('-') { "-" } else { "" };
        reader.symbol('+');
        match reader.peek() {
            Some(token) if token.kind == Kind::Word => values.push(token.text.to_owned()),
            Some(token) if matches!(token.kind, Kind::Number | Kind::Text | Kind::Quoted) => {
                values.push(format!("{sign}{}", token.value()));
            }
            _ => return Err(reader.unexpected()),
        }
        reader.take();
        if !reader.symbol(',') {
            return Ok(Some(values.join(", ")));
        }
    }
}

fn all_or_name(reader: &mut Reader<'_>) -> Result<Option<String>, Failure> {
    if reader.keyword("ALL") { Ok(None) } else { reader.name().map(Some) }
}

fn all_or_setting(reader: &mut Reader<'_>) -> Result<Option<String>, Failure> {
    if reader.keyword("ALL") { Ok(None) } else { setting(reader).map(Some) }
}

fn discard(reader: &mut Reader<'_>) -> Result<Discard, Failure> {
    let words = [
        ("ALL", Discard::All),
        ("PLANS", Discard::Plans),
        ("SEQUENCES", Discard::Sequences),
        ("TEMP", Discard::Temp),
        ("TEMPORARY", Discard::Temp),
    ];
    words.into_iter().find(|(word, _)| reader.keyword(word)).map(|(_, what)| what).ok_or_else(|| reader.unexpected())
}

fn prepare(reader: &mut Reader<'_>, session: &Session) -> Result<Command, Failure> {
    let name = reader.name()?;
    let mut types = Vec::new();
    if reader.peek().is_some_and(|token| token.is_symbol('(')) {
        let inner = reader.parenthesised()?;
        for written in inner.sql.split(',') {
            let unknown = || Failure::new("42704", format!("type \"{}\" does not exist", written.trim()));
            types.push(named_type(written.trim()).ok_or_else(unknown)?);
        }
    }
    reader.expect("AS")?;
    Ok(Command::Prepare { name, types, query: query(reader.rest()?, session)? })
}

fn execute(reader: &mut Reader<'_>, session: &Session) -> Result<Command, Failure> {
    let name = reader.name()?;
    if reader.peek().is_none() {
        return Ok(Command::Execute { name, values: None, explain: None });
    }
    let inner = reader.parenthesised()?;
    let sql = format!("SELECT {}", inner.sql);
    let values = query(Piece { sql: &sql, offset: 0 }, session)?;
    Ok(Command::Execute { name, values: Some(Query { offset: None, ..values }), explain: None })
}

/// `[TABLE] [ONLY] name [*], ... [IN mode MODE] [NOWAIT]`: a reader's lock alone, since nobody writes.
fn lock(reader: &mut Reader<'_>, session: &Session) -> Result<Command, Failure> {
    reader.keyword("TABLE");
    let mut tables = Vec::new();
    loop {
        reader.keyword("ONLY");
        let mut name = quote(&reader.name()?);
        while reader.symbol('.') {
            name = format!("{name}.{}", quote(&reader.name()?));
        }
        reader.symbol('*');
        let sql = format!("SELECT 1 FROM {name}");
        tables.push(Query { offset: None, ..query(Piece { sql: &sql, offset: 0 }, session)? });
        if !reader.symbol(',') {
            break;
        }
    }
    let mut share = false;
    if reader.keyword("IN") {
        share = reader.keyword("ACCESS") && reader.keyword("SHARE");
        while !reader.keyword("MODE") {
            reader.name()?;
        }
    }
    reader.keyword("NOWAIT");
    if !share {
        return Err(Failure::new("25006", "cannot execute LOCK TABLE in a mode that keeps writers out: nobody writes"));
    }
    Ok(Command::Lock(tables))
}

/// EXPLAIN of a query, or of what EXECUTE would run.
fn explain(piece: Piece<'_>, session: &Session) -> Result<Command, Failure> {
    let query = query(piece, session)?;
    let Statement::Explain { statement, .. } = &query.statement else { return Ok(Command::Query(query)) };
    let Statement::Execute { name: Some(name), .. } = statement.as_ref() else { return Ok(Command::Query(query)) };
    let written = statement.to_string();
    let inner = execute_text(&written, session)?;
    let Command::Execute { name, values, .. } = inner else {
        return Err(Failure::new("0A000", format!("EXPLAIN of EXECUTE {name} is not supported")));
    };
    Ok(Command::Execute { name, values, explain: Some(Box::new(query.statement)) })
}

/// Reads an EXECUTE that is not the client's own text.
fn execute_text(sql: &str, session: &Session) -> Result<Command, Failure> {
    let unplaced = |failure: Failure| Failure { position: None, ..failure };
    let mut reader = Reader::new(Piece { sql, offset: 0 });
    reader.expect("EXECUTE").map_err(unplaced)?;
    let command = execute(&mut reader, session).map_err(unplaced)?;
    reader.end().map_err(unplaced)?;
    Ok(command)
}

fn declare(reader: &mut Reader<'_>, session: &Session) -> Result<Command, Failure> {
    let name = reader.name()?;
    let (mut binary, mut scroll) = (false, None);
    while !reader.keyword("CURSOR") {
        let no = reader.keyword("NO");
        if no {
            reader.expect("SCROLL")?;
        }
        if no || reader.keyword("SCROLL") {
            if scroll.is_some_and(|scroll| scroll == no) {
                return Err(Failure::new("42P11", "cannot specify both SCROLL and NO SCROLL"));
            }
            scroll = Some(!no);
        } else if reader.keyword("BINARY") {
            binary = true;
        } else if !reader.keyword("INSENSITIVE") && !reader.keyword("ASENSITIVE") {
            return Err(reader.unexpected());
        }
    }
    let mut hold = false;
    if reader.keyword("WITH") {
        hold = true;
        reader.expect("HOLD")?;
    } else if reader.keyword("WITHOUT") {
        reader.expect("HOLD")?;
    }
    reader.expect("FOR")?;
    let scroll = scroll.unwrap_or(false);
    Ok(Command::Declare { name, hold, scroll, binary, query: query(reader.rest()?, session)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::catalog::NoComments;
    use crate::engine::Defaults;
    use crate::engine::template::over;
    use datafusion::prelude::SessionContext;
    use std::sync::Arc;

    fn parse(sql: &str) -> Result<Command, Failure> {
        let engine = over(&SessionContext::new(), Arc::new(NoComments), Defaults::default()).unwrap();
        let session = engine.open_session("me", crate::role::Role::Admin, "postgres");
        Command::parse(Piece { sql, offset: 0 }, &session)
    }

    #[track_caller]
    fn check_set(sql: &str, name: &str, value: Option<&str>, local: bool) {
        let Command::Set { name: found, value: given, local: only } = parse(sql).unwrap() else {
            panic!("{sql} is no SET")
        };
        assert_eq!((found.as_str(), given.as_deref(), only), (name, value, local));
    }

    #[test]
    fn settings_in_all_spellings() {
        check_set("SET search_path TO public, \"Odd\"", "search_path", Some("public, Odd"), false);
        check_set("set local statement_timeout = '5s'", "statement_timeout", Some("5s"), true);
        check_set("SET SESSION extra_float_digits = -3", "extra_float_digits", Some("-3"), false);
        check_set("SET TIME ZONE 'Europe/Rome'", "TimeZone", Some("Europe/Rome"), false);
        check_set("SET TIME ZONE LOCAL", "TimeZone", None, false);
        check_set("SET TIME ZONE INTERVAL '-08:00' HOUR TO MINUTE", "TimeZone", Some("INTERVAL '-08:00'"), false);
        check_set("SET NAMES 'utf8'", "client_encoding", Some("utf8"), false);
        check_set("SET a.b TO DEFAULT", "a.b", None, false);
        assert_eq!(parse("SET x").unwrap_err().code, "42601");
        assert_eq!(parse("SET x = 1 2").unwrap_err().position, Some(11));
    }

    #[test]
    fn transactions_in_all_spellings() {
        for sql in ["BEGIN", "begin work", "START TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY"] {
            assert!(matches!(parse(sql), Ok(Command::Begin { .. })), "{sql}");
        }
        for sql in ["ROLLBACK", "ABORT", "ROLLBACK TRANSACTION AND NO CHAIN"] {
            assert!(matches!(parse(sql), Ok(Command::Rollback { chain: false })), "{sql}");
        }
        assert!(matches!(parse("END AND CHAIN"), Ok(Command::Commit { chain: true })));
        assert!(matches!(parse("ROLLBACK TO SAVEPOINT a"), Ok(Command::RollbackTo(_))));
        assert!(matches!(parse("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"), Ok(Command::SetTransaction)));
        assert_eq!(parse("BEGIN nonsense").unwrap_err().code, "42601");
    }

    #[test]
    fn queries_within_commands_are_read() {
        assert!(matches!(
            parse("DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT 1"),
            Ok(Command::Declare { hold: true, .. })
        ));
        assert!(matches!(parse("PREPARE p (int, double precision) AS SELECT $1"), Ok(Command::Prepare { .. })));
        assert!(matches!(parse("EXECUTE p(1, 'a')"), Ok(Command::Execute { .. })));
        assert!(matches!(parse("(SELECT 1)"), Ok(Command::Query(_))));
        assert_eq!(parse("PREPARE p (nonsense) AS SELECT 1").unwrap_err().code, "42704");
        assert_eq!(parse("LISTEN x").unwrap_err().code, "0A000");
        assert_eq!(parse("DECLARE c CURSOR FOR SELECT 1; SELECT 2").unwrap_err().code, "42601");
    }
}
