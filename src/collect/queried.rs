//! What queries name is followed too: their demand goes into the subscriptions of the feed, and leaves them a while after the
//! last query that named it.

use super::venue::dxlink::FeedSymbols;
use crate::live::Live;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often it is looked what no query names any more.
const PERIOD: Duration = Duration::from_secs(1);

/// Keeps the subscriptions in step with what queries name, until shutdown.
pub async fn follow(live: Arc<Live>, symbols: watch::Sender<FeedSymbols>, shutdown: CancellationToken) {
    let demand = live.feed().demand();
    let mut changes = demand.changes();
    loop {
        changes.borrow_and_update();
        let queried = demand.current();
        symbols.send_if_modified(|followed| {
            let changed = followed.queried != queried;
            followed.queried = queried;
            changed
        });
        tokio::select! {
            () = shutdown.cancelled() => return,
            // The demand outlives the feed: its sender is never gone.
            _ = changes.changed() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}
