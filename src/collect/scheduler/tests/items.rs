//! Items of a dataset that are refreshed alone.

use super::*;

fn items(names: &str) -> Scope {
    Scope::Items(names.split(' ').map(str::to_owned).collect())
}

impl World {
    fn asked(&self, name: &str) -> Vec<String> {
        std::mem::take(&mut *self.sources[name].asked.lock().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_refreshed_alone_where_that_costs_fewer_requests() {
    let world = World::start(&["market_metrics", "symbols"], OPTIONS).await;
    world.load().await;
    world.asked("market_metrics");
    world.clock.advance(TimeDelta::hours(2));
    world.ask_for("market_metrics", items("A")).await.unwrap();
    assert_eq!(world.asked("market_metrics"), ["A"]);
    let freshness = &world.board["market_metrics"];
    assert_eq!((freshness.state_of(&items("A")), freshness.state()), (State::Fresh, State::Stale));
    // Three need two requests, all need three; four need as many as five.
    world.ask_for("market_metrics", items("A B C")).await.unwrap();
    world.ask_for("market_metrics", items("A B C D E")).await.unwrap();
    assert_eq!(world.asked("market_metrics"), ["A B C", "A B C D E F"]);
    assert_eq!(freshness.state(), State::Fresh);
    // What is not collected by itself, or not at all, is a matter of the whole.
    world.ask_for("market_metrics", items("A unknown")).await.unwrap();
    assert_eq!(world.asked("market_metrics"), ["A B C D E F"]);
    world.ask_for("symbols", items("A")).await.unwrap();
    assert_eq!(world.calls("symbols"), 2);
    let scopes: Vec<Scope> = freshness.remembered().runs.iter().map(|run| run.scope.clone()).collect();
    assert_eq!(scopes, [Scope::All, items("A"), items("A B C"), Scope::All, Scope::All]);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_for_items_join_what_runs_and_what_waits() {
    let world = World::start(&["market_metrics"], OPTIONS).await;
    world.load().await;
    world.asked("market_metrics");
    world.clock.advance(TimeDelta::hours(2));
    world.shut("market_metrics");
    let several = futures::future::join_all(
        ["A", "B", "A", "C", "A", "B C"].map(|names| world.ask_for("market_metrics", items(names))),
    );
    let opened = async {
        world.until("one run", |world| world.calls("market_metrics") == 2).await;
        // The others are in the scheduler's hands once a last request was answered.
        assert!(world.refresh.refresh("nowhere", "query").await.is_err());
        world.open("market_metrics");
    };
    let (outcomes, ()) = futures::future::join(several, opened).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let asked = world.asked("market_metrics");
    assert_eq!((asked.len(), asked[0].as_str(), asked[1].as_str()), (2, "A", "B C"));

    // A run over everything serves whoever asks for a part of it; one over a part serves nobody who wants everything.
    world.clock.advance(TimeDelta::hours(2));
    for (first, then, expected) in [(Scope::All, items("A"), 1), (items("A"), Scope::All, 2)] {
        world.asked("market_metrics");
        world.shut("market_metrics");
        let calls = world.calls("market_metrics");
        let second = async {
            world.until("a run", |world| world.calls("market_metrics") == calls + 1).await;
            let both = futures::future::join(world.ask_for("market_metrics", then), async {
                assert!(world.refresh.refresh("nowhere", "query").await.is_err());
                world.open("market_metrics");
            });
            both.await.0
        };
        let (one, other) = futures::future::join(world.ask_for("market_metrics", first), second).await;
        assert!(one.is_ok() && other.is_ok());
        assert_eq!(world.asked("market_metrics").len(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_items_is_no_answer_for_who_looked_before_it_at_others() {
    let world = World::start(&["market_metrics"], OPTIONS).await;
    world.load().await;
    world.clock.advance(TimeDelta::hours(2));
    let seen = world.board["market_metrics"].runs_ended();
    let late =
        |scope| world.refresh.refresh_for_query(Wanted { dataset: "market_metrics", scope, max_age: None, seen });
    late(items("A")).await.unwrap();
    assert_eq!(world.calls("market_metrics"), 2);
    late(items("A")).await.unwrap();
    assert_eq!(world.calls("market_metrics"), 2, "that run is the answer");
    late(items("B")).await.unwrap();
    assert_eq!(world.calls("market_metrics"), 3);
    late(Scope::All).await.unwrap();
    assert_eq!(world.calls("market_metrics"), 4);
    late(items("C")).await.unwrap();
    assert_eq!(world.calls("market_metrics"), 4, "the run over everything is the answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_fail_are_left_alone_for_longer_and_longer_and_the_dataset_is_not_blamed() {
    let world = World::start(&["market_metrics"], OPTIONS).await;
    world.load().await;
    world.clock.advance(TimeDelta::hours(2));
    world.mood("market_metrics", Mood::Failing);
    let first = world.ask_for("market_metrics", items("A")).await.unwrap_err();
    for _ in 0..10 {
        assert!(world.ask_for("market_metrics", items("A")).await.unwrap_err().contains(&first));
    }
    assert_eq!(world.calls("market_metrics"), 2);
    assert_eq!(world.board["market_metrics"].remembered().last_error, None);
    assert_eq!(world.board["market_metrics"].state(), State::Stale);
    // Another item is tried, this one not with it, and whoever asked for both is told of it.
    world.mood("market_metrics", Mood::Good);
    world.asked("market_metrics");
    assert!(world.ask_for("market_metrics", items("A B")).await.unwrap_err().contains(&first));
    assert_eq!(world.asked("market_metrics"), ["B"]);
    world.mood("market_metrics", Mood::Failing);
    for pause in [5, 10, 20] {
        world.clock.advance(TimeDelta::milliseconds(pause * 1000 - 1));
        let calls = world.calls("market_metrics");
        world.ask_for("market_metrics", items("A")).await.unwrap_err();
        assert_eq!(world.calls("market_metrics"), calls, "within {pause} s");
        world.clock.advance(TimeDelta::milliseconds(1));
        world.ask_for("market_metrics", items("A")).await.unwrap_err();
        assert_eq!(world.calls("market_metrics"), calls + 1, "after {pause} s");
    }
    world.mood("market_metrics", Mood::Good);
    world.clock.advance(TimeDelta::seconds(40));
    world.ask_for("market_metrics", items("A")).await.unwrap();
    assert_eq!(world.board["market_metrics"].failed_items(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_is_new_is_fetched_at_once_and_one_that_failed_again_soon() {
    let world = World::start(&["market_metrics"], Options { background: true, ..OPTIONS }).await;
    let freshness = &world.board["market_metrics"];
    world.until("a first load", |world| world.board["market_metrics"].state() == State::Fresh).await;
    world.asked("market_metrics");
    // The last refresh did not ask for F, which came into the configuration since.
    let mut state = freshness.remembered().as_ref().clone();
    assert_eq!(state.asked.as_ref().map(std::collections::BTreeSet::len), Some(6));
    state.asked.as_mut().unwrap().remove("F");
    freshness.set_state(state);
    world.until("a run of F", |world| !world.sources["market_metrics"].asked.lock().unwrap().is_empty()).await;
    assert_eq!(world.asked("market_metrics"), ["F"]);
    world.until("F is fresh", |world| world.board["market_metrics"].state_of(&items("F")) == State::Fresh).await;
    assert!(freshness.never_asked().is_empty());
    // A failed one is not asked for at each look.
    let failed = |times| {
        let failure = Some(ItemFailure { at: world.clock.now(), times, reason: "503".to_owned() });
        let mut state = freshness.remembered().as_ref().clone();
        state.items.insert("B".to_owned(), crate::lake::ItemState { loaded_at: state.loaded_at, failure });
        freshness.set_state(state);
    };
    failed(2);
    world.clock.advance(TimeDelta::seconds(29));
    tokio::time::sleep(3 * TICK).await;
    assert_eq!(world.asked("market_metrics"), [""; 0]);
    world.clock.advance(TimeDelta::seconds(1));
    world.until("a run of B", |world| !world.sources["market_metrics"].asked.lock().unwrap().is_empty()).await;
    assert_eq!(world.asked("market_metrics"), ["B"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_awaited_as_long_as_somebody_waits_for_it_or_for_what_is_made_of_it() {
    let world = World::start(&["calendar", "option_chains", "expirations", "symbols"], OPTIONS).await;
    world.load().await;
    world.clock.advance(TimeDelta::hours(2));
    ["calendar", "symbols"].iter().for_each(|name| world.shut(name));
    let awaited = |name: &str| {
        let purpose = world.sources[name].purpose.lock().unwrap().clone();
        purpose.is_some_and(|purpose| purpose.is_awaited())
    };
    let wanted =
        Wanted { dataset: "symbols", scope: Scope::All, max_age: None, seen: world.board["symbols"].runs_ended() };
    assert!(world.refresh.nudge(wanted));
    let query = world.ask("expirations");
    let look = async {
        world.until("the calendar is awaited", |_| awaited("calendar")).await;
        world.until("symbols are fetched", |world| world.calls("symbols") == 2).await;
        assert!(!awaited("symbols"), "nobody waits for what is only stale");
        ["calendar", "symbols"].iter().for_each(|name| world.open(name));
    };
    let (outcome, ()) = futures::future::join(query, look).await;
    outcome.unwrap();
}
