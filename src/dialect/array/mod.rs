//! Arrays as PostgreSQL has them: places from 1 and never counted from the end, NULL elements that are
//! equal and last, several dimensions.
//!
//! An array of two dimensions is a list of lists of one length; [`value::PgArray`] reads it.
//!
//! DataFusion 55: negative places count from the end, `array_remove(a, NULL)` is NULL, `array_replace`
//! replaces the first element alone, `@>` finds NULL in NULL, and NULL elements come first in
//! comparisons. Not needed once `arrays.slt` passes without this room.

mod accumulated;
mod element;
mod function;
mod order;
mod rewrite;
mod unknown;
pub(crate) mod value;

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use std::sync::Arc;

pub(crate) use function::FUNCTIONS;

/// Registers the functions that are no plain definitions, and the rule that puts ours in the place of
/// DataFusion's.
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub(super) fn install(state: &mut SessionState) -> Result<()> {
    state.register_udf(element::function())?;
    state.register_udf(unknown::function())?;
    state.register_udf(accumulated::function())?;
    state.register_function_rewrite(Arc::new(rewrite::Arrays))
}
