//! What a request asks for, so that the same one is known again: its method, its path, and its parameters in any order.

use chrono::{DateTime, NaiveDate};
use percent_encoding::percent_decode_str;
use std::collections::HashSet;

/// What stands in a recording in place of what was removed.
const REMOVED: &str = "***";

/// A request, spelled in one way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Asked {
    method: String,
    /// Decoded parts of the path.
    path: Vec<String>,
    /// Decoded parameters, sorted by name and value.
    query: Vec<(String, String)>,
}

impl Asked {
    pub(super) fn new(method: &str, path: &str, query: &str) -> Self {
        let part = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let mut query: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        query.sort();
        let path = path.split('/').filter(|part| !part.is_empty()).map(part).collect();
        Self { method: method.to_owned(), path, query }
    }

    /// Names of the parameters whose values the recording does not have.
    pub(super) fn removed(&self) -> impl Iterator<Item = String> {
        self.query.iter().filter(|(_, value)| value == REMOVED).map(|(name, _)| name.clone())
    }

    /// The same without some parameters.
    pub(super) fn without(mut self, names: &HashSet<String>) -> Self {
        self.query.retain(|(name, _)| !names.contains(name));
        self
    }

    /// The same at whatever moment it is asked: dates and instants are left out, wherever they stand.
    pub(super) fn at_any_moment(mut self) -> Self {
        let values = self.query.iter_mut().map(|(_, value)| value).chain(&mut self.path);
        values.filter(|value| is_moment(value)).for_each(String::clear);
        self.query.sort();
        self
    }

    /// Whether it asks for a token, as the route of OAuth2 is named everywhere.
    pub(super) fn is_for_token(&self) -> bool {
        self.is_post() && self.path.ends_with(&["oauth".to_owned(), "token".to_owned()])
    }

    pub(super) fn is_post(&self) -> bool {
        self.method == "POST"
    }
}

/// Whether a text is a date, as `2026-01-05` or `20260105`, or an instant, as RFC 3339 or in milliseconds since 1970.
fn is_moment(text: &str) -> bool {
    let is_number = |digits: usize| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.len() {
        8 => is_number(8) && NaiveDate::parse_from_str(text, "%Y%m%d").is_ok(),
        10 => NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok(),
        13 => is_number(13),
        // A plus that was not escaped has become a blank.
        _ => [text, &text.replace(' ', "+")].into_iter().any(|text| DateTime::parse_from_rfc3339(text).is_ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str, query: &str) -> Asked {
        Asked::new("GET", path, query)
    }

    #[test]
    fn parameters_come_in_any_order_and_spelling() {
        assert_eq!(get("/a/BRK%2FB", "b=1&a%5B%5D=x&a%5B%5D=y"), get("/a/BRK%2FB/", "a[]=x&b=1&a[]=y"));
        assert_ne!(get("/a/BRK%2FB", ""), get("/a/BRK/B", ""));
        assert_ne!(get("/a", "b=1"), get("/a", "b=2"));
        assert_ne!(get("/a", ""), Asked::new("POST", "/a", ""));
    }

    #[test]
    fn moments_are_known_by_their_shape() {
        let at = |query| get("/q", query).at_any_moment();
        assert_eq!(at("d1=20260105&d2=20260301&s=spy"), at("s=spy&d1=20250105&d2=20250301"));
        assert_eq!(at("from=2026-01-05&at=2026-01-05T10:00:00Z"), at("from=2024-02-29&at=2020-01-05T10:00:00+01:00"));
        assert_ne!(at("per-page=1000"), at("per-page=2000"));
        assert_ne!(at("s=99999999"), at("s=99999998"), "no date");
    }

    #[test]
    fn what_was_removed_is_not_compared() {
        let recorded = get("/q", "apikey=***&s=spy");
        let names: HashSet<String> = recorded.removed().collect();
        assert_eq!(get("/q", "s=spy&apikey=own").without(&names), recorded.without(&names));
    }
}
