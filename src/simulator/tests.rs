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

mod feed;
mod rest;

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
        Self::of(Options { seed: 42, symbols, rate, clock: hand_set(now), faults, ..Options::default() }).await
    }

    async fn of(options: Options) -> Self {
        let clock = options.clock.clone();
        let shutdown = CancellationToken::new();
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

fn hand_set(now: &str) -> Clock {
    Clock::hand_set(now.parse().unwrap())
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
