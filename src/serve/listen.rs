//! Listening addresses: `tt serve` asks here, once per address and before it binds, whether the Postgres, Flight or HTTP
//! server may listen there.
//!
//! An address beyond loopback needs users and TLS, unless the configuration allows it without them.

use super::auth::Users;
use crate::config::ServerConfig;
use anyhow::{Result, bail};
use std::net::SocketAddr;

/// Refuses an address beyond loopback to a front end that lets anyone in, or that can be listened in on, unless the
/// configuration says so. `what` names the address's key: `server.pg`.
///
/// # Errors
/// A sentence that says what is missing, and which keys give it.
pub fn check(address: SocketAddr, what: &str, users: &Users, tls: bool, config: &ServerConfig) -> Result<()> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    let mut missing = Vec::new();
    if users.is_open() && !config.allow_without_users {
        missing.push("users (auth.users, or server.allow_without_users = true)");
    }
    if !tls && !config.allow_without_tls {
        missing.push("TLS (tls.certificate and tls.key, or server.allow_without_tls = true)");
    }
    if !missing.is_empty() {
        bail!("refusing to listen on {address} ({what}), which is not loopback, without {}", missing.join(" and "));
    }
    Ok(())
}

/// The same for HTTP, which has neither users nor TLS.
///
/// # Errors
/// A sentence that names the key.
pub fn check_http(address: SocketAddr, config: &ServerConfig) -> Result<()> {
    if !address.ip().is_loopback() && !config.allow_http_beyond_loopback {
        bail!(
            "refusing to listen on {address} (server.http), which is not loopback: whoever reaches it reads health, \
             metrics and the status page; server.allow_http_beyond_loopback = true allows it"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::auth::{Verifier, file};

    fn config() -> ServerConfig {
        crate::config::load(None, &Vec::new()).unwrap().server
    }

    #[test]
    fn loopback_is_always_allowed() {
        for address in ["127.0.0.1:0", "127.5.0.1:0", "[::1]:0"] {
            let address = address.parse().unwrap();
            check(address, "server.pg", &Users::open(), false, &config()).unwrap();
            check_http(address, &config()).unwrap();
        }
    }

    #[test]
    fn elsewhere_takes_users_and_tls_or_a_word() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users.toml");
        file::add(&path, "ada", None, &Verifier::of("x")).unwrap();
        let some = Users::load(&path).unwrap();
        let (mut without_users, mut without_tls) = (config(), config());
        without_users.allow_without_users = true;
        without_tls.allow_without_tls = true;
        for address in ["0.0.0.0:0", "[::]:0", "10.0.0.1:0"] {
            let address = address.parse().unwrap();
            let said = |users: &Users, tls, config: &ServerConfig| match check(address, "server.pg", users, tls, config)
            {
                Ok(()) => String::new(),
                Err(error) => error.to_string(),
            };
            let both = said(&Users::open(), false, &config());
            assert!(both.contains("auth.users") && both.contains("tls.key") && both.contains("server.pg"), "{both}");
            assert!(!said(&some, false, &config()).contains("auth.users"));
            assert!(said(&some, false, &config()).contains("tls.key"));
            assert!(said(&Users::open(), true, &config()).contains("auth.users"));
            assert_eq!(said(&some, true, &config()), "");
            assert_eq!(said(&Users::open(), true, &without_users), "");
            assert_eq!(said(&some, false, &without_tls), "");
            assert_ne!(said(&Users::open(), false, &without_tls), "");
            assert!(check_http(address, &config()).is_err());
        }
    }
}
