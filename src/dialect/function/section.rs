//! What a function is about, as Flight SQL's `GetSqlInfo` and DataFusion's documentation group them.

use datafusion::logical_expr::{DocSection, ScalarUDF};

/// A group of functions, by which Flight SQL clients list them and DataFusion's documentation sorts
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Functions on dates, times and intervals.
    DateTime,
    /// Functions on numbers, exact or not.
    Numeric,
    /// Functions on texts, names and patterns.
    Text,
    /// Functions about the session, the catalog and the server.
    System,
    /// Arrays, JSON and whatever else has no group of its own in Flight SQL.
    Other,
}

/// The labels that DataFusion's documentation has for its sections, with ours; the first label of a
/// section is written.
const LABELS: &[(&str, Section)] = &[
    ("Time and Date Functions", Section::DateTime),
    ("Math Functions", Section::Numeric),
    ("String Functions", Section::Text),
    ("Regular Expression Functions", Section::Text),
    ("System Functions", Section::System),
    ("Conditional Functions", Section::System),
    ("Other Functions", Section::Other),
];

impl Section {
    /// The section that a registered function says it is in.
    pub(crate) fn of(function: &ScalarUDF) -> Self {
        let label = function.documentation().map(|documentation| documentation.doc_section.label);
        LABELS.iter().find(|(known, _)| Some(*known) == label).map_or(Self::Other, |(_, section)| *section)
    }

    /// The section in DataFusion's terms.
    pub(crate) fn of_datafusion(self) -> DocSection {
        let label = LABELS.iter().find(|(_, section)| *section == self).map_or("Other Functions", |(label, _)| *label);
        DocSection { include: true, label, description: None }
    }
}
