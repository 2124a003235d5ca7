//! Rows that a table has twice after a commit of it was lost.
//!
//! The lost commit had taken files out of the table; without it they are in it again, beside the later files that hold the
//! same rows anew. A key is in one row of a table, and the file that was written last has the one that counts.

use super::statistics::StatisticValue;
use super::{DataFile, LakeError, LakeTable, Snapshot};
use arrow::array::{Array, BooleanArray};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::record_batch::RecordBatch;
use arrow::row::{OwnedRow, RowConverter, SortField};
use std::collections::HashSet;
use std::sync::Arc;

impl LakeTable {
    /// Takes the rows out of a version that a file written later has anew; the version afterwards, and how many rows went.
    /// Holds the keys of one file at a time.
    ///
    /// # Errors
    /// A file cannot be read, or the lake cannot be written.
    pub(super) async fn drop_replaced(&self, latest: &Arc<Snapshot>) -> Result<(Arc<Snapshot>, u64), LakeError> {
        let mut files: Vec<&DataFile> = latest.files.iter().collect();
        files.sort_by_key(|file| file.modified_at);
        let (mut removed, mut staged, mut gone) = (Vec::new(), Vec::new(), 0);
        for (place, older) in files.iter().enumerate() {
            let mut rows: Option<(RecordBatch, usize)> = None;
            for newer in files.iter().skip(place + 1).filter(|newer| self.may_share(older, newer)) {
                let (left, all) = match rows.take() {
                    Some(rows) => rows,
                    None => {
                        let all = self.all_rows(older).await?;
                        let count = all.num_rows();
                        (all, count)
                    }
                };
                rows = Some((self.without(left, newer).await?, all));
            }
            let Some((left, all)) = rows.filter(|(left, all)| left.num_rows() < *all) else { continue };
            gone += (all - left.num_rows()) as u64;
            if left.num_rows() > 0 {
                staged.push(self.stage(&left).await?);
            }
            removed.push((*older).clone());
        }
        if removed.is_empty() {
            return Ok((latest.clone(), 0));
        }
        Ok((self.commit(Some(latest), &removed, staged).await?, gone))
    }

    async fn all_rows(&self, file: &DataFile) -> Result<RecordBatch, LakeError> {
        let batches = self.read(std::slice::from_ref(file)).await?;
        concat_batches(&self.dataset.schema, &batches).map_err(|error| LakeError::rows(self.dataset.name, error))
    }

    /// The rows whose key is not in a file.
    async fn without(&self, rows: RecordBatch, file: &DataFile) -> Result<RecordBatch, LakeError> {
        let fail = |error| LakeError::rows(self.dataset.name, error);
        let mut keys = HashSet::new();
        for batch in self.read_columns(std::slice::from_ref(file), Some(self.dataset.key)).await? {
            keys.extend(self.keys(&batch)?);
        }
        let keep: Vec<bool> = self.keys(&rows)?.into_iter().map(|key| !keys.contains(&key)).collect();
        filter_record_batch(&rows, &BooleanArray::from(keep)).map_err(fail)
    }

    /// The key of each row.
    fn keys(&self, rows: &RecordBatch) -> Result<Vec<OwnedRow>, LakeError> {
        let fail = |error| LakeError::rows(self.dataset.name, error);
        let columns: Vec<_> = self.dataset.key.iter().filter_map(|key| rows.column_by_name(key).cloned()).collect();
        let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
        let converter = RowConverter::new(fields).map_err(fail)?;
        let keys = converter.convert_columns(&columns).map_err(fail)?;
        Ok(keys.iter().map(|key| key.owned()).collect())
    }

    /// Whether two files may have a key in common: their ranges overlap in each column of it, as far as the log tells.
    fn may_share(&self, one: &DataFile, other: &DataFile) -> bool {
        let columns = self.dataset.key.iter().filter_map(|key| self.dataset.schema.index_of(key).ok());
        columns.into_iter().all(|column| {
            let range = |file: &DataFile| {
                let column = file.columns.get(column)?;
                Some((column.min.clone()?, column.max.clone()?))
            };
            let (Some(one), Some(other)) = (range(one), range(other)) else { return true };
            !is_less(&one.1, &other.0) && !is_less(&other.1, &one.0)
        })
    }
}

/// Whether a bound is below another of the same type.
fn is_less(one: &StatisticValue, other: &StatisticValue) -> bool {
    match (one, other) {
        (StatisticValue::Text(one), StatisticValue::Text(other)) => one < other,
        (StatisticValue::Integer(one), StatisticValue::Integer(other))
        | (StatisticValue::Instant(one), StatisticValue::Instant(other)) => one < other,
        (StatisticValue::Double(one), StatisticValue::Double(other)) => one < other,
        (StatisticValue::Date(one), StatisticValue::Date(other)) => one < other,
        _ => false,
    }
}
