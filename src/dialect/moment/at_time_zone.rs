//! The function `timezone(zone, moment)` is `moment AT TIME ZONE zone`: from a moment to the wall clock there, and from
//! a wall clock back to the moment.
//!
//! DataFusion 55: it plans AT TIME ZONE as a cast that keeps the instant (apache/datafusion#10368, open; #25165 proposes
//! PostgreSQL's meaning); `rewrite` replaces it by this function. Not needed once DataFusion's own form changes between
//! the two types of timestamp.

use super::fault::{invalid, out_of_range};
use super::function::{Call, named};
use super::types::{INTERVAL, Kind, TIMESTAMP, TIMESTAMPTZ};
use crate::text::span::SpanStyle;
use crate::text::zone::Zone;
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{
    DataType, IntervalMonthDayNano, IntervalMonthDayNanoType, TimestampMicrosecondType,
};
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ScalarUDF, Volatility};

/// The function; a zone is a name, an abbreviation, a rule or an interval, and NULL on either side gives NULL.
pub(crate) fn function() -> ScalarUDF {
    let doc = "The wall clock of a zone at a moment, or the moment at which the clock of a zone shows a time.";
    named(
        "timezone",
        doc,
        Volatility::Immutable,
        |given| {
            let [zone, moment] = given else { return None };
            let zone = match Kind::of(zone) {
                Some(Kind::Interval | Kind::Time) => INTERVAL,
                Some(_) => return None,
                None => DataType::Utf8,
            };
            Some(match moment {
                DataType::Timestamp(_, None) => (vec![zone, TIMESTAMP], TIMESTAMPTZ.clone()),
                // Dates and texts are moments, as PostgreSQL prefers.
                _ => (vec![zone, TIMESTAMPTZ.clone()], TIMESTAMP),
            })
        },
        moved,
    )
}

/// Moves each moment to its zone's clock, or from it.
fn moved(call: &Call<'_>) -> Result<ArrayRef> {
    let to_local = *call.returns == TIMESTAMP;
    let moments = call.column::<TimestampMicrosecondType>(1)?;
    let shift = |us: i64, zone: &Zone| {
        let moved = if to_local { zone.local(us) } else { zone.moment(us) };
        moved.map(Some).ok_or_else(|| out_of_range("timestamp"))
    };
    if call.argument(0)?.data_type() == INTERVAL {
        let spans = call.column::<IntervalMonthDayNanoType>(0)?;
        return call.rows::<TimestampMicrosecondType>(|row| {
            let (Some(span), Some(us)) = (spans.at(row), moments.at(row)) else { return Ok(None) };
            shift(us, &Zone::of_span(span).ok_or_else(|| no_zone(span))?)
        });
    }
    let names = call.texts(0)?;
    let mut last: Option<(String, Zone)> = None;
    call.rows::<TimestampMicrosecondType>(|row| {
        let (Some(name), Some(us)) = (names.at(row), moments.at(row)) else { return Ok(None) };
        if last.as_ref().is_none_or(|(known, _)| known != name) {
            let zone = Zone::of_text(name).ok_or_else(|| invalid(format!("time zone \"{name}\" not recognized")))?;
            last = Some((name.to_owned(), zone));
        }
        match &last {
            Some((_, zone)) => shift(us, zone),
            None => Ok(None),
        }
    })
}

/// 22023: a span with months or days is no offset.
fn no_zone(span: IntervalMonthDayNano) -> DataFusionError {
    let mut text = Vec::new();
    SpanStyle::Postgres.put(span.months, span.days, super::arithmetic::time_us(span), &mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    invalid(format!("interval time zone \"{text}\" must not include months or days"))
}
