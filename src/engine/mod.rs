//! The engine turns SQL text into a stream of record batches, within limits. The front ends reach DataFusion only here.
//!
//! A front end opens one [`Session`] per connection, parses text to [`Statement`]s, keeps for itself those that are
//! about the protocol (transactions, cursors, COPY, SET), and has the rest planned and run here. Four rooms, in the
//! order of a statement's life: `admit` (may it be asked), `session` (who asks, with which settings), `plan`, `run`.

mod admit;
pub mod catalog;
mod handle;
mod plan;
mod run;
mod session;
mod shared;
pub mod template;

pub use crate::dialect::arithmetic::number_text::scalar as number;
pub use crate::dialect::function::Section;
pub use crate::dialect::parse::Statement;
pub use crate::dialect::session::Signal;
pub use crate::explain::explained_columns;
pub use crate::scan::parquet::ScanPart;
pub use crate::table::inputs::InputFreshness;
pub use crate::temporary::load::Load;
pub use catalog::{TableFacts, TableKind};
pub use datafusion::common::ScalarValue;
pub use handle::Engine;
pub use plan::Plan;
pub use run::{Changed, MappedStream, Progress, Queries, QueryState, RowStream, Running, RunningQuery};
pub use session::Session;
pub use session::command::{SessionCommand, session_command};
pub use session::kept::KeptRows;
pub use session::pool::LentSession;
pub use session::registry::{CancelHandle, OpenSession, Sessions};
pub use session::scan_part::PlainScan;
pub use session::settings::{Defaults, Settings};
pub use session::spelling::parse_duration;
pub use shared::ListUsers;
