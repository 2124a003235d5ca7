//! The table of outer rows is put beneath a DataFusion plan that depends on them, and each operator
//! above is changed so that it computes for all of these rows at once.
//!
//! The rule makes one `Outer` for one subquery. This file changes operators and decides on none:
//! where an operator's meaning would change, the answer is `None` and the subquery stays as it was.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, ExprSchema, NullEquality, Result};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::logical_plan::{Aggregate, Join, Unnest};
use datafusion::logical_expr::{
    BinaryExpr, Distinct, Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, col, lit,
};
use datafusion::optimizer::OptimizerConfig;

/// The table of outer rows for one subquery, under names that no other column has.
pub(crate) struct Outer {
    /// The outer query projected to the columns named, distinct when the results are joined back.
    plan: LogicalPlan,
    /// The columns of the outer query, and what they are called in `plan`: no other column has these names.
    pub(crate) columns: Vec<(Column, Column)>,
    /// Whether no two rows are alike, so that what is grouped by a row is the row's own.
    distinct: bool,
}

impl Outer {
    /// The table of these columns of a query; `distinct` keeps one row for each combination of
    /// values.
    pub(crate) fn rows(
        query: &LogicalPlan,
        columns: Vec<Column>,
        distinct: bool,
        config: &dyn OptimizerConfig,
    ) -> Result<Self> {
        let name = || Column::from_name(config.alias_generator().next("__outer"));
        let columns: Vec<(Column, Column)> = columns.into_iter().map(|column| (column, name())).collect();
        let exprs = columns.iter().map(|(outer, carried)| col(outer.clone()).alias(carried.name()));
        let plan = LogicalPlanBuilder::from(query.clone()).project(exprs)?;
        let plan = if distinct { plan.distinct()? } else { plan };
        Ok(Self { plan: plan.build()?, columns, distinct })
    }

    /// The columns of the outer row, as they are carried through the plan above.
    pub(crate) fn carried(&self) -> impl Iterator<Item = Expr> {
        self.columns.iter().map(|(_, carried)| Expr::Column(carried.clone()))
    }

    /// The conditions that join results to the outer rows they belong to. NULL equals NULL here,
    /// since rows are told apart by their values.
    pub(crate) fn same_row(&self) -> impl Iterator<Item = Expr> {
        self.columns.iter().map(|(outer, carried)| same(Expr::Column(outer.clone()), Expr::Column(carried.clone())))
    }

    /// The plan computed for every outer row, with the columns of that row in front of its own;
    /// `None` where it cannot be.
    ///
    /// - A plan that names no outer column is cross joined.
    /// - Projections, filters, aliases and UNNEST carry the columns along; a sort without LIMIT is
    ///   dropped, as its order is lost in the join.
    /// - DISTINCT and aggregates need distinct outer rows, so that what is grouped by a row is that
    ///   row's own.
    /// - LIMIT, window functions, UNION and subqueries inside are not computed this way.
    pub(crate) fn beneath(&self, plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
        if let LogicalPlan::EmptyRelation(empty) = plan
            && empty.produce_one_row
        {
            return Ok(Some(self.plan.clone()));
        }
        if !self.is_named_in(plan)? {
            let rows = LogicalPlanBuilder::from(self.plan.clone());
            return rows.cross_join(plan.clone())?.build().map(Some);
        }
        if self.is_named_in_subquery(plan)? {
            return Ok(None);
        }
        match plan {
            LogicalPlan::Subquery(subquery) => self.beneath(&subquery.subquery),
            LogicalPlan::SubqueryAlias(named) => self.extend(&named.input, |rows| {
                let columns = named.input.schema().columns().into_iter().zip(named.schema.iter());
                let own = columns.map(|(inner, (qualifier, field))| {
                    Expr::Column(inner).alias_qualified(qualifier.cloned(), field.name())
                });
                rows.project(self.carried().chain(own))
            }),
            LogicalPlan::Projection(projection) => {
                let own = self.resolve_all(&projection.expr)?;
                self.extend(&projection.input, |rows| rows.project(self.carried().chain(own)))
            }
            LogicalPlan::Filter(filter) => {
                let predicate = self.resolve(&filter.predicate)?;
                self.extend(&filter.input, |rows| rows.filter(predicate))
            }
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => self.beneath(&sort.input),
            LogicalPlan::Distinct(Distinct::All(input)) if self.distinct => {
                self.extend(input, LogicalPlanBuilder::distinct)
            }
            LogicalPlan::Unnest(unnest) => self.unnest(unnest),
            LogicalPlan::Aggregate(aggregate) if self.distinct => self.aggregate(aggregate),
            LogicalPlan::Join(join) => self.join(join),
            _ => Ok(None),
        }
    }

