//! What was missed between two documents, and how it is fetched from older ones (RFC 5005).

use tidings::model::poll::Outcome;

use crate::guest::{answer, simple, with_feed};
use crate::support::app::TestApp;
use crate::support::origin::{Answer, Origin, rss};

/// An Atom document with the entries of these numbers, and a link.
fn page(rel: &str, href: &str, numbers: impl IntoIterator<Item = u32>) -> String {
    let entries: String = numbers
        .into_iter()
        .map(|n| {
            format!(
                "<entry><id>urn:x:{n}</id><title>T{n}</title><link href=\"https://site.example/{n}\"/>\
                 <published>2026-10-01T00:{n:02}:00Z</published><updated>2026-10-01T00:{n:02}:00Z</updated>\
                 <content>Text {n}</content></entry>"
            )
        })
        .collect();
    let link = match rel {
        "" => String::new(),
        rel => format!("<link rel=\"{rel}\" href=\"{href}\"/>"),
    };
    format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>urn:x</id><title>A</title><updated>2026-10-01T00:00:00Z</updated>\
         <link href=\"https://site.example/\"/>{link}{entries}</feed>"
    )
}

async fn gaps(app: &TestApp) -> Vec<(u64, u64)> {
    let gaps = app.app.store.gaps(app.status("a").await.id).await.unwrap();
    gaps.iter().map(|gap| (gap.filled, gap.pages)).collect()
}

/// A feed that was at 1 to 3 and is at 31 to 33 now, with this link.
async fn missed(rel: &str, href: &str) -> (Origin, TestApp) {
    let origin = Origin::start().await;
    origin.serve("/feed", page("", "", 1..=3));
    let app = with_feed(&origin).await;
    app.poll_all().await;
    origin.serve("/feed", page(rel, href, 31..=33));
    (origin, app)
}

#[tokio::test]
async fn a_gap_is_recorded_and_shown_and_the_feed_is_asked_sooner() {
    let (_origin, app) = missed("", "").await;
    app.poll_all().await;
    assert_eq!(gaps(&app).await, [(0, 0)]);
    let status = app.status("a").await;
    assert!(
        status.next_poll_why.contains("items were missed"),
        "{}",
        status.next_poll_why
    );
    let with_gap = crate::guest::wait(&app, "a").await;
    let shown = app.said(&["feed", "show", "a"]).await;
    assert!(
        shown.contains(
            "items missed  probably, between 2026-11-22 12:00:00Z and 2026-11-22 12:00:00Z; nothing older could be read"
        ),
        "{shown}"
    );
    app.poll_all().await;
    let without = crate::guest::wait(&app, "a").await;
    assert!(with_gap < without * 2 / 3, "{with_gap:#} and {without:#}");
    assert_eq!(gaps(&app).await.len(), 1);
}

#[tokio::test]
async fn a_document_that_shrank_to_new_entries_alone_is_a_gap_too() {
    let origin = Origin::start().await;
    origin.serve("/feed", page("", "", 1..=10));
    let app = with_feed(&origin).await;
    app.poll_all().await;
    origin.serve("/feed", page("prev-archive", "/older", 31..=34));
    origin.serve("/older", page("", "", 10..=30));
    for _ in 0..3 {
        app.poll_all().await;
    }
    assert_eq!(gaps(&app).await, [(20, 1)]);
    assert_eq!(app.titles().await.len(), 34);
}

/// A feed whose documents had 1 to 3, 3 to 6 and 6 to 9.
async fn at_nine() -> (Origin, TestApp) {
    let origin = Origin::start().await;
    let app = with_feed(&origin).await;
    for numbers in [1..=3, 3..=6, 6..=9] {
        origin.serve("/feed", page("", "", numbers));
        app.poll_all().await;
    }
    assert_eq!(gaps(&app).await, []);
    (origin, app)
}

#[tokio::test]
async fn entries_that_come_back_from_long_ago_hide_no_gap() {
    let (origin, app) = at_nine().await;
    origin.serve("/feed", page("prev-archive", "/older", [2, 31, 32]));
    origin.serve(
        "/older",
        page("prev-archive", "/oldest", [1].into_iter().chain(20..=30)),
    );
    origin.serve("/oldest", page("prev-archive", "/never", 9..=19));
    app.poll_all().await;
    assert_eq!(gaps(&app).await, [(21, 2)]);
    assert_eq!(app.titles().await.len(), 32);
}

#[tokio::test]
async fn one_entry_of_the_last_document_is_enough_for_no_gap() {
    let (origin, app) = at_nine().await;
    origin.serve("/feed", page("prev-archive", "/older", [6, 31, 32]));
    app.poll_all().await;
    assert_eq!(gaps(&app).await, []);
    assert!(origin.asked("/older").is_empty());
}

