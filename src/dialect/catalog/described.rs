//! `Described` keeps what the catalog holds while one statement is planned, so that a query over many catalog tables opens the
//! others once. The engine gives each statement its own; without one every scan looks anew.

use super::comments::Comments;
use super::description::{CatalogDescription, describe};
use datafusion::catalog::{CatalogProvider, Session};
use std::sync::{Arc, Mutex, PoisonError};

/// The description that the first scan of a statement made.
#[derive(Debug, Default)]
pub(crate) struct Described(Mutex<Option<Arc<CatalogDescription>>>);

impl Described {
    fn kept(&self) -> Option<Arc<CatalogDescription>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, description: &Arc<CatalogDescription>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(description.clone());
    }
}

/// What a catalog holds as the statement of a state sees it. A session has one catalog, so that its statement keeps one
/// description.
pub(super) async fn description(
    state: &dyn Session,
    source: &dyn CatalogProvider,
    comments: &dyn Comments,
) -> Arc<CatalogDescription> {
    let described = state.config().get_extension::<Described>();
    if let Some(known) = described.as_ref().and_then(|described| described.kept()) {
        return known;
    }
    let description = Arc::new(describe(source, comments).await);
    if let Some(described) = described {
        described.keep(&description);
    }
    description
}
