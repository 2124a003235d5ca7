//! Candles and feed against a scripted dxLink server; random bytes into the decoder.

#![allow(clippy::unwrap_used)]

use super::parse::Decoder;
use super::wire::Message;
use super::*;
use crate::clock::Clock;
use crate::collect::client::scripted::{Scripted, json as json_response};
use crate::collect::{Fetch, Request};
use crate::lake::dataset;
use crate::live::Live;
use crate::market::event::{Greeks, Quote, Summary, TimeAndSale, Trade};
use arrow::array::AsArray;
use arrow::datatypes::{Date32Type, Float64Type};
use chrono::DateTime;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;
use tokio_util::sync::CancellationToken;

/// How the scripted server behaves.
#[derive(Default)]
struct Script {
    /// Sessions that present this token are refused.
    refused_token: Option<&'static str>,
    /// Refused by ERROR and a closed socket rather than by AUTH_STATE.
    refuses_by_error: bool,
    /// Closes the first session after this many subscribed symbols.
    closes_after: Option<usize>,
    /// Most candle subscriptions seen at once.
    candles_max: AtomicUsize,
    sessions: AtomicUsize,
}

struct Venue {
    tokens: QuoteTokens,
    script: Arc<Script>,
    rest: Scripted,
}

async fn venue(script: Script) -> Venue {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/realtime", listener.local_addr().unwrap());
    let script = Arc::new(script);
    let shared = script.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let script = shared.clone();
            tokio::spawn(async move { serve(stream, &script).await });
        }
    });
    let rest = Scripted::start(move |head, number| match head.split(' ').nth(1).unwrap_or_default() {
        "/oauth/token" => String::new(),
        _ => json_response(200, &json!({"data": {"token": format!("quote-{number}"), "dxlink-url": url}}).to_string()),
    })
    .await;
    let clock = Clock::hand_set("2026-01-07T22:00:00Z".parse().unwrap());
    Venue { tokens: QuoteTokens::new(rest.client(clock)), script, rest }
}

type Socket = WebSocketStream<TcpStream>;

async fn say(socket: &mut Socket, message: Value) -> Option<()> {
    socket.send(tungstenite::Message::text(message.to_string())).await.ok()
}

async fn serve(stream: TcpStream, script: &Script) -> Option<()> {
    let mut socket = tokio_tungstenite::accept_async(stream).await.ok()?;
    let session = script.sessions.fetch_add(1, Ordering::SeqCst);
    let mut candles = HashSet::new();
    let mut subscribed = 0;
    while let Some(Ok(message)) = socket.next().await {
        let Ok(message) = serde_json::from_str::<Value>(message.to_text().unwrap_or_default()) else { continue };
        match message["type"].as_str()? {
            "SETUP" => {
                say(&mut socket, json!({"type":"SETUP","channel":0,"version":"1.0-sim","keepaliveTimeout":60})).await?;
                say(&mut socket, json!({"type":"AUTH_STATE","channel":0,"state":"UNAUTHORIZED"})).await?;
            }
            "AUTH" if script.refused_token == message["token"].as_str() => {
                if script.refuses_by_error {
                    say(&mut socket, json!({"type":"ERROR","channel":0,"error":"UNAUTHORIZED","message":"bad token"}))
                        .await?;
                    return socket.close(None).await.ok();
                }
                say(&mut socket, json!({"type":"AUTH_STATE","channel":0,"state":"UNAUTHORIZED"})).await?;
            }
            "AUTH" => {
                say(&mut socket, json!({"type":"AUTH_STATE","channel":0,"state":"AUTHORIZED","userId":"u"})).await?
            }
            "CHANNEL_REQUEST" => {
                say(
                    &mut socket,
                    json!({"type":"CHANNEL_OPENED","channel":1,"service":"FEED","parameters":{"contract":"AUTO"}}),
                )
                .await?;
            }
            "FEED_SETUP" => {
                let mut fields = message["acceptEventFields"].clone();
                // The server's own order, and one field we did not ask for.
                for list in fields.as_object_mut()?.values_mut() {
                    list.as_array_mut()?.insert(0, json!("eventType"));
                }
                say(
                    &mut socket,
                    json!({"type":"FEED_CONFIG","channel":1,"dataFormat":"COMPACT","aggregationPeriod":0.1}),
                )
                .await?;
                say(&mut socket, json!({"type":"FEED_CONFIG","channel":1,"eventFields":fields})).await?;
                socket.send(tungstenite::Message::text("{nonsense")).await.ok()?;
                say(&mut socket, json!({"type":"MYSTERY","channel":7,"data":{"a":1}})).await?;
            }
            "FEED_SUBSCRIPTION" => {
                for removed in message["remove"].as_array().into_iter().flatten() {
                    candles.remove(removed["symbol"].as_str()?);
                }
                for added in message["add"].as_array().into_iter().flatten() {
                    let symbol = added["symbol"].as_str()?.to_owned();
                    if added["type"] == "Candle" {
                        candles.insert(symbol.clone());
                        script.candles_max.fetch_max(candles.len(), Ordering::SeqCst);
                    }
                }
                for added in message["add"].as_array().into_iter().flatten() {
                    subscribed += 1;
                    if session == 0 && script.closes_after.is_some_and(|limit| subscribed > limit) {
                        return None;
                    }
                    answer(&mut socket, added).await?;
                }
            }
            _ => {}
        }
    }
    None
}

