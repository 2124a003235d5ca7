//! The one integration test binary.
#![allow(clippy::unwrap_used)]

mod as_of;
mod fixture;
mod freshness;
mod postgres_catalog;
mod postgres_text;
mod sessions;
mod slt;
mod world;
