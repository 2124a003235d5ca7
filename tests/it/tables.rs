//! What is said of tables is whole: `docs/tables.md` lists every table with every column, as the SQL catalog tells of
//! them; every dataset that is fetched can be configured, is served by the simulator, and is queried by a file of
//! `tests/slt`.

use crate::world::World;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use ttapi::lake::dataset;
use ttapi::server::Role;

/// Renews the file instead of comparing with it: `UPDATE_DOCS=1 cargo test --test it tables`.
const UPDATE: &str = "UPDATE_DOCS";

const TABLES: &str = "SELECT n.nspname, c.relname, c.relkind, coalesce(obj_description(c.oid, 'pg_class'), '')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'live', 'system') AND c.relkind IN ('r', 'v')
    ORDER BY n.nspname, c.relname";

const COLUMNS: &str = "SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
        coalesce(col_description(c.oid, a.attnum), '')
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'live', 'system') AND c.relkind IN ('r', 'v') AND a.attnum > 0
    ORDER BY n.nspname, c.relname, a.attnum";

const INTRODUCTION: &str = "# Tables

Every table and view, with what its columns say. The same is shown by `\\d+` in psql. Prices that are unknown are NULL, \
instants are UTC, and the TTL is the default, which `[dataset.NAME]` of the configuration changes.

This file is made of the program: `UPDATE_DOCS=1 cargo test --test it tables` renews it.
";

fn cell(text: &str) -> String {
    if text == "(empty)" { String::new() } else { text.replace('|', "\\|") }
}

async fn document(world: &World) -> String {
    let mut text = INTRODUCTION.to_owned();
    let columns = world.query(COLUMNS).await.unwrap();
    for row in world.query(TABLES).await.unwrap() {
        let [schema, name, kind, comment] = <[String; 4]>::try_from(row).unwrap();
        let shown = if schema == "public" { name.clone() } else { format!("{schema}.{name}") };
        let view = if kind == "v" { " (view)" } else { "" };
        write!(text, "\n## {shown}{view}\n\n{}\n", cell(&comment)).unwrap();
        if let Some(dataset) = dataset::find(&name).filter(|_| schema == "public") {
            write!(text, "\nKey: {}.", dataset.key.join(", ")).unwrap();
            match dataset.freshness {
                Some(freshness) => writeln!(text, " TTL: {}.", freshness.ttl).unwrap(),
                None => writeln!(text, " It only grows.").unwrap(),
            }
        }
        text.push_str("\n| column | type | what it says |\n|---|---|---|\n");
        for column in columns.iter().filter(|column| column[0] == schema && column[1] == name) {
            writeln!(text, "| {} | {} | {} |", column[2], column[3], cell(&column[4])).unwrap();
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_tables_is_current() {
    let world = World::start(Role::OnDemand).await;
    let text = document(&world).await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tables.md");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let first = text.lines().zip(written.lines()).find(|(now, written)| now != written);
    assert!(text == written, "docs/tables.md is not current ({first:?}); {UPDATE}=1 renews it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_that_is_fetched_is_configured_simulated_and_queried() {
    let world = World::start(Role::OnDemand).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt");
    let files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let queries: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let words: std::collections::HashSet<&str> =
        queries.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let (derived, fetched): (Vec<&str>, Vec<&str>) = world
        .server
        .collected
        .iter()
        .partition(|name| dataset::find(name).is_some_and(|dataset| !dataset.computed_from.is_empty()));
    assert!(fetched.contains(&"symbols") && derived.contains(&"expirations"));
    for name in fetched {
        assert!(world.config.datasets.contains_key(name), "no section dataset.{name}");
        assert!(words.contains(name), "no file of tests/slt names {name}");
        world.refresh(&[name]).await;
        assert!(world.version(name).is_some(), "the simulator has no rows of {name}");
    }
    for dataset in dataset::all().iter().filter(|dataset| dataset.freshness.is_some()) {
        assert!(world.server.collected.contains(&dataset.name), "{} has no source", dataset.name);
    }
}
