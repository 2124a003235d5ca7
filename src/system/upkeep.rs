//! `system.upkeep`: how the tables of the lake are kept small and quick to read. The server hands the rows over.

use super::schema::{SystemColumn, SystemTable, instants};
use crate::lake::dataset::instant;
use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::DataType::{Int64, Utf8};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// The upkeep of one dataset and kind, now.
#[derive(Debug, Clone)]
pub struct UpkeepRow {
    /// Name of the dataset.
    pub dataset: &'static str,
    /// What is done: `compact` or `vacuum`.
    pub kind: &'static str,
    /// `running`, `failed`, `due` or `waiting`.
    pub state: &'static str,
    /// When the run in progress, or else the last one, began.
    pub started_at: Option<DateTime<Utc>>,
    /// When the last run ended; `None` while one is in progress.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why the last run failed, one sentence; `None` when it did not.
    pub error: Option<String>,
    /// What the last run did; `None` before the first has ended.
    pub done: Option<UpkeepFigures>,
    /// When the next run is due, where a moment can be told.
    pub next_at: Option<DateTime<Utc>>,
    /// What it waits for; `None` when it is due.
    pub waits_for: Option<&'static str>,
    /// Files of the latest version; `None` where there is none.
    pub files: Option<u64>,
    /// Those of them that a merge would take; `None` where nothing is merged.
    pub small_files: Option<u64>,
}

/// What a run did.
#[derive(Debug, Clone, Copy)]
pub struct UpkeepFigures {
    /// Small files that went into larger ones.
    pub merged: u64,
    /// Files that hold their rows now.
    pub written: u64,
    /// Data files that were removed.
    pub removed: u64,
    /// Bytes of the files that were removed.
    pub bytes_freed: u64,
    /// Files of the log that were removed.
    pub log_files: u64,
}

/// Gives the rows now.
pub type UpkeepRows = Arc<dyn Fn() -> Vec<UpkeepRow> + Send + Sync>;

/// The table: one row per dataset and kind that this process does.
pub fn table(rows: UpkeepRows) -> SystemTable {
    SystemTable::new(columns(), Arc::new(move |schema| RecordBatch::try_new(schema.clone(), arrays(&rows()))))
}

/// The values of [`columns`], in order.
fn arrays(rows: &[UpkeepRow]) -> Vec<ArrayRef> {
    let number = |value: Option<u64>| value.and_then(|value| i64::try_from(value).ok());
    let numbers = |value: fn(&UpkeepRow) -> Option<u64>| -> ArrayRef {
        Arc::new(rows.iter().map(|row| number(value(row))).collect::<Int64Array>())
    };
    vec![
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.dataset))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.kind))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.state))),
        instants(rows.iter().map(|row| row.started_at)),
        instants(rows.iter().map(|row| row.ended_at)),
        Arc::new(rows.iter().map(|row| row.error.clone()).collect::<StringArray>()),
        numbers(|row| Some(row.done?.merged)),
        numbers(|row| Some(row.done?.written)),
        numbers(|row| Some(row.done?.removed)),
        numbers(|row| Some(row.done?.bytes_freed)),
        numbers(|row| Some(row.done?.log_files)),
        instants(rows.iter().map(|row| row.next_at)),
        Arc::new(rows.iter().map(|row| row.waits_for).collect::<StringArray>()),
        numbers(|row| row.files),
        numbers(|row| row.small_files),
    ]
}

/// Columns of `system.upkeep`, in the order that [`table`] fills them.
pub(crate) fn columns() -> Vec<SystemColumn> {
    vec![
        ("dataset", Utf8, "Name of the dataset"),
        (
            "kind",
            Utf8,
            "'compact', which merges small files, or 'vacuum', which removes what nobody may ask for any more",
        ),
        ("state", Utf8, "'running', 'failed' (the last run), 'due' or 'waiting'"),
        (
            "started_at",
            instant(),
            "When the run in progress, or else the last one, began; NULL since the start of the server",
        ),
        ("ended_at", instant(), "When the last run ended; NULL while one is in progress"),
        ("error", Utf8, "Why the last run failed; NULL when it did not"),
        ("merged", Int64, "Small files that the last run made larger ones of [files]"),
        ("written", Int64, "Files that it wrote for them [files]"),
        ("removed", Int64, "Data files that it removed [files]"),
        ("bytes_freed", Int64, "Size of those [bytes]"),
        ("log_files", Int64, "Files of the log that it removed [files]"),
        ("next_at", instant(), "When the next run is due; NULL when it is due now, or waits for no moment"),
        ("waits_for", Utf8, "What the next run waits for, such as 'session hours'; NULL when it is due"),
        ("files", Int64, "Files of the latest version [files]"),
        ("small_files", Int64, "Those of them that a merge would take; NULL for what is not merged [files]"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;

    #[test]
    fn every_column_has_its_values() {
        let figures = UpkeepFigures { merged: 1, written: 2, removed: 3, bytes_freed: 4, log_files: 5 };
        let row = UpkeepRow {
            dataset: "eod",
            kind: "vacuum",
            state: "waiting",
            started_at: None,
            ended_at: None,
            error: None,
            done: Some(figures),
            next_at: None,
            waits_for: Some("session hours"),
            files: Some(6),
            small_files: None,
        };
        let values = arrays(&[row.clone(), UpkeepRow { done: None, ..row }]);
        let columns = columns();
        assert_eq!(values.len(), columns.len());
        for (value, (name, kind, _)) in values.iter().zip(&columns) {
            assert_eq!(value.data_type(), kind, "{name}");
        }
        let number = |name: &str, row: usize| {
            let place = columns.iter().position(|(column, ..)| *column == name)?;
            let values = values[place].as_primitive::<Int64Type>();
            values.iter().nth(row).flatten()
        };
        assert_eq!(number("removed", 0), Some(3));
        assert_eq!(number("removed", 1), None);
        assert_eq!(number("files", 1), Some(6));
        assert_eq!(number("small_files", 0), None);
    }
}
