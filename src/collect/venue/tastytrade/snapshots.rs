//! What the vendor tells of many symbols at once, one row per symbol: a table of routes and fields, so that a further one
//! is an entry here and a dataset of the same name. The scheduler asks [`Snapshots`], a hundred symbols a request.

use super::batch;
use super::field::{Field, Rows, Scalar, start_of};
use super::parse::{self, SOURCE};
use crate::collect::client::{Client, ClientError, Get};
use crate::collect::venue::outcome::{Outcome, Parsed};
use crate::collect::venue::problem::Problems;
use crate::collect::{Fetch, FetchError, Fetched, Progress, Request};
use crate::lake::dataset::{self, Column, Dataset, FETCHED_AT, Kind};
use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;

/// Symbols per request: the most the vendor takes.
pub(crate) const BATCH_SYMBOLS: usize = 100;
/// Batches that are cut in halves in one fetch; an origin that fails more often than that fails for other reasons.
const CUTS_MAX: usize = 128;

/// A route that answers with one row per symbol.
#[derive(Debug)]
pub struct Route {
    /// The dataset its rows are of.
    pub dataset: &'static str,
    path: &'static str,
    /// The query parameter that takes a comma list of symbols.
    parameter: &'static str,
    fields: &'static [Wire],
}

/// Where a column's value stands in a row of the answer, and what it is there.
#[derive(Debug)]
struct Wire {
    column: &'static str,
    /// Names from the row down; of several places the first that has a value counts.
    places: &'static [&'static [&'static str]],
    form: Form,
}

/// What the vendor sends where our unit is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The value as it is sent.
    Plain,
    /// Percentage points for a ratio.
    Points,
    /// Milliseconds since 1970 for an instant; negative is none.
    Millis,
}

const fn plain(column: &'static str, places: &'static [&'static [&'static str]]) -> Wire {
    Wire { column, places, form: Form::Plain }
}

const fn points(column: &'static str, places: &'static [&'static [&'static str]]) -> Wire {
    Wire { column, places, form: Form::Points }
}

const fn millis(column: &'static str, places: &'static [&'static [&'static str]]) -> Wire {
    Wire { column, places, form: Form::Millis }
}

/// Every route, sorted by dataset.
pub const ROUTES: &[Route] = &[
    Route {
        dataset: "market_data",
        path: "/market-data/by-type",
        parameter: "equity",
        fields: &[
            plain("last", &[&["last"]]),
            plain("open", &[&["open"], &["day-open"]]),
            plain("high", &[&["day-high-price"], &["day-high"]]),
            plain("low", &[&["day-low-price"], &["day-low"]]),
            plain("close", &[&["close"], &["day-close"]]),
            plain("prev_close", &[&["prev-close"], &["prev-day-close"]]),
            plain("bid", &[&["bid"]]),
            plain("bid_size", &[&["bid-size"]]),
            plain("ask", &[&["ask"]]),
            plain("ask_size", &[&["ask-size"]]),
            plain("volume", &[&["volume"]]),
            plain("open_interest", &[&["open-interest"]]),
            plain("trading_halted", &[&["is-trading-halted"], &["trading-halted"]]),
            millis("halt_start_at", &[&["halt-start-time"]]),
            millis("halt_end_at", &[&["halt-end-time"]]),
            plain("updated_at", &[&["updated-at"]]),
        ],
    },
    Route {
        dataset: "market_metrics",
        path: "/market-metrics",
        parameter: "symbols",
        fields: &[
            plain("iv_index", &[&["implied-volatility-index"]]),
            plain("iv_index_5_day_change", &[&["implied-volatility-index-5-day-change"]]),
            plain("iv_rank", &[&["implied-volatility-index-rank"]]),
            plain("iv_percentile", &[&["implied-volatility-percentile"]]),
            points("iv_30_day", &[&["implied-volatility-30-day"]]),
            points("hv_30_day", &[&["historical-volatility-30-day"]]),
            points("hv_60_day", &[&["historical-volatility-60-day"]]),
            points("hv_90_day", &[&["historical-volatility-90-day"]]),
            points("iv_hv_30_day_difference", &[&["iv-hv-30-day-difference"]]),
            plain("liquidity_value", &[&["liquidity-value"]]),
            plain("liquidity_rank", &[&["liquidity-rank"]]),
            plain("beta", &[&["beta"]]),
            plain("corr_spy_3_month", &[&["corr-spy-3month"]]),
            plain("price_earnings_ratio", &[&["price-earnings-ratio"]]),
            plain("earnings_per_share", &[&["earnings-per-share"]]),
            plain("dividend_rate_per_share", &[&["dividend-rate-per-share"]]),
            plain("annual_dividend_per_share", &[&["annual-dividend-per-share"]]),
            plain("dividend_yield", &[&["dividend-yield"]]),
            plain("earnings_consensus_estimate", &[&["earnings", "consensus-estimate"]]),
            plain("earnings_actual_eps", &[&["earnings", "actual-eps"]]),
            plain("borrow_rate", &[&["borrow-rate"]]),
            plain("dividend_ex_date", &[&["dividend-ex-date"]]),
            plain("dividend_next_date", &[&["dividend-next-date"]]),
            plain("dividend_pay_date", &[&["dividend-pay-date"]]),
            plain("earnings_expected_date", &[&["earnings", "expected-report-date"]]),
            plain("earnings_time_of_day", &[&["earnings", "time-of-day"]]),
            plain("lendability", &[&["lendability"]]),
            plain("listed_market", &[&["listed-market"]]),
            plain("sector", &[&["sector"]]),
            plain("liquidity_rating", &[&["liquidity-rating"]]),
            plain("market_cap", &[&["market-cap"]]),
            plain("earnings_estimated", &[&["earnings", "estimated"]]),
            plain("updated_at", &[&["updated-at"]]),
        ],
    },
];

