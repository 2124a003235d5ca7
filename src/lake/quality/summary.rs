//! Doubts in a few words: how many there are of each severity, and the gravest of them. EXPLAIN FRESHNESS and the status
//! page tell them so.

use super::finding::Doubt;
use super::kind::Severity;
use super::record::Met;
use crate::lake::Scope;

/// How many doubts there are, and the gravest. Each is one row of `system.data_quality`, in however many rows it was met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DoubtSummary {
    /// Doubts that make results likely to be wrong.
    pub severe: u64,
    /// Doubts of values that may be wrong, or are not there.
    pub warning: u64,
    /// Doubts that are good to know, and no more.
    pub info: u64,
    /// The gravest; of those that are as grave, the one that was met last. `None` when there is no doubt.
    pub gravest: Option<Met<Doubt>>,
}

impl DoubtSummary {
    /// The doubts that concern these items: those about one of them, and those about the dataset as a whole.
    pub fn of(doubts: &[Met<Doubt>], scope: &Scope) -> Self {
        let mut summary = Self::default();
        let concerns = |met: &&Met<Doubt>| match (&met.what.symbol, scope.names()) {
            (Some(symbol), Some(names)) => names.contains(symbol),
            _ => true,
        };
        doubts.iter().filter(concerns).for_each(|met| summary.add(met));
        summary
    }

    fn add(&mut self, met: &Met<Doubt>) {
        let count = match met.what.severity {
            Severity::Severe => &mut self.severe,
            Severity::Warning => &mut self.warning,
            Severity::Info => &mut self.info,
        };
        *count = count.saturating_add(1);
        self.weigh(met);
    }

    fn weigh(&mut self, met: &Met<Doubt>) {
        let weight = |met: &Met<Doubt>| (met.what.severity, met.last_seen);
        if self.gravest.as_ref().is_none_or(|gravest| weight(gravest) < weight(met)) {
            self.gravest = Some(met.clone());
        }
    }

    /// Takes in the doubts of another dataset.
    pub fn join(&mut self, other: &Self) {
        self.severe = self.severe.saturating_add(other.severe);
        self.warning = self.warning.saturating_add(other.warning);
        self.info = self.info.saturating_add(other.info);
        other.gravest.iter().for_each(|met| self.weigh(met));
    }

    /// The severity of the gravest; `None` when there is no doubt.
    pub fn severity(&self) -> Option<Severity> {
        self.gravest.as_ref().map(|met| met.what.severity)
    }

    /// The numbers in words, those that are not 0: `1 severe, 2 warning`; `None` when there is no doubt.
    pub fn counts(&self) -> Option<String> {
        let all = [(Severity::Severe, self.severe), (Severity::Warning, self.warning), (Severity::Info, self.info)];
        let told = all.iter().filter(|(_, count)| *count > 0);
        let told: Vec<String> = told.map(|(severity, count)| format!("{count} {}", severity.name())).collect();
        (!told.is_empty()).then(|| told.join(", "))
    }

    /// The gravest in words, `AAPL outlier: ...`, without a symbol where it is about the dataset as a whole; `None` when
    /// there is no doubt.
    pub fn example(&self) -> Option<String> {
        let Doubt { symbol, kind, example, .. } = &self.gravest.as_ref()?.what;
        let symbol = symbol.as_ref().map(|symbol| format!("{symbol} ")).unwrap_or_default();
        Some(format!("{symbol}{}: {example}", kind.name()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::kind::DoubtKind;
    use super::*;
    use chrono::{DateTime, TimeDelta};

    fn met(doubt: Doubt, day: i64) -> Met<Doubt> {
        let seen = DateTime::UNIX_EPOCH + TimeDelta::days(day);
        Met { what: doubt, first_seen: seen, last_seen: seen, count: 7 }
    }

    fn doubts() -> Vec<Met<Doubt>> {
        vec![
            met(Doubt::about("A", DoubtKind::Gap, Severity::Warning, "one"), 1),
            met(Doubt::about("A", DoubtKind::Outlier, Severity::Severe, "two"), 0),
            met(Doubt::about("B", DoubtKind::Late, Severity::Warning, "three"), 2),
            met(Doubt::about("C", DoubtKind::Late, Severity::Info, "four"), 9),
            met(Doubt::of_dataset(DoubtKind::Absent, Severity::Warning, "five"), 1),
        ]
    }

    #[track_caller]
    fn check(scope: Scope, counts: Option<&str>, example: Option<&str>) {
        let summary = DoubtSummary::of(&doubts(), &scope);
        assert_eq!((summary.counts().as_deref(), summary.example().as_deref()), (counts, example));
    }

    #[test]
    fn doubts_are_those_of_the_items_and_of_the_whole() {
        check(Scope::All, Some("1 severe, 3 warning, 1 info"), Some("A outlier: two"));
        check(Scope::one("B"), Some("2 warning"), Some("B late: three"));
        check(Scope::one("C"), Some("1 warning, 1 info"), Some("absent: five"));
        check(Scope::one("D"), Some("1 warning"), Some("absent: five"));
        let none = DoubtSummary::of(&[], &Scope::All);
        assert_eq!((none.counts(), none.example(), none.severity()), (None, None, None));
    }

    #[test]
    fn several_datasets_are_one_sum_with_the_gravest_of_all() {
        let mut sum = DoubtSummary::of(&doubts(), &Scope::one("B"));
        sum.join(&DoubtSummary::default());
        sum.join(&DoubtSummary::of(&doubts(), &Scope::one("A")));
        assert_eq!(sum.counts().unwrap(), "1 severe, 4 warning");
        assert_eq!((sum.example().unwrap().as_str(), sum.severity()), ("A outlier: two", Some(Severity::Severe)));
    }
}
