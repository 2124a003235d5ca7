//! What the fuzz targets share: one market for all inputs, and what counts as a crash.

use crate::market::Market;
use crate::target::Target;
use std::sync::OnceLock;
use tokio::runtime::Runtime;

/// Stack of each thread, as in the program.
const STACK_BYTES: usize = 8 << 20;

struct Driver {
    runtime: Runtime,
    target: Target,
    _market: Market,
}

static DRIVER: OnceLock<Driver> = OnceLock::new();

/// Opens the market. Called once, before the first input. With TT_FUZZ_SEEDS in the environment it only writes the
/// seeds there.
pub(crate) fn start(seeds: Vec<(&str, Vec<u8>)>) {
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
            std::fs::write(std::path::Path::new(&directory).join(name), bytes).expect("write a seed");
        }
        std::process::exit(0);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build();
    let runtime = runtime.expect("a runtime");
    let (market, target) = runtime.block_on(async {
        let market = Market::open().await;
        let target = Target::serve(&market).await;
        (market, target)
    });
    let _ = DRIVER.set(Driver { runtime, target, _market: market });
}

/// Runs one input to its end; aborts when the server did something wrong.
pub(crate) fn run<F: Future<Output = Result<(), String>>>(input: impl FnOnce(&'static Target) -> F) {
    let driver = DRIVER.get().expect("started before the first input");
    if let Err(wrong) = driver.runtime.block_on(input(&driver.target)) {
        eprintln!("{wrong}");
        std::process::abort();
    }
}
