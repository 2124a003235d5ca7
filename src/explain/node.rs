//! A node of the plan as PostgreSQL's clients know it.

/// A node, with its children under it.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// Type of the node, such as `Aggregate`.
    pub(super) kind: &'static str,
    /// What the text form calls it, such as `HashAggregate`.
    pub(super) label: String,
    /// What is said of it before its estimates: strategy, kind of join, relation.
    pub(super) identity: Vec<(&'static str, String)>,
    /// The relation's schema, which VERBOSE shows.
    pub(super) schema: Option<String>,
    /// How it stands to its parent; `None` for the root.
    pub(super) relationship: Option<&'static str>,
    /// Its name, when it is a subquery that runs once for the whole plan.
    pub(super) subplan: Option<String>,
    /// What it will cost and give.
    pub(super) estimate: Estimate,
    /// What it did, after it has run.
    pub(super) actual: Option<Actual>,
    /// Names of its columns.
    pub(super) output: Vec<String>,
    /// Conditions and keys, in PostgreSQL's order.
    pub(super) details: Vec<(&'static str, Detail)>,
    /// Where its rows are from.
    pub(super) children: Vec<Node>,
}

/// The value of a detail.
#[derive(Debug, Clone)]
pub(super) enum Detail {
    /// A condition as SQL.
    Text(String),
    /// Keys in their order.
    List(Vec<String>),
    /// A fact that only the structured forms tell.
    Flag(bool),
}

/// Cost in pages read in order, and size.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Estimate {
    /// Cost until the first row.
    pub(super) startup: f64,
    /// Cost until the last row.
    pub(super) total: f64,
    /// How many rows it gives.
    pub(super) rows: f64,
    /// Bytes of a row.
    pub(super) width: usize,
}

/// Processor time in milliseconds, that of the children included, and rows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Actual {
    /// Until the first row, as far as it can be told.
    pub(super) startup: f64,
    /// Until the last row.
    pub(super) total: f64,
    /// How many rows it gives.
    pub(super) rows: usize,
}

impl Node {
    /// A node of this type; `label` is what the text form calls it.
    pub(super) fn new(kind: &'static str, label: impl Into<String>) -> Self {
        Self { kind, label: label.into(), ..Self::default() }
    }

    /// Adds a detail after the others.
    pub(super) fn with(mut self, name: &'static str, detail: Detail) -> Self {
        self.details.push((name, detail));
        self
    }

    /// Adds a fact that stands before the estimates.
    pub(super) fn identified(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.identity.push((name, value.into()));
        self
    }

    /// What the relation is called in the plan.
    pub(super) fn fact(&self, name: &str) -> Option<&str> {
        self.identity.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}
