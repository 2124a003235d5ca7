//! Why there is no dxLink session, or no longer: what the feed tells of itself, and what a fetch of bars fails with.

use crate::collect::FetchError;
use crate::collect::client::ClientError;

/// Why there is no session, or no longer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SessionError {
    /// There is no quote token to log in with.
    #[error("no quote token: {0}")]
    Token(#[from] ClientError),
    /// The token was refused, and so was a new one.
    #[error("{origin} refuses the quote token: {reason}")]
    Unauthorized {
        /// Host and port that the request went to.
        origin: String,
        /// What the other side said, secrets masked.
        reason: String,
    },
    /// No connection, or a handshake that went wrong.
    #[error("{origin}: {reason}")]
    Connect {
        /// Host and port that the request went to.
        origin: String,
        /// What went wrong, one clear sentence.
        reason: String,
    },
    /// The connection ended, by whichever side.
    #[error("{origin}: connection lost: {reason}")]
    Closed {
        /// Host and port that the request went to.
        origin: String,
        /// Why, in one clear sentence.
        reason: String,
    },
    /// The token was good, and is no more.
    #[error("{origin}: the session lost its authorisation: {reason}")]
    AuthLost {
        /// Host and port that the request went to.
        origin: String,
        /// What the other side said, secrets masked.
        reason: String,
    },
    /// Events stopped while the connection went on.
    #[error("{origin}: {reason}")]
    Stalled {
        /// Host and port that the request went to.
        origin: String,
        /// For how long, and what was tried.
        reason: String,
    },
    /// The server fell silent.
    #[error("{origin}: silent for {seconds} s")]
    Silent {
        /// Host and port that the request went to.
        origin: String,
        /// For how many seconds nothing came.
        seconds: u64,
    },
}

impl SessionError {
    /// Whether only a person can help: asking again soon is useless.
    pub fn refused(&self) -> bool {
        matches!(self, Self::Unauthorized { .. } | Self::Token(ClientError::Refused { .. }))
    }
}

impl From<SessionError> for FetchError {
    fn from(error: SessionError) -> Self {
        let reason = error.to_string();
        match error {
            SessionError::Token(error) => error.into(),
            SessionError::Unauthorized { origin, .. } => Self::Unauthorized { origin, reason },
            SessionError::Connect { origin, .. }
            | SessionError::Closed { origin, .. }
            | SessionError::AuthLost { origin, .. }
            | SessionError::Stalled { origin, .. }
            | SessionError::Silent { origin, .. } => {
                // The error that is made of it names the origin itself.
                let reason = reason.strip_prefix(&format!("{origin}: ")).unwrap_or(&reason).to_owned();
                Self::Unavailable { origin, reason }
            }
        }
    }
}
