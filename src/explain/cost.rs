//! What a node costs, by PostgreSQL's default constants: a page read in order is 1.

use super::node::Estimate;
use arrow::datatypes::{DataType, Schema};

const PAGE_BYTES: f64 = 8192.0;
/// Cost of passing on a row.
const ROW: f64 = 0.01;
/// Cost of an operator or function on a row.
const OPERATOR: f64 = 0.0025;

/// Bytes of a row of these columns; texts and lists count as 32, as PostgreSQL assumes.
pub(super) fn width(schema: &Schema) -> usize {
    schema.fields().iter().map(|field| of_type(field.data_type())).sum()
}

fn of_type(data_type: &DataType) -> usize {
    match data_type {
        DataType::Null => 0,
        DataType::Boolean => 1,
        DataType::Interval(_) | DataType::Decimal128(..) => 16,
        other => other.primitive_width().unwrap_or(32),
    }
}

/// Rows without a source.
pub(super) fn result(rows: f64, width: usize) -> Estimate {
    Estimate { startup: 0.0, total: ROW * rows, rows, width }
}

/// A scan of `read` rows, of which `rows` are given.
pub(super) fn scan(read: f64, rows: f64, width: usize) -> Estimate {
    let pages = (read * width as f64 / PAGE_BYTES).ceil();
    Estimate { startup: 0.0, total: pages + read * ROW, rows, width }
}

/// A node that passes its input on row by row with so many operators for each row.
pub(super) fn pipe(input: Estimate, rows: f64, width: usize, operators: usize) -> Estimate {
    let work = input.rows * OPERATOR * operators as f64;
    Estimate { startup: input.startup, total: input.total + work, rows, width }
}

/// A node that takes all of its input before its first row.
pub(super) fn blocking(input: Estimate, rows: f64, width: usize, operators: usize) -> Estimate {
    let startup = input.total + input.rows * OPERATOR * operators as f64;
    Estimate { startup, total: startup + rows * ROW, rows, width }
}

/// A sort by comparison.
pub(super) fn sort(input: Estimate, width: usize) -> Estimate {
    let rows = input.rows.max(2.0);
    let startup = input.total + 2.0 * OPERATOR * rows * rows.log2();
    Estimate { startup, total: startup + OPERATOR * input.rows, rows: input.rows, width }
}

/// The first rows of an input.
pub(super) fn limit(input: Estimate, skip: f64, rows: f64) -> Estimate {
    let run = input.total - input.startup;
    let share = |rows: f64| if input.rows > 0.0 { (rows / input.rows).min(1.0) } else { 1.0 };
    let startup = input.startup + run * share(skip);
    Estimate { startup, total: input.startup + run * share(skip + rows), rows, ..input }
}

/// A join that has the whole inner input in a hash table.
pub(super) fn hash_join(outer: Estimate, inner: Estimate, rows: f64, width: usize, keys: usize) -> Estimate {
    let startup = inner.total + outer.startup;
    let work = (outer.rows + inner.rows) * OPERATOR * keys as f64 + rows * ROW;
    Estimate { startup, total: startup + (outer.total - outer.startup) + work, rows, width }
}

/// A join that looks at each pair of rows.
pub(super) fn nested_loop(outer: Estimate, inner: Estimate, rows: f64, width: usize) -> Estimate {
    let pairs = outer.rows * inner.rows;
    let startup = outer.startup + inner.startup;
    Estimate { startup, total: outer.total + inner.total + pairs * OPERATOR + rows * ROW, rows, width }
}

/// A join of two sorted inputs.
pub(super) fn merge_join(outer: Estimate, inner: Estimate, rows: f64, width: usize, keys: usize) -> Estimate {
    let work = (outer.rows + inner.rows) * OPERATOR * keys as f64 + rows * ROW;
    Estimate { startup: outer.startup + inner.startup, total: outer.total + inner.total + work, rows, width }
}

/// Inputs one after the other.
pub(super) fn append(inputs: &[Estimate], rows: f64, width: usize) -> Estimate {
    let startup = inputs.first().map_or(0.0, |first| first.startup);
    let total: f64 = inputs.iter().map(|input| input.total).sum();
    Estimate { startup, total: total + rows * ROW / 2.0, rows, width }
}
