//! What a Flight client sends, on its way to tonic: there is room for it before tonic gathers it, kept until the call
//! is answered; and a clock ends the wait for what does not come.
//!
//! A message tells its length before it comes, and tonic sets that much aside at once: what is announced counts, not
//! what has come. As long as nobody has logged in on a connection, little is taken from it, and not for long.

use super::connection_info::ConnectionInfo;
use super::error::no_room;
use super::framing::{Framing, PREFIX_BYTES};
use super::options::Options;
use crate::heap::Promise;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic::body::Body;

/// Bytes that all calls on a connection may send before anybody has logged in on it.
const STRANGERS_BYTES_MAX: usize = 1 << 20;

/// Bytes of those that need no room: whoever comes to log in finds it however many others wait.
const LOGIN_BYTES: usize = 64 << 10;

/// What a request may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Bytes of its messages (`flight.request`).
    bytes_max: usize,
    /// How long its client may pause within it.
    pause: Duration,
    /// How long all of it may take where nobody has logged in.
    strangers_time: Duration,
}

impl Bounds {
    /// A client may pause for as long as a silent one is not asked whether it is there.
    pub(super) fn of(options: &Options) -> Self {
        Self {
            bytes_max: options.request_bytes_max,
            pause: options.keepalive_interval,
            strangers_time: options.handshake_timeout,
        }
    }
}

/// RESOURCE_EXHAUSTED by name of the setting: a request is larger than it may be.
pub(super) fn too_large(bytes_max: usize) -> Status {
    Status::resource_exhausted(format!("the request is larger than {bytes_max} bytes (flight.request)"))
}

/// Room for what one call has sent. Who decodes the request has it, and who waits for the answer; the last one gives it
/// back.
#[derive(Debug)]
pub(super) struct Room {
    bounds: Bounds,
    /// `None` for a call that came by no connection of ours.
    connection: Option<ConnectionInfo>,
    /// Held to count what has come, never across an await.
    taken: Mutex<Taken>,
}

#[derive(Debug)]
struct Taken {
    bytes: usize,
    promise: Promise,
    /// For what came before anybody had logged in.
    before_login: Promise,
}

impl Room {
    /// No room yet: it grows with what comes.
    pub(super) fn new(bounds: Bounds, connection: Option<ConnectionInfo>) -> Arc<Self> {
        let taken = Taken { bytes: 0, promise: Promise::default(), before_login: Promise::of_strangers() };
        Arc::new(Self { bounds, connection, taken: Mutex::new(taken) })
    }

    /// Whether nobody has logged in on the connection.
    fn is_strangers(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| !connection.place.is_known())
    }

    /// Takes room for so many bytes more. RESOURCE_EXHAUSTED when they are too many of this request, of a connection on
    /// which nobody has logged in, or of all clients.
    fn grow(&self, bytes: usize) -> Result<(), Status> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.bytes += bytes;
        let counted = |connection: &ConnectionInfo| connection.unanswered.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let unanswered = self.connection.as_ref().map_or(0, counted);
        let strangers = self.is_strangers();
        if unanswered > STRANGERS_BYTES_MAX && strangers {
            return Err(Status::resource_exhausted(format!(
                "log in first: before that, the calls of a connection may send {STRANGERS_BYTES_MAX} bytes"
            )));
        }
        if taken.bytes > self.bounds.bytes_max.saturating_add(PREFIX_BYTES) {
            return Err(too_large(self.bounds.bytes_max));
        }
        let has_room = match strangers {
            true => unanswered <= LOGIN_BYTES || taken.before_login.grow(bytes),
            false => taken.promise.grow(bytes),
        };
        if has_room { Ok(()) } else { Err(no_room()) }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let taken = self.taken.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = &self.connection {
            connection.unanswered.fetch_sub(taken.bytes, Ordering::Relaxed);
        }
    }
}

/// The body of a request as its client sends it, within bounds. It ends with the status that tells which one it met.
pub(super) struct Received {
    body: Body,
    room: Arc<Room>,
    framing: Framing,
    begun: Instant,
    /// When the wait for more began; `None` while it comes.
    waiting_since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Received {
    /// A body whose call begins now.
    pub(super) fn new(body: Body, room: Arc<Room>) -> Self {
        let (framing, begun) = (Framing::default(), Instant::now());
        Self { body, room, framing, begun, waiting_since: None, alarm: None }
    }

    /// What has come, once there is room for it and for what it announces.
    fn taken(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, Status> {
        self.waiting_since = None;
        if self.begun.elapsed() > self.room.bounds.strangers_time && self.room.is_strangers() {
            return Err(self.too_slow(true));
        }
        if let Some(data) = frame.data_ref() {
            let announced = self.framing.announced(data, self.room.bounds.bytes_max);
            self.room.grow(announced)?;
        }
        Ok(frame)
    }

    /// Waits for as long as the client may take to send more, then says that it took too long.
    fn overdue(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        let waiting_since = *self.waiting_since.get_or_insert_with(Instant::now);
        loop {
            let strangers = self.room.is_strangers();
            let (since, time) = match strangers {
                true => (self.begun, self.room.bounds.strangers_time),
                false => (waiting_since, self.room.bounds.pause),
            };
            // A time without end.
            let Some(until) = since.checked_add(time) else { return Poll::Pending };
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(until)));
            if alarm.deadline() != until {
                alarm.as_mut().reset(until);
            }
            ready!(alarm.as_mut().poll(context));
            // Somebody may have logged in meanwhile.
            if strangers == self.room.is_strangers() {
                return Poll::Ready(self.too_slow(strangers));
            }
        }
    }

