//! Fuzz target: SQL text, read, planned, run and encoded by both protocols. Run it by `tests/fuzz/run sql`.
#![no_main]
#![allow(clippy::unwrap_used, dead_code, missing_docs, unsafe_code)]

mod driver;
mod encrypted;
mod harness;
mod input;
mod market;
mod target;

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: driver::start(Vec::new()), |bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    driver::run(|target| input::sql(target, &text));
});
