//! Notices: what PostgreSQL's NoticeResponse tells a client beside its result. The engine leaves them with the session
//! while it plans and runs a statement; the connection sends them before the result's end.

use super::error::fields;
use super::transport::Transport;
use crate::engine::Session;
use pgwire::messages::response::NoticeResponse;

/// The message for one remark. `severity` is `NOTICE` or `WARNING`.
pub(super) fn notice(severity: &str, code: &str, message: &str) -> NoticeResponse {
    NoticeResponse::new(fields(severity, code, message))
}

/// Passes on what was left for the client, as far as it wants to hear it.
pub(super) fn send_notices(transport: &mut Transport, session: &Session) {
    let (notices, warnings) = (session.take_notices(), session.take_warnings());
    if notices.is_empty() && warnings.is_empty() {
        return;
    }
    let least = session.settings().show("client_min_messages").unwrap_or_default();
    for message in notices.iter().filter(|_| !matches!(least.as_str(), "warning" | "error")) {
        transport.send(&notice("NOTICE", "00000", message));
    }
    for message in warnings.iter().filter(|_| least != "error") {
        transport.send(&notice("WARNING", "01000", message));
    }
}
