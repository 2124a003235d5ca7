//! Rows that are computed once in a statement, and read in several places of its plan.
//!
//! PostgreSQL computes a WITH query that is named twice once. So does a node of DataFusion's plans,
//! where it makes a difference: with MATERIALIZED, and where a second reading may give other rows
//! (random(), live tables, LIMIT). The outer rows of a correlated subquery that
//! may be others when they are read again are shared in the same way.
//!
//! Each place of the plan has a copy of the node, with the same name. The place that is read first
//! computes the rows into memory, and the others wait for them; [`Buffers`], in the configuration of
//! the statement, finds them by that name.
//!
//! DataFusion 55: a WITH query is planned into each place that names it, and physical plans are trees.
//! Not needed once `WITH r AS MATERIALIZED (SELECT random() AS x) SELECT a.x = b.x FROM r a, r b` is
//! true.

mod buffer;
mod node;
mod run;

pub(crate) use buffer::Buffers;
pub(crate) use node::shared;
pub(crate) use run::Planner;

/// First characters of the names of tables that stand for a WITH query named several times; the
/// rewriter writes them.
pub(crate) const NAMED_AGAIN: &str = "\u{1}with ";

/// The same where the query is MATERIALIZED.
pub(crate) const MATERIALIZED: &str = "\u{1}materialized ";
