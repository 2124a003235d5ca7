//! What the fuzz targets have found: every input in `tests/fuzz/finds` is run again, as they run it.

#[path = "../fuzz/input.rs"]
mod input;
#[path = "../fuzz/market.rs"]
mod market;

use input::Target;
use market::Market;
use std::path::{Path, PathBuf};

/// The inputs of one target, by name.
fn finds(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/finds").join(target);
    // A target that has found nothing has no folder.
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_stays_found_out() {
    let market = Market::open().await;
    let engine = market.server.engine.clone();
    let server = crate::world::serve_postgres(engine.clone(), market.shutdown.clone()).await;
    let target = Target { engine, servers: vec![server] };
    let mut wrong = Vec::new();
    for file in finds("wire") {
        if let Err(what) = input::wire(&target, &std::fs::read(&file).unwrap()).await {
            wrong.push(format!("{}: {what}", file.display()));
        }
    }
    for file in finds("sql") {
        if let Err(what) = input::sql(&target, &std::fs::read_to_string(&file).unwrap()).await {
            wrong.push(format!("{}: {what}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
