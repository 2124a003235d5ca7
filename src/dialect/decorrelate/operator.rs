//! Operators with several inputs, or with an order of their rows, computed for all outer rows at once.

use super::examine::named_as;
use super::outer::{Outer, condition};
use datafusion::common::{Column, Result, not_impl_err};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::logical_plan::{DistinctOn, Join, Values};
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, FetchType, JoinType, Limit, LogicalPlan, LogicalPlanBuilder, SkipType, SortExpr, Union,
    Window, lit,
};

/// Rows of a VALUES that names outer columns, each of which is a branch of a UNION.
const VALUES_ROWS_MAX: usize = 100;

impl Outer<'_> {
    /// A window over the rows of one outer row: its columns come first in PARTITION BY.
    pub(super) fn window(&self, window: &Window) -> Result<LogicalPlan> {
        let mut exprs = Vec::with_capacity(window.window_expr.len());
        for expr in &window.window_expr {
            exprs.push(named_as(self.partitioned(self.resolve(expr)?), expr));
        }
        LogicalPlanBuilder::from(self.beneath(&window.input)?).window(exprs)?.build()
    }

    /// A window function with the outer row in front of what it is partitioned by.
    fn partitioned(&self, expr: Expr) -> Expr {
        match expr {
            Expr::WindowFunction(mut function) => {
                function.params.partition_by.splice(0..0, self.carried());
                Expr::WindowFunction(function)
            }
            Expr::Alias(mut alias) => {
                alias.expr = Box::new(self.partitioned(*alias.expr));
                Expr::Alias(alias)
            }
            other => other,
        }
    }

    /// LIMIT and OFFSET count the rows of one outer row.
    pub(super) fn limit(&self, limit: &Limit) -> Result<LogicalPlan> {
        let (SkipType::Literal(skip), FetchType::Literal(fetch)) = (limit.get_skip_type()?, limit.get_fetch_type()?)
        else {
            return not_impl_err!("LIMIT or OFFSET that is computed, in a correlated subquery");
        };
        self.limited(&limit.input, skip, fetch)
    }

    /// Rows after `skip`, and so many of them, in the order that a sort below gives.
    fn limited(&self, plan: &LogicalPlan, skip: usize, fetch: Option<usize>) -> Result<LogicalPlan> {
        match plan {
            LogicalPlan::Projection(projection) => {
                let rows = LogicalPlanBuilder::from(self.limited(&projection.input, skip, fetch)?);
                rows.project(self.carried().chain(self.resolve_all(&projection.expr)?))?.build()
            }
            LogicalPlan::SubqueryAlias(named) => {
                let rows = self.limited(&named.input, skip, fetch)?;
                self.alias(rows, named)
            }
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => {
                let resolved =
                    sort.expr.iter().map(|key| Ok(SortExpr::new(self.resolve(&key.expr)?, key.asc, key.nulls_first)));
                self.numbered(&sort.input, self.carried().collect(), resolved.collect::<Result<Vec<_>>>()?, skip, fetch)
            }
            other => self.numbered(other, self.carried().collect(), Vec::new(), skip, fetch),
        }
    }

    /// Rows by their number within a partition and in an order.
    fn numbered(
        &self,
        plan: &LogicalPlan,
        partition: Vec<Expr>,
        order: Vec<SortExpr>,
        skip: usize,
        fetch: Option<usize>,
    ) -> Result<LogicalPlan> {
        let name = self.unnest.name("number");
        let number = row_number().partition_by(partition).order_by(order).build()?.alias(&name);
        let whole = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
        let at = || Expr::Column(Column::from_name(&name));
        let after = at().gt(lit(whole(skip)));
        let kept = match fetch {
            None => after,
            Some(rows) => after.and(at().lt_eq(lit(whole(skip).saturating_add(whole(rows))))),
        };
        let rows = LogicalPlanBuilder::from(self.beneath(plan)?).window([number])?.filter(kept)?;
        let own = plan.schema().columns().into_iter().map(Expr::Column);
        rows.project(self.carried().chain(own))?.build()
    }

    /// DISTINCT ON keeps the first row of each group of one outer row.
    pub(super) fn distinct_on(&self, on: &DistinctOn) -> Result<LogicalPlan> {
        let partition = self.carried().chain(on.on_expr.iter().cloned()).map(|expr| self.resolve(&expr));
        let order = on
            .sort_expr
            .iter()
            .flatten()
            .map(|key| Ok(SortExpr::new(self.resolve(&key.expr)?, key.asc, key.nulls_first)));
        let (partition, order) = (partition.collect::<Result<Vec<_>>>()?, order.collect::<Result<Vec<_>>>()?);
        let rows = self.numbered(&on.input, partition, order, 0, Some(1))?;
        let columns = on.select_expr.iter().zip(on.schema.iter());
        let own = columns.map(|(expr, (qualifier, field))| {
            Ok(self.resolve(expr)?.alias_qualified(qualifier.cloned(), field.name()))
        });
        let own = own.collect::<Result<Vec<_>>>()?;
        LogicalPlanBuilder::from(rows).project(self.carried().chain(own))?.build()
    }

    /// Each branch of a UNION for all outer rows.
    pub(super) fn union(&self, union: &Union) -> Result<LogicalPlan> {
        let mut branches = Vec::with_capacity(union.inputs.len());
        for input in &union.inputs {
            let columns = input.schema().columns().into_iter().map(Expr::Column).collect();
            branches.push((self.beneath(input)?, columns));
        }
        self.united(branches, &union.schema)
    }

    /// The rows of VALUES, each of which is a row for every outer row.
    pub(super) fn values(&self, values: &Values) -> Result<LogicalPlan> {
        if values.values.len() > VALUES_ROWS_MAX {
            return not_impl_err!("VALUES of more than {VALUES_ROWS_MAX} rows with outer columns");
        }
        let mut branches = Vec::with_capacity(values.values.len());
        for row in &values.values {
            let exprs = row.iter().map(|expr| self.resolve(expr)).collect::<Result<Vec<_>>>()?;
            branches.push((self.plan.clone(), exprs));
        }
        self.united(branches, &values.schema)
    }

    /// The rows of several plans that carry outer rows, under the columns of one schema.
    fn united(
        &self,
        branches: Vec<(LogicalPlan, Vec<Expr>)>,
        schema: &datafusion::common::DFSchemaRef,
    ) -> Result<LogicalPlan> {
        let names = schema.fields().iter().map(|_| self.unnest.name("column")).collect::<Vec<_>>();
        let mut united: Option<LogicalPlanBuilder> = None;
        for (rows, columns) in branches {
            let mut own = Vec::with_capacity(names.len());
            for ((expr, name), field) in columns.into_iter().zip(&names).zip(schema.fields()) {
                own.push(datafusion::logical_expr::cast(expr, field.data_type().clone()).alias(name));
            }
            let rows = LogicalPlanBuilder::from(rows).project(self.carried().chain(own))?;
            united = Some(match united {
                None => rows,
                Some(before) => before.union(rows.build()?)?,
            });
        }
        let Some(united) = united else { return not_impl_err!("an empty UNION in a correlated subquery") };
        let own = schema.iter().zip(&names).map(|((qualifier, field), name)| {
            Expr::Column(Column::from_name(name)).alias_qualified(qualifier.cloned(), field.name())
        });
        united.project(self.carried().chain(own).collect::<Vec<_>>())?.build()
    }

    /// A join for all outer rows. The side whose rows are kept carries them, and so does a side that
    /// names them; when both do, they meet in the same outer row.
    pub(super) fn join(&self, join: &Join) -> Result<LogicalPlan> {
        use JoinType::{Full, Inner, Left, LeftAnti, LeftMark, LeftSemi, Right, RightAnti, RightMark, RightSemi};
        if join.null_aware {
            return not_impl_err!("NOT IN over outer columns");
        }
        let (mut in_left, mut in_right) = (self.is_named_in(&join.left)?, self.is_named_in(&join.right)?);
        match join.join_type {
            Left | LeftSemi | LeftAnti | LeftMark => in_left = true,
            Right | RightSemi | RightAnti | RightMark => in_right = true,
            Full => (in_left, in_right) = (true, true),
            Inner => in_left |= !in_right,
        }
        let on = condition(join).map(|condition| self.resolve(&condition)).transpose()?;
        let own = || join.schema.columns().into_iter().map(Expr::Column);
        let plain = |plan: &LogicalPlan| plan.clone();
        if !(in_left && in_right) {
            let left = if in_left { self.beneath(&join.left)? } else { plain(&join.left) };
            let right = if in_right { self.beneath(&join.right)? } else { plain(&join.right) };
            let rows = LogicalPlanBuilder::from(left).join_on(right, join.join_type, on)?;
            return rows.project(self.carried().chain(own()))?.build();
        }
        if !self.distinct {
            return not_impl_err!("a join that names outer columns on both sides");
        }
        // The side whose columns come out carries the rows under their own names.
        let other = self.renamed()?;
        let of_right = matches!(join.join_type, Right | RightSemi | RightAnti | RightMark);
        let (left, right) = if of_right {
            (other.beneath(&join.left)?, self.beneath(&join.right)?)
        } else {
            (self.beneath(&join.left)?, other.beneath(&join.right)?)
        };
        // A mark is called by the table on the right, whichever of its columns are still read.
        let right = match (join.join_type, join.right.schema().iter().next()) {
            (LeftMark, Some((Some(table), _))) => LogicalPlanBuilder::from(right).alias(table.clone())?.build()?,
            _ => right,
        };
        let on = self.same_carried(&other).into_iter().chain(on);
        let rows = LogicalPlanBuilder::from(left).join_on(right, join.join_type, on)?;
        if join.join_type == Full {
            let carried = self.carried().zip(other.carried()).zip(self.carried_columns());
            let carried = carried.map(|((left, right), column)| coalesce(vec![left, right]).alias(column.name()));
            return rows.project(carried.chain(own()).collect::<Vec<_>>())?.build();
        }
        rows.project(self.carried().chain(own()).collect::<Vec<_>>())?.build()
    }
}
