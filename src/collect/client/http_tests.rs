//! The client against a scripted server: tokens, retries, breaker, bodies that are no JSON.

#![allow(clippy::unwrap_used)]

use super::super::breaker::BreakerState;
use super::super::get::segment;
use super::super::scripted::{Scripted, json, response};
use super::*;
use chrono::{DateTime, TimeDelta};
use tokio::time::Instant;

fn clock() -> Clock {
    Clock::hand_set(DateTime::UNIX_EPOCH)
}

fn is_token(head: &str) -> bool {
    head.starts_with("POST /oauth/token ")
}

fn data() -> Get {
    Get::new("/data")
}

#[tokio::test]
async fn many_requests_make_one_token_call_and_send_our_name() {
    let server = Scripted::start(|head, _| match is_token(head) {
        true => String::new(),
        false if head.to_lowercase().contains("user-agent: ttapi/") && head.contains("Bearer token-0") => {
            json(200, "{}")
        }
        false => json(401, "{}"),
    })
    .await;
    let client = server.client(clock());
    let requests = (0..50).map(|_| async { client.get(&data()).await });
    assert!(futures::future::join_all(requests).await.iter().all(Result::is_ok));
    assert_eq!(server.requests("/oauth/token").len(), 1);
    assert_eq!(client.calls(), 51);
}

#[tokio::test]
async fn a_token_is_renewed_a_minute_before_it_expires() {
    let server = Scripted::start(|head, _| if is_token(head) { String::new() } else { json(200, "{}") }).await;
    let clock = clock();
    let client = server.client(clock.clone());
    client.get(&data()).await.unwrap();
    clock.advance(TimeDelta::seconds(839));
    client.get(&data()).await.unwrap();
    assert_eq!(server.requests("/oauth/token").len(), 1);
    clock.advance(TimeDelta::seconds(1));
    client.get(&data()).await.unwrap();
    assert_eq!(server.requests("/oauth/token").len(), 2);
}

#[tokio::test]
async fn an_invalid_token_is_replaced_once() {
    let invalid = r#"{"error":{"code":"token_invalid","message":"This token is invalid or has expired"}}"#;
    let server = Scripted::start(move |head, _| match is_token(head) {
        true => String::new(),
        false if head.contains("Bearer token-0") => json(401, invalid),
        false => json(200, "{\"data\":1}"),
    })
    .await;
    let client = server.client(clock());
    assert_eq!(client.get(&data()).await.unwrap()["data"], 1);
    assert_eq!(server.requests("/oauth/token").len(), 2);
    let always = Scripted::start(move |head, _| if is_token(head) { String::new() } else { json(401, invalid) }).await;
    let error = always.client(clock()).get(&data()).await.unwrap_err();
    assert_eq!(error.status(), Some(401));
    assert_eq!(always.requests("/data").len(), 2);
}

