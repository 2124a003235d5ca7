//! The types of parameters that a statement itself spells out, `$1::int` and `LIMIT $2`, for clients
//! that name none in Parse.
//!
//! DataFusion 55: `get_parameter_types` infers a parameter's type from the column it is compared
//! with, but neither from a cast around it nor from LIMIT and OFFSET (apache/datafusion#15978, open).
//! Not needed once a plan of `SELECT $1::int LIMIT $2` tells Int32 and Int64:
//! `tokio_postgres_client.rs` has the casts.

use crate::dialect::moment::types::{INTERVAL, TIME};
use datafusion::arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::sql::sqlparser::ast::{self, ArrayElemTypeDef, Expr, LimitClause, Query, Value, Visit, Visitor};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Types by the parameter's name, such as `$1`, of a rewritten statement; a parameter that is not
/// spelled out is missing. The first place that tells wins.
pub(crate) fn spelled_out(statement: &ast::Statement) -> BTreeMap<String, DataType> {
    let mut found = Parameters::default();
    let _ = statement.visit(&mut found);
    found.types
}

/// The walk over a statement that collects these types.
#[derive(Default)]
struct Parameters {
    /// Types found so far, by the parameter's name.
    types: BTreeMap<String, DataType>,
}

impl Visitor for Parameters {
    type Break = ();

    /// A parameter in LIMIT or OFFSET is a `bigint`.
    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &query.limit_clause {
            let counts = limit.iter().chain(offset.iter().map(|offset| &offset.value));
            for name in counts.filter_map(parameter) {
                self.types.entry(name).or_insert(DataType::Int64);
            }
        }
        ControlFlow::Continue(())
    }

    /// A parameter directly under a cast has the cast's type.
    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Cast { expr: inner, data_type, .. } = expr
            && let Some(name) = parameter(inner)
            && let Some(data_type) = arrow_type(data_type)
        {
            self.types.entry(name).or_insert(data_type);
        }
        ControlFlow::Continue(())
    }
}

/// The name of a parameter, also in parentheses; `None` for every other expression.
fn parameter(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Nested(inner) => parameter(inner),
        Expr::Value(value) => match &value.value {
            Value::Placeholder(name) => Some(name.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// The Arrow type of a normalised SQL type; `None` for types that a parameter cannot be sent as, such
/// as `numeric`.
fn arrow_type(data_type: &ast::DataType) -> Option<DataType> {
    Some(match data_type {
        ast::DataType::Boolean | ast::DataType::Bool => DataType::Boolean,
        ast::DataType::SmallInt(_) | ast::DataType::Int2(_) => DataType::Int16,
        ast::DataType::Int(_) | ast::DataType::Integer(_) | ast::DataType::Int4(_) => DataType::Int32,
        ast::DataType::BigInt(_) | ast::DataType::Int8(_) => DataType::Int64,
        ast::DataType::IntUnsigned(_) => DataType::UInt32,
        ast::DataType::Real | ast::DataType::Float4 => DataType::Float32,
        ast::DataType::DoublePrecision | ast::DataType::Float8 => DataType::Float64,
        ast::DataType::Text => DataType::Utf8,
        ast::DataType::Date => DataType::Date32,
        ast::DataType::Time(_, ast::TimezoneInfo::None | ast::TimezoneInfo::WithoutTimeZone) => TIME,
        ast::DataType::Interval { .. } => INTERVAL,
        ast::DataType::Bytea => DataType::Binary,
        ast::DataType::Timestamp(_, ast::TimezoneInfo::Tz | ast::TimezoneInfo::WithTimeZone) => {
            crate::dialect::catalog::definition::timestamptz()
        }
        ast::DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Microsecond, None),
        ast::DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => {
            DataType::List(Arc::new(Field::new("element", arrow_type(element)?, true)))
        }
        _ => return None,
    })
}
