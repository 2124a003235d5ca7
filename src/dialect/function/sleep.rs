//! The function `pg_sleep(seconds)` waits on tokio's timer without holding a thread, so that a cancel
//! ends it at once.

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, AsArray, StringArray};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::async_udf::{AsyncScalarUDF, AsyncScalarUDFImpl};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;
use std::time::Duration;

/// The longest wait for one row: a day. PostgreSQL has no limit.
const LONGEST: Duration = Duration::from_secs(86_400);

/// The function as DataFusion takes it: an asynchronous one, volatile so that each row waits.
pub(crate) fn function() -> ScalarUDF {
    let signature = Signature::exact(vec![DataType::Float64], Volatility::Volatile);
    AsyncScalarUDF::new(Arc::new(Sleep { signature })).into_scalar_udf()
}

/// The wait for each row, one after the other; negative seconds are none, and NULL gives NULL at
/// once.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Sleep {
    signature: Signature,
}

impl ScalarUDFImpl for Sleep {
    fn name(&self) -> &str {
        "pg_sleep"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// An empty text: there is no type for nothing.
    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("pg_sleep waits, and is called as what waits")
    }
}

#[async_trait]
impl AsyncScalarUDFImpl for Sleep {
    async fn invoke_async_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let Some(seconds) = arguments.args.first() else { return internal_err!("pg_sleep takes seconds") };
        let seconds = seconds.to_array(rows)?;
        for wait in seconds.as_primitive::<Float64Type>().iter().flatten() {
            let wait = Duration::try_from_secs_f64(wait.max(0.0)).unwrap_or(LONGEST).min(LONGEST);
            tokio::time::sleep(wait).await;
        }
        let nothing = seconds.as_primitive::<Float64Type>().iter().map(|wait| wait.map(|_| ""));
        Ok(ColumnarValue::Array(Arc::new(nothing.collect::<StringArray>()) as ArrayRef))
    }
}
