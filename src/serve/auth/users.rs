//! The users a server lets in, and the check of their passwords.
//!
//! The Postgres and the Flight server ask here at each login. The users file is looked at again then, so that `tt user
//! add` and `tt user remove` reach a running server; a session that is open already stays, as in PostgreSQL.

use super::file::{self, Entries};
use super::user::{Identity, User};
use super::verifier::Verifier;
use crate::role::Role;
use crate::serve::file_watch::FileWatch;
use anyhow::Result;
use std::path::Path;
use std::sync::Arc;

/// The users of a server. Cheap to clone; clones see the same file.
///
/// Calls look at the file's date and may read it anew: microseconds on a local disk, but blocking.
#[derive(Debug, Clone)]
pub struct Users {
    /// `None` while nobody is defined.
    file: Option<Arc<FileWatch<Entries>>>,
}

impl Users {
    /// Nobody is defined: any name is let in without a password, as admin. For loopback; see
    /// [`crate::serve::listen::check`].
    pub fn open() -> Self {
        Self { file: None }
    }

    /// The users of a file.
    ///
    /// # Errors
    /// A file that cannot be read, is no list of users, names one twice, or may be read by others: its verifiers let
    /// whoever has them try passwords without asking the server.
    pub fn load(path: &Path) -> Result<Self> {
        let file = path.to_owned();
        let watched = FileWatch::load(vec![path.to_owned()], move || Ok(file::read(&file)?))?;
        Ok(Self { file: Some(Arc::new(watched)) })
    }

    /// Whether anybody is let in without a password, which is so while no users file is configured.
    pub fn is_open(&self) -> bool {
        self.file.is_none()
    }

    /// The user of a name; `None` for everyone while nobody is defined.
    pub fn find(&self, name: &str) -> Option<Arc<User>> {
        self.file.as_ref()?.current().users.get(name).cloned()
    }

    /// Everybody in the file, sorted by name.
    pub fn list(&self) -> Vec<(String, Role)> {
        let entries = self.file.as_ref().map(|file| file.current());
        entries.iter().flat_map(|entries| entries.users.values().map(|user| (user.name.clone(), user.role))).collect()
    }

    /// Who a name is now, without asking for a password: for a caller whose token proves an earlier login.
    pub fn identity(&self, name: &str) -> Option<Identity> {
        match &self.file {
            None => Some(Identity { user: name.to_owned(), role: Role::Admin }),
            Some(_) => self.find(name).map(|user| user.identity()),
        }
    }

    /// The user whom a password proves; `None` for everyone while nobody is defined. It takes milliseconds of a
    /// processor, so not on a thread that serves connections, and as long for a name that does not exist.
    pub fn proved(&self, name: &str, password: &str) -> Option<Arc<User>> {
        let user = self.find(name);
        let verifier = user.as_ref().map_or_else(|| self.decoy(name), |user| user.verifier.clone());
        let right = verifier.matches(password);
        user.filter(|_| right)
    }

    /// A verifier that no password fits, for a name that does not exist: the same salt each time it is asked for, so
    /// that a stranger cannot tell such a name from a user's.
    pub fn decoy(&self, name: &str) -> Verifier {
        match &self.file {
            Some(file) => Verifier::decoy(&file.current().decoy_key, name),
            None => Verifier::decoy(&[], name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn users_file(users: &[(&str, Role, &str)]) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users.toml");
        for (name, role, password) in users {
            file::add(&path, name, Some(*role), &Verifier::of(password)).unwrap();
        }
        (directory, path)
    }

    #[test]
    fn without_users_everyone_is_admin() {
        let users = Users::open();
        assert!(users.is_open());
        assert_eq!(users.identity("me"), Some(Identity { user: "me".to_owned(), role: Role::Admin }));
        assert!(users.find("me").is_none());
    }

    #[test]
    fn a_password_tells_who_it_is() {
        let (_directory, path) = users_file(&[("ada", Role::Admin, "engine"), ("bob", Role::Reader, "pass")]);
        let users = Users::load(&path).unwrap();
        assert!(!users.is_open());
        let proved = |name, password| users.proved(name, password).map(|user| user.identity());
        assert_eq!(proved("ada", "engine"), Some(Identity { user: "ada".to_owned(), role: Role::Admin }));
        assert_eq!(proved("bob", "pass").map(|who| who.role), Some(Role::Reader));
        for (name, password) in [("ada", "pass"), ("ada", ""), ("eve", "engine"), ("", "")] {
            assert_eq!(proved(name, password), None, "{name}");
        }
        assert_eq!(users.identity("eve"), None);
    }

    #[test]
    fn a_changed_file_is_seen_and_a_broken_one_is_not() {
        let (_directory, path) = users_file(&[("ada", Role::Admin, "engine")]);
        let users = Users::load(&path).unwrap();
        file::add(&path, "bob", None, &Verifier::of("pass")).unwrap();
        assert!(users.find("bob").is_some());
        file::remove(&path, "ada").unwrap();
        assert!(users.find("ada").is_none());
        std::fs::write(&path, "[[user]]\nname = ").unwrap();
        assert!(users.find("bob").is_some());
        std::fs::remove_file(&path).unwrap();
        assert!(users.find("bob").is_some());
    }

    #[test]
    fn a_name_that_does_not_exist_has_the_same_salt_each_time() {
        let (_directory, path) = users_file(&[("ada", Role::Admin, "engine")]);
        let (first, second) = (Users::load(&path).unwrap(), Users::load(&path).unwrap());
        assert_eq!(first.decoy("eve").salt(), second.decoy("eve").salt());
        assert_ne!(first.decoy("eve").salt(), first.decoy("mallory").salt());
        assert!(!first.decoy("eve").matches(""));
    }
}