/// The route of a dataset.
pub fn route(dataset: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.dataset == dataset)
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Text(String),
    Number(f64),
    Integer(i64),
    Flag(bool),
    Date(NaiveDate),
    Instant(DateTime<Utc>),
}

/// One symbol's row: what the vendor knows, by column.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SnapshotRow {
    symbol: String,
    cells: BTreeMap<&'static str, Cell>,
}

/// Reads the rows of the symbols asked for; rows of others are left out, and so is a value that does not read.
pub(crate) fn parse_rows(route: &Route, answer: Value, asked: &[String]) -> Result<Parsed<SnapshotRow>, String> {
    let dataset = dataset::find(route.dataset).ok_or_else(|| format!("no dataset {}", route.dataset))?;
    let list: Rows<Map<String, Value>> = parse::items(answer)?;
    let mut problems = Problems::of(SOURCE, route.path);
    let mut wanted: HashSet<&str> = asked.iter().map(String::as_str).collect();
    let batch = || format!("batch from {}", asked.first().map_or("", String::as_str));
    problems.reject_broken(&batch(), list.broken);
    let mut rows = Vec::with_capacity(list.rows.len());
    for row in list.rows {
        match read_field::<String>(row.get("symbol")) {
            Field::Known(symbol) if wanted.remove(symbol.as_str()) => {
                rows.push(parse_row(route, &dataset, symbol, &row, &mut problems));
            }
            Field::Known(_) => {}
            unknown => {
                let reason = format!("its symbol is {}", unknown.spelled());
                problems.reject(&batch(), start_of(&Value::Object(row)), reason);
            }
        }
    }
    Ok(Parsed { rows, problems })
}

fn parse_row(
    route: &Route,
    dataset: &Dataset,
    symbol: String,
    row: &Map<String, Value>,
    problems: &mut Problems,
) -> SnapshotRow {
    let mut cells = BTreeMap::new();
    for wire in route.fields {
        let Some(column) = dataset.column(wire.column) else { continue };
        if let Some(cell) = wire.places.iter().find_map(|place| parse_cell(wire, column, place, row, &symbol, problems))
        {
            cells.insert(wire.column, cell);
        }
    }
    SnapshotRow { symbol, cells }
}

