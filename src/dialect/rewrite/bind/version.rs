//! The binder of `FOR SYSTEM_TIME AS OF`: the table gets the name that the schema of the tables knows it by at that moment.
//!
//! DataFusion 55: the SQL planner passes over a table's version. Not needed once it asks the catalog for it.

use super::binder::Binder;
use super::from::named;
use crate::dialect::parse::tree::fold;
use crate::dialect::parse::walk::WalkMut;
use crate::dialect::past_name;
use crate::error::{ErrorKind, QueryError};
use chrono::{DateTime, Utc};
use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, TableAlias, TableFactor, TableVersion, Value, VisitMut, VisitorMut,
};
use std::ops::ControlFlow;

impl Binder<'_> {
    /// Names a table as it is known at a moment, under the name that it has in the statement.
    ///
    /// # Errors
    /// 42809 for what has no versions, 0A000 for a moment that was not settled ([`settle`]).
    pub(super) fn at_a_moment(
        &self,
        version: &TableVersion,
        name: &mut ObjectName,
        alias: &mut Option<TableAlias>,
    ) -> Result<(), QueryError> {
        let Some(stored) = self.is_stored(name) else { return Ok(()) };
        if !stored {
            let message = "FOR SYSTEM_TIME AS OF can only be applied to tables";
            let error = QueryError::new(ErrorKind::WrongObject, message);
            return Err(error.with_hint("SET as_of reads all tables at one moment, those behind views too."));
        }
        let at = match version {
            TableVersion::ForSystemTimeAsOf(Expr::Value(value)) => match &value.value {
                Value::Number(micros, _) => micros.parse().ok().and_then(DateTime::from_timestamp_micros),
                _ => None,
            },
            _ => None,
        };
        let (Some(at), Some(ObjectNamePart::Identifier(own))) = (at, name.0.last_mut()) else {
            return Err(not_written());
        };
        let plain = fold(own);
        alias.get_or_insert_with(|| named(&plain));
        *own = Ident::with_quote('"', past_name::name(&plain, at));
        Ok(())
    }
}

/// 0A000: the moment is computed, or comes as a parameter.
fn not_written() -> QueryError {
    let error = QueryError::new(ErrorKind::NotSupported, "FOR SYSTEM_TIME AS OF takes a moment that is written out");
    error.with_hint("SET as_of takes one for all tables of the session.")
}

/// Puts the moments of `FOR SYSTEM_TIME AS OF` in the place of their texts, as the session reads them.
///
/// # Errors
/// Those of reading a text, and 0A000 for a moment that is not written out.
pub(crate) fn settle(
    statement: &mut impl VisitMut,
    read: &dyn Fn(&str) -> Result<DateTime<Utc>, QueryError>,
) -> Result<(), QueryError> {
    struct Settling<'a>(&'a dyn Fn(&str) -> Result<DateTime<Utc>, QueryError>);

    impl VisitorMut for Settling<'_> {
        type Break = QueryError;

        fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<QueryError> {
            if let TableFactor::Table { version: Some(TableVersion::ForSystemTimeAsOf(at)), .. } = factor {
                match written(at).ok_or_else(not_written).and_then(self.0) {
                    Ok(moment) => {
                        let micros = Value::Number(moment.timestamp_micros().to_string(), false);
                        *at = Expr::Value(micros.into());
                    }
                    Err(error) => return ControlFlow::Break(error),
                }
            }
            ControlFlow::Continue(())
        }
    }

    match statement.walk_mut(&mut Settling(read)) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// The text of a moment that is written out, with a type or without.
fn written(at: &Expr) -> Option<&str> {
    let value = match at {
        Expr::Value(value) => &value.value,
        Expr::TypedString(typed) => &typed.value.value,
        Expr::Cast { expr, .. } | Expr::Nested(expr) => return written(expr),
        _ => return None,
    };
    match value {
        Value::SingleQuotedString(text) => Some(text),
        _ => None,
    }
}
