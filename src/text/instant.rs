//! Moments are read as people write them for PostgreSQL: with an offset, or in the session's time
//! zone.

use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// Formats for moments without an offset, date and time together.
const LOCAL: [&str; 4] = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f"];

/// Formats for days, in PostgreSQL's order: the month first where both are numbers.
const DAY: [&str; 8] = ["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%b %d %Y", "%b %d, %Y", "%d %b %Y", "%d-%b-%Y", "%m/%d/%Y"];

/// Formats for times of a day, with seconds or without.
const TIME: [&str; 2] = ["%H:%M", "%H:%M:%S%.f"];

/// Reads `2026-11-01T16:00Z` and the like, `2026-11-01 16:00[:00]`, or `2026-11-01`, which is the beginning of that day; the
/// day in other forms too, such as `1 Nov 2026` and `20261101`.
///
/// What has no offset is in `zone`: a time that comes twice there is the first of the two, and one that is skipped counts
/// from the offset before the gap, as in PostgreSQL. `None` for a text
/// that does not read.
pub(crate) fn parse(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.to_utc());
    }
    if let Some((local, seconds_east)) = with_offset(text) {
        return local.checked_sub_signed(TimeDelta::seconds(seconds_east.into())).map(|utc| utc.and_utc());
    }
    let local = local(text)?;
    match zone.from_local_datetime(&local) {
        LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => Some(instant.to_utc()),
        LocalResult::None => {
            let before = zone.offset_from_local_datetime(&local.checked_sub_signed(TimeDelta::days(1))?).earliest()?;
            let seconds_east = before.fix().local_minus_utc();
            local.checked_sub_signed(TimeDelta::seconds(seconds_east.into())).map(|utc| utc.and_utc())
        }
    }
}

/// Reads what a clock on the wall shows at a moment; an offset is passed over, as PostgreSQL does.
pub(crate) fn clock(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    let zoned = || DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.naive_local());
    local(text).or_else(|| with_offset(text).map(|(local, _)| local)).or_else(zoned)
}

/// Reads a time of day: `09:30`, `09:30:00` or `09:30:00.5`.
pub(crate) fn time(text: &str) -> Option<NaiveTime> {
    TIME.iter().find_map(|format| NaiveTime::parse_from_str(text, format).ok())
}

/// A day, with a time or without, and the seconds east of Greenwich that follow it.
fn with_offset(text: &str) -> Option<(NaiveDateTime, i32)> {
    let start = match text.find(':') {
        Some(clock) => clock + text.get(clock..)?.find(['Z', 'z', '+', '-'])?,
        // A day alone, as drivers write a date that has the client's zone: `2026-01-02 -05`.
        None => text.rfind(' ')? + 1,
    };
    let (moment, written) = text.split_at_checked(start)?;
    Some((local(moment.trim_end())?, offset(written)?))
}

/// Reads an offset: `Z`, `+05`, `-05:30`, `+0530` or `+00:19:32`.
fn offset(text: &str) -> Option<i32> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'-' => -1,
        b'+' => 1,
        _ => return None,
    };
    let digits: String = text.get(1..)?.chars().filter(|c| *c != ':').collect();
    if !matches!(digits.len(), 2 | 4 | 6) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| digits.get(at..at + 2).map_or(Some(0), |part| part.parse::<i32>().ok());
    let (hours, minutes, seconds) = (part(0)?, part(2)?, part(4)?);
    (hours < 16 && minutes < 60 && seconds < 60).then_some(sign * (hours * 3_600 + minutes * 60 + seconds))
}

/// A day with a time or without one, which is then midnight; `None` for a text that is neither.
fn local(text: &str) -> Option<NaiveDateTime> {
    // chrono takes a sign before the year; PostgreSQL does not.
    if text.starts_with(['+', '-']) {
        return None;
    }
    let day = |text: &str| DAY.iter().find_map(|format| NaiveDate::parse_from_str(text, format).ok());
    let standard = LOCAL.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    standard.or_else(|| day(text).map(|day| day.and_time(NaiveTime::MIN))).or_else(|| {
        let (first, last) = text.rsplit_once(' ')?;
        Some(day(first.trim_end())?.and_time(time(last)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, zone: Tz, expected: Option<&str>) {
        assert_eq!(parse(text, zone), expected.map(|expected| expected.parse().unwrap()), "{text}");
    }

    #[test]
    fn an_offset_says_all() {
        let zone = chrono_tz::America::New_York;
        check("2026-11-01T16:00Z", zone, Some("2026-11-01T16:00:00Z"));
        check("2026-11-01T16:00:00Z", zone, Some("2026-11-01T16:00:00Z"));
        check("2026-11-01 16:00:00.25+02:00", zone, Some("2026-11-01T14:00:00.25Z"));
        check("2026-11-01 16:00+02", zone, Some("2026-11-01T14:00:00Z"));
        check("2026-11-01 16:00:00-0500", zone, Some("2026-11-01T21:00:00Z"));
        check("2026-11-01 16:00:00 +00:19:32", zone, Some("2026-11-01T15:40:28Z"));
        check("2026-11-01 -05", zone, Some("2026-11-01T05:00:00Z"));
        check("2026-11-01 16:00+99", zone, None);
    }

    #[test]
    fn without_an_offset_the_zone_counts() {
        let zone = chrono_tz::America::New_York;
        check("2026-11-02", zone, Some("2026-11-02T05:00:00Z"));
        check("2026-07-01 09:30", zone, Some("2026-07-01T13:30:00Z"));
        check(" 2026-07-01T09:30:15 ", chrono_tz::UTC, Some("2026-07-01T09:30:15Z"));
        // 2026-11-01 01:30 comes twice, 2026-03-08 02:30 and 2026-03-29 02:30 never.
        check("2026-11-01 01:30", zone, Some("2026-11-01T05:30:00Z"));
        check("2026-03-08 02:30", zone, Some("2026-03-08T07:30:00Z"));
        check("2026-03-29 02:30", chrono_tz::Europe::Rome, Some("2026-03-29T01:30:00Z"));
    }

    #[test]
    fn anything_else_does_not_read() {
        for text in ["", "yesterday", "2026-13-01", "2026-11-01 25:00", "16:00", "2026-11-01T", "1762012800"] {
            check(text, chrono_tz::UTC, None);
        }
    }
}