fn parse_cell(
    wire: &Wire,
    column: &Column,
    place: &[&str],
    row: &Map<String, Value>,
    symbol: &str,
    problems: &mut Problems,
) -> Option<Cell> {
    let (name, above) = place.split_last()?;
    let mut within = row;
    for part in above {
        within = match within.get(*part) {
            Some(Value::Object(object)) => object,
            None | Some(Value::Null) => return None,
            Some(other) => {
                problems.note(symbol, format!("{name} of {part}: {part} is {}", start_of(other)));
                return None;
            }
        };
    }
    let value = within.get(*name);
    match (column.kind, wire.form) {
        (Kind::Text | Kind::TextList, _) => problems.take(symbol, name, read_field(value)).map(Cell::Text),
        (Kind::Number, Form::Points) => {
            problems.take(symbol, name, read_field::<f64>(value)).map(|points| Cell::Number(points / 100.0))
        }
        (Kind::Number, _) => problems.take(symbol, name, read_field(value)).map(Cell::Number),
        (Kind::Integer, _) => problems.take(symbol, name, read_field(value)).map(Cell::Integer),
        (Kind::Flag, _) => problems.take(symbol, name, read_field(value)).map(Cell::Flag),
        // The vendor's way of saying "unknown" is the first day of 1970.
        (Kind::Date, _) => {
            let known = |date: &NaiveDate| *date != NaiveDate::default();
            problems.take(symbol, name, read_field(value)).filter(known).map(Cell::Date)
        }
        (Kind::Instant, Form::Millis) => {
            let millis = problems.take(symbol, name, read_field::<i64>(value)).filter(|millis| *millis >= 0)?;
            let moment = DateTime::from_timestamp_millis(millis);
            if moment.is_none() {
                problems.note(symbol, format!("{name} is {millis}"));
            }
            moment.map(Cell::Instant)
        }
        (Kind::Instant, _) => problems.take(symbol, name, read_field(value)).map(Cell::Instant),
    }
}

fn read_field<T: Scalar>(value: Option<&Value>) -> Field<T> {
    value.map_or(Field::Missing, |value| Field::deserialize(value).unwrap_or(Field::Missing))
}

/// The rows with exactly the columns of the route's dataset.
pub(crate) fn to_batch(route: &Route, rows: &[SnapshotRow], fetched_at: DateTime<Utc>) -> RecordBatch {
    let dataset = dataset::find(route.dataset).expect("the dataset is in the list");
    let columns = dataset.columns().map(|column| to_array(column, rows, fetched_at)).collect();
    batch::batch(dataset.schema.clone(), columns)
}

fn to_array(column: &Column, rows: &[SnapshotRow], fetched_at: DateTime<Utc>) -> ArrayRef {
    let cells = || rows.iter().map(|row| row.cells.get(column.name));
    match column.kind {
        _ if column.name == "symbol" => batch::texts(rows.iter().map(|row| Some(&row.symbol))),
        _ if column.name == FETCHED_AT => batch::repeated(fetched_at, rows.len()),
        Kind::Text | Kind::TextList => batch::texts(cells().map(|cell| match cell {
            Some(Cell::Text(text)) => Some(text),
            _ => None,
        })),
        Kind::Number => batch::numbers(cells().map(|cell| match cell {
            Some(Cell::Number(number)) => Some(*number),
            _ => None,
        })),
        Kind::Integer => batch::integers(cells().map(|cell| match cell {
            Some(Cell::Integer(number)) => Some(*number),
            _ => None,
        })),
        Kind::Flag => batch::flags(cells().map(|cell| match cell {
            Some(Cell::Flag(flag)) => Some(*flag),
            _ => None,
        })),
        Kind::Date => batch::dates(cells().map(|cell| match cell {
            Some(Cell::Date(date)) => Some(*date),
            _ => None,
        })),
        Kind::Instant => batch::instants(cells().map(|cell| match cell {
            Some(Cell::Instant(moment)) => Some(*moment),
            _ => None,
        })),
    }
}

/// Source of the dataset of a route.
#[derive(Debug, Clone)]
pub struct Snapshots {
    /// The HTTP client of the source, with its budget and breakers.
    pub client: Client,
    /// The route that is fetched.
    pub route: &'static Route,
}

type Results = Vec<(Vec<String>, Result<Parsed<SnapshotRow>, ClientError>)>;

impl Snapshots {
    /// Asks for some symbols in one request. A part of a batch is tried once, unless it is a single symbol: the halves are
    /// the further attempts.
    async fn ask(&self, symbols: &[String], part: bool) -> Result<Parsed<SnapshotRow>, ClientError> {
        let route = self.route;
        let attempts = (part && symbols.len() > 1).then_some(1);
        let get =
            Get { attempts, blames_symbols: part, ..Get::new(route.path).with(route.parameter, symbols.join(",")) };
        let answer = self.client.get(&get).await?;
        parse_rows(route, answer, symbols).map_err(|reason| ClientError::Unreadable {
            origin: self.client.origin().to_owned(),
            path: route.path.to_owned(),
            reason,
        })
    }

