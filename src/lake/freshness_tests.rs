//! When rows are fresh, by a hand-set clock.

use super::*;
use crate::lake::{FailedItem, Run, dataset};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn loaded(ttl: Ttl, loaded_at: &str, now: &str) -> Freshness {
    let policy = Policy {
        ttl,
        stale_while_revalidate: Duration::from_secs(60),
        wait_timeout: Duration::from_secs(5),
        stale_if_error: Duration::from_secs(600),
        jitter: Duration::ZERO,
    };
    let dataset = dataset::find("eod").expect("eod");
    let freshness = Freshness::new(&dataset, Some(policy), true, "simulated", Clock::hand_set(at(now)));
    let mut state = DatasetState::default();
    state.record(Run {
        cause: "ttl".to_owned(),
        started_at: at(loaded_at),
        ended_at: at(loaded_at),
        items: 1,
        failed: Vec::new(),
        rows: 1,
        origin_calls: 1,
        version: Some(0),
        ..Run::default()
    });
    freshness.set_state(state);
    freshness
}

#[test]
fn daily_bars_go_stale_half_an_hour_after_the_next_close() {
    let ttl = Ttl::SessionClose(Duration::from_secs(1800));
    // Loaded on a Sunday: the next close is Monday 16:00 Eastern.
    let sunday = "2026-11-22T12:00:00Z";
    assert_eq!(loaded(ttl, sunday, sunday).expires_at(), Some(at("2026-11-23T21:30:00Z")));
    assert_eq!(loaded(ttl, sunday, "2026-11-23T21:29:59Z").state(), State::Fresh);
    assert_eq!(loaded(ttl, sunday, "2026-11-23T21:30:00Z").state(), State::Stale);
    // Loaded between the close and half an hour later: today's bars are not final yet.
    assert_eq!(loaded(ttl, "2026-11-23T21:10:00Z", sunday).expires_at(), Some(at("2026-11-23T21:30:00Z")));
}

#[test]
fn a_clock_set_back_does_not_make_rows_fresh() {
    let ttl = Ttl::After(Duration::from_secs(3600));
    assert_eq!(loaded(ttl, "2026-11-22T12:00:00Z", "2026-11-22T11:00:00Z").state(), State::Stale);
}

#[test]
fn damage_is_told_once_and_shows_until_it_is_gone() {
    let freshness = loaded(Ttl::After(Duration::from_secs(3600)), "2026-11-22T12:00:00Z", "2026-11-22T12:01:00Z");
    assert_eq!(freshness.set_damage(Some("no log".to_owned())), Some("no log".to_owned()));
    assert_eq!(freshness.set_damage(Some("no log".to_owned())), None);
    assert_eq!((freshness.state(), freshness.last_error()), (State::Failed, Some("no log".to_owned())));
    assert_eq!(freshness.set_damage(None), None);
    assert_eq!((freshness.state(), freshness.last_error()), (State::Fresh, None));
}

#[test]
fn rows_seen_stale_stay_stale_when_the_clock_goes_back_until_others_are_loaded() {
    let ttl = Ttl::After(Duration::from_secs(3600));
    let freshness = loaded(ttl, "2026-11-22T12:00:00Z", "2026-11-22T13:05:00Z");
    assert_eq!(freshness.state(), State::Stale);
    freshness.clock.set(at("2026-11-22T12:30:00Z"));
    assert_eq!(freshness.state(), State::Stale);
    let mut run = freshness.remembered().runs[0].clone();
    run.ended_at = at("2026-11-22T12:30:00Z");
    freshness.end(run);
    assert_eq!(freshness.state(), State::Fresh);
}

