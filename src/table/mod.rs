//! The tables of ttapi, each a DataFusion `TableProvider`: cached, live, histories, views, and those about the server.

pub mod budget;
pub mod command;
pub mod comment;
pub mod context;
pub mod demand;
mod file_reader;
pub mod history;
pub mod inputs;
mod lake_error;
pub mod live;
pub mod lookup;
pub mod planner;
mod quality;
pub mod refreshing;
mod scan;
pub mod schemas;
pub mod sources;
pub mod spools;
pub mod system;
pub mod upkeep;
pub mod view;
