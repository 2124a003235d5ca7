//! The questions that the rule asks of plans and expressions: what is named, and what can be read
//! twice. Nothing is changed here.

use crate::dialect::shared::{MATERIALIZED, NAMED_AGAIN};
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, NullEquality, Result, TableReference};
use datafusion::datasource::cte_worktable::CteWorkTable;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::logical_plan::Join;
use datafusion::logical_expr::{
    BinaryExpr, Distinct, Expr, FetchType, JoinType, Limit, LogicalPlan, Operator, SkipType, SubqueryAlias,
};
use std::collections::BTreeSet;

/// Tells whether a table has the same rows when one statement scans it twice. The engine supplies it;
/// the rule knows no table.
pub(crate) type Rereads = fn(&dyn TableProvider) -> bool;

/// Whether an expression has a subquery that this room replaces, or a scalar one.
pub(super) fn has_subquery(expr: &Expr) -> bool {
    let subquery = |part: &Expr| {
        matches!(part, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_))
    };
    expr.exists(|part| Ok(subquery(part))).unwrap_or(false)
}

/// Whether some expression or node of a plan, its subqueries included, is as asked for.
fn any(plan: &LogicalPlan, node_is: impl Fn(&LogicalPlan) -> bool, expr_is: impl Fn(&Expr) -> bool) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found |= node_is(node);
        if !found {
            node.apply_expressions(|expr| {
                found |= expr.exists(|part| Ok(expr_is(part)))?;
                Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
            })?;
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Whether a table stands for a WITH query that the statement names several times.
pub(super) fn is_named_again(alias: &SubqueryAlias) -> bool {
    let name = alias.alias.table();
    name.starts_with(NAMED_AGAIN) || name.starts_with(MATERIALIZED)
}

/// Whether the rule has anything to do in a plan. Most plans have nothing.
pub(super) fn has_work(plan: &LogicalPlan) -> Result<bool> {
    let node = |node: &LogicalPlan| match node {
        LogicalPlan::Join(join) => keeps_duplicates(join),
        LogicalPlan::Subquery(_) => true,
        LogicalPlan::SubqueryAlias(alias) => is_named_again(alias),
        _ => false,
    };
    any(plan, node, |expr| matches!(expr, Expr::OuterReferenceColumn(..)) || has_subquery(expr))
}

/// Whether a plan still has what DataFusion would refuse or answer otherwise.
pub(super) fn is_left_over(plan: &LogicalPlan) -> Result<bool> {
    let left_over = |expr: &Expr| {
        matches!(expr, Expr::OuterReferenceColumn(..) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_))
    };
    any(plan, |_| false, left_over)
}

/// Whether a plan names any column of any query around it.
pub(super) fn has_outer(plan: &LogicalPlan) -> Result<bool> {
    any(plan, |_| false, |expr| matches!(expr, Expr::OuterReferenceColumn(..)))
}

/// Whether a plan, its subqueries included, names one of these outer columns.
pub(super) fn names(plan: &LogicalPlan, columns: &[Column]) -> Result<bool> {
    any(plan, |_| false, |expr| matches!(expr, Expr::OuterReferenceColumn(_, column) if columns.contains(column)))
}

/// Whether an expression names one of these outer columns.
pub(super) fn expr_names(expr: &Expr, columns: &[Column]) -> Result<bool> {
    expr.exists(|part| Ok(matches!(part, Expr::OuterReferenceColumn(_, column) if columns.contains(column))))
}

/// The columns of an outer query that a plan names anywhere beneath, its subqueries included, each
/// once and in order.
pub(super) fn outer_columns(plan: &LogicalPlan, schema: &DFSchema) -> Result<Vec<Column>> {
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

/// An expression with these outer columns as plain columns: as it is read beside the outer rows.
pub(super) fn beside(expr: Expr, columns: &[Column]) -> Result<Expr> {
    let resolved = expr.transform(|part| {
        Ok(match part {
            Expr::OuterReferenceColumn(_, column) if columns.contains(&column) => {
                Transformed::yes(Expr::Column(column))
            }
            other => Transformed::no(other),
        })
    })?;
    Ok(resolved.data)
}

/// `left IS NOT DISTINCT FROM right`: equal, and NULL equal to NULL.
pub(super) fn same(left: Expr, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), Operator::IsNotDistinctFrom, Box::new(right)))
}

