//! Aggregates with PostgreSQL's results: statistics of doubles, ordered-set aggregates, and every
//! aggregate over a moving frame.
//!
//! Each of DataFusion's aggregates that is answered otherwise here is wrapped under its own name
//! ([`wrapped`]), so that arguments and types stay its own.
//!
//! DataFusion 55: moving frames of doubles subtract what leaves them, so that NaN, infinity or the
//! digits that a large value took never leave; aggregates that cannot subtract refuse moving frames; a
//! sum or a product that leaves its type is infinity. Not needed once frames of floats are computed
//! anew: `moving_frames.slt` and `statistics.slt` tell.

mod distinct;
mod double;
pub(crate) mod excluding;
mod extreme;
pub(crate) mod frame;
mod input_order;
mod moments;
pub(crate) mod offset;
mod ordered;
pub(crate) mod wrapped;

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::AggregateUDF;
use extreme::Extreme;
use std::sync::Arc;
use wrapped::{Kind, Wrapped};

/// Aggregates of DataFusion's, or of the dialect's, by name, with what is done about them.
const WRAPPED: &[(&str, Kind)] = &[
    ("array_agg", Kind::Any),
    ("avg", Kind::One(moments::One::Average)),
    ("bit_and", Kind::Any),
    ("bit_or", Kind::Any),
    ("bit_xor", Kind::Any),
    ("bool_and", Kind::Any),
    ("bool_or", Kind::Any),
    ("corr", Kind::Two(moments::Two::Correlation)),
    ("covar_pop", Kind::Two(moments::Two::CovariancePopulation)),
    ("covar_samp", Kind::Two(moments::Two::CovarianceSample)),
    ("max", Kind::Extreme(Extreme::Greatest)),
    ("min", Kind::Extreme(Extreme::Least)),
    ("regr_avgx", Kind::Two(moments::Two::AverageX)),
    ("regr_avgy", Kind::Two(moments::Two::AverageY)),
    ("regr_count", Kind::Two(moments::Two::Count)),
    ("regr_intercept", Kind::Two(moments::Two::Intercept)),
    ("regr_r2", Kind::Two(moments::Two::Determination)),
    ("regr_slope", Kind::Two(moments::Two::Slope)),
    ("regr_sxx", Kind::Two(moments::Two::SquaresX)),
    ("regr_sxy", Kind::Two(moments::Two::Products)),
    ("regr_syy", Kind::Two(moments::Two::SquaresY)),
    ("stddev", Kind::One(moments::One::DeviationSample)),
    ("stddev_pop", Kind::One(moments::One::DeviationPopulation)),
    ("string_agg", Kind::Any),
    ("sum", Kind::One(moments::One::Sum)),
    ("var", Kind::One(moments::One::VarianceSample)),
    ("var_pop", Kind::One(moments::One::VariancePopulation)),
];

/// Wraps the registered aggregates, and registers the ordered-set ones. The aggregates of other parts
/// of the dialect are there by then.
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub(super) fn install(state: &mut SessionState) -> Result<()> {
    for (name, kind) in WRAPPED {
        if let Some(inner) = state.aggregate_functions().get(*name).cloned() {
            state.register_udaf(Arc::new(AggregateUDF::from(Wrapped::new(inner, *kind))))?;
        }
    }
    let aggregates = state.aggregate_functions().iter();
    let windows: Vec<_> = aggregates.flat_map(|(name, inner)| excluding::functions(name, inner)).collect();
    for window in windows {
        state.register_udwf(Arc::new(window))?;
    }
    for function in ordered::functions() {
        state.register_udaf(Arc::new(function))?;
    }
    state.add_analyzer_rule(Arc::new(input_order::InputOrder));
    Ok(())
}
