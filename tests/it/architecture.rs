//! The architecture as a test: the `use` lines of `src` against the arrows that ARCHITECTURE.md allows.
//!
//! It reads text, not types: paths that begin with `crate`, `super`, `self` or a child module, in `use` lines and in
//! code, outside of tests. A name that a module re-exports counts for the file that defines it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Crates that stop at a room, and the files and folders of `src` that may name them.
const FOREIGN: &[(&str, &[&str])] = &[
    ("arrow_flight::", &["serve/flight"]),
    ("axum::", &["serve/http", "simulator"]),
    ("datafusion::", &["dialect", "engine", "explain", "market_sql", "scan", "system", "table", "temporary"]),
    ("deltalake_core::", &["lake"]),
    ("figment::", &["config", "serve/auth", "simulator/fault"]),
    ("pgwire::", &["serve/postgres"]),
    ("polars::", &["collect"]),
    ("reqwest::", &["collect/client"]),
    ("std::env::var", &["config"]),
    ("tokio_tungstenite::", &["collect/client", "simulator"]),
    ("tonic::", &["serve/flight"]),
    ("Utc::now", &["clock"]),
];

/// A source file: its module path, such as `engine::run::cpu`, and its code without tests and comments.
struct Source {
    path: PathBuf,
    code: String,
    /// The same with its comments.
    text: String,
    /// Names that it passes on from elsewhere, with the paths they come from.
    passed_on: BTreeMap<String, String>,
}

type Tree = BTreeMap<String, Source>;

#[test]
fn arrows_are_those_of_the_table() {
    let (tree, allowed) = (tree(), allowed());
    let mut wrong = BTreeSet::new();
    for (from, to) in arrows(&tree) {
        let (one, other) = (room(&from), room(&to));
        if one == other || one == "main" {
            continue;
        }
        match allowed.get(one) {
            Some(rooms) if rooms.contains(other) => {}
            Some(_) => drop(wrong.insert(format!("{from} -> {to}"))),
            None => drop(wrong.insert(format!("{one} is in no row of the table"))),
        }
    }
    assert!(wrong.is_empty(), "arrows that ARCHITECTURE.md does not allow:\n{}", list(&wrong));
}

#[test]
fn the_table_names_rooms_that_are_there_and_has_no_cycle() {
    let (tree, allowed) = (tree(), allowed());
    let rooms: BTreeSet<&str> = tree.keys().map(|module| room(module)).collect();
    for room in allowed.keys().chain(allowed.values().flatten()) {
        assert!(rooms.contains(room.as_str()), "ARCHITECTURE.md names {room}, which is no room of src");
    }
    let found = circles(&allowed);
    assert!(found.is_empty(), "the table allows a cycle: {found:?}");
}

#[test]
fn circles_of_files_are_those_that_are_named() {
    let tree = tree();
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, to) in arrows(&tree) {
        uses.entry(from).or_default().insert(to);
    }
    let architecture = architecture();
    let unnamed =
        circles(&uses).into_iter().filter(|circle| !architecture.contains(&format!("`{}`", circle.join("`, `"))));
    let unnamed: Vec<_> = unnamed.map(|circle| circle.join(", ")).collect();
    assert!(unnamed.is_empty(), "circles of files that ARCHITECTURE.md does not name:\n{}", unnamed.join("\n"));
}

