//! The rewriter spells out comparisons of rows: `(a, b) = (c, d)` becomes `a = c AND b = d`, and `(a,
//! b) IN (SELECT c, d ...)` an EXISTS.
//!
//! PostgreSQL compares rows field by field from the left, so that a NULL counts only where it decides;
//! and a row IS NULL when all of its fields are.
//!
//! DataFusion 55: a row is a struct, which is compared as one value: NULL equals NULL inside of it,
//! and no struct IS NULL. IN over a query of several columns is refused. Not needed once `SELECT (1,
//! NULL) = (1, NULL)` is NULL, `ROW(NULL) IS NULL` true and `(1, 2) IN (SELECT 1, 2)` plans.

use super::build::{self, boolean, ident, is_call};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArguments, Query, Select, SetExpr, TableAliasColumnDef,
    TableFactor, UnaryOperator, Value,
};

/// Spells out one comparison of rows, before its parts are rewritten; what is no such comparison, or
/// compares rows of unequal length, stays.
pub(crate) fn compare(expr: &mut Expr) {
    let spelled = match expr {
        Expr::BinaryOp { left, op, right } => binary(left, op, right),
        Expr::IsDistinctFrom(left, right) => distinct(left, right),
        Expr::IsNotDistinctFrom(left, right) => distinct(left, right).map(not),
        Expr::IsNull(row) => fields(row).map(|fields| all(fields.into_iter().map(|field| Expr::IsNull(boxed(field))))),
        Expr::IsNotNull(row) => {
            fields(row).map(|fields| all(fields.into_iter().map(|field| Expr::IsNotNull(boxed(field)))))
        }
        Expr::Between { expr: row, negated, low, high } => {
            between(row, low, high).map(|within| or_not(within, *negated))
        }
        Expr::InList { expr: row, list, negated } => in_list(row, list).map(|found| or_not(found, *negated)),
        Expr::InSubquery { expr: row, subquery, negated } => {
            any(row, &BinaryOperator::Eq, subquery).map(|found| or_not(found, *negated))
        }
        Expr::AnyOp { left, compare_op, right, .. } => match right.as_ref() {
            Expr::Subquery(query) => any(left, compare_op, query),
            _ => None,
        },
        Expr::AllOp { left, compare_op, right } => match (right.as_ref(), contrary(compare_op)) {
            (Expr::Subquery(query), Some(contrary)) => any(left, &contrary, query).map(not),
            _ => None,
        },
        _ => None,
    };
    if let Some(spelled) = spelled {
        *expr = Expr::Nested(Box::new(spelled));
    }
}

/// Makes conjuncts of WHERE and HAVING that are `(a, b) [NOT] IN (SELECT ...)` one EXISTS each, where
/// NULL and false are the same.
pub(crate) fn conjuncts(select: &mut Select) {
    for condition in [&mut select.selection, &mut select.having].into_iter().flatten() {
        conjunct(condition);
    }
}

/// The same for the conjuncts of one condition; long chains of AND lean to the left.
fn conjunct(condition: &mut Expr) {
    let mut rest = condition;
    while let Expr::BinaryOp { left, op: BinaryOperator::And, right } = rest {
        conjunct_alone(right);
        rest = left;
    }
    conjunct_alone(rest);
}

fn conjunct_alone(condition: &mut Expr) {
    match condition {
        Expr::Nested(inner) => conjunct(inner),
        Expr::InSubquery { expr: row, subquery, negated } => {
            let Some(fields) = fields(row) else { return };
            let Some(equal) = ordered(&fields, &BinaryOperator::Eq, &columns(fields.len())) else { return };
            let wanted = if *negated { Expr::IsNotFalse(boxed(equal)) } else { equal };
            if let Some(found) = exists(subquery, fields.len(), wanted, *negated) {
                *condition = found;
            }
        }
        _ => {}
    }
}