    /// DEADLINE_EXCEEDED: the rest of the request did not come in time.
    fn too_slow(&self, strangers: bool) -> Status {
        let Bounds { pause, strangers_time, .. } = self.room.bounds;
        Status::deadline_exceeded(match strangers {
            true => format!("log in first: before that, a request has to come within {strangers_time:?}"),
            false => format!("nothing more of the request came for {pause:?}"),
        })
    }
}

impl http_body::Body for Received {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let received = self.get_mut();
        match Pin::new(&mut received.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(received.taken(frame))),
            Poll::Ready(ended) => Poll::Ready(ended),
            Poll::Pending => received.overdue(context).map(|status| Some(Err(status))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::super::connection_info::CookieOffered;
    use super::*;
    use crate::serve::strangers::Strangers;
    use crate::serve::trusted_proxies::TrustedProxies;
    use std::collections::VecDeque;
    use std::sync::atomic::AtomicUsize;
    use tonic::Code;

    /// Pieces that come at once, and then nothing, for ever.
    struct Stalled(VecDeque<Bytes>);

    impl http_body::Body for Stalled {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            self.0.pop_front().map_or(Poll::Pending, |piece| Poll::Ready(Some(Ok(Frame::data(piece)))))
        }
    }

    fn connection() -> ConnectionInfo {
        let place = Strangers::new(9, 9, TrustedProxies::default()).admit(([10, 0, 0, 1], 1).into());
        let (place, unanswered) = (Arc::new(place), Arc::new(AtomicUsize::new(0)));
        ConnectionInfo { cookie: CookieOffered::default(), over_limit: false, place, unanswered }
    }

    fn known() -> ConnectionInfo {
        let connection = connection();
        connection.place.known();
        connection
    }

    /// A request that announces messages of these lengths: the last one does not come.
    fn request(connection: &ConnectionInfo, lengths: &[u32]) -> Received {
        let pieces = lengths.iter().enumerate().map(|(place, length)| {
            let mut piece = vec![0];
            piece.extend(length.to_be_bytes());
            if place + 1 < lengths.len() {
                piece.extend(vec![0; *length as usize]);
            }
            Bytes::from(piece)
        });
        let options = Options { request_bytes_max: 4 << 20, ..Options::default() };
        let room = Room::new(Bounds::of(&options), Some(connection.clone()));
        Received::new(Body::new(Stalled(pieces.collect())), room)
    }

    async fn next(received: &mut Received) -> Result<Bytes, Status> {
        let mut received = Pin::new(received);
        let frame = std::future::poll_fn(|context| http_body::Body::poll_frame(received.as_mut(), context)).await;
        frame.unwrap().map(|frame| frame.into_data().unwrap())
    }

    #[track_caller]
    fn refused(outcome: Result<Bytes, Status>, code: Code, words: &str) {
        let status = outcome.unwrap_err();
        assert_eq!(status.code(), code, "{status}");
        assert!(status.message().contains(words), "{status}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_may_pause_and_not_for_ever() {
        let (connection, begun) = (known(), Instant::now());
        let mut received = request(&connection, &[100]);
        next(&mut received).await.unwrap();
        refused(next(&mut received).await, Code::DeadlineExceeded, "came for 60s");
        assert!(begun.elapsed() >= Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_not_logged_in_is_waited_for_for_less_long() {
        let (connection, begun) = (connection(), Instant::now());
        let mut received = request(&connection, &[100]);
        next(&mut received).await.unwrap();
        refused(next(&mut received).await, Code::DeadlineExceeded, "log in first");
        assert!(begun.elapsed() < Duration::from_secs(20));
        // Unless another call logs in meanwhile.
        let mut received = request(&connection, &[100]);
        next(&mut received).await.unwrap();
        let place = connection.place.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            place.known();
        });
        refused(next(&mut received).await, Code::DeadlineExceeded, "came for 60s");
    }

    #[tokio::test]
    async fn what_is_announced_has_room_until_the_call_is_over() {
        let connection = known();
        let mut received = request(&connection, &[3 << 20]);
        next(&mut received).await.unwrap();
        assert_eq!(connection.unanswered.load(Ordering::Relaxed), PREFIX_BYTES + (3 << 20));
        // Who waits for the answer keeps it.
        let room = received.room.clone();
        drop(received);
        assert_eq!(connection.unanswered.load(Ordering::Relaxed), PREFIX_BYTES + (3 << 20));
        drop(room);
        assert_eq!(connection.unanswered.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_request_has_a_size_in_all_its_messages() {
        let mut received = request(&known(), &[2 << 20, 1 << 20, 2 << 20]);
        next(&mut received).await.unwrap();
        next(&mut received).await.unwrap();
        refused(next(&mut received).await, Code::ResourceExhausted, "flight.request");
        // tonic refuses a message that is too large alone, when it comes to it.
        next(&mut request(&known(), &[5 << 20])).await.unwrap();
    }

    #[tokio::test]
    async fn calls_of_a_stranger_have_little_room_together() {
        let connection = connection();
        let (mut first, mut second) = (request(&connection, &[600 << 10]), request(&connection, &[600 << 10]));
        next(&mut first).await.unwrap();
        refused(next(&mut second).await, Code::ResourceExhausted, "log in first");
        drop((first, second));
        next(&mut request(&connection, &[600 << 10])).await.unwrap();
        connection.place.known();
        next(&mut request(&connection, &[3 << 20])).await.unwrap();
    }
}
