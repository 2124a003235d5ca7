//! Sessions of exchanges: on which dates each is open, and from when to when.
//!
//! They are facts of a table, `exchange/sessions.txt`, which `exchange/generate.py` writes from the Python package
//! `exchange_calendars`. What lies outside of the table is not known, and not guessed.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use std::collections::HashMap;
use std::sync::LazyLock;

/// One session of an exchange, of its regular trading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Session {
    /// Trading date, by the exchange's own calendar.
    pub date: NaiveDate,
    /// When it opens, which may be on the evening before.
    pub open_at: DateTime<Utc>,
    /// When it closes for the day.
    pub close_at: DateTime<Utc>,
    /// From when to when it rests at midday, where it does.
    pub break_at: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Whether it closes earlier than sessions of its time do.
    pub early_close: bool,
}

impl Session {
    /// Whether the session is under way at `now`, and does not rest.
    pub fn contains(&self, now: DateTime<Utc>) -> bool {
        let rests = self.break_at.is_some_and(|(from, to)| (from..to).contains(&now));
        (self.open_at..self.close_at).contains(&now) && !rests
    }
}

/// An exchange, and all its sessions from one date to another.
#[derive(Debug)]
pub struct Exchange {
    /// Market identifier code of ISO 10383.
    pub mic: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// The zone whose clock it opens by.
    pub zone: Tz,
    /// The first date that is known, with or without a session.
    pub first: NaiveDate,
    /// The last date that is known.
    pub last: NaiveDate,
    /// Dates with a session, in order.
    dates: Vec<NaiveDate>,
    /// Regular hours, each from a date on.
    regular: Vec<(NaiveDate, Hours)>,
    /// Sessions of other hours.
    special: HashMap<NaiveDate, Hours>,
}

/// Hours of a session in minutes after its date's midnight, by the clock of the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hours {
    open: i64,
    close: i64,
    rest: Option<(i64, i64)>,
}

/// Codes of exchanges that keep the sessions of another.
const ALIASES: [(&str, &str); 5] =
    [("XNAS", "XNYS"), ("ARCX", "XNYS"), ("BATS", "XNYS"), ("XCBO", "XNYS"), ("CMES", "XCME")];

/// The exchanges of the table, in its order.
pub fn exchanges() -> &'static [Exchange] {
    static EXCHANGES: LazyLock<Vec<Exchange>> =
        LazyLock::new(|| read(include_str!("exchange/sessions.txt")).expect("a test reads the table"));
    &EXCHANGES
}

/// Codes that stand for the exchange of a code.
pub fn aliases(mic: &str) -> impl Iterator<Item = &'static str> {
    ALIASES.iter().filter(move |(_, of)| *of == mic).map(|(alias, _)| *alias)
}

/// The exchange of a code, in any case; `None` for a code that is not known.
pub fn find(mic: &str) -> Option<&'static Exchange> {
    let alias = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(mic));
    let mic = alias.map_or(mic, |(_, of)| of);
    exchanges().iter().find(|exchange| exchange.mic.eq_ignore_ascii_case(mic))
}

impl Exchange {
    /// Whether it is known if there is a session on a date.
    pub fn knows(&self, date: NaiveDate) -> bool {
        (self.first..=self.last).contains(&date)
    }

    /// The session of a date; `None` without one, and for a date that is not known.
    pub fn session(&self, date: NaiveDate) -> Option<Session> {
        self.dates.binary_search(&date).ok()?;
        let regular = self.regular.iter().rev().find(|(from, _)| *from <= date)?.1;
        let hours = self.special.get(&date).copied().unwrap_or(regular);
        let at = |minutes| self.instant(date, minutes);
        Some(Session {
            date,
            open_at: at(hours.open),
            close_at: at(hours.close),
            break_at: hours.rest.map(|(from, to)| (at(from), at(to))),
            early_close: hours.close < regular.close,
        })
    }

    /// Dates with a session, in order.
    pub fn dates(&self) -> &[NaiveDate] {
        &self.dates
    }

    /// Sessions from one date to another, both included, in order.
    pub fn sessions(&self, from: NaiveDate, to: NaiveDate) -> impl Iterator<Item = Session> {
        let dates = self.dates.get(self.place(from)..).unwrap_or_default();
        dates.iter().take_while(move |date| **date <= to).filter_map(|date| self.session(*date))
    }

    /// The date of the session that comes so many after a date, or before it where `count` is negative; of 0, the date
    /// itself, or the next session's where it has none. `None` where that is not known.
    pub fn offset(&self, date: NaiveDate, count: i64) -> Option<NaiveDate> {
        let place = i64::try_from(self.place(date)).ok()?;
        let passed = i64::from(count > 0 && self.session(date).is_none());
        let wanted = place.checked_add(count)?.checked_sub(passed)?;
        self.dates.get(usize::try_from(wanted).ok()?).copied()
    }

    /// How many sessions there are from one date on and before another; negative where the first is the later one.
    pub fn between(&self, from: NaiveDate, to: NaiveDate) -> i64 {
        self.place(to) as i64 - self.place(from) as i64
    }

