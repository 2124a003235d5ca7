//! What a doubt is about, and how grave it is.

use serde::{Deserialize, Serialize};

/// What is odd about rows that were kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoubtKind {
    /// Rows that were held are not in an answer that should have all.
    Absent,
    /// The exchange's calendar, and rows or another calendar, disagree about a session.
    Calendar,
    /// A bid above the ask.
    Crossed,
    /// Several rows of one key, of which one was kept; or two securities under one symbol.
    Duplicate,
    /// Sessions without a row between others that have one.
    Gap,
    /// A row of a session that is expected is not there yet.
    Late,
    /// A bid equal to the ask.
    Locked,
    /// A value that is not there or does not read, and is NULL.
    MissingValue,
    /// A change beyond what is plausible, or a value that cannot be.
    Outlier,
    /// An open or close outside of low to high.
    OutsideRange,
    /// Rows were rejected; `system.rejected_rows` has them.
    Rejected,
    /// History came with other values than before, as after a split.
    Restated,
    /// The prices of two sources differ by a factor where one ends and the other begins.
    Scale,
    /// Nothing has come for longer than is usual.
    Stale,
    /// An answer was cut at a limit.
    Truncated,
    /// A symbol that no list or vendor knows.
    UnknownSymbol,
    /// The record itself cannot be read.
    Unreadable,
    /// More doubts than are listed one by one.
    NotListed,
    /// A kind that a later version of the program wrote.
    #[serde(other)]
    Other,
}

impl DoubtKind {
    /// The word in `system.data_quality`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Calendar => "calendar",
            Self::Crossed => "crossed",
            Self::Duplicate => "duplicate",
            Self::Gap => "gap",
            Self::Late => "late",
            Self::Locked => "locked",
            Self::MissingValue => "missing_value",
            Self::Outlier => "outlier",
            Self::OutsideRange => "outside_range",
            Self::Rejected => "rejected",
            Self::Restated => "restated",
            Self::Scale => "scale",
            Self::Stale => "stale",
            Self::Truncated => "truncated",
            Self::UnknownSymbol => "unknown_symbol",
            Self::Unreadable => "unreadable",
            Self::NotListed => "not_listed",
            Self::Other => "other",
        }
    }
}

/// How grave a doubt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know, and nothing to be done about it.
    Info,
    /// A value may be wrong, or is not there.
    Warning,
    /// Results made of these rows are likely to be wrong.
    Severe,
}

impl Severity {
    /// The word in `system.data_quality`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Severe => "severe",
        }
    }
}
