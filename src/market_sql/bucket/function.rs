//! The function `time_bucket`.

use super::arguments::{Form, PARAMETERS, form};
use super::buckets::Buckets;
use super::of_call::{Moments, Settings};
use crate::dialect::catalog::types;
use crate::dialect::function::section::Section;
use crate::dialect::moment::fault;
use crate::dialect::moment::function::{Call, invoke};
use crate::text::calendar::{DAY_US, is_infinite};
use arrow::array::{ArrayRef, ArrowPrimitiveType, NullBufferBuilder, PrimitiveArray};
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// The function `time_bucket`, as statements call it.
pub(crate) fn function() -> ScalarUDF {
    ScalarUDF::from(TimeBucket::new())
}

/// The beginning of the bucket of each moment of a column.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct TimeBucket {
    signature: Signature,
}

impl TimeBucket {
    fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

/// 42883: there is no function for these arguments.
pub(crate) fn missing(name: &str, given: &[DataType]) -> DataFusionError {
    let shown = given.iter().map(|data_type| types::display(types::of_arrow(data_type).0, None));
    fault::unknown(format!("function {name}({}) does not exist", shown.collect::<Vec<_>>().join(", ")))
}

/// What documentation says of a function.
pub(crate) fn documentation(name: &str, doc: &str) -> Documentation {
    Documentation::builder(Section::DateTime.of_datafusion(), doc, format!("{name}(...)")).build()
}

impl ScalarUDFImpl for TimeBucket {
    fn name(&self) -> &'static str {
        "time_bucket"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn documentation(&self) -> Option<&Documentation> {
        static DOCUMENTATION: std::sync::LazyLock<Documentation> = std::sync::LazyLock::new(|| {
            documentation(
                "time_bucket",
                "The beginning of the bucket that a moment or a number is in, by the width of buckets.",
            )
        });
        Some(&DOCUMENTATION)
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        Ok(form(given).ok_or_else(|| missing(self.name(), given))?.types)
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        Ok(form(given).ok_or_else(|| missing(self.name(), given))?.returns)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        invoke(&arguments, Volatility::Immutable, bucketed)
    }

    /// Later moments are never in earlier buckets. In sessions they may be in none, which is no place in an order.
    fn output_ordering(&self, input: &[ExprProperties]) -> Result<SortProperties> {
        let [width, moment, rest @ ..] = input else { return Ok(SortProperties::Unordered) };
        let is_constant = |one: &ExprProperties| one.sort_properties == SortProperties::Singleton;
        let in_sessions = input.len() == PARAMETERS.len();
        let ordered = !in_sessions && is_constant(width) && rest.iter().all(is_constant);
        Ok(if ordered { moment.sort_properties } else { SortProperties::Unordered })
    }
}

/// The buckets of a column.
fn bucketed(call: &Call<'_>) -> Result<ArrayRef> {
    let types: Vec<DataType> = call.args.iter().map(ColumnarValue::data_type).collect();
    let form = form(&types).ok_or_else(|| missing("time_bucket", &types))?;
    match call.returns {
        DataType::Date32 => starts::<Date32Type>(call, &form, day),
        DataType::Timestamp(..) => starts::<TimestampMicrosecondType>(call, &form, Some),
        DataType::Int16 => starts::<Int64Type>(call, &form, |start| i16::try_from(start).ok().map(i64::from)),
        DataType::Int32 => starts::<Int64Type>(call, &form, |start| i32::try_from(start).ok().map(i64::from)),
        _ => starts::<Int64Type>(call, &form, Some),
    }
}

/// The day of a midnight, or of infinity.
fn day(us: i64) -> Option<i32> {
    match us {
        i64::MAX => Some(i32::MAX),
        i64::MIN => Some(i32::MIN),
        us => i32::try_from(us / DAY_US).ok(),
    }
}

/// The beginnings of buckets, each as the result has it.
fn starts<T: ArrowPrimitiveType>(
    call: &Call<'_>,
    form: &Form,
    result: impl Fn(i64) -> Option<T::Native>,
) -> Result<ArrayRef> {
    let settings = Settings::of(call, form)?;
    let moments = Moments::of(call, 1)?;
    let (constant, numbers) = (Settings::is_constant(call), form.is_of_numbers());
    let mut buckets: Option<Buckets> = None;
    let (mut values, mut valid) = (Vec::with_capacity(call.rows), NullBufferBuilder::new(call.rows));
    for row in 0..call.rows {
        if row == 0 || !constant && !settings.is_same(row - 1, row) {
            buckets = settings.at(row)?;
        }
        let start = match (moments.at(row), &mut buckets) {
            (Some(at), Some(_)) if !numbers && is_infinite(at) => result(at),
            (Some(at), Some(buckets)) => {
                let place = || fault::out_of_range(if numbers { "integer" } else { "timestamp" });
                buckets.start(at)?.map(|start| result(start).ok_or_else(place)).transpose()?
            }
            _ => None,
        };
        values.push(start.unwrap_or_default());
        valid.append(start.is_some());
    }
    let array = PrimitiveArray::<T>::new(values.into(), valid.finish());
    Ok(match PrimitiveArray::<T>::is_compatible(call.returns) {
        true => Arc::new(array.with_data_type(call.returns.clone())),
        false => Arc::new(array),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use arrow::array::{RecordBatch, StringArray, TimestampMicrosecondArray};
    use arrow::datatypes::{Field, Schema, TimeUnit};
    use datafusion::datasource::MemTable;
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::{SessionContext, col};

    /// How rows that come in the order of symbol and moment are grouped by a symbol and a bucket.
    async fn grouping(bucket: &str) -> String {
        let context = SessionContext::new();
        context.register_udf(function());
        let moment = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let schema = Schema::new(vec![Field::new("s", DataType::Utf8, false), Field::new("t", moment, false)]);
        let schema = Arc::new(schema);
        let moments = TimestampMicrosecondArray::from(vec![1, 2]).with_timezone("UTC");
        let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(vec!["A", "B"])), Arc::new(moments)];
        let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();
        let order = ["s", "t"].map(|name| col(name).sort(true, false)).to_vec();
        let table = MemTable::try_new(schema, vec![vec![batch]]).unwrap().with_sort_order(vec![order]);
        context.register_table("m", Arc::new(table)).unwrap();
        let frame = context.sql(&format!("SELECT s, {bucket} AS b, count(*) FROM m GROUP BY 1, 2")).await.unwrap();
        let plan = frame.create_physical_plan().await.unwrap();
        displayable(plan.as_ref()).indent(false).to_string()
    }

    #[tokio::test]
    async fn sorted_rows_are_grouped_as_they_come() {
        for bucket in ["time_bucket(interval '1 hour', t)", "time_bucket(interval '1 month', t, 'Europe/Rome')"] {
            let plan = grouping(bucket).await;
            assert!(plan.contains("ordering_mode=Sorted"), "{plan}");
        }
        // What is in no session stands between what is.
        let plan = grouping("time_bucket(interval '1 hour', t, false, false, false, 'XNYS')").await;
        assert!(!plan.contains("ordering_mode=Sorted"), "{plan}");
    }
}
