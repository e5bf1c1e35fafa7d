//! Where a feed moves: when a redirect is believed, and who decides otherwise.

use tidings::model::poll::{Failure, Outcome};

use crate::guest::{answer, assert_failed, document, hours, simple, with_feed};
use crate::support::app::{TestApp, feed};
use crate::support::has_program;
use crate::support::origin::{Answer, Origin};
use crate::support::tls::Certificates;

const DAY: i64 = 24;

/// A feed that is known at /feed and found at /new, to which /feed leads from now on.
async fn moving(status: u16) -> (Origin, TestApp) {
    let origin = Origin::start().await;
    for path in ["/feed", "/new"] {
        origin.serve(path, simple(&["1", "2"]));
    }
    let app = with_feed(&origin).await;
    app.poll_all().await;
    origin.redirect("/feed", status, "/new");
    (origin, app)
}

/// Polls once a day.
async fn days(app: &TestApp, days: i64) {
    for _ in 0..days {
        app.poll_all().await;
        app.advance(hours(DAY));
    }
}

#[tokio::test]
async fn a_permanent_redirect_is_believed_after_four_polls_over_three_days() {
    for status in [301, 308] {
        let (origin, app) = moving(status).await;
        days(&app, 3).await;
        let watched = app.status("a").await;
        assert_eq!((watched.moved_url.as_str(), watched.move_url), ("", origin.url("/new")));
        // Many polls in one day prove no more than one.
        app.advance(hours(-1));
        for _ in 0..5 {
            app.poll_all().await;
        }
        assert_eq!(app.status("a").await.moved_url, "");
        app.advance(hours(1));
        app.poll_all().await;
        assert_eq!(app.status("a").await.moved_url, origin.url("/new"));
        let before = origin.asked("/feed").len();
        days(&app, 2).await;
        assert_eq!(origin.asked("/feed").len(), before, "the new address is asked directly");
        assert_eq!(app.titles().await.len(), 2);
    }
}

#[tokio::test]
async fn a_date_that_one_address_gave_confirms_nothing_at_another() {
    let (now, before) = ("Sun, 22 Nov 2026 10:00:00 GMT", "Sat, 21 Nov 2026 10:00:00 GMT");
    for status in [301, 302] {
        let origin = Origin::start().await;
        origin.set("/feed", Answer::Dated(simple(&["1", "2"]), now));
        origin.set("/other", Answer::Dated(simple(&["8", "9"]), before));
        let app = with_feed(&origin).await;
        app.poll_all().await;
        origin.redirect("/feed", status, "/other");
        days(&app, 6).await;
        let other = origin.asked("/other");
        assert!(!other[0].headers.contains_key("if-modified-since"), "{status}");
        assert_eq!(app.status("a").await.moved_url, "", "{status}");
        // What the other address gave itself goes back to it.
        assert!(other[1].headers.contains_key("if-modified-since"), "{status}");
    }
}

#[tokio::test]
async fn few_polls_over_many_days_prove_no_move() {
    let (_origin, app) = moving(301).await;
    for _ in 0..3 {
        app.poll_all().await;
        app.advance(hours(5 * DAY));
    }
    assert_eq!(app.status("a").await.moved_url, "");
}

#[tokio::test]
async fn feed_show_tells_the_old_address_and_the_new_one_and_how_to_go_back() {
    let (origin, app) = moving(301).await;
    days(&app, 1).await;
    let shown = app.said(&["feed", "show", "a"]).await;
    assert!(
        shown.contains(&format!("leads to      {}", origin.url("/new"))),
        "{shown}"
    );
    days(&app, 4).await;
    let shown = app.said(&["feed", "show", "a"]).await;
    for part in [
        format!("address       {}", origin.url("/feed")),
        format!("moved to      {} on 2026-11-25", origin.url("/new")),
        "tidings feed move a --back".to_owned(),
        "put that address into the configuration".to_owned(),
    ] {
        assert!(shown.contains(&part), "{part} in {shown}");
    }
}

