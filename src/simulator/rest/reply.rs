//! Requests and replies of the venue's REST routes: query parameters, envelopes, errors and the vendor's spellings of
//! values.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

/// Query parameters in order, decoded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: Option<&str>) -> Self {
        Self(url::form_urlencoded::parse(text.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// Every value of a list parameter: `name[]=a&name[]=b`, `name=a&name=b` or `name=a,b`.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let named = self.0.iter().filter(|(key, _)| key.strip_suffix("[]").unwrap_or(key) == name);
        named.flat_map(|(_, value)| value.split(',')).filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of every parameter, lists taken apart.
    pub(crate) fn values(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|(_, value)| value.split(',')).map(str::to_owned)
    }

    /// A parameter spelled `YYYY-MM-DD`; `None` when it is not given, a refusal when it is no date.
    pub(crate) fn date(&self, name: &str) -> Result<Option<NaiveDate>, Refusal> {
        self.one(name).map(|text| text.parse().map_err(|_| Refusal::invalid(name, "is not a date"))).transpose()
    }

    /// A whole number within bounds, or its default.
    pub(crate) fn number(&self, name: &str, default: usize, allowed: (usize, usize)) -> Result<usize, Refusal> {
        let Some(text) = self.one(name) else { return Ok(default) };
        let number = text.parse().ok().filter(|number| (allowed.0..=allowed.1).contains(number));
        number.ok_or_else(|| Refusal::invalid(name, &format!("must be between {} and {}", allowed.0, allowed.1)))
    }
}

/// What a route answers before faults and encoding.
#[derive(Debug)]
pub(crate) enum Reply {
    /// `{"data": value, "context": path}`. Nulls in the value are unset fields.
    Single(Value),
    /// `{"data": {"items": [...]}, "context": path}`, with a page when the route is paged.
    List(Vec<Value>, Option<Page>),
    /// A body without envelope.
    Bare(Value),
    /// Text that is no JSON.
    Text(String),
}

/// Which part of a list a reply holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    pub(crate) size: usize,
    pub(crate) number: usize,
    pub(crate) total: usize,
}

impl Page {
    /// Reads the page parameters; at most `allowed` items a page.
    pub(crate) fn parse(query: &Query, allowed: usize, total: usize) -> Result<Self, Refusal> {
        let size = query.number("per-page", 1_000.min(allowed), (1, allowed))?;
        let number = query.number("page-offset", 0, (0, usize::MAX))?;
        Ok(Self { size, number, total })
    }

    /// The items of this page.
    pub(crate) fn slice<'a, T>(&self, items: &'a [T]) -> &'a [T] {
        let start = self.number.saturating_mul(self.size).min(items.len());
        let end = start.saturating_add(self.size).min(items.len());
        items.get(start..end).unwrap_or_default()
    }

    fn value(&self, count: usize) -> Value {
        json!({
            "per-page": self.size, "page-offset": self.number,
            "item-offset": self.number.saturating_mul(self.size), "total-items": self.total,
            "total-pages": self.total.div_ceil(self.size), "current-item-count": count,
            "previous-link": null, "next-link": null, "paging-link-template": null,
        })
    }
}

impl Reply {
    /// The body, with unset fields left out unless `nulls` asks for them.
    pub(crate) fn body(self, context: &str, nulls: bool, mut edit: impl FnMut(&mut Value)) -> Value {
        let mut tidy = |mut value: Value| {
            if !nulls {
                strip_nulls(&mut value);
            }
            edit(&mut value);
            value
        };
        match self {
            Self::Single(value) => json!({"data": tidy(value), "context": context}),
            Self::List(items, page) => {
                let items: Vec<Value> = items.into_iter().map(tidy).collect();
                let pagination = page.map(|page| page.value(items.len()));
                let mut body = json!({"data": {"items": items}, "context": context});
                if let (Some(pagination), Some(body)) = (pagination, body.as_object_mut()) {
                    body.insert("pagination".to_owned(), pagination);
                }
                body
            }
            Self::Bare(value) => value,
            Self::Text(text) => Value::String(text),
        }
    }
}

fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(strip_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}

/// Leaves only the symbol and the rank of an item.
pub(crate) fn make_sparse(item: &mut Value) {
    if let Value::Object(fields) = item {
        let kept: Map<String, Value> = fields
            .iter()
            .filter(|(key, _)| matches!(key.as_str(), "symbol" | "implied-volatility-index-rank" | "name"))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        *fields = kept;
    }
}

