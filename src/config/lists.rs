//! The symbol lists of a configuration: the files that `[lists]` names are read and checked here, at the start.
//!
//! A list's name is used wherever a built-in one is: `collect.lists`, `collect.live_lists`, the column `symbols.lists`.
//! A change of a file counts from the next start.

use super::error::ConfigError;
use crate::market::list::{Lists, parse};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The lists of the program with those of the files beside them.
///
/// # Errors
/// A name that a built-in list has or that is no name, a file that cannot be read, is no list (with the line) or lists
/// nothing.
pub(super) fn read(files: &BTreeMap<String, PathBuf>) -> Result<Lists, ConfigError> {
    let mut lists = Lists::default();
    for (name, path) in files {
        let refuse = |reason: String| Err(ConfigError::new(format!("lists.{name}: {reason}")));
        if lists.members(name).is_some() {
            return refuse(format!("the program has a list of that name; {} needs another", path.display()));
        }
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
            return refuse("a list's name is made of letters, digits, _ and -".to_owned());
        }
        match members(path) {
            Ok(members) => lists.add(name, members),
            Err(reason) => return refuse(reason),
        }
    }
    Ok(lists)
}

fn members(path: &Path) -> Result<Vec<crate::market::list::Member>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let members = parse(&text).map_err(|error| format!("{} line {}: {}", path.display(), error.line, error.reason))?;
    if members.is_empty() {
        return Err(format!("there is no symbol in {}", path.display()));
    }
    Ok(members)
}

/// Refuses names that are no list.
///
/// # Errors
/// A sentence that begins with `key` and names the lists there are.
pub(super) fn check(key: &str, names: &[String], lists: &Lists) -> Result<(), ConfigError> {
    let Some(unknown) = names.iter().find(|name| lists.members(name).is_none()) else { return Ok(()) };
    let known: Vec<&str> = lists.names().collect();
    Err(ConfigError::new(format!("{key}: no list \"{unknown}\"; there are {}", known.join(", "))))
}
