//! Fuzz target: the texts of one connection of the feed, from the handshake on. Run it by `tests/fuzz/run dxlink`.
#![no_main]
#![allow(clippy::unwrap_used, dead_code, missing_docs, unsafe_code)]

mod feeds;
mod harness;

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: harness::begin(feeds::seeds()), |bytes: &[u8]| {
    harness::judge(feeds::dxlink(bytes));
});
