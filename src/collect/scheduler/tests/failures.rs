//! How long a failure answers in the place of another try, and when the background tries again.

use super::*;

#[test]
fn pauses_double_up_to_a_quarter_of_an_hour() {
    let pauses: Vec<u64> = [1, 2, 3, 7, 8, 1000].map(|failures| pause(RETRY_FIRST, failures).as_secs()).to_vec();
    assert_eq!(pauses, [15, 30, 60, 900, 900, 900]);
}

#[test]
fn jitter_is_the_same_each_time_and_spread_over_processes_and_datasets() {
    let longest = Duration::from_secs(60);
    assert_eq!(jitter(longest, "eod", 7), jitter(longest, "eod", 7));
    assert_ne!(jitter(longest, "eod", 7), jitter(longest, "symbols", 7));
    assert_eq!(jitter(Duration::ZERO, "eod", 7), Duration::ZERO);
    let parts: Vec<Duration> = (0..1000).map(|process| jitter(longest, "eod", process)).collect();
    assert!(parts.iter().all(|part| *part < longest));
    for quarter in 0..4 {
        let (from, to) = (longest * quarter / 4, longest * (quarter + 1) / 4);
        let within = parts.iter().filter(|part| (from..to).contains(part)).count();
        assert!((200..300).contains(&within), "{within} of 1000 in quarter {quarter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_answers_queries_for_a_moment_but_not_commands() {
    let world = World::start(&["symbols"], OPTIONS).await;
    world.mood("symbols", Mood::Failing);
    let first = world.ask("symbols").await.unwrap_err();
    for _ in 0..50 {
        assert_eq!(world.ask("symbols").await.unwrap_err(), first);
    }
    assert_eq!(world.calls("symbols"), 1);
    world.clock.advance(TimeDelta::milliseconds(4_999));
    assert_eq!(world.ask("symbols").await.unwrap_err(), first);
    world.clock.advance(TimeDelta::milliseconds(1));
    assert_ne!(world.ask("symbols").await.unwrap_err(), first);
    assert_eq!(world.calls("symbols"), 2);
    world.mood("symbols", Mood::Good);
    world.refresh.refresh("symbols", "command").await.unwrap();
    world.ask("symbols").await.unwrap();
    assert_eq!(world.board["symbols"].remembered().last_error, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_input_is_not_asked_again_for_each_query_of_what_is_made_of_it() {
    let world = World::start(&["calendar", "expirations", "option_chains"], OPTIONS).await;
    world.load().await;
    world.clock.advance(TimeDelta::hours(2));
    world.mood("option_chains", Mood::Failing);
    for _ in 0..10 {
        world.ask("expirations").await.unwrap();
    }
    assert_eq!(world.begun().iter().filter(|name| **name == "option_chains").count(), 1);
    // The good rows are still there.
    assert_eq!(world.version("option_chains"), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_background_waits_longer_after_each_failure_by_the_clock() {
    let world = World::start(&["symbols"], Options { background: true, ..OPTIONS }).await;
    world.mood("symbols", Mood::Failing);
    world.until("the first try", |world| world.board["symbols"].remembered().last_error.is_some()).await;
    let tries = world.calls("symbols");
    // Ticks go on, the clock stands still.
    tokio::time::sleep(TICK * 3).await;
    assert_eq!(world.calls("symbols"), tries);
    for (pause, tries) in [(15_u32, tries + 1), (30, tries + 2), (60, tries + 3)] {
        if tries > 2 {
            world.clock.advance(TimeDelta::seconds(i64::from(pause) - 1));
            tokio::time::sleep(TICK * 2).await;
            assert_eq!(world.calls("symbols"), tries - 1, "after {pause} s less one");
            world.clock.advance(TimeDelta::seconds(1));
        } else {
            world.clock.advance(TimeDelta::seconds(i64::from(pause)));
        }
        world.until("another try", |world| world.calls("symbols") == tries).await;
        world.until("its end", |world| world.board["symbols"].runs_ended() == tries as u64).await;
    }
    world.mood("symbols", Mood::Good);
    world.clock.advance(TimeDelta::seconds(120));
    world.until("the healing", |world| world.board["symbols"].state() == State::Fresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_background_leaves_the_first_try_to_others_for_its_jitter() {
    let world = World::start(&["symbols"], Options { background: true, ..OPTIONS }).await;
    world.until("the first load", |world| world.board["symbols"].state() == State::Fresh).await;
    let part = jitter(Duration::from_secs(300), "symbols", OPTIONS.process);
    assert!(part > Duration::from_secs(2), "{part:?}");
    let expires_at = world.board["symbols"].expires_at().unwrap();
    world.clock.set(expires_at + TimeDelta::from_std(part).unwrap() - TimeDelta::seconds(1));
    assert_eq!(world.board["symbols"].state(), State::Stale);
    tokio::time::sleep(TICK * 3).await;
    assert_eq!(world.calls("symbols"), 1);
    world.clock.advance(TimeDelta::seconds(1));
    world.until("the refresh", |world| world.calls("symbols") == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_just_before_a_restart_still_answers() {
    let world = World::start(&["symbols"], OPTIONS).await;
    world.mood("symbols", Mood::Failing);
    let first = world.ask("symbols").await.unwrap_err();
    world.stop.cancel();
    let (refresh, requests) = channel();
    let mut collectors = BTreeMap::new();
    let request: RequestBuilder = Arc::new(|_, _, _| async { Ok(Request::default()) }.boxed());
    let source = world.sources["symbols"].clone();
    collectors.insert("symbols", Collector::from_parts(source, request));
    let (lake, board, clock) = (world.lake.clone(), world.board.clone(), world.clock.clone());
    let scheduler = Scheduler::new(lake, board, collectors, requests, clock, OPTIONS);
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    tokio::spawn(scheduler.run(stop));
    let wanted = || Wanted { dataset: "symbols", scope: Scope::All, max_age: None, seen: 1 };
    assert_eq!(refresh.refresh_for_query(wanted()).await.unwrap_err(), first);
    assert_eq!(world.calls("symbols"), 1);
    world.clock.advance(TimeDelta::seconds(5));
    assert_ne!(refresh.refresh_for_query(wanted()).await.unwrap_err(), first);
}
