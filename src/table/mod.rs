//! The tables of ttapi, each a DataFusion `TableProvider`: cached, live, histories, views, and those about the server.

pub(crate) mod bounds;
pub mod budget;
pub mod cache;
pub mod command;
pub mod comment;
pub mod context;
pub mod demand;
mod file_reader;
pub mod history;
pub mod inputs;
mod key_lookup;
mod lake_error;
pub mod live;
pub mod lookup;
pub mod planner;
mod quality;
pub mod refreshing;
pub mod resident_scan;
mod run_ends;
mod scan;
pub mod schemas;
pub mod sources;
pub mod spools;
pub mod system;
pub mod upkeep;
pub mod view;
