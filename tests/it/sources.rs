//! Any source that a publisher offers: pages that name a feed, pages that have none, site maps, documents that shrank, and the commands
//! that write sources into the configuration.

use std::path::{Path, PathBuf};
use std::process::Output;

use tidings::config::load::load;
use tidings::model::poll::Outcome;

use crate::support::app::{BASICS, TestApp, feed};
use crate::support::daemon::{Daemon, tidings};
use crate::support::eventually;
use crate::support::origin::{Answer, Origin, rss};

fn html(page: &str) -> Answer {
    Answer::Plain(200, vec![("content-type", "text/html".to_owned())], page.into())
}

fn entries(count: usize) -> String {
    let numbers: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    let entries: Vec<(&str, &str, &str)> = numbers
        .iter()
        .map(|n| (n.as_str(), n.as_str(), "https://a.example/"))
        .collect();
    rss("A", &entries)
}

#[tokio::test]
async fn a_page_is_asked_once_and_the_feed_that_it_offers_from_then_on() {
    let origin = Origin::start().await;
    origin.set(
        "/blog",
        html("<html><head><link rel=alternate type=application/rss+xml href=/blog/feed></head><p>words</p></html>"),
    );
    origin.serve("/blog/feed", rss("A", &[("1", "One", "https://a.example/1")]));
    let app = TestApp::new(&feed("a", &origin.url("/blog"))).await;
    assert_eq!(app.poll_all().await[0].outcome, Outcome::Fetched);
    assert_eq!(app.poll_all().await[0].outcome, Outcome::NotModified);
    assert_eq!(app.titles().await, ["One"]);
    assert_eq!((origin.asked("/blog").len(), origin.asked("/blog/feed").len()), (1, 2));
    let status = &app.app.store.feeds_after("", 9).await.unwrap()[0];
    assert_eq!(status.offered_url, origin.url("/blog/feed"));
}

#[tokio::test]
async fn a_link_header_offers_a_feed_too_and_no_address_is_made_up() {
    let origin = Origin::start().await;
    let link = "</x.atom>; rel=alternate; type=\"application/atom+xml\"".to_owned();
    origin.set(
        "/front",
        Answer::Plain(200, vec![("link", link)], b"<!doctype html><title>Front</title>".into()),
    );
    origin.set("/bare", html("<html><title>Nothing here</title></html>"));
    origin.serve("/x.atom", rss("A", &[("1", "One", "https://a.example/1")]));
    let feeds = [feed("bare", &origin.url("/bare")), feed("front", &origin.url("/front"))].concat();
    let app = TestApp::new(&feeds).await;
    let polls = app.poll_all().await;
    assert_eq!(
        (polls[0].outcome, polls[1].outcome),
        (Outcome::Failed, Outcome::Fetched)
    );
    assert!(
        polls[0].error.as_deref().unwrap().contains("web page"),
        "{:?}",
        polls[0]
    );
    assert_eq!(origin.asked("/bare").len(), 1);
    for made_up in [
        "/feed",
        "/rss",
        "/feed/",
        "/rss.xml",
        "/atom.xml",
        "/bare/feed",
        "/favicon.ico",
    ] {
        assert!(origin.asked(made_up).is_empty(), "{made_up}");
    }
}

#[tokio::test]
async fn a_feed_that_turned_into_a_page_is_an_error_and_nothing_else_is_asked() {
    let origin = Origin::start().await;
    origin.serve("/feed", rss("A", &[("1", "One", "https://a.example/1")]));
    origin.serve("/other", rss("B", &[("2", "Two", "https://a.example/2")]));
    let app = TestApp::new(&feed("a", &origin.url("/feed"))).await;
    app.poll_all().await;
    origin.set(
        "/feed",
        html("<html><link rel=alternate type=application/rss+xml href=/other>Please log in</html>"),
    );
    let failed = &app.poll_all().await[0];
    assert_eq!(failed.outcome, Outcome::Failed);
    assert!(origin.asked("/other").is_empty());
    assert_eq!(app.titles().await, ["One"]);
}

