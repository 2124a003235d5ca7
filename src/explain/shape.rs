//! From DataFusion's physical plan to PostgreSQL's node types.

use super::cost;
use super::expression::{condition, expression, plain};
use super::node::{Actual, Detail, Estimate, Node};
use super::relation::{Relation, Relations};
use crate::market_sql::AsOfJoinExec;
use datafusion::common::{JoinType, Result};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_expr::{LexOrdering, PhysicalExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::recursive_query::RecursiveQueryExec;
use datafusion::physical_plan::scalar_subquery::ScalarSubqueryExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::union::{InterleaveExec, UnionExec};
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use std::sync::Arc;

type Plan = Arc<dyn ExecutionPlan>;

/// Rows of an input that says nothing of itself, as PostgreSQL assumes of a table that was never analyzed.
const UNKNOWN_ROWS: f64 = 1000.0;

/// The tree of a physical plan; with what its nodes did, when it has run.
///
/// # Errors
/// DataFusion cannot compute the plan's statistics.
pub(super) fn shape(plan: &Plan, relations: Relations, ran: bool) -> Result<Node> {
    let mut shaper = Shaper { relations, ran, statistics: StatisticsContext::new() };
    let mut root = shaper.node(plan)?;
    root.output = names(plan);
    Ok(root)
}

struct Shaper {
    relations: Relations,
    ran: bool,
    statistics: StatisticsContext,
}

impl Shaper {
    fn node(&mut self, plan: &Plan) -> Result<Node> {
        let mut node = self.shaped(plan)?;
        if node.output.is_empty() {
            node.output = names(plan);
        }
        if self.ran && node.actual.is_none() {
            node.actual = Some(actual(plan, &node));
        }
        // Any operator may stop after so many rows by itself; an aggregation then only makes no more than it needs.
        let fetch = plan.fetch().filter(|_| node.kind != "Limit" && plan.downcast_ref::<AggregateExec>().is_none());
        Ok(match fetch {
            Some(fetch) => limited(node, fetch),
            None => node,
        })
    }

    fn shaped(&mut self, plan: &Plan) -> Result<Node> {
        if let Some(filter) = plan.downcast_ref::<FilterExec>() {
            return self.filter(plan, filter);
        }
        if plan.downcast_ref::<ProjectionExec>().is_some() {
            return self.projection(plan);
        }
        if let Some(sort) = plan.downcast_ref::<SortExec>() {
            return self.sort(plan, sort);
        }
        if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
            return self.aggregate(plan, aggregate);
        }
        if let Some(limit) = plan.downcast_ref::<GlobalLimitExec>() {
            return self.limit(plan, limit.skip(), limit.fetch());
        }
        if let Some(limit) = plan.downcast_ref::<LocalLimitExec>() {
            return self.limit(plan, 0, Some(limit.fetch()));
        }
        if let Some(node) = self.join(plan)? {
            return Ok(node);
        }
        if plan.downcast_ref::<WindowAggExec>().is_some() || plan.downcast_ref::<BoundedWindowAggExec>().is_some() {
            let input = self.input(plan)?;
            let operators = plan.schema().fields().len().saturating_sub(input.output.len()).max(1);
            let estimate = cost::pipe(input.estimate, self.rows(plan, input.estimate.rows)?, width(plan), operators);
            return Ok(over(Node::new("WindowAgg", "WindowAgg"), estimate, input));
        }
        if plan.downcast_ref::<UnnestExec>().is_some() {
            let input = self.input(plan)?;
            let rows = self.rows(plan, input.estimate.rows * 10.0)?;
            let estimate = cost::pipe(input.estimate, rows, width(plan), 1);
            return Ok(over(Node::new("ProjectSet", "ProjectSet"), estimate, input));
        }
        // As TimescaleDB shows it.
        if plan.name() == "GapFillExec" {
            let input = self.input(plan)?;
            let estimate = cost::pipe(input.estimate, self.rows(plan, input.estimate.rows)?, width(plan), 1);
            return Ok(over(Node::new("Custom Scan", "Custom Scan (GapFill)"), estimate, input));
        }
        if plan.downcast_ref::<UnionExec>().is_some() || plan.downcast_ref::<InterleaveExec>().is_some() {
            return self.append(plan);
        }
        if plan.downcast_ref::<RecursiveQueryExec>().is_some() {
            let node = self.append(plan)?;
            return Ok(Node { kind: "Recursive Union", label: "Recursive Union".to_owned(), ..node });
        }
        if plan.downcast_ref::<ScalarSubqueryExec>().is_some() {
            return self.with_subqueries(plan);
        }
        if plan.downcast_ref::<EmptyExec>().is_some() {
            let node = Node::new("Result", "Result").with("One-Time Filter", Detail::Text("false".to_owned()));
            return Ok(node);
        }
        if plan.downcast_ref::<PlaceholderRowExec>().is_some() {
            return Ok(Node { estimate: cost::result(1.0, 0), ..Node::new("Result", "Result") });
        }
        match plan.children().as_slice() {
            [] => self.scan(plan),
            // Whatever else has one input moves its rows between threads, or is ours and does not change them.
            [only] => self.node(only),
            _ => self.append(plan),
        }
    }

    /// The only input of a node.
    fn input(&mut self, plan: &Plan) -> Result<Node> {
        match plan.children().first() {
            Some(input) => {
                let input = Arc::clone(input);
                self.node(&input)
            }
            None => Ok(Node::new("Result", "Result")),
        }
    }

    /// A plan whose subqueries of one value run once, before it.
    fn with_subqueries(&mut self, plan: &Plan) -> Result<Node> {
        let inputs: Vec<Plan> = plan.children().into_iter().map(Arc::clone).collect();
        let Some((input, subqueries)) = inputs.split_first() else { return Ok(Node::new("Result", "Result")) };
        let mut node = self.node(input)?;
        for (at, subquery) in subqueries.iter().enumerate() {
            let mut below = self.node(subquery)?;
            (below.relationship, below.subplan) = (Some("InitPlan"), Some(format!("InitPlan {}", at + 1)));
            node.estimate.startup += below.estimate.total;
            node.estimate.total += below.estimate.total;
            node.children.insert(at, below);
        }
        Ok(node)
    }

    /// Rows that a node gives, `known` where the statistics do not tell.
    fn rows(&self, plan: &Plan, known: f64) -> Result<f64> {
        let statistics = self.statistics.compute(plan.as_ref(), &StatisticsArgs::new())?;
        #[allow(clippy::cast_precision_loss)]
        let rows = statistics.num_rows.get_value().map(|rows| *rows as f64);
        Ok(rows.unwrap_or(known).max(1.0).round())
    }

    /// A condition is said of the node that it looks at, as in PostgreSQL.
    fn filter(&mut self, plan: &Plan, filter: &FilterExec) -> Result<Node> {
        let mut input = self.input(plan)?;
        let rows = self.rows(plan, (input.estimate.rows / 3.0).max(1.0))?.min(input.estimate.rows.max(1.0));
        input.estimate = cost::pipe(input.estimate, rows, width(plan), operators(filter.predicate().as_ref()));
        if self.ran {
            input.actual = Some(actual(plan, &input));
        }
        input.output = names(plan);
        let condition = Detail::Text(condition(filter.predicate().as_ref()));
        let taken = input.details.iter().any(|(name, _)| *name == "Filter");
        Ok(if taken {
            over(Node::new("Result", "Result"), input.estimate, input).with("Filter", condition)
        } else {
            input.with("Filter", condition)
        })
    }

    /// Columns are computed by the node below, as in PostgreSQL.
    fn projection(&mut self, plan: &Plan) -> Result<Node> {
        let mut input = self.input(plan)?;
        input.estimate.width = width(plan);
        if let [only] = plan.children().as_slice()
            && only.downcast_ref::<EmptyExec>().is_some()
        {
            input.estimate.width = 0;
        }
        input.output = names(plan);
        Ok(input)
    }

    fn sort(&mut self, plan: &Plan, sort: &SortExec) -> Result<Node> {
        let input = self.input(plan)?;
        let estimate = cost::sort(input.estimate, width(plan));
        let sorted = over(Node::new("Sort", "Sort"), estimate, input).with("Sort Key", Detail::List(keys(sort.expr())));
        Ok(sorted)
    }

    fn limit(&mut self, plan: &Plan, skip: usize, fetch: Option<usize>) -> Result<Node> {
        let input = self.input(plan)?;
        #[allow(clippy::cast_precision_loss)]
        let (skip, fetch) = (skip as f64, fetch.map(|fetch| fetch as f64));
        let left = (input.estimate.rows - skip).max(1.0);
        let estimate = cost::limit(input.estimate, skip, fetch.map_or(left, |fetch| fetch.min(left)));
        // A limit over a limit is the same limit, for several threads and for all of them.
        if input.kind == "Limit" && skip == 0.0 {
            return Ok(Node {
                estimate: Estimate { rows: estimate.rows.min(input.estimate.rows), ..input.estimate },
                ..input
            });
        }
        Ok(over(Node::new("Limit", "Limit"), estimate, input))
    }

    fn aggregate(&mut self, plan: &Plan, aggregate: &AggregateExec) -> Result<Node> {
        let mut below = aggregate.input().clone();
        if matches!(aggregate.mode(), AggregateMode::Final | AggregateMode::FinalPartitioned)
            && let Some(partial) = partial(&below)
        {
            below = partial;
        }
        let input = self.node(&below)?;
        let groups: Vec<String> = aggregate.group_expr().expr().iter().map(|(_, name)| plain(name)).collect();
        let operators = groups.len() + aggregate.aggr_expr().len();
        if groups.is_empty() {
            let estimate = cost::blocking(input.estimate, 1.0, width(plan), operators);
            return Ok(over(Node::new("Aggregate", "Aggregate").identified("Strategy", "Plain"), estimate, input));
        }
        let rows = self.rows(plan, (input.estimate.rows / 10.0).max(1.0))?.min(input.estimate.rows.max(1.0));
        let estimate = cost::blocking(input.estimate, rows, width(plan), operators);
        let node = Node::new("Aggregate", "HashAggregate").identified("Strategy", "Hashed");
        Ok(over(node, estimate, input).with("Group Key", Detail::List(groups)))
    }

    fn append(&mut self, plan: &Plan) -> Result<Node> {
        let inputs: Vec<Plan> = plan.children().into_iter().map(Arc::clone).collect();
        let mut children = Vec::with_capacity(inputs.len());
        for input in inputs {
            children.push(Node { relationship: Some("Member"), ..self.node(&input)? });
        }
        let estimates: Vec<Estimate> = children.iter().map(|child| child.estimate).collect();
        let rows = estimates.iter().map(|estimate| estimate.rows).sum();
        let estimate = cost::append(&estimates, rows, width(plan));
        Ok(Node { estimate, children, ..Node::new("Append", "Append") })
    }

    fn join(&mut self, plan: &Plan) -> Result<Option<Node>> {
        if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
            // DataFusion keeps its left input in the hash table, PostgreSQL its inner one.
            let (outer, inner) = (self.node(join.right())?, self.node(join.left())?);
            let keys = conditions(join.on().iter().map(|(left, right)| (right.as_ref(), left.as_ref())));
            let rows = self.rows(plan, outer.estimate.rows)?;
            let mut hash_estimate = inner.estimate;
            hash_estimate.startup = hash_estimate.total;
            let mut hash = over(Node::new("Hash", "Hash"), hash_estimate, inner);
            hash.output = hash.children.first().map(|inner| inner.output.clone()).unwrap_or_default();
            hash.actual = hash.children.first().and_then(|inner| inner.actual);
            let estimate = cost::hash_join(outer.estimate, hash.estimate, rows, width(plan), join.on().len());
            let kind = join_name(join.join_type().swap());
            let node = joined(("Hash Join", "Hash"), kind, estimate, (outer, hash));
            let node = node.with("Inner Unique", Detail::Flag(false)).with("Hash Cond", Detail::Text(keys));
            return Ok(Some(filtered(node, join.filter())));
        }
        if let Some(join) = plan.downcast_ref::<SortMergeJoinExec>() {
            let (outer, inner) = (self.node(join.left())?, self.node(join.right())?);
            let keys = conditions(join.on().iter().map(|(left, right)| (left.as_ref(), right.as_ref())));
            let rows = self.rows(plan, outer.estimate.rows)?;
            let estimate = cost::merge_join(outer.estimate, inner.estimate, rows, width(plan), join.on().len());
            let node = joined(("Merge Join", "Merge"), join_name(join.join_type()), estimate, (outer, inner));
            return Ok(Some(filtered(node.with("Merge Cond", Detail::Text(keys)), join.filter().as_ref())));
        }
        if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
            let (outer, inner) = (self.node(join.left())?, self.node(join.right())?);
            let rows = self.rows(plan, (outer.estimate.rows * inner.estimate.rows / 3.0).max(1.0))?;
            let estimate = cost::nested_loop(outer.estimate, inner.estimate, rows, width(plan));
            let node = joined(("Nested Loop", "Nested Loop"), join_name(*join.join_type()), estimate, (outer, inner));
            return Ok(Some(filtered(node, join.filter())));
        }
        if let Some(join) = plan.downcast_ref::<AsOfJoinExec>() {
            let [left, right] = plan.children()[..] else { return Ok(None) };
            let (outer, inner) = (self.node(left)?, self.node(right)?);
            let rows = self.rows(plan, outer.estimate.rows)?;
            let compared = |(one, op, other)| format!("({} {op} {})", expression(one), expression(other));
            let comparisons: Vec<String> = join.comparisons().map(compared).collect();
            let estimate = cost::merge_join(outer.estimate, inner.estimate, rows, width(plan), comparisons.len());
            let kind = if join.keeps_left() { "Left" } else { "Inner" };
            let node = joined(("Merge Join", "Merge As Of"), kind, estimate, (outer, inner));
            return Ok(Some(node.with("Merge Cond", Detail::Text(format!("({})", comparisons.join(" AND "))))));
        }
        let Some(join) = plan.downcast_ref::<CrossJoinExec>() else { return Ok(None) };
        let (outer, inner) = (self.node(join.left())?, self.node(join.right())?);
        let rows = self.rows(plan, outer.estimate.rows * inner.estimate.rows)?;
        let estimate = cost::nested_loop(outer.estimate, inner.estimate, rows, width(plan));
        Ok(Some(joined(("Nested Loop", "Nested Loop"), "Inner", estimate, (outer, inner))))
    }

    /// A scan of files also skips pages by conditions; those are told where they are applied to every row.
    fn scan(&mut self, plan: &Plan) -> Result<Node> {
        let rows = self.rows(plan, UNKNOWN_ROWS)?;
        let node = match self.relations.take(plan.as_ref()) {
            Some(relation) => relation_scan(relation),
            None if plan.downcast_ref::<DataSourceExec>().is_some() => Node::new("Values Scan", "Values Scan"),
            None => Node::new("Custom Scan", "Custom Scan"),
        };
        Ok(Node { estimate: cost::scan(rows, rows, width(plan)), ..node })
    }
}

