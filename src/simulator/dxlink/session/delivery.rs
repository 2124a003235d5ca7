//! Delivery to a dxLink connection: announcements of fields, snapshots, ticks, current candles and summaries.

use super::{CANDLES_PER_FRAME, SUMMARIES_PER_LOOK, Session, TICKS_PER_FRAME};
use crate::market;
use crate::simulator::dxlink::candle::{self, History};
use crate::simulator::dxlink::{frame, message, restate};
use crate::simulator::event::{CandleEvent, EventKind, FeedEvent, Pace, Tick};
use crate::simulator::fault::Kind;
use chrono::{DateTime, Utc};
use std::collections::HashSet;
use std::sync::Arc;

impl Session {
    /// Announces the fields of types that are used for the first time on a channel.
    pub(super) fn announce(&mut self, number: u64, kinds: &[EventKind]) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        let new: Vec<EventKind> = kinds.iter().copied().filter(|kind| channel.layout(*kind).1).collect();
        if !new.is_empty() {
            let (format, fields) = (channel.format.name(), channel.fields(&new));
            let config = message::feed_config(number, format, channel.period_seconds, &fields);
            self.send(config);
        }
    }

    /// Sends a candle's history, newest first, in frames of 250 rows with the flags BEGIN and END; faults change it.
    pub(super) fn send_snapshot(&mut self, number: u64, symbol: &Arc<str>, history: History, fault: Option<Kind>) {
        let History { mut candles, mut cut_off } = history;
        let mut rows_per_frame = CANDLES_PER_FRAME;
        match &fault {
            Some(Kind::EmptySnapshot) => candles.clear(),
            Some(Kind::Snip) => {
                candles.truncate(candles.len().div_ceil(2));
                cut_off = true;
            }
            Some(Kind::SplitSnapshot) => rows_per_frame = 2,
            Some(Kind::LateBar) => {
                // The bar of the running session is there: the last one behind it is that of a session that is over.
                let last_closed = market::calendar::last_closed(self.now()).date;
                candles.retain(|candle| candle.time.date_naive() != last_closed);
            }
            Some(Kind::ImpossibleBars) => {
                if let Some(candle) = candles.get_mut(2) {
                    (candle.high, candle.low) = (candle.low, candle.high + 1.0);
                }
                if let Some(candle) = candles.get_mut(3) {
                    candle.low = -candle.low;
                }
            }
            Some(Kind::Split { date, ratio, restated }) => {
                restate::split(&mut candles, *date, ratio.number(), *restated);
            }
            Some(Kind::CorrectedBar(date)) => restate::correct(&mut candles, *date),
            Some(Kind::Seam { date, ratio }) => {
                candles.retain(|candle| candle.time.date_naive() >= *date);
                restate::split(&mut candles, *date, ratio.number(), true);
            }
            _ => {}
        }
        candle::flag_snapshot(&mut candles, cut_off);
        if fault == Some(Kind::EndlessSnapshot)
            && let Some(oldest) = candles.last_mut()
        {
            oldest.flags &= !candle::END;
        }
        if candles.is_empty() {
            candles.push(candle::empty_row(symbol, self.now()));
        }
        self.disarrange(number, EventKind::candle(), fault.as_ref());
        let missing = fault == Some(Kind::NotANumber);
        let times = if fault == Some(Kind::RepeatedSnapshot) { 2 } else { 1 };
        for _ in 0..times {
            for part in candles.chunks(rows_per_frame) {
                self.send_candles(number, part, missing);
            }
        }
        if let (Some(Kind::Correction), Some(newest)) = (&fault, candles.first()) {
            // The row goes away and comes back within one transaction: nobody may see the gap.
            let removal = CandleEvent { flags: candle::PENDING | candle::REMOVE, ..newest.clone() };
            let again = CandleEvent { flags: 0, ..newest.clone() };
            self.send_candles(number, &[removal], false);
            self.send_candles(number, &[again], false);
        }
        self.send_gathered();
        self.apply(fault, number);
    }

    /// Faults in how the next frames of a type are laid out.
    fn disarrange(&mut self, number: u64, kind: EventKind, fault: Option<&Kind>) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        match fault {
            Some(Kind::SeveralTypes) => self.gathered = Some(Vec::new()),
            Some(Kind::UnknownType) => self.gathered = Some(vec![frame::unknown(number, channel.format)]),
            Some(Kind::ReorderedFields) => {
                channel.reverse_fields(kind);
                let fields = channel.fields(&[kind]);
                let config = message::feed_config(number, channel.format.name(), channel.period_seconds, &fields);
                self.send(config);
            }
            _ => {}
        }
    }

    /// Sends the frames that were held back as one.
    pub(super) fn send_gathered(&mut self) {
        if let Some(frames) = self.gathered.take() {
            self.send(frame::joined(&frames));
        }
    }

    /// Sends the ticks that are due.
    pub(super) fn flush(&mut self) {
        let due: Vec<u64> =
            self.channels.values_mut().filter_map(|channel| channel.due().then_some(channel.number)).collect();
        for number in due {
            let Some(channel) = self.channels.get_mut(&number) else { continue };
            for (kind, ticks) in channel.drain() {
                self.send_ticks(number, kind, &ticks);
            }
            self.send_gathered();
        }
    }

    /// Sends events of one type in frames of 1,000.
    pub(super) fn send_ticks(&mut self, number: u64, kind: EventKind, events: &[Tick]) {
        if events.is_empty() {
            return;
        }
        let fault = self.feed.faults.for_feed(kind.name(), &[]);
        let all_missing = fault == Some(Kind::NotANumber);
        self.disarrange(number, kind, fault.as_ref());
        self.apply(fault, number);
        let missing: HashSet<Arc<str>> = match self.feed.faults.any_for_symbol(kind.name()) {
            false => HashSet::new(),
            true => {
                let broken =
                    |symbol: &Arc<str>| self.feed.faults.for_symbol(kind.name(), symbol) == Some(Kind::NotANumber);
                events.iter().map(|event| event.symbol()).filter(|symbol| broken(symbol)).cloned().collect()
            }
        };
        for part in events.chunks(TICKS_PER_FRAME) {
            let part: Vec<&dyn FeedEvent> = part.iter().map(|event| &**event).collect();
            self.send_frame(number, kind, &part, |event| all_missing || missing.contains(event.symbol()));
        }
    }

    fn send_candles(&mut self, number: u64, candles: &[CandleEvent], missing: bool) {
        let candles: Vec<&dyn FeedEvent> = candles.iter().map(|candle| candle as &dyn FeedEvent).collect();
        self.send_frame(number, EventKind::candle(), &candles, |_| missing);
    }

    fn send_frame(
        &mut self,
        number: u64,
        kind: EventKind,
        events: &[&dyn FeedEvent],
        missing: impl Fn(&dyn FeedEvent) -> bool,
    ) {
        let faults = &self.feed.faults;
        let flowing: Vec<&dyn FeedEvent>;
        let events = match faults.any_stall() {
            true => {
                let flows = |event: &&&dyn FeedEvent| !faults.stalls(kind.name(), event.symbol());
                flowing = events.iter().filter(flows).copied().collect();
                flowing.as_slice()
            }
            false => events,
        };
        if events.is_empty() || self.token.is_none() {
            return;
        }
        self.announce(number, &[kind]);
        let Some(channel) = self.channels.get_mut(&number) else { return };
        let (layout, _) = channel.layout(kind);
        let text = frame::data(number, kind, channel.format, &layout, events, missing);
        match &mut self.gathered {
            Some(frames) => frames.push(text),
            None => self.send(text),
        }
    }

    /// Sends the current candle of every subscription in which time, close or volume has changed.
    pub(super) fn send_current_candles(&mut self, now: DateTime<Utc>) {
        let exchange = self.feed.exchange.clone();
        let mut changed: Vec<(u64, CandleEvent)> = Vec::new();
        for channel in self.channels.values_mut() {
            for subscription in channel.candles.values_mut() {
                let current = candle::current(&exchange, &subscription.symbol, now);
                // NaN is unlike itself: candles are compared by the fields that move.
                let moving = |candle: &CandleEvent| (candle.time, candle.close.to_bits(), candle.volume.to_bits());
                if let Some(current) =
                    current.filter(|current| subscription.last.as_ref().map(moving) != Some(moving(current)))
                {
                    subscription.last = Some(current.clone());
                    changed.push((channel.number, current));
                }
            }
        }
        let numbers: HashSet<u64> = changed.iter().map(|(number, _)| *number).collect();
        for number in numbers {
            let of_channel = |(other, candle): &(u64, CandleEvent)| (*other == number).then(|| candle.clone());
            let candles: Vec<CandleEvent> = changed.iter().filter_map(of_channel).collect();
            self.send_candles(number, &candles, false);
        }
    }

    /// Sends some of the summaries again, in turn.
    pub(super) fn send_summaries(&mut self, now: DateTime<Utc>) {
        let mut summaries = Vec::new();
        for kind in EventKind::all().filter(|kind| kind.pace() == Pace::Looks) {
            for channel in self.channels.values() {
                let Some(symbols) = channel.subscribed.get(&kind) else { continue };
                let turn = self.summaries_sent % symbols.len().max(1);
                let sources = symbols.iter().filter_map(|(symbol, source)| Some((symbol, source.as_ref()?)));
                let some = sources.skip(turn).take(SUMMARIES_PER_LOOK);
                let made = some.filter_map(|(symbol, source)| kind.make(&self.feed.exchange, symbol, source, now, 0));
                summaries.push((channel.number, kind, made.collect::<Vec<_>>()));
            }
        }
        self.summaries_sent += SUMMARIES_PER_LOOK;
        for (number, kind, events) in summaries {
            self.send_ticks(number, kind, &events);
            self.send_gathered();
        }
    }
}
