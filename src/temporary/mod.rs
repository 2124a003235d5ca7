//! Temporary tables and views: what a session makes for itself, in memory, seen by nobody else and gone with it.
//!
//! - [`statement`] reads what a statement asks, and [`grammar`] what sqlparser does not; [`planned`] is what is left to do when
//!   the query within it is planned; the engine plans the query within it and runs it as any other;
//! - [`contents`] is all that a session has, at one moment; [`rows`] are the rows of a table, within a budget;
//! - [`constraint`] says whether rows may be in a table, [`assign`] what may be put into a column, [`edit`] what a
//!   change makes of them, [`define`] what comes of making and dropping;
//! - [`query`] writes the query within a statement; [`provider`] and [`catalog`] are how DataFusion finds and reads them.

pub(crate) mod assign;
pub(crate) mod catalog;
pub(crate) mod constraint;
pub(crate) mod contents;
pub(crate) mod define;
pub(crate) mod edit;
pub(crate) mod grammar;
pub(crate) mod load;
pub(crate) mod planned;
pub(crate) mod provider;
pub(crate) mod query;
pub(crate) mod rows;
pub(crate) mod statement;
