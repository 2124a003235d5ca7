//! Daily bars: candle snapshots, at most a hundred subscriptions at a time on one session.

use super::assembly::Assembly;
use super::bars::{BAR_SOURCE, Span, bars, date_of};
use super::events::{Candle, EventType};
use super::session::{self, Change, Session, Setup, Subscription};
use super::session_error::SessionError;
use super::token::QuoteTokens;
use crate::collect::findings::FindingsSink;
use crate::collect::venue::bars::eod_batch;
use crate::collect::{FailedItem, Fetch, FetchError, Fetched, Progress, Request};
use crate::lake::quality::{Doubt, DoubtKind, Severity};
use crate::market::bar::Bar;
use crate::market::{calendar, symbol};
use async_trait::async_trait;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// Candle subscriptions the vendor allows on a session.
const CANDLES_MAX: usize = 100;
/// So far before the last bar that is held a symbol is asked for: bars that come again tell whether they are restated.
const OVERLAP: Days = Days::new(10);
/// A symbol without a bar for so many days does not trade any more.
const ACTIVE_DAYS: Days = Days::new(7);
/// Symbols whose last bar may be late, in percent, while the bars count as fresh: a few may not have traded.
const LATE_PERCENT_MAX: usize = 20;
/// Times a snapshot is asked for that the venue cuts off.
const CUT_ATTEMPTS: u32 = 3;
/// First wait before another connection; it doubles.
const RECONNECT_DELAY: Duration = Duration::from_millis(500);

/// How far back and how patiently.
#[derive(Debug, Clone)]
pub struct EodOptions {
    /// History asked for when none is held.
    pub look_back: Duration,
    /// How long a symbol may bring nothing before it is given up.
    pub symbol_timeout: Duration,
    /// Further connections in a row that may bring nothing after one that broke.
    pub reconnects: u32,
}

impl Default for EodOptions {
    fn default() -> Self {
        Self {
            look_back: Duration::from_secs(731 * 24 * 60 * 60),
            symbol_timeout: Duration::from_secs(20),
            reconnects: 2,
        }
    }
}

/// Source of the dataset `eod`.
#[derive(Debug, Clone)]
pub struct Eod {
    /// Gives the tokens that open sessions of the feed.
    pub tokens: QuoteTokens,
    /// How far back and how patiently.
    pub options: EodOptions,
}

/// One symbol to fetch.
#[derive(Debug)]
struct Task {
    item: String,
    candle: Arc<str>,
    from: NaiveDate,
    /// The last bar that is held, behind which there must be no gap.
    held: Option<NaiveDate>,
    /// The last bar that is held, whether or not it is to be continued.
    last: Option<NaiveDate>,
    /// How often its snapshot was cut off.
    cut: u32,
}

#[derive(Debug)]
struct Active {
    task: Task,
    assembly: Assembly,
    deadline: Instant,
}

/// One fetch while it runs; it outlives a connection that breaks.
struct Run<'a> {
    waiting: VecDeque<Task>,
    active: HashMap<Arc<str>, Active>,
    /// Subscriptions to give up with the next change.
    finished: Vec<Arc<str>>,
    bars: Vec<Bar>,
    failed: Vec<FailedItem>,
    answered: u64,
    last_closed: NaiveDate,
    symbol_timeout: Duration,
    /// Symbols whose bar of the last closed session is not there yet.
    late: usize,
    progress: &'a Progress,
    findings: &'a FindingsSink,
}

impl Eod {
    /// Daily bars through sessions opened with these tokens.
    pub fn new(tokens: QuoteTokens, options: EodOptions) -> Self {
        Self { tokens, options }
    }

    fn plan<'a>(&self, request: &'a Request, now: DateTime<Utc>) -> Run<'a> {
        let look_back = TimeDelta::from_std(self.options.look_back).unwrap_or(TimeDelta::MAX);
        let earliest = now.checked_sub_signed(look_back).map_or(NaiveDate::default(), |moment| moment.date_naive());
        let mut run = Run {
            waiting: VecDeque::new(),
            active: HashMap::new(),
            finished: Vec::new(),
            bars: Vec::new(),
            failed: Vec::new(),
            answered: 0,
            last_closed: calendar::last_closed(now).date,
            symbol_timeout: self.options.symbol_timeout,
            late: 0,
            progress: &request.progress,
            findings: &request.findings,
        };
        request.progress.total.fetch_add(request.items.len() as u64, Ordering::Relaxed);
        let mut seen = HashSet::new();
        for item in &request.items {
            let streamer = request.streamer_symbols.get(item).cloned().or_else(|| symbol::occ_to_streamer(item));
            let spelled = candle_of(streamer.as_ref().unwrap_or(item));
            match symbol::canonical_candle(&spelled) {
                Some(candle) if seen.insert(candle.clone()) => {
                    let held = request.held_until.get(item).copied();
                    let overlapping = held.map(|held| held.checked_sub_days(OVERLAP).unwrap_or(held));
                    let from = overlapping.or_else(|| request.begin.get(item).copied()).unwrap_or(earliest);
                    let last = held.or_else(|| request.asked_anew.get(item).copied());
                    run.waiting.push_back(Task { item: item.clone(), candle: candle.into(), from, held, last, cut: 0 });
                }
                Some(_) => run.fail(item, format!("another symbol of this fetch is {spelled} too")),
                None => run.fail(item, format!("{spelled:?} is no candle symbol")),
            }
        }
        run
    }
}

