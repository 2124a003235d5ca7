//! What is done with the texts of one connection of the feed, and what must hold of the events whatever they are. Used by
//! the fuzz targets, and by the test that replays what they have found.

use chrono::{DateTime, NaiveDate, Utc};
use futures::FutureExt;
use std::sync::Arc;
use tikv_jemalloc_ctl::thread::allocatedp;
use ttapi::collect::venue::dxlink::Replay;
use ttapi::live::{Book, Live, Subscription};
use ttapi::market::bar::Bar;
use ttapi::market::event::{self, Event, Read, Visitor};

/// What is subscribed.
const SYMBOLS: [&str; 6] = ["SPY", "QQQ", "BRK/B", ".SPY260116C500", "SPY{=d}", "QQQ{=d}"];

/// Bytes that the reading of a text may allocate: for each byte of it, and whatever it is. The narrowest event takes six
/// bytes on the wire, and a few hundred as a row of values, an event and a slot of the book.
const BYTES_PER_BYTE: u64 = 512;
const BYTES_AT_LEAST: u64 = 256 << 10;

/// The last session of which bars are taken.
const LAST_CLOSED: &str = "2026-01-06";

/// What came of the texts.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// Every event in words, type by type within a text.
    events: Vec<String>,
    bars: Vec<Bar>,
    ignored: u64,
    is_open: bool,
}

/// Reads an input as the texts of one connection, a line for each, from `SETUP` on. Returns how many events and bars came of
/// them, or says what was done wrong.
pub(crate) fn dxlink(bytes: &[u8]) -> Result<u64, String> {
    let texts = String::from_utf8_lossy(bytes);
    let (one, other) = (replayed(&texts)?, replayed(&texts)?);
    if one != other {
        return Err(format!("the same texts twice differ: {one:?}; {other:?}"));
    }
    if let Some(bar) = one.bars.iter().find(|bar| is_wrong(bar)) {
        return Err(format!("a bar that is none: {bar:?}"));
    }
    Ok((one.events.len() + one.bars.len()) as u64)
}

fn replayed(texts: &str) -> Result<Outcome, String> {
    let at: DateTime<Utc> = "2026-01-07T22:00:00Z".parse().expect("a moment");
    // Room for every event that a text of this size can hold.
    let live = Live::new(texts.len() / 4 + 1);
    let mut followers = Followers { live: &live, all: Vec::new() };
    event::each(&mut followers);
    let mut followers = followers.all;
    let (mut replay, mut events) = (Replay::new(SYMBOLS), Vec::new());
    for text in texts.lines() {
        let before = allocated();
        let count = replay.read(text, at, &live);
        let taken = allocated().saturating_sub(before);
        if taken > BYTES_AT_LEAST + BYTES_PER_BYTE * text.len() as u64 {
            return Err(format!("{taken} bytes for a text of {}", text.len()));
        }
        let known = events.len();
        for follower in &mut followers {
            follower(at, &mut events)?;
        }
        let published = events.len() - known;
        if published > count {
            return Err(format!("{published} events were published of {count}"));
        }
    }
    let (ignored, is_open) = (replay.ignored(), replay.is_open());
    let last: NaiveDate = LAST_CLOSED.parse().expect("a date");
    let bars = replay.into_bars(NaiveDate::default(), last);
    Ok(Outcome { events, bars, ignored, is_open })
}

/// Bytes that this thread has allocated since it began.
fn allocated() -> u64 {
    allocatedp::read().expect("an allocator that counts").get()
}

/// Adds what was published of one type of event in words, or says what is wrong with it.
type Follower = Box<dyn FnMut(DateTime<Utc>, &mut Vec<String>) -> Result<(), String>>;

/// Follows the book of every type.
struct Followers<'a> {
    live: &'a Live,
    all: Vec<Follower>,
}

impl Visitor for Followers<'_> {
    fn visit<E: Event>(&mut self) {
        let book: &Arc<Book<E>> = self.live.book::<E>();
        let mut subscription = book.subscribe(None);
        self.all.push(Box::new(move |at, events| {
            for event in taken(&mut subscription)? {
                check(&*event, at)?;
                events.push(format!("{event:?}"));
            }
            Ok(())
        }));
    }
}

