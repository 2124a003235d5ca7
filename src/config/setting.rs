//! One key of the configuration as people see it: `tt config print` and `system.settings` show them all.

/// One key of the configuration, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// `section.key`.
    pub name: String,
    /// Value as TOML text; `(hidden)` for a secret.
    pub value: String,
    /// `default`, the file, `environment` or `flag`.
    pub origin: String,
}
