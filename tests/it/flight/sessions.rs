//! Who calls, and what he has set.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn settings_live_in_the_cookie() {
    let market = Market::start().await;
    let mut client = market.client().await;
    client.query("SET timezone = 'America/New_York'").await.unwrap();
    client.query("SET max_staleness = '5s'").await.unwrap();
    assert_eq!(texts(&client.query("SHOW timezone").await.unwrap()), [["America/New_York"]]);
    let hour = "SELECT CAST('2026-11-04 15:30:00' AS timestamptz) = timestamptz '2026-11-04 20:30:00+00'";
    assert_eq!(texts(&client.query(hour).await.unwrap()), [["t"]]);
    // Another server goes on with the session.
    let other = Market::start().await;
    let mut elsewhere = FlightClient { inner: other.client().await.inner, ..client.clone() };
    assert_eq!(texts(&elsewhere.query("SHOW max_staleness").await.unwrap()), [["5s"]]);
    // What was described under one setting is fetched under it.
    let info = client.statement(hour).await.unwrap();
    client.query("RESET timezone").await.unwrap();
    assert_eq!(texts(&client.fetch(info).await.unwrap()), [["t"]]);
    assert_eq!(texts(&client.query(hour).await.unwrap()), [["f"]]);
    // A call's own header comes over the session's setting.
    let mut once = client.clone().with_header("tt-timezone", "Europe/Rome");
    assert_eq!(texts(&once.query("SHOW timezone").await.unwrap()), [["Europe/Rome"]]);
    assert_eq!(texts(&client.query("SHOW timezone").await.unwrap()), [["UTC"]]);
    let mut foreign = market.client().await.without_cookies().with_header("cookie", "arrow_flight_session_id=abc");
    refused(foreign.query("SELECT 1").await, Code::InvalidArgument, "cookie");
}

