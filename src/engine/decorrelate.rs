//! Correlated queries that the planner's own rules leave over, as joins: arrays of the row beside them (`FROM t, unnest(t.a)`),
//! and subqueries in a list or a condition that compute with outer columns (`SELECT (SELECT max(x) FROM unnest(t.a) AS x)`,
//! `SELECT EXISTS (...)`, `SELECT x IN (SELECT ...)`).
//!
//! The optimiser applies the rule after its own. What depends on the outer row is computed over a table of outer rows that
//! is put beneath it: over the outer rows themselves where each of them keeps its own results, else over the distinct
//! values of the columns it names, whose results are joined to the outer rows again (Neumann and Kemper, Unnesting Arbitrary
//! Queries). A subquery with an operator whose meaning that would change (LIMIT, window functions, UNION, full joins) is
//! left as it is, and refused by the planner. So is one whose outer rows may be others when they are read a second time.

use crate::table::refreshing::RefreshingTable;
use datafusion::catalog::MemTable;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, ExprSchema, NullEquality, Result, ScalarValue, TableReference};
use datafusion::datasource::source_as_provider;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::expr::{AggregateFunction, Exists, InSubquery};
use datafusion::logical_expr::logical_plan::{Aggregate, Filter, Join, Projection, Unnest};
use datafusion::logical_expr::{
    BinaryExpr, Distinct, Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Operator, Subquery, col, lit, when,
};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{Optimizer, OptimizerConfig, OptimizerRule};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The optimiser's rules with this one where it belongs.
pub(super) fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    let own = rules.iter().position(|rule| rule.name() == "decorrelate_lateral_join").map_or(rules.len(), |at| at + 1);
    rules.insert(own, Arc::new(Decorrelate));
    rules
}

/// The rule.
#[derive(Debug)]
struct Decorrelate;

impl OptimizerRule for Decorrelate {
    fn name(&self) -> &str {
        "decorrelate_over_outer_rows"
    }

    /// Inner subqueries first: what is left of their outer columns belongs further out.
    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let joined = match &plan {
            LogicalPlan::Join(join) => lateral(join, config)?,
            LogicalPlan::Projection(projection) => in_list(projection, config)?,
            LogicalPlan::Filter(filter) => in_condition(filter, config)?,
            _ => None,
        };
        Ok(joined.map_or_else(|| Transformed::no(plan), Transformed::yes))
    }
}

/// A join whose right side names columns of its left side.
fn lateral(join: &Join, config: &dyn OptimizerConfig) -> Result<Option<LogicalPlan>> {
    // The planner's own rules make a semi join of EXISTS, whatever its columns.
    let plain = matches!(join.join_type, JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti);
    if !plain || join.null_aware {
        return Ok(None);
    }
    let schema = join.left.schema();
    let named = outer_columns(&join.right, schema)?;
    if named.is_empty() {
        return Ok(None);
    }
    let condition = condition(join);
    if join.join_type == JoinType::Inner {
        let every = Outer::rows(&join.left, schema.columns(), false, config)?;
        if let Some(right) = every.beneath(&join.right)? {
            let left = schema.iter().zip(&every.columns).map(|((qualifier, field), (_, carried))| {
                col(carried.clone()).alias_qualified(qualifier.cloned(), field.name())
            });
            let exprs = left.chain(join.right.schema().columns().into_iter().map(Expr::Column)).collect::<Vec<_>>();
            let rows = LogicalPlanBuilder::from(right).project(exprs)?;
            let rows = condition.into_iter().try_fold(rows, LogicalPlanBuilder::filter)?;
            return rows.build().map(Some);
        }
    }
    if !reads_the_same_twice(&join.left)? {
        return Ok(None);
    }
    let outer = Outer::rows(&join.left, named, true, config)?;
    let Some(right) = outer.beneath(&join.right)? else { return Ok(None) };
    let on = outer.same_row().chain(condition);
    let rows = LogicalPlanBuilder::from(join.left.as_ref().clone()).join_on(right, join.join_type, on)?;
    rows.project(join.schema.columns().into_iter().map(Expr::Column))?.build().map(Some)
}

