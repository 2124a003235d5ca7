//! The exchange calendar of US equities: which dates have a regular session and when it opens and closes.
//!
//! From 1990 to 2030 it is that of [`exchange`], whose sessions are facts. Before and after, the rules of today go on
//! (Juneteenth from 2022, Martin Luther King Jr. Day from 1998), and may miss a holiday of their time. Freshness of daily
//! bars and the simulated venue go by it; the dataset `calendar` holds what the vendor says instead.

pub use super::exchange::Session;
use super::exchange::{self, Exchange};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::America::New_York;
use std::sync::LazyLock;

/// The exchanges of US equities, which keep one calendar.
static EQUITIES: LazyLock<Option<&Exchange>> = LazyLock::new(|| exchange::find("XNYS"));

/// The exchange, where its sessions around a date are known.
fn known(date: NaiveDate) -> Option<&'static Exchange> {
    EQUITIES.filter(|exchange| exchange.knows(date))
}

/// The session of a date, or `None` on a weekend or holiday, and outside the years 1800 to 3199.
pub fn session(date: NaiveDate) -> Option<Session> {
    if let Some(exchange) = known(date) {
        return exchange.session(date);
    }
    if !(1800..3200).contains(&date.year()) || is_weekend(date) || holiday(date) {
        return None;
    }
    let early_close = early_close(date);
    let close_hour = if early_close { 13 } else { 16 };
    Some(Session {
        date,
        open_at: eastern_instant(date, 9, 30),
        close_at: eastern_instant(date, close_hour, 0),
        break_at: None,
        early_close,
    })
}

/// Whether the exchange is closed all day on a weekday.
pub fn holiday(date: NaiveDate) -> bool {
    if is_weekend(date) {
        return false;
    }
    known(date).map_or_else(|| holiday_by_rule(date), |exchange| exchange.session(date).is_none())
}

fn holiday_by_rule(date: NaiveDate) -> bool {
    let (year, day, weekday) = (date.year(), date.day(), date.weekday());
    let by_month = match date.month() {
        1 => {
            day == 1
                || (day == 2 && weekday == Weekday::Mon)
                || (year >= 1998 && weekday == Weekday::Mon && (15..=21).contains(&day))
        }
        2 => weekday == Weekday::Mon && (15..=21).contains(&day),
        5 => weekday == Weekday::Mon && day >= 25,
        6 => year >= 2022 && observed(date, 19),
        7 => observed(date, 4),
        9 => weekday == Weekday::Mon && day <= 7,
        11 => weekday == Weekday::Thu && (22..=28).contains(&day),
        12 => observed(date, 25),
        _ => false,
    };
    let good_friday = || easter(year).and_then(|easter| easter.checked_sub_days(Days::new(2)));
    by_month || (weekday == Weekday::Fri && good_friday() == Some(date))
}

/// Whether the regular session of a date ends early, today at 13:00 Eastern. False on a date without a session.
pub fn early_close(date: NaiveDate) -> bool {
    if let Some(exchange) = known(date) {
        return exchange.session(date).is_some_and(|session| session.early_close);
    }
    let before_friday = matches!(date.weekday(), Weekday::Mon | Weekday::Tue | Weekday::Wed | Weekday::Thu);
    let early = match (date.month(), date.day()) {
        (7, 3) | (12, 24) => before_friday,
        (11, 23..=29) => date.weekday() == Weekday::Fri,
        _ => false,
    };
    early && !holiday(date)
}

/// The first session after a date. Dates outside 1900 to 2999 are taken as the nearest date inside.
pub fn next_session(after: NaiveDate) -> Session {
    within_range(after).iter_days().skip(1).find_map(session).expect("every week of the range has a session")
}

/// The last session before a date. Dates outside 1900 to 2999 are taken as the nearest date inside.
pub fn previous_session(before: NaiveDate) -> Session {
    let mut date = within_range(before);
    loop {
        date = date.pred_opt().expect("the range ends long before dates do");
        if let Some(session) = session(date) {
            return session;
        }
    }
}

/// The sessions from one date to another, both included, oldest first.
pub fn sessions(from: NaiveDate, to: NaiveDate) -> Vec<Session> {
    from.iter_days().take_while(|date| *date <= to).filter_map(session).collect()
}

/// The latest session that is over at `now`.
pub fn last_closed(now: DateTime<Utc>) -> Session {
    let today = within_range(eastern_date(now));
    match session(today) {
        Some(session) if session.close_at <= now => session,
        _ => previous_session(today),
    }
}

/// The session whose close comes next after `now`: the one under way, or the next one.
pub fn next_close(now: DateTime<Utc>) -> Session {
    let today = within_range(eastern_date(now));
    match session(today) {
        Some(session) if session.close_at > now => session,
        _ => next_session(today),
    }
}

/// The date in the exchange's zone.
pub fn eastern_date(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&New_York).date_naive()
}

