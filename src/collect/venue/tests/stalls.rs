//! The feed against a venue that stalls, refuses or takes little, by a clock that the test moves.

use super::*;
use crate::collect::venue::dxlink::FeedLimits;
use crate::live::feed::{FeedState, FeedTerms, Verdict};
use crate::simulator::fault::Until;
use chrono::TimeDelta;

/// A Wednesday at 11:00 in New York.
const OPEN: &str = "2026-06-10T15:00:00Z";

/// A feed that follows some symbols of a venue which quotes them all the time.
struct Following {
    venue: Venue,
    live: Arc<Live>,
    symbols: watch::Sender<FeedSymbols>,
    shutdown: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

impl Following {
    async fn start(names: &[&str], limits: FeedLimits, faults: &[(&str, Kind)]) -> Self {
        let clock = Clock::hand_set(OPEN.parse().unwrap());
        let venue = Venue::start(clock.clone(), 500.0).await;
        for (target, kind) in faults {
            venue.simulator.faults().inject(target, kind.clone(), None);
        }
        let options =
            FeedOptions { aggregation: Duration::from_millis(10), reconnect_delay: Duration::from_millis(20), limits };
        let feed = Feed::new(QuoteTokens::new(venue.client()), options);
        let live = Arc::new(Live::watched(4096, clock, FeedTerms { class: "simulated", ..FeedTerms::default() }));
        let quotes = names.iter().map(|name| (*name).to_owned()).collect();
        let (symbols, watched) = watch::channel(FeedSymbols { quotes, ..FeedSymbols::default() });
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(feed.run(live.clone(), watched, shutdown.clone()));
        Self { venue, live, symbols, shutdown, running }
    }

    /// The same, once each symbol has had so many quotes that its rhythm is known.
    async fn in_rhythm(names: &[&str]) -> Self {
        let following = Self::start(names, FeedLimits::default(), &[]).await;
        let knows = |name: &&str| {
            let lines = following.live.feed().lines();
            let line = lines.first().map(|line| line.follows());
            let known = line.and_then(|follows| follows.get("quotes", name)?.rhythm.too_long(TimeDelta::seconds(60)));
            known.is_some()
        };
        wait_for("a rhythm", || names.iter().all(knows)).await;
        following
    }

    fn verdict(&self) -> Verdict {
        self.live.feed().verdict("quotes", None).unwrap()
    }

    /// Waits for what holds of the verdict; there is none before the first connection is opened.
    async fn until(&self, what: &str, holds: impl Fn(&Verdict) -> bool) {
        wait_for(what, || self.live.feed().verdict("quotes", None).is_some_and(|verdict| holds(&verdict))).await;
    }

    async fn until_state(&self, state: FeedState) {
        self.until(state.name(), |verdict| verdict.state == state).await;
    }

    fn advance(&self, seconds: i64) {
        self.venue.clock.advance(TimeDelta::seconds(seconds));
    }

