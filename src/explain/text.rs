//! The text form: a line for each node, an arrow before each child, and a line for each detail.

use super::node::{Detail, Estimate, Node};
use super::options::ExplainOptions;
use super::times::{Times, milliseconds};

/// The lines of a plan.
pub(super) fn lines(root: &Node, options: &ExplainOptions, times: Times) -> Vec<String> {
    let mut lines = Vec::new();
    node(root, options, 2, &mut lines);
    if options.summary {
        lines.push(format!("Planning Time: {:.3} ms", milliseconds(times.planning)));
        if let Some(execution) = times.execution {
            lines.push(format!("Execution Time: {:.3} ms", milliseconds(execution)));
        }
    }
    lines
}

/// `indent` is where the node's details begin; its own line has an arrow before it, unless it is the root.
fn node(node: &Node, options: &ExplainOptions, indent: usize, lines: &mut Vec<String>) {
    let arrow = if indent > 2 { format!("{:width$}->  ", "", width = indent - 6) } else { String::new() };
    let mut line = format!("{arrow}{}{}", node.label, target(node, options.verbose));
    if options.costs {
        let Estimate { startup, total, rows, width } = node.estimate;
        line.push_str(&format!("  (cost={startup:.2}..{total:.2} rows={rows:.0} width={width})"));
    }
    if let Some(actual) = node.actual {
        let rows = actual.rows;
        line.push_str(&if options.timing {
            format!(" (actual time={:.3}..{:.3} rows={rows} loops=1)", actual.startup, actual.total)
        } else {
            format!(" (actual rows={rows} loops=1)")
        });
    }
    lines.push(line);
    let inner = " ".repeat(indent);
    if options.verbose && !node.output.is_empty() {
        lines.push(format!("{inner}Output: {}", node.output.join(", ")));
    }
    for (name, detail) in &node.details {
        match detail {
            Detail::Text(text) => lines.push(format!("{inner}{name}: {text}")),
            Detail::List(all) => lines.push(format!("{inner}{name}: {}", all.join(", "))),
            Detail::Flag(_) => {}
        }
    }
    for child in &node.children {
        let below = match &child.subplan {
            Some(name) => {
                lines.push(format!("{inner}{name}"));
                indent + 8
            }
            None => indent + 6,
        };
        self::node(child, options, below, lines);
    }
}

/// ` on eod e`: the relation, and its name in the statement where it is another.
fn target(node: &Node, verbose: bool) -> String {
    let Some(name) = node.fact("Relation Name").or_else(|| node.fact("Function Name")) else { return String::new() };
    let schema = node.schema.as_deref().filter(|_| verbose).map(|schema| format!("{schema}.")).unwrap_or_default();
    let alias = node.fact("Alias").filter(|alias| *alias != name).map(|alias| format!(" {alias}")).unwrap_or_default();
    format!(" on {schema}{name}{alias}")
}
