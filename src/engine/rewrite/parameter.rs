//! Types of parameters that a statement spells out: `$1::int`, `LIMIT $2`. The planner sees neither.

use datafusion::arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::sql::sqlparser::ast::{self, ArrayElemTypeDef, Expr, LimitClause, Query, Value, Visit, Visitor};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Types by the parameter's name, such as `$1`, of a rewritten statement.
pub(in crate::engine) fn spelled_out(statement: &ast::Statement) -> BTreeMap<String, DataType> {
    let mut found = Parameters::default();
    let _ = statement.visit(&mut found);
    found.types
}

#[derive(Default)]
struct Parameters {
    types: BTreeMap<String, DataType>,
}

impl Visitor for Parameters {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &query.limit_clause {
            let counts = limit.iter().chain(offset.iter().map(|offset| &offset.value));
            for name in counts.filter_map(parameter) {
                self.types.entry(name).or_insert(DataType::Int64);
            }
        }
        ControlFlow::Continue(())
    }

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
        ast::DataType::Bytea => DataType::Binary,
        ast::DataType::Timestamp(_, ast::TimezoneInfo::Tz | ast::TimezoneInfo::WithTimeZone) => {
            crate::lake::dataset::instant()
        }
        ast::DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Microsecond, None),
        ast::DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => {
            DataType::List(Arc::new(Field::new("element", arrow_type(element)?, true)))
        }
        _ => return None,
    })
}
