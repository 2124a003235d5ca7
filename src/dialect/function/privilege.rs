//! Functions about privileges: everybody may read, nobody may write. The objects they name must be there, as in PostgreSQL:
//! an unknown name is an error, an unknown number gives NULL.

use super::catalog::open;
use super::define::{Context, Definition, Returns, integer, is_text, null, stable, text};
use super::failure::fails;
use super::named_object::{self, Object};
use super::object_name::{schema_oid, table_oid};
use super::session::role_oid;
use crate::dialect::catalog::description::is_temporary;
use crate::dialect::catalog::oid;
use crate::error::ErrorKind;
use datafusion::common::{Result, ScalarValue};

/// A function that tells whether a user has one of the named privileges of an object.
macro_rules! has_privilege {
    ($name:literal, $doc:literal, $object:expr, $known:expr) => {
        stable($name, $doc, $object.arguments(), Returns::Bool, |context, values| {
            privilege(context, values, $object, $known)
        })
    };
}

/// Their definitions, sorted by name. Names of tables are looked for along the search path of a session.
pub(crate) const FUNCTIONS: &[Definition] = &[
    has_privilege!(
        "has_any_column_privilege",
        "Whether a user may read some column of a table.",
        Object::Table,
        OF_COLUMN
    ),
    has_privilege!("has_column_privilege", "Whether a user may read a column.", Object::Column, OF_COLUMN),
    has_privilege!(
        "has_database_privilege",
        "Whether a user may connect to a database.",
        Object::Database,
        OF_DATABASE
    ),
    has_privilege!(
        "has_foreign_data_wrapper_privilege",
        "Whether a user may use a foreign data wrapper.",
        Object::Absent("foreign-data wrapper"),
        &["USAGE"]
    ),
    has_privilege!("has_function_privilege", "Whether a user may call a function.", Object::Function, &["EXECUTE"]),
    has_privilege!("has_language_privilege", "Whether a user may use a language.", Object::Language, &["USAGE"]),
    has_privilege!(
        "has_parameter_privilege",
        "Whether a user may change a setting.",
        Object::Other,
        &["ALTER SYSTEM", "SET"]
    ),
    has_privilege!(
        "has_schema_privilege",
        "Whether a user may look into a schema.",
        Object::Schema,
        &["CREATE", "USAGE"]
    ),
    has_privilege!(
        "has_sequence_privilege",
        "Whether a user may read a sequence.",
        Object::Sequence,
        &["SELECT", "UPDATE", "USAGE"]
    ),
    has_privilege!(
        "has_server_privilege",
        "Whether a user may use a foreign server.",
        Object::Absent("server"),
        &["USAGE"]
    ),
    has_privilege!("has_table_privilege", "Whether a user may read a table.", Object::Table, OF_TABLE),
    has_privilege!("has_tablespace_privilege", "Whether a user may use a tablespace.", Object::Tablespace, &["CREATE"]),
    has_privilege!("has_type_privilege", "Whether a user may use a type.", Object::Type, &["USAGE"]),
    stable(
        "pg_get_serial_sequence",
        "Sequence behind a column: NULL, since none has one.",
        &[2],
        Returns::Text,
        |context, values| {
            if values.iter().any(ScalarValue::is_null) {
                return Ok(null());
            }
            let table = table_oid(context, values)?;
            column(context, &table, values.get(1..).unwrap_or_default())?;
            Ok(null())
        },
    ),
];

/// The privileges of a database, sorted.
const OF_DATABASE: &[&str] = &["CONNECT", "CREATE", "TEMP", "TEMPORARY"];

