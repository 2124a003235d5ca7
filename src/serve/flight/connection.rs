//! Sockets of Flight clients: accepted, counted, and encrypted where that is configured, before gRPC sees them.

use super::Shared;
use super::call::CookieOffered;
use crate::serve::tls::Tls;
use futures::Stream;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

/// Pause after a failed accept: out of file handles, another try at once fails too.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Connections that are ready and wait for gRPC to take them.
const READY_MAX: usize = 16;

/// One client's socket.
pub(super) struct Connection {
    socket: Socket,
    /// Its place among the connections.
    _permit: OwnedSemaphorePermit,
}

enum Socket {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

/// Accepts connections until `shutdown`. A handshake holds nobody else up.
pub(super) fn accept(
    listener: TcpListener,
    shared: &Arc<Shared>,
) -> impl Stream<Item = io::Result<Connection>> + use<> {
    let (ready, mut connections) = mpsc::channel(READY_MAX);
    let room = Arc::new(Semaphore::new(shared.options.connections_max));
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
            // Closed at once: gRPC has no word for a server that is full, and clients try again.
            let Ok(permit) = room.clone().try_acquire_owned() else { continue };
            let (ready, tls) = (ready.clone(), tls.clone());
            tokio::spawn(async move {
                if let Err(error) = socket.set_nodelay(true) {
                    tracing::debug!(%error, "set nodelay");
                }
                let socket = match tls {
                    None => Socket::Plain(socket),
                    Some(tls) => match tokio::time::timeout(handshake_timeout, encrypted(&tls, socket)).await {
                        Ok(Ok(socket)) => Socket::Encrypted(Box::new(socket)),
                        Ok(Err(error)) => return tracing::debug!(%error, "TLS handshake failed"),
                        Err(_) => return,
                    },
                };
                // Nobody is left to take it when the server stops.
                let _ = ready.send(Connection { socket, _permit: permit }).await;
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
    type ConnectInfo = CookieOffered;

    fn connect_info(&self) -> CookieOffered {
        CookieOffered::default()
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Plain(socket) => Pin::new(socket).poll_read(context, buffer),
            Socket::Encrypted(socket) => Pin::new(socket).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().socket {
            Socket::Plain(socket) => Pin::new(socket).poll_write(context, bytes),
            Socket::Encrypted(socket) => Pin::new(socket).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().socket {
            Socket::Plain(socket) => Pin::new(socket).poll_write_vectored(context, slices),
            Socket::Encrypted(socket) => Pin::new(socket).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.socket {
            Socket::Plain(socket) => socket.is_write_vectored(),
            Socket::Encrypted(socket) => socket.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Plain(socket) => Pin::new(socket).poll_flush(context),
            Socket::Encrypted(socket) => Pin::new(socket).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().socket {
            Socket::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            Socket::Encrypted(socket) => Pin::new(socket).poll_shutdown(context),
        }
    }
}
