//! Columns of the lake that stay in memory: decoded once, by file and column, within a bound.
//!
//! Data files never change, so that what was decoded of one holds for every version that names it; a new version adds
//! its new files. Readers ask for columns of a file ([`Residents::file`]), for those of all files in the order of the key
//! ([`Residents::in_key_order`]) or for the rows of some keys ([`Residents::rows_of`]), and read the file themselves where these are not here. What was asked for and is not here
//! is loaded behind their back ([`loader`]): the first reader does not wait for more than it needs.
//!
//! A file that was asked for once is not worth the room: large ones are loaded when they are asked for again. Where
//! there is no room, columns that were used longest ago go for one that was asked for twice since.

mod column;
mod figures;
mod file;
mod key_index;
mod key_order;
mod load;
mod loaded;
mod loader;
mod lookup;

pub use column::copied;
pub use figures::DatasetFigures;
pub use file::{ResidentFile, Rows};
pub use key_index::{KeyIndex, RunEnd};
pub use key_order::{KeyOrder, Keys, OfEachKey, Piece};
pub use loaded::Part;
pub use lookup::{KeyRange, Wanted};

#[cfg(test)]
mod tests;

use crate::heap;
use crate::lake::dataset::Dataset;
use crate::lake::{Lake, LakeTable, Snapshot, StoredFile};
use arc_swap::ArcSwapOption;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use figures::Counters;
use load::Opened;
use loaded::Loaded;
use loader::Loader;
use lookup::Version;
use object_store::ObjectStore;
use object_store::path::Path;
use parquet::errors::ParquetError;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Bytes of a dataset's files up to which all of it is loaded at first sight.
const SMALL_BYTES: u64 = 8 << 20;

/// The columns in memory, of all datasets. Shared by reference.
#[derive(Debug)]
pub struct Residents {
    store: Arc<dyn ObjectStore>,
    limit: usize,
    /// Bytes of all columns here.
    bytes: AtomicUsize,
    /// Counts uses, so that they have an order.
    tick: AtomicU64,
    datasets: BTreeMap<&'static str, Held>,
    /// Held by whoever loads or gives back, so that room is counted once.
    changing: Mutex<()>,
    loader: Loader,
}

/// What is here of one dataset.
#[derive(Debug)]
struct Held {
    dataset: Arc<Dataset>,
    /// The newest version that was read, and one more; 0 for none.
    version: AtomicU64,
    /// Held for a look or an insertion, never across an await.
    files: RwLock<HashMap<Path, Arc<ResidentFile>>>,
    /// The files of the newest version, as lookups go through them.
    newest: ArcSwapOption<Version>,
    counters: Counters,
}