    /// Where every batch failed, looks whether symbols are to blame: cuts the first batch in halves, and goes on with the
    /// left one until some part is answered. Those of which none is answered are the origin's fault, and no symbol's.
    async fn answers_some(&self, batch: &[String]) -> bool {
        let mut part = batch;
        while part.len() > 1 {
            let (left, right) = part.split_at(part.len() / 2);
            let (one, other) = futures::future::join(self.ask(left, true), self.ask(right, true)).await;
            if one.is_ok() || other.is_ok() {
                return true;
            }
            if [one, other].iter().flat_map(|half| half.as_ref().err()).any(ClientError::origin_wide) {
                return false;
            }
            part = left;
        }
        false
    }
}

/// Cuts a batch that failed in halves, down to single symbols, so that a bad symbol costs only itself.
fn cut(
    source: Snapshots,
    symbols: Vec<String>,
    error: ClientError,
    cuts: Arc<AtomicUsize>,
) -> BoxFuture<'static, Results> {
    Box::pin(async move {
        if symbols.len() < 2 || error.origin_wide() || cuts.fetch_add(1, Ordering::Relaxed) >= CUTS_MAX {
            return vec![(symbols, Err(error))];
        }
        let (left, right) = symbols.split_at(symbols.len() / 2);
        let half = |part: &[String]| {
            let (source, part, cuts) = (source.clone(), part.to_vec(), cuts.clone());
            async move {
                match source.ask(&part, true).await {
                    Err(error) => cut(source, part, error, cuts).await,
                    answer => vec![(part, answer)],
                }
            }
        };
        let (mut left, right) = futures::future::join(half(left), half(right)).await;
        left.extend(right);
        left
    })
}

/// What all tasks brought, in the order in which they ended. Dropping the future stops them.
async fn joined<T: 'static>(mut tasks: JoinSet<T>) -> Vec<T> {
    let mut results = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        match joined {
            Ok(result) => results.push(result),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }
    results
}

fn add(outcome: &mut Outcome<SnapshotRow>, results: Results, progress: &Progress) {
    for (symbols, result) in results {
        let count = symbols.len() as u64;
        match result {
            Ok(Parsed { rows, problems }) => {
                progress.done.fetch_add(count, Ordering::Relaxed);
                progress.rows.fetch_add(rows.len() as u64, Ordering::Relaxed);
                outcome.answered += count;
                outcome.rows.extend(rows);
                outcome.findings.extend(problems.findings);
            }
            Err(error) => {
                for symbol in symbols {
                    progress.finish(0, true);
                    outcome.fail(&symbol, error.clone());
                }
            }
        }
    }
}

#[async_trait]
impl Fetch for Snapshots {
    /// One task per batch. What it means that the vendor leaves a symbol out, is judged beside what is held.
    async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        let client = self.client.for_purpose(&request.purpose);
        let source = Self { client: client.clone(), route: self.route };
        request.progress.total.fetch_add(request.items.len() as u64, Ordering::Relaxed);
        let mut tasks = JoinSet::new();
        for batch in request.items.chunks(BATCH_SYMBOLS) {
            let (source, batch) = (source.clone(), batch.to_vec());
            tasks.spawn(async move {
                let answer = source.ask(&batch, false).await;
                (batch, answer)
            });
        }
        let mut outcome = Outcome::default();
        let mut failed = Vec::new();
        for (batch, answer) in joined(tasks).await {
            match answer {
                Err(error) => failed.push((batch, error)),
                answer => add(&mut outcome, vec![(batch, answer)], &request.progress),
            }
        }
        let blames_symbols = match failed.first() {
            Some((_, error)) if error.origin_wide() => false,
            Some((batch, _)) => outcome.answered > 0 || source.answers_some(batch).await,
            None => false,
        };
        let mut tasks = JoinSet::new();
        let cuts = Arc::new(AtomicUsize::new(0));
        for (batch, error) in failed {
            match blames_symbols {
                true => drop(tasks.spawn(cut(source.clone(), batch, error, cuts.clone()))),
                false => add(&mut outcome, vec![(batch, Err(error))], &request.progress),
            }
        }
        for results in joined(tasks).await {
            add(&mut outcome, results, &request.progress);
        }
        let fetched_at = client.clock().now();
        outcome.finish(&client, &request.findings, request.items.len() as u64, |rows| {
            to_batch(self.route, &rows, fetched_at)
        })
    }
}