#[tokio::test]
async fn a_move_that_is_taken_back_is_not_made_again() {
    let (origin, app) = moving(301).await;
    days(&app, 5).await;
    let said = app.said(&["feed", "move", "a", "--back"]).await;
    assert!(
        said.contains(&format!("asked at {} again", origin.url("/feed"))),
        "{said}"
    );
    let before = origin.asked("/feed").len();
    assert_eq!(app.poll().await.len(), 1, "due at once");
    assert_eq!(origin.asked("/feed").len(), before + 1);
    days(&app, 8).await;
    assert_eq!(origin.asked("/feed").len(), before + 9);
    let status = app.status("a").await;
    assert_eq!((status.moved_url.as_str(), status.move_url.as_str()), ("", ""));
    let again = app.said(&["feed", "move", "a", "--back"]).await;
    assert!(again.contains("has not moved"), "{again}");
}

#[tokio::test]
async fn a_temporary_redirect_is_followed_and_never_believed() {
    for status in [302, 303, 307] {
        let (origin, app) = moving(status).await;
        days(&app, 8).await;
        assert_eq!(origin.asked("/feed").len(), 9, "{status}");
        let known = app.status("a").await;
        assert_eq!(
            (known.failures, known.moved_url.as_str(), known.move_url.as_str()),
            (0, "", "")
        );
    }
}

#[tokio::test]
async fn one_temporary_redirect_among_permanent_ones_makes_all_of_them_temporary() {
    for (first, second) in [(301, 302), (302, 301)] {
        let (origin, app) = moving(first).await;
        origin.redirect("/new", second, "/end");
        origin.serve("/end", simple(&["1", "2"]));
        days(&app, 6).await;
        let status = app.status("a").await;
        assert_eq!(
            (status.moved_url.as_str(), status.move_url.as_str()),
            ("", ""),
            "{first}"
        );
    }
}

#[tokio::test]
async fn a_new_address_in_the_configuration_counts_more_than_a_move() {
    let (origin, app) = moving(301).await;
    days(&app, 5).await;
    assert_eq!(app.status("a").await.moved_url, origin.url("/new"));
    origin.serve("/own", simple(&["1", "2", "3"]));
    let app = app.restart(&feed("a", &origin.url("/own"))).await;
    let new = origin.asked("/new").len();
    assert_eq!(app.poll().await[0].committed.new, 1);
    assert_eq!((origin.asked("/own").len(), origin.asked("/new").len()), (1, new));
    let status = app.status("a").await;
    assert_eq!((status.moved_url.as_str(), status.notice.as_str()), ("", ""));
}

#[tokio::test]
async fn an_answer_of_the_old_address_ends_the_watch_over_a_move() {
    let (origin, app) = moving(301).await;
    days(&app, 3).await;
    origin.serve("/feed", simple(&["1", "2"]));
    days(&app, 1).await;
    assert_eq!(app.status("a").await.move_url, "");
    origin.redirect("/feed", 301, "/new");
    days(&app, 3).await;
    assert_eq!(app.status("a").await.moved_url, "", "it begins anew");
}

#[tokio::test]
async fn a_permanent_redirect_to_another_feed_is_never_believed_and_told() {
    let (origin, app) = moving(301).await;
    origin.serve("/new", document("https://other.example/", "", &["x", "y"]));
    days(&app, 8).await;
    let status = app.status("a").await;
    assert_eq!((status.moved_url.as_str(), status.move_url.as_str()), ("", ""));
    assert!(status.notice.contains("which is another feed"), "{}", status.notice);
    assert!(app.said(&["feed", "show", "a"]).await.contains("notice"));
    assert_eq!(origin.asked("/feed").len(), 9);
}

#[tokio::test]
async fn what_was_said_of_a_redirect_is_no_longer_said_when_it_is_gone() {
    let (origin, app) = moving(301).await;
    // The comments of the same site.
    origin.serve("/new", document("https://site.example/", "", &["x", "y"]));
    days(&app, 1).await;
    assert!(app.status("a").await.notice.contains("which is another feed"));
    origin.serve("/feed", simple(&["1", "2"]));
    days(&app, 1).await;
    assert_eq!(app.status("a").await.notice, "");
}

