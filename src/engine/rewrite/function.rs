//! Calls: functions by the names the planner knows, and those that are something else to it.

use super::build::{self, call, ident, is_call};
use super::{cast, fold, pattern, take};
use datafusion::sql::sqlparser::ast::{self, BinaryOperator, Expr, FunctionArguments, ObjectName};

/// One call whose arguments are rewritten already.
pub(super) fn rewrite(expr: &mut Expr) {
    if let Expr::Function(function) = expr {
        by_known_name(function);
    }
    if is_call(expr, "now") {
        *expr = build::cast(take(expr), cast::instant());
    } else if is_call(expr, "localtimestamp") {
        let now = build::cast(call("now", Vec::new()), cast::instant());
        *expr = build::cast(now, ast::DataType::Timestamp(Some(6), ast::TimezoneInfo::None));
    } else if is_call(expr, "_pg_expandarray") {
        *expr = call("unnest", vec![take(expr)]);
    } else if is_call(expr, "generate_series") && !quoted(expr) {
        // In a list it gives rows, as `unnest` does.
        *expr = call("unnest", vec![take(expr)]);
    } else if let Some(to) = cast_by_name(expr) {
        *expr = to;
    } else if pattern::to_moment(expr) {
    } else if is_call(expr, "date_trunc") {
        truncate_in_zone(expr);
    } else if is_call(expr, "mod") {
        modulo(expr);
    } else if let Some(integer) = counted(expr) {
        *expr = build::cast(take(expr), integer);
    }
}

/// `date_trunc('day', instant, zone)` truncates the clock of the zone, and is an instant again.
fn truncate_in_zone(expr: &mut Expr) {
    let Expr::Function(function) = &*expr else { return };
    let Some(arguments) = build::call_arguments(function) else { return };
    if let [unit, instant, zone] = arguments.as_slice() {
        let clock = call("timezone", vec![(*zone).clone(), (*instant).clone()]);
        let truncated = call("date_trunc", vec![(*unit).clone(), clock]);
        *expr = call("timezone", vec![(*zone).clone(), truncated]);
    }
}

/// Whether the name of a called function is quoted: those that are put in here are.
fn quoted(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else { return false };
    function.name.0.iter().any(|part| part.as_ident().is_some_and(|name| name.quote_style.is_some()))
}

/// `mod(a, b)` is `a % b`.
fn modulo(expr: &mut Expr) {
    let Expr::Function(function) = &*expr else { return };
    let Some(arguments) = build::call_arguments(function) else { return };
    if let [left, right] = arguments.as_slice() {
        let nested = |side: &Expr| Box::new(Expr::Nested(Box::new(side.clone())));
        *expr = Expr::BinaryOp { left: nested(left), op: BinaryOperator::Modulo, right: nested(right) };
    }
}

/// `text(x)` and its like: a type's name as a function is a cast.
fn cast_by_name(expr: &Expr) -> Option<Expr> {
    let Expr::Function(function) = expr else { return None };
    let data_type = match build::called(function)?.as_str() {
        "bpchar" | "name" | "text" | "varchar" => ast::DataType::Text,
        "int4" => ast::DataType::Int(None),
        "int8" => ast::DataType::BigInt(None),
        "float8" => ast::DataType::DoublePrecision,
        _ => return None,
    };
    match build::call_arguments(function)?.as_slice() {
        [only] => Some(build::cast((*only).clone(), data_type)),
        _ => None,
    }
}

/// The type PostgreSQL counts with, of functions that the planner has count without a sign.
fn counted(expr: &Expr) -> Option<ast::DataType> {
    let Expr::Function(function) = expr else { return None };
    let windowed = function.over.is_some();
    match build::called(function)?.as_str() {
        "row_number" | "rank" | "dense_rank" if windowed => Some(ast::DataType::BigInt(None)),
        "ntile" if windowed => Some(ast::DataType::Int(None)),
        "array_length" | "array_ndims" | "array_position" | "cardinality" => Some(ast::DataType::Int(None)),
        _ => None,
    }
}

/// Functions live in one place here: the schema is dropped, and PostgreSQL's other names of `now` are one.
fn by_known_name(function: &mut ast::Function) {
    strip_schema(&mut function.name);
    if let [only] = function.name.0.as_slice()
        && let Some(name) = only.as_ident().map(fold)
    {
        let known = match name.as_str() {
            "clock_timestamp" | "current_timestamp" | "statement_timestamp" | "transaction_timestamp" => "now",
            "every" => "bool_and",
            "gen_random_uuid" => "uuid",
            "sign" => "signum",
            "variance" => "var_samp",
            _ => return,
        };
        function.name = ObjectName::from(vec![ident(known)]);
        if matches!(function.args, FunctionArguments::None) {
            function.args = build::arguments(Vec::new());
        }
    }
}

pub(super) fn strip_schema(name: &mut ObjectName) {
    if let [schema, _] = name.0.as_slice()
        && schema.as_ident().is_some_and(|schema| matches!(fold(schema).as_str(), "pg_catalog" | "information_schema"))
    {
        name.0.remove(0);
    }
}
