//! `lag` and `lead` over as many rows as a column says, which may be another number for each row.
//!
//! DataFusion 55: the offset has to be written out. Not needed once `lag(a, b) OVER (ORDER BY a)` plans.

use arrow::array::{Array, ArrayRef, AsArray, new_null_array};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    LimitEffect, PartitionEvaluator, ReversedUDWF, Signature, Volatility, WindowUDF, WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;
use std::sync::{Arc, LazyLock};

/// The function for `lag` or `lead`, of a value, a `bigint` of rows, and a default of the value's type; `None` for any other
/// name.
pub(crate) fn function(name: &str) -> Option<Arc<WindowUDF>> {
    static FUNCTIONS: LazyLock<[Arc<WindowUDF>; 2]> = LazyLock::new(|| {
        [false, true].map(|ahead| {
            Arc::new(WindowUDF::from(Offset { ahead, signature: Signature::variadic_any(Volatility::Immutable) }))
        })
    });
    FUNCTIONS.iter().find(|function| function.name() == name).cloned()
}

/// One of the two functions.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Offset {
    /// Whether rows are counted forwards, as `lead` counts them.
    ahead: bool,
    signature: Signature,
}

impl WindowUDFImpl for Offset {
    fn name(&self) -> &str {
        if self.ahead { "lead" } else { "lag" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn field(&self, arguments: WindowUDFFieldArgs) -> Result<FieldRef> {
        let Some(value) = arguments.input_fields().first() else { return plan_err!("{} has a value", self.name()) };
        Ok(Arc::new(value.as_ref().clone().with_name(arguments.name()).with_nullable(true)))
    }

    fn partition_evaluator(&self, arguments: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Evaluator { ahead: self.ahead, has_default: arguments.input_exprs().len() > 2 }))
    }

    fn reverse_expr(&self) -> ReversedUDWF {
        ReversedUDWF::NotSupported
    }

    fn limit_effect(&self, _: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        LimitEffect::Unknown
    }
}

/// The evaluation over one partition, all at once.
#[derive(Debug)]
struct Evaluator {
    ahead: bool,
    has_default: bool,
}

impl PartitionEvaluator for Evaluator {
    fn evaluate_all(&mut self, columns: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let [value, offset, rest @ ..] = columns else {
            return plan_err!("an offset has a value and a number of rows");
        };
        let nothing = new_null_array(value.data_type(), 1);
        let default = rest.first().filter(|_| self.has_default);
        let sources: Vec<&dyn Array> =
            [value, &nothing].into_iter().chain(default).map(|array| array.as_ref() as &dyn Array).collect();
        let offset = arrow::compute::cast(offset, &DataType::Int64)?;
        let offset = offset.as_primitive::<Int64Type>();
        let places = (0..rows).map(|row| {
            // From a row that is NULL rows away there is nothing, not even the default.
            if offset.is_null(row) {
                return (1, 0);
            }
            let by = if self.ahead { Some(offset.value(row)) } else { offset.value(row).checked_neg() };
            let at = by.and_then(|by| i64::try_from(row).ok()?.checked_add(by));
            match at.and_then(|at| usize::try_from(at).ok()).filter(|at| *at < rows) {
                Some(at) => (0, at),
                None if default.is_some() => (2, row),
                None => (1, 0),
            }
        });
        Ok(interleave(&sources, &places.collect::<Vec<_>>())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int64Array;

    #[track_caller]
    fn check(ahead: bool, default: Option<i64>, expected: [Option<i64>; 4]) {
        let value: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
        let offset: ArrayRef = Arc::new(Int64Array::from(vec![Some(0), Some(1), None, Some(i64::MIN)]));
        let mut columns = vec![value, offset];
        columns.extend(default.map(|default| Arc::new(Int64Array::from(vec![default; 4])) as ArrayRef));
        let mut evaluator = Evaluator { ahead, has_default: default.is_some() };
        let found = evaluator.evaluate_all(&columns, 4).unwrap();
        assert_eq!(found.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn each_row_has_an_offset_of_its_own() {
        check(false, None, [Some(1), Some(1), None, None]);
        check(true, Some(9), [Some(1), Some(3), None, Some(9)]);
    }
}
