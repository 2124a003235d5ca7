//! The startup of a Postgres connection: the client's requests for encryption and its startup parameters. Who the
//! client is comes next, in [`super::login`].
//!
//! Whatever fails here is fatal. Bytes that are no startup packet close the connection without an answer.

use super::error::Disconnect;
use super::error::{Failure, Stop};
use super::transport::Transport;
use crate::serve::tls::{Loaded, Tls};
use bytes::{Buf, Bytes};
use pgwire::messages::startup::NegotiateProtocolVersion;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The protocol that TLS clients name, those that begin with the handshake must.
pub const ALPN: &[u8] = b"postgresql";
/// First byte of a TLS handshake. A startup packet begins with the length's high byte, which is zero.
const TLS_HANDSHAKE: u8 = 0x16;
/// Bytes of a packet before the client is known, at most; PostgreSQL's own limit.
const PACKET_BYTES_MAX: usize = 10_000;
/// Requests for encryption, one after the other, before it is no longer a client that asks.
const ENCRYPTION_REQUESTS_MAX: usize = 2;
/// The code in place of a protocol version by which a client cancels a statement of another connection.
const CANCEL_REQUEST: u32 = 80_877_102;
/// The code by which a client asks for TLS; answered with one byte, `S` or `N`.
const SSL_REQUEST: u32 = 80_877_103;
/// The code by which a client asks for GSSAPI encryption, which this server does not have.
const GSS_REQUEST: u32 = 80_877_104;
const PROTOCOL_MAJOR: u32 = 3;
/// Version 3.0, the newest we speak.
const PROTOCOL_3_0: i32 = 196_608;

/// What a new connection wants.
#[derive(Debug)]
pub(super) enum Greeting {
    /// To cancel what another connection runs.
    Cancel { pid: i32, secret: Bytes },
    /// The client asks for a session, with its user and the settings it begins with.
    Startup(Startup),
}

/// Who comes, and the settings they bring.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Startup {
    pub(super) user: String,
    /// In order; later ones win.
    pub(super) settings: Vec<(String, String)>,
}

/// Encrypts the connection when the client asks for it, and reads packets up to the one that says what it wants. Gives
/// what it was encrypted with.
pub(super) async fn greet(
    transport: &mut Transport,
    tls: Option<&Tls>,
    tls_required: bool,
) -> Result<(Greeting, Option<Arc<Loaded>>), Stop> {
    let mut encrypted = None;
    if let Some(tls) = tls
        && transport.first_byte().await? == TLS_HANDSHAKE
    {
        let loaded = tls.current();
        if transport.encrypt(&loaded.acceptor).await?.as_deref() != Some(ALPN) {
            // Made to speak TLS by somebody in between, a client of another protocol could be led to talk to us.
            return Err(Disconnect::Closed.into());
        }
        encrypted = Some(loaded);
    }
    for _ in 0..=ENCRYPTION_REQUESTS_MAX {
        let mut packet = transport.packet(PACKET_BYTES_MAX).await?;
        match packet.try_get_u32().unwrap_or_default() {
            SSL_REQUEST | GSS_REQUEST if transport.is_encrypted() => {
                return Err(Failure::fatal("08P01", "the connection is encrypted already").into());
            }
            SSL_REQUEST if let Some(tls) = tls => {
                transport.send_byte(b'S');
                // Whoever sits in between could have put it there, to be taken for the client's own words.
                if transport.unread() > 0 {
                    return Err(Failure::fatal("08P01", "received unencrypted data after SSL request").into());
                }
                let loaded = tls.current();
                transport.encrypt(&loaded.acceptor).await?;
                encrypted = Some(loaded);
            }
            SSL_REQUEST | GSS_REQUEST => transport.send_byte(b'N'),
            CANCEL_REQUEST => {
                let pid = packet.try_get_i32().map_err(|_| Failure::protocol("invalid cancel request"))?;
                return Ok((Greeting::Cancel { pid, secret: packet }, encrypted));
            }
            version if version >> 16 == PROTOCOL_MAJOR => {
                let parameters = parameters(packet)?;
                if tls_required && !transport.is_encrypted() {
                    let failure =
                        Failure::fatal("28000", "connection is not encrypted, and this server takes no other");
                    return Err(failure.with_hint("Connect with sslmode=require or better.").into());
                }
                negotiate(transport, version & 0xffff, &parameters);
                return Ok((Greeting::Startup(startup(parameters)?), encrypted));
            }
            version => {
                let (major, minor) = (version >> 16, version & 0xffff);
                let message = format!("unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.0");
                return Err(Failure::fatal("0A000", message).into());
            }
        }
    }
    Err(Failure::fatal("08P01", "too many requests for encryption").into())
}

