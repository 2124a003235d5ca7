//! What writers that were killed have left behind: files under the names of `staged`, which no listing shows.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file that was begun and never got its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leftover {
    /// Where it stands on this machine.
    pub path: PathBuf,
    /// Size of the file in bytes.
    pub bytes: u64,
}

/// The leftovers in a folder, those below it not counted, whose later name begins with a text and that nobody has written
/// to since a moment. A folder that is not there has none.
pub(crate) fn find(folder: &Path, named: &str, since: SystemTime) -> io::Result<Vec<Leftover>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if !entry.file_name().to_str().is_some_and(|name| name.starts_with(named) && is_unnamed(name)) {
            continue;
        }
        // Its writer may have given it its name meanwhile.
        let Some(file) = entry.metadata().ok().filter(|file| file.is_file()) else { continue };
        if file.modified()? <= since {
            found.push(Leftover { path: entry.path(), bytes: file.len() });
        }
    }
    found.sort();
    Ok(found)
}

/// The leftovers below a folder, however deep.
pub(crate) fn find_below(folder: &Path, since: SystemTime) -> io::Result<Vec<Leftover>> {
    let mut found = find(folder, "", since)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(find_below(&entry.path(), since)?);
        }
    }
    Ok(found)
}

/// Removes leftovers; one that is gone is no error.
pub(crate) fn remove(leftovers: &[Leftover]) -> io::Result<()> {
    leftovers.iter().try_for_each(|leftover| match fs::remove_file(&leftover.path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    })
}

/// Whether a name ends in `#` and digits, which `object_store` leaves out of its listings.
pub(super) fn is_unnamed(name: &str) -> bool {
    let digits = name.rsplit_once('#').map(|(_, digits)| digits);
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_wait_for_their_names_are_found_by_age() {
        let place = tempfile::tempdir().unwrap();
        for name in ["a.json#12", "a.json", "b.json#12", "a.json#x", "a.json#"] {
            fs::write(place.path().join(name), b"12345").unwrap();
        }
        let now = SystemTime::now() + std::time::Duration::from_secs(1);
        let found = find(place.path(), "a.", now).unwrap();
        assert_eq!(found, [Leftover { path: place.path().join("a.json#12"), bytes: 5 }]);
        assert_eq!(find(place.path(), "", now).unwrap().len(), 2);
        assert_eq!(find_below(place.path(), now).unwrap().len(), 2);
        assert!(find(place.path(), "", SystemTime::UNIX_EPOCH).unwrap().is_empty());
        remove(&found).unwrap();
        remove(&found).unwrap();
        assert!(find(place.path(), "a.", now).unwrap().is_empty());
        assert!(find(&place.path().join("nowhere"), "", now).unwrap().is_empty());
    }
}
