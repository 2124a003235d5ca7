//! Execution of a statement: threads, time limit and cancellation, memory, and the physical operators that keep to
//! them.

pub(crate) mod batch_size;
pub(crate) mod constants;
pub(crate) mod cooperation;
pub(crate) mod cpu;
pub(crate) mod damaged_file;
pub(crate) mod in_order;
mod join_interrupt;
pub(crate) mod memory;
pub(crate) mod memory_limit;
pub(crate) mod queries;
pub(crate) mod queries_table;
pub(crate) mod repeated;
pub(crate) mod rows;
pub(crate) mod spill;
mod time_slice;
mod value_size;
pub(crate) mod window_memory;
mod window_result;
mod wrapper;

pub use queries::{Progress, Queries, QueryState, RunningQuery};
pub use rows::{Changed, MappedStream, RowStream, Running};
