//! Turns PostgreSQL spellings that DataFusion lacks into ones it has.

use super::session::Statement;

/// Rewrites in place.
pub(super) fn rewrite(_statement: &mut Statement) {}
