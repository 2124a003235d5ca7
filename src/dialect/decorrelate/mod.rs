//! An optimizer rule of DataFusion's turns correlated queries that its own rules leave over into
//! joins: arrays of the row beside them (`FROM t, unnest(t.a)`), and subqueries in a list or a
//! condition that compute with outer columns (`SELECT (SELECT max(x) FROM unnest(t.a) AS x)`, `SELECT
//! EXISTS (...)`, `SELECT x IN (SELECT ...)`).
//!
//! The optimizer applies the rule after its own. What depends on the outer row is computed over a
//! table of outer rows that is put beneath it: over the outer rows themselves where each of them
//! keeps its own results, else over the distinct values of the columns it names, whose results are
//! joined to the outer rows again (Neumann and Kemper, Unnesting Arbitrary Queries). A subquery with
//! an operator whose meaning that would change (LIMIT, window functions, UNION, full joins) is left
//! as it is, and refused as not supported. So is one whose outer rows may be others when they are
//! read a second time.
//!
//! DataFusion 55: `decorrelate_lateral_join` and `scalar_subquery_to_join` pull up conditions of a
//! WHERE only (`PullUpCorrelatedExpr`), so that an outer column in a list, an UNNEST or a function
//! reaches the physical planner, "Physical plan does not support logical expression
//! OuterReferenceColumn" (apache/datafusion#13659, #10048). Not needed once `correlated.slt` passes
//! without this rule.
//!
//! DataFusion 55: `decorrelate_predicate_subquery` looks at Filter nodes alone, so that EXISTS and IN
//! in a list are refused (apache/datafusion#23022, closed, but 55.2 still refuses them; #21363 is a
//! closed proposal). Not needed once `SELECT EXISTS (SELECT 1)` runs without `in_list`.

mod outer;

use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result, ScalarValue, TableReference};
use datafusion::datasource::source_as_provider;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::logical_plan::{Filter, Join, Projection};
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan, LogicalPlanBuilder, Subquery, col, lit, when};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{Optimizer, OptimizerConfig, OptimizerRule};
use outer::{Outer, condition, named_as};
use std::collections::BTreeSet;
use std::sync::Arc;

/// DataFusion's optimizer rules with this one inserted after `decorrelate_lateral_join`, where its
/// own rules have had their turn and nothing is pushed down yet; at the end if that rule is gone.
pub(crate) fn rules(rereads: Rereads) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    let own = rules.iter().position(|rule| rule.name() == "decorrelate_lateral_join").map_or(rules.len(), |at| at + 1);
    rules.insert(own, Arc::new(Decorrelate(rereads)));
    rules
}

/// Tells whether a table has the same rows when one statement scans it twice. The engine supplies it;
/// the rule knows no table.
type Rereads = fn(&dyn TableProvider) -> bool;

/// The optimizer rule `decorrelate_over_outer_rows`, with the engine's answer on tables that can be
/// read twice.
#[derive(Debug)]
struct Decorrelate(Rereads);

impl OptimizerRule for Decorrelate {
    fn name(&self) -> &str {
        "decorrelate_over_outer_rows"
    }

    /// Inner subqueries first: what is left of their outer columns belongs further out.
    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    /// Rewrites a join, a projection or a filter that has correlated parts; every other node stays.
    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let joined = match &plan {
            LogicalPlan::Join(join) => lateral(join, config, self.0)?,
            LogicalPlan::Projection(projection) => in_list(projection, config, self.0)?,
            LogicalPlan::Filter(filter) => in_condition(filter, config, self.0)?,
            _ => None,
        };
        Ok(joined.map_or_else(|| Transformed::no(plan), Transformed::yes))
    }
}

/// Rewrites a join whose right side names columns of its left side (LATERAL); `None` leaves it as it
/// is.
///
/// An inner join needs no second reading: its left rows are carried through the right side. LEFT,
/// semi and anti joins join the results back by the columns named, and need a left side that reads
/// the same twice.
fn lateral(join: &Join, config: &dyn OptimizerConfig, rereads: Rereads) -> Result<Option<LogicalPlan>> {
    // DataFusion's `decorrelate_predicate_subquery` makes a semi join of EXISTS, whatever its
    // columns.
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
    if !reads_the_same_twice(&join.left, rereads)? {
        return Ok(None);
    }
    let outer = Outer::rows(&join.left, named, true, config)?;
    let Some(right) = outer.beneath(&join.right)? else { return Ok(None) };
    let on = outer.same_row().chain(condition);
    let rows = LogicalPlanBuilder::from(join.left.as_ref().clone()).join_on(right, join.join_type, on)?;
    rows.project(join.schema.columns().into_iter().map(Expr::Column))?.build().map(Some)
}

