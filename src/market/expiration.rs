//! Option expiration dates by rule, and what kind of expiration a date is.
//!
//! Where a listed chain is at hand it is authoritative; the rules label history and serve the simulated venue.

use crate::market::calendar;
use chrono::{Datelike, Days, NaiveDate, Weekday};

/// Which series an expiration belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExpirationKind {
    /// The monthly: third Friday, or the Thursday before it when that Friday is a holiday.
    Regular,
    /// Last session of March, June, September or December.
    Quarterly,
    /// Last session of another month.
    EndOfMonth,
    /// Any other session, Fridays above all.
    Weekly,
}

impl ExpirationKind {
    /// The label the vendor gives it, such as `End-Of-Month`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Regular => "Regular",
            Self::Quarterly => "Quarterly",
            Self::EndOfMonth => "End-Of-Month",
            Self::Weekly => "Weekly",
        }
    }

    /// The kind of a vendor's label.
    pub fn from_label(label: &str) -> Option<Self> {
        [Self::Regular, Self::Quarterly, Self::EndOfMonth, Self::Weekly].into_iter().find(|kind| kind.label() == label)
    }
}

/// What kind of expiration a date would be; `None` when it is no session.
/// Where several coincide the order is Regular, Quarterly, End-Of-Month, Weekly.
pub fn kind(date: NaiveDate) -> Option<ExpirationKind> {
    calendar::session(date)?;
    if monthly(date.year(), date.month()) == Some(date) {
        return Some(ExpirationKind::Regular);
    }
    let last = calendar::last_session_of_month(date.year(), date.month())?;
    Some(match (last.date == date, date.month() % 3) {
        (true, 0) => ExpirationKind::Quarterly,
        (true, _) => ExpirationKind::EndOfMonth,
        (false, _) => ExpirationKind::Weekly,
    })
}

/// The monthly expiration: the third Friday, or the session before it when that is a holiday.
/// `None` when there is no such month. (Before February 2015 the formal date was the Saturday after.)
pub fn monthly(year: i32, month: u32) -> Option<NaiveDate> {
    NaiveDate::from_weekday_of_month_opt(year, month, Weekday::Fri, 3).map(on_or_before)
}

/// The VIX expiration of a month: 30 days before the third Friday of the following month.
pub fn vix_monthly(year: i32, month: u32) -> Option<NaiveDate> {
    let next = NaiveDate::from_ymd_opt(year, month, 1)?.checked_add_months(chrono::Months::new(1))?;
    let friday = NaiveDate::from_weekday_of_month_opt(next.year(), next.month(), Weekday::Fri, 3)?;
    friday.checked_sub_days(Days::new(30)).map(on_or_before)
}

/// The Friday expirations of a span, both ends included, monthlies among them, oldest first.
/// A Friday that is a holiday gives the session before it.
pub fn fridays(from: NaiveDate, to: NaiveDate) -> Vec<NaiveDate> {
    let to_friday = (5 + 7 - from.weekday().number_from_monday()) % 7;
    let first = from.checked_add_days(Days::new(u64::from(to_friday))).unwrap_or(NaiveDate::MAX);
    first
        .iter_weeks()
        .take_while(|friday| on_or_before(*friday) <= to)
        .map(on_or_before)
        .filter(|date| *date >= from)
        .collect()
}

/// Calendar days from today's Eastern date to the expiration, 0 on the day; negative once it is past.
pub fn days_left(today: NaiveDate, expiration: NaiveDate) -> i64 {
    (expiration - today).num_days()
}

/// Sessions after today's up to the expiration's own; 0 on the day and after it.
pub fn sessions_left(today: NaiveDate, expiration: NaiveDate) -> usize {
    let tomorrow = today.succ_opt().unwrap_or(today);
    calendar::sessions(tomorrow, expiration).len()
}

