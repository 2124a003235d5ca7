//! Why a configuration cannot be used. Whoever starts the program prints it.

/// A configuration that cannot be used: one sentence that names the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(super) String);
