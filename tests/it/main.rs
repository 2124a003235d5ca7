//! The one integration test binary.
#![allow(clippy::unwrap_used)]

mod as_of;
mod fixture;
mod freshness;
mod freshness_items;
mod postgres_catalog;
mod postgres_text;
mod slt;
mod world;
