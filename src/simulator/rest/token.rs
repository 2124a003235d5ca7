//! Access tokens of the REST routes and quote tokens of the feed.

use super::reply::{Refusal, Reply};
use crate::simulator::noise::bits;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The one client secret the venue knows.
pub const CLIENT_SECRET: &str = "sim-secret";
/// The one refresh token the venue knows.
pub const REFRESH_TOKEN: &str = "sim-refresh";
/// How long an access token lives.
const ACCESS_SECONDS: i64 = 900;
/// How long a quote token lives.
const QUOTE_HOURS: i64 = 24;

/// Tokens that have been issued and when they end.
#[derive(Debug)]
pub(crate) struct Tokens {
    seed: u64,
    /// Held for one look or one insertion, never across an await.
    issued: Mutex<Issued>,
}

#[derive(Debug, Default)]
struct Issued {
    count: u64,
    access: HashMap<String, DateTime<Utc>>,
    quote: HashMap<String, DateTime<Utc>>,
}

impl Tokens {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, issued: Mutex::default() }
    }

    /// `POST /oauth/token`: a JSON body or a form.
    pub(super) fn grant(&self, content_type: &str, body: &[u8], now: DateTime<Utc>) -> Result<Reply, Refusal> {
        let fields: HashMap<String, String> = if content_type.starts_with("application/x-www-form-urlencoded") {
            url::form_urlencoded::parse(body).into_owned().collect()
        } else {
            let parsed: HashMap<String, Value> = serde_json::from_slice(body)
                .map_err(|_| Refusal::grant("invalid_request", "The body is neither JSON nor a form"))?;
            parsed.into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))).collect()
        };
        let field = |name: &str| fields.get(name).map(String::as_str);
        match field("grant_type") {
            Some("refresh_token") => {}
            Some(_) => return Err(Refusal::grant("unsupported_grant_type", "The grant type is not supported")),
            None => return Err(Refusal::grant("invalid_request", "Missing required parameter: grant_type")),
        }
        if field("client_secret") != Some(CLIENT_SECRET) {
            return Err(Refusal::grant("invalid_client", "Client authentication failed"));
        }
        if field("refresh_token") != Some(REFRESH_TOKEN) {
            return Err(Refusal::grant("invalid_grant", "Grant revoked or invalid"));
        }
        let token = self.issue_access(now);
        Ok(Reply::Bare(json!({"access_token": token, "token_type": "Bearer", "expires_in": ACCESS_SECONDS})))
    }

    fn issue_access(&self, now: DateTime<Utc>) -> String {
        let ends_at = now + TimeDelta::seconds(ACCESS_SECONDS);
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.count += 1;
        let signature = bits(self.seed ^ 0x70, issued.count);
        // `iat` is when the grant was made, not when this token was.
        let claims = json!({"exp": ends_at.timestamp(), "iat": 1_577_836_800, "sub": "sim-user", "jti": issued.count});
        let token = format!(
            "{}.{}.{}",
            base64_url(br#"{"alg":"EdDSA","typ":"at+jwt"}"#),
            base64_url(claims.to_string().as_bytes()),
            base64_url(&signature.to_be_bytes())
        );
        issued.access.retain(|_, end| *end > now);
        issued.access.insert(token.clone(), ends_at);
        token
    }

    /// Whether the token is ours and has not expired.
    pub(super) fn accepts(&self, token: &str, now: DateTime<Utc>) -> bool {
        let issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.access.get(token).is_some_and(|end| *end > now)
    }

    /// A new quote token and when it ends.
    pub(crate) fn issue_quote(&self, now: DateTime<Utc>) -> (String, DateTime<Utc>) {
        let ends_at = now + TimeDelta::hours(QUOTE_HOURS);
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.count += 1;
        let signature = bits(self.seed ^ 0x71, issued.count);
        let claims = format!("tasty,demo,{},{},U0000001", ends_at.timestamp(), now.timestamp());
        let token = format!("{}.{}", base64_url(claims.as_bytes()), base64_url(&signature.to_be_bytes()));
        issued.quote.retain(|_, end| *end > now);
        issued.quote.insert(token.clone(), ends_at);
        (token, ends_at)
    }

    /// The feed takes the token no more.
    pub(crate) fn revoke_quote(&self, token: &str) {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner).quote.remove(token);
    }

    /// Whether the feed takes the token.
    pub(crate) fn accepts_quote(&self, token: &str, now: DateTime<Utc>) -> bool {
        let issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.quote.get(token).is_some_and(|end| *end > now)
    }
}

/// Base64 with the URL alphabet and without padding.
fn base64_url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 3);
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().enumerate().fold(0_u32, |group, (place, byte)| group | u32::from(*byte) << (16 - 8 * place));
        for place in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(group >> (18 - 6 * place)) as usize & 63]));
        }
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-01-05T15:00:00Z".parse().unwrap()
    }

    #[test]
    fn base64_has_no_padding() {
        assert_eq!(base64_url(b"{\"alg\":\"EdDSA\"}"), "eyJhbGciOiJFZERTQSJ9");
        assert_eq!(base64_url(b"a"), "YQ");
        assert_eq!(base64_url(b"ab"), "YWI");
        assert_eq!(base64_url(&[0xff, 0xfe, 0xfd]), "__79");
        assert_eq!(base64_url(b""), "");
    }

    #[test]
    fn only_the_right_secret_and_grant_get_a_token() {
        let tokens = Tokens::new(1);
        let form = "application/x-www-form-urlencoded";
        let grant = |content_type, body: &str| tokens.grant(content_type, body.as_bytes(), now());
        let right = "grant_type=refresh_token&client_secret=sim-secret&refresh_token=sim-refresh";
        assert!(grant(form, right).is_ok());
        let json = r#"{"grant_type":"refresh_token","client_secret":"sim-secret","refresh_token":"sim-refresh","x":1}"#;
        assert!(grant("application/json", json).is_ok());
        for (body, error) in [
            ("grant_type=refresh_token&client_secret=sim-secret&refresh_token=no", "invalid_grant"),
            ("grant_type=refresh_token&client_secret=no&refresh_token=sim-refresh", "invalid_client"),
            ("grant_type=password", "unsupported_grant_type"),
            ("", "invalid_request"),
        ] {
            let refusal = grant(form, body).unwrap_err();
            assert_eq!((refusal.status, refusal.body["error"]["code"].as_str()), (400, Some(error)));
        }
        assert_eq!(grant("application/json", "not json").unwrap_err().status, 400);
    }

    #[test]
    fn tokens_expire() {
        let tokens = Tokens::new(1);
        let access = tokens.issue_access(now());
        assert!(tokens.accepts(&access, now() + TimeDelta::seconds(899)));
        assert!(!tokens.accepts(&access, now() + TimeDelta::seconds(900)));
        let (quote, _) = tokens.issue_quote(now());
        assert!(tokens.accepts_quote(&quote, now()) && !tokens.accepts_quote(&access, now()));
        assert!(!tokens.accepts_quote(&quote, now() + TimeDelta::hours(24)));
    }
}
