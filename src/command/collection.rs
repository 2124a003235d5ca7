//! Shows the refreshes of the scheduler as they run: `tt collect` and the servers hand its events to [`show`], which
//! draws a progress line for each.

use crate::collect::scheduler::Event;
use crate::console::progress::{Display, Tracked};
use std::collections::HashMap;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// One line per run, which ends with `fresh`, the reason it failed, or how many items failed; until the scheduler ends.
/// A display that lags misses lines; the scheduler never waits for it.
pub async fn show(mut events: broadcast::Receiver<Event>, display: Display) {
    let mut lines: HashMap<&'static str, Tracked> = HashMap::new();
    loop {
        match events.recv().await {
            Ok(Event::Started { dataset, progress }) => {
                lines.insert(dataset, display.track(dataset, progress));
            }
            Ok(Event::Ended { dataset, run }) => {
                let Some(line) = lines.remove(dataset) else { continue };
                match (&run.error, run.failed.len()) {
                    (Some(reason), _) => line.finish(reason),
                    (None, 0) => line.finish("fresh"),
                    (None, failed) => line.finish(&format!("{failed} of {} items failed", run.items)),
                }
            }
            // The end of a run whose beginning was missed finds no line.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
