//! Connections of Flight clients: their sockets are accepted, counted, and encrypted where that is configured, before tonic
//! sees them.
//!
//! A client beyond the limit is let in for a moment, so that [`super::limit`] can answer it with the reason why it is sent away: a socket
//! that is closed at once looks like a server that is down. One that does not begin to speak is closed.

use super::connection_info::{ConnectionInfo, CookieOffered};
use super::state::ServerState;
use super::write_buffer::WriteBuffer;
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
use tonic::transport::server::Connected;

/// Pause after a failed accept: out of file handles, another try at once fails too.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Connections that are ready and wait for gRPC to take them.
const READY_MAX: usize = 16;

/// Connections beyond the limit that are told so; more are closed at once.
const BEYOND_MAX: usize = 32;
/// How long such a connection stays. Its client then connects anew, and may find room.
const BEYOND: Duration = Duration::from_secs(1);
/// Bytes that every client begins with: the preface of HTTP/2.
const PREFACE_BYTES: usize = 24;

/// One client's socket.
pub(super) struct Connection {
    socket: WriteBuffer<Socket>,
    /// Its place among the connections, or among those beyond the limit.
    _permit: OwnedSemaphorePermit,
    info: ConnectionInfo,
    until: Until,
}

/// How long a connection lasts, whatever its client does.
enum Until {
    /// Until then, unless so many bytes more have come.
    Spoken(Pin<Box<Sleep>>, usize),
    /// Until then.
    Told(Pin<Box<Sleep>>),
    /// For ever; gRPC asks now and then whether its client is there.
    Closed,
}

/// A plain socket, or an encrypted one.
type Socket = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Accepts connections until `shutdown`. A handshake holds nobody else up.
pub(super) fn accept(
    listener: TcpListener,
    shared: &Arc<ServerState>,
) -> impl Stream<Item = io::Result<Connection>> + use<> {
    let (ready, mut connections) = mpsc::channel(READY_MAX);
    let room = Arc::new(Semaphore::new(shared.options.connections_max));
    let room_beyond = Arc::new(Semaphore::new(BEYOND_MAX));
    let (handshake_timeout, shutdown) = (shared.options.handshake_timeout, shared.shutdown.clone());
    let tls = shared.options.tls.clone();
    tokio::spawn(async move {
        loop {
            let socket = tokio::select! {
                () = shutdown.cancelled() => return,
                () = ready.closed() => return,
                accepted = listener.accept() => match accepted {
                    Ok((socket, _)) => socket,
                    Err(error) => {
                        tracing::warn!(%error, "accept failed");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
            };
            let (permit, beyond) = match room.clone().try_acquire_owned() {
                Ok(permit) => (permit, false),
                Err(_) => match room_beyond.clone().try_acquire_owned() {
                    Ok(permit) => (permit, true),
                    Err(_) => continue,
                },
            };
            let (ready, tls) = (ready.clone(), tls.clone());
            tokio::spawn(async move {
                if let Err(error) = socket.set_nodelay(true) {
                    tracing::debug!(%error, "set nodelay");
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
                let info = ConnectionInfo { cookie: CookieOffered::default(), over_limit: beyond };
                let socket = WriteBuffer::new(socket);
                // Nobody is left to take it when the server stops.
                let _ = ready.send(Connection { socket, _permit: permit, info, until }).await;
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
