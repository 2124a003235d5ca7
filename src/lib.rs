//! A SQL query server over cached market data.
//!
//! Collectors fill a lake of Parquet tables and in-memory books of live events; the engine serves both as SQL tables
//! that know their age; front ends carry the rows to Postgres clients. Modules below stand in reading order.

pub mod args;
pub mod clock;
pub mod collect;
pub mod command;
pub mod config;
pub mod console;
pub mod dialect;
pub mod engine;
pub mod error;
pub mod lake;
pub mod live;
pub mod market;
pub mod progress;
pub mod role;
pub mod secret;
pub mod serve;
pub mod server;
pub mod shutdown;
pub mod simulator;
pub mod status;
pub mod table;
pub mod telemetry;
mod text;
mod threads;
