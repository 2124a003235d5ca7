//! Two functions that the rule puts around the value of a scalar subquery; statements cannot call
//! them.

use crate::error::{ErrorKind, QueryError};
use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::{Arc, LazyLock};

/// The value of a subquery, if it is of one row: an error where `rows` is more than 1. It stands where
/// the subquery stood, so that a row which CASE or AND keeps from it gives no error.
pub(super) fn only(value: Expr, rows: Expr) -> Expr {
    static ONLY: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(Value::new("only_value", 2))));
    Expr::ScalarFunction(ScalarFunction { func: ONLY.clone(), args: vec![value, rows] })
}

/// A value that may be NULL, whatever its own column says: that of a subquery without rows is.
///
/// DataFusion 55: `Expr::ScalarSubquery` is as nullable as the column of its plan, so that `(SELECT
/// symbol FROM ...) IS NULL` is simplified to false. Not needed once that is true of a subquery
/// without rows over a column that is NOT NULL.
pub(super) fn nullable(value: Expr) -> Expr {
    static NULLABLE: LazyLock<Arc<ScalarUDF>> =
        LazyLock::new(|| Arc::new(ScalarUDF::from(Value::new("nullable_value", 1))));
    Expr::ScalarFunction(ScalarFunction { func: NULLABLE.clone(), args: vec![value] })
}

/// Gives its first argument, which may be NULL; the second, if there is one, counts rows.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Value {
    name: &'static str,
    signature: Signature,
}

impl Value {
    fn new(name: &'static str, arguments: usize) -> Self {
        Self { name, signature: Signature::any(arguments, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Value {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types.first() {
            Some(data_type) => Ok(data_type.clone()),
            None => plan_err!("a value is wanted"),
        }
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match arguments.arg_fields.first() {
            Some(field) => Ok(Arc::new(Field::new(self.name, field.data_type().clone(), true))),
            None => plan_err!("a value is wanted"),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut given = arguments.args.into_iter();
        let Some(value) = given.next() else { return exec_err!("a value is wanted") };
        let several = match given.next() {
            None => false,
            Some(ColumnarValue::Scalar(rows)) => matches!(rows, ScalarValue::Int64(Some(2..))),
            Some(ColumnarValue::Array(rows)) => rows.as_primitive::<Int64Type>().iter().flatten().any(|rows| rows > 1),
        };
        if several {
            let message = "more than one row returned by a subquery used as an expression";
            return Err(DataFusionError::External(Box::new(QueryError::new(ErrorKind::SeveralRows, message))));
        }
        Ok(value)
    }
}
