//! The HTTP client of the sources: JSON by GET, with a token, within a budget, tried again where that may help.

use super::endpoint::Endpoint;
use super::oauth::{self, OAuth, TOKEN_PATH};
use super::{BreakerOptions, ClientError, SourceStatus, answer};
use crate::clock::Clock;
use crate::secret::Secret;
use backon::{ExponentialBuilder, Retryable};
use governor::middleware::StateInformationMiddleware;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The longest `Retry-After` that is waited for; a longer one ends the attempts.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// First wait between attempts; it doubles, with jitter.
const BACKOFF_MIN: Duration = Duration::from_millis(250);
/// Shortest wait after a 429 that names none.
const THROTTLED_MIN: Duration = Duration::from_secs(1);
/// Longest wait between attempts.
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// Endpoints that are told apart; their names are ours, so this is only a guard.
const ENDPOINTS_MAX: usize = 256;
/// What stays as it is in a path segment.
const PATH_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How to reach a source and how hard to try.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Scheme, host and port, such as `https://api.tastyworks.com`.
    pub base_url: String,
    /// OAuth2 client secret.
    pub client_secret: Secret,
    /// OAuth2 refresh token.
    pub refresh_token: Secret,
    /// Sustained rate; `None` is without limit.
    pub requests_per_second: Option<u32>,
    /// Requests that may go out at once before the rate holds them.
    pub burst: u32,
    /// Requests under way at once.
    pub in_flight: usize,
    /// Attempts per request, the first included.
    pub attempts: usize,
    /// Limit for one attempt, its body included.
    pub timeout: Duration,
    /// When an endpoint is left alone for a while.
    pub breaker: BreakerOptions,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            base_url: "https://api.tastyworks.com".to_owned(),
            client_secret: Secret::default(),
            refresh_token: Secret::default(),
            requests_per_second: Some(2),
            burst: 10,
            in_flight: 100,
            attempts: 3,
            timeout: Duration::from_secs(30),
            breaker: BreakerOptions::default(),
        }
    }
}

/// One GET.
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
    /// A failure is blamed on the symbols asked for, not on the endpoint: the breaker does not count it.
    pub blames_symbols: bool,
}

impl Get {
    /// A GET whose path is the endpoint itself.
    pub fn new(endpoint: &'static str) -> Self {
        Self { endpoint, path: endpoint.to_owned(), query: Vec::new(), attempts: None, blames_symbols: false }
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

/// The client. Clones share everything, the count of calls included; see [`Client::with_own_count`].
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    calls: Arc<AtomicU64>,
}

struct Shared {
    options: ClientOptions,
    base: String,
    origin: String,
    clock: Clock,
    http: reqwest::Client,
    oauth: OAuth,
    /// Held for a look-up, never across an await.
    endpoints: Mutex<BTreeMap<&'static str, Arc<Endpoint>>>,
    budget: Option<Budget>,
    permits: Semaphore,
    /// Nothing is sent before this moment: an origin asked us to wait. Held for a copy.
    paused_until: Mutex<Option<Instant>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").field("origin", &self.shared.origin).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that has sent nothing yet.
    pub fn new(options: ClientOptions, clock: Clock) -> Result<Self, ClientError> {
        let wrong = |reason: String| ClientError::Address { address: options.base_url.clone(), reason };
        let url = url::Url::parse(&options.base_url).map_err(|error| wrong(error.to_string()))?;
        let host = url.host_str().ok_or_else(|| wrong("it names no host".to_owned()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("its scheme is neither http nor https".to_owned()));
        }
        let origin = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let base = options.base_url.trim_end_matches('/').to_owned();
        let http = reqwest::Client::builder()
            .user_agent(concat!("ttapi/", env!("CARGO_PKG_VERSION")))
            // A redirect would carry the token to wherever it points.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| wrong(answer::chain(&error)))?;
        let token_endpoint = Arc::new(Endpoint::new(TOKEN_PATH, options.breaker, clock.clone()));
        let oauth = OAuth {
            http: http.clone(),
            url: format!("{base}{TOKEN_PATH}"),
            origin: origin.clone(),
            client_secret: options.client_secret.clone(),
            refresh_token: options.refresh_token.clone(),
            timeout: options.timeout,
            clock: clock.clone(),
            endpoint: token_endpoint.clone(),
            state: tokio::sync::Mutex::new(oauth::State::default()),
        };
        let budget = options.requests_per_second.map(|rate| Budget::new(rate, options.burst));
        let permits = Semaphore::new(options.in_flight.clamp(1, Semaphore::MAX_PERMITS));
        let endpoints = Mutex::new(BTreeMap::from([(TOKEN_PATH, token_endpoint)]));
        let paused_until = Mutex::new(None);
        let shared = Shared { options, base, origin, clock, http, oauth, endpoints, budget, permits, paused_until };
        Ok(Self { shared: Arc::new(shared), calls: Arc::default() })
    }