/// The events that were published since the last look.
fn taken<E: Event>(subscription: &mut Subscription<E>) -> Result<Vec<Arc<E>>, String> {
    // Nothing is waited for: what a text holds is published when it has been read.
    let Some(Some((events, missed))) = subscription.next(usize::MAX).now_or_never() else { return Ok(Vec::new()) };
    if missed > 0 { Err(format!("{missed} events were lost")) } else { Ok(events) }
}

/// Says what is wrong with an event: a price, a ratio or a size that the venue does not know is NULL, and nothing else is no
/// number. Of prices those of spreads and of some futures may be below 0.
fn check<E: Event>(event: &E, at: DateTime<Utc>) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{}: {what}: {event:?}", E::NAME));
    if !SYMBOLS.contains(&&**event.symbol()) {
        return wrong("a symbol that is not subscribed");
    }
    if event.received_at() != at {
        return wrong("received at another time");
    }
    if event.event_at().is_some_and(|at| at <= DateTime::UNIX_EPOCH) {
        return wrong("of a time before all times");
    }
    for column in E::COLUMNS {
        let is_odd = match column.read {
            Read::Double(read) => read(event).is_some_and(|number| !number.is_finite()),
            Read::Text(read) => read(event).is_some_and(|text| matches!(text, "" | "\0" | "UNDEFINED")),
            Read::Date(read) => read(event).is_some_and(|date| date <= NaiveDate::default()),
            Read::Instant(read) => read(event).is_some_and(|at| at <= DateTime::UNIX_EPOCH),
            Read::Boolean(_) | Read::Integer(_) => false,
        };
        if is_odd {
            return wrong(column.name);
        }
    }
    Ok(())
}

/// Whether a bar cannot be one.
fn is_wrong(bar: &Bar) -> bool {
    let prices = [bar.open, bar.high, bar.low, bar.close];
    let last: NaiveDate = LAST_CLOSED.parse().expect("a date");
    prices.iter().flatten().any(|price| !price.is_finite() || *price <= 0.0)
        || bar.close.is_none()
        || bar.high.zip(bar.low).is_some_and(|(high, low)| high < low)
        || bar.volume.is_some_and(|volume| volume < 0)
        || bar.open_interest.is_some_and(|contracts| contracts < 0)
        || !(NaiveDate::default()..=last).contains(&bar.date)
        || !SYMBOLS.contains(&bar.symbol.as_str())
}

/// The handshake as servers answer it, a line for each text.
const HANDSHAKE: &str = concat!(
    r#"{"type":"SETUP","channel":0,"version":"1.0-1.2.1","keepaliveTimeout":60,"acceptKeepaliveTimeout":60}"#,
    "\n",
    r#"{"type":"AUTH_STATE","channel":0,"state":"UNAUTHORIZED"}"#,
    "\n",
    r#"{"type":"AUTH_STATE","channel":0,"state":"AUTHORIZED","userId":"u"}"#,
    "\n",
    r#"{"type":"CHANNEL_OPENED","channel":1,"service":"FEED","parameters":{"contract":"AUTO"}}"#,
    "\n",
);

