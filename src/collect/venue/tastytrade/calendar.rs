//! The exchange calendar: sessions and holidays of US equities, two years back and one ahead.

use super::batch;
use super::parse::{self, HOLIDAYS, SESSIONS, SOURCE, VenueCalendar};
use super::wire::Session;
use crate::collect::client::{Client, ClientError, Get};
use crate::collect::venue::outcome::{Outcome, Parsed, each};
use crate::collect::venue::problem::Problems;
use crate::collect::{Fetch, FetchError, Fetched, Request};
use crate::market::calendar;
use async_trait::async_trait;
use chrono::{Days, Months, NaiveDate};
use std::sync::atomic::Ordering;

/// The vendor serves at most nine months a request.
const SPAN: Days = Days::new(265);

/// Source of the dataset `calendar`.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// The HTTP client of the source, with its budget and breakers.
    pub client: Client,
}

/// Cuts a range of dates, both ends included, into spans the vendor serves, as `from/to`.
fn spans(mut from: NaiveDate, to: NaiveDate) -> Vec<String> {
    let mut spans = Vec::new();
    while from <= to {
        let end = from.checked_add_days(SPAN).map_or(to, |end| end.min(to));
        spans.push(format!("{from}/{end}"));
        match end.succ_opt() {
            Some(next) => from = next,
            None => break,
        }
    }
    spans
}

async fn fetch_span(client: Client, span: String) -> Result<Parsed<Session>, ClientError> {
    let (from, to) = span.split_once('/').unwrap_or_default();
    let get = Get::new(SESSIONS).with("from-date", from).with("to-date", to).with("instrument-collection", "Equity");
    match client.get(&get).await {
        Ok(answer) => parse::sessions(answer, &span).map_err(|reason| unreadable(&client, SESSIONS, reason)),
        // The venue need not know far dates; the rules do.
        Err(ClientError::Status { status: 400 | 404 | 422, .. }) => {
            Ok(Parsed { rows: Vec::new(), problems: Problems::of(SOURCE, SESSIONS) })
        }
        Err(error) => Err(error),
    }
}

fn unreadable(client: &Client, path: &str, reason: String) -> ClientError {
    ClientError::Unreadable { origin: client.origin().to_owned(), path: path.to_owned(), reason }
}

#[async_trait]
impl Fetch for Calendar {
    /// One task per span. The venue's word wins; dates it says nothing of follow the exchange's rules.
    async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        let client = self.client.for_purpose(&request.purpose);
        let today = calendar::eastern_date(client.clock().now());
        let from = today.checked_sub_months(Months::new(24)).unwrap_or(today);
        let to = today.checked_add_months(Months::new(12)).unwrap_or(today);
        request.progress.total.fetch_add(1, Ordering::Relaxed);
        let get = Get::new(HOLIDAYS);
        let holidays = async {
            let answer = client.get(&get).await?;
            parse::holidays(answer).map_err(|reason| unreadable(&client, HOLIDAYS, reason))
        };
        let spans = spans(from, to);
        let fetch_spans = each(&spans, &request.progress, |span| fetch_span(client.clone(), span));
        let (holidays, sessions) = tokio::join!(holidays, fetch_spans);
        let mut outcome = Outcome {
            rows: Vec::new(),
            failed: sessions.failed,
            findings: sessions.findings,
            first_error: sessions.first_error,
            answered: sessions.answered,
        };
        request.progress.finish(0, holidays.is_err());
        let holidays = match holidays {
            Ok((holidays, problems)) => {
                outcome.answered += 1;
                outcome.findings.extend(problems.findings);
                holidays
            }
            Err(error) => {
                outcome.fail("holidays", error);
                parse::HolidayDates::default()
            }
        };
        outcome.rows = parse::calendar(from, to, &VenueCalendar { holidays, sessions: sessions.rows });
        let fetched_at = client.clock().now();
        outcome.finish(&client, &request.findings, spans.len() as u64 + 1, |rows| batch::calendar(&rows, fetched_at))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn spans_cover_the_range_once() {
        let date = |text: &str| text.parse::<NaiveDate>().unwrap();
        let spans = spans(date("2024-01-01"), date("2027-01-01"));
        assert_eq!(spans.len(), 5);
        assert_eq!(spans.first().unwrap(), "2024-01-01/2024-09-22");
        assert_eq!(spans.get(1).unwrap().split_once('/').unwrap().0, "2024-09-23");
        assert_eq!(spans.last().unwrap().split_once('/').unwrap().1, "2027-01-01");
        assert_eq!(super::spans(date("2024-01-01"), date("2024-01-01")), ["2024-01-01/2024-01-01"]);
    }
}
