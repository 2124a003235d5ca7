//! Checks of tables whose files are damaged in every way.

use super::*;
use crate::lake::test_rows::row;
use crate::lake::{Lake, StoreOptions};
use std::path::PathBuf;
use std::sync::Arc;

const DATASET: &str = "market_metrics_history";

struct World {
    place: tempfile::TempDir,
    table: Arc<LakeTable>,
}

impl World {
    async fn new(files: usize) -> Self {
        let world = Self::open(tempfile::tempdir().expect("a place")).await;
        for number in 0..files {
            let base = world.table.update().await.expect("a look");
            let staged = world.table.stage(&row(&world.table, &format!("S{number}"))).await.expect("a file");
            world.table.commit(base.as_deref(), &[], vec![staged]).await.expect("a commit");
        }
        world
    }

    async fn open(place: tempfile::TempDir) -> Self {
        let lake = Lake::open(&place.path().to_string_lossy(), &StoreOptions::default()).await.expect("a lake");
        let table = lake.table(DATASET).expect("a table").clone();
        Self { place, table }
    }

    /// The same lake with every commit as another writer would have written it.
    async fn rewritten(self, rewrite: impl Fn(&mut serde_json::Value)) -> Self {
        for entry in std::fs::read_dir(self.place.path().join("lake").join(DATASET).join("_delta_log")).expect("a log")
        {
            let path = entry.expect("a commit").path();
            let text = std::fs::read_to_string(&path).expect("text");
            let lines = text.lines().map(|line| {
                let mut line: serde_json::Value = serde_json::from_str(line).expect("JSON");
                line.get_mut("add").into_iter().for_each(&rewrite);
                // The entry of another writer has no seal.
                let information = line.get_mut("commitInfo").and_then(serde_json::Value::as_object_mut);
                information.and_then(|information| information.remove("ttapi.crc32"));
                line.to_string()
            });
            std::fs::write(path, lines.collect::<Vec<_>>().join("\n")).expect("a commit");
        }
        Self::open(self.place).await
    }

    fn paths(&self) -> Vec<PathBuf> {
        let files = self.table.current().expect("a version").files.clone();
        files.iter().map(|file| PathBuf::from(format!("/{}", file.path))).collect()
    }

    async fn check(&self) -> Checked {
        self.table.check(None, Utc::now()).await.expect("a log that can be read")
    }
}