#[tokio::test]
async fn an_old_copy_does_not_take_the_place_of_the_last_document() {
    let (origin, app) = at_nine().await;
    for numbers in [1..=3, 7..=11, 3..=6, 11..=14, 9..=11, 12..=15] {
        origin.serve("/feed", page("", "", numbers));
        app.poll_all().await;
    }
    assert_eq!(gaps(&app).await, []);
}

#[tokio::test]
async fn two_choices_that_alternate_have_no_gaps_but_the_first() {
    let (origin, app) = at_nine().await;
    for numbers in [31..=39, 2..=10, 32..=40, 3..=11] {
        origin.serve("/feed", page("", "", numbers));
        app.poll_all().await;
    }
    assert_eq!(gaps(&app).await, [(0, 0)]);
}

#[tokio::test]
async fn a_document_that_is_not_believed_yet_has_its_gap_once() {
    let origin = Origin::start().await;
    origin.serve("/feed", page("", "", 1..=20));
    let app = with_feed(&origin).await;
    app.poll_all().await;
    for numbers in [31..=34, 34..=37, 37..=40] {
        origin.serve("/feed", page("", "", numbers));
        app.poll_all().await;
    }
    assert_eq!(gaps(&app).await, [(0, 0)]);
}

#[tokio::test]
async fn what_a_host_says_to_who_asks_for_older_documents_is_kept() {
    let (origin, app) = missed("prev-archive", "/older").await;
    origin.set("/older", crate::guest::answer(429, &[("retry-after", "7200")], ""));
    app.poll_all().await;
    assert_eq!(gaps(&app).await, [(0, 0)]);
    let app = app.restart(&crate::support::app::feed("a", &origin.url("/feed"))).await;
    assert_eq!(
        app.poll_all().await[0].outcome,
        tidings::model::poll::Outcome::Postponed
    );
}

#[tokio::test]
async fn older_documents_are_read_up_to_the_last_document() {
    for rel in ["prev-archive", "next"] {
        let (origin, app) = missed(rel, "/3").await;
        origin.serve("/3", page(rel, "/2", 21..=30));
        origin.serve("/2", page(rel, "/1", 11..=20));
        origin.serve("/1", page(rel, "/0", 1..=10));
        origin.serve("/0", page("", "", 90..=99));
        let polled = app.poll_all().await.remove(0);
        assert_eq!((polled.outcome, polled.committed.new), (Outcome::Fetched, 30), "{rel}");
        assert_eq!(gaps(&app).await, [(27, 3)]);
        for (path, requests) in [("/3", 1), ("/2", 1), ("/1", 1), ("/0", 0)] {
            assert_eq!(origin.asked(path).len(), requests, "{rel} {path}");
        }
        let mut titles = app.titles().await;
        titles.sort();
        titles.dedup();
        assert_eq!(titles.len(), 33);
        let shown = app.said(&["feed", "show", "a"]).await;
        assert!(shown.contains("27 items were found in 3 older documents"), "{shown}");
    }
}

#[tokio::test]
async fn older_documents_of_rss_and_json_feed_are_found_too() {
    let rss = |more: &str, guids: &[&str]| crate::guest::document("https://site.example/", more, guids);
    let json = |next: &str, ids: &[&str]| {
        let items: Vec<_> = ids
            .iter()
            .map(|id| serde_json::json!({"id": id, "url": format!("https://site.example/{id}"), "content_text": id}))
            .collect();
        let feed = serde_json::json!({"version": "https://jsonfeed.org/version/1.1", "title": "A", "items": items, "next_url": next});
        feed.to_string()
    };
    let link = "<atom:link xmlns:atom=\"http://www.w3.org/2005/Atom\" rel=\"prev-archive\" href=\"/older\"/>";
    for (first, second, older) in [
        (rss("", &["1", "2"]), rss(link, &["5", "6"]), rss("", &["3", "4"])),
        (
            json("", &["1", "2"]),
            json("/older", &["5", "6"]),
            json("", &["3", "4"]),
        ),
    ] {
        let origin = Origin::start().await;
        origin.script("/feed", [Answer::Tagged(first), Answer::Tagged(second)]);
        origin.serve("/older", older);
        let app = with_feed(&origin).await;
        app.poll_all().await;
        assert_eq!(app.poll_all().await[0].committed.new, 4);
        assert_eq!(gaps(&app).await, [(2, 1)]);
    }
}

