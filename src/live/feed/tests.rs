//! What a query is told of the feed, by a clock that the test moves.
#![allow(clippy::unwrap_used)]

use super::*;
use chrono::TimeDelta;
use std::collections::HashSet;

/// A Wednesday at 11:00 in New York.
const WEDNESDAY: &str = "2026-06-10T15:00:00Z";

fn board() -> (FeedBoard, Clock) {
    let clock = Clock::hand_set(WEDNESDAY.parse().unwrap());
    let terms = FeedTerms { class: "real-time", ..FeedTerms::default() };
    (FeedBoard::new(clock.clone(), terms), clock)
}

fn follow(board: &FeedBoard, line: &Line, symbols: &[&str]) {
    let mut follows = Follows::default();
    for symbol in symbols {
        follows.insert(Arc::new(Followed::new((*symbol).into(), "quotes", true, Why::List, board.now())));
    }
    line.set_follows(follows);
}

fn judge(board: &FeedBoard, symbols: &[&str], max_staleness: Option<u64>) -> Judged {
    let symbols: HashSet<String> = symbols.iter().map(|symbol| (*symbol).to_owned()).collect();
    let verdict = board.verdict("quotes", (!symbols.is_empty()).then_some(&symbols)).unwrap();
    verdict.judge(board.terms(), max_staleness.map(Duration::from_secs))
}

#[test]
fn a_process_without_a_feed_has_nothing_to_say() {
    let (board, _) = board();
    assert_eq!(board.verdict("quotes", None), None);
    assert!(board.is_whole());
}

#[test]
fn silence_counts_in_session_hours_alone() {
    let (board, clock) = board();
    let line = board.open_line();
    follow(&board, &line, &["SPY"]);
    assert!(matches!(judge(&board, &[], None), Judged::Stale(words) if words.contains("has brought nothing yet")));
    line.heard(board.now());
    board.speaks(&line);
    assert_eq!(judge(&board, &[], None), Judged::Whole);
    clock.advance(TimeDelta::seconds(10));
    assert_eq!(judge(&board, &[], Some(10)), Judged::Whole);
    assert!(matches!(judge(&board, &[], Some(9)), Judged::Stale(_)));
    // A minute before the close the last event came; in the evening it is a minute old.
    clock.set("2026-06-10T19:59:30Z".parse().unwrap());
    line.heard(board.now());
    clock.set("2026-06-11T03:00:00Z".parse().unwrap());
    assert_eq!(judge(&board, &[], Some(30)), Judged::Whole);
    board.lost(&line, FeedState::Disconnected, "connection lost");
    assert!(matches!(judge(&board, &[], Some(30)), Judged::Partial(words) if words.contains("connection lost")));
    clock.set("2026-06-11T13:31:00Z".parse().unwrap());
    assert!(matches!(judge(&board, &[], None), Judged::Stale(words) if words.contains("90 s old")));
}

#[test]
fn only_what_concerns_a_query_is_told() {
    let (board, clock) = board();
    let (first, second) = (board.open_line(), board.open_line());
    follow(&board, &first, &["SPY", "QQQ"]);
    follow(&board, &second, &["AAPL"]);
    for line in [&first, &second] {
        line.heard(board.now());
        board.speaks(line);
    }
    clock.advance(TimeDelta::seconds(30));
    board.lost(&second, FeedState::Stalled, "no data");
    assert!(!board.is_whole());
    assert_eq!(judge(&board, &["SPY"], None), Judged::Whole);
    assert!(matches!(judge(&board, &["AAPL"], None), Judged::Stale(_)));
    assert!(matches!(judge(&board, &[], None), Judged::Stale(_)));
    let gaps = board.gaps().all();
    assert_eq!(gaps[0].symbols.as_deref(), Some(&["AAPL".into()][..]));
    assert_eq!((gaps[0].from, gaps[0].to), (WEDNESDAY.parse().unwrap(), None));
    clock.advance(TimeDelta::seconds(5));
    second.heard(board.now());
    board.speaks(&second);
    assert_eq!(board.gaps().all()[0].to, Some(clock.now()));
    assert!(board.is_whole());
    let left_out = LeftOut { symbol: "QQQ".into(), event: "quotes", why: Why::List };
    board.set_left_out([left_out].into());
    assert_eq!(judge(&board, &["SPY"], None), Judged::Whole);
    assert!(matches!(judge(&board, &[], None), Judged::Partial(words) if words.contains("QQQ")));
    first.follows().get("quotes", "SPY").unwrap().set_quiet(true);
    assert!(matches!(judge(&board, &["SPY"], None), Judged::Stale(words) if words.contains("rhythm: SPY")));
    assert_eq!(judge(&board, &["AAPL"], None), Judged::Whole);
}

#[test]
fn delayed_data_are_never_given_without_a_word() {
    let clock = Clock::hand_set(WEDNESDAY.parse().unwrap());
    let board = FeedBoard::new(clock, FeedTerms { class: "delayed", ..FeedTerms::default() });
    board.set_level(Some("demo".to_owned()));
    let line = board.open_line();
    line.heard(board.now());
    board.speaks(&line);
    assert!(matches!(judge(&board, &[], None), Judged::Partial(words) if words.contains("delayed, demo")));
}
