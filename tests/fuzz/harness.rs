//! What every fuzz target begins with, whether it has a server or not: what counts as a crash, and its seeds.

use std::path::Path;

/// To be called once, before the first input. With TT_FUZZ_SEEDS in the environment it only writes the seeds there.
pub(crate) fn begin(seeds: Vec<(String, Vec<u8>)>) {
    // The driver of libFuzzer has every panic abort. A panic of a library below a statement ends that statement, and is
    // told of as an internal error, which the targets look for; a panic of our own is never expected.
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}\n{}", std::backtrace::Backtrace::force_capture());
        let ours = panic.location().is_none_or(|location| !location.file().contains("/registry/src/"));
        if ours {
            std::process::abort();
        }
    }));
    if let Ok(directory) = std::env::var("TT_FUZZ_SEEDS") {
        for (name, bytes) in seeds {
            std::fs::write(Path::new(&directory).join(name), bytes).expect("write a seed");
        }
        std::process::exit(0);
    }
}

/// Aborts when an input had something done wrong.
pub(crate) fn judge<T>(outcome: Result<T, String>) {
    if let Err(wrong) = outcome {
        eprintln!("{wrong}");
        std::process::abort();
    }
}
