//! Backups and restores of small lakes: what they hold, what becomes of interrupted ones, and what a power failure leaves.

use super::restore::{chosen, restore_into};
use super::*;
use crate::disk::power::Power;
use crate::lake::store::{self, Missing};
use crate::lake::test_rows::row;
use crate::lake::{DatasetState, Lake, LakeError, LakeTable, MadeOf, RETENTION_MIN, Run, StoreOptions};
use crate::progress::Progress;
use arrow::array::AsArray;
use chrono::{TimeDelta, Utc};
use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const HISTORY: &str = "market_metrics_history";
const INPUT: &str = "symbols";
const DERIVED: &str = "market_metrics";

/// A place with a lake and a target in it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn lake(&self) -> Lake {
        Lake::open_or_create(&text(&self.at("lake")), &StoreOptions::default()).await.unwrap()
    }

    fn target(&self) -> Target {
        Target::create(&text(&self.at("target")), &StoreOptions::default()).unwrap()
    }

    async fn back_up(&self, lake: &Lake) -> BackedUp {
        lake.back_up(&self.target(), &self.at("lake/spool"), &Progress::default()).await.unwrap()
    }

    async fn restore(&self, id: Option<&str>, to: &str) -> Result<Restored, LakeError> {
        let to = self.at(to);
        let target = Target::open(&text(&self.at("target")), &StoreOptions::default())?;
        restore(&target, id, &text(&to), &StoreOptions::default(), &to.join("spool"), &Progress::default()).await
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

async fn append(lake: &Lake, symbol: &str) {
    let table = lake.table(HISTORY).unwrap();
    let base = table.update().await.unwrap();
    let staged = table.stage(&row(table, symbol)).await.unwrap();
    table.commit(base.as_deref(), &[], vec![staged]).await.unwrap();
}

/// Replaces the rows of a table, and remembers of what they were made.
async fn replace(lake: &Lake, name: &str, symbol: &str, made_of: MadeOf) -> u64 {
    let table = lake.table(name).unwrap();
    let base = table.update().await.unwrap();
    let files = base.as_ref().map(|base| base.files.clone()).unwrap_or_default();
    let staged = table.stage(&row(table, symbol)).await.unwrap();
    let version = table.commit(base.as_deref(), &files, vec![staged]).await.unwrap().version;
    let run = Run { version: Some(version), ended_at: Utc::now(), made_of, ..Run::default() };
    table.remember(run, &DatasetState::default()).await;
    version
}

/// Symbols of the latest version, sorted.
async fn symbols(table: &LakeTable) -> Vec<String> {
    let Some(snapshot) = table.update().await.unwrap() else { return Vec::new() };
    let mut symbols = Vec::new();
    for batch in table.read(&snapshot.files).await.unwrap() {
        let at = batch.schema().index_of("symbol").unwrap();
        symbols.extend(batch.column(at).as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    symbols.sort();
    symbols
}

/// Rows of a lake at a location.
async fn held(location: &Path) -> Result<(Vec<String>, Vec<String>), LakeError> {
    let lake = Lake::open(&text(location), &StoreOptions::default()).await?;
    Ok((symbols(lake.table(HISTORY).unwrap()).await, symbols(lake.table(INPUT).unwrap()).await))
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Two tables with some past, a file of the user's, and spooled events.
async fn filled(place: &Place) -> Lake {
    let lake = place.lake().await;
    for symbol in ["A", "B"] {
        append(&lake, symbol).await;
        replace(&lake, INPUT, symbol, MadeOf::default()).await;
    }
    fs::write(place.at("lake/users.toml"), "secret").unwrap();
    let spool = place.at("lake/spool/quotes_history");
    fs::create_dir_all(&spool).unwrap();
    for (file, bytes) in
        [("id", "one"), ("numbers", "at-most 9"), ("00000000000000000001.spool", "events"), ("lock", "")]
    {
        fs::write(spool.join(file), bytes).unwrap();
    }
    lake
}

#[tokio::test(flavor = "multi_thread")]
async fn each_backup_comes_back_as_it_was() {
    let place = Place::new();
    let lake = filled(&place).await;
    let first = place.back_up(&lake).await;
    append(&lake, "C").await;
    replace(&lake, INPUT, "C", MadeOf::default()).await;
    fs::write(place.at("lake/spool/quotes_history/00000000000000000001.spool"), "events, and more").unwrap();
    let second = place.back_up(&lake).await;
    // A file of data and a commit of each table, the ages of one, and the spool's file.
    assert_eq!((first.copied_files, second.copied_files), (first.manifest.files.len() as u64, 6));
    let third = place.back_up(&lake).await;
    assert_eq!((third.copied_files, third.copied_bytes), (0, 0));

    place.restore(Some(&first.manifest.id()), "one").await.unwrap();
    assert_eq!(held(&place.at("one")).await.unwrap(), (owned(&["A", "B"]), owned(&["B"])));
    let spooled = |lake: &str, file: &str| {
        fs::read_to_string(place.at(lake).join("spool/quotes_history").join(file)).unwrap_or_default()
    };
    assert_eq!(spooled("one", "00000000000000000001.spool"), "events");
    place.restore(None, "two").await.unwrap();
    assert_eq!(held(&place.at("two")).await.unwrap(), (owned(&["A", "B", "C"]), owned(&["C"])));
    assert_eq!(spooled("two", "00000000000000000001.spool"), "events, and more");
    assert_eq!((spooled("two", "id"), spooled("two", "numbers")), ("one".to_owned(), "at-most 9".to_owned()));
    assert!(!place.at("two/spool/quotes_history/lock").exists());
    assert_eq!(fs::read_to_string(place.at("two/users.toml")).unwrap(), "secret");
    #[cfg(unix)]
    for private in ["two/users.toml", "target"] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(place.at(private)).unwrap().permissions().mode() & 0o077, 0, "{private}");
    }

    // Older versions come too, and the table goes on.
    let lake = Lake::open(&text(&place.at("two")), &StoreOptions::default()).await.unwrap();
    let table = lake.table(INPUT).unwrap();
    assert_eq!(table.history().await.unwrap().len(), 3);
    assert_eq!(table.snapshot_by_version(0).await.unwrap().rows(), Some(1));
    assert_eq!(table.read_state().await.unwrap().version, table.current().map(|latest| latest.version));
    append(&lake, "D").await;
    assert_eq!(held(&place.at("two")).await.unwrap().0, owned(&["A", "B", "C", "D"]));
}

#[tokio::test]
async fn a_lake_is_not_restored_over_and_an_interrupted_restore_is_begun_anew() {
    let place = Place::new();
    let lake = filled(&place).await;
    let backup = place.back_up(&lake).await;
    let refused = place.restore(None, "lake").await.unwrap_err().to_string();
    assert!(refused.contains("it holds a lake already"), "{refused}");

    // A file of the target that others are read by is damaged: what was restored so far is no lake.
    let file = backup.manifest.files.iter().find(|file| file.name.contains("/_delta_log/")).unwrap();
    let stored = place.at("target/files").join(&file.stored);
    let whole = fs::read(&stored).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    for (bytes, told) in [(&damaged[..], "checksum differs"), (&whole[1..], "bytes where the backup had")] {
        fs::write(&stored, bytes).unwrap();
        let error = place.restore(None, "half").await.unwrap_err().to_string();
        assert!(error.contains(told) && error.contains(&file.stored), "{error}");
        let error = held(&place.at("half")).await.unwrap_err().to_string();
        assert!(error.contains("a restore into it has not ended"), "{error}");
    }
    fs::write(&stored, &whole).unwrap();
    // What an earlier one left is gone, whatever it was.
    fs::create_dir_all(place.at("half/lake/symbols/_delta_log")).unwrap();
    fs::write(place.at("half/lake/symbols/_delta_log/00000000000000000009.json"), "{}").unwrap();
    fs::write(place.at("half/users.toml"), "the user's own").unwrap();
    let restored = place.restore(None, "half").await.unwrap();
    assert_eq!(restored.kept, ["users.toml"]);
    assert_eq!(held(&place.at("half")).await.unwrap(), (owned(&["A", "B"]), owned(&["B"])));
    assert_eq!(fs::read_to_string(place.at("half/users.toml")).unwrap(), "the user's own");
}

/// Files of rows and of events that the target has lost are told, and leave the others alone.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_in_the_target_costs_itself() {
    let place = Place::new();
    let lake = filled(&place).await;
    let backup = place.back_up(&lake).await;
    let files = || backup.manifest.files.iter();
    let rows = files().find(|file| file.name.contains(INPUT) && file.name.ends_with(".parquet")).unwrap();
    let events = files().find(|file| file.name.ends_with(".spool")).unwrap();
    let stored = |name: &str| place.at("target/files").join(name);
    let mut damaged = fs::read(stored(&rows.stored)).unwrap();
    let half = damaged.len() / 2;
    damaged[half] ^= 1;
    fs::write(stored(&rows.stored), damaged).unwrap();
    fs::write(stored(&events.stored), "evemts").unwrap();
    let restored = place.restore(None, "flipped").await.unwrap();
    assert_eq!(restored.damaged, [rows.name.clone(), events.name.clone()]);
    assert_eq!(fs::read_to_string(place.at("flipped").join(&events.name)).unwrap(), "evemts");
    fs::remove_file(stored(&rows.stored)).unwrap();
    let restored = place.restore(None, "gone").await.unwrap();
    assert_eq!(restored.damaged, [rows.name.clone(), events.name.clone()]);
    for lake in ["flipped", "gone"] {
        let lake = Lake::open(&text(&place.at(lake)), &StoreOptions::default()).await.unwrap();
        let lost = lake.table(INPUT).unwrap().repair().await.unwrap().lost_files;
        assert!(lost.iter().all(|path| path.as_ref().ends_with(rows.name.rsplit('/').next().unwrap())), "{lost:?}");
    }
}

#[tokio::test]
async fn what_has_no_manifest_is_no_backup_and_what_is_damaged_makes_none() {
    let place = Place::new();
    let lake = filled(&place).await;
    assert!(place.target().backups().await.unwrap().is_empty());
    let error = place.restore(None, "none").await.unwrap_err().to_string();
    assert!(error.ends_with("there is none"), "{error}");
    // A data file that was cut short.
    let table = lake.table(INPUT).unwrap();
    let file = format!("/{}", table.current().unwrap().files[0].path);
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[1..]).unwrap();
    let back_up = async || lake.back_up(&place.target(), &place.at("lake/spool"), &Progress::default()).await;
    let error = back_up().await.unwrap_err().to_string();
    assert!(error.contains("where the log says") && error.contains(&file), "{error}");
    // One of which a bit has flipped.
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    fs::write(&file, &flipped).unwrap();
    let error = back_up().await.unwrap_err().to_string();
    assert!(error.contains("is damaged: bytes 0 to") && error.contains(&file), "{error}");
    assert!(place.target().backups().await.unwrap().is_empty());
    fs::write(&file, &whole).unwrap();
    back_up().await.unwrap();
    assert_eq!(place.target().backups().await.unwrap().len(), 1);
    // A target within the lake, and one that another process writes into.
    let within = Target::create(&text(&place.at("lake/backups")), &StoreOptions::default()).unwrap();
    let error = lake.back_up(&within, &place.at("none"), &Progress::default()).await.unwrap_err().to_string();
    assert!(error.contains("within what they are of"), "{error}");
    let _open = place.target();
    let busy = Target::create(&text(&place.at("target")), &StoreOptions::default()).unwrap_err().to_string();
    assert!(busy.contains("another process writes into it"), "{busy}");
}

