//! Messages of rows as the Flight client gets them: `FlightData` whose body is the Arrow columns themselves.
//!
//! The generated gRPC service takes a `FlightData` whose body is one piece, for which the columns are copied, and
//! copies it once more into what it sends. Here a message leaves in pieces, and a buffer of 8 KiB or more is not copied
//! at all. [`super::do_get`] sends these messages.

use super::error::internal;
use crate::heap::Promise;
use arrow::buffer::Buffer;
use bytes::{BufMut, Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::{self, Stream};
use http_body::Frame;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tonic::codegen::http;
use tonic::{Code, Status};

/// A stream of messages: the schema, then the rows, or the status that ends them. Dropping it stops the statement.
pub(super) type Messages = Pin<Box<dyn Stream<Item = Result<RowsMessage, Status>> + Send>>;

/// Keys of the fields of `FlightData`: its number and "bytes follow".
const DATA_HEADER: &[u8] = &[2 << 3 | 2];
/// The key of `app_metadata`, field 3, which carries the freshness of the answer.
const APP_METADATA: &[u8] = &[3 << 3 | 2];
/// The key of `data_body`, field 1000, which takes two bytes.
const DATA_BODY: &[u8] = &[0xc2, 0x3e];

/// What the body of a message begins at a multiple of. A reader that keeps the message in one piece then has every
/// column where its processor wants it, and need not move it.
const BODY_ALIGNMENT: usize = 16;

/// What gRPC puts before a message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// Pieces below this are copied together: a write to the socket costs more than the copy.
const PIECE_BYTES_MIN: usize = 8 << 10;

/// A message of rows, not yet in one piece.
#[derive(Debug, Clone)]
pub(super) struct RowsMessage {
    /// Arrow's description of the body: a flatbuffer `Message` with the lengths of all buffers.
    pub(super) header: Bytes,
    /// The freshness of the answer as JSON, or empty; goes out as `app_metadata`.
    pub(super) app_metadata: Bytes,
    /// The buffers of the columns, in order.
    pub(super) body: Vec<Buffer>,
    /// Room for them, until the socket has them; `None` for what is little.
    pub(super) room: Option<Arc<Promise>>,
}

impl RowsMessage {
    /// Bytes of the body: the sum of its buffers, the padding between columns included.
    pub(super) fn body_length(&self) -> usize {
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

    /// The message as gRPC frames it, in order.
    fn into_pieces(self) -> Result<VecDeque<Bytes>, Status> {
        let body_length = self.body_length();
        let mut message = BytesMut::with_capacity(PREFIX_BYTES + self.body_start(2 * BODY_ALIGNMENT));
        // The prefix is known last: not compressed, and the length.
        message.put_bytes(0, PREFIX_BYTES);
        let zeros = if body_length == 0 { 0 } else { self.zeros() };
        field(DATA_HEADER, self.header.len() + zeros, &mut message)?;
        message.put_slice(&self.header);
        message.put_bytes(0, zeros);
        if !self.app_metadata.is_empty() {
            field(APP_METADATA, self.app_metadata.len(), &mut message)?;
            message.put_slice(&self.app_metadata);
        }
        if body_length > 0 {
            field(DATA_BODY, body_length, &mut message)?;
        }
        let length = u32::try_from(message.len() - PREFIX_BYTES + body_length);
        let length = length.map_err(|_| Status::resource_exhausted("a row is larger than 4 GiB"))?;
        message[1..PREFIX_BYTES].copy_from_slice(&length.to_be_bytes());
        let mut pieces = VecDeque::new();
        for buffer in self.body {
            if buffer.len() < PIECE_BYTES_MIN {
                message.put_slice(&buffer);
            } else {
                // What is gathered so far leaves; the rest of its memory takes what comes next.
                pieces.push_back(message.split().freeze());
                pieces.push_back(Bytes::from_owner(Column { buffer, _room: self.room.clone() }));
            }
        }
        pieces.push_back(message.freeze());
        pieces.retain(|piece| !piece.is_empty());
        Ok(pieces)
    }
}

/// A column's buffer as the owner of bytes.
struct Column {
    buffer: Buffer,
    /// Given back when the bytes are sent, or dropped.
    _room: Option<Arc<Promise>>,
}

impl AsRef<[u8]> for Column {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

/// Writes what comes before the bytes of a field.
fn field(key: &[u8], length: usize, into: &mut BytesMut) -> Result<(), Status> {
    into.put_slice(key);
    prost::encode_length_delimiter(length, into).map_err(|error| internal("encode rows", error))
}

/// The body of the answer: messages of rows, then how they ended.
pub(super) struct RowsBody {
    messages: Messages,
    /// Of the message that is being sent.
    pieces: VecDeque<Bytes>,
    /// The trailers have been sent; the body yields no more frames.
    ended: bool,
}

impl RowsBody {
    /// The body that sends these messages, and the status of their end as trailers.
    pub(super) fn new(messages: Messages) -> Self {
        Self { messages, pieces: VecDeque::new(), ended: false }
    }
}

impl http_body::Body for RowsBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            let message = ready!(self.messages.poll_next_unpin(context));
            let status = match message.map(|message| message.and_then(RowsMessage::into_pieces)) {
                Some(Ok(pieces)) => {
                    self.pieces = pieces;
                    continue;
                }
                Some(Err(status)) => status,
                None => Status::new(Code::Ok, ""),
            };
            self.ended = true;
            // What the statement holds is given up before the client knows of the end.
            self.messages = Box::pin(stream::empty());
            let mut trailers = http::HeaderMap::new();
            return Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.pieces.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_flight::FlightData;
    use prost::Message;

    #[test]
    fn a_message_is_flight_data_whose_body_is_in_its_place() {
        for (header, told, body) in
            [(8, 0, 0), (8, 5, 0), (120, 0, 64), (127, 3, 200), (640, 300, 70_000), (16_380, 0, 3 << 20)]
        {
            let message = RowsMessage {
                header: Bytes::from(vec![7; header]),
                app_metadata: Bytes::from(vec![8; told]),
                body: vec![Buffer::from(vec![9_u8; body / 2]), Buffer::from(vec![10_u8; body - body / 2])],
                room: None,
            };
            let framed = message.clone().into_pieces().unwrap();
            assert!(framed.iter().all(|piece| !piece.is_empty()));
            let framed: Vec<u8> = framed.iter().flat_map(|piece| piece.to_vec()).collect();
            let (prefix, bytes) = framed.split_at(PREFIX_BYTES);
            assert_eq!(prefix, [&[0], u32::try_from(bytes.len()).unwrap().to_be_bytes().as_slice()].concat());
            let data = FlightData::decode(bytes).unwrap();
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
