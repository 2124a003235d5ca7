//! The fields that `extract`, `date_part` and `date_trunc` name, in all of PostgreSQL's spellings.

use super::fault::{invalid, not_supported};
use super::types::Kind;
use crate::text::interval::Unit;
use datafusion::error::DataFusionError;

/// A field of a moment or a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Of(Unit),
    Quarter,
    Timezone,
    TimezoneHour,
    TimezoneMinute,
    Weekday,
    IsoWeekday,
    DayOfYear,
    IsoYear,
    Julian,
    Epoch,
}

/// Letters of a name that count, as in PostgreSQL.
const LETTERS_MAX: usize = 10;

impl Field {
    /// The field of a name in any case; `None` when there is none.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let short = name.get(..LETTERS_MAX).unwrap_or(&name);
        Some(match short {
            "quarter" | "qtr" => Self::Quarter,
            "timezone" => Self::Timezone,
            "timezone_h" => Self::TimezoneHour,
            "timezone_m" => Self::TimezoneMinute,
            "dow" => Self::Weekday,
            "isodow" => Self::IsoWeekday,
            "doy" => Self::DayOfYear,
            "isoyear" => Self::IsoYear,
            "j" | "jd" | "julian" => Self::Julian,
            "epoch" => Self::Epoch,
            short => Self::Of(Unit::named(short)?),
        })
    }

    /// Whether its value grows with the moment, so that infinity's is infinite.
    pub(crate) fn grows(self) -> bool {
        use Unit::{Century, Decade, Millennium, Year};
        matches!(self, Self::Of(Year | Decade | Century | Millennium) | Self::Julian | Self::IsoYear | Self::Epoch)
    }
}

/// 22023: a name that is no field.
pub(crate) fn unrecognized(name: &str, kind: Kind) -> DataFusionError {
    invalid(format!("unit \"{}\" not recognized for type {}", name.to_ascii_lowercase(), kind.name()))
}

/// 0A000: a field that values of a kind do not have.
pub(crate) fn unsupported(name: &str, kind: Kind) -> DataFusionError {
    not_supported(format!("unit \"{}\" not supported for type {}", name.to_ascii_lowercase(), kind.name()))
}
