//! Texts of dates, times and moments are read as PostgreSQL reads them, in the date style `ISO, MDY`: `2026-11-26 09:30`,
//! `26 Nov 2026`, `20261126T0930`, `infinity`, `44-03-15 BC`, `2026-07-01 12:00 America/New_York`.

mod context;
mod digits;
pub(crate) mod fault;
mod field;
pub(crate) mod token;
mod word;

use super::calendar::{
    self, DAY_US, FIRST_DAY, FIRST_US, LAST_DAY, LAST_US, SECOND_US, date as day_in_range, moment as moment_in_range,
};
use field::Meaning;
use word::Named;

pub(crate) use context::Context;
pub(crate) use fault::Fault;

/// Reads a day, in days since 1970; a time and a zone behind it are passed over.
pub(crate) fn date(text: &str, context: Context<'_>) -> Result<i32, Fault> {
    match field::read(text, context, false)? {
        Meaning::Named(Named::Epoch) => Ok(0),
        Meaning::Named(Named::Infinity) => Ok(LAST_DAY),
        Meaning::Named(_) => Ok(FIRST_DAY),
        Meaning::Fields(fields) => day_in_range(fields.days()).ok_or(Fault::Range),
    }
}

/// Reads a timestamp without a zone, in microseconds since 1970; a zone is passed over.
pub(crate) fn timestamp(text: &str, context: Context<'_>) -> Result<i64, Fault> {
    match field::read(text, context, false)? {
        Meaning::Named(named) => Ok(named_moment(named)),
        Meaning::Fields(fields) => moment_in_range(fields.days(), fields.time_us).ok_or(Fault::Range),
    }
}

/// Reads a moment, in microseconds since 1970 in UTC; without a zone it is in the context's.
pub(crate) fn timestamptz(text: &str, context: Context<'_>) -> Result<i64, Fault> {
    match field::read(text, context, false)? {
        Meaning::Named(named) => Ok(named_moment(named)),
        Meaning::Fields(fields) => {
            let local = fields.days().checked_mul(DAY_US).and_then(|us| us.checked_add(fields.time_us));
            let local = local.ok_or(Fault::Range)?;
            let east = fields.east(local, context.zone)?;
            let us = local.checked_sub(i64::from(east) * SECOND_US).ok_or(Fault::Range)?;
            calendar::is_moment(us).then_some(us).ok_or(Fault::Range)
        }
    }
}

/// Reads a time of day, in microseconds from midnight up to `24:00`; a zone is passed over, with the date it may need.
pub(crate) fn time(text: &str, context: Context<'_>) -> Result<i64, Fault> {
    match field::read(text, context, true)? {
        Meaning::Named(_) => Err(Fault::Syntax),
        Meaning::Fields(fields) => Ok(fields.time_us),
    }
}

