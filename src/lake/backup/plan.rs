//! What a backup has to hold: the versions of all tables at one moment, and the files that they, and older versions that are
//! still there, are made of.

use super::super::digest::Digests;
use super::super::log::checkpoint_version;
use super::super::store::PROBE;
use super::super::{DataFile, DatasetState, Lake, LakeError, LakeTable, Snapshot};
use super::copy::{list, name_in};
use chrono::{DateTime, Utc};
use object_store::ObjectMeta;
use object_store::path::Path;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What it means that a file is gone when it is to be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    /// Nothing: what it held is elsewhere, or nobody wants it any more.
    Fine,
    /// The table was tidied up meanwhile: the plan is made anew.
    PlanAgain,
}

/// One file that a backup has to hold.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Its name in the lake.
    pub(super) name: String,
    /// What the store says of it.
    pub(super) object: ObjectMeta,
    /// Whether its name never stands for other bytes.
    pub(super) lasting: bool,
    pub(super) gone: Gone,
    /// What its bytes are checked against, where that is known.
    pub(super) digests: Option<Digests>,
    /// Rows of the version in it, for who watches.
    pub(super) rows: u64,
}

/// The versions at one moment, and their files.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) tables: BTreeMap<String, u64>,
    pub(super) files: Vec<Wanted>,
}

impl Lake {
    /// Plans a backup of the tables as they were at a moment. `remembered` was read before it.
    pub(super) async fn plan(
        &self,
        moment: DateTime<Utc>,
        remembered: &BTreeMap<String, DatasetState>,
    ) -> Result<Plan, LakeError> {
        let (mut versions, mut latest) = (BTreeMap::new(), BTreeMap::new());
        for table in self.tables() {
            let Some(newest) = table.update().await? else { continue };
            latest.insert(table.dataset.name.to_owned(), newest.version);
            if let Some(version) = table.version_at(moment, newest.version).await? {
                versions.insert(table.dataset.name.to_owned(), version);
            }
        }
        fit(&mut versions, &latest, remembered);
        let mut files = Vec::new();
        for table in self.tables() {
            if let Some(version) = versions.get(table.dataset.name) {
                files.extend(self.files_of(table, *version).await?);
            }
        }
        Ok(Plan { tables: versions, files })
    }

    /// The log of a table up to a version, the files of that version, and those of older ones that are still there.
    async fn files_of(&self, table: &LakeTable, version: u64) -> Result<Vec<Wanted>, LakeError> {
        // Listed before the log is read, so that what vacuum takes meanwhile is missed when it is copied.
        let listed = table.data_files().await?;
        let snapshot = match table.current().filter(|latest| latest.version == version) {
            Some(latest) => latest,
            None => Arc::new(table.load_version(version).await?),
        };
        let listed: HashMap<Path, ObjectMeta> =
            listed.into_iter().map(|object| (object.location.clone(), object)).collect();
        let mut files = self.log_files(table, version).await?;
        files.extend(self.current_files(table, &snapshot, &listed)?);
        let current: BTreeSet<&Path> = snapshot.files.iter().map(|file| &file.path).collect();
        let oldest = table.oldest_version().await?;
        for path in table.files_since(oldest, &snapshot).await? {
            if let Some(object) = listed.get(&path).filter(|_| !current.contains(&path)) {
                files.push(self.wanted(object.clone(), true, Gone::Fine, 0));
            }
        }
        Ok(files)
    }

    /// The files of the version itself, which must be there, and as large as the log says.
    fn current_files(
        &self,
        table: &LakeTable,
        snapshot: &Snapshot,
        listed: &HashMap<Path, ObjectMeta>,
    ) -> Result<Vec<Wanted>, LakeError> {
        let check = |file: &DataFile| {
            let fail = |reason: String| LakeError::file(table.dataset.name, self.root.name(&file.path), reason);
            match listed.get(&file.path) {
                None => Err(fail("it is missing (tt lake repair tells what is left)".to_owned())),
                Some(object) if object.size != file.size => {
                    Err(fail(format!("it has {} bytes where the log says {}", object.size, file.size)))
                }
                Some(object) => {
                    let wanted = self.wanted(object.clone(), true, Gone::PlanAgain, file.rows.unwrap_or(0));
                    Ok(Wanted { digests: file.digests.clone(), ..wanted })
                }
            }
        };
        snapshot.files.iter().map(check).collect()
    }

    /// Commits and checkpoints up to a version. A repair may write one of them anew.
    async fn log_files(&self, table: &LakeTable, version: u64) -> Result<Vec<Wanted>, LakeError> {
        let folder = table.log_folder();
        let listed = list(self.root.store.as_ref(), &folder).await;
        let listed = listed.map_err(|error| LakeError::file(table.dataset.name, self.root.name(&folder), error))?;
        let of_version = |object: &ObjectMeta| {
            let of = object.location.filename().and_then(log_version);
            object.location.prefix_match(&folder).is_some_and(|parts| parts.count() == 1)
                && of.is_some_and(|of| of <= version)
        };
        let wanted = |object: ObjectMeta| self.wanted(object, false, Gone::PlanAgain, 0);
        Ok(listed.into_iter().filter(of_version).map(wanted).collect())
    }

    fn wanted(&self, object: ObjectMeta, lasting: bool, gone: Gone, rows: u64) -> Wanted {
        let name = name_in(&self.root.prefix, &object.location).unwrap_or_else(|| object.location.to_string());
        Wanted { name, object, lasting, gone, digests: None, rows }
    }

    /// Whether a path ends in the name of a dataset, or of what is remembered of one.
    fn knows(&self, path: &Path) -> bool {
        path.filename().is_some_and(|name| self.table(name.strip_suffix(".json").unwrap_or(name)).is_some())
    }

