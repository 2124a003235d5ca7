//! Symbols that are to be followed live and are not, because the venue takes no more subscriptions: told in
//! `system.data_quality`, as long as it lasts.

use super::venue::dxlink::FeedStatus;
use crate::clock::Clock;
use crate::lake::quality::{Doubt, DoubtKind, Findings, Severity};
use crate::lake::{Lake, LakeTable};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The dataset that it is told of.
const DATASET: &str = "quotes_history";
/// How often it is looked whether others are left out.
const PERIOD: Duration = Duration::from_secs(5);

/// Tells which symbols are left out, whenever that changes, until shutdown.
pub async fn follow(lake: Arc<Lake>, status: Arc<FeedStatus>, clock: Clock, shutdown: CancellationToken) {
    let Some(table) = lake.table(DATASET) else { return };
    let mut told = None;
    loop {
        let feed = status.snapshot();
        if feed.connected && told.as_ref() != Some(&feed.left_out) {
            tell(table, &feed.left_out, feed.subscriptions, &clock).await;
            told = Some(feed.left_out);
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

async fn tell(table: &LakeTable, left_out: &[String], taken: u64, clock: &Clock) {
    let mut findings = Findings::default();
    findings.is_over(DoubtKind::Truncated, None);
    for symbol in left_out {
        let example = format!("not all of its events are followed live: the venue takes {taken} subscriptions");
        findings.doubt(Doubt::about(symbol, DoubtKind::Truncated, Severity::Warning, example), 1);
    }
    table.tell(findings, clock.now()).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::StoreOptions;

    #[tokio::test]
    async fn what_is_left_out_is_told_as_long_as_it_is() {
        let place = tempfile::tempdir().expect("a place");
        let location = place.path().to_string_lossy().into_owned();
        let lake = Lake::open(&location, &StoreOptions::default()).await.expect("a lake");
        let table = lake.table(DATASET).expect("the table");
        tell(table, &["ZM".to_owned(), "ZS".to_owned()], 25_000, &Clock::System).await;
        let doubts = table.quality().await.expect("the record").doubts;
        let told: Vec<_> = doubts.iter().filter_map(|met| met.what.symbol.as_deref()).collect();
        assert_eq!(told, ["ZM", "ZS"]);
        tell(table, &[], 10, &Clock::System).await;
        assert!(table.quality().await.expect("the record").doubts.is_empty());
    }
}
