//! dxLink: daily candles for the history, and the live feed of events such as quotes and trades, over one WebSocket each.
//!
//! A [`session`] is one authorised connection; [`Eod`] and [`Feed`] open sessions, subscribe, and open another when one
//! breaks. Nothing a server sends ends a session but its closing, its silence, or a refused token.

mod assembly;
mod bars;
pub mod eod;
mod event;
mod events;
pub mod feed;
mod parse;
mod row;
mod session;
pub mod token;
mod wire;

pub use bars::BAR_SOURCE;
pub use eod::{Eod, EodOptions};
pub use feed::{Feed, FeedOptions, FeedSnapshot, FeedStatus, FeedSymbols};
pub use session::SessionError;
pub use token::QuoteTokens;

#[cfg(test)]
mod tests;
