//! Authentication: who may connect to the Postgres and the Flight server, and in which role. Nothing here knows a protocol.
//!
//! Users stand in a file ([`file`]) with a verifier each ([`verifier`]), from which a password can be checked but not
//! read. [`Users`] is what the servers ask.

pub mod file;
mod user;
mod users;
pub mod verifier;

pub use user::{Identity, User};
pub use users::Users;
pub use verifier::Verifier;
