//! One GET, as a source asks for it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in a path segment.
const PATH_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// One GET request: path, query and how often it is tried.
#[derive(Debug, Clone)]
pub struct Get {
    /// Endpoint whose breaker and counters apply, with `{}` in place of symbols.
    pub endpoint: &'static str,
    /// Path, percent-encoded (see [`segment`]).
    pub path: String,
    /// Query parameters, as they are.
    pub query: Vec<(&'static str, String)>,
    /// Attempts, the first included; `None` is the client's number.
    pub attempts: Option<usize>,
    /// The media type asked for.
    pub accept: &'static str,
    /// A failure is blamed on the symbols asked for, not on the endpoint: the breaker does not count it.
    pub blames_symbols: bool,
}

impl Get {
    /// A GET whose path is the endpoint itself.
    pub fn new(endpoint: &'static str) -> Self {
        Self {
            endpoint,
            path: endpoint.to_owned(),
            query: Vec::new(),
            attempts: None,
            accept: "application/json",
            blames_symbols: false,
        }
    }

    /// A GET on `endpoint` with its `{}` replaced by a symbol.
    pub fn of(endpoint: &'static str, symbol: &str) -> Self {
        Self { path: endpoint.replacen("{}", &segment(symbol), 1), ..Self::new(endpoint) }
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }
}

/// Text as one segment of a path (`BRK/B` is `BRK%2FB`).
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, PATH_SEGMENT).to_string()
}
