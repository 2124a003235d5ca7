//! What a nested query computes is moved to where it is used, when it is used in branches alone:
//! `SELECT CASE WHEN y <> 0 THEN q END FROM (SELECT y, 10 / y AS q FROM t)` divides in the branch.

use super::condition::may_fail;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, Projection, SubqueryAlias};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What begins the names of columns that are passed on for the sake of a moved expression.
const PASSED: &str = "__guarded";

/// A node with expressions of the projection below it moved into its own; `None` where there are none to
/// move.
///
/// # Errors
/// Whatever DataFusion finds wrong with a node that is put together again.
pub(super) fn inlined(node: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    if !matches!(node, LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_)) {
        return Ok(None);
    }
    let Some((aliases, inner)) = node.inputs().first().copied().and_then(below) else { return Ok(None) };
    let fails = |expr: &Expr| !expr.is_volatile() && may_fail(expr, inner.input.schema());
    if !inner.expr.iter().any(fails) {
        return Ok(None);
    }
    let exprs = node.expressions();
    let (mut sure, mut all) = (BTreeSet::new(), BTreeSet::new());
    for expr in &exprs {
        surely(expr, &mut sure);
        all.extend(expr.column_refs().into_iter().cloned());
    }
    let outside = |at: usize| {
        let (relation, field) = inner.schema.qualified_field(at);
        let relation = aliases.first().map_or_else(|| relation.cloned(), |alias| Some(alias.alias.clone()));
        Column::new(relation, field.name())
    };
    let moved: Vec<usize> = (0..inner.expr.len())
        .filter(|at| fails(&inner.expr[*at]))
        .filter(|at| all.contains(&outside(*at)) && !sure.contains(&outside(*at)))
        .collect();
    if moved.is_empty() {
        return Ok(None);
    }
    let mut kept: Vec<Expr> = Vec::new();
    let mut passed: BTreeMap<Column, Column> = BTreeMap::new();
    let alias = aliases.first().map(|alias| alias.alias.clone());
    for (at, expr) in inner.expr.iter().enumerate().filter(|(at, _)| !moved.contains(at)) {
        if let Expr::Column(column) = expr.clone().unalias() {
            passed.insert(column, outside(at));
        }
        kept.push(expr.clone());
    }
    for at in &moved {
        for column in inner.expr[*at].column_refs() {
            if !passed.contains_key(column) {
                let name = format!("{PASSED}_{}", passed.len());
                kept.push(Expr::Column(column.clone()).alias(&name));
                passed.insert(column.clone(), Column::new(alias.clone(), name));
            }
        }
    }
    let mut within: BTreeMap<Column, Expr> = BTreeMap::new();
    for at in &moved {
        let expr = inner.expr[*at].clone().unalias();
        within.insert(outside(*at), replaced(expr, |column| passed.get(column).cloned().map(Expr::Column))?);
    }
    let mut input = LogicalPlan::Projection(Projection::try_new(kept, inner.input.clone())?);
    for alias in aliases.iter().rev() {
        input = LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(Arc::new(input), alias.alias.clone())?);
    }
    let names = NamePreserver::new(node);
    let mut changed = Vec::with_capacity(exprs.len());
    for expr in exprs {
        let name = names.save(&expr);
        changed.push(name.restore(replaced(expr, |column| within.get(column).cloned())?));
    }
    node.with_new_exprs(changed, vec![input]).map(Some)
}

/// The projection below a node, under whatever names; the outermost first.
fn below(mut input: &LogicalPlan) -> Option<(Vec<&SubqueryAlias>, &Projection)> {
    let mut aliases = Vec::new();
    loop {
        match input {
            LogicalPlan::SubqueryAlias(alias) => {
                aliases.push(alias);
                input = alias.input.as_ref();
            }
            LogicalPlan::Projection(projection) => return Some((aliases, projection)),
            _ => return None,
        }
    }
}

/// An expression with others in the place of columns.
fn replaced(expr: Expr, with: impl Fn(&Column) -> Option<Expr>) -> Result<Expr> {
    let replaced = expr.transform(|part| match &part {
        Expr::Column(column) => Ok(with(column).map_or_else(|| Transformed::no(part.clone()), Transformed::yes)),
        _ => Ok(Transformed::no(part)),
    })?;
    Ok(replaced.data)
}

/// The columns of an expression that are read whatever the values are.
fn surely(expr: &Expr, found: &mut BTreeSet<Column>) {
    match expr {
        Expr::Column(column) => {
            found.insert(column.clone());
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, .. }) => surely(left, found),
        Expr::Case(Case { expr, when_then_expr, .. }) => {
            let first = when_then_expr.first().map(|(when, _)| when);
            expr.iter().chain(first).for_each(|part| surely(part, found));
        }
        other => {
            let _ = other.apply_children(|part| {
                surely(part, found);
                Ok(TreeNodeRecursion::Continue)
            });
        }
    }
}
