//! The dialect is SQL as PostgreSQL means it, over DataFusion.
//!
//! DataFusion plans and runs; this room decides what a text means before and while it does. It knows
//! no table of ours, no session and no wire: the engine fills [`session::SessionVariables`] (what a
//! session is), [`catalog::Comments`] (what there is to say of tables) and [`Host::rereads`], and
//! further SQL arrives as an [`extension::Extension`].
//!
//! A statement passes these rooms in order:
//!
//! - [`parse`]: text to tree, with the refusals by depth, size and weight;
//! - [`rewrite`]: tree to tree, spellings that DataFusion lacks become spellings it has;
//! - [`typing`]: types of literals, operators, branches and parameters, between DataFusion's SQL
//!   planner and its analyzer;
//! - [`told`]: what clients are told of a result's columns beyond their Arrow types;
//! - [`arithmetic`]: operators, casts and sums with PostgreSQL's results and errors; [`moment`] those of
//!   dates, times, zones and spans of time;
//! - [`decorrelate`]: plan to plan, subqueries become joins; [`shared`]: rows that are computed once and
//!   read in several places of a plan;
//! - [`array`]: arrays, their places and their order; [`equality`]: what is equal though it is written otherwise;
//! - [`aggregate`]: aggregates, their frames and their errors;
//! - [`guard`]: what PostgreSQL does not evaluate cannot fail;
//! - [`function`]: functions, with [`regexp`], the regular expressions they match by; [`catalog`]:
//!   the schemas `pg_catalog` and `information_schema`;
//! - `abandoned`: statements that nobody waits for; `carried`: values that functions find in the configuration;
//!   `key_range`: what is known of the values that rows are ordered by; `nested_key`: joins by arrays;
//!   `union_nulls`: which columns of a union may be NULL;
//! - [`error`]: DataFusion's errors as PostgreSQL's.
//!
//! Where a file works around DataFusion 55.2 or sqlparser 0.62, a paragraph begins with `DataFusion
//! 55:` or `sqlparser 0.62:`, says what they do, with the upstream issue where there is one, and ends
//! with a sentence that begins `Not needed once`. `grep -rn "DataFusion 55:" src/dialect` is the list
//! to go through when either is upgraded.

pub(crate) mod abandoned;
pub(crate) mod aggregate;
pub(crate) mod arithmetic;
mod array;
mod carried;
pub mod catalog;
pub(crate) mod decorrelate;
pub(crate) mod equality;
pub(crate) mod error;
pub mod extension;
pub mod function;
pub(crate) mod guard;
mod install;
mod key_range;
pub(crate) mod moment;
mod nested_key;
pub(crate) mod parse;
pub(crate) mod past_name;
pub(crate) mod regexp;
pub(crate) mod rewrite;
pub(crate) mod schema;
pub(crate) mod search_path;
pub mod session;
pub(crate) mod shared;
pub(crate) mod told;
pub(crate) mod typing;
mod union_nulls;

pub use install::{Host, Schemas, describe, install, planners};
