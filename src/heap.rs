//! The allocator, and what it counts: memory that the whole program holds, and memory that one piece of work has taken.
//!
//! Work is counted where it runs: what its thread allocates less what it frees meanwhile. What another thread
//! frees, a front end that has sent rows, is not seen; so the count says who has taken much, and not how much exactly.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use tikv_jemalloc_ctl::thread::{ThreadLocal, allocatedp, deallocatedp};
use tikv_jemalloc_ctl::{epoch, stats};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Bytes that the program has allocated and not freed; 0 where the allocator does not count.
pub(crate) fn allocated() -> usize {
    let counted = epoch::advance().and_then(|_| stats::allocated::read());
    counted.unwrap_or(0)
}

/// Bytes in memory: what is allocated, and what was freed and not given back yet.
fn resident() -> usize {
    stats::resident::read().unwrap_or(0)
}

/// Bytes beside those that may be allocated, for what was freed and not given back yet. A plan of large constants that is
/// copied again and again leaves as much in a second as it has.
const FREED_MAX: usize = 150 << 20;

/// Bytes that may be allocated; `usize::MAX` as long as nobody has said.
static CEILING: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Has [`room`] count down from so many bytes, in this process.
pub(crate) fn limit_to(bytes: usize) {
    CEILING.store(bytes, Ordering::Relaxed);
}

/// Bytes that may still be allocated. A step that is to take a megabyte or more compares it with this first: the
/// allocator does not refuse.
pub(crate) fn room() -> usize {
    match CEILING.load(Ordering::Relaxed) {
        usize::MAX => usize::MAX,
        ceiling => unallocated().min(ceiling.saturating_add(FREED_MAX).saturating_sub(resident())),
    }
}

/// Bytes that are taken without asking.
const FEW: usize = 1 << 20;

/// Whether there is room for so many bytes; a few always have it. What can be given back is, before there is none.
pub(crate) fn has_room(bytes: usize) -> bool {
    bytes < FEW || bytes <= room() || (reclaim(bytes) > 0 && bytes <= unallocated())
}

/// Gives back about so many bytes and says how many it were.
type Reclaim = Box<dyn Fn(usize) -> usize + Send + Sync>;

/// Who has something that it could give back.
static RECLAIM: OnceLock<Reclaim> = OnceLock::new();

/// Has caches asked for room before there is none. The first one counts, as there is one program.
pub(crate) fn reclaim_with(reclaim: Reclaim) {
    let _ = RECLAIM.set(reclaim);
}

/// Has so many bytes given back, if anybody has them, and says how many it were. The system sees them a second later.
pub(crate) fn reclaim(bytes: usize) -> usize {
    RECLAIM.get().map_or(0, |reclaim| reclaim(bytes))
}

/// Bytes that may still be allocated, wherever freed ones are.
fn unallocated() -> usize {
    match CEILING.load(Ordering::Relaxed) {
        usize::MAX => usize::MAX,
        ceiling => ceiling.saturating_sub(allocated()),
    }
}

/// Whether so many bytes are little beside all that may be allocated: a few copies of them have room.
pub(crate) fn is_little(bytes: usize) -> bool {
    bytes <= CEILING.load(Ordering::Relaxed) / 8
}

/// A part of what may be allocated that promises of one kind share, and what of it is promised.
#[derive(Debug)]
struct Share {
    /// Of how many such parts it is one.
    parts: usize,
    promised: AtomicUsize,
}

impl Share {
    const fn one_of(parts: usize) -> Self {
        Self { parts, promised: AtomicUsize::new(0) }
    }

    /// Takes so many bytes of it; `false`, and none, where it has not as many.
    fn take(&self, bytes: usize) -> bool {
        let most = CEILING.load(Ordering::Relaxed) / self.parts;
        let within = |promised: usize| promised.checked_add(bytes).filter(|promised| *promised <= most);
        self.promised.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok()
    }
}

/// For what clients send, leave with the server, and do not take.
static CLIENTS: Share = Share::one_of(4);

/// For what comes on connections on which nobody has logged in.
static STRANGERS: Share = Share::one_of(16);

/// For constants in the plans of running statements.
static CONSTANTS: Share = Share::one_of(4);

/// Room within a share as long as this is kept. The default is for nothing.
#[derive(Debug)]
pub(crate) struct Promise {
    bytes: usize,
    share: &'static Share,
}

impl Default for Promise {
    fn default() -> Self {
        Self { bytes: 0, share: &CLIENTS }
    }
}