#[tokio::test]
async fn many_feeds_that_lead_to_one_address_are_an_alarm_and_none_moves() {
    let origin = Origin::start().await;
    let mut config = String::new();
    origin.serve("/parked", simple(&["1", "2"]));
    for name in ["a", "b", "c"] {
        origin.serve(&format!("/{name}"), simple(&["1", "2"]));
        config += &feed(name, &origin.url(&format!("/{name}")));
    }
    let app = TestApp::new(&config).await;
    app.poll_all().await;
    for name in ["a", "b", "c"] {
        origin.redirect(&format!("/{name}"), 301, "/parked");
    }
    days(&app, 8).await;
    for name in ["a", "b", "c"] {
        let status = app.status(name).await;
        assert_eq!(status.moved_url, "", "{name}");
        assert!(
            status.notice.contains("so do those of 2 others"),
            "{name}: {}",
            status.notice
        );
        assert_eq!(origin.asked(&format!("/{name}")).len(), 9);
    }
    assert!(app.said(&["feed", "list"]).await.contains("2 others"));
}

/// A feed that is missing, and a site that offers another.
async fn missing(status: u16) -> (Origin, TestApp) {
    let origin = Origin::start().await;
    origin.serve("/feed", document(&origin.url("/site"), "", &["1", "2"]));
    let app = with_feed(&origin).await;
    app.poll_all().await;
    origin.set("/feed", answer(status, &[], ""));
    let page = "<html><link rel=alternate type=application/rss+xml href=/found></html>";
    origin.set("/site", answer(200, &[("content-type", "text/html")], page));
    origin.serve("/found", simple(&["1", "2", "3"]));
    (origin, app)
}

#[tokio::test]
async fn a_feed_that_is_missing_for_a_week_is_looked_for_on_its_site_once_a_week() {
    let (origin, app) = missing(404).await;
    days(&app, 7).await;
    assert!(origin.asked("/site").is_empty());
    days(&app, 1).await;
    assert_eq!(origin.asked("/site").len(), 1);
    assert!(origin.asked("/found").is_empty(), "that is for the operator to decide");
    let shown = app.said(&["feed", "show", "a"]).await;
    assert!(
        shown.contains(&format!(
            "its site offers {}; `tidings feed move a` asks there",
            origin.url("/found")
        )),
        "{shown}"
    );
    days(&app, 6).await;
    assert_eq!(origin.asked("/site").len(), 1);
    days(&app, 1).await;
    assert_eq!(origin.asked("/site").len(), 2);
}

#[tokio::test]
async fn what_was_found_on_the_site_is_no_longer_proposed_when_the_feed_is_back() {
    let (origin, app) = missing(404).await;
    days(&app, 8).await;
    assert_eq!(app.status("a").await.proposed_url, origin.url("/found"));
    origin.serve("/feed", document(&origin.url("/site"), "", &["1", "2"]));
    app.poll_all().await;
    assert_eq!(app.status("a").await.proposed_url, "");
}

#[tokio::test]
async fn a_410_that_redirects_lead_to_stops_nothing() {
    let (origin, app) = moving(301).await;
    app.poll_all().await;
    origin.set("/new", answer(410, &[], "closed"));
    assert_failed(&app.poll_all().await[0], Failure::Missing);
    assert!(
        app.status("a").await.next_poll_at.is_some(),
        "it speaks for itself alone"
    );
    origin.serve("/feed", simple(&["1", "2"]));
    assert!(app.poll_all().await[0].error.is_none());
}

#[tokio::test]
async fn a_feed_that_is_gone_for_good_is_looked_for_at_once() {
    let (origin, app) = missing(410).await;
    app.poll_all().await;
    assert_eq!(app.status("a").await.proposed_url, origin.url("/found"));
}

