//! Calls that DataFusion would take and that are refused: those for whose kinds PostgreSQL has no such function, and
//! those whose answer would be another one.

use super::kind::{Kind, refusal};
use super::operand::Operand;
use crate::error::ErrorKind;
use datafusion::common::Result;

/// Functions of arrays that compare elements, which are not compared by the length of intervals.
const COMPARING: [&str; 15] = [
    "array_distinct",
    "array_except",
    "array_has",
    "array_has_all",
    "array_has_any",
    "array_intersect",
    "array_max",
    "array_min",
    "array_position",
    "array_positions",
    "array_remove",
    "array_remove_all",
    "array_replace",
    "array_sort",
    "array_union",
];

/// Functions whose first arguments, so many, are integers: no wider number becomes one without being asked.
const OF_INTEGERS: [(&str, usize); 5] =
    [("make_date", 3), ("make_interval", 6), ("make_time", 2), ("make_timestamp", 5), ("make_timestamptz", 5)];

/// Checks the arguments of a call.
///
/// # Errors
/// 0A000 for elements that are intervals where they would be compared, 42883 for numbers too wide for their places.
pub(super) fn check(name: &str, args: &[Operand]) -> Result<()> {
    if COMPARING.contains(&name) && args.iter().any(|arg| arg.kind().has_spans()) {
        return Err(refusal(ErrorKind::NotSupported, "elements of arrays of intervals are not compared"));
    }
    let integers = OF_INTEGERS.iter().find(|(own, _)| *own == name).map_or(0, |(_, count)| *count);
    let wide = |arg: &Operand| matches!(arg.kind(), Kind::Int8 | Kind::Numeric | Kind::Float4 | Kind::Float8);
    if args.iter().take(integers).any(wide) {
        let kinds: Vec<String> = args.iter().map(|arg| arg.kind().name()).collect();
        let text = format!("function {name}({}) does not exist", kinds.join(", "));
        return Err(refusal(ErrorKind::UnknownFunction, text));
    }
    Ok(())
}
