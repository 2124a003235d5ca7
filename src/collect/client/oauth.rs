//! Bearer tokens by the OAuth2 refresh grant.
//!
//! A token is renewed a minute before it expires. However many requests wait, one call is made; if it fails, all that
//! waited for it share its failure. A refusal (400 or 401) is final: the vendor blocks addresses that try again.

use super::answer;
use super::endpoint::Endpoint;
use super::error::ClientError;
use crate::clock::Clock;
use crate::secret::Secret;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long before its expiry a token is renewed, in seconds.
const RENEW_BEFORE_SECONDS: i64 = 60;
/// Longest life that is believed; the vendor's is 900 s.
const LIFE_SECONDS_MAX: i64 = 24 * 60 * 60;

pub(super) struct OAuth {
    pub(super) http: reqwest::Client,
    pub(super) url: String,
    pub(super) origin: String,
    pub(super) client_secret: Secret,
    pub(super) refresh_token: Secret,
    pub(super) timeout: Duration,
    pub(super) clock: Clock,
    pub(super) endpoint: std::sync::Arc<Endpoint>,
    /// Held across the token call on purpose: that is what makes it one call for all who wait.
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    token: Option<Token>,
    failure: Option<(Instant, ClientError)>,
}

struct Token {
    bearer: Secret,
    renew_at: DateTime<Utc>,
}

impl OAuth {
    /// A token that is not about to expire. `count` is called for each request sent.
    pub(super) async fn bearer(&self, count: impl Fn()) -> Result<Secret, ClientError> {
        let asked_at = Instant::now();
        let mut state = self.state.lock().await;
        if let Some(token) = &state.token
            && self.clock.now() < token.renew_at
        {
            return Ok(token.bearer.clone());
        }
        if let Some((failed_at, error)) = &state.failure
            && (matches!(error, ClientError::Refused { .. }) || *failed_at >= asked_at)
        {
            return Err(error.clone());
        }
        if let Some(until) = self.endpoint.breaker.refuses() {
            let reason = self.endpoint.last_error().unwrap_or_default();
            return Err(ClientError::Open { origin: self.origin.clone(), endpoint: self.endpoint.name, until, reason });
        }
        count();
        match self.renew().await {
            Ok(token) => {
                let bearer = token.bearer.clone();
                *state = State { token: Some(token), failure: None };
                Ok(bearer)
            }
            Err(error) => {
                self.endpoint.fail(error.to_string());
                state.failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Forgets a token that the origin no longer takes, unless another has taken its place already.
    pub(super) async fn discard(&self, bearer: &Secret) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|token| token.bearer == *bearer) {
            state.token = None;
        }
    }

    async fn renew(&self) -> Result<Token, ClientError> {
        let admission = self.endpoint.breaker.admit().map_err(|until| ClientError::Open {
            origin: self.origin.clone(),
            endpoint: self.endpoint.name,
            until,
            reason: self.endpoint.last_error().unwrap_or_default(),
        })?;
        let result = self.send().await;
        match &result {
            Err(error) if error.counts_against_endpoint() => admission.failed(),
            _ => admission.succeeded(),
        }
        let answer = result.map_err(|error| self.judge(error))?;
        let unreadable = |reason: &str| ClientError::Unreadable {
            origin: self.origin.clone(),
            path: self.endpoint.name.to_owned(),
            reason: reason.to_owned(),
        };
        let bearer = answer.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty());
        let seconds = answer.get("expires_in").and_then(Value::as_i64).filter(|seconds| *seconds > 0);
        let bearer = bearer.ok_or_else(|| unreadable("it has no access_token"))?;
        let seconds = seconds.ok_or_else(|| unreadable("it has no expires_in"))?.min(LIFE_SECONDS_MAX);
        // A token that lives less than two minutes is used for half its life, not renewed for every request.
        let good_for = (seconds - RENEW_BEFORE_SECONDS).max(seconds / 2);
        Ok(Token { bearer: Secret::new(bearer), renew_at: self.clock.now() + TimeDelta::seconds(good_for) })
    }

    async fn send(&self) -> Result<Value, ClientError> {
        let _in_flight = self.endpoint.send();
        let body = json!({
            "grant_type": "refresh_token",
            "refresh_token": self.refresh_token.expose(),
            "client_secret": self.client_secret.expose(),
        });
        let response = self.http.post(&self.url).timeout(self.timeout).json(&body).send().await;
        let response =
            response.map_err(|error| answer::from_network(error, &self.origin, self.endpoint.name, self.timeout))?;
        let path = self.endpoint.name;
        let body = answer::read(response, &self.origin, path, self.timeout, self.clock.now()).await?;
        answer::json(&body).map_err(|reason| ClientError::Unreadable {
            origin: self.origin.clone(),
            path: path.to_owned(),
            reason,
        })
    }

    /// A refused grant is final, and what the origin says of it must not repeat the secrets.
    fn judge(&self, error: ClientError) -> ClientError {
        match error {
            ClientError::Status { origin, status: status @ (400 | 401), code, message, .. } => {
                let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
                let reason = format!("status {status}{code}: {message}");
                ClientError::Refused { origin, reason: self.client_secret.mask(&self.refresh_token.mask(&reason)) }
            }
            other => other,
        }
    }
}
