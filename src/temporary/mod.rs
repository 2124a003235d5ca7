//! Temporary tables and views: what a session makes for itself, in memory, seen by nobody else and gone with it.
//!
//! - [`statement`] reads what a statement asks: the columns of a `declaration`, what its [`names`] stand for; [`grammar`]
//!   reads what sqlparser does not;
//! - the engine plans the query within it, and runs it as any other; [`planned`] is what is left to do then;
//! - [`contents`] is all that a session has, at one moment; [`rows`] are the rows of a table, within a budget;
//! - [`constraint`] says whether rows may be in a table, by their [`key`] among others, [`assign`] what may be put into a
//!   column, [`edit`] what a change makes of them, [`conflict`] what of rows that are there already; [`define`] what comes
//!   of making and dropping, [`alter`] of altering;
//! - [`query`] writes the query within a statement, [`changed`] those over the rows of a change; [`provider`] and
//!   [`catalog`] are how DataFusion finds and reads them,
//!   [`declared`] what the catalog tells of them.

pub(crate) mod alter;
pub(crate) mod assign;
pub(crate) mod catalog;
pub(crate) mod changed;
pub(crate) mod conflict;
pub(crate) mod constraint;
pub(crate) mod contents;
mod declaration;
pub(crate) mod declared;
pub(crate) mod define;
pub(crate) mod edit;
pub(crate) mod grammar;
pub(crate) mod key;
pub(crate) mod load;
pub(crate) mod names;
pub(crate) mod planned;
pub(crate) mod provider;
pub(crate) mod query;
mod refusal;
pub(crate) mod rows;
pub(crate) mod statement;
