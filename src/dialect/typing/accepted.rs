//! Calls that DataFusion would take and that are refused: those for whose kinds PostgreSQL has no such function, and
//! those whose answer would be another one.

use super::kind::{Kind, refusal};
use super::operand::Operand;
use crate::error::ErrorKind;
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;

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

/// Places of arguments that are texts, by functions: no value of another type becomes one without being asked. Bytes have
/// forms of their own.
const OF_TEXT: [(&str, &[usize]); 26] = [
    ("array_to_string", &[1]),
    ("ascii", &[0]),
    ("btrim", &[0, 1]),
    ("character_length", &[0]),
    ("initcap", &[0]),
    ("left", &[0]),
    ("length", &[0]),
    ("lower", &[0]),
    ("lpad", &[0, 2]),
    ("ltrim", &[0, 1]),
    ("md5", &[0]),
    ("quote_ident", &[0]),
    ("regexp_match", &[0, 1]),
    ("regexp_replace", &[0, 1, 2]),
    ("repeat", &[0]),
    ("replace", &[0, 1, 2]),
    ("reverse", &[0]),
    ("right", &[0]),
    ("rpad", &[0, 2]),
    ("rtrim", &[0, 1]),
    ("split_part", &[0, 1]),
    ("starts_with", &[0, 1]),
    ("string_to_array", &[0, 1]),
    ("strpos", &[0, 1]),
    ("translate", &[0, 1, 2]),
    ("upper", &[0]),
];

/// Functions of an array, or of any type, that is told by the argument alone.
const POLYMORPHIC: [&str; 9] = [
    "array_dims",
    "array_length",
    "array_lower",
    "array_ndims",
    "array_to_string",
    "array_upper",
    "cardinality",
    "to_json",
    "to_jsonb",
];

/// Operators of two arrays of one type, by the functions that stand for them.
const OF_LIKE_ARRAYS: [(&str, &str); 2] = [("array_has_all", "@>"), ("array_has_any", "&&")];

/// Whether an argument is written out and has no type; a parameter takes one, and a column without one is a text.
pub(super) fn is_untyped(arg: &Operand) -> bool {
    arg.kind() == Kind::Unknown && matches!(arg.expr, Expr::Literal(..))
}

/// 42804: nothing tells the type of a function.
pub(super) fn undetermined() -> DataFusionError {
    refusal(ErrorKind::TypeMismatch, "could not determine polymorphic type because input has type unknown")
}

/// Whether a kind is one that is no text, and has no functions of its own under the names of those of texts.
fn is_no_text(kind: &Kind) -> bool {
    !matches!(kind, Kind::Text | Kind::Unknown | Kind::Bytea | Kind::Other)
}

/// Checks the arguments of a call.
///
/// Of a logarithm to any base there is the form for `numeric` alone, and `round` and `trunc` to a place have no other.
///
/// # Errors
/// 0A000 for elements that are intervals where they would be compared; 42883 for arguments that PostgreSQL's function does
/// not take, 42725 where several functions would take them, 42804 where nothing tells the type.
pub(super) fn check(name: &str, args: &[Operand]) -> Result<()> {
    if COMPARING.contains(&name) && args.iter().any(|arg| arg.kind().has_spans()) {
        return Err(refusal(ErrorKind::NotSupported, "elements of arrays of intervals are not compared"));
    }
    let is_open =
        |arg: &Operand| is_untyped(arg) || matches!(arg.expr, Expr::Placeholder(_) if arg.kind() == Kind::Unknown);
    if POLYMORPHIC.contains(&name) && args.first().is_some_and(is_open) {
        return Err(undetermined());
    }
    let kinds = || args.iter().map(|arg| arg.kind().name()).collect::<Vec<_>>();
    let ambiguous = match name {
        "age" => !args.is_empty() && args.iter().all(is_untyped),
        "generate_series" => !args.is_empty() && args.iter().all(|arg| arg.kind() == Kind::Int2 || is_untyped(arg)),
        "to_hex" => args.first().is_some_and(|arg| is_untyped(arg) || arg.kind() == Kind::Int2),
        "gcd" | "lcm" => args.iter().all(|arg| arg.kind() == Kind::Int2 || is_untyped(arg)),
        "extract" | "date_part" => args.get(1).is_some_and(is_open),
        "date_trunc" => args.get(1).is_some_and(is_open),
        _ => false,
    };
    if ambiguous {
        let text = format!("function {name}({}) is not unique", kinds().join(", "));
        return Err(refusal(ErrorKind::AmbiguousFunction, text));
    }
    if let (Some((_, symbol)), [left, right]) = (OF_LIKE_ARRAYS.iter().find(|(own, _)| *own == name), args)
        && let (Kind::Array(of_left), Kind::Array(of_right)) = (left.kind(), right.kind())
        && of_left != of_right
        && *of_left != Kind::Unknown
        && *of_right != Kind::Unknown
    {
        let text = format!("operator does not exist: {} {symbol} {}", left.kind().name(), right.kind().name());
        return Err(refusal(ErrorKind::UnknownFunction, text));
    }
    let integers = OF_INTEGERS.iter().find(|(own, _)| *own == name).map_or(0, |(_, count)| *count);
    let wide = |arg: &Operand| matches!(arg.kind(), Kind::Int8 | Kind::Numeric | Kind::Float4 | Kind::Float8);
    let float = |arg: &Operand| arg.kind().is_float();
    let of_numerics = match (name, args) {
        ("log", [_, _]) => args.iter().any(float),
        ("round" | "trunc", [number, _]) => float(number),
        _ => false,
    };
    let texts = OF_TEXT.iter().find(|(own, _)| *own == name).map_or(&[][..], |(_, places)| *places);
    let no_text = texts.iter().filter_map(|place| args.get(*place)).any(|arg| is_no_text(&arg.kind()));
    if args.iter().take(integers).any(wide) || of_numerics || no_text {
        let name = if name == "character_length" { "length" } else { name };
        let text = format!("function {name}({}) does not exist", kinds().join(", "));
        return Err(refusal(ErrorKind::UnknownFunction, text));
    }
    Ok(())
}
