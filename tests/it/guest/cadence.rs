//! How often a publisher is asked: by the rhythm of the feed, and never sooner than the publisher says.

use jiff::{SignedDuration, Timestamp};
use tidings::model::poll::{Failure, Outcome};

use crate::guest::{answer, assert_about, assert_failed, dated, document, hours, minutes, simple, wait, with_feed};
use crate::support::app::{TestApp, feed};
use crate::support::origin::{Answer, Origin};

/// A publisher that answers 200 and then 304, both with these headers: each time nobody is asked for so long, and `reason` says why.
async fn obeyed(headers: &[(&'static str, &str)], document: &str, minutes: i64, reason: &str) {
    let with = |more: &[(&'static str, &'static str)]| [headers, more].concat();
    let origin = Origin::start().await;
    origin.script(
        "/feed",
        [
            answer(200, &with(&[("etag", "\"1\"")]), document),
            answer(304, headers, ""),
        ],
    );
    let app = with_feed(&origin).await;
    for (number, outcome) in [Outcome::Fetched, Outcome::NotModified].into_iter().enumerate() {
        assert_eq!(app.poll().await[0].outcome, outcome);
        assert_about(wait(&app, "a").await, minutes, &format!("{headers:?} with {outcome:?}"));
        let status = app.status("a").await;
        assert!(status.next_poll_why.contains(reason), "{}", status.next_poll_why);
        let next = status.next_poll_at.unwrap();
        app.clock.set(next - SignedDuration::from_secs(1));
        assert!(app.poll().await.is_empty());
        assert_eq!(origin.asked("/feed").len(), number + 1, "a second too early");
        app.clock.set(next);
    }
}

#[tokio::test]
async fn retry_after_in_seconds_is_obeyed_on_a_200_and_on_a_304() {
    obeyed(&[("retry-after", "7200")], &simple(&["1"]), 120, "Retry-After").await;
}

#[tokio::test]
async fn retry_after_as_a_date_is_obeyed_and_counts_from_the_clock_of_the_publisher() {
    for (now, then) in [
        ("Sun, 22 Nov 2026 12:00:00 GMT", "Sun, 22 Nov 2026 15:00:00 GMT"),
        ("Fri, 01 Jan 1999 00:00:00 GMT", "Fri, 01 Jan 1999 03:00:00 GMT"),
        ("Thu, 31 Dec 2099 23:00:00 GMT", "Fri, 01 Jan 2100 02:00:00 GMT"),
    ] {
        obeyed(
            &[("date", now), ("retry-after", then)],
            &simple(&["1"]),
            180,
            "Retry-After",
        )
        .await;
    }
}

#[tokio::test]
async fn retry_after_is_obeyed_on_every_error() {
    for status in [403, 404, 429, 500, 503] {
        let origin = Origin::start().await;
        origin.set("/feed", answer(status, &[("retry-after", "10800")], ""));
        let app = with_feed(&origin).await;
        app.poll().await;
        assert_about(wait(&app, "a").await, 180, &status.to_string());
    }
}

#[tokio::test]
async fn max_age_is_obeyed_on_a_200_and_on_a_304() {
    obeyed(
        &[("cache-control", "public, max-age=14400")],
        &simple(&["1"]),
        240,
        "fresh",
    )
    .await;
}

#[tokio::test]
async fn a_304_that_says_nothing_of_freshness_leaves_what_was_said_and_one_that_does_replaces_it() {
    let origin = Origin::start().await;
    origin.script(
        "/feed",
        [
            answer(
                200,
                &[("etag", "\"1\""), ("cache-control", "max-age=14400")],
                &simple(&["1"]),
            ),
            answer(304, &[], ""),
            answer(304, &[("cache-control", "no-cache")], ""),
        ],
    );
    let app = with_feed(&origin).await;
    for is_fresh in [true, true, false] {
        app.poll_all().await;
        let why = app.status("a").await.next_poll_why;
        assert_eq!(why.contains("fresh"), is_fresh, "{why}");
    }
}

#[tokio::test]
async fn a_max_age_of_two_days_means_two_days() {
    obeyed(&[("cache-control", "max-age=172800")], &simple(&["1"]), 2880, "fresh").await;
}

#[tokio::test]
async fn expires_is_obeyed_and_counts_from_the_clock_of_the_publisher() {
    for (now, then) in [
        ("Sun, 22 Nov 2026 12:00:00 GMT", "Sun, 22 Nov 2026 15:00:00 GMT"),
        ("Fri, 01 Jan 1999 00:00:00 GMT", "Fri, 01 Jan 1999 03:00:00 GMT"),
    ] {
        obeyed(&[("date", now), ("expires", then)], &simple(&["1"]), 180, "fresh").await;
    }
}

#[tokio::test]
async fn what_a_document_spent_in_caches_is_no_longer_waited_for() {
    let headers = [("cache-control", "max-age=14400"), ("age", "3600")];
    obeyed(&headers, &simple(&["1"]), 180, "fresh").await;
}

#[tokio::test]
async fn ttl_is_obeyed_on_a_200_and_on_a_304() {
    let document = document("https://site.example/", "<ttl>240</ttl>", &["1"]);
    obeyed(&[], &document, 240, "ttl").await;
}

#[tokio::test]
async fn the_longest_of_several_wishes_counts() {
    let document = document("https://site.example/", "<ttl>240</ttl>", &["1"]);
    let headers = [("cache-control", "max-age=7200"), ("retry-after", "3600")];
    obeyed(&headers, &document, 240, "ttl").await;
}

/// A feed that wants to be left alone at these times: the first due times after noon of a Sunday on a 200 and on a 304.
async fn due_with(wish: &str) -> [Timestamp; 2] {
    let origin = Origin::start().await;
    origin.serve("/feed", document("https://site.example/", wish, &["1"]));
    let app = with_feed(&origin).await;
    let mut due = Vec::new();
    for outcome in [Outcome::Fetched, Outcome::NotModified] {
        assert_eq!(app.poll_all().await[0].outcome, outcome);
        let status = app.status("a").await;
        assert!(status.next_poll_why.contains("skip"), "{}", status.next_poll_why);
        due.extend(status.next_poll_at);
    }
    due.try_into().unwrap()
}

#[tokio::test]
async fn skip_hours_are_obeyed_on_a_200_and_on_a_304() {
    let wish = "<skipHours><hour>13</hour><hour>14</hour></skipHours>";
    for due in due_with(wish).await {
        let due = due.strftime("%a %H:%M").to_string();
        assert!(("Sun 15:00"..="Sun 15:15").contains(&due.as_str()), "{due}");
    }
}

#[tokio::test]
async fn skip_days_are_obeyed_on_a_200_and_on_a_304() {
    let wish = "<skipDays><day>Sunday</day><day>Monday</day></skipDays>";
    for due in due_with(wish).await {
        let due = due.strftime("%a %H:%M").to_string();
        assert!(("Tue 00:00"..="Tue 00:15").contains(&due.as_str()), "{due}");
    }
}

#[tokio::test]
async fn the_update_period_that_publishing_systems_put_into_every_feed_is_ignored() {
    let origin = Origin::start().await;
    let period = "<sy:updatePeriod xmlns:sy=\"http://purl.org/rss/1.0/modules/syndication/\">yearly</sy:updatePeriod>\
                  <sy:updateFrequency xmlns:sy=\"http://purl.org/rss/1.0/modules/syndication/\">1</sy:updateFrequency>";
    origin.serve("/feed", document("https://site.example/", period, &["1"]));
    let app = with_feed(&origin).await;
    app.poll().await;
    assert_about(wait(&app, "a").await, 60, "updatePeriod");
}

#[tokio::test]
async fn nobody_is_believed_who_asks_to_be_left_alone_for_more_than_thirty_days() {
    let year = "31536000";
    for (status, header) in [(200, "cache-control"), (200, "retry-after"), (429, "retry-after")] {
        let origin = Origin::start().await;
        let value = if header == "cache-control" {
            format!("max-age={year}")
        } else {
            year.to_owned()
        };
        origin.script(
            "/feed",
            [
                answer(status, &[(header, &value)], &simple(&["1"])),
                Answer::Tagged(simple(&["1"])),
            ],
        );
        let app = with_feed(&origin).await;
        app.poll().await;
        assert_about(wait(&app, "a").await, 30 * 1440, header);
        app.advance(hours(34 * 24));
        assert_ne!(app.poll().await[0].outcome, Outcome::Postponed, "{status} {header}");
        assert_eq!(origin.asked("/feed").len(), 2);
    }
}

/// Two feeds of one host and one of another, which is the same machine: the first of them answers so.
async fn neighbours(first: Answer, hosts: &str) -> (Origin, TestApp) {
    let origin = Origin::start().await;
    origin.set("/a", first);
    origin.serve("/b", simple(&["b"]));
    origin.serve("/c", simple(&["c"]));
    let feeds = [
        feed("a", &origin.url("/a")),
        feed("b", &origin.url("/b")),
        feed("c", &origin.url_at("localhost", "/c")),
    ];
    let app = TestApp::new(&format!("{hosts}{}", feeds.concat())).await;
    (origin, app)
}

#[tokio::test]
async fn a_bare_429_stops_all_feeds_of_its_host_and_no_other_host() {
    let (origin, app) = neighbours(answer(429, &[], "slow down"), "").await;
    let scheduler = app.app.scheduler();
    assert_failed(&app.poll_by(&scheduler, &["a"]).await[0], Failure::Throttled);
    let mut polls = app.poll_by(&scheduler, &["b", "c"]).await;
    polls.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(
        (polls[0].outcome, polls[1].outcome),
        (Outcome::Postponed, Outcome::Fetched)
    );
    assert!(origin.asked("/b").is_empty());
    let status = app.status("b").await;
    assert!(status.next_poll_why.contains("left alone"), "{}", status.next_poll_why);
    let wait = wait(&app, "b").await;
    assert!((minutes(15)..=minutes(30)).contains(&wait), "{wait:#}");
    app.advance(wait);
    assert_eq!(app.poll_by(&scheduler, &["b"]).await[0].outcome, Outcome::Fetched);
}

#[tokio::test]
async fn feeds_that_wait_for_their_host_are_not_asked_any_more_when_it_answers_429() {
    let origin = Origin::start().await;
    let mut config = "[[host]]\nname = \"127.0.0.1\"\nconnections = 1\n".to_owned();
    for name in ["a", "b", "c", "d"] {
        origin.set(
            &format!("/{name}"),
            Answer::Held(Box::new(answer(429, &[], "slow down"))),
        );
        config += &feed(name, &origin.url(&format!("/{name}")));
    }
    origin.set("/x", Answer::Held(Box::new(Answer::Tagged(simple(&["1"])))));
    config += &feed("x", &origin.url_at("localhost", "/x"));
    let app = TestApp::new(&config).await;
    let publisher = async {
        // When another host is asked, those that wait are waiting.
        origin.held(2).await;
        origin.let_go(5);
    };
    let (polls, ()) = tokio::join!(app.poll(), publisher);
    let count = |outcome| polls.iter().filter(|polled| polled.outcome == outcome).count();
    let counts = [Outcome::Failed, Outcome::Postponed, Outcome::Fetched].map(count);
    assert_eq!(counts, [1, 3, 1], "{polls:?}");
    assert_eq!(origin.all_asked().len(), 2);
}

#[tokio::test]
async fn a_host_that_wants_to_be_left_alone_is_left_alone_after_a_restart_too() {
    let (origin, app) = neighbours(answer(429, &[("retry-after", "7200")], ""), "").await;
    app.poll_named(&["a"]).await;
    let feeds = [
        feed("b", &origin.url("/b")),
        feed("c", &origin.url_at("localhost", "/c")),
    ];
    let app = app.restart(&feeds.concat()).await;
    let outcomes: Vec<Outcome> = app.poll_all().await.iter().map(|polled| polled.outcome).collect();
    assert_eq!(outcomes, [Outcome::Postponed, Outcome::Fetched]);
    app.advance(minutes(119));
    assert_eq!(app.poll_all().await[0].outcome, Outcome::Postponed);
    app.advance(minutes(2));
    assert_eq!(app.poll_all().await[0].outcome, Outcome::Fetched);
    assert_eq!(origin.asked("/b").len(), 1);
}

#[tokio::test]
async fn a_503_stops_its_host_only_when_it_says_for_how_long() {
    for (headers, outcome) in [
        (&[][..], Outcome::Fetched),
        (&[("retry-after", "600")][..], Outcome::Postponed),
    ] {
        let (_origin, app) = neighbours(answer(503, headers, ""), "").await;
        app.poll_named(&["a"]).await;
        assert_eq!(app.poll_named(&["b"]).await[0].outcome, outcome, "{headers:?}");
    }
}

#[tokio::test]
async fn a_host_of_ones_own_may_answer_429_to_one_feed_alone() {
    let hosts = "[[host]]\nname = \"127.0.0.1\"\nshares_rest = false\n";
    let (origin, app) = neighbours(answer(429, &[("retry-after", "7200")], ""), hosts).await;
    app.poll_named(&["a"]).await;
    assert_eq!(app.poll_named(&["b"]).await[0].outcome, Outcome::Fetched);
    assert_about(wait(&app, "a").await, 120, "the feed itself waits");
    assert_eq!(origin.asked("/b").len(), 1);
}

#[tokio::test]
async fn a_redirect_to_a_host_that_wants_to_be_left_alone_waits_too() {
    let (origin, app) = neighbours(answer(429, &[], ""), "").await;
    app.poll_named(&["a"]).await;
    origin.redirect("/c", 302, &origin.url("/b"));
    assert_eq!(app.poll_named(&["c"]).await[0].outcome, Outcome::Postponed);
    assert!(origin.asked("/b").is_empty());
}

#[tokio::test]
async fn errors_in_a_row_double_the_wait_up_to_a_day() {
    let origin = Origin::start().await;
    origin.set("/feed", answer(500, &[], "oops"));
    let app = with_feed(&origin).await;
    for expected in [60, 120, 240, 480, 960, 1440, 1440, 1440] {
        assert_eq!(app.poll().await.len(), 1);
        let wait = wait(&app, "a").await;
        assert_about(wait, expected, "failures");
        app.advance(wait);
    }
    origin.serve("/feed", simple(&["1"]));
    app.poll().await;
    assert_about(wait(&app, "a").await, 60, "forgiven at the first good answer");
}

#[tokio::test]
async fn a_feed_that_fails_is_not_asked_before_its_last_document_is_stale() {
    let origin = Origin::start().await;
    let good = answer(200, &[("cache-control", "max-age=172800")], &simple(&["1"]));
    origin.script("/feed", [good, answer(500, &[], "")]);
    let app = with_feed(&origin).await;
    app.poll_all().await;
    app.poll_all().await;
    assert_about(wait(&app, "a").await, 2880, "after a failure");
    // What has become stale meanwhile is asked for again as after any failure.
    app.advance(hours(48));
    app.poll_all().await;
    assert_about(wait(&app, "a").await, 120, "after another, when it is stale");
}

#[tokio::test]
async fn a_dead_feed_is_asked_ever_more_rarely_and_shown_as_dead() {
    let origin = Origin::start().await;
    origin.set("/feed", answer(500, &[], "oops"));
    let app = with_feed(&origin).await;
    // The commands below read the clock of the machine: to them, this was long ago.
    app.clock.set("2020-01-01T00:00:00Z".parse().unwrap());
    let mut last = SignedDuration::ZERO;
    for _ in 0..60 {
        app.poll().await;
        last = wait(&app, "a").await;
        app.advance(last);
    }
    assert!(last > hours(20 * 24) && last <= hours(33 * 24), "{last:#}");
    let why = app.status("a").await.next_poll_why;
    assert!(why.contains("dead for"), "{why}");
    assert!(app.said(&["feed", "show", "a"]).await.contains("dead since"));
    let list = app.said(&["feed", "list"]).await;
    assert!(list.contains(" dead "), "{list}");
    origin.serve("/feed", simple(&["1"]));
    assert_eq!(app.poll().await[0].outcome, Outcome::Fetched, "and it may come back");
    assert_about(wait(&app, "a").await, 60, "alive");
}

#[tokio::test]
async fn a_410_stops_a_feed_until_somebody_asks_for_it_by_hand() {
    let origin = Origin::start().await;
    origin.script("/feed", [answer(410, &[], ""), Answer::Tagged(simple(&["1"]))]);
    let app = with_feed(&origin).await;
    assert_failed(&app.poll().await[0], Failure::Gone);
    app.advance(hours(24 * 365));
    assert!(app.poll().await.is_empty());
    let shown = app.said(&["feed", "show", "a"]).await;
    assert!(
        shown.contains("next poll     never, because of: the publisher says it is gone for good"),
        "{shown}"
    );
    assert_eq!(app.poll_named(&["a"]).await[0].outcome, Outcome::Fetched);
    assert_about(wait(&app, "a").await, 60, "back");
}

#[tokio::test]
async fn feeds_that_are_polled_together_drift_apart() {
    let origin = Origin::start().await;
    let mut config = String::new();
    for number in 0..40 {
        origin.serve(&format!("/{number}"), simple(&["1"]));
        config += &feed(&number.to_string(), &origin.url(&format!("/{number}")));
    }
    let app = TestApp::new(&config).await;
    app.poll().await;
    let mut due: Vec<Timestamp> = Vec::new();
    for status in app.app.store.feeds_after("", 100).await.unwrap() {
        due.extend(status.next_poll_at);
    }
    due.sort();
    let spread = due[39].duration_since(due[0]);
    assert!((minutes(4)..=minutes(6)).contains(&spread), "{spread:#}");
    due.dedup();
    assert!(due.len() > 35, "{}", due.len());
}

#[tokio::test]
async fn after_a_standstill_the_feeds_come_first_that_are_late_by_most_of_their_rhythm() {
    let origin = Origin::start().await;
    let mut config = "[poll]\nconcurrency = 1\n".to_owned();
    let mut often = Vec::new();
    for number in 0..4 {
        let daily = document("https://site.example/", "<ttl>1440</ttl>", &["1"]);
        for (kind, document) in [("rare", daily), ("often", simple(&["1"]))] {
            let name = format!("{kind}{number}");
            origin.serve(&format!("/{name}"), document);
            config += &feed(&name, &origin.url(&format!("/{name}")));
            often.extend(Some(name).filter(|_| kind == "often"));
        }
    }
    let app = TestApp::new(&config).await;
    app.poll_all().await;
    // The rare ones are due first, and when all stood still for half a day, the others are late by most of their rhythm.
    app.advance(minutes(1590));
    let often_names: Vec<&str> = often.iter().map(String::as_str).collect();
    app.poll_named(&often_names).await;
    let before = origin.all_asked().len();
    app.advance(hours(11));
    assert_eq!(app.poll().await.len(), 8);
    let mut first: Vec<String> = origin.all_asked()[before..before + 4]
        .iter()
        .map(|asked| asked.path.trim_start_matches('/').to_owned())
        .collect();
    first.sort();
    assert_eq!(first, often);
}

#[tokio::test]
async fn the_first_document_tells_the_rhythm_by_its_dates() {
    let origin = Origin::start().await;
    let app = TestApp::new(&(feed("busy", &origin.url("/busy")) + &feed("quiet", &origin.url("/quiet")))).await;
    let every = |interval: SignedDuration, count: i32| {
        let dates: Vec<Timestamp> = (0..count).map(|number| app.now() - interval * number).collect();
        dated(&dates)
    };
    origin.serve("/busy", every(minutes(20), 60));
    origin.serve("/quiet", every(hours(24 * 9), 10));
    app.poll().await;
    let (busy, quiet) = (wait(&app, "busy").await, wait(&app, "quiet").await);
    assert_about(busy, 15, "busy");
    assert!(quiet > hours(4), "{quiet:#}");
    let why = app.status("busy").await.next_poll_why;
    assert!(why.contains("news is frequent"), "{why}");
}

#[tokio::test]
async fn news_brings_a_feed_closer_and_silence_moves_it_away() {
    let origin = Origin::start().await;
    let app = TestApp::new(&(feed("busy", &origin.url("/busy")) + &feed("silent", &origin.url("/silent")))).await;
    origin.serve("/silent", simple(&["1"]));
    let mut news = Vec::new();
    for number in 0..48 {
        news.push(number.to_string());
        let last: Vec<&str> = news.iter().rev().take(10).map(String::as_str).collect();
        origin.serve("/busy", simple(&last));
        app.poll().await;
        app.advance(hours(1) + minutes(6));
    }
    app.poll_all().await;
    let (busy, silent) = (wait(&app, "busy").await, wait(&app, "silent").await);
    assert!(busy <= minutes(30), "{busy:#}");
    assert!(silent >= minutes(100), "{silent:#}");
    assert!(origin.asked("/silent").len() < origin.asked("/busy").len());
}

#[tokio::test]
async fn requests_are_counted_along_redirects() {
    let origin = Origin::start().await;
    origin.serve("/c", simple(&["1"]));
    origin.redirect("/b", 302, "/c");
    origin.redirect("/feed", 302, "/b");
    let app = with_feed(&origin).await;
    app.poll_all().await;
    app.poll_all().await;
    let counts = app.status("a").await.politeness;
    // The tag of /c is sent along, since it may be another name of the same document.
    assert_eq!((counts.requests, counts.conditional, counts.not_modified), (6, 3, 1));
}

#[tokio::test]
async fn feed_show_says_when_and_why_and_what_was_asked_for_and_how_the_publisher_was_treated() {
    let origin = Origin::start().await;
    let wishes = "<ttl>90</ttl><skipHours><hour>3</hour></skipHours><skipDays><day>Friday</day></skipDays>";
    let body = document("https://site.example/", wishes, &["1", "2"]);
    let headers = [("etag", "\"1\""), ("cache-control", "max-age=7200")];
    origin.script("/feed", [answer(200, &headers, &body), answer(304, &headers, "")]);
    let app = with_feed(&origin).await;
    for _ in 0..13 {
        app.poll_all().await;
    }
    let shown = app.said(&["feed", "show", "a"]).await;
    let per_item = body.len() / 2;
    for part in [
        "next poll     2026-11-22 14:".to_owned(),
        "because of: the publisher says it stays fresh (Cache-Control or Expires)".to_owned(),
        "  asks          ".to_owned(),
        "every 90 minutes at most (ttl)".to_owned(),
        "fresh for 2h".to_owned(),
        "not in the hours 3 UTC".to_owned(),
        "not on Friday UTC".to_owned(),
        format!("13 requests, 92% conditional, 92% answered not modified, {per_item} bytes for each new item"),
    ] {
        assert!(shown.contains(&part), "{part} in {shown}");
    }
    let history = shown.split("last polls").nth(1).unwrap();
    assert_eq!(
        history.lines().filter(|line| line.contains("not modified")).count(),
        10,
        "{shown}"
    );
}