#[test]
fn foreign_names_stay_in_their_rooms() {
    let mut wrong = BTreeSet::new();
    for source in tree().values() {
        let file = source.path.to_string_lossy().replace('\\', "/");
        for (name, places) in FOREIGN {
            let at_home =
                places.iter().any(|place| file == format!("{place}.rs") || file.starts_with(&format!("{place}/")));
            if !at_home && source.code.lines().any(|line| names(line, name)) {
                wrong.insert(format!("{file} names {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", list(&wrong));
}

#[test]
fn every_doc_is_a_sentence() {
    let is_doc = |line: &str| line.trim_start().starts_with("///");
    let mut short = BTreeSet::new();
    for source in tree().values() {
        let lines: Vec<&str> = source.text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let alone =
                !is_doc(lines.get(at.wrapping_sub(1)).unwrap_or(&"")) && !is_doc(lines.get(at + 1).unwrap_or(&""));
            if is_doc(line) && alone && line.split_whitespace().count() <= 4 {
                short.insert(format!("{}:{}: {}", source.path.display(), at + 1, line.trim()));
            }
        }
    }
    assert!(short.is_empty(), "docs of three words or fewer:\n{}", list(&short));
}

#[test]
fn paths_are_read_as_the_compiler_reads_them() {
    assert_eq!(
        expanded("crate::{a::{B, c::D as E}, f}"),
        ["crate::a::B", "crate::a::c::D as E", "crate::f"].map(str::to_owned)
    );
    let circle = |pairs: &[(&str, &str)]| {
        let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in pairs {
            uses.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        circles(&uses)
    };
    assert_eq!(circle(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]), [["a", "b", "c"]]);
    assert!(circle(&[("a", "b"), ("a", "c"), ("b", "c")]).is_empty());
}

/// The table under the heading "Arrows" of ARCHITECTURE.md: a room, and the rooms it may use.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let architecture = architecture();
    let (_, section) = architecture.split_once("\n## Arrows\n").expect("a section \"Arrows\"");
    let rows =
        section.lines().skip_while(|line| !line.starts_with("|---")).skip(1).take_while(|line| line.starts_with('|'));
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    let mut allowed = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        for room in names(cells[0]) {
            allowed.insert(room, names(cells[1]));
        }
    }
    assert!(allowed.len() > 10, "the table of arrows was not read");
    allowed
}

fn architecture() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).expect("ARCHITECTURE.md")
}

fn list(lines: &BTreeSet<String>) -> String {
    lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
}

fn room(module: &str) -> &str {
    module.split("::").next().unwrap_or(module)
}

/// Whether a line of code names a thing, and not one whose name ends alike.
fn names(line: &str, name: &str) -> bool {
    line.match_indices(name)
        .any(|(at, _)| !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_'))
}

/// Every source file of the program by its module path, tests left out.
fn tree() -> Tree {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut tree = Tree::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let relative = path.strip_prefix(&root).expect("below src").to_path_buf();
            let mut parts: Vec<String> =
                relative.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
            let is_test = |part: &String| part == "tests" || part.ends_with("_tests") || part == "scripted";
            if path.extension().is_none_or(|extension| extension != "rs") || parts.iter().any(is_test) {
                continue;
            }
            parts.pop_if(|last| last == "mod");
            let text = std::fs::read_to_string(&path).expect("a source file");
            let text = without_tests(&text).to_owned();
            let code = without_comments(&text);
            tree.insert(parts.join("::"), Source { path: relative, code, text, passed_on: BTreeMap::new() });
        }
    }
    tree.remove("lib");
    for source in tree.values_mut() {
        let lines = uses(&source.code).into_iter().filter(|(public, _)| *public);
        source.passed_on = lines
            .flat_map(|(_, body)| expanded(&body))
            .filter_map(|path| Some((path.rsplit("::").next()?.to_owned(), path.clone())))
            .collect();
    }
    tree
}

fn without_tests(text: &str) -> &str {
    let mark = "\n#[cfg(test)]\n";
    let begins_tests = |at: &usize| {
        let mut lines = text[at + mark.len()..].lines().skip_while(|line| line.starts_with("#["));
        lines.next().is_some_and(|line| line.contains("mod ") && line.ends_with('{'))
    };
    let end = text.match_indices(mark).map(|(at, _)| at).find(begins_tests).unwrap_or(text.len());
    &text[..end]
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    lines.collect::<Vec<_>>().join("\n")
}

