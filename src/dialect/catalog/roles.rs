//! The roles of the server, as `pg_roles` and `pg_user` show them.

use super::oid;
use super::value::{Row, Value};
use super::view::{OWNER, View};
use crate::role::Role;
use std::collections::BTreeMap;

/// One role, as `pg_roles` and `pg_user` show it.
struct Known {
    /// Its number: a hash of its name, but for the owner of everything.
    number: u32,
    name: String,
    /// Whether it may administer the server, shown as `rolsuper`.
    admin: bool,
    /// Whether one may connect as this role.
    login: bool,
}

/// Every role, sorted by name: the owner of everything, those that may connect, and the session's own.
fn known_roles(view: &View<'_>) -> Vec<Known> {
    let users = view.facts.map(|facts| facts.variables.users());
    let open = matches!(users, None | Some(None));
    let mut roles: BTreeMap<String, (bool, bool)> = BTreeMap::from([(OWNER.to_owned(), (true, open))]);
    if let Some(facts) = view.facts {
        roles.insert(facts.user.clone(), (facts.role == Role::Admin, true));
    }
    let users = users.flatten().unwrap_or_default();
    roles.extend(users.into_iter().map(|(name, role)| (name, (role == Role::Admin, true))));
    let known = |(name, (admin, login)): (String, (bool, bool))| Known {
        number: if name == OWNER { oid::OWNER } else { oid::hashed("role", &name) },
        name,
        admin,
        login,
    };
    roles.into_iter().map(known).collect()
}

/// `pg_roles` and `pg_authid`: a row for each role; passwords are NULL.
pub(super) fn roles(view: &View<'_>) -> Vec<Row> {
    let row = |role: Known| -> Row {
        vec![
            ("oid", role.number.into()),
            ("rolname", role.name.into()),
            ("rolsuper", role.admin.into()),
            ("rolinherit", true.into()),
            ("rolcanlogin", role.login.into()),
            ("rolconnlimit", Value::Int(-1)),
        ]
    };
    known_roles(view).into_iter().map(row).collect()
}

/// `pg_user` and `pg_shadow`: a row for each role that may connect.
pub(super) fn users(view: &View<'_>) -> Vec<Row> {
    let row = |role: Known| -> Row {
        vec![("usename", role.name.into()), ("usesysid", role.number.into()), ("usesuper", role.admin.into())]
    };
    known_roles(view).into_iter().filter(|role| role.login).map(row).collect()
}
