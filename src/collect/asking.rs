//! What a source is asked for at each refresh. A source chooses one of these for each dataset; the scheduler calls it.

use super::collector::RequestBuilder;
use super::fetch::Request;
use super::universe;
use crate::lake::dataset;
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

/// Asks for the bars since those that are held of a source: `source` is what stands in the column of that name. All are
/// asked for where history is to reach further back than it did, and of a symbol that failed.
pub(crate) fn bars(items: Vec<String>, source: &'static str, reach_days: u32) -> RequestBuilder {
    Arc::new(move |lake, scope, progress| {
        let items = items.clone();
        async move {
            let mut request = Request { items, progress, ..Request::default() };
            if let Some(symbols) = lake.table("symbols") {
                request.streamer_symbols =
                    universe::streamer_symbols(symbols).await.map_err(|error| error.to_string())?;
            }
            if let Some(eod) = lake.table(dataset::EOD) {
                let state = eod.read_state().await.map_err(|error| error.to_string())?;
                if state.reach_days >= Some(reach_days) {
                    let held = universe::held_until(eod, &scope, source).await;
                    request.held_until = held.map_err(|error| error.to_string())?;
                    let failed = |item: &String| state.items.get(item).is_some_and(|item| item.failure.is_some());
                    request.held_until.retain(|item, _| !failed(item));
                }
            }
            Ok(request)
        }
        .boxed()
    })
}
