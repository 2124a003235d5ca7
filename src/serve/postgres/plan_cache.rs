//! The plan cache of one Postgres session: it keeps with their plans the last 8 statements that may be answered at hand, as
//! lookups, rows of constants and views in memory are.
//!
//! Many clients send the same text again and again, in the
//! simple protocol or in a Parse of its own for each execution; planning it takes far longer than answering it. Other
//! queries are planned each time: some of what they say, such as the bounds of a series, is worked out when they are
//! planned.

use super::command::Command;
use super::portal::Prepared;
use crate::engine::Plan;
use std::sync::Arc;

/// Statements that are remembered.
const QUERIES_MAX: usize = 8;

/// Bytes of a text that is remembered, at most: long ones come once.
const TEXT_BYTES_MAX: usize = 2_048;

/// What a session planned lately, the latest last.
#[derive(Default)]
pub(super) struct PlanCache {
    queries: Vec<Arc<Prepared>>,
}

impl PlanCache {
    /// The query of this text, at this place of the client's text, whose parameters are declared so, as it was planned
    /// under these settings.
    pub(super) fn take(&mut self, sql: &str, offset: usize, declared: &[u32], settings: u64) -> Option<Arc<Prepared>> {
        let same = |query: &Arc<Prepared>| {
            query.settings_version == settings
                && query.declared == declared
                && query.sql == sql
                && matches!(&query.command, Command::Query(query) if query.offset == Some(offset))
        };
        let place = self.queries.iter().rposition(same)?;
        let query = self.queries.remove(place);
        self.queries.push(query.clone());
        Some(query)
    }

    /// Remembers a statement, if it may be answered at hand. The one that was not asked for the longest makes room.
    pub(super) fn put(&mut self, statement: &Arc<Prepared>) {
        let at_hand = statement.plan.as_ref().is_some_and(Plan::is_at_hand);
        if !at_hand || !matches!(statement.command, Command::Query(_)) || statement.sql.len() > TEXT_BYTES_MAX {
            return;
        }
        if self.queries.len() >= QUERIES_MAX {
            self.queries.remove(0);
        }
        self.queries.push(statement.clone());
    }
}
