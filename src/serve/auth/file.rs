//! The users file: TOML, written by `tt user` and read by the server.
//!
//! ```toml
//! decoy_key = "..."                  # random; makes the salts shown for names that do not exist
//!
//! [[user]]
//! name = "ada"
//! role = "admin"
//! verifier = "SCRAM-SHA-256$4096:...$...:..."
//! ```
//!
//! A verifier may also be copied from `pg_authid.rolpassword` of a PostgreSQL server.

use super::user::User;
use super::verifier::Verifier;
use crate::role::Role;
use crate::serve::file_watch::open_to_others;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use figment::Figment;
use figment::providers::{Format, Toml};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of a user's name, at most, as in PostgreSQL.
const NAME_BYTES_MAX: usize = 63;
/// Bytes of the key behind decoys.
const DECOY_KEY_BYTES: usize = 32;

/// A users file that cannot be used or written: one sentence that names it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("users file {}: {reason}", path.display())]
pub struct FileError {
    path: PathBuf,
    reason: String,
}

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) users: BTreeMap<String, Arc<User>>,
    pub(super) decoy_key: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    decoy_key: Option<String>,
    #[serde(default)]
    user: Vec<WrittenUser>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenUser {
    name: String,
    role: Role,
    verifier: String,
}

/// Reads the users file.
///
/// # Errors
/// A file that cannot be read, is open to others, or is no list of users.
pub(super) fn read(path: &Path) -> Result<Entries, FileError> {
    let fail = |reason: String| FileError { path: path.to_owned(), reason };
    let file = File::open(path).map_err(|error| fail(error.to_string()))?;
    let metadata = file.metadata().map_err(|error| fail(error.to_string()))?;
    if !metadata.is_file() {
        return Err(fail("is not a file".to_owned()));
    }
    if let Some(mode) = open_to_others(&metadata) {
        return Err(fail(format!("may be read by others (mode {mode:04o}); chmod 600 makes it yours alone")));
    }
    let text = io::read_to_string(file).map_err(|error| fail(error.to_string()))?;
    entries(&text).map_err(fail)
}

fn entries(text: &str) -> Result<Entries, String> {
    let written: Written = Figment::from(Toml::string(text)).extract().map_err(|error| one_line(&error))?;
    let decoy_key = match written.decoy_key {
        Some(text) => BASE64.decode(text).map_err(|_| "decoy_key is not base64".to_owned())?,
        None => random_key(),
    };
    let mut entries = Entries { users: BTreeMap::new(), decoy_key };
    for user in written.user {
        check_name(&user.name)?;
        let wrong = |reason: String| format!("user \"{}\": {reason}", user.name);
        let verifier = Verifier::parse(&user.verifier).map_err(wrong)?;
        let known = User { name: user.name.clone(), role: user.role, verifier };
        if entries.users.insert(user.name.clone(), Arc::new(known)).is_some() {
            return Err(format!("user \"{}\" stands in it twice", user.name));
        }
    }
    Ok(entries)
}

/// The first sentence of a parser's error; the rest draws the place, and might show a verifier.
fn one_line(error: &figment::Error) -> String {
    let key = error.path.join(".");
    let reason = error.kind.to_string();
    let reason = reason.lines().next().unwrap_or_default();
    if key.is_empty() { reason.to_owned() } else { format!("{key}: {reason}") }
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(format!("a user's name has 1 to {NAME_BYTES_MAX} bytes"));
    }
    if name.chars().any(char::is_control) {
        return Err(format!("a control character in the user's name {name:?}"));
    }
    Ok(())
}

fn random_key() -> Vec<u8> {
    let mut key = vec![0; DECOY_KEY_BYTES];
    aws_lc_rs::rand::fill(&mut key).expect("the system gives random bytes");
    key
}

/// Adds a user, or gives an existing one another password. Without a role a new user reads and an existing one keeps
/// theirs. Says whether the name is new, and the role. The file is made when it is missing.
///
/// # Errors
/// A name that cannot be one, or a file that cannot be used or written; it is as before then.
pub fn add(path: &Path, name: &str, role: Option<Role>, verifier: &Verifier) -> Result<(bool, Role), FileError> {
    let fail = |reason: String| FileError { path: path.to_owned(), reason };
    check_name(name).map_err(fail)?;
    let _lock = lock(path).map_err(|error| fail(format!("cannot be written: {error}")))?;
    let mut entries = if path.exists() { read(path)? } else { fresh() };
    let known = entries.users.get(name).map(|user| user.role);
    let role = role.or(known).unwrap_or(Role::Reader);
    let user = User { name: name.to_owned(), role, verifier: verifier.clone() };
    entries.users.insert(name.to_owned(), Arc::new(user));
    write(path, &entries)?;
    Ok((known.is_none(), role))
}

/// Removes a user; says whether there was one.
///
/// # Errors
/// A file that cannot be used or written; it is as before then.
pub fn remove(path: &Path, name: &str) -> Result<bool, FileError> {
    let _lock = lock(path)
        .map_err(|error| FileError { path: path.to_owned(), reason: format!("cannot be written: {error}") })?;
    let mut entries = read(path)?;
    let found = entries.users.remove(name).is_some();
    if found {
        write(path, &entries)?;
    }
    Ok(found)
}

