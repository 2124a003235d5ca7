//! The expression planner `DocumentOperators` plans the operators of JSON, of UUIDs and of regular
//! expressions as calls of the functions behind them, by the types of their sides.
//!
//! A text that is written out beside a value of such a type reads as one. Operators that PostgreSQL does
//! not have for these types, such as the equality of `json`, are refused here.
//!
//! DataFusion 55: `->`, `#>`, `?` and their like are parsed and have no meaning, and `~` is the search
//! of the crate `regex`, which has other rules than PostgreSQL's. Not needed once `'foobar' ~
//! '(?<=foo)bar'` is true in DataFusion, and an operator can be defined for a type.

use crate::dialect::function::routine;
use crate::error::{ErrorKind, QueryError};
use crate::text::{array, is_text, json, tid, uuid};
use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::functions_nested::expr_fn::{array_has_all, array_has_any};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, cast, lit};
use datafusion::sql::sqlparser::ast::BinaryOperator as Op;

/// The expression planner; it has no state.
#[derive(Debug)]
pub(crate) struct DocumentOperators;

impl ExprPlanner for DocumentOperators {
    /// Plans one operator as a call where a side is JSON, a UUID, or a text that is matched; all else is
    /// left to the next planner.
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let (Ok(left), Ok(right)) = (raw.left.get_type(schema), raw.right.get_type(schema)) else {
            return Ok(PlannerResult::Original(raw));
        };
        if let Some(function) = matching(&raw.op) {
            return Ok(match (is_text(&left) || left.is_null()) && (is_text(&right) || right.is_null()) {
                true => planned(function, vec![raw.left, raw.right]),
                false => return Err(no_operator(&left, &raw.op, &right)),
            });
        }
        for (is_own, cast) in BY_THEMSELVES {
            if is_own(&left) || is_own(&right) {
                return compared(raw, (&left, &right), is_own, cast);
            }
        }
        if json::is_jsonb(&left) || (json::is_jsonb(&right) && literal(&raw.left).is_some()) {
            return with_jsonb(raw, &left, &right);
        }
        if json::is_json(&left) || json::is_json(&right) {
            return with_json(raw, &left, &right);
        }
        if raw.op == Op::PGOverlap && !(is_list(&left) || is_list(&right)) {
            return Err(no_operator(&left, &raw.op, &right));
        }
        if let Some(call) = of_arrays(&raw, &left, &right) {
            return Ok(PlannerResult::Planned(call));
        }
        match raw.op {
            // Clients get structs, lists and maps as JSON, and may take them apart as such.
            Op::Arrow | Op::LongArrow if left.is_nested() => {
                let raw = RawBinaryExpr { left: call("to_json", vec![raw.left]), ..raw };
                with_json(raw, &json::json_type(), &right)
            }
            Op::Arrow | Op::LongArrow | Op::HashArrow | Op::HashLongArrow => Err(no_operator(&left, &raw.op, &right)),
            _ => Ok(PlannerResult::Original(raw)),
        }
    }
}

fn is_list(data_type: &DataType) -> bool {
    matches!(data_type, DataType::List(_))
}

/// `@>`, `<@` and `&&` of an array and what has no type, which is then an array of that type, and `&&` of two arrays; DataFusion
/// knows the others of two arrays.
fn of_arrays(raw: &RawBinaryExpr, left: &DataType, right: &DataType) -> Option<Expr> {
    if !matches!(raw.op, Op::AtArrow | Op::ArrowAt | Op::PGOverlap) {
        return None;
    }
    let as_array = |expr: &Expr, own: &DataType, other: &DataType| match expr {
        Expr::Literal(..) | Expr::Placeholder(_) if is_list(other) && !is_list(own) => {
            cast(expr.clone(), other.clone())
        }
        _ => expr.clone(),
    };
    let (one, other) = (as_array(&raw.left, left, right), as_array(&raw.right, right, left));
    let changed = one != raw.left || other != raw.right;
    match raw.op {
        Op::AtArrow if changed => Some(array_has_all(one, other)),
        Op::ArrowAt if changed => Some(array_has_all(other, one)),
        Op::PGOverlap => Some(array_has_any(one, other)),
        _ => None,
    }
}

/// The function behind an operator of regular expressions.
fn matching(op: &Op) -> Option<&'static str> {
    Some(match op {
        Op::PGRegexMatch => "textregexeq",
        Op::PGRegexNotMatch => "textregexne",
        Op::PGRegexIMatch => "texticregexeq",
        Op::PGRegexNotIMatch => "texticregexne",
        _ => return None,
    })
}

/// The text that is written out on one side; `None` of every other expression.
fn literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        _ => None,
    }
}

/// A call of one of the dialect's functions, as a planner gives it.
fn planned(name: &str, arguments: Vec<Expr>) -> PlannerResult<RawBinaryExpr> {
    PlannerResult::Planned(call(name, arguments))
}

fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    match routine(name) {
        Some(function) => function.call(arguments),
        None => lit(ScalarValue::Null),
    }
}

/// PostgreSQL's error for an operator that these types do not have.
fn no_operator(left: &DataType, op: &Op, right: &DataType) -> DataFusionError {
    use crate::dialect::catalog::types;
    let name = |data_type: &DataType| match data_type {
        DataType::Null => "unknown".to_owned(),
        other => types::display(types::of_arrow(other).0, None),
    };
    let message = format!("operator does not exist: {} {op} {}", name(left), name(right));
    let error = QueryError::new(ErrorKind::UnknownFunction, message)
        .with_hint("No operator matches the given name and argument types. You might need to add explicit type casts.");
    DataFusionError::External(Box::new(error))
}

