//! The distinct values of the outer columns that a subquery names are put beneath it, and its
//! operators are changed so that they compute for all of them at once.
//!
//! One [`Outer`] is made for one subquery. The operators with several inputs or with an order of
//! their rows are in [`super::operator`].

use super::context::Unnest;
use super::examine::{named_as, names, same};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, ExprSchema, NullEquality, Result, not_impl_err};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::logical_plan::{Aggregate, Join, Unnest as UnnestNode};
use datafusion::logical_expr::{Distinct, Expr, JoinType, LogicalPlan, LogicalPlanBuilder, SubqueryAlias, col, lit};

/// The table of outer rows for one subquery, under names that no other column has.
pub(super) struct Outer<'a> {
    /// Gives names that no other column has.
    pub(super) unnest: &'a Unnest,
    /// The outer query projected to the columns named, distinct when the results are joined back.
    pub(super) plan: LogicalPlan,
    /// The columns of the outer query, and what they are called in `plan`.
    pub(super) columns: Vec<(Column, Column)>,
    /// Whether no two rows are alike, so that what is grouped by a row is the row's own.
    pub(super) distinct: bool,
}

impl<'a> Outer<'a> {
    /// The table of these columns of a query; `distinct` keeps one row for each combination of
    /// values.
    pub(super) fn rows(unnest: &'a Unnest, query: &LogicalPlan, columns: Vec<Column>, distinct: bool) -> Result<Self> {
        let name = || Column::from_name(unnest.name("outer"));
        let columns: Vec<(Column, Column)> = columns.into_iter().map(|column| (column, name())).collect();
        let exprs = columns.iter().map(|(outer, carried)| col(outer.clone()).alias(carried.name()));
        let plan = LogicalPlanBuilder::from(query.clone()).project(exprs)?;
        let plan = if distinct { plan.distinct()? } else { plan };
        Ok(Self { unnest, plan: plan.build()?, columns, distinct })
    }

    /// The same rows under other names, for the second side of a join that names outer columns on
    /// both.
    pub(super) fn renamed(&self) -> Result<Self> {
        let name = || Column::from_name(self.unnest.name("outer"));
        let columns: Vec<(Column, Column)> = self.columns.iter().map(|(outer, _)| (outer.clone(), name())).collect();
        let pairs = self.columns.iter().zip(&columns);
        let exprs = pairs.map(|((_, old), (_, new))| Expr::Column(old.clone()).alias(new.name()));
        let plan = LogicalPlanBuilder::from(self.plan.clone()).project(exprs)?.build()?;
        Ok(Self { unnest: self.unnest, plan, columns, distinct: self.distinct })
    }

    /// The columns of the outer row, as they are carried through the plan above.
    pub(super) fn carried(&self) -> impl Iterator<Item = Expr> {
        self.columns.iter().map(|(_, carried)| Expr::Column(carried.clone()))
    }

    /// The names of these columns.
    pub(super) fn carried_columns(&self) -> Vec<Column> {
        self.columns.iter().map(|(_, carried)| carried.clone()).collect()
    }

    /// The conditions that join results to the outer rows they belong to. NULL equals NULL here,
    /// since rows are told apart by their values; a column without NULL is compared as joins hash it.
    pub(super) fn same_row(&self, schema: &DFSchema) -> Result<Vec<Expr>> {
        let pairs = self.columns.iter().map(|(outer, carried)| {
            let (left, right) = (Expr::Column(outer.clone()), Expr::Column(carried.clone()));
            Ok(if schema.field_from_column(outer)?.is_nullable() { same(left, right) } else { left.eq(right) })
        });
        pairs.collect()
    }

    /// The conditions that join the two sides of an inner plan which both carry outer rows.
    pub(super) fn same_carried(&self, other: &Self) -> Vec<Expr> {
        let schema = self.plan.schema();
        let pairs = self.carried().zip(other.carried()).zip(schema.fields());
        let equal = |((left, right), field): ((Expr, Expr), &datafusion::arrow::datatypes::FieldRef)| {
            if field.is_nullable() { same(left, right) } else { left.eq(right) }
        };
        pairs.map(equal).collect()
    }

