//! The HTTP client of one source: documents by GET, authorised, within a budget, tried again where that may help.

use super::answer;
use super::auth::Auth;
use super::breaker::{BreakerOptions, BreakerState};
use super::budget::{Budget, BudgetStatus};
use super::endpoint::{Endpoint, EndpointStatus};
use super::error::ClientError;
use super::get::Get;
use super::oauth::OAuth;
use super::pause::Pause;
use super::record::{Asked, Tap};
use crate::clock::Clock;
use crate::collect::purpose::Purpose;
use crate::config::SourceConfig;
use crate::secret::Secret;
use backon::{ExponentialBuilder, Retryable};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// The longest `Retry-After` that an attempt waits for; a longer one ends the attempts.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// First wait between attempts; it doubles, with jitter.
const BACKOFF_MIN: Duration = Duration::from_millis(250);
/// Shortest wait after a 429 that names none.
const THROTTLED_MIN: Duration = Duration::from_secs(1);
/// Longest wait between attempts.
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// Endpoints that are told apart; their names are ours, so this is only a guard.
const ENDPOINTS_MAX: usize = 256;
/// Reads a body, or says what is wrong with it.
pub type Parse<'a, T> = dyn Fn(&[u8]) -> Result<T, String> + Send + Sync + 'a;

/// The client. Clones share everything, the count of calls included; see [`Client::with_own_count`].
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    calls: Arc<AtomicU64>,
    purpose: Arc<Purpose>,
}

struct Shared {
    attempts: usize,
    timeout: Duration,
    breaker: BreakerOptions,
    base: String,
    origin: String,
    clock: Clock,
    http: reqwest::Client,
    authority: Authority,
    /// Held for a look-up, never across an await.
    endpoints: Mutex<BTreeMap<&'static str, Arc<Endpoint>>>,
    budget: Option<Budget>,
    permits: Semaphore,
    /// Nothing is sent while the origin wants to be left alone.
    pause: Pause,
    tap: Tap,
}

