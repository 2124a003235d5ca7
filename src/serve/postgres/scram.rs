//! The words of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), as PostgreSQL's clients speak them.
//!
//! Two steps: [`Offer::answer`] to the client's first message, [`Challenge::answer`] to its last. Both are pure:
//! nothing here reads a socket or knows a user's name, since PostgreSQL's clients leave it out and the startup packet
//! has it.

use super::error::Failure;
use crate::serve::auth::Verifier;
use crate::serve::auth::verifier::KEY_BYTES;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

const PLAIN: &str = "SCRAM-SHA-256";
const PLUS: &str = "SCRAM-SHA-256-PLUS";
/// The one way of binding to a TLS connection that PostgreSQL's clients know.
const BINDING: &str = "tls-server-end-point";
/// Random bytes of the server's part of the nonce, as in PostgreSQL.
const NONCE_BYTES: usize = 18;

/// What the server can do: with the hash of its certificate, bind the exchange to the TLS connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Offer {
    end_point: Option<Vec<u8>>,
}

/// A challenge that was sent: what it takes to judge the client's answer.
#[derive(Debug)]
pub(super) struct Challenge {
    verifier: Verifier,
    /// `client-first-message-bare,server-first-message`, the part of the signed text known before the client's proof
    /// comes.
    words: String,
    nonce: String,
    /// What the client must repeat: its header, and the hash of the certificate that it saw.
    binding: Vec<u8>,
}

impl Offer {
    /// The offer over a connection; `end_point` is the hash of its certificate, if it is encrypted.
    pub(super) fn new(end_point: Option<Vec<u8>>) -> Self {
        Self { end_point }
    }

    /// Names of the ways, the best first.
    pub(super) fn mechanisms(&self) -> Vec<String> {
        let plus = self.end_point.is_some().then(|| PLUS.to_owned());
        plus.into_iter().chain([PLAIN.to_owned()]).collect()
    }

    /// Answers the client's first message with the server's.
    ///
    /// # Errors
    /// A message out of form; a client that wants what is not offered, or that was made to believe that less is.
    pub(super) fn answer(
        &self,
        mechanism: &str,
        message: &[u8],
        verifier: Verifier,
    ) -> Result<(String, Challenge), Failure> {
        let bound = match mechanism {
            PLAIN => false,
            PLUS if self.end_point.is_some() => true,
            _ => return Err(malformed("client selected an invalid SASL authentication mechanism")),
        };
        let message = text(message)?;
        let (flag, rest) = message.split_once(',').ok_or_else(|| malformed(FORM))?;
        let (authorization, bare) = rest.split_once(',').ok_or_else(|| malformed(FORM))?;
        self.check_flag(flag, bound)?;
        if !authorization.is_empty() {
            return Err(Failure::fatal("0A000", "client uses authorization identity, but it is not supported"));
        }
        let mut attributes = bare.split(',');
        let mut attribute = |letter: &str| attributes.next().and_then(|attribute| attribute.strip_prefix(letter));
        if bare.starts_with("m=") {
            return Err(Failure::fatal("0A000", "client requires an unsupported SCRAM extension"));
        }
        attribute("n=").ok_or_else(|| malformed(FORM))?;
        let nonce = attribute("r=").ok_or_else(|| malformed(FORM))?;
        if nonce.is_empty() || !nonce.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(malformed("non-printable characters in SCRAM nonce"));
        }
        let mut own = [0; NONCE_BYTES];
        aws_lc_rs::rand::fill(&mut own).map_err(|_| Failure::fatal("XX000", "could not generate random nonce"))?;
        let nonce = format!("{nonce}{}", BASE64.encode(own));
        let first = format!("r={nonce},s={},i={}", BASE64.encode(verifier.salt()), verifier.iterations());
        let mut binding = format!("{flag},,").into_bytes();
        if bound {
            binding.extend(self.end_point.iter().flatten());
        }
        Ok((first.clone(), Challenge { verifier, words: format!("{bare},{first}"), nonce, binding }))
    }

    /// The client's word on binding: `n` it cannot, `y` it could but believes that the server cannot, `p=` it does.
    fn check_flag(&self, flag: &str, bound: bool) -> Result<(), Failure> {
        match (flag, bound) {
            ("n", false) => Ok(()),
            ("y", false) if self.end_point.is_none() => Ok(()),
            // Somebody in between took the better way out of the offer.
            ("y", false) => Err(Failure::fatal(
                "28000",
                "SCRAM channel binding negotiation error: it was offered, but not to the client",
            )),
            ("n" | "y", true) => Err(malformed(
                "client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data",
            )),
            (flag, true) => match flag.strip_prefix("p=") {
                Some(BINDING) => Ok(()),
                Some(_) => Err(malformed("unsupported SCRAM channel-binding type")),
                None => Err(malformed(FORM)),
            },
            (flag, false) if flag.starts_with("p=") => Err(malformed(
                "client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data",
            )),
            _ => Err(malformed(FORM)),
        }
    }
}

