//! The sources of this process, and the collectors that the configuration makes of them: one source per dataset, and the
//! datasets that are derived.

use super::asking;
use super::client::{BudgetStatus, EndpointStatus, Recorder};
use super::collector::Collector;
use super::derive::expirations::Expirations;
use super::derive::returns_stddev::ReturnsStddev;
use super::source::{LiveFeed, Source};
use super::venue::SOURCES;
use super::venue::dxlink::FeedLimits;
use crate::clock::Clock;
use crate::config::{Config, FeedConfig};
use crate::lake::{Lake, dataset};
use chrono::Days;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The class of market data where no source that is ready says one.
const CLASS_UNKNOWN: &str = "unknown";

/// A configuration of sources that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SourcesError {
    /// A source cannot be made as configured.
    #[error("source.{name}: {reason}")]
    Open {
        /// Its name, as the configuration or the schema spells it.
        name: &'static str,
        /// Why not, in one clear sentence.
        reason: String,
    },
    /// A dataset is to come from a source that does not have it.
    #[error("dataset.{dataset}.source: \"{source_name}\" does not fetch \"{dataset}\"{}", hint(able))]
    NotFetched {
        /// Name of the dataset.
        dataset: &'static str,
        /// The source that is configured.
        source_name: String,
        /// The sources that fetch it.
        able: Vec<&'static str>,
    },
}

