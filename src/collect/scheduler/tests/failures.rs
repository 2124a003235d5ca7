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
