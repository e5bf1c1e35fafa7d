//! Edits: what makes a revision, what readers are sent again, and what is held back until it has settled.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use tidings::model::item::{ItemId, MAX_REVISIONS};
use tidings::store::edits::{HistoryOf, ItemHistory};
use tidings::story::selection::newest_stories;

use crate::support::app::{TestApp, feed};
use crate::support::origin::{Origin, rss};
use crate::web::Pages;

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// A feed with one item.
fn item(title: &str, text: &str) -> String {
    format!(
        "<rss version=\"2.0\"><channel><title>A</title><item><guid isPermaLink=\"false\">1</guid><title>{title}</title>\
         <link>https://a.example/1</link><pubDate>Sat, 21 Nov 2026 10:00:00 GMT</pubDate>\
         <description><![CDATA[{text}]]></description></item></channel></rss>"
    )
}

/// Polls a feed whose item now says this, ten minutes after the last poll.
async fn says(app: &TestApp, origin: &Origin, title: &str, text: &str) {
    app.advance(minutes(10));
    origin.serve("/feed", item(title, text));
    let polled = app.poll_all().await;
    assert!(polled[0].error.is_none(), "{polled:?}");
}

async fn history(app: &TestApp) -> ItemHistory {
    let found = app.app.store.histories(HistoryOf::Item(ItemId(1))).await.unwrap();
    found.into_iter().next().unwrap()
}

/// The `updated` of the one entry of the Atom feed, and whether its text is there.
async fn sent(app: &TestApp, words: &str) -> (String, bool) {
    let atom = Pages::of(app)
        .await
        .get("/feeds/all.atom", &[])
        .await
        .text()
        .await
        .unwrap();
    let entry = atom.split_once("<entry").unwrap().1;
    let updated = entry
        .split_once("<updated>")
        .unwrap()
        .1
        .split_once("</updated>")
        .unwrap()
        .0;
    (updated.to_owned(), entry.contains(words))
}

/// An app with one feed, whose item has said this.
async fn said(title: &str, text: &str) -> (Origin, TestApp) {
    let origin = Origin::start().await;
    let app = TestApp::new(&feed("a", &origin.url("/feed"))).await;
    says(&app, &origin, title, text).await;
    (origin, app)
}

const FIRST: &str = "2026-11-21T10:00:00Z";

#[tokio::test]
async fn typography_is_shown_and_makes_no_revision_and_nothing_updated() {
    let (origin, app) = said("The \"last\" كتاب", "<p>A text, with words</p>").await;
    for (title, text, shown) in [
        ("The “last” کتاب", "<p>A text, with words</p>", "“last”"),
        (
            "The “last” کتاب",
            "<div>A text – with <b>words</b></div>",
            "&lt;b&gt;words",
        ),
        (
            "The “last” کتاب",
            "<p>A text with <a href='https://a.example/2'>words</a></p>",
            "a.example/2",
        ),
        (
            "The “last” کتاب",
            "<p>A text with words<img src='https://a.example/i.png'></p>",
            "i.png",
        ),
    ] {
        says(&app, &origin, title, text).await;
        assert_eq!(sent(&app, shown).await, (FIRST.to_owned(), true), "{title} {text}");
        assert!(history(&app).await.revisions.is_empty());
    }
}