/// The first rows of a node that stops by itself.
fn limited(node: Node, fetch: usize) -> Node {
    #[allow(clippy::cast_precision_loss)]
    let estimate = cost::limit(node.estimate, 0.0, (fetch as f64).min(node.estimate.rows));
    let actual = node.actual.map(|actual| Actual { rows: actual.rows.min(fetch), ..actual });
    let output = node.output.clone();
    Node { actual, output, ..over(Node::new("Limit", "Limit"), estimate, node) }
}

fn relation_scan(relation: Relation) -> Node {
    let Relation { schema, name, alias, .. } = relation;
    let Some(function) = name.strip_suffix("()") else {
        let node = Node { schema, ..Node::new("Seq Scan", "Seq Scan") };
        return node.identified("Relation Name", name).identified("Alias", alias);
    };
    let alias = alias.strip_suffix("()").unwrap_or(&alias);
    Node::new("Function Scan", "Function Scan").identified("Function Name", function).identified("Alias", alias)
}

/// A node over its only input.
fn over(node: Node, estimate: Estimate, input: Node) -> Node {
    let children = vec![Node { relationship: Some("Outer"), ..input }];
    Node { estimate, children, ..node }
}

/// A join; `names` are its type and the word before the kind of join in its text.
fn joined(names: (&'static str, &str), kind: &str, estimate: Estimate, (outer, inner): (Node, Node)) -> Node {
    let label = match (names, kind) {
        ((node, _), "Inner") => node.to_owned(),
        ((_, word), kind) => format!("{word} {kind} Join"),
    };
    let children = vec![Node { relationship: Some("Outer"), ..outer }, Node { relationship: Some("Inner"), ..inner }];
    Node { estimate, children, ..Node::new(names.0, label).identified("Join Type", kind) }
}

/// A join with what it asks of pairs beyond their keys.
fn filtered(node: Node, filter: Option<&JoinFilter>) -> Node {
    match filter {
        Some(filter) => node.with("Join Filter", Detail::Text(condition(filter.expression().as_ref()))),
        None => node,
    }
}

fn join_name(join: JoinType) -> &'static str {
    match join {
        JoinType::Inner => "Inner",
        JoinType::Left => "Left",
        JoinType::Right => "Right",
        JoinType::Full => "Full",
        JoinType::LeftSemi | JoinType::LeftMark => "Semi",
        JoinType::RightSemi | JoinType::RightMark => "Right Semi",
        JoinType::LeftAnti => "Anti",
        JoinType::RightAnti => "Right Anti",
    }
}

