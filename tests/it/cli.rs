//! The commands as people type them: what they print, where, and with which exit status.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::daemon::tidings;
use crate::support::origin::{Answer, Origin, rss};

fn config(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join("tidings.toml");
    std::fs::write(&file, text).unwrap();
    file
}

async fn run(config: &Path, words: &[&str]) -> Output {
    tidings(config).args(words).output().await.unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn with_feeds(origin: &Origin, folder: &Path) -> PathBuf {
    origin.serve("/good", rss("Good Agency", &[("1", "One", "https://a.example/1")]));
    origin.set("/bad", Answer::Plain(500, vec![], b"oops".to_vec()));
    config(
        folder,
        &format!(
            "{}[[feed]]\nname = \"good\"\nurl = \"{}\"\ngroup = \"agencies\"\n[[feed]]\nname = \"bad\"\nurl = \"{}\"\n\
             [mail]\ndirectory = \"mail\"\n[[digest]]\nname = \"daily\"\nview = \"all\"\nschedule = \"0 7 * * *\"\nto = [\"r@example.org\"]\n",
            crate::support::app::BASICS,
            origin.url("/good"),
            origin.url("/bad")
        ),
    )
}

#[tokio::test]
async fn poll_says_what_it_did_and_a_failing_feed_does_not_fail_it() {
    let (origin, folder) = (Origin::start().await, tempfile::tempdir().unwrap());
    let file = with_feeds(&origin, folder.path());
    let first = run(&file, &["poll", "--json"]).await;
    assert_eq!(first.status.code(), Some(0), "{}", err(&first));
    let line: serde_json::Value = serde_json::from_str(&out(&first)).unwrap();
    for (key, value) in [
        ("feeds", 2),
        ("fetched", 1),
        ("failed", 1),
        ("new", 1),
        ("updated", 0),
        ("not_modified", 0),
        ("unchanged", 0),
    ] {
        assert_eq!(line[key], value, "{key}");
    }
    assert!(line["bytes"].as_u64().unwrap() > 100 && line["seconds"].is_number());
    // Nothing is due any more.
    let due: serde_json::Value = serde_json::from_str(&out(&run(&file, &["poll", "--json"]).await)).unwrap();
    assert_eq!(due["feeds"], 0);
    let named = run(&file, &["poll", "good"]).await;
    assert!(
        out(&named).contains("1 feed polled: 0 with news or changes read, 1 not modified"),
        "{}",
        out(&named)
    );
    let all = run(&file, &["poll", "--all"]).await;
    assert!(
        out(&all).contains("bad") && out(&all).contains("500: oops"),
        "{}",
        out(&all)
    );
}

#[tokio::test]
async fn wrong_words_and_wrong_configurations_exit_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = config(folder.path(), "[poll]\ninterval = \"soon\"\n[wbe]\nlisten = \"x\"\n");
    for words in [&["check"][..], &["poll"], &["run"], &["feed", "list"]] {
        let output = run(&file, words).await;
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        let text = err(&output);
        assert!(
            text.contains("2 faults")
                && text.contains("tidings.toml:2: poll.interval")
                && text.contains("wbe: unknown key; did you mean \"web\"?"),
            "{text}"
        );
    }
    let good = config(folder.path(), "");
    for words in [
        &["poll", "nobody"][..],
        &["feed", "show", "nobody"],
        &["digest", "send", "nobody"],
        &["nonsense"],
        &["poll", "--all", "x"],
    ] {
        assert_eq!(run(&good, words).await.status.code(), Some(2), "{words:?}");
    }
    assert_eq!(
        run(Path::new("/nowhere/tidings.toml"), &["check"]).await.status.code(),
        Some(2)
    );
}

#[tokio::test]
async fn check_and_config_default_fit_together() {
    let folder = tempfile::tempdir().unwrap();
    let file = config(folder.path(), "");
    let default = out(&run(&file, &["config", "default"]).await);
    let file = config(folder.path(), &default);
    let checked = run(&file, &["check"]).await;
    assert_eq!(checked.status.code(), Some(0), "{}", err(&checked));
    assert!(out(&checked).contains("feeds 5, views 1, digests 1"));
}

#[tokio::test]
async fn every_command_has_help_with_an_example() {
    let folder = tempfile::tempdir().unwrap();
    let file = config(folder.path(), "");
    let commands: [&[&str]; 16] = [
        &[],
        &["run"],
        &["poll"],
        &["digest"],
        &["digest", "preview"],
        &["digest", "send"],
        &["check"],
        &["config"],
        &["config", "default"],
        &["feed"],
        &["feed", "list"],
        &["feed", "show"],
        &["opml"],
        &["opml", "import"],
        &["demo"],
        &["parse"],
    ];
    for words in commands {
        let help = run(&file, &[words, &["--help"]].concat()).await;
        assert_eq!(help.status.code(), Some(0), "{words:?}");
        assert!(out(&help).contains("Example"), "{words:?}");
    }
}

