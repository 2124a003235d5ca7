//! What live tables say in a process that takes in no events.

/// What is said of a process without a feed.
pub(super) const NO_FEED: &str = "this server takes in no live events";

/// Where there are some.
pub(super) const WHERE_FEED: &str = "Ask a server that collects: one with an account, started without --read-only.";
