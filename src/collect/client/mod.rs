//! The network side of the collectors: HTTP with OAuth2, circuit breaker, retry and rate budget; WebSocket.
//!
//! A source asks [`Client`] for JSON and gets a value or one clear [`ClientError`]; everything about tokens, waiting
//! and trying again stays in here. Nothing here knows what the JSON means.

mod answer;
pub mod breaker;
pub mod endpoint;
pub mod error;
pub mod http;
mod oauth;
#[cfg(test)]
pub(crate) mod scripted;
pub mod websocket;

pub use breaker::{BreakerOptions, BreakerState};
pub use endpoint::SourceStatus;
pub use error::ClientError;
pub use http::{Client, ClientOptions, Get};
