//! The Postgres server: it accepts sockets, opens a session of the engine for each client, and keeps their limits.
//!
//! Messages to the client are `pgwire`'s; the loop, the reading of messages and the encoding of rows are our own,
//! because a result must leave while it is made, a cancel must reach a running statement, and a client that goes must
//! be noticed while nothing is sent to it (see [`transport`]).
//!
//! [`serve`] owns the listener and every connection. One task owns one socket; it is stopped by its client, by the
//! `shutdown` token, or with its last word when it fails.

mod command;
mod connection;
mod copy;
mod copy_in;
mod copy_out;
mod cursor;
mod encode;
mod error;
mod extended;
mod fetch;
mod held;
mod lexer;
mod login;
mod message;
mod notice;
mod options;
mod parameter;
mod plan_cache;
mod portal;
mod portal_execution;
mod rows;
mod runtimes;
mod scram;
mod scroll;
mod setting;
mod socket;
mod startup;
mod transaction;
mod transport;
mod types;

#[cfg(test)]
mod tests;

use super::auth::Identity;
use super::proxy;
use super::strangers::{self, Place, Strangers};
use crate::engine::{CancelHandle, Engine};
use crate::role::Role;
use bytes::Bytes;
use connection::Connection;
use error::{Disconnect, Failure, Stop};
use futures::FutureExt;
pub use options::Options;
use runtimes::Runtimes;
pub use startup::ALPN;
use startup::{Greeting, Startup};
use std::collections::HashMap;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use transport::Transport;

/// How long a client waits for the word that it is not let in: guessing passwords takes time.
const REFUSAL_PAUSE: Duration = Duration::from_millis(500);
/// Pause after a failed accept: out of file handles, another try at once fails too.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long connections may take to end when the server stops.
const SHUTDOWN_WAIT: Duration = Duration::from_secs(5);

/// The state that all Postgres connections share: the engine, options, free places and cancel keys.
struct Shared {
    engine: Engine,
    options: Options,
    sessions: Arc<Semaphore>,
    cancels: Cancels,
    shutdown: CancellationToken,
}

/// Serves until `shutdown`, then ends every connection with 57P01. Whether the listener's address is a place for it is
/// [`super::listen::check`]'s to say.
///
/// # Errors
/// None today: a failed accept is logged and tried again.
pub async fn serve(
    listener: TcpListener,
    engine: Engine,
    options: Options,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let strangers = Strangers::new(strangers::EACH_MAX, options.strangers_max, options.trusted_proxies.clone());
    let sessions = Arc::new(Semaphore::new(options.connections_max));
    let runtimes = Runtimes::new(&options.runtimes);
    let shared = Arc::new(Shared { engine, options, sessions, cancels: Cancels::default(), shutdown });
    let mut connections = JoinSet::new();
    loop {
        let (socket, address) = tokio::select! {
            () = shared.shutdown.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let (shared, place) = (shared.clone(), strangers.admit(address));
        let (runtime, occupied) = runtimes.least_occupied();
        let socket = match socket.into_std() {
            Ok(socket) => socket,
            Err(error) => {
                tracing::debug!(%error, "a socket that was accepted");
                continue;
            }
        };
        let connection = async move {
            let _occupied = occupied;
            // Watched where it is served: whoever wakes for it need not wake another.
            match TcpStream::from_std(socket) {
                Ok(socket) => connect(socket, place, &shared).await,
                Err(error) => tracing::warn!(%error, "a socket cannot be watched"),
            }
        };
        connections.spawn_on(connection, &runtime);
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(SHUTDOWN_WAIT, all).await.is_err() {
        connections.abort_all();
    }
    Ok(())
}

/// One connection from its first byte to its last.
async fn connect(socket: TcpStream, place: Place, shared: &Shared) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "set nodelay");
    }
    let mut transport = Transport::new(socket, shared.shutdown.clone());
    let entered = tokio::time::timeout(shared.options.startup_timeout, enter(&mut transport, &place, shared));
    let entered = tokio::select! {
        biased;
        entered = entered => entered,
        () = place.evicted().cancelled() => {
            let failure = Failure::fatal("53300", "too many clients that have not logged in");
            return transport.farewell(&failure).await;
        }
    };
    let entered = match entered {
        Ok(Ok(Some(entered))) => entered,
        Ok(Ok(None)) => return,
        Ok(Err(Stop::Disconnect(Disconnect::Shutdown))) => {
            return transport.farewell(&Failure::fatal("57P03", "the database system is shutting down")).await;
        }
        Ok(Err(stop)) => {
            if let Stop::Failure(failure) = &stop
                && failure.code.starts_with("28")
            {
                tracing::warn!(client = %place.client(), "not let in: {}", failure.message);
                tokio::time::sleep(REFUSAL_PAUSE).await;
            }
            return end(&mut transport, stop).await;
        }
        Err(_) => {
            let failure = Failure::fatal("57014", "canceling authentication due to timeout");
            return transport.farewell(&failure).await;
        }
    };
    drop(place);
    let Entered { startup, identity, _place } = entered;
    let session = shared.engine.open_session(&identity.user, identity.role, "postgres");
    transport.end_with(session.terminated());
    let cancel = shared.cancels.register(&session);
    let mut connection = Connection::new(transport, session, shared.options.clone());
    let stop = match connection.open(&startup, cancel.pid, cancel.secret) {
        // A panic is ours, and ends this connection alone.
        Ok(()) => AssertUnwindSafe(connection.run()).catch_unwind().await.unwrap_or_else(|_| {
            connection.transport.drop_incomplete();
            Failure::fatal("XX000", "internal error").into()
        }),
        Err(failure) => failure.into_fatal().into(),
    };
    // What the session holds is free before the last word, which the client may not take.
    let mut transport = connection.into_transport();
    drop(cancel);
    end(&mut transport, stop).await;
}

