//! One gRPC call of a Flight client: who makes it, and under which session settings its statement runs.
//!
//! Settings come from three places, the later over the earlier: the session, headers `tt-NAME` of the call alone
//! (`tt-max-staleness: 5s`), and, for rows of a statement described before, its ticket, which carries the settings it
//! was described under.
//!
//! The session is the client's to keep. Its cookie holds the settings themselves, so that any server can go on with it
//! and none has to remember it; it grants nothing, since whoever sends it may set the same settings. A client that
//! keeps no cookies but has logged in gets its settings kept under its login. A client that does neither has no
//! session.

use super::caller::identify;
use super::connection_info::ConnectionInfo;
use super::error::{internal, malformed, status};
use super::sessions::SettingsMap;
use super::state::ServerState;
use super::token::Token;
use crate::engine::{LentSession, Settings};
use crate::error::QueryError;
use crate::serve::auth::Identity;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use prost::Message;
use tonic::metadata::{KeyAndValueRef, MetadataMap};
use tonic::{Response, Status};

/// Name of the cookie, by which other Flight servers know their sessions too.
const COOKIE: &str = "arrow_flight_session_id";
/// What the cookie's value begins with: the version of its format.
const COOKIE_VERSION: &str = "1.";
/// Bytes of a cookie; clients drop longer ones.
const COOKIE_BYTES_MAX: usize = 4_000;
/// What headers that are settings begin with.
const SETTING_HEADER: &str = "tt-";

/// Header that asks for endpoints.
const ENDPOINTS_HEADER: &str = "tt-endpoints";
/// What clients that read every endpoint call themselves.
const READ_EVERY_ENDPOINT: [&str; 2] = ["ADBC", "JDBC Flight SQL"];

/// The protobuf message in the cookie: the settings of the session, where they are not the defaults.
#[derive(Clone, PartialEq, Message)]
struct CookieBody {
    #[prost(btree_map = "string, string", tag = "1")]
    settings: SettingsMap,
}

/// One gRPC call of a Flight client: the identity it was authenticated as, the settings of its session, those of its
/// own `tt-` headers, and the cookie that its reply sets.
pub(super) struct Call {
    pub(super) identity: Identity,
    /// The token the call was authenticated by; `None` after a password or an anonymous call. Its settings are kept
    /// under it.
    login: Option<Token>,
    /// The client has brought a cookie, so it keeps what the session sets.
    keeps_cookies: bool,
    /// The client was offered a cookie on this connection and has not brought it back, so it keeps none.
    offered_before: bool,
    /// Settings of the session, from the cookie or from the login.
    session: SettingsMap,
    /// Settings from the `tt-` headers of this call, which win over those of the session.
    headers: SettingsMap,
    /// The `set-cookie` header of the reply; `None` when the client has the current one.
    cookie: Option<String>,
    /// Endpoints the client asks for; `None` when it does not say.
    endpoints: Option<u32>,
    /// The client is one that reads every endpoint.
    reads_every_endpoint: bool,
}

impl Call {
    /// Authenticates the call, reads its cookie and its `tt-` headers, and checks the values of the headers.
    /// UNAUTHENTICATED when the credentials are wrong, INVALID_ARGUMENT when the cookie or a header does not decode.
    /// `connection` is what tonic put into the request's extensions; without it, no cookie counts as offered before.
    pub(super) async fn new(
        shared: &ServerState,
        metadata: &MetadataMap,
        connection: Option<&ConnectionInfo>,
    ) -> Result<Self, Status> {
        let offered = connection.map(|connection| connection.cookie.clone()).unwrap_or_default();
        let (identity, login) = identify(shared, metadata, connection).await?;
        let brought = cookie(metadata)?;
        let keeps_cookies = brought.is_some();
        // Whoever brings no cookie is offered one: only so can the server know later that it is kept.
        let cookie = (!keeps_cookies).then(|| cookie_of(&SettingsMap::new()));
        let offered_before = !keeps_cookies && offered.offer();
        let session = match (brought, &login) {
            (Some(settings), _) => settings,
            (None, Some(token)) => shared.sessions.settings(token),
            (None, None) => SettingsMap::new(),
        };
        Ok(Self {
            identity,
            login,
            keeps_cookies,
            offered_before,
            session,
            headers: setting_headers(metadata)?,
            cookie,
            endpoints: endpoints(metadata)?,
            reads_every_endpoint: reads_every_endpoint(metadata),
        })
    }

