//! `tt`: a SQL query server over cached market data.
//!
//! Collectors bring a vendor's data into a lake of Delta tables and its live events into books in memory; the engine
//! serves both as SQL tables that know their age; front ends carry the rows to Postgres and Flight SQL clients.
//! `ARCHITECTURE.md` is the map, with what may depend on what. The modules below stand in the order in which the layers
//! build on each other: each group uses those above it.

// Leaves, which everything may use.
pub mod disk;
pub mod error;
mod heap;
pub mod progress;
pub mod role;
pub mod secret;
mod text;
mod work;

// The vocabulary of the market and the time.
pub mod clock;
pub mod market;

// What is kept: history on disk, now in memory.
pub mod lake;
pub mod live;
pub mod resident;

// The write side: from a vendor into both.
pub mod collect;

// The read side: SQL over both, the engine that runs it, the front ends that carry it, what a terminal shows.
pub mod dialect;
mod market_sql;
pub mod scan;
pub mod system;
pub mod table;
mod temporary;

mod explain;

pub mod engine;

pub mod serve;

pub mod console;

// A venue of our own, for the demo and the tests.
pub mod simulator;

// The program: its configuration, the parts put together, one function per command.
pub mod config;
pub mod shutdown;
pub mod telemetry;
mod threads;

pub mod server;

pub mod status;

pub mod args;
pub mod command;
