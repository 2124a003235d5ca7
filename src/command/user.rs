//! `tt user`: who may connect. Writes the users file, which holds SCRAM-SHA-256 verifiers and no password; a running
//! server sees the change at the next login, and sessions that are open stay.

use super::configuration;
use crate::args::UsersFile;
use crate::console::say;
use crate::role::Role;
use crate::serve::auth::{Verifier, file};
use anyhow::{Context, Result, bail, ensure};
use std::io::{BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Adds a user, or gives one another password and, with `role`, another role; a new user is a reader. The password
/// comes from the first line of a file, from the terminal (asked twice), or from the first line of standard input.
///
/// # Errors
/// No file of users is named, the password is empty or was typed differently, or the file cannot be written.
pub fn add(place: &UsersFile, name: &str, role: Option<Role>, password_file: Option<&Path>) -> Result<ExitCode> {
    let path = users_file(place)?;
    let verifier = Verifier::of(&password(name, password_file)?);
    let (new, role) = file::add(&path, name, role, &verifier)?;
    let done = if new { "added" } else { "changed" };
    say!("{done} {name} ({role}) in {}", path.display());
    Ok(ExitCode::SUCCESS)
}

/// Removes a user, who then cannot log in any more.
///
/// # Errors
/// No file of users is named, it cannot be written, or it does not have the user.
pub fn remove(place: &UsersFile, name: &str) -> Result<ExitCode> {
    let path = users_file(place)?;
    ensure!(file::remove(&path, name)?, "no user \"{name}\" in {}", path.display());
    say!("removed {name} from {}", path.display());
    Ok(ExitCode::SUCCESS)
}

/// Prints names and roles, a line per user with a tab between, in the order of the file.
///
/// # Errors
/// No file of users is named, or it cannot be read.
pub fn list(place: &UsersFile) -> Result<ExitCode> {
    for user in file::list(&users_file(place)?)? {
        say!("{}\t{}", user.name, user.role);
    }
    Ok(ExitCode::SUCCESS)
}

/// The file of `--users`, or that of `auth.users`.
fn users_file(place: &UsersFile) -> Result<PathBuf> {
    if let Some(path) = &place.users {
        return Ok(path.clone());
    }
    let path = configuration(&place.common)?.auth.users;
    ensure!(
        !path.as_os_str().is_empty(),
        "auth.users names no file; set it in the configuration, or give --users FILE"
    );
    Ok(path)
}

/// A password from a file, the terminal or standard input. It is never an argument, which others could see.
fn password(name: &str, from: Option<&Path>) -> Result<String> {
    let password = match from {
        Some(path) => {
            let file = std::fs::File::open(path).with_context(|| format!("password file {}", path.display()))?;
            first_line(BufReader::new(file)).with_context(|| format!("password file {}", path.display()))?
        }
        None if std::io::stdin().is_terminal() => {
            let first = rpassword::prompt_password(format!("Password of {name}: ")).context("read the password")?;
            let second = rpassword::prompt_password("Once more: ").context("read the password")?;
            if first != second {
                bail!("the two passwords differ");
            }
            first
        }
        None => first_line(std::io::stdin().lock()).context("read the password from standard input")?,
    };
    ensure!(!password.is_empty(), "the password is empty");
    Ok(password)
}

fn first_line(mut from: impl BufRead) -> std::io::Result<String> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_with_its_blanks() {
        assert_eq!(first_line(&b" a b \r\nc\n"[..]).unwrap(), " a b ");
        assert_eq!(first_line(&b"a"[..]).unwrap(), "a");
        assert_eq!(first_line(&b""[..]).unwrap(), "");
        assert!(first_line(&b"\xff\n"[..]).is_err());
    }
}
