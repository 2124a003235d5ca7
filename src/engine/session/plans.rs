//! Plans that a session keeps by their statements: a statement that comes again is planned as one that was prepared.

use crate::dialect::parse::Statement;
use crate::dialect::parse::lexer::kept_bytes;
use crate::engine::plan::Plan;
use crate::heap::Promise;
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
    statement: Statement,
    declared: Vec<Option<DataType>>,
    settings: u64,
    plan: Plan,
    /// Room for its tree and its plan.
    _room: Promise,
}

/// A statement under settings, with the types that its client declares for its parameters.
#[derive(Hash)]
pub(super) struct Asked<'a> {
    pub(super) statement: &'a Statement,
    pub(super) declared: &'a [Option<DataType>],
    /// The version of the session's settings.
    pub(super) settings: u64,
}

impl Kept {
    fn answers(&self, asked: &Asked<'_>) -> bool {
        self.settings == asked.settings && self.declared == asked.declared && self.statement == *asked.statement
    }
}

impl Plans {
    /// Has plans kept from their first time on.
    pub(super) fn keep_at_once(&mut self) {
        self.at_once = true;
    }

    /// The plan of a statement that came before.
    pub(super) fn find(&mut self, asked: &Asked<'_>) -> Option<Plan> {
        let place = self.kept.iter().position(|kept| kept.answers(asked))?;
        let kept = self.kept.remove(place)?;
        let plan = kept.plan.clone();
        self.kept.push_back(kept);
        Some(plan)
    }

    /// Keeps the plan of a text, if its statement is one that comes again, and as long as there is room.
    pub(super) fn keep(&mut self, asked: &Asked<'_>, sql: &str, plan: &Plan) {
        let mut hasher = DefaultHasher::new();
        asked.hash(&mut hasher);
        let hash = hasher.finish();
        if !self.at_once && !self.seen.contains(&hash) {
            self.seen.push_back(hash);
            if self.seen.len() > SEEN_MAX {
                self.seen.pop_front();
            }
            return;
        }
        // Plans under settings that were changed since are of no use.
        self.kept.retain(|kept| kept.settings == asked.settings);
        if self.kept.len() >= PLANS_MAX {
            self.kept.pop_front();
        }
        let Some(room) = Promise::of_all(kept_bytes(sql)) else { return };
        let (statement, declared) = (asked.statement.clone(), asked.declared.to_vec());
        let (settings, plan) = (asked.settings, plan.clone());
        self.kept.push_back(Kept { statement, declared, settings, plan, _room: room });
    }
}
