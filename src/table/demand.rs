//! What a statement needs of each cached table: all of it, or the rows of some symbols.
//!
//! All scans of one table in one statement share a version, so they share a demand.

use crate::lake::Scope;
use std::collections::BTreeMap;

/// The items each cached table is asked for.
#[derive(Debug, Clone, Default)]
pub struct Demand(BTreeMap<&'static str, Scope>);

impl Demand {
    /// A demand on each of these datasets.
    pub fn new(scopes: BTreeMap<&'static str, Scope>) -> Self {
        Self(scopes)
    }

    /// The items of one table; all of a table that was not looked at.
    pub fn scope(&self, dataset: &str) -> Scope {
        self.0.get(dataset).cloned().unwrap_or_default()
    }
}
