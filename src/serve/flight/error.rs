//! Failures as the Flight client gets them: a gRPC status with a code and a sentence.
//!
//! Further facts travel as metadata of the status: `tt-hint` (what to do about it) and `tt-position` (where in the
//! statement, in characters from 1).

use crate::error::{ErrorKind, QueryError};
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::{Code, Status};

/// Characters of a sentence that are sent: statuses travel in headers, whose size clients bound.
const MESSAGE_CHARACTERS_MAX: usize = 2_000;

/// The status of a failed statement. The hint stands in the sentence too: most clients show nothing else.
pub(super) fn status(error: QueryError) -> Status {
    let mut metadata = MetadataMap::new();
    if let Some(hint) = error.hint.as_deref().and_then(header) {
        metadata.insert("tt-hint", hint);
    }
    if let Some(position) = error.position {
        metadata.insert("tt-position", MetadataValue::from(position as u64));
    }
    Status::with_metadata(code(error.kind), shortened(error.to_string()), metadata)
}

/// INVALID_ARGUMENT with the given sentence: a message, header or cookie of the client does not decode.
pub(super) fn malformed(what: impl Into<String>) -> Status {
    Status::invalid_argument(shortened(what.into()))
}

/// A fault of the server: the client gets a sentence, the log the cause.
pub(super) fn internal(what: &str, error: impl std::fmt::Display) -> Status {
    tracing::error!(%error, "{what}");
    Status::internal(format!("the server cannot {what}; its log tells why"))
}

/// RESOURCE_EXHAUSTED: clients have sent, or left here, as much as there is memory for.
pub(super) fn no_room() -> Status {
    Status::resource_exhausted("out of memory: there is no room for more from clients; try again later, or with less")
}

/// A text as a header value; percent-encoded where it is not plain ASCII.
pub(super) fn header(text: &str) -> Option<MetadataValue<Ascii>> {
    const PLAIN: percent_encoding::AsciiSet = percent_encoding::CONTROLS.add(b'%');
    let text = shortened(text.to_owned());
    percent_encoding::utf8_percent_encode(&text, &PLAIN).to_string().parse().ok()
}

/// The first 2,000 characters of a sentence, with ` ...` behind them when it is longer.
fn shortened(text: String) -> String {
    match text.char_indices().nth(MESSAGE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text,
    }
}

/// The code of a kind of fault.
fn code(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::Syntax
        | ErrorKind::AmbiguousColumn
        | ErrorKind::AmbiguousFunction
        | ErrorKind::CannotCast
        | ErrorKind::Grouping
        | ErrorKind::Windowing
        | ErrorKind::NegativeLimit
        | ErrorKind::NegativeOffset
        | ErrorKind::DuplicateAlias
        | ErrorKind::WrongColumns
        | ErrorKind::TypeMismatch
        | ErrorKind::IndeterminateType
        | ErrorKind::InvalidText
        | ErrorKind::InvalidDatetime
        | ErrorKind::DatetimeOverflow
        | ErrorKind::IntervalOverflow
        | ErrorKind::InvalidOffset
        | ErrorKind::InvalidPattern
        | ErrorKind::Escape
        | ErrorKind::EscapeUse
        | ErrorKind::Substring
        | ErrorKind::InvalidBytes
        | ErrorKind::Untranslatable
        | ErrorKind::ArraySubscript
        | ErrorKind::NullNotAllowed
        | ErrorKind::LimitReached
        | ErrorKind::TooDeep
        | ErrorKind::OutOfRange
        | ErrorKind::DivisionByZero
        | ErrorKind::Logarithm
        | ErrorKind::Power
        | ErrorKind::WidthBucket
        | ErrorKind::FrameOffset
        | ErrorKind::Ntile
        | ErrorKind::NthValue
        | ErrorKind::SampleSize
        | ErrorKind::TextTooLong
        | ErrorKind::SeveralRows
        | ErrorKind::InvalidParameter
        | ErrorKind::NotNull
        | ErrorKind::Unique
        | ErrorKind::Check
        | ErrorKind::ChangedTwice
        | ErrorKind::NoSuchKey
        | ErrorKind::DuplicateTable
        | ErrorKind::DuplicateColumn
        | ErrorKind::InvalidTable
        | ErrorKind::StillUsed
        | ErrorKind::WrongObject => Code::InvalidArgument,
        ErrorKind::UnknownTable | ErrorKind::UnknownColumn | ErrorKind::UnknownFunction | ErrorKind::UnknownObject => {
            Code::NotFound
        }
        ErrorKind::NotSupported => Code::Unimplemented,
        ErrorKind::ReadOnly | ErrorKind::Forbidden => Code::PermissionDenied,
        ErrorKind::Timeout => Code::DeadlineExceeded,
        ErrorKind::Cancelled => Code::Cancelled,
        ErrorKind::OutOfMemory | ErrorKind::LimitExceeded | ErrorKind::DiskFull => Code::ResourceExhausted,
        ErrorKind::Stale | ErrorKind::Source | ErrorKind::Storage => Code::Unavailable,
        ErrorKind::Corrupted => Code::DataLoss,
        ErrorKind::Internal => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_has_a_code_a_sentence_and_what_to_do() {
        let error =
            QueryError::new(ErrorKind::Stale, "table \"eod\" is not fresh").with_hint("SET freshness = 'serve'");
        let status = status(error);
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(status.message(), "table \"eod\" is not fresh (SET freshness = 'serve')");
        assert_eq!(status.metadata().get("tt-hint").unwrap().to_str().unwrap(), "SET freshness = 'serve'");
    }

    #[test]
    fn a_header_is_plain_ascii_on_one_line() {
        assert_eq!(header("50 % é\n").unwrap().to_str().unwrap(), "50 %25 %C3%A9%0A");
    }
}
