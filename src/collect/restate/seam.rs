//! Where the bars of other sources end, such as imported ones, and those of a source begin: sessions that neither has, and
//! prices in another scale, are told.

use super::bars::{ByDay, date, day};
use crate::collect::findings::FindingsSink;
use crate::collect::universe::Held;
use crate::lake::quality::{Doubt, DoubtKind, Severity};
use crate::market::calendar::SessionDays;
use chrono::NaiveDate;

/// So many sessions in a row without a bar are more than a symbol that trades seldom.
const LONG_GAP: u32 = 5;
/// Closes of one date in two sources may differ so much, as a ratio: one takes the auction in, the other does not.
const SAME_SCALE: f64 = 0.01;
/// A close so many times the one before it is in another scale, where no date has a bar of both sources.
const JUMP: f64 = 1.8;
/// From here on what is computed across the seam is nonsense.
const SEVERE: f64 = 1.5;

/// Tells of the sessions without a bar between other sources' bars and the source's own.
pub(in crate::collect) fn tell_gap(symbol: &str, held: Held, findings: &FindingsSink) {
    let gap = held.own.zip(held.others).and_then(|(own, others)| gap(symbol, others.last, own.first));
    if let Some(gap) = gap {
        findings.doubt(gap, 1);
    }
}

/// The doubt about the sessions between two bars that have none.
fn gap(symbol: &str, after: NaiveDate, before: NaiveDate) -> Option<Doubt> {
    let sessions = SessionDays::of_equities().between(day(after).saturating_add(1), day(before));
    let severity = if sessions >= LONG_GAP { Severity::Warning } else { Severity::Info };
    let example = format!(
        "{sessions} sessions are without a bar between {after}, where other sources' bars end, and {before}, where the \
         source's begin"
    );
    (sessions > 0).then(|| Doubt::about(symbol, DoubtKind::Gap, severity, example))
}

/// Looks at the seam of a symbol whose history came as a whole: `others` are the last bars of other sources.
pub(super) fn judge(symbol: &str, others: &ByDay, own: &ByDay, findings: &FindingsSink) {
    let Some((&end, last)) = others.last_key_value() else { return };
    let next = own.range(end.saturating_add(1)..).next();
    let gap = next.and_then(|(&first, _)| gap(symbol, date(end), date(first)));
    let sessions = next.map_or(0, |(&first, _)| SessionDays::of_equities().between(end.saturating_add(1), first));
    // The import tells of gaps within its files.
    match gap {
        Some(gap) => findings.doubt(gap, 1),
        None => findings.is_over(DoubtKind::Gap, Some(symbol)),
    }
    let closes = others.iter().filter_map(|(day, other)| other.close().zip(own.get(day)?.close()));
    let closes: Vec<(f64, f64)> = closes.filter(|(other, own)| *other > 0.0 && *own > 0.0).collect();
    let told = match closes.is_empty() {
        false => scale_of(&closes).map(|ratio| {
            let on = others.keys().rev().find(|day| own.contains_key(day)).copied().unwrap_or(end);
            (ratio, format!("until {}, where other sources' bars end, the source's prices are {ratio:.6} times theirs", date(on)))
        }),
        true => next.filter(|_| sessions < LONG_GAP).and_then(|(&first, bar)| {
            let ratio = bar.close()? / last.close().filter(|close| *close > 0.0)?;
            let jumps = !(1.0 / JUMP..=JUMP).contains(&ratio);
            jumps.then(|| {
                let (from, to) = (date(end), date(first));
                (ratio, format!("from {from}, the last bar of other sources, to {to}, the source's first, the close goes {ratio:.6} times"))
            })
        }),
    };
    match told {
        None => findings.is_over(DoubtKind::Scale, Some(symbol)),
        Some((ratio, example)) => {
            let severe = !(1.0 / SEVERE..=SEVERE).contains(&ratio);
            let severity = if severe { Severity::Severe } else { Severity::Warning };
            findings.doubt(Doubt::about(symbol, DoubtKind::Scale, severity, example), 1);
        }
    }
}

/// The ratio of closes of the same dates, where they differ by one; `None` where the scale is the same, or differs from date
/// to date.
fn scale_of(closes: &[(f64, f64)]) -> Option<f64> {
    let sums = closes.iter().fold((0.0, 0.0), |sums, (other, own)| (sums.0 + other, sums.1 + own));
    let ratio = sums.1 / sums.0;
    let constant = closes.iter().all(|(other, own)| (own / other / ratio - 1.0).abs() <= SAME_SCALE);
    (constant && (ratio - 1.0).abs() > SAME_SCALE).then_some(ratio)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::bars::Values;
    use super::*;

    fn bars(bars: &[(&str, f64)]) -> ByDay {
        let of = |close: f64| Values { prices: [Some(close); 4], volume: Some(1) };
        bars.iter().map(|(date, close)| (day(date.parse().unwrap()), of(*close))).collect()
    }

    fn told(others: &[(&str, f64)], own: &[(&str, f64)]) -> Vec<(DoubtKind, Severity, String)> {
        let findings = FindingsSink::default();
        judge("A", &bars(others), &bars(own), &findings);
        let findings = findings.take();
        findings.doubts().map(|(doubt, _)| (doubt.kind, doubt.severity, doubt.example.clone())).collect()
    }

    const OTHERS: [(&str, f64); 3] = [("2026-01-05", 100.0), ("2026-01-06", 102.0), ("2026-01-07", 101.0)];

    #[test]
    fn a_seam_without_a_fault_is_silent() {
        assert_eq!(told(&OTHERS, &[("2026-01-07", 101.2), ("2026-01-08", 103.0)]), []);
        assert_eq!(told(&OTHERS, &[("2026-01-08", 103.0)]), []);
        assert_eq!(told(&[], &[("2026-01-08", 103.0)]), []);
        assert_eq!(told(&OTHERS, &[]), []);
    }

    #[test]
    fn sessions_that_neither_has_are_a_gap() {
        let told = told(&OTHERS, &[("2026-01-20", 103.0)]);
        assert_eq!((told.len(), told[0].0, told[0].1), (1, DoubtKind::Gap, Severity::Warning));
        assert!(told[0].2.starts_with("7 sessions are without a bar between 2026-01-07, "), "{told:?}");
    }

    #[test]
    fn another_scale_is_told_with_its_ratio() {
        let overlapping = told(&OTHERS, &[("2026-01-06", 10.2), ("2026-01-07", 10.1), ("2026-01-08", 10.3)]);
        assert_eq!((overlapping.len(), overlapping[0].0, overlapping[0].1), (1, DoubtKind::Scale, Severity::Severe));
        assert!(
            overlapping[0].2.contains("2026-01-07") && overlapping[0].2.contains("0.100000 times"),
            "{overlapping:?}"
        );
        let adjacent = told(&OTHERS, &[("2026-01-08", 10.3)]);
        assert_eq!((adjacent.len(), adjacent[0].0), (1, DoubtKind::Scale));
        let slightly = told(&OTHERS, &[("2026-01-06", 104.04), ("2026-01-07", 103.02)]);
        assert_eq!(slightly[0].1, Severity::Warning);
    }
}
