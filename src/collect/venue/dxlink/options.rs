//! How the feed asks for its events, as the configuration says.

use super::share::FeedLimits;
use std::time::Duration;

/// How the feed asks for its events.
#[derive(Debug, Clone)]
pub struct FeedOptions {
    /// Period within which the server may keep only the latest event of a symbol.
    pub aggregation: Duration,
    /// First wait before another connection; it doubles, up to a minute.
    pub reconnect_delay: Duration,
    /// What the venue takes.
    pub limits: FeedLimits,
}

impl Default for FeedOptions {
    fn default() -> Self {
        Self {
            aggregation: Duration::from_millis(100),
            reconnect_delay: Duration::from_secs(1),
            limits: FeedLimits::default(),
        }
    }
}
