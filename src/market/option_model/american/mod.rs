//! American options by the integral over the boundary of early exercise, after Andersen, Lake and Offengenden, "High
//! Performance American Option Pricing" (2015).
//!
//! A call is a put on the strike, paid in shares: spot and strike change places, and so do rate and dividend yield. A
//! put is worth its strike times a put with strike 1. So everything below the `pricer` is about puts with strike 1.

mod boundary;
mod dynamics;
mod grid;
mod implied;
mod linear;
mod pricer;
mod put;
mod root;
#[cfg(test)]
mod tests;

pub use implied::implied_volatility;
pub use pricer::Pricer;