/// A text that is written out, as a call of the cast to its neighbour's type; all else as it is.
fn read_as(expr: Expr, name: &str) -> Expr {
    match literal(&expr).is_some() || matches!(expr, Expr::Literal(ScalarValue::Null, _)) {
        true => call(name, vec![expr]),
        false => expr,
    }
}

/// Whether a type is a certain one.
type Is = fn(&DataType) -> bool;

/// Types that compare with themselves alone, each with the function that casts to it.
const BY_THEMSELVES: [(Is, &str); 2] = [(uuid::is_uuid, "uuid_cast"), (tid::is_tid, "tid_cast")];

/// UUIDs and addresses of rows compare with their like, and with texts that are written out.
fn compared(
    raw: RawBinaryExpr,
    (of_left, of_right): (&DataType, &DataType),
    is_own: Is,
    cast: &str,
) -> Result<PlannerResult<RawBinaryExpr>> {
    let RawBinaryExpr { op, left, right } = raw;
    let fits = |of: &DataType, expr: &Expr| is_own(of) || of.is_null() || literal(expr).is_some();
    if op != Op::StringConcat && !(fits(of_left, &left) && fits(of_right, &right)) {
        return Err(no_operator(of_left, &op, of_right));
    }
    let (left, right) = match op {
        Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => (read_as(left, cast), read_as(right, cast)),
        _ => (left, right),
    };
    Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }))
}

/// A path: an array of texts, or one that is written out as `{a,b}`.
fn path(expr: Expr) -> Expr {
    match literal(&expr).and_then(array::parse) {
        Some(elements) => {
            let elements: Vec<ScalarValue> = elements.into_iter().map(ScalarValue::Utf8).collect();
            lit(ScalarValue::List(ScalarValue::new_list_nullable(&elements, &DataType::Utf8)))
        }
        None => expr,
    }
}

/// The function of a member or an element, by the type of what is on the right.
fn member(prefix: &str, right: &DataType, text: bool) -> String {
    let what = if right.is_integer() { "array_element" } else { "object_field" };
    format!("{prefix}_{what}{}", if text { "_text" } else { "" })
}

/// The operators of `jsonb`.
fn with_jsonb(raw: RawBinaryExpr, left: &DataType, right: &DataType) -> Result<PlannerResult<RawBinaryExpr>> {
    let RawBinaryExpr { op, left: one, right: two } = raw;
    let beside = json::is_jsonb(right) || right.is_null() || literal(&two).is_some();
    let key = right.is_integer() || is_text(right) || right.is_null();
    let function = match op {
        Op::Arrow | Op::LongArrow if key => {
            return Ok(planned(&member("jsonb", right, op == Op::LongArrow), vec![one, two]));
        }
        Op::HashArrow => return Ok(planned("jsonb_extract_path", vec![one, path(two)])),
        Op::HashLongArrow => return Ok(planned("jsonb_extract_path_text", vec![one, path(two)])),
        Op::HashMinus => return Ok(planned("jsonb_delete_path", vec![one, path(two)])),
        Op::Minus => return Ok(planned("jsonb_delete", vec![one, two])),
        Op::Question => return Ok(planned("jsonb_exists", vec![one, two])),
        Op::QuestionPipe => return Ok(planned("jsonb_exists_any", vec![one, path(two)])),
        Op::QuestionAnd => return Ok(planned("jsonb_exists_all", vec![one, path(two)])),
        // Beside a text that is computed, `||` joins texts.
        Op::StringConcat if !beside => return Ok(joined(one, two)),
        Op::AtQuestion | Op::AtAt => {
            let error = QueryError::new(ErrorKind::NotSupported, "paths of jsonpath are not supported");
            return Err(DataFusionError::External(Box::new(error)));
        }
        Op::StringConcat => "jsonb_concat",
        Op::AtArrow if beside => "jsonb_contains",
        Op::ArrowAt if beside => "jsonb_contained",
        Op::Eq if beside => "jsonb_eq",
        Op::NotEq if beside => "jsonb_ne",
        Op::Lt if beside => "jsonb_lt",
        Op::LtEq if beside => "jsonb_le",
        Op::Gt if beside => "jsonb_gt",
        Op::GtEq if beside => "jsonb_ge",
        other => return Err(no_operator(left, &other, right)),
    };
    Ok(planned(function, vec![read_as(one, "jsonb"), read_as(two, "jsonb")]))
}

/// Both sides as texts that `||` joins.
fn joined(left: Expr, right: Expr) -> PlannerResult<RawBinaryExpr> {
    let text = |expr| cast(expr, DataType::Utf8);
    PlannerResult::Original(RawBinaryExpr { op: Op::StringConcat, left: text(left), right: text(right) })
}

/// The operators of `json`, which has no order and no equality.
fn with_json(raw: RawBinaryExpr, left: &DataType, right: &DataType) -> Result<PlannerResult<RawBinaryExpr>> {
    let RawBinaryExpr { op, left: one, right: two } = raw;
    let key = right.is_integer() || is_text(right) || right.is_null();
    Ok(match op {
        Op::Arrow | Op::LongArrow if json::is_json(left) && key => {
            planned(&member("json", right, op == Op::LongArrow), vec![one, two])
        }
        Op::HashArrow if json::is_json(left) => planned("json_extract_path", vec![one, path(two)]),
        Op::HashLongArrow if json::is_json(left) => planned("json_extract_path_text", vec![one, path(two)]),
        // It joins texts.
        Op::StringConcat if is_text(left) || is_text(right) => joined(one, two),
        other => return Err(no_operator(left, &other, right)),
    })
}
