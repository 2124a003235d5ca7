//! Time zones as PostgreSQL names and reads them: regions of the IANA database in any case, rules in POSIX's notation,
//! fixed offsets, and abbreviations. The front ends, the settings and the dialect all read a zone here.

mod abbreviation;
mod posix;

use super::calendar::{DAY_US, FIRST_US, SECOND_US, civil, days_of, is_infinite, is_leap, is_moment, weekday};
use super::interval;
use arrow::datatypes::IntervalMonthDayNano;
use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::{OffsetComponents, OffsetName, Tz};
use posix::Rule;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

pub(crate) use abbreviation::Abbreviation;

/// A time zone, by whichever name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Zone {
    /// A region of the IANA database.
    Region(Tz),
    /// A rule in POSIX's notation, or a fixed offset.
    Rule(Arc<Rule>),
}

/// What the clocks of a zone show at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Seconds east of Greenwich.
    pub(crate) east: i32,
    /// The abbreviation in use, which may be empty.
    pub(crate) name: String,
}

/// Regions by their names in lower case.
static REGIONS: LazyLock<HashMap<String, Tz>> =
    LazyLock::new(|| chrono_tz::TZ_VARIANTS.iter().map(|zone| (zone.name().to_ascii_lowercase(), *zone)).collect());

/// The last year for which the database lists the changes one by one.
const LAST_LISTED_YEAR: i64 = 2099;

impl Zone {
    /// The zone of coordinated universal time.
    pub(crate) const UTC: Self = Self::Region(Tz::UTC);

    /// The regions of the IANA database.
    pub(crate) fn regions() -> impl Iterator<Item = Self> {
        chrono_tz::TZ_VARIANTS.iter().map(|region| Self::Region(*region))
    }

    /// The zone that `SET timezone` names: a number of hours east of Greenwich, `interval '-08:00'`, or what
    /// [`Zone::named`] reads.
    pub(crate) fn of_setting(value: &str) -> Option<Self> {
        if let Ok(hours) = value.trim_start().parse::<f64>()
            && hours.is_finite()
        {
            // No clock is a week off, and beyond that PostgreSQL wraps around.
            let seconds = hours * 3_600.0;
            return (seconds.abs() < 604_800.0).then(|| Self::of_offset(seconds as i32));
        }
        match value.get(..8).filter(|word| word.eq_ignore_ascii_case("interval")) {
            Some(_) => {
                let span = value.get(8..)?.trim().strip_prefix('\'')?.strip_suffix('\'')?;
                Self::of_span(interval::parse(span).ok()?)
            }
            None => Self::named(value),
        }
    }

    /// The zone of an offset that is given as a span of time east of Greenwich; `None` when it has days or months.
    pub(crate) fn of_span(span: IntervalMonthDayNano) -> Option<Self> {
        let seconds = i32::try_from(span.nanoseconds / 1_000_000_000).ok()?;
        (span.months == 0 && span.days == 0 && seconds.abs() < 604_800).then(|| Self::of_offset(seconds))
    }

    /// The zone of a fixed offset, seconds east of Greenwich; its name is `<+05:30>-05:30`.
    pub(crate) fn of_offset(east: i32) -> Self {
        Self::Rule(Arc::new(Rule::fixed(east)))
    }

    /// A region in any case, or a rule of POSIX, whose offsets count west: `-08:00` is eight hours east.
    pub(crate) fn named(name: &str) -> Option<Self> {
        if let Some(region) = REGIONS.get(&name.to_ascii_lowercase()) {
            return Some(Self::Region(*region));
        }
        Some(Self::Rule(Arc::new(Rule::parse(name)?)))
    }

