//! What the venue answers over HTTP.

use super::*;

#[tokio::test]
async fn requests_without_user_agent_or_token_are_refused() {
    let fixture = Fixture::at(OPEN).await;
    let bare = Client::builder().no_proxy().build().unwrap();
    let refused = bare.get(fixture.url("/instruments/equities")).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers()["content-type"].to_str().unwrap()), (401, "text/html"));
    let refused = fixture.client.get(fixture.url("/instruments/equities")).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.json::<Value>().await.unwrap()["error"]["code"], "token_invalid");
    let version = fixture.client.get(fixture.url("/api-quote-tokens")).header("accept-version", "20200101");
    let refused = version.bearer_auth(&fixture.token).send().await.unwrap();
    assert_eq!(refused.json::<Value>().await.unwrap()["error"]["code"], 406);
    let open = fixture.client.get(fixture.url("/margin-requirements-public-configuration")).send().await.unwrap();
    assert_eq!(open.json::<Value>().await.unwrap()["data"]["risk-free-rate"], "0.0412");
}

#[tokio::test]
async fn a_token_expires_by_the_clock() {
    let mut fixture = Fixture::at(OPEN).await;
    fixture.get("/instruments/equities/SPY").await;
    fixture.clock.advance(TimeDelta::seconds(900));
    assert_eq!(fixture.response("/instruments/equities/SPY").await.status(), 401);
    fixture.log_in().await;
    fixture.get("/instruments/equities/SPY").await;
    assert_eq!(fixture.venue.counters().rest_calls("/instruments/equities"), 3);
}

#[tokio::test]
async fn equities_are_listed_in_pages() {
    let fixture = Fixture::with(OPEN, 1_200, 0.0, Faults::default()).await;
    let mut seen = Vec::new();
    for page in 0..4 {
        let reply = fixture.get(&format!("/instruments/equities/active?per-page=400&page-offset={page}")).await;
        assert_eq!(reply["pagination"]["total-pages"], 3);
        assert_eq!(reply["context"], "/instruments/equities/active");
        seen.extend(reply["data"]["items"].as_array().unwrap().iter().map(|item| item["symbol"].clone()));
    }
    assert_eq!(seen.len(), 1_200);
    let some = fixture.items("/instruments/equities?symbol[]=SPY&symbol%5B%5D=BRK%2FB&symbol[]=NOSUCH").await;
    assert_eq!(some.len(), 2);
    assert_eq!((&some[0]["is-etf"], &some[0]["listed-market"]), (&json!(true), &json!("ARCX")));
    let one = fixture.get("/instruments/equities/BRK%2FB").await;
    assert_eq!((&one["data"]["symbol"], &one["context"]), (&json!("BRK/B"), &json!("/instruments/equities/BRK%2FB")));
    assert!(one["data"].get("halted-at").is_none());
    assert_eq!(fixture.response("/instruments/equities?per-page=1001").await.status(), 400);
    assert_eq!(fixture.response("/instruments/equities/NOSUCH").await.status(), 404);
}

#[tokio::test]
async fn the_shapes_of_an_option_chain_agree() {
    let fixture = Fixture::at(OPEN).await;
    let flat = fixture.items("/option-chains/AAPL").await;
    let nested = fixture.items("/option-chains/AAPL/nested").await;
    let compact = fixture.items("/option-chains/AAPL/compact").await;
    let strikes = |expiration: &Value| expiration["strikes"].as_array().unwrap().len();
    let in_nested: usize = nested[0]["expirations"].as_array().unwrap().iter().map(strikes).sum();
    let in_compact: usize = compact.iter().map(|item| item["symbols"].as_array().unwrap().len()).sum();
    assert_eq!((flat.len(), flat.len()), (in_nested * 2, in_compact));
    let occ = flat[0]["symbol"].as_str().unwrap().replace(' ', "%20");
    let one = fixture.get(&format!("/instruments/equity-options/{occ}")).await;
    assert_eq!(one["data"], flat[0]);
    let data = fixture.items(&format!("/market-data/by-type?equity-option={occ}&equity=AAPL,MSFT&equity=SPY")).await;
    assert_eq!(data.len(), 4);
    for item in &data {
        let price = |field: &str| item[field].as_str().unwrap().parse::<f64>().unwrap();
        assert!(price("bid") < price("ask") && price("day-low-price") <= price("day-high-price"), "{item}");
    }
    assert_eq!(fixture.response("/instruments/equity-options").await.status(), 403);
}