/// Why the bars are not the whole: those of a session that is over lack for more than a few symbols.
fn late_share(late: usize, of: usize, session: NaiveDate) -> Option<String> {
    let many = late.saturating_mul(100) > of.saturating_mul(LATE_PERCENT_MAX);
    many.then(|| format!("the bars of {session} are not there yet for {late} of {of} symbols"))
}

/// The symbol of the daily candles: of regular hours alone, where an instrument has others.
fn candle_of(streamer: &str) -> String {
    let is_stock_or_fund = !streamer.contains([':', '/', '.', '$']) || is_class(streamer);
    format!("{streamer}{{=d{}}}", if is_stock_or_fund { ",tho=true" } else { "" })
}

/// Whether it is a class of shares, such as `BRK/B`.
fn is_class(streamer: &str) -> bool {
    streamer.split_once('/').is_some_and(|(symbol, class)| !symbol.is_empty() && class.len() == 1)
}

impl Run<'_> {
    fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.active.is_empty()
    }

    fn fail(&mut self, item: &str, reason: String) {
        self.progress.finish(0, true);
        self.failed.push(FailedItem { item: item.to_owned(), reason });
    }

    /// Fetches through one session until nothing is left or the session ends.
    async fn drive(&mut self, session: &mut Session) -> Result<(), SessionError> {
        loop {
            self.slide(session);
            let Some(deadline) = self.active.values().map(|active| active.deadline).min() else {
                return Ok(());
            };
            tokio::select! {
                events = session.next() => events?.candles.into_iter().for_each(|candle| self.take(candle)),
                () = tokio::time::sleep_until(deadline) => self.expire(),
            }
        }
    }

    /// Gives up what is finished and subscribes to as many of those waiting.
    fn slide(&mut self, session: &mut Session) {
        let mut change = Change::default();
        let kind = EventType::Candle;
        change.remove.extend(self.finished.drain(..).map(|symbol| Subscription { kind, symbol, from_time: None }));
        let deadline = Instant::now() + self.symbol_timeout;
        while self.active.len() < CANDLES_MAX
            && let Some(task) = self.waiting.pop_front()
        {
            // A day early: the zone of a bar's midnight is the venue's own.
            let from = task.from.pred_opt().unwrap_or(task.from).and_time(NaiveTime::MIN).and_utc();
            let symbol = task.candle.clone();
            change.add.push(Subscription { kind, symbol: symbol.clone(), from_time: Some(from.timestamp_millis()) });
            self.active.insert(symbol, Active { task, assembly: Assembly::default(), deadline });
        }
        session.change(&change);
    }

    fn take(&mut self, candle: Candle) {
        // Late events of a symbol that is finished have no place any more.
        let Some(active) = self.active.get_mut(&candle.symbol) else { return };
        let symbol = candle.symbol.clone();
        let applied = active.assembly.apply(candle);
        // What is sent beside the snapshot does not bring its end nearer.
        if active.assembly.advanced() {
            active.deadline = Instant::now() + self.symbol_timeout;
        }
        if applied.is_ok() && !active.assembly.complete() {
            return;
        }
        let Some(Active { task, assembly, .. }) = self.active.remove(&symbol) else { return };
        self.finished.push(symbol);
        match applied {
            Ok(()) => self.finish(task, assembly),
            Err(reason) => self.fail(&task.item, reason),
        }
    }

    /// Takes the bars of a snapshot that has ended. One that the venue cut off, at its far end, is asked for again; one that
    /// is cut off each time is taken where nothing older is held, else it would leave a gap.
    fn finish(&mut self, mut task: Task, assembly: Assembly) {
        let cut = assembly.cut();
        let span = Span { from: task.from, last_closed: self.last_closed };
        let found = FindingsSink::default();
        let candles: Vec<Candle> = assembly.into_bars().collect();
        let tells_last = candles.iter().any(|candle| date_of(candle) == Some(self.last_closed));
        let bars = bars(&task.item, candles.into_iter(), span, &found);
        let reaches_back = bars.first().is_some_and(|bar| bar.date <= task.held.unwrap_or(task.from));
        if cut && !reaches_back {
            task.cut += 1;
            if task.cut < CUT_ATTEMPTS {
                return self.waiting.push_back(task);
            }
            let earliest = bars.first().map(|bar| format!(" on {}", bar.date)).unwrap_or_default();
            let told = format!("the venue cuts its bars off{earliest}, and {} was asked for", task.from);
            self.findings.doubt(Doubt::about(&task.item, DoubtKind::Truncated, Severity::Warning, told.clone()), 1);
            if task.held.is_some() || bars.is_empty() {
                return self.fail(&task.item, told);
            }
        }
        let last = bars.last().map(|bar| bar.date).max(task.last);
        let late = last.filter(|last| !tells_last && *last < self.last_closed && self.is_active(*last));
        self.findings.extend(found.take());
        self.findings.is_over(DoubtKind::Late, Some(&task.item));
        self.progress.finish(bars.len() as u64, late.is_some());
        self.answered += 1;
        self.bars.extend(bars);
        if let Some(last) = late {
            let reason = format!("its bar of {} is not there yet, the last is of {last}", self.last_closed);
            self.findings.doubt(Doubt::about(&task.item, DoubtKind::Late, Severity::Warning, reason.clone()), 1);
            self.failed.push(FailedItem { item: task.item, reason });
            self.late += 1;
        }
    }

    /// Whether a symbol with its last bar on that date trades still, so that another one is to come.
    fn is_active(&self, last: NaiveDate) -> bool {
        last.checked_add_days(ACTIVE_DAYS).is_some_and(|until| until >= self.last_closed)
    }

    /// Gives up the symbols whose time is over.
    fn expire(&mut self) {
        let now = Instant::now();
        let late: Vec<_> = self.active.extract_if(|_, active| active.deadline <= now).collect();
        for (symbol, active) in late {
            let reason = format!("{symbol}: no whole snapshot within {} s", self.symbol_timeout.as_secs_f64());
            self.fail(&active.task.item, reason);
            self.finished.push(symbol);
        }
    }

    /// A new session knows nothing of the old one's subscriptions: what was under way waits again.
    fn start_over(&mut self) {
        self.finished.clear();
        self.waiting.extend(self.active.drain().map(|(_, active)| active.task));
    }
}

