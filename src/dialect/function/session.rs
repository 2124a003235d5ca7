//! Functions about the session give its user, database, search path and settings, and signal other
//! sessions. They are registered in each DataFusion session, since they read its
//! [`SessionFacts`](crate::dialect::session::SessionFacts).

use super::define::{Context, Definition, Returns, integer, null, stable, text, text_value, volatile};
use crate::dialect::catalog::description::is_temporary;
use crate::dialect::catalog::oid;
use crate::dialect::session::Signal;
use datafusion::common::{Result, ScalarValue, exec_err};

/// Their definitions. Those that change something are volatile.
pub(crate) const FUNCTIONS: &[Definition] = &[
    stable("current_catalog", "Name of the database.", &[0], Returns::Text, database),
    stable("current_database", "Name of the database.", &[0], Returns::Text, database),
    stable("current_role", "User of the session.", &[0], Returns::Text, user),
    stable("current_schema", "First schema of the search path that is there.", &[0], Returns::Text, |context, _| {
        Ok(text_value(existing(context).into_iter().next()))
    }),
    stable(
        "current_schemas",
        "Schemas of the search path that are there, with those searched unasked when wanted.",
        &[1],
        Returns::Texts,
        current_schemas,
    ),
    // PostgreSQL calls it stable, and runs it in its place in the list, behind a `set_config` before it.
    volatile("current_setting", "Value of a setting.", &[1, 2], Returns::Text, current_setting),
    stable("current_user", "User of the session.", &[0], Returns::Text, user),
    stable("pg_backend_pid", "Number of the session.", &[0], Returns::Int, |context, _| {
        Ok(ScalarValue::from(context.session()?.pid))
    }),
    stable("pg_get_userbyid", "Name of a user, by number.", &[1], Returns::Text, user_by_id),
    stable(
        "regrole",
        "Cast to regrole: a name to its number, a number to its name.",
        &[1],
        Returns::From(super::object_name::oid_or_name),
        role,
    ),
    stable("regrole_oid", "Number of a user, by name or number.", &[1], Returns::Oid, role_oid),
    stable("regrole_text", "Name of a user, by name or number.", &[1], Returns::Text, role_name),
    stable("session_user", "User that logged in.", &[0], Returns::Text, user),
    stable("system_user", "Method and name by which the user logged in: NULL here.", &[0], Returns::Text, |_, _| {
        Ok(null())
    }),
    stable(
        "to_regrole",
        "Number of a user by name; NULL when there is none.",
        &[1],
        Returns::Oid,
        |context, values| Ok(role_oid(context, values).unwrap_or_else(|_| null())),
    ),
    stable("user", "User of the session.", &[0], Returns::Text, user),
    volatile(
        "pg_cancel_backend",
        "Cancels what a session runs; false when there is no such session.",
        &[1],
        Returns::Bool,
        |context, values| signal(context, values, Signal::Cancel),
    ),
    volatile(
        "pg_export_snapshot",
        "Name by which another transaction reads the same versions of all tables.",
        &[0],
        Returns::Text,
        |context, _| Ok(ScalarValue::from(context.session()?.variables.export_snapshot()?)),
    ),
    volatile(
        "pg_terminate_backend",
        "Ends a session; false when there is none.",
        &[1],
        Returns::Bool,
        |context, values| signal(context, values, Signal::Terminate),
    ),
    volatile("set_config", "Sets a setting and gives its new value.", &[3], Returns::Text, set_config),
];

/// The name of the user that logged in; there is no SET ROLE here.
fn user(context: &Context<'_>, _: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(ScalarValue::from(context.session()?.user.as_str()))
}

/// The name of the database the client connected to.
fn database(context: &Context<'_>, _: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(ScalarValue::from(context.session()?.database.as_str()))
}

/// The schemas of the search path that are there, without the temporary one, in which nothing is made unasked.
fn existing(context: &Context<'_>) -> Vec<String> {
    let there = |name: &&String| context.names().schemas().any(|schema| schema == name.as_str());
    context.path().iter().filter(there).filter(|name| !is_temporary(name)).cloned().collect()
}

