//! `tt serve`: the server of a configuration and, unless read-only, its collectors. `tt demo` serves by the same way.
//!
//! The order at the start: users and TLS are read, addresses bound, the lake opened, HTTP served (`/readyz` says why
//! the server is not ready), then the Postgres wire and Flight SQL; last the ready line on standard output:
//!
//! ```text
//! ready pg=127.0.0.1:5433 flight=127.0.0.1:50051 http=127.0.0.1:8090
//! ```

use super::collection;
use super::configuration;
use super::descriptors;
use super::recording;
use crate::args::{Common, Recording};
use crate::clock::Clock;
use crate::collect::client::Recorder;
use crate::config::Config;
use crate::console::progress::Display;
use crate::console::say;
use crate::serve::auth::Users;
use crate::serve::tls::Tls;
use crate::serve::trusted_proxies::TrustedProxies;
use crate::serve::{flight, http, listen, postgres};
use crate::server::{self, Role};
use crate::shutdown;
use crate::status::ServerStatus;
use crate::threads::{Threads, processors};
use anyhow::{Context, Result};
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long open connections may take to end after a signal.
const DRAIN: Duration = Duration::from_secs(5);

/// Serves the configuration of a command line until a signal; with `read_only`, what is in the lake and nothing else.
/// `recorded` says whether what the sources send is recorded.
///
/// # Errors
/// The configuration cannot be used, an address is taken, the lake cannot be opened, the recording cannot be begun, or a front
/// end stopped.
pub async fn run(common: &Common, read_only: bool, recorded: &Recording) -> Result<ExitCode> {
    let config = configuration(common)?;
    let role = if read_only { Role::ReadOnly } else { Role::Collect };
    let shutdown = shutdown::on_signal();
    let recorder = recording::start(recorded, &config)?;
    let served = serve(&config, role, FirstLoad::Background, &recorder, &shutdown, |_| {}).await;
    recording::finish(&recorder).await;
    served.map(|()| ExitCode::SUCCESS)
}

/// When a server that collects is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstLoad {
    /// Once every dataset was loaded or tried.
    Wait,
    /// At once: a query on what is not loaded yet waits for it, as its contract says. At a vendor's pace the first load
    /// takes minutes.
    Background,
}

/// Who may connect to the front ends and over what, read from the files of a configuration.
pub(crate) struct Doors {
    /// The users of `auth.users`; open where it names no file.
    users: Users,
    /// TLS as Postgres clients speak it; `None` where no certificate is configured.
    postgres_tls: Option<Tls>,
    /// TLS as Flight clients speak it.
    flight_tls: Option<Tls>,
}

impl Doors {
    /// Reads the files of users and of TLS, and checks that the addresses may be served with them. `tt serve` begins
    /// with this, and `tt config check` ends with it.
    ///
    /// # Errors
    /// A file that is missing, is not what it should be or may be read by others; an address beyond loopback without
    /// users or without TLS.
    pub(crate) fn open(config: &Config) -> Result<Self> {
        let users = match config.auth.users.as_os_str().is_empty() {
            true => Users::open(),
            false => Users::load(&config.auth.users)?,
        };
        let postgres_tls = Tls::load(&config.tls, &[postgres::ALPN])?;
        listen::check(config.server.pg, "server.pg", &users, postgres_tls.is_some(), &config.server)?;
        let flight_tls = Tls::load(&config.tls, &[flight::ALPN])?;
        if config.flight.enabled {
            listen::check(config.server.flight, "server.flight", &users, flight_tls.is_some(), &config.server)?;
        }
        listen::check_http(config.server.http, &config.server)?;
        Ok(Self { users, postgres_tls, flight_tls })
    }
}

