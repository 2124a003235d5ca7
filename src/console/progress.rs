//! How far collection and import are: one line per dataset, updated in place on a terminal; elsewhere plain lines at
//! the start, every few seconds and at the end.
//!
//! A source counts in a shared [`Progress`]; a [`Tracked`] line only reads it. Dropping the line ends it. A line's
//! columns are name, items done of all, items failed, rows, time, rows a second; and until it ends the time that is left, if
//! what is left takes as long as what is done:
//!
//! ```text
//! market_metrics               507/508  failed 1      rows         507      4.2s          120 rows/s  0.1s left
//! ```

use crate::clock::Clock;
use crate::progress::Progress;
use chrono::{DateTime, Utc};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two redraws on a terminal.
const REDRAW_PERIOD: Duration = Duration::from_millis(100);
/// Between two plain lines of one dataset.
const PLAIN_PERIOD: Duration = Duration::from_secs(5);

/// Where plain lines go. The lock is held for one line.
type Sink = Arc<Mutex<dyn Write + Send>>;

/// The place of all progress lines. Cheap to clone.
#[derive(Clone)]
pub struct Display {
    kind: Kind,
    clock: Clock,
}

/// How lines are shown: drawn anew in place, or printed one below the other.
#[derive(Clone)]
enum Kind {
    Terminal(MultiProgress),
    Plain { sink: Sink, period: Duration },
}

impl Default for Display {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Display {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            Kind::Terminal(_) => "terminal",
            Kind::Plain { .. } => "plain",
        };
        f.debug_struct("Display").field("kind", &kind).finish_non_exhaustive()
    }
}

impl Display {
    /// Shows on standard error: in place on a terminal, as plain lines otherwise.
    pub fn new() -> Self {
        let kind = if std::io::stderr().is_terminal() {
            Kind::Terminal(MultiProgress::with_draw_target(ProgressDrawTarget::stderr()))
        } else {
            Kind::Plain { sink: Arc::new(Mutex::new(std::io::stderr())), period: PLAIN_PERIOD }
        };
        Self { kind, clock: Clock::System }
    }

    /// Plain lines into `sink`, one per `period`.
    pub fn plain(sink: impl Write + Send + 'static, period: Duration, clock: Clock) -> Self {
        Self { kind: Kind::Plain { sink: Arc::new(Mutex::new(sink)), period }, clock }
    }

    /// Begins the line of `name`, which shows `progress` until it is finished or dropped.
    pub fn track(&self, name: &str, progress: Arc<Progress>) -> Tracked {
        let line = Line { name: name.to_owned(), progress, clock: self.clock.clone(), started_at: self.clock.now() };
        let line = Arc::new(line);
        let shown = match &self.kind {
            Kind::Terminal(lines) => Shown::Terminal(lines.add(bar(line.clone()))),
            Kind::Plain { sink, period } => Shown::Plain(PlainLines::start(line.clone(), sink.clone(), *period)),
        };
        Tracked { line, shown: Some(shown) }
    }

    /// Prints a line above the progress lines without disturbing them.
    pub fn note(&self, text: &str) {
        match &self.kind {
            // A terminal that went away leaves nobody to tell.
            Kind::Terminal(lines) => {
                let _ = lines.println(text);
            }
            Kind::Plain { sink, .. } => print(sink, text),
        }
    }
}

/// One dataset's line. Dropping it without [`Tracked::finish`] prints an outcome made from the counts.
#[derive(Debug)]
pub struct Tracked {
    line: Arc<Line>,
    shown: Option<Shown>,
}

#[derive(Debug)]
enum Shown {
    Terminal(ProgressBar),
    Plain(PlainLines),
}

impl Tracked {
    /// Ends the line with `outcome` (`fresh`, `3 symbols failed`, an error).
    pub fn finish(mut self, outcome: &str) {
        self.end(outcome);
    }

