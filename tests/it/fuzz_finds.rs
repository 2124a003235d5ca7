//! What the fuzz targets have found: every input in `tests/fuzz/finds` is run again, as they run it.

#[path = "../fuzz/calls.rs"]
mod calls;
#[path = "../fuzz/encrypted.rs"]
mod encrypted;
#[path = "../fuzz/feeds.rs"]
mod feeds;
#[path = "../fuzz/folder.rs"]
mod folder;
#[path = "../fuzz/imports.rs"]
mod imports;
#[path = "../fuzz/input.rs"]
mod input;
#[path = "../fuzz/market.rs"]
mod market;
#[path = "../fuzz/random.rs"]
mod random;
#[path = "../fuzz/rows.rs"]
mod rows;
#[path = "../fuzz/target.rs"]
mod target;
#[path = "../fuzz/texts.rs"]
mod texts;

use market::Market;
use random::Random;
use rows::Row;
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

/// What is done with an input that needs no server.
type Run = fn(&[u8]) -> Result<u64, String>;

/// Inputs by name.
type Seeds = Vec<(String, Vec<u8>)>;

#[test]
fn files_and_feeds_that_were_found_stay_found_out() {
    let targets: [(&str, Run, Seeds, &[&str]); 3] = [
        ("binary_import", imports::binary, folder::seeds(), &["intraday", "damaged"]),
        ("dxlink", feeds::dxlink, feeds::seeds(), &[]),
        ("text_import", imports::text, texts::seeds(), &[]),
    ];
    let mut wrong = Vec::new();
    for (target, run, seeds, empty) in targets {
        for file in finds(target) {
            if let Err(what) = run(&std::fs::read(&file).unwrap()) {
                wrong.push(format!("{}: {what}", file.display()));
            }
        }
        // What programs write must come through; a target whose rows never arrive finds nothing.
        for (name, bytes) in seeds {
            match run(&bytes) {
                Ok(rows) if (rows == 0) == empty.contains(&name.as_str()) => {}
                Ok(rows) => wrong.push(format!("the seed {target}/{name}: {rows} rows")),
                Err(what) => wrong.push(format!("the seed {target}/{name}: {what}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A first look without libFuzzer: the seeds with a few bytes changed, and folders with a thing about them.
#[test]
fn what_is_almost_right_keeps_the_rules_too() {
    let mut random = Random::new(7);
    let targets: [(Run, Seeds); 3] =
        [(imports::binary, folder::seeds()), (feeds::dxlink, feeds::seeds()), (imports::text, texts::seeds())];
    for (number, (run, seeds)) in targets.into_iter().enumerate() {
        for (name, seed) in seeds {
            let mut bytes = seed.clone();
            for round in 0..40 {
                bytes = match number {
                    0 => folder::mutate(&bytes, |bound| random.below(bound)),
                    _ => changed(&seed, &mut random),
                };
                if let Err(what) = run(&bytes) {
                    panic!("{name}, round {round}: {what}\n{}", bytes.escape_ascii());
                }
            }
        }
    }
}

/// Bytes that mean something to somebody.
const TELLING: &[u8] = b"0123456789.,;-eEN\"[]{}\n\t ";

/// The same bytes but for a few: gone, written over, or from elsewhere in them.
fn changed(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let part = bytes[at..bytes.len().min(at + random.below(24))].to_vec();
        let to = random.below(bytes.len() + 1);
        match random.below(4) {
            0 => drop(bytes.drain(at..at + part.len())),
            1 => bytes.insert(to, TELLING[random.below(TELLING.len())]),
            2 if to < bytes.len() => bytes[to] = random.below(256) as u8,
            _ => drop(bytes.splice(to..to, part)),
        }
    }
    bytes
}

/// What looks at rows sees each fault that it is there for.
#[test]
fn a_row_that_is_wrong_is_seen() {
    let good = Row {
        symbol: Some("BRK B".to_owned()),
        day: Some(20_458),
        prices: [Some(1.0), Some(2.0), Some(1.0), Some(1.5)],
        counts: [Some(0), None],
    };
    assert_eq!(good.wrong(20_458), None);
    let symbol = |symbol: &str| Row { symbol: Some(symbol.to_owned()), ..good.clone() };
    let prices = |prices| Row { prices, ..good.clone() };
    for (row, what) in [
        (symbol(""), "an odd symbol"),
        (symbol("A "), "an odd symbol"),
        (symbol("a"), "an odd symbol"),
        (Row { day: Some(20_459), ..good.clone() }, "in the future"),
        (prices([Some(0.0), Some(2.0), Some(1.0), Some(1.5)]), "a price that is none"),
        (prices([None, Some(f64::INFINITY), Some(1.0), Some(1.5)]), "a price that is none"),
        (prices([None, None, Some(f64::NAN), Some(1.5)]), "a price that is none"),
        (prices([None, Some(1.0), Some(2.0), Some(1.5)]), "its high below its low"),
        (prices([None; 4]), "no close"),
        (Row { counts: [None, Some(-1)], ..good.clone() }, "a count below 0"),
    ] {
        let told = row.wrong(20_458);
        assert!(told.as_deref().is_some_and(|told| told.contains(what)), "{row:?}: {told:?}");
    }
}
