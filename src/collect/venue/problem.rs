//! What is wrong with single rows of an answer that is readable as a whole. Parsers note it, fetches report it by item.

use crate::collect::fetch::FailedItem;
use std::collections::BTreeMap;

/// What was wrong with the rows of an answer, by item.
#[derive(Debug, Default)]
pub(crate) struct Problems(BTreeMap<String, Vec<String>>);

/// How many faults of one item are told.
const FAULTS_TOLD_MAX: usize = 3;

impl Problems {
    /// Notes what is wrong with an item.
    pub(crate) fn note(&mut self, item: &str, reason: impl Into<String>) {
        self.0.entry(item.to_owned()).or_default().push(reason.into());
    }

    /// Notes list members that could not be read.
    pub(crate) fn note_broken(&mut self, item: &str, broken: usize) {
        if broken > 0 {
            self.note(item, format!("{broken} unreadable rows"));
        }
    }

    /// One failed item per item with a fault.
    pub(crate) fn into_failed(self) -> Vec<FailedItem> {
        let told = |(item, faults): (String, Vec<String>)| {
            let more = faults.len().saturating_sub(FAULTS_TOLD_MAX);
            let mut reason = faults.into_iter().take(FAULTS_TOLD_MAX).collect::<Vec<_>>().join("; ");
            if more > 0 {
                reason.push_str(&format!("; and {more} more"));
            }
            FailedItem { item, reason }
        };
        self.0.into_iter().map(told).collect()
    }
}
