//! The notice of live tables in a process that no feed publishes to.

/// What is said of a process without a feed.
pub(super) const NO_FEED: &str = "this server takes in no live events";

/// Where there are some.
pub(super) const WHERE_FEED: &str = "Ask a server that collects: one with an account, started without --read-only.";