/// The `use` lines of a file: whether they pass on what they name, and the paths.
fn uses(code: &str) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    for statement in code.split(';') {
        let words = statement.trim_start_matches(|letter| letter != '\n').trim();
        let line = words.rsplit("\n\n").next().unwrap_or(words).trim();
        let (public, rest) = match line.strip_prefix("pub") {
            Some(rest) => (true, rest.split_once(' ').map_or("", |(_, rest)| rest)),
            None => (false, line),
        };
        if let Some(body) = rest.trim().strip_prefix("use ") {
            found.push((public, body.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
    }
    found
}

/// The paths of a tree such as `a::{b, c::{D, E as F}}`.
fn expanded(tree: &str) -> Vec<String> {
    let Some((head, rest)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let inside = rest.rsplit_once('}').map_or(rest, |(inside, _)| inside);
    let (mut depth, mut start, mut found) = (0_u32, 0, Vec::new());
    for (at, letter) in inside.char_indices().chain([(inside.len(), ',')]) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = inside[start..at].trim();
                if !part.is_empty() {
                    found.extend(expanded(part).into_iter().map(|path| format!("{}{path}", head.trim())));
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

/// Which file uses which.
fn arrows(tree: &Tree) -> BTreeSet<(String, String)> {
    let mut arrows = BTreeSet::new();
    for (module, source) in tree {
        let private = uses(&source.code).into_iter().filter(|(public, _)| !public);
        let mut paths: Vec<String> = private.flat_map(|(_, body)| expanded(&body)).collect();
        let code: String = source.code.split(';').filter(|part| !part.contains("use ")).collect::<Vec<_>>().join(";");
        paths.extend(inline(&code, tree, module));
        for path in paths {
            let path = path.split(" as ").next().unwrap_or_default();
            if let Some(target) = absolute(tree, module, path).and_then(|path| defined_in(tree, &path, 0))
                && target != *module
            {
                arrows.insert((module.clone(), target));
            }
        }
    }
    arrows
}

/// Paths in code: those that begin with `crate` or `super`, and those through a child module.
fn inline(code: &str, tree: &Tree, module: &str) -> Vec<String> {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let words = code.split(|letter| !is_word(letter)).filter(|word| word.contains("::"));
    let of_ours = words.filter(|word| {
        let first = word.split("::").next().unwrap_or_default();
        first == "crate" || first == "super" || tree.contains_key(&format!("{module}::{first}"))
    });
    of_ours.map(str::to_owned).collect()
}

/// A path from the root of the crate; `None` for what is not ours.
fn absolute(tree: &Tree, module: &str, path: &str) -> Option<Vec<String>> {
    let parts: Vec<&str> = path.split("::").filter(|part| *part != "self" && !part.is_empty()).collect();
    let own = || module.split("::").map(str::to_owned);
    let joined =
        |base: Vec<String>, rest: &[&str]| base.into_iter().chain(rest.iter().map(|part| (*part).to_owned())).collect();
    match parts.as_slice() {
        ["crate", rest @ ..] => Some(joined(Vec::new(), rest)),
        ["super", ..] => {
            let up = parts.iter().take_while(|part| **part == "super").count();
            let base: Vec<String> = own().collect();
            Some(joined(base.get(..base.len().checked_sub(up)?)?.to_vec(), &parts[up..]))
        }
        [first, ..] if tree.contains_key(&format!("{module}::{first}")) => Some(joined(own().collect(), &parts)),
        _ => None,
    }
}

/// The file that defines what a path names: the deepest module on it, or where that passes the name on from.
fn defined_in(tree: &Tree, path: &[String], hops: u32) -> Option<String> {
    let depth = (1..=path.len()).rev().find(|depth| tree.contains_key(&path[..*depth].join("::")))?;
    let module = path[..depth].join("::");
    let passed_on = path.get(depth).and_then(|name| tree[&module].passed_on.get(name));
    match passed_on {
        Some(from) if hops < 5 => {
            let from = absolute(tree, &module, from.split(" as ").next().unwrap_or_default())?;
            // What a room passes on of another is its own to give.
            if from.first().is_some_and(|other| other != room(&module)) {
                return Some(module);
            }
            defined_in(tree, &from, hops + 1)
        }
        _ => Some(module),
    }
}

/// Groups of nodes that reach each other, each sorted.
fn circles(uses: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let reach = |start: &String| {
        let mut seen: BTreeSet<&String> = BTreeSet::new();
        let mut next: Vec<&String> = uses.get(start).into_iter().flatten().collect();
        while let Some(node) = next.pop() {
            if seen.insert(node) {
                next.extend(uses.get(node).into_iter().flatten());
            }
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<&String>> = uses.keys().map(|node| (node, reach(node))).collect();
    let mut circles = BTreeSet::new();
    for (node, seen) in &reached {
        let circle: Vec<String> = seen
            .iter()
            .filter(|other| reached.get(*other).is_some_and(|back| back.contains(node)))
            .map(|other| (*other).clone())
            .collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}
