//! Which options are followed live: those near the money of the next expirations of the underlyings whose chains are
//! kept.

use crate::clock::Clock;
use crate::collect::venue::dxlink::FeedSymbols;
use crate::lake::{Lake, LakeError};
use crate::live::Live;
use crate::market::calendar;
use crate::market::event::Quote;
use arrow::array::{Array, AsArray};
use arrow::datatypes::{Date32Type, Float64Type};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Expirations per underlying, the nearest first.
const EXPIRATIONS: usize = 2;
/// Strikes on each side of the price.
const STRIKES: usize = 5;
/// How often the choice is made anew: prices move, and new chains arrive.
const PERIOD: Duration = Duration::from_secs(30);
/// How often it is tried while there are no quotes or chains yet.
const FIRST_PERIOD: Duration = Duration::from_secs(1);

/// One listed option of a chain: strike and streamer spelling.
type Chain = BTreeMap<NaiveDate, Vec<(f64, String)>>;

/// Keeps the subscription near the money until shutdown. What has expired by `clock` is left out.
pub async fn follow(
    lake: Arc<Lake>,
    live: Arc<Live>,
    clock: Clock,
    symbols: watch::Sender<FeedSymbols>,
    shutdown: CancellationToken,
) {
    let mut period = FIRST_PERIOD;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(period) => {}
        }
        let options = match choose(&lake, &live, &clock).await {
            Ok(options) => options,
            Err(error) => {
                tracing::warn!("the options near the money are not known: {error}");
                continue;
            }
        };
        if options.is_empty() {
            continue;
        }
        period = PERIOD;
        symbols.send_if_modified(|followed| {
            let changed = followed.greeks != options;
            followed.greeks = options;
            changed
        });
    }
}

async fn choose(lake: &Lake, live: &Live, clock: &Clock) -> Result<Vec<String>, LakeError> {
    let Some(table) = lake.table("option_chains") else { return Ok(Vec::new()) };
    let Some(snapshot) = table.update().await? else { return Ok(Vec::new()) };
    let columns = ["underlying", "expiration", "strike", "streamer_symbol"];
    let today = calendar::eastern_date(clock.now());
    let mut chains: BTreeMap<String, Chain> = BTreeMap::new();
    for rows in table.read_columns(&snapshot.files, Some(&columns)).await? {
        let (underlyings, streamer) = (rows.column(0).as_string::<i32>(), rows.column(3).as_string::<i32>());
        let (expirations, strikes) =
            (rows.column(1).as_primitive::<Date32Type>(), rows.column(2).as_primitive::<Float64Type>());
        for row in (0..rows.num_rows()).filter(|&row| streamer.is_valid(row) && strikes.is_valid(row)) {
            let Some(expiration) = expirations.value_as_date(row).filter(|expiration| *expiration >= today) else {
                continue;
            };
            let chain = chains.entry(underlyings.value(row).to_owned()).or_default();
            chain.entry(expiration).or_default().push((strikes.value(row), streamer.value(row).to_owned()));
        }
    }
    let mut chosen = Vec::new();
    for (underlying, chain) in chains {
        let quote = live.book::<Quote>().latest_of(&underlying);
        let Some((bid, ask)) = quote.and_then(|quote| quote.bid.zip(quote.ask)) else { continue };
        for options in chain.into_values().take(EXPIRATIONS) {
            chosen.extend(near((bid + ask) / 2.0, options));
        }
    }
    chosen.sort();
    Ok(chosen)
}

/// The options whose strikes are the nearest to the price, on both sides.
fn near(price: f64, options: Vec<(f64, String)>) -> Vec<String> {
    // Strikes are finite and positive, so their bits sort as they do.
    let strikes: BTreeSet<u64> = options.iter().map(|(strike, _)| strike.to_bits()).collect();
    let below = strikes.iter().rev().filter(|bits| f64::from_bits(**bits) <= price).take(STRIKES);
    let above = strikes.iter().filter(|bits| f64::from_bits(**bits) > price).take(STRIKES);
    let kept: BTreeSet<u64> = below.chain(above).copied().collect();
    options.into_iter().filter(|(strike, _)| kept.contains(&strike.to_bits())).map(|(_, symbol)| symbol).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_strikes_on_each_side_are_near() {
        let options = (1..=30).map(|strike| (f64::from(strike), format!("C{strike}"))).collect();
        let chosen = near(15.5, options);
        assert_eq!(chosen.len(), 10);
        assert!(chosen.contains(&"C11".to_owned()) && chosen.contains(&"C20".to_owned()));
        assert!(!chosen.contains(&"C10".to_owned()) && !chosen.contains(&"C21".to_owned()));
    }
}