/// The search path; with `pg_catalog`, which is searched without being named, when asked for.
fn current_schemas(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let implicit = matches!(values.first(), Some(ScalarValue::Boolean(Some(true))));
    let mut schemas = existing(context);
    if implicit && !schemas.iter().any(|schema| schema == "pg_catalog") {
        schemas.insert(0, "pg_catalog".to_owned());
    }
    if implicit && let Some(temporary) = context.temporary_schema() {
        schemas.insert(0, temporary.to_owned());
    }
    let schemas: Vec<ScalarValue> = schemas.into_iter().map(ScalarValue::from).collect();
    Ok(ScalarValue::List(ScalarValue::new_list_nullable(&schemas, &datafusion::arrow::datatypes::DataType::Utf8)))
}

/// The value of a setting; NULL for an unknown name when the second argument is true, else an error.
fn current_setting(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(name) = text(values, 0) else { return Ok(null()) };
    let missing_ok = matches!(values.get(1), Some(ScalarValue::Boolean(Some(true))));
    match context.session()?.variables.show(&name) {
        Ok(value) => Ok(text_value(Some(value))),
        Err(_) if missing_ok => Ok(null()),
        Err(error) => Err(error),
    }
}

/// Cancels what the session of a number runs, or ends it. It does not wait for that.
fn signal(context: &Context<'_>, values: &[ScalarValue], signal: Signal) -> Result<ScalarValue> {
    let Some(pid) = integer(values, 0)? else { return Ok(null()) };
    let reached = match i32::try_from(pid) {
        Ok(pid) => context.session()?.variables.signal(pid, signal)?,
        Err(_) => return exec_err!("value \"{pid}\" is out of range for type integer"),
    };
    Ok(ScalarValue::from(reached))
}

/// Sets a setting for the session, or for the transaction alone.
fn set_config(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(name) = text(values, 0) else { return Ok(null()) };
    let variables = &context.session()?.variables;
    let value = text(values, 1).unwrap_or_default();
    let shown = match values.get(2) {
        Some(ScalarValue::Boolean(Some(true))) => variables.set_local(&name, &value)?,
        _ => {
            variables.set(&name, &value)?;
            variables.show(&name)?
        }
    };
    Ok(text_value(Some(shown)))
}

/// The name of a role by its number: the owner of everything, this session's user, or a user that may
/// connect.
pub(super) fn name_of(context: &Context<'_>, number: u32) -> Result<Option<String>> {
    let session = context.session()?;
    Ok(match number {
        oid::OWNER => Some(crate::dialect::catalog::OWNER.to_owned()),
        number if number == oid::hashed("role", &session.user) => Some(session.user.clone()),
        number => {
            let users = session.variables.users().unwrap_or_default().into_iter();
            users.map(|(name, _)| name).find(|name| number == oid::hashed("role", name))
        }
    })
}

/// The name of a role by its number; `unknown (OID=...)`, as PostgreSQL writes it, for a number no
/// role has.
fn user_by_id(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(number) = super::define::object(values, 0)? else { return Ok(null()) };
    let name = name_of(context, number)?.unwrap_or_else(|| format!("unknown (OID={number})"));
    Ok(text_value(Some(name)))
}

/// `x::regrole`: a name to its number, a number to its name.
fn role(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    match values.first() {
        Some(value) if super::define::is_text(value) => role_oid(context, values),
        _ => role_name(context, values),
    }
}

/// The number of a role by its name, or the number that is given.
///
/// # Errors
/// `UnknownObject` for a name no role has.
pub(super) fn role_oid(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(name) = text(values, 0) else { return Ok(null()) };
    if name == crate::dialect::catalog::OWNER {
        return Ok(ScalarValue::from(oid::OWNER));
    }
    let session = context.session()?;
    let known = || session.variables.users().is_some_and(|users| users.iter().any(|(user, _)| *user == name));
    if name == session.user || known() {
        return Ok(ScalarValue::from(oid::hashed("role", &name)));
    }
    match name.parse::<u32>() {
        Ok(number) => Ok(ScalarValue::from(number)),
        Err(_) => datafusion::common::exec_err!("role \"{name}\" does not exist"),
    }
}

/// The name of a role by its number or its name.
fn role_name(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(given) = text(values, 0) else { return Ok(null()) };
    match given.parse::<u32>() {
        Ok(number) => Ok(text_value(Some(name_of(context, number)?.unwrap_or(given)))),
        Err(_) => role_oid(context, values).map(|_| text_value(Some(given))),
    }
}
