//! What somebody who brings rows finds wrong, before it is recorded.

use super::kind::{DoubtKind, Severity};
use super::tally::{Record, Tally};
use serde::{Deserialize, Serialize};

/// Characters that are kept of a text: enough to recognise the row, and too few to fill a disk.
const TEXT_CHARS: usize = 200;

/// A row that a file or an answer has and the table does not take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The source, as in the column `source` of `eod` or in `[source.NAME]`.
    pub source: String,
    /// The file, or the endpoint of a vendor.
    pub location: String,
    /// Line of a text file, record of a binary one, or place in an answer, from 1. `None` where it says nothing: a row
    /// that is rejected at each refresh is one finding only as long as its line stays the same.
    pub line: Option<u64>,
    /// The symbol of the row, where it could be read.
    pub symbol: Option<String>,
    /// The row as it came.
    pub text: String,
    /// Why it was rejected, one clear sentence.
    pub reason: String,
}

/// Something odd about rows that were kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// The symbol (or page, or underlying) it is about; `None` for the dataset as a whole.
    pub symbol: Option<String>,
    /// What is odd about it.
    pub kind: DoubtKind,
    /// How grave it is.
    pub severity: Severity,
    /// One case in words: the date, the values, what is wrong with them.
    pub example: String,
}

impl Doubt {
    /// A doubt about one symbol.
    pub fn about(symbol: &str, kind: DoubtKind, severity: Severity, example: impl Into<String>) -> Self {
        Self { symbol: Some(symbol.to_owned()), kind, severity, example: example.into() }
    }

    /// A doubt about the dataset as a whole.
    pub fn of_dataset(kind: DoubtKind, severity: Severity, example: impl Into<String>) -> Self {
        Self { symbol: None, kind, severity, example: example.into() }
    }
}

impl Record for Rejected {
    fn key(&self) -> String {
        let line = self.line.map(|line| line.to_string()).unwrap_or_default();
        let symbol = self.symbol.as_deref().unwrap_or_default();
        [&self.source, &self.location, line.as_str(), symbol, &self.reason].join("\u{1f}")
    }

    fn bounded(self) -> Self {
        Self {
            source: cut(&self.source),
            location: cut(&self.location),
            line: self.line,
            symbol: self.symbol.as_deref().map(cut),
            text: cut(&self.text),
            reason: cut(&self.reason),
        }
    }

    fn weight(&self) -> Severity {
        if *self == Self::omitted() { Severity::Severe } else { Severity::Warning }
    }

    fn omitted() -> Self {
        Self { reason: "further rejected rows, which are not listed one by one".to_owned(), ..Self::default() }
    }
}

impl Record for Doubt {
    fn key(&self) -> String {
        [self.kind.name(), self.symbol.as_deref().unwrap_or_default()].join("\u{1f}")
    }

    fn bounded(self) -> Self {
        Self { symbol: self.symbol.as_deref().map(cut), example: cut(&self.example), ..self }
    }

    fn weight(&self) -> Severity {
        if self.kind == DoubtKind::NotListed { Severity::Severe } else { self.severity }
    }

    fn omitted() -> Self {
        let example = "further doubts, which are not listed one by one";
        Self::of_dataset(DoubtKind::NotListed, Severity::Warning, example)
    }
}

/// A text of no more than [`TEXT_CHARS`], without control characters, which no client could be sent.
fn cut(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(TEXT_CHARS));
    for (index, character) in text.chars().enumerate() {
        if index == TEXT_CHARS {
            shown.push('…');
            break;
        }
        if character.is_control() { shown.extend(character.escape_default()) } else { shown.push(character) }
    }
    shown
}

/// What one refresh or import finds wrong. Bounded like the record it goes into, however much is wrong.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    pub(super) rejected: Tally<Rejected>,
    pub(super) doubts: Tally<Doubt>,
    pub(super) over: Vec<(DoubtKind, Option<String>)>,
}

impl Findings {
    /// Adds a row that was rejected.
    pub fn reject(&mut self, rejected: Rejected) {
        self.rejected.add(rejected, 1);
    }

    /// Adds rows that were rejected without being kept one by one; `rejected` speaks for all of them.
    pub fn reject_many(&mut self, rejected: Rejected, count: u64) {
        self.rejected.add(rejected, count);
    }

    /// Adds a doubt about so many rows. What is told again of the same symbol and kind counts further; its words are the
    /// last ones.
    pub fn doubt(&mut self, doubt: Doubt, count: u64) {
        self.doubts.add(doubt, count);
    }

    /// Says that an earlier doubt of a kind is no longer true, of a symbol or of all, unless it is among these findings
    /// again.
    pub fn is_over(&mut self, kind: DoubtKind, symbol: Option<&str>) {
        self.over.push((kind, symbol.map(str::to_owned)));
    }

    /// Takes those of another in.
    pub fn extend(&mut self, other: Self) {
        self.rejected.extend(other.rejected);
        self.doubts.extend(other.doubts);
        self.over.extend(other.over);
    }

    /// Whether there is nothing to record.
    pub fn is_empty(&self) -> bool {
        self.rejected.is_empty() && self.doubts.is_empty() && self.over.is_empty()
    }

    /// The doubts, each with the number of rows it is about.
    pub fn doubts(&self) -> impl Iterator<Item = (&Doubt, u64)> {
        self.doubts.iter()
    }

    /// The rows that were rejected, each with how often it was met.
    pub fn rejected(&self) -> impl Iterator<Item = (&Rejected, u64)> {
        self.rejected.iter()
    }

    /// How many rows were rejected.
    pub fn rejected_rows(&self) -> u64 {
        self.rejected.total()
    }
}
