//! Fuzz target: a folder of binary files of daily bars, imported. Run it by `tests/fuzz/run binary_import`.
#![no_main]
#![allow(clippy::unwrap_used, dead_code, missing_docs, unsafe_code)]

mod folder;
mod harness;
mod imports;
mod random;
mod rows;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(init: harness::begin(folder::seeds()), |bytes: &[u8]| {
    harness::judge(imports::binary(bytes));
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = random::Random::new(seed);
    if random.below(2) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let changed = folder::mutate(&data[..size], |bound| random.below(bound));
    let size = changed.len().min(max_size);
    data[..size].copy_from_slice(&changed[..size]);
    size
});
