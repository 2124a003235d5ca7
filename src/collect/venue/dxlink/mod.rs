//! dxLink: daily candles for the history, and the live feed of events such as quotes and trades, over one WebSocket each.
//!
//! A [`session`] is one authorised connection; [`Eod`] and [`Feed`] open sessions, subscribe, and open another when one
//! breaks. Nothing a server sends ends a session but its closing, its silence, or a refused token. The feed divides what is
//! followed into shares, one for each connection, and each connection is watched: one that stays while its events stop is
//! subscribed anew, then left.

mod assembly;
mod bars;
mod connection;
pub mod eod;
mod event;
mod events;
pub mod feed;
mod inbound;
mod options;
mod parse;
mod replay;
mod row;
mod session;
mod session_error;
mod share;
mod status;
pub mod token;
mod watchdog;
mod wire;

pub use bars::BAR_SOURCE;
pub use eod::{Eod, EodOptions};
pub use feed::Feed;
pub use options::FeedOptions;
pub use replay::Replay;
pub use session_error::SessionError;
pub use share::{FeedLimits, FeedSymbols};
pub use status::{FeedSnapshot, FeedStatus};
pub use token::QuoteTokens;

#[cfg(test)]
mod tests;
