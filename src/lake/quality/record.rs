//! What is known to be wrong with a dataset: findings of all refreshes and imports, with when each was met.

use super::finding::{Doubt, Findings, Rejected};
use super::kind::{DoubtKind, Severity};
use super::tally::{ROWS_MAX, Record, Tally};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How long a finding stays after it was met last.
pub const KEPT_FOR: TimeDelta = TimeDelta::days(30);

/// A finding, and when and how often it was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Met<T> {
    /// The finding in its last words.
    #[serde(flatten)]
    pub what: T,
    /// When it was met first.
    pub first_seen: DateTime<Utc>,
    /// When it was met last.
    pub last_seen: DateTime<Utc>,
    /// How many rows it was met in, over all refreshes and imports.
    pub count: u64,
}

/// The record of one dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quality {
    /// Rows that were rejected.
    #[serde(default)]
    pub rejected: Vec<Met<Rejected>>,
    /// Doubts about rows that were kept.
    #[serde(default)]
    pub doubts: Vec<Met<Doubt>>,
}

impl Quality {
    /// What is known where the record cannot be read: just that.
    pub fn unreadable(reason: &str, now: DateTime<Utc>) -> Self {
        let what = Doubt::of_dataset(DoubtKind::Unreadable, Severity::Severe, reason);
        Self { rejected: Vec::new(), doubts: vec![Met { what, first_seen: now, last_seen: now, count: 1 }] }
    }

    /// Takes findings in, and forgets what was not met for long.
    pub(super) fn take(&mut self, findings: Findings, now: DateTime<Utc>) {
        let told = |doubt: &Doubt, kind: DoubtKind, symbol: &Option<String>| {
            doubt.kind == kind && (symbol.is_none() || doubt.symbol == *symbol)
        };
        let again = findings.doubts.keys();
        self.doubts.retain(|met| {
            let is_over = findings.over.iter().any(|(kind, symbol)| told(&met.what, *kind, symbol));
            !is_over || again.contains(&met.what.key())
        });
        merge(&mut self.rejected, findings.rejected, now);
        merge(&mut self.doubts, findings.doubts, now);
    }
}

/// Adds findings to those that are known, forgets old ones, and keeps no more than fit.
fn merge<T: Record>(known: &mut Vec<Met<T>>, findings: Tally<T>, now: DateTime<Utc>) {
    known.retain(|met| now - met.last_seen <= KEPT_FOR);
    let mut findings = findings.into_entries();
    for met in known.iter_mut() {
        if let Some((what, count)) = findings.remove(&met.what.key()) {
            *met = Met { what, first_seen: met.first_seen, last_seen: now, count: met.count.saturating_add(count) };
        }
    }
    let new = findings.into_values();
    known.extend(new.map(|(what, count)| Met { what, first_seen: now, last_seen: now, count }));
    if known.len() > ROWS_MAX {
        known.sort_by_key(|met| (std::cmp::Reverse(met.what.weight()), std::cmp::Reverse(met.last_seen)));
        // One place is for what stands for the others.
        let surplus = known.split_off(ROWS_MAX - 1);
        let count = surplus.iter().fold(0_u64, |count, met| count.saturating_add(met.count));
        let mut omitted = Tally::default();
        omitted.add(T::omitted(), count);
        merge(known, omitted, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(line: u64, text: &str) -> Rejected {
        Rejected {
            source: "metastock".to_owned(),
            location: "acme.csv".to_owned(),
            line: Some(line),
            symbol: Some("ACME".to_owned()),
            text: text.to_owned(),
            reason: "\"-\" is no close".to_owned(),
        }
    }

    fn at(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(day)
    }

    #[test]
    fn what_is_met_again_is_one_row() {
        let mut quality = Quality::default();
        for day in 0..3 {
            let mut findings = Findings::default();
            findings.reject(rejected(7, &format!("day {day}")));
            findings.doubt(Doubt::about("ACME", DoubtKind::Gap, Severity::Warning, format!("gap {day}")), 2);
            quality.take(findings, at(day));
        }
        assert_eq!(
            quality.rejected,
            [Met { what: rejected(7, "day 2"), first_seen: at(0), last_seen: at(2), count: 3 }]
        );
        let gap = Doubt::about("ACME", DoubtKind::Gap, Severity::Warning, "gap 2");
        assert_eq!(quality.doubts, [Met { what: gap, first_seen: at(0), last_seen: at(2), count: 6 }]);
        quality.take(Findings::default(), at(33));
        assert_eq!(quality, Quality::default(), "thirty days later it is forgotten");
    }

    #[test]
    fn a_doubt_that_is_over_goes_unless_it_is_told_again() {
        let doubt = |symbol| Doubt::about(symbol, DoubtKind::Late, Severity::Warning, "no bar of 2026-01-05");
        let mut quality = Quality::default();
        let mut findings = Findings::default();
        ["A", "B", "C"].into_iter().for_each(|symbol| findings.doubt(doubt(symbol), 1));
        findings.doubt(Doubt::about("A", DoubtKind::Gap, Severity::Info, ""), 1);
        quality.take(findings, at(0));
        let mut findings = Findings::default();
        findings.is_over(DoubtKind::Late, None);
        findings.doubt(doubt("B"), 1);
        quality.take(findings, at(1));
        let left: Vec<_> =
            quality.doubts.iter().map(|met| (met.what.symbol.as_deref(), met.what.kind, met.count)).collect();
        assert_eq!(left, [(Some("A"), DoubtKind::Gap, 1), (Some("B"), DoubtKind::Late, 2)]);
        let mut findings = Findings::default();
        findings.is_over(DoubtKind::Gap, Some("B"));
        findings.is_over(DoubtKind::Late, Some("B"));
        quality.take(findings, at(1));
        assert_eq!(quality.doubts.len(), 1);
    }

    #[test]
    fn a_record_is_bounded_and_says_what_it_leaves_out() {
        let mut quality = Quality::default();
        for round in 0..2 {
            let mut findings = Findings::default();
            for line in 0..ROWS_MAX as u64 + 10 {
                findings.reject(rejected(round * 1_000_000 + line, &"x\0é".repeat(1000)));
            }
            assert_eq!(findings.rejected_rows(), ROWS_MAX as u64 + 10);
            quality.take(findings, at(0));
        }
        assert!((ROWS_MAX - 2..=ROWS_MAX).contains(&quality.rejected.len()), "{}", quality.rejected.len());
        let count: u64 = quality.rejected.iter().map(|met| met.count).sum();
        assert_eq!(count, 2 * (ROWS_MAX as u64 + 10), "every row is counted");
        let omitted: Vec<_> = quality.rejected.iter().filter(|met| met.what.location.is_empty()).collect();
        assert_eq!((omitted.len(), omitted[0].count), (1, count - (quality.rejected.len() as u64 - 1)));
        assert!(quality.rejected.iter().all(|met| met.what.text.len() < 2000 && !met.what.text.contains('\0')));
    }

    #[test]
    fn a_record_of_a_later_version_can_be_read() {
        let text = r#"{"doubts":[{"symbol":null,"kind":"of_the_future","severity":"info","example":"x","new":1,
            "first_seen":"2026-01-05T00:00:00Z","last_seen":"2026-01-05T00:00:00Z","count":1}]}"#;
        let quality: Result<Quality, _> = serde_json::from_str(text);
        assert!(quality.is_ok_and(|quality| quality.doubts[0].what.kind == DoubtKind::Other));
    }
}