#[tokio::test]
async fn older_backups_go_with_what_only_they_need() {
    let place = Place::new();
    let lake = filled(&place).await;
    place.back_up(&lake).await;
    // What an interrupted backup left, and a file of the user's that changes.
    fs::write(place.at("target/files/orphan"), "of no backup").unwrap();
    fs::write(place.at("target/files/unfinished#12"), "of a killed one").unwrap();
    fs::write(place.at("lake/users.toml"), "another secret").unwrap();
    let second = place.back_up(&lake).await;
    let pruned = place.target().keep(NonZeroUsize::MIN).await.unwrap();
    assert_eq!((pruned.backups.len(), pruned.files), (1, 3));
    let left = place.target().backups().await.unwrap();
    assert_eq!(left.iter().map(|backup| backup.id.clone()).collect::<Vec<_>>(), [second.manifest.id()]);
    place.restore(None, "one").await.unwrap();
    assert_eq!(fs::read_to_string(place.at("one/users.toml")).unwrap(), "another secret");
    // Nobody knows what a manifest needs that cannot be read.
    fs::write(place.at("target/backups/20990101T000000.000000Z.json"), "{\"format\":2").unwrap();
    fs::write(place.at("target/files/orphan"), "of no backup").unwrap();
    assert!(place.target().keep(NonZeroUsize::MIN).await.is_err());
    assert!(place.at("target/files/orphan").exists());
}