/// Subqueries in a list.
fn in_list(projection: &Projection, config: &dyn OptimizerConfig) -> Result<Option<LogicalPlan>> {
    if !projection.expr.iter().any(has_subquery) {
        return Ok(None);
    }
    let mut joins = Joins { input: projection.input.as_ref().clone(), config, left_over: false };
    let mut exprs = Vec::with_capacity(projection.expr.len());
    for expr in &projection.expr {
        exprs.push(named_as(joins.replace(expr.clone())?, expr));
    }
    if joins.left_over || exprs == projection.expr {
        return Ok(None);
    }
    LogicalPlanBuilder::from(joins.input).project(exprs)?.build().map(Some)
}

/// Subqueries in a condition.
fn in_condition(filter: &Filter, config: &dyn OptimizerConfig) -> Result<Option<LogicalPlan>> {
    if !has_subquery(&filter.predicate) {
        return Ok(None);
    }
    let mut joins = Joins { input: filter.input.as_ref().clone(), config, left_over: false };
    let predicate = joins.replace(filter.predicate.clone())?;
    if joins.left_over || predicate == filter.predicate {
        return Ok(None);
    }
    let columns = filter.input.schema().columns().into_iter().map(Expr::Column);
    LogicalPlanBuilder::from(joins.input).filter(predicate)?.project(columns)?.build().map(Some)
}

fn has_subquery(expr: &Expr) -> bool {
    let subquery = |part: &Expr| matches!(part, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_));
    expr.exists(|part| Ok(subquery(part))).unwrap_or(false)
}

/// Joins the results of subqueries to the rows that ask for them.
struct Joins<'a> {
    input: LogicalPlan,
    config: &'a dyn OptimizerConfig,
    /// A subquery that stays: nothing is changed then.
    left_over: bool,
}