#[tokio::test]
async fn feeds_are_listed_and_shown() {
    let (origin, folder) = (Origin::start().await, tempfile::tempdir().unwrap());
    let file = with_feeds(&origin, folder.path());
    run(&file, &["poll", "--all"]).await;
    let lines = out(&run(&file, &["feed", "list", "--json"]).await);
    let feeds: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        feeds
            .iter()
            .map(|feed| feed["name"].as_str().unwrap())
            .collect::<Vec<_>>(),
        ["bad", "good"]
    );
    assert_eq!(
        (feeds[0]["failures"].as_u64(), feeds[1]["items"].as_u64()),
        (Some(1), Some(1))
    );
    let table = out(&run(&file, &["feed", "list"]).await);
    assert!(table.contains("agencies") && table.contains(", 1 in a row"));
    let shown = out(&run(&file, &["feed", "show", "good"]).await);
    for part in [
        "Good Agency",
        "because of: news is likely by then",
        "politeness    1 requests, 0% conditional, 0% answered not modified",
        "fetched",
        "200",
        "1 new",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

#[tokio::test]
async fn lists_of_feeds_go_out_and_come_in() {
    let (origin, folder) = (Origin::start().await, tempfile::tempdir().unwrap());
    let file = with_feeds(&origin, folder.path());
    let list = folder.path().join("feeds.opml");
    std::fs::write(&list, out(&run(&file, &["opml", "export"]).await)).unwrap();
    let tables = out(&run(&file, &["opml", "import", list.to_str().unwrap()]).await);
    let other = config(folder.path(), &tables);
    let checked = run(&other, &["check"]).await;
    assert!(out(&checked).contains("feeds 2"), "{}{tables}", err(&checked));
    assert!(tables.contains("group = \"agencies\""));
    std::fs::write(&list, "no list").unwrap();
    let refused = run(&other, &["opml", "import", list.to_str().unwrap()]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("feeds.opml: not OPML"), "{}", err(&refused));
}

#[tokio::test]
async fn a_digest_is_previewed_without_being_made_and_sent_once() {
    let (origin, folder) = (Origin::start().await, tempfile::tempdir().unwrap());
    let file = with_feeds(&origin, folder.path());
    run(&file, &["poll"]).await;
    for _ in 0..2 {
        for (format, part) in [
            ("html", "<!doctype html>"),
            ("text", "1 story"),
            ("eml", "Subject: tidings: 1 story"),
        ] {
            let preview = out(&run(&file, &["digest", "preview", "daily", "--format", format]).await);
            assert!(preview.contains(part), "{format}: {preview}");
        }
    }
    let sent = run(&file, &["digest", "send", "daily"]).await;
    assert!(out(&sent).contains("edition 1: 1 sent"), "{}{}", out(&sent), err(&sent));
    assert!(out(&run(&file, &["digest", "send", "daily"]).await).contains("nothing new, nothing sent"));
    assert_eq!(std::fs::read_dir(folder.path().join("mail")).unwrap().count(), 1);
}

#[tokio::test]
async fn a_mail_that_does_not_leave_fails_the_command_with_the_reason() {
    let (origin, folder) = (Origin::start().await, tempfile::tempdir().unwrap());
    let file = with_feeds(&origin, folder.path());
    run(&file, &["poll"]).await;
    let text = std::fs::read_to_string(&file).unwrap().replace(
        "directory = \"mail\"",
        "transport = \"smtp\"\nurl = \"smtp://127.0.0.1:1\"",
    );
    let file = config(folder.path(), &text);
    let sent = run(&file, &["digest", "send", "daily"]).await;
    assert_eq!(sent.status.code(), Some(1));
    assert!(err(&sent).contains("did not take the mail"), "{}", err(&sent));
}

#[tokio::test]
async fn the_demo_needs_no_network_and_no_set_up() {
    let folder = tempfile::tempdir().unwrap();
    let demo = tidings(Path::new("/nowhere"))
        .args(["demo", "--once"])
        .env("TMPDIR", folder.path())
        .output()
        .await
        .unwrap();
    let text = out(&demo);
    assert_eq!(demo.status.code(), Some(0), "{}", err(&demo));
    assert!(text.contains("5 items, 4 stories"), "{text}");
    let mail = text
        .lines()
        .find_map(|line| line.strip_prefix("The digest:"))
        .unwrap()
        .trim();
    assert!(std::fs::read_to_string(mail).unwrap().contains("Subject: tidings demo"));
}

#[tokio::test]
async fn parse_says_what_a_document_says_wherever_it_comes_from() {
    let (origin, folder) = (Origin::start().await, tempfile::tempdir().unwrap());
    let file = with_feeds(&origin, folder.path());
    let document = folder.path().join("feed.xml");
    std::fs::write(&document, rss("From a file", &[("1", "One", "/1")])).unwrap();
    let path = document.to_str().unwrap();
    let said = out(&run(&file, &["parse", "--base", "https://base.example/", "--json", path]).await);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (said["format"].as_str(), said["feed"]["title"].as_str()),
        (Some("rss2"), Some("From a file"))
    );
    assert_eq!(said["entries"][0]["link"], "https://base.example/1");
    let fetched = run(&file, &["parse", &origin.url("/good")]).await;
    assert!(
        out(&fetched).contains("Good Agency") && out(&fetched).contains("https://a.example/1"),
        "{}",
        err(&fetched)
    );
    std::fs::write(&document, "<html>no feed</html>").unwrap();
    let refused = run(&file, &["parse", path]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("web page, not a feed"), "{}", err(&refused));
}

#[tokio::test]
async fn what_was_lost_of_a_document_is_shown_with_its_feed() {
    let (origin, folder) = (Origin::start().await, tempfile::tempdir().unwrap());
    let file = with_feeds(&origin, folder.path());
    let odd =
        rss("Good Agency", &[("1", "One", "https://a.example/1")]).replace("Sat, 21 Nov 2026 10:00:00 GMT", "soon");
    origin.serve("/good", odd);
    run(&file, &["poll", "good"]).await;
    let shown = out(&run(&file, &["feed", "show", "good"]).await);
    assert!(shown.contains("date, item 1: soon"), "{shown}");
}