    /// The trading date that a moment falls on by the exchange's clock, with or without a session. Where sessions open on
    /// the evening before, it begins then.
    pub fn date_at(&self, moment: DateTime<Utc>) -> NaiveDate {
        let local = moment.with_timezone(&self.zone).naive_local();
        (local - TimeDelta::minutes(self.evening())).date()
    }

    /// When a trading date begins, with or without a session: what [`Exchange::date_at`] is of the moments from then on.
    pub fn begins(&self, date: NaiveDate) -> DateTime<Utc> {
        self.instant(date, self.evening())
    }

    /// How many minutes after midnight a trading date begins; none or less.
    fn evening(&self) -> i64 {
        self.regular.last().map_or(0, |(_, hours)| hours.open.min(0))
    }

    /// The first session that is of interest, from the day before a moment on.
    pub fn first_from(&self, moment: DateTime<Utc>, wanted: impl Fn(&Session) -> bool) -> Option<Session> {
        let from = self.date_at(moment).checked_sub_days(Days::new(1))?;
        self.sessions(from, self.last).find(wanted)
    }

    /// How many sessions are before a date.
    fn place(&self, date: NaiveDate) -> usize {
        self.dates.partition_point(|other| *other < date)
    }

    /// A time by the exchange's clock. One that a change of the clock skips is taken an hour later.
    fn instant(&self, date: NaiveDate, minutes: i64) -> DateTime<Utc> {
        let local = date.and_time(NaiveTime::MIN) + TimeDelta::minutes(minutes);
        let found = |local| self.zone.from_local_datetime(&local).earliest();
        let instant = found(local).or_else(|| found(local + TimeDelta::hours(1)));
        instant.map_or_else(|| local.and_utc(), |instant| instant.to_utc())
    }
}

/// Reads the table; `None` where it does not read.
fn read(table: &'static str) -> Option<Vec<Exchange>> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for line in table.lines() {
        let (head, rest) = line.split_once(' ').unwrap_or((line, ""));
        if head.starts_with('X') {
            exchanges.push(exchange(head, rest)?);
        } else if head == "hours" {
            let (from, hours_text) = rest.split_once(' ')?;
            exchanges.last_mut()?.regular.push((from.parse().ok()?, hours(hours_text)?));
        } else {
            exchanges.last_mut()?.add_year(head.parse().ok()?, rest)?;
        }
    }
    Some(exchanges)
}

/// The first line of an exchange, behind its code.
fn exchange(mic: &'static str, rest: &'static str) -> Option<Exchange> {
    let mut parts = rest.splitn(4, ' ');
    let (zone, first, last) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let (name, dates, regular, special) = (parts.next()?, Vec::new(), Vec::new(), HashMap::new());
    Some(Exchange { mic, name, zone, first, last, dates, regular, special })
}

impl Exchange {
    /// Adds the sessions of a year: weekdays but those named, weekend days with a plus.
    fn add_year(&mut self, year: i32, exceptions: &str) -> Option<()> {
        let mut other = HashMap::new();
        for exception in exceptions.split_whitespace() {
            let (day, hours_text) = exception.split_once('=').unwrap_or((exception, ""));
            let number: u32 = day.trim_start_matches('+').parse().ok()?;
            let date = NaiveDate::from_ymd_opt(year, number / 100, number % 100)?;
            if !hours_text.is_empty() {
                self.special.insert(date, hours(hours_text)?);
            }
            other.entry(date).or_insert(day.starts_with('+') || !hours_text.is_empty());
        }
        let first = NaiveDate::from_ymd_opt(year, 1, 1)?.max(self.first);
        let in_year = first.iter_days().take_while(|date| date.year() == year && *date <= self.last);
        let is_open = |date: &NaiveDate| other.get(date).copied().unwrap_or_else(|| !is_weekend(*date));
        self.dates.extend(in_year.filter(is_open));
        Some(())
    }
}

/// `09:30-16:00`, or with a rest `09:00-15:00/11:30-12:30`.
fn hours(text: &str) -> Option<Hours> {
    let (whole, rest) = text.split_once('/').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let pair = |text: &str| text.split_once('-').and_then(|(from, to)| Some((minutes(from)?, minutes(to)?)));
    let ((open, close), rest) = (pair(whole)?, rest.map(pair));
    match rest {
        Some(None) => None,
        rest => Some(Hours { open, close, rest: rest.flatten() }),
    }
}

/// `17:00`, or of the day before `<17:00`.
fn minutes(text: &str) -> Option<i64> {
    let (text, days) = text.strip_prefix('<').map_or((text, 0), |text| (text, -1));
    let (hour, minute) = text.split_once(':')?;
    Some((days * 24 + hour.parse::<i64>().ok()?) * 60 + minute.parse::<i64>().ok()?)
}

fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn session(mic: &str, date: &str) -> Option<String> {
        let session = find(mic).unwrap().session(date.parse().unwrap())?;
        let at = |instant: DateTime<Utc>| instant.format("%m-%dT%H:%M").to_string();
        let rest = session.break_at.map_or_else(String::new, |(from, to)| format!(" / {} {}", at(from), at(to)));
        Some(format!(
            "{} {}{rest}{}",
            at(session.open_at),
            at(session.close_at),
            if session.early_close { " early" } else { "" }
        ))
    }

    /// Numbers of sessions that the Python package counts from the first date of each to the last.
    #[test]
    fn the_table_has_every_session() {
        let counts: Vec<_> = exchanges().iter().map(|exchange| (exchange.mic, exchange.dates().len())).collect();
        let expected = [
            ("XNYS", 10322),
            ("XCBF", 10326),
            ("XCME", 10575),
            ("XLON", 10362),
            ("XETR", 10422),
            ("XPAR", 10467),
            ("XTSE", 10303),
            ("XTKS", 8328),
            ("XHKG", 10115),
            ("XASX", 10378),
        ];
        assert_eq!(counts, expected);
        for exchange in exchanges() {
            assert!(
                exchange.dates().is_sorted() && exchange.special.keys().all(|date| exchange.session(*date).is_some())
            );
        }
    }

    #[test]
    fn hours_are_those_of_the_exchange() {
        assert_eq!(session("XNYS", "2026-01-05").unwrap(), "01-05T14:30 01-05T21:00");
        assert_eq!(session("xnas", "2026-11-27").unwrap(), "11-27T14:30 11-27T18:00 early");
        assert_eq!(session("XLON", "2026-07-01").unwrap(), "07-01T07:00 07-01T15:30");
        assert_eq!(session("XTKS", "2024-11-01").unwrap(), "11-01T00:00 11-01T06:00 / 11-01T02:30 11-01T03:30");
        assert_eq!(session("XTKS", "2024-11-05").unwrap(), "11-05T00:00 11-05T06:30 / 11-05T02:30 11-05T03:30");
        assert_eq!(session("CMES", "2026-01-05").unwrap(), "01-04T23:00 01-05T23:00");
        assert_eq!(session("XNYS", "1992-12-24").unwrap(), "12-24T14:30 12-24T19:00 early");
    }

    #[test]
    fn what_is_not_known_has_no_session() {
        for date in ["2001-09-11", "1999-12-31", "2026-11-26", "2026-11-28", "1989-12-29", "2031-01-02"] {
            assert_eq!(session("XNYS", date).is_some(), date == "1999-12-31", "{date}");
        }
        assert!(find("XXXX").is_none());
        assert!(!find("XTKS").unwrap().knows("1996-12-31".parse().unwrap()));
    }

    #[test]
    fn sessions_are_counted() {
        let (exchange, date) = (find("XNYS").unwrap(), |text: &str| text.parse::<NaiveDate>().unwrap());
        let offset = |from: &str, count| exchange.offset(date(from), count).map(|date| date.to_string());
        // Thanksgiving is a Thursday.
        assert_eq!(offset("2026-11-25", 1).unwrap(), "2026-11-27");
        assert_eq!(offset("2026-11-26", 0).unwrap(), "2026-11-27");
        assert_eq!(offset("2026-11-26", 1).unwrap(), "2026-11-27");
        assert_eq!(offset("2026-11-26", -1).unwrap(), "2026-11-25");
        assert_eq!(offset("2026-11-27", -2).unwrap(), "2026-11-24");
        assert_eq!(offset("2030-12-31", 1), None);
        assert_eq!(exchange.between(date("2026-11-25"), date("2026-11-30")), 2);
        assert_eq!(exchange.between(date("2026-11-30"), date("2026-11-25")), -2);
        assert_eq!(exchange.sessions(date("2026-11-25"), date("2026-11-30")).count(), 3);
    }

    #[test]
    fn a_trading_date_begins_with_its_first_moment() {
        for exchange in exchanges() {
            let dates = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap().iter_days().take(365);
            for date in dates {
                let begins = exchange.begins(date);
                assert_eq!(exchange.date_at(begins), date, "{} {date}", exchange.mic);
                assert!(exchange.date_at(begins - TimeDelta::microseconds(1)) < date, "{} {date}", exchange.mic);
            }
        }
    }

    #[test]
    fn a_moment_has_a_trading_date() {
        let at = |mic: &str, text: &str| find(mic).unwrap().date_at(text.parse().unwrap()).to_string();
        assert_eq!(at("XNYS", "2026-01-06T02:00:00Z"), "2026-01-05");
        assert_eq!(at("XCME", "2026-01-05T22:59:59Z"), "2026-01-05");
        assert_eq!(at("XCME", "2026-01-05T23:00:00Z"), "2026-01-06");
        let exchange = find("XNYS").unwrap();
        let moment: DateTime<Utc> = "2026-01-05T14:30:00Z".parse().unwrap();
        let next = exchange.first_from(moment, |session| session.open_at > moment).unwrap();
        assert_eq!(next.date.to_string(), "2026-01-06");
    }

    #[test]
    fn a_session_rests_at_midday() {
        let session = find("XHKG").unwrap().session("2026-01-05".parse().unwrap()).unwrap();
        let open = |text: &str| session.contains(text.parse().unwrap());
        assert!(open("2026-01-05T03:59:59Z") && !open("2026-01-05T04:00:00Z") && open("2026-01-05T05:00:00Z"));
    }
}
