//! Marks that the rewriter puts around expressions for the typing, which takes them off.
//!
//! A cast in quotes is marked `cast_of(x::numeric, 'NUMERIC')`, since DataFusion's names of columns leave casts out; a text
//! in quotes beside values of other types is marked `unknown('2026-01-01')`, since the SQL planner types VALUES at once.
//!
//! DataFusion 55: the name of a cast is that of what is cast, so that `sum(x), sum(x::numeric)` is refused for two columns
//! of one name (apache/datafusion#6543, closed by #21126, which 55.2 does not have). Not needed once it plans.

/// Around a cast; its second argument is the type as written.
pub(crate) const CAST: &str = "cast_of";

/// Around a text in quotes; its type is NULL's until it is typed.
pub(crate) const UNKNOWN: &str = "unknown_text";

/// The names of both.
pub(crate) const NAMES: [&str; 2] = [CAST, UNKNOWN];