    /// The same client with a count of calls of its own, for one fetch.
    #[must_use]
    pub fn with_own_count(&self) -> Self {
        Self { shared: self.shared.clone(), calls: Arc::default() }
    }

    /// Requests sent through this client and its clones, retries and token calls included.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Host and port of the source.
    pub fn origin(&self) -> &str {
        &self.shared.origin
    }

    /// The clock the client lives by.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Every endpoint asked so far, by name.
    pub fn sources(&self) -> Vec<SourceStatus> {
        let left = self.shared.budget.as_ref().map(Budget::left);
        let endpoints = self.shared.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        endpoints.values().map(|endpoint| endpoint.status(&self.shared.origin, left)).collect()
    }

    /// The JSON of a GET. Dropping the future stops it.
    pub async fn get(&self, get: &Get) -> Result<Value, ClientError> {
        let attempts = get.attempts.unwrap_or(self.shared.options.attempts).max(1);
        let backoff = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(BACKOFF_MIN)
            .with_max_delay(BACKOFF_MAX)
            .with_max_times(attempts - 1);
        (|| self.attempt(get))
            .retry(backoff)
            .when(ClientError::transient)
            .adjust(|error, delay| match (delay, error.retry_after()) {
                (Some(delay), Some(asked)) if asked <= RETRY_AFTER_MAX => Some(delay.max(asked)),
                (_, Some(_)) => None,
                (delay, None) if error.status() == Some(429) => delay.map(|delay| delay.max(THROTTLED_MIN)),
                (delay, None) => delay,
            })
            .notify(|error, delay| tracing::debug!(%error, ?delay, "trying again"))
            .await
    }

    /// One attempt, and a second one with a new token when the origin no longer takes the old one.
    async fn attempt(&self, get: &Get) -> Result<Value, ClientError> {
        let endpoint = self.endpoint(get.endpoint);
        let count = || {
            self.calls.fetch_add(1, Ordering::Relaxed);
        };
        self.refuse_when_open(&endpoint)?;
        let bearer = self.shared.oauth.bearer(count).await?;
        match self.send(get, &endpoint, &bearer).await {
            Err(error) if error.token_invalid() => {
                self.shared.oauth.discard(&bearer).await;
                let bearer = self.shared.oauth.bearer(count).await?;
                self.send(get, &endpoint, &bearer).await
            }
            result => result,
        }
    }

    async fn send(&self, get: &Get, endpoint: &Endpoint, bearer: &Secret) -> Result<Value, ClientError> {
        let shared = &self.shared;
        self.wait_while_paused().await;
        if let Some(budget) = &shared.budget {
            budget.take().await;
        }
        let _permit = shared.permits.acquire().await.expect("the semaphore is never closed");
        let admission = endpoint.breaker.admit().map_err(|until| self.open(endpoint, until))?;
        self.calls.fetch_add(1, Ordering::Relaxed);
        let in_flight = endpoint.send();
        let result = self.exchange(get, bearer).await;
        drop(in_flight);
        match &result {
            // Neither a success nor a failure: the admission is handed back.
            Err(error) if error.counts_against_endpoint() && get.blames_symbols => drop(admission),
            Err(error) if error.counts_against_endpoint() => admission.failed(),
            Err(error) if error.status() == Some(429) => self.pause(error.retry_after()),
            _ => admission.succeeded(),
        }
        if let Err(error) = &result {
            endpoint.fail(error.to_string());
        }
        result
    }

