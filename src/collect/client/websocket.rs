//! A WebSocket to a source: text frames in, text frames out, `ws://` and `wss://`.

use super::answer;
use super::record::{FeedTap, Tap};
use futures::{SinkExt, StreamExt};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// The largest message that is taken; a larger one ends the connection.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// An open connection. One task owns it.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    tap: FeedTap,
}

impl Socket {
    /// Connects within `limit`; `tap` records what goes over it. `Err` is one clear sentence without the address.
    pub async fn connect(url: &str, limit: Duration, tap: &Tap) -> Result<Self, String> {
        // Both providers are compiled in, so rustls cannot choose by itself. A second installation changes nothing.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let connecting = connect_async_with_config(url, Some(config), true);
        match tokio::time::timeout(limit, connecting).await {
            Ok(Ok((stream, _))) => Ok(Self { stream, tap: tap.feed(url) }),
            Ok(Err(error)) => Err(answer::chain(&error)),
            Err(_) => Err(format!("no connection within {} s", limit.as_secs_f64())),
        }
    }

    /// Sends one text frame.
    pub async fn send(&mut self, text: String) -> Result<(), String> {
        self.tap.sent(&text);
        let sent = self.stream.send(Message::text(text)).await.map_err(|error| tell(&error));
        if let Err(reason) = &sent {
            self.tap.ended(reason);
        }
        sent
    }

    /// The next text frame; binary frames are passed over. `Err` says why the connection is over.
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Utf8Bytes, String> {
        let received = self.receive().await;
        match &received {
            Ok(text) => self.tap.received(text),
            Err(reason) => self.tap.ended(reason),
        }
        received
    }

    async fn receive(&mut self) -> Result<Utf8Bytes, String> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Err(format!("closed with code {} {}", u16::from(frame.code), frame.reason));
                }
                Some(Ok(Message::Close(None))) | None => return Err("closed".to_owned()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(tell(&error)),
            }
        }
    }

    /// Says goodbye; an error no longer matters.
    pub async fn close(&mut self) {
        let _ = self.stream.close(None).await;
    }
}

fn tell(error: &Error) -> String {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => "closed".to_owned(),
        other => answer::chain(other),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_server_that_speaks_no_websocket_is_an_error_with_and_without_tls() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { while listener.accept().await.is_ok() {} });
        let limit = Duration::from_secs(5);
        assert!(Socket::connect(&format!("ws://{address}/realtime"), limit, &Tap::default()).await.is_err());
        assert!(Socket::connect(&format!("wss://{address}/realtime"), limit, &Tap::default()).await.is_err());
        assert!(Socket::connect("nonsense", limit, &Tap::default()).await.is_err());
    }
}
