//! Functions about the session: who, where, and its settings.

use super::define::{Context, Definition, Returns, integer, null, stable, text, text_value, volatile};
use crate::engine::Signal;
use crate::table::pg_catalog::oid;
use datafusion::common::{Result, ScalarValue, exec_err};

pub(super) const FUNCTIONS: &[Definition] = &[
    stable("current_catalog", &[0], Returns::Text, database),
    stable("current_database", &[0], Returns::Text, database),
    stable("current_role", &[0], Returns::Text, user),
    stable("current_schema", &[0], Returns::Text, |context, _| Ok(text_value(existing(context).into_iter().next()))),
    stable("current_schemas", &[1], Returns::Texts, current_schemas),
    stable("current_setting", &[1, 2], Returns::Text, current_setting),
    stable("current_user", &[0], Returns::Text, user),
    stable("pg_backend_pid", &[0], Returns::Int, |context, _| Ok(ScalarValue::from(context.session()?.pid))),
    stable("pg_get_userbyid", &[1], Returns::Text, user_by_id),
    stable("regrole", &[1], Returns::From(super::catalog::oid_or_name), role),
    stable("regrole_oid", &[1], Returns::Oid, role_oid),
    stable("regrole_text", &[1], Returns::Text, role_name),
    stable("session_user", &[0], Returns::Text, user),
    stable("system_user", &[0], Returns::Text, |_, _| Ok(null())),
    stable("user", &[0], Returns::Text, user),
    volatile("pg_cancel_backend", &[1], Returns::Bool, |context, values| signal(context, values, Signal::Cancel)),
    volatile("pg_terminate_backend", &[1], Returns::Bool, |context, values| signal(context, values, Signal::Terminate)),
    volatile("set_config", &[3], Returns::Text, set_config),
];

fn user(context: &Context<'_>, _: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(ScalarValue::from(context.session()?.user.as_str()))
}

fn database(context: &Context<'_>, _: &[ScalarValue]) -> Result<ScalarValue> {
    Ok(ScalarValue::from(context.session()?.database.as_str()))
}

/// The schemas of the search path that are there.
fn existing(context: &Context<'_>) -> Vec<String> {
    let there = |name: &&String| context.names().schemas().any(|schema| schema == name.as_str());
    context.path().iter().filter(there).cloned().collect()
}

/// The search path; with `pg_catalog`, which is searched without being named, when asked for.
fn current_schemas(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let implicit = matches!(values.first(), Some(ScalarValue::Boolean(Some(true))));
    let mut schemas = existing(context);
    if implicit && !schemas.iter().any(|schema| schema == "pg_catalog") {
        schemas.insert(0, "pg_catalog".to_owned());
    }
    let schemas: Vec<ScalarValue> = schemas.into_iter().map(ScalarValue::from).collect();
    Ok(ScalarValue::List(ScalarValue::new_list_nullable(&schemas, &datafusion::arrow::datatypes::DataType::Utf8)))
}

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

/// Sets a setting for the session. "For this transaction only" is not a thing of a server that never writes.
fn set_config(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(name) = text(values, 0) else { return Ok(null()) };
    let variables = &context.session()?.variables;
    variables.set(&name, &text(values, 1).unwrap_or_default())?;
    Ok(text_value(Some(variables.show(&name)?)))
}

fn name_of(context: &Context<'_>, number: u32) -> Result<Option<String>> {
    let session = context.session()?;
    Ok(match number {
        oid::OWNER => Some(crate::table::pg_catalog::OWNER.to_owned()),
        number if number == oid::hashed("role", &session.user) => Some(session.user.clone()),
        number => {
            let users = session.variables.users().unwrap_or_default().into_iter();
            users.map(|(name, _)| name).find(|name| number == oid::hashed("role", name))
        }
    })
}

fn user_by_id(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(number) = super::define::object(values, 0)? else { return Ok(null()) };
    let name = name_of(context, number)?.unwrap_or_else(|| format!("unknown (OID={number})"));
    Ok(text_value(Some(name)))
}

fn role(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    match values.first() {
        Some(value) if super::define::is_text(value) => role_oid(context, values),
        _ => role_name(context, values),
    }
}

fn role_oid(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(name) = text(values, 0) else { return Ok(null()) };
    if name == crate::table::pg_catalog::OWNER {
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

fn role_name(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let Some(given) = text(values, 0) else { return Ok(null()) };
    match given.parse::<u32>() {
        Ok(number) => Ok(text_value(Some(name_of(context, number)?.unwrap_or(given)))),
        Err(_) => role_oid(context, values).map(|_| text_value(Some(given))),
    }
}
