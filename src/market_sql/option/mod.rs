//! Option maths: what options are worth, their sensitivities, the volatility that a price implies, and what these need.
//!
//! The order of the arguments is that of DuckDB's extension `finance`, the units are those of the Python package
//! vollib.

mod american;
mod arguments;
mod black76;
mod bsm;
mod parity_forward;
mod year_fraction;

use crate::dialect::aggregate::excluding;
use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// The scalar functions of this folder.
fn functions() -> impl Iterator<Item = ScalarUDF> {
    bsm::functions()
        .into_iter()
        .chain(black76::functions())
        .chain(american::functions())
        .chain([year_fraction::function()])
}

/// Registers the functions and aggregates of this folder.
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub(super) fn register(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for function in functions() {
        registry.register_udf(Arc::new(function))?;
    }
    let parity = Arc::new(parity_forward::function());
    for over_parts in excluding::functions(parity.name(), &parity) {
        registry.register_udwf(Arc::new(over_parts))?;
    }
    registry.register_udaf(parity)?;
    Ok(())
}
