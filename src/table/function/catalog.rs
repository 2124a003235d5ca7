//! Functions about tables, types and functions: names to numbers and back, descriptions, definitions, privileges.

use super::define::{
    Context, Definition, Returns, integer, is_text, is_text_type, null, object, stable, text, text_value,
};
use super::text::quote;
use crate::table::pg_catalog::functions::Function;
use crate::table::pg_catalog::{keys, oid, types};
use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::common::stats::Precision;
use datafusion::common::{Result, ScalarValue, exec_err};
use futures::FutureExt;
use std::sync::Arc;

pub(super) const FUNCTIONS: &[Definition] = &[
    stable("col_description", &[2], Returns::Text, column_description),
    stable("format_type", &[2], Returns::Text, format_type),
    stable("has_any_column_privilege", &[2, 3], Returns::Bool, privilege),
    stable("has_column_privilege", &[3, 4], Returns::Bool, privilege),
    stable("has_database_privilege", &[2, 3], Returns::Bool, privilege),
    stable("has_foreign_data_wrapper_privilege", &[2, 3], Returns::Bool, privilege),
    stable("has_function_privilege", &[2, 3], Returns::Bool, privilege),
    stable("has_language_privilege", &[2, 3], Returns::Bool, privilege),
    stable("has_parameter_privilege", &[2, 3], Returns::Bool, privilege),
    stable("has_schema_privilege", &[2, 3], Returns::Bool, privilege),
    stable("has_sequence_privilege", &[2, 3], Returns::Bool, privilege),
    stable("has_server_privilege", &[2, 3], Returns::Bool, privilege),
    stable("has_table_privilege", &[2, 3], Returns::Bool, privilege),
    stable("has_tablespace_privilege", &[2, 3], Returns::Bool, privilege),
    stable("has_type_privilege", &[2, 3], Returns::Bool, privilege),
    stable("obj_description", &[1, 2], Returns::Text, object_description),
    stable("pg_collation_is_visible", &[1], Returns::Bool, always),
    stable("pg_conversion_is_visible", &[1], Returns::Bool, always),
    stable("pg_database_size", &[1], Returns::Big, unknown),
    stable("pg_describe_object", &[3], Returns::Text, unknown),
    stable("pg_function_is_visible", &[1], Returns::Bool, always),
    stable("pg_get_constraintdef", &[1, 2], Returns::Text, constraint_definition),
    stable("pg_get_expr", &[2, 3], Returns::Text, |_, values| Ok(text_value(text(values, 0)))),
    stable("pg_get_function_arg_default", &[2], Returns::Text, unknown),
    stable("pg_get_function_arguments", &[1], Returns::Text, function_arguments),
    stable("pg_get_function_identity_arguments", &[1], Returns::Text, function_arguments),
    stable("pg_get_function_result", &[1], Returns::Text, function_result),
    stable("pg_get_function_sqlbody", &[1], Returns::Text, unknown),
    stable("pg_get_functiondef", &[1], Returns::Text, unknown),
    stable("pg_get_indexdef", &[1, 3], Returns::Text, index_definition),
    stable("pg_get_partition_constraintdef", &[1], Returns::Text, unknown),
    stable("pg_get_partkeydef", &[1], Returns::Text, unknown),
    stable("pg_get_ruledef", &[1, 2], Returns::Text, unknown),
    stable("pg_get_serial_sequence", &[2], Returns::Text, unknown),
    stable("pg_get_statisticsobjdef", &[1], Returns::Text, unknown),
    stable("pg_get_statisticsobjdef_columns", &[1], Returns::Text, unknown),
    stable("pg_get_triggerdef", &[1, 2], Returns::Text, unknown),
    stable("pg_get_viewdef", &[1, 2], Returns::Text, view_definition),
    stable("pg_has_role", &[2, 3], Returns::Bool, always),
    stable("pg_indexes_size", &[1], Returns::Big, |_, _| Ok(ScalarValue::from(0_i64))),
    stable("pg_opclass_is_visible", &[1], Returns::Bool, always),
    stable("pg_operator_is_visible", &[1], Returns::Bool, always),
    stable("pg_opfamily_is_visible", &[1], Returns::Bool, always),
    stable("pg_relation_filenode", &[1], Returns::Oid, unknown),
    stable("pg_relation_is_publishable", &[1], Returns::Bool, |_, _| Ok(ScalarValue::from(false))),
    stable("pg_relation_is_updatable", &[2], Returns::Int, |_, _| Ok(ScalarValue::from(0_i32))),
    stable("pg_relation_size", &[1, 2], Returns::Big, table_size),
    stable("pg_stat_get_live_tuples", &[1], Returns::Big, unknown),
    stable("pg_stat_get_numscans", &[1], Returns::Big, |_, _| Ok(ScalarValue::from(0_i64))),
    stable("pg_stat_get_tuples_inserted", &[1], Returns::Big, unknown),
    stable("pg_statistics_obj_is_visible", &[1], Returns::Bool, always),
    stable("pg_table_is_visible", &[1], Returns::Bool, table_is_visible),
    stable("pg_table_size", &[1], Returns::Big, table_size),
    stable("pg_tablespace_size", &[1], Returns::Big, unknown),
    stable("pg_total_relation_size", &[1], Returns::Big, table_size),
    stable("pg_ts_config_is_visible", &[1], Returns::Bool, always),
    stable("pg_ts_dict_is_visible", &[1], Returns::Bool, always),
    stable("pg_ts_parser_is_visible", &[1], Returns::Bool, always),
    stable("pg_ts_template_is_visible", &[1], Returns::Bool, always),
    stable("pg_type_is_visible", &[1], Returns::Bool, always),
    stable("regclass", &[1], Returns::From(oid_or_name), |context, values| {
        either(context, values, table_oid, table_name)
    }),
    stable("regclass_oid", &[1], Returns::Oid, table_oid),
    stable("regclass_text", &[1], Returns::Text, table_name),
    stable("regnamespace", &[1], Returns::From(oid_or_name), |context, values| {
        either(context, values, schema_oid, schema_name)
    }),
    stable("regnamespace_oid", &[1], Returns::Oid, schema_oid),
    stable("regnamespace_text", &[1], Returns::Text, schema_name),
    stable("regproc", &[1], Returns::From(oid_or_name), |context, values| {
        either(context, values, function_oid, function_name)
    }),
    stable("regproc_oid", &[1], Returns::Oid, function_oid),
    stable("regproc_text", &[1], Returns::Text, function_name),
    stable("regtype", &[1], Returns::From(oid_or_name), |context, values| either(context, values, type_oid, type_name)),
    stable("regtype_oid", &[1], Returns::Oid, type_oid),
    stable("regtype_text", &[1], Returns::Text, type_name),
    stable("shobj_description", &[2], Returns::Text, unknown),
    stable("to_regclass", &[1], Returns::Oid, |context, values| {
        Ok(text(values, 0).and_then(|name| find_table(context, &name)).map_or(null(), ScalarValue::from))
    }),
    stable("to_regproc", &[1], Returns::Oid, |context, values| {
        let ScalarValue::UInt32(Some(number)) = function_oid(context, values)? else { return Ok(null()) };
        Ok(if context.function(number).is_some() { ScalarValue::from(number) } else { null() })
    }),
    stable("to_regnamespace", &[1], Returns::Oid, |context, values| {
        Ok(schema_oid(context, values).unwrap_or_else(|_| null()))
    }),
    stable("to_regtype", &[1], Returns::Oid, |_, values| {
        Ok(text(values, 0).and_then(|name| types::by_name(&name)).map_or(null(), ScalarValue::from))
    }),
];