#[tokio::test]
async fn an_index_has_options_under_two_roots() {
    let fixture = Fixture::at(OPEN).await;
    let index = &fixture.get("/instruments/equities/SPX").await["data"];
    assert_eq!((&index["is-index"], &index["streamer-symbol"]), (&json!(true), &json!("SPX")));
    assert_eq!(fixture.items("/instruments/equities?symbol[]=SPX&symbol[]=SPY").await.len(), 2);
    assert_eq!(fixture.items("/instruments/equities?is-index=true").await.len(), 1);
    let nested = fixture.items("/option-chains/SPX/nested").await;
    let roots: Vec<_> = nested.iter().map(|chain| &chain["root-symbol"]).collect();
    assert_eq!(roots, ["SPX", "SPXW"]);
    let at = |chain: &Value, date: &Value| {
        let expirations = chain["expirations"].as_array().unwrap();
        expirations.iter().find(|expiration| expiration["expiration-date"] == *date).unwrap().clone()
    };
    let date = &nested[0]["expirations"][0]["expiration-date"];
    let (morning, evening) = (at(&nested[0], date), at(&nested[1], date));
    assert_eq!((&morning["settlement-type"], &evening["settlement-type"]), (&json!("AM"), &json!("PM")));
    for expiration in [&morning, &evening] {
        let occ = expiration["strikes"][0]["call"].as_str().unwrap().replace(' ', "%20");
        let option = &fixture.get(&format!("/instruments/equity-options/{occ}")).await["data"];
        assert_eq!((&option["underlying-symbol"], &option["exercise-style"]), (&json!("SPX"), &json!("European")));
        assert_eq!(option["settlement-type"], expiration["settlement-type"]);
    }
    assert_ne!(morning["strikes"][0]["call"], evening["strikes"][0]["call"]);
}

#[tokio::test]
async fn metrics_have_the_units_of_the_wire() {
    let fixture = Fixture::at(OPEN).await;
    let items = fixture.items("/market-metrics?symbols=AAPL,SPY%2CNOSUCH").await;
    assert_eq!(items.len(), 2);
    let number = |field: &str| items[0][field].as_str().unwrap().parse::<f64>().unwrap();
    assert!((0.0..=1.0).contains(&number("implied-volatility-index-rank")));
    assert!((0.03..2.0).contains(&number("implied-volatility-index")));
    assert!((3.0..200.0).contains(&number("historical-volatility-30-day")));
    let difference = number("implied-volatility-30-day") - number("historical-volatility-30-day");
    assert!((difference - number("iv-hv-30-day-difference")).abs() < 0.005);
    assert!(items[0]["market-cap"].as_i64().unwrap() > 1_000_000_000);
    assert!(items[1].get("earnings").is_none());
    let events = "/market-metrics/historic-corporate-events";
    let dividends = fixture.items(&format!("{events}/dividends/SPY")).await;
    assert!(dividends[0]["occurred-date"].as_str() > dividends[1]["occurred-date"].as_str());
    let earnings = fixture.items(&format!("{events}/earnings-reports/AAPL?start-date=2024-01-01")).await;
    assert!(earnings[0]["occurred-date"].as_str() < earnings[1]["occurred-date"].as_str());
    assert_eq!(fixture.response(&format!("{events}/earnings-reports/AAPL")).await.status(), 400);
}