/// Beside a writer of a table and of another that is made of it, and a third that grows: what is derived is never younger
/// than what it was made of.
#[tokio::test(flavor = "multi_thread")]
async fn tables_are_of_one_moment_while_others_write() {
    let place = Place::new();
    let lake = Arc::new(filled(&place).await);
    let ended = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (lake, ended) = (lake.clone(), ended.clone());
        async move {
            for number in 0.. {
                let version = replace(&lake, INPUT, &format!("{number:05}"), MadeOf::default()).await;
                let inputs = BTreeMap::from([(INPUT.to_owned(), version)]);
                replace(&lake, DERIVED, &format!("{number:05}"), MadeOf { inputs, ..MadeOf::default() }).await;
                append(&lake, &number.to_string()).await;
                if ended.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
    });
    let reading = place.lake().await;
    for round in 0..6 {
        place.back_up(&reading).await;
        let to = format!("restored-{round}");
        place.restore(None, &to).await.unwrap();
        let restored = Lake::open(&text(&place.at(&to)), &StoreOptions::default()).await.unwrap();
        let (input, derived) = (restored.table(INPUT).unwrap(), restored.table(DERIVED).unwrap());
        let (from, made) = (symbols(input).await, symbols(derived).await);
        assert!(made.first() <= from.first(), "{made:?} was made of {from:?}");
        for table in [input, derived] {
            let (state, version) = (table.read_state().await.unwrap(), table.current().map(|latest| latest.version));
            assert!(state.version <= version);
            let of = state.made_of.inputs.get(INPUT).copied();
            assert!(of <= input.current().map(|latest| latest.version));
        }
    }
    ended.store(true, Ordering::Relaxed);
    writing.await.unwrap();
}

