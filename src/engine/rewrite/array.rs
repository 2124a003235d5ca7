//! Arrays: `ANY` and `ALL` over literals, `ARRAY(SELECT ...)`, `generate_subscripts`.

use super::build::{self, array_query, boolean, call, call_arguments, is_call, literal, text};
use super::take;
use datafusion::sql::sqlparser::ast::{
    self, BinaryOperator, DuplicateTreatment, Expr, FunctionArgumentClause, FunctionArguments, GroupByExpr, Ident,
    LambdaFunction, LambdaFunctionParameter, LambdaSyntax, OneOrManyWithParens, OrderByExpr, OrderByKind, Query,
    Select, SelectItem, SetExpr, TableFactor, Value,
};

/// The elements of an array written as a literal, `{a,"b c",NULL}`; `None` for anything else, nested arrays included.
pub(super) fn elements(literal: &str) -> Option<Vec<Expr>> {
    let element =
        |element: Option<String>| element.map_or_else(|| Expr::Value(Value::Null.into()), |element| text(&element));
    Some(crate::text::array::parse(literal)?.into_iter().map(element).collect())
}

/// The elements of an array that is spelled out: a literal, a cast literal or `ARRAY[...]`.
fn spelled_out(expr: &Expr) -> Option<Vec<Expr>> {
    match expr {
        Expr::Nested(inner) => spelled_out(inner),
        Expr::Array(array) => Some(array.elem.clone()),
        Expr::Cast { expr: inner, data_type: ast::DataType::Array(element), .. } => {
            let ast::ArrayElemTypeDef::SquareBracket(element, _) = element else { return None };
            let elements = match inner.as_ref() {
                Expr::Function(function) if is_call(inner, "make_array") => {
                    call_arguments(function)?.into_iter().cloned().collect()
                }
                other => spelled_out(other)?,
            };
            Some(elements.into_iter().map(|value| build::cast(value, element.as_ref().clone())).collect())
        }
        other => elements(literal(other)?),
    }
}

/// `x = ANY (list)` and `x <> ALL (list)` over a list that is spelled out are `IN` and `NOT IN`, which read less data.
pub(super) fn compare(expr: &mut Expr) {
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
    let Some(list) = spelled_out(right) else { return };
    let negated = match (&*op, all) {
        (BinaryOperator::Eq, false) => false,
        (BinaryOperator::NotEq, true) => true,
        _ => {
            **right = call("make_array", list);
            return;
        }
    };
    *expr = match list.is_empty() {
        true => boolean(negated),
        false => Expr::InList { expr: Box::new(take(left)), list, negated },
    };
}

/// `x = ANY (SELECT ...)` is `IN` and `x <> ALL (SELECT ...)` is `NOT IN`. For the other operators the column of the
/// subquery gets a name of its own, because the planner takes columns of one name on both sides for the same column.
fn compare_subquery(expr: &mut Expr) {
    let (left, op, right, all) = match expr {
        Expr::AnyOp { left, compare_op, right, .. } => (left, compare_op, right, false),
        Expr::AllOp { left, compare_op, right } => (left, compare_op, right, true),
        _ => return,
    };
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

/// `ARRAY(SELECT ...)`: a scalar subquery that aggregates, or an empty array.
pub(super) fn from_subquery(expr: &mut Expr) {
    let Some(query) = array_query(expr) else { return };
    if let Some(transform) = transformed(query) {
        *expr = transform;
        return;
    }
    if !aggregate_in_place(query) {
        return;
    }
    let query = Expr::Subquery(Box::new(query.clone()));
    *expr = call("coalesce", vec![query, call("make_array", Vec::new())]);
}

/// Makes the only column of a plain SELECT an `array_agg` of itself, in the query's order.
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
    let Some(element) = only_column(select) else { return false };
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

/// The only column of a SELECT without groups.
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

/// `ARRAY(SELECT f(x) FROM unnest(a) x)` is `a` with each element changed.
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

fn unnested(factor: &TableFactor) -> Option<(Expr, Ident)> {
    match factor {
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

/// `generate_subscripts(a, 1)` in a SELECT list: the numbers from 1 to the length.
pub(super) fn subscripts(expr: &mut Expr) {
    let Expr::Function(function) = &*expr else { return };
    let Some(arguments) = call_arguments(function) else { return };
    let Some(array) = arguments.first().copied().cloned() else { return };
    let one = Expr::Value(Value::Number("1".to_owned(), false).into());
    *expr = call("unnest", vec![call("generate_series", vec![one, call("cardinality", vec![array])])]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(literal: &str, expected: Option<&[&str]>) {
        let found = elements(literal).map(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>());
        let expected = expected.map(|expected| expected.iter().map(ToString::to_string).collect());
        assert_eq!(found, expected, "{literal}");
    }

    #[test]
    fn array_literals_read_as_in_postgres() {
        check("{}", Some(&[]));
        check("{a,b}", Some(&["'a'", "'b'"]));
        check("{ a , \"b c\" , NULL, \"NULL\" }", Some(&["'a'", "'b c'", "NULL", "'NULL'"]));
        check("{\"a,b\",\"c\\\"d\"}", Some(&["'a,b'", "'c\"d'"]));
        check("{{1},{2}}", None);
        check("{a", None);
        check("{\"a}", None);
        check("a", None);
    }
}
