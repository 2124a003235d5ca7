//! The transport of one Postgres connection: its socket, its read buffer and its write buffer. One task owns it;
//! nothing here knows SQL.
//!
//! `pgwire`'s own server loop does not read the socket while a statement runs, so it cannot notice that the client has
//! gone while a live table is silent, and it gives the row a place in the buffer rather than on the wire. Hence this
//! loop: while a statement works, [`Transport::attend`] goes on reading into a bounded buffer and sees the end of the
//! stream; and the caller says when to flush.

use super::error::{Disconnect, Failure, Stop};
use super::message::Frame;
use super::socket::Socket;
use crate::heap::Promise;
use bytes::{Buf, Bytes, BytesMut};
use futures::FutureExt;
use pgwire::messages::Message;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Bytes read from a client beyond the message at work, at most.
const READ_AHEAD_BYTES: usize = 64 * 1024;
/// Bytes asked from the socket at a time.
const READ_BYTES: usize = 8 * 1024;
/// Bytes written before they are handed to the socket, give or take a row.
pub(super) const WRITE_BYTES: usize = 64 * 1024;
/// Room kept for messages while they are written.
const SCRATCH_BYTES: usize = 256 * 1024;
/// How often a client whose read-ahead is full is looked at for a closed socket.
const CLOSED_CHECK: Duration = Duration::from_millis(500);
/// How long a last word to the client may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// The buffered socket of one Postgres connection, from accept to its end.
pub(super) struct Transport {
    socket: Socket,
    input: BytesMut,
    output: BytesMut,
    /// Bytes of `output` that end with a whole message. What is beyond is dropped when its writer panics.
    complete: usize,
    /// Where messages are written before they are known to be whole.
    scratch: Vec<u8>,
    /// Room for the message that comes, or is at work.
    room: Option<Promise>,
    shutdown: CancellationToken,
    /// Ends this transport alone: an admin terminates its session.
    terminated: CancellationToken,
}

impl Transport {
    /// A transport that ends with `shutdown`.
    pub(super) fn new(socket: TcpStream, shutdown: CancellationToken) -> Self {
        Self {
            socket: Socket::Clear(socket),
            input: BytesMut::new(),
            output: BytesMut::new(),
            complete: 0,
            scratch: Vec::new(),
            room: None,
            shutdown,
            terminated: CancellationToken::new(),
        }
    }

    /// From here on it ends with `terminated` as well.
    pub(super) fn end_with(&mut self, terminated: CancellationToken) {
        self.terminated = terminated;
    }

    /// The socket underneath; `None` while hands are shaken.
    pub(super) fn tcp(&self) -> Option<&TcpStream> {
        self.socket.tcp()
    }

    /// Whether nobody can listen in.
    pub(super) fn is_encrypted(&self) -> bool {
        self.socket.is_encrypted()
    }

    /// Bytes that came and were not taken yet.
    pub(super) fn unread(&self) -> usize {
        self.input.len()
    }

    /// The first byte a client sends, which stays to be read.
    pub(super) async fn first_byte(&mut self) -> Result<u8, Disconnect> {
        let mut first = [0];
        let Some(socket) = self.socket.tcp() else { return Err(Disconnect::Closed) };
        let peeked = tokio::select! {
            biased;
            () = self.shutdown.cancelled() => return Err(Disconnect::Shutdown),
            peeked = socket.peek(&mut first) => peeked?,
        };
        if peeked == 0 { Err(Disconnect::Closed) } else { Ok(first[0]) }
    }

    /// Goes on encrypted, after all output so far has left in clear; gives the protocol the client chose. Nothing may
    /// have been read ahead.
    pub(super) async fn encrypt(&mut self, acceptor: &TlsAcceptor) -> Result<Option<Vec<u8>>, Disconnect> {
        self.flush().await?;
        let Socket::Clear(socket) = std::mem::replace(&mut self.socket, Socket::Taken) else {
            return Err(Disconnect::Closed);
        };
        let encrypted = tokio::select! {
            biased;
            () = self.shutdown.cancelled() => return Err(Disconnect::Shutdown),
            encrypted = acceptor.accept(socket) => encrypted?,
        };
        let protocol = encrypted.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        self.socket = Socket::Encrypted(Box::new(encrypted));
        Ok(protocol)
    }

