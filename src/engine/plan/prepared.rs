//! The prepared plan of a statement: what is kept from one execution to the next.
//!
//! The optimised plan is kept, with its parameters still open. It names tables, not their versions: each execution
//! binds the values and plans its running anew, and it is there that a table settles its freshness and that the version
//! to read is chosen. So a new version, a stale table, a transaction's snapshot and `as_of` are seen by every execution
//! as if the statement were new. What the optimiser does depend on is the session's state, with its time zone: another
//! state is another plan.

use super::constant_row::ConstantRow;
use super::key_lookup::KeyLookup;
use super::range_lookup::RangeLookup;
use super::state::StatementState;
use crate::dialect::moment::follows_zone_alone;
use crate::dialect::parse::depth::Depth;
use crate::explain::ExplainOptions;
use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use datafusion::optimizer::push_down_filter::PushDownFilter;
use datafusion::optimizer::simplify_expressions::SimplifyExpressions;
use datafusion::optimizer::{Optimizer, OptimizerRule};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// What values may still make simpler: filters that a table answers itself, and expressions of constants alone.
static AFTER_BINDING: LazyLock<Optimizer> = LazyLock::new(|| {
    let rules: Vec<Arc<dyn OptimizerRule + Send + Sync>> =
        vec![Arc::new(SimplifyExpressions::new()), Arc::new(PushDownFilter::new())];
    Optimizer::with_rules(rules)
});

/// A plan as it was written, and as it was last optimised.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) logical: LogicalPlan,
    pub(crate) depth: Depth,
    /// The lookup that answers the statement without a physical plan, if it is one.
    pub(crate) lookup: Option<KeyLookup>,
    /// The row that answers the statement without any plan, if it is one of constants alone.
    pub(crate) constants: Option<ConstantRow>,
    /// What EXPLAIN asks of the plan, when it is told of and not answered.
    pub(crate) explain: Option<ExplainOptions>,
    /// Types of the parameters as the plan itself has them; `None` when it may not be kept.
    keepable: Option<Vec<DataType>>,
    /// Held for a few instructions, never across an await.
    kept: Mutex<Option<Kept>>,
}

/// An optimised plan, and the state under which it is one.
#[derive(Debug, Clone)]
struct Kept {
    session: Arc<SessionState>,
    plan: Arc<LogicalPlan>,
    /// The lookup that it is, if it is one.
    lookup: Option<Arc<RangeLookup>>,
}

impl Prepared {
    /// A plan that has not run yet; `types` are those of its parameters, as far as the plan knows them.
    pub(crate) fn new(logical: LogicalPlan, depth: Depth, types: &[Option<DataType>]) -> Self {
        let (lookup, constants) = (KeyLookup::of(&logical), ConstantRow::of(&logical));
        let types = types.iter().cloned().collect::<Option<Vec<_>>>();
        let keepable = types.filter(|_| is_lasting(&logical));
        Self { logical, depth, lookup, constants, explain: None, keepable, kept: Mutex::default() }
    }

    /// The same plan, to be told of.
    pub(crate) fn explained(&self, options: ExplainOptions) -> Self {
        Self {
            logical: self.logical.clone(),
            depth: self.depth,
            lookup: None,
            constants: None,
            explain: Some(options),
            keepable: None,
            kept: Mutex::default(),
        }
    }

    /// The optimised plan with these values.
    pub(crate) fn optimised(&self, state: &StatementState, values: Vec<ScalarValue>) -> Result<LogicalPlan> {
        let fits = |types: &Vec<DataType>| values.iter().map(ScalarValue::data_type).eq(types.iter().cloned());
        // A plan that cannot be optimised before its values are known is optimised after.
        let kept = if self.keepable.as_ref().is_some_and(fits) { self.kept(state).ok() } else { None };
        let Some(plan) = kept else { return state.optimise(bound(self.logical.clone(), values)?) };
        let plan = LogicalPlan::clone(&plan);
        if values.is_empty() {
            return Ok(plan);
        }
        AFTER_BINDING.optimize(bound(plan, values)?, state, |_, _| {})
    }

    /// The optimised plan, as it was kept or made now.
    fn kept(&self, state: &StatementState) -> Result<Arc<LogicalPlan>> {
        let slot = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = slot().clone();
        if let Some(kept) = known.filter(|kept| Arc::ptr_eq(&kept.session, state.session())) {
            return Ok(kept.plan);
        }
        let plan = Arc::new(state.optimise(self.logical.clone())?);
        let lookup = RangeLookup::of(&plan).map(Arc::new);
        *slot() = Some(Kept { session: state.session().clone(), plan: plan.clone(), lookup });
        Ok(plan)
    }

