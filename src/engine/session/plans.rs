//! Plans that a session keeps by their statements: a statement that comes again is planned as one that was prepared.

use crate::dialect::parse::Statement;
use crate::engine::plan::Plan;
use arrow::datatypes::DataType;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Plans of a session.
const PLANS_MAX: usize = 8;

/// Statements of which it is known that they came before.
const SEEN_MAX: usize = 64;

/// The plans of one session.
#[derive(Default)]
pub(super) struct Plans {
    /// The one that was wanted last stands at the end.
    kept: VecDeque<Kept>,
    /// Statements that came, by their hashes; the last one stands at the end.
    seen: VecDeque<u64>,
    /// Whether a plan is kept when its statement comes for the first time.
    at_once: bool,
}

struct Kept {
    key: Key,
    plan: Plan,
}

/// A statement under settings, with the types that its client declares for its parameters.
#[derive(PartialEq, Eq)]
pub(super) struct Key {
    hash: u64,
    statement: Statement,
    declared: Vec<Option<DataType>>,
    settings: u64,
}

impl Key {
    pub(super) fn new(statement: &Statement, declared: &[Option<DataType>], settings: u64) -> Self {
        let mut hasher = DefaultHasher::new();
        (statement, declared, settings).hash(&mut hasher);
        let (statement, declared) = (statement.clone(), declared.to_vec());
        Self { hash: hasher.finish(), statement, declared, settings }
    }
}

impl Plans {
    /// Has plans kept from their first time on.
    pub(super) fn keep_at_once(&mut self) {
        self.at_once = true;
    }

    /// The plan of a statement that came before.
    pub(super) fn find(&mut self, key: &Key) -> Option<Plan> {
        let place = self.kept.iter().position(|kept| kept.key == *key)?;
        let kept = self.kept.remove(place)?;
        let plan = kept.plan.clone();
        self.kept.push_back(kept);
        Some(plan)
    }

    /// Keeps a plan, if its statement is one that comes again.
    pub(super) fn keep(&mut self, key: Key, plan: &Plan) {
        let again = self.seen.contains(&key.hash);
        if !again {
            self.seen.push_back(key.hash);
            if self.seen.len() > SEEN_MAX {
                self.seen.pop_front();
            }
        }
        if again || self.at_once {
            // Plans under settings that were changed since are of no use.
            self.kept.retain(|kept| kept.key.settings == key.settings);
            if self.kept.len() >= PLANS_MAX {
                self.kept.pop_front();
            }
            self.kept.push_back(Kept { key, plan: plan.clone() });
        }
    }
}