/// A page that offers this feed.
fn offering(feed: &str) -> Answer {
    html(&format!(
        "<html><link rel=alternate type=application/rss+xml href={feed}></html>"
    ))
}

#[tokio::test]
async fn a_page_whose_feed_is_gone_is_asked_for_another() {
    let origin = Origin::start().await;
    origin.set("/blog", offering("/old"));
    origin.serve("/old", rss("A", &[("1", "One", "https://a.example/1")]));
    let both = [("2", "Two", "https://a.example/2"), ("1", "One", "https://a.example/1")];
    origin.serve("/new", rss("A", &both));
    let app = TestApp::new(&feed("a", &origin.url("/blog"))).await;
    app.poll_all().await;
    origin.set("/old", Answer::Plain(410, vec![], vec![]));
    let failed = app.poll_all().await.remove(0);
    assert!(failed.error.as_deref().unwrap().contains("still offers"), "{failed:?}");
    origin.set("/blog", offering("/new"));
    assert_eq!(app.poll_all().await[0].outcome, Outcome::Fetched);
    assert_eq!(app.titles().await, ["Two", "One"]);
}

#[tokio::test]
async fn a_page_that_offers_another_feed_by_now_proposes_it() {
    let origin = Origin::start().await;
    origin.set("/blog", offering("/posts"));
    origin.serve("/posts", rss("A", &[("1", "One", "https://a.example/1")]));
    origin.serve("/comments", rss("C", &[("c1", "Me too", "https://a.example/1#c1")]));
    let app = TestApp::new(&feed("a", &origin.url("/blog"))).await;
    app.poll_all().await;
    origin.set("/posts", Answer::Plain(404, vec![], vec![]));
    origin.set("/blog", offering("/comments"));
    let failed = app.poll_all().await.remove(0);
    assert!(failed.error.as_deref().unwrap().contains("other entries"), "{failed:?}");
    assert_eq!(app.titles().await, ["One"]);
    assert_eq!(app.status("a").await.proposed_url, origin.url("/comments"));
    origin.serve("/posts", rss("A", &[("1", "One", "https://a.example/1")]));
    assert!(app.poll_all().await[0].error.is_none());
}

#[tokio::test]
async fn a_page_that_cannot_be_asked_for_its_feed_now_stops_nothing() {
    let (site, feeds) = (Origin::start().await, Origin::start_at("127.0.0.2:0").await);
    let page = format!(
        "<html><link rel=alternate type=application/rss+xml href={}></html>",
        feeds.url("/old")
    );
    site.set("/blog", html(&page));
    site.set("/busy", Answer::Plain(429, vec![], vec![]));
    feeds.serve("/old", rss("A", &[("1", "One", "https://a.example/1")]));
    let config = feed("a", &site.url("/blog")) + &feed("busy", &site.url("/busy"));
    let app = TestApp::new(&config).await;
    app.poll_named(&["a"]).await;
    feeds.set("/old", Answer::Plain(404, vec![], vec![]));
    let scheduler = app.app.scheduler();
    app.poll_by(&scheduler, &["busy"]).await;
    let failed = app.poll_by(&scheduler, &["a"]).await.remove(0);
    assert!(failed.error.as_deref().unwrap().contains("left alone"), "{failed:?}");
    assert!(app.status("a").await.next_poll_at.is_some(), "nobody said 410");
}

#[tokio::test]
async fn a_page_that_became_the_feed_is_asked_alone() {
    let origin = Origin::start().await;
    let page = "<html><link rel=alternate type=application/rss+xml href=/old></html>";
    origin.set("/blog", html(page));
    origin.serve("/old", rss("A", &[("1", "One", "https://a.example/1")]));
    let app = TestApp::new(&feed("a", &origin.url("/blog"))).await;
    app.poll_all().await;
    origin.set("/old", Answer::Plain(404, vec![], vec![]));
    origin.serve(
        "/blog",
        rss(
            "A",
            &[("1", "One", "https://a.example/1"), ("2", "Two", "https://a.example/2")],
        ),
    );
    assert_eq!(app.poll_all().await[0].outcome, Outcome::Fetched);
    let asked = origin.asked("/old").len();
    assert_eq!(app.poll_all().await[0].outcome, Outcome::NotModified);
    assert_eq!(origin.asked("/old").len(), asked);
    assert_eq!(app.status("a").await.offered_url, "");
}