#[tokio::test]
async fn words_make_a_revision_and_only_what_is_material_is_sent_again() {
    let (origin, app) = said("Goverment falls", "<p>It fell in the morning.</p>").await;
    says(&app, &origin, "Government falls", "<p>It fell in the morning.</p>").await;
    assert_eq!(sent(&app, "Government").await, (FIRST.to_owned(), true), "a typo");
    says(
        &app,
        &origin,
        "Government falls, 12 arrested",
        "<p>It fell in the morning.</p>",
    )
    .await;
    assert_eq!(
        sent(&app, "12 arrested").await,
        ("2026-11-22T12:30:00Z".to_owned(), true)
    );
    says(
        &app,
        &origin,
        "Government falls, 12 arrested",
        "<p>It fell in this morning.</p>",
    )
    .await;
    assert_eq!(
        sent(&app, "this morning").await,
        ("2026-11-22T12:30:00Z".to_owned(), true)
    );
    says(
        &app,
        &origin,
        "Government falls, 15 arrested",
        "<p>It fell in this morning.</p>",
    )
    .await;
    assert_eq!(sent(&app, "15 arrested").await.0, "2026-11-22T12:50:00Z");
    let history = history(&app).await;
    let seen: Vec<(u32, &str, bool)> = history
        .revisions
        .iter()
        .map(|revision| (revision.number, revision.text.title.as_str(), revision.is_material))
        .collect();
    assert_eq!(
        seen,
        [
            (0, "Goverment falls", false),
            (1, "Government falls", true),
            (2, "Government falls, 12 arrested", false),
            (3, "Government falls, 12 arrested", true)
        ]
    );
}

#[tokio::test]
async fn a_publisher_who_states_a_new_date_and_changes_nothing_material_moves_nothing() {
    let (origin, app) = said("Goverment falls", "<p>It fell.</p>").await;
    app.advance(minutes(60));
    let dated =
        |title: &str| item(title, "<p>It fell.</p>").replace("Sat, 21 Nov 2026 10:00", "Sun, 22 Nov 2026 12:30");
    for title in ["Goverment falls", "Government falls"] {
        origin.serve("/feed", dated(title));
        app.poll_all().await;
        assert_eq!(sent(&app, title).await, (FIRST.to_owned(), true));
    }
    origin.serve("/feed", dated("Government falls again"));
    app.poll_all().await;
    assert_eq!(sent(&app, "again").await.0, "2026-11-22T13:10:00Z");
}

#[tokio::test]
async fn small_edits_add_up() {
    let words = |from: usize, to: usize| (from..to).map(|n| format!("word{n} ")).collect::<String>();
    let (origin, app) = said("A title", &words(0, 100)).await;
    // Four words more each time: the third time they are twelve.
    for (to, updated) in [
        (104, FIRST),
        (108, FIRST),
        (112, "2026-11-22T12:40:00Z"),
        (116, "2026-11-22T12:40:00Z"),
    ] {
        says(&app, &origin, "A title", &words(0, to)).await;
        assert_eq!(
            sent(&app, &format!("word{}", to - 1)).await,
            (updated.to_owned(), true),
            "{to} words"
        );
    }
}

#[tokio::test]
async fn an_item_that_goes_back_and_forth_has_a_revision_for_each_text_and_is_sent_once() {
    let (origin, app) = said("Calm news", "<p>Text</p>").await;
    for round in 0..8 {
        let title = if round % 2 == 0 {
            "Calm news, and an advert"
        } else {
            "Calm news"
        };
        says(&app, &origin, title, "<p>Text</p>").await;
        assert_eq!(app.titles().await, [title], "the text follows");
    }
    assert_eq!(sent(&app, "").await.0, "2026-11-22T12:20:00Z", "the first time only");
    let history = history(&app).await;
    assert_eq!(history.revisions.len(), 2, "{history:?}");
    assert!(
        app.said(&["item", "history", "1"])
            .await
            .contains("it goes back and forth")
    );
}

#[tokio::test]
async fn a_live_blog_always_shows_its_newest_text_and_keeps_a_bounded_history() {
    let (origin, app) = said("Live: part 0", "<p>Text</p>").await;
    let polls = usize::try_from(MAX_REVISIONS).unwrap() + 20;
    for part in 1..=polls {
        says(&app, &origin, &format!("Live: part {part}"), "<p>Text</p>").await;
        assert_eq!(app.titles().await, [format!("Live: part {part}")]);
    }
    let kept = history(&app).await.revisions;
    assert!(kept.len() <= usize::try_from(MAX_REVISIONS).unwrap(), "{}", kept.len());
    assert_eq!(kept[0].text.title, "Live: part 0", "the first is kept");
    assert_eq!(
        kept.last().unwrap().text.title,
        format!("Live: part {}", polls - 1),
        "and the newest"
    );
    // 24 revisions at ten minutes each: the last time before it became restless.
    assert_eq!(sent(&app, "").await.0, "2026-11-22T16:10:00Z");
    app.advance(minutes(24 * 60));
    says(&app, &origin, "Live: the end", "<p>Text</p>").await;
    assert!(sent(&app, "the end").await.0.as_str() > "2026-11-23T16:10:00Z");
    let text = app.said(&["item", "history", "1"]).await;
    assert!(text.contains("revisions are no longer kept"), "{text}");
}

