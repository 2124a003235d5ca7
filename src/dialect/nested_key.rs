//! Joins by arrays: the keys are the bytes of the values.
//!
//! DataFusion 55: a hash join tells the scan of its other side between which keys it looks (a dynamic filter), and compares
//! arrays there as if an element that is NULL had no place in their order; rows that have a partner are left out. Not
//! needed once `SELECT count(*) FROM (VALUES (ARRAY[NULL, 4])) t(a) JOIN (SELECT a FROM (VALUES (ARRAY[NULL, 4])) v(a) ORDER
//! BY a LIMIT 9) u USING (a)` is 1 without this rule.

use arrow::array::{Array, ArrayRef, BinaryArray};
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{ExprSchema, Result, exec_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, Join, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use std::sync::{Arc, LazyLock};

/// The optimizer rule; it comes after all that make joins.
#[derive(Debug)]
pub(super) struct NestedKeys;

impl OptimizerRule for NestedKeys {
    fn name(&self) -> &'static str {
        "nested_keys"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Join(join) = plan else { return Ok(Transformed::no(plan)) };
        let (left, right) = (join.left.schema().clone(), join.right.schema().clone());
        let nested = |expr: &Expr, schema: &dyn ExprSchema| expr.get_type(schema).is_ok_and(|own| own.is_nested());
        if !join.on.iter().any(|(one, other)| nested(one, left.as_ref()) || nested(other, right.as_ref())) {
            return Ok(Transformed::no(LogicalPlan::Join(join)));
        }
        let on = join.on.into_iter().map(|(one, other)| {
            if nested(&one, left.as_ref()) && nested(&other, right.as_ref()) {
                (bytes_of(one), bytes_of(other))
            } else {
                (one, other)
            }
        });
        let on = on.collect();
        Ok(Transformed::yes(LogicalPlan::Join(Join { on, ..join })))
    }
}

fn bytes_of(key: Expr) -> Expr {
    static FUNCTION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(KeyBytes::new())));
    Expr::ScalarFunction(ScalarFunction::new_udf(FUNCTION.clone(), vec![key]))
}

/// The function that gives a value's bytes: the same for values that are equal, and NULL of NULL.
#[derive(Debug, PartialEq, Eq, Hash)]
struct KeyBytes {
    signature: Signature,
}

impl KeyBytes {
    fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for KeyBytes {
    fn name(&self) -> &str {
        "key_bytes"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let Some(value) = args.args.into_iter().next() else { return exec_err!("one key is wanted") };
        let values = value.into_array(rows)?;
        Ok(ColumnarValue::Array(Arc::new(bytes(&values)?)))
    }
}

fn bytes(values: &ArrayRef) -> Result<BinaryArray> {
    let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
    let rows = converter.convert_columns(std::slice::from_ref(values))?;
    let of = |index| values.is_valid(index).then(|| rows.row(index));
    let each: Vec<_> = (0..values.len()).map(of).collect();
    Ok(each.iter().map(|row| row.as_ref().map(AsRef::as_ref)).collect())
}