#[tokio::test]
async fn an_offered_feed_that_asks_to_wait_is_waited_for() {
    let origin = Origin::start().await;
    origin.set(
        "/blog",
        html("<html><link rel=alternate type=application/rss+xml href=/feed></html>"),
    );
    let wait = vec![("retry-after", "86400".to_owned())];
    origin.set("/feed", Answer::Plain(429, wait, vec![]));
    let app = TestApp::new(&feed("a", &origin.url("/blog"))).await;
    app.poll_all().await;
    let status = &app.app.store.feeds_after("", 9).await.unwrap()[0];
    assert!(status.error.contains("429"), "{status:?}");
    assert!(
        status.next_poll_at.unwrap() >= "2026-11-23T12:00:00Z".parse().unwrap(),
        "{status:?}"
    );
}

#[tokio::test]
async fn other_selectors_read_the_page_itself_again_and_another_zone_never_looks_for_another_feed() {
    let origin = Origin::start().await;
    let items = "<li><a href=/n>One</a></li>".repeat(9);
    let page = format!(
        "<html><link rel=alternate type=application/rss+xml href=/feed><ul>{items}<li class=x><a href=/x>X</a></li></ul></html>"
    );
    origin.set("/page", html(&page));
    origin.serve("/feed", rss("A", &[("1", "One", "https://a.example/1")]));
    let with = |more: &str| format!("{}{more}", feed("a", &origin.url("/page")));
    let app = TestApp::new(&with("")).await;
    app.poll_all().await;
    let app = app.restart(&with("[feed.select]\nitem = \"li\"\n")).await;
    assert_eq!(app.poll().await[0].outcome, Outcome::Fetched, "due at once");
    assert_eq!(origin.asked("/page").len(), 2);
    // Fewer items are what was asked for.
    let app = app.restart(&with("[feed.select]\nitem = \"li.x\"\n")).await;
    assert_eq!(app.poll().await[0].outcome, Outcome::Fetched);
    // A feed that turned into a page stays an error.
    origin.serve("/other", rss("B", &[("2", "Two", "https://a.example/2")]));
    let at = feed("b", &origin.url("/other"));
    let app = app.restart(&at).await;
    app.poll_all().await;
    origin.set("/other", html(&page));
    let app = app.restart(&format!("{at}time_zone = \"Asia/Tehran\"\n")).await;
    assert_eq!(app.poll().await[0].outcome, Outcome::Failed);
    assert_eq!(origin.asked("/feed").len(), 1);
}

#[tokio::test]
async fn a_document_that_shrank_is_an_error_until_it_has_come_three_times_and_what_is_new_in_it_is_kept() {
    let origin = Origin::start().await;
    origin.serve("/feed", entries(10));
    let app = TestApp::new(&feed("a", &origin.url("/feed"))).await;
    app.poll_all().await;
    origin.serve("/feed", rss("A", &[("new", "New", "https://a.example/new")]));
    let polls = [app.poll_all().await, app.poll_all().await, app.poll_all().await];
    let outcomes: Vec<Outcome> = polls.iter().map(|polls| polls[0].outcome).collect();
    assert_eq!(outcomes, [Outcome::Failed, Outcome::Failed, Outcome::Fetched]);
    let reason = polls[0][0].error.clone().unwrap();
    assert!(reason.contains("shrank from 10 entries to 1"), "{reason}");
    assert_eq!(app.stories().await.len(), 11);
    // An empty one is no different, and one that is whole again is believed at once.
    origin.serve("/feed", rss("A", &[]));
    assert_eq!(app.poll_all().await[0].outcome, Outcome::Failed);
    origin.serve("/feed", entries(3));
    assert_eq!(app.poll_all().await[0].outcome, Outcome::Fetched);
}

