//! `expirations`: one row per underlying and listed expiration, with the sessions that are left until then.

use super::{Inputs, basis};
use crate::clock::Clock;
use crate::collect::{Fetch, FetchError, Fetched, Request, frame};
use crate::lake::{Lake, dataset};
use crate::market::calendar;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Date32Type, Field, Schema};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use polars::prelude::{IntoLazy, SortMultipleOptions, col, len};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const INPUTS: [&str; 2] = ["calendar", "option_chains"];

/// The derivation of the dataset `expirations`.
pub struct Expirations {
    /// Where the inputs are.
    pub lake: Arc<Lake>,
    /// The clock that says what today is.
    pub clock: Clock,
}

#[async_trait]
impl Fetch for Expirations {
    async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        let inputs = Inputs::take(&self.lake, &INPUTS).await?;
        let now = self.clock.now();
        let last_closed = calendar::last_closed(now).date;
        let basis = basis(&format!("sessions after {last_closed}, roots apart"));
        let changed = inputs.changed_since(request.previous.as_ref(), &basis).await;
        let mut sessions = BTreeSet::new();
        let mut closed = BTreeSet::new();
        for rows in inputs.read("calendar", &["date", "close_at"], None).await? {
            let dates = rows.column(0).as_primitive::<Date32Type>();
            for row in 0..rows.num_rows() {
                let Some(date) = dates.value_as_date(row) else { continue };
                if rows.column(1).is_valid(row) {
                    sessions.insert(date)
                } else {
                    closed.insert(date)
                };
            }
        }
        let columns = ["underlying", "expiration", "root", "expiration_type", "settlement"];
        let chains = inputs.read("option_chains", &columns, changed.as_ref()).await?;
        let left = |expiration: NaiveDate| sessions_left(&sessions, &closed, last_closed, expiration);
        let batch = expirations(&chains, left, now)
            .map_err(|reason| FetchError::Unreadable { origin: "expirations".to_owned(), reason })?;
        request.progress.total.store(1, Ordering::Relaxed);
        request.progress.finish(batch.num_rows() as u64, false);
        let computed = batch.column(0).as_string::<i32>().iter().flatten().collect::<BTreeSet<_>>().len();
        Ok(Fetched {
            items: changed.as_ref().map_or(computed, BTreeSet::len) as u64,
            batches: vec![batch],
            inputs: inputs.versions(),
            basis: Some(basis),
            recomputed: changed,
            ..Fetched::default()
        })
    }
}

/// One row per underlying, expiration and root of the chains, in that order: type and settlement as its first option tells
/// them, and how many options it has.
fn listed(chains: &[RecordBatch]) -> Result<RecordBatch, String> {
    let schema = chains.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
    let chains = concat_batches(&schema, chains).map_err(|error| error.to_string())?;
    let key = ["underlying", "expiration", "root"];
    let frame = frame::from_arrow(&chains).map_err(|error| error.to_string())?;
    let frame = frame
        .lazy()
        .filter(col("underlying").is_not_null().and(col("expiration").is_not_null()))
        .group_by_stable(key.map(col))
        .agg([col("expiration_type").first(), col("settlement").first(), len().alias("options")])
        .sort(key, SortMultipleOptions::default())
        .collect()
        .map_err(|error| error.to_string())?;
    let field = |name: &str, data_type| Field::new(name, data_type, true);
    let columns = vec![
        field("underlying", DataType::Utf8),
        field("expiration", DataType::Date32),
        field("root", DataType::Utf8),
        field("expiration_type", DataType::Utf8),
        field("settlement", DataType::Utf8),
        field("options", DataType::Int64),
    ];
    frame::to_arrow(&frame, &Arc::new(Schema::new(columns))).map_err(|error| error.to_string())
}