fn named_moment(named: Named) -> i64 {
    match named {
        Named::Infinity => LAST_US,
        Named::MinusInfinity => FIRST_US,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::moment::{put_era, put_instant, put_time};
    use crate::text::span::SpanStyle;
    use crate::text::zone::Zone;

    fn shown(us: i64) -> String {
        let mut out = Vec::new();
        let before_christ = put_instant(us, &mut out);
        put_era(before_christ, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn context(zone: &Zone) -> Context<'_> {
        // 2026-11-28 18:00 UTC, a Saturday.
        Context { zone, spans: SpanStyle::Postgres, now_us: 1_795_888_800_000_000 }
    }

    #[track_caller]
    fn check(text: &str, expected: Result<&str, Fault>) {
        let zone = Zone::named("America/New_York").unwrap();
        let read = timestamptz(text, context(&zone)).map(shown);
        assert_eq!(read, expected.map(str::to_owned), "{text}");
    }

    #[track_caller]
    fn check_time(text: &str, expected: Result<&str, Fault>) {
        let read = time(text, context(&Zone::UTC)).map(|us| {
            let mut out = Vec::new();
            put_time(us, &mut out);
            String::from_utf8(out).unwrap()
        });
        assert_eq!(read, expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn an_offset_or_a_zone_says_all() {
        check("2026-11-01T16:00Z", Ok("2026-11-01 16:00:00"));
        check("2026-11-01 16:00:00.25+02:00", Ok("2026-11-01 14:00:00.25"));
        check("2026-11-01 16:00:00 -0500", Ok("2026-11-01 21:00:00"));
        check("2026-11-01 16:00:00 +00:19:32", Ok("2026-11-01 15:40:28"));
        check("2026-11-01 -05", Ok("2026-11-01 05:00:00"));
        check("2024-07-01 12:00 America/New_York", Ok("2024-07-01 16:00:00"));
        check("2024-07-01 12:00 edt", Ok("2024-07-01 16:00:00"));
        check("2024-07-01 12:00 cet", Ok("2024-07-01 11:00:00"));
        check("2024-07-01 12:00 msk", Ok("2024-07-01 09:00:00"));
        check("20240701T120000Z", Ok("2024-07-01 12:00:00"));
        check("2026-11-01 16:00+99", Err(Fault::Offset));
        check("2026-11-01 16:00 Mars/Olympus", Err(Fault::Zone));
    }

    #[test]
    fn without_one_the_sessions_zone_counts() {
        check("2026-11-02", Ok("2026-11-02 05:00:00"));
        check("2026-07-01 09:30", Ok("2026-07-01 13:30:00"));
        check(" 2026-07-01T09:30:15 ", Ok("2026-07-01 13:30:15"));
        check("Jul 1, 2026 9:30 pm", Ok("2026-07-02 01:30:00"));
        check("7/1/2026", Ok("2026-07-01 04:00:00"));
        check("1-jul-26", Ok("2026-07-01 04:00:00"));
        check("2026.182", Ok("2026-07-01 04:00:00"));
        check("J2461223", Ok("2026-07-01 04:00:00"));
        // 2026-11-01 01:30 comes twice, 2026-03-08 02:30 never.
        check("2026-11-01 01:30", Ok("2026-11-01 06:30:00"));
        check("2026-03-08 02:30", Ok("2026-03-08 07:30:00"));
        check("tomorrow 09:30", Ok("2026-11-29 14:30:00"));
        check("now", Ok("2026-11-28 18:00:00"));
        check("epoch", Ok("1970-01-01 00:00:00"));
        check("0044-03-15 BC 12:00+00", Ok("0044-03-15 12:00:00 BC"));
        check("12345-01-01 00:00+00", Ok("12345-01-01 00:00:00"));
        check("2024-05-06 07:08:09.1234567+00", Ok("2024-05-06 07:08:09.123457"));
        check("2024-05-06 24:00+00", Ok("2024-05-07 00:00:00"));
        assert_eq!(timestamptz("infinity", context(&Zone::UTC)), Ok(LAST_US));
        assert_eq!(date("-Infinity", context(&Zone::UTC)), Ok(FIRST_DAY));
    }

    #[test]
    fn anything_else_does_not_read() {
        for text in ["", "soon", "16:00", "2026-11-01 x", "2026-", "today tomorrow"] {
            check(text, Err(Fault::Syntax));
        }
        for text in ["1762012800", "2026-13-01", "2024-02-30", "2026-11-01 25:00", "0000-01-01", "2026-01-01 13:00 pm"]
        {
            check(text, Err(Fault::Field));
        }
        check("300000-01-01", Err(Fault::Range));
    }

    #[test]
    fn times_of_a_day() {
        check_time("09:30", Ok("09:30:00"));
        check_time("0930", Ok("09:30:00"));
        check_time("093015", Ok("09:30:15"));
        check_time("09:30:15.1234567", Ok("09:30:15.123457"));
        check_time("9:30 pm", Ok("21:30:00"));
        check_time("24:00", Ok("24:00:00"));
        check_time("23:59:60", Ok("24:00:00"));
        check_time("allballs", Ok("00:00:00"));
        check_time("04:05:06-08", Ok("04:05:06"));
        check_time("2024-01-01 04:05:06", Ok("04:05:06"));
        check_time("24:01", Err(Fault::Field));
        check_time("noon", Err(Fault::Syntax));
    }
}
