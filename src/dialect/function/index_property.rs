//! Functions that tell what can be done with access methods, indexes and relations: every index is a `btree` in ascending
//! order, and a session changes its own temporary tables alone.

use super::define::{Context, Definition, Returns, integer, null, object, stable, text};
use super::object_name::table_oid;
use super::privilege::is_own;
use crate::dialect::catalog::oid;
use datafusion::common::{Result, ScalarValue};

/// Their definitions, sorted by name.
pub(crate) const FUNCTIONS: &[Definition] = &[
    stable("pg_column_is_updatable", "Whether a column can be changed.", &[3], Returns::Bool, |context, values| {
        if values.iter().any(ScalarValue::is_null) {
            return Ok(null());
        }
        let is_column = integer(values, 1)?.is_some_and(|number| number > 0);
        Ok(ScalarValue::from(is_column && is_own(context, values)?))
    }),
    stable(
        "pg_get_replica_identity_index",
        "Index whose columns tell a table's rows apart.",
        &[1],
        Returns::Oid,
        |context, values| {
            let ScalarValue::UInt32(Some(number)) = table_oid(context, values)? else { return Ok(null()) };
            let Some((schema, table)) = context.names().relation(number) else { return Ok(null()) };
            let index = context.names().oid(Some(schema), &oid::key_index(table), &[]);
            Ok(index.map_or(null(), ScalarValue::from))
        },
    ),
    stable(
        "pg_index_column_has_property",
        "Whether a column of an index has a property.",
        &[3],
        Returns::Bool,
        of_column,
    ),
    stable("pg_index_has_property", "Whether an index has a property.", &[2], Returns::Bool, |context, values| {
        let (Some(_), Some(property)) = (width(context, values)?, text(values, 1)) else { return Ok(null()) };
        Ok(answer(&OF_INDEX, &property))
    }),
    stable(
        "pg_indexam_has_property",
        "Whether an access method of indexes has a property.",
        &[2],
        Returns::Bool,
        |_, values| {
            let Some(property) = text(values, 1).filter(|_| matches!(object(values, 0), Ok(Some(oid::BTREE)))) else {
                return Ok(null());
            };
            Ok(answer(&OF_METHOD, &property))
        },
    ),
    stable(
        "pg_relation_is_updatable",
        "Ways in which a relation can be changed, as bits: 4 UPDATE, 8 INSERT, 16 DELETE.",
        &[2],
        Returns::Int,
        |context, values| {
            if values.iter().any(ScalarValue::is_null) {
                return Ok(null());
            }
            Ok(ScalarValue::from(if is_own(context, values)? { 28_i32 } else { 0 }))
        },
    ),
    stable(
        "row_security_active",
        "Whether policies hide rows of a table: never.",
        &[1],
        Returns::Bool,
        |context, values| match table_oid(context, values)? {
            ScalarValue::UInt32(Some(_)) => Ok(ScalarValue::from(false)),
            _ => Ok(null()),
        },
    ),
];

/// Of the method `btree`.
const OF_METHOD: [(&str, bool); 5] =
    [("can_exclude", true), ("can_include", true), ("can_multi_col", true), ("can_order", true), ("can_unique", true)];

/// What an index can.
const OF_INDEX: [(&str, bool); 4] =
    [("backward_scan", true), ("bitmap_scan", true), ("clusterable", true), ("index_scan", true)];

/// Of a column of an index.
const OF_COLUMN: [(&str, bool); 9] = [
    ("asc", true),
    ("desc", false),
    ("distance_orderable", false),
    ("nulls_first", false),
    ("nulls_last", true),
    ("orderable", true),
    ("returnable", true),
    ("search_array", true),
    ("search_nulls", true),
];

/// What a list says of a property; NULL for one that is not in it.
fn answer(list: &[(&str, bool)], property: &str) -> ScalarValue {
    let found = list.iter().find(|(name, _)| name.eq_ignore_ascii_case(property));
    found.map_or(null(), |(_, has)| ScalarValue::from(*has))
}

/// How many columns the index has that an argument names; `None` for a relation that is no index.
fn width(context: &Context<'_>, values: &[ScalarValue]) -> Result<Option<usize>> {
    let ScalarValue::UInt32(Some(number)) = table_oid(context, values)? else { return Ok(None) };
    let Some((schema, index)) = context.names().relation(number) else { return Ok(None) };
    let Some(table) = context.names().table_of_index(schema, index) else { return Ok(None) };
    Ok(context.comments().map(|comments| comments.key(schema, table).len()))
}

/// What there is to say of a column by its place; NULL behind the last.
fn of_column(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let (Some(width), Some(place), Some(property)) = (width(context, values)?, integer(values, 1)?, text(values, 2))
    else {
        return Ok(null());
    };
    let is_there = usize::try_from(place).is_ok_and(|place| (1..=width).contains(&place));
    Ok(if is_there { answer(&OF_COLUMN, &property) } else { null() })
}
