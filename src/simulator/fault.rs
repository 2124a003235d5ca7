//! Faults on demand: rules that make the venue misbehave for one route, event type or symbol, a number of times.
//!
//! ```toml
//! [[fault]]
//! target = "/market-metrics"   # REST path prefix, dxLink event type ("Candle") or message type ("AUTH")
//! symbol = "AAPL"              # optional: only for this symbol
//! kind = "status"
//! status = 500
//! times = 3                    # optional: for ever when left out
//! ```

use chrono::NaiveDate;
use figment::Figment;
use figment::providers::{Format, Toml};
use serde::Deserialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How the venue misbehaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// REST: this status with the vendor's JSON error body.
    Status(u16),
    /// REST: 502 with a proxy's HTML page.
    BadGateway,
    /// REST: 429, with `Retry-After` in seconds when given.
    Throttled(Option<u64>),
    /// REST: 200 with the second half of the JSON missing.
    Truncated,
    /// REST: 200 with an HTML page.
    Html,
    /// REST and dxLink: the answer is late by this much.
    Slow(Duration),
    /// REST: items hold their symbol and little else.
    Sparse,
    /// REST: fields without a value are null instead of left out.
    Nulls,
    /// REST: dividend and earnings dates lie in the past, the earnings date on 1970-01-01.
    StaleDates,
    /// REST 401 `token_invalid`; dxLink: the token is refused, or `ERROR UNAUTHORIZED` closes the connection.
    Unauthorised,
    /// dxLink: a frame that is no message.
    Garbage,
    /// dxLink: prices are `"NaN"`.
    NotANumber,
    /// dxLink: a snapshot comes in frames of one to three rows.
    SplitSnapshot,
    /// dxLink: a snapshot ends early with the SNIP flag.
    Snip,
    /// dxLink: a snapshot holds one row of flags 0x0E and no values.
    EmptySnapshot,
    /// dxLink: a snapshot is sent twice.
    RepeatedSnapshot,
    /// dxLink: the latest bar is corrected by a pair of rows, the first with the pending flag.
    Correction,
    /// dxLink: one frame holds the blocks of several event types.
    SeveralTypes,
    /// dxLink: a `FEED_CONFIG` announces another order of the fields, and the values follow it.
    ReorderedFields,
    /// dxLink: a frame begins with events of a type that dxLink does not have.
    UnknownType,
    /// REST: this status with a proxy's HTML page.
    HtmlStatus(u16),
    /// REST: so many items of a list, as if they were all.
    Incomplete(usize),
    /// REST: a list without items, as if that were all.
    EmptyItems,
    /// REST: null in place of a list.
    NullItems,
    /// REST: a page that does not say how many there are.
    NoPagination,
    /// REST: instants with `+0000`.
    CompactZone,
    /// REST: every third item, at whatever depth, has a key that does not read, or is null.
    SpoiltKeys,
    /// REST: fields that are no key do not read.
    SpoiltFields,
    /// REST, the token route: `expires_in` as text, or left out.
    TokenLife {
        /// Whether it is told at all, as text then.
        told: bool,
    },
    /// dxLink: the bar of the last closed session is not there yet.
    LateBar,
    /// dxLink: a bar has its high below its low, another one a negative price.
    ImpossibleBars,
    /// dxLink: the end of a snapshot is lost.
    EndlessSnapshot,
    /// dxLink: candles are those of a symbol that splits on a date.
    Split {
        /// First session in new shares.
        date: NaiveDate,
        /// New shares per old share.
        ratio: Ratio,
        /// Whether the history before it is restated in new shares.
        restated: bool,
    },
    /// dxLink: the bar of a date is corrected: it closes higher.
    CorrectedBar(NaiveDate),
    /// dxLink: candles begin on a date, in other shares than those that anybody else counts.
    Seam {
        /// The first date that has a candle.
        date: NaiveDate,
        /// Shares per share of others.
        ratio: Ratio,
    },
    /// REST and dxLink: the connection ends without a word. (REST: an empty body shorter than announced.)
    Drop,
    /// dxLink: a close frame with this code.
    Close(u16),
    /// dxLink: the connection stays and keepalives come, but no events: of the event type that is the target, or of all when
    /// that is `FEED_DATA`; of one symbol when one is named.
    Stall {
        /// What ends it; `None` is nothing but the switch.
        until: Option<Until>,
    },
    /// dxLink: within a second the session is told that it lost its authorisation, and its token is good for nothing any
    /// more. Its target is `AUTH_STATE`.
    AuthLost,
    /// dxLink: one connection may subscribe to so many pairs of event type and symbol; further ones are `BAD_ACTION`. Its
    /// target is `FEED_SUBSCRIPTION`.
    Limit(usize),
    /// dxLink: the channel switches to FULL format; `announced` says whether `FEED_CONFIG` tells.
    Full {
        /// Whether a `FEED_CONFIG` announces the switch.
        announced: bool,
    },
}

