//! Whether the rows of a symbol are days at all. Headers are not asked: intraday bars have several rows a day, and weekly
//! or monthly ones stand a week or a month apart.

use super::date;
use super::series::{Series, Settled};

/// Rows that tell how far apart they stand; fewer may stand so by chance.
const SPACED_ROWS_MIN: usize = 4;
/// Part of the distances that is of one kind, in percent: holidays and missing bars make the others.
const OF_ONE_KIND_PERCENT: usize = 80;

/// Kinds of bars that are longer than a day, by the days from one to the next.
const LONGER: [(&str, &str, std::ops::RangeInclusive<i32>); 4] = [
    ("weekly", "week", 5..=9),
    ("monthly", "month", 26..=35),
    ("quarterly", "quarter", 80..=100),
    ("yearly", "year", 350..=380),
];

/// Why the settled rows of a symbol are no daily bars; `None` where they may be.
pub(super) fn not_daily(series: &Series, settled: &Settled) -> Option<String> {
    let symbol = &series.symbol;
    if let Some(day) = settled.two_times {
        let day = date::text(day);
        return Some(format!("{symbol} has rows at several times on {day}: intraday bars are not imported"));
    }
    if let Some(day) = settled.several_a_day(series.days.len()) {
        let day = date::text(day);
        return Some(format!("{symbol} has several rows on most days, as on {day}: intraday bars are not imported"));
    }
    let (kind, span, _) = LONGER.iter().find(|(_, _, distances)| is_spaced(series, distances))?;
    Some(format!("{symbol} has rows a {span} apart: {kind} bars are not imported"))
}

fn is_spaced(series: &Series, distances: &std::ops::RangeInclusive<i32>) -> bool {
    let pairs = || series.days.iter().zip(series.days.iter().skip(1));
    // Almost all files are daily, which the first rows tell.
    let (seen, all) = (|| pairs().map(|(one, next)| next.day - one.day), series.days.len().saturating_sub(1));
    let others_max = all - all * OF_ONE_KIND_PERCENT / 100;
    series.days.len() >= SPACED_ROWS_MIN
        && seen().filter(|distance| !distances.contains(distance)).nth(others_max).is_none()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::series::Day;
    use super::*;

    fn series(days: impl IntoIterator<Item = i32>) -> Series {
        let day = |day| Day { day, close: Some(1.0), ..Day::default() };
        Series { symbol: "A".to_owned(), days: days.into_iter().map(day).collect() }
    }

    fn reason(days: impl IntoIterator<Item = i32>) -> Option<String> {
        let mut series = series(days);
        let settled = series.settle();
        not_daily(&series, &settled)
    }

    #[test]
    fn longer_bars_are_told_by_their_spacing() {
        let weekly = "A has rows a week apart: weekly bars are not imported";
        assert_eq!(reason((0..20).map(|week| week * 7)).as_deref(), Some(weekly));
        assert_eq!(reason([0, 7, 13, 21, 28, 42, 49, 56, 63]).as_deref(), Some(weekly), "with holidays and a gap");
        let months = [0, 31, 59, 90, 120, 151, 181, 212];
        assert!(reason(months).unwrap().contains("monthly"));
        assert!(reason((0..6).map(|quarter| quarter * 91)).unwrap().contains("quarterly"));
        assert!(reason((0..6).map(|year| year * 365)).unwrap().contains("yearly"));
    }

    #[test]
    fn days_with_gaps_are_days() {
        assert_eq!(reason([0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 14]), None);
        assert_eq!(reason([0, 7, 14]), None, "three rows may stand so by chance");
        assert_eq!(reason([0, 7, 8, 9, 15, 21, 22, 40, 47]), None, "a symbol that trades seldom");
        assert_eq!(reason([0, 7, 14, 21, 22, 23, 24, 25]), None);
        assert_eq!(reason([]), None);
    }
}
