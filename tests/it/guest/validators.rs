//! Validators: kept as they came, sent back as they came, as long as they stand for the document that is known.

use tidings::model::poll::Outcome;

use crate::guest::{answer, document, simple, with_feed};
use crate::support::origin::{Answer, Asked, Origin};

fn sent(asked: &Asked) -> (Option<&[u8]>, Option<&[u8]>) {
    let value = |name| asked.headers.get(name).map(axum::http::HeaderValue::as_bytes);
    (value("if-none-match"), value("if-modified-since"))
}

fn both<'a>(tag: &'a str, date: &'a str) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
    (Some(tag.as_bytes()), Some(date.as_bytes()))
}

const DATE: &str = "Sat, 21 Nov 2026 10:00:00 GMT";

#[tokio::test]
async fn both_validators_go_back_together_byte_for_byte() {
    for (tag, date) in [
        ("\"simple\"", DATE),
        ("W/\"weak\"", "yesterday, about noon"),
        ("no quotes at all", "Sat, 21-Nov-26 10:00:00 GMT"),
        ("\"é ünd ä\"", "0"),
    ] {
        let origin = Origin::start().await;
        origin.set(
            "/feed",
            answer(200, &[("etag", tag), ("last-modified", date)], &simple(&["1"])),
        );
        let app = with_feed(&origin).await;
        app.poll_all().await;
        app.poll_all().await;
        let asked = origin.asked("/feed");
        assert_eq!(sent(&asked[0]), (None, None));
        assert_eq!(sent(&asked[1]), both(tag, date));
    }
}

#[tokio::test]
async fn each_200_replaces_both_validators_also_with_the_same_body() {
    let origin = Origin::start().await;
    let body = simple(&["1"]);
    origin.script(
        "/feed",
        [
            answer(200, &[("etag", "\"1\""), ("last-modified", DATE)], &body),
            answer(200, &[("etag", "\"2\"")], &body),
            answer(200, &[("last-modified", DATE)], &simple(&["1", "2"])),
            answer(200, &[], &simple(&["1", "2"])),
        ],
    );
    let app = with_feed(&origin).await;
    for _ in 0..5 {
        app.poll_all().await;
    }
    let asked = origin.asked("/feed");
    assert_eq!(sent(&asked[1]), both("\"1\"", DATE));
    assert_eq!(sent(&asked[2]), (Some(&b"\"2\""[..]), None));
    assert_eq!(sent(&asked[3]), (None, Some(DATE.as_bytes())));
    assert_eq!(sent(&asked[4]), (None, None));
}

#[tokio::test]
async fn a_304_replaces_the_validators_that_it_carries_and_no_other() {
    let origin = Origin::start().await;
    let later = "Sun, 22 Nov 2026 10:00:00 GMT";
    origin.script(
        "/feed",
        [
            answer(200, &[("last-modified", DATE)], &simple(&["1"])),
            answer(304, &[("etag", "\"1\"")], ""),
            answer(304, &[("last-modified", later)], ""),
            answer(304, &[], ""),
        ],
    );
    let app = with_feed(&origin).await;
    for _ in 0..5 {
        app.poll_all().await;
    }
    let asked = origin.asked("/feed");
    assert_eq!(sent(&asked[2]), both("\"1\"", DATE));
    assert_eq!(sent(&asked[3]), both("\"1\"", later));
    assert_eq!(sent(&asked[4]), both("\"1\"", later));
}

#[tokio::test]
async fn validators_outlive_every_failure() {
    let page = "<!doctype html><html><body>Please log in</body></html>";
    let full: Vec<String> = (0..9).map(|number| number.to_string()).collect();
    let full: Vec<&str> = full.iter().map(String::as_str).collect();
    for failure in [
        answer(429, &[("etag", "\"error\"")], ""),
        answer(500, &[("etag", "\"error\""), ("last-modified", "now")], "oops"),
        answer(404, &[("etag", "\"error\"")], ""),
        answer(200, &[("etag", "\"page\"")], page),
        answer(200, &[("etag", "\"empty\"")], ""),
        answer(200, &[("etag", "\"cut\"")], &simple(&["1"])),
        answer(200, &[("etag", "\"bomb\"")], &"x".repeat(70_000)),
        Answer::Stalling(b"<rss".to_vec()),
    ] {
        let origin = Origin::start().await;
        let good = answer(200, &[("etag", "\"1\""), ("last-modified", DATE)], &simple(&full));
        origin.script("/feed", [good, failure.clone(), answer(304, &[], "")]);
        let app = crate::support::app::TestApp::new(&format!(
            "max_body_bytes = 65536\n{}[feed.access]\ntimeout = \"1s\"\n",
            crate::support::app::feed("a", &origin.url("/feed"))
        ))
        .await;
        app.poll_all().await;
        assert_eq!(app.poll_all().await[0].outcome, Outcome::Failed, "{failure:?}");
        // Whoever answered 429 wants to be left alone.
        app.advance(jiff::SignedDuration::from_hours(2));
        assert_eq!(app.poll_all().await[0].outcome, Outcome::NotModified, "{failure:?}");
        assert_eq!(sent(&origin.asked("/feed")[2]), both("\"1\"", DATE), "{failure:?}");
    }
}

#[tokio::test]
async fn a_poll_by_hand_sends_them_too() {
    let origin = Origin::start().await;
    origin.serve("/feed", simple(&["1"]));
    let app = with_feed(&origin).await;
    app.poll_all().await;
    for words in [&["poll", "a"][..], &["poll", "--all"]] {
        let said = app.said(words).await;
        assert!(said.contains("1 not modified"), "{said}");
    }
    let asked = origin.asked("/feed");
    assert!(asked[1..].iter().all(|asked| sent(asked).0.is_some()) && asked.len() == 3);
}

#[tokio::test]
async fn a_body_that_is_known_is_not_read_again() {
    let origin = Origin::start().await;
    origin.set("/feed", answer(200, &[], &simple(&["1", "2"])));
    let app = with_feed(&origin).await;
    app.poll_all().await;
    // Were it read again, what is not there would be new.
    let db = rusqlite::Connection::open(app.folder.path().join("data/tidings.db")).unwrap();
    db.execute("pragma foreign_keys = off", []).unwrap();
    assert_eq!(
        db.execute(
            "update item set key = randomblob(17), canonical_link = '', guid = '', title = ''",
            []
        )
        .unwrap(),
        2
    );
    let same = app.poll_all().await.remove(0);
    assert_eq!((same.outcome, same.committed.new), (Outcome::Unchanged, 0));
    origin.set(
        "/feed",
        answer(
            200,
            &[],
            &document("https://site.example/", "<ttl>1</ttl>", &["1", "2"]),
        ),
    );
    assert_eq!(app.poll_all().await[0].committed.new, 2);
}
