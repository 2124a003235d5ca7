//! The REST side of the venue: one match from path to route, between the checks every request passes and the faults.

mod calendar;
mod damage;
mod figures;
mod instruments;
mod reply;
mod stooq;
pub(super) mod token;
mod venue;

use crate::simulator::exchange::RISK_FREE_RATE;
use crate::simulator::fault::{Kind, Rule};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use instruments::ChainShape;
use percent_encoding::percent_decode_str;
use reply::{Query, Refusal, Reply, decimal, instant, make_sparse, make_stale};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
pub(crate) use venue::Venue;

/// Longest request body that is read.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// The oldest version of the interface that is served.
const OLDEST_VERSION: u32 = 20_250_101;

/// Serves requests until `shutdown`.
pub(crate) async fn serve(venue: Arc<Venue>, listener: TcpListener, shutdown: CancellationToken) {
    serve_router(Router::new().fallback(handle).with_state(venue), listener, shutdown).await;
}

/// Serves a router until `shutdown`.
pub(super) async fn serve_router(router: Router, listener: TcpListener, shutdown: CancellationToken) {
    let served = axum::serve(listener, router).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    // Connections that are kept open do not hold the shutdown up.
    tokio::select! {
        result = served => if let Err(error) = result { tracing::warn!(%error, "simulator REST server ended") },
        () = shutdown.cancelled() => {}
    }
}

async fn handle(State(venue): State<Arc<Venue>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let raw_path = parts.uri.path().to_owned();
    let query = Query::parse(parts.uri.query());
    let segments: Vec<String> = raw_path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
    venue.count(&format!("/{}", segments.join("/")));
    if parts.headers.get(header::USER_AGENT).is_none_or(HeaderValue::is_empty) {
        return html(StatusCode::UNAUTHORIZED, "401 Authorization Required");
    }
    let symbols: Vec<String> = query.values().chain(segments.iter().cloned()).collect();
    let fault = venue.faults.for_request(&raw_path, &symbols);
    match fault.as_ref().map(|rule| &rule.kind) {
        Some(Kind::Slow(delay)) => tokio::time::sleep(*delay).await,
        Some(kind) => {
            if let Some(response) = instead(kind) {
                return response;
            }
        }
        None => {}
    }
    let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await.unwrap_or_default();
    // Long lists take milliseconds: they must not hold up the feed's timers.
    let answered = tokio::task::spawn_blocking(move || {
        let answer = admit(&venue, &parts.headers, &segments)
            .and_then(|()| route(&venue, &parts.method, &parts.headers, &segments, &query, &body));
        match answer {
            Ok(Reply::Text(text)) => text_response(text),
            Ok(reply) => {
                let nulls = matches!(fault.as_ref().map(|rule| &rule.kind), Some(Kind::Nulls));
                let mut value = reply.body(&raw_path, nulls, |item| edit(item, fault.as_ref()));
                if let Some(rule) = &fault {
                    damage::damage(&mut value, &rule.kind);
                }
                let truncated = matches!(fault.as_ref().map(|rule| &rule.kind), Some(Kind::Truncated));
                json_response(StatusCode::OK, &value, truncated)
            }
            Err(refusal) => {
                let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
                json_response(status, &refusal.body, false)
            }
        }
    });
    answered.await.unwrap_or_else(|_| html(StatusCode::INTERNAL_SERVER_ERROR, "500 Internal Server Error"))
}

fn decode(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}

/// Checks of version and token, which all routes but three ask for.
fn admit(venue: &Venue, headers: &HeaderMap, segments: &[String]) -> Result<(), Refusal> {
    let version = headers.get("accept-version").and_then(|value| value.to_str().ok());
    if version.is_some_and(|text| text.parse::<u32>().map_or(true, |version| version < OLDEST_VERSION)) {
        let message = "The requested version is not supported.";
        return Err(Refusal { status: 406, body: json!({"error": {"code": 406, "message": message}}) });
    }
    let open = match segments {
        [one] => one == "margin-requirements-public-configuration",
        [one, two] => one == "oauth" && two == "token",
        [one, two, three] => one == "q" && two == "d" && three == "l",
        _ => false,
    };
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|value| value.strip_prefix("Bearer "));
    match (open, token) {
        (true, _) => Ok(()),
        (false, Some(token)) if venue.tokens.accepts(token, venue.now()) => Ok(()),
        _ => Err(Refusal::token_invalid()),
    }
}

