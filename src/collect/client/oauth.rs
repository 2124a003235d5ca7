//! Bearer tokens by the OAuth2 refresh grant.
//!
//! A token is renewed a minute before it expires, and when the origin does not take it. However many requests wait, one
//! call is made; if it fails, all that waited for it share its failure, and the next call waits longer with each one in a
//! row. A grant that is not valid (`invalid_grant`) is asked for again once an hour, or when a person says so: the vendor
//! blocks addresses that try again. A page of HTML says nothing about a grant.

use super::answer;
use super::endpoint::Endpoint;
use super::error::ClientError;
use super::record::{Asked, Tap};
use crate::clock::Clock;
use crate::secret::Secret;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long before its expiry a token is renewed, in seconds.
const RENEW_BEFORE_SECONDS: i64 = 60;
/// Longest life that is believed.
const LIFE_SECONDS_MAX: i64 = 24 * 60 * 60;
/// The life of a token of which the vendor does not tell it.
const LIFE_SECONDS: i64 = 900;
/// Shortest use of a token, whatever its life is said to be: else each request would ask for one.
const USE_SECONDS_MIN: i64 = 30;
/// A token that the origin does not take is replaced at once, but no more often than this.
const REPLACE_PERIOD: Duration = Duration::from_secs(5);
/// First pause after a call that failed; it doubles with each in a row.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A person's word counts again so long after a refusal.
const ASK_AGAIN_SECONDS: i64 = 2;
/// Pause after a grant was said not to be valid.
const REFUSED_PAUSE: Duration = Duration::from_secs(60 * 60);

pub(super) struct OAuth {
    pub(super) http: reqwest::Client,
    pub(super) url: String,
    pub(super) origin: String,
    pub(super) client_secret: Secret,
    pub(super) refresh_token: Secret,
    pub(super) timeout: Duration,
    pub(super) clock: Clock,
    pub(super) endpoint: std::sync::Arc<Endpoint>,
    pub(super) tap: Tap,
    /// Held across the token call on purpose: that is what makes it one call for all who wait.
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    token: Option<Token>,
    failure: Option<Failure>,
    /// When a token that was not taken was last replaced.
    replaced: Option<Instant>,
}

struct Token {
    bearer: Secret,
    renew_at: DateTime<Utc>,
}

/// Calls that failed, without a success since.
struct Failure {
    ended: Instant,
    ended_at: DateTime<Utc>,
    times: u32,
    error: ClientError,
}

impl Failure {
    fn pause(&self) -> Duration {
        match self.error {
            ClientError::Refused { .. } => REFUSED_PAUSE,
            _ => PAUSE_MIN.saturating_mul(2_u32.saturating_pow(self.times.saturating_sub(1))).min(PAUSE_MAX),
        }
    }

