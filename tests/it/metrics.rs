//! The numbers for those who watch: what they say after polls of each kind, and that they are OpenMetrics.

use std::collections::HashMap;

use jiff::SignedDuration;

use crate::support::app::{TestApp, feed};
use crate::support::origin::{Answer, Origin, rss};
use crate::web::Pages;

/// One name of OpenMetrics 1.0, as its lines tell it.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    unit: String,
    help: String,
}

/// Reads OpenMetrics text strictly: its families, and its samples by name and labels.
fn read(text: &str) -> (HashMap<String, Family>, HashMap<String, f64>) {
    let mut families: HashMap<String, Family> = HashMap::new();
    let mut samples = HashMap::new();
    let body = text.strip_suffix("# EOF\n").expect("ends with # EOF");
    let mut current = String::new();
    for line in body.lines() {
        if let Some(described) = line.strip_prefix("# ") {
            let [word, name, rest] = described.splitn(3, ' ').collect::<Vec<_>>()[..] else {
                panic!("{line}");
            };
            if name != current {
                assert!(!families.contains_key(name), "{name} comes in two pieces");
                current = name.to_owned();
            }
            let family = families.entry(name.to_owned()).or_default();
            match word {
                "HELP" => family.help = rest.to_owned(),
                "TYPE" => family.kind = rest.to_owned(),
                "UNIT" => family.unit = rest.to_owned(),
                other => panic!("{other}"),
            }
            continue;
        }
        let (name, value) = line.rsplit_once(' ').expect(line);
        let bare = name.split('{').next().unwrap();
        let suffix = bare
            .strip_prefix(current.as_str())
            .unwrap_or_else(|| panic!("{line} does not belong to {current}"));
        let suffixes: &[&str] = match families[&current].kind.as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_sum", "_count"],
            other => panic!("{other}"),
        };
        assert!(suffixes.contains(&suffix), "{line}");
        assert!(
            samples.insert(name.to_owned(), value.parse().expect(line)).is_none(),
            "{line} comes twice"
        );
    }
    (families, samples)
}

#[tokio::test]
async fn polls_of_each_kind_are_counted_and_told_as_open_metrics() {
    let origin = Origin::start().await;
    let document = rss(
        "Agency",
        &[("1", "One", "https://a.example/1"), ("2", "Two", "https://a.example/2")],
    );
    origin.serve("/tagged", document.clone());
    origin.set("/bare", Answer::Plain(200, Vec::new(), document.clone().into_bytes()));
    origin.set("/broken", Answer::Plain(500, Vec::new(), Vec::new()));
    let feeds = ["tagged", "bare", "broken", "missing"];
    let config: String = feeds
        .iter()
        .map(|name| feed(name, &origin.url(&format!("/{name}"))))
        .collect();
    let app = TestApp::new(&config).await;
    app.poll().await;
    app.advance(SignedDuration::from_hours(48));
    app.poll().await;
    app.advance(SignedDuration::from_hours(48));
    let edited = document.replace("Text of One", "Another text");
    origin.serve("/tagged", edited);
    // The host is to be left alone: whoever comes after the first is not asked. All that were read are due.
    origin.set("/bare", Answer::Plain(429, Vec::new(), Vec::new()));
    app.poll().await;
    app.poll_all().await;

    let pages = Pages::of(&app).await;
    let response = pages.get("/metrics", &[]).await;
    assert_eq!(
        response.headers()["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let text = response.text().await.unwrap();
    let (families, samples) = read(&text);
    for (name, family) in &families {
        assert!(name.starts_with("tidings_"), "{name}");
        assert!(!family.help.is_empty() && !family.kind.is_empty(), "{name}");
        assert!(name.ends_with(&family.unit), "{name}");
    }
    assert_nobody_is_named(&text, &feeds);
    let polls = |outcome: &str| {
        samples
            .get(&format!("tidings_polls_total{{outcome=\"{outcome}\"}}"))
            .copied()
    };
    assert_eq!(polls("not_modified"), Some(1.0));
    assert_eq!(polls("unchanged"), Some(1.0));
    assert_eq!(polls("throttled"), Some(1.0));
    assert!(polls("fetched") >= Some(2.0));
    assert!(polls("server_error") >= Some(2.0));
    assert!(polls("missing") >= Some(2.0));
    assert!(polls("postponed") >= Some(4.0));
    assert_eq!(polls("failed"), None, "failures have names");
    assert_eq!(samples["tidings_new_items_total"], 4.0);
    assert_eq!(samples["tidings_stories_placed_total"], 2.0);
    assert!(samples["tidings_received_bytes_total"] >= 3.0 * document.len() as f64);
    assert!(samples["tidings_host_waits_total"] >= 4.0);
    // The first poll of a feed is due at no time, and so never late.
    assert!(samples["tidings_poll_lateness_seconds_count"] >= 4.0);
    assert_eq!(samples["tidings_poll_lateness_seconds_bucket{le=\"3600.0\"}"], 0.0);
    for zero in [
        "tidings_polls_under_way",
        "tidings_polls_waiting",
        "tidings_pushes_accepted_total",
        "tidings_pushes_ignored_total",
        "tidings_mails_total{state=\"sent\"}",
    ] {
        assert_eq!(samples[zero], 0.0, "{zero}");
    }
}

fn assert_nobody_is_named(text: &str, feeds: &[&str]) {
    for secret in feeds.iter().chain(&["127.0.0.1", "Agency"]) {
        let named = text
            .lines()
            .filter(|line| !line.starts_with('#') && line.contains(secret));
        let named: Vec<_> = named.filter(|line| !line.contains("outcome=\"missing\"")).collect();
        assert!(named.is_empty(), "{named:?}");
    }
}