#[tokio::test]
async fn feed_move_accepts_what_was_found_and_asks_there_for_the_whole_document() {
    let (origin, app) = missing(404).await;
    days(&app, 8).await;
    let asked = origin.asked("/feed").len();
    let said = app.said(&["feed", "move", "a"]).await;
    assert!(
        said.contains(&format!("asked at {} from now on", origin.url("/found"))),
        "{said}"
    );
    let polled = app.poll().await.remove(0);
    assert_eq!((polled.outcome, polled.committed.new), (Outcome::Fetched, 1));
    let found = origin.asked("/found");
    assert!(found[0].headers.get("if-none-match").is_none());
    assert_eq!((origin.asked("/feed").len(), found.len()), (asked, 1));
    let shown = app.said(&["feed", "show", "a"]).await;
    assert!(shown.contains("by you"), "{shown}");
    assert!(!shown.contains("its site offers"), "{shown}");
}

#[tokio::test]
async fn feed_move_takes_an_address_of_the_operators_own() {
    let (origin, app) = moving(302).await;
    let said = app.said(&["feed", "move", "a"]).await;
    assert!(said.contains("nothing is proposed"), "{said}");
    let said = app.said(&["feed", "move", "a", "ftp://a.example/"]).await;
    assert!(said.contains("use http or https"), "{said}");
    app.said(&["feed", "move", "a", &origin.url("/new")]).await;
    let asked = origin.asked("/feed").len();
    assert_eq!(app.poll().await[0].outcome, Outcome::Unchanged);
    assert_eq!(origin.asked("/feed").len(), asked);
}

