//! The rewriter gives arrays forms that DataFusion plans: ANY and ALL over lists and subqueries,
//! `ARRAY(SELECT ...)`, and `generate_subscripts`.

use super::build::take;
use super::build::{self, array_query, boolean, call, call_arguments, is_call, literal};
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    self, BinaryOperator, DuplicateTreatment, Expr, FunctionArgumentClause, FunctionArguments, GroupByExpr, Ident,
    LambdaFunction, LambdaFunctionParameter, LambdaSyntax, OneOrManyWithParens, OrderByExpr, OrderByKind, Query,
    Select, SelectItem, SetExpr, TableFactor, Value,
};

/// Puts a call that joins the rows of an array of several dimensions around it, whose elements `unnest`
/// gives one by one.
///
/// DataFusion 55: `unnest` of a list of lists gives lists. Not needed once `unnest(ARRAY[[1], [2]])` gives
/// 1 and 2.
pub(crate) fn flatten(expr: &mut Expr) {
    if super::array_literal::dimensions(expr) > 1 {
        *expr = call("array_flat", vec![take(expr)]);
    }
}

/// The elements of an array that the text spells out: `'{a,b}'`, `'{1,2}'::int[]`, `ARRAY[1, 2]`,
/// each with the cast around the array; `None` for a column or a parameter.
fn spelled_out(expr: &Expr) -> Option<Vec<Expr>> {
    match expr {
        Expr::Nested(inner) => spelled_out(inner),
        Expr::Array(array) => Some(as_texts(array.elem.clone())),
        Expr::Cast { expr: inner, data_type: ast::DataType::Array(element), .. } => {
            let ast::ArrayElemTypeDef::SquareBracket(element, _) = element else { return None };
            let elements = match inner.as_ref() {
                Expr::Function(function) if is_call(inner, "make_array") => {
                    call_arguments(function)?.into_iter().cloned().collect()
                }
                Expr::Array(array) => array.elem.clone(),
                other => spelled_out(other)?,
            };
            Some(elements.into_iter().map(|value| build::cast(value, element.as_ref().clone())).collect())
        }
        other => super::array_literal::elements(literal(other)?),
    }
}

/// Refuses an empty array without a type, in the place where it is written; under a cast it becomes a call that makes one.
///
/// # Errors
/// 0A000 where nothing tells what its elements would be.
pub(crate) fn check_empty(expr: &mut Expr) -> Result<(), QueryError> {
    let is_empty = |expr: &Expr| matches!(expr, Expr::Array(array) if array.elem.is_empty());
    if let Expr::Cast { expr: inner, data_type: ast::DataType::Array(_), .. } = expr
        && is_empty(inner)
    {
        **inner = call("make_array", Vec::new());
    }
    match is_empty(expr) {
        true => Err(QueryError::new(ErrorKind::NotSupported, "an empty array without a type is not supported")
            .with_hint("Explicitly cast to the desired type, for example ARRAY[]::integer[].")),
        false => Ok(()),
    }
}

/// The elements of `ARRAY['a', 'b']`, which is an array of texts, whatever it is compared with; elements of any other array
/// as they are.
fn as_texts(elements: Vec<Expr>) -> Vec<Expr> {
    if !elements.iter().all(|element| literal(element).is_some() || is_null(element)) {
        return elements;
    }
    elements.into_iter().map(|element| build::cast(element, ast::DataType::Text)).collect()
}

fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_null(inner),
        Expr::Value(value) => value.value == Value::Null,
        _ => false,
    }
}

/// Rewrites a comparison with ANY or ALL of an array that is spelled out.
///
/// `x = ANY ('{a,b}')` becomes `x IN ('a', 'b')` and `x <> ALL (...)` becomes NOT IN, because
/// DataFusion prunes files and row groups by an IN list but not by ANY; over an empty list they are
/// `false` and `true`. Other operators get the array as a call of `make_array`, which gives a text
/// literal its elements.
pub(crate) fn compare(expr: &mut Expr) {
    let (left, op, right, all) = match expr {
        Expr::AnyOp { left, compare_op, right, .. } => (left, compare_op, right, false),
        Expr::AllOp { left, compare_op, right } => (left, compare_op, right, true),
        _ => return,
    };
    if let BinaryOperator::PGCustomBinaryOperator(path) = op
        && let Some(known) = path.last().and_then(|name| super::operator::named(name))
    {
        *op = known;
    }
    if matches!(right.as_ref(), Expr::Subquery(_)) {
        compare_subquery(expr);
        return;
    }
    super::cast::compare_with_any(left, right);
    let list = spelled_out(right);
    if super::pattern_any::is_pattern(op) {
        let chain = list.as_ref().and_then(|list| super::pattern_any::of_list(left, op, list, all));
        let array = list.map_or_else(|| right.as_ref().clone(), |list| call("make_array", list));
        *expr = chain.unwrap_or_else(|| super::pattern_any::of_array(left, op, array, all));
        return;
    }
    let negated = match (&*op, all) {
        (BinaryOperator::Eq, false) => false,
        (BinaryOperator::NotEq, true) => true,
        _ => {
            if let Some(list) = list {
                **right = call("make_array", list);
            }
            any_by_all(expr);
            return;
        }
    };
    let Some(list) = list else { return };
    *expr = match list.is_empty() {
        true => boolean(negated),
        false => Expr::InList { expr: Box::new(take(left)), list, negated },
    };
}

