//! The live feed: as many connections as the followed symbols need, which publish into the books, for ever.

use super::connection::Connection;
use super::options::FeedOptions;
use super::share::{Division, FeedSymbols, Share};
use super::status::FeedStatus;
use super::token::QuoteTokens;
use crate::live::Live;
use crate::live::feed::Line;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The feed. It writes to the books alone and never waits for their readers.
#[derive(Debug)]
pub struct Feed {
    tokens: QuoteTokens,
    options: FeedOptions,
    status: Arc<FeedStatus>,
}

/// A connection in use.
struct InUse {
    line: Arc<Line>,
    share: watch::Sender<Share>,
    stop: CancellationToken,
}

impl Feed {
    /// A feed that has not started.
    pub fn new(tokens: QuoteTokens, options: FeedOptions) -> Self {
        Self { tokens, options, status: Arc::default() }
    }

    /// Where to read how the feed is doing.
    pub fn status(&self) -> Arc<FeedStatus> {
        self.status.clone()
    }

    /// Follows `symbols`, as they change, into `live` until `shutdown`. The first connection stays whatever there is to
    /// follow; further ones come and go.
    pub async fn run(self, live: Arc<Live>, mut symbols: watch::Receiver<FeedSymbols>, shutdown: CancellationToken) {
        let mut division = Division::default();
        let mut in_use: Vec<InUse> = Vec::new();
        // They end with it, however it ends.
        let mut tasks = JoinSet::new();
        loop {
            let (shares, left_out) = division.divide(&symbols.borrow_and_update(), self.options.limits);
            let subscriptions = shares.iter().map(|share| share.subscriptions.len()).sum();
            let names: BTreeSet<String> = left_out.iter().map(|one| one.symbol.as_ref().to_owned()).collect();
            self.status.follows(subscriptions, names.into_iter().collect());
            live.feed().set_left_out(left_out);
            while in_use.len() > shares.len() {
                self.end(in_use.pop(), &mut tasks, &live).await;
            }
            for (number, share) in shares.into_iter().enumerate() {
                match in_use.get(number) {
                    Some(used) => {
                        used.share.send_if_modified(|known| {
                            let changed = *known != share;
                            *known = share;
                            changed
                        });
                    }
                    None => in_use.push(self.begin(share, &mut tasks, &live, &shutdown)),
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = changed(&mut symbols) => {}
            }
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Begins one connection more, for a share.
    fn begin(&self, share: Share, tasks: &mut JoinSet<()>, live: &Arc<Live>, shutdown: &CancellationToken) -> InUse {
        let line = live.feed().open_line();
        let connection = Connection {
            tokens: self.tokens.clone(),
            options: self.options.clone(),
            status: self.status.clone(),
            live: live.clone(),
            line: line.clone(),
        };
        let (share, shares) = watch::channel(share);
        let stop = shutdown.child_token();
        tasks.spawn(connection.run(shares, stop.clone()));
        InUse { line, share, stop }
    }

    /// The last connection is not needed any more.
    async fn end(&self, used: Option<InUse>, tasks: &mut JoinSet<()>, live: &Live) {
        let Some(InUse { line, stop, share: _ }) = used else { return };
        stop.cancel();
        // No other ends before the shutdown.
        tasks.join_next().await;
        self.status.closed(line.number(), self.tokens.client().clock().now());
        live.feed().close_line(&line);
    }
}

/// Waits for other symbols; for ever when nobody can change them any more.
async fn changed(symbols: &mut watch::Receiver<FeedSymbols>) {
    if symbols.changed().await.is_err() {
        std::future::pending().await
    }
}