#[tokio::test]
async fn any_401_makes_one_new_token() {
    for answer in [
        json(401, r#"{"error":{"code":"session_gone","message":"who are you"}}"#),
        response(401, "Content-Type: text/html\r\n", "<html>401</html>"),
        json(401, ""),
    ] {
        let server = Scripted::start(move |head, _| match is_token(head) {
            true => String::new(),
            false if head.contains("Bearer token-0") => answer.clone(),
            false => json(200, "{\"data\":1}"),
        })
        .await;
        let client = server.client(clock());
        let requests = (0..20).map(|_| async { client.get(&data()).await });
        assert!(futures::future::join_all(requests).await.iter().all(Result::is_ok));
        assert_eq!(server.requests("/oauth/token").len(), 2);
    }
}

#[tokio::test]
async fn what_is_never_taken_does_not_make_a_token_each_time() {
    let server = Scripted::start(|head, _| if is_token(head) { String::new() } else { json(401, "{}") }).await;
    let client = server.client(clock());
    for _ in 0..10 {
        assert_eq!(client.get(&data()).await.unwrap_err().status(), Some(401));
    }
    assert_eq!(server.requests("/oauth/token").len(), 2);
}

#[tokio::test]
async fn a_refused_grant_is_asked_for_again_once_an_hour_and_tells_no_secret() {
    let refused = r#"{"error":"invalid_grant","error_description":"refresh-hush is not known"}"#;
    let server = Scripted::start(move |_, _| json(400, refused)).await;
    let clock = clock();
    let client = server.client(clock.clone());
    let requests = (0..20).map(|_| async { client.get(&data()).await });
    for result in futures::future::join_all(requests).await {
        let error = result.unwrap_err();
        assert!(matches!(error, ClientError::Refused { .. }));
        assert!(!format!("{error} {error:?} {client:?}").contains("hush"));
    }
    clock.advance(TimeDelta::seconds(3599));
    client.get(&data()).await.unwrap_err();
    assert_eq!(server.requests("/oauth/token").len(), 1);
    clock.advance(TimeDelta::seconds(1));
    client.get(&data()).await.unwrap_err();
    client.get(&data()).await.unwrap_err();
    assert_eq!(server.requests("/oauth/token").len(), 2);
    client.ask_again().await;
    client.get(&data()).await.unwrap_err();
    assert_eq!(server.requests("/oauth/token").len(), 2, "one command is one try");
    clock.advance(TimeDelta::seconds(2));
    client.ask_again().await;
    client.get(&data()).await.unwrap_err();
    assert_eq!((server.requests("/oauth/token").len(), server.requests("/data").len()), (3, 0));
}

#[tokio::test]
async fn a_token_route_that_answers_otherwise_is_asked_again_and_less_and_less_often() {
    let pages = [
        response(400, "Content-Type: text/html\r\n", "<html>refresh-hush</html>"),
        response(401, "", "<html>nobody</html>"),
        json(403, r#"{"error":{"code":"blocked","message":"refresh-hush of client-hush"}}"#),
        json(400, r#"{"error":"invalid_request","error_description":"client-hush"}"#),
    ];
    for page in pages {
        let once = page.clone();
        let server = Scripted::start(move |head, number| match is_token(head) && number == 0 {
            true => once.clone(),
            false if is_token(head) => String::new(),
            false => json(200, "{}"),
        })
        .await;
        let clock = clock();
        let client = server.client(clock.clone());
        let error = client.get(&data()).await.unwrap_err();
        assert!(!matches!(error, ClientError::Refused { .. }) && !format!("{error:?}").contains("hush"), "{error:?}");
        clock.advance(TimeDelta::milliseconds(250));
        client.get(&data()).await.unwrap();
        let server = Scripted::start(move |_, _| page.clone()).await;
        let client = server.client(clock.clone());
        // Two minutes of requests, ten a second.
        for _ in 0..1200 {
            client.get(&Get { attempts: Some(1), ..data() }).await.unwrap_err();
            clock.advance(TimeDelta::milliseconds(100));
        }
        let calls = server.requests("/oauth/token").len();
        assert!((8..=11).contains(&calls), "{calls}");
        let held = client.endpoints().into_iter().find(|endpoint| endpoint.endpoint == "/oauth/token").unwrap();
        assert_eq!(held.breaker_state, BreakerState::Open);
    }
}

#[tokio::test]
async fn a_failing_token_call_is_shared_by_all_that_wait_for_it() {
    let server = Scripted::start(|_, _| response(502, "", "<html></html>")).await;
    let client = server.client(clock());
    let get = Get { attempts: Some(1), ..data() };
    let requests = (0..20).map(|_| async { client.get(&get).await });
    assert!(futures::future::join_all(requests).await.iter().all(Result::is_err));
    assert_eq!(server.requests("/oauth/token").len(), 1);
}

#[tokio::test]
async fn transient_failures_are_tried_again_and_refusals_are_not() {
    let server = Scripted::start(|head, number| match (is_token(head), number) {
        (true, _) => String::new(),
        _ if head.contains("/missing") => json(404, r#"{"error":{"code":"not_found","message":"no such thing"}}"#),
        (_, 0) => response(502, "Content-Type: text/html\r\n", "<html>bad gateway</html>"),
        (_, 1) => json(200, r#"{"data":{"items":["#),
        _ => json(200, "{}"),
    })
    .await;
    let client = server.client(clock());
    client.get(&data()).await.unwrap();
    assert_eq!(server.requests("/data").len(), 3);
    let error = client.get(&Get::new("/missing")).await.unwrap_err();
    assert!(error.to_string().ends_with("/missing: status 404 (not_found): no such thing"), "{error}");
    assert_eq!(server.requests("/missing").len(), 1);
}

#[tokio::test]
async fn retry_after_is_honoured_and_a_429_body_is_never_data() {
    let server = Scripted::start(|head, number| match (is_token(head), number) {
        (true, _) => String::new(),
        _ if head.contains("/later") => response(429, "Retry-After: 3600\r\n", "{\"data\":{}}"),
        (_, 0) => response(429, "Retry-After: 2\r\n", "{\"data\":{}}"),
        _ => json(200, "{\"data\":1}"),
    })
    .await;
    let client = server.client(clock());
    let begun = Instant::now();
    assert_eq!(client.get(&data()).await.unwrap()["data"], 1);
    assert!(begun.elapsed() >= Duration::from_secs(2));
    let error = client.get(&Get::new("/later")).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert_eq!(server.requests("/later").len(), 1);
}

#[tokio::test]
async fn a_long_retry_after_holds_every_request_to_the_source() {
    for (status, asked) in [(429, "120"), (503, "120"), (429, "Thu, 01 Jan 1970 00:02:00 GMT")] {
        let server = Scripted::start(move |head, _| match head.contains("/throttled") {
            true => response(status, &format!("Retry-After: {asked}\r\n"), "{}"),
            false if is_token(head) => String::new(),
            false => json(200, "{}"),
        })
        .await;
        let clock = clock();
        let client = server.client(clock.clone());
        client.get(&Get::new("/throttled")).await.unwrap_err();
        let requests = (0..48).map(|_| async { client.get(&data()).await });
        for result in futures::future::join_all(requests).await {
            let error = result.unwrap_err();
            assert!(matches!(error, ClientError::Paused { .. }), "{error}");
            assert!(error.to_string().contains("1970-01-01 00:02:00"), "{error}");
        }
        assert_eq!((server.requests("/data").len(), server.requests("/throttled").len()), (0, 1));
        assert!(client.endpoints().iter().all(|endpoint| endpoint.breaker_state == BreakerState::Open));
        clock.advance(TimeDelta::seconds(120));
        client.get(&data()).await.unwrap();
    }
}

#[tokio::test]
async fn what_the_token_route_demands_holds_every_request() {
    let server = Scripted::start(|head, number| match is_token(head) && number == 1 {
        true => response(429, "Retry-After: 90\r\n", "{}"),
        false if is_token(head) => String::new(),
        false => json(200, "{}"),
    })
    .await;
    let clock = clock();
    let client = server.client(clock.clone());
    client.get(&data()).await.unwrap();
    clock.advance(TimeDelta::seconds(900));
    client.get(&data()).await.unwrap_err();
    clock.advance(TimeDelta::seconds(89));
    assert!(matches!(client.get(&data()).await.unwrap_err(), ClientError::Paused { .. }));
    clock.advance(TimeDelta::seconds(1));
    client.get(&data()).await.unwrap();
    assert_eq!(server.requests("/oauth/token").len(), 3);
}

#[tokio::test]
async fn a_body_that_breaks_off_and_html_are_told_as_such() {
    let server = Scripted::start(|head, _| match is_token(head) {
        true => String::new(),
        false if head.contains("/short") => "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{\"data\"".to_owned(),
        false => response(200, "", "<html>hello</html>"),
    })
    .await;
    let client = server.client(clock());
    let error = client.get(&Get { attempts: Some(1), ..Get::new("/short") }).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreadable { .. }), "{error:?}");
    let error = client.get(&Get { attempts: Some(1), ..Get::new("/page") }).await.unwrap_err();
    assert!(error.to_string().contains("an HTML page"), "{error}");
}

#[tokio::test]
async fn the_breaker_keeps_requests_from_a_failing_endpoint_only() {
    let server = Scripted::start(|head, _| match is_token(head) {
        true => String::new(),
        false if head.contains("/well") => json(200, "{}"),
        false => response(503, "", ""),
    })
    .await;
    let clock = clock();
    let client = server.client(clock.clone());
    let get = Get { attempts: Some(1), ..data() };
    for _ in 0..25 {
        client.get(&get).await.unwrap_err();
    }
    assert_eq!(server.requests("/data").len(), 20);
    client.get(&Get::new("/well")).await.unwrap();
    let sources = client.endpoints();
    let source = sources.iter().find(|source| source.endpoint == "/data").unwrap();
    assert_eq!((source.breaker_state, source.failures, source.in_flight), (BreakerState::Open, 20, 0));
    assert!(source.last_error.as_deref().unwrap().contains("status 503"));
    clock.advance(TimeDelta::seconds(31));
    client.get(&get).await.unwrap_err();
    assert_eq!(server.requests("/data").len(), 21);
}

#[tokio::test]
async fn an_unreachable_origin_is_named() {
    let none = || Auth::None;
    let options = SourceConfig { base_url: "http://127.0.0.1:1".to_owned(), attempts: 1, ..SourceConfig::default() };
    let error = Client::new(&options, none(), clock(), Tap::default()).unwrap().get(&data()).await.unwrap_err();
    assert!(error.to_string().starts_with("127.0.0.1:1/data: "), "{error}");
    let options = SourceConfig { base_url: "nonsense".to_owned(), ..SourceConfig::default() };
    assert!(matches!(Client::new(&options, none(), clock(), Tap::default()), Err(ClientError::Address { .. })));
}

#[tokio::test]
async fn without_tokens_nothing_but_the_request_is_sent() {
    let server = Scripted::start(|head, _| match head.to_lowercase().contains("authorization") {
        true => json(500, "{}"),
        false => json(200, "{}"),
    })
    .await;
    let client = server.client_with(Auth::None, clock());
    client.get(&data()).await.unwrap();
    assert_eq!((client.calls(), server.requests("/oauth").len()), (1, 0));
    assert_eq!(client.endpoints().len(), 1);
}

#[tokio::test]
async fn a_key_goes_with_each_request_and_is_told_to_nobody() {
    let server =
        Scripted::start(|head, _| match head.contains("x-key: key-hush") || head.contains("apikey=key-hush") {
            true => json(403, r#"{"error":{"code":"no","message":"key-hush is used up"}}"#),
            false => json(200, "{}"),
        })
        .await;
    let key = || Secret::new("key-hush");
    for auth in [Auth::Header { name: "x-key", key: key() }, Auth::Query { name: "apikey", key: key() }] {
        let client = server.client_with(auth, clock());
        let error = client.get(&data()).await.unwrap_err();
        assert_eq!(error.status(), Some(403));
        assert!(!format!("{error} {error:?} {:?}", client.endpoints()).contains("hush"), "{error}");
    }
    let client = server.client_with(Auth::Query { name: "apikey", key: Secret::default() }, clock());
    client.get(&data()).await.unwrap();
    assert_eq!(server.requests("/data").last().unwrap(), "GET /data HTTP/1.1");
}

#[test]
fn symbols_are_encoded_in_paths() {
    assert_eq!(Get::of("/option-chains/{}/nested", "BRK/B").path, "/option-chains/BRK%2FB/nested");
    assert_eq!(segment("SPY   260116C00500000"), "SPY%20%20%20260116C00500000");
}
