//! The physical planning of as-of joins.

use super::exec::{AsOfJoinExec, Side};
use super::merge::Direction;
use super::node::AsOfJoin;
use super::piece::Exprs;
use crate::error::{ErrorKind, QueryError};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, Result, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};
use std::sync::Arc;

/// The planner of [`AsOfJoin`].
#[derive(Debug)]
pub(super) struct Planner;

#[async_trait]
impl ExtensionPlanner for Planner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        context: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(join) = node.as_any().downcast_ref::<AsOfJoin>() else { return Ok(None) };
        let [left, right] = inputs else { return plan_err!("an as-of join has two inputs") };
        match (left.boundedness().is_unbounded(), right.boundedness().is_unbounded()) {
            (false, true) => return Err(never_ends()),
            (true, true) if join.rule.direction == Direction::Forward => return Err(not_yet()),
            _ => {}
        }
        let physical = |exprs: &mut dyn Iterator<Item = &Expr>, schema: &DFSchema| {
            let one = |expr: &Expr| planner.create_physical_expr(expr, schema, session, context);
            exprs.map(one).collect::<Result<Vec<Arc<dyn PhysicalExpr>>>>()
        };
        let (of_left, of_right) = (join.left.schema(), join.right.schema());
        let left = Side {
            input: left.clone(),
            exprs: Exprs {
                keys: physical(&mut join.keys.iter().map(|(left, _)| left), of_left)?,
                values: physical(&mut join.values.iter().map(|(left, _)| left), of_left)?,
                bound: physical(&mut join.bound.iter(), of_left)?.pop(),
            },
            ties: Vec::new(),
        };
        let right = Side {
            input: right.clone(),
            exprs: Exprs {
                keys: physical(&mut join.keys.iter().map(|(_, right)| right), of_right)?,
                values: physical(&mut join.values.iter().map(|(_, right)| right), of_right)?,
                bound: None,
            },
            ties: physical(&mut join.ties.iter(), of_right)?,
        };
        let schema = join.result_schema();
        Ok(Some(Arc::new(AsOfJoinExec::try_new(left, right, join.rule, schema)?)))
    }
}

fn never_ends() -> DataFusionError {
    let message = "an as-of join of a table with a live stream on its right is not supported";
    let error = QueryError::new(ErrorKind::NotSupported, message);
    let hint = "A live stream stands on the left: live.trades ASOF JOIN quotes; or join the histories.";
    DataFusionError::External(Box::new(error.with_hint(hint)))
}

fn not_yet() -> DataFusionError {
    let message = "an as-of join of live streams that matches rows still to come is not supported";
    let error = QueryError::new(ErrorKind::NotSupported, message);
    DataFusionError::External(Box::new(error.with_hint("Match with >= or >, or join the histories.")))
}