#[tokio::test]
async fn the_history_is_a_word_diff_for_people_and_json_for_programs() {
    let (origin, app) = said("12 dead in quake", "<p>A quake in the north.</p>").await;
    let never = app.said(&["item", "history", "1"]).await;
    assert!(never.contains("its words have not changed"), "{never}");
    says(&app, &origin, "15 dead in quake", "<p>A strong quake in the north.</p>").await;
    let text = app.said(&["item", "history", "https://a.example/1?utm_source=x"]).await;
    for line in [
        "item 1 of a",
        "15 dead in quake",
        "revision 0 was replaced at 2026-11-22 12:20:00Z; sent again as updated",
        "[-12-] {+15+} dead in quake",
        "A {+strong+} quake in the north.",
    ] {
        assert!(text.lines().any(|found| found == line), "{line:?} in {text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours but on a terminal");
    let json: serde_json::Value = serde_json::from_str(&app.said(&["item", "history", "1", "--json"]).await).unwrap();
    assert_eq!(json["title"], "15 dead in quake");
    let revision = &json["revisions"][0];
    assert_eq!(revision["title"], "12 dead in quake");
    assert_eq!(revision["text"], "A quake in the north.");
    assert_eq!(
        revision["title_diff"],
        serde_json::json!([{"removed": "12"}, {"added": "15"}, {"same": "dead in quake"}])
    );
    for (id, answer) in [
        ("2", "there is no item 2"),
        ("https://a.example/2", "no item has the address"),
        ("first", "neither the number of an item nor an address"),
    ] {
        let said = app.said(&["item", "history", id]).await;
        assert!(said.contains(answer), "{said}");
    }
}

#[tokio::test]
async fn a_feed_with_a_hold_gives_an_item_its_place_when_the_hold_is_over_and_corrections_within_are_silent() {
    let origin = Origin::start().await;
    let app = TestApp::new(&format!("{}hold = \"10m\"\n", feed("a", &origin.url("/feed")))).await;
    origin.serve("/feed", item("12 dead", "<p>Text</p>"));
    app.poll_all().await;
    assert!(app.titles().await.is_empty());
    app.advance(minutes(5));
    origin.serve("/feed", item("15 dead", "<p>Text</p>"));
    app.poll_all().await;
    app.advance(SignedDuration::from_secs(299));
    app.app.stories().place_all().await.unwrap();
    assert!(app.titles().await.is_empty(), "it is held from the first sight on");
    app.advance(SignedDuration::from_secs(1));
    app.app.stories().place_all().await.unwrap();
    assert_eq!(app.titles().await, ["15 dead"]);
    assert!(history(&app).await.revisions.is_empty());
    assert_eq!(sent(&app, "15 dead").await, (FIRST.to_owned(), true));
    // After that it is an item like all others.
    says(&app, &origin, "17 dead", "<p>Text</p>").await;
    assert_eq!(history(&app).await.revisions.len(), 1);
}

#[tokio::test]
async fn a_hold_that_is_changed_asks_no_publisher_again() {
    let origin = Origin::start().await;
    let config = feed("a", &origin.url("/feed"));
    let app = TestApp::new(&config).await;
    origin.serve("/feed", item("One", "<p>Text</p>"));
    app.poll().await;
    let before = app.status("a").await.next_poll_at;
    let app = app.restart(&format!("{config}hold = \"1h\"\n")).await;
    assert_eq!(app.status("a").await.next_poll_at, before);
    origin.serve("/feed", rss("A", &[("2", "Two", "https://a.example/2")]));
    app.poll_all().await;
    assert_eq!(app.titles().await, ["One"], "and counts at once");
}

#[tokio::test]
async fn a_clock_that_was_ahead_holds_nothing_for_years() {
    let origin = Origin::start().await;
    let config = format!("{}hold = \"10m\"\n", feed("a", &origin.url("/feed")));
    let app = TestApp::new(&config).await;
    origin.serve("/feed", item("One", "<p>Text</p>"));
    let now = app.now();
    app.advance(minutes(60 * 24 * 365));
    app.poll_all().await;
    app.clock.set(now);
    app.app.store.mend_due_times(now).await.unwrap();
    app.app.stories().place_all().await.unwrap();
    assert_eq!(app.titles().await, ["One"]);
}

#[tokio::test]
async fn a_view_with_a_hold_shows_a_story_when_it_is_over_though_nothing_is_written() {
    let origin = Origin::start().await;
    let views = "[[view]]\nname = \"calm\"\nhold = \"10m\"\n[[view]]\nname = \"all\"\n";
    let app = TestApp::new(&format!(
        "{}{}{views}",
        feed("a", &origin.url("/a")),
        feed("b", &origin.url("/b"))
    ))
    .await;
    origin.serve("/a", rss("A", &[("1", "One", "https://a.example/1")]));
    origin.serve("/b", rss("B", &[]));
    app.poll_all().await;
    let pages = Pages::of(&app).await;
    let get = async |name: &str, since: Option<&str>| {
        let since: Vec<(&str, &str)> = since.into_iter().map(|date| ("if-modified-since", date)).collect();
        let response = pages.get(&format!("/feeds/{name}.atom"), &since).await;
        let modified = response.headers()["last-modified"].to_str().unwrap().to_owned();
        let status = response.status().as_u16();
        (status, modified, response.text().await.unwrap().contains(">One<"))
    };
    let (_, empty_since, shown) = get("calm", None).await;
    assert!(!shown && get("all", None).await.2, "only that view holds it back");
    app.advance(minutes(10));
    let (status, modified, shown) = get("calm", Some(&empty_since)).await;
    assert!(shown && status == 200, "{status}");
    assert_eq!(
        modified, "Sun, 22 Nov 2026 12:10:00 GMT",
        "for its readers it has changed now"
    );
    assert_eq!(get("calm", Some(&modified)).await.0, 304);
    // Another feed that brings it takes it away from nobody.
    origin.serve("/b", rss("B", &[("1", "One more", "https://a.example/1")]));
    app.poll_all().await;
    assert!(get("calm", None).await.2);
}

/// Feeds and views with and without a hold; each view has a digest.
const HOLDS: [(&str, &str); 4] = [
    ("a", ""),
    ("b", "hold = \"10m\"\n"),
    ("c", "hold = \"3h\"\n"),
    ("d", ""),
];
const VIEWS: [(&str, &str); 3] = [
    ("all", ""),
    ("calm", "hold = \"45m\"\n"),
    ("some", "feeds = [\"b\", \"d\"]\nhold = \"25m\"\n"),
];

/// Numbers that look like chance, the same at each run.
struct Chance(u32);

impl Chance {
    fn throw(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) % sides
    }
}

