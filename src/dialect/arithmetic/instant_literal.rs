//! The analyzer rule `InstantLiterals` reads dates and instants that a statement writes out as
//! PostgreSQL reads them: `2026-11-26 09:30`, `26 Nov 2026`, `20261126`; what has no offset is in the
//! session's zone.
//!
//! It runs after type coercion, which has put a cast around each text that is compared with an
//! instant; these casts become literals, so that scans can prune by them.
//!
//! DataFusion 55: Arrow's parser wants RFC 3339 with seconds, refuses month names, and takes a text
//! without an offset for UTC whatever the session's zone where the column is in UTC
//! (apache/datafusion#3080 and #19023 discuss casts of literals). Not needed once `at > '2026-11-26
//! 09:30'` is read in `datafusion.execution.time_zone`, and `'26 Nov 2026'::date` is a date.

use crate::text::instant;
use arrow::datatypes::{DataType, TimeUnit};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::expr::Cast;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::utils::NamePreserver;
use std::sync::Arc;

/// The analyzer rule, named `moments_as_written`.
#[derive(Debug)]
pub(crate) struct InstantLiterals;

impl AnalyzerRule for InstantLiterals {
    fn name(&self) -> &str {
        "moments_as_written"
    }

    /// Replaces the casts of such texts throughout a plan and its subqueries. A text that does not
    /// read is left in its cast, whose error then names it.
    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        let zone = config.execution.time_zone.as_deref().and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC);
        let read = |expr: Expr| match moment(&expr, zone) {
            Some(value) => Ok(Transformed::yes(Expr::Literal(value, None))),
            None => Ok(Transformed::no(expr)),
        };
        let plan = plan.transform_up_with_subqueries(|node| {
            // Columns keep the names that other nodes know them by.
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let name = names.save(&expr);
                Ok(expr.transform_up(read)?.update_data(|expr| name.restore(expr)))
            })
        });
        Ok(plan?.data)
    }
}

/// The literal for a text that is cast to a date or a timestamp; `None` for every other expression
/// and for a text that does not read.
///
/// A date passes over a time behind it; a timestamp without a zone passes over an offset; a timestamp
/// with a zone takes a text without an offset in the session's zone.
fn moment(expr: &Expr, zone: Tz) -> Option<ScalarValue> {
    let Expr::Cast(Cast { expr, field }) = expr else { return None };
    let Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _) = expr.as_ref() else {
        return None;
    };
    match field.data_type() {
        DataType::Date32 => {
            let days = instant::clock(text)?.date().signed_duration_since(NaiveDate::default()).num_days();
            Some(ScalarValue::Date32(Some(i32::try_from(days).ok()?)))
        }
        DataType::Timestamp(unit, Some(name)) => {
            let at = instant::parse(text, zone)?;
            timestamp(*unit, at, Some(name.clone()))
        }
        DataType::Timestamp(unit, None) => timestamp(*unit, instant::clock(text)?.and_utc(), None),
        _ => None,
    }
}

/// An instant in the wanted unit; `None` in nanoseconds outside of the years 1677 to 2262, where the cast stays and fails.
fn timestamp(unit: TimeUnit, at: DateTime<Utc>, zone: Option<Arc<str>>) -> Option<ScalarValue> {
    Some(match unit {
        TimeUnit::Second => ScalarValue::TimestampSecond(Some(at.timestamp()), zone),
        TimeUnit::Millisecond => ScalarValue::TimestampMillisecond(Some(at.timestamp_millis()), zone),
        TimeUnit::Microsecond => ScalarValue::TimestampMicrosecond(Some(at.timestamp_micros()), zone),
        TimeUnit::Nanosecond => ScalarValue::TimestampNanosecond(Some(at.timestamp_nanos_opt()?), zone),
    })
}
