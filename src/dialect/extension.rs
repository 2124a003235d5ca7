//! An extension adds statements to sqlparser's grammar and nodes to DataFusion's plans, from a room
//! outside of the dialect. The engine's own statements, such as REFRESH TABLE, come in this way.

use super::parse::tree::Statement;
use datafusion::common::Result;
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

    /// Rules for DataFusion's optimizer that see conditions where they have been moved to, before their common parts
    /// become columns.
    fn condition_rules(&self) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
        Vec::new()
    }

    /// Rules for DataFusion's optimizer, which come after its own.
    fn optimizer_rules(&self) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
        Vec::new()
    }

    /// Physical planners of the logical nodes that this extension puts into plans, of which
    /// DataFusion knows no execution.
    fn planners(&self) -> Vec<Arc<dyn ExtensionPlanner + Send + Sync>> {
        Vec::new()
    }
}
