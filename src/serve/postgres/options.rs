//! Options of the Postgres server: limits, users and encryption, as [`super::serve`] takes them from the program's
//! configuration.

use crate::serve::auth::Users;
use crate::serve::limit::CONNECTIONS_DEFAULT;
use crate::serve::strangers;
use crate::serve::tls::Tls;
use crate::serve::trusted_proxies::TrustedProxies;
use std::time::Duration;
use tokio::runtime::Handle;

/// Who is let in, over what, and how much of it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Users and passwords of this server; [`Users::open`] lets everybody in.
    pub users: Users,
    /// Encryption, for clients that ask for it.
    pub tls: Option<Tls>,
    /// Whether clients that do not ask are refused.
    pub tls_required: bool,
    /// Sessions at the same time (`limits.connections`); one more is refused with 53300 once its user has been
    /// identified.
    pub connections_max: usize,
    /// The last so many of them are kept for admins, who come to see what is wrong.
    pub connections_reserved: usize,
    /// Clients at the same time that have not logged in; for one more, the oldest of them goes.
    pub strangers_max: usize,
    /// Proxies that bring clients of many networks, and may name them.
    pub trusted_proxies: TrustedProxies,
    /// How long a client may take to encrypt and to prove who it is.
    pub startup_timeout: Duration,
    /// Bytes of one message of the client; a longer one ends the connection.
    pub message_bytes_max: usize,
    /// Prepared statements of one session, at most.
    pub prepared_statements_max: usize,
    /// Portals of one session, cursors among them, at most.
    pub portals_max: usize,
    /// Where connections are served, each by one of them from its first byte to its last; where the listener is, if there
    /// are none.
    pub runtimes: Vec<Handle>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            users: Users::open(),
            tls: None,
            tls_required: false,
            connections_max: CONNECTIONS_DEFAULT,
            connections_reserved: 0,
            strangers_max: strangers::ALL_MAX,
            trusted_proxies: TrustedProxies::default(),
            startup_timeout: Duration::from_secs(10),
            message_bytes_max: 64 * 1024 * 1024,
            prepared_statements_max: 4_096,
            portals_max: 4_096,
            runtimes: Vec::new(),
        }
    }
}
