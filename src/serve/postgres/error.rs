//! Failures as the Postgres client gets them (ErrorResponse): a SQLSTATE, a sentence, and whether the connection goes
//! on after it.

use crate::error::{About, ErrorKind, QueryError};
use pgwire::messages::response::ErrorResponse;
use std::io;

/// A failure, as an ErrorResponse carries it to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// Whether the connection ends after it; the severity is then FATAL, else ERROR.
    pub(super) fatal: bool,
    /// The SQLSTATE, five characters, by which drivers choose their exception.
    pub(super) code: &'static str,
    /// The primary message: one sentence that says what is wrong, in PostgreSQL's words where it has some.
    pub(super) message: String,
    /// What the user can do about it, as psql shows it behind HINT; `None` sends no such field.
    pub(super) hint: Option<String>,
    /// Where in the client's text, in characters from 1.
    pub(super) position: Option<usize>,
    /// The part of a table that it is about, in fields of their own.
    pub(super) about: Option<Box<About>>,
}

impl Failure {
    /// An error after which the connection goes on.
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { fatal: false, code, message: message.into(), hint: None, position: None, about: None }
    }

    /// An error that ends the connection.
    pub(super) fn fatal(code: &'static str, message: impl Into<String>) -> Self {
        Self { fatal: true, ..Self::new(code, message) }
    }

    /// There is no memory for what a client sends or leaves here.
    pub(super) fn no_room(bytes: usize) -> Self {
        let message = format!("out of memory: there is no room for {bytes} more bytes from clients");
        Self::new("53200", message).with_hint("Try again later, or with less.")
    }

    /// A message that does not follow the protocol.
    pub(super) fn protocol(message: impl Into<String>) -> Self {
        Self::new("08P01", message)
    }

    /// Adds what to do about it.
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the place in the client's text, in characters from 1.
    pub(super) fn at(mut self, position: usize) -> Self {
        self.position = Some(position);
        self
    }

    /// Ends the connection whatever the failure was: nothing that fails before the first statement is survivable.
    pub(super) fn into_fatal(mut self) -> Self {
        self.fatal = true;
        self
    }

    /// The ErrorResponse that carries it to the client.
    pub(super) fn response(&self) -> ErrorResponse {
        let severity = if self.fatal { "FATAL" } else { "ERROR" };
        let mut fields = fields(severity, self.code, &self.message);
        if let Some(hint) = &self.hint {
            fields.push((b'H', clean(hint)));
        }
        if let Some(position) = self.position {
            fields.push((b'P', position.to_string()));
        }
        if let Some(about) = &self.about {
            let own = [
                (b'D', &about.detail),
                (b's', &about.schema),
                (b't', &about.table),
                (b'c', &about.column),
                (b'n', &about.constraint),
            ];
            fields.extend(own.into_iter().filter_map(|(code, text)| Some((code, clean(text.as_ref()?)))));
        }
        ErrorResponse::new(fields)
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self {
            fatal: false,
            code: sqlstate(error.kind),
            message: error.message,
            hint: error.hint,
            position: error.position,
            about: error.about,
        }
    }
}

/// The fields of an ErrorResponse or a NoticeResponse, by their codes; `severity` is `ERROR`, `FATAL`, `NOTICE` or
/// `WARNING`.
pub(super) fn fields(severity: &str, code: &str, message: &str) -> Vec<(u8, String)> {
    vec![(b'S', severity.to_owned()), (b'V', severity.to_owned()), (b'C', code.to_owned()), (b'M', clean(message))]
}

