//! The state that all calls of one Flight server share. [`super::serve`] makes it once; the gRPC service holds it behind an
//! `Arc`, and every call borrows it.

use super::bindings::Bindings;
use super::execution::Executions;
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
    pub(super) engine: Engine,
    pub(super) options: Options,
    pub(super) tokens: Tokens,
    pub(super) sessions: Sessions,
    pub(super) executions: Executions,
    pub(super) polled: PolledStatements,
    pub(super) bindings: Bindings,
    pub(super) streams: Arc<Semaphore>,
    pub(super) sql_info: SqlInfoData,
    pub(super) type_info: XdbcTypeInfoData,
    /// Number of this server, by which it knows its own tickets.
    pub(super) server: Bytes,
    pub(super) shutdown: CancellationToken,
}
