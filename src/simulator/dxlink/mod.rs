//! The feed side of the venue: accepts WebSocket connections and gives each a session of its own.

mod candle;
mod channel;
mod frame;
mod message;
mod session;

use crate::simulator::exchange::Exchange;
use crate::simulator::fault::FaultSwitch;
use crate::simulator::hub::Hub;
use crate::simulator::rest::token::Tokens;
use session::Session;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_util::sync::CancellationToken;

/// Connections one quote token may hold at a time.
const SESSIONS_PER_TOKEN_MAX: usize = 5;
/// Longest a client may take for the WebSocket upgrade.
const UPGRADE_WAIT: Duration = Duration::from_secs(10);
/// Longest message that is read at all; the venue's own limit is lower and answered with a close frame.
const MESSAGE_BYTES_READ_MAX: usize = 4 << 20;

/// What every session sees.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) faults: FaultSwitch,
    pub(crate) connections: AtomicU64,
    pub(crate) subscriptions: AtomicU64,
    pub(crate) snapshots: AtomicU64,
    /// Sessions by token. Held for one change, never across an await.
    sessions: Mutex<HashMap<String, usize>>,
}

impl Feed {
    pub(crate) fn new(exchange: Arc<Exchange>, hub: Arc<Hub>, tokens: Arc<Tokens>, faults: FaultSwitch) -> Self {
        Self {
            exchange,
            hub,
            tokens,
            faults,
            connections: AtomicU64::new(0),
            subscriptions: AtomicU64::new(0),
            snapshots: AtomicU64::new(0),
            sessions: Mutex::default(),
        }
    }

    /// Takes one of the sessions a token may hold; false when there is none left.
    fn enter(&self, token: &str) -> bool {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let count = sessions.entry(token.to_owned()).or_default();
        *count += 1;
        if *count > SESSIONS_PER_TOKEN_MAX {
            *count -= 1;
            return false;
        }
        true
    }

    fn leave(&self, token: &str) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = sessions.get_mut(token) {
            *count -= 1;
            if *count == 0 {
                sessions.remove(token);
            }
        }
    }
}

/// Accepts connections until `shutdown`.
pub(crate) async fn serve(feed: Arc<Feed>, listener: TcpListener, shutdown: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                tokio::spawn(connect(feed.clone(), stream, shutdown.clone()));
            }
            Err(error) => {
                // Out of file handles, say: wait for some to come free rather than spin.
                tracing::warn!(%error, "simulator feed cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connect(feed: Arc<Feed>, stream: TcpStream, shutdown: CancellationToken) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_READ_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_READ_MAX));
    // Small control messages go out at once.
    let _ = stream.set_nodelay(true);
    let upgrade = tokio_tungstenite::accept_async_with_config(stream, Some(config));
    if let Ok(Ok(socket)) = tokio::time::timeout(UPGRADE_WAIT, upgrade).await {
        feed.connections.fetch_add(1, Ordering::Relaxed);
        Session::new(feed).run(socket, shutdown).await;
    }
}
