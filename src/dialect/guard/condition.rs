//! The later sides of AND, OR and BETWEEN become branches of a CASE when they may fail: `a AND b` is
//! `CASE WHEN a IS NOT FALSE THEN a AND b ELSE false END`, whose branch is evaluated for the rows that
//! come to it.
//!
//! It is done when the plan is optimised, since DataFusion's simplifier takes such a CASE apart again.

use super::fallible::may_fail;
use super::inline::inlined;
use crate::dialect::schema::{map_under_names, recomputed};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, lit};

/// The optimised plan with guards in all its expressions. Conditions of a filter stay the conjunction
/// they are: another part takes care of it.
///
/// # Errors
/// Whatever DataFusion finds wrong with a node that is put together again.
pub(crate) fn guarded(plan: LogicalPlan) -> Result<LogicalPlan> {
    let rewritten = plan.transform_up_with_subqueries(|node| {
        let (node, moved) = match inlined(&node)? {
            Some(node) => (node, true),
            None => (node, false),
        };
        let filter = matches!(node, LogicalPlan::Filter(_));
        let mut concerned = false;
        if !matches!(node, LogicalPlan::TableScan(_)) {
            node.apply_expressions(|expr| {
                concerned |= has_sides(expr, filter);
                Ok(if concerned { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
            })?;
        }
        if !concerned {
            return Ok(Transformed::new_transformed(node, moved));
        }
        let schema = merge_schema(&node.inputs());
        let mapped =
            map_under_names(node, |expr| if filter { conjuncts(expr, &schema) } else { expression(expr, &schema) })?;
        if !mapped.transformed {
            return Ok(Transformed::new_transformed(mapped.data, moved));
        }
        mapped.map_data(recomputed)
    })?;
    Ok(rewritten.data)
}

/// Whether an expression has an operator with a side that is not always evaluated. The conjunction of a
/// WHERE is none.
fn has_sides(expr: &Expr, conjunction: bool) -> bool {
    if conjunction && let Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) = expr {
        return has_sides(left, true) || has_sides(right, true);
    }
    expr.exists(|part| {
        Ok(match part {
            Expr::BinaryExpr(BinaryExpr { op, .. }) => matches!(op, Operator::And | Operator::Or),
            Expr::Between(between) => !matches!(between.high.as_ref(), Expr::Literal(..)),
            _ => false,
        })
    })
    .unwrap_or(true)
}

/// Guards inside of each condition of a WHERE, whose conjunction stays.
fn conjuncts(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            let (left, right) = (conjuncts(*left, schema)?, conjuncts(*right, schema)?);
            let changed = left.transformed || right.transformed;
            Ok(Transformed::new_transformed(left.data.and(right.data), changed))
        }
        other => expression(other, schema),
    }
}

/// Guards in one expression.
fn expression(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expr.transform_down(|expr| {
        let (op, parts) = match expr {
            Expr::BinaryExpr(BinaryExpr { op: op @ (Operator::And | Operator::Or), .. }) => {
                let mut parts = Vec::new();
                chain(expr, op, &mut parts);
                (op, parts)
            }
            Expr::Between(between) if may_fail(&between.high, schema) && !between.expr.is_volatile() => {
                let Between { expr, negated, low, high } = between;
                let expr = *expr;
                match negated {
                    false => (Operator::And, vec![expr.clone().gt_eq(*low), expr.lt_eq(*high)]),
                    true => (Operator::Or, vec![expr.clone().lt(*low), expr.gt(*high)]),
                }
            }
            other => return Ok(Transformed::no(other)),
        };
        let mut changed = false;
        let mut inner = Vec::with_capacity(parts.len());
        for part in parts {
            let part = expression(part, schema)?;
            changed |= part.transformed;
            inner.push(part.data);
        }
        let guarded = levels(inner, op, schema)?;
        let changed = changed || guarded.transformed;
        Ok(Transformed::new(guarded.data, changed, TreeNodeRecursion::Jump))
    })
}

/// The sides of a chain of one operator, in order.
fn chain(expr: Expr, wanted: Operator, parts: &mut Vec<Expr>) {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if op == wanted => {
            chain(*left, wanted, parts);
            chain(*right, wanted, parts);
        }
        other => parts.push(other),
    }
}

/// Puts the sides together again: each one that may fail begins a branch that is taken where those
/// before it do not settle the result.
fn levels(parts: Vec<Expr>, op: Operator, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let join = |left: Expr, right: Expr| if op == Operator::And { left.and(right) } else { left.or(right) };
    let mut groups: Vec<Expr> = Vec::new();
    for part in parts {
        match groups.pop() {
            Some(group) if may_fail(&part, schema) && !group.is_volatile() => groups.extend([group, part]),
            Some(group) => groups.push(join(group, part)),
            None => groups.push(part),
        }
    }
    let changed = groups.len() > 1;
    let mut rest: Option<Expr> = None;
    for group in groups.into_iter().rev() {
        rest = Some(match rest {
            None => group,
            Some(rest) => {
                let certain = !group.nullable(schema).unwrap_or(true);
                let then = if certain { rest } else { join(group.clone(), rest) };
                let (when, settled) = match (op, certain) {
                    (Operator::And, true) => (group, false),
                    (Operator::And, false) => (group.is_not_false(), false),
                    (_, true) => (Expr::Not(Box::new(group)), true),
                    (_, false) => (group.is_not_true(), true),
                };
                let when_then_expr = vec![(Box::new(when), Box::new(then))];
                Expr::Case(Case { expr: None, when_then_expr, else_expr: Some(Box::new(lit(settled))) })
            }
        });
    }
    Ok(Transformed::new_transformed(rest.unwrap_or_else(|| lit(op == Operator::And)), changed))
}