impl Promise {
    /// Room for so many bytes of a client, as [`Promise::of_all`] gives it; a few are not counted.
    pub(crate) fn of(bytes: usize) -> Option<Self> {
        if bytes < FEW { Some(Self::default()) } else { Self::of_all(bytes) }
    }

    /// Room for so many bytes that a client sends or leaves with the server. All of them together have at most a quarter of
    /// what may be allocated, so that clients who only send leave the rest to those who ask; `None` when this one would be
    /// beyond.
    pub(crate) fn of_all(bytes: usize) -> Option<Self> {
        Self::within(&CLIENTS, bytes)
    }

    /// Nothing yet of what strangers have together, so that they take none of the room of those who have logged in.
    pub(crate) fn of_strangers() -> Self {
        Self { bytes: 0, share: &STRANGERS }
    }

    /// Room for so many bytes of constants in a plan that is to run, of which all plans together have another quarter.
    pub(crate) fn of_constants(bytes: usize) -> Option<Self> {
        Self::within(&CONSTANTS, bytes)
    }

    fn within(share: &'static Share, bytes: usize) -> Option<Self> {
        if !share.take(bytes) {
            return None;
        }
        // Dropped, it gives back what it was for.
        let promise = Self { bytes, share };
        has_room(bytes).then_some(promise)
    }

    /// Bytes that it is for.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Room for so many bytes more, of the same share; `false`, and no more than before, when there is none.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let Some(mut more) = Self::within(self.share, bytes) else { return false };
        // What it was for is given back with this one.
        self.bytes += std::mem::take(&mut more.bytes);
        true
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.share.promised.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Bytes that one piece of work has taken and not given back, as far as its own threads tell.
#[derive(Debug, Default)]
pub(crate) struct Meter(AtomicI64);

impl Meter {
    /// Bytes now; 0 where more was freed than taken.
    pub(crate) fn bytes(&self) -> usize {
        usize::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// Counts bytes that others will free.
    pub(crate) fn hand_over(&self, bytes: usize) {
        self.0.fetch_sub(i64::try_from(bytes).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Does a step of the work and counts what it takes.
    pub(crate) fn counted<T>(&self, step: impl FnOnce() -> T) -> T {
        let before = of_thread();
        let outer = BEFORE_STEP.replace(before);
        let done = step();
        BEFORE_STEP.set(outer);
        self.0.fetch_add(of_thread().wrapping_sub(before), Ordering::Relaxed);
        done
    }

    /// Bytes now, with those of the step that this thread is at.
    pub(crate) fn bytes_within_step(&self) -> usize {
        let step = of_thread().wrapping_sub(BEFORE_STEP.get());
        usize::try_from(self.0.load(Ordering::Relaxed).saturating_add(step)).unwrap_or(0)
    }
}

thread_local! {
    /// What [`of_thread`] was when the step began that this thread is at.
    static BEFORE_STEP: Cell<i64> = const { Cell::new(0) };

    /// The counters of this thread; `None` where the allocator does not count.
    static COUNTERS: Option<(ThreadLocal<u64>, ThreadLocal<u64>)> =
        allocatedp::read().and_then(|taken| Ok((taken, deallocatedp::read()?))).ok();
}

/// Bytes that this thread has taken less those that it has freed, since it began.
fn of_thread() -> i64 {
    let net = |(taken, freed): &(ThreadLocal<u64>, ThreadLocal<u64>)| taken.get().wrapping_sub(freed.get());
    COUNTERS.with(|counters| counters.as_ref().map_or(0, net)).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_step_keeps_is_counted() {
        let meter = Meter::default();
        let kept = meter.counted(|| {
            drop(vec![1_u8; 3_000_000]);
            let kept = vec![1_u8; 1_000_000];
            assert!((1_000_000..1_200_000).contains(&meter.bytes_within_step()));
            kept
        });
        assert!((1_000_000..1_200_000).contains(&meter.bytes()), "{}", meter.bytes());
        assert!(allocated() >= 1_000_000);
        meter.counted(|| drop(kept));
        assert!(meter.bytes() < 100_000, "{}", meter.bytes());
    }

    #[test]
    fn a_promise_grows_as_long_as_there_is_room() {
        let mut promise = Promise::default();
        assert!(promise.grow(1_000) && promise.grow(2_000));
        assert!(!promise.grow(usize::MAX / 2));
        assert_eq!(promise.bytes, 3_000);
    }
}