    /// Files of the lake's folder that this program does not write: configuration, lists, users; and tables that it does
    /// not know. CSV twins can be written again. What lies in `apart` has its own way.
    pub(super) async fn others(&self, apart: &[Path]) -> Result<Vec<Wanted>, LakeError> {
        let fail = |error: object_store::Error| LakeError::Location {
            location: self.root.name(&self.root.prefix),
            reason: error.to_string(),
        };
        let store = &*self.root.store;
        let top = store.list_with_delimiter(Some(&self.root.prefix)).await.map_err(fail)?;
        let mut folders = Vec::new();
        for folder in top.common_prefixes {
            match folder.filename().unwrap_or_default() {
                "csv" | "spool" | "lost+found" => {}
                "lake" => {
                    let tables = store.list_with_delimiter(Some(&folder)).await.map_err(fail)?.common_prefixes;
                    folders.extend(tables.into_iter().filter(|table| !self.knows(table)));
                }
                _ => folders.push(folder),
            }
        }
        let mut objects = top.objects;
        for folder in folders {
            objects.extend(list(store, &folder).await.map_err(fail)?);
        }
        let states = self.root.path(&["state"]);
        let is_own = |path: &Path| path.prefix_matches(&states) && (self.knows(path) || is_probe(path));
        objects.retain(|object| {
            !is_own(&object.location) && !apart.iter().any(|folder| object.location.prefix_matches(folder))
        });
        Ok(objects.into_iter().map(|object| self.wanted(object, false, Gone::Fine, 0)).collect())
    }
}

/// Whether it is what tells whether the lake can be written.
fn is_probe(path: &Path) -> bool {
    path.filename().is_some_and(|name| name.starts_with(PROBE))
}

/// The version that a file of the log is about: a commit, or a checkpoint.
fn log_version(name: &str) -> Option<u64> {
    let commit = name.strip_suffix(".json").and_then(|version| version.parse().ok());
    commit.or_else(|| checkpoint_version(name))
}

/// Takes no table at an older version than something that is taken was made of, or than what is remembered of it: a writer
/// whose clock is ahead of others' dates its commits later than what followed from them.
fn fit(
    versions: &mut BTreeMap<String, u64>,
    latest: &BTreeMap<String, u64>,
    remembered: &BTreeMap<String, DatasetState>,
) {
    // No further than there are versions: a table may have been removed.
    let raise = |versions: &mut BTreeMap<String, u64>, name: &str, to: u64| {
        let Some(to) = latest.get(name).map(|latest| to.min(*latest)) else { return false };
        let is_older = versions.get(name).is_none_or(|version| *version < to);
        if is_older {
            versions.insert(name.to_owned(), to);
        }
        is_older
    };
    for (name, state) in remembered {
        if let Some(version) = state.version {
            raise(versions, name, version);
        }
    }
    loop {
        let mut changed = false;
        for (name, state) in remembered {
            let version = versions.get(name).copied();
            let runs = state.runs.iter().filter(|run| run.version.is_some() && run.version <= version);
            let inputs: Vec<_> = runs.flat_map(|run| run.made_of.inputs.clone()).collect();
            for (input, of) in inputs {
                changed |= raise(versions, &input, of);
            }
        }
        if !changed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::{MadeOf, Run};

    fn versions(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
        pairs.iter().map(|(name, version)| ((*name).to_owned(), *version)).collect()
    }

    fn made(version: u64, inputs: &[(&str, u64)]) -> DatasetState {
        let made_of = MadeOf { inputs: versions(inputs), ..MadeOf::default() };
        let run = Run { version: Some(version), made_of, ..Run::default() };
        DatasetState { version: Some(version), runs: [run].into(), ..DatasetState::default() }
    }

    #[track_caller]
    fn check(chosen: &[(&str, u64)], remembered: &[(&str, DatasetState)], fitting: &[(&str, u64)]) {
        let mut chosen = versions(chosen);
        let remembered = remembered.iter().map(|(name, state)| ((*name).to_owned(), state.clone())).collect();
        fit(&mut chosen, &versions(&[("a", 9), ("b", 9), ("c", 9)]), &remembered);
        assert_eq!(chosen, versions(fitting));
    }

    #[test]
    fn inputs_are_no_older_than_what_was_made_of_them() {
        check(&[("a", 3), ("b", 5)], &[("b", made(5, &[("a", 2)]))], &[("a", 3), ("b", 5)]);
        check(&[("a", 3), ("b", 5)], &[("b", made(5, &[("a", 4)]))], &[("a", 4), ("b", 5)]);
        // One that is made of another that is made of a third.
        let remembered = [("b", made(6, &[("a", 4)])), ("c", made(7, &[("b", 6)]))];
        check(&[("a", 3), ("b", 5), ("c", 7)], &remembered, &[("a", 4), ("b", 6), ("c", 7)]);
        // What is remembered of a table is no younger than the table.
        check(&[("a", 3)], &[("a", made(4, &[]))], &[("a", 4)]);
        // Nothing is taken that is not there.
        check(&[("a", 3)], &[("a", made(12, &[("gone", 4)]))], &[("a", 9)]);
    }

    #[test]
    fn files_of_the_log_tell_their_version() {
        assert_eq!(log_version("00000000000000000007.json"), Some(7));
        assert_eq!(log_version("00000000000000000100.checkpoint.parquet"), Some(100));
        for other in ["_last_checkpoint", "00000000000000000007.json.damaged", "7.txt"] {
            assert_eq!(log_version(other), None, "{other}");
        }
    }
}
