//! Moments that a statement writes out are read as PostgreSQL reads them: `2026-11-26 09:30`, `26 Nov 2026`, `20261126`;
//! what has no offset is in the session's zone.
//!
//! The engine below wants seconds, and takes what has no offset for UTC where a column is in UTC. Once it has decided what
//! each text is to become, those that are moments are put in the place of their casts.

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

/// The rule.
#[derive(Debug)]
pub(super) struct Moments;

impl AnalyzerRule for Moments {
    fn name(&self) -> &str {
        "moments_as_written"
    }

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

/// The value of a text that is cast to a moment.
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
            Some(timestamp(*unit, at, Some(name.clone())))
        }
        DataType::Timestamp(unit, None) => Some(timestamp(*unit, instant::clock(text)?.and_utc(), None)),
        _ => None,
    }
}

fn timestamp(unit: TimeUnit, at: DateTime<Utc>, zone: Option<Arc<str>>) -> ScalarValue {
    match unit {
        TimeUnit::Second => ScalarValue::TimestampSecond(Some(at.timestamp()), zone),
        TimeUnit::Millisecond => ScalarValue::TimestampMillisecond(Some(at.timestamp_millis()), zone),
        TimeUnit::Microsecond => ScalarValue::TimestampMicrosecond(Some(at.timestamp_micros()), zone),
        TimeUnit::Nanosecond => ScalarValue::TimestampNanosecond(at.timestamp_nanos_opt(), zone),
    }
}