/// `x < ANY (a)` as `NOT (x >= ALL (a))`.
///
/// DataFusion 55: a comparison with ANY of an array is `false`, where it is true of no element and one is NULL. Not needed
/// once `SELECT 5 < ANY (a) FROM (VALUES (ARRAY[NULL, 3])) t (a)` is NULL without it.
fn any_by_all(expr: &mut Expr) {
    let Expr::AnyOp { left, compare_op, right, .. } = expr else { return };
    let Some(compare_op) = super::row::contrary(compare_op) else { return };
    let all = Expr::AllOp { left: Box::new(take(left)), compare_op, right: Box::new(take(right)) };
    *expr = Expr::UnaryOp { op: ast::UnaryOperator::Not, expr: Box::new(Expr::Nested(Box::new(all))) };
}

/// Rewrites a comparison with ANY or ALL of a subquery: `x = ANY (SELECT ...)` is `IN`, `x <> ALL
/// (SELECT ...)` is NOT IN. For the other operators the subquery's column gets a name of its own.
///
/// DataFusion 55: its rule `rewrite_set_comparison` compares the outer column with the subquery's
/// column by name, so that the same table on both sides gives wrong rows without an error
/// (apache/datafusion#25258, open). Not needed once `SELECT id FROM emp WHERE salary > ALL (SELECT
/// salary FROM emp WHERE id <= 2)` is right without the new name.
fn compare_subquery(expr: &mut Expr) {
    let (left, op, right, all) = match expr {
        Expr::AnyOp { left, compare_op, right, .. } => (left, compare_op, right, false),
        Expr::AllOp { left, compare_op, right } => (left, compare_op, right, true),
        _ => return,
    };
    if super::pattern_any::is_pattern(op) {
        if let Some(found) = super::pattern_any::of_subquery(left, op, right, all) {
            *expr = found;
        }
        return;
    }
    let Expr::Subquery(query) = right.as_mut() else { return };
    let negated = match (&*op, all) {
        (BinaryOperator::Eq, false) => false,
        (BinaryOperator::NotEq, true) => true,
        _ => {
            build::rename_column(query, "compared", "compared_value");
            return;
        }
    };
    let subquery = query.clone();
    *expr = Expr::InSubquery { expr: Box::new(take(left)), subquery, negated };
}

/// Rewrites `ARRAY(SELECT x ...)` to `coalesce((SELECT array_agg(x) ...), make_array())`: an
/// aggregate over no rows is NULL, and PostgreSQL gives an empty array.
///
/// A subquery over `unnest` alone becomes `array_transform`; one with WITH, LIMIT, groups or several
/// columns stays, and is refused.
///
/// DataFusion 55: sqlparser reads `ARRAY(SELECT ...)` as a call with a subquery for arguments, and
/// the SQL planner plans every call without a list of arguments as one of none, so that it looks for
/// a function `array`. Not needed once `SELECT ARRAY(SELECT 1)` plans.
pub(crate) fn from_subquery(expr: &mut Expr) {
    let Some(query) = array_query(expr) else { return };
    if let Some(transform) = transformed(query) {
        *expr = transform;
        return;
    }
    if !aggregate_in_place(query) && !aggregate_outside(query) {
        return;
    }
    let query = Expr::Subquery(Box::new(query.clone()));
    *expr = call("coalesce", vec![query, call("make_array", Vec::new())]);
}

/// Turns the only column of a plain SELECT into `array_agg` of itself, with the query's DISTINCT and
/// ORDER BY moved into the call; `ORDER BY 1` becomes the element. Tells whether it did, and changes
/// nothing when not.
fn aggregate_in_place(query: &mut Query) -> bool {
    if query.with.is_some() || query.limit_clause.is_some() || query.fetch.is_some() {
        return false;
    }
    let order = match &query.order_by {
        None => Vec::new(),
        Some(order) => match &order.kind {
            OrderByKind::Expressions(exprs) => exprs.clone(),
            OrderByKind::All(_) => return false,
        },
    };
    let SetExpr::Select(select) = query.body.as_mut() else { return false };
    let Some(element) = only_column(select).filter(|element| !gives_rows(element)) else { return false };
    let distinct = match select.distinct {
        None => false,
        Some(ast::Distinct::Distinct) => true,
        Some(_) => return false,
    };
    let by_number =
        |key: &OrderByExpr| matches!(&key.expr, Expr::Value(value) if matches!(value.value, Value::Number(..)));
    let order: Vec<OrderByExpr> = order
        .into_iter()
        .map(|key| if by_number(&key) { OrderByExpr { expr: element.clone(), ..key } } else { key })
        .collect();
    // A column of a query that has no type is a text.
    let untyped = literal(&element).is_some() || is_null(&element);
    let element = if untyped { build::cast(element, ast::DataType::Text) } else { element };
    let mut aggregate = call("array_agg", vec![element]);
    if let Expr::Function(function) = &mut aggregate
        && let FunctionArguments::List(list) = &mut function.args
    {
        list.duplicate_treatment = distinct.then_some(DuplicateTreatment::Distinct);
        if !order.is_empty() {
            list.clauses.push(FunctionArgumentClause::OrderBy(order));
        }
    }
    select.distinct = None;
    select.projection = vec![SelectItem::UnnamedExpr(aggregate)];
    query.order_by = None;
    true
}

