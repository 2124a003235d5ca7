//! What is told of restated histories, once they are committed: both versions are known then.

use super::bars::date;
use super::compare::{Change, Overlap};
use crate::lake::quality::{Doubt, DoubtKind, Findings, Severity};

/// One symbol whose bars came with other values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Restated {
    symbol: String,
    /// The sentence, up to the versions.
    words: String,
    severity: Severity,
    /// Bars that have other values.
    bars: u64,
}

impl Restated {
    /// Some bars of a symbol were corrected.
    pub(super) fn corrected(symbol: &str, overlap: &Overlap) -> Self {
        let days = overlap.changed.iter().map(|pair| pair.day);
        let (first, last) = (days.clone().min().unwrap_or_default(), days.max().unwrap_or_default());
        let names = ["open", "high", "low", "close"];
        let price = |price: Option<f64>| price.map_or_else(|| "none".to_owned(), |price| price.to_string());
        let example = overlap.changed.iter().rev().find_map(|pair| {
            let values = names.iter().zip(pair.held.prices.into_iter().zip(pair.new.prices));
            let (name, (held, new)) = values.into_iter().find(|(_, (held, new))| held != new)?;
            Some(format!("on {} the {name} was {} and is {}", date(pair.day), price(held), price(new)))
        });
        let by_volume = || {
            let volume = |volume: Option<i64>| volume.map_or_else(|| "none".to_owned(), |volume| volume.to_string());
            let pair = overlap.changed.last()?;
            let (held, new) = (volume(pair.held.volume), volume(pair.new.volume));
            Some(format!("on {} the volume was {held} and is {new}", date(pair.day)))
        };
        let is_price = example.is_some();
        let words = example.or_else(by_volume).unwrap_or_default();
        let bars = overlap.changed.len() as u64;
        Self {
            symbol: symbol.to_owned(),
            words: format!("{} to {}: {bars} bars corrected; {words}", date(first), date(last)),
            severity: if is_price { Severity::Warning } else { Severity::Info },
            bars,
        }
    }

    /// The whole history of a symbol, from one day to another, was fetched anew.
    pub(super) fn whole(symbol: &str, change: Change, (first, last): (i32, i32), bars: u64) -> Self {
        let how = match change {
            Change::Rescaled(scale) => {
                let split = scale.split.map(|split| format!(", volumes {split} times: {split} new shares per old one"));
                let price = (scale.price * 1e6).round() / 1e6;
                format!("prices are {price} times what they were{}", split.unwrap_or_default())
            }
            Change::Corrected | Change::Replaced => "prices differ from what they were by no single ratio".to_owned(),
        };
        Self {
            symbol: symbol.to_owned(),
            words: format!("{} to {}: {how}", date(first), date(last)),
            severity: Severity::Warning,
            bars,
        }
    }
}

/// What is told of histories that are committed: `old` is the version that has the values of before.
pub(super) fn findings(all: &[Restated], old: Option<u64>, new: Option<u64>) -> Findings {
    let mut findings = Findings::default();
    let versions = match (old, new) {
        (Some(old), Some(new)) if old != new => format!("; version {old} has the old values, {new} the new"),
        _ => String::new(),
    };
    for restated in all {
        let example = format!("{}{versions}", restated.words);
        findings.doubt(Doubt::about(&restated.symbol, DoubtKind::Restated, restated.severity, example), restated.bars);
    }
    findings
}
