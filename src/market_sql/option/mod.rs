//! Option maths: what options are worth, their sensitivities, the volatility that a price implies, and what these need.
//!
//! The order of the arguments is that of DuckDB's extension `finance`, the units are those of the Python package
//! vollib.

mod american;
mod arguments;
mod black76;
mod bsm;
mod parity_forward;
mod vix_variance;
mod year_fraction;

use super::aggregate::Aggregate;
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

/// The aggregates of this folder.
pub(super) fn aggregates() -> [Aggregate; 2] {
    [parity_forward::aggregate(), vix_variance::aggregate()]
}

/// Registers the functions of this folder.
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub(super) fn register(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for function in functions() {
        registry.register_udf(Arc::new(function))?;
    }
    Ok(())
}
