//! Quote tokens: what opens a dxLink session, and where.

use crate::collect::client::{Client, ClientError, Get};
use crate::collect::purpose::Purpose;
use crate::collect::venue::tastytrade::parse;
use crate::secret::Secret;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Arc, Mutex, PoisonError};

const ENDPOINT: &str = "/api-quote-tokens";
/// A token lives 24 hours; it is replaced an hour before.
const LIFE: TimeDelta = TimeDelta::hours(23);

/// A token and the address it is good for.
#[derive(Debug, Clone)]
pub struct QuoteToken {
    /// The token itself, which is secret.
    pub token: Secret,
    /// Address of the WebSocket to connect to.
    pub url: String,
    /// What the vendor calls the data it opens: `api`, `demo`.
    pub level: Option<String>,
    fetched_at: DateTime<Utc>,
}

/// Where tokens come from. Clones share the token held.
#[derive(Debug, Clone)]
pub struct QuoteTokens {
    client: Client,
    /// Held for a copy, never across an await.
    held: Arc<Mutex<Option<QuoteToken>>>,
}

impl QuoteTokens {
    /// Tokens of the account the client is for.
    pub fn new(client: Client) -> Self {
        Self { client, held: Arc::default() }
    }

    /// The client the tokens come through.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A token that is not old: the one held, or a new one.
    pub async fn current(&self) -> Result<QuoteToken, ClientError> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match held {
            Some(token) if self.client.clock().now() < token.fetched_at + LIFE => Ok(token),
            _ => self.renew().await,
        }
    }

    /// A new token, in place of the one held.
    pub async fn renew(&self) -> Result<QuoteToken, ClientError> {
        let answer = self.client.get(&Get::new(ENDPOINT)).await?;
        let (token, url, level) = parse::quote_token(answer).map_err(|reason| ClientError::Unreadable {
            origin: self.client.origin().to_owned(),
            path: ENDPOINT.to_owned(),
            reason,
        })?;
        self.client.tap().hide(&token);
        let token = QuoteToken { token, url, level, fetched_at: self.client.clock().now() };
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }

    /// A token is good for nothing any more: the next session gets a new one, unless another has it already.
    pub fn discard(&self, refused: &QuoteToken) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.take_if(|held| held.token.expose() == refused.token.expose());
    }

    /// Counts the calls of one fetch apart, and sends them for its purpose.
    pub(crate) fn for_purpose(&self, purpose: &Arc<Purpose>) -> Self {
        Self { client: self.client.for_purpose(purpose), held: self.held.clone() }
    }
}
