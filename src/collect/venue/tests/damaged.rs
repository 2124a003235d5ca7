//! Answers of the simulated venue as the vendor's users report them: spoilt rows, bars that are late or cannot be.

use super::*;
use crate::lake::quality::Findings;

/// Symbol, kind and count of every doubt.
fn doubts(findings: &Findings) -> Vec<(String, &'static str, u64)> {
    let told = |(doubt, count): (&crate::lake::quality::Doubt, u64)| {
        (doubt.symbol.clone().unwrap_or_default(), doubt.kind.name(), count)
    };
    findings.doubts().map(told).collect()
}

#[tokio::test]
async fn every_spelling_of_a_zone_is_read() {
    let venue = Venue::still().await;
    venue.simulator.faults().inject("/", Kind::CompactZone, None);
    let asked = request(["AAPL", "MSFT"]);
    let metrics = rows(&metrics(&venue.client()).fetch(&asked).await.unwrap(), "market_metrics");
    assert_eq!(metrics.column_by_name("updated_at").unwrap().null_count(), 0);
    let days = Calendar { client: venue.client() }.fetch(&asked).await.unwrap();
    assert_eq!((days.failed.len(), doubts(&asked.findings.take())), (0, vec![]));
}

#[tokio::test]
async fn a_field_that_does_not_read_is_null_and_the_row_is_fresh() {
    let venue = Venue::still().await;
    let client = venue.client();
    venue.simulator.faults().inject("/market-metrics", Kind::SpoiltFields, None);
    venue.simulator.faults().inject("/option-chains", Kind::SpoiltFields, None);
    let asked = request(["AAPL", "MSFT"]);
    let fetched = metrics(&client).fetch(&asked).await.unwrap();
    assert_eq!((rows(&fetched, "market_metrics").num_rows(), fetched.failed.len()), (2, 0));
    assert!(rows(&fetched, "market_metrics").column_by_name("beta").unwrap().null_count() == 2);
    let told = doubts(&asked.findings.take());
    assert!(told.iter().all(|(_, kind, count)| *kind == "missing_value" && *count > 10), "{told:?}");
    assert_eq!(told.len(), 2);
    // The symbol of an option says all of its key.
    let asked = request(["SPY"]);
    let spoilt = OptionChains { client: client.clone() }.fetch(&asked).await.unwrap();
    venue.simulator.faults().clear();
    let whole = OptionChains { client }.fetch(&request(["SPY"])).await.unwrap();
    let (spoilt_rows, whole) = (rows(&spoilt, "option_chains"), rows(&whole, "option_chains"));
    assert_eq!((spoilt_rows.num_rows(), spoilt.failed.len()), (whole.num_rows(), 0));
    for column in ["expiration", "strike", "side", "symbol"] {
        assert_eq!(spoilt_rows.column_by_name(column), whole.column_by_name(column), "{column}");
    }
}

#[tokio::test]
async fn a_row_whose_key_does_not_read_is_rejected_and_the_others_are_taken() {
    let venue = Venue::still().await;
    let client = venue.client();
    let whole = OptionChains { client: client.clone() }.fetch(&request(["SPY"])).await.unwrap();
    let whole = rows(&whole, "option_chains").num_rows();
    venue.simulator.faults().inject("/", Kind::SpoiltKeys, None);
    let asked = request(["SPY"]);
    let fetched = OptionChains { client: client.clone() }.fetch(&asked).await.unwrap();
    let taken = rows(&fetched, "option_chains").num_rows();
    assert!(taken < whole && taken > whole / 2 && fetched.failed.is_empty(), "{taken} of {whole}");
    let findings = asked.findings.take();
    assert!(findings.rejected_rows() > 0);
    assert!(
        findings.rejected().all(|(row, _)| row.location == "/option-chains/{}/nested" && row.source == "tastytrade")
    );
    let asked = request(["AAPL"]);
    let fetched = Dividends { client }.fetch(&asked).await.unwrap();
    assert!(rows(&fetched, "dividends").num_rows() > 0 && fetched.failed.is_empty());
    assert!(asked.findings.take().rejected().any(|(row, _)| row.symbol.as_deref() == Some("AAPL")));
}

