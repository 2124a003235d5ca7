//! `Described` keeps what the catalog holds while one statement is planned, so that a query over many catalog tables opens the
//! others once. The engine gives each statement its own; without one every scan looks anew.

use super::comments::Comments;
use super::description::{CatalogDescription, describe};
use super::functions::{self, Function};
use datafusion::catalog::{CatalogProvider, Session};
use std::sync::{Arc, OnceLock};

/// What the first scans of a statement found.
#[derive(Debug, Default)]
pub(crate) struct Described {
    tables: OnceLock<Arc<CatalogDescription>>,
    functions: OnceLock<Arc<Vec<Function>>>,
}

/// What a catalog holds as the statement of a state sees it. A session has one catalog, so that its statement keeps one
/// description.
pub(super) async fn description(
    state: &dyn Session,
    source: &dyn CatalogProvider,
    comments: &dyn Comments,
) -> Arc<CatalogDescription> {
    let described = state.config().get_extension::<Described>();
    if let Some(known) = described.as_ref().and_then(|described| described.tables.get()) {
        return known.clone();
    }
    let found = Arc::new(describe(source, comments).await);
    match described {
        Some(described) => described.tables.get_or_init(|| found).clone(),
        None => found,
    }
}

/// The functions of a state's session, sorted by name.
pub(super) fn functions(state: &dyn Session) -> Arc<Vec<Function>> {
    let found = || Arc::new(functions::all(state));
    match state.config().get_extension::<Described>() {
        Some(described) => described.functions.get_or_init(found).clone(),
        None => found(),
    }
}
