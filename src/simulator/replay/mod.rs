//! A venue on this machine that answers what was recorded of another: `tt collect --record DIR` makes a recording, and
//! `tt simulate --replay DIR` serves it.
//!
//! A request is answered by the exchange that was recorded for it, with its status, headers and body as they were; the same
//! request again by the next one of its kind, and by the last one once there is no other. Tokens are given to whoever asks.
//! A connection of the feed gets the frames of the recorded connection that was asked for the same.

mod asked;
mod exchanges;
mod feeds;
mod line;
mod play;
mod recording;
mod rest;
mod session;
#[cfg(test)]
mod tests;

use crate::simulator::dxlink;
use feeds::Feeds;
pub use recording::Recording;
use rest::Archive;
use session::Session;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A running replay. Its tasks end with the shutdown token it was started with; dropping this handle does not end them.
#[derive(Debug)]
pub struct Replay {
    rest: SocketAddr,
    dxlink: SocketAddr,
}

impl Replay {
    /// Starts answering on two listeners until `shutdown`. The feed speaks `speed` times as fast as it was recorded, and as
    /// fast as it is taken where that is infinite. To be called within a runtime.
    ///
    /// # Errors
    /// When a listener has no local address.
    pub fn start(
        recording: Recording,
        speed: f64,
        rest: TcpListener,
        dxlink: TcpListener,
        shutdown: CancellationToken,
    ) -> std::io::Result<Self> {
        let replay = Self { rest: rest.local_addr()?, dxlink: dxlink.local_addr()? };
        let archive = Arc::new(Archive::new(recording.exchanges, replay.dxlink));
        let feeds = Arc::new(Feeds::new(recording.feeds, speed));
        tokio::spawn(rest::serve(archive, rest, shutdown.clone()));
        let ended = shutdown.clone();
        let session = move |socket| Session::new(feeds.clone()).run(socket, ended.clone());
        tokio::spawn(dxlink::accept(dxlink, shutdown, session));
        Ok(replay)
    }

    /// Where REST is answered.
    pub fn rest_addr(&self) -> SocketAddr {
        self.rest
    }

    /// Where the feed is replayed, at `ws://ADDR/realtime`.
    pub fn dxlink_addr(&self) -> SocketAddr {
        self.dxlink
    }
}
