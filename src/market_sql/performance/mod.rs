//! How well an investment did: `sharpe` and `sortino` of its returns, `max_drawdown` of its values.

mod drawdown;
mod ratio;

use super::aggregate::Aggregate;
use datafusion::logical_expr::AggregateUDF;
pub(super) use drawdown::MaxDrawdown;

/// The aggregates of this folder that take rows in any order.
pub(super) fn aggregates() -> Vec<Aggregate> {
    ratio::aggregates()
}

/// The aggregate of this folder that takes rows in an order.
pub(super) fn ordered() -> AggregateUDF {
    drawdown::function()
}