async fn app_with_holds(origin: &Origin) -> TestApp {
    let feeds = HOLDS.map(|(name, hold)| format!("{}{hold}", feed(name, &origin.url(&format!("/{name}")))));
    let views = VIEWS.map(|(name, more)| {
        format!(
            "[[view]]\nname = \"{name}\"\n{more}[[digest]]\nname = \"{name}\"\nview = \"{name}\"\nschedule = \"@hourly\"\n\
             to = [\"r@example.org\"]\n"
        )
    });
    TestApp::new(&(feeds.concat() + &views.concat())).await
}

/// Makes an edition of a view now and counts what it tells; nothing that the view does not show yet.
async fn tell(app: &TestApp, name: &'static str, told: &mut BTreeMap<(&str, String), usize>) {
    let view = app.app.config.views.iter().find(|view| view.name == name).unwrap();
    let shown = newest_stories(&app.app.store, view, 10_000, app.now()).await.unwrap();
    let Some(edition) = app.app.digests().make_now(name).await.unwrap() else {
        return;
    };
    for story in app.app.store.edition(edition.id, 10_000).await.unwrap().1 {
        let is_shown = shown.iter().any(|seen| seen.id == story.id);
        assert!(is_shown, "{} before its time in {name}", story.title);
        *told.entry((name, story.title)).or_default() += 1;
    }
}

