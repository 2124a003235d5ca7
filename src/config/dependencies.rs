//! What is refreshed before what: `depends_on` of every dataset, checked when the configuration is read, so that the
//! scheduler need not fear a cycle.

use super::error::ConfigError;
use super::file::DatasetSection;
use super::section::Dependencies;
use crate::lake::dataset::{self, Dataset};
use crate::lake::freshness::Ttl;
use std::collections::BTreeMap;

/// Reads the lists: every name is a dataset, no dataset waits for itself, and whatever is computed from other datasets
/// depends on them.
///
/// # Errors
/// A sentence that names the key, and for a cycle the way round.
pub(super) fn dependencies(sections: &BTreeMap<String, DatasetSection>) -> Result<Dependencies, ConfigError> {
    let known = dataset::all();
    let mut dependencies = Dependencies::new();
    for dataset in &known {
        let listed = sections.get(dataset.name).and_then(|section| section.depends_on.as_deref()).unwrap_or_default();
        dependencies.insert(dataset.name, resolve(dataset, listed, &known)?);
    }
    match cycle(&dependencies) {
        Some(path) => {
            let (first, path) = (path[0], path.join(" -> "));
            Err(ConfigError::new(format!("dataset.{first}.depends_on: datasets that wait for each other: {path}")))
        }
        None => Ok(dependencies),
    }
}

/// The datasets of a list, each once. Unknown names are refused with the nearest known one.
fn resolve(dataset: &Dataset, listed: &[String], known: &[Dataset]) -> Result<Vec<&'static str>, ConfigError> {
    let key = format!("dataset.{}.depends_on", dataset.name);
    let mut names: Vec<&'static str> = Vec::new();
    for name in listed {
        let Some(found) = known.iter().find(|dataset| dataset.name == name) else {
            let likeness = |dataset: &&Dataset| strsim::jaro_winkler(dataset.name, name);
            let nearest = known.iter().max_by(|left, right| likeness(left).total_cmp(&likeness(right)));
            let hint = nearest.map(|nearest| format!("; the nearest is \"{}\"", nearest.name)).unwrap_or_default();
            return Err(ConfigError::new(format!("{key}: there is no dataset \"{name}\"{hint}")));
        };
        if !names.contains(&found.name) {
            names.push(found.name);
        }
    }
    if let Some(missing) = dataset.computed_from.iter().find(|input| !names.contains(input)) {
        let (name, inputs) = (dataset.name, dataset.computed_from.join(" and "));
        let text = format!("{key}: \"{missing}\" is missing; \"{name}\" is computed from {inputs}");
        return Err(ConfigError::new(text));
    }
    Ok(names)
}

/// A TTL of `inputs` needs inputs.
///
/// # Errors
/// A sentence that names the key of a dataset that has none.
pub(super) fn check_ttl(name: &str, ttl: Ttl, depends_on: &[&'static str]) -> Result<(), ConfigError> {
    if ttl == Ttl::Inputs && depends_on.is_empty() {
        let text = format!("dataset.{name}.ttl: \"inputs\" needs a dataset in dataset.{name}.depends_on");
        return Err(ConfigError::new(text));
    }
    Ok(())
}

/// A dataset that waits for itself, the way to it, and it again.
fn cycle(dependencies: &Dependencies) -> Option<Vec<&'static str>> {
    let mut done = Vec::new();
    dependencies.keys().find_map(|name| walk(name, dependencies, &mut Vec::new(), &mut done))
}

/// Goes on from `name`, reached by `way`; `done` are the datasets from which no cycle is reached.
fn walk(
    name: &'static str,
    dependencies: &Dependencies,
    way: &mut Vec<&'static str>,
    done: &mut Vec<&'static str>,
) -> Option<Vec<&'static str>> {
    if let Some(place) = way.iter().position(|passed| *passed == name) {
        let mut cycle = way.split_off(place);
        cycle.push(name);
        return Some(cycle);
    }
    if done.contains(&name) {
        return None;
    }
    way.push(name);
    let found = dependencies.get(name)?.iter().find_map(|input| walk(input, dependencies, way, done));
    way.pop();
    done.push(name);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diamond_is_no_cycle() {
        let diamond =
            Dependencies::from([("a", vec![]), ("b", vec!["a"]), ("c", vec!["a"]), ("d", vec!["b", "c", "a"])]);
        assert_eq!(cycle(&diamond), None);
    }

    #[test]
    fn a_cycle_is_named_without_the_way_to_it() {
        let cyclic = Dependencies::from([("a", vec!["b"]), ("b", vec!["c"]), ("c", vec!["d"]), ("d", vec!["b"])]);
        assert_eq!(cycle(&cyclic), Some(vec!["b", "c", "d", "b"]));
        assert_eq!(cycle(&Dependencies::from([("a", vec!["a"])])), Some(vec!["a", "a"]));
    }
}
