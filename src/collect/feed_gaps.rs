//! The gaps of the feed outlive the process: they are written beside the tables whenever one begins or ends, with the moment
//! of the last event, so that the next process knows what it missed as well.

use crate::lake::Lake;
use crate::live::Live;
use crate::live::feed::Gap;
use crate::market::event;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What they are called in the lake.
const NOTE: &str = "feed_gaps";
/// Gaps that are kept there, the newest.
const KEPT: usize = 1_000;
/// How often the moment of the last event is written, on a disk of this machine. Elsewhere each time would cost a request.
const PERIOD: Duration = Duration::from_secs(10);
/// Changes that come together are written together.
const PAUSE: Duration = Duration::from_millis(200);

/// The note, as it is written.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Note {
    /// When the last event came.
    seen_at: Option<DateTime<Utc>>,
    gaps: Vec<Record>,
}

/// One gap, as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    from: DateTime<Utc>,
    to: Option<DateTime<Utc>>,
    reason: String,
    symbols: Option<Vec<String>>,
    events: Vec<String>,
}

/// Reads what earlier processes knew into the board, before the feed begins. A note that cannot be read is told in the log.
pub async fn recall(lake: &Lake, live: &Live) {
    let note = match lake.read_note(NOTE).await {
        Ok(None) => return,
        Ok(Some(text)) => serde_json::from_slice::<Note>(&text).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let note = note.unwrap_or_else(|error| {
        tracing::warn!("gaps of the live feed in earlier runs are not known: {error}");
        Note::default()
    });
    let feed = live.feed().terms().name;
    let known = |events: Vec<String>| {
        let all = event::descriptions().iter().map(|event| event.name);
        all.filter(|name| events.iter().any(|event| event == name)).collect()
    };
    let gap = |record: Record| Gap {
        feed,
        from: record.from,
        to: record.to,
        reason: record.reason,
        symbols: record.symbols.map(|names| names.into_iter().map(Arc::from).collect()),
        events: known(record.events),
    };
    let all = event::descriptions().iter().map(|event| event.name).collect();
    let reason = "no server followed the feed".to_owned();
    let away = note.seen_at.map(|from| Gap { feed, from, to: None, reason, symbols: None, events: all });
    // One that lasted when the process ended is continued by that of its absence.
    let gaps = note.gaps.into_iter().map(gap).map(|gap| Gap { to: gap.to.or(note.seen_at).or(Some(gap.from)), ..gap });
    live.feed().gaps().restore(gaps.collect(), away);
}

/// Writes them whenever they change, until shutdown.
pub async fn follow(lake: Arc<Lake>, live: Arc<Live>, shutdown: CancellationToken) {
    let feed = live.feed();
    let (mut changes, mut written, mut told) = (feed.changes(), None, String::new());
    loop {
        let seen_at = feed.lines().iter().filter_map(|line| line.last_data_at()).max();
        let state = (feed.gaps().state(), seen_at);
        if seen_at.is_some() && written.as_ref() != Some(&state) {
            match write(&lake, &live, seen_at).await {
                Ok(()) => written = Some(state),
                // Once for each cause: a full disk stays full for a while.
                Err(error) if error == told => {}
                Err(error) => {
                    tracing::warn!("gaps of the live feed are not kept: {error}");
                    told = error;
                }
            }
        }
        if shutdown.is_cancelled() {
            return;
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            _ = changes.changed() => tokio::time::sleep(PAUSE).await,
            () = tokio::time::sleep(PERIOD), if lake.is_local() => {}
        }
    }
}

async fn write(lake: &Lake, live: &Live, seen_at: Option<DateTime<Utc>>) -> Result<(), String> {
    let mut gaps = live.feed().gaps().all();
    let old = gaps.len().saturating_sub(KEPT);
    let record = |gap: Gap| Record {
        from: gap.from,
        to: gap.to,
        reason: gap.reason,
        symbols: gap.symbols.map(|names| names.iter().map(|name| name.as_ref().to_owned()).collect()),
        events: gap.events.iter().map(|name| (*name).to_owned()).collect(),
    };
    let note = Note { seen_at, gaps: gaps.drain(old..).map(record).collect() };
    let text = serde_json::to_vec(&note).map_err(|error| error.to_string())?;
    lake.write_note(NOTE, text).await.map_err(|error| error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::lake::StoreOptions;
    use crate::live::feed::{FeedState, FeedTerms};
    use chrono::TimeDelta;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_780_000_000 + second, 0).unwrap()
    }

    #[tokio::test]
    async fn gaps_outlive_the_process_and_its_absence_is_one() {
        let place = tempfile::tempdir().unwrap();
        let location = place.path().to_string_lossy().into_owned();
        let lake = Arc::new(Lake::open(&location, &StoreOptions::default()).await.unwrap());
        let clock = Clock::hand_set(at(0));
        let live = || Arc::new(Live::watched(16, clock.clone(), FeedTerms::default()));
        let before = live();
        recall(&lake, &before).await;
        let line = before.feed().open_line();
        line.heard(at(0));
        before.feed().speaks(&line);
        clock.advance(TimeDelta::seconds(5));
        before.feed().lost(&line, FeedState::Stalled, "no events");
        let stopped = CancellationToken::new();
        stopped.cancel();
        follow(lake.clone(), before, stopped).await;
        clock.advance(TimeDelta::seconds(5));
        let after = live();
        recall(&lake, &after).await;
        let line = after.feed().open_line();
        line.heard(clock.now());
        after.feed().speaks(&line);
        let gaps = after.feed().gaps().all();
        let told: Vec<_> = gaps.iter().map(|gap| (gap.reason.as_str(), gap.from, gap.to)).collect();
        let expected = [("no events", at(0), Some(at(0))), ("no server followed the feed", at(0), Some(at(10)))];
        assert_eq!(told, expected);
        // One that does not read costs nothing but itself.
        lake.write_note(NOTE, b"{".to_vec()).await.unwrap();
        let again = live();
        recall(&lake, &again).await;
        assert!(again.feed().gaps().all().is_empty());
    }
}
