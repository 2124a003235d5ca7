//! A file of the lake that is damaged where no footer tells.

use crate::world::World;
use std::path::PathBuf;
use ttapi::error::ErrorKind;
use ttapi::server::Role;

/// The parquet files of a dataset.
fn files(world: &World, dataset: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from(&world.config.lake_location).join("lake").join(dataset);
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "parquet")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_inside_a_page_names_the_file() {
    let mut world = World::start(Role::OnDemand).await;
    world.refresh(&["symbols", "calendar"]).await;
    let [file] = files(&world, "symbols").try_into().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    let half = bytes.len() / 2;
    bytes[4..half].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    world.restart(Role::ReadOnly).await;
    let error = world.query("SELECT * FROM symbols").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupted, "{error}");
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(error.message.contains(name), "{error}");
    assert!(world.query("SELECT * FROM calendar").await.unwrap().len() > 1);
}
