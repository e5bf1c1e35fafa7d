//! Digests: each story once over all editions, one late edition instead of many, and a mail server of every temper.

use jiff::SignedDuration;

use crate::support::app::{TestApp, feed};
use crate::support::origin::{Origin, atom, rss};
use crate::support::smtp::{Reply, SmtpSink};

fn config(origin: &Origin, sink: &SmtpSink, to: &str) -> String {
    format!(
        "{}[mail]\nfrom = \"Tidings <tidings@example.org>\"\ntransport = \"smtp\"\nurl = \"smtp://{}\"\n\
         [[view]]\nname = \"all\"\ntitle = \"Everything\"\n\
         [[digest]]\nname = \"daily\"\nview = \"all\"\nschedule = \"0 7 * * *\"\ntime_zone = \"Asia/Tehran\"\nto = [{to}]\n",
        feed("a", &origin.url("/feed")),
        sink.address
    )
}

async fn app(origin: &Origin, sink: &SmtpSink) -> TestApp {
    TestApp::new(&config(origin, sink, "\"reader@example.org\"")).await
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

#[tokio::test]
async fn each_story_is_mailed_once_over_all_editions() {
    let (origin, sink) = (Origin::start().await, SmtpSink::start().await);
    let app = app(&origin, &sink).await;
    let items = [
        ("1", "Story one", "https://a.example/1"),
        ("2", "Story two", "https://a.example/2"),
        ("3", "Story three", "https://a.example/3"),
    ];
    for day in 1..=3 {
        origin.serve("/feed", rss("A", &items[..day]));
        app.poll_all().await;
        app.digest().await;
        app.advance(hours(24));
        app.digest().await;
        app.send().await;
    }
    let mails: Vec<String> = sink.taken().into_iter().map(|mail| mail.data).collect();
    assert_eq!(mails.len(), 3);
    for (_, title, _) in items {
        assert_eq!(mails.iter().filter(|mail| mail.contains(title)).count(), 1, "{title}");
    }
}

#[tokio::test]
async fn a_digest_is_due_by_the_clocks_of_its_zone_and_late_only_once() {
    let (origin, sink) = (Origin::start().await, SmtpSink::start().await);
    let app = app(&origin, &sink).await;
    origin.serve("/feed", rss("A", &[("1", "One", "https://a.example/1")]));
    app.poll_all().await;
    // It is 12:00 UTC, 15:30 in Tehran: the next seven o'clock there is at 03:30 UTC.
    assert_eq!(app.digest().await.unwrap().to_string(), "2026-11-23T03:30:00Z");
    app.advance(SignedDuration::from_mins(15 * 60 + 29));
    app.digest().await;
    assert_eq!(app.send().await.sent, 0);
    // Four nights switched off, then one edition.
    app.advance(hours(96));
    assert_eq!(app.digest().await.unwrap().to_string(), "2026-11-27T03:30:00Z");
    app.digest().await;
    assert_eq!(app.send().await.sent, 1);
    assert_eq!(app.send().await.sent, 0);
}

#[tokio::test]
async fn nothing_new_is_not_mailed_unless_asked_for() {
    let (origin, sink) = (Origin::start().await, SmtpSink::start().await);
    let quiet = app(&origin, &sink).await;
    quiet.digest().await;
    quiet.advance(hours(24));
    quiet.digest().await;
    assert_eq!(quiet.send().await.sent, 0);
    let eager = TestApp::new(&format!(
        "{}skip_if_empty = false\n",
        config(&origin, &sink, "\"r@example.org\"")
    ))
    .await;
    eager.digest().await;
    for day in 1..=3 {
        eager.advance(hours(24));
        eager.digest().await;
        assert_eq!(eager.send().await.sent, 1, "day {day}");
    }
    assert!(
        sink.taken()
            .iter()
            .all(|mail| mail.header("Subject").contains("nothing new"))
    );
}

#[tokio::test]
async fn a_mail_is_html_and_text_with_a_stable_id_for_each_recipient() {
    let (origin, sink) = (Origin::start().await, SmtpSink::start().await);
    let app = TestApp::new(&config(
        &origin,
        &sink,
        "\"Ann <ann@example.org>\", \"bob@example.org\"",
    ))
    .await;
    origin.serve("/feed", atom("خبرگزاری", &[("1", "گفت‌وگو", "https://a.example/1")]));
    app.poll_all().await;
    app.app.digests().make_now("daily").await.unwrap().unwrap();
    app.send().await;
    let mails = sink.taken();
    assert_eq!(
        mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(),
        ["ann@example.org", "bob@example.org"]
    );
    for mail in &mails {
        assert!(mail.header("Content-Type").starts_with("multipart/alternative"));
        assert!(mail.data.contains("Content-Type: text/plain; charset=utf-8"));
        assert!(mail.data.contains("Content-Type: text/html; charset=utf-8"));
        assert!(mail.header("Date").starts_with("Sun, 22 Nov 2026 12:00:00"));
        assert!(mail.header("Message-ID").ends_with("@example.org>"));
        assert!(mail.data.is_ascii(), "no 8-bit text in a mail that was not announced");
    }
    assert_ne!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    let addressed = mails[0].header("To");
    assert!(
        addressed.contains("ann@example.org") && !addressed.contains("bob"),
        "{addressed}"
    );
}

#[tokio::test]
async fn a_server_that_is_busy_is_tried_again_with_the_same_mail_and_others_do_not_wait() {
    let (origin, sink) = (Origin::start().await, SmtpSink::start().await);
    let app = TestApp::new(&config(
        &origin,
        &sink,
        "\"a@example.org\", \"b@example.org\", \"c@example.org\"",
    ))
    .await;
    origin.serve("/feed", rss("A", &[("1", "One", "https://a.example/1")]));
    app.poll_all().await;
    app.app.digests().make_now("daily").await.unwrap();
    sink.next([Reply::Take, Reply::Refuse("451 try later\r\n")]);
    let sent = app.send().await;
    assert_eq!((sent.sent, sent.postponed, sent.parked), (2, 1, 0));
    assert_eq!(app.send().await.sent, 0, "not before its time");
    app.advance(SignedDuration::from_mins(1));
    assert_eq!(app.send().await.sent, 1);
    let to_b: Vec<_> = sink
        .mails()
        .into_iter()
        .filter(|mail| mail.to == "b@example.org")
        .collect();
    assert_eq!(to_b.len(), 2);
    assert_eq!(to_b[0].header("Message-ID"), to_b[1].header("Message-ID"));
}

#[tokio::test]
async fn a_mail_refused_for_good_is_parked_and_a_login_refused_is_tried_again() {
    let (origin, sink) = (Origin::start().await, SmtpSink::start().await);
    let app = TestApp::new(&config(&origin, &sink, "\"a@example.org\", \"b@example.org\"")).await;
    origin.serve("/feed", rss("A", &[("1", "One", "https://a.example/1")]));
    app.poll_all().await;
    let edition = app.app.digests().make_now("daily").await.unwrap().unwrap();
    sink.next([
        Reply::Refuse("550 nobody here\r\n"),
        Reply::Refuse("535 who are you\r\n"),
    ]);
    let sent = app.send().await;
    assert_eq!((sent.sent, sent.postponed, sent.parked), (0, 1, 1));
    let counts = app.app.store.delivery_counts(edition.id).await.unwrap();
    assert_eq!((counts.pending, counts.sent, counts.parked), (1, 0, 1));
    assert!(
        app.app
            .store
            .delivery_error(edition.id)
            .await
            .unwrap()
            .contains("did not take the mail")
    );
}

#[tokio::test]
async fn an_edition_is_frozen_when_it_is_made() {
    let (origin, sink) = (Origin::start().await, SmtpSink::start().await);
    let app = app(&origin, &sink).await;
    origin.serve("/feed", rss("A", &[("1", "Early", "https://a.example/1")]));
    app.poll_all().await;
    let first = app.app.digests().make_now("daily").await.unwrap().unwrap();
    origin.serve("/feed", rss("A", &[("2", "Late", "https://a.example/2")]));
    app.poll_all().await;
    app.send().await;
    let second = app.app.digests().make_now("daily").await.unwrap().unwrap();
    assert_eq!(first.upto, second.after, "the intervals meet");
    assert!(app.app.digests().make_now("daily").await.unwrap().is_none());
    app.send().await;
    let mails = sink.taken();
    assert!(mails[0].data.contains("Early") && !mails[0].data.contains("Late"));
    assert!(mails[1].data.contains("Late") && !mails[1].data.contains("Early"));
}

#[tokio::test]
async fn into_a_directory_each_mail_is_one_whole_file() {
    let origin = Origin::start().await;
    let config = format!(
        "{}[mail]\ntransport = \"directory\"\ndirectory = \"mail\"\n[[digest]]\nname = \"d\"\nview = \"all\"\nschedule = \"@daily\"\nto = [\"a@example.org\", \"b@example.org\"]\n",
        feed("a", &origin.url("/feed"))
    );
    let app = TestApp::new(&config).await;
    origin.serve("/feed", rss("A", &[("1", "One", "https://a.example/1")]));
    app.poll_all().await;
    app.app.digests().make_now("d").await.unwrap();
    app.send().await;
    let names: Vec<String> = std::fs::read_dir(app.folder.path().join("mail"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 2);
    assert!(
        names
            .iter()
            .all(|name| name.starts_with("2026-11-22-d.1.") && name.ends_with(".eml")),
        "{names:?}"
    );
}

#[tokio::test]
async fn a_story_that_comes_into_a_view_late_is_mailed_then_and_once() {
    let (origin, sink) = (Origin::start().await, SmtpSink::start().await);
    let config = format!(
        "{}{}[mail]\nfrom = \"t@example.org\"\ntransport = \"smtp\"\nurl = \"smtp://{}\"\n\
         [[view]]\nname = \"only-b\"\nfeeds = [\"b\"]\n[[view]]\nname = \"all\"\n\
         [[digest]]\nname = \"b\"\nview = \"only-b\"\nschedule = \"@daily\"\nto = [\"b@example.org\"]\n\
         [[digest]]\nname = \"all\"\nview = \"all\"\nschedule = \"@daily\"\nto = [\"all@example.org\"]\n",
        feed("a", &origin.url("/a")),
        feed("b", &origin.url("/b")),
        sink.address
    );
    let app = TestApp::new(&config).await;
    // Only the feed that is not in the view has the story at first.
    origin.serve("/a", rss("A", &[("1", "Shared", "https://a.example/shared")]));
    origin.serve("/b", rss("B", &[("9", "Other", "https://b.example/other")]));
    app.poll_all().await;
    for name in ["b", "all"] {
        app.app.digests().make_now(name).await.unwrap().unwrap();
    }
    origin.serve("/b", rss("B", &[("8", "Shared, too", "https://a.example/shared")]));
    app.poll_all().await;
    assert!(app.app.digests().make_now("b").await.unwrap().is_some());
    assert!(
        app.app.digests().make_now("all").await.unwrap().is_none(),
        "it was told there before"
    );
    app.send().await;
    let to = |name: &str| {
        sink.taken()
            .into_iter()
            .filter(|mail| mail.to == name)
            .map(|mail| mail.data)
            .collect::<Vec<_>>()
    };
    let shared = |mails: &[String]| mails.iter().filter(|mail| mail.contains("Shared")).count();
    assert_eq!((shared(&to("b@example.org")), shared(&to("all@example.org"))), (1, 1));
}

#[tokio::test]
async fn what_a_digest_has_looked_at_in_vain_is_not_looked_at_again() {
    let (origin, sink) = (Origin::start().await, SmtpSink::start().await);
    let config = config(&origin, &sink, "\"r@example.org\"").replace("title = \"Everything\"", "include = [\"rare\"]");
    let app = TestApp::new(&config).await;
    origin.serve("/feed", rss("A", &[("1", "Common", "https://a.example/1")]));
    app.poll_all().await;
    app.digest().await;
    app.advance(hours(24));
    app.digest().await;
    let (seen, editions) = app.app.store.edition_end("daily".to_owned()).await.unwrap();
    assert_eq!((seen, editions), (app.app.store.last_placed().await.unwrap(), 0));
    origin.serve("/feed", rss("A", &[("2", "A rare thing", "https://a.example/2")]));
    app.poll_all().await;
    app.advance(hours(24));
    app.digest().await;
    assert_eq!(app.send().await.sent, 1);
}

#[tokio::test]
async fn of_two_that_make_one_edition_only_one_does() {
    let (origin, sink) = (Origin::start().await, SmtpSink::start().await);
    let app = app(&origin, &sink).await;
    origin.serve("/feed", rss("A", &[("1", "One", "https://a.example/1")]));
    app.poll_all().await;
    let (first, second) = (app.app.digests(), app.app.digests());
    let (first, second) = tokio::join!(first.make_now("daily"), second.make_now("daily"));
    assert_eq!([first.unwrap(), second.unwrap()].iter().flatten().count(), 1);
    assert_eq!(app.send().await.sent, 1);
}

#[tokio::test]
async fn a_clock_that_was_ahead_keeps_no_digest_waiting() {
    let (origin, sink) = (Origin::start().await, SmtpSink::start().await);
    let app = app(&origin, &sink).await;
    app.advance(hours(24 * 365 * 4));
    app.digest().await;
    app.clock.set("2026-11-22T12:00:00Z".parse().unwrap());
    assert_eq!(app.digest().await.unwrap().to_string(), "2026-11-23T03:30:00Z");
}
