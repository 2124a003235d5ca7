//! The parts that a pattern has read are settled to a day and a time, as PostgreSQL weighs them against each other.

use super::super::fault::{error, external};
use super::{Found, invalid};
use crate::text::calendar::{DAY_US, SECOND_US, civil, days_of, days_of_month, from_julian, iso_year_start};
use crate::text::datetime::Fault;
use datafusion::common::Result;
use datafusion::error::DataFusionError;

impl Found {
    /// Seconds east of Greenwich, where the pattern reads a zone.
    pub(super) fn east(&self) -> Option<i64> {
        (self.zone_sign != 0).then(|| self.zone_sign * (self.zone_hour * 60 + self.zone_minute) * 60)
    }

    /// The day and the time of day that all parts together make.
    ///
    /// # Errors
    /// 22008 for parts that no clock shows, 22007 for those that do not go together.
    pub(super) fn settle(&self, text: &str) -> Result<(i64, i64)> {
        let field = || external(error(Fault::Field, text, "timestamp"));
        let (mut hour, mut minute, mut second) = (0, 0, 0);
        if self.seconds_of_day != 0 {
            let all = self.seconds_of_day;
            (hour, minute, second) = (all / 3_600, all / 60 % 60, all % 60);
        }
        let given = |value: i64, other: i64| if value != 0 { value } else { other };
        (hour, minute, second) = (given(self.hour, hour), given(self.minute, minute), given(self.second, second));
        if self.half_day {
            if !(1..=12).contains(&hour) {
                return Err(invalid(format!("hour \"{hour}\" is invalid for the 12-hour clock")));
            }
            hour = hour % 12 + if self.afternoon { 12 } else { 0 };
        }
        let (year, month, day) = self.day(field)?;
        if !(1..=12).contains(&month) || day < 1 || day > days_of_month(year, month) {
            return Err(field());
        }
        let us = self.milliseconds * 1_000 + self.microseconds;
        let clock = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
        if !clock || !(0..SECOND_US).contains(&us) {
            return Err(field());
        }
        let time = ((hour * 60 + minute) * 60 + second) * SECOND_US + us;
        debug_assert!(time < DAY_US);
        Ok((days_of(year, month, day), time))
    }

    /// Year, month and day; 1 January where they are not given, of the year 1 BC.
    fn day(&self, field: impl Fn() -> DataFusionError) -> Result<(i64, i64, i64)> {
        let century = if self.before_christ { -self.century } else { self.century };
        let mut year = match (self.year, self.century) {
            (0, 0) => 0,
            (0, _) if century >= 0 => (century - 1) * 100 + 1,
            (0, _) => century * 100 + 1,
            (year, other) if other != 0 && self.year_digits <= 2 => match (year % 100, century >= 0) {
                (0, true) => century * 100,
                (0, false) => century * 100 + 1,
                (short, true) => short + (century - 1) * 100,
                (short, false) => (century + 1) * 100 - short + 1,
            },
            (year, _) => match if self.before_christ { -year } else { year } {
                year @ ..0 => year + 1,
                year => year,
            },
        };
        let (mut month, mut day) = (1, 1);
        if self.julian != 0 {
            (year, month, day) = civil(from_julian(self.julian));
        }
        let iso = self.iso == Some(true);
        let mut day_of_year = self.day_of_year;
        if self.week != 0 && iso {
            let monday = iso_year_start(year) + (self.week - 1) * 7;
            // Days of the week are counted from Sunday, which ends a week.
            let further = if self.weekday > 1 {
                self.weekday - 2
            } else if self.weekday == 1 {
                6
            } else {
                0
            };
            (year, month, day) = civil(monday + further);
        } else if self.week != 0 {
            day_of_year = (self.week - 1) * 7 + 1;
        }
        if self.week_of_month != 0 {
            day = (self.week_of_month - 1) * 7 + 1;
        }
        if self.day != 0 {
            day = self.day;
        }
        if self.month != 0 {
            month = self.month;
        }
        if day_of_year != 0 && (month <= 1 || day <= 1) {
            if year == 0 && !self.before_christ {
                return Err(invalid("cannot calculate day of year without year information".to_owned()));
            }
            if iso {
                (year, month, day) = civil(iso_year_start(year) + day_of_year - 1);
            } else {
                let (of, from_month, from_day) = civil(days_of(year, 1, 1) + day_of_year - 1);
                if of != year {
                    return Err(field());
                }
                if month <= 1 {
                    month = from_month;
                }
                if day <= 1 {
                    day = from_day;
                }
            }
        }
        Ok((year, month, day))
    }
}