/// Those that look for unqualified names: each session has its own search path.
pub(super) const ALONG_PATH: &[&str] =
    &["pg_table_is_visible", "regclass", "regclass_oid", "regclass_text", "to_regclass"];

type Body = fn(&Context<'_>, &[ScalarValue]) -> Result<ScalarValue>;

/// A cast to a `reg` type: a text becomes a number, a number becomes a name.
pub(super) fn oid_or_name(arguments: &[DataType]) -> DataType {
    match arguments.first() {
        Some(given) if is_text_type(given) => DataType::UInt32,
        _ => DataType::Utf8,
    }
}

fn either(context: &Context<'_>, values: &[ScalarValue], of_text: Body, of_number: Body) -> Result<ScalarValue> {
    match values.first() {
        Some(value) if is_text(value) => of_text(context, values),
        _ => of_number(context, values),
    }
}

fn always(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(if values.first().is_none_or(ScalarValue::is_null) { null() } else { ScalarValue::from(true) })
}

/// NULL: there is no such object here, or nobody knows.
fn unknown(_: &Context<'_>, _: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(null())
}

/// The parts of a name as SQL reads it: `live.quotes`, `"My Table"`; `None` when it does not read as a name.
pub(super) fn parts(name: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut letters = name.trim().chars().peekable();
    while let Some(letter) = letters.next() {
        let part = parts.last_mut()?;
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                part.push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            letter if quoted => part.push(letter),
            letter => part.extend(letter.to_lowercase()),
        }
    }
    (!quoted && parts.iter().all(|part| !part.is_empty())).then_some(parts)
}

