//! Takes secrets out of what is about to be written: texts that are known to be secret, fields whose name says so, and what
//! has the shape of a token, an e-mail address or an account number. Better too much than too little.

use super::json::{self, REMOVED};
use crate::secret::Secret;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use regex::{Captures, Regex};
use std::collections::VecDeque;
use std::sync::LazyLock;

/// Shorter texts are part of ordinary words and numbers, and no secrets.
const SECRET_BYTES_MIN: usize = 4;
/// The same of texts that were secret by the name of their field alone.
const LEARNED_BYTES_MIN: usize = 8;
/// Secrets of the run that are remembered, the newest: a token that others have followed is good for nothing.
const LEARNED_MAX: usize = 64;
/// Names of secret fields, in small letters without `-` and `_`.
const NAMES: [&str; 17] = [
    "account",
    "accountid",
    "accountnumber",
    "apikey",
    "auth",
    "authorization",
    "bearer",
    "cookie",
    "email",
    "emailaddress",
    "login",
    "otp",
    "sessionid",
    "setcookie",
    "user",
    "userid",
    "username",
];
/// How names of secret fields end.
const ENDINGS: [&str; 6] = ["token", "tokens", "secret", "password", "passwd", "accountnumber"];

/// Replaces secrets by [`REMOVED`]. It learns those of the run from the fields that hold them.
#[derive(Debug, Default)]
pub(super) struct Redactor {
    /// Every spelling of each secret that was known before.
    known: Vec<String>,
    /// The same of those that came later, the oldest first.
    learned: VecDeque<Vec<String>>,
}

/// What is secret by its shape, and what is put in its place.
static SHAPES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let shapes = [
        // A token in three parts, or the beginning of one.
        (r"eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,2}", REMOVED),
        (r"(?i)\b(bearer|basic) +[A-Za-z0-9._~+/=-]{4,}", "$1 ***"),
        // A password in an address.
        (r"(://)[^/?#@\s\x22]+@", "$1***@"),
        (r"[A-Za-z0-9._%+-]+(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}", REMOVED),
        // An account, by its number and by its place in a path.
        (r"\b5W[A-Z0-9]\d{5}\b", REMOVED),
        (r"(/(?:accounts|customers)/)[^/?#\x22\s]+", "$1***"),
        (
            r"(?i)(name=[\x22'][^\x22'<>]*(?:token|secret|password)[^\x22'<>]*[\x22'][^<>]*value=[\x22'])[^\x22'<>]+",
            "$1***",
        ),
    ];
    shapes.into_iter().filter_map(|(shape, by)| Some((Regex::new(shape).ok()?, by))).collect()
});

/// A secret name and its value, in whatever text: a query, a form, a script, JSON within JSON.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let names = "token|tokens|secret|password|passwd|api[_-]?key|account[_-]?number|session[_-]?id|authorization|email|\
                 user[_-]?name|user[_-]?id|login";
    let between = r#"\\*["']?\s*[=:]\s*\\*["']?"#;
    Regex::new(&format!("(?i)([a-z0-9_-]*(?:{names}){between})([a-z0-9+/=._~%|!$@-]{{2,}})")).ok()
});

impl Redactor {
    pub(super) fn new(secrets: &[Secret]) -> Self {
        let mut redactor = Self::default();
        for secret in secrets.iter().filter(|secret| secret.expose().len() >= SECRET_BYTES_MIN) {
            redactor.known.extend(spellings(secret.expose()));
        }
        redactor
    }

    /// From now on this text is a secret.
    pub(super) fn learn(&mut self, secret: &str) {
        let is_known = || self.known.iter().chain(self.learned.iter().flatten()).any(|known| known == secret);
        if secret.len() < LEARNED_BYTES_MIN || is_known() {
            return;
        }
        if self.learned.len() >= LEARNED_MAX {
            self.learned.pop_front();
        }
        self.learned.push_back(spellings(secret));
    }

    /// A text without secrets.
    pub(super) fn text(&mut self, text: &str) -> String {
        let mut found = Vec::new();
        let mut text = json::without(text, is_secret, |value| found.push(value));
        found.iter().for_each(|secret| self.learn(secret));
        for secret in self.known.iter().chain(self.learned.iter().flatten()) {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), REMOVED);
            }
        }
        for (shape, by) in SHAPES.iter() {
            if shape.is_match(&text) {
                text = shape.replace_all(&text, *by).into_owned();
            }
        }
        without_named(text)
    }

    /// The value of a parameter of this name, without secrets.
    pub(super) fn named(&mut self, name: &str, value: &str) -> String {
        if is_secret(name) { REMOVED.to_owned() } else { self.text(value) }
    }

    /// Bytes that are no text, without secrets: each byte is taken for a letter.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Vec<u8> {
        let text = self.text(&letters(bytes));
        text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?')).collect()
    }
}

/// Whether a field or parameter of this name holds a secret.
fn is_secret(name: &str) -> bool {
    let plain = name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase());
    let plain: String = plain.collect();
    NAMES.contains(&plain.as_str()) || ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

