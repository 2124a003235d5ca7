//! From a statement's tree to DataFusion's plans: the logical plan that is kept, and the paths that need no physical
//! plan.

pub(crate) mod constant_row;
pub(crate) mod key_lookup;
mod logical;
pub(crate) mod prepared;
mod range_lookup;
pub(crate) mod state;

pub use logical::Plan;
pub(crate) use logical::{announced, in_order, plan_rows, renamed, table_names};
