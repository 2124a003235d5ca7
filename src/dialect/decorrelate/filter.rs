//! Conjuncts of WHERE and HAVING that are EXISTS or IN over a query become semi and anti joins, which
//! keep or drop a row without a column for the answer.

use super::context::Unnest;
use super::correlate::{Correlated, Want};
use super::examine::{exactly_one, existence, has_outer, has_subquery, values};
use super::quantified::{compare, has_rows};
use super::site::Site;
use datafusion::common::{Column, NullEquality, Result};
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{Expr, ExprSchemable, Filter, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, lit};

impl Unnest {
    /// A filter with subqueries. What needs none of them is asked first, so that they are asked for
    /// fewer rows.
    pub(super) fn filter(&self, filter: Filter) -> Result<LogicalPlan> {
        let columns = filter.input.schema().columns();
        let (asked, plain): (Vec<_>, Vec<_>) =
            split_conjunction_owned(filter.predicate).into_iter().partition(has_subquery);
        let rows = LogicalPlanBuilder::from(filter.input.as_ref().clone());
        let rows = plain.into_iter().reduce(Expr::and).map_or(Ok(rows.clone()), |plain| rows.filter(plain))?;
        let mut site = Site { unnest: self, inputs: vec![rows.build()?] };
        let mut rest = Vec::new();
        for conjunct in asked {
            if let Some(conjunct) = site.conjunct(conjunct)? {
                rest.push(site.replace(conjunct)?);
            }
        }
        let rows = LogicalPlanBuilder::from(site.inputs.remove(0));
        let rows = rest.into_iter().reduce(Expr::and).map_or(Ok(rows.clone()), |rest| rows.filter(rest))?;
        if rows.schema().columns() == columns {
            return rows.build();
        }
        rows.project(columns.into_iter().map(Expr::Column))?.build()
    }
}

impl Site<'_> {
    /// Makes a join of a conjunct, or hands it back when it is no EXISTS or IN by itself.
    fn conjunct(&mut self, conjunct: Expr) -> Result<Option<Expr>> {
        match conjunct {
            Expr::Not(inner) => match *inner {
                Expr::Exists(exists) => self.conjunct(Expr::Exists(Exists { negated: !exists.negated, ..exists })),
                Expr::InSubquery(within) => {
                    self.conjunct(Expr::InSubquery(InSubquery { negated: !within.negated, ..within }))
                }
                other => Ok(Some(Expr::Not(Box::new(other)))),
            },
            Expr::Exists(exists) => self.rows_that_exist(exists),
            Expr::InSubquery(within) if !has_subquery(&within.expr) => self.rows_within(within),
            other => Ok(Some(other)),
        }
    }

    /// Keeps the rows for which a subquery has rows, or has none.
    fn rows_that_exist(&mut self, exists: Exists) -> Result<Option<Expr>> {
        let plan = existence(&exists.subquery.subquery);
        if exactly_one(plan) {
            return Ok(Some(lit(!exists.negated)));
        }
        if !has_outer(plan)? {
            let found = has_rows(plan)?;
            return Ok(Some(if exists.negated { Expr::Not(Box::new(found)) } else { found }));
        }
        let correlated = self.correlate(0, plan, Want::Rows)?;
        self.keep(correlated.rows, exists.negated, correlated.on)?;
        Ok(None)
    }

    /// Keeps the rows whose value is among those of a subquery, or for which it is known to be none of
    /// them.
    fn rows_within(&mut self, within: InSubquery) -> Result<Option<Expr>> {
        let plan = values(&within.subquery.subquery);
        let needle = within.expr.as_ref().clone();
        if !within.negated {
            let correlated = self.correlate(0, plan, Want::Values)?;
            let Correlated { rows, value: Some(value), on, .. } = correlated else {
                return Ok(Some(Expr::InSubquery(within)));
            };
            let equal = needle.eq(Expr::Column(value));
            self.keep(rows, false, on.into_iter().chain([equal]).collect())?;
            return Ok(None);
        }
        let schema = self.inputs[0].schema().clone();
        let sure =
            !needle.nullable(schema.as_ref())? && plan.schema().fields().iter().all(|field| !field.is_nullable());
        let correlated = has_outer(plan)? || needle.contains_outer();
        if !sure && !correlated && needle.any_column_refs() && !has_outer(&self.inputs[0])? {
            let Correlated { rows, value: Some(value), .. } = self.correlate(0, plan, Want::Values)? else {
                return Ok(Some(Expr::InSubquery(within)));
            };
            let equal = needle.eq(Expr::Column(value));
            // One key, hashed, of which DataFusion knows what NULL means for NOT IN.
            let rows = LogicalPlanBuilder::from(self.inputs[0].clone()).join_detailed_with_options(
                rows,
                JoinType::LeftAnti,
                (Vec::<Column>::new(), Vec::<Column>::new()),
                Some(equal),
                NullEquality::NullEqualsNothing,
                true,
            )?;
            self.inputs[0] = rows.build()?;
            return Ok(None);
        }
        if !sure && !has_outer(plan)? {
            return Ok(Some(Expr::InSubquery(within)));
        }
        let Correlated { rows, value: Some(value), on, .. } = self.correlate(0, plan, Want::Values)? else {
            return Ok(Some(Expr::InSubquery(within)));
        };
        let equal = compare(needle, Operator::Eq, Expr::Column(value));
        let unless = if sure { equal } else { Expr::IsNotFalse(Box::new(equal)) };
        self.keep(rows, true, on.into_iter().chain([unless]).collect())?;
        Ok(None)
    }

    /// Keeps the rows of the input that have a row among these, or those that have none.
    fn keep(&mut self, rows: LogicalPlan, negated: bool, on: Vec<Expr>) -> Result<()> {
        let join_type = if negated { JoinType::LeftAnti } else { JoinType::LeftSemi };
        let on = if on.is_empty() { vec![lit(true)] } else { on };
        let input = LogicalPlanBuilder::from(self.inputs[0].clone());
        self.inputs[0] = input.join_on(rows, join_type, on)?.build()?;
        Ok(())
    }
}
