//! How a source wants to be shown who asks.

use crate::secret::Secret;

/// How a client authorises its requests. Each source says which; the secrets come from its configuration.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Not at all.
    None,
    /// A key in a header of each request. An empty key is not sent.
    Header {
        /// The header's name, in lower case.
        name: &'static str,
        /// The key.
        key: Secret,
    },
    /// A key as a query parameter of each request. An empty key is not sent.
    Query {
        /// The parameter's name.
        name: &'static str,
        /// The key.
        key: Secret,
    },
    /// Bearer tokens by the OAuth2 refresh grant, renewed before they expire.
    OAuth2 {
        /// Path of the token endpoint, which also names it in the list of sources.
        token_path: &'static str,
        /// Client secret.
        client_secret: Secret,
        /// Refresh token.
        refresh_token: Secret,
    },
}
