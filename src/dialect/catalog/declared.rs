//! A `Definition` holds the name, the fixed object identifier and the columns of one table or view of
//! `pg_catalog` or `information_schema`, as clients of PostgreSQL 16 expect them.
//!
//! Columns are written `name type` in order, with PostgreSQL's names of types. Array types end in `[]`. Values of `regproc`
//! and `xid` are numbers, those of types that have no Arrow type of their own (node trees, access lists) are texts. An
//! identifier of 0 means that PostgreSQL fixes none: it is derived from the name.

use crate::text::array::VECTOR;
use arrow::datatypes::{DataType, Field, IntervalUnit, Schema, SchemaRef, TimeUnit};
use std::sync::Arc;

/// One table of `pg_catalog` or view of `information_schema`, filled or always empty.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    /// The table's name, without its schema.
    pub name: &'static str,
    /// The identifier PostgreSQL gives this table in every installation, or 0.
    pub fixed_oid: u32,
    /// Whether PostgreSQL has it as a view.
    pub is_view: bool,
    /// The columns as `name type`, with commas between.
    columns: &'static str,
}

impl Definition {
    /// Names and PostgreSQL type names of the columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.columns
            .split(',')
            .filter_map(|column| column.trim().split_once(' '))
            .map(|(name, kind)| (name, kind.trim()))
    }

    /// The table's Arrow schema. Every column may be NULL as far as DataFusion is concerned, since a
    /// wrong promise would let its optimizer drop conditions.
    pub fn schema(&self) -> SchemaRef {
        let fields = self.columns().map(|(name, kind)| Field::new(name, arrow_type(kind), true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

/// Instants as every table holds them: microseconds since 1970 in UTC.
pub(crate) fn timestamptz() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The Arrow type that stands for a PostgreSQL type name of this file; text for every name without a
/// type of its own.
fn arrow_type(kind: &str) -> DataType {
    if let Some(element) = kind.strip_suffix("[]") {
        return DataType::List(Arc::new(Field::new("element", arrow_type(element), true)));
    }
    let vector = |element| DataType::List(Arc::new(Field::new(VECTOR, element, true)));
    match kind {
        "int2vector" => vector(DataType::Int16),
        "oidvector" => vector(DataType::UInt32),
        "bool" => DataType::Boolean,
        "int2" => DataType::Int16,
        "int4" => DataType::Int32,
        "int8" => DataType::Int64,
        "oid" | "regproc" | "xid" => DataType::UInt32,
        "float4" => DataType::Float32,
        "float8" => DataType::Float64,
        "timestamptz" => timestamptz(),
        "interval" => DataType::Interval(IntervalUnit::MonthDayNano),
        "bytea" => DataType::Binary,
        // Exact to the digit, and as long as a certificate's number may be.
        "numeric" => DataType::Decimal128(38, 0),
        "anyarray" => arrow_type("text[]"),
        _ => DataType::Utf8,
    }
}

/// One line of the list of tables.
pub(crate) const fn table(name: &'static str, fixed_oid: u32, columns: &'static str) -> Definition {
    Definition { name, fixed_oid, is_view: false, columns }
}

/// One line of a list of views, whose identifiers PostgreSQL does not fix.
pub(crate) const fn view(name: &'static str, columns: &'static str) -> Definition {
    Definition { name, fixed_oid: 0, is_view: true, columns }
}
