//! A replay of recordings that are written by hand.
#![allow(clippy::unwrap_used)]

use super::{Recording, Replay};
use futures::{SinkExt, StreamExt};
use reqwest::Client;
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A recording of these exchanges and connections.
fn folder(rest: &[Value], feeds: &[&[Value]]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("recording.json"), r#"{"format":1}"#).unwrap();
    let source = folder.path().join("venue");
    std::fs::create_dir(&source).unwrap();
    let lines = |values: &[Value]| values.iter().map(|value| format!("{value}\n")).collect::<String>();
    std::fs::write(source.join("rest.jsonl"), lines(rest)).unwrap();
    for (at, feed) in feeds.iter().enumerate() {
        std::fs::write(source.join(format!("feed-{}.jsonl", at + 1)), lines(feed)).unwrap();
    }
    folder
}

fn exchange(path: &str, query: &str, status: u16, body: &str) -> Value {
    json!({"at_ms": 0, "method": "GET", "path": path, "query": query, "status": status, "headers": {}, "body": body})
}

struct Fixture {
    replay: Replay,
    client: Client,
    _shutdown: DropGuard,
    _folder: TempDir,
}

impl Fixture {
    async fn of(folder: TempDir) -> Self {
        let shutdown = CancellationToken::new();
        let listener = || TcpListener::bind("127.0.0.1:0");
        let (rest, dxlink) = (listener().await.unwrap(), listener().await.unwrap());
        let recording = Recording::open(folder.path()).unwrap();
        let replay = Replay::start(recording, f64::INFINITY, rest, dxlink, shutdown.clone()).unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        Self { replay, client, _shutdown: shutdown.drop_guard(), _folder: folder }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(format!("http://{}{path}", self.replay.rest_addr())).send().await.unwrap()
    }

    async fn text(&self, path: &str) -> String {
        self.get(path).await.text().await.unwrap()
    }

    /// Whether an answer breaks off, with or without its head.
    async fn is_broken(&self, path: &str) -> bool {
        match self.client.get(format!("http://{}{path}", self.replay.rest_addr())).send().await {
            Ok(response) => response.bytes().await.is_err(),
            Err(_) => true,
        }
    }

    /// A connection with an open channel, which subscribes.
    async fn subscribed(&self, channel: u64, pairs: Value) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
        let url = format!("ws://{}/realtime", self.replay.dxlink_addr());
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        for message in [
            json!({"type": "SETUP", "channel": 0, "version": "0.1"}),
            json!({"type": "AUTH", "channel": 0, "token": "whatever"}),
            json!({"type": "CHANNEL_REQUEST", "channel": channel, "service": "FEED", "parameters": {"contract": "AUTO"}}),
            json!({"type": "FEED_SETUP", "channel": channel}),
            json!({"type": "FEED_SUBSCRIPTION", "channel": channel, "add": pairs}),
        ] {
            socket.send(Message::text(message.to_string())).await.unwrap();
        }
        for kind in ["SETUP", "AUTH_STATE", "AUTH_STATE", "CHANNEL_OPENED", "FEED_CONFIG"] {
            let message: Value = serde_json::from_str(&text(&mut socket).await.unwrap()).unwrap();
            assert_eq!(message["type"], kind);
        }
        socket
    }
}

/// The next text; `Err` is the code with which the connection was closed.
async fn text(socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>) -> Result<String, Option<u16>> {
    match socket.next().await {
        Some(Ok(Message::Text(text))) => Ok(text.to_string()),
        Some(Ok(Message::Close(frame))) => Err(frame.map(|frame| frame.code.into())),
        _ => Err(None),
    }
}