/// Rewrites subqueries in the list of a projection; the columns keep their names. `None` when there
/// is none, or when one of them must stay.
fn in_list(projection: &Projection, config: &dyn OptimizerConfig, rereads: Rereads) -> Result<Option<LogicalPlan>> {
    if !projection.expr.iter().any(has_subquery) {
        return Ok(None);
    }
    let mut joins = Joins { input: projection.input.as_ref().clone(), config, rereads, left_over: false };
    let mut exprs = Vec::with_capacity(projection.expr.len());
    for expr in &projection.expr {
        exprs.push(named_as(joins.replace(expr.clone())?, expr));
    }
    if joins.left_over || exprs == projection.expr {
        return Ok(None);
    }
    LogicalPlanBuilder::from(joins.input).project(exprs)?.build().map(Some)
}

/// Rewrites subqueries in the condition of a filter that DataFusion's rules left there, and projects
/// the filter's own columns again.
fn in_condition(filter: &Filter, config: &dyn OptimizerConfig, rereads: Rereads) -> Result<Option<LogicalPlan>> {
    if !has_subquery(&filter.predicate) {
        return Ok(None);
    }
    let mut joins = Joins { input: filter.input.as_ref().clone(), config, rereads, left_over: false };
    let predicate = joins.replace(filter.predicate.clone())?;
    if joins.left_over || predicate == filter.predicate {
        return Ok(None);
    }
    let columns = filter.input.schema().columns().into_iter().map(Expr::Column);
    LogicalPlanBuilder::from(joins.input).filter(predicate)?.project(columns)?.build().map(Some)
}

/// Whether an expression has a scalar subquery, an EXISTS or an IN over a query.
fn has_subquery(expr: &Expr) -> bool {
    let subquery = |part: &Expr| matches!(part, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_));
    expr.exists(|part| Ok(subquery(part))).unwrap_or(false)
}

/// Joins the results of subqueries to the rows that ask for them, one after the other.
struct Joins<'a> {
    /// The rows of the node's input, with the results joined so far.
    input: LogicalPlan,
    /// Gives names that no other column has.
    config: &'a dyn OptimizerConfig,
    /// Whether a table can be read twice.
    rereads: Rereads,
    /// A subquery that stays: nothing is changed then.
    left_over: bool,
}

impl Joins<'_> {
    /// The expression with columns in place of its subqueries; sets `left_over` when one must stay.
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

    /// The column with the value of a scalar subquery that has one row whatever it reads, an
    /// aggregate without groups; `None` for others, whose second row would have to be an error.
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

    /// The condition that a subquery has rows: a mark that is joined to the rows with one, negated
    /// for NOT EXISTS. A subquery without outer columns is read up to its first row.
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

    /// The answer of `x IN (SELECT ...)` with SQL's three values, for a subquery without outer
    /// columns.
    ///
    /// True when a value is equal, false over no rows, NULL when `x` is NULL or one of the values is,
    /// else false; NOT IN turns true and false over. The distinct values are joined on equality, and
    /// two counts tell whether there are rows and NULLs.
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

    /// The outer rows of a subquery; `None` when none of its outer columns is of the query around it,
    /// or when those rows may be others when they are read again.
    fn outer(&self, subquery: &Subquery) -> Result<Option<Outer>> {
        let named = outer_columns(&subquery.subquery, self.input.schema())?;
        if named.is_empty() || !reads_the_same_twice(&self.input, self.rereads)? {
            return Ok(None);
        }
        Outer::rows(&self.input, named, true, self.config).map(Some)
    }

    /// Joins the results of a subquery to the rows by the outer columns it names; rows without a
    /// result get NULL.
    fn join(&mut self, rows: LogicalPlan, outer: &Outer) -> Result<()> {
        let input = LogicalPlanBuilder::from(self.input.clone());
        self.input = input.join_on(rows, JoinType::Left, outer.same_row())?.build()?;
        Ok(())
    }
}

/// The columns of an outer query that a plan names anywhere beneath, its subqueries included, each
/// once and in order.
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

/// Whether a plan has the same rows when a statement runs it twice. Cached tables are read in one
/// version, the catalog is what it is, and literal rows are constants. Live and system tables move
/// on, LIMIT may cut elsewhere, and volatile functions give other values.
fn reads_the_same_twice(plan: &LogicalPlan, rereads: Rereads) -> Result<bool> {
    let mut same = true;
    plan.apply_with_subqueries(|node| {
        same &= match node {
            LogicalPlan::TableScan(scan) => {
                let cached = source_as_provider(&scan.source).is_ok_and(|table| rereads(table.as_ref()));
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

/// Whether a table is of `pg_catalog` or `information_schema`, which are computed from the catalog as
/// it is.
fn is_catalog(table: &TableReference) -> bool {
    matches!(table.schema(), Some("pg_catalog" | "information_schema"))
}

/// Whether a scan is of a function in FROM: DataFusion plans those under the name `name()`, with
/// constants for arguments.
fn is_function(table: &TableReference) -> bool {
    table.table().ends_with("()")
}

/// Whether a plan has exactly one row for each outer row: an aggregate without groups, under
/// projections and aliases.
fn has_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => has_one_row(&projection.input),
        LogicalPlan::SubqueryAlias(named) => has_one_row(&named.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        _ => false,
    }
}
