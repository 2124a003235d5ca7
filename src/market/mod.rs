//! The vocabulary of the market: symbols, bars, quotes, calendars, options. Pure: no I/O, no clock.

pub mod bar;
pub mod calendar;
pub mod expiration;
pub mod list;
pub mod options;
pub mod quote;
pub mod symbol;
