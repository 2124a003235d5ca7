//! The servers: Postgres, Flight SQL and HTTP take statements to the engine and rows to the client. They know no source
//! and no file of the lake.
//!
//! Who may connect ([`auth`]), over what ([`tls`]) and where ([`listen`]) is the same for all of them, and so is how many
//! there may be that have not said who they are (`strangers`), of whose connections a `proxy` may bring many.

pub mod auth;
mod file_watch;
pub mod flight;
pub mod http;
pub mod limit;
pub mod listen;
pub mod postgres;
pub(crate) mod proxy;
pub(crate) mod strangers;
pub mod tls;
pub mod trusted_proxies;
