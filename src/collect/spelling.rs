//! How the feed spells the symbols that are followed live, as the table `symbols` has it: the feed is asked for its own
//! spelling, and rows keep ours.

use super::universe;
use super::venue::dxlink::FeedSymbols;
use crate::lake::Lake;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often it is looked whether the table has another version.
const PERIOD: Duration = Duration::from_secs(1);

/// Keeps the spellings up to date until shutdown.
pub async fn follow(lake: Arc<Lake>, symbols: watch::Sender<FeedSymbols>, shutdown: CancellationToken) {
    let Some(table) = lake.table("symbols") else { return };
    let (mut seen, mut known) = (None, HashMap::new());
    loop {
        let version = table.current().map(|snapshot| snapshot.version);
        if version.is_some() && version != seen {
            match universe::streamer_symbols(table).await {
                Ok(spellings) => (seen, known) = (version, spellings),
                Err(error) => tracing::warn!("how the feed spells its symbols is not known: {error}"),
            }
        }
        // Each time: queries name other symbols meanwhile.
        symbols.send_if_modified(|followed| respell(followed, &known));
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

/// Takes the spellings of what is followed. Whether one is another than before.
fn respell(followed: &mut FeedSymbols, known: &HashMap<String, String>) -> bool {
    let other = |symbol: &String| Some((symbol.clone(), known.get(symbol).filter(|known| *known != symbol)?.clone()));
    let named = followed.quotes.iter().chain(followed.queried.iter().map(|(_, symbol)| symbol));
    let spellings: BTreeMap<String, String> = named.filter_map(other).collect();
    let changed = followed.spellings != spellings;
    followed.spellings = spellings;
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_spelling_of_what_is_followed_counts() {
        let pair = |ours: &str, theirs: &str| (ours.to_owned(), theirs.to_owned());
        let known = [pair("SPY", "SPY"), pair("/ESZ6", "/ESZ26:XCME"), pair("BTC/USD", "BTC/USD:CXTALP")].into();
        let quotes = ["SPY", "/ESZ6", "GONE"].map(str::to_owned).to_vec();
        let mut followed = FeedSymbols { quotes, ..FeedSymbols::default() };
        assert!(respell(&mut followed, &known));
        assert_eq!(followed.spellings, [pair("/ESZ6", "/ESZ26:XCME")].into());
        assert!(!respell(&mut followed, &known));
        followed.queried.insert(("quotes", "BTC/USD".to_owned()));
        assert!(respell(&mut followed, &known));
    }
}