fn route(
    venue: &Venue,
    method: &Method,
    headers: &HeaderMap,
    segments: &[String],
    query: &Query,
    body: &Bytes,
) -> Result<Reply, Refusal> {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    if *method == Method::POST {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        return match segments.as_slice() {
            ["oauth", "token"] => venue.tokens.grant(content_type, body, venue.now()),
            _ => Err(Refusal::not_found("route")),
        };
    }
    if *method != Method::GET {
        return Err(Refusal::not_found("route"));
    }
    match segments.as_slice() {
        ["api-quote-tokens"] => Ok(quote_token(venue)),
        ["instruments", "equities"] => instruments::equities(venue, query),
        ["instruments", "equities", "active"] => instruments::active_equities(venue, query),
        ["instruments", "equities", symbol] => instruments::equity_of(venue, symbol),
        ["instruments", "futures"] => Ok(instruments::further(query, true)),
        ["instruments", "cryptocurrencies"] => Ok(instruments::further(query, false)),
        ["instruments", "equity-options"] => instruments::equity_options(venue, query),
        ["instruments", "equity-options", occ] => instruments::equity_option(venue, occ),
        ["option-chains", underlying] => instruments::option_chain(venue, underlying, ChainShape::Flat),
        ["option-chains", underlying, "nested"] => instruments::option_chain(venue, underlying, ChainShape::Nested),
        ["option-chains", underlying, "compact"] => instruments::option_chain(venue, underlying, ChainShape::Compact),
        ["symbols", "search", text] => Ok(instruments::search(venue, text)),
        ["market-metrics"] => figures::market_metrics(venue, query),
        ["market-metrics", "historic-corporate-events", "dividends", symbol] => figures::dividends(venue, symbol),
        ["market-metrics", "historic-corporate-events", "earnings-reports", symbol] => {
            figures::earnings_reports(venue, symbol, query)
        }
        ["market-data", "by-type"] => figures::snapshots(venue, query),
        ["market-data", kind, symbol] => figures::snapshot_of(venue, kind, symbol),
        ["market-time", "sessions"] => calendar::sessions(venue, query),
        ["market-time", "sessions", "current"] => calendar::current_sessions(venue, query),
        ["market-time", "equities", "sessions", "current"] => calendar::current_session(venue, query),
        ["market-time", "equities", "sessions", "next"] => calendar::next_session(venue, query),
        ["market-time", "equities", "sessions", "previous"] => calendar::previous_session(venue, query),
        ["market-time", "equities", "holidays"] => Ok(calendar::holidays(venue)),
        ["q", "d", "l"] => stooq::daily_bars(venue, query),
        ["public-watchlists"] => Ok(calendar::watchlists(venue, query)),
        ["public-watchlists", name] => calendar::watchlist_of(venue, name),
        ["margin-requirements-public-configuration"] => {
            Ok(Reply::Single(json!({"risk-free-rate": decimal(RISK_FREE_RATE)})))
        }
        _ => Err(Refusal::not_found("route")),
    }
}

fn quote_token(venue: &Venue) -> Reply {
    let (token, ends_at) = venue.tokens.issue_quote(venue.now());
    Reply::Single(json!({
        "token": token,
        "dxlink-url": format!("ws://{}/realtime", venue.dxlink),
        "level": "demo",
        "issued-at": instant(venue.now(), venue.zulu),
        "expires-at": instant(ends_at, venue.zulu),
    }))
}

/// Faults that change items.
fn edit(item: &mut Value, fault: Option<&Rule>) {
    let Some(rule) = fault else { return };
    let symbol = item.get("symbol").and_then(Value::as_str);
    if rule.symbol.as_deref().is_some_and(|wanted| symbol != Some(wanted)) {
        return;
    }
    match rule.kind {
        Kind::Sparse => make_sparse(item),
        Kind::StaleDates => make_stale(item),
        _ => {}
    }
}

/// The answer of a fault that replaces the real one.
fn instead(kind: &Kind) -> Option<Response<Body>> {
    let error = |status: u16, code: &str, message: &str| {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        json_response(status, &json!({"error": {"code": code, "message": message}}), false)
    };
    match kind {
        Kind::Status(status) => Some(error(*status, "internal_server_error", "Something went wrong")),
        Kind::BadGateway => Some(html(StatusCode::BAD_GATEWAY, "502 Bad Gateway")),
        Kind::HtmlStatus(status) => {
            Some(html(StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST), "Something went wrong"))
        }
        Kind::Html => Some(html(StatusCode::OK, "Down for maintenance")),
        Kind::Unauthorised => Some(error(401, "token_invalid", "This token is invalid or has expired")),
        Kind::Throttled(seconds) => {
            let mut response = error(429, "too_many_requests", "Too many requests");
            if let Some(seconds) = seconds {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
            }
            Some(response)
        }
        Kind::Drop => {
            let parts = [Ok(Bytes::from_static(b"{\"data\":")), Err(std::io::Error::other("dropped on request"))];
            let mut response = Response::new(Body::from_stream(futures::stream::iter(parts)));
            set_header(&mut response, header::CONTENT_TYPE, "application/json");
            Some(response)
        }
        _ => None,
    }
}

pub(super) fn json_response(status: StatusCode, value: &Value, truncated: bool) -> Response<Body> {
    let mut text = value.to_string();
    if truncated {
        let half = (0..=text.len() / 2).rev().find(|place| text.is_char_boundary(*place)).unwrap_or(0);
        text.truncate(half);
    }
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    set_header(&mut response, header::CONTENT_TYPE, "application/json; charset=utf-8");
    response
}

fn text_response(text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    set_header(&mut response, header::CONTENT_TYPE, "text/plain; charset=utf-8");
    response
}

fn html(status: StatusCode, title: &str) -> Response<Body> {
    let page = format!("<html>\r\n<head><title>{title}</title></head>\r\n<body><h1>{title}</h1></body>\r\n</html>\r\n");
    let mut response = Response::new(Body::from(page));
    *response.status_mut() = status;
    set_header(&mut response, header::CONTENT_TYPE, "text/html");
    response
}

fn set_header(response: &mut Response<Body>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}
