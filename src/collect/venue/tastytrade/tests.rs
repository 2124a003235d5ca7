//! Parsers on documented, broken and random payloads; fetches against a scripted server.

#![allow(clippy::unwrap_used)]

use super::parse::{self, EventKind, HolidayDates, VenueCalendar};
use super::snapshots::{parse_rows, route, to_batch};
use super::*;
use crate::clock::Clock;
use crate::collect::client::scripted::{Scripted, json as json_response, response};
use crate::collect::venue::noise::Noise;
use crate::collect::{FailedItem, Fetch, FetchError, Request};
use crate::lake::dataset;
use arrow::array::{Array, AsArray};
use arrow::datatypes::{Date32Type, Float64Type, Int64Type};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::Ordering;

const METRICS: &str = r#"{"data":{"items":[{"symbol":"AAPL","implied-volatility-index":"0.314159265","implied-volatility-index-5-day-change":"-0.012345678",
 "implied-volatility-index-rank":"0.412345678","implied-volatility-percentile":"0.537849402",
 "liquidity-value":"1234.5678","liquidity-rank":"0.98765","liquidity-rating":4,"updated-at":"2026-01-05T15:00:00.000Z",
 "option-expiration-implied-volatilities":[{"expiration-date":"2026-01-16","implied-volatility":"0.3021"}],
 "beta":"1.184512","corr-spy-3month":"0.71","dividend-yield":"0.0041","dividend-ex-date":"2026-02-09",
 "earnings":{"visible":true,"expected-report-date":"1970-01-01","estimated":true,"late-flag":0,"consensus-estimate":"2.66"},
 "listed-market":"XNAS","lendability":"Easy To Borrow","market-cap":2846108626900,
 "implied-volatility-30-day":"27.41","historical-volatility-30-day":"21.87","iv-hv-30-day-difference":"5.54"},
 {"symbol":"SPX","implied-volatility-index-rank":"NaN"},
 {"symbol":"BAD","beta":"abc","market-cap":1e300,"earnings":"soon","dividend-ex-date":"2026-99-01"},
 {"beta":"1"},7,{"symbol":"OTHER"}]}}"#;

const CHAIN: &str = r#"{"data":{"items":[{"underlying-symbol":"SPY","root-symbol":"SPY","option-chain-type":"Standard","shares-per-contract":100,
 "tick-sizes":[{"value":"0.01"}],
 "expirations":[{"expiration-type":"Regular","expiration-date":"2026-01-16","days-to-expiration":11,"settlement-type":"PM",
   "strikes":[{"strike-price":"500.0","call":"SPY   260116C00500000","call-streamer-symbol":".SPY260116C500",
               "put":"SPY   260116P00500000","put-streamer-symbol":".SPY260116P500"},
              {"strike-price":"NaN","call":"SPY   260116C00502500","put":"SPY   260116C00502500"},
              {"strike-price":"x","call":"nonsense"},5]},"broken"]}]},
 "context":"/option-chains/SPY/nested"}"#;

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn metrics() -> &'static snapshots::Route {
    route("market_metrics").unwrap()
}

fn symbols(list: &[&str]) -> Vec<String> {
    list.iter().map(|symbol| (*symbol).to_owned()).collect()
}

fn clock() -> Clock {
    Clock::hand_set(moment("2026-01-05T15:00:00Z"))
}

/// A server whose data requests are answered by `answer(path and query, number)`.
async fn server(answer: impl Fn(&str, usize) -> String + Send + Sync + 'static) -> Scripted {
    Scripted::start(move |head, number| match head.split(' ').nth(1).unwrap_or_default() {
        "/oauth/token" => String::new(),
        path => answer(path, number),
    })
    .await
}

fn request(items: &[&str]) -> Request {
    Request { items: symbols(items), ..Request::default() }
}

fn items_of(failed: &[FailedItem]) -> Vec<&str> {
    failed.iter().map(|failed| failed.item.as_str()).collect()
}