#[test]
fn what_was_read_before_a_run_ended_does_not_replace_it() {
    let freshness = loaded(Ttl::After(Duration::from_secs(60)), "2026-11-22T12:00:00Z", "2026-11-22T12:02:00Z");
    let (seen, old) = (freshness.runs_ended(), DatasetState::clone(&freshness.remembered()));
    let mut run = old.runs[0].clone();
    run.ended_at = at("2026-11-22T12:02:00Z");
    freshness.end(run);
    freshness.adopt(seen, old.clone());
    assert_eq!(freshness.state(), State::Fresh);
    freshness.adopt(freshness.runs_ended(), old);
    assert_eq!(freshness.state(), State::Stale);
}

#[test]
fn a_failed_refresh_shows_once_the_rows_are_stale() {
    let ttl = Ttl::After(Duration::from_secs(60));
    let freshness = loaded(ttl, "2026-11-22T12:00:00Z", "2026-11-22T12:00:30Z");
    let mut state = DatasetState::clone(&freshness.remembered());
    state.last_error = Some("503".to_owned());
    freshness.set_state(state);
    assert_eq!(freshness.state(), State::Fresh);
    freshness.clock.set(at("2026-11-22T12:02:00Z"));
    assert_eq!(freshness.state(), State::Failed);
}

/// A run over some items, all of which fail when there is a reason.
fn of_items(names: &[&str], ended_at: &str, failure: Option<&str>) -> Run {
    let failed = |name: &&str| failure.map(|reason| FailedItem { item: (*name).to_owned(), reason: reason.to_owned() });
    Run {
        cause: "query".to_owned(),
        scope: Scope::Items(names.iter().map(|name| (*name).to_owned()).collect()),
        started_at: at(ended_at),
        ended_at: at(ended_at),
        failed: names.iter().filter_map(failed).collect(),
        ..Run::default()
    }
}

#[test]
fn items_refreshed_alone_are_younger_and_the_dataset_is_not() {
    let freshness = loaded(Ttl::After(Duration::from_secs(3600)), "2026-11-22T12:00:00Z", "2026-11-22T13:30:00Z");
    freshness.end(of_items(&["A"], "2026-11-22T13:20:00Z", None));
    let minutes = |scope: &Scope| freshness.age(scope).expect("an age").num_minutes();
    let (a, b) = (Scope::one("A"), Scope::one("B"));
    let mut both = a.clone();
    both.join(b.clone());
    assert_eq!((minutes(&a), minutes(&b), minutes(&both), minutes(&Scope::All)), (10, 90, 90, 90));
    assert!(!freshness.is_stale(&a) && freshness.is_stale(&b) && freshness.is_stale(&both));
    assert_eq!((freshness.state(), freshness.state_of(&a)), (State::Stale, State::Fresh));
    assert!(!freshness.older_than(&a, Duration::from_secs(900)) && freshness.older_than(&b, Duration::from_secs(900)));
    // What is remembered survives being written and read.
    let text = serde_json::to_string(&*freshness.remembered()).expect("text");
    freshness.set_state(serde_json::from_str(&text).expect("a state"));
    assert!(!freshness.is_stale(&a) && freshness.is_stale(&Scope::All));
    // A clock that is set back does not make an item fresh that was seen stale.
    freshness.clock.set(at("2026-11-22T15:00:00Z"));
    assert!(freshness.is_stale(&a));
    freshness.clock.set(at("2026-11-22T13:30:00Z"));
    assert!(freshness.is_stale(&a));
    freshness.end(of_items(&["A"], "2026-11-22T13:30:00Z", None));
    assert!(!freshness.is_stale(&a));
}