/// What authorises the requests of a client.
enum Authority {
    None,
    Header(&'static str, Secret),
    Query(&'static str, Secret),
    OAuth2(Box<OAuth>),
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").field("origin", &self.shared.origin).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that has sent nothing yet, whose traffic is recorded by `tap`. `Err` when the configured address cannot be used.
    pub fn new(options: &SourceConfig, auth: Auth, clock: Clock, tap: Tap) -> Result<Self, ClientError> {
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
        let breaker = BreakerOptions {
            failures: options.breaker_failures,
            open_for: options.breaker_open,
            successes: options.breaker_successes,
        };
        let mut endpoints = BTreeMap::new();
        let authority = match auth {
            Auth::None => Authority::None,
            Auth::Header { key, .. } | Auth::Query { key, .. } if key.is_empty() => Authority::None,
            Auth::Header { name, key } => Authority::Header(name, key),
            Auth::Query { name, key } => Authority::Query(name, key),
            Auth::OAuth2 { token_path, client_secret, refresh_token } => {
                let endpoint = Arc::new(Endpoint::new(token_path, breaker, clock.clone()));
                endpoints.insert(token_path, endpoint.clone());
                Authority::OAuth2(Box::new(OAuth {
                    http: http.clone(),
                    url: format!("{base}{token_path}"),
                    origin: origin.clone(),
                    client_secret,
                    refresh_token,
                    timeout: options.timeout,
                    clock: clock.clone(),
                    endpoint,
                    tap: tap.clone(),
                    state: tokio::sync::Mutex::default(),
                }))
            }
        };
        let budget = options.requests_per_second.map(|rate| Budget::new(rate, options.burst, clock.clone()));
        let shared = Shared {
            attempts: options.attempts,
            timeout: options.timeout,
            breaker,
            base,
            origin,
            clock,
            http,
            authority,
            endpoints: Mutex::new(endpoints),
            budget,
            permits: Semaphore::new(options.in_flight.clamp(1, Semaphore::MAX_PERMITS)),
            pause: Pause::default(),
            tap,
        };
        Ok(Self { shared: Arc::new(shared), calls: Arc::default(), purpose: Arc::default() })
    }

    /// The same client with a count of calls of its own, for one fetch.
    #[must_use]
    pub fn with_own_count(&self) -> Self {
        Self { shared: self.shared.clone(), calls: Arc::default(), purpose: self.purpose.clone() }
    }

    /// The same for one fetch: with a count of calls of its own, and for its purpose.
    #[must_use]
    pub fn for_purpose(&self, purpose: &Arc<Purpose>) -> Self {
        Self { purpose: purpose.clone(), ..self.with_own_count() }
    }

    /// The rate budget and what waits for it; `None` where there is no limit.
    pub fn budget(&self) -> Option<BudgetStatus> {
        self.shared.budget.as_ref().map(Budget::status)
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

    /// What records the traffic with the source.
    pub fn tap(&self) -> &Tap {
        &self.shared.tap
    }

    /// Every endpoint asked so far, and the token endpoint where there is one, by name. While the origin wants to be left
    /// alone, all of them are open.
    pub fn endpoints(&self) -> Vec<EndpointStatus> {
        let left = self.shared.budget.as_ref().map(Budget::left);
        let paused_until = self.shared.pause.until(&self.shared.clock);
        let token_until = match &self.shared.authority {
            Authority::OAuth2(oauth) => oauth.held_until().map(|until| (oauth.endpoint.name, until)),
            _ => None,
        };
        let endpoints = self.shared.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        let status = |endpoint: &Arc<Endpoint>| {
            let mut status = endpoint.status(&self.shared.origin, left);
            let token_until = token_until.filter(|(name, _)| *name == endpoint.name).map(|(_, until)| until);
            let until = paused_until.max(token_until);
            if until > status.open_until {
                (status.breaker_state, status.open_until) = (BreakerState::Open, until);
            }
            status
        };
        endpoints.values().map(status).collect()
    }

    /// Lets the next request ask for a token again though the last grant was refused: a person has seen to it.
    pub async fn ask_again(&self) {
        if let Authority::OAuth2(oauth) = &self.shared.authority {
            oauth.ask_again().await;
        }
    }

    /// The JSON of a GET. Dropping the future stops it.
    pub async fn get(&self, get: &Get) -> Result<Value, ClientError> {
        self.get_as(get, &answer::json).await
    }

    /// What `parse` makes of the body of a GET that was answered with success. Its `Err` says what is wrong with the
    /// body: that is a failure of the endpoint as good as an error status, and is tried again. Dropping the future stops
    /// it.
    pub async fn get_as<T>(&self, get: &Get, parse: &Parse<'_, T>) -> Result<T, ClientError> {
        let attempts = get.attempts.unwrap_or(self.shared.attempts).max(1);
        let backoff = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(BACKOFF_MIN)
            .with_max_delay(BACKOFF_MAX)
            .with_max_times(attempts - 1);
        (|| self.attempt(get, parse))
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

    /// One attempt, and a second one with a new token when the origin does not take the old one.
    async fn attempt<T>(&self, get: &Get, parse: &Parse<'_, T>) -> Result<T, ClientError> {
        let endpoint = self.endpoint(get.endpoint);
        self.refuse_when_open(&endpoint)?;
        self.shared.pause.over(&self.shared.clock, &self.shared.origin).await?;
        let Authority::OAuth2(oauth) = &self.shared.authority else {
            return self.send(get, parse, &endpoint, None).await;
        };
        let bearer = self.bearer(oauth).await?;
        match self.send(get, parse, &endpoint, Some(&bearer)).await {
            Err(error) if error.refuses_token() && oauth.discard(&bearer).await => {
                let bearer = self.bearer(oauth).await?;
                self.send(get, parse, &endpoint, Some(&bearer)).await
            }
            result => result,
        }
    }

    /// A token. What the origin demands of whoever asks for one, holds for all requests.
    async fn bearer(&self, oauth: &OAuth) -> Result<Secret, ClientError> {
        let count = || {
            self.calls.fetch_add(1, Ordering::Relaxed);
        };
        let bearer = oauth.bearer(count).await;
        if let Err(error) = &bearer {
            self.obey(error);
        }
        bearer
    }

    async fn send<T>(
        &self,
        get: &Get,
        parse: &Parse<'_, T>,
        endpoint: &Endpoint,
        bearer: Option<&Secret>,
    ) -> Result<T, ClientError> {
        let shared = &self.shared;
        let _permit = loop {
            shared.pause.over(&shared.clock, &shared.origin).await?;
            if let Some(budget) = &shared.budget {
                budget.take(&self.purpose).await;
            }
            let permit = shared.permits.acquire().await.expect("the semaphore is never closed");
            // Whoever was waiting when the origin asked to be left alone has not been sent yet.
            if shared.pause.until(&shared.clock).is_none() {
                break permit;
            }
        };
        let admission = endpoint.breaker.admit().map_err(|until| self.open(endpoint, until))?;
        self.calls.fetch_add(1, Ordering::Relaxed);
        let in_flight = endpoint.send();
        let result = self.exchange(get, parse, bearer).await;
        drop(in_flight);
        match &result {
            // Neither a success nor a failure: the admission is handed back.
            Err(error) if error.counts_against_endpoint() && get.blames_symbols => drop(admission),
            Err(error) if error.counts_against_endpoint() => admission.failed(),
            Err(error) if error.status() == Some(429) => drop(admission),
            _ => admission.succeeded(),
        }
        if let Err(error) = &result {
            self.obey(error);
            endpoint.fail(error.to_string());
        }
        result
    }

    async fn exchange<T>(&self, get: &Get, parse: &Parse<'_, T>, bearer: Option<&Secret>) -> Result<T, ClientError> {
        let shared = &self.shared;
        let timeout = shared.timeout;
        let mut request = shared
            .http
            .get(format!("{}{}", shared.base, get.path))
            .query(&get.query)
            .header(reqwest::header::ACCEPT, get.accept)
            .timeout(timeout);
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer.expose());
        }
        request = match &shared.authority {
            Authority::Header(name, key) => request.header(*name, key.expose()),
            Authority::Query(name, key) => request.query(&[(*name, key.expose())]),
            Authority::None | Authority::OAuth2(_) => request,
        };
        let asked = self.asked(get);
        let received = match request.send().await {
            Ok(response) => answer::receive(response).await,
            Err(error) => {
                let error = error.without_url();
                shared.tap.exchange(&asked, Err(&answer::chain(&error)));
                return Err(answer::from_network(error, &shared.origin, &get.path, timeout));
            }
        };
        shared.tap.exchange(&asked, Ok(&received));
        let body = received.body(&shared.origin, &get.path, timeout, shared.clock.now());
        let body = body.map_err(|error| self.without_key(error))?;
        parse(&body).map_err(|reason| {
            let (origin, path) = (shared.origin.clone(), get.path.clone());
            self.without_key(ClientError::Unreadable { origin, path, reason })
        })
    }

    /// A GET that is sent now, for the recording.
    fn asked<'a>(&self, get: &'a Get) -> Asked<'a> {
        let key = match &self.shared.authority {
            Authority::Query(name, _) => Some(*name),
            _ => None,
        };
        let at_ms = self.shared.tap.now_ms();
        Asked { at_ms, method: "GET", path: &get.path, query: &get.query, key, accept: get.accept, body: None }
    }

    /// What an origin says of a request must not repeat the key that the request carried.
    fn without_key(&self, error: ClientError) -> ClientError {
        match &self.shared.authority {
            Authority::Header(_, key) | Authority::Query(_, key) => error.masking(key),
            Authority::None | Authority::OAuth2(_) => error,
        }
    }

    fn endpoint(&self, name: &'static str) -> Arc<Endpoint> {
        let mut endpoints = self.shared.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(endpoint) = endpoints.get(name) {
            return endpoint.clone();
        }
        let endpoint = Arc::new(Endpoint::new(name, self.shared.breaker, self.shared.clock.clone()));
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

    /// Holds every request back for as long as the origin asks, whatever its answer is otherwise.
    fn obey(&self, error: &ClientError) {
        let throttled = (error.status() == Some(429)).then_some(THROTTLED_MIN);
        if let Some(wait) = error.retry_after().or(throttled) {
            self.shared.pause.begin(wait, &self.shared.clock, error.to_string());
        }
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