/// The fields end with a zero byte, so none may stand inside.
fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// The SQLSTATE of a kind of fault.
fn sqlstate(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Syntax => "42601",
        ErrorKind::UnknownTable => "42P01",
        ErrorKind::UnknownColumn => "42703",
        ErrorKind::AmbiguousColumn => "42702",
        ErrorKind::UnknownFunction => "42883",
        ErrorKind::AmbiguousFunction => "42725",
        ErrorKind::CannotCast => "42846",
        ErrorKind::Grouping => "42803",
        ErrorKind::Windowing => "42P20",
        ErrorKind::NegativeLimit => "2201W",
        ErrorKind::NegativeOffset => "2201X",
        ErrorKind::DuplicateAlias => "42712",
        ErrorKind::WrongColumns => "42P10",
        ErrorKind::TypeMismatch => "42804",
        ErrorKind::IndeterminateType => "42P18",
        ErrorKind::InvalidText => "22P02",
        ErrorKind::InvalidDatetime => "22007",
        ErrorKind::DatetimeOverflow => "22008",
        ErrorKind::IntervalOverflow => "22015",
        ErrorKind::InvalidOffset => "22009",
        ErrorKind::InvalidPattern => "2201B",
        ErrorKind::Escape => "22025",
        ErrorKind::EscapeUse => "2200C",
        ErrorKind::InvalidBytes => "22021",
        ErrorKind::Untranslatable => "22P05",
        ErrorKind::ArraySubscript => "2202E",
        ErrorKind::NullNotAllowed => "22004",
        ErrorKind::LimitReached => "54000",
        ErrorKind::TooDeep => "54001",
        ErrorKind::OutOfRange => "22003",
        ErrorKind::DivisionByZero => "22012",
        ErrorKind::Logarithm => "2201E",
        ErrorKind::Power => "2201F",
        ErrorKind::WidthBucket => "2201G",
        ErrorKind::FrameOffset => "22013",
        ErrorKind::Ntile => "22014",
        ErrorKind::NthValue => "22016",
        ErrorKind::SampleSize => "2202H",
        ErrorKind::TextTooLong => "22001",
        ErrorKind::SeveralRows => "21000",
        ErrorKind::UnknownObject => "42704",
        ErrorKind::InvalidParameter => "22023",
        ErrorKind::WrongObject => "42809",
        ErrorKind::NotNull => "23502",
        ErrorKind::Unique => "23505",
        ErrorKind::Check => "23514",
        ErrorKind::ChangedTwice => "21000",
        ErrorKind::NoSuchKey => "42P10",
        ErrorKind::DuplicateTable => "42P07",
        ErrorKind::DuplicateColumn => "42701",
        ErrorKind::InvalidTable => "42P16",
        ErrorKind::StillUsed => "2BP01",
        ErrorKind::NotSupported => "0A000",
        ErrorKind::ReadOnly => "25006",
        ErrorKind::Forbidden => "42501",
        ErrorKind::Timeout | ErrorKind::Cancelled => "57014",
        ErrorKind::OutOfMemory => "53200",
        ErrorKind::LimitExceeded => "53400",
        ErrorKind::DiskFull => "53100",
        ErrorKind::Stale => "TT001",
        ErrorKind::Source => "TT002",
        ErrorKind::Storage => "58030",
        ErrorKind::Corrupted => "XX001",
        ErrorKind::Internal => "XX000",
    }
}

/// Why a connection ends without a failure that its client could be sent.
#[derive(Debug)]
pub(super) enum Disconnect {
    /// The client sent Terminate or closed its socket.
    Closed,
    /// Reading or writing the socket failed; the cause goes to the log.
    Lost(io::Error),
    /// The server stops, or an admin terminates the session (`pg_terminate_backend`).
    Shutdown,
}

impl From<io::Error> for Disconnect {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

/// Why a step of a connection ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// The client gets it, and unless it is fatal the connection goes on.
    Failure(Failure),
    /// The client is gone or is to go, so that no failure can be sent.
    Disconnect(Disconnect),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<QueryError> for Stop {
    fn from(error: QueryError) -> Self {
        Self::Failure(error.into())
    }
}

impl From<Disconnect> for Stop {
    fn from(gone: Disconnect) -> Self {
        Self::Disconnect(gone)
    }
}