/// What follows it, by name: the texts of an open channel.
const OPEN: [(&str, &str); 8] = [
    (
        "compact_quotes",
        r#"{"type":"FEED_CONFIG","channel":1,"dataFormat":"COMPACT","aggregationPeriod":0.1,"eventFields":{"Quote":["eventType","eventSymbol","bidPrice","bidSize","bidTime","askPrice","askSize","askTime"]}}
{"type":"FEED_DATA","channel":1,"data":["Quote",["Quote","SPY",500.01,300.0,1767627000123,500.03,200.0,0,"Quote","QQQ","NaN","NaN",0,420.5,1e3,0]]}
{"type":"KEEPALIVE","channel":0}"#,
    ),
    (
        "compact_by_what_is_asked",
        r#"{"type":"FEED_DATA","channel":1,"data":["Trade",["SPY",7,100,0.5,1e6,1767627000123],"Summary",["BRK/B",20458,499.1,501.2,498.8,"NaN","REGULAR",20457,499.65,"FINAL",54321000.0,0]]}
{"type":"FEED_DATA","channel":1,"data":["Greeks",[".SPY260116C500",0,8.4,0.15,0.5,0.01,-0.2,0.07,0.33,0],"TimeAndSale",["SPY",0,1767627000123,456000,7,"Q",500.02,100.0,500.01,"NaN","@","UNDEFINED",false,true,true,"NEW","SPY",2,1767627000124,0,8,"Q",1.0,1.0,1.0,1.0,"@","BUY",false,false,true,"NEW"]]}"#,
    ),
    (
        "full",
        r#"{"type":"FEED_DATA","channel":1,"data":[{"eventType":"Quote","eventSymbol":"SPY","bidPrice":500.01,"askPrice":"Infinity","bidSize":1e300},{"eventType":"Quote","eventSymbol":"QQQ","bidPrice":1.7e308,"askPrice":1.7e308},{"eventType":"Greeks","eventSymbol":".SPY260116C500","delta":0.53,"eventFlags":0},{"eventType":"Trade","eventSymbol":"SPY","price":-37.63,"time":9223372036854775807}]}"#,
    ),
    (
        "candles",
        r#"{"type":"FEED_DATA","channel":1,"data":["Candle",["SPY{=d}",4,7591660497351475203,1767657600000,1.0,2.0,0.5,1.5,100.0,"NaN",0,"SPY{=d}",0,7591660497351475202,1767571200000,1.0,2.0,0.5,1.25,4.123e7,"NaN",0]]}
{"type":"FEED_DATA","channel":1,"data":["Candle",["SPY{=d}",0,7591660497351475201,null,1.0,2.0,0.5,"NaN",100.0,0,0,"SPY{=d}",8,7591660497351475200,1767312000000,1.0,2.0,0.5,1.0,100.0,5,0]]}
{"type":"FEED_DATA","channel":1,"data":["Candle",["QQQ{=d}",12,1,1767571200000,3,1,2,3,1,1,0,"QQQ{=d}",1,2,1767312000000,3,1,2,3,1,1,0,"QQQ{=d}",2,2,0,3,1,2,3,1,1,0]]}"#,
    ),
    (
        "narrow",
        r#"{"type":"FEED_CONFIG","channel":1,"eventFields":{"Quote":["eventSymbol"],"TimeAndSale":["eventSymbol"],"Trade":[]}}
{"type":"FEED_DATA","channel":1,"data":["Quote",["SPY","SPY","QQQ","SPY"],"TimeAndSale",["SPY","SPY"],"Trade",[],"Trade",[1]]}"#,
    ),
    (
        "out_of_place",
        r#"{"type":"FEED_DATA","channel":1,"data":["Quote","Trade",[1],5,null,[2],"Quote",{"eventType":"Quote"},[[[]]],{"a":{"b":[1]}}]}
{"type":"FEED_DATA","channel":1,"data":["Quote",["XYZ",1,1,1,1,1,1],"Quote",["SPY",500.01,"NaN",0,500.03,1e300,99999999999999999999],"Mystery",[1]]}
{"type":"FEED_DATA","channel":2,"data":[]}
{nonsense"#,
    ),
    (
        "errors",
        r#"{"type":"ERROR","channel":1,"error":"INVALID_MESSAGE","message":"no such symbol"}
{"type":"FEED_DATA","channel":1,"data":["Quote",["SPY",1,1,0,2,1,0]]}
{"type":"MYSTERY","channel":7,"data":["a"]}
{"type":"CHANNEL_CLOSED","channel":1}
{"type":"FEED_DATA","channel":1,"data":["Quote",["SPY",1,1,0,2,1,0]]}"#,
    ),
    (
        "token_lost",
        r#"{"type":"FEED_DATA","channel":1,"data":["Quote",["SPY",1,1,0,2,1,0]]}
{"type":"ERROR","channel":0,"error":"UNAUTHORIZED","message":"session expired"}
{"type":"AUTH_STATE","channel":0,"state":"UNAUTHORIZED"}"#,
    ),
];

/// Whole connections, by name: the seeds. Each brings an event.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    OPEN.iter().map(|(name, open)| ((*name).to_owned(), format!("{HANDSHAKE}{open}\n").into_bytes())).collect()
}