impl Joins<'_> {
    /// The expression with columns in place of its subqueries.
    fn replace(&mut self, expr: Expr) -> Result<Expr> {
        let replaced = expr.transform_down(|part| {
            let column = match &part {
                Expr::ScalarSubquery(subquery) if !subquery.outer_ref_columns.is_empty() => self.value(subquery)?,
                Expr::Exists(exists) => self.exists(exists)?,
                Expr::InSubquery(within) if within.subquery.outer_ref_columns.is_empty() => self.within(within)?,
                _ => return Ok(Transformed::no(part)),
            };
            self.left_over |= column.is_none();
            Ok(column.map_or_else(
                || Transformed::new(part, false, TreeNodeRecursion::Jump),
                |column| Transformed::new(column, true, TreeNodeRecursion::Jump),
            ))
        })?;
        Ok(replaced.data)
    }

    /// The value of a subquery that has one row whatever it reads.
    fn value(&mut self, subquery: &Subquery) -> Result<Option<Expr>> {
        if !has_one_row(&subquery.subquery) {
            return Ok(None);
        }
        let value = Column::from_name(self.config.alias_generator().next("__outer_value"));
        let Some(outer) = self.outer(subquery)? else { return Ok(None) };
        let Some(rows) = outer.beneath(&subquery.subquery)? else { return Ok(None) };
        let Some(own) = subquery.subquery.schema().columns().pop() else { return Ok(None) };
        let columns = outer.carried().chain([Expr::Column(own).alias(value.name())]);
        let rows = LogicalPlanBuilder::from(rows).project(columns)?.build()?;
        self.join(rows, &outer)?;
        Ok(Some(Expr::Column(value)))
    }

    /// Whether a subquery has rows.
    fn exists(&mut self, Exists { subquery, negated }: &Exists) -> Result<Option<Expr>> {
        let mark = Column::from_name(self.config.alias_generator().next("__outer_mark"));
        let marked = lit(true).alias(mark.name());
        if subquery.outer_ref_columns.is_empty() {
            let one = LogicalPlanBuilder::from(subquery.subquery.as_ref().clone()).limit(0, Some(1))?;
            let one = one.project([marked])?.build()?;
            let input = LogicalPlanBuilder::from(self.input.clone());
            self.input = input.join_on(one, JoinType::Left, [lit(true)])?.build()?;
        } else {
            let Some(outer) = self.outer(subquery)? else { return Ok(None) };
            let Some(rows) = outer.beneath(&subquery.subquery)? else { return Ok(None) };
            let rows = LogicalPlanBuilder::from(rows).project(outer.carried().chain([marked]))?.distinct()?.build()?;
            self.join(rows, &outer)?;
        }
        let mark = Box::new(Expr::Column(mark));
        Ok(Some(if *negated { Expr::IsNull(mark) } else { Expr::IsNotNull(mark) }))
    }

    /// Whether a value is among those of a subquery: NULL when it may be, because one side is not known.
    fn within(&mut self, InSubquery { expr, subquery, negated }: &InSubquery) -> Result<Option<Expr>> {
        let name = |what| Column::from_name(self.config.alias_generator().next(what));
        let (found, rows, known) = (name("__outer_found"), name("__outer_rows"), name("__outer_known"));
        let Some(value) = subquery.subquery.schema().columns().pop().map(Expr::Column) else { return Ok(None) };
        let values = || LogicalPlanBuilder::from(subquery.subquery.as_ref().clone());
        let distinct = values().project([value.clone().alias(found.name())])?.distinct()?.build()?;
        let counts = [count(lit(1)).alias(rows.name()), count(value).alias(known.name())];
        let counts = values().aggregate(Vec::<Expr>::new(), counts)?.build()?;
        let on = expr.as_ref().clone().eq(Expr::Column(found.clone()));
        let input = LogicalPlanBuilder::from(self.input.clone()).join_on(distinct, JoinType::Left, [on])?;
        self.input = input.cross_join(counts)?.build()?;
        let (rows, known) = (Expr::Column(rows), Expr::Column(known));
        let unknown = expr.as_ref().clone().is_null().or(known.lt(rows.clone()));
        let answer = when(Expr::Column(found).is_not_null(), lit(!negated))
            .when(rows.eq(lit(0_i64)), lit(*negated))
            .when(unknown, lit(ScalarValue::Boolean(None)))
            .otherwise(lit(*negated))?;
        Ok(Some(answer))
    }

    /// The outer rows of a subquery; `None` when none of its outer columns is of the query around it, or when those rows
    /// may be others next time.
    fn outer(&self, subquery: &Subquery) -> Result<Option<Outer>> {
        let named = outer_columns(&subquery.subquery, self.input.schema())?;
        if named.is_empty() || !reads_the_same_twice(&self.input)? {
            return Ok(None);
        }
        Outer::rows(&self.input, named, true, self.config).map(Some)
    }

    fn join(&mut self, rows: LogicalPlan, outer: &Outer) -> Result<()> {
        let input = LogicalPlanBuilder::from(self.input.clone());
        self.input = input.join_on(rows, JoinType::Left, outer.same_row())?.build()?;
        Ok(())
    }
}

/// The table of outer rows that is put beneath what depends on them.
struct Outer {
    plan: LogicalPlan,
    /// The columns of the outer query, and what they are called in `plan`: no other column has these names.
    columns: Vec<(Column, Column)>,
    /// Whether no two rows are alike, so that what is grouped by a row is the row's own.
    distinct: bool,
}

impl Outer {
    fn rows(query: &LogicalPlan, columns: Vec<Column>, distinct: bool, config: &dyn OptimizerConfig) -> Result<Self> {
        let name = || Column::from_name(config.alias_generator().next("__outer"));
        let columns: Vec<(Column, Column)> = columns.into_iter().map(|column| (column, name())).collect();
        let exprs = columns.iter().map(|(outer, carried)| col(outer.clone()).alias(carried.name()));
        let plan = LogicalPlanBuilder::from(query.clone()).project(exprs)?;
        let plan = if distinct { plan.distinct()? } else { plan };
        Ok(Self { plan: plan.build()?, columns, distinct })
    }

    fn carried(&self) -> impl Iterator<Item = Expr> {
        self.columns.iter().map(|(_, carried)| Expr::Column(carried.clone()))
    }

