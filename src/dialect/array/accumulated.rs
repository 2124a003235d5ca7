//! The function `array_accumulated`: an array that `array_agg` takes into an array of one dimension more.

use crate::error::{ErrorKind, QueryError};
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// The function, as DataFusion takes it.
pub(crate) fn function() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Accumulated { signature: Signature::any(1, Volatility::Immutable) }))
}

/// The array itself; one that is NULL or has no elements has no place in a larger one.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Accumulated {
    signature: Signature,
}

impl ScalarUDFImpl for Accumulated {
    fn name(&self) -> &'static str {
        "array_accumulated"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(arguments.first().cloned().unwrap_or(DataType::Null))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(given) = arguments.args.into_iter().next() else {
            return datafusion::common::plan_err!("an array is wanted");
        };
        let array = given.to_array(arguments.number_rows)?;
        if array.null_count() > 0 {
            return Err(refused(ErrorKind::NullNotAllowed, "cannot accumulate null arrays"));
        }
        let lists = array.as_list_opt::<i32>();
        if lists.is_some_and(|lists| lists.offsets().lengths().any(|length| length == 0)) {
            return Err(refused(ErrorKind::ArraySubscript, "cannot accumulate empty arrays"));
        }
        Ok(given)
    }
}

fn refused(kind: ErrorKind, message: &str) -> DataFusionError {
    DataFusionError::External(Box::new(QueryError::new(kind, message)))
}
