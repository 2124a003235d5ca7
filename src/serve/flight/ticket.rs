//! Tickets and prepared statement handles: everything it takes to run a statement, kept by the Flight client.
//!
//! The server needs to keep nothing between a statement's FlightInfo and its rows, so any server over the same lake can
//! answer either. A ticket grants nothing: it is run as whoever presents it, and its statement is checked as any other.

use super::error::malformed;
use arrow_flight::sql::{Any, ProstMessageExt, TicketStatementQuery};
use bytes::Bytes;
use prost::Message;
use std::collections::BTreeMap;
use tonic::Status;

/// What ours begin with, so that foreign bytes are told from them. The last letter is the version of the format.
const MARK: &[u8] = b"ttapi1";

/// A statement that is ready to run.
#[derive(Clone, PartialEq, Message)]
pub(super) struct StatementTicket {
    /// Text of the statement.
    #[prost(string, tag = "1")]
    pub(super) sql: String,
    /// Settings it was described under, by name, where they are not the defaults.
    #[prost(btree_map = "string, string", tag = "2")]
    pub(super) settings: BTreeMap<String, String>,
    /// Number of this execution, by which it is cancelled.
    #[prost(bytes = "bytes", tag = "3")]
    pub(super) execution: Bytes,
    /// Server that described it.
    #[prost(bytes = "bytes", tag = "4")]
    pub(super) server: Bytes,
    /// Rows of parameters as an Arrow IPC stream; empty when there are none.
    #[prost(bytes = "bytes", tag = "5")]
    pub(super) parameters: Bytes,
    /// The statement has done what it does, and has no rows.
    #[prost(bool, tag = "6")]
    pub(super) done: bool,
    /// The part of its table that is read instead of the whole.
    #[prost(message, optional, tag = "7")]
    pub(super) part: Option<Part>,
}

impl StatementTicket {
    /// The bytes of the ticket, as Flight SQL packs them.
    pub(super) fn pack(&self) -> Bytes {
        TicketStatementQuery { statement_handle: encode(self) }.as_any().encode_to_vec().into()
    }

    /// Reads such bytes; `None` when they are something else.
    pub(super) fn unpack(bytes: &Bytes) -> Option<Self> {
        let packed: TicketStatementQuery = Any::decode(bytes.clone()).ok()?.unpack().ok()??;
        decode("ticket", &packed.statement_handle).ok()
    }
}

/// A part of a table's version.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Part {
    #[prost(string, tag = "1")]
    pub(super) dataset: String,
    #[prost(uint64, tag = "2")]
    pub(super) version: u64,
    #[prost(uint32, tag = "3")]
    pub(super) index: u32,
    #[prost(uint32, tag = "4")]
    pub(super) count: u32,
}

/// A prepared statement.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Handle {
    /// Text of the statement.
    #[prost(string, tag = "1")]
    pub(super) sql: String,
    /// Rows of parameters as an Arrow IPC stream; empty until some are bound.
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) parameters: Bytes,
    /// Number of the statement.
    #[prost(bytes = "bytes", tag = "3")]
    pub(super) statement: Bytes,
}

/// Bytes of a ticket or handle.
pub(super) fn encode(message: &impl Message) -> Bytes {
    let mut bytes = MARK.to_vec();
    bytes.extend(message.encode_to_vec());
    bytes.into()
}

/// Reads bytes that a client brought back. `what` is `ticket` or `prepared statement handle`.
pub(super) fn decode<M: Message + Default>(what: &str, bytes: &[u8]) -> Result<M, Status> {
    let ours = bytes.strip_prefix(MARK).and_then(|message| M::decode(message).ok());
    ours.ok_or_else(|| malformed(format!("this is no {what} of this server")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_bytes_are_told_from_ours() {
        let handle = Handle { sql: "SELECT 1".to_owned(), ..Handle::default() };
        let bytes = encode(&handle);
        assert_eq!(decode::<Handle>("handle", &bytes).unwrap(), handle);
        for foreign in [&b""[..], b"SELECT 1", b"ttapi1\xff\xff\xff", &bytes[..bytes.len() - 1], &bytes[1..]] {
            let status = decode::<Handle>("handle", foreign).unwrap_err();
            assert_eq!(
                (status.code(), status.message()),
                (tonic::Code::InvalidArgument, "this is no handle of this server")
            );
        }
    }
}
