//! Authentication of a Flight call: by user name and password, or by a token that was given for them before.

use super::connection_info::ConnectionInfo;
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

/// Who calls, and the token they do it with. From then on their connection is known.
pub(super) async fn identify(
    shared: &ServerState,
    metadata: &MetadataMap,
    connection: Option<&ConnectionInfo>,
) -> Result<(Identity, Option<Token>), Status> {
    let (identity, token) = match credentials(metadata)? {
        Credentials::Password(user, password) => (verify(shared, connection, user, password).await?, None),
        Credentials::Token(text) => match shared.tokens.check(&text, shared.options.clock.now()) {
            Ok(token) => match find(shared, token.user.clone()).await? {
                Some(identity) => (identity, Some(token)),
                None => return Err(Status::unauthenticated("the user of this token is not known any more")),
            },
            // Some clients send a token whether they have one or not.
            Err(Refusal::NoToken) if shared.options.users.is_open() => (nobody(shared)?, None),
            Err(Refusal::NoToken | Refusal::Foreign) => {
                return Err(Status::unauthenticated("the token is not of this server; log in again"));
            }
            Err(Refusal::Expired) => return Err(Status::unauthenticated("the token has expired; log in again")),
        },
        Credentials::Nothing if shared.options.users.is_open() => (nobody(shared)?, None),
        Credentials::Nothing => return Err(Status::unauthenticated("log in with a user name and password")),
    };
    let_in(connection);
    Ok((identity, token))
}

/// Somebody is let in: their connection is no stranger's any more.
fn let_in(connection: Option<&ConnectionInfo>) {
    if let Some(connection) = connection {
        connection.place.known();
    }
}

/// A caller that does not say who it is, where everybody is let in.
fn nobody(shared: &ServerState) -> Result<Identity, Status> {
    shared.options.users.identity(NOBODY).ok_or_else(refused)
}

/// Logs in: by the header of the call, or by the first message, as older clients do. Gives the token.
pub(super) async fn log_in(
    shared: &ServerState,
    request: Request<Streaming<HandshakeRequest>>,
) -> Result<String, Status> {
    let (metadata, extensions, mut messages) = request.into_parts();
    let connection = extensions.get::<ConnectionInfo>();
    let identity = match credentials(&metadata)? {
        Credentials::Nothing => {
            let message = tokio::time::timeout(shared.options.handshake_timeout, messages.message()).await;
            let message = message.map_err(|_| Status::deadline_exceeded("no user name and password came"))??;
            let payload = message.map(|message| message.payload).unwrap_or_default();
            let basic =
                BasicAuth::decode(payload).map_err(|_| Status::unauthenticated("the handshake does not read"))?;
            match (basic.username.is_empty(), shared.options.users.is_open()) {
                (true, true) => nobody(shared)?,
                (true, false) => return Err(Status::unauthenticated("log in with a user name and password")),
                (false, _) => verify(shared, connection, basic.username, basic.password).await?,
            }
        }
        _ => identify(shared, &metadata, connection).await?.0,
    };
    let_in(connection);
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

/// Checks a password, unless everybody is let in.
async fn verify(
    shared: &ServerState,
    connection: Option<&ConnectionInfo>,
    user: String,
    password: String,
) -> Result<Identity, Status> {
    let users = &shared.options.users;
    if users.is_open() {
        return if user.is_empty() { nobody(shared) } else { users.identity(&user).ok_or_else(refused) };
    }
    let (network, name) = (connection.and_then(|connection| connection.place.network()), user.clone());
    match shared.logins.check(users, network, user, password).await? {
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