    /// Shows the last counts with the outcome; once.
    fn end(&mut self, outcome: &str) {
        let Some(shown) = self.shown.take() else { return };
        let last = format!("{}  {outcome}", self.line.text());
        match shown {
            Shown::Terminal(bar) => {
                if let Ok(style) = ProgressStyle::with_template("{msg}") {
                    bar.set_style(style);
                }
                bar.finish_with_message(last);
            }
            Shown::Plain(lines) => lines.end(&last),
        }
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let counts = Counts::read(&self.line.progress);
            self.end(&counts.outcome());
        }
    }
}

/// A line that indicatif draws anew every [`REDRAW_PERIOD`].
fn bar(line: Arc<Line>) -> ProgressBar {
    let bar = ProgressBar::no_length();
    let style = ProgressStyle::with_template("{line}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    bar.set_style(style.with_key("line", move |_: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
        // A line that cannot be drawn is drawn again shortly.
        let _ = out.write_str(&line.text_so_far());
    }));
    bar.enable_steady_tick(REDRAW_PERIOD);
    bar
}

/// A thread that prints a line now and then, until its sender is gone.
#[derive(Debug)]
struct PlainLines {
    stop: Sender<()>,
    thread: Option<JoinHandle<()>>,
    sink: SinkHandle,
}

#[derive(Clone)]
struct SinkHandle(Sink);

impl std::fmt::Debug for SinkHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sink")
    }
}

impl PlainLines {
    /// Prints that it has begun, and starts the thread.
    fn start(line: Arc<Line>, sink: Sink, period: Duration) -> Self {
        let (stop, stopped) = channel::<()>();
        print(&sink, &format!("{:<NAME_WIDTH$} started", line.name));
        let printer = sink.clone();
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(period) {
                print(&printer, &line.text_so_far());
            }
        });
        // Without a thread there are no lines in between; first and last line still come.
        Self { stop, thread: thread.ok(), sink: SinkHandle(sink) }
    }

    fn end(self, last: &str) {
        drop(self.stop);
        if let Some(thread) = self.thread {
            // It prints and nothing else; a panic in it must not become ours.
            let _ = thread.join();
        }
        print(&self.sink.0, last);
    }
}

/// One plain line, complete before another one's.
fn print(sink: &Sink, text: &str) {
    let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
    // Progress that cannot be shown is no reason to stop the work.
    let _ = writeln!(sink, "{text}").and_then(|()| sink.flush());
}

/// What one line is made of: whose progress it is, and when it began.
#[derive(Debug)]
struct Line {
    name: String,
    progress: Arc<Progress>,
    clock: Clock,
    started_at: DateTime<Utc>,
}

impl Line {
    fn text(&self) -> String {
        text(&self.name, Counts::read(&self.progress), self.elapsed())
    }

    /// The same while the work goes on, with the time that is left where that can be told.
    fn text_so_far(&self) -> String {
        let (counts, elapsed) = (Counts::read(&self.progress), self.elapsed());
        let left = counts.left(elapsed).map(|left| format!("  {} left", duration(left)));
        text(&self.name, counts, elapsed) + &left.unwrap_or_default()
    }

    fn elapsed(&self) -> Duration {
        (self.clock.now() - self.started_at).to_std().unwrap_or_default()
    }
}

/// A [`Progress`] at one moment.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    total: u64,
    done: u64,
    failed: u64,
    rows: u64,
}

impl Counts {
    fn read(progress: &Progress) -> Self {
        Self {
            total: progress.total.load(Ordering::Relaxed),
            done: progress.done.load(Ordering::Relaxed),
            failed: progress.failed.load(Ordering::Relaxed),
            rows: progress.rows.load(Ordering::Relaxed),
        }
    }

    /// How long the rest takes if it takes as long as what is done; `None` before the first item and after the last.
    fn left(self, elapsed: Duration) -> Option<Duration> {
        let rest = self.total.checked_sub(self.done).filter(|rest| *rest > 0 && self.done > 0)?;
        let millis = elapsed.as_millis().saturating_mul(u128::from(rest)) / u128::from(self.done);
        Some(Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)))
    }

    /// What is said of a line that nobody has ended with a word of its own.
    fn outcome(self) -> String {
        match self {
            Self { done, total, .. } if done < total => "stopped".to_owned(),
            Self { failed: 0, .. } => "done".to_owned(),
            Self { failed, .. } => format!("done, {failed} failed"),
        }
    }
}

