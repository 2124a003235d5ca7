//! The layers of the configuration, as figment keeps them: where each value comes from, which keys there are, and what
//! is said of a value that does not read.
//!
//! Every key stands in [`DEFAULTS`], so that an unknown one can be told from a misspelled one. The section `[lists]`
//! alone holds names that a user makes up.

use super::error::ConfigError;
use crate::lake::dataset::{self, FreshnessDefaults};
use figment::providers::{Format, Toml};
use figment::value::{Dict, Value};
use figment::{Figment, Profile};
use std::collections::BTreeMap;

/// The file in which every key stands at its default, with unit and reason.
pub const DEFAULTS: &str = include_str!("../../config/ttapi.toml");

/// One key of the configuration as `tt config print` and `system.settings` show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// `section.key`, such as `dataset.eod.ttl`.
    pub name: String,
    /// The value as JSON text; `(hidden)` or `(not set)` for a secret.
    pub value: String,
    /// Which layer it came from: `default`, the file's path, `environment` or `flag`.
    pub origin: String,
}

/// Last parts of keys whose value is never shown, in whatever section.
const SECRETS: [&str; 4] = ["api_key", "client_secret", "refresh_token", "token_key"];

fn is_secret(key: &str) -> bool {
    SECRETS.contains(&key.rsplit('.').next().unwrap_or(key))
}

/// The lowest layer: every key at its default. What the datasets say of themselves, and the file over it, which a test
/// keeps equal.
pub(super) fn defaults() -> Figment {
    let layer = |text: String| NamedToml { name: "default".to_owned(), text };
    Figment::from(layer(dataset_sections())).merge(layer(DEFAULTS.to_owned()))
}

/// A section for every dataset that has one, as TOML.
pub(super) fn dataset_sections() -> String {
    let mut text = String::new();
    for dataset in dataset::all() {
        let Some(retention) = dataset.retention else { continue };
        let depends_on = dataset.depends_on;
        text.push_str(&format!("[dataset.{}]\nretention = {retention:?}\ndepends_on = {depends_on:?}\n", dataset.name));
        if let Some(precedence) = dataset.precedence {
            text.push_str(&format!("precedence = {:?}\n", precedence.sources));
        }
        let Some(freshness) = dataset.freshness else { continue };
        let FreshnessDefaults { ttl, stale_while_revalidate, wait_timeout, stale_if_error, jitter, csv } = freshness;
        text.push_str(&format!(
            "ttl = {ttl:?}\nstale_while_revalidate = {stale_while_revalidate:?}\nwait_timeout = {wait_timeout:?}\n\
             stale_if_error = {stale_if_error:?}\njitter = {jitter:?}\ncsv = {csv}\n"
        ));
    }
    text
}

/// TOML text that remembers where it came from.
pub(super) struct NamedToml {
    pub(super) name: String,
    pub(super) text: String,
}

impl figment::Provider for NamedToml {
    fn metadata(&self) -> figment::Metadata {
        figment::Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<figment::value::Map<Profile, Dict>, figment::Error> {
        Toml::string(&self.text).data()
    }
}

/// Refuses a key that the defaults do not have, with the nearest one that they do.
pub(super) fn check_names(layer: &Figment, origin: &str) -> Result<(), ConfigError> {
    let fail = |error: figment::Error| ConfigError::new(format!("{origin}: {}", one_line(&error.to_string())));
    let read = |figment: &Figment| figment.extract::<Dict>().map_err(fail);
    let known: Vec<String> = flatten(&read(&defaults())?).into_keys().collect();
    for name in flatten(&read(layer)?).into_keys() {
        // The names below [lists] are the user's own.
        if known.contains(&name) || name.split_once('.').is_some_and(|(section, _)| section == "lists") {
            continue;
        }
        let nearest = known
            .iter()
            .max_by(|left, right| strsim::jaro_winkler(left, &name).total_cmp(&strsim::jaro_winkler(right, &name)));
        let hint = nearest.map(|nearest| format!("; the nearest is \"{nearest}\"")).unwrap_or_default();
        return Err(ConfigError::new(format!("{origin}: unknown key \"{name}\"{hint}")));
    }
    Ok(())
}

/// The values by `section.key`, whatever the depth.
fn flatten(dict: &Dict) -> BTreeMap<String, &Value> {
    let mut flat = BTreeMap::new();
    for (key, value) in dict {
        match value {
            Value::Dict(_, inner) => {
                flat.extend(flatten(inner).into_iter().map(|(name, value)| (format!("{key}.{name}"), value)));
            }
            other => {
                flat.insert(key.clone(), other);
            }
        }
    }
    flat
}

/// The deserialiser's error as one sentence that names the key, the layer and, unless it is secret, the value.
pub(super) fn describe(figment: &Figment, error: &figment::Error) -> String {
    let key = error.path.join(".");
    let layer = match error.metadata.as_ref().map(|metadata| metadata.name.as_ref()) {
        Some(name) if name.contains("environment") => " in the environment".to_owned(),
        Some(name) => format!(" in {name}"),
        None => String::new(),
    };
    let value = figment.find_value(&key).ok().filter(|_| !is_secret(&key));
    let value = value.and_then(|value| value.into_string()).map(|text| format!(": \"{text}\"")).unwrap_or_default();
    format!("{key}{layer}: {}{value}", error.kind)
}

/// A parser's error without the drawing of the place.
fn one_line(text: &str) -> String {
    let drawn = |line: &str| line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').starts_with('|');
    let lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| !drawn(line) && *line != "in TOML source string").collect();
    lines.join("; ")
}

/// Every key with its value and its layer, sorted by key; secrets hidden.
pub(super) fn settings(figment: &Figment) -> Result<Vec<Setting>, ConfigError> {
    let dict: Dict = figment.extract().map_err(|error| ConfigError::new(error.to_string()))?;
    let setting = |(name, value): (String, &Value)| {
        let origin = figment.find_metadata(&name).map(|metadata| metadata.name.to_string());
        let origin = match origin.as_deref() {
            Some(name) if name.contains("environment") => "environment".to_owned(),
            Some(name) if name.contains("::") || name.contains("String") => "flag".to_owned(),
            Some(name) => name.to_owned(),
            None => "default".to_owned(),
        };
        let value = if is_secret(&name) {
            (if value.as_str().unwrap_or_default().is_empty() { "(not set)" } else { "(hidden)" }).to_owned()
        } else {
            serde_json::to_string(value).unwrap_or_default()
        };
        Setting { name, value, origin }
    };
    Ok(flatten(&dict).into_iter().map(setting).collect())
}
