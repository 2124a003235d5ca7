//! Rows of views that a statement reads from memory: taken when they are there, made when they are worth it.

use super::{Session, open};
use crate::dialect::parse::depth::Depth;
use crate::engine::plan::Plan;
use crate::engine::plan::prepared::Prepared;
use crate::engine::plan::state::{Moments, StatementState};
use crate::engine::run::cpu;
use crate::engine::run::rows::Running;
use crate::error::{ErrorKind, QueryError};
use crate::table::context::QueryContext;
use crate::table::kept_view::{Answer, KeptView, VIEW_BYTES_MAX};
use arrow::record_batch::RecordBatch;
use datafusion::execution::session_state::SessionState;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Session {
    /// The statement over the rows of its views, which are in its context then; `None` where it is to be computed from the
    /// tables.
    pub(super) async fn over_views<'a>(
        &self,
        running: &Running,
        plan: &'a Plan,
        context: &mut QueryContext,
        (session, moments): (&Arc<SessionState>, &Moments),
    ) -> Result<Option<&'a Arc<Prepared>>, QueryError> {
        let Some(over) = &plan.over_views else { return Ok(None) };
        if context.as_of.is_some() || context.part.is_some() {
            return Ok(None);
        }
        for view in &over.views {
            let basis = running.guard(view.basis(context, moments.transaction)).await?;
            let rows = match view.ask(&basis) {
                Answer::Kept(rows) => Some(rows),
                Answer::Computed => None,
                Answer::Make(making) => {
                    let state = StatementState::begin(session.clone(), of_view(context), moments);
                    match self.rows_of_view(running, view, state).await {
                        Ok(Some(rows)) => {
                            let pool = &session.runtime_env().memory_pool;
                            let kept = cpu::beside_other_work(|| making.keep(&rows, pool));
                            kept.unwrap_or_else(|error| {
                                tracing::warn!("the rows of view {} are not kept: {error}", view.name());
                                None
                            })
                        }
                        Err(error) if matches!(error.kind, ErrorKind::Cancelled | ErrorKind::Timeout) => {
                            return Err(error);
                        }
                        // The statement may need less than all rows of the view.
                        Ok(None) | Err(_) => {
                            making.refuse();
                            None
                        }
                    }
                }
            };
            let Some(rows) = rows else { return Ok(None) };
            context.views.insert(view.name(), rows);
        }
        Ok(Some(&over.prepared))
    }

    /// All rows of a view; `None` where they are too many to be kept.
    async fn rows_of_view(
        &self,
        running: &Running,
        view: &KeptView,
        state: StatementState,
    ) -> Result<Option<Vec<RecordBatch>>, QueryError> {
        let prepared = Arc::new(Prepared::new(view.plan().clone(), Depth::Shallow, &[]));
        let (progress, memory_bytes) = (running.listed.progress.clone(), self.shared.defaults.query_memory_bytes);
        let open = |stop| open(state, prepared, Vec::new(), memory_bytes, (stop, progress));
        let opened = self.shared.cpu.rows(running.listed.progress.meter().clone(), open);
        let (_, _, mut rows) = running.guard(opened).await?;
        let (mut batches, mut bytes) = (Vec::new(), 0);
        while let Some(batch) = running.guard(rows.next()).await? {
            bytes += batch.get_array_memory_size();
            if bytes > VIEW_BYTES_MAX {
                return Ok(None);
            }
            batches.push(batch);
        }
        Ok(Some(batches))
    }
}

/// The context in which the rows of a view are made: of the versions that the statement reads.
fn of_view(context: &QueryContext) -> QueryContext {
    QueryContext { views: BTreeMap::new(), ..context.clone() }
}