    /// The plan computed for every outer row, with the columns of that row in front of its own.
    ///
    /// - A plan that names no outer column is cross joined.
    /// - Projections, filters, aliases and UNNEST carry the columns along; a sort without LIMIT is
    ///   dropped, as its order is lost in the join.
    /// - DISTINCT, aggregates, window functions and LIMIT compute for each outer row by itself, which
    ///   needs distinct outer rows.
    ///
    /// # Errors
    /// "Not implemented" where an operator's meaning would change.
    pub(super) fn beneath(&self, plan: &LogicalPlan) -> Result<LogicalPlan> {
        if let LogicalPlan::EmptyRelation(empty) = plan
            && empty.produce_one_row
        {
            return Ok(self.plan.clone());
        }
        if !self.is_named_in(plan)? {
            return LogicalPlanBuilder::from(self.plan.clone()).cross_join(plan.clone())?.build();
        }
        match plan {
            LogicalPlan::Subquery(subquery) => self.beneath(&subquery.subquery),
            LogicalPlan::SubqueryAlias(named) => {
                let rows = self.beneath(&named.input)?;
                self.alias(rows, named)
            }
            LogicalPlan::Projection(projection) => {
                let own = self.resolve_all(&projection.expr)?;
                let rows = LogicalPlanBuilder::from(self.beneath(&projection.input)?);
                rows.project(self.carried().chain(own))?.build()
            }
            LogicalPlan::Filter(filter) => {
                let predicate = self.resolve(&filter.predicate)?;
                LogicalPlanBuilder::from(self.beneath(&filter.input)?).filter(predicate)?.build()
            }
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => self.beneath(&sort.input),
            LogicalPlan::Unnest(unnest) => self.unnest(unnest),
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Union(union) => self.union(union),
            LogicalPlan::Values(values) => self.values(values),
            LogicalPlan::Distinct(Distinct::All(input)) if self.distinct => {
                LogicalPlanBuilder::from(self.beneath(input)?).distinct()?.build()
            }
            LogicalPlan::Distinct(Distinct::On(on)) if self.distinct => self.distinct_on(on),
            LogicalPlan::Aggregate(aggregate) if self.distinct => self.aggregate(aggregate),
            LogicalPlan::Window(window) if self.distinct => self.window(window),
            LogicalPlan::Limit(limit) if self.distinct => self.limit(limit),
            other => not_impl_err!("this form of correlated subquery ({})", kind(other)),
        }
    }

    /// The columns under the table's new name.
    pub(super) fn alias(&self, rows: LogicalPlan, named: &SubqueryAlias) -> Result<LogicalPlan> {
        let columns = named.input.schema().columns().into_iter().zip(named.schema.iter());
        let own = columns
            .map(|(inner, (qualifier, field))| Expr::Column(inner).alias_qualified(qualifier.cloned(), field.name()));
        LogicalPlanBuilder::from(rows).project(self.carried().chain(own))?.build()
    }

    /// UNNEST with the outer row's columns repeated for each element.
    fn unnest(&self, unnest: &UnnestNode) -> Result<LogicalPlan> {
        let (columns, options) = (unnest.exec_columns.clone(), unnest.options.clone());
        let rows = LogicalPlanBuilder::from(self.beneath(&unnest.input)?);
        rows.unnest_columns_with_options(columns, options)?.build()
    }