/// Beside a vacuum that takes every file that the latest version does not need: what is listed is whole.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_vacuum_takes_meanwhile_is_not_half_backed_up() {
    let place = Place::new();
    let lake = Arc::new(filled(&place).await);
    let ended = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (lake, ended) = (lake.clone(), ended.clone());
        async move {
            let table = lake.table(INPUT).unwrap();
            for number in 0.. {
                replace(&lake, INPUT, &format!("{number:05}"), MadeOf::default()).await;
                let later = Utc::now() + TimeDelta::hours(26);
                table.vacuum(RETENTION_MIN, later, false).await.unwrap();
                if ended.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
    });
    let reading = place.lake().await;
    for _ in 0..6 {
        // No reader is safe from such a vacuum: it may fail, and says so.
        let _ = reading.back_up(&place.target(), &place.at("lake/spool"), &Progress::default()).await;
    }
    ended.store(true, Ordering::Relaxed);
    writing.await.unwrap();
    place.back_up(&reading).await;
    let backups = place.target().backups().await.unwrap();
    for backup in backups {
        place.restore(Some(&backup.id), &backup.id).await.unwrap();
        assert_eq!(held(&place.at(&backup.id)).await.unwrap().1.len(), 1);
    }
}

/// After a power failure at any moment of a backup each backup that is there is whole, and the first one is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_power_failure_leaves_whole_backups() {
    let (place, images) = (Place::new(), tempfile::tempdir().unwrap());
    let power = Arc::new(Power::new(place.folder.path()));
    let lake = filled(&place).await;
    let target = Target::create_on(&text(&place.at("target")), &StoreOptions::default(), power.clone()).unwrap();
    let spool = place.at("lake/spool");
    lake.back_up(&target, &spool, &Progress::default()).await.unwrap();
    let before = power.images();
    power.keep_images(images.path());
    append(&lake, "C").await;
    lake.back_up(&target, &spool, &Progress::default()).await.unwrap();
    target.keep(NonZeroUsize::MIN).await.unwrap();
    assert!(before == 0 && power.images() > 5);
    let mut counts = Vec::new();
    for number in 0..power.images() {
        for kind in ["synced", "named"] {
            let image = images.path().join(format!("{number}-{kind}/target"));
            let target = Target::open(&text(&image), &StoreOptions::default()).unwrap();
            let backups = target.backups().await.unwrap();
            counts.push(backups.len());
            for backup in backups {
                let manifest = backup.manifest.unwrap_or_else(|error| panic!("{number}-{kind}: {error}"));
                for file in manifest.files {
                    let bytes = fs::read(image.join("files").join(&file.stored)).unwrap_or_default();
                    let check = file.check(bytes.len() as u64, crc32fast::hash(&bytes));
                    check.unwrap_or_else(|error| panic!("{number}-{kind}: {}: {error}", file.stored));
                }
            }
        }
    }
    assert!(counts.iter().all(|count| *count >= 1), "{counts:?}");
}

