//! Fuzz target: calls of Flight clients, and bytes in their place. Run it by `tests/fuzz/run flight`.
#![no_main]
#![allow(clippy::unwrap_used, dead_code, missing_docs, unsafe_code)]

mod calls;
mod driver;
mod encrypted;
mod harness;
mod input;
mod market;
mod target;

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: driver::start(calls::seeds()), |bytes: &[u8]| {
    driver::run(|target| calls::flight(target, bytes));
});
