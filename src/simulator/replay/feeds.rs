//! The recorded connections of the feed, and which of them a new connection gets.

use super::line::{FeedLine, Place, each_line};
use crate::simulator::dxlink::message::{Incoming, Subscription};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// An event type and a symbol.
pub(super) type Pair = (String, String);

/// One recorded connection: where its frames are, and what was asked for on it.
#[derive(Debug, Default)]
pub(super) struct RecordedFeed {
    pub(super) path: PathBuf,
    /// Channels in the order in which they were opened.
    pub(super) channels: Vec<u64>,
    /// Fields that were asked for, by event type.
    pub(super) fields: HashMap<String, Vec<String>>,
    /// Everything that was ever subscribed.
    pairs: HashSet<Pair>,
    /// When something was first subscribed.
    pub(super) begins_ms: Option<u64>,
}

/// All recorded connections that brought events, and how fast they are replayed.
#[derive(Debug)]
pub(super) struct Feeds {
    feeds: Vec<RecordedFeed>,
    /// How many times as fast as it was.
    pub(super) speed: f64,
    /// Which have been replayed. Held for a choice, never across an await.
    used: Mutex<HashSet<usize>>,
}

impl RecordedFeed {
    /// Reads a file of frames.
    ///
    /// # Errors
    /// A sentence that names the file and the line that is damaged.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let mut feed = Self { path: path.to_owned(), ..Self::default() };
        each_line(path, |line, _: Place| {
            let line = FeedLine::parse(line)?;
            if let Some(sent) = line.sent.and_then(|text| serde_json::from_str(&text).ok()) {
                feed.take(line.at_ms, sent);
            }
            Ok(())
        })?;
        Ok(feed)
    }

    /// Takes in what the client sent.
    fn take(&mut self, at_ms: u64, sent: Incoming) {
        match sent.r#type.as_str() {
            "CHANNEL_REQUEST" => self.channels.push(sent.channel),
            "FEED_SETUP" => self.fields.extend(sent.accept_event_fields.unwrap_or_default()),
            "FEED_SUBSCRIPTION" => {
                self.begins_ms.get_or_insert(at_ms);
                self.pairs.extend(sent.add.iter().map(pair));
            }
            _ => {}
        }
    }
}

impl Feeds {
    pub(super) fn new(feeds: Vec<RecordedFeed>, speed: f64) -> Self {
        let feeds = feeds.into_iter().filter(|feed| feed.begins_ms.is_some()).collect();
        Self { feeds, speed, used: Mutex::default() }
    }

    /// The connection that was asked for the most of what is asked for now, the first that has not been replayed; one that has
    /// where no other was asked for any of it. `None` where nothing was recorded.
    pub(super) fn choose(&self, asked: &HashSet<Pair>) -> Option<&RecordedFeed> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let common = |feed: &RecordedFeed| feed.pairs.intersection(asked).count();
        let rank = |at: &usize| {
            let (common, fresh) = (self.feeds.get(*at).map_or(0, common), !used.contains(at));
            // Of fresh ones the first, of others the last.
            let place = if fresh { usize::MAX - *at } else { *at };
            (common > 0, fresh, common, place)
        };
        let at = (0..self.feeds.len()).max_by_key(rank)?;
        used.insert(at);
        self.feeds.get(at)
    }
}

/// What a subscription names.
pub(super) fn pair(subscription: &Subscription) -> Pair {
    (subscription.r#type.clone(), subscription.symbol.clone())
}
