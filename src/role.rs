//! What a user may do. Given out where users are known (`serve`), kept by each session, asked wherever it matters.

use std::fmt;
use std::str::FromStr;

/// What a user may do.
///
/// | | reader | admin |
/// |---|---|---|
/// | query every table, view and live stream | yes | yes |
/// | `REFRESH TABLE` | no: it spends the vendor's rate budget, which is everybody's | yes |
/// | cancel or terminate sessions | their own | all |
/// | text of running statements | their own | all |
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads every table, view and live stream.
    Reader,
    /// Reads, and looks after the server.
    Admin,
}

impl Role {
    /// The word for it, as in the users file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "reader" => Ok(Self::Reader),
            "admin" => Ok(Self::Admin),
            other => Err(format!("\"{other}\" is no role; there are reader and admin")),
        }
    }
}
