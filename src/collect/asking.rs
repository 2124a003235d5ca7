//! What a source is asked for at each refresh. A source chooses one of these for each dataset; the scheduler calls it.

use super::collector::RequestBuilder;
use super::fetch::Request;
use super::restate::seam;
use super::universe::{self, Held};
use crate::clock::Clock;
use crate::lake::{DatasetState, dataset};
use chrono::{Days, NaiveDate};
use futures::FutureExt;
use std::collections::HashMap;
use std::sync::Arc;

/// Asks for the same items each time.
pub(crate) fn items(items: Vec<String>) -> RequestBuilder {
    Arc::new(move |_, _, progress| {
        let request = Request { items: items.clone(), progress, ..Request::default() };
        async move { Ok(request) }.boxed()
    })
}

/// Names the symbols that are held, so that those on a page that fails keep their rows.
pub(crate) fn held_symbols() -> RequestBuilder {
    Arc::new(move |lake, _, progress| {
        async move {
            let held = match lake.table("symbols") {
                Some(symbols) => universe::streamer_symbols(symbols).await.map_err(|error| error.to_string())?,
                None => HashMap::new(),
            };
            Ok(Request { items: held.into_keys().collect(), progress, ..Request::default() })
        }
        .boxed()
    })
}

/// Bars of other sources that are asked for again where those of a source begin, in days: where both have a bar, their
/// scales can be compared.
const SEAM_OVERLAP: Days = Days::new(14);

/// Asks for the bars since those that are held of a source: `source` is what stands in the column of that name. All are
/// asked for where history is to reach further back than it did, and of a symbol that failed. Where other sources' bars
/// begin before that history would, as imported ones do, it is asked for from where they end on, however far back.
pub(crate) fn bars(items: Vec<String>, source: &'static str, reach_days: u32, clock: Clock) -> RequestBuilder {
    Arc::new(move |lake, scope, progress| {
        let items = items.clone();
        let earliest = clock.now().date_naive().checked_sub_days(Days::new(reach_days.into())).unwrap_or_default();
        async move {
            let mut request = Request { items, progress, ..Request::default() };
            if let Some(symbols) = lake.table("symbols") {
                request.streamer_symbols =
                    universe::streamer_symbols(symbols).await.map_err(|error| error.to_string())?;
            }
            if let Some(eod) = lake.table(dataset::EOD) {
                let state = eod.read_state().await.map_err(|error| error.to_string())?;
                let held = universe::held_bars(eod, &scope, source).await.map_err(|error| error.to_string())?;
                let reaches = state.reach_days >= Some(reach_days);
                for (item, held) in held {
                    let continues = reaches && !is_asked_anew(&state, &item, held);
                    // What is asked for anew may fill it; the answer tells.
                    if continues {
                        seam::tell_gap(&item, held, &request.findings);
                    }
                    if let Some(own) = held.own {
                        let held = if continues { &mut request.held_until } else { &mut request.asked_anew };
                        held.insert(item.clone(), own.last);
                    }
                    if let (false, Begin::On(date)) = (continues, Begin::of(held, earliest)) {
                        request.begin.insert(item, date);
                    }
                }
            }
            Ok(request)
        }
        .boxed()
    })
}

/// Where the history of a symbol begins that is asked for as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begin {
    /// As far back as is configured.
    LookBack,
    /// Where the bars of other sources end.
    On(NaiveDate),
}

impl Begin {
    fn of(held: Held, earliest: NaiveDate) -> Self {
        match held.others {
            Some(others) if others.first <= earliest => {
                Self::On(others.last.checked_sub_days(SEAM_OVERLAP).unwrap_or(others.last))
            }
            _ => Self::LookBack,
        }
    }
}

/// Whether a symbol is asked for as if nothing of the source were held: it failed, nothing is, or bars were imported since
/// that end before the source's begin.
fn is_asked_anew(state: &DatasetState, item: &str, held: Held) -> bool {
    let Some(own) = held.own else { return true };
    let known = state.items.get(item);
    let loaded_at = known.map_or(state.loaded_at, |item| item.loaded_at);
    let has_gap = held.others.is_some_and(|others| others.last < own.first);
    known.is_some_and(|item| item.failure.is_some()) || has_gap && state.imported_at > loaded_at
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::collect::universe::Reach;
    use crate::lake::{ItemFailure, ItemState};
    use chrono::{DateTime, Utc};

    fn reach(first: &str, last: &str) -> Option<Reach> {
        Some(Reach { first: first.parse().unwrap(), last: last.parse().unwrap() })
    }

    #[test]
    fn history_is_asked_for_from_where_imported_bars_end() {
        let earliest = "2024-06-01".parse().unwrap();
        let of = |others| Begin::of(Held { own: None, others }, earliest);
        assert_eq!(of(reach("2000-01-03", "2012-12-31")), Begin::On("2012-12-17".parse().unwrap()));
        assert_eq!(of(reach("2000-01-03", "2026-06-09")), Begin::On("2026-05-26".parse().unwrap()));
        assert_eq!(of(reach("2026-01-02", "2026-06-09")), Begin::LookBack, "older history is the source's");
        assert_eq!(of(None), Begin::LookBack);
    }

    #[test]
    fn an_import_behind_a_gap_is_asked_about_once() {
        let at = |text: &str| Some(text.parse::<DateTime<Utc>>().unwrap());
        let (early, late) = (at("2026-06-01T12:00:00Z"), at("2026-06-02T12:00:00Z"));
        let held = Held { own: reach("2024-06-03", "2026-05-29"), others: reach("2000-01-03", "2012-12-31") };
        let mut state = DatasetState { loaded_at: early, imported_at: late, ..DatasetState::default() };
        assert!(is_asked_anew(&state, "A", held));
        let near = Held { others: reach("2000-01-03", "2024-06-07"), ..held };
        assert!(!is_asked_anew(&state, "A", near), "there is no gap");
        state.loaded_at = at("2026-06-03T12:00:00Z");
        assert!(!is_asked_anew(&state, "A", held), "it was asked");
        assert!(is_asked_anew(&state, "A", Held { own: None, ..held }));
        let failure = ItemFailure { at: late.unwrap(), times: 1, reason: String::new() };
        state.items.insert("A".to_owned(), ItemState { loaded_at: late, failure: Some(failure) });
        assert!(is_asked_anew(&state, "A", near));
    }
}