#[tokio::test(flavor = "multi_thread")]
async fn futures_and_cryptocurrencies_have_quotes_and_bars_under_their_own_names() {
    let venue = Venue::start(Clock::System, 500.0).await;
    let names = ["/ESZ6", "BTC/USD", "SPY"].map(str::to_owned);
    let symbols = Symbols::new(venue.client(), Vec::new(), HashMap::new()).collecting(names.to_vec());
    let known = rows(&symbols.fetch(&request([""; 0])).await.unwrap(), "symbols");
    let pairs = column(&known, "symbol").iter().flatten().zip(column(&known, "streamer_symbol").iter().flatten());
    let spellings: HashMap<String, String> =
        pairs.map(|(symbol, streamer)| (symbol.to_owned(), streamer.to_owned())).collect();
    assert_eq!(spellings["/ESZ6"], "/ESZ26:XCME");
    let mut asked = request(names.clone());
    asked.streamer_symbols = spellings.clone();
    let fetched = venue.eod().fetch(&asked).await.unwrap();
    let bars = rows(&fetched, "eod");
    for name in &names {
        assert!(column(&bars, "symbol").iter().any(|symbol| symbol == Some(name)), "{name} {:?}", fetched.failed);
    }
    let feed = Feed::new(QuoteTokens::new(venue.client()), FeedOptions::default());
    let live = Arc::new(Live::new(4096));
    let followed =
        FeedSymbols { quotes: names.to_vec(), spellings: spellings.into_iter().collect(), ..FeedSymbols::default() };
    let (_symbols, watched) = watch::channel(followed);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(feed.run(live.clone(), watched, shutdown.clone()));
    wait_for("quotes", || names.iter().all(|name| live.book::<Quote>().latest_of(name).is_some())).await;
    shutdown.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_token_lives_however_that_is_told() {
    for told in [true, false] {
        let venue = Venue::still().await;
        venue.simulator.faults().inject("/oauth/token", Kind::TokenLife { told }, None);
        let client = venue.client();
        for _ in 0..3 {
            metrics(&client).fetch(&request(["AAPL"])).await.unwrap();
        }
        assert_eq!(venue.simulator.counters().rest_calls("/oauth/token"), 1);
    }
}

#[tokio::test]
async fn a_bar_that_is_late_is_told_and_asked_for_again() {
    let venue = Venue::still().await;
    venue.simulator.faults().inject("Candle", Kind::LateBar, Some(1));
    let asked = request(["AAPL"]);
    let fetched = venue.eod().fetch(&asked).await.unwrap();
    let late = rows(&fetched, "eod").num_rows();
    assert_eq!(failed(&fetched), ["AAPL"]);
    assert!(fetched.failed[0].reason.contains("its bar of 2026-06-10 is not there yet"), "{:?}", fetched.failed);
    assert_eq!(doubts(&asked.findings.take()), [("AAPL".to_owned(), "late", 1)]);
    assert_eq!(fetched.partial.as_deref(), Some("the bars of 2026-06-10 are not there yet for 1 of 1 symbols"));
    let asked = request(["AAPL"]);
    let fetched = venue.eod().fetch(&asked).await.unwrap();
    assert_eq!((rows(&fetched, "eod").num_rows(), fetched.failed.len()), (late + 1, 0));
}

#[tokio::test]
async fn bars_that_cannot_be_are_rejected() {
    let venue = Venue::still().await;
    let whole = rows(&venue.eod().fetch(&request(["AAPL"])).await.unwrap(), "eod").num_rows();
    venue.simulator.faults().inject("Candle", Kind::ImpossibleBars, None);
    let asked = request(["AAPL"]);
    let fetched = venue.eod().fetch(&asked).await.unwrap();
    assert_eq!((rows(&fetched, "eod").num_rows(), fetched.failed.len()), (whole - 2, 0));
    assert_eq!(doubts(&asked.findings.take()), [("AAPL".to_owned(), "rejected", 2)]);
}

#[tokio::test]
async fn a_snapshot_without_an_end_costs_only_its_symbol() {
    let venue = Venue::still().await;
    venue.spoil("Candle", "AAPL{=d,tho=true}", Kind::EndlessSnapshot);
    let options = EodOptions { symbol_timeout: Duration::from_millis(500), ..EodOptions::default() };
    let fetched = Eod::new(QuoteTokens::new(venue.client()), options).fetch(&request(["AAPL", "MSFT"])).await.unwrap();
    assert_eq!(failed(&fetched), ["AAPL"]);
    assert!(column(&rows(&fetched, "eod"), "symbol").iter().all(|symbol| symbol == Some("MSFT")));
}