fn find_table(context: &Context<'_>, name: &str) -> Option<u32> {
    match parts(name)?.as_slice() {
        [table] => context.names().oid(None, table, context.path()),
        [schema, table] | [_, schema, table] => context.names().oid(Some(schema), table, &[]),
        _ => None,
    }
}

fn table_oid(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(given) = text(values, 0) else { return Ok(null()) };
    if let Ok(number) = given.parse::<u32>() {
        return Ok(ScalarValue::from(number));
    }
    match find_table(context, &given) {
        Some(number) => Ok(ScalarValue::from(number)),
        None => exec_err!("relation \"{given}\" does not exist"),
    }
}

/// Names with their schema unless it goes without saying; the number itself when there is no such table.
fn table_name(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let ScalarValue::UInt32(Some(number)) = table_oid(context, values)? else { return Ok(null()) };
    let name = match context.names().relation(number) {
        Some((schema, name)) if visible(context, number, schema, name) => quote(name),
        Some((schema, name)) => format!("{}.{}", quote(schema), quote(name)),
        None if number == 0 => "-".to_owned(),
        None => number.to_string(),
    };
    Ok(text_value(Some(name)))
}

fn type_oid(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(given) = text(values, 0) else { return Ok(null()) };
    match given.parse::<u32>().ok().or_else(|| types::by_name(&given)) {
        Some(number) => Ok(ScalarValue::from(number)),
        None => exec_err!("type \"{given}\" does not exist"),
    }
}

fn type_name(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let ScalarValue::UInt32(Some(number)) = type_oid(context, values)? else { return Ok(null()) };
    Ok(text_value(Some(match types::base_or_element(number) {
        None if number != 0 => number.to_string(),
        _ => types::display(number, None),
    })))
}

/// Functions have numbers by name; whether one of that name exists is not asked.
fn function_oid(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(given) = text(values, 0) else { return Ok(null()) };
    if let Ok(number) = given.parse::<u32>() {
        return Ok(ScalarValue::from(number));
    }
    let name = given.strip_prefix("pg_catalog.").unwrap_or(&given);
    Ok(ScalarValue::from(oid::function(name)))
}

fn function_arguments(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(text_value(object(values, 0)?.and_then(|number| context.function(number)).map(Function::signature)))
}

fn function_result(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let function = object(values, 0)?.and_then(|number| context.function(number));
    Ok(text_value(function.and_then(|function| function.result).map(|number| types::display(number, None))))
}

fn function_name(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(given) = text(values, 0) else { return Ok(null()) };
    let name = match given.parse::<u32>() {
        Ok(0) => "-".to_owned(),
        Ok(number) => context.function(number).map_or(given, |function| quote(&function.name)),
        Err(_) => given,
    };
    Ok(text_value(Some(name)))
}

fn schema_oid(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(given) = text(values, 0) else { return Ok(null()) };
    if let Ok(number) = given.parse::<u32>() {
        return Ok(ScalarValue::from(number));
    }
    let name = parts(&given).filter(|parts| parts.len() == 1).map(|parts| parts.concat());
    match name.filter(|name| context.names().schemas().any(|schema| schema == name)) {
        Some(name) => Ok(ScalarValue::from(oid::namespace(&name))),
        None => exec_err!("schema \"{given}\" does not exist"),
    }
}

fn schema_name(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let ScalarValue::UInt32(Some(number)) = schema_oid(context, values)? else { return Ok(null()) };
    let name = context.names().schemas().find(|schema| oid::namespace(schema) == number);
    Ok(text_value(Some(name.map_or_else(|| number.to_string(), quote))))
}

fn format_type(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let modifier = integer(values, 1)?.and_then(|modifier| i32::try_from(modifier).ok());
    Ok(text_value(object(values, 0)?.map(|number| types::display(number, modifier))))
}

fn table_is_visible(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(number) = object(values, 0)? else { return Ok(null()) };
    let found = context.names().relation(number);
    Ok(found.map_or(null(), |(schema, name)| ScalarValue::from(visible(context, number, schema, name))))
}