    /// The lookup in a cached table that the statement turned out to be when it was optimised under this state.
    pub(crate) fn range_lookup(&self, session: &Arc<SessionState>) -> Option<Arc<RangeLookup>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|kept| Arc::ptr_eq(&kept.session, session))?.lookup.clone()
    }

    /// Whether the statement may turn out to be a lookup: it reads one table and neither groups nor joins.
    pub(crate) fn may_look_up(&self) -> bool {
        let mut plain = self.keepable.is_some();
        let walked = self.logical.apply(|node| {
            plain &= matches!(
                node,
                LogicalPlan::Limit(_)
                    | LogicalPlan::Sort(_)
                    | LogicalPlan::Projection(_)
                    | LogicalPlan::Filter(_)
                    | LogicalPlan::SubqueryAlias(_)
                    | LogicalPlan::TableScan(_)
            );
            Ok(if plain { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
        });
        plain && walked.is_ok()
    }
}

fn bound(plan: LogicalPlan, values: Vec<ScalarValue>) -> Result<LogicalPlan> {
    if values.is_empty() { Ok(plan) } else { plan.with_param_values(ParamValues::from(values)) }
}

/// Whether optimising the plan now and later comes to the same. The optimiser calls stable functions such as `now()`
/// and puts what they say in their place; it makes a limit part of what it limits only when it knows its number; and
/// EXPLAIN tells of the optimiser itself.
fn is_lasting(plan: &LogicalPlan) -> bool {
    let mut lasting = true;
    let walked = plan.apply_with_subqueries(|node| {
        let open_limit = |limit: &datafusion::logical_expr::Limit| {
            [&limit.skip, &limit.fetch].into_iter().flatten().any(|expr| !matches!(expr.as_ref(), Expr::Literal(..)))
        };
        let other = match node {
            LogicalPlan::Limit(limit) => open_limit(limit),
            LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) | LogicalPlan::Extension(_) => true,
            LogicalPlan::Statement(_) | LogicalPlan::Ddl(_) | LogicalPlan::Dml(_) | LogicalPlan::Copy(_) => true,
            _ => false,
        };
        let mut stable = false;
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                stable |= match part {
                    Expr::ScalarFunction(call) => {
                        call.func.signature().volatility == Volatility::Stable && !follows_zone_alone(&call.func)
                    }
                    Expr::ScalarVariable(..) => true,
                    _ => false,
                };
                Ok(TreeNodeRecursion::Continue)
            })
        })?;
        lasting &= !other && !stable;
        Ok(if lasting { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    lasting && walked.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::plan::state::Moments;
    use crate::table::context::QueryContext;
    use chrono::DateTime;
    use datafusion::prelude::SessionContext;

    async fn prepared(session: &SessionState, sql: &str) -> Prepared {
        let plan = session.create_logical_plan(sql).await.unwrap();
        let types = plan.get_parameter_types().unwrap().into_values().collect::<Vec<_>>();
        Prepared::new(plan, Depth::of(sql), &types)
    }

    #[tokio::test]
    async fn a_plan_is_optimised_once_for_each_state() {
        let session = Arc::new(SessionContext::new().state());
        let prepared = prepared(&session, "SELECT x + 1 FROM (VALUES (1), (2)) AS t (x) WHERE x > $1").await;
        let moments = Moments { transaction: DateTime::UNIX_EPOCH, statement: None };
        let begin =
            |session: &Arc<SessionState>| StatementState::begin(session.clone(), QueryContext::default(), &moments);
        let first = prepared.kept(&begin(&session)).unwrap();
        assert!(Arc::ptr_eq(&first, &prepared.kept(&begin(&session)).unwrap()));
        let other = Arc::new(SessionState::clone(&session));
        assert!(!Arc::ptr_eq(&first, &prepared.kept(&begin(&other)).unwrap()));
        // Values of another type than the plan was made for are not bound into it.
        for value in [ScalarValue::from(1_i64), ScalarValue::from("1")] {
            let plan = prepared.optimised(&begin(&session), vec![value]).unwrap();
            assert!(plan.get_parameter_types().unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn what_depends_on_the_moment_is_not_kept() {
        let session = Arc::new(SessionContext::new().state());
        for (sql, lasting) in [
            ("SELECT 1 + 1", true),
            ("SELECT random()", true),
            ("SELECT * FROM (VALUES (1)) AS t (x) ORDER BY x LIMIT 1", true),
            ("SELECT now()", false),
            ("SELECT x FROM (VALUES (1)) AS t (x) WHERE (SELECT now()) IS NOT NULL", false),
            ("SELECT * FROM (VALUES (current_date)) AS t (x)", false),
            ("SELECT * FROM (VALUES (1)) AS t (x) LIMIT $1", false),
            ("EXPLAIN SELECT 1", false),
        ] {
            assert_eq!(prepared(&session, sql).await.keepable.is_some(), lasting, "{sql}");
        }
    }
}
