//! The rewriter gives calls the names and forms by which DataFusion knows them: other names of `now`,
//! types' names as casts, `mod` as `%`, and results without a sign as PostgreSQL's integers.
//!
//! DataFusion 55: `row_number`, `rank`, `dense_rank`, `ntile`, `array_length`, `cardinality` and
//! `array_position` are UInt64, a type PostgreSQL does not have: a difference of two would be refused
//! or turn into a decimal. Not needed once they are Int64: `counts_have_a_sign` shows today's form.
//!
//! DataFusion 55: `now()` is in nanoseconds, while every instant of this server's tables is in
//! microseconds. Not needed once its unit can be set.

use super::build::take;
use super::build::{self, call, ident, is_call};
use super::{moment, pattern};
use crate::dialect::parse::tree::fold;
use datafusion::sql::sqlparser::ast::{self, BinaryOperator, Expr, FunctionArguments, ObjectName};

/// Rewrites one call whose arguments are rewritten already.
///
/// - The schemas `pg_catalog` and `information_schema` are dropped, and synonyms get the registered
///   name.
/// - `now` and its like become `timestamptz` in microseconds; `current_date`, `localtime` and
///   `localtimestamp` parts of it on the session's clock.
/// - `generate_series` and `_pg_expandarray` in a list give rows, by `unnest`.
/// - `text(x)` is a cast, `mod(a, b)` is `a % b`.
/// - Results without a sign are cast to `integer` or `bigint`.
pub(crate) fn rewrite(expr: &mut Expr) {
    if let Expr::Function(function) = expr {
        strip_schema(&mut function.name);
    }
    if let Some(part) = moment::current(expr) {
        *expr = part;
        return;
    }
    if let Expr::Function(function) = expr {
        by_known_name(function);
        super::json_aggregate::name_fields(function);
        order_distinct(function);
        accumulate(function);
    }
    if is_call(expr, "now") {
        *expr = build::cast(take(expr), build::instant());
    } else if is_call(expr, "make_interval") {
        moment::make_interval(expr);
    } else if is_call(expr, "gen_random_uuid") {
        *expr = call("uuid_cast", vec![call("uuid", Vec::new())]);
    } else if let Some(rows) = super::rows_function::in_list(expr) {
        *expr = rows;
    } else if let Some(gathered) = super::json_aggregate::gathered(expr) {
        *expr = gathered;
    } else if is_call(expr, "normalize") {
        pattern::form_as_text(expr);
    } else if is_call(expr, "substring") {
        pattern::substring_call(expr);
    } else if is_call(expr, "_pg_expandarray") {
        *expr = call("unnest", vec![take(expr)]);
    } else if is_call(expr, "generate_series") && !quoted(expr) {
        // In a list it gives rows, as `unnest` does.
        *expr = call("unnest", vec![take(expr)]);
    } else if is_call(expr, "unnest")
        && let Expr::Function(function) = expr
    {
        if let Some(array) = build::first_argument_mut(function) {
            super::array::flatten(array);
        }
    } else if let Some(to) = cast_by_name(expr) {
        *expr = to;
    } else if is_call(expr, "mod") {
        modulo(expr);
    } else if let Some(integer) = counted(expr) {
        *expr = build::cast(take(expr), integer);
    }
}

/// Has `array_agg(DISTINCT x)` and `string_agg(DISTINCT x, ...)` give their values in order, as PostgreSQL's
/// sort leaves them.
fn order_distinct(function: &mut ast::Function) {
    if !matches!(build::called(function).as_deref(), Some("array_agg" | "string_agg")) || function.over.is_some() {
        return;
    }
    let first = build::call_arguments(function).and_then(|arguments| arguments.first().map(|first| (*first).clone()));
    let FunctionArguments::List(list) = &mut function.args else { return };
    let ordered = list.clauses.iter().any(|clause| matches!(clause, ast::FunctionArgumentClause::OrderBy(_)));
    if list.duplicate_treatment == Some(ast::DuplicateTreatment::Distinct)
        && !ordered
        && let Some(expr) = first
    {
        let options = ast::OrderByOptions { asc: None, nulls_first: None };
        let key = ast::OrderByExpr { expr, options, with_fill: None };
        list.clauses.push(ast::FunctionArgumentClause::OrderBy(vec![key]));
    }
}