#[async_trait]
impl Fetch for Eod {
    /// One session, a window of candle subscriptions that slides as snapshots finish.
    async fn fetch(&self, request: &Request) -> Result<Fetched, FetchError> {
        let tokens = self.tokens.for_purpose(&request.purpose);
        let setup = Setup { kinds: vec![EventType::Candle], aggregation: Duration::ZERO };
        let clock = tokens.client().clock().clone();
        let mut run = self.plan(request, clock.now());
        let mut connections = 0;
        let mut fruitless = 0;
        let mut error = None;
        while !run.is_done() && fruitless <= self.options.reconnects {
            if fruitless > 0 {
                tokio::time::sleep(RECONNECT_DELAY * 2_u32.saturating_pow(fruitless - 1)).await;
            }
            connections += 1;
            let answered = run.answered;
            let result = match session::open(&tokens, &setup).await {
                Ok(mut session) => {
                    let result = run.drive(&mut session).await;
                    session.close().await;
                    result
                }
                Err(error) => Err(error),
            };
            fruitless = if run.answered > answered { 1 } else { fruitless + 1 };
            if let Err(broken) = result {
                tracing::debug!(error = %broken, "candle session ended");
                run.start_over();
                let refused = broken.refused();
                error = Some(broken);
                if refused {
                    break;
                }
            }
        }
        let origin_calls = tokens.client().calls() + connections;
        if let (0, false, Some(error)) = (run.answered, run.is_done(), &error) {
            return Err(error.clone().into());
        }
        let reason = error.map(|error| error.to_string()).unwrap_or_default();
        for task in std::mem::take(&mut run.waiting) {
            run.fail(&task.item, reason.clone());
        }
        run.failed.sort_by(|one, other| one.item.cmp(&other.item));
        let batches =
            if run.bars.is_empty() { Vec::new() } else { vec![eod_batch(&run.bars, BAR_SOURCE, clock.now())] };
        let partial = late_share(run.late, request.items.len(), run.last_closed);
        // All the bars there were before that session ended.
        let session = calendar::session(run.last_closed).filter(|_| partial.is_some());
        Ok(Fetched {
            batches,
            items: request.items.len() as u64,
            failed: run.failed,
            as_of: session.map(|session| session.close_at - TimeDelta::seconds(1)),
            partial,
            origin_calls,
            ..Fetched::default()
        })
    }
}