/// Aggregates the rows of a query that stays as it is, in its order: `SELECT array_agg(element) FROM (query) AS rows
/// (element)`.
fn aggregate_outside(query: &mut Query) -> bool {
    let Some(mut outside) = build::query("SELECT array_agg(element) FROM (SELECT 1) AS rows (element)") else {
        return false;
    };
    let SetExpr::Select(select) = outside.body.as_mut() else { return false };
    let Some(TableFactor::Derived { subquery, .. }) = select.from.first_mut().map(|from| &mut from.relation) else {
        return false;
    };
    std::mem::swap(subquery.as_mut(), query);
    *query = outside;
    true
}

/// Whether an expression is a function that gives rows.
fn gives_rows(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => gives_rows(inner),
        Expr::Function(function) => build::called_bare(function).is_some_and(|name| {
            matches!(name.as_str(), "unnest" | "generate_series" | "generate_subscripts")
                || super::rows_function::columns(&name, &[]).is_some()
        }),
        _ => false,
    }
}

/// The only column of a SELECT without GROUP BY and HAVING.
fn only_column(select: &Select) -> Option<Expr> {
    let plain = matches!(&select.group_by, GroupByExpr::Expressions(exprs, _) if exprs.is_empty());
    match select.projection.as_slice() {
        [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }]
            if plain && select.having.is_none() =>
        {
            Some(expr.clone())
        }
        _ => None,
    }
}

/// Rewrites `ARRAY(SELECT f(x) FROM unnest(a) x)` to `coalesce(array_transform(a, x -> f(x)),
/// make_array())`, which needs no subquery and so may name outer columns freely.
fn transformed(query: &Query) -> Option<Expr> {
    if query.with.is_some() || query.order_by.is_some() || query.limit_clause.is_some() {
        return None;
    }
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let [from] = select.from.as_slice() else { return None };
    if select.selection.is_some() || select.distinct.is_some() || !from.joins.is_empty() {
        return None;
    }
    let (array, alias) = unnested(&from.relation)?;
    let lambda = Expr::Lambda(LambdaFunction {
        params: OneOrManyWithParens::One(LambdaFunctionParameter { name: alias, data_type: None }),
        body: Box::new(only_column(select)?),
        syntax: LambdaSyntax::Arrow,
    });
    let changed = call("array_transform", vec![array, lambda]);
    Some(call("coalesce", vec![changed, call("make_array", Vec::new())]))
}

/// The array and the name of its elements, when a table of FROM is `unnest(a) AS x` and nothing else. In `AS t (x)` an
/// element has two names.
fn unnested(factor: &TableFactor) -> Option<(Expr, Ident)> {
    match factor {
        TableFactor::UNNEST { alias: Some(alias), .. } | TableFactor::Table { alias: Some(alias), .. }
            if !alias.columns.is_empty() =>
        {
            None
        }
        TableFactor::UNNEST { alias: Some(alias), array_exprs, with_offset: false, with_ordinality: false, .. } => {
            let [array] = array_exprs.as_slice() else { return None };
            Some((array.clone(), alias.name.clone()))
        }
        TableFactor::Table { name, alias: Some(alias), args: Some(arguments), .. } => {
            let function = name.0.last()?.as_ident()?;
            let [argument] = arguments.args.as_slice() else { return None };
            let array = build::argument_expr(argument)?;
            function.value.eq_ignore_ascii_case("unnest").then(|| (array.clone(), alias.name.clone()))
        }
        _ => None,
    }
}

/// Rewrites `generate_subscripts(a, 1)` in a list to `unnest(array_subscripts(a, 1))`.
///
/// DataFusion 55: it has no `generate_subscripts`. Not needed once it has.
pub(crate) fn subscripts(expr: &mut Expr) {
    let Expr::Function(function) = &*expr else { return };
    let Some(arguments) = call_arguments(function) else { return };
    let arguments = arguments.into_iter().cloned().collect();
    *expr = call("unnest", vec![call("array_subscripts", arguments)]);
}
