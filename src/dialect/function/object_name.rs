//! Functions about the names and numbers of objects: the casts `::regclass` and its like, whose numbers
//! clients compare and whose names people read, and what is found without its schema.

use super::define::{
    Context, Definition, Returns, integer, is_text, is_text_type, null, object, stable, text, text_value,
};
use crate::dialect::catalog::{oid, types};
use crate::text::identifier::quote;
use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, UInt32Type};
use datafusion::common::{Result, ScalarValue, exec_err};

/// Their definitions, sorted by name. DataFusion has none of them.
pub(crate) const FUNCTIONS: &[Definition] = &[
    stable("format_type", "Name of a type as people write it, with its modifier.", &[2], Returns::Text, format_type),
    stable(
        "oidvectortypes",
        "Names of types by their numbers, with commas between.",
        &[1],
        Returns::Text,
        |_, values| {
            let Some(ScalarValue::List(numbers)) = values.first().filter(|value| !value.is_null()) else {
                return Ok(null());
            };
            let numbers = cast(&numbers.value(0), &DataType::UInt32)?;
            let names =
                numbers.as_primitive::<UInt32Type>().iter().flatten().map(|number| types::display(number, None));
            Ok(text_value(Some(names.collect::<Vec<_>>().join(", "))))
        },
    ),
    stable(
        "pg_table_is_visible",
        "Whether a table is found without its schema, along the search path.",
        &[1],
        Returns::Bool,
        table_is_visible,
    ),
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
    stable(
        "to_regclass",
        "Number of a table by name; NULL when there is none.",
        &[1],
        Returns::Oid,
        |context, values| {
            Ok(text(values, 0).and_then(|name| find_table(context, &name)).map_or(null(), ScalarValue::from))
        },
    ),
    stable("to_regproc", "Number of a function by name; NULL when there is none.", &[1], Returns::Oid, known_function),
    stable(
        "to_regprocedure",
        "Number of a function by name and arguments; NULL when there is none.",
        &[1],
        Returns::Oid,
        known_function,
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

/// The parts of a name as SQL reads it: `live.quotes`, `"My Table"`, with blanks around them; `None` when it does not read
/// as a name.
pub(crate) fn parts(name: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut ended) = (false, false);
    let mut letters = name.trim().chars().peekable();
    while let Some(letter) = letters.next() {
        let part = parts.last_mut()?;
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                part.push('"');
            }
            '.' if !quoted => {
                ended = false;
                parts.push(String::new());
            }
            letter if letter.is_whitespace() && !quoted => ended = !part.is_empty(),
            _ if ended => return None,
            '"' => quoted = !quoted,
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
pub(super) fn table_oid(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
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
    let name = function_name_of(&given).unwrap_or_else(|| bare(&given));
    Ok(ScalarValue::from(oid::function(name)))
}

/// The name of a function that is written with its arguments, `version()`; `None` without them.
pub(super) fn function_name_of(written: &str) -> Option<&str> {
    written.split_once('(').map(|(name, _)| bare(name))
}

/// A function's name without its schema.
fn bare(name: &str) -> &str {
    let name = name.trim();
    name.strip_prefix("pg_catalog.").unwrap_or(name)
}

/// The number of a function by its name, or NULL.
fn known_function(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let ScalarValue::UInt32(Some(number)) = function_oid(context, values)? else { return Ok(null()) };
    Ok(if context.function(number).is_some() { ScalarValue::from(number) } else { null() })
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
pub(super) fn schema_oid(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
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
