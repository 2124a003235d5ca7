//! The status page: one HTML document without script or external asset, readable in light and dark.

use super::health::{DatasetStatus, DoubtStatus, FeedStatus};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The style sheet. `light-dark()` follows the browser's colour scheme.
const STYLE: &str = "
:root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif }
body { max-width: 72rem; margin: 1.5rem auto; padding: 0 1rem }
h1 { font-size: 1.3rem; margin: 0 } h2 { font-size: 1rem; margin: 1.5rem 0 .3rem }
header { display: flex; gap: 1rem; align-items: baseline; flex-wrap: wrap }
small, th { color: light-dark(#666, #999) }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid light-dark(#ddd, #333) }
th { font-weight: normal } .number { text-align: right; font-variant-numeric: tabular-nums }
.good { color: light-dark(#16702f, #5fcf80) } .fair { color: light-dark(#8a5a00, #e0b040) }
.bad { color: light-dark(#b3261e, #ff8a80) }
";

/// The page. It reloads itself every five seconds.
pub(super) fn render(
    versions: &[(&'static str, String)],
    unready: &[String],
    datasets: &[DatasetStatus],
    doubts: &BTreeMap<String, DoubtStatus>,
    feed: Option<&FeedStatus>,
) -> String {
    let versions: Vec<String> = versions.iter().map(|(name, version)| escape(&format!("{name} {version}"))).collect();
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><meta http-equiv=\"refresh\" content=\"5\">\
         <title>tt status</title><style>{STYLE}</style></head><body>\n\
         <header><h1>tt</h1>{}<small>{}</small></header>\n",
        readiness(unready),
        versions.join(" &middot; "),
    );
    page.push_str(&reasons(unready));
    page.push_str(&dataset_table(datasets, doubts));
    page.push_str(&feed_table(feed));
    page.push_str("</body></html>\n");
    page
}

fn readiness(unready: &[String]) -> &'static str {
    if unready.is_empty() { "<span class=\"good\">ready</span>" } else { "<span class=\"bad\">not ready</span>" }
}

/// A list of the sentences that [`Health::unready`](super::health::Health::unready) gives; nothing when ready.
fn reasons(unready: &[String]) -> String {
    if unready.is_empty() {
        return String::new();
    }
    let items: Vec<String> = unready.iter().map(|reason| format!("<li>{}</li>", escape(reason))).collect();
    format!("<ul class=\"bad\">{}</ul>\n", items.concat())
}

/// One row for each dataset; ages and time to live in the two largest units.
fn dataset_table(datasets: &[DatasetStatus], doubts: &BTreeMap<String, DoubtStatus>) -> String {
    let mut table = "<h2>Datasets</h2>\n<table><tr><th>dataset</th><th>state</th><th class=\"number\">age</th>\
                     <th class=\"number\">ttl</th><th class=\"number\">rows</th><th class=\"number\">version</th>\
                     <th>last error</th><th>doubts</th><th>gravest doubt</th></tr>\n"
        .to_owned();
    let certain = DoubtStatus::default();
    for status in datasets {
        let doubts = doubts.get(&status.dataset).unwrap_or(&certain);
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "<tr><td>{}</td><td class=\"{}\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{}</td><td class=\"number\">{}</td><td>{}</td><td class=\"{}\">{}</td><td>{}</td></tr>",
            escape(&status.dataset),
            tone(status.state),
            escape(status.state),
            duration(status.age_seconds),
            duration(status.ttl_seconds),
            thousands(status.rows),
            status.version.map_or_else(String::new, |version| version.to_string()),
            escape(status.last_error.as_deref().unwrap_or("")),
            doubt_tone(doubts.severity),
            escape(&doubts.counts),
            escape(&doubts.example),
        );
    }
    table.push_str("</table>\n");
    table
}

/// The feed's state in one row, or a sentence that there is no feed.
fn feed_table(feed: Option<&FeedStatus>) -> String {
    let Some(feed) = feed else {
        return "<h2>Live feed</h2>\n<p>None is configured.</p>\n".to_owned();
    };
    format!(
        "<h2>Live feed</h2>\n<table><tr><th>origin</th><th>state</th><th class=\"number\">symbols</th>\
         <th class=\"number\">events</th><th class=\"number\">last event</th><th>last error</th></tr>\n\
         <tr><td>{}</td><td class=\"{}\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>\
         <td class=\"number\">{}</td><td>{}</td></tr></table>\n",
        escape(&feed.origin),
        if feed.connected && feed.state == "live" { "good" } else { "bad" },
        escape(&feed.state),
        thousands(Some(feed.symbols)),
        thousands(Some(feed.events)),
        duration(feed.last_event_age_seconds),
        escape(feed.last_error.as_deref().unwrap_or("")),
    )
}

/// The CSS class of a dataset's state: `good`, `fair` or `bad`.
fn tone(state: &str) -> &'static str {
    match state {
        "fresh" => "good",
        "refreshing" | "stale" => "fair",
        _ => "bad",
    }
}

/// The CSS class of the gravest doubt's severity: `good`, `fair` or `bad`.
fn doubt_tone(severity: &str) -> &'static str {
    match severity {
        "severe" => "bad",
        "warning" => "fair",
        _ => "good",
    }
}

/// The two largest units of a duration: `1d 1h`, `15m 0s`, `4s`; empty when unknown.
fn duration(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds else { return String::new() };
    let whole = seconds.max(0.0) as u64;
    match (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60) {
        (0, 0, 0, seconds) => format!("{seconds}s"),
        (0, 0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (0, hours, minutes, _) => format!("{hours}h {minutes}m"),
        (days, hours, _, _) => format!("{days}d {hours}h"),
    }
}

/// A number with a comma every three digits; empty when unknown.
fn thousands(number: Option<u64>) -> String {
    let digits = number.map_or_else(String::new, |number| number.to_string());
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Text for an HTML element or a quoted attribute: dataset names and errors of sources come from outside.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(thousands(Some(0)), "0");
        assert_eq!(thousands(Some(999)), "999");
        assert_eq!(thousands(Some(27_600_000)), "27,600,000");
        assert_eq!(thousands(None), "");
        assert_eq!(duration(Some(4.9)), "4s");
        assert_eq!(duration(Some(900.0)), "15m 0s");
        assert_eq!(duration(Some(3_660.0)), "1h 1m");
        assert_eq!(duration(Some(-1.0)), "0s");
        assert_eq!(duration(Some(f64::NAN)), "0s");
    }

    #[test]
    fn nothing_configured_is_said() {
        assert!(render(&[], &[], &[], &BTreeMap::new(), None).contains("None is configured"));
    }
}
