//! Frames of windows, by the type of what a window is sorted by.
//!
//! DataFusion 55: a RANGE frame, which is also the one that no text names, fails over times of day, intervals, UUIDs and
//! JSON ("Cannot run range queries on datatype"), and counts the days of a date in plain numbers. Not needed once
//! `SELECT lag(t) OVER (ORDER BY t) FROM (VALUES (time '10:00')) AS v (t)` runs.

use super::kind::{Kind, refusal};
use crate::error::ErrorKind;
use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{ExprSchemable, WindowFrame, WindowFrameBound, WindowFrameUnits};

/// The frame as DataFusion runs it: without offsets, a RANGE goes from peers to peers as GROUPS do.
///
/// # Errors
/// 0A000 for a plain number beside dates and times, which PostgreSQL refuses too.
pub(super) fn fitting(frame: WindowFrame, order: &[Sort], schema: &DFSchema) -> Result<WindowFrame> {
    let (WindowFrameUnits::Range, Some(key)) = (frame.units, order.first()) else { return Ok(frame) };
    let data_type = key.expr.get_type(schema)?;
    let offsets: Vec<ScalarValue> = [&frame.start_bound, &frame.end_bound].into_iter().filter_map(offset).collect();
    if offsets.is_empty() {
        return Ok(match has_ranges(&data_type) {
            true => frame,
            false => WindowFrame::new_bounds(WindowFrameUnits::Groups, frame.start_bound, frame.end_bound),
        });
    }
    let kind = Kind::of(&data_type);
    if kind.moment().is_some() && offsets.iter().any(is_number) {
        let text = format!(
            "RANGE with offset PRECEDING/FOLLOWING is not supported for column type {} and offset type integer",
            kind.name()
        );
        return Err(refusal(ErrorKind::NotSupported, text));
    }
    Ok(frame)
}

/// The offset of a bound that has one.
fn offset(bound: &WindowFrameBound) -> Option<ScalarValue> {
    match bound {
        WindowFrameBound::Preceding(value) | WindowFrameBound::Following(value) if !value.is_null() => {
            Some(value.clone())
        }
        _ => None,
    }
}

/// Whether an offset is a plain number; the SQL planner keeps offsets as they are written.
fn is_number(value: &ScalarValue) -> bool {
    match value.try_as_str() {
        Some(text) => text.is_some_and(|text| text.trim().parse::<f64>().is_ok()),
        None => value.data_type().is_numeric(),
    }
}

/// Whether DataFusion runs RANGE frames over a type.
fn has_ranges(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => has_ranges(value),
        other => {
            other.is_numeric()
                || other.is_string()
                || other.is_null()
                || matches!(
                    other,
                    DataType::List(_)
                        | DataType::LargeList(_)
                        | DataType::Boolean
                        | DataType::Date32
                        | DataType::Date64
                        | DataType::Timestamp(..)
                )
        }
    }
}
