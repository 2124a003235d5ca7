//! Bearer tokens of Flight clients: who has logged in and until when, under a signature of the server.
//!
//! A token says all the server needs, so nothing is kept per login, and servers that share a key take each other's
//! tokens. Without a key of the configuration each process makes one, and its tokens end with it.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{DateTime, TimeDelta, Utc};
use prost::Message;
use std::time::Duration;

/// Bytes of a key made here.
const KEY_BYTES: usize = 32;

/// What tokens are signed with, and how long they hold.
pub(super) struct Tokens {
    key: hmac::Key,
    ttl: TimeDelta,
}

/// A token that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) user: String,
    /// Number of the login.
    pub(super) id: [u8; 16],
    pub(super) expires_at: DateTime<Utc>,
}

/// What a token is made of.
#[derive(Clone, PartialEq, Message)]
struct Body {
    #[prost(string, tag = "1")]
    user: String,
    #[prost(bytes = "vec", tag = "2")]
    id: Vec<u8>,
    /// Microseconds since 1970.
    #[prost(int64, tag = "3")]
    expires_at: i64,
}

/// Why a token does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It does not look like a token of any server of this kind.
    NoToken,
    /// It is not signed by us.
    Foreign,
    /// Its time is over.
    Expired,
}

impl Tokens {
    /// Tokens signed with a key; with a new one when there is none.
    pub(super) fn new(key: Option<&[u8]>, ttl: Duration) -> Self {
        let key = match key {
            Some(key) => key.to_vec(),
            None => {
                let mut key = vec![0; KEY_BYTES];
                aws_lc_rs::rand::fill(&mut key).expect("the system gives random bytes");
                key
            }
        };
        let ttl = TimeDelta::from_std(ttl).unwrap_or(TimeDelta::MAX);
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key), ttl }
    }

    /// A token for a user who has just logged in.
    pub(super) fn issue(&self, user: &str, now: DateTime<Utc>) -> String {
        let expires_at = now.checked_add_signed(self.ttl).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let id = uuid::Uuid::new_v4().into_bytes().to_vec();
        let body = Body { user: user.to_owned(), id, expires_at: expires_at.timestamp_micros() }.encode_to_vec();
        let tag = hmac::sign(&self.key, &body);
        format!("{}.{}", BASE64.encode(&body), BASE64.encode(tag.as_ref()))
    }

    /// Reads a token. The signature is looked at first: nothing else of a foreign token is.
    pub(super) fn check(&self, text: &str, now: DateTime<Utc>) -> Result<Token, Refusal> {
        let (body, tag) = text.split_once('.').ok_or(Refusal::NoToken)?;
        let decode = |text: &str| BASE64.decode(text).map_err(|_| Refusal::NoToken);
        let (body, tag) = (decode(body)?, decode(tag)?);
        hmac::verify(&self.key, &body, &tag).map_err(|_| Refusal::Foreign)?;
        let body = Body::decode(body.as_slice()).map_err(|_| Refusal::Foreign)?;
        let id = body.id.try_into().map_err(|_| Refusal::Foreign)?;
        let expires_at = DateTime::from_timestamp_micros(body.expires_at).ok_or(Refusal::Foreign)?;
        if now >= expires_at {
            return Err(Refusal::Expired);
        }
        Ok(Token { user: body.user, id, expires_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_token_holds_until_its_time_is_over() {
        let tokens = Tokens::new(None, Duration::from_secs(60));
        let token = tokens.issue("ada", at("2026-11-20T10:00:00Z"));
        let checked = tokens.check(&token, at("2026-11-20T10:00:59Z")).unwrap();
        assert_eq!((checked.user.as_str(), checked.expires_at), ("ada", at("2026-11-20T10:01:00Z")));
        assert_eq!(tokens.check(&token, at("2026-11-20T10:01:00Z")), Err(Refusal::Expired));
    }

    #[test]
    fn only_who_has_the_key_makes_tokens() {
        let now = at("2026-11-20T10:00:00Z");
        let shared = || Tokens::new(Some(b"a key of the configuration"), Duration::from_secs(60));
        let token = shared().issue("ada", now);
        assert!(shared().check(&token, now).is_ok());
        assert_eq!(Tokens::new(None, Duration::from_secs(60)).check(&token, now), Err(Refusal::Foreign));
        let (body, tag) = token.split_once('.').unwrap();
        let other = shared().issue("bob", now);
        let (other_body, _) = other.split_once('.').unwrap();
        for foreign in ["", ".", "a.b", body, &format!("{other_body}.{tag}"), &format!("{body}."), &format!("{body}.é")]
        {
            assert!(matches!(shared().check(foreign, now), Err(Refusal::Foreign | Refusal::NoToken)), "{foreign}");
        }
    }
}
