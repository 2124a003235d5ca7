//! What can go wrong between us and an origin, in words that name the origin and the path.

use crate::collect::fetch::FetchError;
use crate::secret::Secret;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// A request that brought no data. Never holds a secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClientError {
    /// The origin says that the grant is not valid. Nothing is asked of it for an hour, or until a person says so.
    #[error("{origin} refuses the client secret or refresh token: {reason}")]
    Refused {
        /// Host and port that the request went to.
        origin: String,
        /// What the other side said, secrets masked.
        reason: String,
    },
    /// The endpoint failed too often; nothing was sent.
    #[error("{origin} {endpoint}: not asked, its circuit is open until {until}; last failure: {reason}")]
    Open {
        /// Host and port that the request went to.
        origin: String,
        /// Endpoint as it is named in the list of sources.
        endpoint: &'static str,
        /// When the next request is let through.
        until: DateTime<Utc>,
        /// The failure that opened it.
        reason: String,
    },
    /// The origin asked to be left alone; nothing was sent.
    #[error("{origin}: not asked until {until}, as it demands: {reason}")]
    Paused {
        /// Host and port that the request went to.
        origin: String,
        /// When requests go again.
        until: DateTime<Utc>,
        /// The answer that demanded it.
        reason: String,
    },
    /// The origin answered with an error status.
    #[error("{origin}{path}: status {status}{}: {message}", code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
    Status {
        /// Host and port that the request went to.
        origin: String,
        /// Path of the request without its query.
        path: String,
        /// The HTTP status of the answer.
        status: u16,
        /// The vendor's error code.
        code: Option<String>,
        /// The vendor's words, shortened.
        message: String,
        /// How long the origin asks us to wait.
        retry_after: Option<Duration>,
    },
    /// The answer is not the document it should be.
    #[error("{origin}{path}: unreadable answer: {reason}")]
    Unreadable {
        /// Host and port that the request went to.
        origin: String,
        /// Path of the request without its query.
        path: String,
        /// What is wrong with the answer, one clear sentence.
        reason: String,
    },
    /// No answer in time.
    #[error("{origin}{path}: no answer within {} s", timeout.as_secs_f64())]
    Timeout {
        /// Host and port that the request went to.
        origin: String,
        /// Path of the request without its query.
        path: String,
        /// The time limit that ran out.
        timeout: Duration,
    },
    /// The connection could not be made, or broke.
    #[error("{origin}{path}: {reason}")]
    Unreachable {
        /// Host and port that the request went to.
        origin: String,
        /// Path of the request without its query.
        path: String,
        /// What the network said.
        reason: String,
    },
    /// The base address of the source cannot be used.
    #[error("base address {address:?} of the source: {reason}")]
    Address {
        /// The address as the configuration has it.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ClientError {
    /// Whether another attempt may help.
    pub fn transient(&self) -> bool {
        match self {
            Self::Status { status, .. } => *status == 408 || *status == 429 || *status >= 500,
            Self::Unreadable { .. } | Self::Timeout { .. } | Self::Unreachable { .. } => true,
            Self::Refused { .. } | Self::Open { .. } | Self::Paused { .. } | Self::Address { .. } => false,
        }
    }

    /// Whether the endpoint, rather than this one request, is in trouble. Throttling is not: the endpoint is well.
    pub(super) fn counts_against_endpoint(&self) -> bool {
        self.transient() && self.status() != Some(429)
    }

    /// HTTP status of the answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// How long the origin asks us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The same error without a secret that the origin may have repeated.
    pub(super) fn masking(mut self, secret: &Secret) -> Self {
        match &mut self {
            Self::Refused { reason, .. }
            | Self::Open { reason, .. }
            | Self::Paused { reason, .. }
            | Self::Status { message: reason, .. }
            | Self::Unreadable { reason, .. }
            | Self::Unreachable { reason, .. }
            | Self::Address { reason, .. } => *reason = secret.mask(reason),
            Self::Timeout { .. } => {}
        }
        self
    }

    /// Whether the origin does not take the bearer token, in whatever words.
    pub(super) fn refuses_token(&self) -> bool {
        self.status() == Some(401)
    }

    /// Whether the origin says, in the words of OAuth2, that the grant is not valid: trying again cannot help.
    pub(super) fn refuses_grant(&self) -> bool {
        matches!(self, Self::Status { status: 400 | 401, code: Some(code), .. } if code == "invalid_grant")
    }

    /// Whether the whole origin is out of reach, so that asking it for less cannot help.
    pub fn origin_wide(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status, 401 | 403 | 429),
            Self::Refused { .. }
            | Self::Open { .. }
            | Self::Paused { .. }
            | Self::Address { .. }
            | Self::Unreachable { .. } => true,
            Self::Unreadable { .. } | Self::Timeout { .. } => false,
        }
    }
}

impl From<ClientError> for FetchError {
    fn from(error: ClientError) -> Self {
        let reason = error.to_string();
        match error {
            ClientError::Refused { origin, .. } | ClientError::Status { origin, status: 401 | 403, .. } => {
                Self::Unauthorized { origin, reason }
            }
            ClientError::Unreadable { origin, .. } => Self::Unreadable { origin, reason },
            ClientError::Open { origin, .. }
            | ClientError::Paused { origin, .. }
            | ClientError::Status { origin, .. }
            | ClientError::Timeout { origin, .. }
            | ClientError::Unreachable { origin, .. }
            | ClientError::Address { address: origin, .. } => Self::Unavailable { origin, reason },
        }
    }
}
