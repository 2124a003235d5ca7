//! Conditions that name outer columns move from a subquery's WHERE into the join with the outer rows.
//!
//! The inner columns they need are carried up under names of their own. Groups and DISTINCT keep
//! their meaning only where each condition says that an inner value equals an outer one: then the
//! inner values are further groups. Everything else is left to [`super::outer`].

use super::context::Unnest;
use super::examine::{beside, expr_names, names};
use super::outer::condition;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result};
use datafusion::logical_expr::logical_plan::{Aggregate, Join};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{
    BinaryExpr, Distinct, Expr, Filter, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, SubqueryAlias,
};

/// A subquery without its conditions on outer columns.
pub(super) struct Pulled {
    /// The subquery's rows for any outer row, with the keys beside its own columns.
    pub(super) rows: LogicalPlan,
    /// The inner values that the conditions need.
    pub(super) keys: Vec<Column>,
    /// The conditions, over the outer columns and the keys.
    pub(super) on: Vec<Expr>,
    /// Whether each condition says that a key equals an outer value.
    pub(super) is_keyed: bool,
}

/// Takes the conditions on these outer columns out of a plan; `None` where its meaning would change.
pub(super) fn pull(unnest: &Unnest, plan: &LogicalPlan, named: &[Column]) -> Result<Option<Pulled>> {
    let mut pull = Pull { unnest, named, keys: Vec::new(), on: Vec::new(), keyed: true };
    let Some(rows) = pull.beneath(plan)? else { return Ok(None) };
    Ok(Some(Pulled { rows, keys: pull.keys, on: pull.on, is_keyed: pull.keyed }))
}

/// The walk over one subquery.
struct Pull<'a> {
    /// Gives names that no other column has.
    unnest: &'a Unnest,
    /// The outer columns that the subquery names.
    named: &'a [Column],
    /// The keys so far.
    keys: Vec<Column>,
    /// The conditions so far.
    on: Vec<Expr>,
    /// Whether all of them are equalities.
    keyed: bool,
}

