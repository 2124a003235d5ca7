//! Functions that read the clock: `clock_timestamp()`, another moment for each row, `timeofday()`, its text, and
//! `statement_timestamp()`. `now()`, the moment of the transaction, is DataFusion's.

use super::function::named;
use super::types::TIMESTAMPTZ;
use crate::clock::Clock;
use crate::dialect::carried::{self, Carry};
use crate::dialect::function::section::Section;
use crate::text::calendar::SECOND_US;
use chrono::{DateTime, Utc};
use datafusion::arrow::array::{StringArray, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// The functions `clock_timestamp`, `timeofday` and `statement_timestamp`.
pub(crate) fn functions() -> [ScalarUDF; 3] {
    [clock_timestamp(), timeofday(), ScalarUDF::from(StatementTimestamp::new())]
}

/// When a statement came, where that is not when its transaction began; the optimiser asks for it.
#[derive(Debug, Clone)]
struct StatementMoment(DateTime<Utc>);

impl Carry for StatementMoment {
    const NAME: &'static str = "statement_moment";
}

/// Sets when a statement came.
pub(crate) fn set_statement(config: &mut ConfigOptions, moment: DateTime<Utc>) {
    carried::put(config, StatementMoment(moment));
}

/// `statement_timestamp()`: a constant all through a statement, as `now()` is.
#[derive(Debug, PartialEq, Eq, Hash)]
struct StatementTimestamp {
    signature: Signature,
    documentation: Documentation,
}

impl StatementTimestamp {
    fn new() -> Self {
        let (doc, syntax) = ("The moment at which the statement came.", "statement_timestamp()");
        let documentation = Documentation::builder(Section::DateTime.of_datafusion(), doc, syntax).build();
        Self { signature: Signature::nullary(Volatility::Stable), documentation }
    }
}

impl ScalarUDFImpl for StatementTimestamp {
    fn name(&self) -> &'static str {
        "statement_timestamp"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(TIMESTAMPTZ.clone())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("statement_timestamp() is read while a statement is planned")
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let own = carried::get::<StatementMoment>(info.config_options()).map(|moment| moment.0);
        let Some(moment) = own.or(info.query_execution_start_time()) else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let value = ScalarValue::TimestampMicrosecond(Some(moment.timestamp_micros()), Some("UTC".into()));
        Ok(ExprSimplifyResult::Simplified(Expr::Literal(value, None)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
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
