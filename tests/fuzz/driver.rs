//! What the fuzz targets with a server share: one market for all inputs.

use crate::harness;
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
    harness::begin(seeds.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect());
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
    harness::judge(driver.runtime.block_on(input(&driver.target)));
}
