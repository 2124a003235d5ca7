//! Everything SQL can name: cached tables, live tables, tables about the server, catalog tables, views, functions.

pub mod command;
pub mod comment;
pub mod context;
pub mod demand;
pub mod function;
pub mod history;
pub mod information_schema;
pub mod inputs;
pub mod live;
pub mod lookup;
pub mod pg_catalog;
pub mod refreshing;
mod scan;
pub mod sources;
pub mod spools;
pub mod system;
pub mod view;
