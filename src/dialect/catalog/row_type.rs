//! Row types: each table and view has a type of its rows, and that an array type, with numbers that are the same in every
//! process.

use super::description::Names;
use super::oid;
use std::collections::BTreeMap;

/// The row types of all tables and views.
#[derive(Debug, Default)]
pub(crate) struct RowTypes {
    /// The relation of each type, and whether it is the array.
    relations: BTreeMap<u32, (u32, bool)>,
    /// The row type of each relation, and its array type.
    types: BTreeMap<u32, (u32, u32)>,
}

impl RowTypes {
    /// Those of a catalog. When two meet on a number, the later in order of the relations' numbers takes the next free one.
    pub(crate) fn of(names: &Names) -> Self {
        let mut all = Self::default();
        for (relation, schema, name) in names.tables() {
            let full = format!("{schema}.{name}");
            let row = all.take("row type", &full, (relation, false));
            let array = all.take("array type", &full, (relation, true));
            all.types.insert(relation, (row, array));
        }
        all
    }

    fn take(&mut self, kind: &str, name: &str, of: (u32, bool)) -> u32 {
        let mut number = oid::hashed(kind, name);
        while self.relations.contains_key(&number) {
            number += 1;
        }
        self.relations.insert(number, of);
        number
    }

    /// The row type of a relation and its array type; `None` for an index.
    pub(crate) fn of_relation(&self, relation: u32) -> Option<(u32, u32)> {
        self.types.get(&relation).copied()
    }

    /// The relation whose row type has that number, and whether it is the array of it.
    pub(crate) fn relation(&self, type_oid: u32) -> Option<(u32, bool)> {
        self.relations.get(&type_oid).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_a_type_and_an_array_of_it() {
        let names = Names::of(&datafusion::catalog::MemoryCatalogProvider::new(), &super::super::NoComments);
        let types = RowTypes::of(&names);
        let (row, array) = types.of_relation(1259).unwrap();
        assert_eq!((types.relation(row), types.relation(array)), (Some((1259, false)), Some((1259, true))));
        assert_eq!(types.relations.len(), 2 * names.tables().count());
        assert!(types.relations.keys().all(|number| i32::try_from(*number).is_ok_and(|number| number >= 16_384)));
    }
}
