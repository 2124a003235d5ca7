//! `time_bucket_gapfill`: rows for buckets that have none, with `locf` and `interpolate` for what they have no value
//! of.
//!
//! - `function`: the functions, which exist until a statement is planned;
//! - `rule`: puts a node of its own over the groups of a statement that calls them, with the `bounds` that its WHERE
//!   says;
//! - `node`: that node, `planner`: how it becomes an operator, `operator`: the operator, `gaps`: what it is to do;
//! - `group`: the rows of one group, `fill`: these with the buckets between them, `column`: the columns that are
//!   filled.

mod bounds;
mod column;
mod fill;
mod function;
mod gaps;
mod group;
mod node;
mod operator;
mod planner;
mod rule;

pub(super) use function::functions;
pub(super) use planner::Planner;
pub(super) use rule::GapFilling;
