//! Moments are read as people write them for PostgreSQL: with an offset, or in the session's time
//! zone.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// Formats of `chrono` for moments with an offset, beside RFC 3339.
const WITH_OFFSET: [&str; 4] =
    ["%Y-%m-%dT%H:%M%#z", "%Y-%m-%d %H:%M%#z", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z"];

/// Formats for moments without an offset, date and time together.
const LOCAL: [&str; 4] = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f"];

/// Formats for days, in PostgreSQL's order: the month first where both are numbers.
const DAY: [&str; 8] = ["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%b %d %Y", "%b %d, %Y", "%d %b %Y", "%d-%b-%Y", "%m/%d/%Y"];

/// Formats for times of a day, with seconds or without.
const TIME: [&str; 2] = ["%H:%M", "%H:%M:%S%.f"];

/// Reads `2026-11-01T16:00Z` and the like, `2026-11-01 16:00[:00]`, or `2026-11-01`, which is the
/// beginning of that day; the day in other forms too, such as `1 Nov 2026` and `20261101`.
///
/// What has no offset is in `zone`; a time that comes twice there is the first of the two, one that
/// is skipped does not read. `None` for a text that does not read.
pub(crate) fn parse(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.to_utc());
    }
    if let Some(instant) = WITH_OFFSET.iter().find_map(|format| DateTime::parse_from_str(text, format).ok()) {
        return Some(instant.to_utc());
    }
    zone.from_local_datetime(&local(text)?).earliest().map(|instant| instant.to_utc())
}

/// Reads what a clock on the wall shows at a moment; an offset is passed over, as PostgreSQL does.
pub(crate) fn clock(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    let with_offset = || {
        let written = WITH_OFFSET.iter().find_map(|format| DateTime::parse_from_str(text, format).ok());
        written.or_else(|| DateTime::parse_from_rfc3339(text).ok()).map(|instant| instant.naive_local())
    };
    local(text).or_else(with_offset)
}

/// A day with a time or without one, which is then midnight; `None` for a text that is neither.
fn local(text: &str) -> Option<NaiveDateTime> {
    let day = |text: &str| DAY.iter().find_map(|format| NaiveDate::parse_from_str(text, format).ok());
    let time = |text: &str| TIME.iter().find_map(|format| NaiveTime::parse_from_str(text, format).ok());
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
    }

    #[test]
    fn without_an_offset_the_zone_counts() {
        let zone = chrono_tz::America::New_York;
        check("2026-11-02", zone, Some("2026-11-02T05:00:00Z"));
        check("2026-07-01 09:30", zone, Some("2026-07-01T13:30:00Z"));
        check(" 2026-07-01T09:30:15 ", chrono_tz::UTC, Some("2026-07-01T09:30:15Z"));
        // 2026-11-01 01:30 comes twice, 2026-03-08 02:30 never.
        check("2026-11-01 01:30", zone, Some("2026-11-01T05:30:00Z"));
        check("2026-03-08 02:30", zone, None);
    }

    #[test]
    fn anything_else_does_not_read() {
        for text in ["", "yesterday", "2026-13-01", "2026-11-01 25:00", "16:00", "2026-11-01T", "1762012800"] {
            check(text, chrono_tz::UTC, None);
        }
    }
}