/// Puts an item's coming dates into the past.
pub(crate) fn make_stale(item: &mut Value) {
    if let Some(next) = item.get_mut("dividend-next-date") {
        *next = json!("2020-02-03");
    }
    if let Some(expected) = item.pointer_mut("/earnings/expected-report-date") {
        *expected = json!("1970-01-01");
    }
}

/// An error the vendor would answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, body: json!({"error": {"code": code, "message": message}}) }
    }

    /// A parameter that is missing or wrong.
    pub(crate) fn invalid(domain: &str, reason: &str) -> Self {
        let errors = json!([{"domain": domain, "reason": reason}]);
        let message = "Request validation failed";
        Self { status: 400, body: json!({"error": {"code": "validation_error", "message": message, "errors": errors}}) }
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(404, "record_not_found", &format!("Couldn't find {what}"))
    }

    pub(crate) fn token_invalid() -> Self {
        Self::new(401, "token_invalid", "This token is invalid or has expired")
    }

    /// The answer of the token route: an object like every other error, which is what public clients read.
    pub(crate) fn grant(code: &str, message: &str) -> Self {
        Self::new(400, code, message)
    }
}

/// A decimal as text: integers keep a trailing `.0`, at most nine decimals.
pub(crate) fn decimal(number: f64) -> Value {
    let rounded = (number * 1e9).round() / 1e9;
    match rounded {
        number if !number.is_finite() => Value::Null,
        number if number.fract() == 0.0 && number.abs() < 1e15 => json!(format!("{}.0", number as i64)),
        number => json!(number.to_string()),
    }
}

/// A decimal of money, rounded to cents.
pub(crate) fn money(number: f64) -> Value {
    decimal((number * 100.0).round() / 100.0)
}

/// Percentage points of a ratio, two decimals.
pub(crate) fn points(ratio: f64) -> Value {
    decimal((ratio * 10_000.0).round() / 100.0)
}

/// A value that may be unset.
pub(crate) fn optional<T>(value: Option<T>, spell: impl Fn(T) -> Value) -> Value {
    value.map_or(Value::Null, spell)
}

/// An instant with milliseconds, its zone spelled `Z` or `+00:00`.
pub(crate) fn instant(at: DateTime<Utc>, zulu: bool) -> Value {
    json!(at.to_rfc3339_opts(SecondsFormat::Millis, zulu))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_spelled_three_ways() {
        for text in [
            "symbol[]=AAPL&symbol[]=BRK%2FB",
            "symbol%5B%5D=AAPL&symbol%5B%5D=BRK%2FB",
            "symbol=AAPL,BRK%2FB",
            "symbol=AAPL%2CBRK%2FB",
            "symbol=AAPL&symbol=BRK%2FB",
        ] {
            assert_eq!(Query::parse(Some(text)).list("symbol"), ["AAPL", "BRK/B"], "{text}");
        }
    }

    #[test]
    fn decimals_are_text() {
        assert_eq!(decimal(100.0), json!("100.0"));
        assert_eq!(decimal(-0.012_345_678), json!("-0.012345678"));
        assert_eq!(decimal(f64::NAN), Value::Null);
        assert_eq!(points(0.218_74), json!("21.87"));
    }

    #[test]
    fn unset_fields_are_left_out() {
        let reply = || Reply::List(vec![json!({"symbol": "AAPL", "beta": null})], None);
        let body = reply().body("/x", false, |_| ());
        assert_eq!(body, json!({"data": {"items": [{"symbol": "AAPL"}]}, "context": "/x"}));
        assert_eq!(reply().body("/x", true, |_| ()).pointer("/data/items/0/beta"), Some(&Value::Null));
    }

    #[test]
    fn pages_are_numbered_from_zero() {
        let page = |text| Page::parse(&Query::parse(Some(text)), 1_000, 25);
        assert_eq!(page("per-page=10&page-offset=2").unwrap().slice(&[0; 25]).len(), 5);
        assert_eq!(page("per-page=10&page-offset=3").unwrap().slice(&[0; 25]).len(), 0);
        assert_eq!(page("per-page=10&page-offset=18446744073709551615").unwrap().slice(&[0; 25]).len(), 0);
        assert_eq!(page("per-page=0").unwrap_err().status, 400);
        assert_eq!(page("per-page=1001").unwrap_err().status, 400);
    }
}
