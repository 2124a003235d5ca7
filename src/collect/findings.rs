//! Where a source tells what is wrong with the rows that it brings. The refresh records it, however the fetch ends.

use crate::lake::quality::{Doubt, DoubtKind, Findings, Rejected};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The findings of one refresh so far. Cheap to clone: all clones gather into one.
#[derive(Debug, Clone, Default)]
pub struct FindingsSink(
    /// Held for an insertion or a look, never across an await.
    Arc<Mutex<Findings>>,
);

impl FindingsSink {
    /// Tells of a row that is not taken.
    pub fn reject(&self, rejected: Rejected) {
        self.findings().reject(rejected);
    }

    /// Tells of a doubt about so many rows.
    pub fn doubt(&self, doubt: Doubt, count: u64) {
        self.findings().doubt(doubt, count);
    }

    /// Tells that an earlier doubt of a kind is no longer true, of a symbol or of all; see [`Findings::is_over`].
    pub fn is_over(&self, kind: DoubtKind, symbol: Option<&str>) {
        self.findings().is_over(kind, symbol);
    }

    /// Tells all that somebody else has gathered.
    pub fn extend(&self, findings: Findings) {
        self.findings().extend(findings);
    }

    /// How many rows of a symbol were rejected so far.
    pub fn rejected_of(&self, symbol: &str) -> u64 {
        let findings = self.findings();
        let rejected = findings
            .doubts()
            .filter(|(doubt, _)| doubt.kind == DoubtKind::Rejected && doubt.symbol.as_deref() == Some(symbol));
        rejected.map(|(_, count)| count).sum()
    }

    /// Takes what was told so far.
    pub fn take(&self) -> Findings {
        std::mem::take(&mut self.findings())
    }

    fn findings(&self) -> MutexGuard<'_, Findings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
