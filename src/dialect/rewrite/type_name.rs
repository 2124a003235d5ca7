//! The rewriter answers `pg_typeof` where the answer is written in the statement: of a cast to a type that shares its Arrow
//! type with another (`varchar`, `char(n)`, `name`, `"char"`, `regclass`), of a column of the catalog, and of functions
//! about the session. Everything else is asked for its type when the statement runs.

use super::build::{self, call_arguments, called};
use super::cast;
use super::scope::Scopes;
use super::system::catalog_tables;
use crate::dialect::catalog::definition::Definition;
use crate::dialect::catalog::types;
use crate::dialect::parse::tree::fold;
use crate::dialect::typing::marked;
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, DataType, Expr, Ident, Query, SelectItem, SetExpr, TypedString,
};

/// Functions whose result is of a type that Arrow does not tell from another.
pub(crate) const FUNCTIONS: &[(&str, &str)] = &[
    ("current_catalog", "name"),
    ("current_database", "name"),
    ("current_role", "name"),
    ("current_schema", "name"),
    ("current_schemas", "name[]"),
    ("current_user", "name"),
    ("pg_get_userbyid", "name"),
    ("pg_sleep", "void"),
    ("pg_sleep_for", "void"),
    ("pg_sleep_until", "void"),
    ("pg_typeof", "regtype"),
    ("session_user", "name"),
    ("to_regclass", "regclass"),
    ("to_regnamespace", "regnamespace"),
    ("to_regproc", "regproc"),
    ("to_regtype", "regtype"),
    ("user", "name"),
];

/// Puts the name of a type in the place of a `pg_typeof`, where it is known.
pub(crate) fn settle(expr: &mut Expr, scopes: &Scopes) {
    let Expr::Function(function) = &*expr else { return };
    if called(function).as_deref() != Some("pg_typeof") {
        return;
    }
    let Some([value]) = call_arguments(function).and_then(|values| <[&Expr; 1]>::try_from(values).ok()) else { return };
    let around = scopes.tables.last().map_or(&[][..], Vec::as_slice);
    if let Some(name) = of_value(value, around, scopes) {
        let name = build::cast(build::text(&name), DataType::Text);
        *expr = build::call(marked::CAST, vec![name, build::text("regtype")]);
    }
}

/// The catalog tables in reach, under the names they have there.
type Tables = [(String, &'static Definition)];

/// The type of an expression; `None` where only its Arrow type tells.
fn of_value(value: &Expr, tables: &Tables, scopes: &Scopes) -> Option<String> {
    match value {
        Expr::Nested(inner) => of_value(inner, tables, scopes),
        Expr::Cast { data_type, .. } | Expr::TypedString(TypedString { data_type, .. }) => of_type(data_type),
        Expr::Identifier(name) => {
            let of_column = of_column(None, name, tables);
            of_column.or_else(|| of_function(&fold(name)).filter(|_| name.quote_style.is_none()))
        }
        Expr::CompoundIdentifier(parts) => match parts.as_slice() {
            [table, column] => of_column(Some(table), column, tables),
            _ => None,
        },
        Expr::Function(function) => {
            let name = function.name.0.last()?.as_ident().map(fold)?;
            let first = || call_arguments(function)?.into_iter().find(|value| !matches!(value, Expr::Value(_)));
            match name.as_str() {
                "array_agg" => of_value(first()?, tables, scopes).map(array_of),
                "coalesce" => of_value(first()?, tables, scopes),
                name => of_function(name),
            }
        }
        Expr::Array(array) => of_value(array.elem.first()?, tables, scopes).map(array_of),
        Expr::Subquery(query) => of_query(query, scopes),
        _ => None,
    }
}

/// The name of the array type over a type; that of an array is its own.
fn array_of(name: String) -> String {
    if name.ends_with("[]") { name } else { format!("{name}[]") }
}

fn of_function(name: &str) -> Option<String> {
    FUNCTIONS.iter().find(|(own, _)| *own == name).map(|(_, of)| (*of).to_owned())
}

/// The type of a subquery that reads one column.
fn of_query(query: &Query, scopes: &Scopes) -> Option<String> {
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    match select.projection.as_slice() {
        [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] => {
            of_value(value, &catalog_tables(select, scopes), scopes)
        }
        _ => None,
    }
}

/// The type of a column of the catalog.
fn of_column(table: Option<&Ident>, column: &Ident, tables: &Tables) -> Option<String> {
    let column = fold(column);
    let named = |name: &str| table.is_none_or(|table| fold(table) == name);
    let mut found = tables
        .iter()
        .filter(|(name, _)| named(name))
        .filter_map(|(_, definition)| definition.columns().find(|(name, _)| *name == column).map(|(_, kind)| kind));
    let kind = found.next()?;
    types::by_name(kind).map(|number| types::display(number, None))
}

/// The name of a type that is written in a cast; `None` for those that are their Arrow type.
fn of_type(data_type: &DataType) -> Option<String> {
    match data_type {
        DataType::Char(_) | DataType::Character(_) => Some("character".to_owned()),
        DataType::Varchar(_) | DataType::CharacterVarying(_) | DataType::CharVarying(_) => {
            Some("character varying".to_owned())
        }
        DataType::Regclass => Some("regclass".to_owned()),
        DataType::Custom(..) => {
            let name = cast::unqualified(data_type)?;
            match types::by_name(&name) {
                Some(number) => Some(types::display(number, None)),
                None => cast::object_type(data_type).map(str::to_owned),
            }
        }
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, _) | ArrayElemTypeDef::AngleBracket(element)) => {
            of_type(element).map(|name| format!("{name}[]"))
        }
        _ => None,
    }
}