    /// The condition that joins results to the outer rows they belong to. NULL is a value like others here.
    fn same_row(&self) -> impl Iterator<Item = Expr> {
        self.columns.iter().map(|(outer, carried)| same(Expr::Column(outer.clone()), Expr::Column(carried.clone())))
    }

    /// The plan computed for every outer row, with the columns of that row beside its own; `None` where it cannot be.
    fn beneath(&self, plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
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

    fn extend(
        &self,
        input: &LogicalPlan,
        with: impl FnOnce(LogicalPlanBuilder) -> Result<LogicalPlanBuilder>,
    ) -> Result<Option<LogicalPlan>> {
        let Some(input) = self.beneath(input)? else { return Ok(None) };
        with(LogicalPlanBuilder::from(input))?.build().map(Some)
    }

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

    /// The outer rows go to the side that names them.
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

    /// Whether a plan names a column of the outer rows.
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

    /// Whether a subquery in an expression of a node itself does.
    fn is_named_in_subquery(&self, node: &LogicalPlan) -> Result<bool> {
        let mut named = false;
        node.apply_subqueries(|subquery| {
            named |= self.is_named_in(subquery)?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(named)
    }

    fn is_named(&self, expr: &Expr) -> Result<bool> {
        expr.exists(|part| {
            Ok(matches!(part, Expr::OuterReferenceColumn(_, column)
                if self.columns.iter().any(|(outer, _)| outer == column)))
        })
    }

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

/// The columns of an outer query that a plan names, each once.
fn outer_columns(plan: &LogicalPlan, schema: &DFSchema) -> Result<Vec<Column>> {
    let mut named = BTreeSet::new();
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::OuterReferenceColumn(_, column) = part
                    && schema.has_column(column)
                {
                    named.insert(column.clone());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(named.into_iter().collect())
}

/// Whether a plan has the same rows when a statement runs it twice: cached tables are read in one version, the catalog is
/// what it is, and rows may be written out. Live and system tables move on; LIMIT may cut elsewhere.
fn reads_the_same_twice(plan: &LogicalPlan) -> Result<bool> {
    let mut same = true;
    plan.apply_with_subqueries(|node| {
        same &= match node {
            LogicalPlan::TableScan(scan) => {
                let cached = source_as_provider(&scan.source)
                    .is_ok_and(|table| table.is::<RefreshingTable>() || table.is::<MemTable>());
                scan.fetch.is_none() && (cached || is_catalog(&scan.table_name) || is_function(&scan.table_name))
            }
            LogicalPlan::Limit(_) | LogicalPlan::Extension(_) => false,
            _ => true,
        };
        node.apply_expressions(|expr| {
            same &= !expr.is_volatile();
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(if same { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    Ok(same)
}

fn is_catalog(table: &TableReference) -> bool {
    matches!(table.schema(), Some("pg_catalog" | "information_schema"))
}

/// Functions in FROM are planned under this name, with their arguments as constants.
fn is_function(table: &TableReference) -> bool {
    table.table().ends_with("()")
}

/// Whether a plan has one row for each outer row: an aggregate without groups.
fn has_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => has_one_row(&projection.input),
        LogicalPlan::SubqueryAlias(named) => has_one_row(&named.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        _ => false,
    }
}

/// The value of an aggregate, or what it is of no rows: 0 for counts, NULL for most.
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

/// The whole condition of a join.
fn condition(join: &Join) -> Option<Expr> {
    let equal = |(left, right): &(Expr, Expr)| match join.null_equality {
        NullEquality::NullEqualsNull => same(left.clone(), right.clone()),
        NullEquality::NullEqualsNothing => left.clone().eq(right.clone()),
    };
    join.on.iter().map(equal).chain(join.filter.clone()).reduce(Expr::and)
}

/// Equal, NULL to NULL as well.
fn same(left: Expr, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), Operator::IsNotDistinctFrom, Box::new(right)))
}

/// An expression under the name of the one it replaces.
fn named_as(expr: Expr, replaced: &Expr) -> Expr {
    let name = replaced.schema_name().to_string();
    if expr.schema_name().to_string() == name { expr } else { expr.alias(name) }
}
