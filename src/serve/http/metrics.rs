//! The Prometheus text format: samples in, one page of text out.

use std::fmt::Write;

/// Content type of the encoded text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The type of a metric, which Prometheus reads from the `# TYPE` line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only up, from the start of the process; its name ends in `_total`.
    Counter,
    /// Up and down: a state that is sampled, such as an age in seconds.
    Gauge,
}

/// One sample of one metric, with the help and type of its family.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Name with its unit last: letters, digits and underscores.
    pub name: &'static str,
    /// One sentence; the first sample of a name decides.
    pub help: &'static str,
    /// Whether Prometheus may take rates of it (counter) or not (gauge).
    pub kind: Kind,
    /// Label names and values, in order.
    pub labels: Vec<(&'static str, String)>,
    /// The value at the moment of sampling, in the unit that `name` ends with.
    pub value: f64,
}

impl Metric {
    /// A sample without labels; [`Metric::with_label`] adds them.
    pub fn new(name: &'static str, help: &'static str, kind: Kind, value: f64) -> Self {
        Self { name, help, kind, labels: Vec::new(), value }
    }

    /// Adds a label behind those there are; the value is escaped when it is encoded.
    pub fn with_label(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.labels.push((name, value.into()));
        self
    }
}

/// Encodes samples; those of one name come together, under one `HELP` and one `TYPE` line.
pub fn encode(metrics: &[Metric]) -> String {
    let mut sorted: Vec<&Metric> = metrics.iter().collect();
    sorted.sort_by_key(|metric| metric.name);
    let mut text = String::new();
    for family in sorted.chunk_by(|one, next| one.name == next.name) {
        encode_family(&mut text, family);
    }
    text
}

/// Writes the samples of one name, behind their HELP and TYPE lines.
fn encode_family(text: &mut String, family: &[&Metric]) {
    let Some(first) = family.first() else { return };
    let kind = match first.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
    };
    let help = first.help.replace('\\', "\\\\").replace('\n', "\\n");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# HELP {} {help}\n# TYPE {} {kind}", first.name, first.name);
    for metric in family {
        let _ = writeln!(text, "{}{} {}", metric.name, labels(metric), value(metric.value));
    }
}

/// The labels in braces, or nothing where there are none.
fn labels(metric: &Metric) -> String {
    if metric.labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> =
        metric.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

/// Backslashes, quotes and line ends, escaped as a label value wants them.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// A number as Prometheus reads it; NaN and the infinities have names.
fn value(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_one_name_stand_together() {
        let metrics = [
            Metric::new("b", "B.", Kind::Gauge, 1.5).with_label("x", "1"),
            Metric::new("a_total", "A\nline.", Kind::Counter, 2.0),
            Metric::new("b", "B.", Kind::Gauge, f64::INFINITY).with_label("x", "2").with_label("y", "\"\\\n"),
        ];
        let expected = "# HELP a_total A\\nline.\n# TYPE a_total counter\na_total 2\n\
                        # HELP b B.\n# TYPE b gauge\nb{x=\"1\"} 1.5\nb{x=\"2\",y=\"\\\"\\\\\\n\"} +Inf\n";
        assert_eq!(encode(&metrics), expected);
    }

    #[test]
    fn nothing_is_an_empty_page() {
        assert_eq!(encode(&[]), "");
    }
}