#[tokio::test]
async fn sessions_follow_the_exchange_calendar() {
    let fixture = Fixture::at(OPEN).await;
    let sessions = fixture.items("/market-time/sessions?from-date=2026-01-01&to-date=2026-01-05").await;
    assert_eq!(sessions.len(), 2);
    assert!(sessions[1]["open-at"].as_str().unwrap().starts_with("2026-01-05T14:30:00.000"));
    let current = fixture.get("/market-time/equities/sessions/current").await;
    assert_eq!(
        (&current["data"]["state"], &current["data"]["next-session"]["session-date"]),
        (&json!("Open"), &json!("2026-01-06"))
    );
    let next = fixture.get("/market-time/equities/sessions/next?date=2026-01-03").await;
    assert_eq!(next["data"]["session-date"], "2026-01-05");
    let before = fixture.get("/market-time/equities/sessions/previous?date=2026-01-03").await;
    assert_eq!(before["data"]["session-date"], "2026-01-02");
    let holidays = fixture.get("/market-time/equities/holidays").await;
    assert!(holidays["data"]["market-holidays"].as_array().unwrap().contains(&json!("2026-07-03")));
    assert!(holidays["data"]["market-half-days"].as_array().unwrap().contains(&json!("2026-11-27")));
    let span = fixture.response("/market-time/sessions?from-date=2026-01-01&to-date=2026-11-05").await;
    assert_eq!(span.status(), 400);
}

#[tokio::test]
async fn watchlists_hold_the_indices() {
    let fixture = Fixture::with(OPEN, 0, 0.0, Faults::default()).await;
    let lists = fixture.items("/public-watchlists").await;
    let list = lists.iter().find(|list| list["name"] == "S&P 500").unwrap();
    assert_eq!(list["group-name"], "Market Indices");
    assert_eq!(list["watchlist-entries"].as_array().unwrap().len(), 503);
    let one = fixture.get("/public-watchlists/S%26P%20500").await;
    assert_eq!(one["data"]["watchlist-entries"][0]["instrument-type"], "Equity");
    let busiest = fixture.get("/public-watchlists/High%20Options%20Volume").await;
    assert_eq!(busiest["data"]["watchlist-entries"].as_array().unwrap().len(), 200);
}

#[tokio::test]
async fn faults_break_requests_as_told() {
    let fixture = Fixture::at(OPEN).await;
    let path = "/market-metrics?symbols=AAPL,SPY";
    let faults = fixture.venue.faults();
    for (kind, status) in [
        (Kind::Status(500), 500),
        (Kind::BadGateway, 502),
        (Kind::Html, 200),
        (Kind::Unauthorised, 401),
        (Kind::Throttled(None), 429),
    ] {
        faults.inject("/market-metrics", kind, Some(1));
        let response = fixture.response(path).await;
        assert_eq!(response.status(), status);
        assert!(response.headers().get("retry-after").is_none());
    }
    faults.inject("/market-metrics", Kind::Throttled(Some(7)), Some(1));
    assert_eq!(fixture.response(path).await.headers()["retry-after"], "7");
    faults.inject("/market-metrics", Kind::Truncated, Some(1));
    assert!(fixture.response(path).await.json::<Value>().await.is_err());
    faults.inject("/market-metrics", Kind::Drop, Some(1));
    // The connection ends before or after the headers have arrived.
    let request = fixture.client.get(fixture.url(path)).bearer_auth(&fixture.token);
    let dropped = match request.send().await {
        Ok(response) => response.bytes().await.is_err(),
        Err(_) => true,
    };
    assert!(dropped);
    let rule = Rule {
        target: "/market-metrics".to_owned(),
        symbol: Some("SPY".to_owned()),
        kind: Kind::Sparse,
        times: Some(1),
    };
    faults.add(rule);
    let items = fixture.items(path).await;
    assert!(items[0].as_object().unwrap().len() > 20 && items[1].as_object().unwrap().len() == 2);
    faults.inject("/instruments", Kind::Nulls, Some(1));
    let nulls = fixture.get("/instruments/equities/SPY").await;
    assert_eq!(nulls["data"].get("halted-at"), Some(&Value::Null));
    fixture.get(path).await;
}
