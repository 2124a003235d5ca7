//! What the fuzz targets have found: every input in `tests/fuzz/finds` is run again, as they run it.

#[path = "../fuzz/calls.rs"]
mod calls;
#[path = "../fuzz/encrypted.rs"]
mod encrypted;
#[path = "../fuzz/input.rs"]
mod input;
#[path = "../fuzz/market.rs"]
mod market;
#[path = "../fuzz/target.rs"]
mod target;

use market::Market;
use std::path::{Path, PathBuf};
use target::Target;

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
    let target = Target::serve(&market).await;
    let mut wrong = Vec::new();
    for folder in ["flight", "sql", "wire"] {
        for file in finds(folder) {
            let bytes = std::fs::read(&file).unwrap();
            let outcome = match folder {
                "flight" => calls::flight(&target, &bytes).await,
                "sql" => input::sql(&target, &String::from_utf8_lossy(&bytes)).await,
                _ => input::wire(&target, &bytes).await,
            };
            if let Err(what) = outcome {
                wrong.push(format!("{}: {what}", file.display()));
            }
        }
    }
    // What real clients send must be answered; a target whose calls never arrive finds nothing.
    for (name, bytes) in calls::seeds() {
        if let Err(what) = calls::flight(&target, &bytes).await {
            wrong.push(format!("the seed {name}: {what}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The fuzzed bytes reach a session inside TLS, by every way.
#[tokio::test(flavor = "multi_thread")]
async fn every_way_of_encryption_is_met() {
    let market = Market::open().await;
    let target = Target::serve(&market).await;
    // Which way follows from the sum of the bytes.
    for filler in 0..5_u8 {
        let query = [b"SELECT 1 -- ", &[b'a' + filler][..], b"\0"].concat();
        let bytes = [input::startup(), input::message(b'Q', &[&query])].concat();
        encrypted::wire(&target, &bytes).await.unwrap();
    }
}
