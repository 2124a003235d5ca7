//! The prepared plan of a statement: what is kept from one execution to the next.
//!
//! The optimised plan is kept, with its parameters still open. It names tables, not their versions: each execution
//! binds the values and plans its running anew, and it is there that a table settles its freshness and that the version
//! to read is chosen. So a new version, a stale table, a transaction's snapshot and `as_of` are seen by every execution
//! as if the statement were new. `now()` is one more parameter of it. What the optimiser does depend on is the session's
//! state, with its time zone: another state is another plan.

use super::clock_parameter::{self, Opened};
use super::constant_row::ConstantRow;
use super::key_lookup::KeyLookup;
use super::small_plan::SmallPlan;
use super::state::StatementState;
use crate::dialect::guard::guarded;
use crate::dialect::moment::follows_zone_alone;
use crate::dialect::parse::depth::Depth;
use crate::engine::run::constants;
use crate::explain::ExplainOptions;
use arrow::datatypes::DataType;
use chrono::{DateTime, Utc};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use datafusion::optimizer::push_down_filter::PushDownFilter;
use datafusion::optimizer::simplify_expressions::SimplifyExpressions;
use datafusion::optimizer::{Optimizer, OptimizerConfig, OptimizerRule};
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
    /// What is kept of it, once it is optimised; `None` when it may not be kept.
    keepable: Option<Keepable>,
    /// Held for a few instructions, never across an await.
    kept: Mutex<Option<Kept>>,
}

/// A plan that optimising now and later comes to the same for.
#[derive(Debug)]
struct Keepable {
    /// Types of the client's parameters, as the plan itself has them.
    types: Vec<DataType>,
    /// The plan with a further parameter for `now()`; `None` where it does not read the clock.
    clock: Option<Opened>,
}

/// An optimised plan, and the state under which it is one.
#[derive(Debug, Clone)]
struct Kept {
    session: Arc<SessionState>,
    plan: Arc<LogicalPlan>,
    /// What it is where it is about a few rows that are found by their keys.
    small: Option<Arc<SmallPlan>>,
}

impl Prepared {
    /// A plan that has not run yet; `types` are those of its parameters, as far as the plan knows them.
    pub(crate) fn new(logical: LogicalPlan, depth: Depth, types: &[Option<DataType>]) -> Self {
        let (lookup, constants) = (KeyLookup::of(&logical), ConstantRow::of(&logical));
        let types = types.iter().cloned().collect::<Option<Vec<_>>>();
        let keepable = types.and_then(|types| Keepable::of(&logical, types));
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
        // A plan that cannot be optimised before its values are known is optimised after.
        let kept = self.keepable.as_ref().and_then(|keepable| {
            let values = keepable.values(&values, state.query_execution_start_time()?)?;
            Some((self.kept(keepable, state).ok()?, values))
        });
        let Some((plan, values)) = kept else { return state.optimise(bound(self.logical.clone(), values)?) };
        let plan = LogicalPlan::clone(&plan);
        if values.is_empty() {
            return Ok(plan);
        }
        AFTER_BINDING.optimize(bound(plan, values)?, state, |_, _| {})
    }

    /// The optimised plan, as it was kept or made now.
    fn kept(&self, keepable: &Keepable, state: &StatementState) -> Result<Arc<LogicalPlan>> {
        let slot = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = slot().clone();
        if let Some(kept) = known.filter(|kept| Arc::ptr_eq(&kept.session, state.session())) {
            return Ok(kept.plan);
        }
        let written = keepable.clock.as_ref().map_or(&self.logical, |opened| &opened.plan);
        let plan = Arc::new(state.optimise(written.clone())?);
        // What the optimiser has folded is not in the text by which a kept plan is counted.
        if constants::large_bytes(&plan) > 0 {
            return Ok(plan);
        }
        let small = match self.depth {
            Depth::Shallow => SmallPlan::of(&guarded(LogicalPlan::clone(&plan))?, state.session()).map(Arc::new),
            Depth::Deep => None,
        };
        *slot() = Some(Kept { session: state.session().clone(), plan: plan.clone(), small });
        Ok(plan)
    }

