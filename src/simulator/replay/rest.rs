//! The REST side of a replay.

use super::asked::Asked;
use super::exchanges::Exchanges;
use super::line::{ExchangeLine, Place};
use crate::simulator::rest::{json_response, serve_router};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use futures::stream;
use regex::Regex;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long a token lives, in seconds, as the vendor's do.
const TOKEN_SECONDS: u32 = 900;
/// The token itself, which nobody asks for.
const TOKEN: &str = "replayed-token";

/// Where the feed is, in the answer that gives the token for it.
static FEED_URL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"("dxlink-url"\s*:\s*)"[^"]*""#).ok());

/// The exchanges of a recording, and where this replay has its feed.
#[derive(Debug)]
pub(super) struct Archive {
    exchanges: Exchanges,
    dxlink: SocketAddr,
}

impl Archive {
    pub(super) fn new(recorded: Vec<(Asked, Place)>, dxlink: SocketAddr) -> Self {
        Self { exchanges: Exchanges::new(recorded), dxlink }
    }

    /// The body with the address of the feed that is here.
    fn with_own_feed(&self, body: Vec<u8>) -> Vec<u8> {
        let (Some(feed_url), Ok(text)) = (FEED_URL.as_ref(), std::str::from_utf8(&body)) else { return body };
        if !feed_url.is_match(text) {
            return body;
        }
        feed_url.replace_all(text, format!("$1\"ws://{}/realtime\"", self.dxlink)).into_owned().into_bytes()
    }
}

/// Answers requests until `shutdown`.
pub(super) async fn serve(archive: Arc<Archive>, listener: TcpListener, shutdown: CancellationToken) {
    serve_router(Router::new().fallback(handle).with_state(archive), listener, shutdown).await;
}

async fn handle(State(archive): State<Arc<Archive>>, request: Request) -> Response<Body> {
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    let asked = Asked::new(request.method().as_str(), path, query);
    if asked.is_for_token() || (asked.is_post() && archive.exchanges.has(&asked)) {
        return token();
    }
    let Some(place) = archive.exchanges.next(asked).cloned() else {
        let what = request.uri().path_and_query().map_or(path, |all| all.as_str());
        return not_recorded(&format!("{} {what} is not in the recording", request.method()));
    };
    // Bodies may be large.
    let read = tokio::task::spawn_blocking(move || ExchangeLine::parse(place.read()?.trim_ascii_end()));
    match read.await {
        Ok(Ok(exchange)) => answer(&archive, &exchange),
        Ok(Err(reason)) => not_recorded(&reason),
        Err(error) => not_recorded(&error.to_string()),
    }
}

fn token() -> Response<Body> {
    let body = json!({"access_token": TOKEN, "token_type": "Bearer", "expires_in": TOKEN_SECONDS});
    json_response(StatusCode::OK, &body, false)
}

fn not_recorded(message: &str) -> Response<Body> {
    json_response(StatusCode::NOT_FOUND, &json!({"error": {"code": "not_recorded", "message": message}}), false)
}

/// The answer as it was. One that broke off does so again, and so does one that never came: what a client sees of either is
/// that nothing whole arrived.
fn answer(archive: &Archive, exchange: &ExchangeLine) -> Response<Body> {
    let body = archive.with_own_feed(exchange.body().unwrap_or_default());
    let mut response = Response::new(match &exchange.broken {
        None => Body::from(body),
        Some(reason) => {
            let parts = [Ok(Bytes::from(body)), Err(std::io::Error::other(reason.clone()))];
            Body::from_stream(stream::iter(parts))
        }
    });
    *response.status_mut() = exchange.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or_default();
    for (name, value) in &exchange.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
