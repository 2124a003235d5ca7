//! Equalities of computed values, of which the physical planner is told nothing.
//!
//! From `a = f(b)` in a WHERE DataFusion concludes that rows sorted by one are sorted by the other, and that either is
//! constant where the other is. What follows of that is lost when [`super::conjunction`] puts the condition behind its
//! guards, and the plan then fails for want of an order that it had. Equalities of columns and constants stay to be seen:
//! they cannot fail, so nothing guards them.
//!
//! DataFusion 55: where one side contains the other, as in `upper(a) = a`, it writes one in the place of the other in one
//! order and not in the next, and refuses its own plan. Not needed for this once `SELECT rank() OVER (PARTITION BY root
//! ORDER BY length(side)) FROM option_chains WHERE upper(root) = root` plans without the rule.

use super::widening::widens;
use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ExprSchema, Result, exec_err};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Filter, LogicalPlan, Operator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, TableScan, Volatility,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use std::sync::{Arc, LazyLock};

/// Name of the function that passes a condition on; EXPLAIN leaves it out, but for what stands behind a guard.
pub(crate) const CONDITION: &str = "condition";

/// The optimizer rule; it comes after all that read conditions.
#[derive(Debug)]
pub(crate) struct OpaqueEqualities;

impl OptimizerRule for OpaqueEqualities {
    fn name(&self) -> &'static str {
        "opaque_equalities"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Filter(Filter { predicate, input, .. }) => {
                let predicate = opaque(predicate, input.schema().as_ref())?;
                let changed = predicate.transformed;
                let filter = LogicalPlan::Filter(Filter::try_new(predicate.data, input)?);
                Ok(Transformed::new_transformed(filter, changed))
            }
            LogicalPlan::TableScan(scan) if !scan.filters.is_empty() => {
                let schema = DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())?;
                let mut changed = false;
                let mut filters = Vec::with_capacity(scan.filters.len());
                for filter in scan.filters {
                    let filter = opaque(filter, &schema)?;
                    changed |= filter.transformed;
                    filters.push(filter.data);
                }
                Ok(Transformed::new_transformed(LogicalPlan::TableScan(TableScan { filters, ..scan }), changed))
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

/// A condition whose equalities of computed values are calls; those below OR and NOT say nothing to the planner.
fn opaque(condition: Expr, schema: &dyn ExprSchema) -> Result<Transformed<Expr>> {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            let (left, right) = (opaque(*left, schema)?, opaque(*right, schema)?);
            let changed = left.transformed || right.transformed;
            let both = BinaryExpr::new(Box::new(left.data), Operator::And, Box::new(right.data));
            Ok(Transformed::new_transformed(Expr::BinaryExpr(both), changed))
        }
        Expr::BinaryExpr(BinaryExpr { ref left, op: Operator::Eq, ref right })
            if !(is_seen(left, schema) && is_seen(right, schema)) =>
        {
            static FUNCTION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(Condition::new())));
            let call = ScalarFunction::new_udf(FUNCTION.clone(), vec![condition]);
            Ok(Transformed::yes(Expr::ScalarFunction(call)))
        }
        other => Ok(Transformed::no(other)),
    }
}

/// Whether a side of an equality is a column or a constant, be it in a wider type.
fn is_seen(expr: &Expr, schema: &dyn ExprSchema) -> bool {
    match expr {
        Expr::Column(_) | Expr::Literal(..) | Expr::Placeholder(_) => true,
        Expr::Cast(Cast { expr, field }) => {
            is_seen(expr, schema) && expr.get_type(schema).is_ok_and(|from| widens(&from, field.data_type()))
        }
        _ => false,
    }
}

/// The function that passes a condition on.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Condition {
    signature: Signature,
}

impl Condition {
    fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::Boolean], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Condition {
    fn name(&self) -> &str {
        CONDITION
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.pop() {
            Some(condition) => Ok(condition),
            None => exec_err!("one condition is wanted"),
        }
    }
}
