//! The one integration test binary.
#![allow(clippy::unwrap_used)]

mod fixture;
mod postgres_text;
mod slt;
//! The integration tests, one binary.

#![allow(clippy::unwrap_used)]

mod postgres_catalog;
