//! What can go wrong with a statement, as a kind a front end can map, and a sentence a person can act on.

use std::fmt;

/// The kind of fault. Each front end maps it once, by an exhaustive `match`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is not SQL.
    Syntax,
    /// No such table, view or schema.
    UnknownTable,
    /// No column of that name is in scope.
    UnknownColumn,
    /// A column name that fits more than one input.
    AmbiguousColumn,
    /// No such function, or not for these argument types.
    UnknownFunction,
    /// Several functions or operators fit these argument types equally.
    AmbiguousFunction,
    /// No cast between two types.
    CannotCast,
    /// A column outside an aggregate that is not grouped.
    Grouping,
    /// A window that overrides the one it refers to, or is defined twice.
    Windowing,
    /// A LIMIT that is negative.
    NegativeLimit,
    /// An OFFSET that is negative.
    NegativeOffset,
    /// Two tables, or two queries of WITH, of one name.
    DuplicateAlias,
    /// A column's number or a list of columns that does not fit what it is of.
    WrongColumns,
    /// Types that do not go together.
    TypeMismatch,
    /// A parameter whose type nothing tells.
    IndeterminateType,
    /// A text that does not read as the wanted type.
    InvalidText,
    /// A text that does not read as a date, a time or a span.
    InvalidDatetime,
    /// A date, a time or a span outside its type, or a part of one that is none: 30 February.
    DatetimeOverflow,
    /// A part of a span outside what it may be.
    IntervalOverflow,
    /// An offset from Greenwich that no clock has.
    InvalidOffset,
    /// A text that is no regular expression, or takes too long to match.
    InvalidPattern,
    /// A pattern that ends in its escape character, or an escape of several characters.
    Escape,
    /// An escape in a pattern where it may not stand.
    EscapeUse,
    /// Bytes that are no text in their encoding.
    InvalidBytes,
    /// A letter that an encoding or a type has not.
    Untranslatable,
    /// A bound of an array that it does not have.
    ArraySubscript,
    /// A NULL where a value must be.
    NullNotAllowed,
    /// A NULL in a column that takes none.
    NotNull,
    /// Two rows that are alike in a key.
    Unique,
    /// A row that a CHECK constraint does not let in.
    Check,
    /// A row that would be changed a second time by the same statement.
    ChangedTwice,
    /// No key of a table is the one that ON CONFLICT names.
    NoSuchKey,
    /// A table or view of that name is there already.
    DuplicateTable,
    /// Two columns of one name.
    DuplicateColumn,
    /// A table that cannot be as it is declared.
    InvalidTable,
    /// Something that others read and that would be dropped.
    StillUsed,
    /// A value beyond a limit of PostgreSQL's own.
    LimitReached,
    /// A value nested too deeply.
    TooDeep,
    /// A number outside its type.
    OutOfRange,
    /// A number divided by zero.
    DivisionByZero,
    /// A logarithm of zero or of a negative number.
    Logarithm,
    /// A power or a root that no real number is.
    Power,
    /// Buckets without a number or without bounds.
    WidthBucket,
    /// An offset of a window's frame that is negative or NULL.
    FrameOffset,
    /// A number of groups for `ntile` below one.
    Ntile,
    /// A row for `nth_value` below the first.
    NthValue,
    /// A share of a table's rows that is none.
    SampleSize,
    /// A text that does not fit its type.
    TextTooLong,
    /// Several rows of a subquery that stands for one value.
    SeveralRows,
    /// A setting, cursor or prepared statement that does not exist.
    UnknownObject,
    /// A value that a setting or parameter does not take.
    InvalidParameter,
    /// A name that stands for another kind of thing: a view where a table is wanted.
    WrongObject,
    /// SQL we do not have.
    NotSupported,
    /// A statement that would write.
    ReadOnly,
    /// Not allowed for this user, or on this server at all (files, network).
    Forbidden,
    /// `statement_timeout` ran out before the statement ended.
    Timeout,
    /// Cancelled by the user, the client or shutdown.
    Cancelled,
    /// The memory limit is reached.
    OutOfMemory,
    /// Another limit of the configuration is reached: disk for spilling.
    LimitExceeded,
    /// The disk for spilling is full, or cannot be written.
    DiskFull,
    /// The data is older than its contract allows.
    Stale,
    /// The source of a dataset failed, or there is none.
    Source,
    /// The lake cannot be read.
    Storage,
    /// A file of the lake is gone, or not what was written.
    Corrupted,
    /// A fault of this program, not of the statement.
    Internal,
}

/// What a fault is about, where it is a part of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// A second sentence: which row, which values.
    pub detail: Option<String>,
    /// The schema of the table.
    pub schema: Option<String>,
    /// The table that it is about.
    pub table: Option<String>,
    /// The column of that table.
    pub column: Option<String>,
    /// The constraint of that table.
    pub constraint: Option<String>,
}

/// Why a statement failed, for a front end to put into its protocol.
#[derive(Debug, Clone)]
pub struct QueryError {
    /// The kind of fault.
    pub kind: ErrorKind,
    /// One sentence, without the kind.
    pub message: String,
    /// What to do about it, when we know.
    pub hint: Option<String>,
    /// Where in the statement, in characters from 1.
    pub position: Option<usize>,
    /// The part of a table that it is about.
    pub about: Option<Box<About>>,
}

/// Bytes of a message that are worth a reader's time; a value that it quotes may be megabytes long.
const MESSAGE_BYTES_MAX: usize = 4_096;

impl QueryError {
    /// An error of a kind. Of a message that is longer than anybody reads, the beginning is kept.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.len() > MESSAGE_BYTES_MAX {
            message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
            message.push_str("...");
        }
        Self { kind, message, hint: None, position: None, about: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what it is about.
    #[must_use]
    pub fn with_about(mut self, about: About) -> Self {
        self.about = Some(Box::new(about));
        self
    }

    /// Names the nearest of `names` in the hint, when the error is about a table and says nothing better.
    pub(crate) fn suggest_table(self, names: impl Iterator<Item = String>) -> Self {
        if self.kind != ErrorKind::UnknownTable || self.hint.is_some() {
            return self;
        }
        let Some(wanted) = self.message.split('"').nth(1) else { return self };
        match nearest(wanted, names) {
            Some(name) => self.with_hint(format!("Perhaps you meant the table \"{name}\".")),
            None => self,
        }
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for QueryError {}

/// The name nearest to a wanted one, when it is near enough to be meant.
pub(crate) fn nearest(wanted: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let wanted = wanted.to_lowercase();
    let bare = wanted.rsplit('.').next().unwrap_or(&wanted);
    let scored = names.filter_map(|name| {
        let own = name.rsplit('.').next().unwrap_or(&name).to_lowercase();
        let score = strsim::jaro_winkler(bare, &own);
        (score >= 0.8).then_some((score, name))
    });
    scored.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}
