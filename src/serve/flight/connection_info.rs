//! What a Flight call may know of the connection it came by. tonic puts it into the request's extensions
//! (`Connected::connect_info`); [`super::limit`], [`super::call`] and [`super::caller`] read it there.

use crate::serve::strangers::Place;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Facts of one connection, the same for all its calls.
#[derive(Debug, Clone)]
pub(super) struct ConnectionInfo {
    /// Whether the client was offered a session cookie on this connection.
    pub(super) cookie: CookieOffered,
    /// The connection is one more than `limits.connections` allows: every call on it is refused.
    pub(super) over_limit: bool,
    /// Its place among those that have not said who they are.
    pub(super) place: Arc<Place>,
    /// Bytes that its calls have sent and that are not answered yet.
    pub(super) unanswered: Arc<AtomicUsize>,
}

/// Whether the server has offered a session cookie on a connection. Clones share the answer.
#[derive(Debug, Clone, Default)]
pub(super) struct CookieOffered(Arc<AtomicBool>);

impl CookieOffered {
    /// Notes that a cookie is offered now; gives whether one was offered before.
    pub(super) fn offer(&self) -> bool {
        self.0.swap(true, Ordering::Relaxed)
    }
}