fn hint(able: &[&'static str]) -> String {
    if able.is_empty() { String::new() } else { format!("; what does is {}", able.join(", ")) }
}

/// Every source, as configured, whether it can be asked or not.
#[derive(Clone)]
pub struct Sources {
    all: Vec<(&'static str, Arc<dyn Source>)>,
    clock: Clock,
}

impl Sources {
    /// Makes every source that has a section. Nothing is sent. `Err` where one cannot be made, or a dataset names one that
    /// does not have it: such a configuration is refused at the start.
    pub fn open(config: &Config, clock: Clock) -> Result<Self, SourcesError> {
        Self::open_recorded(config, clock, &Recorder::off())
    }

    /// The same, with a recording of what they send.
    pub fn open_recorded(config: &Config, clock: Clock, recorder: &Recorder) -> Result<Self, SourcesError> {
        let mut all = Vec::new();
        for definition in SOURCES {
            let Some(section) = config.sources.get(definition.name) else { continue };
            let source = (definition.open)(section, clock.clone(), recorder.tap(definition.name));
            let source =
                source.map_err(|error| SourcesError::Open { name: definition.name, reason: error.to_string() })?;
            all.push((definition.name, source));
        }
        let sources = Self { all, clock };
        for dataset in dataset::all() {
            let Some(name) = config.source_of(dataset.name) else { continue };
            let fetches = |source: &Arc<dyn Source>| source.datasets().contains(&dataset.name);
            if sources.find(name).is_none_or(|source| !fetches(source)) {
                let able = sources.all.iter().filter(|(_, source)| fetches(source)).map(|(name, _)| *name).collect();
                return Err(SourcesError::NotFetched { dataset: dataset.name, source_name: name.to_owned(), able });
            }
        }
        Ok(sources)
    }

    fn find(&self, name: &str) -> Option<&Arc<dyn Source>> {
        self.all.iter().find(|(known, _)| *known == name).map(|(_, source)| source)
    }

    fn ready(&self) -> impl Iterator<Item = &Arc<dyn Source>> {
        self.all.iter().map(|(_, source)| source).filter(|source| source.ready().is_ok())
    }

    /// What a person would have to set to collect from each source that cannot be asked; `None` when one can.
    pub fn missing(&self) -> Option<String> {
        if self.ready().next().is_some() {
            return None;
        }
        let missing: Vec<String> = self.all.iter().filter_map(|(_, source)| source.ready().err()).collect();
        Some(missing.join("; or "))
    }

    /// Every dataset that can be collected: from its configured source where that one is ready, and what is derived of
    /// datasets that can be.
    pub fn collectors(&self, config: &Config, lake: &Arc<Lake>) -> BTreeMap<&'static str, Collector> {
        let mut collectors = BTreeMap::new();
        for dataset in dataset::all() {
            let source = config.source_of(dataset.name).and_then(|name| self.find(name));
            let Some(source) = source.filter(|source| source.ready().is_ok()) else { continue };
            if let Some(mut collector) = source.collector(dataset.name, config) {
                collector.history = dataset.history;
                let source = source.clone();
                collector.ask_again = Some(Arc::new(move || source.ask_again()));
                collectors.insert(dataset.name, collector);
            }
        }
        for (name, collector) in self.derivations(config, lake) {
            let inputs = dataset::find(name).map(|dataset| dataset.computed_from).unwrap_or_default();
            if inputs.iter().all(|input| collectors.contains_key(input)) {
                collectors.insert(name, collector);
            }
        }
        for (name, collector) in &mut collectors {
            collector.csv = config.datasets.get(name).is_some_and(|dataset| dataset.csv);
        }
        collectors
    }

    /// The derived datasets, each after those it is computed from.
    fn derivations(&self, config: &Config, lake: &Arc<Lake>) -> [(&'static str, Collector); 2] {
        let (lake, clock) = (lake.clone(), self.clock.clone());
        let expirations = Expirations { lake: lake.clone(), clock: clock.clone() };
        let look_back = Days::new(u64::from(config.collect.returns_look_back_days));
        let returns_stddev = ReturnsStddev { lake, clock, look_back };
        [
            ("expirations", Collector::new(expirations, asking::items(Vec::new()))),
            ("returns_stddev", Collector::new(returns_stddev, asking::items(Vec::new()))),
        ]
    }

    /// The live feed, with the name of its source: that of the first source that is ready and has one.
    pub fn feed(&self, config: &Config) -> Option<(&'static str, Box<dyn LiveFeed>)> {
        let FeedConfig { connections, subscriptions, .. } = config.collect.feed;
        let limits = FeedLimits { connections, subscriptions };
        let mut ready = self.all.iter().filter(|(_, source)| source.ready().is_ok());
        ready.find_map(|(name, source)| Some((*name, source.feed(limits)?)))
    }

    /// The class of market data of a dataset: that of its source; of one without a source, that of the first that is
    /// ready. `unknown` where no source that is ready says that the rows are from there.
    pub fn feed_class(&self, config: &Config, dataset: &str) -> &'static str {
        let source = match config.source_of(dataset) {
            Some(name) => self.find(name).filter(|source| source.ready().is_ok()),
            None => self.ready().next(),
        };
        source.map_or(CLASS_UNKNOWN, |source| source.feed_class())
    }

    /// The rate budget of every source that has one, with the name of the source.
    pub fn budgets(&self) -> Vec<(&'static str, BudgetStatus)> {
        self.all.iter().filter_map(|(name, source)| Some((*name, source.budget()?))).collect()
    }

    /// Every endpoint asked so far, with the name of its source; sorted by both.
    pub fn endpoints(&self) -> Vec<(&'static str, EndpointStatus)> {
        let of = |(name, source): &(&'static str, Arc<dyn Source>)| {
            let name = *name;
            source.endpoints().into_iter().map(move |endpoint| (name, endpoint))
        };
        self.all.iter().flat_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn every_source_is_listed_once_and_has_a_section() {
        assert!(SOURCES.is_sorted_by(|left, right| left.name < right.name));
        let config = config::load(None, &Vec::new()).expect("the defaults");
        let names: Vec<&str> = SOURCES.iter().map(|definition| definition.name).collect();
        assert_eq!(config.sources.keys().map(String::as_str).collect::<Vec<_>>(), names);
    }

    #[test]
    fn what_a_source_says_it_fetches_it_fetches() {
        let config = config::load(None, &Vec::new()).expect("the defaults");
        let sources = Sources::open(&config, Clock::System).expect("the sources");
        for (name, source) in &sources.all {
            assert!(source.datasets().is_sorted(), "{name}");
            for dataset in dataset::all() {
                let fetched = source.collector(dataset.name, &config).is_some();
                assert_eq!(fetched, source.datasets().contains(&dataset.name), "{name}, {}", dataset.name);
            }
        }
    }

    #[test]
    fn every_dataset_that_some_source_fetches_names_one_by_default() {
        let config = config::load(None, &Vec::new()).expect("the defaults");
        let sources = Sources::open(&config, Clock::System).expect("the sources");
        for dataset in sources.all.iter().flat_map(|(_, source)| source.datasets()) {
            assert!(config.source_of(dataset).is_some(), "dataset.{dataset}.source is not there");
        }
    }

    #[test]
    fn without_credentials_nothing_is_collected_and_it_is_told_why() {
        let config = config::load(None, &Vec::new()).expect("the defaults");
        let sources = Sources::open(&config, Clock::System).expect("the sources");
        assert!(sources.missing().is_some_and(|missing| missing.contains("TT__SOURCE__TASTYTRADE__CLIENT_SECRET")));
        assert_eq!(sources.feed_class(&config, "symbols"), "unknown");
        assert!(sources.feed(&config).is_none());
    }

    #[test]
    fn a_dataset_that_its_source_does_not_have_is_refused() {
        let mut config = config::load(None, &Vec::new()).expect("the defaults");
        if let Some(section) = config.datasets.get_mut("expirations") {
            section.source = Some("tastytrade".to_owned());
        }
        let error = Sources::open(&config, Clock::System).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("dataset.expirations.source: \"tastytrade\" does not fetch \"expirations\""));
    }
}