impl Pull<'_> {
    /// The plan without conditions on outer columns, and with the keys of these beside its own
    /// columns.
    fn beneath(&mut self, plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
        if !names(plan, self.named)? {
            return Ok(Some(plan.clone()));
        }
        match plan {
            LogicalPlan::Subquery(subquery) => self.beneath(&subquery.subquery),
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => self.beneath(&sort.input),
            LogicalPlan::Filter(filter) => self.filter(filter),
            LogicalPlan::SubqueryAlias(named) => self.alias(named),
            LogicalPlan::Projection(projection) => {
                if self.any_names(&projection.expr)? {
                    return Ok(None);
                }
                let Some(input) = self.beneath(&projection.input)? else { return Ok(None) };
                let exprs = projection.expr.iter().cloned().chain(self.keys_of(&input)).collect::<Vec<_>>();
                LogicalPlanBuilder::from(input).project(exprs)?.build().map(Some)
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let Some(input) = self.beneath(input)?.filter(|_| self.keyed) else { return Ok(None) };
                LogicalPlanBuilder::from(input).distinct()?.build().map(Some)
            }
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::Join(join) => self.join(join),
            _ => Ok(None),
        }
    }

    /// The conjuncts of a filter that name outer columns become conditions of the join; the others
    /// stay.
    fn filter(&mut self, filter: &Filter) -> Result<Option<LogicalPlan>> {
        let Some(input) = self.beneath(&filter.input)? else { return Ok(None) };
        let mut carried: Vec<(Expr, Column)> = Vec::new();
        let mut rest = Vec::new();
        for part in split_conjunction(&filter.predicate) {
            if expr_names(part, self.named)? {
                self.condition(part, &mut carried)?;
            } else {
                rest.push(part.clone());
            }
        }
        let rows = LogicalPlanBuilder::from(input.clone());
        let rows = rest.into_iter().reduce(Expr::and).map_or(Ok(rows.clone()), |rest| rows.filter(rest))?;
        let own = input.schema().columns().into_iter().map(Expr::Column);
        let exprs = own.chain(carried.iter().map(|(expr, key)| expr.clone().alias(key.name()))).collect::<Vec<_>>();
        self.keys.extend(carried.into_iter().map(|(_, key)| key));
        rows.project(exprs)?.build().map(Some)
    }

    /// Notes one condition, with keys in place of what it needs of the inner rows.
    fn condition(&mut self, part: &Expr, carried: &mut Vec<(Expr, Column)>) -> Result<()> {
        if let Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::Eq | Operator::IsNotDistinctFrom), right }) =
            part
        {
            let inner = |expr: &Expr| expr.any_column_refs() && !expr.contains_outer();
            let outer = |expr: &Expr| !expr.any_column_refs();
            let sides = match (inner(left), outer(right), outer(left), inner(right)) {
                (true, true, _, _) => Some((left, right)),
                (_, _, true, true) => Some((right, left)),
                _ => None,
            };
            if let Some((inner, outer)) = sides {
                let key = Box::new(Expr::Column(self.key(inner, carried)));
                let outer = Box::new(beside(outer.as_ref().clone(), self.named)?);
                self.on.push(Expr::BinaryExpr(BinaryExpr::new(outer, *op, key)));
                return Ok(());
            }
        }
        // One over outer columns alone only says for which outer rows there are any.
        self.keyed &= !part.any_column_refs();
        let part = part.clone().transform(|part| {
            Ok(match &part {
                Expr::Column(_) => Transformed::yes(Expr::Column(self.key(&part, carried))),
                _ => Transformed::no(part),
            })
        })?;
        self.on.push(beside(part.data, self.named)?);
        Ok(())
    }

    /// The key that stands for an inner expression.
    fn key(&self, inner: &Expr, carried: &mut Vec<(Expr, Column)>) -> Column {
        if let Some((_, key)) = carried.iter().find(|(expr, _)| expr == inner) {
            return key.clone();
        }
        let key = Column::from_name(self.unnest.name("inner"));
        carried.push((inner.clone(), key.clone()));
        key
    }

    /// The columns under the table's new name, and the keys under their own.
    fn alias(&mut self, named: &SubqueryAlias) -> Result<Option<LogicalPlan>> {
        let Some(input) = self.beneath(&named.input)? else { return Ok(None) };
        let columns = named.input.schema().columns().into_iter().zip(named.schema.iter());
        let own = columns
            .map(|(inner, (qualifier, field))| Expr::Column(inner).alias_qualified(qualifier.cloned(), field.name()));
        let exprs = own.chain(self.keys_of(&input)).collect::<Vec<_>>();
        LogicalPlanBuilder::from(input).project(exprs)?.build().map(Some)
    }

    /// Groups by the keys too. Without groups there would be no row for an outer row without inner
    /// ones.
    fn aggregate(&mut self, aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
        let sets = aggregate.group_expr.iter().any(|group| matches!(group, Expr::GroupingSet(_)));
        if aggregate.group_expr.is_empty() || sets {
            return Ok(None);
        }
        if self.any_names(&aggregate.group_expr)? || self.any_names(&aggregate.aggr_expr)? {
            return Ok(None);
        }
        let Some(input) = self.beneath(&aggregate.input)?.filter(|_| self.keyed) else { return Ok(None) };
        let groups = aggregate.group_expr.iter().cloned().chain(self.keys_of(&input)).collect::<Vec<_>>();
        LogicalPlanBuilder::from(input).aggregate(groups, aggregate.aggr_expr.clone())?.build().map(Some)
    }

    /// An inner join gives up its own conditions too; other joins must name outer columns on the
    /// side that they keep, and in no condition.
    fn join(&mut self, join: &Join) -> Result<Option<LogicalPlan>> {
        if join.null_aware {
            return Ok(None);
        }
        let on = condition(join);
        let in_condition = on.as_ref().map_or(Ok(false), |on| expr_names(on, self.named))?;
        match join.join_type {
            JoinType::Inner if !in_condition => {
                let Some(left) = self.beneath(&join.left)? else { return Ok(None) };
                let Some(right) = self.beneath(&join.right)? else { return Ok(None) };
                LogicalPlanBuilder::from(left).join_on(right, JoinType::Inner, on)?.build().map(Some)
            }
            JoinType::Inner => {
                let plain = LogicalPlanBuilder::from(join.left.as_ref().clone());
                let plain =
                    plain.cross_join(join.right.as_ref().clone())?.filter(conjunction(on).unwrap_or_default())?;
                let LogicalPlan::Filter(filter) = plain.build()? else { return Ok(None) };
                self.filter(&filter)
            }
            JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark
                if !in_condition && !names(&join.right, self.named)? =>
            {
                let Some(left) = self.beneath(&join.left)? else { return Ok(None) };
                let right = join.right.as_ref().clone();
                LogicalPlanBuilder::from(left).join_on(right, join.join_type, on)?.build().map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The keys that a plan carries.
    fn keys_of(&self, plan: &LogicalPlan) -> Vec<Expr> {
        self.keys.iter().filter(|key| plan.schema().has_column(key)).cloned().map(Expr::Column).collect()
    }

    /// Whether one of these expressions names an outer column.
    fn any_names(&self, exprs: &[Expr]) -> Result<bool> {
        for expr in exprs {
            if expr_names(expr, self.named)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
