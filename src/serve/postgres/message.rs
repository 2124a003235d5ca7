//! Frontend messages of the Postgres protocol: one whole frame of the client's bytes is decoded into one message.
//!
//! `pgwire` encodes what we send, but what we receive is read here: its decoder trusts the counts and lengths inside a
//! message and panics when they point past the end, and it replaces bytes that are not UTF-8.

use super::error::Failure;
use crate::dialect::parse::identifier::cut_name;
use bytes::{Buf, Bytes};

/// One frame as it came: its type byte, and its body without the length.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) body: Bytes,
}

/// What a Describe or Close names: a prepared statement or a portal; the empty name is the unnamed one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    Statement(String),
    Portal(String),
}

/// The Bind message: a portal to make of a prepared statement, with values and formats.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bind {
    /// Name of the portal to make; empty for the unnamed one.
    pub(super) portal: String,
    /// Name of the prepared statement to bind.
    pub(super) statement: String,
    /// Format codes of the values: none, one for all, or one each.
    pub(super) value_formats: Vec<i16>,
    /// Values of `$1`, `$2`, ... as sent, undecoded; `None` is NULL.
    pub(super) values: Vec<Option<Bytes>>,
    /// Format codes of the result's columns: none, one for all, or one each.
    pub(super) result_formats: Vec<i16>,
}

/// A decoded message of the frontend, after startup and authentication.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    Query(String),
    Parse {
        statement: String,
        sql: String,
        types: Vec<u32>,
    },
    Bind(Bind),
    Describe(Target),
    /// Rows wanted at most; zero or less is all.
    Execute {
        portal: String,
        rows_max: i32,
    },
    Close(Target),
    Flush,
    Sync,
    Terminate,
    /// Left over from a COPY that has failed; ignored, as PostgreSQL does.
    Copy,
    /// The fast-path function call, which this server does not have.
    FunctionCall,
}

impl Frame {
    /// True for messages after whose failure everything up to the next Sync is skipped.
    pub(super) fn is_extended(&self) -> bool {
        matches!(self.kind, b'P' | b'B' | b'D' | b'E' | b'C' | b'H')
    }

    /// Reads the message.
    ///
    /// # Errors
    /// 08P01 when the body is too short or too long, 22021 when a text is not UTF-8. An unknown type is fatal: where
    /// the next message starts is then anyone's guess.
    pub(super) fn decode(self) -> Result<Message, Failure> {
        let mut body = Body(self.body);
        let message = match self.kind {
            b'Q' => Message::Query(body.text()?),
            b'P' => Message::Parse { statement: body.name()?, sql: body.text()?, types: body.list(Body::u32)? },
            b'B' => Message::Bind(Bind {
                portal: body.name()?,
                statement: body.name()?,
                value_formats: body.list(Body::i16)?,
                values: body.list(Body::value)?,
                result_formats: body.list(Body::i16)?,
            }),
            b'D' => Message::Describe(body.target()?),
            b'E' => Message::Execute { portal: body.name()?, rows_max: body.i32()? },
            b'C' => Message::Close(body.target()?),
            b'H' => Message::Flush,
            b'S' => Message::Sync,
            b'X' => return Ok(Message::Terminate),
            b'd' | b'c' | b'f' => return Ok(Message::Copy),
            b'F' => return Ok(Message::FunctionCall),
            other => return Err(Failure::fatal("08P01", format!("invalid frontend message type {other}"))),
        };
        if body.0.has_remaining() {
            return Err(Failure::protocol("invalid message format"));
        }
        Ok(message)
    }
}

/// What is left of a body.
struct Body(Bytes);

/// 08P01: a count or length inside the message points past its end.
fn too_short() -> Failure {
    Failure::protocol("insufficient data left in message")
}