#[tokio::test(flavor = "multi_thread")]
async fn session_options_are_settings() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let text = |text: &str| SessionOptionValue { option_value: Some(OptionValue::Text(text.to_owned())) };
    let set = |options: Vec<(&str, SessionOptionValue)>| {
        let session_options = options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        SetSessionOptionsRequest { session_options }.encode_to_vec()
    };
    let timeout = SessionOptionValue { option_value: Some(OptionValue::Integer(1_500)) };
    let body = set(vec![
        ("as_of", text("2026-11-01T16:00Z")),
        ("statement_timeout", timeout),
        ("freshness", text("never")),
        ("nosuch", text("x")),
        ("catalog", text("market")),
        ("schema", text("public")),
    ]);
    let result = client.action("SetSessionOptions", body).await.unwrap();
    let errors = SetSessionOptionsResult::decode(result[0].as_slice()).unwrap().errors;
    let errors: BTreeMap<_, _> = errors.iter().map(|(name, error)| (name.as_str(), error.value())).collect();
    assert_eq!(errors, BTreeMap::from([("freshness", ErrorValue::InvalidValue), ("nosuch", ErrorValue::InvalidName)]));
    let get = async |client: &mut FlightClient| {
        let result = client.action("GetSessionOptions", Vec::new()).await.unwrap();
        let all = GetSessionOptionsResult::decode(result[0].as_slice()).unwrap().session_options;
        let shown = |name: &str| match &all[name].option_value {
            Some(OptionValue::Text(text)) => text.clone(),
            other => panic!("{name}: {other:?}"),
        };
        (shown("as_of"), shown("statement_timeout"), shown("freshness"))
    };
    assert_eq!(get(&mut client).await, ("2026-11-01T16:00:00Z".to_owned(), "1500ms".to_owned(), "wait".to_owned()));
    let unset = SessionOptionValue { option_value: None };
    client.action("SetSessionOptions", set(vec![("as_of", unset)])).await.unwrap();
    assert_eq!(get(&mut client).await.0, "");
    let closed = client.action("CloseSession", Vec::new()).await.unwrap();
    assert_eq!(CloseSessionResult::decode(closed[0].as_slice()).unwrap().status(), CloseStatus::Closed);
    assert_eq!(get(&mut client).await.1, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_hold_their_session_and_expire() {
    let clock = Clock::hand_set(instant("2026-11-20T10:00:00Z"));
    let options = Options { clock: clock.clone(), token_ttl: Duration::from_secs(3_600), ..Options::default() };
    let market = Market::with(options).await;
    let client = market.client().await.without_cookies();
    let basic = client.clone().with_header("authorization", "Basic YWRhOnBlbmNpbA==");
    let reply = log_in(&basic).await.unwrap();
    let bearer = client.clone().with_header("authorization", reply);
    let mut ada = bearer.clone();
    assert_eq!(texts(&ada.query("SELECT current_user").await.unwrap()), [["ada"]]);
    ada.query("SET max_staleness = '7s'").await.unwrap();
    assert_eq!(texts(&ada.query("SHOW max_staleness").await.unwrap()), [["7s"]]);
    // Another login of the same user is another session; without a login and cookies there is none.
    let mut again = client.clone().with_header("authorization", log_in(&basic).await.unwrap());
    assert_eq!(texts(&again.query("SHOW max_staleness").await.unwrap()), [[""]]);
    let mut anyone = client.clone();
    anyone.query("SELECT 1").await.unwrap();
    refused(anyone.query("SET max_staleness = '7s'").await, Code::FailedPrecondition, "no session");
    clock.advance(TimeDelta::seconds(3_599));
    ada.query("SELECT 1").await.unwrap();
    clock.advance(TimeDelta::seconds(1));
    refused(ada.query("SELECT 1").await, Code::Unauthenticated, "expired");
    let forged = format!("{}A", log_in(&basic).await.unwrap());
    for foreign in [forged.as_str(), "Basic !", "Digest x", "Bearer"] {
        let mut client = client.clone().with_header("authorization", foreign);
        refused(client.query("SELECT 1").await, Code::Unauthenticated, "");
    }
    // Where everybody is let in, what is no token at all is nobody's.
    let mut nobody = client.clone().with_header("authorization", "Bearer None");
    assert_eq!(texts(&nobody.query("SELECT current_user").await.unwrap()), [["anonymous"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_users_are_let_in() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("users.toml");
    file::add(&path, "ada", None, &Verifier::of("pencil")).unwrap();
    let market = Market::with(Options { users: Users::load(&path).unwrap(), ..Options::default() }).await;
    let client = market.client().await;
    refused(client.clone().query("SELECT 1").await, Code::Unauthenticated, "log in");
    let stranger = client.clone().with_header("authorization", "Bearer None");
    refused(stranger.clone().query("SELECT 1").await, Code::Unauthenticated, "not of this server");
    refused(client.clone().action("ListEverything", Vec::new()).await, Code::Unauthenticated, "log in");
    refused(client.clone().get(Ticket::new("x")).await.map(drop), Code::Unauthenticated, "log in");
    let basic = |text: &str| format!("Basic {}", BASE64.encode(text));
    for wrong in ["ada:pen", "ada:", "bob:pencil", ":pencil", ":"] {
        let mut stranger = client.clone().with_header("authorization", basic(wrong));
        refused(stranger.query("SELECT 1").await, Code::Unauthenticated, "wrong");
        refused(log_in(&stranger).await, Code::Unauthenticated, "wrong");
    }
    let ada = client.clone().with_header("authorization", basic("ada:pencil").trim_end_matches('='));
    assert_eq!(texts(&ada.clone().query("SELECT current_user").await.unwrap()), [["ada"]]);
    let mut bearer = client.clone().with_header("authorization", log_in(&ada).await.unwrap());
    assert_eq!(texts(&bearer.query("SELECT current_user").await.unwrap()), [["ada"]]);
    // Another user cannot cancel what she runs.
    file::add(&path, "bob", None, &Verifier::of("crayon")).unwrap();
    let info = bearer.statement("SELECT * FROM live.quotes WHERE symbol = 'nosuch'").await.unwrap();
    let (stream, _) = bearer.get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
    let mut bob = client.clone().with_header("authorization", basic("bob:crayon"));
    refused(cancel(&mut bob, &info, false).await, Code::NotFound, "does not run");
    assert_eq!(market.running(), 1);
    drop(stream);
    // Her token ends with her account.
    file::remove(&path, "ada").unwrap();
    until("she is not known any more", || async { bearer.clone().query("SELECT 1").await.is_err() }).await;
    refused(bearer.query("SELECT 1").await, Code::Unauthenticated, "not known any more");
}

/// Sessions are lent from call to call: nothing of one is seen in the next.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_words_mean_the_moment_the_user_and_the_settings_of_their_call() {
    let market = Market::start().await;
    let client = market.client().await;
    let mut ada = client.clone().with_header("authorization", "Basic YWRhOnBlbmNpbA==");
    let mut tokyo = client.clone().with_header("tt-timezone", "Asia/Tokyo");
    let mut anyone = client.clone();
    let words =
        "SELECT current_user, current_setting('TimeZone'), date_part('hour', timestamptz '2026-11-04 20:00:00+00')";
    let moment = "SELECT extract(epoch FROM now())::float8";
    let mut last = 0.0;
    for _ in 0..4 {
        assert_eq!(texts(&anyone.query(words).await.unwrap()), [["anonymous", "UTC", "20"]]);
        assert_eq!(texts(&ada.query(words).await.unwrap()), [["ada", "UTC", "20"]]);
        assert_eq!(texts(&tokyo.query(words).await.unwrap()), [["anonymous", "Asia/Tokyo", "5"]]);
        // A setting that a query changes is that query's alone.
        anyone.query("SELECT set_config('TimeZone', 'Europe/Rome', false)").await.unwrap();
        let now: f64 = texts(&anyone.query(moment).await.unwrap())[0][0].parse().unwrap();
        assert!(now > last, "{now}");
        last = now;
    }
    until("no session is open", || async { market.engine.sessions().open().is_empty() }).await;
}