/// The fields of a row that is written out: `(a, b)` or `ROW(a)`.
fn fields(row: &Expr) -> Option<Vec<Expr>> {
    match row {
        Expr::Tuple(fields) => Some(fields.clone()),
        Expr::Nested(inner) => fields(inner),
        Expr::Function(Function { args: FunctionArguments::List(_), .. }) if is_call(row, "row") => {
            let Expr::Function(function) = row else { return None };
            let fields = build::call_arguments(function)?;
            (!fields.is_empty()).then(|| fields.into_iter().cloned().collect())
        }
        _ => None,
    }
}

/// A comparison of two rows, or of a row and a query of one row.
fn binary(left: &Expr, op: &BinaryOperator, right: &Expr) -> Option<Expr> {
    contrary(op)?;
    match (fields(left), fields(right), left, right) {
        (Some(left), Some(right), ..) => ordered(&left, op, &right),
        (Some(row), None, _, Expr::Subquery(query)) => {
            let compared = ordered(&row, op, &columns(row.len()))?;
            shell(query, row.len(), compared, None).map(|query| Expr::Subquery(Box::new(query)))
        }
        (None, Some(row), Expr::Subquery(query), _) => {
            let compared = ordered(&columns(row.len()), op, &row)?;
            shell(query, row.len(), compared, None).map(|query| Expr::Subquery(Box::new(query)))
        }
        _ => None,
    }
}

/// The comparison of rows of equal length, field by field; `None` for other lengths and operators.
fn ordered(left: &[Expr], op: &BinaryOperator, right: &[Expr]) -> Option<Expr> {
    if left.len() != right.len() {
        return None;
    }
    let compared = |at: usize, op: &BinaryOperator| {
        nested(Expr::BinaryOp { left: boxed(inside(&left[at])), op: op.clone(), right: boxed(inside(&right[at])) })
    };
    let strict = match op {
        BinaryOperator::Eq => return Some(nested(all((0..left.len()).map(|at| compared(at, op))))),
        BinaryOperator::NotEq => {
            let different = (0..left.len()).map(|at| compared(at, op));
            return different.reduce(|one, other| join(one, BinaryOperator::Or, other)).map(nested);
        }
        BinaryOperator::Lt | BinaryOperator::LtEq => BinaryOperator::Lt,
        BinaryOperator::Gt | BinaryOperator::GtEq => BinaryOperator::Gt,
        _ => return None,
    };
    let last = left.len().checked_sub(1)?;
    let decided = (0..last).rev().fold(compared(last, op), |rest, at| {
        let equal = join(compared(at, &BinaryOperator::Eq), BinaryOperator::And, rest);
        nested(join(compared(at, &strict), BinaryOperator::Or, nested(equal)))
    });
    Some(decided)
}

/// Whether two rows differ in a field, NULL taken as a value.
fn distinct(left: &Expr, right: &Expr) -> Option<Expr> {
    let (left, right) = (fields(left)?, fields(right)?);
    if left.len() != right.len() {
        return None;
    }
    let fields = left.into_iter().zip(right);
    let differ = fields.map(|(left, right)| nested(Expr::IsDistinctFrom(boxed(inside(&left)), boxed(inside(&right)))));
    differ.reduce(|one, other| join(one, BinaryOperator::Or, other)).map(nested)
}

fn between(row: &Expr, low: &Expr, high: &Expr) -> Option<Expr> {
    let (row, low, high) = (fields(row)?, fields(low)?, fields(high)?);
    let above = ordered(&row, &BinaryOperator::GtEq, &low)?;
    Some(nested(join(above, BinaryOperator::And, ordered(&row, &BinaryOperator::LtEq, &high)?)))
}

/// Whether a row equals one of a list of rows.
fn in_list(row: &Expr, list: &[Expr]) -> Option<Expr> {
    let row = fields(row)?;
    let equal = list.iter().map(|other| ordered(&row, &BinaryOperator::Eq, &fields(other)?));
    let equal = equal.collect::<Option<Vec<_>>>()?;
    equal.into_iter().reduce(|one, other| join(one, BinaryOperator::Or, other)).map(nested)
}