async fn answer(socket: &mut Socket, added: &Value) -> Option<()> {
    let symbol = added["symbol"].as_str()?;
    let day = |number: i64| (1_767_571_200_000 + number * 86_400_000, 7_591_660_497_351_475_200 + number);
    let bar = |flags: i64, number: i64, close: Value| {
        let (time, index) = day(number);
        json!(["Candle", symbol, flags, index, time, 1.0, 2.0, 0.5, close, 100.0, "NaN", 0])
    };
    let data = |kind: &str, rows: &[Value]| {
        let values: Vec<Value> = rows.iter().flat_map(|row| row.as_array().cloned().unwrap_or_default()).collect();
        json!({"type":"FEED_DATA","channel":1,"data":[kind, values]})
    };
    match added["type"].as_str()? {
        "Candle" if symbol.starts_with("SILENT") => Some(()),
        "Candle" if symbol.starts_with("EMPTY") => say(socket, data("Candle", &[bar(0x0e, 0, json!("NaN"))])).await,
        "Candle" => {
            // Thursday is not over yet, Tuesday has no price, and the snapshot comes in two frames.
            say(socket, data("Candle", &[bar(0x04, 3, json!(1.5)), bar(0, 2, json!(1.25))])).await?;
            say(socket, data("Candle", &[bar(0, 1, json!("NaN")), bar(0x08, 0, json!(1.0))])).await
        }
        "Quote" => say(socket, data("Quote", &[json!(["Quote", symbol, 1.0, 100.0, 0, 1.5, "NaN", 0])])).await,
        "Trade" => {
            say(socket, data("Trade", &[json!(["Trade", symbol, 1.25, 10, 0.1, 1000.0, 1_767_627_000_123_i64])])).await
        }
        "Greeks" => {
            say(socket, data("Greeks", &[json!(["Greeks", symbol, 0, 8.4, 0.15, 0.5, 0.01, -0.2, 0.07, 0.33, 0])]))
                .await
        }
        "TimeAndSale" => {
            let sale = json!([
                "TimeAndSale",
                symbol,
                0,
                1_767_627_000_123_i64,
                456_000,
                7,
                "Q",
                500.02,
                100.0,
                500.01,
                "NaN",
                "@",
                "UNDEFINED",
                false,
                true,
                true,
                "NEW"
            ]);
            let removed = json!([
                "TimeAndSale",
                symbol,
                2,
                1_767_627_000_124_i64,
                0,
                8,
                "Q",
                1.0,
                1.0,
                1.0,
                1.0,
                "@",
                "BUY",
                false,
                false,
                true,
                "NEW"
            ]);
            say(socket, data("TimeAndSale", &[sale, removed])).await
        }
        "Summary" => {
            let summary = json!([
                "Summary", symbol, 20458, 499.1, 501.2, 498.8, "NaN", "REGULAR", 20457, 499.65, "FINAL", 54321000.0, 0
            ]);
            say(socket, data("Summary", &[summary])).await
        }
        _ => Some(()),
    }
}

fn eod(venue: &Venue, symbol_timeout: Duration) -> Eod {
    Eod::new(venue.tokens.clone(), EodOptions { symbol_timeout, ..EodOptions::default() })
}

fn request(items: impl IntoIterator<Item = String>) -> Request {
    Request { items: items.into_iter().collect(), ..Request::default() }
}

fn numbered(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("S{number}"))
}

