//! Which items of a dataset are meant: all of them, or those that are named. An item is what a source is asked for by
//! itself: a symbol, or an underlying; it stands in the first column of the dataset's key.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// All items, or some.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<BTreeSet<String>>", into = "Option<BTreeSet<String>>")]
pub enum Scope {
    /// The whole dataset, every item of it.
    #[default]
    All,
    /// These items alone, by name.
    Items(BTreeSet<String>),
}

impl Scope {
    /// The scope of one item alone.
    pub fn one(item: &str) -> Self {
        Self::Items(BTreeSet::from([item.to_owned()]))
    }

    /// The items that are named; `None` is all.
    pub fn names(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::All => None,
            Self::Items(names) => Some(names),
        }
    }

    /// Whether everything of the other is in this one.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Items(_), Self::All) => false,
            (Self::Items(mine), Self::Items(theirs)) => mine.is_superset(theirs),
        }
    }

    /// Takes in the other.
    pub fn join(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Items(mine), Self::Items(theirs)) => mine.extend(theirs),
            _ => *self = Self::All,
        }
    }
}

impl From<Option<BTreeSet<String>>> for Scope {
    fn from(names: Option<BTreeSet<String>>) -> Self {
        names.map_or(Self::All, Self::Items)
    }
}

impl From<Scope> for Option<BTreeSet<String>> {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::All => None,
            Scope::Items(names) => Some(names),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_cover_and_join() {
        let (a, b) = (Scope::one("A"), Scope::one("B"));
        let mut both = a.clone();
        both.join(b.clone());
        assert!(both.covers(&a) && both.covers(&b) && !a.covers(&both) && !both.covers(&Scope::All));
        assert!(Scope::All.covers(&both));
        both.join(Scope::All);
        assert_eq!(both, Scope::All);
    }
}
