//! What real servers do: each trick by its name.

use tidings::model::poll::{Failure, Outcome};

use crate::guest::{answer, assert_failed, document, hours, simple, wait, with_feed};
use crate::support::app::TestApp;
use crate::support::origin::{Answer, Origin, rss};

async fn at(answers: impl IntoIterator<Item = Answer>) -> (Origin, TestApp) {
    let origin = Origin::start().await;
    origin.script("/feed", answers);
    let app = with_feed(&origin).await;
    (origin, app)
}

fn tag(origin: &Origin, request: usize) -> Option<String> {
    let value = origin.asked("/feed")[request].headers.get("if-none-match").cloned();
    value.map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_304_with_another_etag_is_not_believed_and_the_whole_document_is_fetched() {
    let (origin, app) = at([
        answer(200, &[("etag", "\"1\"")], &simple(&["1"])),
        answer(304, &[("etag", "\"2\"")], ""),
        answer(200, &[("etag", "\"2\"")], &simple(&["1", "2"])),
    ])
    .await;
    app.poll_all().await;
    let polled = app.poll_all().await.remove(0);
    assert_eq!((polled.outcome, polled.committed.new), (Outcome::Fetched, 1));
    assert_eq!(origin.asked("/feed").len(), 3);
    assert_eq!((tag(&origin, 1), tag(&origin, 2)), (Some("\"1\"".to_owned()), None));
}

#[tokio::test]
async fn a_304_to_who_sent_no_validators_is_a_failure() {
    let (_origin, app) = at([answer(304, &[("etag", "\"1\"")], ""), Answer::Tagged(simple(&["1"]))]).await;
    assert_failed(&app.poll_all().await[0], Failure::UnexpectedStatus);
    assert_eq!(app.poll_all().await[0].outcome, Outcome::Fetched);
}

#[tokio::test]
async fn validators_that_change_with_each_request_cost_no_reading() {
    let body = simple(&["1"]);
    let tags = ["\"1\"", "\"2\"", "\"3\"", "\"4\""];
    let (origin, app) = at(tags.map(|tag| answer(200, &[("etag", tag), ("last-modified", tag)], &body))).await;
    let mut outcomes = Vec::new();
    for _ in tags {
        outcomes.push(app.poll_all().await[0].outcome);
    }
    assert_eq!(outcomes[1..], [Outcome::Unchanged; 3]);
    for (request, before) in tags.iter().enumerate().take(3) {
        assert_eq!(tag(&origin, request + 1).as_deref(), Some(*before));
    }
}

/// A 200 with one tag and a 304 with another that means the same: the 304 is believed.
async fn is_the_same(first: &str, confirmed: &str) {
    let (origin, app) = at([
        answer(200, &[("etag", first)], &simple(&["1"])),
        answer(304, &[("etag", confirmed)], ""),
    ])
    .await;
    app.poll_all().await;
    let outcome = app.poll_all().await[0].outcome;
    assert_eq!(outcome, Outcome::NotModified, "{first} and {confirmed}");
    assert_eq!(origin.asked("/feed").len(), 2);
    assert_eq!(tag(&origin, 1).as_deref(), Some(first), "byte for byte");
}

#[tokio::test]
async fn a_weak_etag_is_sent_back_as_weak_and_confirmed_by_a_strong_one() {
    is_the_same("W/\"abc\"", "W/\"abc\"").await;
    is_the_same("W/\"abc\"", "\"abc\"").await;
    is_the_same("\"abc\"", "W/\"abc\"").await;
}

#[tokio::test]
async fn an_etag_to_which_compression_added_its_name_is_the_same_etag() {
    is_the_same("\"abc-gzip\"", "\"abc\"").await;
    is_the_same("\"abc\"", "\"abc-gzip\"").await;
    is_the_same("\"abc\"-gzip", "\"abc\"").await;
    is_the_same("\"abc;br\"", "W/\"abc\"").await;
}

#[tokio::test]
async fn an_etag_without_quotes_is_sent_back_without_quotes() {
    is_the_same("abc", "abc").await;
    is_the_same("abc", "\"abc\"").await;
}

#[tokio::test]
async fn a_clock_that_is_years_off_changes_nothing() {
    for date in ["Fri, 01 Jan 1999 00:00:00 GMT", "Thu, 31 Dec 2099 00:00:00 GMT"] {
        let headers = [
            ("date", date),
            ("last-modified", date),
            ("cache-control", "max-age=600"),
        ];
        let (origin, app) = at([answer(200, &headers, &simple(&["1"])), answer(304, &headers, "")]).await;
        app.poll_all().await;
        assert_eq!(app.poll_all().await[0].outcome, Outcome::NotModified);
        let sent = origin.asked("/feed").pop().unwrap();
        assert_eq!(sent.headers["if-modified-since"], date);
        let wait = crate::guest::wait(&app, "a").await;
        crate::guest::assert_about(wait, 60, date);
    }
}

#[tokio::test]
async fn a_permanent_redirect_to_an_error_page_for_some_days_moves_nothing() {
    let page = "<!doctype html><html><h1>We will be back</h1></html>";
    for error in [
        answer(200, &[], page),
        answer(503, &[], page),
        answer(404, &[], page),
        answer(410, &[], page),
        answer(200, &[], ""),
    ] {
        let origin = Origin::start().await;
        origin.serve("/feed", simple(&["1", "2"]));
        origin.set("/sorry", error.clone());
        let app = with_feed(&origin).await;
        app.poll_all().await;
        origin.redirect("/feed", 301, "/sorry");
        for _ in 0..6 {
            assert_eq!(app.poll_all().await[0].outcome, Outcome::Failed, "{error:?}");
            app.advance(hours(24));
        }
        let status = app.status("a").await;
        assert_eq!((status.moved_url.as_str(), status.move_url.as_str()), ("", ""));
        origin.serve("/feed", simple(&["1", "2"]));
        assert_eq!(
            app.poll_all().await[0].outcome,
            Outcome::NotModified,
            "nothing was lost"
        );
    }
}

#[tokio::test]
async fn a_login_page_with_status_200_is_an_error_and_takes_nothing_away() {
    let page = "<!doctype html><html><head><title>Log in</title></head><body><form></form></body></html>";
    let feed_type = [("content-type", "application/rss+xml"), ("etag", "\"login\"")];
    let good = Answer::Tagged(simple(&["1"]));
    let (_origin, app) = at([good.clone(), answer(200, &feed_type, page), good]).await;
    app.poll_all().await;
    assert_failed(&app.poll_all().await[0], Failure::WebPage);
    assert_eq!(app.titles().await, ["1"]);
    assert_eq!(app.poll_all().await[0].outcome, Outcome::NotModified);
}

#[tokio::test]
async fn one_guid_for_all_items_keeps_all_items_and_tells_each_once() {
    let items = |titles: &[&str]| -> String {
        let links: Vec<String> = titles
            .iter()
            .map(|title| format!("https://a.example/{title}"))
            .collect();
        let items: Vec<_> = titles
            .iter()
            .zip(&links)
            .map(|(title, link)| ("same", *title, link.as_str()))
            .collect();
        rss("A", &items)
    };
    let (_origin, app) = at([&["a", "b"][..], &["a", "b", "c"], &["c", "b", "a"], &["d", "c", "b"]]
        .map(|titles| Answer::Plain(200, vec![], items(titles).into())))
    .await;
    let mut new = Vec::new();
    for _ in 0..4 {
        new.push(app.poll_all().await[0].committed.new);
    }
    assert_eq!(new, [2, 1, 0, 1]);
    assert_eq!(app.titles().await.len(), 4);
}

#[tokio::test]
async fn a_guid_for_each_request_tells_each_story_once() {
    let body = |request: u32| {
        let (one, two) = (format!("{request}-1"), format!("{request}-2"));
        let items = [
            (one.as_str(), "One", "https://a.example/1"),
            (two.as_str(), "Two", "https://a.example/2"),
        ];
        Answer::Plain(200, vec![], rss("A", &items).into())
    };
    let (_origin, app) = at((0..5).map(body)).await;
    for new in [2, 0, 0, 0, 0] {
        assert_eq!(app.poll_all().await[0].committed.new, new);
    }
    assert_eq!(app.titles().await.len(), 2);
}

#[tokio::test]
async fn a_guid_for_each_request_tells_undated_stories_once_too() {
    let body = |request: u32| {
        let items: String = [("One", "the first"), ("One", "the second")]
            .iter()
            .enumerate()
            .map(|(number, (title, text))| {
                format!(
                    "<item><guid isPermaLink=\"false\">{request}-{number}</guid><title>{title}</title>\
                     <link>https://a.example/{number}</link><description>{text}</description></item>"
                )
            })
            .collect();
        let document = format!("<rss version=\"2.0\"><channel><title>A</title>{items}</channel></rss>");
        Answer::Plain(200, vec![], document.into())
    };
    let (_origin, app) = at((0..4).map(body)).await;
    for new in [2, 0, 0, 0] {
        assert_eq!(app.poll_all().await[0].committed.new, new);
    }
}

#[tokio::test]
async fn what_a_page_in_the_place_of_a_feed_asks_for_is_obeyed() {
    let page = "<!doctype html><html><head><title>Back soon</title></head></html>";
    let wait_for = [("content-type", "text/html"), ("retry-after", "36000")];
    let (_origin, app) = at([Answer::Tagged(simple(&["1"])), answer(200, &wait_for, page)]).await;
    app.poll_all().await;
    assert_failed(&app.poll_all().await[0], Failure::WebPage);
    assert!(wait(&app, "a").await >= hours(10));
}

#[tokio::test]
async fn a_cluster_where_one_node_serves_an_old_copy_tells_each_story_once() {
    let (old, new) = (["1", "2", "3", "4"], ["3", "4", "5", "6"]);
    let answers = [old, new, old, new, old, new].map(|guids| Answer::Tagged(simple(&guids)));
    let (_origin, app) = at(answers).await;
    for new in [4, 2, 0, 0, 0, 0] {
        let polled = app.poll_all().await.remove(0);
        assert_eq!((polled.outcome, polled.committed.new), (Outcome::Fetched, new));
        assert_eq!(polled.committed.updated, 0);
    }
    assert!(app.app.store.gaps(app.status("a").await.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_cluster_that_is_behind_by_a_whole_document_is_no_gap() {
    let (old, new) = (["1", "2"], ["3", "4"]);
    let answers = [old, new, old, new].map(|guids| Answer::Tagged(simple(&guids)));
    let (_origin, app) = at(answers).await;
    for new in [2, 2, 0, 0] {
        assert_eq!(app.poll_all().await[0].committed.new, new);
    }
    let gaps = app.app.store.gaps(app.status("a").await.id).await.unwrap();
    assert_eq!(gaps.len(), 1, "only where nothing was known");
}

#[tokio::test]
async fn a_body_that_never_ends_is_left_at_the_limit() {
    let origin = Origin::start().await;
    origin.script("/feed", [Answer::Endless, Answer::Tagged(simple(&["1"]))]);
    let config = crate::support::app::feed("a", &origin.url("/feed"));
    let app = TestApp::new(&format!("max_body_bytes = 65536\n{config}")).await;
    let polled = app.poll_all().await.remove(0);
    assert_failed(&polled, Failure::TooLarge);
    assert!(polled.error.unwrap().contains("more than 65536 bytes"));
    assert_eq!(app.poll_all().await[0].outcome, Outcome::Fetched);
}

#[tokio::test]
async fn a_document_that_says_it_is_longer_than_the_limit_is_not_even_begun() {
    let big = document("https://site.example/", &" ".repeat(70_000), &["1"]);
    let origin = Origin::start().await;
    origin.set("/feed", answer(200, &[], &big));
    let config = crate::support::app::feed("a", &origin.url("/feed"));
    let app = TestApp::new(&format!("max_body_bytes = 65536\n{config}")).await;
    let polled = app.poll_all().await.remove(0);
    assert_failed(&polled, Failure::TooLarge);
    assert_eq!(polled.bytes, 0);
}
