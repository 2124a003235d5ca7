//! Connections of Flight clients: their sockets are accepted, counted, and encrypted where that is configured, before
//! tonic sees them.
//!
//! A client beyond the limit is let in for a moment, so that [`super::limit`] can answer it with the reason why it is
//! sent away: a socket that is closed at once looks like a server that is down. One that does not begin to speak is
//! closed.

use super::connection_info::{ConnectionInfo, CookieOffered};
use super::state::ServerState;
use super::write_buffer::WriteBuffer;
use crate::serve::proxy;
use crate::serve::strangers::{self, Strangers};
use crate::serve::tls::Tls;
use futures::Stream;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::transport::server::Connected;

/// Pause after a failed accept: out of file handles, another try at once fails too.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Connections that are ready and wait for gRPC to take them.
const READY_MAX: usize = 16;

/// Connections beyond the limit that are answered RESOURCE_EXHAUSTED; further ones are closed at once.
const BEYOND_MAX: usize = 32;
/// How long a connection whose place is wanted may take to end.
const EVICTION: Duration = Duration::from_millis(200);
/// How long such a connection stays. Its client then connects anew, and may find room.
const BEYOND: Duration = Duration::from_secs(1);
/// Bytes that every client begins with: the preface of HTTP/2.
const PREFACE_BYTES: usize = 24;

/// One Flight client's socket as tonic drives it: plain or encrypted, with its place under `limits.connections`, which
/// dropping it gives back, and the instant at which a silent client is cut off.
pub(super) struct Connection {
    /// The socket behind a buffer that gathers small HTTP/2 frames into one write.
    socket: WriteBuffer<Socket>,
    /// Its place among the connections, or among those beyond the limit.
    _permit: OwnedSemaphorePermit,
    /// What the calls on this connection read of it from the request's extensions.
    info: ConnectionInfo,
    /// When reading reports the end of the stream, so that gRPC closes the connection.
    until: Until,
    /// Its place is wanted by another: reading reports the end as well.
    evicted: Pin<Box<WaitForCancellationFutureOwned>>,
}

/// How long a connection lasts, whatever its client does.
enum Until {
    /// Ends at the sleep's instant, unless so many more bytes of the HTTP/2 preface have arrived before it.
    Spoken(Pin<Box<Sleep>>, usize),
    /// Ends at the sleep's instant, one second after the accept: the client is beyond the limit and only gets its
    /// refusal.
    Told(Pin<Box<Sleep>>),
    /// For ever; gRPC asks now and then whether its client is there.
    Closed,
}

/// A plain socket, or an encrypted one.
type Socket = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Accepts connections until `shutdown` or until the returned stream is dropped. Each TLS handshake runs in a task of
/// its own, bounded by `handshake_timeout`, so that a slow client delays no other.
pub(super) fn accept(
    listener: TcpListener,
    shared: &Arc<ServerState>,
) -> impl Stream<Item = io::Result<Connection>> + use<> {
    let (ready, mut connections) = mpsc::channel(READY_MAX);
    let room = Arc::new(Semaphore::new(shared.options.connections_max));
    let room_beyond = Arc::new(Semaphore::new(BEYOND_MAX));
    let strangers = Strangers::new(strangers::EACH_MAX, strangers::ALL_MAX, shared.options.trusted_proxies.clone());
    let (handshake_timeout, shutdown) = (shared.options.handshake_timeout, shared.shutdown.clone());
    let tls = shared.options.tls.clone();
    tokio::spawn(async move {
        loop {
            let (socket, address) = tokio::select! {
                () = shutdown.cancelled() => return,
                () = ready.closed() => return,
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!(%error, "accept failed");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
            };
            let free = match room.clone().try_acquire_owned() {
                Ok(permit) => Some(permit),
                Err(_) if strangers.evict_oldest() => {
                    tokio::time::timeout(EVICTION, room.clone().acquire_owned()).await.ok().and_then(Result::ok)
                }
                Err(_) => None,
            };
            let (permit, beyond) = match free {
                Some(permit) => (permit, false),
                None => match room_beyond.clone().try_acquire_owned() {
                    Ok(permit) => (permit, true),
                    Err(_) => continue,
                },
            };
            let place = Arc::new(strangers.admit(address));
            let (ready, tls) = (ready.clone(), tls.clone());
            tokio::spawn(async move {
                if let Err(error) = socket.set_nodelay(true) {
                    tracing::debug!(%error, "set nodelay");
                }
                let welcome = tokio::time::timeout(handshake_timeout, proxy::welcome(&socket, &place));
                match place.evicted().run_until_cancelled(welcome).await {
                    Some(Ok(Ok(()))) => {}
                    Some(Ok(Err(error))) => return tracing::debug!(%error, "connection lost"),
                    Some(Err(_)) | None => return,
                }
                let socket = match tls {
                    None => Either::Left(socket),
                    Some(tls) => match tokio::time::timeout(handshake_timeout, encrypted(&tls, socket)).await {
                        Ok(Ok(socket)) => Either::Right(Box::new(socket)),
                        Ok(Err(error)) => return tracing::debug!(%error, "TLS handshake failed"),
                        Err(_) => return,
                    },
                };
                let until = match beyond {
                    true => Until::Told(Box::pin(sleep(BEYOND))),
                    false => Until::Spoken(Box::pin(sleep(handshake_timeout)), PREFACE_BYTES),
                };
                let evicted = Box::pin(place.evicted().clone().cancelled_owned());
                let (cookie, unanswered) = (CookieOffered::default(), Arc::default());
                let info = ConnectionInfo { cookie, over_limit: beyond, place, unanswered };
                let socket = WriteBuffer::new(socket);
                // Nobody is left to take it when the server stops.
                let _ = ready.send(Connection { socket, _permit: permit, info, until, evicted }).await;
            });
        }
    });
    futures::stream::poll_fn(move |context| connections.poll_recv(context).map(|connection| connection.map(Ok)))
}

/// Shakes hands under the certificate as it is now.
async fn encrypted(tls: &Tls, socket: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let loaded = tls.current();
    loaded.acceptor.accept(socket).await
}

impl Connected for Connection {
    type ConnectInfo = ConnectionInfo;

    fn connect_info(&self) -> ConnectionInfo {
        self.info.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let connection = self.get_mut();
        if let Until::Spoken(end, _) | Until::Told(end) = &mut connection.until
            && end.as_mut().poll(context).is_ready()
        {
            // No more bytes: gRPC ends the connection.
            return Poll::Ready(Ok(()));
        }
        if connection.evicted.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut connection.socket).poll_read(context, buffer);
        if let Until::Spoken(_, wanted) = &mut connection.until {
            *wanted = wanted.saturating_sub(buffer.filled().len() - before);
            if *wanted == 0 {
                connection.until = Until::Closed;
            }
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }
}