#[test]
fn metrics_become_ratios_and_broken_fields_null() {
    let asked = symbols(&["AAPL", "SPX", "BAD", "GONE"]);
    let parsed = parse_rows(metrics(), value(METRICS), &asked).unwrap();
    let batch = to_batch(metrics(), &parsed.rows, clock().now());
    assert_eq!(batch.schema(), dataset::find("market_metrics").unwrap().schema);
    assert_eq!(batch.num_rows(), 3);
    let number = |column: &str, row: usize| {
        let column = batch.column_by_name(column).unwrap().as_primitive::<Float64Type>();
        column.is_valid(row).then(|| column.value(row))
    };
    assert!((number("iv_30_day", 0).unwrap() - 0.2741).abs() < 1e-12);
    assert!((number("iv_hv_30_day_difference", 0).unwrap() - 0.0554).abs() < 1e-12);
    assert_eq!(number("iv_index", 0), Some(0.314159265));
    assert_eq!(number("corr_spy_3_month", 0), Some(0.71));
    assert_eq!(number("earnings_consensus_estimate", 0), Some(2.66));
    assert_eq!((number("iv_rank", 1), number("beta", 2)), (None, None));
    let caps = batch.column_by_name("market_cap").unwrap().as_primitive::<Int64Type>();
    assert_eq!((caps.value(0), caps.is_null(2)), (2_846_108_626_900, true));
    assert!(batch.column_by_name("earnings_expected_date").unwrap().is_null(0));
    assert_eq!(
        parsed.problems.told(),
        [
            "BAD missing_value: estimated of earnings: earnings is \"soon\"",
            "batch from AAPL rejected: its symbol is missing"
        ]
    );
    let rejected: Vec<_> = parsed.problems.findings.rejected().map(|(row, _)| (&*row.text, &*row.reason)).collect();
    assert_eq!(rejected, [("7", "7 is no such row"), (r#"{"beta":"1"}"#, "its symbol is missing")]);
}

#[test]
fn options_come_from_the_chain_or_from_their_symbol() {
    let parsed = parse::option_chain(value(CHAIN), "SPY").unwrap();
    let batch = batch::option_chains(&parsed.rows, clock().now());
    assert_eq!(batch.schema(), dataset::find("option_chains").unwrap().schema);
    let rows: Vec<_> =
        parsed.rows.iter().map(|row| (row.symbol.as_str(), row.strike, row.streamer_symbol.as_str())).collect();
    assert_eq!(
        rows,
        [
            ("SPY   260116C00500000", 500.0, ".SPY260116C500"),
            ("SPY   260116C00502500", 502.5, ".SPY260116C502.5"),
            ("SPY   260116P00500000", 500.0, ".SPY260116P500"),
        ]
    );
    let rejected: Vec<_> = parsed.problems.findings.rejected().map(|(row, _)| row.reason.as_str()).collect();
    assert_eq!(
        rejected,
        [
            "\"SPY   260116C00502500\" is no symbol of a put",
            "\"broken\" is no such row",
            "\"nonsense\" is no symbol of a call",
            "5 is no such row",
        ]
    );
    assert_eq!(parsed.problems.findings.doubts().map(|(_, count)| count).sum::<u64>(), 5, "and one strike is \"x\"");
}

#[test]
fn two_dividends_of_one_date_are_two_and_one_without_a_date_is_rejected() {
    let answer = value(
        r#"{"data":{"items":[{"occurred-date":"2025-11-10","amount":"0.26"},{"occurred-date":"2025-11-10","amount":"9"},
        {"occurred-date":"2025-11-10","amount":"0.26"},{"occurred-date":"2025-08-11","amount":"NaN"},{"amount":"1"}]},
        "context":"x"}"#,
    );
    let reports = parse::events(answer.clone(), "AAPL", EventKind::Earnings).unwrap();
    assert_eq!(reports.rows.len(), 2);
    let parsed = parse::events(answer, "AAPL", EventKind::Dividend).unwrap();
    let batch = batch::events(&parsed.rows, EventKind::Dividend, clock().now());
    assert_eq!(batch.schema(), dataset::find("dividends").unwrap().schema);
    let rows: Vec<_> = parsed.rows.iter().map(|row| (row.number, row.value)).collect();
    assert_eq!(rows, [(1, None), (1, Some(9.0)), (2, Some(0.26))]);
    assert_eq!(parsed.problems.told(), ["AAPL rejected: its date is missing"]);
    let earnings = batch::events(&[], EventKind::Earnings, clock().now());
    assert_eq!(earnings.schema(), dataset::find("earnings").unwrap().schema);
}

