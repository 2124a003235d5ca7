//! How a source wants to be shown who asks.

use crate::secret::Secret;

/// How a client authorises its requests. Each source says which; the secrets come from its configuration.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Requests carry no credential.
    None,
    /// A key in a header of each request. An empty key is not sent.
    Header {
        /// The header's name, in lower case.
        name: &'static str,
        /// The key itself, which is never printed.
        key: Secret,
    },
    /// A key as a query parameter of each request. An empty key is not sent.
    Query {
        /// Name of the query parameter that carries the key.
        name: &'static str,
        /// The key itself, which is never printed.
        key: Secret,
    },
    /// Bearer tokens by the OAuth2 refresh grant, renewed before they expire.
    OAuth2 {
        /// Path of the token endpoint, which also names it in the list of sources.
        token_path: &'static str,
        /// The client secret of the application.
        client_secret: Secret,
        /// The refresh token of the account.
        refresh_token: Secret,
    },
}
