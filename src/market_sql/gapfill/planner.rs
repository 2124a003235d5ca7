//! From the logical node to the operator: what the buckets are and from when to when they go is settled here, when a
//! statement's parameters have their values.

use super::super::bucket::of_call::{Settings, of_day};
use super::bounds::{Bound, Side};
use super::gaps::Gaps;
use super::node::GapFill;
use super::operator::GapFillExec;
use crate::dialect::moment::fault::out_of_range;
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Schema};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, Result, ScalarValue, plan_err};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{ColumnarValue, Expr, LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};
use std::sync::Arc;

/// Plans the filling of gaps.
#[derive(Debug)]
pub(crate) struct Planner;

#[async_trait]
impl ExtensionPlanner for Planner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<GapFill>() else { return Ok(None) };
        let [input] = inputs else { return plan_err!("gaps are filled in one input") };
        let value = |expr: &Expr| value(expr, session);
        let arguments = node.named.arguments.iter().zip(&node.named.form.types);
        let arguments =
            arguments.map(|(expr, data_type)| value(expr)?.cast_to(data_type)).collect::<Result<Vec<_>>>()?;
        let Some(_) = Settings::of_values(&arguments, &node.named.form)?.at(0)? else {
            return plan_err!("the width, the time zone and the exchange of buckets with gaps cannot be NULL");
        };
        let start = end(&node.bounds, Side::Start, &node.named.form.returns, &value)?;
        let finish = end(&node.bounds, Side::Finish, &node.named.form.returns, &value)?;
        let gaps = Gaps {
            keys: node.keys,
            passed: node.passed,
            time: node.time,
            arguments,
            form: node.named.form.clone(),
            start,
            finish,
            fills: node.fills.iter().map(|(_, fill)| fill.clone()).collect(),
        };
        let schema = Arc::new(node.schema().as_arrow().clone());
        Ok(Some(Arc::new(GapFillExec::new(input.clone(), gaps, schema)?)))
    }
}

/// The value of an expression without columns.
fn value(expr: &Expr, session: &dyn Session) -> Result<ScalarValue> {
    let expr = session.create_physical_expr(expr.clone(), &DFSchema::empty())?;
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)?;
    match expr.evaluate(&row)? {
        ColumnarValue::Scalar(value) => Ok(value),
        ColumnarValue::Array(array) => ScalarValue::try_from_array(&array, 0),
    }
}

/// The last of all starts, or the first of all ends, in microseconds or as the number it is.
fn end(
    bounds: &[Bound],
    side: Side,
    data_type: &DataType,
    value: &impl Fn(&Expr) -> Result<ScalarValue>,
) -> Result<i64> {
    let mut found: Option<i64> = None;
    for bound in bounds.iter().filter(|bound| bound.side == side) {
        let later = i64::from(bound.one_later);
        let at = match value(&bound.value)?.cast_to(data_type)? {
            ScalarValue::TimestampMicrosecond(Some(us), _) => us.checked_add(later),
            ScalarValue::Date32(Some(day)) => day.checked_add(i32::from(bound.one_later)).map(of_day),
            ScalarValue::Int64(Some(number)) => number.checked_add(later),
            ScalarValue::Int32(Some(number)) => i64::from(number).checked_add(later),
            ScalarValue::Int16(Some(number)) => i64::from(number).checked_add(later),
            _ => return Err(side.is_null()),
        };
        let at = at.ok_or_else(|| out_of_range("timestamp"))?;
        found = Some(match (found, side) {
            (Some(found), Side::Start) => found.max(at),
            (Some(found), Side::Finish) => found.min(at),
            (None, _) => at,
        });
    }
    found.ok_or_else(|| side.missing())
}
