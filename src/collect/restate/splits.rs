//! Rows of the dataset `splits`: what refreshes of daily bars have seen.

use super::bars::day;
use crate::lake::{LakeError, LakeTable, dataset};
use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Date32Type;
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a split came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A source restated its history.
    Observed,
    /// It is well known, and the bars around it were looked at.
    Listed,
}

impl Origin {
    fn name(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Listed => "listed",
        }
    }
}

/// One split of a symbol.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Split {
    pub(super) symbol: String,
    /// First session in new shares.
    pub(super) effective: NaiveDate,
    /// New shares per old share.
    pub(super) ratio: f64,
    pub(super) origin: Origin,
    /// The source of the bars it was seen in.
    pub(super) source: String,
    /// Whether that source's bars before it are in new shares.
    pub(super) adjusted: bool,
}

/// Splits that are known, by symbol and day: whether bars before them are in new shares.
pub(super) type Known = BTreeMap<(String, i32), bool>;

/// The splits that are in the table.
pub(super) async fn known(table: &LakeTable) -> Result<Known, LakeError> {
    let Some(snapshot) = table.update().await? else { return Ok(Known::new()) };
    let mut known = Known::new();
    for rows in table.read_columns(&snapshot.files, Some(&["symbol", "effective_date", "adjusted"])).await? {
        let (symbols, days) = (rows.column(0).as_string::<i32>(), rows.column(1).as_primitive::<Date32Type>());
        let adjusted = rows.column(2).as_boolean();
        for row in 0..rows.num_rows() {
            known.insert((symbols.value(row).to_owned(), days.value(row)), adjusted.value(row));
        }
    }
    Ok(known)
}

/// Leaves out what is known already: a split that was seen does not become one that is listed, nor younger.
pub(super) fn without_known(splits: Vec<Split>, known: &Known) -> Vec<Split> {
    let is_new = |split: &Split| known.get(&(split.symbol.clone(), day(split.effective))) != Some(&split.adjusted);
    splits.into_iter().filter(is_new).collect()
}

/// The splits as rows; `None` where there are none.
pub(super) fn rows(splits: &[Split], now: DateTime<Utc>) -> Option<RecordBatch> {
    if splits.is_empty() {
        return None;
    }
    let text = |of: fn(&Split) -> &str| Arc::new(StringArray::from_iter_values(splits.iter().map(of))) as ArrayRef;
    let instants =
        || Arc::new(TimestampMicrosecondArray::from_value(now.timestamp_micros(), splits.len()).with_timezone("UTC"));
    let columns: Vec<ArrayRef> = vec![
        text(|split| &split.symbol),
        Arc::new(Date32Array::from_iter_values(splits.iter().map(|split| day(split.effective)))),
        Arc::new(Float64Array::from_iter_values(splits.iter().map(|split| split.ratio))),
        text(|split| split.origin.name()),
        text(|split| &split.source),
        Arc::new(splits.iter().map(|split| Some(split.adjusted)).collect::<BooleanArray>()),
        instants(),
        instants(),
    ];
    RecordBatch::try_new(dataset::find(dataset::SPLITS)?.schema, columns).ok()
}