    /// The zone that AT TIME ZONE names: an abbreviation, whose offset may depend on the moment, or a zone.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        match abbreviation::find(&text.to_ascii_lowercase()) {
            Some(Abbreviation::Fixed(east)) => Some(Self::of_offset(east)),
            Some(Abbreviation::Of(region)) => Self::named(region),
            None => Self::named(text),
        }
    }

    /// The abbreviation of PostgreSQL's default set, in lower case; `None` when there is none.
    pub(crate) fn abbreviation(word: &str) -> Option<Abbreviation> {
        abbreviation::find(word)
    }

    /// The name as SHOW gives it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Region(region) => region.name(),
            Self::Rule(rule) => rule.name(),
        }
    }

    /// Seconds east of Greenwich at a moment; those of today for infinity.
    pub(crate) fn east(&self, us: i64) -> i32 {
        match self {
            Self::Region(Tz::UTC) => 0,
            Self::Region(region) => region_offset(*region, us).map_or(0, |offset| offset.fix().local_minus_utc()),
            Self::Rule(rule) => rule.reading(us).0,
        }
    }

    /// What the clocks show at a moment.
    pub(crate) fn reading(&self, us: i64) -> Reading {
        match self {
            Self::Region(region) => match region_offset(*region, us) {
                Some(offset) => {
                    let east = offset.fix().local_minus_utc();
                    let name = offset.abbreviation().map_or_else(|| offset.to_string(), str::to_owned);
                    Reading { east, name }
                }
                None => Reading { east: 0, name: String::new() },
            },
            Self::Rule(rule) => {
                let (east, name) = rule.reading(us);
                Reading { east, name: name.to_owned() }
            }
        }
    }

    /// Whether its offset has always been the same.
    pub(crate) fn is_fixed(&self) -> bool {
        match self {
            Self::Region(region) => {
                let name = region.name();
                name.starts_with("Etc/")
                    || matches!(
                        name,
                        "GMT" | "GMT+0" | "GMT-0" | "GMT0" | "Greenwich" | "UCT" | "UTC" | "Universal" | "Zulu"
                    )
            }
            Self::Rule(rule) => rule.is_fixed(),
        }
    }

    /// Whether a moment is in summer time.
    pub(crate) fn is_summer(&self, us: i64) -> bool {
        match self {
            Self::Region(region) => region_offset(*region, us).is_some_and(|offset| !offset.dst_offset().is_zero()),
            Self::Rule(rule) => rule.is_summer(us),
        }
    }

    /// The wall clock at a moment; infinity stays. `None` when the clock leaves the range of timestamps.
    pub(crate) fn local(&self, us: i64) -> Option<i64> {
        if is_infinite(us) {
            return Some(us);
        }
        let local = us.checked_add(i64::from(self.east(us)) * SECOND_US)?;
        is_moment(local).then_some(local)
    }

    /// The moment at which the wall clock shows a time; infinity stays. `None` when it leaves the range of timestamps.
    ///
    /// A time that comes twice is the later of the two, and one that is skipped is read with the offset before the
    /// gap, both as in PostgreSQL.
    pub(crate) fn moment(&self, local: i64) -> Option<i64> {
        if is_infinite(local) || *self == Self::UTC {
            return Some(local);
        }
        let us = local.checked_sub(i64::from(self.east_of_local(local)) * SECOND_US)?;
        is_moment(us).then_some(us)
    }

    /// Seconds east of Greenwich that an abbreviation means here on a wall clock's time: its use that was last before
    /// it, or else the next; the offset at that time when it never was in use.
    pub(crate) fn east_by(&self, word: &str, local: i64) -> i32 {
        let seasons = (0..SEASONS).chain((1..SEASONS).map(|season| -season));
        let mut uses = seasons.map(|season| self.reading(local.saturating_sub(season * SEASON_US)));
        let used = uses.find(|reading| reading.name.eq_ignore_ascii_case(word));
        used.map_or_else(|| self.east_of_local(local), |reading| reading.east)
    }

    /// Seconds east of Greenwich that a wall clock's time is read with.
    pub(crate) fn east_of_local(&self, local: i64) -> i32 {
        let (before, after) = (self.east(local.saturating_sub(DAY_US)), self.east(local.saturating_add(DAY_US)));
        if before == after {
            return before;
        }
        let at = |east: i32| self.east(local.saturating_sub(i64::from(east) * SECOND_US));
        let (holds_before, holds_after) = (at(before) == before, at(after) == after);
        match (holds_before, holds_after) {
            (true, false) | (false, false) => before,
            (_, true) => after,
        }
    }
}

/// How far apart a region's clocks are looked at for an abbreviation: a season.
const SEASON_US: i64 = 91 * DAY_US;
/// How many seasons are looked at, towards the past first.
const SEASONS: i64 = 160;