    /// Puts a message in the output. It leaves with the next flush.
    pub(super) fn send<M: Message>(&mut self, message: &M) {
        let start = self.output.len();
        if let Err(error) = message.encode(&mut self.output) {
            // The type byte is written before the length is checked.
            self.output.truncate(start);
            tracing::error!(%error, "message dropped");
        }
        self.complete = self.output.len();
    }

    /// Puts one byte in the output: the answer to a request for encryption.
    pub(super) fn send_byte(&mut self, byte: u8) {
        self.output.extend_from_slice(&[byte]);
        self.complete = self.output.len();
    }

    /// Puts whole messages that `write` writes in the output. When it fails, the output is as it was before.
    pub(super) fn write<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<T, Failure>) -> Result<T, Failure> {
        self.scratch.clear();
        let result = write(&mut self.scratch);
        if result.is_ok() {
            self.output.extend_from_slice(&self.scratch);
            self.complete = self.output.len();
        }
        if self.scratch.capacity() > SCRATCH_BYTES {
            self.scratch = Vec::new();
        }
        result
    }

    /// Bytes waiting for a flush.
    pub(super) fn unsent(&self) -> usize {
        self.output.len()
    }

    /// Drops what a panic left of a message.
    pub(super) fn drop_incomplete(&mut self) {
        self.output.truncate(self.complete);
    }

    /// Hands all output to the socket, waiting for a client that reads slowly. Safe to drop at any time.
    pub(super) async fn flush(&mut self) -> Result<(), Disconnect> {
        while self.output.has_remaining() {
            let written = tokio::select! {
                biased;
                () = ended(&self.shutdown, &self.terminated) => return Err(Disconnect::Shutdown),
                written = self.socket.write_buf(&mut self.output) => written?,
            };
            self.complete = self.complete.saturating_sub(written);
            if written == 0 {
                return Err(Disconnect::Closed);
            }
        }
        // Encrypted, the last of it may still be on its way.
        tokio::select! {
            biased;
            () = ended(&self.shutdown, &self.terminated) => return Err(Disconnect::Shutdown),
            flushed = self.socket.flush() => flushed?,
        }
        if self.output.capacity() > 4 * WRITE_BYTES {
            self.output = BytesMut::new();
        }
        Ok(())
    }

    /// Hands messages to the socket behind the output, without a copy. When `stopped` comes first, what it says is
    /// returned, and the client gets the messages that are begun all the same: its next word comes after whole
    /// messages.
    pub(super) async fn pass<S>(
        &mut self,
        mut messages: &[u8],
        stopped: impl Future<Output = S>,
    ) -> Result<Option<S>, Disconnect> {
        let mut stopped = pin!(stopped);
        tokio::select! {
            biased;
            said = &mut stopped => return Ok(Some(said)),
            flushed = self.flush() => flushed?,
        }
        while !messages.is_empty() {
            let (written, said) = tokio::select! {
                biased;
                () = ended(&self.shutdown, &self.terminated) => (Err(Disconnect::Shutdown), None),
                said = &mut stopped => (Ok(0), Some(said)),
                written = self.socket.write(messages) => (Ok(written?), None),
            };
            if written.is_err() || said.is_some() {
                self.output.extend_from_slice(messages);
                self.complete = self.output.len();
                return written.map(|_| said);
            }
            match written? {
                0 => return Err(Disconnect::Closed),
                written => messages = messages.get(written..).unwrap_or_default(),
            }
        }
        self.flush().await.map(|()| None)
    }

    /// A last word before the socket closes, as far as the client takes it.
    pub(super) async fn farewell(&mut self, failure: &Failure) {
        self.send(&failure.response());
        let last = async {
            self.socket.write_all(&self.output).await?;
            self.socket.flush().await?;
            self.socket.shutdown().await
        };
        // Nobody is left to tell when this fails.
        let _ = tokio::time::timeout(FAREWELL, last).await;
    }

    /// The next frame. Output is flushed before it waits. Safe to drop at any time.
    ///
    /// # Errors
    /// A frame longer than `bytes_max` is fatal, and nothing is reserved for it; so is one for which there is no memory.
    pub(super) async fn frame(&mut self, bytes_max: usize) -> Result<Frame, Stop> {
        self.room = None;
        loop {
            if let Some(frame) = self.take_frame(bytes_max)? {
                return Ok(frame);
            }
            self.flush().await?;
            self.fill().await?;
        }
    }

    /// The next packet of the handshake, which has no type byte: its body after the length.
    ///
    /// # Errors
    /// [`Disconnect::Closed`] when the length cannot be that of a startup packet: whatever talks does not speak
    /// Postgres.
    pub(super) async fn packet(&mut self, bytes_max: usize) -> Result<Bytes, Stop> {
        loop {
            if let Some(mut prefix) = self.input.get(..4) {
                let length = prefix.get_u32() as usize;
                if !(8..=bytes_max).contains(&length) {
                    return Err(Disconnect::Closed.into());
                }
                if self.input.len() >= length {
                    let mut packet = self.input.split_to(length).freeze();
                    packet.advance(4);
                    return Ok(packet);
                }
            }
            self.flush().await?;
            self.fill().await?;
        }
    }

    fn take_frame(&mut self, bytes_max: usize) -> Result<Option<Frame>, Failure> {
        let Some(mut head) = self.input.get(..5) else { return Ok(None) };
        let kind = head.get_u8();
        let length = head.get_u32() as usize;
        if length < 4 {
            return Err(Failure::fatal("08P01", "invalid message length"));
        }
        if length > bytes_max {
            let message = format!("message of {length} bytes is longer than the {bytes_max} bytes allowed");
            return Err(Failure::fatal("54000", message));
        }
        if self.room.is_none() {
            let room = Promise::of(length).ok_or_else(|| Failure { fatal: true, ..Failure::no_room(length) })?;
            self.room = Some(room);
        }
        if self.input.len() <= length {
            return Ok(None);
        }
        let mut body = self.input.split_to(length + 1).freeze();
        body.advance(5);
        Ok(Some(Frame { kind, body }))
    }

    /// Reads what the client sent, at least one byte. Safe to drop at any time.
    async fn fill(&mut self) -> Result<(), Disconnect> {
        self.input.reserve(READ_BYTES);
        let read = tokio::select! {
            biased;
            () = ended(&self.shutdown, &self.terminated) => return Err(Disconnect::Shutdown),
            read = self.socket.read_buf(&mut self.input) => read?,
        };
        if read == 0 { Err(Disconnect::Closed) } else { Ok(()) }
    }

    /// Waits for `work`, unless the client goes or the server stops first; `work` is dropped then.
    pub(super) async fn attend<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Disconnect> {
        tokio::select! {
            biased;
            result = work => Ok(result),
            gone = self.watch() => Err(gone),
        }
    }

    /// Reads ahead until the client goes or the server stops.
    async fn watch(&mut self) -> Disconnect {
        loop {
            if self.input.len() < READ_AHEAD_BYTES {
                if let Err(gone) = self.fill().await {
                    return gone;
                }
                continue;
            }
            // Full: the kernel keeps the rest, and only tells whether the client has closed behind it.
            tokio::select! {
                () = ended(&self.shutdown, &self.terminated) => return Disconnect::Shutdown,
                () = tokio::time::sleep(CLOSED_CHECK) => {}
            }
            if let Some(socket) = self.socket.tcp()
                && let Some(Ok(ready)) = socket.ready(Interest::READABLE).now_or_never()
                && ready.is_read_closed()
            {
                return Disconnect::Closed;
            }
        }
    }
}

/// Waits until the server stops or the session is terminated.
async fn ended(shutdown: &CancellationToken, terminated: &CancellationToken) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = terminated.cancelled() => {}
    }
}
