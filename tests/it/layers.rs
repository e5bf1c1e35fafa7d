//! The floors of the house: a file imports only from floors below its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The rooms, by floor, from the ground up.
const FLOORS: [&[&str]; 8] = [
    &["model"],
    &["text"],
    &["config", "store"],
    &["telemetry", "ingest", "story", "output"],
    &["service", "web"],
    &["app"],
    &["cli"],
    &["main", "lib"],
];

/// Rooms of plain data, of one database, of one pass, of one form: their files may name each other.
const OPEN_ROOMS: [&str; 13] = [
    "model",
    "config",
    "store",
    "text/fold",
    "text/language",
    "ingest/cadence",
    "ingest/date",
    "ingest/fetch",
    "ingest/identity",
    "ingest/repair",
    "service/poll",
    "story",
    "text/canonical_url",
];

/// Arrows between siblings that are meant.
const EXCEPTIONS: [(&str, &str); 14] = [
    ("ingest/fetch/mod", "ingest/charset"),
    ("ingest/settle", "ingest/decide"),
    ("ingest/settle", "ingest/identity/recognise"),
    ("service/scheduler", "service/poll"),
    ("service/push", "service/poll"),
    ("text/language/mod", "text/fold"),
    ("text/language/mod", "text/html"),
    ("output/atom", "output/relations"),
    ("output/json_feed", "output/relations"),
    ("output/rss", "output/relations"),
    ("cli/why", "cli/stories"),
    ("cli/why", "cli/story"),
    ("cli/parse", "cli/said"),
    ("cli/feed/edit", "cli/said"),
];

/// Libraries that have their doors, and the only files that may name them.
const DOORS: [(&str, &[&str]); 16] = [
    // Below the wiring, errors have types.
    ("anyhow", &["app", "cli"]),
    ("reqwest", &["ingest/fetch"]),
    ("hmac", &["text/signature"]),
    ("sha1", &["text/signature"]),
    ("sha2", &["text/signature"]),
    ("feed_rs", &["ingest/parse"]),
    ("ammonia", &["text/html/mod"]),
    ("scraper", &["text/html/page"]),
    ("toml_edit", &["config/edit"]),
    ("toml_parser", &["config/pieces"]),
    ("rusqlite", &["store"]),
    ("cron", &["config/schedule"]),
    (
        "lettre",
        &["output/mailer", "config/mod", "config/read", "service/digests"],
    ),
    ("axum", &["web", "cli/demo"]),
    ("tracing_subscriber", &["telemetry", "config/read"]),
    ("prometheus_client", &["telemetry/metrics"]),
];

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    let name = |path: &Path| {
        path.strip_prefix(&root)
            .unwrap()
            .with_extension("")
            .display()
            .to_string()
    };
    let code = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap();
        // Tests beside the code may look anywhere.
        text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned()
    };
    let is_test = |path: &PathBuf| ["tests.rs", "samples.rs"].iter().any(|name| path.ends_with(name));
    paths
        .into_iter()
        .filter(|path| !is_test(path))
        .map(|path| (name(&path), code(&path)))
        .collect()
}

fn floor(file: &str) -> usize {
    let room = file.split('/').next().unwrap();
    FLOORS
        .iter()
        .position(|rooms| rooms.contains(&room))
        .unwrap_or_else(|| panic!("{file} stands on no floor"))
}

/// The modules of this crate that a file names, as `ingest/parse`.
fn imports(code: &str) -> BTreeSet<String> {
    let code = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    code.split("crate::")
        .skip(1)
        .map(|rest| {
            let path: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
                .collect();
            let modules = path
                .split("::")
                .take_while(|part| part.starts_with(|c: char| c.is_lowercase()));
            modules.collect::<Vec<_>>().join("/")
        })
        .filter(|path| !path.is_empty())
        .collect()
}

/// Whether `to` is a room that `from` stands in or holds: a child uses its own `mod.rs`, a `mod.rs` its children.
fn is_own(from: &str, to: &str) -> bool {
    let within = |inner: &str, outer: &str| inner == outer || inner.starts_with(&format!("{outer}/"));
    let room = from.strip_suffix("/mod").unwrap_or(from);
    let in_one_open_room = OPEN_ROOMS.iter().any(|open| within(from, open) && within(to, open));
    within(from, to) || within(to, room) || in_one_open_room
}

#[test]
fn a_file_imports_only_from_floors_below() {
    let files: BTreeSet<String> = sources().iter().map(|(file, _)| file.clone()).collect();
    let is_module = |path: &str| files.contains(path) || files.contains(&format!("{path}/mod"));
    let mut wrong = Vec::new();
    for (file, code) in sources().iter().filter(|(file, _)| file != "lib") {
        for import in imports(code) {
            // `crate::text::hash::hash_of` names a function: its module is one part shorter.
            let target = if is_module(&import) {
                import.as_str()
            } else {
                import.rsplit_once('/').map_or(&*import, |(m, _)| m)
            };
            let meant = EXCEPTIONS.contains(&(file.as_str(), target));
            if floor(target) >= floor(file) && !is_own(file, target) && !meant {
                wrong.push(format!("{file} imports {target}"));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows up, or between siblings: {wrong:#?}");
}

#[test]
fn each_library_that_touches_the_world_has_one_door() {
    let mut wrong = Vec::new();
    for (file, code) in &sources() {
        for (library, doors) in DOORS {
            let named = code.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//")
                    && (line.starts_with(&format!("use {library}::"))
                        || line.contains(&format!(" {library}::"))
                        || line.contains(&format!("({library}::")))
            });
            let is_door = doors
                .iter()
                .any(|door| file == door || file.starts_with(&format!("{door}/")));
            if named && !is_door {
                wrong.push(format!("{file} names {library}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn lib_lists_modules_and_exports_nothing_else() {
    let lib = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let other: Vec<&str> = lib
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("//!") && !line.starts_with("pub mod "))
        .collect();
    assert!(other.is_empty(), "{other:?}");
}
