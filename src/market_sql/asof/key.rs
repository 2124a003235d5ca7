//! What is compared, in the form in which equal values are equal bytes: a double without negative zero, and NULL for
//! what is not a number, which matches nothing.

use arrow::array::{ArrayRef, AsArray, Float32Array, Float64Array};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::common::{DFSchema, Result, exec_err, not_impl_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::{Arc, LazyLock};

/// An expression as it is matched by.
///
/// # Errors
/// A column that the schema does not have.
pub(super) fn match_key(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    static CANONICAL: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(Canonical::new())));
    Ok(match expr.get_type(schema)? {
        DataType::Float64 | DataType::Float32 => CANONICAL.call(vec![expr]),
        _ => expr,
    })
}

/// The function around doubles.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Canonical(Signature);

impl Canonical {
    fn new() -> Self {
        Self(Signature::any(1, Volatility::Immutable))
    }
}

impl ScalarUDFImpl for Canonical {
    fn name(&self) -> &'static str {
        "match_key"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        match given {
            [float @ (DataType::Float64 | DataType::Float32)] => Ok(float.clone()),
            _ => not_impl_err!("match_key of other types than doubles"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = args.args.as_slice() else { return exec_err!("match_key takes one value") };
        let value = value.to_array(args.number_rows)?;
        let canonical: ArrayRef = if let Some(doubles) = value.as_primitive_opt::<Float64Type>() {
            let values = doubles.iter().map(|value| value.filter(|value| !value.is_nan()).map(|value| value + 0.0));
            Arc::new(values.collect::<Float64Array>())
        } else {
            let values = value.as_primitive::<Float32Type>();
            let values = values.iter().map(|value| value.filter(|value| !value.is_nan()).map(|value| value + 0.0));
            Arc::new(values.collect::<Float32Array>())
        };
        Ok(ColumnarValue::Array(canonical))
    }
}