#[test]
fn the_venue_overrules_the_rules_of_the_calendar() {
    let session = |day: &str, close: &str| json!({"instrument-collection":"Equity","session-date":day,"open-at":format!("{day}T14:30:00.000Z"),"close-at":format!("{day}T{close}:00.000+00:00")});
    // A Tuesday without a session, a Wednesday that ends early, a Friday with a date but no hours.
    let items = json!([session("2026-01-05", "21:00"), session("2026-01-07", "18:00"), session("2026-01-08", "21:00"),
        {"session-date": "2026-01-09"}]);
    let sessions = parse::sessions(json!({"data": {"items": items}}), "span").unwrap().rows;
    let holidays = HolidayDates { half_days: [date("2026-01-14")].into(), holidays: [date("2026-01-15")].into() };
    let venue = VenueCalendar { holidays, sessions };
    let rows = parse::calendar(date("2026-01-01"), date("2026-01-16"), &venue);
    let told: Vec<_> = rows.iter().map(|row| (row.date.to_string()[8..].to_owned(), row.session)).collect();
    let expected = [
        ("01", "holiday"),
        ("02", "regular"),
        ("05", "regular"),
        ("06", "holiday"),
        ("07", "early"),
        ("08", "regular"),
        ("09", "holiday"),
        ("12", "regular"),
        ("13", "regular"),
        ("14", "early"),
        ("15", "holiday"),
        ("16", "regular"),
    ];
    assert_eq!(told, expected.map(|(day, session)| (day.to_owned(), session)));
    let half_day = rows.iter().find(|row| row.date == date("2026-01-14")).unwrap();
    assert_eq!(half_day.hours.unwrap().1, moment("2026-01-14T18:00:00Z"));
    let batch = batch::calendar(&rows, clock().now());
    assert_eq!(batch.schema(), dataset::find("calendar").unwrap().schema);
    assert_eq!(batch.column(1).null_count(), 4);
}

#[test]
fn holidays_are_an_object_of_lists() {
    let answer = value(r#"{"data":{"market-half-days":["2026-11-27"],"market-holidays":["2026-12-25","soon",null]}}"#);
    let (holidays, problems) = parse::holidays(answer).unwrap();
    assert_eq!((holidays.half_days.len(), holidays.holidays.len()), (1, 1));
    assert_eq!(problems.told(), ["holidays missing_value: market-holidays is \"soon\""]);
    assert!(parse::holidays(json!({"data": []})).is_err());
}

#[test]
fn a_quote_token_needs_both_parts() {
    let answer = json!({"data": {"token": "hush", "dxlink-url": "ws://x/realtime", "level": "demo"}});
    let (token, url, level) = parse::quote_token(answer).unwrap();
    assert_eq!(level.as_deref(), Some("demo"));
    assert_eq!((token.expose(), url.as_str()), ("hush", "ws://x/realtime"));
    assert!(parse::quote_token(json!({"data": {"token": "hush"}})).is_err());
}

/// Puts every answer through every parser.
fn parse_all(answer: &Value) {
    let now = moment("2026-01-05T15:00:00Z");
    let _ = parse::extent(answer);
    let _ = parse::symbols(answer.clone(), "page 0").map(|parsed| batch::symbols(&parsed.rows, now));
    let _ = parse_rows(metrics(), answer.clone(), &symbols(&["AAPL", "SPX"]))
        .map(|parsed| to_batch(metrics(), &parsed.rows, now));
    let _ = parse::option_chain(answer.clone(), "SPY").map(|parsed| batch::option_chains(&parsed.rows, now));
    let _ = parse::events(answer.clone(), "AAPL", EventKind::Earnings);
    if let Ok(parsed) = parse::sessions(answer.clone(), "span") {
        let venue = VenueCalendar { holidays: HolidayDates::default(), sessions: parsed.rows };
        let _ = parse::calendar(date("2026-01-01"), date("2026-02-01"), &venue);
    }
    let _ = parse::holidays(answer.clone());
    let _ = parse::quote_token(answer.clone());
}

#[test]
fn no_payload_makes_a_parser_panic() {
    let mut noise = Noise(0x5eed);
    let words: [&[u8]; 8] =
        [b"null", b"1e999", b"-1", b"\"NaN\"", b"{}", b"[]", b"\"9999-12-31\"", b"99999999999999999999"];
    for _ in 0..3000 {
        let text = if noise.below(2) == 0 { METRICS } else { CHAIN };
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..=noise.below(4) {
            let at = noise.below(bytes.len());
            match noise.below(4) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, noise.next() as u8),
                2 if !bytes.is_empty() => bytes[at] = noise.next() as u8,
                _ => {
                    // Replaces a whole value, so that the result is JSON still.
                    let value = bytes.iter().skip(at).position(|byte| *byte == b':').map(|found| at + found + 1);
                    let end = value.and_then(|from| {
                        bytes.iter().skip(from).position(|byte| matches!(byte, b',' | b'}')).map(|found| from + found)
                    });
                    if let (Some(from), Some(to)) = (value, end) {
                        bytes.splice(from..to, words[noise.below(words.len())].iter().copied());
                    }
                }
            }
        }
        if let Ok(answer) = serde_json::from_slice(&bytes) {
            parse_all(&answer);
        }
    }
    for answer in [
        json!(null),
        json!([]),
        json!({"data": null}),
        json!({"data": {"items": {}}}),
        json!({"data": {"items": [[[]]]}}),
    ] {
        parse_all(&answer);
    }
}

