//! The place of a subquery: the node in whose expressions it stands, and the inputs of that node.
//!
//! What a subquery answers is joined to an input, and a column or an expression over it takes the
//! subquery's place.

use super::context::Unnest;
use super::correlate::{Correlated, Want};
use super::examine::{at_most_one, exactly_one, has_outer, has_subquery, named_as, outer_columns};
use super::only;
use super::outer::condition;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, Result, not_impl_err};
use datafusion::functions_aggregate::expr_fn::{count, first_value};
use datafusion::logical_expr::logical_plan::Join;
use datafusion::logical_expr::{
    Expr, ExprSchemable, Filter, JoinType, LogicalPlan, LogicalPlanBuilder, SortExpr, Subquery, lit,
};

/// The inputs of one node, with the answers joined to them so far.
pub(super) struct Site<'a> {
    pub(super) unnest: &'a Unnest,
    pub(super) inputs: Vec<LogicalPlan>,
}

impl Unnest {
    /// A node with subqueries in its expressions: projections, aggregates, windows and sorts.
    pub(super) fn expressions(&self, node: LogicalPlan) -> Result<LogicalPlan> {
        let inputs = node.inputs().into_iter().cloned().collect::<Vec<_>>();
        if inputs.len() != 1 {
            return Ok(node);
        }
        let mut site = Site { unnest: self, inputs };
        if let LogicalPlan::Sort(sort) = &node {
            let columns = sort.input.schema().columns().into_iter().map(Expr::Column);
            let mut keys = Vec::with_capacity(sort.expr.len());
            for key in &sort.expr {
                keys.push(SortExpr::new(site.replace(key.expr.clone())?, key.asc, key.nulls_first));
            }
            let rows = LogicalPlanBuilder::from(site.inputs.remove(0)).sort(keys)?;
            return rows.project(columns)?.build();
        }
        if !matches!(node, LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_) | LogicalPlan::Window(_)) {
            return Ok(node);
        }
        let mut exprs = Vec::new();
        for expr in node.expressions() {
            if matches!(expr, Expr::GroupingSet(_)) && has_subquery(&expr) {
                return not_impl_err!("a subquery in GROUPING SETS");
            }
            exprs.push(named_as(site.replace(expr.clone())?, &expr));
        }
        let columns = node.schema().columns().into_iter().map(Expr::Column);
        let rows = node.with_new_exprs(exprs, site.inputs)?;
        // A window hands on the columns of its input.
        if matches!(rows, LogicalPlan::Window(_)) {
            return LogicalPlanBuilder::from(rows).project(columns)?.build();
        }
        Ok(rows)
    }

    /// A join with subqueries in its condition. An inner join has them in a filter above it; the
    /// sides of an outer join get what they answer before it.
    pub(super) fn join_condition(&self, join: Join) -> Result<LogicalPlan> {
        let Some(on) = condition(&join) else { return Ok(LogicalPlan::Join(join)) };
        if join.join_type == JoinType::Inner {
            let rows = LogicalPlanBuilder::from(join.left.as_ref().clone());
            let rows = rows.cross_join(join.right.as_ref().clone())?.build()?;
            return self.filter(Filter::try_new(on, rows.into())?);
        }
        let columns = join.schema.columns().into_iter().map(Expr::Column);
        let inputs = vec![join.left.as_ref().clone(), join.right.as_ref().clone()];
        let mut site = Site { unnest: self, inputs };
        let on = site.replace(on)?;
        let (right, left) = (site.inputs.pop(), site.inputs.pop());
        let (Some(left), Some(right)) = (left, right) else { return not_impl_err!("a join without sides") };
        LogicalPlanBuilder::from(left).join_on(right, join.join_type, [on])?.project(columns)?.build()
    }
}