/// Whether a comparison with some row of a query is true: true, NULL or false.
fn any(row: &Expr, op: &BinaryOperator, query: &Query) -> Option<Expr> {
    let row = fields(row)?;
    let compared = ordered(&row, op, &columns(row.len()))?;
    let found = exists(query, row.len(), compared.clone(), false)?;
    let unknown = exists(query, row.len(), Expr::IsNull(boxed(compared)), false)?;
    let null = build::cast(Expr::Value(Value::Null.into()), DataType::Boolean);
    // `found OR (CASE WHEN unknown THEN NULL ELSE false END)`, in a form that has no CASE.
    let unknown = join(nested(unknown), BinaryOperator::And, null);
    Some(nested(join(found, BinaryOperator::Or, nested(unknown))))
}

/// `EXISTS (SELECT 1 FROM (query) AS __row (__row_1, ...) WHERE condition)`.
fn exists(query: &Query, width: usize, condition: Expr, negated: bool) -> Option<Expr> {
    let subquery = shell(query, width, Expr::Value(Value::Number("1".to_owned(), false).into()), Some(condition))?;
    Some(Expr::Exists { subquery: Box::new(subquery), negated })
}

/// `SELECT value FROM (query) AS __row (__row_1, ...) WHERE condition`.
fn shell(query: &Query, width: usize, value: Expr, condition: Option<Expr>) -> Option<Query> {
    let mut outer = build::query("SELECT 1 FROM (SELECT 1) AS __row")?;
    let SetExpr::Select(select) = outer.body.as_mut() else { return None };
    select.projection = vec![datafusion::sql::sqlparser::ast::SelectItem::UnnamedExpr(value)];
    select.selection = condition;
    let TableFactor::Derived { subquery, alias, .. } = &mut select.from.first_mut()?.relation else { return None };
    **subquery = query.clone();
    let names = (1..=width).map(|at| TableAliasColumnDef::from_name(name(at)));
    alias.as_mut()?.columns = names.collect();
    Some(outer)
}

fn name(at: usize) -> String {
    format!("__row_{at}")
}

/// The columns of the query in such a shell.
fn columns(width: usize) -> Vec<Expr> {
    (1..=width).map(|at| Expr::CompoundIdentifier(vec![ident("__row"), ident(&name(at))])).collect()
}

/// The operator that is true where this one is false; `None` when it compares no rows.
pub(super) fn contrary(op: &BinaryOperator) -> Option<BinaryOperator> {
    Some(match op {
        BinaryOperator::Eq => BinaryOperator::NotEq,
        BinaryOperator::NotEq => BinaryOperator::Eq,
        BinaryOperator::Lt => BinaryOperator::GtEq,
        BinaryOperator::LtEq => BinaryOperator::Gt,
        BinaryOperator::Gt => BinaryOperator::LtEq,
        BinaryOperator::GtEq => BinaryOperator::Lt,
        _ => return None,
    })
}

/// All of these conditions; there is at least one.
fn all(conditions: impl Iterator<Item = Expr>) -> Expr {
    conditions.reduce(|one, other| join(one, BinaryOperator::And, other)).map_or_else(|| boolean(true), nested)
}

fn join(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: boxed(left), op, right: boxed(right) }
}

fn not(expr: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOperator::Not, expr: boxed(nested(expr)) }
}

fn or_not(expr: Expr, negated: bool) -> Expr {
    if negated { not(expr) } else { expr }
}

/// An operand that binds by itself; names and constants do.
fn inside(expr: &Expr) -> Expr {
    match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_) | Expr::Nested(_) | Expr::Tuple(_) => {
            expr.clone()
        }
        other => nested(other.clone()),
    }
}

fn nested(expr: Expr) -> Expr {
    Expr::Nested(boxed(expr))
}

fn boxed(expr: Expr) -> Box<Expr> {
    Box::new(expr)
}