/// An Eastern wall-clock time as an instant. An hour that a clock change skips is taken one hour later.
pub fn eastern_instant(date: NaiveDate, hour: u32, minute: u32) -> DateTime<Utc> {
    let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN);
    let local = New_York.from_local_datetime(&date.and_time(time)).earliest();
    match local {
        Some(instant) => instant.with_timezone(&Utc),
        None => Utc.from_utc_datetime(&(date.and_time(time) + chrono::TimeDelta::hours(5))),
    }
}

/// The last session of a month, or `None` when there is no such month.
pub fn last_session_of_month(year: i32, month: u32) -> Option<Session> {
    let first = NaiveDate::from_ymd_opt(year, month, 1)?;
    Some(previous_session(first.checked_add_months(chrono::Months::new(1))?))
}

/// On which days the exchange has a session, for whoever asks of millions. Days are counted from 1970-01-01.
#[derive(Debug)]
pub struct SessionDays {
    first: i32,
    /// Sessions before each day from the first on, and before the day after the last.
    before: Vec<u32>,
}

impl SessionDays {
    /// Those of the exchange of US equities, as far as they are known as facts.
    pub fn of_equities() -> &'static Self {
        static DAYS: LazyLock<SessionDays> = LazyLock::new(|| EQUITIES.map(SessionDays::of).unwrap_or_default());
        &DAYS
    }

    fn of(exchange: &Exchange) -> Self {
        let (mut before, mut count) = (vec![0], 0);
        for date in exchange.first.iter_days().take_while(|date| *date <= exchange.last) {
            count += u32::from(exchange.dates().binary_search(&date).is_ok());
            before.push(count);
        }
        let first = exchange.first.signed_duration_since(NaiveDate::default()).num_days();
        Self { first: i32::try_from(first).unwrap_or_default(), before }
    }

    /// Whether a day has a session; `None` where that is not known.
    pub fn has(&self, day: i32) -> Option<bool> {
        let index = usize::try_from(day.checked_sub(self.first)?).ok()?;
        Some(self.before.get(index)? < self.before.get(index.checked_add(1)?)?)
    }

    /// How many sessions there are from one day on and before another, as far as they are known.
    pub fn between(&self, from: i32, to: i32) -> u32 {
        let known = |day: i32| {
            let index = usize::try_from(day.saturating_sub(self.first)).unwrap_or_default();
            self.before.get(index).or(self.before.last()).copied().unwrap_or_default()
        };
        known(to).saturating_sub(known(from))
    }
}

impl Default for SessionDays {
    /// No day is known.
    fn default() -> Self {
        Self { first: 0, before: Vec::new() }
    }
}

fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

/// Whether a holiday on `day` of this month is observed on `date`: Saturday moves to Friday, Sunday to Monday.
fn observed(date: NaiveDate, day: u32) -> bool {
    let shift = i64::from(date.day()) - i64::from(day);
    match date.weekday() {
        Weekday::Fri => shift == 0 || shift == -1,
        Weekday::Mon => shift == 0 || shift == 1,
        _ => shift == 0,
    }
}

/// Easter Sunday of the Gregorian calendar.
fn easter(year: i32) -> Option<NaiveDate> {
    let golden = year.rem_euclid(19);
    let (century, rest) = (year.div_euclid(100), year.rem_euclid(100));
    let moon_correction = (century + 8) / 25;
    let epact = (19 * golden + century - century / 4 - (century - moon_correction + 1) / 3 + 15).rem_euclid(30);
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4).rem_euclid(7);
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let day = epact + weekday - 7 * late + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(day / 31).ok()?, u32::try_from(day % 31 + 1).ok()?)
}

