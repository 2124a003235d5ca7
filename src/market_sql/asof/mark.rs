//! The function that stands in the condition of an as-of join until the analyzer takes it out.

use crate::dialect::parse::as_of_join::MATCHED;
use crate::error::{ErrorKind, QueryError};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Matched(Signature);

/// The function, of any arguments.
pub(super) fn function() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Matched(Signature::variadic_any(Volatility::Volatile))))
}

impl ScalarUDFImpl for Matched {
    fn name(&self) -> &'static str {
        MATCHED
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let error = QueryError::new(ErrorKind::NotSupported, "an as-of join is not supported in this place");
        Err(DataFusionError::External(Box::new(error)))
    }
}