fn page(path: &str, pages: usize) -> String {
    let number: usize = path.rsplit('=').next().unwrap().parse().unwrap();
    let row = |symbol: &str| json!({"symbol": symbol, "is-etf": symbol == "SPY", "is-index": false, "active": true, "listed-market": "XNAS", "description": "x"});
    let items = match number {
        0 => json!([row("AAPL"), row("SPY")]),
        1 => json!([row("SPY"), row("BRK/B"), {"symbol": null}]),
        _ => json!([row("MSFT")]),
    };
    json_response(200, &json!({"data": {"items": items}, "pagination": {"total-pages": pages}}).to_string())
}

#[tokio::test]
async fn symbols_are_fetched_by_page_and_marked_with_their_lists() {
    let server = server(|path, _| page(path, 3)).await;
    let extra = HashMap::from([("mine".to_owned(), symbols(&["BRK/B", "NOPE"]))]);
    let source = Symbols::new(server.client(clock()), symbols(&["etf", "unknown"]), extra);
    let fetched = source.fetch(&request(&[])).await.unwrap();
    let batch = fetched.batches.first().unwrap();
    assert_eq!(batch.schema(), dataset::find("symbols").unwrap().schema);
    let column: Vec<_> = batch.column(0).as_string::<i32>().iter().flatten().collect();
    assert_eq!(column, ["AAPL", "BRK/B", "MSFT", "SPY"]);
    let lists = batch.column(4).as_list::<i32>();
    assert_eq!(lists.value(1).as_string::<i32>().value(0), "mine");
    assert_eq!((lists.value(0).len(), lists.value(3).as_string::<i32>().value(0)), (0, "etf"));
    let failed = items_of(&fetched.failed);
    assert_eq!(failed, ["unknown"]);
    assert_eq!(fetched.partial, None);
    assert_eq!((fetched.origin_calls, server.requests("/instruments").len()), (4, 3));
    assert!(server.requests("/instruments")[0].contains("per-page=1000&page-offset=0"));
}

#[tokio::test]
async fn a_page_that_fails_costs_only_itself() {
    let server = server(|path, _| match path.ends_with("page-offset=2") {
        true => json_response(404, "{}"),
        false => page(path, 3),
    })
    .await;
    let source = Symbols::new(server.client(clock()), Vec::new(), HashMap::new());
    let fetched = source.fetch(&request(&["AAPL", "MSFT"])).await.unwrap();
    assert_eq!(fetched.batches[0].num_rows(), 3);
    assert_eq!(items_of(&fetched.failed), ["page 2"]);
    assert_eq!(fetched.partial.as_deref(), Some("not all of 3 pages could be read"));
}

#[tokio::test]
async fn pages_are_the_whole_only_when_the_venue_says_so() {
    let item = |symbol: &str| json!({ "symbol": symbol });
    let cases: [(Value, Value, Option<&str>); 5] = [
        (json!({"total-pages": 2, "total-items": 2}), json!([item("B")]), None),
        (json!({"total-pages": "2"}), json!([item("B")]), None),
        (Value::Null, json!([item("B")]), Some("the answer does not say how many pages there are")),
        (json!({"total-pages": 2, "total-items": 2}), json!([]), Some("a page has no rows")),
        (json!({"total-pages": 2, "total-items": 9}), json!([item("B")]), Some("the venue lists 9 symbols and sent 2")),
    ];
    for (pagination, second, expected) in cases {
        let told = pagination.to_string();
        let server = server(move |path, _| {
            let items = if path.ends_with("page-offset=0") { json!([item("A")]) } else { second.clone() };
            json_response(200, &json!({"data": {"items": items}, "pagination": pagination}).to_string())
        })
        .await;
        let source = Symbols::new(server.client(clock()), Vec::new(), HashMap::new());
        let fetched = source.fetch(&request(&[])).await.unwrap();
        assert_eq!(fetched.partial.as_deref(), expected, "{told}");
    }
}

