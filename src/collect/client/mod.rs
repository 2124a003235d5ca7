//! The network side of the collectors: HTTP with authorisation, circuit breaker, retry and rate budget; WebSocket.
//!
//! A source asks its [`Client`] for a document and gets what it reads from it or one clear [`ClientError`]; everything
//! about tokens, waiting and trying again stays in here. Nothing here knows what the document means, or whose it is.

mod answer;
pub mod auth;
pub mod breaker;
pub mod budget;
pub mod endpoint;
pub mod error;
pub mod get;
pub mod http;
mod oauth;
mod pause;
pub mod record;
#[cfg(test)]
pub(crate) mod scripted;
pub mod websocket;

pub use auth::Auth;
pub use breaker::{BreakerOptions, BreakerState};
pub use budget::BudgetStatus;
pub use endpoint::EndpointStatus;
pub use error::ClientError;
pub use get::Get;
pub use http::Client;
pub use record::{Recorder, Tap};