/// A client that is known and has a place among the sessions.
struct Entered {
    startup: Startup,
    identity: Identity,
    _place: OwnedSemaphorePermit,
}

/// Everything before the session: `None` for a client that only came to cancel.
async fn enter(transport: &mut Transport, place: &Place, shared: &Shared) -> Result<Option<Entered>, Stop> {
    let options = &shared.options;
    if let Some(socket) = transport.tcp() {
        proxy::welcome(socket, place).await.map_err(Disconnect::from)?;
    }
    let (greeting, encrypted) = startup::greet(transport, options.tls.as_ref(), options.tls_required).await?;
    let startup = match greeting {
        Greeting::Startup(startup) => startup,
        Greeting::Cancel { pid, secret } => {
            shared.cancels.cancel(pid, &secret);
            return Ok(None);
        }
    };
    let end_point = encrypted.and_then(|loaded| loaded.end_point.clone());
    let identity = login::identify(transport, &options.users, &startup.user, end_point).await?;
    let Ok(place) = shared.sessions.clone().try_acquire_owned() else {
        return Err(Failure::fatal("53300", "sorry, too many clients already").into());
    };
    if identity.role != Role::Admin && shared.sessions.available_permits() < options.connections_reserved {
        return Err(Failure::fatal("53300", "remaining connection slots are reserved for admins").into());
    }
    Ok(Some(Entered { startup, identity, _place: place }))
}

/// The last message of a connection, when its client is still there.
async fn end(transport: &mut Transport, stop: Stop) {
    match stop {
        Stop::Failure(failure) => transport.farewell(&failure.into_fatal()).await,
        Stop::Disconnect(Disconnect::Shutdown) => {
            transport.farewell(&Failure::fatal("57P01", "terminating connection due to administrator command")).await;
        }
        Stop::Disconnect(Disconnect::Closed) => {}
        Stop::Disconnect(Disconnect::Lost(error)) => tracing::debug!(%error, "connection lost"),
    }
}

/// Who may cancel what: a handle for each session under its pid and secret.
///
/// The lock is held for a lookup, never across an await.
#[derive(Default, Clone)]
struct Cancels {
    handles: Arc<Mutex<HashMap<(i32, i32), CancelHandle>>>,
}

/// A session's place among the cancels; it is given up with the connection.
struct Registration {
    cancels: Cancels,
    pid: i32,
    secret: i32,
}

impl Cancels {
    fn register(&self, session: &crate::engine::Session) -> Registration {
        let pid = session.pid();
        // The random bits of a UUID of version 4; its fixed bits are cut off.
        let secret = uuid::Uuid::new_v4().as_u128() as i32;
        self.lock().insert((pid, secret), session.cancel_handle());
        Registration { cancels: self.clone(), pid, secret }
    }

    /// Cancels what a session runs. A wrong secret does nothing and is not answered.
    fn cancel(&self, pid: i32, secret: &Bytes) {
        let Ok(secret) = <[u8; 4]>::try_from(secret.as_ref()) else { return };
        let handle = self.lock().get(&(pid, i32::from_be_bytes(secret))).cloned();
        if let Some(handle) = handle {
            handle.cancel();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(i32, i32), CancelHandle>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.cancels.lock().remove(&(self.pid, self.secret));
    }
}