    /// The steps over a few rows that the statement turned out to be when it was optimised under this state, and their
    /// values for an execution of a transaction that began at this moment.
    pub(crate) fn small_plan(
        &self,
        session: &Arc<SessionState>,
        values: &[ScalarValue],
        began: DateTime<Utc>,
    ) -> Option<(Arc<SmallPlan>, Vec<ScalarValue>)> {
        let small = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.as_ref().filter(|kept| Arc::ptr_eq(&kept.session, session))?.small.clone()?
        };
        Some((small, self.keepable.as_ref()?.values(values, began)?))
    }

    /// Whether the statement may turn out to be about a few rows: it does not group.
    pub(crate) fn may_look_up(&self) -> bool {
        let mut plain = self.keepable.is_some();
        let walked = self.logical.apply(|node| {
            plain &= matches!(
                node,
                LogicalPlan::Limit(_)
                    | LogicalPlan::Sort(_)
                    | LogicalPlan::Projection(_)
                    | LogicalPlan::Filter(_)
                    | LogicalPlan::Join(_)
                    | LogicalPlan::SubqueryAlias(_)
                    | LogicalPlan::TableScan(_)
            );
            Ok(if plain { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
        });
        plain && walked.is_ok()
    }
}

impl Keepable {
    fn of(logical: &LogicalPlan, types: Vec<DataType>) -> Option<Self> {
        // What cannot be opened is not kept.
        let clock = clock_parameter::opened(logical, types.len()).ok()?;
        let written = clock.as_ref().map_or(logical, |opened| &opened.plan);
        is_lasting(written).then_some(())?;
        Some(Self { types, clock })
    }

    /// The values of all parameters; `None` when the client's are of other types.
    fn values(&self, given: &[ScalarValue], began: DateTime<Utc>) -> Option<Vec<ScalarValue>> {
        let fits = given.iter().map(ScalarValue::data_type).eq(self.types.iter().cloned());
        let mut values = fits.then(|| given.to_vec())?;
        if let Some(opened) = &self.clock {
            values.push(opened.value(began)?);
        }
        Some(values)
    }
}

fn bound(plan: LogicalPlan, values: Vec<ScalarValue>) -> Result<LogicalPlan> {
    if values.is_empty() { Ok(plan) } else { plan.with_param_values(ParamValues::from(values)) }
}

/// Whether optimising the plan now and later comes to the same. The optimiser calls stable functions such as
/// `statement_timestamp()` and puts what they say in their place; it makes a limit part of what it limits only when it
/// knows its number; and EXPLAIN tells of the optimiser itself.
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
        let kept = |session| prepared.kept(prepared.keepable.as_ref().unwrap(), &begin(session)).unwrap();
        let first = kept(&session);
        assert!(Arc::ptr_eq(&first, &kept(&session)));
        let other = Arc::new(SessionState::clone(&session));
        assert!(!Arc::ptr_eq(&first, &kept(&other)));
        // Values of another type than the plan was made for are not bound into it.
        for value in [ScalarValue::from(1_i64), ScalarValue::from("1")] {
            let plan = prepared.optimised(&begin(&session), vec![value]).unwrap();
            assert!(plan.get_parameter_types().unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn the_clock_is_read_at_each_execution() {
        let session = Arc::new(SessionContext::new().state());
        for (sql, shown) in [
            ("SELECT now() AS n, x FROM (VALUES (1)) AS t (x)", ["1970-01-01T00:00:00", "1970-01-01T00:00:05"]),
            ("SELECT now() FROM (VALUES (1)) AS t (x)", ["1970-01-01T00:00:00", "1970-01-01T00:00:05"]),
            ("SELECT x FROM (VALUES (1)) AS t (x) WHERE now() > '1970-01-01T00:00:03'", ["", "1"]),
            (
                "SELECT x FROM (VALUES (1)) AS t (x) WHERE x IN (SELECT 1 WHERE now() > '1970-01-01T00:00:03')",
                ["", "1"],
            ),
            (
                "SELECT count(*), max(now()) FROM (VALUES (1), (2)) AS t (x) GROUP BY now()",
                ["1970-01-01T00:00:00", "1970-01-01T00:00:05"],
            ),
        ] {
            let prepared = prepared(&session, sql).await;
            assert!(prepared.keepable.as_ref().is_some_and(|keepable| keepable.clock.is_some()), "{sql}");
            for (second, shown) in [0, 5].into_iter().zip(shown) {
                let transaction = DateTime::from_timestamp(second, 0).unwrap();
                let moments = Moments { transaction, statement: None };
                let state = StatementState::begin(session.clone(), QueryContext::default(), &moments);
                let plan = prepared.optimised(&state, Vec::new()).unwrap();
                assert_eq!(plan.schema().field_names(), prepared.logical.schema().field_names(), "{sql}");
                let physical = state.physical(&plan).await.unwrap();
                let rows = datafusion::physical_plan::collect(physical, Arc::new(state.running())).await.unwrap();
                let text = arrow::util::pretty::pretty_format_batches(&rows).unwrap().to_string();
                let found = text.lines().skip(3).any(|line| line.contains(shown) && line.starts_with('|'));
                assert!(if shown.is_empty() { text.lines().count() <= 4 } else { found }, "{sql} at {second}:\n{text}");
            }
        }
    }

    #[tokio::test]
    async fn what_depends_on_the_moment_is_not_kept() {
        let session = Arc::new(SessionContext::new().state());
        for (sql, lasting) in [
            ("SELECT 1 + 1", true),
            ("SELECT random()", true),
            ("SELECT * FROM (VALUES (1)) AS t (x) ORDER BY x LIMIT 1", true),
            ("SELECT now()", true),
            ("SELECT x FROM (VALUES (1)) AS t (x) WHERE (SELECT now()) IS NOT NULL", true),
            ("SELECT * FROM (VALUES (current_date)) AS t (x)", false),
            ("SELECT * FROM (VALUES (1)) AS t (x) LIMIT $1", false),
            ("EXPLAIN SELECT 1", false),
        ] {
            assert_eq!(prepared(&session, sql).await.keepable.is_some(), lasting, "{sql}");
        }
    }
}