/// Equal keys, as one condition.
fn conditions<'a>(keys: impl Iterator<Item = (&'a dyn PhysicalExpr, &'a dyn PhysicalExpr)>) -> String {
    let equal = |(one, other)| format!("({} = {})", expression(one), expression(other));
    let keys: Vec<String> = keys.map(equal).collect();
    match keys.as_slice() {
        [only] => only.clone(),
        keys => format!("({})", keys.join(" AND ")),
    }
}

/// Keys of a sort; NULLs stand where PostgreSQL puts them unless it says otherwise.
fn keys(order: &LexOrdering) -> Vec<String> {
    let key = |key: &datafusion::physical_expr::PhysicalSortExpr| {
        let name = expression(key.expr.as_ref());
        let nulls = match (key.options.descending, key.options.nulls_first) {
            (false, true) => " NULLS FIRST",
            (true, false) => " NULLS LAST",
            _ => "",
        };
        format!("{name}{}{nulls}", if key.options.descending { " DESC" } else { "" })
    };
    order.iter().map(key).collect()
}

/// The input of the partial aggregation that a final one gathers, under operators that move batches.
fn partial(plan: &Plan) -> Option<Plan> {
    if let Some(aggregate) = plan.downcast_ref::<AggregateExec>() {
        let partial = matches!(aggregate.mode(), AggregateMode::Partial | AggregateMode::PartialReduce);
        return partial.then(|| aggregate.input().clone());
    }
    match plan.children().as_slice() {
        [only] => partial(only),
        _ => None,
    }
}

