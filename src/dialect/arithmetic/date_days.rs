//! The functions `date_shifted` and `days_between`: a date so many days later or earlier, and the days between two
//! dates, both as integers of 32 bits.
//!
//! DataFusion 55: `date + 1` is planned as an interval of days, and `date - date` is an `Int64`. Not needed once `date
//! '2026-01-02' - date '2026-01-01'` is an Int32, and a day out of range fails.

use crate::error::{ErrorKind, QueryError};
use arrow::array::{ArrayRef, AsArray, Datum, PrimitiveArray};
use arrow::compute::kernels::arity::{try_binary, try_unary};
use arrow::datatypes::{DataType, Date32Type, Int32Type};
use arrow::error::ArrowError;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr_common::datum::apply;
use std::sync::{Arc, LazyLock};

/// A date so many days later, or earlier.
pub(crate) fn shifted(date: Expr, days: Expr, earlier: bool) -> Expr {
    let function = if earlier { &EARLIER } else { &LATER };
    Expr::ScalarFunction(ScalarFunction { func: function.0.clone(), args: vec![date, days] })
}

/// Days from the second date to the first.
pub(crate) fn between(left: Expr, right: Expr) -> Expr {
    Expr::ScalarFunction(ScalarFunction { func: BETWEEN.0.clone(), args: vec![left, right] })
}

/// A function that is made once.
struct Made(Arc<ScalarUDF>);

fn made(kind: Kind) -> Made {
    Made(Arc::new(ScalarUDF::from(Days { kind, signature: kind.signature() })))
}

static LATER: LazyLock<Made> = LazyLock::new(|| made(Kind::Later));
static EARLIER: LazyLock<Made> = LazyLock::new(|| made(Kind::Earlier));
static BETWEEN: LazyLock<Made> = LazyLock::new(|| made(Kind::Between));

/// Which of the functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Later,
    Earlier,
    Between,
}

impl Kind {
    fn signature(self) -> Signature {
        let second = if self == Self::Between { DataType::Date32 } else { DataType::Int32 };
        Signature::exact(vec![DataType::Date32, second], Volatility::Immutable)
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Days {
    kind: Kind,
    signature: Signature,
}

impl ScalarUDFImpl for Days {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Later => "days_later",
            Kind::Earlier => "days_earlier",
            Kind::Between => "days_between",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.kind == Kind::Between { DataType::Int32 } else { DataType::Date32 })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = arguments.args.as_slice() else { return plan_err!("{} takes two values", self.name()) };
        match self.kind {
            Kind::Later => {
                apply(left, right, |left, right| both::<Int32Type, Date32Type>(left, right, i32::checked_add))
            }
            Kind::Earlier => {
                apply(left, right, |left, right| both::<Int32Type, Date32Type>(left, right, i32::checked_sub))
            }
            Kind::Between => {
                apply(left, right, |left, right| both::<Date32Type, Int32Type>(left, right, i32::checked_sub))
            }
        }
    }
}

/// An operation on days, either side of which may be one value for all rows.
fn both<R, O>(
    left: &dyn Datum,
    right: &dyn Datum,
    operation: fn(i32, i32) -> Option<i32>,
) -> Result<ArrayRef, ArrowError>
where
    R: arrow::array::ArrowPrimitiveType<Native = i32>,
    O: arrow::array::ArrowPrimitiveType<Native = i32>,
{
    let ((left, left_scalar), (right, right_scalar)) = (left.get(), right.get());
    let (left, right) = (left.as_primitive::<Date32Type>(), right.as_primitive::<R>());
    let day = |left: i32, right: i32| operation(left, right).ok_or_else(out_of_range);
    let nothing = |rows: usize| -> ArrayRef { Arc::new(PrimitiveArray::<O>::new_null(rows)) };
    let rows = if left_scalar { arrow::array::Array::len(right) } else { arrow::array::Array::len(left) };
    let absent = |array: &dyn arrow::array::Array| array.is_empty() || array.is_null(0);
    let days: PrimitiveArray<O> = match (left_scalar, right_scalar) {
        (true, _) if absent(left) => return Ok(nothing(rows)),
        (_, true) if absent(right) => return Ok(nothing(rows)),
        (true, _) => {
            let left = left.value(0);
            try_unary(right, |right| day(left, right))?
        }
        (_, true) => {
            let right = right.value(0);
            try_unary(left, |left| day(left, right))?
        }
        _ => try_binary(left, right, day)?,
    };
    Ok(Arc::new(days))
}

fn out_of_range() -> ArrowError {
    ArrowError::ExternalError(Box::new(QueryError::new(ErrorKind::OutOfRange, "date out of range")))
}
