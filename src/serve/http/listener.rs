//! The sockets of the HTTP server: a bounded number, of which the oldest goes for a new one, and none that says nothing
//! for long.

use crate::serve::strangers::{Place, Strangers};
use crate::serve::trusted_proxies::TrustedProxies;
use axum::serve::Listener;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

/// Sockets at once. Requests are short, and scrapers few.
pub(crate) const SOCKETS_MAX: usize = 128;

/// How long a socket may say nothing, or take nothing.
const SILENCE: Duration = Duration::from_secs(20);

/// A listener whose sockets are counted and timed.
pub(super) struct LimitedListener {
    listener: TcpListener,
    strangers: Arc<Strangers>,
}

impl LimitedListener {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, strangers: Strangers::new(SOCKETS_MAX, SOCKETS_MAX, TrustedProxies::default()) }
    }
}

impl Listener for LimitedListener {
    type Io = LimitedSocket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (LimitedSocket, SocketAddr) {
        let (socket, address) = Listener::accept(&mut self.listener).await;
        let place = self.strangers.admit(address);
        let evicted = Box::pin(place.evicted().clone().cancelled_owned());
        let silence = Box::pin(sleep(SILENCE));
        (LimitedSocket { socket, silence, evicted, _place: place }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One client's socket, which ends when it is silent for long or has to make room.
pub(super) struct LimitedSocket {
    socket: TcpStream,
    silence: Pin<Box<Sleep>>,
    evicted: Pin<Box<WaitForCancellationFutureOwned>>,
    _place: Place,
}

impl LimitedSocket {
    /// Passes on what the socket says, unless it has to end; a word of either side begins the silence anew.
    fn polled<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if self.evicted.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if polled.is_ready() {
            self.silence.as_mut().reset(tokio::time::Instant::now() + SILENCE);
            return polled;
        }
        ready!(self.silence.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for LimitedSocket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = Pin::new(&mut this.socket).poll_read(context, buffer);
        this.polled(context, read)
    }
}

impl AsyncWrite for LimitedSocket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.socket).poll_write(context, bytes);
        this.polled(context, written)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }
}
