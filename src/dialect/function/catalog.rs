//! Functions about tables, types and functions answer what PostgreSQL clients ask beside the catalog:
//! descriptions, definitions, sizes. Names and numbers are in `object_name`, privileges in `privilege`.
//!
//! They read the same catalog as the tables of `pg_catalog`. What this server does not have (rules,
//! triggers, sequences) has no definition: NULL.

use super::define::{Context, Definition, Returns, integer, null, object, stable, text, text_value};
use super::object_name::table_oid;
use crate::dialect::catalog::functions::Function;
use crate::dialect::catalog::{keys, types};
use crate::text::identifier::quote;
use datafusion::catalog::TableProvider;
use datafusion::common::stats::Precision;
use datafusion::common::{Result, ScalarValue};
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
    stable(
        "obj_description",
        "Comment of a table, view or other object, by its number.",
        &[1, 2],
        Returns::Text,
        object_description,
    ),
    stable(
        "pg_collation_is_visible",
        "Whether a collation is found without its schema.",
        &[1],
        Returns::Bool,
        |_, values| visible(values, |number| COLLATIONS.contains(&number)),
    ),
    stable(
        "pg_conversion_is_visible",
        "Whether a conversion is found without its schema.",
        &[1],
        Returns::Bool,
        unknown,
    ),
    stable("pg_database_size", "Bytes of the files of all tables.", &[1], Returns::Big, database_size),
    stable(
        "pg_describe_object",
        "Description of an object by catalog and number: NULL here.",
        &[3],
        Returns::Text,
        unknown,
    ),
    stable(
        "pg_function_is_visible",
        "Whether a function is found without its schema.",
        &[1],
        Returns::Bool,
        |context, values| visible(values, |number| context.function(number).is_some()),
    ),
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
        unknown,
    ),
    stable("pg_operator_is_visible", "Whether an operator is found without its schema.", &[1], Returns::Bool, unknown),
    stable(
        "pg_opfamily_is_visible",
        "Whether an operator family is found without its schema.",
        &[1],
        Returns::Bool,
        unknown,
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
        unknown,
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
        unknown,
    ),
    stable(
        "pg_ts_dict_is_visible",
        "Whether a text search dictionary is found without its schema.",
        &[1],
        Returns::Bool,
        unknown,
    ),
    stable(
        "pg_ts_parser_is_visible",
        "Whether a text search parser is found without its schema.",
        &[1],
        Returns::Bool,
        unknown,
    ),
    stable(
        "pg_ts_template_is_visible",
        "Whether a text search template is found without its schema.",
        &[1],
        Returns::Bool,
        unknown,
    ),
    stable("pg_type_is_visible", "Whether a type is found without its schema.", &[1], Returns::Bool, |_, values| {
        visible(values, |number| types::base_or_element(number).is_some())
    }),
    stable("shobj_description", "Comment of an object shared by databases: NULL here.", &[2], Returns::Text, unknown),
];

/// The collations that every database has.
const COLLATIONS: [u32; 3] = [100, 950, 951];

/// True of whatever is not NULL: every role is had.
fn always(_: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(if values.first().is_none_or(ScalarValue::is_null) { null() } else { ScalarValue::from(true) })
}

/// NULL: there is no such object here, or the server does not know.
fn unknown(_: &Context<'_>, _: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(null())
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

/// The definition of a key of a table, or of a condition of its rows.
fn constraint_definition(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let (Some(number), Some(comments)) = (object(values, 0)?, context.comments()) else { return Ok(null()) };
    let is_meant = |schema: &str, table: &str, name: &str| keys::constraint(schema, table, name) == number;
    let names = context.names();
    if let Some((schema, table, index)) = names.indexes().find(|(schema, table, index)| is_meant(schema, table, index))
    {
        let key = comments.keys(schema, table).into_iter().find(|key| key.name == index);
        return Ok(text_value(key.as_ref().map(keys::constraint_definition)));
    }
    let of_table = |(schema, table): (&str, &str)| {
        let checks = comments.checks(schema, table);
        checks.into_iter().find(|check| is_meant(schema, table, &check.name)).map(|check| check.text)
    };
    Ok(text_value(names.names().find_map(of_table).map(|condition| keys::check_definition(&condition))))
}

/// The definition of the index of a key, or the name of one of its columns.
fn index_definition(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let (Some(number), Some(comments)) = (object(values, 0)?, context.comments()) else { return Ok(null()) };
    let Some((schema, index)) = context.names().relation(number) else { return Ok(null()) };
    let Some(table) = context.names().table_of_index(schema, index) else { return Ok(null()) };
    let Some(key) = comments.keys(schema, table).into_iter().find(|key| key.name == index) else { return Ok(null()) };
    Ok(text_value(match integer(values, 1)?.unwrap_or(0) {
        0 => Some(keys::index_definition(schema, table, &key)),
        column => usize::try_from(column - 1).ok().and_then(|place| key.columns.get(place)).map(|column| quote(column)),
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
pub(super) fn open(context: &Context<'_>, number: u32) -> Option<Arc<dyn TableProvider>> {
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

/// Whether the object of a number is found without its schema: all that are there are; NULL for a number that none has.
fn visible(values: &[ScalarValue], there: impl Fn(u32) -> bool) -> Result<ScalarValue> {
    let Some(number) = object(values, 0)? else { return Ok(null()) };
    Ok(if there(number) { ScalarValue::from(true) } else { null() })
}