/// Whether a plan has the same rows when a statement runs it twice. Cached tables are read in one
/// version, the catalog is what it is, and literal rows are constants. Live and system tables move
/// on, LIMIT may cut elsewhere, and volatile functions give other values.
pub(super) fn reads_the_same_twice(plan: &LogicalPlan, rereads: Rereads) -> Result<bool> {
    let mut same = true;
    plan.apply_with_subqueries(|node| {
        same &= match node {
            LogicalPlan::TableScan(scan) => {
                let cached = source_as_provider(&scan.source).is_ok_and(|table| rereads(table.as_ref()));
                scan.fetch.is_none() && (cached || is_catalog(&scan.table_name) || is_function(&scan.table_name))
            }
            LogicalPlan::Limit(_) | LogicalPlan::Extension(_) | LogicalPlan::RecursiveQuery(_) => false,
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

/// Whether a plan reads the rows of the step before in WITH RECURSIVE, which are there once.
pub(super) fn reads_work_table(plan: &LogicalPlan) -> Result<bool> {
    let work = |node: &LogicalPlan| match node {
        LogicalPlan::TableScan(scan) => {
            source_as_provider(&scan.source).is_ok_and(|table| table.downcast_ref::<CteWorkTable>().is_some())
        }
        _ => false,
    };
    any(plan, work, |_| false)
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

/// Whether a plan has at most one row for each outer row.
pub(super) fn at_most_one(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => at_most_one(&projection.input),
        LogicalPlan::Filter(filter) => at_most_one(&filter.input),
        LogicalPlan::Sort(sort) => at_most_one(&sort.input),
        LogicalPlan::SubqueryAlias(named) => at_most_one(&named.input),
        LogicalPlan::Subquery(subquery) => at_most_one(&subquery.subquery),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(_) => true,
        LogicalPlan::Limit(limit) => at_most_one(&limit.input) || fetches(limit).is_some_and(|rows| rows <= 1),
        _ => false,
    }
}

/// Whether a plan has exactly one row for each outer row: an aggregate without groups, or constants.
pub(super) fn exactly_one(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => exactly_one(&projection.input),
        LogicalPlan::Sort(sort) => exactly_one(&sort.input),
        LogicalPlan::SubqueryAlias(named) => exactly_one(&named.input),
        LogicalPlan::Subquery(subquery) => exactly_one(&subquery.subquery),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(empty) => empty.produce_one_row,
        LogicalPlan::Limit(limit) => keeps_first(limit) && exactly_one(&limit.input),
        _ => false,
    }
}

/// The number of rows of a LIMIT that is written out.
fn fetches(limit: &Limit) -> Option<usize> {
    match limit.get_fetch_type() {
        Ok(FetchType::Literal(rows)) => rows,
        _ => None,
    }
}

/// Whether a LIMIT without OFFSET lets at least one row through.
pub(super) fn keeps_first(limit: &Limit) -> bool {
    let skips_none = matches!(limit.get_skip_type(), Ok(SkipType::Literal(0)));
    let takes_some = matches!(limit.get_fetch_type(), Ok(FetchType::Literal(rows)) if rows != Some(0));
    skips_none && takes_some
}

/// What decides whether a plan has rows: the plan without lists, orders, duplicates and names above
/// it. Groups are there where rows are.
pub(super) fn existence(plan: &LogicalPlan) -> &LogicalPlan {
    match plan {
        LogicalPlan::Projection(projection) => existence(&projection.input),
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => existence(&sort.input),
        LogicalPlan::SubqueryAlias(named) => existence(&named.input),
        LogicalPlan::Subquery(subquery) => existence(&subquery.subquery),
        LogicalPlan::Distinct(distinct) => existence(distinct.input()),
        LogicalPlan::Limit(limit) if keeps_first(limit) => existence(&limit.input),
        LogicalPlan::Aggregate(aggregate)
            if !aggregate.group_expr.is_empty()
                && !aggregate.group_expr.iter().any(|group| matches!(group, Expr::GroupingSet(_))) =>
        {
            existence(&aggregate.input)
        }
        other => other,
    }
}

/// What decides which values a plan has: the plan without orders and duplicates above it.
pub(super) fn values(plan: &LogicalPlan) -> &LogicalPlan {
    match plan {
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => values(&sort.input),
        LogicalPlan::Subquery(subquery) => values(&subquery.subquery),
        LogicalPlan::Distinct(Distinct::All(input)) => values(input),
        other => other,
    }
}

/// Whether a join is an EXCEPT ALL or an INTERSECT ALL: DataFusion plans nothing else as a semi or anti
/// join where NULL equals NULL, and without ALL the left side is distinct.
pub(super) fn keeps_duplicates(join: &Join) -> bool {
    matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti)
        && join.null_equality == NullEquality::NullEqualsNull
        && join.filter.is_none()
        && !matches!(join.left.as_ref(), LogicalPlan::Distinct(Distinct::All(_)))
}

/// An expression under the name of the one it replaces, so that the nodes above find it.
pub(super) fn named_as(expr: Expr, replaced: &Expr) -> Expr {
    let name = replaced.schema_name().to_string();
    if expr.schema_name().to_string() == name { expr } else { expr.alias(name) }
}