impl Challenge {
    /// Judges the client's last message: the server's last when it proves the password, `None` when it does not.
    ///
    /// # Errors
    /// A message out of form, a wrong nonce, a binding to another connection.
    pub(super) fn answer(self, message: &[u8]) -> Result<Option<String>, Failure> {
        let message = text(message)?;
        let (unproved, proof) = message.rsplit_once(",p=").ok_or_else(|| malformed(FORM))?;
        let mut attributes = unproved.split(',');
        let mut attribute = |letter: &str| attributes.next().and_then(|attribute| attribute.strip_prefix(letter));
        let binding = attribute("c=").ok_or_else(|| malformed(FORM))?;
        let nonce = attribute("r=").ok_or_else(|| malformed(FORM))?;
        if BASE64.decode(binding).ok() != Some(self.binding) {
            return Err(Failure::fatal("28000", "SCRAM channel binding check failed"));
        }
        if nonce != self.nonce {
            return Err(malformed("nonce does not match"));
        }
        let proof = BASE64.decode(proof).ok().and_then(|proof| <[u8; KEY_BYTES]>::try_from(proof).ok());
        let proof = proof.ok_or_else(|| malformed("malformed proof in client-final-message"))?;
        let words = format!("{},{unproved}", self.words);
        let proved = self.verifier.proved(&words, &proof);
        Ok(proved.then(|| format!("v={}", BASE64.encode(self.verifier.server_signature(&words)))))
    }
}

const FORM: &str = "malformed SCRAM message";

fn malformed(message: &str) -> Failure {
    Failure::protocol(message).into_fatal()
}

