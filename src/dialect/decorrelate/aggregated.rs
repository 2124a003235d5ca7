//! A scalar subquery that aggregates without groups, the most frequent one: `(SELECT count(*) + 1 FROM
//! t WHERE t.a = o.a)`.
//!
//! Where its conditions are equalities, the inner rows are grouped by what equals the outer columns,
//! once for all outer rows, which are not read twice. What stands above the aggregate is computed
//! beside the outer row, where an aggregate without rows has its value too: 0 for counts.

use super::examine::{beside, expr_names, keeps_first, outer_columns};
use super::outer::or_of_nothing;
use super::pulled::pull;
use super::site::Site;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, ExprSchema, Result};
use datafusion::logical_expr::logical_plan::Aggregate;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, when};

/// An aggregate without groups, and the nodes above it, outermost first.
struct Fold<'a> {
    above: Vec<&'a LogicalPlan>,
    aggregate: &'a Aggregate,
}

impl<'a> Fold<'a> {
    /// The parts of a subquery; `None` when it has another form.
    fn of(plan: &'a LogicalPlan) -> Option<Self> {
        let mut above = Vec::new();
        let mut rest = plan;
        loop {
            rest = match rest {
                LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.is_empty() => {
                    return Some(Self { above, aggregate });
                }
                LogicalPlan::Projection(projection) => {
                    above.push(rest);
                    &projection.input
                }
                LogicalPlan::Filter(filter) => {
                    above.push(rest);
                    &filter.input
                }
                LogicalPlan::SubqueryAlias(named) => {
                    above.push(rest);
                    &named.input
                }
                LogicalPlan::Subquery(subquery) => &subquery.subquery,
                LogicalPlan::Sort(sort) => &sort.input,
                LogicalPlan::Limit(limit) if keeps_first(limit) => &limit.input,
                _ => return None,
            };
        }
    }
}

impl Site<'_> {
    /// The value of such a subquery beside the rows of an input; `None` when its conditions are no
    /// equalities, or when the aggregates themselves name outer columns.
    pub(super) fn aggregated(&mut self, side: usize, plan: &LogicalPlan) -> Result<Option<Expr>> {
        let Some(fold) = Fold::of(plan) else { return Ok(None) };
        let schema = self.inputs[side].schema().clone();
        let aggregate = fold.aggregate;
        let named = outer_columns(&LogicalPlan::Aggregate(aggregate.clone()), &schema)?;
        for expr in &aggregate.aggr_expr {
            if expr_names(expr, &named)? {
                return Ok(None);
            }
        }
        let Some(pulled) = pull(self.unnest, &aggregate.input, &named)? else { return Ok(None) };
        if !pulled.is_keyed {
            return Ok(None);
        }
        let keys = pulled.keys.iter().cloned().map(Expr::Column).collect::<Vec<_>>();
        let grouped = LogicalPlanBuilder::from(pulled.rows).aggregate(keys.clone(), aggregate.aggr_expr.clone())?;
        let mut columns = Vec::with_capacity(aggregate.aggr_expr.len());
        let mut known = Vec::with_capacity(aggregate.aggr_expr.len());
        for (column, expr) in aggregate.schema.columns().into_iter().zip(&aggregate.aggr_expr) {
            let name = self.unnest.name("aggregate");
            let data_type = aggregate.schema.data_type(&column)?.clone();
            let value = or_of_nothing(Expr::Column(Column::from_name(&name)), expr, &data_type)?;
            columns.push(Expr::Column(column.clone()).alias(&name));
            known.push((column, value));
        }
        let rows = grouped.project(keys.into_iter().chain(columns))?.build()?;
        self.join(side, rows, pulled.on)?;
        self.above(&fold, known, &schema).map(Some)
    }

    /// What the nodes above the aggregate make of its values.
    fn above(
        &self,
        fold: &Fold<'_>,
        mut known: Vec<(Column, Expr)>,
        schema: &datafusion::common::DFSchema,
    ) -> Result<Expr> {
        let mut kept: Option<Expr> = None;
        for node in fold.above.iter().rev() {
            match node {
                LogicalPlan::Projection(projection) => {
                    let exprs = projection.expr.iter().zip(projection.schema.columns());
                    let exprs = exprs.map(|(expr, column)| Ok((column, self.inlined(expr, &known, schema)?)));
                    known = exprs.collect::<Result<_>>()?;
                }
                LogicalPlan::SubqueryAlias(named) => {
                    for ((column, _), new) in known.iter_mut().zip(named.schema.columns()) {
                        *column = new;
                    }
                }
                LogicalPlan::Filter(filter) => {
                    let having = self.inlined(&filter.predicate, &known, schema)?;
                    kept = Some(kept.map_or(having.clone(), |kept| kept.and(having)));
                }
                _ => {}
            }
        }
        let Some((_, value)) = known.into_iter().next() else {
            return datafusion::common::plan_err!("subquery must return a column");
        };
        match kept {
            None => Ok(value),
            Some(kept) => when(kept, value).end(),
        }
    }

    /// An expression over the columns that are known, read beside the outer row.
    fn inlined(&self, expr: &Expr, known: &[(Column, Expr)], schema: &datafusion::common::DFSchema) -> Result<Expr> {
        let mut expr = expr.clone();
        while let Expr::Alias(alias) = expr {
            expr = *alias.expr;
        }
        let inlined = expr.transform_up(|part| {
            let Expr::Column(column) = &part else { return Ok(Transformed::no(part)) };
            let value = known.iter().find(|(name, _)| name == column).map(|(_, value)| value.clone());
            Ok(value.map_or_else(|| Transformed::no(part), Transformed::yes))
        })?;
        let mut named = Vec::new();
        inlined.data.apply(|part| {
            if let Expr::OuterReferenceColumn(_, column) = part
                && schema.has_column(column)
            {
                named.push(column.clone());
            }
            Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
        })?;
        beside(inlined.data, &named)
    }
}
