//! Functions about tables, types and functions answer what PostgreSQL clients ask beside the catalog:
//! names to numbers and back, descriptions, definitions, privileges.
//!
//! They read the same catalog as the tables of `pg_catalog`. What this server does not have (rules,
//! triggers, sequences) has no definition: NULL.

use super::define::{
    Context, Definition, Returns, integer, is_text, is_text_type, null, object, stable, text, text_value,
};
use crate::dialect::catalog::functions::Function;
use crate::dialect::catalog::{keys, oid, types};
use crate::text::identifier::quote;
use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::common::stats::Precision;
use datafusion::common::{Result, ScalarValue, exec_err};
use futures::FutureExt;
use std::sync::Arc;

/// Their definitions, sorted by name. DataFusion has none of them.
pub(crate) const FUNCTIONS: &[Definition] = &[
    stable(
        "acldefault",
        "Privileges of an object on which none were granted: NULL, since none can be.",
        &[2],
        Returns::Text,
        unknown,
    ),
    stable("col_description", "Comment of a column, by table and place.", &[2], Returns::Text, column_description),
    stable("format_type", "Name of a type as people write it, with its modifier.", &[2], Returns::Text, format_type),
    stable(
        "has_any_column_privilege",
        "Whether a user may read some column of a table.",
        &[2, 3],
        Returns::Bool,
        privilege,
    ),
    stable("has_column_privilege", "Whether a user may read a column.", &[3, 4], Returns::Bool, privilege),
    stable("has_database_privilege", "Whether a user may connect to a database.", &[2, 3], Returns::Bool, privilege),
    stable(
        "has_foreign_data_wrapper_privilege",
        "Whether a user may use a foreign data wrapper.",
        &[2, 3],
        Returns::Bool,
        privilege,
    ),
    stable("has_function_privilege", "Whether a user may call a function.", &[2, 3], Returns::Bool, privilege),
    stable("has_language_privilege", "Whether a user may use a language.", &[2, 3], Returns::Bool, privilege),
    stable("has_parameter_privilege", "Whether a user may change a setting.", &[2, 3], Returns::Bool, privilege),
    stable("has_schema_privilege", "Whether a user may look into a schema.", &[2, 3], Returns::Bool, privilege),
    stable("has_sequence_privilege", "Whether a user may read a sequence.", &[2, 3], Returns::Bool, privilege),
    stable("has_server_privilege", "Whether a user may use a foreign server.", &[2, 3], Returns::Bool, privilege),
    stable("has_table_privilege", "Whether a user may read a table.", &[2, 3], Returns::Bool, privilege),
    stable("has_tablespace_privilege", "Whether a user may use a tablespace.", &[2, 3], Returns::Bool, privilege),
    stable("has_type_privilege", "Whether a user may use a type.", &[2, 3], Returns::Bool, privilege),
    stable(
        "obj_description",
        "Comment of a table, view or other object, by its number.",
        &[1, 2],
        Returns::Text,
        object_description,
    ),
    stable("pg_collation_is_visible", "Whether a collation is found without its schema.", &[1], Returns::Bool, always),
    stable(
        "pg_conversion_is_visible",
        "Whether a conversion is found without its schema.",
        &[1],
        Returns::Bool,
        always,
    ),
    stable("pg_database_size", "Bytes of the files of all tables.", &[1], Returns::Big, database_size),
    stable(
        "pg_describe_object",
        "Description of an object by catalog and number: NULL here.",
        &[3],
        Returns::Text,
        unknown,
    ),
    stable("pg_function_is_visible", "Whether a function is found without its schema.", &[1], Returns::Bool, always),
    stable("pg_get_constraintdef", "Definition of a constraint.", &[1, 2], Returns::Text, constraint_definition),
    stable("pg_get_expr", "Text of a stored expression.", &[2, 3], Returns::Text, |_, values| {
        Ok(text_value(text(values, 0)))
    }),
    stable(
        "pg_get_function_arg_default",
        "Default of an argument of a function: NULL here.",
        &[2],
        Returns::Text,
        unknown,
    ),
    stable(
        "pg_get_function_arguments",
        "Arguments of a function as a definition lists them.",
        &[1],
        Returns::Text,
        function_arguments,
    ),
    stable(
        "pg_get_function_identity_arguments",
        "Arguments that identify a function.",
        &[1],
        Returns::Text,
        function_arguments,
    ),
    stable("pg_get_function_result", "Type of the result of a function.", &[1], Returns::Text, function_result),
    stable("pg_get_function_sqlbody", "SQL body of a function: NULL here.", &[1], Returns::Text, unknown),
    stable("pg_get_functiondef", "Definition of a function: NULL here.", &[1], Returns::Text, unknown),
    stable(
        "pg_get_indexdef",
        "Definition of an index, or of one of its columns.",
        &[1, 3],
        Returns::Text,
        index_definition,
    ),
    stable("pg_get_partition_constraintdef", "Constraint of a partition: NULL here.", &[1], Returns::Text, unknown),
    stable("pg_get_partkeydef", "Key of a partitioned table: NULL here.", &[1], Returns::Text, unknown),
    stable("pg_get_ruledef", "Definition of a rule: NULL here.", &[1, 2], Returns::Text, unknown),
    stable("pg_get_serial_sequence", "Sequence behind a column: NULL here.", &[2], Returns::Text, unknown),
    stable("pg_get_statisticsobjdef", "Definition of extended statistics: NULL here.", &[1], Returns::Text, unknown),
    stable(
        "pg_get_statisticsobjdef_columns",
        "Columns of extended statistics: NULL here.",
        &[1],
        Returns::Text,
        unknown,
    ),
    stable("pg_get_triggerdef", "Definition of a trigger: NULL here.", &[1, 2], Returns::Text, unknown),
    stable("pg_get_viewdef", "Query behind a view.", &[1, 2], Returns::Text, view_definition),
    stable("pg_has_role", "Whether a user has a role.", &[2, 3], Returns::Bool, always),
    stable(
        "pg_indexes_size",
        "Bytes of the indexes of a table: 0, since a key is the order of its rows.",
        &[1],
        Returns::Big,
        |_, _| Ok(ScalarValue::from(0_i64)),
    ),
    stable(
        "pg_opclass_is_visible",
        "Whether an operator class is found without its schema.",
        &[1],
        Returns::Bool,
        always,
    ),
    stable("pg_operator_is_visible", "Whether an operator is found without its schema.", &[1], Returns::Bool, always),
    stable(
        "pg_opfamily_is_visible",
        "Whether an operator family is found without its schema.",
        &[1],
        Returns::Bool,
        always,
    ),
    stable("pg_relation_filenode", "File number of a relation: NULL here.", &[1], Returns::Oid, unknown),
    stable(
        "pg_relation_is_publishable",
        "Whether a table can be published for replication: never.",
        &[1],
        Returns::Bool,
        |_, _| Ok(ScalarValue::from(false)),
    ),
    stable(
        "pg_relation_is_updatable",
        "Ways in which a relation can be changed, as bits: 0.",
        &[2],
        Returns::Int,
        |_, _| Ok(ScalarValue::from(0_i32)),
    ),
    stable("pg_relation_size", "Bytes of the files of a table.", &[1, 2], Returns::Big, table_size),
    stable(
        "pg_stat_get_live_tuples",
        "Rows of a table as statistics count them: NULL here.",
        &[1],
        Returns::Big,
        unknown,
    ),
    stable("pg_stat_get_numscans", "Scans of a relation as statistics count them: 0.", &[1], Returns::Big, |_, _| {
        Ok(ScalarValue::from(0_i64))
    }),
    stable(
        "pg_stat_get_tuples_inserted",
        "Rows inserted into a table as statistics count them: NULL here.",
        &[1],
        Returns::Big,
        unknown,
    ),
    stable(
        "pg_statistics_obj_is_visible",
        "Whether extended statistics are found without their schema.",
        &[1],
        Returns::Bool,
        always,
    ),
    stable(
        "pg_table_is_visible",
        "Whether a table is found without its schema, along the search path.",
        &[1],
        Returns::Bool,
        table_is_visible,
    ),
    stable("pg_table_size", "Bytes of the files of a table.", &[1], Returns::Big, table_size),
    stable("pg_tablespace_size", "Bytes of a tablespace: NULL here.", &[1], Returns::Big, unknown),
    stable(
        "pg_total_relation_size",
        "Bytes of the files of a table and of what belongs to it.",
        &[1],
        Returns::Big,
        table_size,
    ),
    stable(
        "pg_ts_config_is_visible",
        "Whether a text search configuration is found without its schema.",
        &[1],
        Returns::Bool,
        always,
    ),
    stable(
        "pg_ts_dict_is_visible",
        "Whether a text search dictionary is found without its schema.",
        &[1],
        Returns::Bool,
        always,
    ),
    stable(
        "pg_ts_parser_is_visible",
        "Whether a text search parser is found without its schema.",
        &[1],
        Returns::Bool,
        always,
    ),
    stable(
        "pg_ts_template_is_visible",
        "Whether a text search template is found without its schema.",
        &[1],
        Returns::Bool,
        always,
    ),
    stable("pg_type_is_visible", "Whether a type is found without its schema.", &[1], Returns::Bool, always),
    stable(
        "regclass",
        "Cast to regclass: a name to its number, a number to its name.",
        &[1],
        Returns::From(oid_or_name),
        |context, values| either(context, values, table_oid, table_name),
    ),
    stable("regclass_oid", "Number of a table, by name or number.", &[1], Returns::Oid, table_oid),
    stable("regclass_text", "Name of a table, by name or number.", &[1], Returns::Text, table_name),
    stable(
        "regnamespace",
        "Cast to regnamespace: a name to its number, a number to its name.",
        &[1],
        Returns::From(oid_or_name),
        |context, values| either(context, values, schema_oid, schema_name),
    ),
    stable("regnamespace_oid", "Number of a schema, by name or number.", &[1], Returns::Oid, schema_oid),
    stable("regnamespace_text", "Name of a schema, by name or number.", &[1], Returns::Text, schema_name),
    stable(
        "regproc",
        "Cast to regproc: a name to its number, a number to its name.",
        &[1],
        Returns::From(oid_or_name),
        |context, values| either(context, values, function_oid, function_name),
    ),
    stable("regproc_oid", "Number of a function, by name or number.", &[1], Returns::Oid, function_oid),
    stable("regproc_text", "Name of a function, by name or number.", &[1], Returns::Text, function_name),
    stable(
        "regtype",
        "Cast to regtype: a name to its number, a number to its name.",
        &[1],
        Returns::From(oid_or_name),
        |context, values| either(context, values, type_oid, type_name),
    ),
    stable("regtype_oid", "Number of a type, by name or number.", &[1], Returns::Oid, type_oid),
    stable("regtype_text", "Name of a type, by name or number.", &[1], Returns::Text, type_name),
    stable("shobj_description", "Comment of an object shared by databases: NULL here.", &[2], Returns::Text, unknown),
    stable(
        "to_regclass",
        "Number of a table by name; NULL when there is none.",
        &[1],
        Returns::Oid,
        |context, values| {
            Ok(text(values, 0).and_then(|name| find_table(context, &name)).map_or(null(), ScalarValue::from))
        },
    ),
    stable(
        "to_regproc",
        "Number of a function by name; NULL when there is none.",
        &[1],
        Returns::Oid,
        |context, values| {
            let ScalarValue::UInt32(Some(number)) = function_oid(context, values)? else { return Ok(null()) };
            Ok(if context.function(number).is_some() { ScalarValue::from(number) } else { null() })
        },
    ),
    stable(
        "to_regnamespace",
        "Number of a schema by name; NULL when there is none.",
        &[1],
        Returns::Oid,
        |context, values| Ok(schema_oid(context, values).unwrap_or_else(|_| null())),
    ),
    stable("to_regtype", "Number of a type by name; NULL when there is none.", &[1], Returns::Oid, |_, values| {
        Ok(text(values, 0).and_then(|name| types::by_name(&name)).map_or(null(), ScalarValue::from))
    }),
];