#[tokio::test]
async fn the_items_of_a_page_come_by_selectors_sanitised_and_resolved_and_a_new_manner_reads_it_again() {
    let origin = Origin::start().await;
    origin.set(
        "/notices",
        Answer::Tagged(
            "<html><ul><li><h3>Water &amp; power</h3><a href='n/1'>more</a><time>22.11.2026 10:00</time>
            <p onclick=x>Off <a href=/map>here</a><script>x</script></p></li></ul></html>"
                .to_owned(),
        ),
    );
    let with = |more: &str| format!("{}{more}", feed("a", &origin.url("/notices")));
    let select = "[feed.select]\nitem = \"li\"\ntitle = \"h3\"\ndate = \"time\"\nsummary = \"p\"\n";
    let app = TestApp::new(&with(select)).await;
    assert_eq!(app.poll_all().await[0].outcome, Outcome::Fetched);
    let story = app.stories().await.remove(0);
    assert_eq!(
        (story.title.as_str(), story.link),
        ("Water & power", origin.url("/n/1"))
    );
    let link = format!(
        "<a href=\"{}\" rel=\"noopener noreferrer\">here</a>",
        origin.url("/map")
    );
    assert_eq!(story.content, format!("Off {link}"));
    assert_eq!(story.published.to_string(), "2026-11-22T10:00:00Z");
    // The same page in another zone: the date moves, and nothing is new.
    let app = app
        .restart(&with(&format!("time_zone = \"Asia/Tehran\"\n{select}")))
        .await;
    let polled = app.poll_all().await.remove(0);
    assert_eq!((polled.outcome, polled.committed.new), (Outcome::Fetched, 0));
    let published = app.stories().await[0].published;
    assert_eq!(published.to_string(), "2026-11-22T06:30:00Z");
}

#[tokio::test]
async fn the_zone_that_a_document_states_is_that_of_the_next_one_which_states_none() {
    let origin = Origin::start().await;
    let dated = |guid: &str, date: &str| {
        format!(
            "<rss><channel><title>A</title><item><guid>{guid}</guid><title>{guid}</title><pubDate>{date}</pubDate></item></channel></rss>"
        )
    };
    origin.serve("/feed", dated("1", "2026-11-21T10:00:00+03:30"));
    let app = TestApp::new(&feed("a", &origin.url("/feed"))).await;
    app.poll_all().await;
    origin.serve("/feed", dated("2", "2026-11-22 10:00"));
    app.poll_all().await;
    assert_eq!(app.stories().await[0].published.to_string(), "2026-11-22T06:30:00Z");
}

fn config(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join("tidings.toml");
    std::fs::write(&file, format!("{BASICS}{text}")).unwrap();
    file
}

