//! The one integration test binary.
#![allow(clippy::unwrap_used)]

mod as_of;
mod fixture;
mod flight;
mod flight_client;
mod freshness;
mod postgres_catalog;
mod postgres_text;
mod slt;
mod world;