#[tokio::test]
async fn futures_and_cryptocurrencies_that_are_collected_have_their_streamer_symbols() {
    let server = server(|path, _| {
        let items = match path {
            path if path.starts_with("/instruments/futures?symbol%5B%5D=%2FESZ6&symbol%5B%5D=%2FNOZ6") => {
                json!([{"symbol": "/ESZ6", "streamer-symbol": "/ESZ26:XCME", "exchange": "CME", "active": true}])
            }
            path if path.starts_with("/instruments/cryptocurrencies?symbol%5B%5D=BTC%2FUSD") => {
                json!([{"symbol": "BTC/USD", "streamer-symbol": "BTC/USD:CXTALP", "active": true}, {"symbol": "ETH/USD"}])
            }
            _ => json!([{"symbol": "AAPL"}, {"symbol": "BRK/B"}]),
        };
        json_response(200, &json!({"data": {"items": items}, "pagination": {"total-pages": 1, "total-items": 2}}).to_string())
    })
    .await;
    let collected = symbols(&["AAPL", "BRK/B", "BRK.B", "/ESZ6", "/NOZ6", "BTC/USD", "NOTREAL"]);
    let source = Symbols::new(server.client(clock()), Vec::new(), HashMap::new()).collecting(collected);
    let asked = request(&[]);
    let fetched = source.fetch(&asked).await.unwrap();
    let rows = &fetched.batches[0];
    let text = |column: &str| -> Vec<_> {
        rows.column_by_name(column).unwrap().as_string::<i32>().iter().flatten().map(str::to_owned).collect()
    };
    assert_eq!(text("symbol"), ["/ESZ6", "AAPL", "BRK/B", "BTC/USD"]);
    assert_eq!(text("streamer_symbol"), ["/ESZ26:XCME", "AAPL", "BRK/B", "BTC/USD:CXTALP"]);
    assert_eq!(text("type"), ["future", "equity", "equity", "cryptocurrency"]);
    let findings = asked.findings.take();
    let unknown: Vec<_> = findings.doubts().filter_map(|(doubt, _)| doubt.symbol.as_deref()).collect();
    assert_eq!((unknown, fetched.partial, fetched.failed.len()), (vec!["/NOZ6", "BRK.B", "NOTREAL"], None, 0));
    assert_eq!(fetched.origin_calls, 4);
}