#[test]
fn items_that_failed_are_as_old_as_they_were() {
    let freshness = loaded(Ttl::After(Duration::from_secs(3600)), "2026-11-22T12:00:00Z", "2026-11-22T13:30:00Z");
    let mut run = freshness.remembered().runs[0].clone();
    run.ended_at = at("2026-11-22T13:10:00Z");
    run.failed = vec![FailedItem { item: "A".to_owned(), reason: "503".to_owned() }];
    freshness.end(run);
    let a = Scope::one("A");
    assert!(freshness.is_stale(&a) && !freshness.is_stale(&Scope::one("B")) && !freshness.is_stale(&Scope::All));
    assert_eq!(freshness.state_of(&a), State::Failed);
    assert_eq!(freshness.failure(&a).as_deref(), Some("A: 503"));
    let lagging = |limit| freshness.lagging(limit).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!((lagging(None), lagging(Some(Duration::from_secs(7200)))), (vec!["A".to_owned()], Vec::new()));
    // It fails again alone, and is then loaded.
    freshness.end(of_items(&["A"], "2026-11-22T13:20:00Z", Some("404")));
    let failure = freshness.remembered().items["A"].failure.clone().expect("a failure");
    assert_eq!((failure.times, failure.reason.as_str()), (2, "404"));
    assert_eq!(freshness.age(&a).expect("an age").num_minutes(), 90);
    freshness.end(of_items(&["A"], "2026-11-22T13:25:00Z", None));
    assert!(!freshness.is_stale(&a) && lagging(None).is_empty());
}

#[test]
fn refreshes_of_items_do_not_push_the_others_out_of_memory() {
    let freshness = loaded(Ttl::After(Duration::from_secs(3600)), "2026-11-22T12:00:00Z", "2026-11-22T13:30:00Z");
    for second in 0..120 {
        freshness.end(of_items(&["A"], &format!("2026-11-22T13:{:02}:{:02}Z", second / 60, second % 60), None));
    }
    let remembered = freshness.remembered();
    assert_eq!(remembered.runs.len(), 51);
    assert_eq!(remembered.runs.iter().filter(|run| run.scope == Scope::All).count(), 1);
    assert_eq!(remembered.loaded_at, Some(at("2026-11-22T12:00:00Z")));
}

#[test]
fn history_that_is_to_reach_further_back_is_due() {
    let freshness = loaded(Ttl::After(Duration::from_secs(3600)), "2026-11-22T12:00:00Z", "2026-11-22T12:01:00Z");
    let want = |days| freshness.want(Coverage { reach_days: Some(days), ..Coverage::default() });
    let load = |reach_days| {
        let ended_at = freshness.clock.now();
        freshness.end(Run { reach_days, ended_at, ..freshness.remembered().runs[0].clone() });
    };
    want(730);
    assert_eq!(freshness.state(), State::Stale, "nobody knows how far it reaches");
    load(Some(730));
    assert_eq!(freshness.state(), State::Fresh);
    want(100);
    assert_eq!(freshness.state(), State::Fresh);
    want(731);
    assert_eq!(freshness.state(), State::Stale);
}

#[test]
fn an_item_that_no_refresh_asked_for_was_never_loaded() {
    let (loaded_at, now) = ("2026-11-22T12:00:00Z", "2026-11-22T12:01:00Z");
    let freshness = loaded(Ttl::After(Duration::from_secs(3600)), loaded_at, now);
    let items = |names: &[&str]| Arc::new(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
    freshness.want(Coverage { items: items(&["A", "B"]), reach_days: None });
    assert_eq!(freshness.state_of(&Scope::one("B")), State::Fresh, "where nobody remembers, all were asked for");
    let asked = Some(items(&["A"]));
    freshness.end(Run { asked, ended_at: at(now), ..freshness.remembered().runs[0].clone() });
    assert_eq!(freshness.state_of(&Scope::one("A")), State::Fresh);
    assert_eq!(freshness.state_of(&Scope::one("B")), State::Missing);
    assert_eq!(
        freshness.state_of(&Scope::one("ELSE")),
        State::Fresh,
        "what is not collected is no matter of a refresh"
    );
    assert_eq!(freshness.lagging(None).len(), 1);
    let scope = Scope::one("B");
    freshness.end(Run { scope, ended_at: at(now), ..Run::default() });
    assert_eq!((freshness.state_of(&Scope::one("B")), freshness.lagging(None).len()), (State::Fresh, 0));
}
