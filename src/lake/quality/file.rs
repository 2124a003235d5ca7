//! The record of a table's quality, in its file.

use super::super::table::LOG_CLOCK;
use super::super::{LakeError, LakeTable};
use super::finding::Findings;
use super::record::Quality;
use chrono::{DateTime, Utc};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

impl LakeTable {
    /// What is known to be wrong with the dataset; nothing where nobody ever told of anything.
    ///
    /// # Errors
    /// The record cannot be read, or is damaged.
    pub async fn quality(&self) -> Result<Quality, LakeError> {
        let path = self.quality_path();
        let fail = |error: &dyn std::fmt::Display| LakeError::file(self.dataset.name, self.root.name(&path), error);
        let object = match self.root.store.get(&path).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(Quality::default()),
            object => object.map_err(|error| fail(&error))?,
        };
        let bytes = object.bytes().await.map_err(|error| fail(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| fail(&error))
    }

    /// The same for readers. A record that cannot be read is itself a doubt.
    pub async fn known_quality(&self) -> Quality {
        self.quality().await.unwrap_or_else(|error| Quality::unreadable(&error.to_string(), LOG_CLOCK.now()))
    }

    /// Records findings beside those of earlier refreshes and imports; on the disk when it returns. A record that cannot
    /// be written is told in the log: the rows are safe. One that is damaged is begun anew.
    pub async fn tell(&self, findings: Findings, now: DateTime<Utc>) {
        let _one_at_a_time = self.telling.lock().await;
        let before = self.quality().await.unwrap_or_else(|error| {
            tracing::warn!("{error}; the record of its quality is begun anew");
            Quality::default()
        });
        let mut quality = before.clone();
        quality.take(findings, now);
        if quality == before {
            return;
        }
        if let Err(error) = self.write_quality(&quality).await {
            tracing::warn!("what is wrong with rows of {} is not recorded: {error}", self.dataset.name);
        }
    }

    async fn write_quality(&self, quality: &Quality) -> Result<(), LakeError> {
        let path = self.quality_path();
        let fail = |error: &dyn std::fmt::Display| LakeError::file(self.dataset.name, self.root.name(&path), error);
        let text = serde_json::to_vec(quality).map_err(|error| fail(&error))?;
        self.root.store.put(&path, PutPayload::from(text)).await.map(drop).map_err(|error| fail(&error))
    }

    fn quality_path(&self) -> Path {
        self.root.path(&["state", &format!("{}.quality.json", self.dataset.name)])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::super::{Lake, StoreOptions};
    use super::super::{Doubt, DoubtKind, Rejected, Severity};
    use super::*;

    #[tokio::test]
    async fn findings_outlive_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let location = folder.path().to_str().unwrap();
        let now: DateTime<Utc> = "2026-06-10T22:00:00Z".parse().unwrap();
        let lake = Lake::open(location, &StoreOptions::default()).await.unwrap();
        let eod = lake.table("eod").unwrap();
        assert_eq!(eod.quality().await.unwrap(), Quality::default());
        eod.tell(Findings::default(), now).await;
        assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing to tell makes no file");
        let mut findings = Findings::default();
        findings.reject(Rejected { reason: "no date".to_owned(), ..Rejected::default() });
        findings.doubt(Doubt::about("A", DoubtKind::Gap, Severity::Severe, "a year"), 250);
        eod.tell(findings.clone(), now).await;
        let again = Lake::open(location, &StoreOptions::default()).await.unwrap();
        let read = again.table("eod").unwrap().quality().await.unwrap();
        assert_eq!((read.rejected.len(), read.doubts[0].count), (1, 250));
        let others = lake.table("symbols").unwrap().quality().await.unwrap();
        assert_eq!(others, Quality::default(), "it is of its dataset alone");
        // A damaged record is told by whoever reads it, and begun anew by whoever writes it.
        std::fs::write(folder.path().join("state/eod.quality.json"), "{").unwrap();
        assert!(eod.quality().await.unwrap_err().to_string().contains("eod.quality.json"));
        eod.tell(findings, now).await;
        assert_eq!(eod.quality().await.unwrap().doubts[0].count, 250);
    }
}
