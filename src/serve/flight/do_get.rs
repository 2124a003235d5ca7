//! DoGet, answered with messages that tonic does not copy; every other call of a Flight client goes to the service that
//! tonic generated.
//!
//! The generated service would take each message in one piece (see [`super::message`]).

use super::error::malformed;
use super::message::{Messages, RowsBody};
use super::service::Service;
use arrow_flight::Ticket;
use arrow_flight::flight_service_server::FlightServiceServer;
use futures::stream::{self, Empty};
use prost::Message;
use std::convert::Infallible;
use std::task::{Context, Poll};
use tokio::sync::oneshot;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::{BoxFuture, http};
use tonic::server::{Grpc, NamedService, ServerStreamingService};
use tonic::{Request, Response, Status};

/// The path of the call that this file answers.
const DO_GET: &str = "/arrow.flight.protocol.FlightService/DoGet";

/// Reads the ticket that rows are asked for with. Messages go past it.
#[derive(Debug, Clone, Copy, Default)]
struct TicketCodec;

impl Codec for TicketCodec {
    type Encode = Infallible;
    type Decode = Ticket;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for TicketCodec {
    type Item = Infallible;
    type Error = Status;

    fn encode(&mut self, never: Infallible, _: &mut EncodeBuf<'_>) -> Result<(), Status> {
        match never {}
    }
}

impl Decoder for TicketCodec {
    type Item = Ticket;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Ticket>, Status> {
        let ticket = Ticket::decode(from);
        ticket.map(Some).map_err(|_| malformed("the request does not read: wanted a ticket"))
    }
}

/// The Flight SQL service as tonic serves it: DoGet is answered here, every other call by the generated service.
#[derive(Clone)]
pub(super) struct FlightSqlServer {
    service: Service,
    generated: FlightServiceServer<Service>,
    request_bytes_max: usize,
}

impl FlightSqlServer {
    /// A service that takes requests of so many bytes.
    pub(super) fn new(service: Service, request_bytes_max: usize) -> Self {
        let generated = FlightServiceServer::new(service.clone());
        let generated = generated.max_decoding_message_size(request_bytes_max).max_encoding_message_size(usize::MAX);
        Self { service, generated, request_bytes_max }
    }
}

impl NamedService for FlightSqlServer {
    const NAME: &'static str = <FlightServiceServer<Service> as NamedService>::NAME;
}

impl tonic::codegen::Service<http::Request<Body>> for FlightSqlServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != DO_GET {
            return self.generated.call(request);
        }
        let service = self.service.clone();
        let request_bytes_max = self.request_bytes_max;
        Box::pin(async move {
            let (aside, mut messages) = oneshot::channel();
            let get = DoGet { service, aside: Some(aside) };
            let mut grpc = Grpc::new(TicketCodec).max_decoding_message_size(request_bytes_max);
            let response = grpc.server_streaming(get, request).await;
            Ok(match messages.try_recv() {
                Ok(messages) => response.map(|_| Body::new(RowsBody::new(messages))),
                // It was refused.
                Err(_) => response,
            })
        })
    }
}

/// Answers with the headers alone, and puts the messages aside.
struct DoGet {
    service: Service,
    aside: Option<oneshot::Sender<Messages>>,
}

impl ServerStreamingService<Ticket> for DoGet {
    type Response = Infallible;
    type ResponseStream = Empty<Result<Infallible, Status>>;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    fn call(&mut self, request: Request<Ticket>) -> Self::Future {
        let (service, aside) = (self.service.clone(), self.aside.take());
        Box::pin(async move {
            let (metadata, messages, extensions) = service.get(request).await?.into_parts();
            // Nobody takes them once the client has gone: they end here.
            aside.and_then(|aside| aside.send(messages).err());
            Ok(Response::from_parts(metadata, stream::empty(), extensions))
        })
    }
}