/// A ratio above 0, of which 1 changes nothing. In millionths, so that faults can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio(u64);

impl Ratio {
    /// The ratio nearest to a number, up to a million; `None` for one that is not above 0.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn new(ratio: f64) -> Option<Self> {
        let millionths = (ratio.min(1e6) * 1e6).round();
        (millionths >= 1.0).then_some(Self(millionths as u64))
    }

    /// It as a number.
    #[allow(clippy::cast_precision_loss)]
    pub fn number(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

/// What ends a stall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// A client that subscribes anew, on whatever connection.
    Resubscribed,
    /// A client that connects anew.
    Reconnected,
}

impl Kind {
    /// Whether it is a state that lasts, rather than something that happens to a message.
    fn lasts(&self) -> bool {
        matches!(self, Self::Stall { .. } | Self::Limit(_))
    }
}

/// One rule. It applies to what begins with `target` (REST) or is named `target` (dxLink).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// REST path prefix, dxLink event type or dxLink message type.
    pub target: String,
    /// Only for this symbol, in the spelling the client uses on the wire.
    pub symbol: Option<String>,
    /// How the venue misbehaves when the rule applies.
    pub kind: Kind,
    /// How often it still happens; `None` is for ever.
    pub times: Option<u32>,
}

/// A list of rules; the first that fits is applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// Rules in the order they are tried.
    pub rules: Vec<Rule>,
}

/// The TOML file of rules: a list of `[[fault]]` tables.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fault: Vec<WrittenRule>,
}

/// One `[[fault]]` table as written; which of the optional keys it needs depends on `kind`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    target: String,
    symbol: Option<String>,
    kind: String,
    times: Option<u32>,
    status: Option<u16>,
    retry_after_s: Option<u64>,
    delay_ms: Option<u64>,
    code: Option<u16>,
    announced: Option<bool>,
    keep: Option<usize>,
    told: Option<bool>,
    date: Option<NaiveDate>,
    ratio: Option<f64>,
    restated: Option<bool>,
    until: Option<String>,
}

impl Faults {
    /// Reads rules from TOML.
    ///
    /// # Errors
    /// One sentence naming the rule and the key that is wrong.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        let file: File = Figment::from(Toml::string(text)).extract().map_err(|error| format!("faults: {error}"))?;
        let rules = file.fault.into_iter().enumerate().map(|(place, rule)| {
            let name = format!("fault {} (target {:?})", place + 1, rule.target);
            rule.resolve().map_err(|reason| format!("{name}: {reason}"))
        });
        Ok(Self { rules: rules.collect::<Result<_, _>>()? })
    }
}