/// The dataset's rows, given how many sessions are left until an expiration.
fn expirations(
    chains: &[RecordBatch],
    left: impl Fn(NaiveDate) -> i64,
    now: DateTime<Utc>,
) -> Result<RecordBatch, String> {
    let schema = dataset::find("expirations").ok_or("no such dataset")?.schema;
    if chains.is_empty() {
        return Ok(RecordBatch::new_empty(schema));
    }
    let listed = listed(chains)?;
    let dates = listed.column(1).as_primitive::<Date32Type>();
    let left: Int64Array = (0..listed.num_rows()).map(|row| dates.value_as_date(row).map(&left)).collect();
    let types = listed.column(3).as_string::<i32>().iter().map(|kind| kind.map(plain_type)).collect::<StringArray>();
    let columns: Vec<ArrayRef> = vec![
        listed.column(0).clone(),
        listed.column(1).clone(),
        listed.column(2).clone(),
        Arc::new(types),
        listed.column(4).clone(),
        Arc::new(left),
        listed.column(5).clone(),
        Arc::new(TimestampMicrosecondArray::from(vec![now.timestamp_micros(); listed.num_rows()]).with_timezone("UTC")),
    ];
    RecordBatch::try_new(schema, columns).map_err(|error| error.to_string())
}

/// The series' type in our words.
fn plain_type(vendor: &str) -> String {
    match vendor {
        "Regular" => "monthly".to_owned(),
        "Weekly" => "weekly".to_owned(),
        "Quarterly" => "quarterly".to_owned(),
        "End-Of-Month" => "end of month".to_owned(),
        other => other.to_lowercase(),
    }
}

/// Regular sessions after the last closed one, up to and including the expiration; 0 when it is past.
///
/// Where the calendar table has no row for a date, the exchange's rules decide.
fn sessions_left(
    sessions: &BTreeSet<NaiveDate>,
    closed: &BTreeSet<NaiveDate>,
    last_closed: NaiveDate,
    expiration: NaiveDate,
) -> i64 {
    let days = last_closed.iter_days().skip(1).take_while(|date| *date <= expiration);
    let open =
        days.filter(|date| sessions.contains(date) || (!closed.contains(date) && calendar::session(*date).is_some()));
    i64::try_from(open.count()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_of_one_date_are_listed_apart() {
        use arrow::array::Date32Array;
        let rows = [("SPX", "Regular", "AM"), ("SPXW", "Weekly", "PM"), ("SPXW", "Weekly", "PM")];
        let text = |of: fn(&(&'static str, &'static str, &'static str)) -> &'static str| -> ArrayRef {
            Arc::new(rows.iter().map(|row| Some(of(row))).collect::<StringArray>())
        };
        let field = |name: &str, kind| Field::new(name, kind, true);
        let schema = Schema::new(vec![
            field("underlying", DataType::Utf8),
            field("expiration", DataType::Date32),
            field("root", DataType::Utf8),
            field("expiration_type", DataType::Utf8),
            field("settlement", DataType::Utf8),
        ]);
        let columns: Vec<ArrayRef> = vec![
            text(|_| "SPX"),
            Arc::new(Date32Array::from(vec![20_607; 3])),
            text(|row| row.0),
            text(|row| row.1),
            text(|row| row.2),
        ];
        let chains = RecordBatch::try_new(Arc::new(schema), columns).expect("chains");
        let listed = expirations(&[chains], |_| 5, DateTime::UNIX_EPOCH).expect("expirations");
        let words = |column: usize| listed.column(column).as_string::<i32>().iter().flatten().collect::<Vec<_>>();
        assert_eq!(words(2), ["SPX", "SPXW"]);
        assert_eq!(words(3), ["monthly", "weekly"]);
        assert_eq!(words(4), ["AM", "PM"]);
        assert_eq!(listed.column(6).as_primitive::<arrow::datatypes::Int64Type>().values().as_ref(), [1, 2]);
    }

    #[test]
    fn a_holiday_is_no_session() {
        let date = |text: &str| text.parse().expect("a date");
        let none = BTreeSet::new();
        // 2026-11-26 is Thanksgiving; the 27th closes early and counts.
        assert_eq!(sessions_left(&none, &none, date("2026-11-20"), date("2026-11-27")), 4);
        let closed = BTreeSet::from([date("2026-11-24")]);
        assert_eq!(sessions_left(&none, &closed, date("2026-11-20"), date("2026-11-27")), 3);
        assert_eq!(sessions_left(&none, &none, date("2026-11-20"), date("2026-11-20")), 0);
    }
}
