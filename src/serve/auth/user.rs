//! A user of the server, and the identity that a login proves to the engine.

use super::verifier::Verifier;
use crate::role::Role;

/// A user who has proved who they are, as the engine knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name of the session's user, as `current_user` shows it.
    pub user: String,
    /// What they may do.
    pub role: Role,
}

/// A user as the users file has them: a name, a role and what their password is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Name, at most 63 bytes as in PostgreSQL.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// What their password is checked against.
    pub verifier: Verifier,
}

impl User {
    /// Who they are to the engine, once they have proved it.
    pub fn identity(&self) -> Identity {
        Identity { user: self.name.clone(), role: self.role }
    }
}