/// Characters of the column of names: the longest dataset's name.
const NAME_WIDTH: usize = 22;

/// One line of fixed columns: name, done/total, failed, rows, elapsed, rows per second.
fn text(name: &str, counts: Counts, elapsed: Duration) -> String {
    let items = format!("{}/{}", counts.done, counts.total);
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = counts.rows.saturating_mul(1_000) / millis;
    format!(
        "{name:<NAME_WIDTH$} {items:>13}  failed {:<5}  rows {:>11}  {:>8}  {:>11} rows/s",
        counts.failed,
        grouped(counts.rows),
        duration(elapsed),
        grouped(rate),
    )
}

/// A number with commas between thousands: `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration as people write it: `4.2s`, `3m07s`, `2h05m`.
fn duration(elapsed: Duration) -> String {
    match elapsed.as_secs() {
        seconds @ 0..60 => format!("{seconds}.{}s", elapsed.subsec_millis() / 100),
        seconds @ 60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        seconds => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Memory {
        fn lines(&self) -> Vec<String> {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
        }
    }

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn display(period: Duration) -> (Display, Memory, Clock) {
        let memory = Memory::default();
        let clock = Clock::hand_set(DateTime::UNIX_EPOCH);
        (Display::plain(memory.clone(), period, clock.clone()), memory, clock)
    }

    #[test]
    fn plain_lines_begin_and_end() {
        let (display, memory, clock) = display(Duration::from_secs(3_600));
        let progress = Arc::new(Progress::default());
        progress.total.store(15_798, Ordering::Relaxed);
        let tracked = display.track("eod", progress.clone());
        progress.finish(1_234_567, true);
        clock.advance(TimeDelta::seconds(187));
        tracked.finish("1 file failed");
        assert_eq!(
            memory.lines(),
            [
                "eod                    started",
                "eod                          1/15798  failed 1      rows   1,234,567     3m07s        6,601 rows/s  1 file failed",
            ]
        );
    }

    #[test]
    fn a_dropped_line_says_how_it_ended() {
        let (display, memory, _) = display(Duration::from_secs(3_600));
        let progress = Arc::new(Progress::default());
        progress.total.store(2, Ordering::Relaxed);
        let ending = |failed| {
            let tracked = display.track("symbols", progress.clone());
            progress.finish(1, failed);
            drop(tracked);
            memory.lines().pop().unwrap()
        };
        assert!(ending(false).ends_with("  stopped"));
        assert!(ending(true).ends_with("  done, 1 failed"));
    }

    #[test]
    fn lines_come_in_between() {
        let (display, memory, _) = display(Duration::from_millis(1));
        let tracked = display.track("eod", Arc::new(Progress::default()));
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while memory.lines().len() < 3 && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        drop(tracked);
        assert!(memory.lines().len() >= 4);
    }

    #[test]
    fn a_line_tells_how_long_the_rest_takes() {
        let left = |done, total| Counts { done, total, ..Counts::default() }.left(Duration::from_secs(10));
        assert_eq!([left(0, 40), left(40, 40), left(41, 40)], [None; 3]);
        assert_eq!((left(10, 40), left(39, 40)), (Some(Duration::from_secs(30)), Some(Duration::from_millis(256))));
        let (display, memory, clock) = display(Duration::from_secs(3_600));
        let progress = Arc::new(Progress::default());
        progress.begin(4);
        progress.finish(1, false);
        let tracked = display.track("eod", progress);
        clock.advance(TimeDelta::seconds(20));
        assert!(tracked.line.text_so_far().ends_with("rows/s  1m00s left"), "{}", tracked.line.text_so_far());
        tracked.finish("done");
        assert!(memory.lines().iter().all(|line| !line.contains("left")));
    }

    #[test]
    fn durations() {
        let shown = |millis| duration(Duration::from_millis(millis));
        assert_eq!([shown(0), shown(59_999), shown(60_000), shown(7_500_000)], ["0.0s", "59.9s", "1m00s", "2h05m"]);
    }
}