fn text(message: &[u8]) -> Result<&str, Failure> {
    std::str::from_utf8(message).map_err(|_| malformed(FORM))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &[u8] = b"thirty-two bytes of a certificate";

    fn verifier() -> Verifier {
        Verifier::of("pencil")
    }

    fn code<T: std::fmt::Debug>(result: Result<T, Failure>) -> &'static str {
        let failure = result.unwrap_err();
        assert!(failure.fatal);
        failure.code
    }

    /// A client of another make: it knows the password and computes its proof.
    fn last_message(first: &str, flag: &str, certificate: &[u8], bare: &str, password: &str) -> Vec<u8> {
        use aws_lc_rs::{digest, hmac};
        let field = |letter: &str| first.split(',').find_map(|part| part.strip_prefix(letter)).unwrap();
        let salt = BASE64.decode(field("s=")).unwrap();
        let iterations = field("i=").parse().unwrap();
        let salted = pgwire::api::auth::sasl::scram::gen_salted_password(password, &salt, iterations);
        let sign = |key: &[u8], words: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), words.as_bytes());
        let client_key = sign(&salted, "Client Key");
        let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
        let binding = BASE64.encode([format!("{flag},,").as_bytes(), certificate].concat());
        let unproved = format!("c={binding},r={}", field("r="));
        let signature = sign(stored_key.as_ref(), &format!("{bare},{first},{unproved}"));
        let proof: Vec<u8> = client_key.as_ref().iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        format!("{unproved},p={}", BASE64.encode(proof)).into_bytes()
    }

    fn exchange(offer: &Offer, mechanism: &str, flag: &str, certificate: &[u8], password: &str) -> Option<String> {
        let (first, challenge) = offer.answer(mechanism, format!("{flag},,n=,r=abc").as_bytes(), verifier()).unwrap();
        challenge.answer(&last_message(&first, flag, certificate, "n=,r=abc", password)).unwrap()
    }

    #[test]
    fn the_password_opens_and_another_does_not() {
        let (clear, bound) = (Offer::default(), Offer::new(Some(CERTIFICATE.to_vec())));
        assert_eq!(clear.mechanisms(), [PLAIN]);
        assert_eq!(bound.mechanisms(), [PLUS, PLAIN]);
        let plus = "p=tls-server-end-point";
        for (offer, mechanism, flag, certificate) in [
            (&clear, PLAIN, "n", &b""[..]),
            (&clear, PLAIN, "y", b""),
            (&bound, PLAIN, "n", b""),
            (&bound, PLUS, plus, CERTIFICATE),
        ] {
            assert!(exchange(offer, mechanism, flag, certificate, "pencil").unwrap().starts_with("v="));
            assert_eq!(exchange(offer, mechanism, flag, certificate, "pen"), None);
        }
    }

    #[test]
    fn a_client_bound_to_another_certificate_is_refused() {
        let offer = Offer::new(Some(CERTIFICATE.to_vec()));
        let flag = "p=tls-server-end-point";
        let (first, challenge) = offer.answer(PLUS, format!("{flag},,n=,r=abc").as_bytes(), verifier()).unwrap();
        let last = last_message(&first, flag, b"another certificate", "n=,r=abc", "pencil");
        assert_eq!(code(challenge.answer(&last)), "28000");
    }

    #[test]
    fn an_offer_that_was_tampered_with_is_noticed() {
        let offer = Offer::new(Some(CERTIFICATE.to_vec()));
        assert_eq!(code(offer.answer(PLAIN, b"y,,n=,r=abc", verifier())), "28000");
        assert_eq!(code(offer.answer(PLUS, b"n,,n=,r=abc", verifier())), "08P01");
        assert_eq!(code(offer.answer(PLAIN, b"p=tls-server-end-point,,n=,r=abc", verifier())), "08P01");
        assert_eq!(code(offer.answer(PLUS, b"p=tls-unique,,n=,r=abc", verifier())), "08P01");
        assert_eq!(code(Offer::default().answer(PLUS, b"p=tls-server-end-point,,n=,r=abc", verifier())), "08P01");
    }

    #[test]
    fn messages_out_of_form_are_refused() {
        let offer = Offer::default();
        for (message, wanted) in [
            (&b""[..], "08P01"),
            (b"n", "08P01"),
            (b"n,,", "08P01"),
            (b"n,,n=a", "08P01"),
            (b"n,,r=abc,n=a", "08P01"),
            (b"n,,n=,r=", "08P01"),
            (b"n,,n=,r=a\x01b", "08P01"),
            (b"n,,n=,r=\xff", "08P01"),
            (b"q,,n=,r=abc", "08P01"),
            (b"n,a=root,n=,r=abc", "0A000"),
            (b"n,,m=x,n=,r=abc", "0A000"),
        ] {
            assert_eq!(code(offer.answer(PLAIN, message, verifier())), wanted, "{message:?}");
        }
        assert_eq!(code(offer.answer("PLAIN", b"n,,n=,r=abc", verifier())), "08P01");
        for (message, wanted) in [
            (&b""[..], "08P01"),
            (b"c=biws,r=abc", "08P01"),
            (b"c=biws,r=abc,p=AAAA", "08P01"),
            (b"c=eSws,r=abc,p=AAAA", "28000"),
            (b"\xff", "08P01"),
        ] {
            let (_, challenge) = offer.answer(PLAIN, b"n,,n=,r=abc", verifier()).unwrap();
            assert_eq!(code(challenge.answer(message)), wanted, "{message:?}");
        }
        let (first, challenge) = offer.answer(PLAIN, b"n,,n=,r=abc", verifier()).unwrap();
        let nonce = first.split(',').next().unwrap();
        assert_eq!(code(challenge.answer(format!("c=biws,{nonce},p=AAAA").as_bytes())), "08P01");
    }
}
