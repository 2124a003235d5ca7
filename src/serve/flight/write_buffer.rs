//! The write buffer of a Flight connection: it puts the small frames of HTTP/2 together into few and large writes.
//!
//! HTTP/2 writes each frame of 16 KiB on its own and flushes it, and each write wakes the client, which on a busy machine
//! takes the processor from the server. A quarter of a large result's time went there. So a flush here may be put off, until
//! the connection's task is polled again, which it asks for at once; what is written until then goes out together.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that go out together.
const BUFFER_BYTES_MAX: usize = 128 << 10;

/// The socket, and what waits to be written to it.
#[derive(Debug)]
pub(super) struct WriteBuffer<S> {
    socket: S,
    buffered: Vec<u8>,
    /// Bytes of `buffered` that were written.
    written: usize,
    /// The socket takes no more for now: a flush waits for it, as it would without this.
    blocked: bool,
}

impl<S: AsyncWrite + Unpin> WriteBuffer<S> {
    pub(super) fn new(socket: S) -> Self {
        Self { socket, buffered: Vec::new(), written: 0, blocked: false }
    }

    /// Writes what is buffered, and flushes the socket.
    fn drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.blocked = true;
        while self.written < self.buffered.len() {
            match ready!(Pin::new(&mut self.socket).poll_write(context, &self.buffered[self.written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                bytes => self.written += bytes,
            }
        }
        ready!(Pin::new(&mut self.socket).poll_flush(context))?;
        self.buffered.clear();
        self.written = 0;
        self.blocked = false;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WriteBuffer<S> {
    /// The connection's task begins its turn with reading, so that here is where a flush that was put off is made up for.
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.buffered.is_empty() {
            // Nothing was written for a turn: the memory is not kept for the next result.
            this.buffered = Vec::new();
        } else if let Poll::Ready(drained) = this.drain(context) {
            drained?;
        }
        Pin::new(&mut this.socket).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteBuffer<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let room = |buffered: &Vec<u8>| BUFFER_BYTES_MAX.saturating_sub(buffered.len());
        let bytes: usize = slices.iter().map(|slice| slice.len()).sum();
        if bytes > room(&this.buffered) && !this.buffered.is_empty() {
            ready!(this.drain(context))?;
        }
        let mut taken = 0;
        for slice in slices {
            let part = &slice[..slice.len().min(room(&this.buffered))];
            this.buffered.extend_from_slice(part);
            taken += part.len();
        }
        Poll::Ready(Ok(taken))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.blocked {
            return this.drain(context);
        }
        if !this.buffered.is_empty() {
            context.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.drain(context))?;
        Pin::new(&mut this.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::task::noop_waker_ref;

    /// Takes `room` bytes, and remembers what each write brought.
    #[derive(Default)]
    struct Peer {
        room: usize,
        writes: Vec<Vec<u8>>,
        closed: bool,
    }

    impl AsyncRead for Peer {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Peer {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let taken = bytes.len().min(self.room);
            if taken == 0 {
                return Poll::Pending;
            }
            self.room -= taken;
            self.writes.push(bytes[..taken].to_vec());
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.closed = true;
            Poll::Ready(Ok(()))
        }
    }

    struct Turn(WriteBuffer<Peer>);

    impl Turn {
        fn of(room: usize) -> Self {
            Self(WriteBuffer::new(Peer { room, ..Peer::default() }))
        }

        fn begin(&mut self) {
            let mut buffer = ReadBuf::new(&mut []);
            let read = Pin::new(&mut self.0).poll_read(&mut Context::from_waker(noop_waker_ref()), &mut buffer);
            assert!(read.is_pending());
        }

        fn write(&mut self, bytes: &[u8]) -> Poll<usize> {
            let mut context = Context::from_waker(noop_waker_ref());
            Pin::new(&mut self.0).poll_write(&mut context, bytes).map(Result::unwrap)
        }

        fn flush(&mut self) -> Poll<()> {
            Pin::new(&mut self.0).poll_flush(&mut Context::from_waker(noop_waker_ref())).map(Result::unwrap)
        }

        fn written(&self) -> Vec<usize> {
            self.0.socket.writes.iter().map(Vec::len).collect()
        }
    }

    #[test]
    fn frames_of_one_turn_go_out_together_in_the_next() {
        let mut turn = Turn::of(usize::MAX);
        for frame in [b"one", b"two"] {
            assert_eq!(turn.write(frame), Poll::Ready(3));
            assert_eq!(turn.flush(), Poll::Ready(()));
        }
        assert!(turn.written().is_empty());
        turn.begin();
        assert_eq!(turn.0.socket.writes, [b"onetwo"]);
        turn.begin();
        assert_eq!((turn.written(), turn.0.buffered.capacity()), (vec![6], 0));
    }

    #[test]
    fn what_is_buffered_is_bounded() {
        let mut turn = Turn::of(usize::MAX);
        for _ in 0..20 {
            assert_eq!(turn.write(&[7; 16_384]), Poll::Ready(16_384));
            assert_eq!(turn.flush(), Poll::Ready(()));
        }
        assert_eq!(turn.written(), [BUFFER_BYTES_MAX, BUFFER_BYTES_MAX]);
        assert_eq!(turn.write(&vec![7; 3 * BUFFER_BYTES_MAX]), Poll::Ready(BUFFER_BYTES_MAX));
    }

    #[test]
    fn a_socket_that_takes_no_more_is_waited_for() {
        let mut turn = Turn::of(2);
        assert_eq!(turn.write(b"one"), Poll::Ready(3));
        assert_eq!(turn.flush(), Poll::Ready(()));
        turn.begin();
        assert_eq!((turn.flush(), turn.written()), (Poll::Pending, vec![2]));
        assert_eq!(turn.write(&[7; BUFFER_BYTES_MAX]), Poll::Pending);
        turn.0.socket.room = usize::MAX;
        assert_eq!(turn.flush(), Poll::Ready(()));
        assert_eq!(turn.0.socket.writes.concat(), b"one");
    }

    #[test]
    fn closing_writes_what_is_left() {
        let mut turn = Turn::of(usize::MAX);
        assert_eq!(turn.write(b"bye"), Poll::Ready(3));
        let mut context = Context::from_waker(noop_waker_ref());
        assert!(Pin::new(&mut turn.0).poll_shutdown(&mut context).is_ready());
        assert_eq!((turn.0.socket.writes.concat().as_slice(), turn.0.socket.closed), (&b"bye"[..], true));
    }
}