    /// Settings in force, where they are not the defaults.
    pub(super) fn settings(&self) -> SettingsMap {
        let mut settings = self.session.clone();
        settings.extend(self.headers.clone());
        settings
    }

    /// Endpoints the client takes for one result, of those there may be. A client that reads the first alone would take
    /// a part for the whole, so there are several only for those that are known to read all, or that ask for them.
    pub(super) fn endpoints(&self, endpoints_max: u32) -> u32 {
        match self.endpoints {
            Some(wanted) => wanted.clamp(1, endpoints_max.max(1)),
            None if self.reads_every_endpoint => endpoints_max.max(1),
            None => 1,
        }
    }

    /// Settings of the session alone, without the headers of this call.
    pub(super) fn session(&self) -> &SettingsMap {
        &self.session
    }

    /// The settings of the session alone, without the headers of this call: what [`Self::change`] begins from.
    fn session_settings(&self) -> Result<Settings, Status> {
        let mut settings = Settings::default();
        apply(&mut settings, &self.session)?;
        Ok(settings)
    }

    /// A session of the engine under settings; one statement runs in it.
    pub(super) fn open(&self, shared: &ServerState, settings: &SettingsMap) -> Result<LentSession, Status> {
        session(shared, &self.identity, settings)
    }

    /// Changes what the session has set. FAILED_PRECONDITION for a client that neither logs in nor keeps cookies.
    pub(super) fn change(
        &mut self,
        shared: &ServerState,
        change: impl FnOnce(&mut Settings) -> Result<(), QueryError>,
    ) -> Result<(), Status> {
        let mut settings = self.session_settings()?;
        change(&mut settings).map_err(status)?;
        let changed: SettingsMap =
            settings.assigned().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if !self.keeps_cookies {
            match &self.login {
                Some(token) => {
                    let kept = shared.sessions.keep(token, changed.clone(), shared.options.clock.now());
                    kept.map_err(|_| Status::resource_exhausted("too many sessions (flight.sessions)"))?;
                }
                None if !self.offered_before => {}
                None => {
                    return Err(Status::failed_precondition(
                        "there is no session to set this in: log in with a user name, keep the cookies of this \
                         server (ADBC: adbc.flight.sql.rpc.with_cookie_middleware), or send the setting with each \
                         call as a header (tt-max-staleness: 5s)",
                    ));
                }
            }
        }
        let cookie = cookie_of(&changed);
        if cookie.len() > COOKIE_BYTES_MAX {
            return Err(Status::resource_exhausted("the settings of the session are too long for its cookie"));
        }
        self.cookie = Some(cookie);
        self.session = changed;
        Ok(())
    }

    /// Ends the session: what it has set is gone.
    pub(super) fn close(&mut self, shared: &ServerState) {
        if let Some(token) = &self.login {
            shared.sessions.forget(token);
        }
        self.session.clear();
        self.cookie = Some(format!("{COOKIE}=; Max-Age=0"));
    }

    /// The reply, with the session's cookie where that is news.
    pub(super) fn reply<T>(&self, message: T) -> Result<Response<T>, Status> {
        let mut response = Response::new(message);
        if let Some(cookie) = &self.cookie {
            let cookie = cookie.parse().map_err(|error| internal("make a cookie", error))?;
            response.metadata_mut().insert("set-cookie", cookie);
        }
        Ok(response)
    }
}

/// Opens a session of the engine for a user and gives it these settings; a value that no longer holds is
/// INVALID_ARGUMENT.
pub(super) fn session(
    shared: &ServerState,
    identity: &Identity,
    settings: &SettingsMap,
) -> Result<LentSession, Status> {
    shared.engine.lend_session(&identity.user, identity.role, "flight", settings).map_err(status)
}

/// Sets what a session, a header or a ticket says; each value is checked as if it was set now.
pub(super) fn apply(settings: &mut Settings, values: &SettingsMap) -> Result<(), Status> {
    values.iter().try_for_each(|(name, value)| settings.set(name, value)).map_err(status)
}

