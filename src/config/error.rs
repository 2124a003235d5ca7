//! Why a configuration is refused.

/// A configuration that cannot be used, as one sentence that names the key or the file. `tt` prints it and ends with
/// exit code 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    /// An error with its sentence, which begins with the key (`limits.memory: ...`) and ends without a full stop.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}
