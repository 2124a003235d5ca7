//! The names of a table's log from some version on.
//!
//! A log has an entry a minute for as long as versions are kept: tens of thousands of files, of which a look needs those
//! behind the last checkpoint. `object_store` makes a path of every name before it compares; here a name is a name.

use super::leftovers::is_unnamed;
use chrono::{DateTime, Utc};
use object_store::ObjectMeta;
use object_store::path::Path;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path as FilePath;

/// The folder of a Delta table that holds its log.
pub(super) const LOG: &str = "_delta_log";

/// The files of a folder, those below it not counted, whose name is behind another in order; in any order.
pub(super) fn list(folder: &FilePath, location: &Path, behind: &str) -> io::Result<Vec<ObjectMeta>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let Some(name) = name.to_str().filter(|name| *name > behind && !is_unnamed(name)) else { continue };
        // One that was removed since is not there; a link is what it leads to.
        let Ok(file) = fs::metadata(folder.join(name)) else { continue };
        if file.is_file() {
            files.push(ObjectMeta {
                location: location.clone().join(name),
                last_modified: DateTime::<Utc>::from(file.modified()?),
                size: file.len(),
                e_tag: None,
                version: None,
            });
        }
    }
    Ok(files)
}

/// Whether a text is the number of a version, as file names of a log begin with it.
pub(super) fn is_version(name: &str) -> bool {
    name.len() == 20 && name.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt;
    use object_store::ObjectStore;
    use object_store::local::LocalFileSystem;

    #[tokio::test]
    async fn it_lists_what_the_store_of_the_machine_lists() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("_delta_log");
        fs::create_dir_all(folder.join("_sidecars")).unwrap();
        let numbered = (0..30).map(|version| format!("{version:020}.json"));
        let others = ["00000000000000000010.checkpoint.parquet", "_last_checkpoint", "00000000000000000011.json#7"];
        for name in numbered.chain(others.map(str::to_owned)) {
            fs::write(folder.join(name), b"text").unwrap();
        }
        let store = LocalFileSystem::new_with_prefix(place.path()).unwrap();
        let location = Path::from("_delta_log");
        let compared = |mut files: Vec<ObjectMeta>| {
            files.sort_by(|one, other| one.location.cmp(&other.location));
            files.into_iter().map(|file| (file.location, file.size, file.last_modified)).collect::<Vec<_>>()
        };
        for version in [0, 10, 11, 29, 30] {
            let behind = format!("{version:020}");
            assert!(is_version(&behind));
            let offset = location.clone().join(behind.as_str());
            let expected = store.list_with_offset(Some(&location), &offset).try_collect().await.unwrap();
            let listed = list(&folder, &location, &behind).unwrap();
            assert_eq!(compared(listed), compared(expected), "from {version}");
        }
        assert_eq!(list(&folder, &location, &format!("{:020}", 29)).unwrap().len(), 2);
        assert!(list(&place.path().join("nowhere"), &location, "").unwrap().is_empty());
        assert!(!is_version("_last_checkpoint") && !is_version("1"));
    }
}