#[tokio::test]
async fn at_most_ten_older_documents_are_read() {
    let (origin, app) = missed("next", "/30").await;
    for number in 4..=30 {
        origin.serve(
            &format!("/{number}"),
            page("next", &format!("/{}", number - 1), number..=number),
        );
    }
    app.poll_all().await;
    assert_eq!(gaps(&app).await, [(10, 10)]);
    assert_eq!((origin.asked("/21").len(), origin.asked("/20").len()), (1, 0));
}

#[tokio::test]
async fn older_documents_that_lead_in_a_circle_are_read_once() {
    let (origin, app) = missed("next", "/2").await;
    origin.serve("/2", page("next", "/1", 21..=30));
    origin.serve("/1", page("next", "/2", 11..=20));
    app.poll_all().await;
    assert_eq!((origin.asked("/2").len(), origin.asked("/1").len()), (1, 1));
    assert_eq!(gaps(&app).await, [(20, 2)]);
    // A document that names itself, and one that names the feed.
    for older in ["/own", "/feed"] {
        let (origin, app) = missed("next", "/own").await;
        origin.serve("/own", page("next", older, 21..=30));
        app.poll_all().await;
        assert_eq!(
            (origin.asked("/own").len(), origin.asked("/feed").len()),
            (1, 2),
            "{older}"
        );
    }
}

#[tokio::test]
async fn what_stands_in_two_documents_is_counted_once() {
    let (origin, app) = missed("next", "/2").await;
    origin.serve("/2", page("next", "/1", 25..=33));
    origin.serve("/1", page("", "", 1..=26));
    let polled = app.poll_all().await.remove(0);
    assert_eq!(polled.committed.new, 30);
    assert_eq!(gaps(&app).await, [(27, 2)]);
    assert_eq!(app.titles().await.len(), 33);
}

#[tokio::test]
async fn an_older_document_that_fails_costs_nothing_but_itself() {
    for broken in [
        answer(500, &[], "oops"),
        answer(200, &[], "<html>page</html>"),
        answer(200, &[], ""),
    ] {
        let (origin, app) = missed("next", "/3").await;
        origin.serve("/3", page("next", "/2", 21..=30));
        origin.set("/2", broken.clone());
        let polled = app.poll_all().await.remove(0);
        assert_eq!(
            (polled.outcome, polled.committed.new),
            (Outcome::Fetched, 13),
            "{broken:?}"
        );
        assert_eq!(gaps(&app).await, [(10, 1)]);
    }
}

#[tokio::test]
async fn a_feed_with_one_entry_has_no_gaps() {
    let origin = Origin::start().await;
    let app = with_feed(&origin).await;
    for guid in ["1", "2", "3"] {
        origin.serve("/feed", simple(&[guid]));
        assert_eq!(app.poll_all().await[0].committed.new, 1);
    }
    assert!(gaps(&app).await.is_empty());
}

#[tokio::test]
async fn new_guids_for_the_same_items_are_no_gap() {
    let guids = [
        ["1", "2"],
        ["x", "y"],
        ["http://a.example/?p=1", "http://a.example/?p=2"],
        ["v", "w"],
    ];
    let new: Vec<String> = (3..6).map(|n| format!("https://a.example/{n}")).collect();
    // However many teach by what else they are told apart, one item is left of them in the next, and most are new.
    for documents in 1..=guids.len() {
        let origin = Origin::start().await;
        let app = with_feed(&origin).await;
        for guids in guids.iter().take(documents) {
            let items = [
                (guids[0], "One", "https://a.example/1"),
                (guids[1], "Two", "https://a.example/2"),
            ];
            origin.serve("/feed", rss("A", &items));
            app.poll_all().await;
        }
        assert_eq!(app.titles().await.len(), 2);
        let mut items = vec![("z", "Two", "https://a.example/2")];
        items.extend(new.iter().map(|link| (&**link, &**link, &**link)));
        origin.serve("/feed", rss("A", &items));
        app.poll_all().await;
        assert_eq!(gaps(&app).await, [], "{documents}");
        assert_eq!(app.titles().await.len(), 5, "{documents}");
    }
}

#[tokio::test]
async fn an_empty_document_and_an_error_are_no_gap() {
    let origin = Origin::start().await;
    origin.script(
        "/feed",
        [
            Answer::Tagged(simple(&["1", "2"])),
            Answer::Tagged(simple(&[])),
            answer(500, &[], ""),
            Answer::Tagged(simple(&["1", "2", "3"])),
        ],
    );
    let app = with_feed(&origin).await;
    for _ in 0..4 {
        app.poll_all().await;
    }
    assert!(gaps(&app).await.is_empty());
}