    async fn exchange(&self, get: &Get, bearer: &Secret) -> Result<Value, ClientError> {
        let shared = &self.shared;
        let timeout = shared.options.timeout;
        let request = shared
            .http
            .get(format!("{}{}", shared.base, get.path))
            .query(&get.query)
            .bearer_auth(bearer.expose())
            .header(reqwest::header::ACCEPT, "application/json")
            .timeout(timeout);
        let response = request.send().await;
        let response = response.map_err(|error| answer::from_network(error, &shared.origin, &get.path, timeout))?;
        answer::read(response, &shared.origin, &get.path, timeout, shared.clock.now()).await
    }

    fn endpoint(&self, name: &'static str) -> Arc<Endpoint> {
        let mut endpoints = self.shared.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(endpoint) = endpoints.get(name) {
            return endpoint.clone();
        }
        let endpoint = Arc::new(Endpoint::new(name, self.shared.options.breaker, self.shared.clock.clone()));
        if endpoints.len() < ENDPOINTS_MAX {
            endpoints.insert(name, endpoint.clone());
        }
        endpoint
    }

    fn refuse_when_open(&self, endpoint: &Endpoint) -> Result<(), ClientError> {
        endpoint.breaker.refuses().map_or(Ok(()), |until| Err(self.open(endpoint, until)))
    }

    fn open(&self, endpoint: &Endpoint, until: chrono::DateTime<chrono::Utc>) -> ClientError {
        let reason = endpoint.last_error().unwrap_or_default();
        ClientError::Open { origin: self.shared.origin.clone(), endpoint: endpoint.name, until, reason }
    }

    /// Holds every request back for as long as the origin asks, if it asks for a bearable time.
    fn pause(&self, retry_after: Option<Duration>) {
        if let Some(wait) = retry_after.filter(|wait| *wait <= RETRY_AFTER_MAX) {
            let until = Instant::now() + wait;
            let mut paused = self.shared.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
            *paused = Some(paused.map_or(until, |earlier| earlier.max(until)));
        }
    }

    async fn wait_while_paused(&self) {
        let until = *self.shared.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }
}

/// Requests per second with a burst, shared by all requests to one origin.
struct Budget {
    limiter: DefaultDirectRateLimiter<StateInformationMiddleware>,
    rate: u32,
    burst: u32,
    /// What was left after the last request, and when that was. Held for a copy.
    last: Mutex<(u32, Instant)>,
}

impl Budget {
    fn new(rate: u32, burst: u32) -> Self {
        let (rate, burst) = (NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN), burst.max(1));
        let quota = Quota::per_second(rate).allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN));
        let limiter = RateLimiter::direct(quota).with_middleware::<StateInformationMiddleware>();
        Self { limiter, rate: rate.get(), burst, last: Mutex::new((burst, Instant::now())) }
    }

    /// Waits until one more request fits.
    async fn take(&self) {
        loop {
            match self.limiter.check() {
                Ok(state) => {
                    let left = (state.remaining_burst_capacity(), Instant::now());
                    *self.last.lock().unwrap_or_else(PoisonError::into_inner) = left;
                    return;
                }
                Err(early) => {
                    let now = governor::clock::Clock::now(&governor::clock::DefaultClock::default());
                    tokio::time::sleep(early.wait_time_from(now).max(Duration::from_millis(1))).await;
                }
            }
        }
    }

    /// Requests that would pass at once now.
    fn left(&self) -> u32 {
        let (left, at) = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let regained = at.elapsed().as_secs_f64() * f64::from(self.rate);
        left.saturating_add(regained as u32).min(self.burst)
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
