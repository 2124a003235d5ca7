//! The aggregates of market SQL, and the functions of quotes and indicators, registered in one go.

use super::aggregate::Aggregate;
use super::calls::Calls;
use super::{bar, curve, indicator, option, performance, pick, quote};
use crate::dialect::aggregate::excluding;
use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::AggregateUDF;
use std::sync::Arc;

/// The aggregates of market SQL.
fn aggregates() -> impl Iterator<Item = AggregateUDF> {
    let declared = pick::aggregates().into_iter().chain(bar::aggregates()).chain(performance::aggregates());
    let declared = declared.chain(option::aggregates()).chain([curve::aggregate()]);
    declared.map(Aggregate::function).chain(std::iter::once(performance::ordered()))
}

/// Registers them, and what checks their calls.
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub(super) fn register(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for function in quote::functions() {
        registry.register_udf(Arc::new(function))?;
    }
    for function in aggregates().map(Arc::new) {
        for over_parts in excluding::functions(function.name(), &function) {
            registry.register_udwf(Arc::new(over_parts))?;
        }
        registry.register_udaf(function)?;
    }
    for function in indicator::functions() {
        registry.register_udwf(Arc::new(function))?;
    }
    registry.register_function_rewrite(Arc::new(Calls))
}

#[cfg(test)]
mod tests;