#[tokio::test]
async fn bars_are_fetched_through_a_window_of_a_hundred() {
    let venue = venue(Script::default()).await;
    let mut request = request(numbered(250).chain(["EMPTY".to_owned(), "SILENT".to_owned(), "BRK/B".to_owned()]));
    request.held_until.insert("S1".to_owned(), "2026-01-07".parse().unwrap());
    let fetched = eod(&venue, Duration::from_millis(700)).fetch(&request).await.unwrap();
    let batch = fetched.batches.first().unwrap();
    assert_eq!(batch.schema(), dataset::find("eod").unwrap().schema);
    // Monday and Wednesday of each; of the one held until Wednesday too, to be compared with what is held.
    assert_eq!(batch.num_rows(), 251 * 2);
    assert_eq!(venue.script.candles_max.load(Ordering::SeqCst), 100);
    assert_eq!(fetched.failed.len(), 1);
    assert_eq!(fetched.failed[0].reason, "SILENT{=d,tho=true}: no whole snapshot within 0.7 s");
    let symbols = batch.column(0).as_string::<i32>();
    let row = symbols.iter().position(|symbol| symbol == Some("BRK/B")).unwrap();
    assert_eq!(batch.column(1).as_primitive::<Date32Type>().value(row), 20_458);
    assert_eq!(batch.column(5).as_primitive::<Float64Type>().value(row), 1.0);
    assert!(batch.column(7).is_null(row));
    assert_eq!(batch.column(8).as_string::<i32>().value(row), "dxlink");
    assert_eq!(request.progress.done.load(Ordering::Relaxed), 253);
}