async fn run(config: &Path, words: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = tidings(config).args(words).output().await.unwrap();
    (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

#[tokio::test]
async fn feed_add_shows_what_a_page_offers_and_writes_it_and_a_daemon_follows() {
    let (origin, folder) = (Origin::start().await, tempfile::tempdir().unwrap());
    let head = "<html><head><link rel=alternate type=application/rss+xml href=/feed><link rel=alternate type=application/atom+xml title=All href=/all.atom></head></html>";
    origin.set("/blog", html(head));
    origin.serve("/feed", rss("A Columnist", &[("1", "One", "https://a.example/1")]));
    let before = "[web]\nlisten = \"127.0.0.1:0\" # any\n\n# My feeds.\n\n[[view]]\nname = \"all\"\n";
    let file = config(folder.path(), before);
    let daemon = Daemon::start(&file).await;
    let (status, said) = run(&file, &["feed", "add", &origin.url("/blog"), "--group", "columnists"]).await;
    assert_eq!(status, Some(0), "{said}");
    for part in [
        "A Columnist",
        "1 entries",
        "One",
        "another feed",
        "/all.atom",
        "Added the feed \"A Columnist\"",
        "SIGHUP",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let table = format!(
        "\n[[feed]]\nname = \"A Columnist\"\nurl = \"{}\"\ngroup = \"columnists\"\n",
        origin.url("/feed")
    );
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        format!("{BASICS}{before}{table}")
    );
    daemon.signal("HUP").await;
    eventually("the new feed's story", || async {
        let stories = daemon.get("/feeds/all.json").await.text().await.unwrap();
        stories.contains("\"One\"").then_some(())
    })
    .await;
    let (status, said) = run(&file, &["feed", "add", &origin.url("/feed")]).await;
    assert_eq!(status, Some(2), "{said}");
    let (status, said) = run(&file, &["feed", "remove", "A Columnist"]).await;
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{BASICS}{before}"));
    let (status, said) = run(&file, &["feed", "remove", "A Columnist"]).await;
    assert_eq!(status, Some(2), "{said}");
    assert_eq!(daemon.stop().await, 0);
}

#[tokio::test]
async fn feed_add_and_remove_change_nothing_when_something_is_wrong() {
    let (origin, folder) = (Origin::start().await, tempfile::tempdir().unwrap());
    origin.set("/page", html("<html><p>no feed</p></html>"));
    origin.serve("/feed", rss("A", &[("1", "One", "https://a.example/1")]));
    let text = format!(
        "{}[[view]]\nname = \"all\"\nfeeds = [\"a\"]\n",
        feed("a", "https://a.example/feed")
    );
    let file = config(folder.path(), &text);
    for (words, status, reason) in [
        (&["feed", "add", &origin.url("/page")][..], 1, "offers no feed"),
        (&["feed", "add", &origin.url("/gone")], 1, "404"),
        (&["feed", "add", &origin.url("/feed"), "--name", "a"], 2, "already"),
        (&["feed", "add", "ftp://a.example/"], 2, "http or https"),
        (&["feed", "remove", "b"], 2, "no feed \"b\""),
        (&["feed", "remove", "a"], 2, "nothing was changed"),
    ] {
        let (code, said) = run(&file, words).await;
        assert_eq!((code, said.contains(reason)), (Some(status), true), "{words:?}: {said}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{BASICS}{text}"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_long_list_is_read_stored_and_let_go() {
    const MANY: usize = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.opml");
    let write = |host: &str| {
        let mut text = "<opml><body><outline text='long'>".to_owned();
        for number in 0..MANY {
            // Every title comes twice, every hundredth address is none.
            let scheme = if number % 100 == 0 { "gopher" } else { "https" };
            let title = number / 2;
            text += &format!("<outline text='Feed {title}' xmlUrl='{scheme}://{host}.example/{number}'/>");
        }
        std::fs::write(&list, text + "</outline></body></opml>").unwrap();
    };
    write("a");
    let config = format!("feeds_from = [{list:?}]\n[[view]]\nname = \"long\"\ngroups = [\"long\"]\n");
    let app = TestApp::without_basics(&config).await;
    assert!(app.app.config.feeds.is_empty());
    let warnings = &app.app.config.warnings;
    assert_eq!(warnings.len(), 101);
    assert!(warnings[100].ends_with("passed over 100 more"), "{}", warnings[100]);
    let before = app.app.store.feed_ids().await.unwrap();
    assert_eq!(before.len(), MANY / 100 * 99);
    let named = app.app.store.feed("Feed 9999 (a.example)").await.unwrap().unwrap();
    assert_eq!(
        (named.url.as_str(), named.group.as_str()),
        ("https://a.example/19999", "long")
    );
    // All addresses are new: every feed that keeps its name keeps its row.
    write("b");
    let next = load(Some(&app.folder.path().join("tidings.toml")), std::iter::empty()).unwrap();
    app.app.store.sync_feeds(next.feeds).await.unwrap();
    let named = app.app.store.feed("Feed 9999").await.unwrap().unwrap();
    assert_eq!(named.url, "https://b.example/19998");
    let kept = app.app.store.feed_ids().await.unwrap();
    assert_eq!(kept.len(), before.len());
    assert_eq!(kept.iter().filter(|id| before.contains(id)).count(), MANY / 2);
}
