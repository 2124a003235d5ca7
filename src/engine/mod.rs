//! SQL text to a stream of record batches, within limits. The only door to DataFusion for the front ends.
//!
//! A front end opens one [`Session`] per connection, parses text to [`Statement`]s, keeps for itself those that are
//! about the protocol (transactions, cursors, COPY, SET), and has the rest planned and run here.

mod cpu;
mod depth;
pub mod error;
mod instant;
mod memory;
mod own;
mod queries;
mod rewrite;
mod role;
mod safety;
pub mod session;
mod sessions;
pub mod settings;
pub mod template;
mod variables;

pub use datafusion::common::ScalarValue;
pub use error::{ErrorKind, QueryError};
pub use queries::{Progress, Queries, QueryState, RunningQuery};
pub use role::Role;
pub use session::{Engine, ListUsers, Plan, RowStream, Running, Session, Statement};
pub use sessions::{CancelHandle, OpenSession, Sessions, Signal};
pub use settings::{Defaults, Settings, parse_duration};
