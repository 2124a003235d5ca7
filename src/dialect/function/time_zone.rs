//! The function `timezone(zone, instant)` is `instant AT TIME ZONE zone`: from an instant to the wall
//! clock there, and from a wall clock back to the instant.
//!
//! DataFusion 55: it plans AT TIME ZONE as a cast that keeps the instant (apache/datafusion#10368,
//! open; #25165 proposes PostgreSQL's meaning); `rewrite` replaces it by this function. Not needed
//! once DataFusion's own form changes between the two types of timestamp.

use chrono::{DateTime, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use datafusion::arrow::array::{Array, ArrayRef, TimestampMicrosecondArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// A timestamp without a zone, in microseconds: a wall clock.
const LOCAL: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// The function; zones are names of the IANA database, NULL on either side gives NULL, and an unknown
/// name is an error of kind `InvalidParameter`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct TimeZone {
    signature: Signature,
}

impl Default for TimeZone {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for TimeZone {
    fn name(&self) -> &str {
        "timezone"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// A time without a zone stays as it is; dates and texts are instants, as PostgreSQL prefers.
    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [_, time] = arguments else { return plan_err!("timezone takes a zone and a time") };
        let time = match time {
            DataType::Timestamp(_, None) => LOCAL,
            _ => crate::dialect::catalog::definition::timestamptz(),
        };
        Ok(vec![DataType::Utf8, time])
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments.get(1) {
            Some(DataType::Timestamp(_, None)) => Ok(crate::dialect::catalog::definition::timestamptz()),
            _ => Ok(LOCAL),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [zone, time] = arguments.args.as_slice() else { return plan_err!("timezone takes a zone and a time") };
        let to_local = matches!(arguments.return_type(), DataType::Timestamp(_, None));
        let rows = match time {
            ColumnarValue::Scalar(_) if matches!(zone, ColumnarValue::Scalar(_)) => 1,
            _ => arguments.number_rows,
        };
        let scalar = rows == 1 && matches!(time, ColumnarValue::Scalar(_)) && matches!(zone, ColumnarValue::Scalar(_));
        let times = cast(&time.to_array(rows)?, &in_micros(time.data_type()))?;
        let times = times.as_any().downcast_ref::<TimestampMicrosecondArray>();
        let Some(times) = times else { return plan_err!("timezone takes a zone and a time") };
        let mut zones = Zones::of(zone);
        let mut result = Vec::with_capacity(rows);
        for row in 0..rows {
            let zone = zones.at(row)?;
            result.push(match zone {
                Some(zone) if times.is_valid(row) => shift(times.value(row), zone, to_local),
                _ => None,
            });
        }
        let array = TimestampMicrosecondArray::from(result);
        let array: ArrayRef = if to_local { Arc::new(array) } else { Arc::new(array.with_timezone("UTC")) };
        match scalar {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)),
            false => Ok(ColumnarValue::Array(array)),
        }
    }
}

/// The microsecond type with the same zone.
fn in_micros(given: DataType) -> DataType {
    match given {
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone),
        _ => crate::dialect::catalog::definition::timestamptz(),
    }
}

/// The zones of a column by row; the last name is parsed once, since columns repeat them.
struct Zones<'a> {
    column: &'a ColumnarValue,
    last: Option<(String, Tz)>,
}

impl<'a> Zones<'a> {
    /// The zones of a column of which none is read yet.
    fn of(column: &'a ColumnarValue) -> Self {
        Self { column, last: None }
    }

    /// The zone in a row; `None` for NULL.
    ///
    /// # Errors
    /// `time zone "..." not recognized` for a name that is not in the IANA database.
    fn at(&mut self, row: usize) -> Result<Option<Tz>> {
        let value = match self.column {
            ColumnarValue::Scalar(value) => value.clone(),
            ColumnarValue::Array(array) => ScalarValue::try_from_array(array, row)?,
        };
        let Some(name) = value.try_as_str().flatten() else { return Ok(None) };
        if let Some((last, zone)) = &self.last
            && last == name
        {
            return Ok(Some(*zone));
        }
        let zone = name.parse::<Tz>().map_err(|_| exec_datafusion_err!("time zone \"{name}\" not recognized"))?;
        self.last = Some((name.to_owned(), zone));
        Ok(Some(zone))
    }
}

/// A time in microseconds moved to a zone's wall clock, or from it; `None` when the result is outside
/// the range of instants.
fn shift(micros: i64, zone: Tz, to_local: bool) -> Option<i64> {
    let time = DateTime::from_timestamp_micros(micros)?;
    if to_local {
        let offset = zone.offset_from_utc_datetime(&time.naive_utc()).fix();
        return Some(time.naive_utc().checked_add_offset(offset)?.and_utc().timestamp_micros());
    }
    Some(instant_of(time.naive_utc(), zone)?.timestamp_micros())
}

/// The instant a wall clock shows a time. A time shown twice is the later one, in standard time; a time that is skipped
/// is read with the offset before the change. Both as PostgreSQL does.
fn instant_of(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Tz>> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(instant) => Some(instant),
        LocalResult::Ambiguous(_, later) => Some(later),
        LocalResult::None => {
            let before = zone.from_local_datetime(&local.checked_sub_signed(TimeDelta::hours(3))?).earliest()?;
            let utc = local.checked_sub_signed(TimeDelta::seconds(before.offset().fix().local_minus_utc().into()))?;
            Some(zone.from_utc_datetime(&utc))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(local: &str, expected: &str) {
        let zone: Tz = "America/New_York".parse().unwrap();
        let local: NaiveDateTime = local.parse().unwrap();
        assert_eq!(instant_of(local, zone).unwrap().naive_utc(), expected.parse().unwrap());
    }

    #[test]
    fn wall_clocks_become_instants() {
        check("2026-07-01T09:30:00", "2026-07-01T13:30:00");
        check("2026-11-01T01:30:00", "2026-11-01T06:30:00");
        check("2026-03-08T02:30:00", "2026-03-08T07:30:00");
    }

    #[test]
    fn times_at_the_end_of_time_have_no_wall_clock() {
        let last = DateTime::<chrono::Utc>::MAX_UTC;
        assert_eq!(shift(last.timestamp_micros(), "Asia/Tokyo".parse().unwrap(), true), None);
        assert_eq!(shift(i64::MAX, "Asia/Tokyo".parse().unwrap(), false), None);
        assert_eq!(instant_of(last.naive_utc(), "America/New_York".parse().unwrap()), None);
    }

    #[test]
    fn instants_become_wall_clocks() {
        let instant: DateTime<chrono::Utc> = "2026-07-01T13:30:00Z".parse().unwrap();
        let local = shift(instant.timestamp_micros(), "America/New_York".parse().unwrap(), true).unwrap();
        assert_eq!(DateTime::from_timestamp_micros(local).unwrap().to_rfc3339(), "2026-07-01T09:30:00+00:00");
    }
}
