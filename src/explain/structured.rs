//! The forms that programs read: JSON, XML and YAML with the same properties in PostgreSQL's order and spelling.

use super::node::{Detail, Node};
use super::options::ExplainOptions;
use super::times::{Times, milliseconds};

/// A value of a property.
enum Value {
    /// A number or a truth value, written as it is.
    Plain(String),
    Text(String),
    List(Vec<String>),
    Nodes(Vec<Vec<(&'static str, Value)>>),
    Node(Vec<(&'static str, Value)>),
}

/// The whole answer as properties.
fn query(root: &Node, options: &ExplainOptions, times: Times) -> Vec<(&'static str, Value)> {
    let mut all = vec![("Plan", Value::Node(properties(root, options)))];
    if options.summary {
        all.push(("Planning Time", number(milliseconds(times.planning))));
    }
    if let Some(execution) = times.execution {
        all.push(("Triggers", Value::Nodes(Vec::new())));
        if options.summary {
            all.push(("Execution Time", number(milliseconds(execution))));
        }
    }
    all
}

fn number(value: f64) -> Value {
    Value::Plain(format!("{value:.3}"))
}

fn properties(node: &Node, options: &ExplainOptions) -> Vec<(&'static str, Value)> {
    let text = |value: &str| Value::Text(value.to_owned());
    let mut all = vec![("Node Type", text(node.kind))];
    let (strategy, others): (Vec<_>, Vec<_>) = node.identity.iter().partition(|(name, _)| *name == "Strategy");
    for (name, value) in strategy {
        all.push((name, text(value)));
        all.push(("Partial Mode", text("Simple")));
    }
    all.extend(node.relationship.map(|relationship| ("Parent Relationship", text(relationship))));
    all.extend(node.subplan.as_deref().map(|name| ("Subplan Name", text(name))));
    if node.kind == "Custom Scan" {
        all.push(("Custom Plan Provider", text("ttapi")));
    }
    all.push(("Parallel Aware", Value::Plain("false".to_owned())));
    all.push(("Async Capable", Value::Plain("false".to_owned())));
    for (name, value) in others {
        all.push((name, text(value)));
        if *name == "Relation Name"
            && options.verbose
            && let Some(schema) = &node.schema
        {
            all.push(("Schema", text(schema)));
        }
    }
    if options.costs {
        all.push(("Startup Cost", Value::Plain(format!("{:.2}", node.estimate.startup))));
        all.push(("Total Cost", Value::Plain(format!("{:.2}", node.estimate.total))));
        all.push(("Plan Rows", Value::Plain(format!("{:.0}", node.estimate.rows))));
        all.push(("Plan Width", Value::Plain(node.estimate.width.to_string())));
    }
    if let Some(actual) = node.actual {
        if options.timing {
            all.push(("Actual Startup Time", number(actual.startup)));
            all.push(("Actual Total Time", number(actual.total)));
        }
        all.push(("Actual Rows", Value::Plain(actual.rows.to_string())));
        all.push(("Actual Loops", Value::Plain("1".to_owned())));
    }
    if options.verbose {
        all.push(("Output", Value::List(node.output.clone())));
    }
    for (name, detail) in &node.details {
        all.push((
            name,
            match detail {
                Detail::Text(value) => text(value),
                Detail::List(list) => Value::List(list.clone()),
                Detail::Flag(on) => Value::Plain(on.to_string()),
            },
        ));
    }
    if !node.children.is_empty() {
        all.push(("Plans", Value::Nodes(node.children.iter().map(|child| properties(child, options)).collect())));
    }
    all
}

/// The plan as JSON: an array of one query.
pub(super) fn json(root: &Node, options: &ExplainOptions, times: Times) -> String {
    let mut out = "[\n  ".to_owned();
    json_object(&query(root, options, times), 2, &mut out);
    out.push_str("\n]");
    out
}

fn json_object(properties: &[(&str, Value)], indent: usize, out: &mut String) {
    out.push('{');
    for (at, (name, value)) in properties.iter().enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        out.push_str(&format!("{:width$}{}: ", "", quoted(name), width = indent + 2));
        match value {
            Value::Plain(text) => out.push_str(text),
            Value::Text(text) => out.push_str(&quoted(text)),
            Value::List(list) => {
                let list: Vec<String> = list.iter().map(|text| quoted(text)).collect();
                out.push_str(&format!("[{}]", list.join(", ")));
            }
            Value::Node(node) => json_object(node, indent + 2, out),
            Value::Nodes(nodes) => {
                out.push('[');
                for (at, node) in nodes.iter().enumerate() {
                    out.push_str(if at == 0 { "\n" } else { ",\n" });
                    out.push_str(&" ".repeat(indent + 4));
                    json_object(node, indent + 4, out);
                }
                out.push_str(&format!("\n{:width$}]", "", width = indent + 2));
            }
        }
    }
    out.push_str(&format!("\n{:indent$}}}", ""));
}

/// A text in JSON's quotes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The plan as XML in PostgreSQL's namespace.
pub(super) fn xml(root: &Node, options: &ExplainOptions, times: Times) -> String {
    let mut out = "<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Query>\n".to_owned();
    xml_properties(&query(root, options, times), 4, &mut out);
    out.push_str("  </Query>\n</explain>");
    out
}

fn xml_properties(properties: &[(&str, Value)], indent: usize, out: &mut String) {
    for (name, value) in properties {
        let (tag, pad) = (name.replace(' ', "-"), " ".repeat(indent));
        match value {
            Value::Plain(text) | Value::Text(text) => {
                out.push_str(&format!("{pad}<{tag}>{}</{tag}>\n", escaped(text)));
            }
            Value::List(list) => {
                out.push_str(&format!("{pad}<{tag}>\n"));
                for item in list {
                    out.push_str(&format!("{pad}  <Item>{}</Item>\n", escaped(item)));
                }
                out.push_str(&format!("{pad}</{tag}>\n"));
            }
            Value::Node(node) => {
                out.push_str(&format!("{pad}<{tag}>\n"));
                xml_properties(node, indent + 2, out);
                out.push_str(&format!("{pad}</{tag}>\n"));
            }
            Value::Nodes(nodes) => {
                out.push_str(&format!("{pad}<{tag}>\n"));
                for node in nodes {
                    out.push_str(&format!("{pad}  <Plan>\n"));
                    xml_properties(node, indent + 4, out);
                    out.push_str(&format!("{pad}  </Plan>\n"));
                }
                out.push_str(&format!("{pad}</{tag}>\n"));
            }
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The plan as YAML: a list of one query.
pub(super) fn yaml(root: &Node, options: &ExplainOptions, times: Times) -> String {
    let mut lines = Vec::new();
    yaml_properties(&query(root, options, times), "- ", 2, &mut lines);
    lines.join("\n")
}

/// `first` stands before the first property, and as many spaces as `indent` before the others.
fn yaml_properties(properties: &[(&str, Value)], first: &str, indent: usize, lines: &mut Vec<String>) {
    for (at, (name, value)) in properties.iter().enumerate() {
        let pad = if at == 0 { first.to_owned() } else { " ".repeat(indent) };
        match value {
            Value::Plain(text) => lines.push(format!("{pad}{name}: {text}")),
            Value::Text(text) => lines.push(format!("{pad}{name}: {}", quoted(text))),
            Value::List(list) => {
                lines.push(format!("{pad}{name}: "));
                lines.extend(list.iter().map(|item| format!("{}- {}", " ".repeat(indent + 2), quoted(item))));
            }
            Value::Node(node) => {
                lines.push(format!("{pad}{name}: "));
                yaml_properties(node, &" ".repeat(indent + 2), indent + 2, lines);
            }
            Value::Nodes(nodes) => {
                lines.push(format!("{pad}{name}: "));
                for node in nodes {
                    yaml_properties(node, &format!("{}- ", " ".repeat(indent + 2)), indent + 4, lines);
                }
            }
        }
    }
}
