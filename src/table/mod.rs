//! What SQL can name: tables, views and functions. The only layer, with `engine`, that knows DataFusion.

pub mod function;
pub mod pg_catalog;
