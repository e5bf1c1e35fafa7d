//! A guest at publishers of every temper: each rule of `docs/politeness.md` is a test here, and each test a rule there.

mod cadence;
mod failures;
mod gaps;
mod hosts;
mod moves;
mod tricks;
mod validators;

use std::collections::BTreeSet;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use tidings::model::poll::{Failure, Outcome};
use tidings::service::poll::Polled;

use crate::support::app::{TestApp, feed};
use crate::support::origin::{Answer, Origin};

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned()));
    Answer::Plain(status, headers.collect(), body.into())
}

/// An RSS feed of this site; `more` goes into the channel. Its items have no dates: nothing is known of its rhythm.
fn document(site: &str, more: &str, guids: &[&str]) -> String {
    let items: String = guids
        .iter()
        .map(|guid| {
            format!(
                "<item><guid isPermaLink=\"false\">{guid}</guid><title>{guid}</title><link>{site}{guid}</link></item>"
            )
        })
        .collect();
    format!(
        "<rss version=\"2.0\"><channel><title>A</title><link>{site}</link><language>en</language>{more}{items}</channel></rss>"
    )
}

/// The same with one item for each of these dates.
fn dated(dates: &[Timestamp]) -> String {
    let items: String = dates
        .iter()
        .enumerate()
        .map(|(at, date)| {
            let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT");
            format!(
                "<item><guid isPermaLink=\"false\">{at}</guid><title>Item {at}</title><pubDate>{date}</pubDate></item>"
            )
        })
        .collect();
    document("https://site.example/", &items, &[])
}

fn simple(guids: &[&str]) -> String {
    document("https://site.example/", "", guids)
}

async fn with_feed(origin: &Origin) -> TestApp {
    TestApp::new(&feed("a", &origin.url("/feed"))).await
}

/// How long the feed waits from now on.
async fn wait(app: &TestApp, name: &str) -> SignedDuration {
    let next = app.status(name).await.next_poll_at.expect("it is polled again");
    next.duration_since(app.now())
}

/// So long, and up to a tenth more: due times are spread.
fn assert_about(wait: SignedDuration, minutes: i64, what: &str) {
    let seconds = minutes * 60;
    assert!(
        (seconds..=seconds + seconds / 10).contains(&wait.as_secs()),
        "{what}: {wait:#} for {minutes} minutes"
    );
}

fn assert_failed(polled: &Polled, failure: Failure) {
    assert_eq!(
        (polled.outcome, polled.failure),
        (Outcome::Failed, Some(failure)),
        "{polled:?}"
    );
}

/// Each test function of a file.
fn tests_of(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines = text.lines().map(str::trim);
    let mut names = Vec::new();
    while let Some(line) = lines.next() {
        if line == "#[test]" || line.starts_with("#[tokio::test") {
            let declared = lines.find(|line| line.contains("fn ")).unwrap();
            let (_, name) = declared.split_once("fn ").unwrap();
            names.push(name.split('(').next().unwrap().to_owned());
        }
    }
    names
}

fn tests_in(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(tests_in(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            names.extend(tests_of(&path));
        }
    }
    names
}

#[test]
fn each_rule_of_the_contract_names_its_test_and_each_test_here_has_its_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let contract = std::fs::read_to_string(root.join("docs/politeness.md")).unwrap();
    // | rule | source | `test` |
    let named: Vec<&str> = contract
        .lines()
        .filter(|line| line.starts_with("| "))
        .filter_map(|line| line.trim_end_matches([' ', '|']).rsplit("| ").next()?.strip_prefix('`'))
        .map(|name| name.trim_end_matches('`'))
        .collect();
    let all = tests_in(&root.join("tests/it"));
    let unknown: Vec<_> = named.iter().filter(|name| !all.contains(**name)).collect();
    assert!(unknown.is_empty(), "no such tests: {unknown:#?}");
    let known: BTreeSet<&str> = named.iter().copied().collect();
    assert_eq!(known.len(), named.len(), "a test stands in the contract twice");
    let here = tests_in(&root.join("tests/it/guest"));
    let missing: Vec<_> = here
        .iter()
        .filter(|name| !known.contains(name.as_str()) && !name.starts_with("each_rule_of_the_contract"))
        .collect();
    assert!(missing.is_empty(), "not in docs/politeness.md: {missing:#?}");
}
