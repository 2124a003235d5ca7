//! Where a cursor stands, and the rows that it can go back to: one that scrolls keeps what has come, within the memory that
//! its session has for temporary tables; another forgets it.

use super::error::{Failure, Stop};
use super::fetch::{Direction, Step};
use super::rows::Rows;
use super::transport::Transport;
use crate::engine::KeptRows;

/// Where a cursor stands, and the rows that it can go back to.
pub(super) struct Cursor {
    /// The number of the row from 1; 0 is before the first, one more than there are is behind the last.
    pub(super) stands: u64,
    /// Of one that scrolls, what has come.
    pub(super) kept: Option<KeptRows>,
    /// Whether no more rows come.
    pub(super) ended: bool,
}

impl Cursor {
    /// A cursor before its first row, which scrolls where it is given room for its rows.
    pub(super) fn new(kept: Option<KeptRows>) -> Self {
        Self { stands: 0, kept, ended: false }
    }

    /// Whether it can go back.
    pub(super) fn scrolls(&self) -> bool {
        self.kept.is_some()
    }

    /// The step in a direction, once so many rows have come as it needs; `None` of a cursor that does not scroll.
    ///
    /// # Errors
    /// 53400 when there is no room for them.
    pub(super) async fn step(
        &mut self,
        to: Direction,
        rows: &mut Rows,
        transport: &mut Transport,
    ) -> Result<Option<Step>, Stop> {
        let Some(kept) = &mut self.kept else { return Ok(None) };
        let needs = to.needs(self.stands);
        while !self.ended && needs.is_none_or(|needs| kept.count() < needs) {
            match rows.next(transport).await? {
                Some(batch) => kept.push(&batch).map_err(Failure::from)?,
                None => {
                    self.ended = true;
                    rows.end();
                }
            }
        }
        let step = to.step(self.stands, kept.count());
        self.stands = step.stands;
        Ok(Some(step))
    }
}
