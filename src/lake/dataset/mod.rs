//! What the lake holds: the datasets, their columns, keys and sort orders. The one list of cached tables.
//!
//! Conventions: instants are UTC microseconds and end in `_at`; prices and ratios are doubles; sizes and volumes are
//! 64-bit integers; anything the source does not know is NULL. Every dataset ends with `fetched_at`.

mod bars;
mod definition;
mod derived;
mod live_history;
mod tastytrade;

pub use bars::{EOD, SPLITS};
pub use definition::{
    Absence, Column, Dataset, Definition, Earlier, FETCHED_AT, FreshnessDefaults, Kind, Layout, Precedence, WriteMode,
    instant,
};
pub use live_history::{data_type, is_live_history};

use std::sync::LazyLock;

static ALL: LazyLock<Vec<Dataset>> = LazyLock::new(|| {
    let written = [bars::DATASETS, derived::DATASETS, tastytrade::DATASETS].into_iter().flatten();
    let mut all: Vec<Dataset> = written.chain(live_history::definitions()).map(Dataset::of).collect();
    all.sort_by_key(|dataset| dataset.name);
    all
});

/// Every dataset the lake may hold, sorted by name.
pub fn all() -> Vec<Dataset> {
    ALL.clone()
}

/// Every dataset in its place, sorted by name, for who only looks at them.
pub fn each() -> impl Iterator<Item = &'static Dataset> {
    ALL.iter()
}

/// The dataset of that name.
pub fn find(name: &str) -> Option<Dataset> {
    ALL.iter().find(|dataset| dataset.name == name).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_names_are_used_once() {
        for group in [bars::DATASETS, derived::DATASETS, tastytrade::DATASETS] {
            assert!(group.is_sorted_by(|one, other| one.name < other.name));
        }
        assert!(all().is_sorted_by(|one, other| one.name < other.name));
    }

    #[test]
    fn what_a_dataset_names_is_there() {
        for dataset in all() {
            let name = dataset.name;
            assert!(dataset.key.iter().all(|key| dataset.column(key).is_some()), "{name}");
            assert_eq!(dataset.schema.fields().last().map(|field| field.name().as_str()), Some(FETCHED_AT));
            let named = dataset.computed_from.iter().chain(dataset.depends_on).chain(dataset.history.iter());
            assert!(named.into_iter().all(|other| find(other).is_some()), "{name}");
            assert!(dataset.computed_from.iter().all(|input| dataset.depends_on.contains(input)), "{name}");
            if let Layout::ByYear(column) = dataset.layout {
                assert_eq!(dataset.column(column).map(|column| column.kind), Some(Kind::Date), "{name}");
                assert_eq!(dataset.mode, WriteMode::Merge, "{name}");
            }
            if let Some(precedence) = dataset.precedence {
                assert_eq!(dataset.column(precedence.column).map(|column| column.kind), Some(Kind::Text), "{name}");
            }
            for column in dataset.columns() {
                assert!(!column.meaning.is_empty(), "{name}.{}", column.name);
            }
        }
    }
}
