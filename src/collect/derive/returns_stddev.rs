//! `returns_stddev`: how far a price has moved, historically, over as many sessions as an expiration is away.
//!
//! For a horizon of h sessions, r(t) = ln(close(t + h) / close(t)) over every pair of bars h sessions apart within the
//! look-back (overlapping). stddev is the sample standard deviation of r (n - 1); annualised is stddev * sqrt(252 / h).
//! Sessions are counted by the exchange's calendar, so that no return spans more of them than it says; and none spans a gap
//! of many sessions, or the seam of two sources whose prices are in different scales.

use super::sessions::{Bar, Series};
use super::{Inputs, basis};
use crate::clock::Clock;
use crate::collect::{Fetch, FetchError, Fetched, Request};
use crate::lake::{Lake, dataset};
use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Date32Type, Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use chrono::{Days, NaiveDate};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

const INPUTS: [&str; 2] = [dataset::EOD, "expirations"];

/// Regular sessions in a year, by convention.
const SESSIONS_PER_YEAR: f64 = 252.0;

/// The derivation of the dataset `returns_stddev`.
pub struct ReturnsStddev {
    /// Where the inputs are.
    pub lake: Arc<Lake>,
    /// The clock that says what today is.
    pub clock: Clock,
    /// How far back bars count.
    pub look_back: Days,
}

#[async_trait]
impl Fetch for ReturnsStddev {
    async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        let inputs = Inputs::take(&self.lake, &INPUTS).await?;
        let now = self.clock.now();
        let first = now.date_naive().checked_sub_days(self.look_back).unwrap_or_default();
        let basis = basis(&format!("bars since {first}"));
        let mut horizons: BTreeMap<(String, i32), i64> = BTreeMap::new();
        for rows in inputs.read("expirations", &["underlying", "expiration", "sessions_left"], None).await? {
            let (underlyings, expirations) =
                (rows.column(0).as_string::<i32>(), rows.column(1).as_primitive::<Date32Type>());
            let sessions = rows.column(2).as_primitive::<Int64Type>();
            for row in (0..rows.num_rows()).filter(|&row| sessions.is_valid(row) && sessions.value(row) > 0) {
                horizons.insert((underlyings.value(row).to_owned(), expirations.value(row)), sessions.value(row));
            }
        }
        let symbols: BTreeSet<String> = horizons.keys().map(|(symbol, _)| symbol.clone()).collect();
        let changed = inputs.changed_since(request.previous.as_ref(), &basis).await;
        // Bars of symbols without options do not matter here, and to pick out most of the others saves nothing.
        let concerned = |changed: &BTreeSet<String>| changed.intersection(&symbols).count() * 2 <= symbols.len();
        let changed = changed.filter(concerned);
        let wanted = match &changed {
            Some(changed) => changed.intersection(&symbols).cloned().collect(),
            None => symbols,
        };
        horizons.retain(|(symbol, _), _| wanted.contains(symbol));
        let closes = closes(&inputs, &wanted, changed.is_some(), first).await?;
        let empty = Vec::new();
        let rows: Vec<_> = horizons
            .iter()
            .map(|((symbol, expiration), sessions)| {
                let closes = closes.get(symbol).unwrap_or(&empty);
                (symbol, *expiration, *sessions, deviation(closes, u32::try_from(*sessions).unwrap_or(u32::MAX)))
            })
            .collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0))),
            Arc::new(Date32Array::from_iter_values(rows.iter().map(|row| row.1))),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.2))),
            Arc::new(rows.iter().map(|row| row.3.stddev).collect::<Float64Array>()),
            Arc::new(rows.iter().map(|row| row.3.annualised(row.2)).collect::<Float64Array>()),
            Arc::new(rows.iter().map(|row| i64::try_from(row.3.observations).ok()).collect::<Int64Array>()),
            Arc::new(TimestampMicrosecondArray::from(vec![now.timestamp_micros(); rows.len()]).with_timezone("UTC")),
        ];
        let schema = dataset::find("returns_stddev").map(|dataset| dataset.schema);
        let batch = schema
            .ok_or_else(|| "no such dataset".to_owned())
            .and_then(|schema| RecordBatch::try_new(schema, columns).map_err(|error| error.to_string()));
        let batch = batch.map_err(|reason| FetchError::Unreadable { origin: "returns_stddev".to_owned(), reason })?;
        request.progress.total.store(1, Ordering::Relaxed);
        request.progress.finish(batch.num_rows() as u64, false);
        Ok(Fetched {
            batches: vec![batch],
            items: wanted.len() as u64,
            inputs: inputs.versions(),
            basis: Some(basis),
            recomputed: changed,
            ..Fetched::default()
        })
    }
}