/// The privileges of a table, sorted.
const OF_TABLE: &[&str] = &["DELETE", "INSERT", "REFERENCES", "RULE", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE"];

/// The privileges of a column, sorted.
const OF_COLUMN: &[&str] = &["INSERT", "REFERENCES", "SELECT", "UPDATE"];

/// Whether a privilege is had: the last argument, any of a list with commas. Before it stand the object and, if it is
/// given, the user in front.
fn privilege(context: &Context<'_>, values: &[ScalarValue], of: Object, known: &[&str]) -> Result<ScalarValue> {
    if values.iter().any(ScalarValue::is_null) {
        return Ok(null());
    }
    let place = usize::from(of == Object::Column);
    let Some((wanted, before)) = values.split_last() else { return Ok(null()) };
    let object = match before {
        [user, object @ ..] if object.len() == place + 1 => {
            if is_text(user) && text(before, 0).as_deref() != Some("public") {
                role_oid(context, before)?;
            }
            object
        }
        object => object,
    };
    let there = match of {
        Object::Table => relation(context, &table_oid(context, object)?),
        Object::Column => {
            let table = table_oid(context, object)?;
            relation(context, &table) && column(context, &table, object.get(1..).unwrap_or_default())?
        }
        Object::Schema => match schema_oid(context, object)? {
            ScalarValue::UInt32(Some(number)) => {
                context.names().schemas().any(|schema| oid::namespace(schema) == number)
            }
            _ => false,
        },
        Object::Other => true,
        other => named_object::is_there(context, object, other)?,
    };
    let wanted = text(std::slice::from_ref(wanted), 0).unwrap_or_default();
    let mut reads = false;
    for name in wanted.split(',') {
        let written = name.trim();
        let name = written.to_ascii_uppercase();
        let plain = name.strip_suffix(" WITH GRANT OPTION").unwrap_or(&name);
        if !known.contains(&plain) {
            return fails(ErrorKind::InvalidParameter, format!("unrecognized privilege type: \"{written}\""));
        }
        // A session may make temporary tables, and do with its own what it likes.
        let own = matches!(of, Object::Table | Object::Column) && is_own(context, object)?;
        reads |= own || matches!(name.as_str(), "SELECT" | "USAGE" | "CONNECT" | "EXECUTE" | "TEMP" | "TEMPORARY");
    }
    Ok(if there { ScalarValue::from(reads) } else { null() })
}

/// Whether a table is a temporary one of the session.
pub(super) fn is_own(context: &Context<'_>, object: &[ScalarValue]) -> Result<bool> {
    let ScalarValue::UInt32(Some(number)) = table_oid(context, object)? else { return Ok(false) };
    Ok(context.names().relation(number).is_some_and(|(schema, _)| is_temporary(schema)))
}

/// Whether a number is that of a relation.
fn relation(context: &Context<'_>, table: &ScalarValue) -> bool {
    matches!(table, ScalarValue::UInt32(Some(number)) if context.names().relation(*number).is_some())
}

/// Columns that every table has beside its own.
const SYSTEM_COLUMNS: &[&str] = &["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"];

/// Whether a table has a column, given by its name or its number from 1. A table that cannot be looked at at once counts as
/// having it.
///
/// # Errors
/// 42703 for a name that no column has.
fn column(context: &Context<'_>, table: &ScalarValue, values: &[ScalarValue]) -> Result<bool> {
    let ScalarValue::UInt32(Some(number)) = table else { return Ok(false) };
    let Some(provider) = open(context, *number) else { return Ok(true) };
    let schema = provider.schema();
    if !values.first().is_some_and(is_text) {
        let place = integer(values, 0)?.and_then(|place| usize::try_from(place).ok());
        return Ok(place.is_some_and(|place| (1..=schema.fields().len()).contains(&place)));
    }
    let name = text(values, 0).unwrap_or_default();
    if SYSTEM_COLUMNS.contains(&name.as_str()) || schema.field_with_name(&name).is_ok() {
        return Ok(true);
    }
    let table = context.names().relation(*number).map_or("", |(_, table)| table);
    fails(ErrorKind::UnknownColumn, format!("column \"{name}\" of relation \"{table}\" does not exist"))
}
