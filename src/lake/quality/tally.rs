//! Findings of one sort, each once with how often it was met, and no more of them than fit a record.

use super::kind::Severity;
use std::collections::{BTreeMap, BTreeSet};

/// Findings of one sort that a record holds at most; what goes beyond is counted in one row.
pub const ROWS_MAX: usize = 5_000;

/// A finding that can be met again.
pub(super) trait Record: Clone {
    /// What is the same of it each time.
    fn key(&self) -> String;

    /// The same in texts of bounded length.
    fn bounded(self) -> Self;

    /// Which findings stay longest when there are too many.
    fn weight(&self) -> Severity;

    /// What stands for those that are not listed one by one.
    fn omitted() -> Self;
}

/// Findings by their key.
#[derive(Debug, Clone)]
pub(super) struct Tally<T> {
    entries: BTreeMap<String, (T, u64)>,
}

impl<T> Default for Tally<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new() }
    }
}

impl<T: Record> Tally<T> {
    /// Counts a finding; its words replace earlier ones.
    pub(super) fn add(&mut self, finding: T, count: u64) {
        let mut listed = finding.bounded();
        let mut key = listed.key();
        if self.entries.len() >= ROWS_MAX && !self.entries.contains_key(&key) {
            listed = T::omitted();
            key = listed.key();
        }
        let entry = self.entries.entry(key).or_insert_with(|| (listed.clone(), 0));
        entry.0 = listed;
        entry.1 = entry.1.saturating_add(count);
    }

    pub(super) fn extend(&mut self, other: Self) {
        other.entries.into_values().for_each(|(finding, count)| self.add(finding, count));
    }

    /// Findings and their counts.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&T, u64)> {
        self.entries.values().map(|(finding, count)| (finding, *count))
    }

    /// The keys of all findings.
    pub(super) fn keys(&self) -> BTreeSet<String> {
        self.entries.keys().cloned().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How often something was met in all.
    pub(super) fn total(&self) -> u64 {
        self.entries.values().fold(0, |total, (_, count)| total.saturating_add(*count))
    }

    /// Key, finding and count of each, in the order of the keys.
    pub(super) fn into_entries(self) -> BTreeMap<String, (T, u64)> {
        self.entries
    }
}
