//! Authentication of a Flight call: by user name and password, or by a token that was given for them before.

use super::error::internal;
use super::state::ServerState;
use super::token::{Refusal, Token};
use crate::serve::auth::Identity;
use arrow_flight::{BasicAuth, HandshakeRequest};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use prost::Message;
use std::time::Duration;
use tonic::metadata::MetadataMap;
use tonic::{Request, Status, Streaming};

/// Name of a caller that gives none, where everybody is let in.
const NOBODY: &str = "anonymous";

/// With padding and without: Go's clients leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How long a client waits for the word that it is not let in: guessing passwords takes time.
const REFUSAL_PAUSE: Duration = Duration::from_millis(500);

/// Header of clients that log in by the body of a handshake.
const BODY_TOKEN: &str = "auth-token-bin";

/// What a call proves its caller by.
enum Credentials {
    Nothing,
    Password(String, String),
    Token(String),
}

/// Who calls, and the token they do it with.
pub(super) async fn identify(
    shared: &ServerState,
    metadata: &MetadataMap,
) -> Result<(Identity, Option<Token>), Status> {
    match credentials(metadata)? {
        Credentials::Password(user, password) => Ok((verify(shared, user, password).await?, None)),
        Credentials::Token(text) => match shared.tokens.check(&text, shared.options.clock.now()) {
            Ok(token) => match find(shared, token.user.clone()).await? {
                Some(identity) => Ok((identity, Some(token))),
                None => Err(Status::unauthenticated("the user of this token is not known any more")),
            },
            // Some clients send a token whether they have one or not.
            Err(Refusal::NoToken) if shared.options.users.is_open() => nobody(shared).await,
            Err(Refusal::NoToken | Refusal::Foreign) => {
                Err(Status::unauthenticated("the token is not of this server; log in again"))
            }
            Err(Refusal::Expired) => Err(Status::unauthenticated("the token has expired; log in again")),
        },
        Credentials::Nothing if shared.options.users.is_open() => nobody(shared).await,
        Credentials::Nothing => Err(Status::unauthenticated("log in with a user name and password")),
    }
}

/// A caller that does not say who it is, where everybody is let in.
async fn nobody(shared: &ServerState) -> Result<(Identity, Option<Token>), Status> {
    Ok((verify(shared, NOBODY.to_owned(), String::new()).await?, None))
}

/// Logs in: by the header of the call, or by the first message, as older clients do. Gives the token.
pub(super) async fn log_in(
    shared: &ServerState,
    request: Request<Streaming<HandshakeRequest>>,
) -> Result<String, Status> {
    let (metadata, _, mut messages) = request.into_parts();
    let identity = match credentials(&metadata)? {
        Credentials::Nothing => {
            let message = tokio::time::timeout(shared.options.handshake_timeout, messages.message()).await;
            let message = message.map_err(|_| Status::deadline_exceeded("no user name and password came"))??;
            let payload = message.map(|message| message.payload).unwrap_or_default();
            let basic =
                BasicAuth::decode(payload).map_err(|_| Status::unauthenticated("the handshake does not read"))?;
            match (basic.username.is_empty(), shared.options.users.is_open()) {
                (true, true) => verify(shared, NOBODY.to_owned(), String::new()).await?,
                (true, false) => return Err(Status::unauthenticated("log in with a user name and password")),
                (false, _) => verify(shared, basic.username, basic.password).await?,
            }
        }
        _ => identify(shared, &metadata).await?.0,
    };
    Ok(shared.tokens.issue(&identity.user, shared.options.clock.now()))
}

/// Reads the `authorization` header (`Basic` or `Bearer`), else the token of older clients in `auth-token-bin`.
/// UNAUTHENTICATED when the header does not decode.
fn credentials(metadata: &MetadataMap) -> Result<Credentials, Status> {
    let unreadable = || Status::unauthenticated("the authorization header does not read");
    if let Some(header) = metadata.get("authorization") {
        let header = header.to_str().map_err(|_| unreadable())?;
        let (scheme, rest) = header.split_once(' ').ok_or_else(unreadable)?;
        return match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Ok(Credentials::Token(rest.trim().to_owned())),
            "basic" => {
                let text = BASE64.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                let text = text.ok_or_else(unreadable)?;
                let (user, password) = text.split_once(':').ok_or_else(unreadable)?;
                Ok(Credentials::Password(user.to_owned(), password.to_owned()))
            }
            _ => Err(unreadable()),
        };
    }
    if let Some(token) = metadata.get_bin(BODY_TOKEN) {
        let token = token.to_bytes().ok().and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
        return Ok(Credentials::Token(token.ok_or_else(unreadable)?));
    }
    Ok(Credentials::Nothing)
}

/// Checks a password, which is slow on purpose, where it holds nothing up.
async fn verify(shared: &ServerState, user: String, password: String) -> Result<Identity, Status> {
    if user.is_empty() && shared.options.users.is_open() {
        return shared.options.users.identity(NOBODY).ok_or_else(refused);
    }
    let (users, name) = (shared.options.users.clone(), user.clone());
    let verified = tokio::task::spawn_blocking(move || users.verify(&user, &password)).await;
    match verified.map_err(|error| internal("check the password", error))? {
        Some(identity) => Ok(identity),
        None => {
            tracing::warn!(user = name, "not let in over Flight SQL: no such user, or another password");
            tokio::time::sleep(REFUSAL_PAUSE).await;
            Err(refused())
        }
    }
}

/// The user's identity as the user file has it now; `None` when the user was removed after the token was issued. Reads
/// the file on a blocking thread.
async fn find(shared: &ServerState, user: String) -> Result<Option<Identity>, Status> {
    let users = shared.options.users.clone();
    let found = tokio::task::spawn_blocking(move || users.identity(&user)).await;
    found.map_err(|error| internal("look the user up", error))
}

/// UNAUTHENTICATED, in the same words for an unknown user and a wrong password, so that names cannot be probed.
fn refused() -> Status {
    Status::unauthenticated("the user name or the password is wrong")
}