/// Bars in order of date of some symbols, from a date on. `few` says that they are to be picked out of the files.
async fn closes(
    inputs: &Inputs,
    symbols: &BTreeSet<String>,
    few: bool,
    first: NaiveDate,
) -> Result<BTreeMap<String, Vec<Bar>>, FetchError> {
    let first = i32::try_from((first - NaiveDate::default()).num_days()).unwrap_or(0);
    let mut closes: BTreeMap<String, Series> =
        symbols.iter().map(|symbol| (symbol.clone(), Series::default())).collect();
    let columns = ["symbol", "date", "close", "source"];
    for rows in inputs.read(dataset::EOD, &columns, Some(symbols).filter(|_| few)).await? {
        let (symbols, dates) = (rows.column(0).as_string::<i32>(), rows.column(1).as_primitive::<Date32Type>());
        let (prices, sources) = (rows.column(2).as_primitive::<Float64Type>(), rows.column(3).as_string::<i32>());
        for row in (0..rows.num_rows()).filter(|&row| prices.is_valid(row) && dates.value(row) >= first) {
            // A price of zero has no logarithm; such a bar counts as missing.
            if let Some(closes) = closes.get_mut(symbols.value(row)).filter(|_| prices.value(row) > 0.0) {
                let source = if sources.is_valid(row) { sources.value(row) } else { "" };
                closes.add(dates.value(row), prices.value(row), source);
            }
        }
    }
    Ok(closes.into_iter().map(|(symbol, closes)| (symbol, closes.bars())).collect())
}

/// Standard deviation of the returns over a horizon, and of how many.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Deviation {
    /// `None` with fewer than two observations.
    stddev: Option<f64>,
    observations: usize,
}

impl Deviation {
    #[allow(clippy::cast_precision_loss)]
    fn annualised(self, sessions: i64) -> Option<f64> {
        self.stddev.map(|stddev| stddev * (SESSIONS_PER_YEAR / sessions as f64).sqrt())
    }
}

#[allow(clippy::cast_precision_loss)]
fn deviation(bars: &[Bar], sessions: u32) -> Deviation {
    let mut later = bars.iter().peekable();
    let mut returns = Vec::new();
    for now in bars {
        while later.next_if(|later| later.session < now.session.saturating_add(sessions)).is_some() {}
        let end = later.peek().filter(|later| later.session == now.session.saturating_add(sessions));
        returns.extend(end.filter(|end| end.run == now.run).map(|end| (end.close / now.close).ln()));
    }
    let observations = returns.len();
    if observations < 2 {
        return Deviation { stddev: None, observations };
    }
    let mean = returns.iter().sum::<f64>() / observations as f64;
    let squares: f64 = returns.iter().map(|one| (one - mean).powi(2)).sum();
    Deviation { stddev: Some((squares / (observations - 1) as f64).sqrt()), observations }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Closes 100, 101, 102.5, 100.9, 103.2, 104: stddev and annualised value worked by hand.
    const CLOSES: [f64; 6] = [100.0, 101.0, 102.5, 100.9, 103.2, 104.0];

    /// They, session after session.
    fn bars() -> Vec<Bar> {
        (1..).zip(CLOSES).map(|(session, close)| Bar { session, run: 0, close }).collect()
    }

    #[test]
    fn one_session_returns_match_the_worked_example() {
        let deviation = deviation(&bars(), 1);
        assert_eq!(deviation.observations, 5);
        assert!((deviation.stddev.unwrap_or_default() - 0.014_351_37).abs() < 1e-8);
        assert!((deviation.annualised(1).unwrap_or_default() - 0.227_820_96).abs() < 1e-7);
    }

    #[test]
    fn returns_overlap() {
        // r = ln(102.5/100), ln(100.9/101), ln(103.2/102.5), ln(104/100.9).
        let deviation = deviation(&bars(), 2);
        let returns = [1.025_f64.ln(), (100.9_f64 / 101.0).ln(), (103.2_f64 / 102.5).ln(), (104.0_f64 / 100.9).ln()];
        let mean = returns.iter().sum::<f64>() / 4.0;
        let expected = (returns.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / 3.0).sqrt();
        assert_eq!(deviation.observations, 4);
        assert!((deviation.stddev.unwrap_or_default() - expected).abs() < 1e-15);
    }

    #[test]
    fn too_few_bars_have_no_deviation() {
        assert_eq!(deviation(&bars(), 5), Deviation { stddev: None, observations: 1 });
        assert_eq!(deviation(&bars(), 50), Deviation { stddev: None, observations: 0 });
    }

    #[test]
    fn a_session_without_a_bar_costs_the_returns_that_begin_or_end_there() {
        let mut bars = bars();
        bars.remove(2);
        assert_eq!(deviation(&bars, 1).observations, 3);
        assert_eq!(deviation(&bars, 2).observations, 2);
        bars.iter_mut().skip(2).for_each(|bar| bar.run = 1);
        assert_eq!(deviation(&bars, 1).observations, 2 + 1);
        assert_eq!(deviation(&bars, 2).observations, 1);
    }
}
