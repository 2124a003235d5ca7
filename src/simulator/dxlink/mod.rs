//! The dxLink server of the venue: it accepts WebSocket connections and gives each a session of its own.

mod candle;
mod channel;
mod feed;
mod frame;
pub(super) mod message;
mod restate;
mod session;
pub(super) mod writer;

pub(crate) use feed::Feed;
use session::Session;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_util::sync::CancellationToken;

/// Longest a client may take for the WebSocket upgrade.
const UPGRADE_WAIT: Duration = Duration::from_secs(10);
/// Longest message that is read at all; the venue's own limit is lower and answered with a close frame.
const MESSAGE_BYTES_READ_MAX: usize = 4 << 20;

/// Serves connections until `shutdown`.
pub(crate) async fn serve(feed: Arc<Feed>, listener: TcpListener, shutdown: CancellationToken) {
    let ended = shutdown.clone();
    let session = move |socket| {
        feed.connections.fetch_add(1, Ordering::Relaxed);
        Session::new(feed.clone()).run(socket, ended.clone())
    };
    accept(listener, shutdown, session).await;
}

/// Accepts connections until `shutdown`, and runs a session of its own for each.
pub(super) async fn accept<S, R>(listener: TcpListener, shutdown: CancellationToken, session: S)
where
    S: Fn(WebSocketStream<TcpStream>) -> R + Clone + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                tokio::spawn(connect(stream, session.clone()));
            }
            Err(error) => {
                // Out of file handles, say: wait for some to come free rather than spin.
                tracing::warn!(%error, "simulator feed cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connect<R: Future<Output = ()>>(stream: TcpStream, session: impl Fn(WebSocketStream<TcpStream>) -> R) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_READ_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_READ_MAX));
    // Small control messages go out at once.
    let _ = stream.set_nodelay(true);
    let upgrade = tokio_tungstenite::accept_async_with_config(stream, Some(config));
    if let Ok(Ok(socket)) = tokio::time::timeout(UPGRADE_WAIT, upgrade).await {
        session(socket).await;
    }
}