/// Keeps other changes away until it is dropped. It is the directory that is locked, since the file is replaced.
#[cfg(unix)]
fn lock(path: &Path) -> io::Result<File> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let directory = File::open(directory)?;
    directory.lock()?;
    Ok(directory)
}

#[cfg(not(unix))]
fn lock(_: &Path) -> io::Result<()> {
    Ok(())
}

/// The users of a file, sorted by name.
///
/// # Errors
/// A file that cannot be used.
pub fn list(path: &Path) -> Result<Vec<Arc<User>>, FileError> {
    Ok(read(path)?.users.into_values().collect())
}

fn fresh() -> Entries {
    Entries { users: BTreeMap::new(), decoy_key: random_key() }
}

/// Puts a new file in the place of the old one: a reader sees either, and a crash leaves one of them.
fn write(path: &Path, entries: &Entries) -> Result<(), FileError> {
    let mut text = String::from("# Users of tt: written by `tt user add` and `tt user remove`. Keep it to yourself.\n");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "decoy_key = \"{}\"", BASE64.encode(&entries.decoy_key));
    for user in entries.users.values() {
        let _ = write!(
            text,
            "\n[[user]]\nname = {}\nrole = \"{}\"\nverifier = \"{}\"\n",
            quoted(&user.name),
            user.role,
            user.verifier
        );
    }
    // A link stays a link: the file behind it is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut beside = target.clone().into_os_string();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = private_file(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &target)?;
        // The name too outlives a power failure.
        File::open(target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?
            .sync_all()
    });
    written.map_err(|error| {
        // It may not be there.
        let _ = fs::remove_file(&beside);
        FileError { path: path.to_owned(), reason: format!("cannot be written: {error}") }
    })
}

/// A TOML string. Names have no control characters, so quotes and backslashes are all there is to escape.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(unix)]
fn private_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> String {
        format!("[[user]]\nname = {}\nrole = \"reader\"\nverifier = \"{}\"\n", quoted(name), Verifier::of("x"))
    }

    #[track_caller]
    fn refused(text: &str, part: &str) {
        let message = entries(text).unwrap_err();
        assert!(message.contains(part) && !message.contains('\n'), "{message}");
        assert!(!message.contains("SCRAM-SHA-256$4096"), "{message}");
    }

    #[test]
    fn a_file_that_is_no_list_of_users_is_refused() {
        refused("[[user]\n", "TOML");
        refused("[[users]]\nname = \"a\"", "users");
        refused("[[user]]\nname = \"a\"\nrole = \"reader\"", "verifier");
        refused("[[user]]\nname = \"a\"\nrole = \"root\"\nverifier = \"x\"", "root");
        refused("[[user]]\nname = \"a\"\nrole = \"reader\"\nverifier = \"secret\"", "user \"a\": a verifier reads");
        refused(&user(""), "1 to 63 bytes");
        refused(&user(&"a".repeat(64)), "1 to 63 bytes");
        refused(&[user("ada"), user("ada")].concat(), "\"ada\" stands in it twice");
        refused("decoy_key = \"!\"", "decoy_key");
        assert_eq!(entries("").unwrap().users.len(), 0);
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users.toml");
        let verifier = Verifier::of("pencil");
        let names = ["ada", "o'neil \"x\" \\y", "Zoë"];
        for name in names {
            assert_eq!(add(&path, name, None, &verifier).unwrap(), (true, Role::Reader));
        }
        let key = read(&path).unwrap().decoy_key;
        assert_eq!(add(&path, "ada", Some(Role::Admin), &verifier).unwrap(), (false, Role::Admin));
        assert_eq!(add(&path, "ada", None, &verifier).unwrap(), (false, Role::Admin));
        let listed: Vec<_> = list(&path).unwrap().iter().map(|user| (user.name.clone(), user.role)).collect();
        assert_eq!(listed.len(), 3);
        assert_eq!(listed[1], ("ada".to_owned(), Role::Admin));
        assert!(names.iter().all(|name| listed.iter().any(|(known, _)| known == name)));
        assert_eq!(read(&path).unwrap().decoy_key, key);
        assert!(remove(&path, "ada").unwrap());
        assert!(!remove(&path, "ada").unwrap());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(add(&path, "a\nb", None, &verifier).is_err());
        assert!(add(&directory.path().join("no/users.toml"), "ada", None, &verifier).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users.toml");
        add(&path, "ada", None, &Verifier::of("x")).unwrap();
        let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o644, 0o602, 0o620, 0o604] {
            set(mode);
            assert!(read(&path).unwrap_err().to_string().contains("chmod 600"), "{mode:o}");
        }
        for mode in [0o600, 0o400, 0o640] {
            set(mode);
            assert!(read(&path).is_ok(), "{mode:o}");
        }
        let message = read(directory.path()).unwrap_err().to_string();
        assert!(message.contains("is not a file"), "{message}");
    }
}
