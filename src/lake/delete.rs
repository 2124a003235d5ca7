//! Deletes rows of a table by hand, in one commit. The versions before stay.

use super::{LakeError, LakeTable};
use arrow::array::{AsArray, BooleanArray};
use arrow::compute::{concat_batches, filter_record_batch, not};
use arrow::record_batch::RecordBatch;

/// Tries against other writers before giving up.
const CONFLICT_TRIES: usize = 10;

/// How many rows were deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Version of the table afterwards; `None` where there is no table.
    pub version: Option<u64>,
    /// Rows that are gone.
    pub rows: u64,
}

impl LakeTable {
    /// Deletes the rows whose columns have all of some texts.
    ///
    /// # Errors
    /// The table has no such column of text, the lake cannot be written, or others commit all the time.
    pub async fn delete(&self, values: &[(&str, &str)]) -> Result<Deleted, LakeError> {
        for _ in 0..CONFLICT_TRIES {
            match self.try_delete(values).await {
                Err(LakeError::Conflict { .. }) => {}
                outcome => {
                    let deleted = outcome?;
                    self.settle().await?;
                    return Ok(deleted);
                }
            }
        }
        Err(LakeError::Conflict { table: self.dataset.name.to_owned() })
    }

    async fn try_delete(&self, values: &[(&str, &str)]) -> Result<Deleted, LakeError> {
        let Some(base) = self.update().await? else { return Ok(Deleted::default()) };
        let mut deleted = Deleted { version: Some(base.version), rows: 0 };
        let (mut removed, mut staged) = (Vec::new(), Vec::new());
        let columns: Vec<&str> = values.iter().map(|(column, _)| *column).collect();
        for file in &base.files {
            let mut rows = 0;
            for batch in self.read_columns(std::slice::from_ref(file), Some(&columns)).await? {
                rows += self.having(&batch, values)?.true_count() as u64;
            }
            if rows == 0 {
                continue;
            }
            let all = self.read(std::slice::from_ref(file)).await?;
            let fail = |error| LakeError::rows(self.dataset.name, error);
            let all = concat_batches(&self.dataset.schema, &all).map_err(fail)?;
            let left =
                not(&self.having(&all, values)?).and_then(|left| filter_record_batch(&all, &left)).map_err(fail)?;
            if left.num_rows() > 0 {
                staged.push(self.stage(&left).await?);
            }
            removed.push(file.clone());
            deleted.rows += rows;
        }
        if !removed.is_empty() {
            deleted.version = Some(self.commit(Some(&base), &removed, staged).await?.version);
        }
        Ok(deleted)
    }

    /// Which rows have all of some texts.
    fn having(&self, rows: &RecordBatch, values: &[(&str, &str)]) -> Result<BooleanArray, LakeError> {
        let mut found = vec![true; rows.num_rows()];
        for (column, value) in values {
            let texts = rows.column_by_name(column).and_then(|texts| texts.as_string_opt::<i32>());
            let texts = texts
                .ok_or_else(|| LakeError::rows(self.dataset.name, format!("it has no column {column} of text")))?;
            found.iter_mut().zip(texts.iter()).for_each(|(found, text)| *found &= text == Some(*value));
        }
        Ok(BooleanArray::from(found))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::test_rows::{append, open, symbols};
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn rows_of_a_symbol_go_in_one_commit() {
        let folder = tempfile::tempdir().unwrap();
        let lake = open(folder.path()).await;
        let table = lake.table("market_metrics").unwrap();
        assert_eq!(table.delete(&[("symbol", "A")]).await.unwrap(), Deleted::default());
        append(table, &["A", "B"], 1).await;
        append(table, &["A"], 1).await;
        append(table, &["C"], 1).await;
        assert_eq!(table.delete(&[("symbol", "A")]).await.unwrap(), Deleted { version: Some(3), rows: 2 });
        let latest = table.update().await.unwrap().unwrap();
        let mut left = symbols(table, &latest).await;
        left.sort();
        assert_eq!(left, ["B", "C"]);
        let none = table.delete(&[("symbol", "B"), ("symbol", "C")]).await.unwrap();
        assert_eq!(none, Deleted { version: Some(3), rows: 0 });
        let error = table.delete(&[("iv_rank", "1")]).await.unwrap_err();
        assert!(error.to_string().contains("no column iv_rank of text"), "{error}");
        assert_eq!(table.snapshot_by_version(2).await.unwrap().rows(), Some(4), "what was there can be read");
    }
}
