//! The dxLink server of the venue: it accepts WebSocket connections and gives each a session of its own.

mod candle;
mod channel;
mod feed;
mod frame;
mod message;
mod restate;
mod session;

pub(crate) use feed::Feed;
use session::Session;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_util::sync::CancellationToken;

/// Longest a client may take for the WebSocket upgrade.
const UPGRADE_WAIT: Duration = Duration::from_secs(10);
/// Longest message that is read at all; the venue's own limit is lower and answered with a close frame.
const MESSAGE_BYTES_READ_MAX: usize = 4 << 20;

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
