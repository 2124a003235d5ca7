//! The TCP socket of one Postgres client, in clear or under TLS; [`super::transport`] owns it and changes it from the one to
//! the other when the client asks for encryption.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// One client's socket.
pub(super) enum Socket {
    Clear(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
    /// While a handshake has it; a connection whose handshake failed or was dropped is over.
    Taken,
}

impl Socket {
    /// The socket underneath; `None` during a handshake.
    pub(super) fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Clear(socket) => Some(socket),
            Self::Encrypted(socket) => Some(socket.get_ref().0),
            Self::Taken => None,
        }
    }

    /// Whether nobody can listen in.
    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self, Self::Encrypted(_))
    }
}

fn taken<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(socket) => Pin::new(socket).poll_read(context, to),
            Self::Encrypted(socket) => Pin::new(socket).poll_read(context, to),
            Self::Taken => taken(),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(socket) => Pin::new(socket).poll_write(context, from),
            Self::Encrypted(socket) => Pin::new(socket).poll_write(context, from),
            Self::Taken => taken(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(socket) => Pin::new(socket).poll_write_vectored(context, from),
            Self::Encrypted(socket) => Pin::new(socket).poll_write_vectored(context, from),
            Self::Taken => taken(),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(socket) => Pin::new(socket).poll_flush(context),
            Self::Encrypted(socket) => Pin::new(socket).poll_flush(context),
            Self::Taken => taken(),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(socket) => Pin::new(socket).poll_shutdown(context),
            Self::Encrypted(socket) => Pin::new(socket).poll_shutdown(context),
            Self::Taken => taken(),
        }
    }
}
