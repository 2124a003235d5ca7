//! Authentication of a Postgres client: the exchange of passwords between the startup packet and the first statement.
//!
//! Whatever fails here is fatal. Nothing that a client sends before it is known reaches the engine: its messages are read
//! one at a time, and only those of the exchange are taken.

use super::error::{Failure, Stop};
use super::scram::Offer;
use super::transport::Transport;
use crate::serve::auth::{Identity, Users};
use bytes::{Buf, Bytes};
use pgwire::messages::startup::Authentication;

/// Bytes of one message of the exchange, at most, as in PostgreSQL.
const MESSAGE_BYTES_MAX: usize = 1_024;

/// Asks a client for its password, unless everybody is let in. `end_point` is the hash of the certificate, over TLS.
///
/// # Errors
/// 28P01 when name or password are wrong, without saying which.
pub(super) async fn identify(
    transport: &mut Transport,
    users: &Users,
    name: &str,
    end_point: Option<Vec<u8>>,
) -> Result<Identity, Stop> {
    if users.is_open()
        && let Some(identity) = users.identity(name)
    {
        return Ok(identity);
    }
    let offer = Offer::new(end_point);
    transport.send(&Authentication::SASL(offer.mechanisms()));
    let (mechanism, message) = first_message(response(transport).await?)?;
    // Looking at the file blocks, if only for a moment.
    let (asked, wanted) = (users.clone(), name.to_owned());
    let looked_up = tokio::task::spawn_blocking(move || match asked.find(&wanted) {
        Some(user) => (Some(Identity { user: user.name.clone(), role: user.role }), user.verifier.clone()),
        None => (None, asked.decoy(&wanted)),
    });
    let (identity, verifier) = looked_up.await.map_err(|_| Failure::fatal("XX000", "cannot look up users"))?;
    let (reply, challenge) = offer.answer(&mechanism, &message, verifier)?;
    transport.send(&Authentication::SASLContinue(reply.into()));
    let proof = response(transport).await?;
    match (challenge.answer(&proof)?, identity) {
        (Some(reply), Some(identity)) => {
            transport.send(&Authentication::SASLFinal(reply.into()));
            Ok(identity)
        }
        _ => Err(Failure::fatal("28P01", format!("password authentication failed for user \"{name}\"")).into()),
    }
}

/// The body of the client's next message of the exchange.
async fn response(transport: &mut Transport) -> Result<Bytes, Stop> {
    let frame = transport.frame(MESSAGE_BYTES_MAX).await?;
    match frame.kind {
        b'p' => Ok(frame.body),
        other => Err(Failure::fatal("08P01", format!("expected SASL response, got message type {other}")).into()),
    }
}

/// Name of the way the client chose, and its first message.
fn first_message(mut body: Bytes) -> Result<(String, Bytes), Failure> {
    let malformed = || Failure::fatal("08P01", "malformed SASL initial response");
    let end = body.iter().position(|byte| *byte == 0).ok_or_else(malformed)?;
    let mechanism = String::from_utf8(body.split_to(end).to_vec()).map_err(|_| malformed())?;
    body.advance(1);
    let length = body.try_get_i32().map_err(|_| malformed())?;
    if usize::try_from(length).ok() != Some(body.len()) {
        return Err(malformed());
    }
    Ok((mechanism, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_message_has_its_length() {
        let read = |body: &'static [u8]| first_message(Bytes::from_static(body));
        let (mechanism, message) = read(b"SCRAM-SHA-256\0\0\0\0\x03n,,").unwrap();
        assert_eq!((mechanism.as_str(), message.as_ref()), ("SCRAM-SHA-256", &b"n,,"[..]));
        for body in [
            &b""[..],
            b"SCRAM-SHA-256",
            b"SCRAM-SHA-256\0",
            b"SCRAM-SHA-256\0\0\0",
            b"SCRAM-SHA-256\0\xff\xff\xff\xff",
            b"SCRAM-SHA-256\0\0\0\0\x04n,,",
            b"SCRAM-SHA-256\0\0\0\0\x02n,,",
            b"\xff\0\0\0\0\0",
        ] {
            let failure = read(body).unwrap_err();
            assert!(failure.fatal && failure.code == "08P01", "{body:?}");
        }
    }
}
