//! Rows of one file that are not imported, each with its reason as long as there are not too many.

use crate::lake::quality::{Findings, Rejected};

/// Rows of one file that are listed with line, text and reason; the others are counted.
const LISTED_MAX: usize = 100;
/// Bytes of a row that are kept at most.
const TEXT_BYTES: usize = 800;

/// One row, or several that have one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadRow {
    /// Line of a text file or record of a binary one, from 1; `None` for several rows.
    pub(super) line: Option<u64>,
    pub(super) symbol: Option<String>,
    pub(super) text: String,
    pub(super) reason: String,
    pub(super) count: u64,
}

/// The rejected rows of one file.
#[derive(Debug, Default)]
pub(super) struct BadRows {
    pub(super) listed: Vec<BadRow>,
    pub(super) count: u64,
}

impl BadRows {
    /// Adds one row with its reason.
    pub(super) fn add(&mut self, line: u64, symbol: Option<&str>, text: &[u8], reason: String) {
        self.count += 1;
        if self.listed.len() < LISTED_MAX {
            let text = String::from_utf8_lossy(text.get(..TEXT_BYTES).unwrap_or(text)).into_owned();
            self.listed.push(BadRow { line: Some(line), symbol: symbol.map(str::to_owned), text, reason, count: 1 });
        }
    }

    /// Adds rows of one symbol, or of a file, that have one reason.
    pub(super) fn add_all(&mut self, symbol: Option<&str>, reason: String, count: u64) {
        self.count += count;
        if self.listed.len() < LISTED_MAX {
            let symbol = symbol.map(str::to_owned);
            self.listed.push(BadRow { line: None, symbol, text: String::new(), reason, count });
        }
    }

    /// Tells of them as rows of a file.
    pub(super) fn tell(self, source: &str, file: &str, findings: &mut Findings) {
        let listed: u64 = self.listed.iter().map(|row| row.count).sum();
        let rejected = |row: BadRow| Rejected {
            source: source.to_owned(),
            location: file.to_owned(),
            line: row.line,
            symbol: row.symbol,
            text: row.text,
            reason: row.reason,
        };
        for row in self.listed {
            let count = row.count;
            findings.reject_many(rejected(row), count);
        }
        if self.count > listed {
            let reason = "further rows of this file, which are not listed one by one".to_owned();
            let row = BadRow { line: None, symbol: None, text: String::new(), reason, count: 0 };
            findings.reject_many(rejected(row), self.count - listed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_beyond_the_listed_ones_are_counted() {
        let (mut rows, mut findings) = (BadRows::default(), Findings::default());
        for line in 1..=250 {
            rows.add(line, Some("A"), b"\xff, ", "no date".to_owned());
        }
        rows.add_all(None, "rows of period I".to_owned(), 1000);
        assert_eq!((rows.listed.len(), rows.count), (LISTED_MAX, 1250));
        rows.tell("metastock", "a.csv", &mut findings);
        assert_eq!(findings.rejected_rows(), 1250);
    }
}
