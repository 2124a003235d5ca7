//! The last check of a physical plan: that each operator's input is in the order, and in the partitions, that it needs, and
//! that nothing waits for the end of a stream that has none.
//!
//! DataFusion 55: `SanityCheckPlan` takes an order for one that does not hold where one of its expressions computes the range
//! of a function's value, such as `abs(sqrt(x))`, `-(x - 3)` and `sqrt(x) > 3`: the range of a function is unknown and of
//! type Null, which is an error, and what is known of the expression is lost. Here an order also holds that the input names
//! word for word. Not needed once `SELECT 1 FROM eod ORDER BY abs(close - 3)` plans without this rule.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, plan_err};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::session_state::SessionState;
use datafusion::physical_expr::LexRequirement;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::sanity_checker::check_finiteness_requirements;
use datafusion::physical_plan::{ChildSatisfactionOptions, ExecutionPlan, ExecutionPlanProperties};
use std::sync::Arc;

/// Puts the check in the place of DataFusion's.
pub(super) fn install(state: SessionState) -> SessionState {
    let rules = state.physical_optimizers().iter().cloned();
    let rules = rules.map(|rule| if rule.name() == NAME { Arc::new(OrderCheck) } else { rule });
    let rules: Vec<_> = rules.collect();
    SessionStateBuilder::new_from_existing(state).with_physical_optimizer_rules(rules).build()
}

/// The name of DataFusion's check, and of this one.
const NAME: &str = "SanityCheckPlan";

/// The check, which changes nothing.
#[derive(Debug)]
struct OrderCheck;

impl PhysicalOptimizerRule for OrderCheck {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.apply(|node| {
            check_finiteness_requirements(node.as_ref(), &config.optimizer)?;
            check_inputs(node.as_ref())?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(plan)
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Checks the order and the partitions of the inputs of one operator.
fn check_inputs(plan: &dyn ExecutionPlan) -> Result<()> {
    let distributions = plan.input_distribution_requirements();
    for (place, (input, order)) in plan.children().into_iter().zip(plan.required_input_ordering()).enumerate() {
        if let Some(order) = order.map(|order| order.into_single())
            && !input.equivalence_properties().ordering_satisfy_requirement(order.clone())?
            && !is_named(input.as_ref(), &order)
        {
            return plan_err!("the input {place} of {} is not in the order that it needs", plan.name());
        }
        let options = ChildSatisfactionOptions::new().with_allow_subset(true);
        if !distributions.child_satisfaction(place, input.as_ref(), options)?.is_satisfied() {
            return plan_err!("the input {place} of {} is not in the partitions that it needs", plan.name());
        }
    }
    Ok(())
}

/// Whether one of the orders that an input says it has begins with an order that is needed. What has one value in all rows
/// needs no place in it.
fn is_named(input: &dyn ExecutionPlan, needed: &LexRequirement) -> bool {
    let properties = input.equivalence_properties();
    properties.oeq_class().iter().any(|order| {
        let mut order = order.iter().peekable();
        needed.iter().all(|needed| {
            let same = order.next_if(|found| {
                found.expr.eq(&needed.expr) && needed.options.is_none_or(|options| options == found.options)
            });
            same.is_some() || properties.is_expr_constant(&needed.expr).is_some()
        })
    })
}
