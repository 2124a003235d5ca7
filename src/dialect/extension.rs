//! An extension adds statements to sqlparser's grammar and nodes to DataFusion's plans, from a room
//! outside of the dialect. The engine's own statements, such as REFRESH TABLE, come in this way.

use super::parse::tree::Statement;
use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::session_state::SessionState;
use datafusion::optimizer::{AnalyzerRule, OptimizerRule};
use datafusion::physical_planner::ExtensionPlanner;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use std::fmt::Debug;
use std::sync::Arc;

/// An addition to SQL. The engine hands its list to this room's parser, to [`super::install`] and to
/// DataFusion's physical planner, in this order; every method does nothing by default.
pub trait Extension: Debug + Send + Sync {
    /// Reads a statement that sqlparser does not know.
    ///
    /// sqlparser's `Parser` stands before the statement's first token, and must stand there again
    /// when the answer is `None`: then the next extension is asked, and sqlparser last.
    ///
    /// # Errors
    /// The inner result is an error when the statement is this extension's own and is written wrong;
    /// nobody else is asked then.
    fn statement(&self, parser: &mut Parser<'_>) -> Option<Result<Statement, ParserError>> {
        let _ = parser;
        None
    }

    /// Registers functions, analyzer rules and relation planners in a session state,
    /// after those of the dialect.
    ///
    /// # Errors
    /// Whatever DataFusion refuses to register; the server then refuses to start.
    fn register(&self, state: &mut SessionState) -> Result<()> {
        let _ = state;
        Ok(())
    }

    /// Rules of the analyzer that see a plan whose types are settled and whose subqueries are not joins yet.
    fn analyzer_rules(&self) -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
        Vec::new()
    }

    /// Rules of the optimiser, which see conditions where they have been moved to.
    fn optimizer_rules(&self) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
        Vec::new()
    }

    /// Physical planners of the logical nodes that this extension puts into plans, of which
    /// DataFusion knows no execution.
    fn planners(&self) -> Vec<Arc<dyn ExtensionPlanner + Send + Sync>> {
        Vec::new()
    }
}

/// A mark on an execution: a stream of events that is executed with it begins with the latest event of each symbol, for an
/// operator that wants to know what stands and not only what changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FromLatest;

impl FromLatest {
    /// The context with the mark.
    pub(crate) fn marked(context: &TaskContext) -> Arc<TaskContext> {
        let config = context.session_config().clone().with_extension(Arc::new(Self));
        Arc::new(TaskContext::new(
            context.task_id(),
            context.session_id(),
            config,
            context.scalar_functions().clone(),
            context.higher_order_functions().clone(),
            context.aggregate_functions().clone(),
            context.window_functions().clone(),
            context.runtime_env(),
        ))
    }

    /// Whether a context has the mark.
    pub(crate) fn is_in(context: &TaskContext) -> bool {
        context.session_config().get_extension::<Self>().is_some()
    }
}
