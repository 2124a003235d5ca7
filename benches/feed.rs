//! What the feed costs: quotes from the texts of a connection through the decoder into their book and its ring, without
//! history and with it, without a follower and with one.
//!
//!     cargo bench --bench feed -- [--out benches/runs/NAME]
//!     cargo bench --profile dev --bench feed               # with what `cargo test` has built already
//!
//! Prints a table; `--out` also writes it as feed.md. The texts are made once and read again and again; no socket is
//! involved. For the way from a venue to a client's hands there is feed.py.
#![allow(clippy::unwrap_used)]

use chrono::Utc;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use ttapi::collect::venue::dxlink::Replay;
use ttapi::lake::dataset;
use ttapi::live::Live;
use ttapi::live::spool::{OpenSpool, Spool, SpoolLimits};
use ttapi::market::event::Quote;

/// Quotes of one text, each of another symbol.
const SYMBOLS: usize = 1_000;
/// Texts that differ, and how many are read for one figure.
const TEXTS: usize = 16;
const READ: usize = 2_000;
/// Events of a ring, and what a spool may hold, as the configuration has them.
const RING: usize = 65_536;
const LIMITS: SpoolLimits = SpoolLimits { intake_events: 256 << 10, memory_bytes: 256 << 20, disk_bytes: 8 << 30 };
/// Deliveries that a follower takes at once.
const TAKEN: usize = 4_096;
/// Ticks of a processor that the system counts in a second.
const TICKS: f64 = 100.0;

/// The answers of a server until its channel is open.
const HANDSHAKE: [&str; 4] = [
    r#"{"type":"SETUP","channel":0,"version":"1.0","keepaliveTimeout":60}"#,
    r#"{"type":"AUTH_STATE","channel":0,"state":"AUTHORIZED"}"#,
    r#"{"type":"CHANNEL_OPENED","channel":1,"service":"FEED"}"#,
    r#"{"type":"FEED_CONFIG","channel":1,"dataFormat":"COMPACT","eventFields":{"Quote":["eventSymbol","bidPrice","bidSize","bidTime","askPrice","askSize","askTime"]}}"#,
];

fn symbols() -> Vec<String> {
    (0..SYMBOLS).map(|number| format!("S{number:04}")).collect()
}

/// One text with a quote of each symbol.
fn text(symbols: &[String], number: usize) -> String {
    let quote = |(place, symbol): (usize, &String)| {
        let cents = 10_000 + (place * 7 + number * 13) % 5_000;
        let (bid, ask) = (cents as f64 / 100.0, (cents + 1) as f64 / 100.0);
        format!(r#""{symbol}",{bid},300.0,1767627000123,{ask},200.0,1767627000{:03}"#, number % 1_000)
    };
    let quotes: Vec<String> = symbols.iter().enumerate().map(quote).collect();
    format!(r#"{{"type":"FEED_DATA","channel":1,"data":["Quote",[{}]]}}"#, quotes.join(","))
}

/// What one way cost.
struct Cost {
    events: f64,
    seconds: f64,
    /// Seconds of processors, all threads together.
    busy: f64,
    lost: u64,
    missed: u64,
}

fn cost(history: bool, follower: bool) -> Cost {
    let symbols = symbols();
    let texts: Vec<String> = (0..TEXTS).map(|number| text(&symbols, number)).collect();
    let (live, directory) = (Arc::new(Live::new(RING)), tempfile::tempdir().unwrap());
    let mut replay = Replay::new(symbols.iter().map(String::as_str));
    let greeted: usize = HANDSHAKE.iter().map(|text| replay.read(text, Utc::now(), &live)).sum();
    assert!(replay.is_open() && greeted == 0);
    // The symbols are known, as they are after the first second of a feed.
    assert_eq!(replay.read(&texts[0], Utc::now(), &live), SYMBOLS);
    let spool = history.then(|| {
        let schema = dataset::find("quotes_history").unwrap().schema;
        OpenSpool::open(directory.path(), schema).unwrap().start(live.book::<Quote>(), 0, LIMITS).unwrap()
    });
    let following = follower.then(|| follow(&live));
    let (began, busy) = (Instant::now(), busy_seconds());
    let mut events = 0;
    for number in 0..READ {
        events += replay.read(&texts[number % TEXTS], Utc::now(), &live);
    }
    // What is kept has been written.
    spool.iter().for_each(Spool::stop);
    let (seconds, busy) = (began.elapsed().as_secs_f64(), busy_seconds() - busy);
    assert_eq!((events, replay.ignored()), (READ * SYMBOLS, 0));
    let lost = spool.as_ref().map_or(0, |spool| spool.status().missed());
    drop((spool, replay));
    let missed = following.map_or(0, |following| {
        live.book::<Quote>().publish(last());
        following.join().unwrap()
    });
    Cost { events: events as f64, seconds, busy, lost, missed }
}

/// A thread that takes whatever comes, until the last quote, and tells what it missed.
fn follow(live: &Live) -> std::thread::JoinHandle<u64> {
    let mut subscription = live.book::<Quote>().subscribe(None);
    std::thread::spawn(move || {
        let mut missed = 0;
        futures::executor::block_on(async {
            while let Some((events, lost)) = subscription.next(TAKEN).await {
                missed += lost;
                if events.iter().any(|event| event.symbol == last().symbol) {
                    break;
                }
            }
        });
        missed
    })
}

/// A quote that ends what follows.
fn last() -> Quote {
    Quote {
        symbol: "LAST".into(),
        bid: None,
        bid_size: None,
        ask: None,
        ask_size: None,
        event_at: None,
        received_at: Utc::now(),
    }
}

/// Seconds that the threads of this process have had a processor.
fn busy_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The name before it may have blanks.
    let (_, after) = stat.rsplit_once(") ").unwrap();
    let ticks = after.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap());
    ticks.sum::<f64>() / TICKS
}

fn run() -> String {
    let mut text = String::from(
        "| what | quotes a second | quotes a second and core | lost before the history | missed by the follower |\n|---|---|---|---|---|\n",
    );
    for (history, follower, what) in [
        (false, false, "decoder and book"),
        (false, true, "the same, and a follower of the ring"),
        (true, false, "decoder, book and history"),
        (true, true, "the same, and a follower of the ring"),
    ] {
        let Cost { events, seconds, busy, lost, missed } = cost(history, follower);
        let (rate, of_a_core) = (events / seconds, events / busy.max(1.0 / TICKS));
        writeln!(text, "| {what} | {rate:.0} | {of_a_core:.0} | {lost} | {missed} |").unwrap();
    }
    text
}

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--out");
    let out = arguments.nth(1).map(PathBuf::from);
    let text = run();
    print!("{text}");
    if let Some(folder) = out {
        std::fs::create_dir_all(&folder).unwrap();
        let build = if cfg!(debug_assertions) { "dev profile" } else { "release" };
        let (cores, arch) = (std::thread::available_parallelism().unwrap(), std::env::consts::ARCH);
        let head = format!("{cores} cores, {arch}; {build}; {READ} texts of {SYMBOLS} quotes each.\n\n");
        std::fs::write(folder.join("feed.md"), head + &text).unwrap();
    }
}
