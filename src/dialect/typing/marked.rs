//! Marks that the rewriter puts around expressions for the typing, which takes them off.
//!
//! A cast in quotes is marked `cast_of(x::numeric, 'NUMERIC')`, since DataFusion's names of columns leave casts out; a text
//! in quotes beside values of other types is marked `unknown_text('2026-01-01')`, since the SQL planner types VALUES at
//! once; a number with more digits than a `numeric` has here is marked `number_beyond('1e308')`; IS DISTINCT FROM is a
//! call.
//!
//! DataFusion 55: the name of a cast is that of what is cast, so that `sum(x), sum(x::numeric)` is refused for two columns
//! of one name (apache/datafusion#6543, closed by #21126, which 55.2 does not have). Not needed once it plans.
//!
//! DataFusion 55: a number that is written out is a decimal or a double by one setting for all of them, and `1e308`
//! is refused as a decimal (`parse_decimal`). Not needed once `1e308::float8` plans beside `1.5` as a decimal.

/// Around a cast; its second argument is the type as written.
pub(crate) const CAST: &str = "cast_of";

/// Around a text in quotes; its type is NULL's until it is typed.
pub(crate) const UNKNOWN: &str = "unknown_text";

/// Around the digits of a number that is no `numeric` of 76 digits, and may still be a double.
pub(crate) const BEYOND: &str = "number_beyond";

/// In the place of IS DISTINCT FROM, between its two sides.
pub(crate) const DISTINCT: &str = "is_distinct_from";

/// In the place of IS NOT DISTINCT FROM.
pub(crate) const NOT_DISTINCT: &str = "is_not_distinct_from";

/// The names of all marks.
pub(crate) const NAMES: [&str; 5] = [CAST, UNKNOWN, BEYOND, DISTINCT, NOT_DISTINCT];