impl Residents {
    /// Room for `limit` bytes of a lake's columns; with 0 nothing stays.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(lake: &Lake, limit: usize) -> io::Result<Arc<Self>> {
        let held = |table: &Arc<LakeTable>| (table.dataset().name, Held::new(table.dataset().clone()));
        let (loader, requests) = loader::channel();
        let residents = Arc::new(Self {
            store: lake.store().1.clone(),
            limit,
            bytes: AtomicUsize::new(0),
            tick: AtomicU64::new(1),
            datasets: lake.tables().map(held).collect(),
            changing: Mutex::new(()),
            loader,
        });
        if limit > 0 {
            let residents = Arc::downgrade(&residents);
            loader::start(requests, move |runtime, file, columns| {
                if let Some(residents) = residents.upgrade()
                    && let Err(error) = runtime.block_on(residents.load(file, columns))
                {
                    // Whoever reads the file tells of it.
                    tracing::debug!("columns of a file are not kept in memory: {error}");
                }
            })?;
        }
        Ok(residents)
    }

    /// Loads columns of a file if there is room for them.
    async fn load(&self, file: &ResidentFile, columns: &[usize]) -> Result<(), ParquetError> {
        let Some(opened) = Opened::of(&self.store, file, columns).await? else {
            file.set_unfit();
            return Ok(());
        };
        if self.has_room(opened.bytes(), file) {
            self.keep(file, opened.load().await?);
        }
        Ok(())
    }

    /// The rows of a key range in a version, in the order of the key; `None` where something that is needed for them is
    /// not here, or they are too many. What is not here is asked for.
    ///
    /// # Errors
    /// Texts of more than two gigabytes.
    pub fn rows_of(
        &self,
        snapshot: &Snapshot,
        range: &KeyRange<'_>,
        wanted: &Wanted<'_>,
    ) -> Option<Result<RecordBatch, ArrowError>> {
        let held = self.datasets.get(snapshot.dataset.name).filter(|_| self.limit > 0)?;
        if !lookup::has_text_key(snapshot) {
            return None;
        }
        self.follow(snapshot);
        let version = held.version_of(snapshot);
        let needed = lookup::needed(snapshot, wanted);
        let tick = self.tick.fetch_add(1, Ordering::Relaxed);
        let mut here = Vec::new();
        let mut all_here = true;
        for file in version.files_within(&range.second) {
            match file.rows(&needed, tick).filter(|rows| rows.index.is_some()) {
                Some(rows) => here.push(rows),
                None => {
                    all_here = false;
                    self.ask_for(file, &needed);
                }
            }
        }
        held.counters.count(all_here);
        if all_here { lookup::rows_of(&here, range, wanted) } else { None }
    }

    /// Columns of all files of a version, in the order of the key; `None` where something that is needed for them is not
    /// here. Key columns that alone are missing are asked for; what else is missing is for whoever reads the files.
    pub fn in_key_order(&self, snapshot: &Snapshot, columns: &[usize]) -> Option<KeyOrder> {
        let held = self.datasets.get(snapshot.dataset.name).filter(|_| self.limit > 0)?;
        if !lookup::has_text_key(snapshot) {
            return None;
        }
        self.follow(snapshot);
        let version = held.version_of(snapshot);
        let key = lookup::key_places(snapshot);
        let tick = self.tick.fetch_add(1, Ordering::Relaxed);
        let mut here = Vec::new();
        for file in version.files_within(&(Bound::Unbounded, Bound::Unbounded)) {
            let rows = file.rows_here(columns, tick)?;
            if file.rows_here(&key, tick).is_none() {
                self.loader.ask(file, &key);
            }
            here.push(rows);
        }
        let order = KeyOrder::of(here)?;
        held.counters.count(true);
        Some(order)
    }

    /// Has the program ask for room here before a statement ends for lack of it.
    pub fn give_back_under_pressure(self: &Arc<Self>) {
        let residents = Arc::downgrade(self);
        heap::reclaim_with(Box::new(move |bytes| {
            residents.upgrade().map_or(0, |residents| residents.give_back(bytes))
        }));
    }

    /// Notices a version: files that no newer one names go, columns that were here of other files are asked for of its
    /// new ones, and of a small dataset all of them.
    pub fn follow(&self, snapshot: &Snapshot) {
        let Some(held) = self.datasets.get(snapshot.dataset.name).filter(|_| self.limit > 0) else { return };
        let seen = held.version.fetch_max(snapshot.version + 1, Ordering::Relaxed);
        if seen > snapshot.version {
            return;
        }
        let _changing = self.changing();
        let columns = held.columns_here();
        let named: HashSet<&Path> = snapshot.files.iter().map(|file| &file.path).collect();
        let gone = {
            let mut files = held.files();
            let (stay, gone): (HashMap<_, _>, HashMap<_, _>) =
                files.drain().partition(|(path, _)| named.contains(path));
            *files = stay;
            gone
        };
        let freed: usize = gone.values().map(|file| file.drop_all()).sum();
        self.bytes.fetch_sub(freed, Ordering::Relaxed);
        held.newest.store(Some(Arc::new(held.version(snapshot))));
        let small = snapshot.bytes() <= SMALL_BYTES;
        let wanted = if small { (0..held.dataset.schema.fields().len()).collect() } else { columns };
        if !wanted.is_empty() {
            for file in &snapshot.files {
                let file = held.file(&StoredFile::new(held.dataset.name, file));
                self.loader.ask(&file, &wanted);
            }
        }
    }

    /// The columns of a file, at these places of its dataset's schema, when all of them are here. Otherwise they are
    /// asked for.
    pub fn file(&self, stored: &StoredFile, columns: &[usize]) -> Option<Rows> {
        let held = self.datasets.get(stored.table()).filter(|_| self.limit > 0)?;
        let file = held.file(stored);
        let found = file.rows(columns, self.tick.fetch_add(1, Ordering::Relaxed));
        held.counters.count(found.is_some());
        if found.is_none() {
            self.ask_for(&file, columns);
        }
        found
    }

    /// Asks for columns of a file that a reader has just missed.
    fn ask_for(&self, file: &Arc<ResidentFile>, columns: &[usize]) {
        if file.stored().size() <= SMALL_BYTES / 8 || file.asked_again() {
            self.loader.ask(file, columns);
        }
    }

    /// Bytes of all columns here.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes there is room for.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// What is here of each dataset, and how often it was what a reader wanted; sorted by name.
    pub fn figures(&self) -> Vec<DatasetFigures> {
        self.datasets.values().map(Held::figures).collect()
    }

    /// Puts columns of a file in their places, if there is room for them.
    fn keep(&self, file: &ResidentFile, loaded: Loaded) {
        let _changing = self.changing();
        let bytes: usize = loaded.columns.iter().map(|(_, column)| column.bytes()).sum();
        if !self.make_room(bytes, file) {
            return;
        }
        self.bytes.fetch_add(file.keep(loaded), Ordering::Relaxed);
        let held = self.datasets.get(file.stored().table());
        let known = held.and_then(|held| held.files().get(file.stored().path()).cloned());
        if !known.is_some_and(|known| std::ptr::eq(known.as_ref(), file)) {
            // A newer version has dropped the file meanwhile.
            self.bytes.fetch_sub(file.drop_all(), Ordering::Relaxed);
        }
    }

    /// Whether there would be room for so many bytes of a file.
    fn has_room(&self, bytes: usize, file: &ResidentFile) -> bool {
        let free = self.limit.saturating_sub(self.bytes());
        // Loading takes as much again for a moment.
        let fits = heap::room() >= bytes.saturating_mul(2);
        fits && (bytes <= free || bytes - free <= self.oldest(file.used_before()).iter().map(|one| one.bytes).sum())
    }

    fn make_room(&self, bytes: usize, file: &ResidentFile) -> bool {
        if !self.has_room(bytes, file) {
            return false;
        }
        let free = self.limit.saturating_sub(self.bytes());
        self.drop_oldest(bytes.saturating_sub(free), file.used_before());
        bytes <= self.limit.saturating_sub(self.bytes())
    }

    /// Gives back at least so many bytes, those that were used longest ago first, as far as there are any.
    fn give_back(&self, bytes: usize) -> usize {
        let _changing = self.changing();
        self.drop_oldest(bytes, u64::MAX)
    }

    fn drop_oldest(&self, bytes: usize, used_before: u64) -> usize {
        let mut freed = 0;
        for one in self.oldest(used_before) {
            if freed >= bytes {
                break;
            }
            freed += one.file.drop_column(one.column);
        }
        self.bytes.fetch_sub(freed, Ordering::Relaxed);
        freed
    }

    /// Columns whose last use was before a moment, the longest ago first.
    fn oldest(&self, used_before: u64) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for held in self.datasets.values() {
            for file in held.files_here() {
                let columns = file.columns_here().into_iter().filter(|(_, used, _)| *used < used_before);
                candidates.extend(columns.map(|(column, used, bytes)| Candidate {
                    file: file.clone(),
                    column,
                    used,
                    bytes,
                }));
            }
        }
        candidates.sort_by_key(|candidate| candidate.used);
        candidates
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A column that could go.
struct Candidate {
    file: Arc<ResidentFile>,
    column: usize,
    used: u64,
    bytes: usize,
}