    async fn end(self) {
        self.shutdown.cancel();
        self.running.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_is_noticed_and_ends_with_a_new_subscription() {
    let following = Following::in_rhythm(&["SPY", "QQQ"]).await;
    following.venue.simulator.faults().inject("FEED_DATA", Kind::Stall { until: None }, None);
    let begun = following.venue.clock.now();
    let connections = following.venue.simulator.counters().connections;
    following.advance(60);
    following.until_state(FeedState::Stalled).await;
    let verdict = following.verdict();
    assert!(verdict.words().contains("the feed is stalled, its last event 60 s old"), "{}", verdict.words());
    assert!(verdict.words().contains("no events for 60 s in session hours"), "{}", verdict.words());
    // What the venue sends once it is asked anew ends it.
    following.venue.simulator.faults().clear();
    following.until_state(FeedState::Live).await;
    let gaps = following.live.feed().gaps().all();
    let gap = gaps.first().unwrap();
    assert_eq!((gap.from, gap.to, gap.symbols.as_ref()), (begun, Some(begun + TimeDelta::seconds(60)), None));
    assert!(gap.events.contains(&"quotes") && gap.reason.contains("no events for 60 s"), "{gap:?}");
    assert_eq!(following.venue.simulator.counters().connections, connections);
    following.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_that_outlives_a_new_subscription_costs_the_connection() {
    let following = Following::in_rhythm(&["SPY", "QQQ"]).await;
    let stall = Kind::Stall { until: Some(Until::Reconnected) };
    following.venue.simulator.faults().inject("FEED_DATA", stall, None);
    let connections = following.venue.simulator.counters().connections;
    following.advance(60);
    following.until_state(FeedState::Stalled).await;
    following.advance(15);
    wait_for("another connection", || following.venue.simulator.counters().connections > connections).await;
    following.until_state(FeedState::Live).await;
    let gaps = following.live.feed().gaps().all();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(gaps[0].to.is_some());
    following.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_that_stalls_alone_is_told_alone() {
    let following = Following::in_rhythm(&["SPY", "QQQ"]).await;
    let symbol = Some("SPY".to_owned());
    let kind = Kind::Stall { until: None };
    following.venue.simulator.faults().add(Rule { target: "FEED_DATA".to_owned(), symbol, kind, times: None });
    let begun = following.venue.clock.now();
    // The others speak on, so that the connection is never silent.
    let quiet =
        |following: &Following| following.verdict().quiet.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    let spoken = || following.live.book::<Quote>().latest_of("QQQ").map(|quote| quote.received_at);
    for _ in 0..3 {
        following.advance(20);
        let now = following.venue.clock.now();
        wait_for("a quote of the other", || spoken() == Some(now)).await;
    }
    wait_for("the silent symbol", || quiet(&following) == ["SPY"]).await;
    assert_eq!(following.verdict().state, FeedState::Live);
    following.venue.simulator.faults().clear();
    wait_for("its quotes", || quiet(&following).is_empty()).await;
    let gaps = following.live.feed().gaps().all();
    let of_quotes = gaps.iter().find(|gap| *gap.events == ["quotes"]).unwrap();
    assert_eq!((of_quotes.from, of_quotes.symbols.as_deref()), (begun, Some(&["SPY".into()][..])));
    following.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_authorisation_is_renewed_at_once() {
    let following = Following::in_rhythm(&["SPY"]).await;
    following.venue.simulator.faults().inject("AUTH_STATE", Kind::AuthLost, Some(1));
    let begun = Instant::now();
    wait_for("a gap that is over", || {
        let gaps = following.live.feed().gaps().all();
        gaps.first().is_some_and(|gap| gap.to.is_some() && gap.reason.contains("lost its authorisation"))
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(following.venue.simulator.counters().rest_calls("/api-quote-tokens"), 2);
    following.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_a_state_with_a_reason() {
    let following = Following::start(&["SPY"], FeedLimits::default(), &[("AUTH", Kind::Unauthorised)]).await;
    following.until_state(FeedState::Refused).await;
    let words = following.verdict().words();
    assert!(words.starts_with("the feed is refused and has brought nothing yet; its data are simulated"), "{words}");
    assert!(words.contains("refuses the quote token"), "{words}");
    assert!(!following.live.feed().is_whole());
    following.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_symbols_than_one_connection_takes_go_over_several() {
    let limits = FeedLimits { connections: 2, subscriptions: 6 };
    let following = Following::start(&["AAPL", "MSFT", "QQQ", "SPY"], limits, &[]).await;
    wait_for("quotes", || following.live.book::<Quote>().len() == 4).await;
    let sizes = |following: &Following| {
        following.live.feed().lines().iter().map(|line| line.follows().len()).collect::<Vec<_>>()
    };
    assert_eq!(sizes(&following), [6, 6]);
    assert_eq!(following.venue.simulator.counters().subscriptions, 12);
    // Of sixteen, the tape of all four symbols has no room.
    let left_out = following.live.feed().left_out();
    assert!(left_out.len() == 4 && left_out.iter().all(|one| one.event == "time_and_sales"), "{left_out:?}");
    let words = following.live.feed().verdict("time_and_sales", None).unwrap().words();
    assert!(words.contains("the venue takes no more: AAPL, MSFT, QQQ, SPY"), "{words}");
    // One connection is enough for fewer, and the other is given back.
    following.symbols.send_modify(|symbols| symbols.quotes.truncate(1));
    wait_for("one connection", || sizes(&following) == [4]).await;
    following.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_venue_that_takes_less_than_it_should_is_told() {
    let limit = [("FEED_SUBSCRIPTION", Kind::Limit(3))];
    let following = Following::start(&["AAPL", "MSFT"], FeedLimits::default(), &limit).await;
    following.until("the refusal", |verdict| verdict.remark.is_some()).await;
    let words = following.verdict().words();
    assert!(words.contains("refuses a subscription: BAD_ACTION"), "{words}");
    following.end().await;
}
