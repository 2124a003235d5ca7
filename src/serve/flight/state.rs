//! The state that all calls of one Flight server share. [`super::serve`] makes it once; the gRPC service holds it
//! behind an `Arc`, and every call borrows it.

use super::bindings::Bindings;
use super::execution::Executions;
use super::logins::Logins;
use super::options::Options;
use super::poll::PolledStatements;
use super::sessions::Sessions;
use super::token::Tokens;
use crate::engine::Engine;
use arrow_flight::sql::metadata::{SqlInfoData, XdbcTypeInfoData};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// What the calls of one server share.
pub(super) struct ServerState {
    /// Opens a session for every call and plans its statement.
    pub(super) engine: Engine,
    pub(super) options: Options,
    /// Checks user names and passwords.
    pub(super) logins: Logins,
    /// Issues and checks bearer tokens.
    pub(super) tokens: Tokens,
    /// Settings of logins that keep no cookies.
    pub(super) sessions: Sessions,
    /// The running streams, by which a cancel finds its statement.
    pub(super) executions: Executions,
    /// Statements that PollFlightInfo has begun.
    pub(super) polled: PolledStatements,
    /// Parameters for clients that ignore the handle DoPut returns.
    pub(super) bindings: Bindings,
    /// One permit for each statement whose rows are being sent, of `flight.streams`.
    pub(super) streams: Arc<Semaphore>,
    /// The answer to GetSqlInfo, built once at the start.
    pub(super) sql_info: SqlInfoData,
    /// The answer to GetXdbcTypeInfo, built once at the start.
    pub(super) type_info: XdbcTypeInfoData,
    /// Number of this server, by which it knows its own tickets.
    pub(super) server: Bytes,
    /// Ends the server: no more accepts, and UNAVAILABLE on every stream of rows.
    pub(super) shutdown: CancellationToken,
}