/// Whether an unqualified name finds this relation and no other.
fn visible(context: &Context<'_>, number: u32, schema: &str, name: &str) -> bool {
    let searched = schema == "pg_catalog" || context.path().iter().any(|place| place == schema);
    searched && context.names().oid(None, name, context.path()) == Some(number)
}

/// The definition of a table's key.
fn constraint_definition(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let (Some(number), Some(comments)) = (object(values, 0)?, context.comments()) else { return Ok(null()) };
    let found = context.names().keyed_tables().find(|(schema, table)| keys::constraint(schema, table) == number);
    Ok(text_value(found.map(|(schema, table)| keys::constraint_definition(comments.key(schema, table)))))
}

/// The definition of the index of a table's key, or the name of one of its columns.
fn index_definition(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let (Some(number), Some(comments)) = (object(values, 0)?, context.comments()) else { return Ok(null()) };
    let Some((schema, index)) = context.names().relation(number) else { return Ok(null()) };
    let Some(table) = context.names().table_of_index(schema, index) else { return Ok(null()) };
    let key = comments.key(schema, table);
    Ok(text_value(match integer(values, 1)?.unwrap_or(0) {
        0 => Some(keys::index_definition(schema, table, key)),
        column => usize::try_from(column - 1).ok().and_then(|place| key.get(place)).map(|column| quote(column)),
    }))
}

fn object_description(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    if text(values, 1).is_some_and(|class| class != "pg_class" && class != "pg_catalog.pg_class") {
        return Ok(null());
    }
    let found = object(values, 0)?.and_then(|number| context.names().relation(number));
    Ok(text_value(found.and_then(|(schema, name)| context.comments()?.table(schema, name))))
}

/// The provider of a table, when it can be had without waiting: functions cannot wait.
fn open(context: &Context<'_>, number: u32) -> Option<Arc<dyn TableProvider>> {
    let (schema, name) = context.names().relation(number)?;
    let schema = context.catalog()?.schema(schema)?;
    schema.table(name).now_or_never()?.ok().flatten()
}

fn column_description(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let (Some(number), Some(column)) = (object(values, 0)?, integer(values, 1)?) else { return Ok(null()) };
    let Some((schema, name)) = context.names().relation(number) else { return Ok(null()) };
    let field = || {
        let index = usize::try_from(column.checked_sub(1)?).ok()?;
        let table = open(context, number)?;
        let field = table.schema().fields().get(index)?.name().clone();
        context.comments()?.column(schema, name, &field)
    };
    Ok(text_value(field()))
}

fn view_definition(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let ScalarValue::UInt32(Some(number)) = table_oid(context, values)? else { return Ok(null()) };
    let Some((schema, name)) = context.names().relation(number) else { return Ok(null()) };
    Ok(text_value(context.comments().and_then(|comments| comments.view_definition(schema, name))))
}

/// Bytes, as far as the table itself knows; NULL otherwise.
fn table_size(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let ScalarValue::UInt32(Some(number)) = table_oid(context, values)? else { return Ok(null()) };
    let statistics = open(context, number).and_then(|table| table.statistics());
    Ok(match statistics.map(|statistics| statistics.total_byte_size) {
        Some(Precision::Exact(bytes) | Precision::Inexact(bytes)) => ScalarValue::Int64(i64::try_from(bytes).ok()),
        _ => null(),
    })
}

/// Everybody may read, nobody may write. The privilege is the last argument; any of a list suffices.
fn privilege(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(wanted) = values.len().checked_sub(1).and_then(|last| text(values, last)) else { return Ok(null()) };
    let reads =
        |name: &str| matches!(name.trim().to_ascii_uppercase().as_str(), "SELECT" | "USAGE" | "CONNECT" | "EXECUTE");
    Ok(ScalarValue::from(wanted.split(',').any(reads)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<&[&str]>) {
        let found = parts(name);
        assert_eq!(
            found.as_deref().map(|parts| parts.iter().map(String::as_str).collect::<Vec<_>>()).as_deref(),
            expected
        );
    }

    #[test]
    fn names_read_as_sql_reads_them() {
        check("symbols", Some(&["symbols"]));
        check("Live.Quotes", Some(&["live", "quotes"]));
        check("\"My.Table\"", Some(&["My.Table"]));
        check("\"a\"\"b\"", Some(&["a\"b"]));
        check("a.", None);
        check("\"a", None);
    }
}