impl Held {
    fn new(dataset: Arc<Dataset>) -> Self {
        let (files, newest, counters) = (RwLock::default(), ArcSwapOption::empty(), Counters::default());
        Self { dataset, version: AtomicU64::new(0), files, newest, counters }
    }

    fn files(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<Path, Arc<ResidentFile>>> {
        self.files.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn files_here(&self) -> Vec<Arc<ResidentFile>> {
        self.files.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The place of a file's columns; another one when the file was written anew under its name.
    fn file(&self, stored: &StoredFile) -> Arc<ResidentFile> {
        let known = self.files.read().unwrap_or_else(PoisonError::into_inner).get(stored.path()).cloned();
        if let Some(known) = known.filter(|known| known.stored().size() == stored.size()) {
            return known;
        }
        let file = Arc::new(ResidentFile::new(self.dataset.clone(), stored.clone()));
        self.files().entry(stored.path().clone()).or_insert(file).clone()
    }

    /// The files of a version, as they were noted when it was first seen where it is the newest.
    fn version_of(&self, snapshot: &Snapshot) -> Arc<Version> {
        let newest = self.newest.load_full().filter(|version| version.number() == snapshot.version);
        newest.unwrap_or_else(|| Arc::new(self.version(snapshot)))
    }

    fn version(&self, snapshot: &Snapshot) -> Version {
        Version::of(snapshot, |file| self.file(&StoredFile::new(self.dataset.name, file)))
    }

    /// Columns that are here of any file.
    fn columns_here(&self) -> Vec<usize> {
        let mut columns: Vec<usize> =
            self.files_here().iter().flat_map(|file| file.columns_here()).map(|(column, _, _)| column).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    fn figures(&self) -> DatasetFigures {
        let files = self.files_here();
        let here = files.iter().map(|file| file.columns_here()).filter(|columns| !columns.is_empty());
        let here: Vec<_> = here.collect();
        let bytes = here.iter().flatten().map(|(_, _, bytes)| *bytes).sum();
        self.counters.figures(self.dataset.name, here.len(), here.iter().map(Vec::len).sum(), bytes)
    }
}