/// The offset of a region at a moment.
///
/// The database lists changes up to 2099; later years go by a year of that list with the same weekdays.
fn region_offset(region: Tz, us: i64) -> Option<<Tz as TimeZone>::Offset> {
    let mut us = if us == FIRST_US { 0 } else { us };
    let (year, ..) = civil(us.div_euclid(DAY_US));
    if year > LAST_LISTED_YEAR {
        let begins = |year: i64| (is_leap(year), weekday(days_of(year, 1, 1)));
        let alike = (LAST_LISTED_YEAR - 40..LAST_LISTED_YEAR).find(|other| begins(*other) == begins(year))?;
        us -= (days_of(year, 1, 1) - days_of(alike, 1, 1)) * DAY_US;
    } else if year < -200_000 {
        us = 0;
    }
    let at = DateTime::from_timestamp_micros(us)?;
    Some(region.offset_from_utc_datetime(&at.naive_utc()))
}

/// How far apart two moments with the same offset are, so that it holds between them: no zone changes twice within.
const STEADY_US: i64 = 6 * 3_600 * SECOND_US;

/// The offsets of a column of moments: neighbouring rows mostly share one.
#[derive(Debug)]
pub(crate) struct Offsets {
    zone: Zone,
    /// From and to which moment the offset is known to hold.
    known: (i64, i64, i64),
}

impl Offsets {
    /// Offsets of a zone of which none is known yet.
    pub(crate) fn of(zone: Zone) -> Self {
        Self { zone, known: (0, 0, 0) }
    }

    /// Microseconds east of Greenwich at a moment.
    pub(crate) fn east_us(&mut self, us: i64) -> i64 {
        let (from, to, east) = self.known;
        if (from..to).contains(&us) {
            return east;
        }
        let start = us.div_euclid(STEADY_US).saturating_mul(STEADY_US);
        let end = start.saturating_add(STEADY_US);
        let at = |us: i64| i64::from(self.zone.east(us)) * SECOND_US;
        let (first, last) = (at(start), at(end));
        if first == last {
            self.known = (start, end, first);
            return first;
        }
        at(us)
    }

    /// The wall clock at a moment; infinity stays. `None` when the clock leaves the range of timestamps.
    pub(crate) fn local(&mut self, us: i64) -> Option<i64> {
        if is_infinite(us) {
            return Some(us);
        }
        us.checked_add(self.east_us(us)).filter(|local| is_moment(*local))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::calendar::HOUR_US;

    fn new_york(text: &str) -> i64 {
        let zone = Zone::named("america/new_york").unwrap();
        let local: chrono::NaiveDateTime = text.parse().unwrap();
        let local = local.and_utc().timestamp_micros();
        zone.moment(local).unwrap() - local
    }

    #[test]
    fn wall_clocks_become_moments() {
        assert_eq!(new_york("2026-07-01T09:30:00"), 4 * HOUR_US);
        assert_eq!(new_york("2026-11-01T01:30:00"), 5 * HOUR_US);
        assert_eq!(new_york("2026-03-08T02:30:00"), 5 * HOUR_US);
        assert_eq!(new_york("2150-07-01T09:30:00"), 4 * HOUR_US);
        assert_eq!(new_york("2150-12-01T09:30:00"), 5 * HOUR_US);
    }

    #[test]
    fn zones_have_postgres_names_and_signs() {
        let check = |value: &str, name: &str, east: i32| {
            let zone = Zone::of_setting(value).unwrap();
            assert_eq!((zone.name(), zone.east(1_700_000_000_000_000)), (name, east), "{value}");
        };
        check("-08:00", "-08:00", 28_800);
        check("-8", "<-08>+08", -28_800);
        check("5.5", "<+05:30>-05:30", 19_800);
        check("utc+3", "UTC+3", -10_800);
        check("gmt-05:30", "GMT-05:30", 19_800);
        check("<+03>-03", "<+03>-03", 10_800);
        check("EST5EDT,M3.2.0,M11.1.0", "EST5EDT,M3.2.0,M11.1.0", -18_000);
        check("europe/rome", "Europe/Rome", 3_600);
        assert_eq!(Zone::of_setting("nowhere"), None);
        assert_eq!(Zone::of_setting("edt"), None);
        assert_eq!(Zone::of_text("edt").unwrap().east(0), -14_400);
        assert_eq!(Zone::of_text("CET").unwrap().east(1_720_000_000_000_000), 3_600);
    }
}
