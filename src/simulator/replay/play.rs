//! A recorded connection while it is replayed: what comes next, and when.
//!
//! A frame is due as long after the first subscription as it was recorded. Nothing that came after the client had asked for
//! something comes before it asks for it again; a client that asks for less is waited for, for a moment.

use super::feeds::{Pair, RecordedFeed, pair};
use super::line::FeedLine;
use crate::simulator::dxlink::message::Incoming;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Steps that are read ahead.
const STEPS_AHEAD: usize = 64;
/// How long a client that asks for nothing more is waited for.
const ASKING_WAIT: Duration = Duration::from_secs(2);

/// What happens next on a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A frame is to be sent, as it was.
    Frame(String),
    /// The connection ends: with this code, with none, or without a word.
    Ended(Ending),
}

/// How the venue's side ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Closed(Option<u16>),
    Dropped,
}

/// What was recorded, in its order.
#[derive(Debug)]
enum Recorded {
    /// The client asked for these.
    Asked(Vec<Pair>),
    Done(u64, Step),
}

/// The replay of one connection.
#[derive(Debug)]
pub(super) struct Play {
    recorded: mpsc::Receiver<Recorded>,
    head: Option<Recorded>,
    begun: Instant,
    begins_ms: u64,
    speed: f64,
    /// Everything that the client has asked for.
    asked: HashSet<Pair>,
    asked_at: Instant,
}

impl Play {
    /// Begins with what the client has asked for. To be called within a runtime.
    pub(super) fn start(feed: &RecordedFeed, speed: f64, asked: HashSet<Pair>) -> Self {
        let (sender, recorded) = mpsc::channel(STEPS_AHEAD);
        tokio::spawn(read(feed.path.clone(), sender));
        let begun = Instant::now();
        let begins_ms = feed.begins_ms.unwrap_or_default();
        Self { recorded, head: None, begun, begins_ms, speed, asked, asked_at: begun }
    }

    /// The client asks for more.
    pub(super) fn ask(&mut self, pairs: impl Iterator<Item = Pair>) {
        self.asked.extend(pairs);
        self.asked_at = Instant::now();
    }

    /// The next step, when it is due; never, once there is none. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Step {
        loop {
            if self.head.is_none() {
                self.head = self.recorded.recv().await;
            }
            match &self.head {
                None => return std::future::pending().await,
                Some(Recorded::Asked(pairs)) => {
                    if !pairs.iter().all(|pair| self.asked.contains(pair)) {
                        sleep_until(self.asked_at + ASKING_WAIT).await;
                    }
                    self.head = None;
                }
                Some(Recorded::Done(at_ms, _)) => {
                    sleep_until(self.moment(*at_ms)).await;
                    if let Some(Recorded::Done(_, step)) = self.head.take() {
                        return step;
                    }
                }
            }
        }
    }

    /// When something is to happen that was recorded at this moment.
    #[allow(clippy::cast_precision_loss)]
    fn moment(&self, at_ms: u64) -> Instant {
        let seconds = at_ms.saturating_sub(self.begins_ms) as f64 / 1000.0 / self.speed;
        let after = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO);
        self.begun.checked_add(after).unwrap_or(self.begun)
    }
}

/// Reads the steps of a file that was found whole, for as long as somebody takes them.
async fn read(path: PathBuf, steps: mpsc::Sender<Recorded>) {
    let Ok(file) = File::open(&path).await else { return };
    let mut lines = BufReader::new(file).split(b'\n');
    let mut opened = false;
    while let Ok(Some(line)) = lines.next_segment().await {
        let recorded = FeedLine::parse(&line).ok().and_then(|line| recorded(line, &mut opened));
        if let Some(recorded) = recorded
            && steps.send(recorded).await.is_err()
        {
            return;
        }
    }
}

/// What a line means for a replay: of the handshake, which is made anew, nothing.
fn recorded(line: FeedLine, opened: &mut bool) -> Option<Recorded> {
    if let Some(sent) = line.sent {
        let sent: Incoming = serde_json::from_str(&sent).ok()?;
        let pairs: Vec<Pair> = sent.add.iter().map(pair).collect();
        return (sent.r#type == "FEED_SUBSCRIPTION").then_some(Recorded::Asked(pairs));
    }
    if let Some(text) = line.received {
        let kind = serde_json::from_str::<Typed<'_>>(&text).map(|typed| typed.kind.into_owned()).unwrap_or_default();
        let before = *opened;
        *opened |= kind == "CHANNEL_OPENED";
        let is_ours = matches!(kind.as_str(), "CHANNEL_OPENED" | "KEEPALIVE");
        return (before && !is_ours).then_some(Recorded::Done(line.at_ms, Step::Frame(text)));
    }
    line.ended.map(|reason| Recorded::Done(line.at_ms, Step::Ended(Ending::of(&reason))))
}

impl Ending {
    /// As the recorder tells it: `closed`, `closed with code 1009 message too big`, or what went wrong on the network.
    fn of(reason: &str) -> Self {
        let code = reason.strip_prefix("closed with code ").and_then(|code| code.split(' ').next()?.parse().ok());
        match code {
            Some(code) => Self::Closed(Some(code)),
            None if reason == "closed" => Self::Closed(None),
            None => Self::Dropped,
        }
    }
}

/// Any message, of which only the type matters.
#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_as_it_was() {
        assert_eq!(Ending::of("closed with code 1009 message too big"), Ending::Closed(Some(1009)));
        assert_eq!(Ending::of("closed with code 1000 "), Ending::Closed(Some(1000)));
        assert_eq!(Ending::of("closed"), Ending::Closed(None));
        assert_eq!(Ending::of("Connection reset without closing handshake"), Ending::Dropped);
    }

    #[test]
    fn the_handshake_is_left_out() {
        let mut opened = false;
        let step = |text: &str| {
            let line = FeedLine::parse(format!("{{\"at_ms\":1,\"received\":{text:?}}}").as_bytes());
            matches!(recorded(line.expect("a line"), &mut opened), Some(Recorded::Done(1, Step::Frame(_))))
        };
        let told = [
            r#"{"type":"AUTH_STATE","state":"AUTHORIZED"}"#,
            "no message",
            r#"{"type":"CHANNEL_OPENED","channel":1}"#,
            r#"{"type":"FEED_CONFIG","channel":1}"#,
            r#"{"type":"KEEPALIVE","channel":0}"#,
            "no message",
            r#"{"type":"AUTH_STATE","state":"UNAUTHORIZED"}"#,
        ];
        assert_eq!(told.map(step), [false, false, false, true, false, true, true]);
    }
}
