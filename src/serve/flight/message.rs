//! Messages of rows on the wire: `FlightData`, written from the columns themselves.
//!
//! The generated service takes a `FlightData` whose body is one piece, for which the columns are copied, and copies it once
//! more into what it sends. Here they are copied once. [`Served`] answers DoGet in this way, and leaves every other call to
//! the generated service.

use super::error::{internal, malformed};
use super::rows::Messages;
use super::service::Service;
use arrow::buffer::Buffer;
use arrow_flight::Ticket;
use arrow_flight::flight_service_server::FlightServiceServer;
use bytes::{BufMut, Bytes};
use prost::{EncodeError, Message};
use std::convert::Infallible;
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::{BoxFuture, http};
use tonic::server::{Grpc, NamedService, ServerStreamingService};
use tonic::{Request, Response, Status};

/// The call that is answered here.
const DO_GET: &str = "/arrow.flight.protocol.FlightService/DoGet";

/// Keys of the fields of `FlightData`: its number and "bytes follow".
const DATA_HEADER: &[u8] = &[2 << 3 | 2];
const APP_METADATA: &[u8] = &[3 << 3 | 2];
const DATA_BODY: &[u8] = &[0xc2, 0x3e];

/// What the body of a message begins at a multiple of. A reader that keeps the message in one piece then has every column
/// where its processor wants it, and need not move it.
const BODY_ALIGNMENT: usize = 16;

/// A message of rows, not yet in one piece.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RowsMessage {
    /// Arrow's description of the body.
    pub(super) header: Bytes,
    /// What the server tells besides.
    pub(super) app_metadata: Bytes,
    /// The buffers of the columns, in order.
    pub(super) body: Vec<Buffer>,
}

impl RowsMessage {
    fn body_length(&self) -> usize {
        self.body.iter().map(Buffer::len).sum()
    }

    /// Where the body begins, when so many zeros follow the header.
    fn body_start(&self, zeros: usize) -> usize {
        let field = |key: &[u8], length: usize| key.len() + prost::length_delimiter_len(length) + length;
        let app_metadata = if self.app_metadata.is_empty() { 0 } else { field(APP_METADATA, self.app_metadata.len()) };
        let body = DATA_BODY.len() + prost::length_delimiter_len(self.body_length());
        field(DATA_HEADER, self.header.len() + zeros) + app_metadata + body
    }

    /// Zeros after the header that put the body in its place.
    fn zeros(&self) -> usize {
        (0..2 * BODY_ALIGNMENT).find(|zeros| self.body_start(*zeros).is_multiple_of(BODY_ALIGNMENT)).unwrap_or(0)
    }

    /// At least as many bytes as it takes.
    fn length(&self) -> usize {
        self.body_start(2 * BODY_ALIGNMENT) + self.body_length()
    }

    fn write(&self, into: &mut impl BufMut) -> Result<(), EncodeError> {
        let body_length = self.body_length();
        let zeros = if body_length == 0 { 0 } else { self.zeros() };
        field(DATA_HEADER, self.header.len() + zeros, into)?;
        into.put_slice(&self.header);
        into.put_bytes(0, zeros);
        if !self.app_metadata.is_empty() {
            field(APP_METADATA, self.app_metadata.len(), into)?;
            into.put_slice(&self.app_metadata);
        }
        if body_length > 0 {
            field(DATA_BODY, body_length, into)?;
            self.body.iter().for_each(|buffer| into.put_slice(buffer));
        }
        Ok(())
    }
}

/// Writes what comes before the bytes of a field.
fn field(key: &[u8], length: usize, into: &mut impl BufMut) -> Result<(), EncodeError> {
    into.put_slice(key);
    prost::encode_length_delimiter(length, into)
}

/// Writes messages of rows, and reads the ticket they are asked for with.
#[derive(Debug, Clone, Copy, Default)]
struct RowsCodec;

impl Codec for RowsCodec {
    type Encode = RowsMessage;
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

impl Encoder for RowsCodec {
    type Item = RowsMessage;
    type Error = Status;

    fn encode(&mut self, message: RowsMessage, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.reserve(message.length());
        message.write(into).map_err(|error| internal("encode rows", error))
    }
}

impl Decoder for RowsCodec {
    type Item = Ticket;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Ticket>, Status> {
        let ticket = Ticket::decode(from);
        ticket.map(Some).map_err(|_| malformed("the request does not read: wanted a ticket"))
    }
}

/// The service as it is served.
#[derive(Clone)]
pub(super) struct Served {
    service: Service,
    generated: FlightServiceServer<Service>,
    request_bytes_max: usize,
}

impl Served {
    /// A service that takes requests of so many bytes.
    pub(super) fn new(service: Service, request_bytes_max: usize) -> Self {
        let generated = FlightServiceServer::new(service.clone());
        let generated = generated.max_decoding_message_size(request_bytes_max).max_encoding_message_size(usize::MAX);
        Self { service, generated, request_bytes_max }
    }
}

impl NamedService for Served {
    const NAME: &'static str = <FlightServiceServer<Service> as NamedService>::NAME;
}

impl tonic::codegen::Service<http::Request<Body>> for Served {
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
        let get = DoGet(self.service.clone());
        // A row is sent whatever its size.
        let limits = (Some(self.request_bytes_max), Some(usize::MAX));
        Box::pin(async move {
            let mut grpc = Grpc::new(RowsCodec).apply_max_message_size_config(limits.0, limits.1);
            Ok(grpc.server_streaming(get, request).await)
        })
    }
}

struct DoGet(Service);

impl ServerStreamingService<Ticket> for DoGet {
    type Response = RowsMessage;
    type ResponseStream = Messages;
    type Future = BoxFuture<Response<Messages>, Status>;

    fn call(&mut self, request: Request<Ticket>) -> Self::Future {
        let service = self.0.clone();
        Box::pin(async move { service.get(request).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_flight::FlightData;

    #[test]
    fn a_message_is_flight_data_whose_body_is_in_its_place() {
        for (header, told, body) in
            [(8, 0, 0), (8, 5, 0), (120, 0, 64), (127, 3, 200), (640, 300, 70_000), (16_380, 0, 3 << 20)]
        {
            let message = RowsMessage {
                header: Bytes::from(vec![7; header]),
                app_metadata: Bytes::from(vec![8; told]),
                body: vec![Buffer::from(vec![9_u8; body / 2]), Buffer::from(vec![10_u8; body - body / 2])],
            };
            let mut bytes = Vec::new();
            message.write(&mut bytes).unwrap();
            assert!(bytes.len() <= message.length());
            let data = FlightData::decode(bytes.as_slice()).unwrap();
            assert_eq!(data.data_header[..header], message.header);
            assert!(data.data_header[header..].iter().all(|zero| *zero == 0));
            assert_eq!(data.app_metadata, message.app_metadata);
            let sent: Vec<u8> = message.body.iter().flat_map(|buffer| buffer.to_vec()).collect();
            assert_eq!(data.data_body, sent);
            if body > 0 {
                assert_eq!((bytes.len() - body) % BODY_ALIGNMENT, 0);
            }
        }
    }
}