fn without_named(text: String) -> String {
    let Some(named) = NAMED.as_ref().filter(|named| named.is_match(&text)) else { return text };
    let replaced = named.replace_all(&text, |found: &Captures<'_>| {
        let part = |number| found.get(number).map_or("", |part| part.as_str());
        let value = if matches!(part(2), "null" | "true" | "false") { part(2) } else { REMOVED };
        format!("{}{value}", part(1))
    });
    replaced.into_owned()
}

/// How a secret may be spelled in JSON, in addresses and forms, and in bytes that are taken for letters.
fn spellings(secret: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).unwrap_or_default();
    let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or_default();
    let mut spellings = vec![
        secret.to_owned(),
        json.to_owned(),
        json.replace('/', "\\/"),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        letters(secret.as_bytes()),
    ];
    spellings.sort();
    spellings.dedup();
    spellings.retain(|spelling| !spelling.is_empty());
    // The longest first: a shorter one may be a part of it.
    spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
    spellings
}

fn letters(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut redactor = Redactor::new(&[Secret::new("hush/hush+1"), Secret::new("abc")]);
        assert_eq!(redactor.text(text), expected);
    }

    #[test]
    fn known_secrets_go_in_every_spelling() {
        check("a hush/hush+1 b", "a *** b");
        check(r#"{"message":"no grant for hush\/hush+1"}"#, r#"{"message":"no grant for ***"}"#);
        check("https://a/b?x=hush%2Fhush%2B1", "https://a/b?x=***");
        check("abc is no secret", "abc is no secret");
    }

    #[test]
    fn secrets_go_by_name_in_whatever_text() {
        check("grant_type=refresh_token&client_secret=one&x=1", "grant_type=refresh_token&client_secret=***&x=1");
        check(
            r#"{"text":"{\"session-token\":\"one.two\",\"a\":1}"}"#,
            r#"{"text":"{\"session-token\":\"***\",\"a\":1}"}"#,
        );
        check("<script>var apiKey = 'one';</script>", "<script>var apiKey = '***';</script>");
        check(
            r#"<input name="csrf_token" type="hidden" value="a b">"#,
            r#"<input name="csrf_token" type="hidden" value="***">"#,
        );
        check(r#"5" {"token":"one","b":null}"#, r#"5" {"token":"***","b":null}"#);
        check(
            r#"{"account":{"number":"1","of":[2]},"token":null}"#,
            r#"{"account":{"number":"***","of":["***"]},"token":null}"#,
        );
    }

    #[test]
    fn secrets_go_by_shape() {
        check("jane.doe+x@mail.example.com paid", "*** paid");
        check("Authorization: Bearer a.b-c==", "Authorization: *** ***");
        check("cookie = \"session_token=one\"; x=token=two", "cookie = \"session_token=***\"; x=token=***");
        check("got eyJhbGciOiJFZERTQSJ9.eyJleHAiOjF9.AAAA and", "got *** and");
        check("/accounts/5WX12345/positions of 5WX12345", "/accounts/***/positions of ***");
        check("wss://user:pw@host/realtime", "wss://***@host/realtime");
    }

    #[test]
    fn market_data_stays_as_it_is() {
        for text in [
            r#"{"type":"FEED_DATA","channel":1,"data":["Quote",["SPY",500.01,"NaN",1.3743299E7],"TimeAndSale",["AAPL","@ TI"]]}"#,
            r#"{"symbol":"AAPL  261218C00025000","streamer-symbol":".AAPL261218C25","at":"2026-01-05T15:00:00.000+00:00"}"#,
            r#"{"type":"FEED_SUBSCRIPTION","channel":1,"add":[{"type":"Candle","symbol":"BRK/B{=d,tho=true}","fromTime":0}]}"#,
            "per-page=1000&page-offset=0&symbol%5B%5D=/ESZ6",
            r#"{"data":{"items":[{"level":"api","dxlink-url":"wss://tasty-openapi-ws.dxfeed.com/realtime"}]}}"#,
        ] {
            check(text, text);
        }
    }

    #[test]
    fn what_a_field_named_is_secret_from_then_on() {
        let mut redactor = Redactor::new(&[]);
        assert_eq!(redactor.text(r#"{"data":{"token":"dG9rZW4/1"}}"#), r#"{"data":{"token":"***"}}"#);
        assert_eq!(redactor.text("no session of dG9rZW4/1"), "no session of ***");
        assert_eq!(redactor.text("dG9rZW4%2F1"), "***");
        for number in 0..2 * LEARNED_MAX {
            redactor.learn(&format!("another-{number}"));
        }
        assert_eq!(redactor.learned.len(), LEARNED_MAX);
    }

    #[test]
    fn bytes_that_are_no_text_keep_what_is_no_secret() {
        let mut redactor = Redactor::new(&[Secret::new("h\u{fc}sh-h\u{fc}sh")]);
        let bytes = [b"\xff\xfe ".as_slice(), "h\u{fc}sh-h\u{fc}sh".as_bytes(), b" \x00"].concat();
        assert_eq!(redactor.bytes(&bytes), b"\xff\xfe *** \x00");
    }

    #[test]
    fn every_shape_reads() {
        assert_eq!(SHAPES.len(), 7);
        assert!(NAMED.is_some());
    }
}