#[tokio::test]
async fn a_bad_symbol_costs_only_itself_in_a_batch() {
    let names: Vec<String> = (0..250).map(|number| format!("S{number}")).collect();
    let server = server(|path, _| {
        let query = path.split_once("symbols=").unwrap().1.replace("%2C", ",");
        if query.split(',').any(|symbol| symbol == "S137") {
            return json_response(500, r#"{"error":{"code":"internal","message":"oops"}}"#);
        }
        let items: Vec<_> = query.split(',').map(|symbol| json!({"symbol": symbol, "beta": "1.5"})).collect();
        json_response(200, &json!({"data": {"items": items}}).to_string())
    })
    .await;
    let source = Snapshots { client: server.client(clock()), route: metrics() };
    let request = Request { items: names, ..Request::default() };
    let fetched = source.fetch(&request).await.unwrap();
    assert_eq!(fetched.batches[0].num_rows(), 249);
    assert_eq!(items_of(&fetched.failed), ["S137"]);
    assert!(fetched.failed[0].reason.ends_with("/market-metrics: status 500 (internal): oops"));
    let progress = &request.progress;
    let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    assert_eq!((read(&progress.total), read(&progress.done), read(&progress.failed)), (250, 250, 1));
}

#[tokio::test]
async fn an_origin_that_refuses_everything_is_an_error() {
    let server = server(|_, _| response(401, "Content-Type: text/html\r\n", "<html>401</html>")).await;
    let source = Snapshots { client: server.client(clock()), route: metrics() };
    let error = source.fetch(&request(&["AAPL", "MSFT"])).await.unwrap_err();
    assert!(matches!(error, FetchError::Unauthorized { .. }), "{error}");
    assert!(error.to_string().contains("an HTML page"), "{error}");
    assert_eq!(server.requests("/market-metrics").len(), 2, "once with another token");
}

#[tokio::test]
async fn a_route_that_fails_for_every_symbol_is_not_asked_for_each() {
    let names: Vec<String> = (0..600).map(|number| format!("S{number}")).collect();
    let server = server(|_, _| json_response(404, r#"{"error":{"code":"not_found","message":"gone"}}"#)).await;
    let source = Snapshots { client: server.client(clock()), route: metrics() };
    let error = source.fetch(&Request { items: names, ..Request::default() }).await.unwrap_err();
    assert!(error.to_string().contains("gone"), "{error}");
    let requests = server.requests("/market-metrics").len();
    assert!(requests <= 6 + 2 * 7, "{requests}");
}

#[tokio::test]
async fn a_batch_whose_halves_both_fail_is_cut_further() {
    let names: Vec<String> = (0..100).map(|number| format!("S{number}")).collect();
    let bad = ["S0", "S99"];
    let server = server(move |path, _| {
        let query = path.split_once("symbols=").unwrap().1.replace("%2C", ",");
        if query.split(',').any(|symbol| bad.contains(&symbol)) {
            return json_response(400, "{}");
        }
        let items: Vec<_> = query.split(',').map(|symbol| json!({ "symbol": symbol })).collect();
        json_response(200, &json!({"data": {"items": items}}).to_string())
    })
    .await;
    let source = Snapshots { client: server.client(clock()), route: metrics() };
    let fetched = source.fetch(&Request { items: names, ..Request::default() }).await.unwrap();
    assert_eq!((fetched.batches[0].num_rows(), items_of(&fetched.failed)), (98, vec!["S0", "S99"]));
    let requests = server.requests("/market-metrics").len();
    assert!(requests <= 40, "{requests}");
}

#[tokio::test]
async fn chains_and_events_take_404_for_an_empty_list() {
    let server = server(|path, _| match path {
        "/option-chains/SPY/nested" => json_response(200, CHAIN),
        "/option-chains/BRK%2FB/nested" => json_response(404, "{}"),
        path if path.contains("/dividends/AAPL") => {
            json_response(200, r#"{"data":{"items":[{"occurred-date":"2025-11-10","amount":"0.26"}]}}"#)
        }
        path if path.contains("/earnings-reports/AAPL?start-date=2021-01-05&") => {
            json_response(200, r#"{"data":{"items":[{"occurred-date":"2025-09-30","eps":"1.85"}]}}"#)
        }
        _ => json_response(422, "{}"),
    })
    .await;
    let client = server.client(clock());
    let chains = OptionChains { client: client.clone() };
    let fetched = chains.fetch(&request(&["SPY", "BRK/B", "X"])).await.unwrap();
    assert_eq!(fetched.batches[0].num_rows(), 3);
    assert_eq!(items_of(&fetched.failed), ["X"]);
    let dividends = Dividends { client: client.clone() }.fetch(&request(&["AAPL"])).await.unwrap();
    assert_eq!(dividends.batches[0].column(1).as_primitive::<Date32Type>().value(0), 20_402);
    let earnings = Earnings { client }.fetch(&request(&["AAPL", "X"])).await.unwrap();
    assert_eq!((earnings.batches[0].num_rows(), items_of(&earnings.failed)), (1, vec!["X"]));
}

#[tokio::test]
async fn the_calendar_falls_back_to_the_rules() {
    let server = server(|path, _| match path.starts_with("/market-time/equities/holidays") {
        true => json_response(200, r#"{"data":{"market-half-days":[],"market-holidays":["2026-12-25"]}}"#),
        false => json_response(400, r#"{"error":{"code":"validation_error","message":"too far"}}"#),
    })
    .await;
    let fetched = Calendar { client: server.client(clock()) }.fetch(&Request::default()).await.unwrap();
    let rows = fetched.batches[0].num_rows();
    assert!((780..790).contains(&rows), "{rows}");
    assert!(fetched.failed.is_empty(), "{:?}", fetched.failed);
}