/// Serves a configuration until `shutdown`; `announce` is called after the ready line with the Postgres address.
/// `feed_class` is what `system.freshness` tells of the kind of market data.
///
/// After `shutdown` the live events received are committed and open connections get [`DRAIN`] to end.
///
/// # Errors
/// Those of [`run`].
pub(crate) async fn serve(
    config: &Config,
    role: Role,
    first_load: FirstLoad,
    recorder: &Recorder,
    shutdown: &CancellationToken,
    announce: impl FnOnce(std::net::SocketAddr),
) -> Result<()> {
    let Doors { users, postgres_tls: tls, flight_tls } = Doors::open(config)?;
    let pg = server::bind(config.server.pg, "--pg").await?;
    let flight = match config.flight.enabled {
        true => Some(server::bind(config.server.flight, "--flight").await?),
        false => None,
    };
    let web = server::bind(config.server.http, "--http").await?;
    let (pg_address, web_address) = (pg.local_addr()?, web.local_addr()?);
    let mut server = server::start_recorded(config, role, Clock::System, recorder, shutdown).await?;
    let display = server.events.take().map(|events| tokio::spawn(collection::show(events, Display::new())));
    let status = Arc::new(ServerStatus::new(&server));
    let health = tokio::spawn(http::serve(
        web,
        status.clone(),
        config.server.http_names.clone(),
        shutdown.clone().cancelled_owned(),
    ));
    if first_load == FirstLoad::Wait {
        server::wait_until_tried(&server, shutdown).await?;
    }
    if !users.is_open() {
        let users = users.clone();
        server.engine.list_users(Box::new(move || users.list()));
    }
    let limits = &config.limits;
    let places = descriptors::divide(limits.connections);
    server.engine.keep_to_memory(limits.memory_bytes).context("cannot watch the memory limit")?;
    let trusted_proxies = TrustedProxies::of(&limits.trusted_proxies);
    // One thread each: a lookup takes less time than to wake another thread for it.
    let threads: Vec<Threads> = (0..processors())
        .map(|_| Threads::start("tt-postgres", 1))
        .collect::<io::Result<_>>()
        .context("cannot start the Postgres front end")?;
    let options = postgres::Options {
        users: users.clone(),
        tls_required: tls.is_some() && config.tls.required,
        tls,
        connections_max: places.connections,
        strangers_max: places.strangers,
        trusted_proxies: trusted_proxies.clone(),
        connections_reserved: limits.connections_reserved,
        startup_timeout: limits.startup_timeout,
        message_bytes_max: limits.message_bytes,
        prepared_statements_max: limits.prepared_statements,
        portals_max: limits.portals,
        runtimes: threads.iter().map(Threads::handle).collect(),
    };
    let postgres = tokio::spawn(postgres::serve(pg, server.engine.clone(), options, shutdown.clone()));
    let (flight_address, flight) = match flight {
        Some(listener) => {
            let address = listener.local_addr()?.to_string();
            let options = flight::Options {
                users,
                tls: flight_tls,
                connections_max: places.connections,
                trusted_proxies,
                ..flight_options(config)
            };
            let serve = flight::serve(listener, server.engine.clone(), options, shutdown.clone());
            (address, Some(tokio::spawn(serve)))
        }
        None => ("off".to_owned(), None),
    };
    status.set_ready();
    say!("ready pg={pg_address} flight={flight_address} http={web_address}");
    announce(pg_address);
    shutdown.cancelled().await;
    let ended = async {
        server.finish().await;
        postgres.await.context("the Postgres front end stopped")?.context("serve Postgres clients")?;
        if let Some(flight) = flight {
            flight.await.context("the Flight SQL front end stopped")?.context("serve Flight SQL clients")?;
        }
        health.await.context("the HTTP front end stopped")?.context("serve HTTP")
    };
    let outcome = tokio::time::timeout(DRAIN, ended).await;
    if let Some(display) = display {
        display.abort();
    }
    // Connections that did not end in time are cut.
    outcome.unwrap_or(Ok(()))
}

/// The Flight SQL front end's limits and habits, as configured.
fn flight_options(config: &Config) -> flight::Options {
    let (flight, bytes) = (&config.flight, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    flight::Options {
        calls_max: flight.calls,
        streams_max: flight.streams,
        sessions_max: flight.sessions,
        request_bytes_max: bytes(flight.request),
        message_bytes: bytes(flight.message),
        handle_bytes_max: bytes(flight.handle),
        endpoints_max: flight.endpoints,
        endpoint_rows: flight.endpoint_rows,
        compression: flight.compression,
        flush: flight.flush,
        handshake_timeout: config.limits.startup_timeout,
        keepalive_interval: flight.keepalive,
        keepalive_timeout: flight.keepalive_timeout,
        poll_ttl: flight.poll_ttl,
        token_ttl: flight.token_ttl,
        token_key: (!flight.token_key.is_empty()).then(|| flight.token_key.expose().as_bytes().to_vec()),
        ..flight::Options::default()
    }
}
