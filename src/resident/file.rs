//! One data file's place in memory: which of its columns are here, and where the rows of a key begin.

use super::column::Column;
use super::key_index::KeyIndex;
use super::loaded::{Loaded, Part};
use crate::lake::StoredFile;
use crate::lake::dataset::Dataset;
use arc_swap::ArcSwapOption;
use arrow::array::ArrayRef;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// A data file, with the columns of it that are in memory.
#[derive(Debug)]
pub struct ResidentFile {
    dataset: Arc<Dataset>,
    stored: StoredFile,
    slots: Box<[Slot]>,
    parts: OnceLock<Arc<[Part]>>,
    index: ArcSwapOption<KeyIndex>,
    /// The last two times that somebody wanted something of the file which was not here.
    missed: (AtomicU64, AtomicU64),
    /// Whether it has something that cannot be kept here: columns of other types than the dataset's.
    unfit: AtomicBool,
}

/// The place of one column.
#[derive(Debug, Default)]
struct Slot {
    column: ArcSwapOption<Column>,
    used: AtomicU64,
    /// Whether it is on its way.
    asked: AtomicBool,
}

/// Columns of a file that are here, whole.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The columns that were asked for, in that order.
    pub columns: Vec<ArrayRef>,
    /// Rows of the file.
    pub count: usize,
    /// Row groups of the file, in its order.
    pub parts: Arc<[Part]>,
    /// Where the rows of a key are, when the columns of the key are here and the file is sorted by them.
    pub index: Option<Arc<KeyIndex>>,
}

impl ResidentFile {
    /// A file of which nothing is here yet.
    pub(super) fn new(dataset: Arc<Dataset>, stored: StoredFile) -> Self {
        let slots = dataset.schema.fields().iter().map(|_| Slot::default()).collect();
        let (parts, index, missed) = (OnceLock::new(), ArcSwapOption::empty(), Default::default());
        Self { dataset, stored, slots, parts, index, missed, unfit: AtomicBool::new(false) }
    }

    pub(super) fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    pub(super) fn stored(&self) -> &StoredFile {
        &self.stored
    }

    /// The columns at these places of the dataset's schema; `None` unless all of them are here, which counts as a miss.
    pub(super) fn rows(&self, columns: &[usize], tick: u64) -> Option<Rows> {
        let found = self.rows_here(columns, tick);
        if found.is_none() {
            self.missed.1.store(self.missed.0.swap(tick, Ordering::Relaxed), Ordering::Relaxed);
        }
        found
    }

    /// The columns at these places of the dataset's schema; `None` unless all of them are here.
    pub(super) fn rows_here(&self, columns: &[usize], tick: u64) -> Option<Rows> {
        let parts = self.parts.get()?;
        let column = |place: &usize| {
            let slot = self.slots.get(*place)?;
            slot.used.store(tick, Ordering::Relaxed);
            slot.column.load().as_ref().map(|column| column.values().clone())
        };
        let columns = columns.iter().map(column).collect::<Option<Vec<_>>>()?;
        let count = parts.last().map_or(0, |part| part.rows.end);
        Some(Rows { columns, count, parts: parts.clone(), index: self.index.load_full() })
    }

    /// Whether something of the file was wanted before the last time and was not here either.
    pub(super) fn asked_again(&self) -> bool {
        self.missed.1.load(Ordering::Relaxed) > 0
    }

    /// When something of the file was wanted the time before the last. What was used since is worth as much as what of
    /// this file would be loaded.
    pub(super) fn used_before(&self) -> u64 {
        self.missed.1.load(Ordering::Relaxed)
    }

    /// Marks columns as on their way; gives those that were neither here nor marked.
    pub(super) fn ask(&self, columns: &[usize]) -> Vec<usize> {
        if self.unfit.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let absent = |place: &usize| {
            self.slots
                .get(*place)
                .is_some_and(|slot| slot.column.load().is_none() && !slot.asked.swap(true, Ordering::Relaxed))
        };
        columns.iter().copied().filter(absent).collect()
    }

    /// Takes the mark from columns that have come, or will not.
    pub(super) fn answered(&self, columns: &[usize]) {
        for slot in columns.iter().filter_map(|place| self.slots.get(*place)) {
            slot.asked.store(false, Ordering::Relaxed);
        }
    }

    /// Has nothing more of the file loaded.
    pub(super) fn set_unfit(&self) {
        self.unfit.store(true, Ordering::Relaxed);
    }

    /// Puts columns in their places; gives the bytes by which what is here has grown.
    pub(super) fn keep(&self, loaded: Loaded) -> usize {
        self.parts.get_or_init(|| loaded.parts.into());
        let mut grown = 0;
        for (place, column) in loaded.columns {
            let Some(slot) = self.slots.get(place).filter(|slot| slot.column.load().is_none()) else { continue };
            grown += column.bytes();
            slot.column.store(Some(Arc::new(column)));
        }
        self.index_keys();
        grown
    }

    /// Finds out where the rows of each key begin, once its first column is here.
    fn index_keys(&self) {
        let column = |place: usize| {
            let name = self.dataset.key.get(place)?;
            let slot = self.slots.get(self.dataset.schema.index_of(name).ok()?)?;
            slot.column.load().as_ref().map(|column| column.values().clone())
        };
        let known = self.index.load();
        let Some(first) = column(0) else { return };
        let second = column(1);
        if known.as_ref().is_some_and(|index| index.knows_second() || second.is_none()) {
            return;
        }
        self.index.store(KeyIndex::of(&first, second.as_ref()).map(Arc::new));
    }

    /// Places of the columns here, with their last use and bytes.
    pub(super) fn columns_here(&self) -> Vec<(usize, u64, usize)> {
        let here = |(place, slot): (usize, &Slot)| {
            let bytes = slot.column.load().as_ref().map(|column| column.bytes())?;
            Some((place, slot.used.load(Ordering::Relaxed), bytes))
        };
        self.slots.iter().enumerate().filter_map(here).collect()
    }

    /// Lets go of a column; readers that have it keep it. Gives its bytes.
    pub(super) fn drop_column(&self, place: usize) -> usize {
        let dropped = self.slots.get(place).and_then(|slot| slot.column.swap(None));
        if let Some(name) = self.dataset.schema.fields().get(place).map(|field| field.name().as_str())
            && self.dataset.key.iter().take(2).any(|key| *key == name)
        {
            // It holds the key's columns.
            self.index.store(None);
        }
        dropped.map_or(0, |column| column.bytes())
    }

    /// Lets go of all columns; gives their bytes.
    pub(super) fn drop_all(&self) -> usize {
        (0..self.slots.len()).map(|place| self.drop_column(place)).sum()
    }
}