    /// Groups by the outer row first. Without other groups there is a result for every outer row, also for one that has
    /// nothing to aggregate.
    fn aggregate(&self, aggregate: &Aggregate) -> Result<LogicalPlan> {
        let groups = self.resolve_all(&aggregate.group_expr)?;
        let values = self.resolve_all(&aggregate.aggr_expr)?;
        if groups.iter().any(|group| matches!(group, Expr::GroupingSet(_))) {
            return not_impl_err!("GROUPING SETS in a correlated subquery");
        }
        let whole = groups.is_empty();
        let grouped = LogicalPlanBuilder::from(self.beneath(&aggregate.input)?);
        let grouped = grouped.aggregate(self.carried().chain(groups), values)?.build()?;
        if !whole {
            return Ok(grouped);
        }
        let other = self.renamed()?;
        let columns = aggregate.schema.columns();
        let pairs = self.carried().zip(other.carried_columns());
        let renamed = pairs.map(|(old, new)| old.alias(new.name()));
        let grouped = LogicalPlanBuilder::from(grouped);
        let grouped = grouped.project(renamed.chain(columns.iter().cloned().map(Expr::Column)))?.build()?;
        let rows = LogicalPlanBuilder::from(self.plan.clone());
        let rows = rows.join_on(grouped, JoinType::Left, self.same_carried(&other))?;
        let mut results = Vec::with_capacity(columns.len());
        for (column, expr) in columns.into_iter().zip(&aggregate.aggr_expr) {
            let value = or_of_nothing(
                Expr::Column(column.clone()),
                expr,
                aggregate.schema.field_from_column(&column)?.data_type(),
            )?;
            results.push(value.alias_qualified(column.relation.clone(), column.name));
        }
        rows.project(self.carried().chain(results))?.build()
    }

    /// Whether a plan, its subqueries included, names a column of the outer rows.
    pub(super) fn is_named_in(&self, plan: &LogicalPlan) -> Result<bool> {
        names(plan, &self.outer_columns())
    }

    fn outer_columns(&self) -> Vec<Column> {
        self.columns.iter().map(|(outer, _)| outer.clone()).collect()
    }

    /// The same for a list of expressions, each under the name it had.
    pub(super) fn resolve_all(&self, exprs: &[Expr]) -> Result<Vec<Expr>> {
        exprs.iter().map(|expr| self.resolve(expr).map(|resolved| named_as(resolved, expr))).collect()
    }

    /// An expression with the columns of the outer rows in place of references to them.
    pub(super) fn resolve(&self, expr: &Expr) -> Result<Expr> {
        let resolved = expr.clone().transform(|part| {
            let Expr::OuterReferenceColumn(_, column) = &part else { return Ok(Transformed::no(part)) };
            let carried = self.columns.iter().find(|(outer, _)| outer == column).map(|(_, carried)| carried.clone());
            Ok(carried.map_or_else(|| Transformed::no(part), |carried| Transformed::yes(Expr::Column(carried))))
        })?;
        Ok(resolved.data)
    }
}

/// The value of an aggregate after an outer join, or what it is of no rows: 0 for counts, NULL for
/// most. DataFusion's `default_value` of the function tells.
pub(super) fn or_of_nothing(
    value: Expr,
    aggregate: &Expr,
    data_type: &datafusion::arrow::datatypes::DataType,
) -> Result<Expr> {
    let mut function = aggregate;
    while let Expr::Alias(alias) = function {
        function = &alias.expr;
    }
    let Expr::AggregateFunction(AggregateFunction { func, .. }) = function else { return Ok(value) };
    let nothing = func.default_value(data_type)?;
    Ok(if nothing.is_null() { value } else { coalesce(vec![value, lit(nothing)]) })
}

/// The whole condition of a join, its equalities and its filter, with NULL as the join has it; `None`
/// for a cross join.
pub(super) fn condition(join: &Join) -> Option<Expr> {
    let equal = |(left, right): &(Expr, Expr)| match join.null_equality {
        NullEquality::NullEqualsNull => same(left.clone(), right.clone()),
        NullEquality::NullEqualsNothing => left.clone().eq(right.clone()),
    };
    join.on.iter().map(equal).chain(join.filter.clone()).reduce(Expr::and)
}

/// What a node is called in a refusal.
fn kind(plan: &LogicalPlan) -> &'static str {
    match plan {
        LogicalPlan::RecursiveQuery(_) => "WITH RECURSIVE",
        LogicalPlan::Window(_) => "window functions",
        LogicalPlan::Limit(_) => "LIMIT",
        LogicalPlan::Aggregate(_) => "aggregates",
        LogicalPlan::Distinct(_) => "DISTINCT",
        _ => "this operator",
    }
}