/// Functions that look for unqualified names: they are registered in each session, which has its own
/// search path.
pub(crate) const ALONG_PATH: &[&str] =
    &["pg_table_is_visible", "regclass", "regclass_oid", "regclass_text", "to_regclass"];

/// The body of a definition, for functions that choose between two.
type Body = fn(&Context<'_>, &[ScalarValue]) -> Result<ScalarValue>;

/// A cast to a `reg` type: a text becomes a number, a number becomes a name.
pub(crate) fn oid_or_name(arguments: &[DataType]) -> DataType {
    match arguments.first() {
        Some(given) if is_text_type(given) => DataType::UInt32,
        _ => DataType::Utf8,
    }
}

/// A cast to a `reg` type: `of_text` for a text, `of_number` for anything else.
fn either(context: &Context<'_>, values: &[ScalarValue], of_text: Body, of_number: Body) -> Result<ScalarValue> {
    match values.first() {
        Some(value) if is_text(value) => of_text(context, values),
        _ => of_number(context, values),
    }
}

/// True of whatever is not NULL: everything is visible, and every role is had.
fn always(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(if values.first().is_none_or(ScalarValue::is_null) { null() } else { ScalarValue::from(true) })
}

/// NULL: there is no such object here, or the server does not know.
fn unknown(_: &Context<'_>, _: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(null())
}

/// The parts of a name as SQL reads it: `live.quotes`, `"My Table"`; `None` when it does not read as a name.
pub(crate) fn parts(name: &str) -> Option<Vec<String>> {
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

/// The number of a relation by its name with dots, along the search path when it has no schema; a
/// name of three parts may begin with any database.
fn find_table(context: &Context<'_>, name: &str) -> Option<u32> {
    match parts(name)?.as_slice() {
        [table] => context.names().oid(None, table, context.path()),
        [schema, table] | [_, schema, table] => context.names().oid(Some(schema), table, &[]),
        _ => None,
    }
}

/// The number of a relation by its name, or the number that is given.
///
/// # Errors
/// `UnknownTable` (SQLSTATE 42P01) when no relation has the name.
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

/// The number of a type by its name, or the number that is given.
///
/// # Errors
/// `UnknownObject` when no type has the name.
fn type_oid(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(given) = text(values, 0) else { return Ok(null()) };
    match given.parse::<u32>().ok().or_else(|| types::by_name(&given)) {
        Some(number) => Ok(ScalarValue::from(number)),
        None => exec_err!("type \"{given}\" does not exist"),
    }
}

/// The name of a type as people write it; the number itself when no type has it.
fn type_name(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let ScalarValue::UInt32(Some(number)) = type_oid(context, values)? else { return Ok(null()) };
    Ok(text_value(Some(match types::base_or_element(number) {
        None if number != 0 => number.to_string(),
        _ => types::display(number, None),
    })))
}

/// Functions have numbers by name, whatever their arguments, which `regprocedure` writes behind it; whether one of that
/// name exists is not asked.
fn function_oid(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(given) = text(values, 0) else { return Ok(null()) };
    if let Ok(number) = given.parse::<u32>() {
        return Ok(ScalarValue::from(number));
    }
    let name = given.split('(').next().unwrap_or_default().trim();
    let name = name.strip_prefix("pg_catalog.").unwrap_or(name);
    Ok(ScalarValue::from(oid::function(name)))
}

/// The arguments of a function as a definition lists them, `text, integer`; NULL for an unknown
/// number.
fn function_arguments(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(text_value(object(values, 0)?.and_then(|number| context.function(number)).map(Function::signature)))
}

/// The type of a function's result; NULL when it depends on the arguments, or the number is unknown.
fn function_result(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let function = object(values, 0)?.and_then(|number| context.function(number));
    Ok(text_value(function.and_then(|function| function.result).map(|number| types::display(number, None))))
}

/// The name of a function by its number; `-` for 0, the number itself when no function has it.
fn function_name(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(given) = text(values, 0) else { return Ok(null()) };
    let name = match given.parse::<u32>() {
        Ok(0) => "-".to_owned(),
        Ok(number) => context.function(number).map_or(given, |function| quote(&function.name)),
        Err(_) => given,
    };
    Ok(text_value(Some(name)))
}

/// The number of a schema by its name, or the number that is given.
///
/// # Errors
/// `UnknownTable` kind with "schema ... does not exist" when there is none.
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

/// The name of a schema by its number; the number itself when there is none.
fn schema_name(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let ScalarValue::UInt32(Some(number)) = schema_oid(context, values)? else { return Ok(null()) };
    let name = context.names().schemas().find(|schema| oid::namespace(schema) == number);
    Ok(text_value(Some(name.map_or_else(|| number.to_string(), quote))))
}

/// The name of a type by number and modifier, `numeric(10,2)`; NULL of NULL.
fn format_type(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let modifier = integer(values, 1)?.and_then(|modifier| i32::try_from(modifier).ok());
    Ok(text_value(object(values, 0)?.map(|number| types::display(number, modifier))))
}

/// Whether a relation is found by its name alone along the search path; NULL for an unknown number.
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

/// The comment of a relation, or with `pg_proc` as the second argument that of a function; NULL for
/// other catalogs.
fn object_description(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    match text(values, 1).as_deref().map(|class| class.strip_prefix("pg_catalog.").unwrap_or(class)) {
        None | Some("pg_class") => {}
        Some("pg_proc") => {
            let function = object(values, 0)?.and_then(|number| context.function(number));
            return Ok(text_value(function.and_then(|function| function.doc.clone())));
        }
        Some(_) => return Ok(null()),
    }
    let found = object(values, 0)?.and_then(|number| context.names().relation(number));
    Ok(text_value(found.and_then(|(schema, name)| context.comments()?.table(schema, name))))
}

/// The provider of a table, when it can be had without waiting: DataFusion's scalar functions cannot
/// wait.
fn open(context: &Context<'_>, number: u32) -> Option<Arc<dyn TableProvider>> {
    let (schema, name) = context.names().relation(number)?;
    let schema = context.catalog()?.schema(schema)?;
    schema.table(name).now_or_never()?.ok().flatten()
}

/// The comment of a column by its table's number and its own, from 1; NULL without one.
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

/// The SELECT a view stands for; NULL for a table.
fn view_definition(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let ScalarValue::UInt32(Some(number)) = table_oid(context, values)? else { return Ok(null()) };
    let Some((schema, name)) = context.names().relation(number) else { return Ok(null()) };
    Ok(text_value(context.comments().and_then(|comments| comments.view_definition(schema, name))))
}

/// Bytes of a table's files, as far as its own statistics tell; NULL otherwise.
fn table_size(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let ScalarValue::UInt32(Some(number)) = table_oid(context, values)? else { return Ok(null()) };
    let statistics = open(context, number).and_then(|table| table.statistics());
    Ok(match statistics.map(|statistics| statistics.total_byte_size) {
        Some(Precision::Exact(bytes) | Precision::Inexact(bytes)) => ScalarValue::Int64(i64::try_from(bytes).ok()),
        _ => null(),
    })
}

/// Bytes of the files of all tables that tell them; NULL of NULL.
fn database_size(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    if values.first().is_none_or(ScalarValue::is_null) {
        return Ok(null());
    }
    let tables = context.names().numbers().filter_map(|number| open(context, number)?.statistics());
    let bytes = tables.filter_map(|statistics| statistics.total_byte_size.get_value().copied());
    Ok(ScalarValue::Int64(i64::try_from(bytes.sum::<usize>()).ok()))
}

/// Whether a privilege is had: everybody may read, nobody may write. The privilege is the last
/// argument; any of a list with commas suffices.
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
