//! `expirations`: one row per underlying and listed expiration, with the sessions that are left until then.

use super::{Inputs, basis};
use crate::clock::Clock;
use crate::collect::{Fetch, FetchError, Fetched, Request};
use crate::lake::{Lake, dataset};
use crate::market::calendar;
use arrow::array::{Array, ArrayRef, AsArray, Date32Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::Date32Type;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};
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

/// Type, settlement and number of options of one expiration.
type Listed = (Option<String>, Option<String>, i64);

#[async_trait]
impl Fetch for Expirations {
    async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        let inputs = Inputs::take(&self.lake, &INPUTS).await?;
        let now = self.clock.now();
        let last_closed = calendar::last_closed(now).date;
        let basis = basis(&format!("sessions after {last_closed}"));
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
        let mut listed: BTreeMap<(String, NaiveDate), Listed> = BTreeMap::new();
        let columns = ["underlying", "expiration", "expiration_type", "settlement"];
        for rows in inputs.read("option_chains", &columns, changed.as_ref()).await? {
            let expirations = rows.column(1).as_primitive::<Date32Type>();
            let text = |column: usize, row: usize| {
                let column = rows.column(column).as_string::<i32>();
                column.is_valid(row).then(|| column.value(row).to_owned())
            };
            for row in 0..rows.num_rows() {
                let (Some(underlying), Some(date)) = (text(0, row), expirations.value_as_date(row)) else { continue };
                let entry = listed.entry((underlying, date)).or_insert_with(|| (text(2, row), text(3, row), 0));
                entry.2 += 1;
            }
        }
        let left = |expiration: NaiveDate| sessions_left(&sessions, &closed, last_closed, expiration);
        let rows: Vec<_> = listed.into_iter().collect();
        let days = |date: NaiveDate| i32::try_from((date - NaiveDate::default()).num_days()).ok();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(rows.iter().map(|((underlying, _), _)| underlying))),
            Arc::new(rows.iter().map(|((_, date), _)| days(*date)).collect::<Date32Array>()),
            Arc::new(rows.iter().map(|(_, (kind, _, _))| kind.as_deref().map(plain_type)).collect::<StringArray>()),
            Arc::new(rows.iter().map(|(_, (_, settlement, _))| settlement.clone()).collect::<StringArray>()),
            Arc::new(rows.iter().map(|((_, date), _)| Some(left(*date))).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|(_, (_, _, options))| Some(*options)).collect::<Int64Array>()),
            Arc::new(TimestampMicrosecondArray::from(vec![now.timestamp_micros(); rows.len()]).with_timezone("UTC")),
        ];
        let schema = dataset::find("expirations").map(|dataset| dataset.schema);
        let batch = schema
            .ok_or_else(|| "no such dataset".to_owned())
            .and_then(|schema| RecordBatch::try_new(schema, columns).map_err(|error| error.to_string()));
        let batch = batch.map_err(|reason| FetchError::Unreadable { origin: "expirations".to_owned(), reason })?;
        request.progress.total.store(1, Ordering::Relaxed);
        request.progress.finish(batch.num_rows() as u64, false);
        let computed = rows.iter().map(|((underlying, _), _)| underlying).collect::<BTreeSet<_>>().len();
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
