//! From a statement's tree to DataFusion's plans: the logical plan that is kept, and the paths that need no physical
//! plan.

mod clock_parameter;
mod computed;
pub(crate) mod constant_row;
pub(crate) mod key_lookup;
mod live_lookup;
mod logical;
mod named_keys;
pub(crate) mod over_views;
pub(crate) mod prepared;
mod range_lookup;
mod small_plan;
pub(crate) mod state;

pub use logical::Plan;
pub(crate) use logical::{announced, in_order, plan_rows, renamed, table_names};