#[tokio::test]
async fn redirects_that_lead_in_a_circle_or_nowhere_are_refused() {
    let origin = Origin::start().await;
    origin.redirect("/self", 301, "/self");
    origin.redirect("/there", 302, "/back");
    origin.redirect("/back", 302, "/there");
    for number in 0..20 {
        origin.redirect(&format!("/far{number}"), 302, &format!("/far{}", number + 1));
    }
    origin.redirect("/file", 302, "file:///etc/passwd");
    origin.redirect("/user", 302, "http://user:secret@127.0.0.1/");
    origin.redirect("/nonsense", 302, "http://[");
    for (path, requests, text) in [
        ("/self", 1, "circle"),
        ("/there", 1, "circle"),
        ("/far0", 1, "more than 10 redirects"),
        ("/file", 1, "file: addresses are not polled"),
        ("/user", 1, "user name or password"),
        ("/nonsense", 1, "not an absolute address"),
    ] {
        let app = TestApp::new(&feed("a", &origin.url(path))).await;
        let polled = app.poll_all().await.remove(0);
        assert_failed(&polled, Failure::Redirect);
        assert!(polled.error.as_deref().unwrap().contains(text), "{path}: {polled:?}");
        assert_eq!(origin.asked(path).len(), requests, "{path}");
    }
    assert!(origin.asked("/far11").is_empty());
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_refused() {
    if !has_program("openssl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let (secure, plain) = (Origin::start_tls(&certificates.good).await, Origin::start().await);
    plain.serve("/feed", simple(&["1"]));
    secure.redirect("/feed", 301, &plain.url("/feed"));
    let config = format!(
        "{}[feed.access]\nca_file = \"{}\"\n",
        feed("a", &secure.url("/feed")),
        certificates.authority.display()
    );
    let app = TestApp::new(&config).await;
    let polled = app.poll_all().await.remove(0);
    assert_failed(&polled, Failure::Redirect);
    assert!(polled.error.unwrap().contains("from https to the unprotected"));
    assert_eq!((secure.asked("/feed").len(), plain.asked("/feed").len()), (1, 0));
}

/// A feed with a password and a header of its own.
fn private(origin: &Origin, folder: &std::path::Path, more: &str) -> String {
    std::fs::write(folder.join("password"), "secret\n").unwrap();
    format!(
        "{}[feed.access]\nuser = \"me\"\npassword_file = \"{}\"\n{more}[feed.access.headers]\nX-Key = \"mine\"\n",
        feed("a", &origin.url("/feed")),
        folder.join("password").display()
    )
}

fn was_trusted(origin: &Origin, path: &str) -> Vec<bool> {
    let asked = origin.asked(path).into_iter();
    asked
        .map(|asked| {
            let has = |name: &str| asked.headers.contains_key(name);
            assert_eq!(has("authorization"), has("x-key"), "{path}");
            has("authorization")
        })
        .collect()
}

#[tokio::test]
async fn credentials_and_own_headers_follow_a_redirect_within_their_host_and_to_no_other() {
    if !has_program("openssl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let (origin, other) = (Origin::start().await, Origin::start().await);
    let secure = Origin::start_tls(&certificates.good).await;
    let ca_file = format!("ca_file = \"{}\"\n", certificates.authority.display());
    let app = TestApp::new(&private(&origin, folder.path(), &ca_file)).await;
    for (to, host, is_trusted) in [
        (origin.url("/end"), &origin, true),
        (origin.url_at("localhost", "/end"), &origin, false),
        (other.url("/end"), &other, false),
        (secure.url("/end"), &secure, false),
    ] {
        host.serve("/end", simple(&["1"]));
        origin.redirect("/feed", 302, &to);
        assert_ne!(app.poll_all().await[0].outcome, Outcome::Failed, "{to}");
        assert_eq!(was_trusted(host, "/end").pop(), Some(is_trusted), "{to}");
    }
    assert_eq!(was_trusted(&origin, "/feed"), [true; 4]);
}

#[tokio::test]
async fn credentials_stay_at_home_when_a_feed_moves_to_another_host() {
    let (origin, other, folder) = (
        Origin::start().await,
        Origin::start().await,
        tempfile::tempdir().unwrap(),
    );
    for origin in [&origin, &other] {
        origin.serve("/feed", simple(&["1", "2"]));
    }
    let app = TestApp::new(&private(&origin, folder.path(), "")).await;
    app.poll_all().await;
    origin.redirect("/feed", 301, &other.url("/feed"));
    days(&app, 6).await;
    assert_eq!(app.status("a").await.moved_url, other.url("/feed"));
    assert_eq!(was_trusted(&other, "/feed"), [false; 6]);
}

#[tokio::test]
async fn credentials_stay_at_home_when_a_page_a_document_or_a_site_names_another_host() {
    let (origin, other, folder) = (
        Origin::start().await,
        Origin::start().await,
        tempfile::tempdir().unwrap(),
    );
    let page = |href: &str| {
        let page = format!("<html><link rel=alternate type=application/rss+xml href=\"{href}\"></html>");
        answer(200, &[("content-type", "text/html")], &page)
    };
    // The feed that a page offers.
    origin.set("/feed", page(&other.url("/offered")));
    other.serve("/offered", simple(&["1"]));
    let app = TestApp::new(&private(&origin, folder.path(), "")).await;
    app.poll_all().await;
    app.poll_all().await;
    assert_eq!(was_trusted(&other, "/offered"), [false; 2]);
    assert_eq!(was_trusted(&origin, "/feed"), [true]);
    // The older documents that a feed names, and the site that it names, when it is gone.
    let older = format!(
        "<a:link xmlns:a=\"http://www.w3.org/2005/Atom\" rel=\"next\" href=\"{}\"/>",
        other.url("/older")
    );
    let app = TestApp::new(&private(&origin, folder.path(), "")).await;
    origin.serve("/feed", document(&other.url("/site"), "", &["1", "2"]));
    app.poll_all().await;
    other.serve("/older", simple(&["3", "4"]));
    origin.serve("/feed", document(&other.url("/site"), &older, &["5", "6"]));
    app.poll_all().await;
    assert_eq!(was_trusted(&other, "/older"), [false]);
    other.set("/site", page("/found"));
    origin.set("/feed", answer(410, &[], ""));
    app.poll_all().await;
    assert_eq!(was_trusted(&other, "/site"), [false]);
}
