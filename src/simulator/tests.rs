//! Tests of the running venue over its sockets.
#![allow(clippy::unwrap_used)]

use super::fault::{Kind, Rule};
use super::{Faults, Options, Simulator};
use crate::clock::Clock;
use chrono::TimeDelta;
use futures::{SinkExt, StreamExt};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A venue for one test, its clock, and a client that holds a token.
struct Fixture {
    venue: Simulator,
    clock: Clock,
    client: Client,
    token: String,
    _shutdown: DropGuard,
}

impl Fixture {
    async fn at(now: &str) -> Self {
        Self::with(now, 40, 200.0, Faults::default()).await
    }

    async fn with(now: &str, symbols: usize, rate: f64, faults: Faults) -> Self {
        let clock = Clock::hand_set(now.parse().unwrap());
        let shutdown = CancellationToken::new();
        let options = Options { seed: 42, symbols, rate, clock: clock.clone(), faults };
        let listener = || TcpListener::bind("127.0.0.1:0");
        let (rest, dxlink) = (listener().await.unwrap(), listener().await.unwrap());
        let venue = Simulator::start(options, rest, dxlink, shutdown.clone()).await.unwrap();
        let client = Client::builder().user_agent("test/1.0").no_proxy().build().unwrap();
        let mut fixture = Self { venue, clock, client, token: String::new(), _shutdown: shutdown.drop_guard() };
        fixture.log_in().await;
        fixture
    }