#[tokio::test]
async fn editions_with_holds_lose_nothing_and_repeat_nothing() {
    let origin = Origin::start().await;
    let app = app_with_holds(&origin).await;
    let (mut told, mut chance, mut count) = (BTreeMap::new(), Chance(7), 0);
    for step in 0..120 {
        for (name, _) in HOLDS {
            if step >= 80 || chance.throw(3) > 0 {
                continue;
            }
            let made = (0..=chance.throw(3)).map(|_| {
                count += 1;
                (format!("{name}-{count}"), format!("https://{name}.example/{count}"))
            });
            let made: Vec<(String, String)> = made.collect();
            let items: Vec<(&str, &str, &str)> =
                made.iter().map(|(title, link)| (&**title, &**title, &**link)).collect();
            origin.serve(&format!("/{name}"), rss(name, &items));
            app.poll_named(&[name]).await;
        }
        app.advance(minutes(i64::from(chance.throw(15))));
        if chance.throw(4) > 0 {
            app.app.stories().place_all().await.unwrap();
        }
        for (name, _) in VIEWS {
            if chance.throw(3) == 0 {
                tell(&app, name, &mut told).await;
            }
        }
    }
    app.advance(minutes(24 * 60));
    app.app.stories().place_all().await.unwrap();
    for (name, _) in VIEWS {
        tell(&app, name, &mut told).await;
    }
    let wanted: Vec<(&str, String)> = app
        .titles()
        .await
        .into_iter()
        .flat_map(|title| VIEWS.map(|(name, _)| (name, title.clone())))
        .filter(|(name, title)| *name != "some" || title.starts_with(['b', 'd']))
        .collect();
    assert!(count > 100 && wanted.len() > 2 * count, "{count}");
    let once: BTreeMap<(&str, String), usize> = wanted.into_iter().map(|story| (story, 1)).collect();
    assert_eq!(told, once);
}

#[tokio::test]
async fn an_item_that_is_held_keeps_no_other_from_an_edition() {
    let origin = Origin::start().await;
    let app = TestApp::new(&format!(
        "{}hold = \"24h\"\n{}[[view]]\nname = \"all\"\n[[digest]]\nname = \"d\"\nview = \"all\"\nschedule = \"@daily\"\n\
         to = [\"r@example.org\"]\n",
        feed("held", &origin.url("/held")),
        feed("free", &origin.url("/free"))
    ))
    .await;
    origin.serve("/held", rss("H", &[("1", "Held", "https://h.example/1")]));
    origin.serve("/free", rss("F", &[("1", "Free", "https://f.example/1")]));
    app.poll_named(&["held"]).await;
    app.poll_named(&["free"]).await;
    let told = async || {
        let edition = app.app.digests().make_now("d").await.unwrap();
        let edition = app.app.store.edition(edition.unwrap().id, 9).await.unwrap();
        edition.1.into_iter().map(|story| story.title).collect::<Vec<_>>()
    };
    assert_eq!(told().await, ["Free"]);
    app.advance(minutes(24 * 60));
    app.app.stories().place_all().await.unwrap();
    assert_eq!(told().await, ["Held"]);
    // The numbers of arrivals go on behind it.
    origin.serve("/free", rss("F", &[("2", "Free again", "https://f.example/2")]));
    app.poll_named(&["free"]).await;
    assert_eq!(told().await, ["Free again"]);
}