#[tokio::test]
async fn a_broken_session_is_followed_by_another_for_the_rest() {
    let venue = venue(Script { closes_after: Some(150), ..Script::default() }).await;
    let fetched = eod(&venue, Duration::from_secs(5)).fetch(&request(numbered(200))).await.unwrap();
    assert_eq!((fetched.batches[0].num_rows(), fetched.failed.len()), (400, 0));
    assert_eq!(venue.script.sessions.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_refused_quote_token_is_renewed_once() {
    for refuses_by_error in [false, true] {
        let venue = venue(Script { refused_token: Some("quote-0"), refuses_by_error, ..Script::default() }).await;
        let fetched = eod(&venue, Duration::from_secs(5)).fetch(&request(numbered(1))).await.unwrap();
        assert_eq!(fetched.batches[0].num_rows(), 2);
        assert_eq!(venue.rest.requests("/api-quote-tokens").len(), 2);
    }
    let venue = venue(Script { refused_token: Some("always"), ..Script::default() }).await;
    let fixed = Scripted::start({
        let url = venue.tokens.current().await.unwrap().url;
        move |head, _| match head.starts_with("POST") {
            true => String::new(),
            false => json_response(200, &json!({"data": {"token": "always", "dxlink-url": url}}).to_string()),
        }
    })
    .await;
    let clock = venue.tokens.client().clock().clone();
    let source = Eod::new(QuoteTokens::new(fixed.client(clock)), EodOptions::default());
    let error = source.fetch(&request(numbered(3))).await.unwrap_err();
    assert!(error.to_string().contains("refuses the quote token"), "{error}");
    assert!(!error.to_string().contains("always"), "{error}");
    assert_eq!(fixed.requests("/api-quote-tokens").len(), 2);
}

async fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_feed_follows_its_symbols_and_reconnects() {
    let venue = venue(Script { closes_after: Some(9), ..Script::default() }).await;
    let options = FeedOptions { reconnect_delay: Duration::from_millis(10), ..FeedOptions::default() };
    let feed = Feed::new(venue.tokens.clone(), options);
    let status = feed.status();
    let live = Arc::new(Live::new(1024));
    let first = FeedSymbols {
        quotes: vec!["SPY".to_owned()],
        greeks: vec![".SPY260116C500".to_owned()],
        ..FeedSymbols::default()
    };
    let (symbols, watched) = watch::channel(first.clone());
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(feed.run(live.clone(), watched, shutdown.clone()));
    wait_for("first events", || {
        live.book::<Quote>().len() == 2 && live.book::<Trade>().len() == 1 && live.book::<Greeks>().len() == 1
    })
    .await;
    let quote = live.book::<Quote>().latest_of("SPY").unwrap();
    assert_eq!((quote.bid, quote.bid_size, quote.ask, quote.ask_size), (Some(1.0), Some(100), Some(1.5), None));
    wait_for("the summaries", || live.book::<Summary>().len() == 2).await;
    let summary = live.book::<Summary>().latest_of("SPY").unwrap();
    assert_eq!(summary.day, "2026-01-05".parse().ok());
    assert_eq!(summary.previous_day, "2026-01-04".parse().ok());
    assert_eq!((summary.day_open, summary.day_close, summary.previous_close), (Some(499.1), None, Some(499.65)));
    assert_eq!((summary.day_close_type.as_deref(), summary.previous_volume), (Some("REGULAR"), Some(54_321_000)));
    wait_for("the tape", || live.book::<TimeAndSale>().len() == 1).await;
    let sale = live.book::<TimeAndSale>().latest_of("SPY").unwrap();
    assert_eq!((sale.price, sale.size, sale.bid, sale.ask), (Some(500.02), Some(100), Some(500.01), None));
    assert_eq!((sale.venue_sequence, sale.exchange_code.as_deref()), (Some(7), Some("Q")));
    assert_eq!((sale.aggressor_side.as_deref(), sale.report_type.as_deref()), (None, Some("NEW")));
    assert_eq!((sale.extended_hours, sale.spread_leg, sale.valid_tick), (Some(false), Some(true), Some(true)));
    assert_eq!(sale.event_at.unwrap().timestamp_micros(), 1_767_627_000_123_456);
    let snapshot = status.snapshot();
    assert!(snapshot.connected);
    assert_eq!((snapshot.events, snapshot.subscriptions, snapshot.ignored), (7, 7, 2));
    // Seven subscriptions are sent; these eight more make the server close the first session.
    let more = FeedSymbols { quotes: ["SPY", "QQQ", "IWM"].map(str::to_owned).to_vec(), ..first };
    symbols.send(more).unwrap();
    wait_for("events after the reconnect", || live.book::<Quote>().len() == 4 && live.book::<Trade>().len() == 3).await;
    wait_for("a reconnect", || status.snapshot().reconnects == 1).await;
    assert!(status.snapshot().last_error.unwrap().contains("connection lost"));
    shutdown.cancel();
    running.await.unwrap();
    assert!(!status.snapshot().connected);
}

#[tokio::test]
async fn rows_have_our_spelling_of_what_the_feed_spells_otherwise() {
    let venue = venue(Script::default()).await;
    let feed = Feed::new(venue.tokens.clone(), FeedOptions::default());
    let live = Arc::new(Live::new(1024));
    let spellings = [("/ESZ6".to_owned(), "/ESZ26:XCME".to_owned())].into();
    let followed = FeedSymbols { quotes: vec!["/ESZ6".to_owned()], spellings, ..FeedSymbols::default() };
    let (_symbols, watched) = watch::channel(followed);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(feed.run(live.clone(), watched, shutdown.clone()));
    wait_for("a quote", || live.book::<Quote>().latest_of("/ESZ6").is_some()).await;
    assert!(live.book::<Quote>().latest_of("/ESZ26:XCME").is_none());
    shutdown.cancel();
    running.await.unwrap();
}

#[test]
fn no_bytes_make_the_decoder_panic() {
    let frames = [
        r#"{"type":"FEED_DATA","channel":1,"data":["Quote",["SPY",500.01,"NaN",0,500.03,1e300,99999999999999999999],"Candle",["SPY",4,1,-9e18,1,2,3,4,5,6,7]]}"#,
        r#"{"type":"FEED_DATA","channel":1,"data":[{"eventType":"Trade","eventSymbol":"SPY","price":"Infinity","time":9223372036854775807}]}"#,
        r#"{"type":"FEED_CONFIG","channel":1,"dataFormat":"COMPACT","eventFields":{"Quote":["eventSymbol","bidPrice"],"Trade":[]}}"#,
    ];
    let mut state = 0x5eed_u64;
    let mut random = move |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound.max(1)
    };
    let mut decoder = Decoder::new();
    decoder.expect(&"SPY".into(), &"SPY".into());
    for _ in 0..20_000 {
        let mut bytes = frames[random(frames.len())].as_bytes().to_vec();
        for _ in 0..random(4) {
            let at = random(bytes.len());
            match random(3) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, b"0123456789\"[]{},:-eEN"[random(20)]),
                _ => bytes[at] = b"0123456789\"[]{},:-eEN"[random(20)],
            }
            if bytes.is_empty() {
                break;
            }
        }
        if let Ok(message) = serde_json::from_slice::<Message<'_>>(&bytes) {
            if let Some(fields) = &message.event_fields {
                decoder.announce(fields);
            }
            decoder.decode(message.data, DateTime::UNIX_EPOCH);
        }
    }
}

#[test]
fn a_large_frame_is_decoded_fast() {
    let symbols: Vec<Arc<str>> = (0..500).map(|number| format!("S{number}").into()).collect();
    let mut decoder = Decoder::new();
    symbols.iter().for_each(|symbol| decoder.expect(symbol, symbol));
    let rows: Vec<String> =
        symbols.iter().map(|symbol| format!(r#""{symbol}",500.01,300.0,0,500.03,200.0,0"#)).collect();
    let text = format!(r#"{{"type":"FEED_DATA","channel":1,"data":["Quote",[{}]]}}"#, rows.join(","));
    let begun = std::time::Instant::now();
    let frames = 40;
    let events: usize = (0..frames)
        .map(|_| {
            let message: Message<'_> = serde_json::from_str(&text).unwrap();
            decoder.decode(message.data, DateTime::UNIX_EPOCH).len()
        })
        .sum();
    assert_eq!(events, 500 * frames);
    // Without optimisation, with two busy cores: still far more than a feed brings.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
