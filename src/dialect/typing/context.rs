//! What the walk over a plan knows where it is.

use arrow::datatypes::DataType;
use datafusion::common::DFSchemaRef;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::TableSource;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Types of parameters by their number, from 1.
pub(crate) type Parameters = BTreeMap<usize, DataType>;

/// The walk over a plan. Its methods stand in the files of what they type.
pub(super) struct Typing<'a> {
    pub(super) parameters: &'a mut Parameters,
    /// The functions of the session.
    pub(super) registry: &'a dyn FunctionRegistry,
    /// Columns of the queries around the current one, innermost last.
    pub(super) outer: Vec<DFSchemaRef>,
    /// The tables that recursive queries read of themselves, in their final types.
    pub(super) work_tables: Vec<WorkTable>,
    /// Columns that the current node's expressions see.
    pub(super) schema: DFSchemaRef,
}

/// What a recursive query reads of itself.
pub(super) struct WorkTable {
    pub(super) name: String,
    pub(super) source: Arc<dyn TableSource>,
}