fn on_or_before(date: NaiveDate) -> NaiveDate {
    match calendar::session(date) {
        Some(session) => session.date,
        None => calendar::previous_session(date).date,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MONTHLIES: [(i32, &str); 8] = [
        (2020, "01-17 02-21 03-20 04-17 05-15 06-19 07-17 08-21 09-18 10-16 11-20 12-18"),
        (2021, "01-15 02-19 03-19 04-16 05-21 06-18 07-16 08-20 09-17 10-15 11-19 12-17"),
        (2022, "01-21 02-18 03-18 04-14 05-20 06-17 07-15 08-19 09-16 10-21 11-18 12-16"),
        (2023, "01-20 02-17 03-17 04-21 05-19 06-16 07-21 08-18 09-15 10-20 11-17 12-15"),
        (2024, "01-19 02-16 03-15 04-19 05-17 06-21 07-19 08-16 09-20 10-18 11-15 12-20"),
        (2025, "01-17 02-21 03-21 04-17 05-16 06-20 07-18 08-15 09-19 10-17 11-21 12-19"),
        (2026, "01-16 02-20 03-20 04-17 05-15 06-18 07-17 08-21 09-18 10-16 11-20 12-18"),
        (2027, "01-15 02-19 03-19 04-16 05-21 06-17 07-16 08-20 09-17 10-15 11-19 12-17"),
    ];

    const QUARTERLIES: [(i32, &str); 8] = [
        (2020, "03-31 06-30 09-30 12-31"),
        (2021, "03-31 06-30 09-30 12-31"),
        (2022, "03-31 06-30 09-30 12-30"),
        (2023, "03-31 06-30 09-29 12-29"),
        (2024, "03-28 06-28 09-30 12-31"),
        (2025, "03-31 06-30 09-30 12-31"),
        (2026, "03-31 06-30 09-30 12-31"),
        (2027, "03-31 06-30 09-30 12-31"),
    ];

    const MOVED_FRIDAYS: &str = "2020-04-10 2020-07-03 2020-12-25 2021-01-01 2021-04-02 2021-12-24 2022-04-15 \
        2023-04-07 2024-03-29 2025-04-18 2025-07-04 2026-04-03 2026-06-19 2026-07-03 2026-12-25 2027-01-01 \
        2027-03-26 2027-06-18 2027-12-24";

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn listed(dates: impl Iterator<Item = NaiveDate>) -> String {
        dates.map(|date| date.format("%m-%d").to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn monthlies_follow_the_published_list() {
        for (year, dates) in MONTHLIES {
            assert_eq!(listed((1..=12).filter_map(|month| monthly(year, month))), dates, "{year}");
        }
    }

    #[test]
    fn quarterlies_follow_the_published_list() {
        for (year, dates) in QUARTERLIES {
            let days = date(&format!("{year}-01-01")).iter_days().take(366);
            let quarterlies = days.filter(|day| day.year() == year && kind(*day) == Some(ExpirationKind::Quarterly));
            assert_eq!(listed(quarterlies), dates, "{year}");
        }
    }

    #[test]
    fn vix_expires_thirty_days_before_the_next_monthly() {
        let dates = listed((1..=12).filter_map(|month| vix_monthly(2026, month)));
        assert_eq!(dates, "01-21 02-18 03-18 04-15 05-20 06-17 07-22 08-19 09-16 10-21 11-18 12-16");
    }

    #[test]
    fn a_friday_holiday_moves_to_thursday() {
        for friday in MOVED_FRIDAYS.split_whitespace().map(date) {
            let monday = friday - Days::new(4);
            assert_eq!(fridays(monday, friday), [friday - Days::new(1)], "{friday}");
        }
        assert_eq!(fridays(date("2026-04-03"), date("2026-04-10")), [date("2026-04-10")]);
        // The span may end between the moved date and the Friday it moved from.
        assert_eq!(fridays(date("2026-03-30"), date("2026-04-02")), [date("2026-04-02")]);
    }

    #[test]
    fn kinds_have_an_order_and_labels() {
        assert_eq!(kind(date("2026-01-16")), Some(ExpirationKind::Regular));
        assert_eq!(kind(date("2026-01-30")), Some(ExpirationKind::EndOfMonth));
        assert_eq!(kind(date("2026-01-23")), Some(ExpirationKind::Weekly));
        assert_eq!(kind(date("2026-01-19")), None);
        assert_eq!(ExpirationKind::from_label("End-Of-Month"), Some(ExpirationKind::EndOfMonth));
        assert_eq!(ExpirationKind::from_label("end of month"), None);
    }

    #[test]
    fn days_and_sessions_are_counted_from_today() {
        assert_eq!(days_left(date("2026-01-05"), date("2026-01-16")), 11);
        assert_eq!(sessions_left(date("2026-01-05"), date("2026-01-16")), 9);
        assert_eq!(sessions_left(date("2026-01-16"), date("2026-01-16")), 0);
        assert_eq!(sessions_left(date("2026-01-20"), date("2026-01-16")), 0);
    }
}
