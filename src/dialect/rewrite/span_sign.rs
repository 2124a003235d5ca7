//! Signs of the spans of time that a statement writes out, as the style of the SQL standard means them: there, in
//! `interval '-1 2:03'` the hours are negative too.

use crate::dialect::parse::walk::WalkMut;
use crate::error::{ErrorKind, QueryError};
use crate::text::interval::{parse, signed};
use datafusion::sql::sqlparser::ast::{DataType, Expr, Value, ValueWithSpan, VisitMut, VisitorMut};
use std::ops::ControlFlow;

/// Gives each part of a span its sign, where the statement says that a text is a span; the texts are then the same in all
/// styles.
///
/// # Errors
/// 0A000 for another text that may become a span, and would be another one in this style: which of them do is known
/// once types are, and then the style is not.
pub(crate) fn settle(statement: &mut impl VisitMut) -> Result<(), QueryError> {
    struct Settling;

    impl VisitorMut for Settling {
        type Break = QueryError;

        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<QueryError> {
            let written = match expr {
                Expr::Interval(interval) => Some(&mut interval.value),
                Expr::Cast { expr, data_type: DataType::Interval { .. }, .. } => Some(expr),
                _ => None,
            };
            if let Some(Expr::Value(value)) = written.map(AsMut::as_mut) {
                settle_value(value);
            }
            if let Expr::TypedString(typed) = expr
                && matches!(typed.data_type, DataType::Interval { .. })
            {
                settle_value(&mut typed.value);
            }
            ControlFlow::Continue(())
        }

        fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<QueryError> {
            match &value.value {
                Value::SingleQuotedString(text) if signed(text).is_some() && parse(text).is_ok() => {
                    let message = format!("\"{text}\" is not supported where intervalstyle is sql_standard");
                    let error = QueryError::new(ErrorKind::NotSupported, message);
                    ControlFlow::Break(error.with_hint("Write INTERVAL before it, or a sign before each of its parts."))
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }

    match statement.walk_mut(&mut Settling) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

fn settle_value(value: &mut ValueWithSpan) {
    if let Value::SingleQuotedString(text) = &mut value.value
        && let Some(signed) = signed(text)
    {
        *text = signed;
    }
}