impl Body {
    /// A text up to its zero byte; 22021 when it is not UTF-8, 08P01 when the zero byte is missing.
    fn text(&mut self) -> Result<String, Failure> {
        let Some(end) = self.0.iter().position(|byte| *byte == 0) else {
            return Err(Failure::protocol("invalid string in message"));
        };
        let text = self.0.split_to(end);
        self.0.advance(1);
        match std::str::from_utf8(&text) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(Failure::new("22021", "invalid byte sequence for encoding \"UTF8\"")),
        }
    }

    /// The name of a statement or a portal, cut as that of a table is: PostgreSQL keeps no more of it either.
    fn name(&mut self) -> Result<String, Failure> {
        let mut name = self.text()?;
        cut_name(&mut name);
        Ok(name)
    }

    fn u32(&mut self) -> Result<u32, Failure> {
        self.0.try_get_u32().map_err(|_| too_short())
    }

    fn i32(&mut self) -> Result<i32, Failure> {
        self.0.try_get_i32().map_err(|_| too_short())
    }

    fn i16(&mut self) -> Result<i16, Failure> {
        self.0.try_get_i16().map_err(|_| too_short())
    }

    /// A length and that many bytes; a length of -1 is NULL.
    fn value(&mut self) -> Result<Option<Bytes>, Failure> {
        match self.i32()? {
            -1 => Ok(None),
            length => match usize::try_from(length) {
                Ok(length) if length <= self.0.remaining() => Ok(Some(self.0.split_to(length))),
                _ => Err(too_short()),
            },
        }
    }

    /// `S` and a statement's name, or `P` and a portal's.
    fn target(&mut self) -> Result<Target, Failure> {
        match self.0.try_get_u8().map_err(|_| too_short())? {
            b'S' => Ok(Target::Statement(self.name()?)),
            b'P' => Ok(Target::Portal(self.name()?)),
            other => Err(Failure::protocol(format!("invalid message subtype {other}"))),
        }
    }

    /// A count and as many of `one`. Nothing is reserved for a count that the body does not bear out.
    fn list<T>(&mut self, one: fn(&mut Self) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
        let count = self.0.try_get_u16().map_err(|_| too_short())?;
        (0..count).map(|_| one(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(kind: u8, body: &'static [u8]) -> Result<Message, Failure> {
        Frame { kind, body: Bytes::from_static(body) }.decode()
    }

    #[test]
    fn whole_messages_read() {
        assert_eq!(decode(b'Q', b"SELECT 1\0").unwrap(), Message::Query("SELECT 1".to_owned()));
        assert_eq!(
            decode(b'E', b"\0\xff\xff\xff\xff").unwrap(),
            Message::Execute { portal: String::new(), rows_max: -1 }
        );
        assert_eq!(
            decode(b'B', b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x01a\xff\xff\xff\xff\0\0").unwrap(),
            Message::Bind(Bind {
                portal: "p".to_owned(),
                statement: "s".to_owned(),
                value_formats: vec![1],
                values: vec![Some(Bytes::from_static(b"a")), None],
                result_formats: vec![],
            })
        );
    }

    #[test]
    fn counts_and_lengths_past_the_end_are_errors() {
        for body in [
            &b"p\0s\0\xff\xff"[..],
            b"p\0s\0\0\0\0\x01\x7f\xff\xff\xff",
            b"p\0s",
            b"",
            b"p\0s\0\0\0\0\x01\xff\xff\xff\xfe",
        ] {
            assert_eq!(decode(b'B', body).unwrap_err().code, "08P01");
        }
        assert_eq!(decode(b'P', b"s\0SELECT 1\0\0\x02\0\0\0\x17").unwrap_err().code, "08P01");
        assert_eq!(decode(b'S', b"left over").unwrap_err().code, "08P01");
        assert_eq!(decode(b'Q', b"\xff\xfe\0").unwrap_err().code, "22021");
        assert!(decode(b'?', b"").unwrap_err().fatal);
    }

    #[test]
    fn names_are_cut() {
        let body = [&b"P"[..], &[b'p'; 100], b"\0"].concat();
        let message = Frame { kind: b'D', body: body.into() }.decode().unwrap();
        assert_eq!(message, Message::Describe(Target::Portal("p".repeat(63))));
    }
}