    /// Puts the outer rows beneath an input, and builds the operator above it again.
    fn extend(
        &self,
        input: &LogicalPlan,
        with: impl FnOnce(LogicalPlanBuilder) -> Result<LogicalPlanBuilder>,
    ) -> Result<Option<LogicalPlan>> {
        let Some(input) = self.beneath(input)? else { return Ok(None) };
        with(LogicalPlanBuilder::from(input))?.build().map(Some)
    }

    /// UNNEST with the outer row's columns repeated for each element.
    fn unnest(&self, unnest: &Unnest) -> Result<Option<LogicalPlan>> {
        let (columns, options) = (unnest.exec_columns.clone(), unnest.options.clone());
        self.extend(&unnest.input, |rows| rows.unnest_columns_with_options(columns, options))
    }

    /// Groups by the outer row first. Without other groups there is a result for every outer row, also for one that has
    /// nothing to aggregate.
    fn aggregate(&self, aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
        let groups = self.resolve_all(&aggregate.group_expr)?;
        let values = self.resolve_all(&aggregate.aggr_expr)?;
        if groups.iter().any(|group| matches!(group, Expr::GroupingSet(_))) {
            return Ok(None);
        }
        let whole = groups.is_empty();
        let grouped = self.extend(&aggregate.input, |rows| rows.aggregate(self.carried().chain(groups), values))?;
        if !whole {
            return Ok(grouped);
        }
        let Some(grouped) = grouped else { return Ok(None) };
        let columns = aggregate.schema.columns();
        let mark = |carried: &Column| Column::from_name(format!("{}_grouped", carried.name()));
        let renamed = self.columns.iter().map(|(_, carried)| Expr::Column(carried.clone()).alias(mark(carried).name()));
        let grouped = LogicalPlanBuilder::from(grouped);
        let grouped = grouped.project(renamed.chain(columns.iter().cloned().map(Expr::Column)))?.build()?;
        let on = self.columns.iter().map(|(_, carried)| same(carried.clone().into(), mark(carried).into()));
        let rows = LogicalPlanBuilder::from(self.plan.clone()).join_on(grouped, JoinType::Left, on)?;
        let mut results = Vec::with_capacity(columns.len());
        for (column, expr) in columns.into_iter().zip(&aggregate.aggr_expr) {
            results.push(or_of_nothing(column, expr, &aggregate.schema)?);
        }
        rows.project(self.carried().chain(results))?.build().map(Some)
    }

    /// A join with the outer rows on the side that names them; `None` when both sides do, or when an
    /// outer join would have to keep rows of the other side.
    fn join(&self, join: &Join) -> Result<Option<LogicalPlan>> {
        let sides = (self.is_named_in(&join.left)?, self.is_named_in(&join.right)?);
        let (left, right) = match (join.join_type, sides) {
            (JoinType::Inner | JoinType::Left, (_, false)) => {
                (self.beneath(&join.left)?, Some(join.right.as_ref().clone()))
            }
            (JoinType::Inner, (false, true)) => (Some(join.left.as_ref().clone()), self.beneath(&join.right)?),
            _ => (None, None),
        };
        let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
        let on = condition(join).map(|condition| self.resolve(&condition)).transpose()?;
        LogicalPlanBuilder::from(left).join_on(right, join.join_type, on)?.build().map(Some)
    }

