//! The function `array_unknown`: what it means for an equality that was found for no element that an array has NULL elements.

use datafusion::arrow::array::{Array, AsArray, BooleanArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// The function, as DataFusion takes it.
pub(crate) fn function() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Unknown { signature: Signature::any(1, Volatility::Immutable) }))
}

/// NULL for an array with NULL elements, else `false`: `x = ANY (a)` is `array_has(a, x) OR array_unknown(a)`.
///
/// DataFusion 55: `array_has` is `false` where an element is NULL and none equals. Not needed once
/// `SELECT 9 = ANY (a) FROM (VALUES (ARRAY[NULL, 4])) t (a)` is NULL without it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Unknown {
    signature: Signature,
}

impl ScalarUDFImpl for Unknown {
    fn name(&self) -> &'static str {
        "array_unknown"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let known = ColumnarValue::Scalar(ScalarValue::Boolean(Some(false)));
        let rows = arguments.number_rows;
        let Some(array) = arguments.args.first().map(|array| array.to_array(rows)).transpose()? else {
            return Ok(known);
        };
        let Some(lists) = array.as_list_opt::<i32>() else { return Ok(known) };
        if lists.values().null_count() == 0 {
            return Ok(known);
        }
        let whole = lists.iter().map(|list| list.is_none_or(|list| list.null_count() == 0).then_some(false));
        Ok(ColumnarValue::Array(Arc::new(whole.collect::<BooleanArray>())))
    }
}
