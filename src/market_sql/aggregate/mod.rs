//! How aggregates of market SQL are declared: an [`Aggregate`] names its arguments and the [`Grouped`] state that it has, and
//! is an aggregate of DataFusion's by that: over groups, over everything, over frames, in parts that are put together.

mod declared;
mod grouped;
mod kept;
mod one;
mod sum;

pub(super) use declared::{Aggregate, Distinct};
pub(super) use grouped::{Grouped, counted, doubles, longs, moments};
pub(super) use kept::Kept;
pub(super) use sum::Sum;
