//! Polling over real HTTP: what is asked, what is kept, and what publishers of every temper are answered.

use jiff::SignedDuration;
use std::io::Write as _;
use tidings::model::poll::Outcome;

use crate::support::app::{TestApp, feed};
use crate::support::origin::{Answer, Origin, atom, rss};

async fn with_feed(origin: &Origin) -> TestApp {
    TestApp::new(&feed("a", &origin.url("/feed"))).await
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

#[tokio::test]
async fn the_same_poll_twice_adds_nothing_and_is_conditional() {
    let origin = Origin::start().await;
    origin.serve(
        "/feed",
        rss(
            "A",
            &[("1", "One", "https://a.example/1"), ("2", "Two", "https://a.example/2")],
        ),
    );
    let app = with_feed(&origin).await;
    let first = app.poll_all().await;
    assert_eq!((first[0].outcome, first[0].committed.new), (Outcome::Fetched, 2));
    let second = app.poll_all().await;
    assert_eq!((second[0].outcome, second[0].committed.new), (Outcome::NotModified, 0));
    assert_eq!(app.titles().await, ["One", "Two"]);
    let asked = origin.asked("/feed");
    assert!(asked[0].headers.get("if-none-match").is_none());
    assert!(asked[1].headers.get("if-none-match").is_some());
    let agent = asked[0].headers["user-agent"].to_str().unwrap();
    assert!(agent.starts_with("tidings/"), "{agent}");
}

#[tokio::test]
async fn validators_go_back_byte_for_byte_as_a_pair() {
    let origin = Origin::start().await;
    let headers = vec![
        ("etag", "W/unquoted-\"odd\"-gzip".to_owned()),
        ("last-modified", "yesterday, about noon".to_owned()),
    ];
    let document = rss("A", &[("1", "One", "https://a.example/1")]);
    origin.set("/feed", Answer::Plain(200, headers, document.clone().into()));
    let app = with_feed(&origin).await;
    app.poll_all().await;
    // The second answer has no validators and the same body: those of the first are gone with it.
    origin.set("/feed", Answer::Plain(200, vec![], document.into()));
    assert_eq!(app.poll_all().await[0].outcome, Outcome::Unchanged);
    app.poll_all().await;
    let asked = origin.asked("/feed");
    assert_eq!(asked[1].headers["if-none-match"], "W/unquoted-\"odd\"-gzip");
    assert_eq!(asked[1].headers["if-modified-since"], "yesterday, about noon");
    assert!(asked[2].headers.get("if-none-match").is_none() && asked[2].headers.get("if-modified-since").is_none());
}

#[tokio::test]
async fn an_error_keeps_the_validators_and_the_items() {
    let origin = Origin::start().await;
    origin.serve("/feed", rss("A", &[("1", "One", "https://a.example/1")]));
    let app = with_feed(&origin).await;
    app.poll_all().await;
    origin.set(
        "/feed",
        Answer::Plain(
            503,
            vec![("retry-after", "7200".to_owned())],
            b"<h1>Down</h1> for a while".to_vec(),
        ),
    );
    let failed = &app.poll_all().await[0];
    assert_eq!(failed.outcome, Outcome::Failed);
    assert!(
        failed.error.as_deref().unwrap().contains("503: Down for a while"),
        "{failed:?}"
    );
    // Nobody is polled before the publisher's time.
    app.advance(minutes(119));
    assert!(app.poll().await.is_empty());
    origin.serve("/feed", rss("A", &[("1", "One", "https://a.example/1")]));
    app.advance(minutes(20));
    assert_eq!(app.poll().await[0].outcome, Outcome::NotModified);
    assert_eq!(app.titles().await, ["One"]);
}

#[tokio::test]
async fn due_times_outlive_a_restart() {
    let origin = Origin::start().await;
    origin.serve("/feed", rss("A", &[]));
    let config = feed("a", &origin.url("/feed"));
    let app = TestApp::new(&config).await;
    assert_eq!(app.poll().await.len(), 1, "a feed that was never polled is due");
    let app = app.restart(&config).await;
    app.advance(minutes(59));
    assert!(app.poll().await.is_empty());
    app.advance(minutes(8));
    assert_eq!(app.poll().await.len(), 1);
}

#[tokio::test]
async fn one_link_in_two_feeds_is_one_story_and_both_feeds_are_named() {
    let origin = Origin::start().await;
    origin.serve(
        "/en",
        rss(
            "Agency",
            &[
                ("1", "Shared", "https://a.example/shared?utm_source=rss"),
                ("2", "Own", "https://a.example/own"),
            ],
        ),
    );
    origin.serve(
        "/fa",
        atom(
            "Blog",
            &[
                ("x", "مشترک", "http://www.a.example/shared/"),
                ("y", "دیگر", "https://b.example/y"),
            ],
        ),
    );
    let app = TestApp::new(&(feed("en", &origin.url("/en")) + &feed("fa", &origin.url("/fa")))).await;
    app.poll_all().await;
    let stories = app.stories().await;
    assert_eq!(stories.len(), 3);
    let shared = stories.iter().find(|story| story.link.contains("shared")).unwrap();
    assert_eq!(shared.also_in.len(), 1);
    let places: Vec<i64> = stories.iter().map(|story| story.seq.0).collect();
    assert_eq!(places, [3, 2, 1]);
}

#[tokio::test]
async fn trackers_that_the_operator_adds_fold_links_and_make_no_known_item_new() {
    let origin = Origin::start().await;
    // Without guids: these are known by their links.
    let news = |n: u8| {
        let link = format!("https://a.example/{n}?promo_of=feed");
        rss(
            "A",
            &[
                ("", &format!("Story {n}"), &link),
                ("", "Old", "https://a.example/0?promo_of=feed"),
            ],
        )
    };
    let other = |n: u8| {
        rss(
            "B",
            &[(&n.to_string(), &format!("Story {n}"), &format!("https://a.example/{n}"))],
        )
    };
    origin.serve("/a", news(1));
    origin.serve("/b", other(1));
    let feeds = [feed("a", &origin.url("/a")), feed("b", &origin.url("/b"))].concat();
    let app = TestApp::new(&feeds).await;
    app.poll_all().await;
    assert_eq!(app.stories().await.len(), 3, "the parameter may choose what is shown");
    let app = app
        .restart(&format!("[links]\ntrackers = [\"promo_*\"]\n{feeds}"))
        .await;
    origin.serve("/a", news(2));
    origin.serve("/b", other(2));
    let polls = app.poll_all().await;
    assert_eq!((polls[0].committed.new, polls[1].committed.new), (1, 1), "{polls:?}");
    assert_eq!(app.stories().await.len(), 4);
}

#[tokio::test]
async fn an_edited_item_is_updated_in_its_place_and_a_new_order_changes_nothing() {
    let origin = Origin::start().await;
    let (one, two) = (("1", "One", "https://a.example/1"), ("2", "Two", "https://a.example/2"));
    origin.serve("/feed", rss("A", &[one, two]));
    let app = with_feed(&origin).await;
    app.poll_all().await;
    let before = app.stories().await;
    origin.serve("/feed", rss("A", &[two, one]));
    let reordered = app.poll_all().await[0].committed;
    assert_eq!((reordered.new, reordered.updated), (0, 0));
    app.advance(minutes(60));
    origin.serve(
        "/feed",
        rss("A", &[("1", "One, corrected", "https://a.example/1"), two]),
    );
    let edited = app.poll_all().await[0].committed;
    assert_eq!((edited.new, edited.updated), (0, 1));
    let after = app.stories().await;
    let (old, new) = (
        before.iter().find(|s| s.title == "One").unwrap(),
        after.iter().find(|s| s.title == "One, corrected").unwrap(),
    );
    assert_eq!((old.uid, old.seq), (new.uid, new.seq));
    assert!(new.updated > old.updated);
}

#[tokio::test]
async fn an_item_that_vanishes_from_its_feed_is_kept_and_does_not_come_back_as_new() {
    let origin = Origin::start().await;
    let (one, two) = (("1", "One", "https://a.example/1"), ("2", "Two", "https://a.example/2"));
    let app = with_feed(&origin).await;
    for items in [&[one, two][..], &[two], &[one, two]] {
        origin.serve("/feed", rss("A", items));
        app.poll_all().await;
        assert_eq!(app.titles().await.len(), 2);
    }
}

#[tokio::test]
async fn a_body_in_every_coding_is_read() {
    let origin = Origin::start().await;
    let document = rss("A", &[("1", "One", "https://a.example/1")]);
    let app = with_feed(&origin).await;
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(document.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let brotli = {
        let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
        encoder.write_all(document.as_bytes()).unwrap();
        encoder.into_inner()
    };
    let deflate = {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(document.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    for (coding, body) in [("gzip", gzip), ("br", brotli), ("deflate", deflate)] {
        origin.set(
            "/feed",
            Answer::Plain(200, vec![("content-encoding", coding.to_owned())], body),
        );
        let polled = &app.poll_all().await[0];
        assert_ne!(polled.outcome, Outcome::Failed, "{coding}: {polled:?}");
    }
    assert!(
        origin.asked("/feed")[0].headers["accept-encoding"]
            .to_str()
            .unwrap()
            .contains("zstd")
    );
    assert_eq!(app.titles().await, ["One"]);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_compressed_or_not() {
    let origin = Origin::start().await;
    let config = feed("a", &origin.url("/feed"));
    let app = TestApp::new(&format!("max_body_bytes = 65536\n{config}")).await;
    let bomb = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![b' '; 50_000_000]).unwrap();
        encoder.finish().unwrap()
    };
    let answers = [
        Answer::Plain(200, vec![], vec![b' '; 70_000]),
        Answer::Plain(200, vec![("content-encoding", "gzip".to_owned())], bomb),
        Answer::Endless,
    ];
    for answer in answers {
        origin.set("/feed", answer);
        let polled = &app.poll_all().await[0];
        assert!(
            polled.error.as_deref().unwrap().contains("more than 65536 bytes"),
            "{polled:?}"
        );
    }
}

#[tokio::test]
async fn a_body_that_stalls_ends_with_the_time_limit() {
    let origin = Origin::start().await;
    origin.set("/feed", Answer::Stalling(b"<rss".to_vec()));
    let app = with_feed(&origin).await;
    let polled = &app.poll_all().await[0];
    assert!(
        polled
            .error
            .as_deref()
            .unwrap()
            .contains("no complete answer within 5s"),
        "{polled:?}"
    );
}

#[tokio::test]
async fn redirects_are_followed_within_bounds() {
    let origin = Origin::start().await;
    origin.redirect("/feed", 302, "/there");
    origin.redirect("/there", 308, &origin.url("/end"));
    origin.serve("/end", rss("A", &[("1", "One", "/relative")]));
    let app = with_feed(&origin).await;
    assert_eq!(app.poll_all().await[0].outcome, Outcome::Fetched);
    assert_eq!(app.stories().await[0].link, origin.url("/relative"));
    origin.redirect("/end", 301, "/feed");
    let circle = &app.poll_all().await[0];
    assert!(circle.error.as_deref().unwrap().contains("redirects"), "{circle:?}");
    origin.redirect("/feed", 302, "file:///etc/passwd");
    assert!(
        app.poll_all().await[0]
            .error
            .as_deref()
            .unwrap()
            .contains("redirect leads")
    );
}

#[tokio::test]
async fn private_addresses_are_refused_by_number_by_name_and_behind_a_redirect() {
    let origin = Origin::start().await;
    let port = origin.address.port();
    origin.serve("/feed", rss("A", &[]));
    let name = format!("http://localhost:{port}/feed");
    let feeds = feed("number", &origin.url("/feed")) + &feed("name", &name) + &feed("six", "http://[::1]/feed");
    let closed = TestApp::without_basics(&feeds).await;
    for polled in closed.poll_all().await {
        assert!(
            polled.error.as_deref().unwrap().contains("not a public address"),
            "{polled:?}"
        );
    }
    assert!(origin.asked("/feed").is_empty());

    let open = with_feed(&origin).await;
    origin.redirect("/feed", 302, "http://10.0.0.1/feed");
    assert!(
        open.poll_all().await[0]
            .error
            .as_deref()
            .unwrap()
            .contains("10.0.0.1 is not a public address")
    );
}

#[tokio::test]
async fn a_feed_that_is_gone_is_not_polled_again() {
    let origin = Origin::start().await;
    origin.set("/feed", Answer::Plain(410, vec![], Vec::new()));
    let app = with_feed(&origin).await;
    assert_eq!(app.poll().await[0].outcome, Outcome::Failed);
    app.advance(SignedDuration::from_hours(24 * 365));
    assert!(app.poll().await.is_empty());
}

#[tokio::test]
async fn a_web_page_is_an_error_of_the_feed_and_takes_nothing_away() {
    let origin = Origin::start().await;
    origin.serve("/feed", rss("A", &[("1", "One", "https://a.example/1")]));
    let app = with_feed(&origin).await;
    app.poll_all().await;
    origin.serve("/feed", "<!doctype html><html><body>Please log in</body></html>");
    let polled = &app.poll_all().await[0];
    assert!(polled.error.as_deref().unwrap().contains("web page"), "{polled:?}");
    origin.serve("/feed", rss("A", &[("1", "One", "https://a.example/1")]));
    // The validators of the good document were kept.
    assert_eq!(app.poll_all().await[0].outcome, Outcome::NotModified);
}

#[tokio::test]
async fn one_broken_feed_costs_no_other() {
    let origin = Origin::start().await;
    origin.serve("/good", rss("A", &[("1", "One", "https://a.example/1")]));
    let app = TestApp::new(
        &(feed("broken", "http://127.0.0.1:1/feed")
            + &feed("good", &origin.url("/good"))
            + &feed("missing", &origin.url("/none"))),
    )
    .await;
    let outcomes: Vec<_> = app.poll_all().await.iter().map(|polled| polled.outcome).collect();
    assert_eq!(outcomes, [Outcome::Failed, Outcome::Fetched, Outcome::Failed]);
    assert_eq!(app.titles().await, ["One"]);
}

#[tokio::test]
async fn a_file_that_is_exchanged_reaches_readers_without_a_revision() {
    let origin = Origin::start().await;
    let with_file = |file: &str| {
        let feed = rss("A", &[("1", "One", "https://a.example/1")]);
        feed.replace(
            "</item>",
            &format!("<enclosure url=\"https://a.example/{file}\" length=\"1\" type=\"audio/mpeg\"/></item>"),
        )
    };
    let app = with_feed(&origin).await;
    for file in ["old.mp3", "new.mp3"] {
        origin.serve("/feed", with_file(file));
        app.poll_all().await;
        let stories = app.stories().await;
        assert_eq!(
            stories[0].details.enclosures[0].url,
            format!("https://a.example/{file}")
        );
    }
}

#[tokio::test]
async fn a_long_error_page_is_told_by_its_beginning() {
    let origin = Origin::start().await;
    origin.set(
        "/feed",
        Answer::Plain(503, vec![], format!("<h1>Down</h1>{}", "x ".repeat(50_000)).into()),
    );
    let app = with_feed(&origin).await;
    assert!(
        app.poll_all().await[0]
            .error
            .as_deref()
            .unwrap()
            .starts_with("the publisher answered 503: Down x x")
    );
}
