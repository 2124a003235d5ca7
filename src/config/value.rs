//! Values that are written as text in the configuration: durations ("250ms", "7d"), sizes ("64MB"), times to live, networks
//! ("10.0.0.0/8").
//!
//! Durations are read by `humantime`, sizes by `bytesize`: "MB" is a million bytes, "MiB" is 1,048,576.

use super::error::ConfigError;
use crate::lake::freshness::Ttl;
use ipnet::IpNet;
use serde::Deserialize;
use std::net::{AddrParseError, IpAddr};
use std::time::Duration;

/// A time to live: a duration, `session close + DURATION`, or `inputs`; an error names `key`.
pub(super) fn ttl(key: &str, text: &str) -> Result<Ttl, ConfigError> {
    if text == "inputs" {
        return Ok(Ttl::Inputs);
    }
    match text.strip_prefix("session close") {
        None => duration(key, text).map(Ttl::After),
        Some(rest) => match rest.trim().strip_prefix('+') {
            Some(delay) => duration(key, delay.trim()).map(Ttl::SessionClose),
            None => Err(ConfigError::new(format!("{key}: \"{text}\" is not \"session close + DURATION\""))),
        },
    }
}

/// Networks, or single addresses; an error names `key`.
pub(super) fn networks(key: &str, texts: &[String]) -> Result<Vec<IpNet>, ConfigError> {
    let network = |text: &String| text.parse().or_else(|_| text.parse().map(IpAddr::into));
    let wrong =
        |text: &String| ConfigError::new(format!("{key}: \"{text}\" is no address, and no network as 10.0.0.0/8 is"));
    texts.iter().map(|text| network(text).map_err(|_: AddrParseError| wrong(text))).collect()
}

/// A duration; an error names `key`.
pub(super) fn duration(key: &str, text: &str) -> Result<Duration, ConfigError> {
    humantime::parse_duration(text)
        .map_err(|error| ConfigError::new(format!("{key}: \"{text}\" is not a duration: {error}")))
}

/// A duration in a section that is read as it stands; whoever reports the error names the key.
pub(super) fn duration_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = |error| serde::de::Error::custom(format!("\"{text}\" is not a duration: {error}"));
    humantime::parse_duration(&text).map_err(wrong)
}

/// A size in bytes in a section that is read as it stands; whoever reports the error names the key.
pub(super) fn size_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let size: Result<bytesize::ByteSize, _> = text.parse();
    let fail = |error| serde::de::Error::custom(format!("\"{text}\" is not a size: {error}"));
    size.map(|size| size.as_u64()).map_err(fail)
}

/// A size in bytes; an error names `key`.
pub(super) fn size(key: &str, text: &str) -> Result<u64, ConfigError> {
    let size: Result<bytesize::ByteSize, _> = text.parse();
    size.map(|size| size.as_u64())
        .map_err(|error| ConfigError::new(format!("{key}: \"{text}\" is not a size: {error}")))
}