impl WrittenRule {
    /// Checks a rule: the reason in words when its kind is unknown or lacks a key.
    fn resolve(self) -> Result<Rule, String> {
        let kind = match self.kind.as_str() {
            "status" => Kind::Status(
                self.status.filter(|status| (200..600).contains(status)).ok_or("needs status = 200 to 599")?,
            ),
            "bad-gateway" => Kind::BadGateway,
            "throttled" => Kind::Throttled(self.retry_after_s),
            "truncated" => Kind::Truncated,
            "html" => Kind::Html,
            "slow" => Kind::Slow(Duration::from_millis(self.delay_ms.ok_or("needs delay_ms")?)),
            "sparse" => Kind::Sparse,
            "nulls" => Kind::Nulls,
            "stale-dates" => Kind::StaleDates,
            "unauthorised" => Kind::Unauthorised,
            "garbage" => Kind::Garbage,
            "nan" => Kind::NotANumber,
            "split-snapshot" => Kind::SplitSnapshot,
            "snip" => Kind::Snip,
            "empty-snapshot" => Kind::EmptySnapshot,
            "repeated-snapshot" => Kind::RepeatedSnapshot,
            "correction" => Kind::Correction,
            "several-types" => Kind::SeveralTypes,
            "reordered-fields" => Kind::ReorderedFields,
            "unknown-type" => Kind::UnknownType,
            "html-status" => Kind::HtmlStatus(
                self.status.filter(|status| (200..600).contains(status)).ok_or("needs status = 200 to 599")?,
            ),
            "incomplete" => Kind::Incomplete(self.keep.ok_or("needs keep")?),
            "empty-items" => Kind::EmptyItems,
            "null-items" => Kind::NullItems,
            "no-pagination" => Kind::NoPagination,
            "compact-zone" => Kind::CompactZone,
            "spoilt-keys" => Kind::SpoiltKeys,
            "spoilt-fields" => Kind::SpoiltFields,
            "token-life" => Kind::TokenLife { told: self.told.unwrap_or(false) },
            "late-bar" => Kind::LateBar,
            "impossible-bars" => Kind::ImpossibleBars,
            "endless-snapshot" => Kind::EndlessSnapshot,
            "split" => Kind::Split {
                date: self.date.ok_or("needs date")?,
                ratio: self.ratio.and_then(Ratio::new).ok_or("needs ratio above 0")?,
                restated: self.restated.unwrap_or(true),
            },
            "corrected-bar" => Kind::CorrectedBar(self.date.ok_or("needs date")?),
            "seam" => Kind::Seam {
                date: self.date.ok_or("needs date")?,
                ratio: Ratio::new(self.ratio.unwrap_or(1.0)).ok_or("needs ratio above 0")?,
            },
            "drop" => Kind::Drop,
            "close" => Kind::Close(self.code.unwrap_or(1009)),
            "stall" => Kind::Stall {
                until: match self.until.as_deref() {
                    None => None,
                    Some("resubscribed") => Some(Until::Resubscribed),
                    Some("reconnected") => Some(Until::Reconnected),
                    Some(other) => {
                        return Err(format!("until = {other:?} is neither \"resubscribed\" nor \"reconnected\""));
                    }
                },
            },
            "auth-lost" => Kind::AuthLost,
            "limit" => Kind::Limit(self.keep.ok_or("needs keep")?),
            "full" => Kind::Full { announced: self.announced.unwrap_or(true) },
            other => return Err(format!("unknown kind {other:?}")),
        };
        Ok(Rule { target: self.target, symbol: self.symbol, kind, times: self.times })
    }
}

/// The rules of a running venue, settable at any time. Clones share the rules.
#[derive(Debug, Clone, Default)]
pub struct FaultSwitch {
    /// Held for a look at the rules, never across an await.
    faults: Arc<Mutex<Faults>>,
    /// Whether there is any rule at all: the feed looks here first.
    armed: Arc<AtomicBool>,
}

impl FaultSwitch {
    /// A switch with these rules.
    pub fn new(faults: Faults) -> Self {
        let switch = Self::default();
        switch.set(faults);
        switch
    }

    /// Replaces all rules; requests and feed events from now on follow the new ones.
    pub fn set(&self, faults: Faults) {
        self.change(|rules| *rules = faults.rules);
    }

    /// Adds a rule after the others.
    pub fn add(&self, rule: Rule) {
        self.change(|rules| rules.push(rule));
    }

    /// Adds a rule for a target and every symbol: `times` `None` is for ever.
    pub fn inject(&self, target: &str, kind: Kind, times: Option<u32>) {
        self.add(Rule { target: target.to_owned(), symbol: None, kind, times });
    }

    /// Removes all rules, so that the venue behaves again.
    pub fn clear(&self) {
        self.change(Vec::clear);
    }

