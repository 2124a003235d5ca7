//! Which symbols the files of an import have, and which of them several files have.

use std::collections::{BTreeSet, HashMap};

/// The symbols of all files so far.
#[derive(Debug, Default)]
pub(super) struct Given(HashMap<String, Of>);

/// The files that a symbol is of.
#[derive(Debug)]
struct Of {
    files: u32,
    as_before: bool,
}

impl Given {
    /// Adds the symbols of a file. `as_before`: its rows were not read.
    pub(super) fn add<'a>(&mut self, symbols: impl IntoIterator<Item = &'a String>, as_before: bool) {
        for symbol in symbols {
            match self.0.get_mut(symbol) {
                Some(of) => {
                    of.files = of.files.saturating_add(1);
                    of.as_before |= as_before;
                }
                None => drop(self.0.insert(symbol.clone(), Of { files: 1, as_before })),
            }
        }
    }

    /// Whether a symbol is of several files.
    pub(super) fn is_shared(&self, symbol: &str) -> bool {
        self.0.get(symbol).is_some_and(|of| of.files > 1)
    }

    /// Whether a file that was not read shares a symbol with another one: which row of a date counts is then a matter of
    /// both.
    pub(super) fn overlaps(&self) -> bool {
        self.0.values().any(|of| of.files > 1 && of.as_before)
    }

    /// The symbols of all files.
    pub(super) fn into_names(self) -> BTreeSet<String> {
        self.0.into_keys().collect()
    }
}
