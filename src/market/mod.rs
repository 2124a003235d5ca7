//! The vocabulary of the market: symbols, bars, live events, calendars, options. Pure: no I/O, no clock.

pub mod bar;
pub mod calendar;
pub mod event;
pub mod expiration;
pub mod list;
pub mod options;
pub mod symbol;
