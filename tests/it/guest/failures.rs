//! What goes wrong, each under its name: stored, shown, and never a lost feed.

use tidings::model::poll::{Failure, Outcome};
use tokio::net::TcpListener;

use crate::guest::{answer, assert_failed, simple, with_feed};
use crate::support::app::{TestApp, feed};
use crate::support::has_program;
use crate::support::origin::{Answer, Origin, atom, rss};
use crate::support::raw::{Raw, Wire};
use crate::support::tls::Certificates;

/// The failure is stored under its name, and `feed show` tells it in these words.
async fn assert_shown(app: &TestApp, failure: Failure, words: &str) {
    let status = app.status("a").await;
    assert_eq!((status.failure.as_str(), status.failures), (failure.as_str(), 1));
    let shown = app.said(&["feed", "show", "a"]).await;
    assert!(shown.contains(words), "{words:?} in {shown}");
    assert!(
        shown.contains(&failure.as_str().replace('_', " ")),
        "{failure:?} in {shown}"
    );
}

/// A good answer, a bad one, and a good one with news: the feed fails under this name and is read again.
async fn fails(bad: Answer, failure: Failure, words: &str) {
    let origin = Origin::start().await;
    let good = |guids: &[&str]| Answer::Tagged(simple(guids));
    origin.script("/feed", [good(&["1"]), bad.clone(), good(&["1", "2"])]);
    let app = with_feed(&origin).await;
    app.poll_all().await;
    let polled = app.poll_all().await.remove(0);
    assert_eq!(
        (polled.outcome, polled.failure),
        (Outcome::Failed, Some(failure)),
        "{bad:?}: {polled:?}"
    );
    assert_shown(&app, failure, words).await;
    assert_eq!(app.titles().await, ["1"]);
    // A host that wants to be left alone is, for this long.
    app.advance(crate::guest::minutes(16));
    let polled = app.poll_all().await.remove(0);
    assert_eq!((polled.outcome, polled.committed.new), (Outcome::Fetched, 1));
    let status = app.status("a").await;
    assert_eq!(
        (status.failure.as_str(), status.error.as_str(), status.failures),
        ("", "", 0)
    );
}

/// The same on the wire.
async fn breaks(bad: Wire, failure: Failure, words: &str) {
    let good = |guids: &[&str]| Wire::answers("200 OK", &simple(guids));
    let raw = Raw::start_at("127.0.0.1:0", [good(&["1"]), bad.clone(), good(&["1", "2"])]).await;
    let app = TestApp::new(&format!(
        "{}[feed.access]\ntimeout = \"1s\"\n",
        feed("a", &raw.url("/feed"))
    ))
    .await;
    app.poll_all().await;
    let polled = app.poll_all().await.remove(0);
    assert_eq!(
        (polled.outcome, polled.failure),
        (Outcome::Failed, Some(failure)),
        "{bad:?}: {polled:?}"
    );
    assert_shown(&app, failure, words).await;
    assert_eq!(app.poll_all().await[0].committed.new, 1);
}