    /// When the next call may be made; `None` when that is now. A clock set back does not prolong the pause.
    fn until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let until = self.ended_at + TimeDelta::from_std(self.pause()).unwrap_or(TimeDelta::MAX);
        (self.ended.elapsed() < self.pause() && now < until).then_some(until)
    }
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
        if let Some(failure) = &state.failure {
            match failure.until(self.clock.now()) {
                // The call was made while this request waited for it.
                _ if failure.ended >= asked_at => return Err(failure.error.clone()),
                Some(_) if matches!(failure.error, ClientError::Refused { .. }) => return Err(failure.error.clone()),
                Some(until) => return Err(self.open(until)),
                None => {}
            }
        }
        if let Some(until) = self.endpoint.breaker.refuses() {
            return Err(self.open(until));
        }
        count();
        match self.renew().await {
            Ok(token) => {
                let bearer = token.bearer.clone();
                *state = State { token: Some(token), failure: None, replaced: state.replaced };
                Ok(bearer)
            }
            Err(error) => {
                self.endpoint.fail(error.to_string());
                let times = state.failure.as_ref().map_or(0, |failure| failure.times).saturating_add(1);
                let (ended, ended_at) = (Instant::now(), self.clock.now());
                state.failure = Some(Failure { ended, ended_at, times, error: error.clone() });
                Err(error)
            }
        }
    }

    /// Forgets a token that the origin does not take. Whether there may be another one: what has just been replaced and is
    /// not taken either, is not a matter of tokens.
    pub(super) async fn discard(&self, bearer: &Secret) -> bool {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_none_or(|token| token.bearer != *bearer) {
            return true;
        }
        if state.replaced.is_some_and(|replaced| replaced.elapsed() < REPLACE_PERIOD) {
            return false;
        }
        state.token = None;
        state.replaced = Some(Instant::now());
        true
    }

    /// Forgets that the grant was refused, unless that was just now: a command asks for many things at once.
    pub(super) async fn ask_again(&self) {
        let mut state = self.state.lock().await;
        let just_now = self.clock.now() - TimeDelta::seconds(ASK_AGAIN_SECONDS);
        let refused = |failure: &mut Failure| matches!(failure.error, ClientError::Refused { .. });
        state.failure.take_if(|failure| refused(failure) && failure.ended_at <= just_now);
    }

    /// Until when no token is asked for after a failure; `None` when one may be, or a call is under way.
    pub(super) fn held_until(&self) -> Option<DateTime<Utc>> {
        self.state.try_lock().ok()?.failure.as_ref()?.until(self.clock.now())
    }

    fn open(&self, until: DateTime<Utc>) -> ClientError {
        let reason = self.endpoint.last_error().unwrap_or_default();
        ClientError::Open { origin: self.origin.clone(), endpoint: self.endpoint.name, until, reason }
    }

    async fn renew(&self) -> Result<Token, ClientError> {
        let admission = self.endpoint.breaker.admit().map_err(|until| self.open(until))?;
        let result = self.send().await;
        match &result {
            Err(error) if !error.refuses_grant() => admission.failed(),
            _ => admission.succeeded(),
        }
        let answer = result.map_err(|error| self.judge(error))?;
        let unreadable = |reason: &str| ClientError::Unreadable {
            origin: self.origin.clone(),
            path: self.endpoint.name.to_owned(),
            reason: reason.to_owned(),
        };
        let bearer = answer.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty());
        let bearer = Secret::new(bearer.ok_or_else(|| unreadable("it has no access_token"))?);
        self.tap.hide(&bearer);
        let seconds = life_seconds(answer.get("expires_in"));
        // A token that lives less than two minutes is used for half its life, not renewed for every request.
        let good_for = (seconds - RENEW_BEFORE_SECONDS).max(seconds / 2).max(USE_SECONDS_MIN);
        Ok(Token { bearer, renew_at: self.clock.now() + TimeDelta::seconds(good_for) })
    }

    async fn send(&self) -> Result<Value, ClientError> {
        let _in_flight = self.endpoint.send();
        let body = json!({
            "grant_type": "refresh_token",
            "refresh_token": self.refresh_token.expose(),
            "client_secret": self.client_secret.expose(),
        });
        let text = body.to_string();
        let path = self.endpoint.name;
        let at_ms = self.tap.now_ms();
        let accept = "*/*";
        let asked = Asked { at_ms, method: "POST", path, query: &[], key: None, accept, body: Some(&text) };
        let received = match self.http.post(&self.url).timeout(self.timeout).json(&body).send().await {
            Ok(response) => answer::receive(response).await,
            Err(error) => {
                let error = error.without_url();
                self.tap.exchange(&asked, Err(&answer::chain(&error)));
                return Err(answer::from_network(error, &self.origin, path, self.timeout));
            }
        };
        self.tap.exchange(&asked, Ok(&received));
        let body = received.body(&self.origin, path, self.timeout, self.clock.now())?;
        answer::json(&body).map_err(|reason| ClientError::Unreadable {
            origin: self.origin.clone(),
            path: path.to_owned(),
            reason,
        })
    }

    /// Tells a grant that is not valid from all that may pass. What the origin says must not repeat the secrets.
    fn judge(&self, error: ClientError) -> ClientError {
        let refused = error.refuses_grant();
        match error.masking(&self.client_secret).masking(&self.refresh_token) {
            ClientError::Status { origin, status, code, message, .. } if refused => {
                let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
                ClientError::Refused { origin, reason: format!("status {status}{code}: {message}") }
            }
            other => other,
        }
    }
}

/// How long a token lives: a number, or a number as text; what the vendor is known to give where it tells none.
fn life_seconds(told: Option<&Value>) -> i64 {
    let seconds = match told {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let seconds = seconds.filter(|seconds: &f64| seconds.is_finite() && *seconds >= 1.0);
    seconds.map_or(LIFE_SECONDS, |seconds| seconds.min(LIFE_SECONDS_MAX as f64) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_a_number_or_a_text_or_what_is_known() {
        let told = [json!(900), json!("900"), json!("899.5"), json!(1e30), json!("soon"), json!(null), json!(0)];
        let seconds = told.iter().map(|told| life_seconds(Some(told))).collect::<Vec<_>>();
        assert_eq!(seconds, [900, 900, 899, LIFE_SECONDS_MAX, LIFE_SECONDS, LIFE_SECONDS, LIFE_SECONDS]);
        assert_eq!(life_seconds(None), LIFE_SECONDS);
    }
}