    /// Rules that still apply.
    pub fn rules(&self) -> Vec<Rule> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).rules.clone()
    }

    /// Changes the rules under the lock and notes whether any is left.
    fn change(&self, change: impl FnOnce(&mut Vec<Rule>)) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut faults.rules);
        self.armed.store(!faults.rules.is_empty(), Ordering::Relaxed);
    }

    /// Takes the first rule that `fits`, counting it as applied.
    fn take(&self, fits: impl Fn(&Rule) -> bool) -> Option<Rule> {
        if !self.armed.load(Ordering::Relaxed) {
            return None;
        }
        let mut taken = None;
        self.change(|rules| {
            if let Some(place) = rules.iter().position(|rule| !rule.kind.lasts() && fits(rule)) {
                taken = rules.get(place).cloned();
                if let Some(Rule { times: Some(times), .. }) = rules.get_mut(place) {
                    *times = times.saturating_sub(1);
                    if *times == 0 {
                        rules.remove(place);
                    }
                }
            }
        });
        taken
    }

    /// The fault of a REST request, whose parameters and path parts name `symbols`.
    pub(crate) fn for_request(&self, path: &str, symbols: &[String]) -> Option<Rule> {
        self.take(|rule| path.starts_with(&rule.target) && rule.symbol.as_ref().is_none_or(|one| symbols.contains(one)))
    }

    /// The fault of a dxLink message or event type; `spellings` are those of the symbol, if it is about one.
    pub(crate) fn for_feed(&self, target: &str, spellings: &[&str]) -> Option<Kind> {
        let named = |symbol: &String| spellings.contains(&symbol.as_str());
        self.take(|rule| rule.target == target && rule.symbol.as_ref().is_none_or(named)).map(|rule| rule.kind)
    }

    /// Whether any rule for an event type names a symbol.
    pub(crate) fn any_for_symbol(&self, target: &str) -> bool {
        self.armed.load(Ordering::Relaxed)
            && self.rules().iter().any(|rule| rule.target == target && rule.symbol.is_some())
    }

    /// Whether any stall is on.
    pub(crate) fn any_stall(&self) -> bool {
        self.armed.load(Ordering::Relaxed) && self.rules().iter().any(|rule| matches!(rule.kind, Kind::Stall { .. }))
    }

    /// Whether events of a type and symbol are held back now.
    pub(crate) fn stalls(&self, target: &str, symbol: &str) -> bool {
        self.rules().iter().any(|rule| {
            let is_target = rule.target == target || rule.target == "FEED_DATA";
            let of_symbol = rule.symbol.as_deref().is_none_or(|one| one == symbol);
            matches!(rule.kind, Kind::Stall { .. }) && is_target && of_symbol
        })
    }

    /// Ends the stalls that go with `event`.
    pub(crate) fn end_stalls(&self, event: Until) {
        if self.any_stall() {
            self.change(|rules| rules.retain(|rule| rule.kind != Kind::Stall { until: Some(event) }));
        }
    }

    /// How many pairs one connection may subscribe to, where a rule says so.
    pub(crate) fn subscriptions_max(&self) -> Option<usize> {
        if !self.armed.load(Ordering::Relaxed) {
            return None;
        }
        self.rules().iter().find_map(|rule| match rule.kind {
            Kind::Limit(most) => Some(most),
            _ => None,
        })
    }

    /// The fault of one symbol's events, by rules that name it.
    pub(crate) fn for_symbol(&self, target: &str, symbol: &str) -> Option<Kind> {
        self.take(|rule| rule.target == target && rule.symbol.as_deref() == Some(symbol)).map(|rule| rule.kind)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_from_toml() {
        let text = "[[fault]]\ntarget = \"/market-metrics\"\nkind = \"status\"\nstatus = 500\ntimes = 3\n\
            [[fault]]\ntarget = \"Candle\"\nsymbol = \"AAPL{=d}\"\nkind = \"snip\"\n";
        let faults = Faults::from_toml(text).unwrap();
        let rule = |target: &str, symbol: Option<&str>, kind, times| Rule {
            target: target.to_owned(),
            symbol: symbol.map(str::to_owned),
            kind,
            times,
        };
        assert_eq!(faults.rules[0], rule("/market-metrics", None, Kind::Status(500), Some(3)));
        assert_eq!(faults.rules[1], rule("Candle", Some("AAPL{=d}"), Kind::Snip, None));
        assert_eq!(Faults::from_toml("").unwrap(), Faults::default());
        let text = "[[fault]]\ntarget = \"FEED_DATA\"\nkind = \"stall\"\nuntil = \"reconnected\"\n\
            [[fault]]\ntarget = \"FEED_SUBSCRIPTION\"\nkind = \"limit\"\nkeep = 10\n\
            [[fault]]\ntarget = \"AUTH_STATE\"\nkind = \"auth-lost\"\ntimes = 1\n";
        let faults = Faults::from_toml(text).unwrap();
        let kinds: Vec<Kind> = faults.rules.into_iter().map(|rule| rule.kind).collect();
        assert_eq!(kinds, [Kind::Stall { until: Some(Until::Reconnected) }, Kind::Limit(10), Kind::AuthLost]);
        let error = Faults::from_toml("[[fault]]\ntarget = \"Quote\"\nkind = \"stall\"\nuntil = \"noon\"").unwrap_err();
        assert!(error.contains("\"noon\""), "{error}");
    }

    #[test]
    fn a_stall_holds_events_back_until_what_ends_it() {
        let switch = FaultSwitch::default();
        assert!(!switch.any_stall());
        let symbol = Some("SPY".to_owned());
        switch.add(Rule { target: "Quote".to_owned(), symbol, kind: Kind::Stall { until: None }, times: None });
        assert!(switch.stalls("Quote", "SPY") && !switch.stalls("Quote", "QQQ") && !switch.stalls("Trade", "SPY"));
        assert_eq!(switch.for_feed("Quote", &["SPY"]), None, "it is no fault of a single message");
        switch.inject("FEED_DATA", Kind::Stall { until: Some(Until::Resubscribed) }, None);
        assert!(switch.stalls("Trade", "QQQ"));
        switch.end_stalls(Until::Reconnected);
        assert!(switch.stalls("Trade", "QQQ"));
        switch.end_stalls(Until::Resubscribed);
        assert!(switch.stalls("Quote", "SPY") && !switch.stalls("Trade", "QQQ"));
    }

    #[test]
    fn histories_are_changed_from_a_date_on() {
        let text = "[[fault]]\ntarget = \"Candle\"\nsymbol = \"AAPL\"\nkind = \"split\"\ndate = \"2026-06-10\"\nratio = 10\n\
            [[fault]]\ntarget = \"Candle\"\nkind = \"corrected-bar\"\ndate = \"2026-06-09\"\n\
            [[fault]]\ntarget = \"Candle\"\nkind = \"seam\"\ndate = \"2026-06-01\"\nratio = 0.5\n";
        let kinds: Vec<Kind> = Faults::from_toml(text).unwrap().rules.into_iter().map(|rule| rule.kind).collect();
        let date = |text: &str| text.parse().unwrap();
        let ratio = |ratio| Ratio::new(ratio).unwrap();
        let split = Kind::Split { date: date("2026-06-10"), ratio: ratio(10.0), restated: true };
        let seam = Kind::Seam { date: date("2026-06-01"), ratio: ratio(0.5) };
        assert_eq!(kinds, [split, Kind::CorrectedBar(date("2026-06-09")), seam]);
        for (keys, lacks) in [
            ("kind = \"split\"\nratio = 10", "needs date"),
            ("kind = \"split\"\ndate = \"2026-06-10\"", "needs ratio"),
            ("kind = \"seam\"\ndate = \"2026-06-10\"\nratio = -1", "needs ratio"),
        ] {
            let error = Faults::from_toml(&format!("[[fault]]\ntarget = \"Candle\"\n{keys}")).unwrap_err();
            assert!(error.contains(lacks), "{error}");
        }
    }

    #[test]
    fn a_wrong_rule_is_named() {
        let error = Faults::from_toml("[[fault]]\ntarget = \"/a\"\nkind = \"nonsense\"").unwrap_err();
        assert_eq!(error, "fault 1 (target \"/a\"): unknown kind \"nonsense\"");
        assert!(
            Faults::from_toml("[[fault]]\ntarget = \"/a\"\nkind = \"drop\"\ncolour = 1")
                .unwrap_err()
                .contains("colour")
        );
        assert!(Faults::from_toml("not toml").is_err());
    }

    #[test]
    fn a_rule_applies_as_often_as_it_says() {
        let switch = FaultSwitch::default();
        switch.inject("/market-metrics", Kind::Html, Some(2));
        assert!(switch.for_request("/instruments/equities", &[]).is_none());
        assert!(switch.for_request("/market-metrics", &[]).is_some());
        assert!(switch.for_request("/market-metrics", &[]).is_some());
        assert!(switch.for_request("/market-metrics", &[]).is_none());
        assert!(switch.rules().is_empty());
    }

    #[test]
    fn a_rule_for_a_symbol_leaves_the_others_alone() {
        let switch = FaultSwitch::default();
        let symbol = Some("AAPL".to_owned());
        switch.add(Rule { target: "Quote".to_owned(), symbol, kind: Kind::NotANumber, times: None });
        assert_eq!(switch.for_feed("Quote", &["MSFT"]), None);
        assert_eq!(switch.for_feed("Quote", &[]), None);
        assert_eq!(switch.for_feed("Quote", &["AAPL"]), Some(Kind::NotANumber));
    }
}
