//! Fuzz target: a text file of daily bars, imported. Run it by `tests/fuzz/run text_import`.
#![no_main]
#![allow(clippy::unwrap_used, dead_code, missing_docs, unsafe_code)]

mod folder;
mod harness;
mod imports;
mod rows;
mod texts;

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: harness::begin(texts::seeds()), |bytes: &[u8]| {
    harness::judge(imports::text(bytes));
});
