//! What a password is checked against: PostgreSQL's own text form of a SCRAM-SHA-256 secret (RFC 5802, RFC 7677),
//! `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`, with salt and keys in base64.
//!
//! From it a password can be checked, and a server can prove that it knows the user, but nobody can log in with it.

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2, rand};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;

/// Rounds of a new verifier: PostgreSQL's number, which every client takes.
const ITERATIONS: u32 = 4_096;
/// Rounds of a verifier from elsewhere, at most: a password check must end.
const ITERATIONS_MAX: u32 = 1_000_000;
/// Bytes of a new salt, as in PostgreSQL.
const SALT_BYTES: usize = 16;
/// Bytes of a key.
pub const KEY_BYTES: usize = digest::SHA256_OUTPUT_LEN;

/// What a password is checked against. Its `Debug` shows neither key.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    iterations: u32,
    salt: Vec<u8>,
    stored_key: [u8; KEY_BYTES],
    server_key: [u8; KEY_BYTES],
}

impl Verifier {
    /// A verifier of a password, with a new salt. Takes milliseconds.
    pub fn of(password: &str) -> Self {
        let mut salt = vec![0; SALT_BYTES];
        rand::fill(&mut salt).expect("the system gives random bytes");
        Self::with_salt(password, salt, ITERATIONS)
    }

    fn with_salt(password: &str, salt: Vec<u8>, iterations: u32) -> Self {
        let salted = salted(password, &salt, iterations);
        let stored_key = sha256(&hmac_sha256(&salted, b"Client Key"));
        Self { iterations, salt, stored_key, server_key: hmac_sha256(&salted, b"Server Key") }
    }

    /// A verifier for a name that does not exist: salt and keys follow from `key` and `name`.
    pub(super) fn decoy(key: &[u8], name: &str) -> Self {
        let made = |what: &str| hmac_sha256(key, format!("{what} of {name}").as_bytes());
        let salt = made("salt").iter().take(SALT_BYTES).copied().collect();
        Self { iterations: ITERATIONS, salt, stored_key: made("stored key"), server_key: made("server key") }
    }

    /// Reads PostgreSQL's text form.
    ///
    /// # Errors
    /// A sentence that says what is wrong, without the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = || "a verifier reads SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey".to_owned();
        let rest = text.strip_prefix("SCRAM-SHA-256$").ok_or_else(form)?;
        let (head, keys) = rest.split_once('$').ok_or_else(form)?;
        let (iterations, salt) = head.split_once(':').ok_or_else(form)?;
        let (stored_key, server_key) = keys.split_once(':').ok_or_else(form)?;
        let iterations = iterations.parse().ok().filter(|count| (1..=ITERATIONS_MAX).contains(count));
        let iterations = iterations.ok_or_else(|| format!("the iterations are 1 to {ITERATIONS_MAX}"))?;
        let salt = BASE64.decode(salt).ok().filter(|salt| !salt.is_empty());
        let salt = salt.ok_or("the salt is not base64")?;
        let key = |text: &str, what: &str| {
            let bytes = BASE64.decode(text).ok().and_then(|bytes| <[u8; KEY_BYTES]>::try_from(bytes).ok());
            bytes.ok_or_else(|| format!("{what} is not {KEY_BYTES} bytes in base64"))
        };
        Ok(Self {
            iterations,
            salt,
            stored_key: key(stored_key, "StoredKey")?,
            server_key: key(server_key, "ServerKey")?,
        })
    }

    /// Whether the password fits. Takes milliseconds, the same whether it does or not.
    pub fn matches(&self, password: &str) -> bool {
        let given = Self::with_salt(password, self.salt.clone(), self.iterations);
        constant_time::verify_slices_are_equal(&given.stored_key, &self.stored_key).is_ok()
    }

    /// Whether a client's proof over the words exchanged shows that it knows the password.
    pub fn proved(&self, words: &str, proof: &[u8; KEY_BYTES]) -> bool {
        let signature = hmac_sha256(&self.stored_key, words.as_bytes());
        let mut client_key = [0; KEY_BYTES];
        for (byte, (proof, signature)) in client_key.iter_mut().zip(proof.iter().zip(signature)) {
            *byte = proof ^ signature;
        }
        constant_time::verify_slices_are_equal(&sha256(&client_key), &self.stored_key).is_ok()
    }

    /// The server's own proof over the words exchanged.
    pub fn server_signature(&self, words: &str) -> [u8; KEY_BYTES] {
        hmac_sha256(&self.server_key, words.as_bytes())
    }

    /// The salt, which SCRAM sends to the client.
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// The rounds of PBKDF2, which SCRAM sends to the client.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (salt, stored, server) = (&self.salt[..], &self.stored_key[..], &self.server_key[..]);
        let [salt, stored, server] = [salt, stored, server].map(|bytes| BASE64.encode(bytes));
        write!(f, "SCRAM-SHA-256${}:{salt}${stored}:{server}", self.iterations)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

/// The salted password of RFC 5802: PBKDF2 with HMAC-SHA-256 over the password as SASLprep (RFC 4013) normalises it, or as
/// it is where SASLprep refuses it, as PostgreSQL and its clients do.
fn salted(password: &str, salt: &[u8], iterations: u32) -> [u8; KEY_BYTES] {
    let password = stringprep::saslprep(password).unwrap_or(Cow::Borrowed(password));
    let rounds = NonZeroU32::new(iterations).unwrap_or(NonZeroU32::MIN);
    let mut salted = [0; KEY_BYTES];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, salt, password.as_bytes(), &mut salted);
    salted
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; KEY_BYTES] {
    let mut bytes = [0; KEY_BYTES];
    bytes.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref());
    bytes
}

fn sha256(message: &[u8]) -> [u8; KEY_BYTES] {
    let mut bytes = [0; KEY_BYTES];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, message).as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677.
    fn example() -> Verifier {
        Verifier::with_salt("pencil", BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap(), 4_096)
    }

    #[test]
    fn the_example_of_the_standard() {
        let words = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
                     r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
                     c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let proof = BASE64.decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").unwrap().try_into().unwrap();
        assert!(example().proved(words, &proof));
        assert!(!example().proved("n=other", &proof));
        let signature = BASE64.encode(example().server_signature(words));
        assert_eq!(signature, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn a_password_fits_its_verifier_alone() {
        let text = Verifier::of("pencil").to_string();
        let read = Verifier::parse(&text).unwrap();
        assert!(read.matches("pencil"));
        assert!(!read.matches("Pencil") && !read.matches(""));
        assert_ne!(text, Verifier::of("pencil").to_string());
        // A soft hyphen is no character, as SASLprep has it.
        assert!(Verifier::of("pen\u{ad}cil").matches("pencil"));
    }

    #[test]
    fn broken_verifiers_are_refused_without_being_shown() {
        let good = example().to_string();
        for broken in [
            "",
            "pencil",
            "md5abc",
            "SCRAM-SHA-256$4096",
            "SCRAM-SHA-256$0:W22Z$YQ==:YQ==",
            &good.replace("4096", "99999999"),
            &good.replace("4096", "-1"),
            &good.replace("W22Z", "!!!!"),
            &good[..good.len() - 4],
        ] {
            let message = Verifier::parse(broken).unwrap_err();
            assert!(!message.contains("pencil") && !message.contains('='), "{message}");
        }
        assert_eq!(Verifier::parse(&good).unwrap(), example());
        assert!(!format!("{:?}", example()).contains("W22Z"));
    }
}
