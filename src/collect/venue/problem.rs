//! What is wrong with single rows and fields of an answer that is readable as a whole. Parsers note it, fetches tell it with
//! the rows: it makes no item fail.

use crate::lake::quality::{Doubt, DoubtKind, Findings, Rejected, Severity};

/// What was wrong with the rows of one answer.
#[derive(Debug)]
pub(crate) struct Problems {
    source: &'static str,
    location: &'static str,
    pub(crate) findings: Findings,
}

impl Problems {
    /// Nothing yet, of an answer of that source and endpoint.
    pub(crate) fn of(source: &'static str, location: &'static str) -> Self {
        Self { source, location, findings: Findings::default() }
    }

    /// Notes a field beside the key that does not read and is NULL.
    pub(crate) fn note(&mut self, item: &str, reason: impl Into<String>) {
        self.doubt(item, DoubtKind::MissingValue, reason);
    }

    /// Notes something doubtful of an item's rows, which are taken.
    pub(crate) fn doubt(&mut self, item: &str, kind: DoubtKind, example: impl Into<String>) {
        self.findings.doubt(Doubt::about(item, kind, Severity::Warning, example), 1);
    }

    /// Notes a row that cannot be taken, because its key does not read or its values cannot be.
    pub(crate) fn reject(&mut self, item: &str, text: impl Into<String>, reason: impl Into<String>) {
        let reason = reason.into();
        self.doubt(item, DoubtKind::Rejected, reason.clone());
        self.findings.reject(Rejected {
            source: self.source.to_owned(),
            location: self.location.to_owned(),
            line: None,
            symbol: Some(item.to_owned()),
            text: text.into(),
            reason,
        });
    }

    /// What was noted: symbol, kind and last words of each doubt.
    #[cfg(test)]
    pub(crate) fn told(&self) -> Vec<String> {
        let told = |doubt: &Doubt| {
            format!("{} {}: {}", doubt.symbol.as_deref().unwrap_or_default(), doubt.kind.name(), doubt.example)
        };
        self.findings.doubts().map(|(doubt, _)| told(doubt)).collect()
    }

    /// Notes list members that are no rows at all; `broken` holds the start of each.
    pub(crate) fn reject_broken(&mut self, item: &str, broken: Vec<String>) {
        for text in broken {
            let reason = format!("{text} is no such row");
            self.reject(item, text, reason);
        }
    }
}