#[tokio::test]
async fn requests_are_answered_in_turn_and_the_last_answer_stays() {
    let busy = json!({"at_ms": 0, "method": "GET", "path": "/a", "query": "x=1&y=2", "status": 429,
        "headers": {"retry-after": "7", "content-type": "text/html"}, "body": "<html>busy</html>"});
    let folder = folder(&[busy, exchange("/a", "x=1&y=2", 200, "{\"n\":1}"), exchange("/a", "y=3", 200, "3")], &[]);
    let fixture = Fixture::of(folder).await;
    let first = fixture.get("/a?y=2&x=1").await;
    assert_eq!((first.status().as_u16(), &first.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    assert_eq!((&first.headers()["content-type"], first.content_length()), (&"text/html".parse().unwrap(), Some(17)));
    assert_eq!(fixture.text("/a?x=1&y=2").await, "{\"n\":1}");
    assert_eq!(fixture.text("/a?x=1&y=2").await, "{\"n\":1}");
    assert_eq!(fixture.text("/a?y=3").await, "3");
}

#[tokio::test]
async fn what_was_not_asked_is_named() {
    let fixture = Fixture::of(folder(&[exchange("/a", "", 200, "")], &[])).await;
    for path in ["/b?symbol=SPY", "/a?x=1"] {
        let answer = fixture.get(path).await;
        assert_eq!(answer.status(), 404);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["message"], format!("GET {path} is not in the recording"));
    }
}

#[tokio::test]
async fn another_day_is_answered_by_the_day_that_was_recorded() {
    let recorded = [exchange("/q", "s=spy&d1=20260101", 200, "one"), exchange("/q", "s=spy&d1=20260102", 200, "two")];
    let fixture = Fixture::of(folder(&recorded, &[])).await;
    assert_eq!(fixture.text("/q?s=spy&d1=20260102").await, "two");
    assert_eq!(fixture.text("/q?s=spy&d1=20270101").await, "one");
    assert_eq!(fixture.text("/q?s=spy&d1=20270101").await, "two");
    assert_eq!(fixture.get("/q?s=qqq&d1=20270101").await.status(), 404);
}

#[tokio::test]
async fn tokens_and_the_address_of_the_feed_are_its_own() {
    let refused =
        json!({"at_ms": 0, "method": "POST", "path": "/oauth/token", "status": 400, "headers": {}, "body": "{}"});
    let body = r#"{"data":{"token":"***","dxlink-url" : "wss://far.example/realtime","level":"api"}}"#;
    let fixture = Fixture::of(folder(&[refused, exchange("/api-quote-tokens", "", 200, body)], &[])).await;
    let token = fixture.client.post(format!("http://{}/oauth/token", fixture.replay.rest_addr())).send().await.unwrap();
    assert!(token.json::<Value>().await.unwrap()["access_token"].is_string());
    let expected = body.replace("wss://far.example", &format!("ws://{}", fixture.replay.dxlink_addr()));
    assert_eq!(fixture.text("/api-quote-tokens").await, expected);
}

#[tokio::test]
async fn bodies_that_broke_off_break_off_and_bytes_stay_bytes() {
    let mut broken = exchange("/broken", "", 200, "{\"data\":");
    broken["broken"] = json!("the connection was reset");
    let nothing =
        json!({"at_ms": 0, "method": "GET", "path": "/nothing", "headers": {}, "body": "", "broken": "timeout"});
    let mut bytes = exchange("/bytes", "", 200, "");
    bytes.as_object_mut().unwrap().remove("body");
    bytes["body_base64"] = json!("/w==");
    let fixture = Fixture::of(folder(&[broken, nothing, bytes], &[])).await;
    assert!(fixture.is_broken("/broken").await && fixture.is_broken("/nothing").await);
    assert_eq!(fixture.get("/bytes").await.bytes().await.unwrap().as_ref(), b"\xff");
}

/// A connection on channel 3 of the recording, on which this was asked for and came.
fn feed(symbol: &str, frames: &[&str], ended: Option<&str>) -> Vec<Value> {
    let sent = |at_ms: u64, message: Value| json!({"at_ms": at_ms, "sent": message.to_string()});
    let mut lines = vec![
        json!({"at_ms": 0, "opened": "wss://far.example/realtime"}),
        json!({"at_ms": 1, "received": r#"{"type":"AUTH_STATE","channel":0,"state":"UNAUTHORIZED"}"#}),
        sent(2, json!({"type": "CHANNEL_REQUEST", "channel": 3, "service": "FEED"})),
        json!({"at_ms": 3, "received": r#"{"type":"CHANNEL_OPENED","channel":3}"#}),
        sent(
            4,
            json!({"type": "FEED_SETUP", "channel": 3, "acceptEventFields": {"Quote": ["eventSymbol", "bidPrice"]}}),
        ),
        sent(5, json!({"type": "FEED_SUBSCRIPTION", "channel": 3, "add": [{"type": "Quote", "symbol": symbol}]})),
    ];
    lines.extend(frames.iter().map(|frame| json!({"at_ms": 86_400_000, "received": frame})));
    lines.extend(ended.map(|ended| json!({"at_ms": 86_400_000, "ended": ended})));
    lines
}

#[tokio::test]
async fn a_connection_gets_the_frames_that_were_recorded_for_what_it_asks() {
    let data = |price: &str| format!(r#"{{"type":"FEED_DATA","channel" : 3,"data":["Quote",["SPY",{price}]]}}"#);
    let (one, other) = (data("1.50"), data("2"));
    let feeds = [feed("QQQ", &[&other], None), feed("SPY", &[&one, "{\"cut", &other], Some("closed with code 1009 "))];
    let fixture = Fixture::of(folder(&[], &[&feeds[0], &feeds[1]])).await;
    let mut socket = fixture.subscribed(7, json!([{"type": "Quote", "symbol": "SPY"}])).await;
    let config: Value = serde_json::from_str(&text(&mut socket).await.unwrap()).unwrap();
    assert_eq!((&config["channel"], &config["eventFields"]["Quote"][1]), (&json!(7), &json!("bidPrice")));
    assert_eq!(text(&mut socket).await, Ok(one.replace(" 3", " 7")));
    assert_eq!(text(&mut socket).await, Ok("{\"cut".to_owned()));
    assert_eq!(text(&mut socket).await, Ok(other.replace(" 3", " 7")));
    assert_eq!(text(&mut socket).await, Err(Some(1009)));
    // The other one is not for this symbol: the same one again.
    let mut socket = fixture.subscribed(3, json!([{"type": "Quote", "symbol": "SPY"}])).await;
    text(&mut socket).await.unwrap();
    assert_eq!(text(&mut socket).await, Ok(one));
}

#[track_caller]
fn check_damage(change: impl Fn(&Path), expected: &str) {
    let folder = folder(&[exchange("/a", "", 200, "")], &[&feed("SPY", &["{}"], None)]);
    assert!(Recording::open(folder.path()).is_ok());
    change(folder.path());
    let error = Recording::open(folder.path()).map(drop).unwrap_err();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn damage_is_told_with_its_file_and_line() {
    let add = |file: &'static str, text: &'static str| {
        move |folder: &Path| {
            let path = folder.join(file);
            let before = std::fs::read_to_string(&path).unwrap();
            std::fs::write(path, before + text).unwrap();
        }
    };
    check_damage(add("venue/rest.jsonl", "{\"at_ms\":\n"), "rest.jsonl, line 2: it is damaged, at byte");
    check_damage(add("venue/rest.jsonl", "{\"method\":\"GET\",\"path\":\"/a\"}"), "rest.jsonl, line 2: it is cut off");
    let status = "{\"method\":\"GET\",\"path\":\"/a\",\"status\":7}\n";
    check_damage(add("venue/rest.jsonl", status), "rest.jsonl, line 2: its status is none");
    let base64 = "{\"method\":\"GET\",\"path\":\"/a\",\"body_base64\":\"?\"}\n";
    check_damage(add("venue/rest.jsonl", base64), "rest.jsonl, line 2: its body_base64 is damaged");
    check_damage(add("venue/feed-1.jsonl", "{\"at_ms\":1}\n"), "feed-1.jsonl, line 8: it has not exactly one of");
    check_damage(add("venue/feed-1.jsonl", "\n"), "feed-1.jsonl, line 8: it is damaged");
    let format = |folder: &Path| std::fs::write(folder.join("recording.json"), r#"{"format":2}"#).unwrap();
    check_damage(format, "its format is not 1");
    check_damage(|folder| std::fs::remove_file(folder.join("recording.json")).unwrap(), "no recording is there");
}
