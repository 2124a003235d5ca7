//! What one column of a live event is called, holds and means: plain data, from which tables, datasets, the spool and
//! the catalog make their columns.

use chrono::{DateTime, NaiveDate, Utc};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Boolean,
    /// A calendar date.
    Date,
    /// A price, a ratio or another 64-bit float, never NaN.
    Double,
    /// A moment, UTC, to the microsecond.
    Instant,
    /// A size, a volume or another 64-bit integer.
    Integer,
    /// UTF-8 text.
    Text,
}

/// How a column's value is read from an event of type `E`; `None` is what the venue does not know.
#[derive(Debug)]
pub enum Read<E> {
    /// Reads a truth value.
    Boolean(fn(&E) -> Option<bool>),
    /// Reads a date.
    Date(fn(&E) -> Option<NaiveDate>),
    /// Reads a price or ratio.
    Double(fn(&E) -> Option<f64>),
    /// Reads a moment.
    Instant(fn(&E) -> Option<DateTime<Utc>>),
    /// Reads a size or volume.
    Integer(fn(&E) -> Option<i64>),
    /// Reads text.
    Text(fn(&E) -> Option<&str>),
}

/// One column that is particular to an event of type `E`. It is NULL where the venue does not know the value.
#[derive(Debug)]
pub struct Column<E> {
    /// Name in SQL.
    pub name: &'static str,
    /// Unit of its values; empty where they have none.
    pub unit: &'static str,
    /// What a value is, for people, without unit and full stop.
    pub comment: &'static str,
    /// How its value is read, which tells its type too.
    pub read: Read<E>,
    /// Whether it is computed from the other columns: tables in memory show it, the history does not keep it.
    pub computed: bool,
}

impl<E> Column<E> {
    /// A column of that name, unit and comment whose values the venue sends.
    pub const fn new(name: &'static str, unit: &'static str, comment: &'static str, read: Read<E>) -> Self {
        Self { name, unit, comment, read, computed: false }
    }

    /// What the column holds.
    pub fn kind(&self) -> Kind {
        match self.read {
            Read::Boolean(_) => Kind::Boolean,
            Read::Date(_) => Kind::Date,
            Read::Double(_) => Kind::Double,
            Read::Instant(_) => Kind::Instant,
            Read::Integer(_) => Kind::Integer,
            Read::Text(_) => Kind::Text,
        }
    }
}

/// A column of a table of events as the catalog tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDescription {
    /// Name in SQL.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// What a value is and its unit, one sentence for people.
    pub comment: String,
    /// Whether it is computed from the other columns.
    pub computed: bool,
}

impl ColumnDescription {
    /// A column that is never NULL, with the sentence as it is.
    pub(super) fn required(name: &'static str, kind: Kind, comment: &str) -> Self {
        Self { name, kind, nullable: false, comment: comment.to_owned(), computed: false }
    }

    /// A column that is NULL where the value is not known, with the sentence as it is.
    pub(super) fn optional(name: &'static str, kind: Kind, comment: &str) -> Self {
        Self { nullable: true, ..Self::required(name, kind, comment) }
    }

    /// The description of an event's own column.
    pub(super) fn of<E>(column: &Column<E>) -> Self {
        let comment = match column.unit {
            "" => format!("{}.", column.comment),
            unit => format!("{} ({unit}).", column.comment),
        };
        Self { computed: column.computed, ..Self::optional(column.name, column.kind(), &comment) }
    }
}