fn within_range(date: NaiveDate) -> NaiveDate {
    let first = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or(NaiveDate::MIN);
    let last = NaiveDate::from_ymd_opt(2999, 12, 31).unwrap_or(NaiveDate::MAX);
    date.clamp(first, last)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_exchange() {
        let days = SessionDays::of_equities();
        let day = |text: &str| {
            let date: NaiveDate = text.parse().unwrap();
            i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).unwrap()
        };
        for (text, has) in [
            ("1989-12-29", None),
            ("1990-01-02", Some(true)),
            ("2001-09-11", Some(false)),
            ("2026-11-26", Some(false)),
            ("2026-11-27", Some(true)),
            ("2026-11-28", Some(false)),
            ("2099-01-05", None),
        ] {
            assert_eq!(days.has(day(text)), has, "{text}");
        }
        assert_eq!(days.between(day("2026-01-01"), day("2027-01-01")), 251);
        assert_eq!(days.between(day("1980-01-01"), day("1985-01-01")), 0);
        assert_eq!(days.between(day("2027-01-01"), day("2026-01-01")), 0);
        let year_end = days.between(day("2030-12-01"), day("2040-01-01"));
        assert!((20..=23).contains(&year_end), "{year_end}");
        assert_eq!(SessionDays::default().has(0), None);
    }

    const CLOSINGS: [(i32, &str, usize); 8] = [
        (2020, "01-01 01-20 02-17 04-10 05-25 07-03 09-07 11-26 12-25", 253),
        (2021, "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24", 252),
        (2022, "01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26", 251),
        (2023, "01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25", 250),
        (2024, "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25", 252),
        (2025, "01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25", 250),
        (2026, "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25", 251),
        (2027, "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24", 251),
    ];

    const EARLY_CLOSES: [(i32, &str); 8] = [
        (2020, "11-27 12-24"),
        (2021, "11-26"),
        (2022, "11-25"),
        (2023, "07-03 11-24"),
        (2024, "07-03 11-29 12-24"),
        (2025, "07-03 11-28 12-24"),
        (2026, "11-27 12-24"),
        (2027, "11-26"),
    ];

    fn year(year: i32) -> (NaiveDate, NaiveDate) {
        (NaiveDate::from_ymd_opt(year, 1, 1).unwrap(), NaiveDate::from_ymd_opt(year, 12, 31).unwrap())
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn listed(dates: impl Iterator<Item = NaiveDate>) -> String {
        dates.map(|date| date.format("%m-%d").to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn closings_follow_the_published_lists() {
        for (number, dates, trading_days) in CLOSINGS {
            let (first, last) = year(number);
            let closed = first.iter_days().take_while(|date| *date <= last).filter(|date| holiday(*date));
            assert_eq!(listed(closed), dates, "{number}");
            assert_eq!(sessions(first, last).len(), trading_days, "{number}");
        }
    }

    #[test]
    fn early_closes_follow_the_published_lists() {
        for (number, dates) in EARLY_CLOSES {
            let (first, last) = year(number);
            let early = sessions(first, last).into_iter().filter(|session| session.early_close);
            assert_eq!(listed(early.map(|session| session.date)), dates, "{number}");
        }
    }

    #[test]
    fn a_new_year_on_saturday_is_not_observed() {
        assert!(session(date("2021-12-31")).is_some());
        assert!(session(date("2027-12-31")).is_some());
    }

    #[test]
    fn juneteenth_is_new_and_unscheduled_closings_are_known() {
        assert!(!holiday(date("2018-06-19")));
        for closed in ["1994-04-27", "2001-09-11", "2004-06-11", "2018-12-05", "2025-01-09"] {
            assert!(holiday(date(closed)), "{closed}");
        }
        // Trading went on, though the rules of today would have it otherwise.
        for open in ["1999-12-31", "2002-07-05", "2003-12-26"] {
            assert!(session(date(open)).is_some(), "{open}");
        }
    }

    #[test]
    fn before_and_after_what_is_known_the_rules_go_on() {
        assert!(holiday(date("1985-07-04")) && holiday(date("2031-11-27")) && early_close(date("2031-11-28")));
        assert_eq!(session(date("2031-01-02")).unwrap().close_at, instant("2031-01-02T21:00:00Z"));
        assert!(session(date("1989-12-29")).is_some() && session(date("2031-01-01")).is_none());
    }

    #[test]
    fn sessions_follow_daylight_saving() {
        let winter = session(date("2026-01-05")).unwrap();
        assert_eq!(
            (winter.open_at, winter.close_at),
            (instant("2026-01-05T14:30:00Z"), instant("2026-01-05T21:00:00Z"))
        );
        let summer = session(date("2026-08-04")).unwrap();
        assert_eq!(
            (summer.open_at, summer.close_at),
            (instant("2026-08-04T13:30:00Z"), instant("2026-08-04T20:00:00Z"))
        );
        let early = session(date("2026-11-27")).unwrap();
        assert_eq!(early.close_at, instant("2026-11-27T18:00:00Z"));
    }

    #[test]
    fn neighbours_skip_weekends_and_holidays() {
        assert_eq!(next_session(date("2026-04-02")).date, date("2026-04-06"));
        assert_eq!(previous_session(date("2026-04-06")).date, date("2026-04-02"));
        assert_eq!(next_session(NaiveDate::MAX).date.year(), 3000);
        assert_eq!(previous_session(NaiveDate::MIN).date.year(), 1899);
    }

    #[test]
    fn a_session_is_over_at_its_close() {
        assert_eq!(last_closed(instant("2026-01-05T20:59:59Z")).date, date("2026-01-02"));
        assert_eq!(last_closed(instant("2026-01-05T21:00:00Z")).date, date("2026-01-05"));
        assert_eq!(next_close(instant("2026-01-05T20:59:59Z")).date, date("2026-01-05"));
        assert_eq!(next_close(instant("2026-01-05T21:00:00Z")).date, date("2026-01-06"));
        // Past midnight in London is still the evening before in New York.
        assert_eq!(eastern_date(instant("2026-01-06T02:00:00Z")), date("2026-01-05"));
    }

    #[test]
    fn the_last_session_of_a_month_is_found() {
        assert_eq!(last_session_of_month(2026, 5).unwrap().date, date("2026-05-29"));
        assert_eq!(last_session_of_month(2026, 12).unwrap().date, date("2026-12-31"));
        assert_eq!(last_session_of_month(2026, 13), None);
    }
}
