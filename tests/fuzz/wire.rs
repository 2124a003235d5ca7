//! Fuzz target: bytes of a client, before and after it is let in. Run it by `tests/fuzz/run wire`.
#![no_main]
#![allow(clippy::unwrap_used, dead_code, missing_docs, unsafe_code)]

mod driver;
mod encrypted;
mod frames;
mod harness;
mod input;
mod market;
mod random;
mod target;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(init: driver::start(frames::conversations()), |bytes: &[u8]| {
    driver::run(|target| input::wire(target, bytes));
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = random::Random::new(seed);
    if random.below(4) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut frames = frames::split(&data[..size]);
    frames::mutate(&mut frames, &mut random, |body| {
        let length = body.len();
        body.resize(length + 64, 0);
        let longest = body.len();
        let length = fuzzer_mutate(body, length, longest);
        body.truncate(length);
    });
    let joined = frames::join(&frames);
    let size = joined.len().min(max_size);
    data[..size].copy_from_slice(&joined[..size]);
    size
});