/// Has `array_agg(x)` look at what it gathers: arrays that are NULL or empty have no place in another. What `json_agg`
/// stands for is none of its calls.
fn accumulate(function: &mut ast::Function) {
    if build::called(function).as_deref() != Some("array_agg") {
        return;
    }
    let FunctionArguments::List(list) = &mut function.args else { return };
    if list.duplicate_treatment.is_none()
        && let [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(value))] = list.args.as_mut_slice()
    {
        *value = build::call("array_accumulated", vec![take(value)]);
    }
}

/// Whether the name of a called function is quoted. `list_of_series` quotes its own, and users' calls
/// are not.
fn quoted(expr: &Expr) -> bool {
    let Expr::Function(function) = expr else { return false };
    function.name.0.iter().any(|part| part.as_ident().is_some_and(|name| name.quote_style.is_some()))
}

/// Rewrites `mod(a, b)` to `(a) % (b)`, an operator that DataFusion has for all numbers.
fn modulo(expr: &mut Expr) {
    let Expr::Function(function) = &*expr else { return };
    let Some(arguments) = build::call_arguments(function) else { return };
    if let [left, right] = arguments.as_slice() {
        let nested = |side: &Expr| Box::new(Expr::Nested(Box::new(side.clone())));
        *expr = Expr::BinaryOp { left: nested(left), op: BinaryOperator::Modulo, right: nested(right) };
    }
}

/// The cast that a type's name stands for when it is called: `int4(x)` is `CAST(x AS INT)`; `None`
/// for other calls, and when there is more than one argument.
fn cast_by_name(expr: &Expr) -> Option<Expr> {
    let Expr::Function(function) = expr else { return None };
    let data_type = match build::called(function)?.as_str() {
        "bool" => ast::DataType::Boolean,
        "bpchar" | "text" | "varchar" => ast::DataType::Text,
        "date" => ast::DataType::Date,
        "timestamptz" => build::instant(),
        "float4" => ast::DataType::Real,
        "int2" => ast::DataType::SmallInt(None),
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

/// The signed type PostgreSQL counts with, for functions that DataFusion has count in UInt64; `None`
/// for others. Ranks count as such only with OVER.
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

/// Gives PostgreSQL's synonyms the registered name:
/// `transaction_timestamp` is `now`, `every` is `bool_and`, `variance` is `var_samp`. A synonym
/// written without parentheses becomes a call.
pub(super) fn by_known_name(function: &mut ast::Function) {
    strip_schema(&mut function.name);
    if let [only] = function.name.0.as_slice()
        && let Some(name) = only.as_ident().map(fold)
    {
        let known = match name.as_str() {
            "transaction_timestamp" => "now",
            "ceiling" => "ceil",
            "every" => "bool_and",
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

/// Words of the grammar that read as calls, and that no function of PostgreSQL is called, so that they have no schema.
const NO_FUNCTIONS: [&str; 8] = ["coalesce", "exists", "greatest", "grouping", "least", "nullif", "row", "trim"];

/// Drops `pg_catalog` and `information_schema` from a function's name: DataFusion's functions have no
/// schema.
pub(crate) fn strip_schema(name: &mut ObjectName) {
    if let [schema, function] = name.0.as_slice()
        && schema.as_ident().is_some_and(|schema| matches!(fold(schema).as_str(), "pg_catalog" | "information_schema"))
        && !function.as_ident().is_some_and(|function| NO_FUNCTIONS.contains(&fold(function).as_str()))
    {
        name.0.remove(0);
    }
}
