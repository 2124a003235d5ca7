//! The last walk of the rewriter marks what the typing of the plan must tell apart (`typing::marked`): casts, whose types
//! DataFusion's names of columns leave out, texts in quotes among VALUES of other types, and numbers of too many digits.
//!
//! Casts of literals are not marked outside of VALUES, since LIMIT, frames and functions in FROM want literals; nor are
//! those of parameters. Those to a type that shares its Arrow type with others are, so that clients are told of it.

use super::build::{call, call_arguments, is_call, literal, take, text};
use crate::dialect::parse::walk::WalkMut;
use crate::dialect::typing::marked;
use datafusion::sql::sqlparser::ast::{
    CastFormat, Expr, Query, SetExpr, TableFactor, UnaryOperator, Value, VisitMut, VisitorMut,
};
use std::ops::ControlFlow;

/// Marks a statement that is rewritten otherwise.
pub(super) fn mark<T: VisitMut>(statement: &mut T) {
    let _ = statement.walk_mut(&mut Marks { functions: 0 });
}

struct Marks {
    /// Functions in FROM around the point of the walk, whose arguments stay as they are.
    functions: usize,
}

fn is_in_from(factor: &TableFactor) -> bool {
    matches!(
        factor,
        TableFactor::Function { .. }
            | TableFactor::TableFunction { .. }
            | TableFactor::UNNEST { .. }
            | TableFactor::Table { args: Some(_), .. }
    )
}

impl VisitorMut for Marks {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        values(&mut query.body);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        self.functions += usize::from(is_in_from(factor));
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        self.functions -= usize::from(is_in_from(factor));
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Some(digits) = beyond(expr) {
            *expr = call(marked::BEYOND, vec![text(&digits)]);
        }
        let told = matches!(expr, Expr::Cast { format: Some(_), .. });
        if self.functions == 0
            && let Expr::Cast { expr: inner, .. } = &*expr
            && (told || !is_constant(inner))
        {
            mark_cast(expr);
        } else if let Expr::Cast { format, .. } = expr {
            *format = None;
        }
        ControlFlow::Continue(())
    }
}

/// Digits that a `numeric` has here, before and behind the point.
const DIGITS_MAX: i64 = 76;

/// The number, with its sign, that has more digits than a `numeric` has room for.
fn beyond(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) if is_beyond(digits) => Some(digits.clone()),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } if is_call(inner, marked::BEYOND) => {
            let Expr::Function(function) = inner.as_ref() else { return None };
            let digits = literal(call_arguments(function)?.into_iter().next()?)?;
            Some(format!("-{digits}"))
        }
        _ => None,
    }
}

/// Whether the exponent of a number, or its length, asks for more digits than there is room for.
fn is_beyond(digits: &str) -> bool {
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let length = |part: &str| i64::try_from(part.len()).unwrap_or(i64::MAX);
    let Ok(exponent) = exponent.parse::<i64>() else { return true };
    length(whole.trim_start_matches('0')).saturating_add(exponent) > DIGITS_MAX
        || length(fraction).saturating_sub(exponent) > DIGITS_MAX
}

/// Puts the mark around a cast, with its type as it was written where the cast still has it.
fn mark_cast(expr: &mut Expr) {
    let name = match expr {
        Expr::Cast { data_type, format, .. } => match format.take() {
            Some(CastFormat::Value(written)) => written.value.into_string().unwrap_or_default(),
            _ => data_type.to_string(),
        },
        Expr::TypedString(typed) => typed.data_type.to_string(),
        _ => String::new(),
    };
    *expr = call(marked::CAST, vec![take(expr), text(&name)]);
}

/// Whether an expression is a cast, also in parentheses.
fn is_cast(expr: &Expr) -> bool {
    match expr {
        Expr::Cast { .. } | Expr::TypedString(_) => true,
        Expr::Nested(inner) => is_cast(inner),
        _ => false,
    }
}

/// Whether an expression is written out, or a parameter.
fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Value(_) | Expr::TypedString(_) | Expr::Interval(_) => true,
        Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } | Expr::Cast { expr: inner, .. } => is_constant(inner),
        _ => false,
    }
}

/// Marks the casts in VALUES, and the texts in quotes of columns that hold something else too.
fn values(body: &mut SetExpr) {
    match body {
        SetExpr::SetOperation { left, right, .. } => {
            values(left);
            values(right);
        }
        SetExpr::Values(list) => {
            let columns = list.rows.first().map_or(0, |row| row.content.len());
            for column in 0..columns {
                let mut cells: Vec<&mut Expr> =
                    list.rows.iter_mut().filter_map(|row| row.content.get_mut(column)).collect();
                let mixed = cells.iter().any(|cell| literal(cell).is_some())
                    && cells.iter().any(|cell| literal(cell).is_none() && !is_null(cell));
                for cell in &mut cells {
                    if literal(cell).is_some() && mixed {
                        **cell = call(marked::UNKNOWN, vec![take(cell)]);
                    } else if is_cast(cell) {
                        mark_cast(cell);
                    }
                }
            }
        }
        _ => {}
    }
}

fn is_null(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if value.value == Value::Null)
}
