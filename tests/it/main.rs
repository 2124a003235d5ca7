//! The one integration test binary.
#![allow(clippy::unwrap_used)]

mod fixture;
mod freshness;
mod postgres_catalog;
mod postgres_text;
mod slt;
mod world;
