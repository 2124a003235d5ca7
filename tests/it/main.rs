//! The one integration test binary.
#![allow(clippy::unwrap_used)]

mod architecture;
mod as_of;
mod damage;
mod events;
mod feed;
mod fixture;
mod flight;
mod flight_client;
mod flight_limits;
mod flight_poll;
mod freshness;
mod freshness_items;
mod fuzz_finds;
mod hostile;
mod kept_views;
mod lists;
mod live_sql;
mod postgres_catalog;
mod postgres_text;
mod prepared;
mod recording;
mod residents;
mod restated;
mod sessions;
mod slt;
mod small_plans;
mod tables;
mod temporary;
mod tokio_postgres_client;
mod two_sources;
mod vendor;
mod without_feed;
mod world;