fn flip(path: &std::path::Path) {
    let mut bytes = std::fs::read(path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(path, bytes).expect("damage");
}

#[track_caller]
fn tells(checked: &Checked, files: &[(&PathBuf, &str)]) {
    let told: Vec<String> = checked.damaged.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), files.len(), "{told:?}");
    for (path, reason) in files {
        let name = path.file_name().expect("a name").to_str().expect("text");
        let of_file = told.iter().find(|told| told.contains(&format!("file lake/{DATASET}/{name} is damaged")));
        assert!(of_file.is_some_and(|told| told.contains(reason)), "{name}: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_files_are_told_as_whole() {
    let world = World::new(3).await;
    let checked = world.check().await;
    assert_eq!((checked.version, checked.files, checked.rows, checked.uncheckable), (Some(2), 3, 3, 0));
    assert_eq!(checked.bytes, world.table.current().expect("a version").bytes());
    tells(&checked, &[]);
    let empty = World::open(tempfile::tempdir().expect("a place")).await.check().await;
    assert_eq!((empty.version, empty.files), (None, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_damaged_file_is_named_with_its_reason() {
    let world = World::new(5).await;
    let [flipped, gone, cut, longer, _] = world.paths().try_into().expect("five files");
    flip(&flipped);
    std::fs::remove_file(&gone).expect("a file less");
    let bytes = std::fs::read(&cut).expect("a file");
    std::fs::write(&cut, &bytes[..bytes.len() - 9]).expect("damage");
    std::fs::write(&longer, [bytes.as_slice(), b"PAR1"].concat()).expect("damage");
    let checked = world.check().await;
    let size = bytes.len();
    let (short, long) = (format!("it has {} bytes, and {size}", size - 9), format!("it has {} bytes", size + 4));
    tells(
        &checked,
        &[(&flipped, "not what was written"), (&gone, "is gone"), (&cut, short.as_str()), (&longer, long.as_str())],
    );
    assert_eq!((checked.files, checked.rows), (5, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_without_digests_are_decoded_and_told_apart() {
    let strip = |add: &mut serde_json::Value| drop(add.as_object_mut().expect("an object").remove("tags"));
    let world = World::new(2).await.rewritten(strip).await;
    let checked = world.check().await;
    assert_eq!((checked.files, checked.rows, checked.uncheckable), (2, 2, 2));
    tells(&checked, &[]);
    let one = world.paths().swap_remove(0);
    let mut bytes = std::fs::read(&one).expect("a file");
    bytes[4..].fill(0xa5);
    std::fs::write(&one, bytes).expect("damage");
    tells(&world.check().await, &[(&one, "")]);
}

/// Digests that cannot be read must not make a file look like one that has none.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_digests_fit_no_file() {
    let spoil = |add: &mut serde_json::Value| add["tags"]["ttapi.digests"] = "crc32-64k:AAAA".into();
    let world = World::new(1).await.rewritten(spoil).await;
    let checked = world.check().await;
    assert_eq!(checked.uncheckable, 0);
    tells(&checked, &[(&world.paths()[0], "not what was written")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_those_of_the_log() {
    let more = |add: &mut serde_json::Value| {
        drop(add["tags"].as_object_mut().expect("tags").remove("ttapi.statistics"));
        let stats = add["stats"].as_str().expect("statistics").replace("\"numRecords\":1", "\"numRecords\":2");
        add["stats"] = stats.into();
    };
    let world = World::new(1).await.rewritten(more).await;
    tells(&world.check().await, &[(&world.paths()[0], "it has 1 rows, and its log says 2")]);
}

/// Nothing is counted, and no file left out, by statistics that are not those of its writer.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_statistics_are_unknown() {
    let more = |add: &mut serde_json::Value| {
        let stats = add["stats"].as_str().expect("statistics").replace("\"numRecords\":1", "\"numRecords\":2");
        add["stats"] = stats.into();
    };
    let world = World::new(1).await.rewritten(more).await;
    tells(&world.check().await, &[]);
    let snapshot = world.table.current().expect("a version");
    assert_eq!(snapshot.rows(), None);
    assert_eq!(snapshot.files[0].columns[0].max, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_older_versions_are_checked_where_asked_for() {
    let world = World::new(3).await;
    let older = world.paths();
    world.table.compact().await.expect("a merge");
    flip(&older[1]);
    let latest = world.check().await;
    assert_eq!((latest.files, latest.rows), (1, 3));
    tells(&latest, &[]);
    let retention = Some(Duration::from_secs(3600));
    let all = world.table.check(retention, Utc::now()).await.expect("a log that can be read");
    assert_eq!((all.files, all.rows), (4, 5));
    tells(&all, &[(&older[1], "not what was written")]);
    let later = Utc::now() + chrono::TimeDelta::hours(2);
    let none = world.table.check(retention, later).await.expect("a log that can be read");
    assert_eq!((none.files, none.damaged.len()), (1, 0), "nobody may read them any more");
}

/// Rows of a damaged file are lost; those of the others can be read again.
#[tokio::test(flavor = "multi_thread")]
async fn repair_takes_a_damaged_file_out_of_its_table() {
    let world = World::new(3).await;
    let damaged = world.paths().swap_remove(1);
    flip(&damaged);
    let snapshot = world.table.current().expect("a version");
    let error = world.table.read(&snapshot.files).await.expect_err("a damaged file");
    assert!(matches!(error, LakeError::Damaged { .. }), "{error}");
    let merged = world.table.compact().await.expect_err("no merge of what is damaged");
    assert!(matches!(merged, LakeError::Damaged { .. }), "{merged}");
    let done = world.table.repair().await.expect("a repair");
    assert_eq!(done.lost_files.len(), 1);
    assert!(damaged.ends_with(done.lost_files[0].filename().expect("a name")));
    let checked = world.check().await;
    assert_eq!((checked.files, checked.rows, checked.damaged.len()), (2, 2, 0));
}

/// Of many files the folder is listed.
#[tokio::test(flavor = "multi_thread")]
async fn the_presence_of_many_files_is_seen_in_their_folder() {
    let world = World::new(20).await;
    let snapshot = world.table.current().expect("a version");
    world.table.check_presence(&snapshot).await.expect("all are there");
    let gone = world.paths().swap_remove(7);
    std::fs::remove_file(&gone).expect("a file less");
    let again = World::open(world.place).await;
    let error = again.table.check_presence(&snapshot).await.expect_err("one is gone");
    assert!(error.to_string().contains(gone.file_name().expect("a name").to_str().expect("text")), "{error}");
    assert!(error.to_string().contains("is gone"), "{error}");
}
