//! SQL text to a stream of record batches, within limits. The only door to DataFusion for the front ends.
//!
//! A front end opens one [`Session`] per connection, parses text to [`Statement`]s, keeps for itself those that are
//! about the protocol (transactions, cursors, COPY, SET), and has the rest planned and run here.

mod depth;
pub mod error;
mod rewrite;
mod safety;
pub mod session;
pub mod settings;

pub use error::{ErrorKind, QueryError};
pub use session::{CancelHandle, Engine, Plan, RowStream, Running, RunningQuery, Session, Statement};
pub use settings::Settings;