    async fn log_in(&mut self) {
        let grant = json!({
            "grant_type": "refresh_token", "client_secret": "sim-secret", "refresh_token": "sim-refresh",
        });
        let url = self.url("/oauth/token");
        let reply: Value = self.client.post(url).json(&grant).send().await.unwrap().json().await.unwrap();
        assert_eq!(reply["expires_in"], 900);
        self.token = reply["access_token"].as_str().unwrap().to_owned();
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.venue.rest_addr())
    }

    async fn response(&self, path: &str) -> Response {
        self.client.get(self.url(path)).bearer_auth(&self.token).send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.response(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    async fn items(&self, path: &str) -> Vec<Value> {
        self.get(path).await["data"]["items"].as_array().unwrap().clone()
    }

    async fn feed(&self) -> Feed {
        let token = self.get("/api-quote-tokens").await;
        let mut feed = Feed::connect(token["data"]["dxlink-url"].as_str().unwrap()).await;
        feed.send(json!({"type": "SETUP", "channel": 0, "version": "0.1-test/1.0", "keepaliveTimeout": 60,
            "acceptKeepaliveTimeout": 60}))
            .await;
        assert_eq!(feed.next("SETUP").await["keepaliveTimeout"], 60.0);
        assert_eq!(feed.next("AUTH_STATE").await["state"], "UNAUTHORIZED");
        feed.send(json!({"type": "AUTH", "channel": 0, "token": token["data"]["token"]})).await;
        assert_eq!(feed.next("AUTH_STATE").await["state"], "AUTHORIZED");
        feed
    }
}

/// A client of the feed.
struct Feed(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Feed {
    async fn connect(url: &str) -> Self {
        Self(tokio_tungstenite::connect_async(url).await.unwrap().0)
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn raw(&mut self) -> Option<Message> {
        let received = tokio::time::timeout(Duration::from_secs(20), self.0.next()).await;
        received.expect("a message within 20 seconds")?.ok()
    }

    async fn any(&mut self) -> Value {
        match self.raw().await {
            Some(Message::Text(text)) => serde_json::from_str(&text).unwrap(),
            other => panic!("no text message: {other:?}"),
        }
    }

    /// The next message of a type; others are passed over.
    async fn next(&mut self, kind: &str) -> Value {
        loop {
            let message = self.any().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    async fn open(&mut self, channel: u64, contract: &str) {
        self.send(json!({"type": "CHANNEL_REQUEST", "channel": channel, "service": "FEED",
            "parameters": {"contract": contract}}))
            .await;
        let opened = self.any().await;
        let parameters = json!({"contract": contract, "subFormat": "LIST"});
        assert_eq!(
            opened,
            json!({"type": "CHANNEL_OPENED", "channel": channel, "service": "FEED",
            "parameters": parameters})
        );
    }

    async fn set_up(&mut self, channel: u64, period: f64, fields: Value) {
        self.send(json!({"type": "FEED_SETUP", "channel": channel, "acceptAggregationPeriod": period,
            "acceptDataFormat": "COMPACT", "acceptEventFields": fields}))
            .await;
        let config = json!({"type": "FEED_CONFIG", "channel": channel, "dataFormat": "COMPACT",
            "aggregationPeriod": period});
        assert_eq!(self.any().await, config);
    }

    async fn add(&mut self, channel: u64, pairs: Value) {
        self.send(json!({"type": "FEED_SUBSCRIPTION", "channel": channel, "add": pairs})).await;
    }

    /// Rows of COMPACT data frames of a type until `done`, each row of `width` values.
    async fn rows(&mut self, kind: &str, width: usize, mut done: impl FnMut(&[Value]) -> bool) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        loop {
            let frame = self.next("FEED_DATA").await;
            let data = frame["data"].as_array().unwrap();
            assert_eq!(data.len(), 2, "one type a frame");
            if data[0] != kind {
                continue;
            }
            let values = data[1].as_array().unwrap();
            assert_eq!(values.len() % width, 0);
            for row in values.chunks(width) {
                rows.push(row.to_vec());
                if done(row) {
                    return rows;
                }
            }
        }
    }
}

const OPEN: &str = "2026-01-05T15:00:00Z";
const WEEKEND: &str = "2026-01-10T15:00:00Z";

#[tokio::test]
async fn requests_without_user_agent_or_token_are_refused() {
    let fixture = Fixture::at(OPEN).await;
    let bare = Client::builder().no_proxy().build().unwrap();
    let refused = bare.get(fixture.url("/instruments/equities")).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers()["content-type"].to_str().unwrap()), (401, "text/html"));
    let refused = fixture.client.get(fixture.url("/instruments/equities")).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.json::<Value>().await.unwrap()["error"]["code"], "token_invalid");
    let version = fixture.client.get(fixture.url("/api-quote-tokens")).header("accept-version", "20200101");
    let refused = version.bearer_auth(&fixture.token).send().await.unwrap();
    assert_eq!(refused.json::<Value>().await.unwrap()["error"]["code"], 406);
    let open = fixture.client.get(fixture.url("/margin-requirements-public-configuration")).send().await.unwrap();
    assert_eq!(open.json::<Value>().await.unwrap()["data"]["risk-free-rate"], "0.0412");
}

#[tokio::test]
async fn a_token_expires_by_the_clock() {
    let mut fixture = Fixture::at(OPEN).await;
    fixture.get("/instruments/equities/SPY").await;
    fixture.clock.advance(TimeDelta::seconds(900));
    assert_eq!(fixture.response("/instruments/equities/SPY").await.status(), 401);
    fixture.log_in().await;
    fixture.get("/instruments/equities/SPY").await;
    assert_eq!(fixture.venue.counters().rest_calls("/instruments/equities"), 3);
}

#[tokio::test]
async fn equities_are_listed_in_pages() {
    let fixture = Fixture::with(OPEN, 1_200, 0.0, Faults::default()).await;
    let mut seen = Vec::new();
    for page in 0..4 {
        let reply = fixture.get(&format!("/instruments/equities/active?per-page=400&page-offset={page}")).await;
        assert_eq!(reply["pagination"]["total-pages"], 3);
        assert_eq!(reply["context"], "/instruments/equities/active");
        seen.extend(reply["data"]["items"].as_array().unwrap().iter().map(|item| item["symbol"].clone()));
    }
    assert_eq!(seen.len(), 1_200);
    let some = fixture.items("/instruments/equities?symbol[]=SPY&symbol%5B%5D=BRK%2FB&symbol[]=NOSUCH").await;
    assert_eq!(some.len(), 2);
    assert_eq!((&some[0]["is-etf"], &some[0]["listed-market"]), (&json!(true), &json!("ARCX")));
    let one = fixture.get("/instruments/equities/BRK%2FB").await;
    assert_eq!((&one["data"]["symbol"], &one["context"]), (&json!("BRK/B"), &json!("/instruments/equities/BRK%2FB")));
    assert!(one["data"].get("halted-at").is_none());
    assert_eq!(fixture.response("/instruments/equities?per-page=1001").await.status(), 400);
    assert_eq!(fixture.response("/instruments/equities/NOSUCH").await.status(), 404);
}

#[tokio::test]
async fn the_shapes_of_an_option_chain_agree() {
    let fixture = Fixture::at(OPEN).await;
    let flat = fixture.items("/option-chains/AAPL").await;
    let nested = fixture.items("/option-chains/AAPL/nested").await;
    let compact = fixture.items("/option-chains/AAPL/compact").await;
    let strikes = |expiration: &Value| expiration["strikes"].as_array().unwrap().len();
    let in_nested: usize = nested[0]["expirations"].as_array().unwrap().iter().map(strikes).sum();
    let in_compact: usize = compact.iter().map(|item| item["symbols"].as_array().unwrap().len()).sum();
    assert_eq!((flat.len(), flat.len()), (in_nested * 2, in_compact));
    let occ = flat[0]["symbol"].as_str().unwrap().replace(' ', "%20");
    let one = fixture.get(&format!("/instruments/equity-options/{occ}")).await;
    assert_eq!(one["data"], flat[0]);
    let data = fixture.items(&format!("/market-data/by-type?equity-option={occ}&equity=AAPL,MSFT&equity=SPY")).await;
    assert_eq!(data.len(), 4);
    for item in &data {
        let price = |field: &str| item[field].as_str().unwrap().parse::<f64>().unwrap();
        assert!(price("bid") < price("ask") && price("day-low-price") <= price("day-high-price"), "{item}");
    }
    assert_eq!(fixture.response("/instruments/equity-options").await.status(), 403);
}

#[tokio::test]
async fn metrics_have_the_units_of_the_wire() {
    let fixture = Fixture::at(OPEN).await;
    let items = fixture.items("/market-metrics?symbols=AAPL,SPY%2CNOSUCH").await;
    assert_eq!(items.len(), 2);
    let number = |field: &str| items[0][field].as_str().unwrap().parse::<f64>().unwrap();
    assert!((0.0..=1.0).contains(&number("implied-volatility-index-rank")));
    assert!((0.03..2.0).contains(&number("implied-volatility-index")));
    assert!((3.0..200.0).contains(&number("historical-volatility-30-day")));
    let difference = number("implied-volatility-30-day") - number("historical-volatility-30-day");
    assert!((difference - number("iv-hv-30-day-difference")).abs() < 0.005);
    assert!(items[0]["market-cap"].as_i64().unwrap() > 1_000_000_000);
    assert!(items[1].get("earnings").is_none());
    let events = "/market-metrics/historic-corporate-events";
    let dividends = fixture.items(&format!("{events}/dividends/SPY")).await;
    assert!(dividends[0]["occurred-date"].as_str() > dividends[1]["occurred-date"].as_str());
    let earnings = fixture.items(&format!("{events}/earnings-reports/AAPL?start-date=2024-01-01")).await;
    assert!(earnings[0]["occurred-date"].as_str() < earnings[1]["occurred-date"].as_str());
    assert_eq!(fixture.response(&format!("{events}/earnings-reports/AAPL")).await.status(), 400);
}

#[tokio::test]
async fn sessions_follow_the_exchange_calendar() {
    let fixture = Fixture::at(OPEN).await;
    let sessions = fixture.items("/market-time/sessions?from-date=2026-01-01&to-date=2026-01-05").await;
    assert_eq!(sessions.len(), 2);
    assert!(sessions[1]["open-at"].as_str().unwrap().starts_with("2026-01-05T14:30:00.000"));
    let current = fixture.get("/market-time/equities/sessions/current").await;
    assert_eq!(
        (&current["data"]["state"], &current["data"]["next-session"]["session-date"]),
        (&json!("Open"), &json!("2026-01-06"))
    );
    let next = fixture.get("/market-time/equities/sessions/next?date=2026-01-03").await;
    assert_eq!(next["data"]["session-date"], "2026-01-05");
    let before = fixture.get("/market-time/equities/sessions/previous?date=2026-01-03").await;
    assert_eq!(before["data"]["session-date"], "2026-01-02");
    let holidays = fixture.get("/market-time/equities/holidays").await;
    assert!(holidays["data"]["market-holidays"].as_array().unwrap().contains(&json!("2026-07-03")));
    assert!(holidays["data"]["market-half-days"].as_array().unwrap().contains(&json!("2026-11-27")));
    let span = fixture.response("/market-time/sessions?from-date=2026-01-01&to-date=2026-11-05").await;
    assert_eq!(span.status(), 400);
}

#[tokio::test]
async fn watchlists_hold_the_indices() {
    let fixture = Fixture::with(OPEN, 0, 0.0, Faults::default()).await;
    let lists = fixture.items("/public-watchlists").await;
    let list = lists.iter().find(|list| list["name"] == "S&P 500").unwrap();
    assert_eq!(list["group-name"], "Market Indices");
    assert_eq!(list["watchlist-entries"].as_array().unwrap().len(), 503);
    let one = fixture.get("/public-watchlists/S%26P%20500").await;
    assert_eq!(one["data"]["watchlist-entries"][0]["instrument-type"], "Equity");
    let busiest = fixture.get("/public-watchlists/High%20Options%20Volume").await;
    assert_eq!(busiest["data"]["watchlist-entries"].as_array().unwrap().len(), 200);
}

#[tokio::test]
async fn faults_break_requests_as_told() {
    let fixture = Fixture::at(OPEN).await;
    let path = "/market-metrics?symbols=AAPL,SPY";
    let faults = fixture.venue.faults();
    for (kind, status) in [
        (Kind::Status(500), 500),
        (Kind::BadGateway, 502),
        (Kind::Html, 200),
        (Kind::Unauthorised, 401),
        (Kind::Throttled(None), 429),
    ] {
        faults.inject("/market-metrics", kind, Some(1));
        let response = fixture.response(path).await;
        assert_eq!(response.status(), status);
        assert!(response.headers().get("retry-after").is_none());
    }
    faults.inject("/market-metrics", Kind::Throttled(Some(7)), Some(1));
    assert_eq!(fixture.response(path).await.headers()["retry-after"], "7");
    faults.inject("/market-metrics", Kind::Truncated, Some(1));
    assert!(fixture.response(path).await.json::<Value>().await.is_err());
    faults.inject("/market-metrics", Kind::Drop, Some(1));
    // The connection ends before or after the headers have arrived.
    let request = fixture.client.get(fixture.url(path)).bearer_auth(&fixture.token);
    let dropped = match request.send().await {
        Ok(response) => response.bytes().await.is_err(),
        Err(_) => true,
    };
    assert!(dropped);
    let rule = Rule {
        target: "/market-metrics".to_owned(),
        symbol: Some("SPY".to_owned()),
        kind: Kind::Sparse,
        times: Some(1),
    };
    faults.add(rule);
    let items = fixture.items(path).await;
    assert!(items[0].as_object().unwrap().len() > 20 && items[1].as_object().unwrap().len() == 2);
    faults.inject("/instruments", Kind::Nulls, Some(1));
    let nulls = fixture.get("/instruments/equities/SPY").await;
    assert_eq!(nulls["data"].get("halted-at"), Some(&Value::Null));
    fixture.get(path).await;
}

#[tokio::test]
async fn quotes_follow_the_handshake() {
    let fixture = Fixture::at(WEEKEND).await;
    let mut feed = fixture.feed().await;
    feed.open(1, "AUTO").await;
    let fields = ["eventType", "eventSymbol", "bidPrice", "askPrice", "nonsense", "bidSize", "askSize"];
    feed.set_up(1, 0.05, json!({"Quote": fields})).await;
    feed.add(1, json!([{"type": "Quote", "symbol": "SPY"}, {"type": "Quote", "symbol": "NOSUCH"}])).await;
    let config = feed.any().await;
    assert_eq!(config["type"], "FEED_CONFIG");
    let announced = ["eventType", "eventSymbol", "bidPrice", "askPrice", "bidSize", "askSize"];
    assert_eq!(config["eventFields"], json!({"Quote": announced}));
    let mut count = 0;
    let rows = feed
        .rows("Quote", 6, |_| {
            count += 1;
            count == 5
        })
        .await;
    for row in rows {
        assert_eq!((&row[0], &row[1]), (&json!("Quote"), &json!("SPY")));
        assert!(row[2].as_f64() < row[3].as_f64() && row[4].as_f64().unwrap() > 0.0);
    }
    feed.send(json!({"type": "FEED_SUBSCRIPTION", "channel": 1, "reset": true,
        "add": [{"type": "Summary", "symbol": "SPY"}, {"type": "Profile", "symbol": "SPY"},
            {"type": "Trade", "symbol": "SPY"}, {"type": "Greeks", "symbol": ".SPY260320C560"}]}))
        .await;
    let mut seen = std::collections::HashSet::new();
    while seen.len() < 4 {
        let frame = feed.next("FEED_DATA").await;
        if frame["data"][0] != "Quote" {
            seen.insert(frame["data"][0].as_str().unwrap().to_owned());
        }
    }
}

#[tokio::test]
async fn without_feed_setup_data_is_full() {
    let fixture = Fixture::at(OPEN).await;
    let mut feed = fixture.feed().await;
    feed.open(1, "AUTO").await;
    feed.add(1, json!([{"type": "Quote", "symbol": "SPY"}])).await;
    let frame = feed.next("FEED_DATA").await;
    assert_eq!(frame["data"][0]["eventType"], "Quote");
    assert!(frame["data"][0]["bidPrice"].as_f64() < frame["data"][0]["askPrice"].as_f64());
}

const CANDLE_FIELDS: [&str; 8] = ["eventSymbol", "eventFlags", "time", "open", "high", "low", "close", "volume"];

fn last_of_snapshot(row: &[Value]) -> bool {
    row[1].as_i64().unwrap() & 0x18 != 0
}

async fn candle_feed(fixture: &Fixture) -> Feed {
    let mut feed = fixture.feed().await;
    feed.open(3, "AUTO").await;
    feed.set_up(3, 0.1, json!({"Candle": CANDLE_FIELDS})).await;
    feed
}

#[tokio::test]
async fn candle_snapshots_come_newest_first() {
    let fixture = Fixture::at(OPEN).await;
    let mut feed = candle_feed(&fixture).await;
    let from = 1_577_836_800_000_i64;
    feed.add(3, json!([{"type": "Candle", "symbol": "AAPL{=1d,tho=true}", "fromTime": from}])).await;
    let rows = feed.rows("Candle", 8, last_of_snapshot).await;
    assert!(rows.len() > 1_500);
    assert_eq!(rows[0][1], 0x04);
    assert_eq!(rows.last().unwrap()[1], 0x08);
    assert!(rows.iter().all(|row| row[0] == "AAPL{=d,tho=true}"));
    assert!(rows.is_sorted_by(|one, other| one[2].as_i64() > other[2].as_i64()));
    // The current bar is sent again while it changes, and it closes at the last trade.
    fixture.clock.advance(TimeDelta::seconds(50));
    let update = feed.rows("Candle", 8, |_| true).await;
    assert_eq!((&update[0][1], &update[0][2]), (&json!(0), &rows[0][2]));
    feed.add(3, json!([{"type": "Trade", "symbol": "AAPL"}])).await;
    let config = feed.next("FEED_CONFIG").await;
    let fields = config["eventFields"]["Trade"].as_array().unwrap().clone();
    let price = fields.iter().position(|field| field == "price").unwrap();
    let trade = feed.rows("Trade", fields.len(), |_| true).await;
    assert_eq!(trade[0][price], update[0][6]);
    feed.add(3, json!([{"type": "Candle", "symbol": "NOSUCH{=d}", "fromTime": 0}])).await;
    let rows = feed.rows("Candle", 8, last_of_snapshot).await;
    assert_eq!((&rows[rows.len() - 1][1], &rows[rows.len() - 1][6]), (&json!(0x0e), &json!("NaN")));
    assert_eq!(fixture.venue.counters().snapshots, 2);
}

#[tokio::test]
async fn snapshot_faults_are_applied() {
    let fixture = Fixture::at(OPEN).await;
    let mut feed = candle_feed(&fixture).await;
    let from = 1_761_955_200_000_i64;
    let pair = json!([{"type": "Candle", "symbol": "AAPL{=d}", "fromTime": from}]);
    let faults = fixture.venue.faults();
    faults.inject("Candle", Kind::Snip, Some(1));
    feed.add(3, pair.clone()).await;
    let snipped = feed.rows("Candle", 8, last_of_snapshot).await;
    assert_eq!(snipped.last().unwrap()[1], 0x10);
    faults.inject("Candle", Kind::EmptySnapshot, Some(1));
    feed.add(3, pair.clone()).await;
    assert_eq!(feed.rows("Candle", 8, last_of_snapshot).await[0][1], 0x0e);
    faults.inject("Candle", Kind::NotANumber, Some(1));
    feed.add(3, pair.clone()).await;
    assert_eq!(feed.rows("Candle", 8, last_of_snapshot).await[0][6], "NaN");
    faults.inject("Candle", Kind::Correction, Some(1));
    feed.add(3, pair.clone()).await;
    let whole = feed.rows("Candle", 8, last_of_snapshot).await;
    assert!(whole.len() > snipped.len());
    assert_eq!(feed.rows("Candle", 8, |_| true).await[0][1], 0x03);
    assert_eq!(feed.rows("Candle", 8, |_| true).await[0][1], 0x00);
    faults.inject("Candle", Kind::Full { announced: false }, Some(1));
    feed.add(3, pair.clone()).await;
    feed.rows("Candle", 8, last_of_snapshot).await;
    feed.add(3, pair.clone()).await;
    assert!(feed.next("FEED_DATA").await["data"][0].is_object());
    faults.inject("Candle", Kind::Drop, Some(1));
    feed.add(3, pair).await;
    loop {
        match feed.raw().await {
            Some(Message::Text(_)) => {}
            Some(Message::Close(_)) => panic!("dropped with a word"),
            _ => break,
        }
    }
}

#[tokio::test]
async fn the_protocol_is_guarded() {
    let fixture = Fixture::at(OPEN).await;
    let mut feed = fixture.feed().await;
    feed.send(json!({"type": "FEED_SETUP", "channel": 9})).await;
    let error = feed.any().await;
    assert_eq!(
        (&error["type"], &error["channel"], &error["error"]),
        (&json!("ERROR"), &json!(9), &json!("BAD_ACTION"))
    );
    feed.0.send(Message::text("{not json")).await.unwrap();
    assert_eq!(feed.any().await["error"], "INVALID_MESSAGE");
    feed.open(1, "AUTO").await;
    feed.send(json!({"type": "CHANNEL_REQUEST", "channel": 1, "service": "FEED", "parameters": {"contract": "AUTO"}}))
        .await;
    assert_eq!(feed.any().await["error"], "BAD_ACTION");
    let candles: Vec<Value> =
        (1..=101).map(|minutes| json!({"type": "Candle", "symbol": format!("NOSUCH{{={minutes}m}}")})).collect();
    feed.add(1, json!(candles)).await;
    assert_eq!(feed.next("ERROR").await["error"], "BAD_ACTION");
    feed.send(json!({"type": "CHANNEL_CANCEL", "channel": 1})).await;
    assert_eq!(feed.next("CHANNEL_CLOSED").await["channel"], 1);
    feed.0.send(Message::text(format!("{{\"x\":\"{}\"}}", "y".repeat(70_000)))).await.unwrap();
    match feed.raw().await {
        Some(Message::Close(Some(frame))) => assert_eq!(u16::from(frame.code), 1009),
        other => panic!("no close frame: {other:?}"),
    }
}

#[tokio::test]
async fn a_bad_token_opens_nothing() {
    let fixture = Fixture::at(OPEN).await;
    let mut feed = Feed::connect(&format!("ws://{}/realtime", fixture.venue.dxlink_addr())).await;
    feed.send(json!({"type": "SETUP", "channel": 0, "version": "0.1"})).await;
    feed.send(json!({"type": "AUTH", "channel": 0, "token": "wrong"})).await;
    assert_eq!(feed.next("AUTH_STATE").await["state"], "UNAUTHORIZED");
    assert_eq!(feed.next("AUTH_STATE").await["state"], "UNAUTHORIZED");
    feed.send(json!({"type": "CHANNEL_REQUEST", "channel": 1, "service": "FEED"})).await;
    assert_eq!(feed.next("ERROR").await["error"], "UNAUTHORIZED");
}

#[tokio::test]
async fn a_silent_client_is_cut_off_and_an_idle_one_hears_a_keepalive() {
    let fixture = Fixture::at(OPEN).await;
    let mut feed = fixture.feed().await;
    fixture.clock.advance(TimeDelta::seconds(30));
    assert_eq!(feed.next("KEEPALIVE").await["channel"], 0);
    feed.send(json!({"type": "KEEPALIVE", "channel": 0})).await;
    feed.open(1, "AUTO").await;
    fixture.clock.advance(TimeDelta::seconds(61));
    assert_eq!(feed.next("ERROR").await["error"], "TIMEOUT");
    assert!(matches!(feed.raw().await, Some(Message::Close(_))));
}

#[tokio::test]
async fn a_large_universe_starts_quickly() {
    let begun = Instant::now();
    let fixture = Fixture::with(OPEN, 20_000, 0.0, Faults::default()).await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(fixture.items("/instruments/equities/active?per-page=5000&page-offset=3").await.len(), 5_000);
}

/// 50,000 quotes a second is the promise for an optimised build; this one asks for what any build can do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_quote_of_a_stream_arrives() {
    let rate = 10_000.0;
    let fixture = Fixture::with(OPEN, 200, rate, Faults::default()).await;
    let symbols: Vec<Value> = fixture.items("/instruments/equities/active").await;
    let pairs: Vec<Value> = symbols.iter().map(|item| json!({"type": "Quote", "symbol": item["symbol"]})).collect();
    let mut feed = fixture.feed().await;
    feed.open(1, "STREAM").await;
    feed.set_up(1, 0.0, json!({"Quote": ["eventSymbol", "bidPrice", "askPrice"]})).await;
    feed.add(1, json!(pairs)).await;
    feed.next("FEED_DATA").await;
    let (made_before, begun) = (fixture.venue.counters().quotes, Instant::now());
    let mut count = 0;
    feed.rows("Quote", 3, |_| {
        count += 1;
        count >= 15_000
    })
    .await;
    let seconds = begun.elapsed().as_secs_f64();
    let made = fixture.venue.counters().quotes - made_before;
    assert!(seconds < 6.0, "15000 quotes took {seconds} s");
    assert!(made as f64 <= 15_000.0 + rate, "{made} made, 15000 received");
}

