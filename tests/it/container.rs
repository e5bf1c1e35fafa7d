//! The container: what its build copies is all that the build reads.

use std::path::Path;
use std::process::Command;

/// What the first stage of the Dockerfile copies from here.
fn copied() -> Vec<String> {
    let file = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Dockerfile")).unwrap();
    let lines = file.lines().filter_map(|line| line.strip_prefix("COPY "));
    let own = lines.filter(|line| !line.starts_with("--from"));
    let sources = own.map(|line| line.split_whitespace().collect::<Vec<_>>());
    sources
        .flat_map(|words| {
            words[..words.len() - 1]
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::copy(from, to).unwrap();
    }
}

#[test]
fn the_container_is_built_of_all_that_the_manifest_names() {
    let (here, folder) = (Path::new(env!("CARGO_MANIFEST_DIR")), tempfile::tempdir().unwrap());
    let sources = copied();
    assert!(sources.iter().any(|source| source == "src"), "{sources:?}");
    for source in &sources {
        copy(&here.join(source), &folder.path().join(source));
    }
    let metadata = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
            "--manifest-path",
        ])
        .arg(folder.path().join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(
        metadata.status.success(),
        "{}",
        String::from_utf8_lossy(&metadata.stderr)
    );
    // The settings of the build are read from the folder that it runs in.
    assert!(folder.path().join(".cargo/config.toml").exists());
}

#[test]
fn all_that_is_copied_is_sent_to_the_builder() {
    let ignored = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".dockerignore")).unwrap();
    for source in copied() {
        assert!(ignored.lines().any(|line| line == format!("!{source}")), "{source}");
    }
}
