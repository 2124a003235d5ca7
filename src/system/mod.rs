//! The tables of schema `system`: what the server says of itself, as rows that are made anew for each query.
//!
//! [`schema`] has the type of such a table and those that are read from the lake's freshness and the configuration; each
//! other file is one table, over rows that whoever starts the server hands to it.

pub mod budget;
pub mod cache;
pub mod feed_gaps;
pub mod quality;
pub mod schema;
pub mod sources;
pub mod spools;
pub mod subscribers;
pub mod subscriptions;
pub mod upkeep;