/// Operators of a condition: its parts that are neither columns nor constants.
fn operators(expr: &dyn PhysicalExpr) -> usize {
    let children = expr.children();
    let own = usize::from(!children.is_empty());
    own + children.iter().map(|child| operators(child.as_ref())).sum::<usize>()
}

fn names(plan: &Plan) -> Vec<String> {
    let visible = |name: &str| plain(crate::dialect::rewrite::visible(name));
    plan.schema().fields().iter().map(|field| visible(field.name())).collect()
}

fn width(plan: &Plan) -> usize {
    cost::width(&plan.schema())
}

/// What an operator did. Its time is that of its processors, with its children's.
fn actual(plan: &Plan, node: &Node) -> Actual {
    let metrics = plan.metrics();
    let below: f64 = node.children.iter().filter_map(|child| child.actual).map(|actual| actual.total).sum();
    #[allow(clippy::cast_precision_loss)]
    let own = metrics.as_ref().and_then(|metrics| metrics.elapsed_compute()).unwrap_or(0) as f64 / 1e6;
    let rows = metrics.as_ref().and_then(|metrics| metrics.output_rows());
    let input = node.children.iter().find(|child| child.relationship != Some("InitPlan"));
    let input = input.and_then(|child| child.actual);
    let rows = rows.or_else(|| input.map(|actual| actual.rows));
    let total = below + own;
    let blocking = matches!(node.kind, "Sort" | "Aggregate" | "Hash");
    let startup = match input {
        Some(_) if blocking => total,
        Some(child) => child.startup,
        None => 0.0,
    };
    Actual { startup, total, rows: rows.unwrap_or_default() }
}
