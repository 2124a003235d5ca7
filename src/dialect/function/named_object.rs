//! Objects that functions about privileges name, by their names or their numbers: a name that none has is an error, as in
//! PostgreSQL, a number that none has is not there.

use super::define::{Context, is_text, object, text};
use super::failure::fails;
use super::object_name::function_name_of;
use crate::dialect::catalog::{oid, types};
use crate::error::ErrorKind;
use datafusion::common::{Result, ScalarValue};

/// What a privilege is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    /// A table, a view or an index.
    Table,
    /// A column, behind its table.
    Column,
    /// A schema, by its name or its number.
    Schema,
    /// The database of the session.
    Database,
    /// A function with its arguments, which do not tell functions apart here.
    Function,
    /// A language that functions are in.
    Language,
    /// A sequence, which no relation is.
    Sequence,
    /// The tablespace of all tables.
    Tablespace,
    /// A type, by its name or its number.
    Type,
    /// A kind of object of which there is none, by its name.
    Absent(&'static str),
    /// What is not looked for.
    Other,
}

impl Object {
    /// How many arguments a function about it takes: the object and the privilege, and a user in front.
    pub(super) const fn arguments(self) -> &'static [usize] {
        match self {
            Self::Column => &[3, 4],
            _ => &[2, 3],
        }
    }
}

/// The languages that functions are in, with their numbers.
const LANGUAGES: [(&str, u32); 2] = [("internal", 12), ("sql", 14)];

/// Whether there is the object that the first of some values names; relations, columns and schemas are looked for elsewhere.
///
/// # Errors
/// 42704 or 42883 for a name that no such object has, 42809 for a relation that is no sequence.
pub(super) fn is_there(context: &Context<'_>, values: &[ScalarValue], of: Object) -> Result<bool> {
    if !values.first().is_some_and(is_text) {
        let Some(number) = object(values, 0)? else { return Ok(false) };
        return match (of, context.names().relation(number)) {
            (Object::Sequence, Some((_, name))) => no_sequence(name),
            _ => Ok(has_number(context, number, of)),
        };
    }
    let name = text(values, 0).unwrap_or_default();
    let (kind, there) = match of {
        Object::Database => ("database", name == context.session()?.database),
        Object::Function => {
            let Some(function) = function_name_of(&name) else {
                return fails(ErrorKind::InvalidText, "expected a left parenthesis");
            };
            if context.function(oid::function(function)).is_none() {
                return fails(ErrorKind::UnknownFunction, format!("function \"{name}\" does not exist"));
            }
            ("function", true)
        }
        Object::Language => ("language", LANGUAGES.iter().any(|(language, _)| *language == name)),
        Object::Tablespace => ("tablespace", name == "pg_default"),
        Object::Type => ("type", types::by_name(&name).is_some()),
        Object::Absent(kind) => (kind, false),
        Object::Sequence => {
            super::object_name::table_oid(context, values)?;
            return no_sequence(&name);
        }
        Object::Table | Object::Column | Object::Schema | Object::Other => return Ok(true),
    };
    match there {
        true => Ok(true),
        false => fails(ErrorKind::UnknownObject, format!("{kind} \"{name}\" does not exist")),
    }
}

/// Whether an object has that number.
fn has_number(context: &Context<'_>, number: u32, of: Object) -> bool {
    match of {
        Object::Database => number == oid::DATABASE,
        Object::Function => context.function(number).is_some(),
        Object::Language => LANGUAGES.iter().any(|(_, known)| *known == number),
        Object::Tablespace => number == oid::DEFAULT_TABLESPACE,
        Object::Type => types::base_or_element(number).is_some(),
        Object::Sequence | Object::Absent(_) => false,
        Object::Table | Object::Column | Object::Schema | Object::Other => true,
    }
}

/// The error of a relation that is asked for as a sequence.
fn no_sequence(name: &str) -> Result<bool> {
    fails(ErrorKind::WrongObject, format!("\"{name}\" is not a sequence"))
}
