//! A node whose expressions or inputs change: the names that other nodes know its columns by, and its schema after it.

use datafusion::common::Result;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::expr::GroupingSet;
use datafusion::logical_expr::logical_plan::Union;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::utils::NamePreserver;

/// A node with the schema that its expressions and inputs give.
///
/// DataFusion 55: `recompute_schema` leaves a UNION the schema it has as long as the number of columns is the same, so
/// that a column which may be NULL now is still told never to be. Not needed once it looks at the inputs.
pub(crate) fn recomputed(plan: LogicalPlan) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Union(Union { inputs, .. }) => Union::try_new_with_loose_types(inputs).map(LogicalPlan::Union),
        other => other.recompute_schema(),
    }
}

/// Changes the expressions of a node, which keep the names that other nodes know them by. Of grouping sets each key has
/// a name of its own.
///
/// DataFusion 55: `NamePreserver` gives a grouping set one name for all its keys, under which no other node finds them.
/// Not needed once `GROUP BY ROLLUP (left(symbol, 1))` plans without it.
pub(crate) fn map_under_names(
    plan: LogicalPlan,
    mut change: impl FnMut(Expr) -> Result<Transformed<Expr>>,
) -> Result<Transformed<LogicalPlan>> {
    let names = NamePreserver::new(&plan);
    let mut named = |expr: Expr| {
        let name = names.save(&expr);
        Ok(change(expr)?.update_data(|expr| name.restore(expr)))
    };
    plan.map_expressions(|expr| match expr {
        Expr::GroupingSet(set) => {
            let mut changed = false;
            let mut all = |keys: Vec<Expr>| -> Result<Vec<Expr>> {
                let keys = keys.into_iter().map(|key| {
                    let key: Transformed<Expr> = named(key)?;
                    changed |= key.transformed;
                    Ok(key.data)
                });
                keys.collect()
            };
            let set = match set {
                GroupingSet::Rollup(keys) => GroupingSet::Rollup(all(keys)?),
                GroupingSet::Cube(keys) => GroupingSet::Cube(all(keys)?),
                GroupingSet::GroupingSets(sets) => {
                    GroupingSet::GroupingSets(sets.into_iter().map(all).collect::<Result<_>>()?)
                }
            };
            Ok(Transformed::new_transformed(Expr::GroupingSet(set), changed))
        }
        other => named(other),
    })
}