#[tokio::test]
async fn feed_faults_end_connections_as_told() {
    let fixture = Fixture::at(OPEN).await;
    let faults = fixture.venue.faults();
    let quote = || json!([{"type": "Quote", "symbol": "SPY"}]);
    let mut feed = fixture.feed().await;
    feed.open(1, "AUTO").await;
    feed.set_up(1, 0.05, json!({"Quote": ["eventSymbol", "bidPrice"]})).await;
    faults.inject("Quote", Kind::NotANumber, Some(1));
    feed.add(1, quote()).await;
    assert_eq!(feed.rows("Quote", 2, |_| true).await, [[json!("SPY"), json!("NaN")]]);
    assert!(feed.rows("Quote", 2, |_| true).await[0][1].is_f64());
    assert_eq!(fixture.venue.counters().subscriptions, 1);
    faults.inject("Quote", Kind::Garbage, Some(1));
    let garbage = loop {
        match feed.raw().await {
            Some(Message::Text(text)) if serde_json::from_str::<Value>(&text).is_err() => break true,
            Some(Message::Text(_)) => {}
            _ => break false,
        }
    };
    assert!(garbage);
    faults.inject("Quote", Kind::Close(1009), Some(1));
    let code = loop {
        match feed.raw().await {
            Some(Message::Text(_)) => {}
            Some(Message::Close(Some(frame))) => break u16::from(frame.code),
            other => panic!("no close frame: {other:?}"),
        }
    };
    assert_eq!(code, 1009);
    let deadline = Instant::now() + Duration::from_secs(5);
    while fixture.venue.counters().subscriptions > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(fixture.venue.counters().subscriptions, 0);
    faults.inject("AUTH", Kind::Unauthorised, Some(1));
    let mut feed = Feed::connect(&format!("ws://{}/realtime", fixture.venue.dxlink_addr())).await;
    feed.send(json!({"type": "AUTH", "channel": 0, "token": "any"})).await;
    assert_eq!(feed.next("ERROR").await["error"], "UNAUTHORIZED");
    assert!(matches!(feed.raw().await, Some(Message::Close(_))));
}
