//! The vocabulary of the market: symbols, lists, bars, live events, sessions of exchanges, expirations, option values; and
//! arithmetic over it: curves, indicators, performance, quotes.
//!
//! Collectors parse a vendor's words into these types, `lake` and `live` keep them, the simulated venue makes them up.
//! Pure: no I/O, no clock; whoever needs the present moment hands it in.

pub mod bar;
pub mod calendar;
pub mod curve;
pub mod day_count;
pub mod event;
pub mod exchange;
pub mod expiration;
pub mod hours;
pub mod indicator;
pub mod list;
pub mod option_model;
pub mod performance;
pub mod quote;
pub mod symbol;
