//! What is asked for: the configured symbols, how the venue spells them, and how far their history reaches.

use crate::lake::{LakeError, LakeTable, Scope};
use crate::market::list::Lists;
use arrow::array::{Array, AsArray};
use arrow::datatypes::Date32Type;
use chrono::{NaiveDate, TimeDelta};
use std::collections::{BTreeSet, HashMap};

/// Members of the lists of these names and the single symbols, each once, sorted.
pub fn symbols(lists: &Lists, names: &[String], symbols: &[String]) -> Vec<String> {
    let members = names.iter().filter_map(|name| lists.members(name)).flatten().map(|member| member.symbol);
    members.chain(symbols.iter().cloned()).collect::<BTreeSet<String>>().into_iter().collect()
}

/// Whether a symbol is a future's: `/ESZ6`.
pub fn is_future(symbol: &str) -> bool {
    symbol.starts_with('/')
}

/// Whether a symbol is a pair of currencies, such as `BTC/USD`. A class of shares, `BRK/B`, is none.
pub fn is_pair(symbol: &str) -> bool {
    symbol.split_once('/').is_some_and(|(base, quote)| base.len() > 1 && quote.len() > 2)
}

/// Streamer spelling per symbol, as the `symbols` table has it.
pub async fn streamer_symbols(table: &LakeTable) -> Result<HashMap<String, String>, LakeError> {
    let Some(snapshot) = table.update().await? else { return Ok(HashMap::new()) };
    let mut spellings = HashMap::new();
    for rows in table.read_columns(&snapshot.files, Some(&["symbol", "streamer_symbol"])).await? {
        let (symbols, streamer) = (rows.column(0).as_string::<i32>(), rows.column(1).as_string::<i32>());
        for (symbol, streamer) in symbols.iter().zip(streamer).filter_map(|(left, right)| left.zip(right)) {
            spellings.insert(symbol.to_owned(), streamer.to_owned());
        }
    }
    Ok(spellings)
}

/// First and last date of some bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Date of the first one.
    pub first: NaiveDate,
    /// Date of the last one.
    pub last: NaiveDate,
}

/// How far the bars of a symbol reach that are held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Those that the source brought of which it was asked.
    pub own: Option<Reach>,
    /// Those of all other sources, such as imported files.
    pub others: Option<Reach>,
}

/// How far the bars reach per symbol, apart for one source and for all others.
pub async fn held_bars(table: &LakeTable, scope: &Scope, source: &str) -> Result<HashMap<String, Held>, LakeError> {
    let Some(snapshot) = table.update().await? else { return Ok(HashMap::new()) };
    let mut held: HashMap<String, [Option<(i32, i32)>; 2]> = HashMap::new();
    for file in &snapshot.files {
        let (file, columns) = (std::slice::from_ref(file), ["symbol", "date", "source"]);
        let rows = match scope.names() {
            Some(names) => table.read_items(file, &columns, names).await?,
            None => table.read_columns(file, Some(&columns)).await?,
        };
        for rows in rows {
            let symbols = rows.column(0).as_string::<i32>();
            let dates = rows.column(1).as_primitive::<Date32Type>();
            let sources = rows.column(2).as_string::<i32>();
            for row in 0..rows.num_rows() {
                let (symbol, date) = (symbols.value(row), dates.value(row));
                let own = sources.is_valid(row) && sources.value(row) == source;
                if !held.contains_key(symbol) {
                    held.insert(symbol.to_owned(), [None; 2]);
                }
                if let Some([others, of_source]) = held.get_mut(symbol) {
                    let reach = if own { of_source } else { others };
                    *reach = Some(reach.map_or((date, date), |(first, last)| (date.min(first), date.max(last))));
                }
            }
        }
    }
    let date = |days: i32| NaiveDate::default().checked_add_signed(TimeDelta::days(days.into()));
    let reach = |reach: Option<(i32, i32)>| {
        let (first, last) = reach?;
        Some(Reach { first: date(first)?, last: date(last)? })
    };
    let of_symbol = |[others, own]: [Option<(i32, i32)>; 2]| Held { own: reach(own), others: reach(others) };
    Ok(held.into_iter().map(|(symbol, reaches)| (symbol, of_symbol(reaches))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_of_two_lists_is_asked_for_once() {
        let names = ["dow30".to_owned(), "nasdaq100".to_owned()];
        let all = symbols(&Lists::default(), &names, &["AAPL".to_owned(), "ZZZZ".to_owned()]);
        assert_eq!(all.iter().filter(|symbol| *symbol == "AAPL").count(), 1);
        assert!(all.contains(&"ZZZZ".to_owned()) && all.is_sorted());
    }
}
