//! The types that a statement gives its parameters by casts, where several share one Arrow type: `$1::name`, `$1::json`.

use crate::dialect::catalog::types;
use crate::dialect::catalog::written::written;
use crate::dialect::parse::walk::Walk;
use datafusion::sql::sqlparser::ast::{Expr, Statement, Value};
use std::collections::BTreeMap;

/// What is seen of one parameter.
#[derive(Default)]
struct Seen {
    /// How many times it is there.
    times: usize,
    /// The type of its casts, and how many have it.
    cast: Option<(u32, usize)>,
}

/// The number of a parameter; `None` of all else.
fn number(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Nested(inner) => number(inner),
        Expr::Value(value) => match &value.value {
            Value::Placeholder(name) => name.strip_prefix('$')?.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// The number of the type of each parameter that stands in casts to one type alone, where its Arrow type does not tell.
pub(crate) fn parameter_types(statement: &Statement) -> BTreeMap<usize, u32> {
    let mut seen: BTreeMap<usize, Seen> = BTreeMap::new();
    statement.walk_expressions(|expr| match expr {
        Expr::Value(_) => {
            if let Some(number) = number(expr) {
                seen.entry(number).or_default().times += 1;
            }
        }
        Expr::Cast { expr: inner, data_type, .. } => {
            if let (Some(number), Some((oid, _))) = (number(inner), written(&data_type.to_string())) {
                let (first, times) = seen.entry(number).or_default().cast.get_or_insert((oid, 0));
                *times += usize::from(*first == oid);
            }
        }
        _ => {}
    });
    let told = |(number, seen): (usize, Seen)| {
        let (oid, times) = seen.cast?;
        (times == seen.times && is_told(oid)).then_some((number, oid))
    };
    seen.into_iter().filter_map(told).collect()
}

/// Whether parameters of a type are read as texts here, and the client is told the type.
fn is_told(oid: u32) -> bool {
    let base = types::base_or_element(oid);
    base.is_some_and(|(base, array)| match base.name {
        "name" | "char" | "varchar" | "bpchar" => true,
        "json" | "jsonb" | "uuid" | "tid" | "regclass" | "regtype" | "regproc" | "regnamespace" | "regrole" => !array,
        _ => false,
    })
}
