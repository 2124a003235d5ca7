//! The last rule of DataFusion's analyzer turns every query that names columns of the rows around it, and
//! every EXISTS, IN, ANY and ALL over a query, into joins, with PostgreSQL's answer in whatever place
//! they stand.
//!
//! A subquery becomes rows and conditions that tie them to the outer rows ([`correlate`]), in one of
//! two ways:
//!
//! - [`pulled`]: conditions of its WHERE that name outer columns move into the join, and the inner
//!   columns they need are carried up to it;
//! - [`outer`]: the distinct values of the outer columns it names are put beneath it, and each operator
//!   computes for all of them at once (Neumann and Kemper, Unnesting Arbitrary Queries).
//!
//! [`site`] joins these rows to the input of the node in whose expressions the subquery stands, and
//! puts what they answer in its place; [`lateral`] does so for FROM, and [`filter`] turns conjuncts of
//! WHERE into semi and anti joins. What neither way takes is refused as not supported.
//!
//! DataFusion 55: `decorrelate_predicate_subquery` marks rows by a join without NULL, so that `x NOT
//! IN (...) OR ...` is true where it is unknown, reads aggregates and OFFSET below EXISTS and IN as if
//! they were not there, and looks at Filter nodes alone (apache/datafusion#23022, closed, but 55.2
//! still refuses them); `decorrelate_lateral_join` and `scalar_subquery_to_join` pull conditions up
//! through window functions, and know no outer column outside of WHERE (apache/datafusion#13659,
//! #10048). These four rules are taken out. Not needed once `subqueries.slt` and `correlated.slt` pass
//! with them and without this room.
//!
//! DataFusion 55: `check_subquery_expr`, at the end of the analyzer, refuses correlated subqueries
//! that do not aggregate and most places for the others; this rule stands before it. Not needed once
//! the same files pass.

mod aggregated;
mod context;
mod correlate;
mod examine;
mod filter;
mod keys;
mod lateral;
mod only;
mod operator;
mod outer;
mod pulled;
mod quantified;
mod set_operation;
mod site;
mod walk;

use context::Unnest;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{Result, not_impl_err};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::{AnalyzerRule, Optimizer, OptimizerRule};
use examine::Rereads;
use std::sync::Arc;

/// Rules of DataFusion's optimizer that turn subqueries into joins.
const REPLACED: [&str; 4] =
    ["rewrite_set_comparison", "decorrelate_predicate_subquery", "scalar_subquery_to_join", "decorrelate_lateral_join"];

/// Rules that mix keys of joins with and without NULL.
const KEPT_APART: [&str; 2] = ["extract_equijoin_predicate", "eliminate_cross_join"];

/// Rules that move fields of records down to files, of which ours have none.
///
/// DataFusion 55: `extract_leaf_expressions` and `push_down_leaf_projections` move a field through an alias whose columns
/// come from a function, and refuse the statement for a column that is ambiguous there. Not needed once `SELECT (r).a FROM
/// (SELECT named_struct('a', i) AS r FROM generate_series(1, 2) s(i)) t WHERE (r).a < 2` plans.
const OF_FIELDS: [&str; 2] = ["extract_leaf_expressions", "push_down_leaf_projections"];

/// DataFusion's optimizer rules without those that this room replaces, and without [`OF_FIELDS`].
pub(crate) fn optimizer_rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let rules = Optimizer::new()
        .rules
        .into_iter()
        .filter(|rule| !REPLACED.contains(&rule.name()) && !OF_FIELDS.contains(&rule.name()));
    let guarded = rules.map(|rule| match KEPT_APART.contains(&rule.name()) {
        true => Arc::new(keys::PlainKeys(rule)) as Arc<dyn OptimizerRule + Send + Sync>,
        false => rule,
    });
    guarded.collect()
}

/// Adds the rule to a session's analyzer. It comes last: types are settled then, and nothing looks at
/// subqueries after it.
pub(crate) fn install(state: &mut SessionState, rereads: Rereads) {
    state.add_analyzer_rule(Arc::new(Decorrelate(rereads)));
}

/// The analyzer rule `decorrelate`, with the engine's answer on tables that can be read twice.
#[derive(Debug)]
struct Decorrelate(Rereads);

impl AnalyzerRule for Decorrelate {
    fn name(&self) -> &str {
        "decorrelate"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        if !examine::has_work(&plan)? {
            return Ok(plan);
        }
        let plan = Unnest::begin(self.0).walk(plan)?;
        if examine::is_left_over(&plan)? {
            return not_impl_err!("this form of correlated subquery");
        }
        Ok(plan)
    }
}