#[tokio::test]
async fn a_name_that_is_nowhere_is_unreachable() {
    let origin = Origin::start().await;
    origin.serve("/feed", simple(&["1"]));
    let app = TestApp::new(&feed("a", "http://feeds.invalid/feed")).await;
    assert_failed(&app.poll_all().await[0], Failure::Unreachable);
    assert_shown(&app, Failure::Unreachable, "the host cannot be reached").await;
    let app = app.restart(&feed("a", &origin.url("/feed"))).await;
    assert_eq!(app.poll_all().await[0].outcome, Outcome::Fetched);
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_refused_until_somebody_does() {
    let free = TcpListener::bind("127.0.0.9:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let app = TestApp::new(&feed("a", &format!("http://{address}/feed"))).await;
    assert_failed(&app.poll_all().await[0], Failure::Refused);
    assert_shown(&app, Failure::Refused, "nobody listens there").await;
    let origin = Origin::start_at(&address.to_string()).await;
    origin.serve("/feed", simple(&["1"]));
    assert_eq!(app.poll_all().await[0].outcome, Outcome::Fetched);
}

#[tokio::test]
async fn a_connection_that_breaks_is_reset() {
    let words = "the connection broke off";
    breaks(Wire::Resets(vec![]), Failure::Reset, words).await;
    breaks(Wire::Says(vec![]), Failure::Reset, words).await;
    breaks(Wire::Resets(b"HTTP/1.1 200 OK\r\n".to_vec()), Failure::Reset, words).await;
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n<rss>".to_vec();
    breaks(Wire::Resets(half), Failure::Reset, words).await;
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_a_failure() {
    breaks(
        Wire::Says(b"220 mail.example ESMTP\r\n".to_vec()),
        Failure::Reset,
        "the connection broke off",
    )
    .await;
}

#[tokio::test]
async fn a_body_that_is_cut_is_broken() {
    let words = "the answer is broken";
    let short = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n<rss>".to_vec();
    breaks(Wire::Says(short), Failure::BrokenBody, words).await;
    let chunk = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\n<rss>".to_vec();
    breaks(Wire::Says(chunk), Failure::BrokenBody, words).await;
}

#[tokio::test]
async fn silence_is_a_timeout() {
    breaks(Wire::Silent, Failure::Timeout, "no complete answer within 1s").await;
}

#[tokio::test]
async fn certificates_that_are_expired_unknown_or_of_another_host_are_not_trusted() {
    if !has_program("openssl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let known = format!("[feed.access]\nca_file = \"{}\"\n", certificates.authority.display());
    for (certificate, access, words) in [
        (&certificates.expired, known.as_str(), "xpired"),
        (&certificates.of_another_host, &known, "not valid for"),
        (&certificates.good, "", "UnknownIssuer"),
    ] {
        let origin = Origin::start_tls(certificate).await;
        origin.serve("/feed", simple(&["1"]));
        let app = TestApp::new(&format!("{}{access}", feed("a", &origin.url("/feed")))).await;
        assert_failed(&app.poll_all().await[0], Failure::Tls);
        assert_shown(&app, Failure::Tls, "the connection is not safe").await;
        assert_shown(&app, Failure::Tls, words).await;
        assert!(origin.all_asked().is_empty());
    }
}

#[tokio::test]
async fn each_status_that_is_an_error_has_its_name_and_a_readable_excerpt() {
    let page = "<html><head><title>t</title><script>alert(1)</script></head><body><h1>Gone   fishing</h1><p>Back &amp; soon</p></body></html>";
    for (status, failure) in [
        (400, Failure::ClientError),
        (401, Failure::Unauthorised),
        (403, Failure::Unauthorised),
        (404, Failure::Missing),
        (407, Failure::Unauthorised),
        (410, Failure::Gone),
        (418, Failure::ClientError),
        (429, Failure::Throttled),
        (500, Failure::ServerError),
        (502, Failure::ServerError),
        (503, Failure::ServerError),
        (599, Failure::ServerError),
    ] {
        let words = match status {
            410 => "answered 410, gone for good".to_owned(),
            _ => format!("the publisher answered {status}"),
        };
        fails(answer(status, &[("content-type", "text/html")], page), failure, &words).await;
        fails(answer(status, &[], page), failure, "Gone fishing").await;
    }
}

#[tokio::test]
async fn an_excerpt_of_an_error_page_is_short_plain_and_harmless() {
    let page = format!(
        "\u{1b}[31mred\u{7} <script>alert(1)</script>words\r\nin lines {}",
        "x ".repeat(50_000)
    );
    let origin = Origin::start().await;
    origin.set("/feed", answer(500, &[], &page));
    let app = with_feed(&origin).await;
    let error = app.poll_all().await.remove(0).error.unwrap();
    assert!(error.chars().count() < 400 && error.contains("red"), "{error:?}");
    assert!(
        !error.contains("alert") && !error.chars().any(char::is_control),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_excerpt_is_read_in_the_encoding_of_its_page_and_from_behind_a_long_head() {
    let (persian, _, _) = encoding_rs::WINDOWS_1256.encode("صفحه پيدا نشد");
    let headers = vec![("content-type", "text/html; charset=windows-1256".to_owned())];
    fails(
        Answer::Plain(404, headers, persian.into_owned()),
        Failure::Missing,
        "صفحه پيدا نشد",
    )
    .await;
    let page = format!(
        "<html><head><title>t</title><style>{}</style></head><body><p>Back at noon</p></body></html>",
        "p { color: red } ".repeat(1000)
    );
    fails(answer(500, &[], &page), Failure::ServerError, "Back at noon").await;
}

#[tokio::test]
async fn a_429_whose_page_never_ends_is_a_429() {
    let head = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7200\r\ncontent-length: 1000000\r\n\r\nwait";
    let raw = Raw::start_at("127.0.0.1:0", [Wire::Drips(head.into())]).await;
    let config = format!("{}[feed.access]\ntimeout = \"1s\"\n", feed("a", &raw.url("/feed")));
    let app = TestApp::new(&config).await;
    assert_failed(&app.poll_all().await[0], Failure::Throttled);
    assert_shown(&app, Failure::Throttled, "answered 429: wait").await;
    assert_eq!(app.poll_all().await[0].outcome, Outcome::Postponed);
}

#[tokio::test]
async fn a_status_that_answers_nothing_is_unexpected() {
    for (status, headers) in [(300, &[][..]), (301, &[]), (305, &[])] {
        fails(
            answer(status, headers, ""),
            Failure::UnexpectedStatus,
            &format!("answered {status}"),
        )
        .await;
    }
}

#[tokio::test]
async fn a_feed_under_any_content_type_is_a_feed() {
    for content_type in [
        "",
        "text/html",
        "text/plain; charset=utf-8",
        "application/octet-stream",
        "image/png",
        "application/json",
        "text/css",
        "nonsense",
        "application/rss+xml; charset=\"utf-8\"; charset=nothing",
    ] {
        for body in [
            rss("A", &[("1", "One", "https://a.example/1")]),
            atom("A", &[("1", "One", "https://a.example/1")]),
            "{\"version\":\"https://jsonfeed.org/version/1\",\"title\":\"A\",\"items\":[{\"id\":\"1\",\"title\":\"One\"}]}".to_owned(),
        ] {
            let origin = Origin::start().await;
            origin.set("/feed", answer(200, &[("content-type", content_type)], &body));
            let app = with_feed(&origin).await;
            let polled = app.poll_all().await.remove(0);
            assert_eq!((polled.outcome, polled.committed.new), (Outcome::Fetched, 1), "{content_type}: {body}");
        }
    }
}

#[tokio::test]
async fn what_is_no_feed_is_none_under_the_content_type_of_one() {
    let rss = [("content-type", "application/rss+xml")];
    let page = "<!doctype html><html><body><p>words</p></body></html>";
    fails(answer(200, &rss, page), Failure::WebPage, "web page").await;
    for other in [
        "{\"error\": \"no\"}",
        "just words",
        "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        "%PDF-1.7",
    ] {
        fails(answer(200, &rss, other), Failure::Unreadable, "").await;
    }
    let png = vec![0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d];
    fails(Answer::Plain(200, vec![], png), Failure::Unreadable, "").await;
}

#[tokio::test]
async fn a_body_without_bytes_is_empty() {
    fails(answer(200, &[], ""), Failure::Empty, "empty").await;
    fails(answer(204, &[], ""), Failure::Empty, "empty").await;
}

#[tokio::test]
async fn a_coding_that_cannot_be_undone_is_broken() {
    let words = "the answer is broken";
    let packed = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, simple(&["1", "2", "3"]).as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    for body in [b"no gzip at all".to_vec(), packed[..packed.len() / 2].to_vec()] {
        let coding = vec![("content-encoding", "gzip".to_owned())];
        fails(Answer::Plain(200, coding, body), Failure::BrokenBody, words).await;
    }
}

#[tokio::test]
async fn a_document_that_lost_most_of_its_entries_is_told_and_not_believed_at_once() {
    let origin = Origin::start().await;
    let many: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    origin.script(
        "/feed",
        [
            Answer::Tagged(simple(&many)),
            Answer::Tagged(simple(&["1"])),
            Answer::Tagged(simple(&many)),
        ],
    );
    let app = with_feed(&origin).await;
    app.poll_all().await;
    assert_failed(&app.poll_all().await[0], Failure::Shrunk);
    assert_shown(&app, Failure::Shrunk, "shrank from 10 entries to 1").await;
    assert_eq!(app.poll_all().await[0].outcome, Outcome::NotModified);
}
