//! Subscriptions of a dxLink connection: which symbols are added and removed, and which events a new one is sent at
//! once.

use super::{CANDLES_MAX, SUBSCRIPTIONS_MAX, Session};
use crate::market::symbol::{CandleSymbol, canonical_candle};
use crate::simulator::dxlink::candle::{self, History};
use crate::simulator::dxlink::channel::{CandleSubscription, Channel, Contract};
use crate::simulator::dxlink::message::{ErrorCode, Incoming, Subscription};
use crate::simulator::event::{EventKind, Tick};
use crate::simulator::fault::Until;
use chrono::DateTime;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Session {
    /// FEED_SUBSCRIPTION: resets, removes, then adds; a pair beyond the limits is BAD_ACTION and ends the adding.
    pub(super) fn handle_subscription(&mut self, incoming: Incoming) {
        let number = incoming.channel;
        self.feed.subscribings.fetch_add(1, Ordering::Relaxed);
        self.feed.faults.end_stalls(Until::Resubscribed);
        if incoming.reset {
            self.reset(number);
        }
        for pair in &incoming.remove {
            self.unsubscribe(number, pair);
        }
        let mut touched: Vec<EventKind> =
            incoming.add.iter().filter_map(|pair| EventKind::from_name(&pair.r#type)).collect();
        touched.sort();
        touched.dedup();
        self.announce(number, &touched);
        let mut begun = Begun::default();
        for pair in &incoming.add {
            if let Err(reason) = self.subscribe(number, pair, &mut begun) {
                self.fail(number, ErrorCode::BadAction, reason);
                break;
            }
        }
        for (kind, events) in begun {
            self.send_ticks(number, kind, &events);
        }
        self.send_gathered();
        self.count_subscriptions();
    }

    fn subscribe(&mut self, number: u64, pair: &Subscription, begun: &mut Begun) -> Result<(), &'static str> {
        let Some(kind) = EventKind::from_name(&pair.r#type) else { return Ok(()) };
        if kind == EventKind::candle() {
            return self.subscribe_candle(number, pair);
        }
        let feed = self.feed.clone();
        let most = feed.faults.subscriptions_max().unwrap_or(SUBSCRIPTIONS_MAX);
        let full = self.channels.values().map(Channel::size).sum::<usize>() >= most;
        let now = self.now();
        let Some(channel) = self.channels.get_mut(&number) else { return Ok(()) };
        let begins = channel.begins_with_last(kind);
        let symbols = channel.subscribed.entry(kind).or_default();
        let symbol: Arc<str> = pair.symbol.as_str().into();
        let source = match symbols.get(&symbol) {
            Some(source) => source.clone(),
            None if full => return Err("too many subscriptions"),
            None => {
                let source = feed.exchange.resolve(&symbol).map(Arc::new);
                if let Some(source) = source.as_ref().filter(|_| kind.ticks()) {
                    feed.hub.add(kind, &symbol, source);
                }
                symbols.insert(symbol.clone(), source.clone());
                source
            }
        };
        if let Some(source) = source.filter(|_| begins) {
            begun.entry(kind).or_default().extend(kind.make(&feed.exchange, &symbol, &source, now, 0));
        }
        Ok(())
    }

    fn subscribe_candle(&mut self, number: u64, pair: &Subscription) -> Result<(), &'static str> {
        let Some(symbol) = CandleSymbol::parse(&pair.symbol) else { return Ok(()) };
        let canonical = symbol.canonical();
        let known = self.channels.get(&number).is_some_and(|channel| channel.candles.contains_key(&canonical));
        let candles: usize = self.channels.values().map(|channel| channel.candles.len()).sum();
        if !known && candles >= CANDLES_MAX {
            return Err("more than 100 candle subscriptions");
        }
        let now = self.now();
        let from = pair.from_time.and_then(|millis| DateTime::from_timestamp_millis(millis as i64));
        let history = match from {
            Some(from) => candle::history(&self.feed.exchange, &symbol, from.max(DateTime::UNIX_EPOCH), now),
            // Without a time to begin at, the current candle is all there is.
            None => History {
                candles: candle::current(&self.feed.exchange, &symbol, now).into_iter().collect(),
                cut_off: false,
            },
        };
        let spellings = [pair.symbol.as_str(), canonical.as_str(), symbol.base.as_str()];
        let fault = self.feed.faults.for_feed(EventKind::candle().name(), &spellings);
        self.feed.snapshots.fetch_add(1, Ordering::Relaxed);
        let Some(channel) = self.channels.get_mut(&number) else { return Ok(()) };
        let history = channel.limit_history(history);
        let wants_snapshot = channel.contract != Contract::Stream;
        let last = history.candles.first().cloned();
        channel.candles.insert(canonical.clone(), CandleSubscription { symbol, last });
        if wants_snapshot {
            self.send_snapshot(number, &canonical.into(), history, fault);
        }
        Ok(())
    }

    fn unsubscribe(&mut self, number: u64, pair: &Subscription) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        match EventKind::from_name(&pair.r#type) {
            Some(kind) if kind == EventKind::candle() => {
                if let Some(canonical) = canonical_candle(&pair.symbol) {
                    channel.candles.remove(&canonical);
                }
            }
            Some(kind) => {
                let removed = channel.subscribed.get_mut(&kind).and_then(|symbols| symbols.remove_entry(&*pair.symbol));
                if let Some((symbol, Some(_))) = removed.filter(|_| kind.ticks()) {
                    self.feed.hub.remove(kind, &symbol);
                }
            }
            None => {}
        }
    }

    /// Removes every subscription of a channel.
    pub(super) fn reset(&mut self, number: u64) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        channel.candles.clear();
        for (kind, symbols) in channel.subscribed.drain() {
            for (symbol, source) in symbols {
                if source.is_some() && kind.ticks() {
                    self.feed.hub.remove(kind, &symbol);
                }
            }
        }
    }

    /// Brings the venue's count of subscriptions up to date.
    pub(super) fn count_subscriptions(&mut self) {
        let size = self.channels.values().map(Channel::size).sum::<usize>() as u64;
        // One step: between two, others would read a count that never was.
        match size.checked_sub(self.counted) {
            Some(more) => self.feed.subscriptions.fetch_add(more, Ordering::Relaxed),
            None => self.feed.subscriptions.fetch_sub(self.counted - size, Ordering::Relaxed),
        };
        self.counted = size;
    }
}

/// What a subscription message brings at once, by type.
type Begun = BTreeMap<EventKind, Vec<Tick>>;
