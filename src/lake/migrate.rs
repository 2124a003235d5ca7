//! Tables of earlier releases get the columns that their datasets have since: in one commit, so that nobody sees half of it.
//! Readers need not wait for it: rows that lack a column are read as if they had it.

use super::{LakeError, LakeTable, MadeOf};
use arrow::compute::concat_batches;

impl LakeTable {
    /// Writes a table of an earlier release anew with the columns of this one. Whether there was anything to do.
    ///
    /// # Errors
    /// It cannot be read or written; it is as it was then. [`LakeError::Conflict`]: another process was quicker.
    pub async fn migrate(&self) -> Result<bool, LakeError> {
        if !self.dataset.has_added_columns() {
            return Ok(false);
        }
        let Some(base) = self.update().await? else { return Ok(false) };
        let lacks_columns = match &*self.open.lock().await {
            Some(table) => self.new_columns(table)?.is_some(),
            None => false,
        };
        if !lacks_columns {
            return Ok(false);
        }
        let rows = self.read(&base.files).await?;
        let rows =
            concat_batches(&self.dataset.schema, &rows).map_err(|error| LakeError::rows(self.dataset.name, error))?;
        let staged = self.stage(&rows).await?;
        self.commit(Some(&base), &base.files, vec![staged]).await?;
        if !self.dataset.computed_from.is_empty() {
            // It is computed anew: nobody knows what the new columns would have been.
            let mut state = self.read_state().await?;
            state.made_of = MadeOf::default();
            self.write_state(&state).await?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use crate::lake::{Lake, StoreOptions};
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Int64Type;
    use std::path::Path;

    /// A lake that the release before wrote, copied so that it can be changed.
    fn earlier() -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lake-0.1");
        copy(&from, place.path());
        place
    }

    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
            let target = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy(&entry.path(), &target);
            } else {
                std::fs::copy(entry.path(), target).unwrap();
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_lake_of_the_release_before_is_read_and_migrated_in_one_commit() {
        let place = earlier();
        let lake = Lake::open(place.path().to_str().unwrap(), &StoreOptions::default()).await.unwrap();
        let dividends = lake.table("dividends").unwrap();
        let before = dividends.update().await.unwrap().unwrap();
        let rows = dividends.read(&before.files).await.unwrap();
        let count: usize = rows.iter().map(|rows| rows.num_rows()).sum();
        assert!(count > 0 && rows.iter().all(|rows| rows.schema().fields() == dividends.dataset().schema.fields()));
        let numbers = dividends.read_columns(&before.files, Some(&["date", "number"])).await.unwrap();
        assert!(numbers.iter().all(|rows| rows.column(1).as_primitive::<Int64Type>().iter().all(|one| one == Some(1))));
        for name in ["dividends", "expirations"] {
            let table = lake.table(name).unwrap();
            let before = table.update().await.unwrap().unwrap();
            assert!(table.migrate().await.unwrap(), "{name}");
            let after = table.update().await.unwrap().unwrap();
            assert_eq!((after.version, after.rows()), (before.version + 1, before.rows()), "{name}");
            assert!(!table.migrate().await.unwrap(), "{name}: once");
        }
        let expirations = lake.table("expirations").unwrap();
        assert!(expirations.read_state().await.unwrap().made_of.inputs.is_empty(), "it is due to be computed anew");
        let after = expirations.update().await.unwrap().unwrap();
        let roots = expirations.read_columns(&after.files, Some(&["root"])).await.unwrap();
        assert!(roots.iter().all(|rows| rows.column(0).null_count() == rows.num_rows()), "nobody knows the roots");
        // Another process sees what this one wrote, and the log names the columns.
        let again = Lake::open(place.path().to_str().unwrap(), &StoreOptions::default()).await.unwrap();
        assert!(!again.table("dividends").unwrap().migrate().await.unwrap());
        let rows = again.table("dividends").unwrap();
        let snapshot = rows.update().await.unwrap().unwrap();
        let read: usize = rows.read(&snapshot.files).await.unwrap().iter().map(|rows| rows.num_rows()).sum();
        assert_eq!(read, count);
    }
}
