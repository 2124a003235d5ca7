//! Limits of connections and of the size of a request, named in the status that the Flight client gets, and the bounds
//! within which a request is received ([`super::received`]).

use super::connection_info::ConnectionInfo;
use super::options::Options;
use super::received::{Bounds, Received, Room, too_large};
use futures::FutureExt;
use std::convert::Infallible;
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;
use tonic::{Code, Status};

/// How the status begins with which gRPC refuses a request that is too large.
const TOO_LARGE: &str = "Error, decoded message length too large";

/// A tonic service that refuses calls beyond the limits, by name of the setting, and passes the others on to `inner`.
#[derive(Debug, Clone)]
pub(super) struct LimitService<S> {
    inner: S,
    connections_max: usize,
    request_bytes_max: usize,
    bounds: Bounds,
}

impl<S> LimitService<S> {
    /// Wraps `inner`; the limits come from the configuration and are named in the statuses this service answers with.
    pub(super) fn new(inner: S, options: &Options) -> Self {
        Self {
            inner,
            connections_max: options.connections_max,
            request_bytes_max: options.request_bytes_max,
            bounds: Bounds::of(options),
        }
    }
}

impl<S: NamedService> NamedService for LimitService<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<http::Request<Body>> for LimitService<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let connection = request.extensions().get::<ConnectionInfo>().cloned();
        if connection.as_ref().is_some_and(|connection| connection.over_limit) {
            let full = format!("too many connections (limits.connections = {})", self.connections_max);
            return Box::pin(std::future::ready(Ok(Status::resource_exhausted(full).into_http())));
        }
        let (bytes_max, room) = (self.request_bytes_max, Room::new(self.bounds, connection));
        let request = request.map(|body| Body::new(Received::new(body, room.clone())));
        let answered = move |response: http::Response<Body>| {
            // What was sent is used up.
            drop(room);
            named(response, bytes_max)
        };
        Box::pin(self.inner.call(request).map(move |response| response.map(answered)))
    }
}

/// Replaces tonic's OUT_OF_RANGE for a request that is too large by RESOURCE_EXHAUSTED, which names the setting.
fn named(response: http::Response<Body>, bytes_max: usize) -> http::Response<Body> {
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() == Code::OutOfRange && status.message().starts_with(TOO_LARGE) => {
            too_large(bytes_max).into_http()
        }
        _ => response,
    }
}
