//! What the names in a statement about temporary tables stand for.

use super::catalog::ALIAS;
use super::contents::{Contents, Relation};
use super::refusal::{not_supported, same, syntax, template};
use crate::dialect::parse::tree::fold;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    Assignment, AssignmentTarget, Expr, Ident, ObjectName, SetExpr, Statement, TableFactor, TableWithJoins,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

/// What a name may stand for besides temporary tables and views.
pub(crate) struct Names<'a> {
    /// Name of the session's temporary schema.
    pub(crate) schema: &'a str,
    /// What the session has.
    pub(crate) contents: &'a Contents,
    /// Whether an unqualified name stands for anything else.
    pub(crate) exists: &'a dyn Fn(&str) -> bool,
}

/// The name of a temporary table or view that is to be made; `None` when the statement makes another thing.
///
/// # Errors
/// 42P16 for a temporary relation in another schema.
pub(crate) fn made(name: &ObjectName, temporary: bool, names: &Names<'_>) -> Result<Option<String>, QueryError> {
    match own_name(name, names) {
        Some((qualified, own)) if temporary || qualified => Ok(Some(own)),
        None if temporary => {
            Err(QueryError::new(ErrorKind::InvalidTable, "cannot create temporary relation in non-temporary schema"))
        }
        _ => Ok(None),
    }
}

/// The temporary table that a name stands for; `None` for what is none.
///
/// # Errors
/// 42P01 for what is not there, 0A000 for a view.
pub(crate) fn changed(name: &ObjectName, names: &Names<'_>) -> Result<Option<String>, QueryError> {
    let Some((qualified, own)) = own_name(name, names) else { return Ok(None) };
    match names.contents.relation(&own) {
        Some(Relation::Table(_)) => Ok(Some(own)),
        Some(Relation::View(_)) => Err(not_supported("a change through a view")),
        None if qualified => {
            Err(QueryError::new(ErrorKind::UnknownTable, format!("relation \"{own}\" does not exist")))
        }
        None if !(names.exists)(&own) => {
            Err(QueryError::new(ErrorKind::UnknownTable, format!("relation \"{own}\" does not exist")))
        }
        None => Ok(None),
    }
}

/// The temporary table that a text names as SQL does; `None` for what is none.
///
/// # Errors
/// 42P01 for a table that the temporary schema does not have.
pub(crate) fn changed_table(name: &str, names: &Names<'_>) -> Result<Option<String>, QueryError> {
    let parsed = Parser::new(&PostgreSqlDialect {}).try_with_sql(name);
    let parsed = parsed.and_then(|mut parser| parser.parse_object_name(false));
    changed(&parsed.map_err(|_| syntax("no name of a table"))?, names)
}

/// The temporary table that UPDATE or DELETE names, and what it calls it.
///
/// # Errors
/// As [`changed`]; 0A000 for more than a name and an alias.
pub(crate) fn target(table: &TableWithJoins, names: &Names<'_>) -> Result<Option<(String, Ident)>, QueryError> {
    let TableFactor::Table { name, alias, .. } = &table.relation else { return Ok(None) };
    let Some(own) = changed(name, names)? else { return Ok(None) };
    if let Statement::Query(query) = template("SELECT 1 FROM x")?
        && let SetExpr::Select(select) = *query.body
        && let Some(mut plain) = select.from.into_iter().next()
    {
        if let TableFactor::Table { name: plain_name, alias: plain_alias, .. } = &mut plain.relation {
            plain_name.clone_from(name);
            plain_alias.clone_from(alias);
        }
        same(table, &plain)?;
    }
    match alias {
        Some(alias) if !alias.columns.is_empty() => Err(syntax("the alias of a changed table is a name alone")),
        Some(alias) => Ok(Some((own, alias.name.clone()))),
        None => Ok(Some((own.clone(), Ident::with_quote('"', own)))),
    }
}

/// A name that may be one of the temporary schema, and whether it says so.
pub(crate) fn own_name(name: &ObjectName, names: &Names<'_>) -> Option<(bool, String)> {
    let parts: Option<Vec<String>> = name.0.iter().map(|part| part.as_ident().map(fold)).collect();
    match parts?.as_slice() {
        [name] => Some((false, name.clone())),
        [schema, name] | [_, schema, name] if schema == ALIAS || schema == names.schema => Some((true, name.clone())),
        _ => None,
    }
}

/// A name that is one word.
///
/// # Errors
/// 0A000 for one of several.
pub(crate) fn single(name: &ObjectName) -> Result<Ident, QueryError> {
    match name.0.as_slice() {
        [only] if let Some(ident) = only.as_ident() => Ok(ident.clone()),
        _ => Err(not_supported("a part of a column as what is changed")),
    }
}

/// `a = 1`, and `(a, b) = (1, 2)` column by column.
///
/// # Errors
/// 0A000 for columns that are set to a query together.
pub(crate) fn assigned(assignment: &Assignment, to: &mut Vec<(Ident, Expr)>) -> Result<(), QueryError> {
    match (&assignment.target, &assignment.value) {
        (AssignmentTarget::ColumnName(name), value) => to.push((single(name)?, value.clone())),
        (AssignmentTarget::Tuple(names), Expr::Tuple(values)) if names.len() == values.len() => {
            for (name, value) in names.iter().zip(values) {
                to.push((single(name)?, value.clone()));
            }
        }
        (AssignmentTarget::Tuple(_), _) => {
            return Err(not_supported("columns that are set to a query together")
                .with_hint("Set each to a query of its own, or name the query in FROM."));
        }
    }
    Ok(())
}
