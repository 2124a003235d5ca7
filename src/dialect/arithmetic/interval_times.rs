//! The function `interval_times`: an interval times a number.
//!
//! DataFusion 55: intervals cannot be multiplied or divided (apache/datafusion#13850, open). Not
//! needed once `interval '1 month' * 1.5` is one month and 15 days.

use arrow::array::{ArrayRef, AsArray, IntervalMonthDayNanoArray};
use arrow::datatypes::{DataType, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::{Arc, LazyLock};

/// The one interval type of this server: months, days and nanoseconds.
const SPAN: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// The call of `interval_times` on an interval and a double.
pub(crate) fn interval_times(span: Expr, factor: Expr) -> Expr {
    static TIMES: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(Times::default())));
    Expr::ScalarFunction(ScalarFunction { func: TIMES.clone(), args: vec![span, factor] })
}

/// The function `interval_times`: an interval times a double. What is left of months goes to days, of
/// which a month has 30, and what is left of days to hours; NULL of NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Times {
    signature: Signature,
}

impl Default for Times {
    fn default() -> Self {
        Self { signature: Signature::exact(vec![SPAN, DataType::Float64], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Times {
    fn name(&self) -> &str {
        "interval_times"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(SPAN)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let [spans, factors] = arguments.args.as_slice() else {
            return plan_err!("an interval and a number are wanted");
        };
        let (spans, factors) = (spans.to_array(rows)?, factors.to_array(rows)?);
        let spans = spans.as_primitive::<IntervalMonthDayNanoType>().iter();
        let products = spans.zip(factors.as_primitive::<Float64Type>()).map(|pair| match pair {
            (Some(span), Some(factor)) => Some(product(span, factor)),
            _ => None,
        });
        Ok(ColumnarValue::Array(Arc::new(products.collect::<IntervalMonthDayNanoArray>()) as ArrayRef))
    }
}

/// One interval times a factor; fields that leave their type saturate.
#[allow(clippy::cast_possible_truncation, reason = "casts of floats saturate, and intervals end where they saturate")]
fn product(span: IntervalMonthDayNano, factor: f64) -> IntervalMonthDayNano {
    const DAYS_PER_MONTH: f64 = 30.0;
    const NS_PER_DAY: f64 = 86_400e9;
    let months = f64::from(span.months) * factor;
    let days = f64::from(span.days) * factor + (months - months.trunc()) * DAYS_PER_MONTH;
    // Fractions that are only there because of binary digits are none.
    let days = if (days - days.round()).abs() < 1e-9 { days.round() } else { days };
    let ns = span.nanoseconds as f64 * factor + (days - days.trunc()) * NS_PER_DAY;
    IntervalMonthDayNano::new(months.trunc() as i32, days.trunc() as i32, ns.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_go_to_the_smaller_unit() {
        let span = IntervalMonthDayNano::new;
        assert_eq!(product(span(1, 0, 0), 1.5), span(1, 15, 0));
        assert_eq!(product(span(0, 1, 0), 2.0), span(0, 2, 0));
        assert_eq!(product(span(0, 1, 0), 0.5), span(0, 0, 43_200_000_000_000));
        assert_eq!(product(span(0, 0, 3_600_000_000_000), -2.0), span(0, 0, -7_200_000_000_000));
    }
}
