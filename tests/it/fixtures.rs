//! What `tidings parse --json` says of each document in `tests/fixtures`, held against a snapshot.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::daemon::tidings;

pub fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        found.sort();
        found
    };
    entries(&root)
        .iter()
        // What is in `stories` are labelled items, no documents.
        .filter(|path| path.is_dir() && !path.ends_with("stories"))
        .flat_map(|class| entries(class))
        .collect()
}

async fn said(document: &Path) -> Value {
    let mut command = tidings(Path::new("/nowhere"));
    command
        .args(["parse", "--json", "--base", "https://base.example/dir/feed.xml"])
        // Which dates are in the future must not depend on the day of the test.
        .args(["--now", "2026-11-22T12:00:00Z"])
        .arg(document);
    let output = command.output().await.unwrap();
    assert!(
        output.status.success(),
        "{}: {}",
        document.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The class and the name of a document, as its snapshot is called.
fn name(document: &Path) -> String {
    let class = document.parent().unwrap().file_name().unwrap().to_str().unwrap();
    format!("{class}__{}", document.file_stem().unwrap().to_str().unwrap())
}

#[tokio::test]
async fn every_fixture_is_read_as_its_snapshot_says() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    for document in documents() {
        let pretty = serde_json::to_string_pretty(&said(&document).await).unwrap();
        settings.bind(|| insta::assert_snapshot!(name(&document), pretty));
    }
}

#[tokio::test]
async fn nothing_active_survives_in_any_value_of_any_fixture() {
    fn texts<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::String(text) => found.push(text),
            Value::Array(list) => list.iter().for_each(|value| texts(value, found)),
            Value::Object(map) => map
                .iter()
                .filter(|(key, _)| *key != "id")
                .for_each(|(_, value)| texts(value, found)),
            _ => {}
        }
    }
    for document in documents() {
        let mut said = said(&document).await;
        // Losses quote what was lost, for a terminal; identifiers are never shown as anything but text.
        said["losses"].take();
        let mut found = Vec::new();
        texts(&said, &mut found);
        for text in found {
            let text = text.to_lowercase();
            for active in [
                "<script",
                "javascript:",
                "onclick",
                "onerror",
                "onload",
                "<iframe",
                "<svg",
            ] {
                assert!(!text.contains(active), "{}: {active} in {text}", document.display());
            }
        }
    }
}