impl Site<'_> {
    /// The expression without subqueries, but for scalar ones that depend on nothing, which
    /// DataFusion computes once.
    pub(super) fn replace(&mut self, expr: Expr) -> Result<Expr> {
        let replaced = expr.transform_down(|part| {
            let answer = match part {
                Expr::ScalarSubquery(subquery) => self.value(subquery)?,
                Expr::Exists(exists) => self.exists(&exists)?,
                Expr::InSubquery(within) => self.within(within)?,
                Expr::SetComparison(comparison) => self.quantified(comparison)?,
                other => return Ok(Transformed::no(other)),
            };
            Ok(Transformed::new(answer, true, TreeNodeRecursion::Jump))
        })?;
        Ok(replaced.data)
    }

    /// The number of the input that a subquery is joined to: the one that has the columns it names
    /// and those of what it is compared with.
    pub(super) fn side(&self, plan: &LogicalPlan, beside: &[&Expr]) -> Result<usize> {
        if self.inputs.len() == 1 {
            return Ok(0);
        }
        let mut needed = beside.iter().flat_map(|expr| expr.column_refs()).cloned().collect::<Vec<_>>();
        for input in &self.inputs {
            needed.extend(outer_columns(plan, input.schema())?);
        }
        let side = self.inputs.iter().position(|input| needed.iter().all(|column| input.schema().has_column(column)));
        match side {
            Some(side) => Ok(side),
            None => not_impl_err!("a subquery over both sides of an outer join in its condition"),
        }
    }

    /// The rows of a subquery beside those of an input.
    pub(super) fn correlate(&mut self, side: usize, plan: &LogicalPlan, want: Want) -> Result<Correlated> {
        self.unnest.correlate(&mut self.inputs[side], plan, want)
    }

    /// Joins rows to an input; rows of the input without any get NULL.
    pub(super) fn join(&mut self, side: usize, rows: LogicalPlan, on: Vec<Expr>) -> Result<()> {
        let on = if on.is_empty() { vec![lit(true)] } else { on };
        let input = LogicalPlanBuilder::from(self.inputs[side].clone());
        self.inputs[side] = input.join_on(rows, JoinType::Left, on)?.build()?;
        Ok(())
    }

    /// Whether an input has a row among these for which the conditions hold, as a column.
    pub(super) fn mark(&mut self, side: usize, rows: LogicalPlan, on: Vec<Expr>) -> Result<Expr> {
        let name = self.unnest.name("mark");
        let on = if on.is_empty() { vec![lit(true)] } else { on };
        let rows = LogicalPlanBuilder::from(rows).alias(&name)?.build()?;
        let input = LogicalPlanBuilder::from(self.inputs[side].clone());
        let marked = input.join_on(rows, JoinType::LeftMark, on)?;
        // Every mark is called `mark`; this one is handed on under its own name.
        let own = self.inputs[side].schema().columns().into_iter().map(Expr::Column);
        let mark = Expr::Column(Column::new(Some(name.clone()), "mark")).alias(&name);
        self.inputs[side] = marked.project(own.chain([mark]).collect::<Vec<_>>())?.build()?;
        Ok(Expr::Column(Column::from_name(name)))
    }

    /// The value of a scalar subquery: NULL when it has no row, an error when it has several.
    fn value(&mut self, subquery: Subquery) -> Result<Expr> {
        let plan = subquery.subquery.clone();
        if !has_outer(&plan)? {
            let value = Expr::ScalarSubquery(subquery);
            return Ok(if exactly_one(&plan) { value } else { only::nullable(value) });
        }
        let side = self.side(&plan, &[])?;
        if let Some(value) = self.aggregated(side, &plan)? {
            return Ok(value);
        }
        let single = at_most_one(&plan);
        let correlated = self.correlate(side, &plan, Want::ValuesByKey)?;
        let Some(value) = correlated.value else { return not_impl_err!("a subquery without a column") };
        if single {
            self.join(side, correlated.rows, correlated.on)?;
            return Ok(Expr::Column(value));
        }
        let (one, rows) = (self.unnest.name("value"), self.unnest.name("rows"));
        let keys = correlated.keys.into_iter().map(Expr::Column);
        let values = [first_value(Expr::Column(value), Vec::new()).alias(&one), count(lit(1)).alias(&rows)];
        let grouped = LogicalPlanBuilder::from(correlated.rows).aggregate(keys, values)?.build()?;
        self.join(side, grouped, correlated.on)?;
        Ok(only::only(Expr::Column(Column::from_name(one)), Expr::Column(Column::from_name(rows))))
    }

    /// Whether an expression may be NULL beside an input.
    pub(super) fn may_be_null(&self, side: usize, expr: &Expr) -> Result<bool> {
        expr.nullable(self.inputs[side].schema().as_ref())
    }
}
