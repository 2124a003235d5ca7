//! The names that a request may ask by. A web site can have its own name lead to this server and a browser read what
//! comes back; the browser then says the site's name, which is none of the server's.

use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;

/// Names of the server, beside addresses and localhost.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(Arc<[String]>);

impl Names {
    /// The names that `server.http_names` lists.
    pub(super) fn of(names: Vec<String>) -> Self {
        Self(names.into())
    }

    /// Whether a request may ask by this name, which is without its port.
    fn has(&self, name: &str) -> bool {
        let is_address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
        let is = |own: &str| own.eq_ignore_ascii_case(name);
        is_address || is("localhost") || self.0.iter().any(|own| is(own))
    }
}

/// Refuses a request by another name with 421. One that says no name comes from no browser.
pub(super) async fn check(State(names): State<Names>, request: Request, next: Next) -> Response {
    match asked(request.uri(), request.headers()) {
        Some(name) if !names.has(&name) => {
            let refusal = format!("no page of {name:?} is here: server.http_names lists the names of this server\n");
            (StatusCode::MISDIRECTED_REQUEST, refusal).into_response()
        }
        _ => next.run(request).await,
    }
}

/// The name that a request says, as it is written where it does not read.
fn asked(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let said = match headers.get(HOST) {
        Some(host) => String::from_utf8_lossy(host.as_bytes()).into_owned(),
        None => uri.authority()?.to_string(),
    };
    let host = Authority::try_from(said.as_str()).map(|authority| authority.host().to_owned());
    Some(host.unwrap_or(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_listed_names_are_the_servers() {
        let names = Names::of(vec!["tt.desk.example".to_owned()]);
        for name in ["127.0.0.1", "10.1.2.3", "[::1]", "localhost", "LocalHost", "TT.desk.example"] {
            assert!(names.has(name), "{name}");
        }
        for name in ["attacker.example", "localhost.attacker.example", "127.0.0.1.attacker.example", "", "127.0.0.1@x"]
        {
            assert!(!names.has(name), "{name}");
        }
    }

    #[test]
    fn a_name_is_said_with_or_without_a_port() {
        let asked = |host: &str| {
            let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
            asked(&Uri::from_static("/"), &headers).unwrap()
        };
        assert_eq!(asked("localhost:8090"), "localhost");
        assert_eq!(asked("[::1]:8090"), "[::1]");
        assert_eq!(asked("user@attacker.example:1"), "attacker.example");
        assert_eq!(asked("a b"), "a b");
    }
}
