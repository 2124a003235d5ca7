//! SQL text to a stream of record batches, within limits. The only door to DataFusion for the front ends.
//!
//! A front end opens one [`Session`] per connection, parses text to [`Statement`]s, keeps for itself those that are
//! about the protocol (transactions, cursors, COPY, SET), and has the rest planned and run here.

mod around;
mod bounded;
pub mod catalog;
mod checked;
mod constant;
mod constants;
mod cpu;
mod damage;
mod decorrelate;
mod depth;
mod dialect;
mod held;
mod json;
mod lookup;
mod memory;
mod moments;
mod operators;
mod own;
pub mod part;
mod plan;
mod prepared;
mod queries;
mod rewrite;
mod running;
mod safety;
mod search;
mod session;
pub mod session_command;
mod sessions;
pub mod settings;
mod shared;
mod size;
mod spans;
mod statement;
mod stopping;
mod sum;
pub mod template;
mod to_text;
mod variables;
mod weight;
mod yielding;
mod zone;

pub use crate::table::inputs::InputFreshness;
pub use catalog::{TableFacts, TableKind};
pub use datafusion::common::ScalarValue;
pub use part::{PlainScan, ScanPart};
pub use plan::{Plan, Statement};
pub use queries::{Progress, Queries, QueryState, RunningQuery};
pub use running::{MappedStream, RowStream, Running};
pub use session::Session;
pub use session_command::{SessionCommand, session_command};
pub use sessions::{CancelHandle, OpenSession, Sessions, Signal};
pub use settings::{Defaults, Settings, parse_duration};
pub use shared::{Engine, ListUsers};
