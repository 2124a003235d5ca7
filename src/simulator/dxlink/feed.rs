//! The state that every dxLink session shares: the exchange, the hub, tokens, faults and counts.

use crate::simulator::exchange::Exchange;
use crate::simulator::fault::FaultSwitch;
use crate::simulator::hub::Hub;
use crate::simulator::rest::token::Tokens;
use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

/// Connections one quote token may hold at a time.
const SESSIONS_PER_TOKEN_MAX: usize = 5;
/// What every session sees.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) faults: FaultSwitch,
    /// Whether the latest event of a symbol takes the place of earlier ones within a period.
    pub(crate) conflate: bool,
    /// Connections accepted since the start.
    pub(crate) connections: AtomicU64,
    /// Pairs of event type and symbol that are subscribed now.
    pub(crate) subscriptions: AtomicU64,
    /// Messages by which clients changed their subscriptions.
    pub(crate) subscribings: AtomicU64,
    /// Candle snapshots asked for since the start.
    pub(crate) snapshots: AtomicU64,
    /// Sessions by token. Held for one change, never across an await.
    sessions: Mutex<HashMap<String, usize>>,
}

impl Feed {
    pub(crate) fn new(
        exchange: Arc<Exchange>,
        hub: Arc<Hub>,
        tokens: Arc<Tokens>,
        faults: FaultSwitch,
        conflate: bool,
    ) -> Self {
        Self {
            exchange,
            hub,
            tokens,
            faults,
            conflate,
            connections: AtomicU64::new(0),
            subscriptions: AtomicU64::new(0),
            subscribings: AtomicU64::new(0),
            snapshots: AtomicU64::new(0),
            sessions: Mutex::default(),
        }
    }

    /// Takes one of the sessions a token may hold; false when there is none left.
    pub(super) fn enter(&self, token: &str) -> bool {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let count = sessions.entry(token.to_owned()).or_default();
        *count += 1;
        if *count > SESSIONS_PER_TOKEN_MAX {
            *count -= 1;
            return false;
        }
        true
    }

    /// Gives a session of a token back when its connection ends.
    pub(super) fn leave(&self, token: &str) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = sessions.get_mut(token) {
            *count -= 1;
            if *count == 0 {
                sessions.remove(token);
            }
        }
    }
}