    /// Whether a plan, its subqueries included, names a column of the outer rows.
    fn is_named_in(&self, plan: &LogicalPlan) -> Result<bool> {
        let mut named = false;
        plan.apply_with_subqueries(|node| {
            node.apply_expressions(|expr| {
                named |= self.is_named(expr)?;
                Ok(if named { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
            })?;
            Ok(if named { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })?;
        Ok(named)
    }

    /// Whether a subquery in an expression of the node itself names a column of the outer rows: then
    /// it has to be rewritten first.
    fn is_named_in_subquery(&self, node: &LogicalPlan) -> Result<bool> {
        let mut named = false;
        node.apply_subqueries(|subquery| {
            named |= self.is_named_in(subquery)?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(named)
    }

    /// Whether an expression names a column of the outer rows.
    fn is_named(&self, expr: &Expr) -> Result<bool> {
        expr.exists(|part| {
            Ok(matches!(part, Expr::OuterReferenceColumn(_, column)
                if self.columns.iter().any(|(outer, _)| outer == column)))
        })
    }

    /// The same for a list of expressions, each under the name it had.
    fn resolve_all(&self, exprs: &[Expr]) -> Result<Vec<Expr>> {
        exprs.iter().map(|expr| self.resolve(expr).map(|resolved| named_as(resolved, expr))).collect()
    }

    /// An expression with the columns of the outer rows in place of references to them.
    fn resolve(&self, expr: &Expr) -> Result<Expr> {
        let resolved = expr.clone().transform(|part| {
            let Expr::OuterReferenceColumn(_, column) = &part else { return Ok(Transformed::no(part)) };
            let carried = self.columns.iter().find(|(outer, _)| outer == column).map(|(_, carried)| carried.clone());
            Ok(carried.map_or_else(|| Transformed::no(part), |carried| Transformed::yes(Expr::Column(carried))))
        })?;
        Ok(resolved.data)
    }
}

/// The value of an aggregate after the join, or what it is of no rows: 0 for counts, NULL for most.
/// DataFusion's `default_value` of the function tells.
fn or_of_nothing(column: Column, expr: &Expr, schema: &DFSchema) -> Result<Expr> {
    let data_type = schema.field_from_column(&column)?.data_type().clone();
    let mut function = expr;
    while let Expr::Alias(alias) = function {
        function = &alias.expr;
    }
    let Expr::AggregateFunction(AggregateFunction { func, .. }) = function else { return Ok(Expr::Column(column)) };
    let nothing = func.default_value(&data_type)?;
    if nothing.is_null() {
        return Ok(Expr::Column(column));
    }
    let name = column.name().to_owned();
    Ok(coalesce(vec![Expr::Column(column), lit(nothing)]).alias(name))
}

/// The whole condition of a join, its equalities and its filter, with NULL as the join has it; `None`
/// for a cross join.
pub(crate) fn condition(join: &Join) -> Option<Expr> {
    let equal = |(left, right): &(Expr, Expr)| match join.null_equality {
        NullEquality::NullEqualsNull => same(left.clone(), right.clone()),
        NullEquality::NullEqualsNothing => left.clone().eq(right.clone()),
    };
    join.on.iter().map(equal).chain(join.filter.clone()).reduce(Expr::and)
}

/// `left IS NOT DISTINCT FROM right`: equal, and NULL equal to NULL.
fn same(left: Expr, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), Operator::IsNotDistinctFrom, Box::new(right)))
}

/// An expression under the name of the one it replaces, so that the nodes above find it.
pub(crate) fn named_as(expr: Expr, replaced: &Expr) -> Expr {
    let name = replaced.schema_name().to_string();
    if expr.schema_name().to_string() == name { expr } else { expr.alias(name) }
}