/// Pairs of name and value, closed by an empty name.
fn parameters(packet: Bytes) -> Result<BTreeMap<String, String>, Failure> {
    let invalid = || Failure::fatal("08P01", "invalid startup packet layout: expected terminator as last byte");
    let text = std::str::from_utf8(&packet)
        .map_err(|_| Failure::fatal("22021", "invalid byte sequence for encoding \"UTF8\" in startup packet"))?;
    let mut words = text.strip_suffix('\0').ok_or_else(invalid)?.split('\0');
    let mut parameters = BTreeMap::new();
    loop {
        match (words.next(), words.next()) {
            (Some(""), None) => return Ok(parameters),
            (Some(name), Some(value)) if !name.is_empty() => parameters.insert(name.to_owned(), value.to_owned()),
            _ => return Err(invalid()),
        };
    }
}

/// A newer minor version or options of it are answered with what we speak.
fn negotiate(transport: &mut Transport, minor: u32, parameters: &BTreeMap<String, String>) {
    let options: Vec<String> = parameters.keys().filter(|name| name.starts_with("_pq_.")).cloned().collect();
    if minor > 0 || !options.is_empty() {
        transport.send(&NegotiateProtocolVersion::new(PROTOCOL_3_0, options));
    }
}

fn startup(parameters: BTreeMap<String, String>) -> Result<Startup, Failure> {
    let user = parameters.get("user").filter(|user| !user.is_empty()).cloned();
    let user = user.ok_or_else(|| Failure::fatal("28000", "no PostgreSQL user name specified in startup packet"))?;
    let mut settings = Vec::new();
    if let Some(given) = parameters.get("options") {
        settings = options(given)?;
    }
    for (name, value) in parameters {
        match name.as_str() {
            "user" | "database" | "options" => {}
            "replication" if matches!(value.as_str(), "false" | "off" | "no" | "0") => {}
            "replication" => return Err(Failure::fatal("0A000", "replication is not supported")),
            name if name.starts_with("_pq_.") => {}
            _ => settings.push((name, value)),
        }
    }
    Ok(Startup { user, settings })
}

/// `-c name=value` and `--name=value`, with blanks escaped by a backslash.
fn options(text: &str) -> Result<Vec<(String, String)>, Failure> {
    let invalid =
        |word: &str| Failure::fatal("42601", format!("invalid command-line argument for server process: {word}"));
    let mut settings = Vec::new();
    let mut words = words(text).into_iter();
    while let Some(word) = words.next() {
        let pair = match (word.strip_prefix("-c"), word.strip_prefix("--")) {
            (Some(""), _) => words.next().ok_or_else(|| invalid(&word))?,
            (Some(pair), _) | (None, Some(pair)) => pair.to_owned(),
            (None, None) => return Err(invalid(&word)),
        };
        let (name, value) = pair.split_once('=').ok_or_else(|| invalid(&pair))?;
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

/// The words of the startup parameter `options`, cut at spaces that no backslash protects.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => words.last_mut().into_iter().for_each(|word| word.extend(chars.next())),
            c if c.is_whitespace() => words.push(String::new()),
            c => words.last_mut().into_iter().for_each(|word| word.push(c)),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_read_to_their_terminator() {
        let read = parameters(Bytes::from_static(b"user\0me\0application_name\0\0\0")).unwrap();
        assert_eq!(read.get("user").map(String::as_str), Some("me"));
        assert_eq!(read.get("application_name").map(String::as_str), Some(""));
        assert!(parameters(Bytes::from_static(b"\0")).unwrap().is_empty());
        for wrong in [&b"user\0me"[..], b"user\0me\0", b"", b"user\0\0", b"\0a\0b\0\0", b"user\0me\0\0\0"] {
            assert!(parameters(Bytes::copy_from_slice(wrong)).is_err_and(|failure| failure.fatal), "{wrong:?}");
        }
    }

    #[test]
    fn options_in_both_spellings() {
        let pairs = options(r"-c statement_timeout=5s --search-path=a\ b -cTimeZone=UTC").unwrap();
        let expected = [("statement_timeout", "5s"), ("search_path", "a b"), ("TimeZone", "UTC")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for wrong in ["-c", "-c x", "nonsense", "--x"] {
            assert!(options(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_user_must_be_named() {
        let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(startup(pairs(&[("database", "x")])).unwrap_err().code, "28000");
        assert_eq!(startup(pairs(&[("user", "me"), ("replication", "true")])).unwrap_err().code, "0A000");
        let known = startup(pairs(&[("user", "me"), ("options", "-c a=1"), ("b", "2")])).unwrap();
        assert_eq!(known.settings, [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
    }
}
