//! The tables and views of `pg_catalog`, found by their names.

pub use super::declared::Definition;
pub(crate) use super::declared::timestamptz;
use super::pg_tables::TABLES;
use super::pg_views::VIEWS;
use std::sync::LazyLock;

/// Tables and views, sorted by name for the binary search.
static ALL: LazyLock<Vec<Definition>> = LazyLock::new(|| {
    let mut all = [TABLES, VIEWS].concat();
    all.sort_unstable_by_key(|definition| definition.name);
    all
});

/// The table or view of that name in `pg_catalog`; names are in lower case.
pub fn find(name: &str) -> Option<&'static Definition> {
    ALL.binary_search_by(|definition| definition.name.cmp(name)).ok().and_then(|index| ALL.get(index))
}

/// Every table and view of `pg_catalog`, sorted by name.
pub fn all() -> &'static [Definition] {
    &ALL
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::catalog::types;

    #[test]
    fn tables_are_sorted_and_every_column_has_a_type() {
        for list in [TABLES, VIEWS] {
            assert!(list.is_sorted_by_key(|definition| definition.name));
            for definition in list {
                assert_eq!(definition.columns().count(), definition.schema().fields().len(), "{}", definition.name);
                for (column, kind) in definition.columns() {
                    assert!(types::by_name(kind).is_some(), "{}.{column} {kind}", definition.name);
                }
            }
        }
        assert_eq!(find("pg_class").unwrap().fixed_oid, 1259);
        assert!(find("pg_class").is_some_and(|table| !table.is_view));
        assert!(find("pg_tables").is_some_and(|view| view.is_view));
        assert!(find("pg_no_such").is_none());
    }
}
