//! The analyzer rule `TruthTests` writes `x IS TRUE` as `x IS NOT DISTINCT FROM true`, its likes in the
//! same way, and `x IS UNKNOWN` as `x IS NULL`.
//!
//! DataFusion 55: `IS TRUE` is never NULL in a logical plan, while the physical planner makes it such a
//! comparison, which may be by its type; DISTINCT and UNION over it then fail ("Physical input schema
//! should be the same as the one converted from logical input schema"). Not needed once `SELECT
//! DISTINCT x IS TRUE FROM (VALUES (true), (NULL)) AS t (x)` runs.

use crate::dialect::schema::{map_under_names, recomputed};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, lit};
use datafusion::optimizer::AnalyzerRule;

/// The analyzer rule, named `truth_tests`.
#[derive(Debug)]
pub(crate) struct TruthTests;

impl AnalyzerRule for TruthTests {
    fn name(&self) -> &str {
        "truth_tests"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        if !has_tests(&plan)? {
            return Ok(plan);
        }
        let plan = plan.transform_up_with_subqueries(|node| {
            let node = map_under_names(node, |expr| expr.transform_up(|part| Ok(comparison(part))))?;
            // Whether a column may be NULL has changed here or below.
            Ok(Transformed::yes(recomputed(node.data)?))
        });
        Ok(plan?.data)
    }
}

/// Whether a plan tests the truth of anything.
fn has_tests(plan: &LogicalPlan) -> Result<bool> {
    let test = |part: &Expr| {
        let of_truth = matches!(part, Expr::IsTrue(_) | Expr::IsNotTrue(_) | Expr::IsFalse(_) | Expr::IsNotFalse(_));
        of_truth || matches!(part, Expr::IsUnknown(_) | Expr::IsNotUnknown(_))
    };
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            found |= expr.exists(|part| Ok(test(part)))?;
            Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// The comparison for one test.
fn comparison(part: Expr) -> Transformed<Expr> {
    let (tested, op, value) = match part {
        Expr::IsTrue(tested) => (tested, Operator::IsNotDistinctFrom, true),
        Expr::IsNotTrue(tested) => (tested, Operator::IsDistinctFrom, true),
        Expr::IsFalse(tested) => (tested, Operator::IsNotDistinctFrom, false),
        Expr::IsNotFalse(tested) => (tested, Operator::IsDistinctFrom, false),
        Expr::IsUnknown(tested) => return Transformed::yes(Expr::IsNull(tested)),
        Expr::IsNotUnknown(tested) => return Transformed::yes(Expr::IsNotNull(tested)),
        other => return Transformed::no(other),
    };
    Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(tested, op, Box::new(lit(value)))))
}
