//! From an HTTP response to its body, or to an error that says what came instead.
//!
//! Origins answer with HTML pages from proxies, with truncated bodies, and with `error` as text or as an object.

use super::error::ClientError;
use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::Value;
use std::error::Error;
use std::time::Duration;

/// The largest body that is read.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How much of a vendor's words is repeated in an error.
const MESSAGE_CHARS_MAX: usize = 200;

/// What came for a request: as much of it as came, and how it ended.
pub(super) struct Received {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    end: End,
}

/// How a body ended.
enum End {
    Whole,
    TooLarge,
    Broken(reqwest::Error),
}

/// Reads a response to its end, whatever its status. What goes wrong on the way is told by [`Received::body`].
pub(super) async fn receive(mut response: reqwest::Response) -> Received {
    let mut body = Vec::new();
    let end = loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > BODY_BYTES_MAX => break End::TooLarge,
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break End::Whole,
            Err(error) => break End::Broken(error.without_url()),
        }
    };
    Received { status: response.status(), headers: std::mem::take(response.headers_mut()), body, end }
}

impl Received {
    /// Why the body is not whole, without an address; `None` when it is.
    pub(super) fn broken(&self) -> Option<String> {
        match &self.end {
            End::Whole => None,
            End::TooLarge => Some(too_large()),
            End::Broken(error) => Some(chain(error)),
        }
    }

    /// The body of a 2xx, an error for anything else.
    pub(super) fn body(
        self,
        origin: &str,
        path: &str,
        timeout: Duration,
        now: DateTime<Utc>,
    ) -> Result<Vec<u8>, ClientError> {
        match self.end {
            End::TooLarge => {
                return Err(ClientError::Unreadable {
                    origin: origin.to_owned(),
                    path: path.to_owned(),
                    reason: too_large(),
                });
            }
            // The status of a refusal says more than its broken body.
            End::Broken(error) if self.status.is_success() => return Err(from_network(error, origin, path, timeout)),
            _ if self.status.is_success() => return Ok(self.body),
            _ => {}
        }
        let (code, message) = refusal(&self.body);
        Err(ClientError::Status {
            origin: origin.to_owned(),
            path: path.to_owned(),
            status: self.status.as_u16(),
            code,
            message,
            retry_after: retry_after(&self.headers, now),
        })
    }
}

fn too_large() -> String {
    format!("the body is larger than {BODY_BYTES_MAX} bytes")
}

/// The JSON of a body.
pub(super) fn json(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| format!("{error} in {}", describe(body)))
}

/// A network error in our words. Its address is left out: the caller names origin and path.
pub(super) fn from_network(error: reqwest::Error, origin: &str, path: &str, timeout: Duration) -> ClientError {
    let (origin, path) = (origin.to_owned(), path.to_owned());
    if error.is_timeout() {
        return ClientError::Timeout { origin, path, timeout };
    }
    let broken_body = error.is_body() || error.is_decode();
    let reason = chain(&error.without_url());
    if broken_body {
        return ClientError::Unreadable { origin, path, reason: format!("the body broke off: {reason}") };
    }
    ClientError::Unreachable { origin, path, reason }
}

/// An error and its causes as one sentence, each cause once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

/// `Retry-After`, in seconds or as a date: a date of the origin's own clock, where it tells what that says.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds.ceil()).ok();
    }
    let date = |text: &str| DateTime::parse_from_rfc2822(text.trim()).ok().map(|date| date.to_utc());
    let theirs = headers.get(DATE).and_then(|value| value.to_str().ok()).and_then(date);
    Some((date(text)? - theirs.unwrap_or(now)).to_std().unwrap_or_default())
}

/// Code and words of an error body: `error` may be an object or a text, and the body may be no JSON at all.
pub(super) fn refusal(body: &[u8]) -> (Option<String>, String) {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return (None, describe(body));
    };
    match value.get("error") {
        Some(Value::String(code)) => {
            let message = value.get("error_description").and_then(Value::as_str).unwrap_or(code);
            (Some(shorten(code)), shorten(message))
        }
        Some(error @ Value::Object(_)) => {
            let code = match error.get("code") {
                Some(Value::String(code)) => Some(shorten(code)),
                Some(Value::Number(code)) => Some(code.to_string()),
                _ => None,
            };
            let mut message = error.get("message").and_then(Value::as_str).unwrap_or("no message").to_owned();
            for detail in error.get("errors").and_then(Value::as_array).into_iter().flatten().take(3) {
                let text = |key: &str| detail.get(key).and_then(Value::as_str).unwrap_or_default();
                message.push_str(&format!(
                    "; {}{} {}{}",
                    text("domain"),
                    text("code"),
                    text("reason"),
                    text("message")
                ));
            }
            (code, shorten(&message))
        }
        _ => (None, describe(body)),
    }
}

/// What a body that cannot be read looks like.
pub(crate) fn describe(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..body.len().min(4 * MESSAGE_CHARS_MAX)).unwrap_or_default());
    let text = text.trim_start();
    if text.is_empty() {
        return "an empty body".to_owned();
    }
    if text.starts_with('<') {
        return "an HTML page".to_owned();
    }
    format!("a body of {} bytes", body.len())
}

fn shorten(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(MESSAGE_CHARS_MAX).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[track_caller]
    fn check_refusal(body: &str, code: Option<&str>, message: &str) {
        assert_eq!(refusal(body.as_bytes()), (code.map(str::to_owned), message.to_owned()));
    }

    #[test]
    fn error_bodies_of_every_shape_are_told() {
        check_refusal(
            r#"{"error":{"code":"validation_error","message":"Request validation failed","errors":[{"domain":"to-date","reason":"is missing"}]}}"#,
            Some("validation_error"),
            "Request validation failed; to-date is missing",
        );
        check_refusal(
            r#"{"error":{"code":406,"message":"The requested version is not supported."}}"#,
            Some("406"),
            "The requested version is not supported.",
        );
        check_refusal(
            r#"{"error":"invalid_grant","error_description":"Grant revoked"}"#,
            Some("invalid_grant"),
            "Grant revoked",
        );
        check_refusal("<html><h1>502</h1></html>", None, "an HTML page");
        check_refusal("", None, "an empty body");
        check_refusal("{\"error\":", None, "a body of 9 bytes");
        check_refusal("[1,2]", None, "a body of 5 bytes");
    }

    #[test]
    fn retry_after_is_read_in_both_spellings() {
        let now = DateTime::parse_from_rfc3339("2026-01-05T14:00:00Z").unwrap().to_utc();
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers, now), None);
        headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
        assert_eq!(retry_after(&headers, now), Some(Duration::from_secs(7)));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("Mon, 05 Jan 2026 14:00:09 GMT"));
        assert_eq!(retry_after(&headers, now), Some(Duration::from_secs(9)));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("Mon, 05 Jan 2026 13:00:00 GMT"));
        assert_eq!(retry_after(&headers, now), Some(Duration::ZERO));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("Mon, 05 Jan 2026 14:02:09 GMT"));
        headers.insert(DATE, HeaderValue::from_static("Mon, 05 Jan 2026 14:02:00 GMT"));
        assert_eq!(retry_after(&headers, now), Some(Duration::from_secs(9)));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1.5"));
        assert_eq!(retry_after(&headers, now), Some(Duration::from_secs(2)));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("soon"));
        assert_eq!(retry_after(&headers, now), None);
    }
}
