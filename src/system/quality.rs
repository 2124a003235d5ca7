//! `system.rejected_rows` and `system.data_quality`: what is wrong with the rows that were brought. Read from the lake for
//! each query, whichever process told of it.

use super::schema::{SystemColumn, SystemTable, instants};
use crate::dialect::session::SessionFacts;
use crate::lake::dataset::instant;
use crate::lake::quality::{Doubt, Met, Quality, Rejected};
use crate::lake::{Lake, LakeTable};
use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::DataType::{Int64, Utf8};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::error::Result;
use futures::FutureExt;
use futures::future::join_all;
use std::path::Path;
use std::sync::Arc;

/// The two tables by name.
pub(crate) fn tables(lake: &Arc<Lake>) -> [(&'static str, SystemTable); 2] {
    [
        ("rejected_rows", table(lake, rejected_columns(), rejected_rows)),
        ("data_quality", table(lake, doubt_columns(), doubt_rows)),
    ]
}

/// What is known of each dataset, by name.
type Known = [(&'static str, Quality)];

/// Makes the rows of what is known, for a reader who may see paths of the server, or may not.
type RowsOf = fn(&Known, bool) -> Vec<ArrayRef>;

fn table(lake: &Arc<Lake>, columns: Vec<SystemColumn>, rows_of: RowsOf) -> SystemTable {
    let lake = lake.clone();
    let read = move |schema: SchemaRef, reader: Option<Arc<SessionFacts>>| {
        let lake = lake.clone();
        async move { rows(&lake, schema, reader, rows_of).await }.boxed()
    };
    SystemTable::read(columns, Arc::new(read))
}

async fn rows(
    lake: &Lake,
    schema: SchemaRef,
    reader: Option<Arc<SessionFacts>>,
    rows_of: RowsOf,
) -> Result<RecordBatch> {
    let known = join_all(lake.tables().map(known)).await;
    let is_admin = reader.is_some_and(|reader| reader.is_admin());
    Ok(RecordBatch::try_new(schema, rows_of(&known, is_admin))?)
}

async fn known(table: &Arc<LakeTable>) -> (&'static str, Quality) {
    (table.dataset().name, table.known_quality().await)
}

/// Columns of `system.rejected_rows`, in the order that [`rejected_rows`] fills them.
pub(crate) fn rejected_columns() -> Vec<SystemColumn> {
    vec![
        ("dataset", Utf8, "Name of the dataset that does not have the row"),
        ("source", Utf8, "Who brought it: 'metastock' or another source"),
        ("location", Utf8, "File or endpoint that it is from; of a file its name alone for who is no admin"),
        ("line", Int64, "Line of the file, or place in the answer, from 1; NULL where there is none"),
        ("symbol", Utf8, "Symbol of the row; NULL where it could not be read"),
        ("text", Utf8, "The row as it came, cut after 200 characters"),
        ("reason", Utf8, "Why it was rejected"),
        ("first_seen", instant(), "When it was rejected first"),
        ("last_seen", instant(), "When it was rejected last; 30 days later it is forgotten"),
        ("count", Int64, "How often it was rejected, or how many rows it stands for [rows]"),
    ]
}

/// One row per rejected row of each dataset.
fn rejected_rows(known: &Known, is_admin: bool) -> Vec<ArrayRef> {
    let all: Vec<(&str, &Met<Rejected>)> =
        known.iter().flat_map(|(dataset, quality)| quality.rejected.iter().map(|met| (*dataset, met))).collect();
    let texts = |text: fn(&Rejected) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(all.iter().map(|(_, met)| text(&met.what))))
    };
    let location = |met: &Met<Rejected>| if is_admin { met.what.location.clone() } else { file_name(&met.what) };
    vec![
        Arc::new(StringArray::from_iter_values(all.iter().map(|(dataset, _)| dataset))),
        texts(|rejected| &rejected.source),
        Arc::new(StringArray::from_iter_values(all.iter().map(|(_, met)| location(met)))),
        Arc::new(all.iter().map(|(_, met)| met.what.line.and_then(number)).collect::<Int64Array>()),
        Arc::new(all.iter().map(|(_, met)| met.what.symbol.clone()).collect::<StringArray>()),
        texts(|rejected| &rejected.text),
        texts(|rejected| &rejected.reason),
        instants(all.iter().map(|(_, met)| Some(met.first_seen))),
        instants(all.iter().map(|(_, met)| Some(met.last_seen))),
        Arc::new(all.iter().map(|(_, met)| number(met.count)).collect::<Int64Array>()),
    ]
}

/// Where the server has its files is for admins to know; an endpoint is no file.
fn file_name(rejected: &Rejected) -> String {
    let path = Path::new(&rejected.location);
    let name = path.file_name().filter(|_| rejected.line.is_some() || path.is_absolute());
    name.map_or_else(|| rejected.location.clone(), |name| name.to_string_lossy().into_owned())
}

/// Columns of `system.data_quality`, in the order that [`doubt_rows`] fills them.
pub(crate) fn doubt_columns() -> Vec<SystemColumn> {
    vec![
        ("dataset", Utf8, "Name of the dataset whose rows are in doubt"),
        ("symbol", Utf8, "Symbol they are of; NULL for the dataset as a whole"),
        ("kind", Utf8, "What is odd: 'gap', 'outlier', 'duplicate', 'restated', 'late' or another word"),
        ("severity", Utf8, "'info', 'warning', or 'severe': what is computed of these rows is likely to be wrong"),
        ("first_seen", instant(), "When it was seen first"),
        ("last_seen", instant(), "When it was seen last; 30 days later it is forgotten"),
        ("count", Int64, "In how many rows it was seen, over all refreshes and imports [rows]"),
        ("example", Utf8, "One case in words"),
    ]
}

/// One row per symbol and kind of doubt of each dataset.
fn doubt_rows(known: &Known, _: bool) -> Vec<ArrayRef> {
    let all: Vec<(&str, &Met<Doubt>)> =
        known.iter().flat_map(|(dataset, quality)| quality.doubts.iter().map(|met| (*dataset, met))).collect();
    vec![
        Arc::new(StringArray::from_iter_values(all.iter().map(|(dataset, _)| dataset))),
        Arc::new(all.iter().map(|(_, met)| met.what.symbol.clone()).collect::<StringArray>()),
        Arc::new(StringArray::from_iter_values(all.iter().map(|(_, met)| met.what.kind.name()))),
        Arc::new(StringArray::from_iter_values(all.iter().map(|(_, met)| met.what.severity.name()))),
        instants(all.iter().map(|(_, met)| Some(met.first_seen))),
        instants(all.iter().map(|(_, met)| Some(met.last_seen))),
        Arc::new(all.iter().map(|(_, met)| number(met.count)).collect::<Int64Array>()),
        Arc::new(StringArray::from_iter_values(all.iter().map(|(_, met)| &met.what.example))),
    ]
}

fn number(value: u64) -> Option<i64> {
    i64::try_from(value).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::lake::quality::{DoubtKind, Findings, Severity};
    use crate::lake::{Lake, StoreOptions};
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use chrono::DateTime;

    fn schema(columns: Vec<SystemColumn>) -> SchemaRef {
        Arc::new(Schema::new(
            columns
                .into_iter()
                .map(|(name, kind, _): (_, DataType, _)| Field::new(name, kind, true))
                .collect::<Vec<_>>(),
        ))
    }

    #[tokio::test]
    async fn what_was_told_is_shown_and_a_damaged_record_is_a_doubt() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path().to_str().unwrap(), &StoreOptions::default()).await.unwrap();
        let mut findings = Findings::default();
        let rejected = Rejected {
            source: "metastock".to_owned(),
            location: "/data/in/acme.csv".to_owned(),
            line: Some(7),
            symbol: Some("ACME".to_owned()),
            text: "ACME,20240230,1".to_owned(),
            reason: "\"20240230\" is no date".to_owned(),
        };
        findings.reject(rejected);
        findings.doubt(Doubt::about("ACME", DoubtKind::OutsideRange, Severity::Warning, "2024-01-02"), 3);
        lake.table("eod").unwrap().tell(findings, DateTime::UNIX_EPOCH).await;
        let known = join_all(lake.tables().map(known)).await;
        for (is_admin, location) in [(true, "/data/in/acme.csv"), (false, "acme.csv")] {
            let rows = RecordBatch::try_new(schema(rejected_columns()), rejected_rows(&known, is_admin)).unwrap();
            assert_eq!(rows.num_rows(), 1);
            assert_eq!(rows.column_by_name("location").unwrap().as_string::<i32>().value(0), location);
        }
        let rows = RecordBatch::try_new(schema(doubt_columns()), doubt_rows(&known, false)).unwrap();
        let text = |name: &str| rows.column_by_name(name).unwrap().as_string::<i32>().value(0).to_owned();
        assert_eq!((rows.num_rows(), text("kind"), text("severity")), (1, "outside_range".into(), "warning".into()));
        std::fs::write(folder.path().join("state/eod.quality.json"), "[").unwrap();
        let known = join_all(lake.tables().map(self::known)).await;
        let rows = RecordBatch::try_new(schema(doubt_columns()), doubt_rows(&known, false)).unwrap();
        assert_eq!(rows.column(2).as_string::<i32>().value(0), "unreadable");
        assert!(rows.column(1).is_null(0));
    }
}
