//! Functions about roles: who is a member of which, and what an object's owner and everybody may do with it while nothing
//! else was granted.
//!
//! Nobody is made a member of anything here: a role has itself, and an admin has them all.

use super::define::{Context, Definition, Returns, is_text, null, object, stable, text};
use super::failure::fails;
use super::session::{name_of, role_oid};
use super::typed::texts_value;
use crate::dialect::catalog::oid;
use crate::error::ErrorKind;
use crate::role::Role;
use datafusion::common::{Result, ScalarValue};

/// Their definitions, sorted by name. Each session has its own, since they look for its user.
pub(crate) const FUNCTIONS: &[Definition] = &[
    stable(
        "acldefault",
        "Privileges on an object while none were granted, by the letter of its kind and its owner.",
        &[2],
        Returns::Texts,
        default_privileges,
    ),
    stable("pg_has_role", "Whether a user has a role.", &[2, 3], Returns::Bool, has_role),
];

/// The kinds of objects by their letters, with the letters of what everybody and the owner may do.
const DEFAULTS: &[(&str, &str, &str)] = &[
    ("c", "", ""),
    ("r", "", "arwdDxt"),
    ("s", "", "rwU"),
    ("d", "Tc", "CTc"),
    ("f", "X", "X"),
    ("l", "U", "U"),
    ("L", "", "rw"),
    ("n", "", "UC"),
    ("p", "", "sA"),
    ("t", "", "C"),
    ("F", "", "U"),
    ("S", "", "U"),
    ("T", "U", "U"),
];

/// The privileges as PostgreSQL writes them: `{=U/tt,tt=U/tt}`.
fn default_privileges(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    let (Some(kind), Some(owner)) = (text(values, 0), object(values, 1)?) else { return Ok(null()) };
    let Some((_, everybody, own)) = DEFAULTS.iter().find(|(letter, ..)| *letter == kind) else {
        return fails(ErrorKind::Internal, format!("unrecognized object type abbreviation: {kind}"));
    };
    let owner = name_of(context, owner)?.unwrap_or_else(|| owner.to_string());
    let given = [("", everybody), (owner.as_str(), own)].into_iter().filter(|(_, letters)| !letters.is_empty());
    Ok(texts_value(given.map(|(role, letters)| Some(format!("{role}={letters}/{owner}")))))
}

/// What one may have of a role.
const OF_ROLE: [&str; 3] = ["MEMBER", "SET", "USAGE"];

/// Whether the user in front, or that of the session, has a role.
///
/// # Errors
/// 42704 for a name that no role has, 22023 for a privilege that roles do not have.
fn has_role(context: &Context<'_>, values: &[ScalarValue]) -> Result<ScalarValue> {
    if values.iter().any(ScalarValue::is_null) {
        return Ok(null());
    }
    let (member, role, wanted) = match values {
        [member, role, wanted] => (number_of(context, member)?, role, wanted),
        [role, wanted] => (number_of(context, &ScalarValue::from(context.session()?.user.as_str()))?, role, wanted),
        _ => return Ok(null()),
    };
    let role = number_of(context, role)?;
    let wanted = text(std::slice::from_ref(wanted), 0).unwrap_or_default();
    let mut has = false;
    for written in wanted.split(',').map(str::trim) {
        let name = written.to_ascii_uppercase();
        let options = [" WITH ADMIN OPTION", " WITH GRANT OPTION"];
        let plain = options.iter().find_map(|option| name.strip_suffix(option));
        if !OF_ROLE.contains(&plain.unwrap_or(&name)) {
            return fails(ErrorKind::InvalidParameter, format!("unrecognized privilege type: \"{written}\""));
        }
        // Nobody gives a role on, and be it his own.
        has |= plain.is_none() && member == role;
    }
    Ok(ScalarValue::from(has || is_admin(context, member)?))
}

/// The number of a role by its name or its number.
fn number_of(context: &Context<'_>, role: &ScalarValue) -> Result<Option<u32>> {
    let role = std::slice::from_ref(role);
    if !role.first().is_some_and(is_text) {
        return object(role, 0);
    }
    let name = text(role, 0).unwrap_or_default();
    match role_oid(context, role)? {
        // A text is a name, and be it of digits.
        ScalarValue::UInt32(Some(number)) if name_of(context, number)?.as_deref() == Some(name.as_str()) => {
            Ok(Some(number))
        }
        _ => fails(ErrorKind::UnknownObject, format!("role \"{name}\" does not exist")),
    }
}

/// Whether a role may do everything: the owner of all tables, and admins.
fn is_admin(context: &Context<'_>, role: Option<u32>) -> Result<bool> {
    let session = context.session()?;
    if role == Some(oid::OWNER) || (role == Some(oid::hashed("role", &session.user)) && session.role == Role::Admin) {
        return Ok(true);
    }
    let users = session.variables.users().unwrap_or_default();
    Ok(users.iter().any(|(name, of)| *of == Role::Admin && role == Some(oid::hashed("role", name))))
}
