//! Daily bars as Stooq serves them: CSV, oldest first, of sessions that are over.

use super::Venue;
use super::reply::{Query, Refusal, Reply};
use chrono::NaiveDate;
use std::fmt::Write;

/// Answers `/q/d/l/` with the daily bars of a symbol as CSV.
pub(super) fn daily_bars(venue: &Venue, query: &Query) -> Result<Reply, Refusal> {
    let spelled = query.one("s").unwrap_or_default();
    let symbol = spelled.strip_suffix(".us").map(|name| name.to_ascii_uppercase().replace('-', "/"));
    let instrument = symbol.and_then(|symbol| venue.exchange.universe.find(&symbol));
    let (Some(instrument), Some("d")) = (instrument, query.one("i")) else {
        return Ok(Reply::Text("No data".to_owned()));
    };
    let date = |name| query.one(name).and_then(|text| NaiveDate::parse_from_str(text, "%Y%m%d").ok());
    let (from, to) = (date("d1").unwrap_or(NaiveDate::MIN), date("d2").unwrap_or(NaiveDate::MAX));
    let now = venue.now();
    let tape = &venue.exchange.tape;
    let mut text = "Date,Open,High,Low,Close,Volume\r\n".to_owned();
    for bar in tape.bars(instrument, 0, tape.current(now)) {
        let date = bar.session.date;
        if bar.session.close_at <= now && (from..=to).contains(&date) {
            let _ = write!(text, "{date},{},{},{},{},{}\r\n", bar.open, bar.high, bar.low, bar.close, bar.volume);
        }
    }
    Ok(Reply::Text(text))
}
