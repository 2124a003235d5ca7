//! How dxLink writes days, indexes and figures.

use crate::simulator::value::Value;
use chrono::{DateTime, NaiveDate, Utc};

/// Days from 1970-01-01 to the date, as dxLink sends `dayId`.
pub(super) fn day_number(date: NaiveDate) -> i64 {
    (date - NaiveDate::default()).num_days()
}

/// The index of a time series event: seconds, milliseconds, sequence number 0.
pub(super) fn series_index(time: DateTime<Utc>) -> i64 {
    let millis = time.timestamp_millis();
    (millis.div_euclid(1_000) << 32) | (millis.rem_euclid(1_000) << 22)
}

/// A missing figure is NaN on the wire, never null.
pub(super) fn optional<'a>(number: Option<f64>) -> Value<'a> {
    Value::Number(number.unwrap_or(f64::NAN))
}

/// Six decimals, as model figures are sent.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_seconds_milliseconds_and_sequence() {
        let at = |millis| DateTime::<Utc>::from_timestamp_millis(millis).unwrap();
        assert_eq!(series_index(at(1_684_559_855_338)), 7_235_129_486_797_176_832);
        assert_eq!(series_index(at(1_767_571_200_000)), 7_591_660_497_351_475_200);
    }
}
