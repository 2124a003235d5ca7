//! SQL text to a stream of record batches, within limits. The only door to DataFusion for the front ends.
//!
//! A front end opens one [`Session`] per connection, parses text to [`Statement`]s, keeps for itself those that are
//! about the protocol (transactions, cursors, COPY, SET), and has the rest planned and run here.

pub mod catalog;
mod cpu;
mod depth;
pub mod error;
mod instant;
mod own;
pub mod part;
mod queries;
mod rewrite;
mod role;
mod safety;
pub mod session;
pub mod session_command;
pub mod settings;
pub mod template;
mod variables;

pub use crate::table::command::InputFreshness;
pub use catalog::{TableFacts, TableKind};
pub use datafusion::common::ScalarValue;
pub use error::{ErrorKind, QueryError};
pub use part::{PlainScan, ScanPart};
pub use queries::{Queries, RunningQuery};
pub use role::Role;
pub use session::{CancelHandle, Engine, Plan, RowStream, Running, Session, Statement};
pub use session_command::{SessionCommand, session_command};
pub use settings::{Defaults, Settings, parse_duration};