/// After a power failure at any moment of a restore there is no lake, or all of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_power_failure_leaves_no_half_lake() {
    let (place, images) = (Place::new(), tempfile::tempdir().unwrap());
    let lake = filled(&place).await;
    place.back_up(&lake).await;
    let target = place.target();
    let power = Arc::new(Power::new(place.folder.path()));
    power.keep_images(images.path());
    let open = |name: &str| {
        store::open(&text(&place.at(name)), &StoreOptions::default(), power.clone(), Missing::Made).unwrap()
    };
    let (to, spool) = (open("to"), open("to/spool"));
    let manifest = chosen(&target, None).await.unwrap();
    restore_into(&target, manifest, to, Some(spool), &Progress::default()).await.unwrap();
    let whole = (owned(&["A", "B"]), owned(&["B"]));
    let mut refused = 0;
    for number in 0..power.images() {
        for kind in ["synced", "named"] {
            let image = images.path().join(format!("{number}-{kind}/to"));
            match held(&image).await {
                Err(error) if error.to_string().contains("has not ended") => refused += 1,
                Err(error) => assert!(error.to_string().contains("there is no lake"), "{number}-{kind}: {error}"),
                // Before the restore began.
                Ok(held) if !image.join("lake").exists() => assert_eq!(held, (Vec::new(), Vec::new())),
                Ok(held) => {
                    assert_eq!(held, whole, "{number}-{kind}");
                    assert!(image.join("users.toml").exists() && image.join("spool/quotes_history/id").exists());
                }
            }
        }
    }
    assert!(refused > 10, "{refused}");
    let after = tempfile::tempdir().unwrap();
    power.image(after.path());
    assert_eq!(held(&after.path().join("to")).await.unwrap(), whole);
}