/// Settings of the session's cookie; `None` when there is no cookie.
fn cookie(metadata: &MetadataMap) -> Result<Option<SettingsMap>, Status> {
    let headers = metadata.get_all("cookie").into_iter().filter_map(|header| header.to_str().ok());
    let named = headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let Some((_, value)) = named.into_iter().find(|(name, value)| *name == COOKIE && !value.is_empty()) else {
        return Ok(None);
    };
    let body = value.trim_matches('"').strip_prefix(COOKIE_VERSION).and_then(|text| BASE64.decode(text).ok());
    let body = body.and_then(|bytes| CookieBody::decode(bytes.as_slice()).ok());
    let body = body.ok_or_else(|| malformed(format!("the cookie {COOKIE} is not of this server")))?;
    Ok(Some(body.settings))
}

/// The `set-cookie` value that carries these settings: the version, then base64 of a protobuf map.
fn cookie_of(settings: &SettingsMap) -> String {
    let body = CookieBody { settings: settings.clone() };
    format!("{COOKIE}={COOKIE_VERSION}{}", BASE64.encode(body.encode_to_vec()))
}

/// Settings of this call alone.
fn setting_headers(metadata: &MetadataMap) -> Result<SettingsMap, Status> {
    let mut settings = SettingsMap::new();
    for header in metadata.iter() {
        let KeyAndValueRef::Ascii(key, value) = header else { continue };
        let Some(name) = key.as_str().strip_prefix(SETTING_HEADER) else { continue };
        if key.as_str() == ENDPOINTS_HEADER {
            continue;
        }
        let value = value.to_str().map_err(|_| malformed(format!("the header {key} does not read")))?;
        settings.insert(name.replace('-', "_"), value.to_owned());
    }
    apply(&mut Settings::default(), &settings)?;
    Ok(settings)
}

/// The number in the `tt-endpoints` header; `None` without the header, INVALID_ARGUMENT when it is not a number.
fn endpoints(metadata: &MetadataMap) -> Result<Option<u32>, Status> {
    let Some(header) = metadata.get(ENDPOINTS_HEADER) else { return Ok(None) };
    let number = header.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.map(Some).ok_or_else(|| malformed(format!("the header {ENDPOINTS_HEADER} is not a number")))
}

/// Whether the client's `user-agent` names a driver that is known to fetch every endpoint of a FlightInfo.
fn reads_every_endpoint(metadata: &MetadataMap) -> bool {
    let agent = metadata.get("user-agent").and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    READ_EVERY_ENDPOINT.iter().any(|name| agent.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(headers: &[(&'static str, &str)]) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        for (name, value) in headers {
            metadata.append(*name, value.parse().unwrap());
        }
        metadata
    }

    #[test]
    fn a_cookie_brings_its_settings_back() {
        let settings = SettingsMap::from([("as_of".to_owned(), "2026-11-01T16:00:00Z".to_owned())]);
        let own = cookie_of(&settings);
        assert_eq!(cookie(&metadata(&[("cookie", &format!("a=b; {own}; c=d"))])).unwrap(), Some(settings));
        assert_eq!(
            cookie(&metadata(&[("cookie", "a=b"), ("cookie", &cookie_of(&SettingsMap::new()))])).unwrap(),
            Some(SettingsMap::new())
        );
        assert_eq!(cookie(&metadata(&[("cookie", "a=b")])).unwrap(), None);
        for foreign in ["arrow_flight_session_id=abc", "arrow_flight_session_id=1.!", "arrow_flight_session_id=1.AAAA"]
        {
            assert_eq!(cookie(&metadata(&[("cookie", foreign)])).unwrap_err().code(), tonic::Code::InvalidArgument);
        }
    }

    #[test]
    fn headers_set_for_one_call() {
        let settings =
            setting_headers(&metadata(&[("tt-max-staleness", "5s"), ("x-other", "1"), ("tt-endpoints", "4")]));
        assert_eq!(settings.unwrap(), SettingsMap::from([("max_staleness".to_owned(), "5s".to_owned())]));
        assert_eq!(setting_headers(&metadata(&[("tt-no-such", "1")])).unwrap_err().code(), tonic::Code::NotFound);
        assert_eq!(
            setting_headers(&metadata(&[("tt-as-of", "soon")])).unwrap_err().code(),
            tonic::Code::InvalidArgument
        );
    }
}
