//! Whether a server that collects can store what it collects: tried now and then, told in the log once for each cause, and
//! by `/readyz` for as long as it lasts. Nothing is given up meanwhile: refreshes and commits try again by themselves.

use crate::lake::Lake;
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two tries. A store elsewhere is not tried again once it took something: there, each try costs money, and what
/// is refused is told where it is refused.
const PERIOD: Duration = Duration::from_secs(5);

/// What the last try said. Shared by reference.
#[derive(Debug, Default)]
pub struct Storage {
    failure: ArcSwapOption<String>,
}

impl Storage {
    /// Why the lake cannot be written; `None` when it can.
    pub fn failure(&self) -> Option<String> {
        self.failure.load_full().map(Arc::unwrap_or_clone)
    }

    /// Tries once, so that it is known at the start, and then every [`PERIOD`] until `shutdown`.
    pub(super) async fn watch(lake: Arc<Lake>, shutdown: CancellationToken) -> Arc<Self> {
        let storage = Arc::new(Self::default());
        storage.look(&lake).await;
        let watching = storage.clone();
        tokio::spawn(async move {
            while lake.is_local() || watching.failure().is_some() {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(PERIOD) => {}
                }
                watching.look(&lake).await;
            }
        });
        storage
    }

    async fn look(&self, lake: &Lake) {
        let failure = lake.check_writable().await.err().map(|error| Arc::new(error.to_string()));
        let before = self.failure.swap(failure.clone());
        match (before, failure) {
            (before, Some(now)) if before.as_ref() != Some(&now) => tracing::error!("nothing can be stored: {now}"),
            (Some(_), None) => tracing::info!("the lake can be written again"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::power::Power;
    use crate::lake::StoreOptions;

    #[tokio::test]
    async fn a_disk_that_refuses_is_told_until_it_takes_again() {
        let place = tempfile::tempdir().unwrap();
        let power = Arc::new(Power::new(place.path()));
        let location = place.path().to_string_lossy().into_owned();
        let lake = Lake::open_on(&location, &StoreOptions::default(), power.clone()).await.unwrap();
        power.fail_at("state/probe");
        let storage = Storage::default();
        storage.look(&lake).await;
        let failure = storage.failure().unwrap();
        assert!(failure.contains("cannot be written") && failure.contains("injected"), "{failure}");
        power.fail_at("");
        storage.look(&lake).await;
        assert_eq!(storage.failure(), None);
        assert_eq!(std::fs::read_dir(place.path().join("state")).unwrap().count(), 0);
    }
}
