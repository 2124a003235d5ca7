//! Functions that read the clock: `clock_timestamp()`, another moment for each row, and `timeofday()`, its text.

use super::function::named;
use super::types::TIMESTAMPTZ;
use crate::clock::Clock;
use crate::text::calendar::SECOND_US;
use datafusion::arrow::array::{StringArray, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::{ScalarUDF, Volatility};
use std::sync::Arc;

/// The functions `clock_timestamp` and `timeofday`.
pub(crate) fn functions() -> [ScalarUDF; 2] {
    [clock_timestamp(), timeofday()]
}

fn clock_timestamp() -> ScalarUDF {
    named(
        "clock_timestamp",
        "The moment at which it is called, another one for each row.",
        Volatility::Volatile,
        |given| given.is_empty().then(|| (Vec::new(), TIMESTAMPTZ.clone())),
        |call| {
            let now = (0..call.rows).map(|_| Clock::System.now().timestamp_micros());
            Ok(Arc::new(TimestampMicrosecondArray::from_iter_values(now).with_timezone("UTC")))
        },
    )
}

fn timeofday() -> ScalarUDF {
    named(
        "timeofday",
        "The moment at which it is called as a text, in the session's zone.",
        Volatility::Volatile,
        |given| given.is_empty().then(|| (Vec::new(), DataType::Utf8)),
        |call| {
            let text = || {
                let us = Clock::System.now().timestamp_micros();
                let reading = call.zone().reading(us);
                let local = us.saturating_add(i64::from(reading.east) * SECOND_US);
                let local = chrono::DateTime::from_timestamp_micros(local).unwrap_or_default();
                format!("{} {}", local.format("%a %b %d %H:%M:%S%.6f %Y"), reading.name)
            };
            Ok(Arc::new(StringArray::from_iter_values((0..call.rows).map(|_| text()))))
        },
    )
}
