//! The search: what is found and in which order, and that the index follows whatever happens.

use serde_json::Value;
use tidings::store::search::Found;
use tidings::store::{Store, StoreError};
use tidings::text::fold::query::Query;

use crate::support::app::{BASICS, TestApp, feed};
use crate::support::daemon::{Daemon, tidings};
use crate::support::eventually;
use crate::support::origin::Origin;

/// A feed of items: identifier, title, text, date.
fn document(items: &[(&str, &str, &str, &str)]) -> String {
    let escaped = |html: &str| html.replace('&', "&amp;").replace('<', "&lt;");
    let items: String = items
        .iter()
        .map(|(id, title, html, date)| {
            format!(
                "<item><guid>{id}</guid><title>{title}</title><link>https://n.example/{id}</link><pubDate>{date}</pubDate>\
                 <description>{}</description></item>",
                escaped(html)
            )
        })
        .collect();
    format!("<rss version=\"2.0\"><channel><title>News</title>{items}</channel></rss>")
}

const TODAY: &str = "Sun, 22 Nov 2026 08:00:00 GMT";
const LAST_YEAR: &str = "Sat, 22 Nov 2025 08:00:00 GMT";

/// An app that has polled these items once.
async fn with_items(origin: &Origin, items: &[(&str, &str, &str, &str)]) -> TestApp {
    origin.serve("/feed", document(items));
    let app = TestApp::new(&feed("a", &origin.url("/feed"))).await;
    app.poll_all().await;
    app
}

async fn complete(app: &TestApp) {
    app.app.index().catch_up(|_| ()).await.unwrap();
    assert_eq!(app.app.store.not_indexed().await.unwrap(), 0);
}

async fn found(app: &TestApp, query: &str) -> Vec<Found> {
    let query = Query::parse(query).expect("words to look for");
    app.app.store.search(&query, 20, app.now()).await.unwrap()
}

async fn titles(app: &TestApp, query: &str) -> Vec<String> {
    found(app, query).await.into_iter().map(|found| found.title).collect()
}

#[tokio::test]
async fn persian_is_found_in_every_spelling() {
    let origin = Origin::start().await;
    let app = with_items(
        &origin,
        &[
            ("1", "جوان", "<p>نگاهي به كتاب‌هاي تازه در سال ۱۴۰۵</p>", TODAY),
            ("2", "پیر", "<p>گفتگو دربارهٔ خانه‌ی قدیمی کوه‌نوردان، می‌روم</p>", TODAY),
            ("3", "میان", "<p>کتاب ها را <b>می</b> خوانم</p>", TODAY),
        ],
    )
    .await;
    complete(&app).await;
    for (query, title) in [
        ("نگاهی", "جوان"),
        ("نگاهي", "جوان"),
        ("کتاب‌های", "جوان"),
        ("كتابهاي", "جوان"),
        ("کتاب های", "جوان"),
        ("1405", "جوان"),
        ("١٤٠٥", "جوان"),
        ("درباره", "پیر"),
        ("خانهٔ قدیمی", "پیر"),
        ("خانه قديمي", "پیر"),
        ("می روم", "پیر"),
        ("ميروم", "پیر"),
        ("کوه نوردان", "پیر"),
        ("کوه‌نوردان قدیمی", "پیر"),
        ("کتاب‌ها", "میان"),
        ("کتاب ها", "میان"),
        ("می‌خوانم", "میان"),
        ("\"ها را\"", "میان"),
        ("کتابها", "میان"),
        ("میخوانم", "میان"),
    ] {
        assert_eq!(titles(&app, query).await, [title], "{query}");
    }
    assert!(titles(&app, "کتابدار").await.is_empty());
}

#[tokio::test]
async fn words_phrases_exclusions_beginnings_and_characters_find_what_they_say() {
    let origin = Origin::start().await;
    let app = with_items(
        &origin,
        &[
            ("1", "Peace", "<p>The peace talks go on, says the Café.</p>", TODAY),
            ("2", "War", "<p>Talks of peace and of war</p><p>technology</p>", TODAY),
            ("3", "China", "<p>在中国人民</p><p>国中</p>", TODAY),
        ],
    )
    .await;
    complete(&app).await;
    for (query, expected) in [
        ("peace talks", &["Peace", "War"][..]),
        ("\"peace talks\"", &["Peace"]),
        ("peace -war", &["Peace"]),
        ("talks -\"peace talks\"", &["War"]),
        ("techno*", &["War"]),
        ("techno", &[]),
        ("CAFE says", &["Peace"]),
        ("中国", &["China"]),
        ("国人民", &["China"]),
        ("国在", &[]),
        ("war technology peace china", &[]),
    ] {
        let mut titles = titles(&app, query).await;
        titles.sort();
        assert_eq!(titles, expected, "{query}");
    }
}

#[tokio::test]
async fn the_best_and_newest_come_first() {
    let origin = Origin::start().await;
    let app = with_items(
        &origin,
        &[
            ("1", "Old bridge", "<p>bridge bridge bridge</p>", LAST_YEAR),
            (
                "2",
                "Town",
                "<p>About many other things and also about a bridge in it</p>",
                TODAY,
            ),
            (
                "3",
                "The bridge",
                "<p>Nothing else, but many words of other things here</p>",
                TODAY,
            ),
            ("4", "Twin", "<p>pylon</p>", TODAY),
            ("5", "Twin again", "<p>pylon</p>", TODAY),
            ("6", "Twin again", "<p>pylon</p>", LAST_YEAR),
        ],
    )
    .await;
    complete(&app).await;
    assert_eq!(titles(&app, "bridge").await, ["The bridge", "Town", "Old bridge"]);
    let twins: Vec<i64> = found(&app, "pylon").await.iter().map(|found| found.item.0).collect();
    let newest_of_equals = found(&app, "twin").await;
    assert_eq!(twins.len(), 3);
    assert!(
        newest_of_equals
            .windows(2)
            .all(|pair| pair[0].score >= pair[1].score && pair[1].score > 0.0)
    );
    // Equal in all: the one that arrived last.
    let app = with_items(
        &origin,
        &[("1", "A", "<p>one</p>", TODAY), ("2", "B", "<p>one</p>", TODAY)],
    )
    .await;
    complete(&app).await;
    let equals = found(&app, "one").await;
    assert!(equals[0].item > equals[1].item && equals[0].score.total_cmp(&equals[1].score).is_eq());
}

#[tokio::test]
async fn a_story_is_found_once_by_its_best_item_and_an_item_without_one_by_itself() {
    let origin = Origin::start().await;
    origin.serve(
        "/a",
        document(&[("1", "One", "<p>A bridge and many other words</p>", TODAY)]),
    );
    origin.serve("/b", document(&[("1", "The bridge", "<p>A bridge</p>", TODAY)]));
    let app = TestApp::new(&(feed("a", &origin.url("/a")) + &feed("b", &origin.url("/b")))).await;
    app.poll_all().await;
    complete(&app).await;
    let once = found(&app, "bridge").await;
    assert_eq!(once.len(), 1);
    assert_eq!((once[0].title.as_str(), once[0].feed.as_str()), ("The bridge", "b"));
    assert!(once[0].story.is_some());
    let db = rusqlite::Connection::open(app.folder.path().join("data/tidings.db")).unwrap();
    db.execute("update item set story_id = null where title = 'The bridge'", [])
        .unwrap();
    let both = found(&app, "bridge").await;
    assert_eq!(both.len(), 2);
    assert!(both[0].story.is_none() && both[1].story.is_some());
}

#[tokio::test]
async fn polls_never_index_and_an_edit_is_found_by_its_new_words_only() {
    let origin = Origin::start().await;
    let app = with_items(
        &origin,
        &[
            ("1", "Elephants", "<p>grey</p>", TODAY),
            ("2", "Mice", "<p>small</p>", TODAY),
        ],
    )
    .await;
    assert_eq!(app.app.store.not_indexed().await.unwrap(), 2);
    assert!(titles(&app, "elephants").await.is_empty());
    complete(&app).await;
    assert_eq!(titles(&app, "elephants").await, ["Elephants"]);
    origin.serve(
        "/feed",
        document(&[
            ("1", "Giraffes", "<p>tall</p>", TODAY),
            ("2", "Mice", "<p>small</p>", TODAY),
        ]),
    );
    app.poll_all().await;
    assert_eq!(
        app.app.store.not_indexed().await.unwrap(),
        1,
        "only the edited one waits"
    );
    complete(&app).await;
    assert!(titles(&app, "elephants").await.is_empty() && titles(&app, "grey").await.is_empty());
    assert_eq!(titles(&app, "tall giraffes").await, ["Giraffes"]);
    assert_eq!(titles(&app, "mice").await, ["Mice"]);
    app.poll_all().await;
    assert_eq!(
        app.app.store.not_indexed().await.unwrap(),
        0,
        "a poll without news leaves nothing to index"
    );
}

#[tokio::test]
async fn a_deleted_item_is_not_in_the_index() {
    let origin = Origin::start().await;
    let app = with_items(&origin, &[("1", "Elephants", "<p>grey</p>", TODAY)]).await;
    complete(&app).await;
    let db = rusqlite::Connection::open(app.folder.path().join("data/tidings.db")).unwrap();
    let matching = || -> i64 {
        db.query_row(
            "select count(*) from search where search match 'elephants'",
            [],
            |row| row.get(0),
        )
        .unwrap()
    };
    assert_eq!(matching(), 1);
    db.execute_batch("delete from item_text; update item set story_id = null; delete from item")
        .unwrap();
    assert_eq!(matching(), 0);
}

#[tokio::test]
async fn index_and_how_far_it_is_go_together_through_failures_and_restarts() {
    let origin = Origin::start().await;
    let items: Vec<(String, String)> = (0..5).map(|n| (n.to_string(), format!("Item {n}"))).collect();
    let items: Vec<_> = items
        .iter()
        .map(|(id, title)| (id.as_str(), title.as_str(), "<p>x</p>", TODAY))
        .collect();
    let app = with_items(&origin, &items).await;
    assert_eq!(app.app.store.index_some(2).await.unwrap(), 2);
    let config = feed("a", &origin.url("/feed"));
    let app = app.restart(&config).await;
    assert_eq!(titles(&app, "item").await.len(), 2);
    // A batch that fails leaves both as they were.
    let path = app.folder.path().join("data/tidings.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(
        "create trigger fail before update on setting begin select raise(abort, 'full'); end;
         create trigger fail_new before insert on setting begin select raise(abort, 'full'); end;",
    )
    .unwrap();
    let failed = app.app.store.index_some(2).await.unwrap_err();
    assert!(matches!(failed, StoreError::Sqlite(..)), "{failed:?}");
    db.execute_batch("drop trigger fail; drop trigger fail_new").unwrap();
    assert_eq!(
        (
            titles(&app, "item").await.len(),
            app.app.store.not_indexed().await.unwrap()
        ),
        (2, 3)
    );
    // Two that index at once index each item once.
    let other = Store::open(&path).unwrap();
    while app.app.store.not_indexed().await.unwrap() > 0 {
        let (one, two) = tokio::join!(app.app.store.index_some(1), other.index_some(1));
        one.unwrap();
        two.unwrap();
    }
    assert_eq!(titles(&app, "item").await.len(), 5);
    db.execute_batch("create virtual table temp.indexed using fts5vocab (main, search, row)")
        .unwrap();
    let sql = "select cnt from temp.indexed where term = 'item'";
    let count: i64 = db.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(count, 5);
}

#[tokio::test]
async fn no_query_is_wrong() {
    let origin = Origin::start().await;
    let app = with_items(&origin, &[("1", "Near title", "<p>and or not</p>", TODAY)]).await;
    complete(&app).await;
    let long = ["\"near title\" ", "NEAR(", "中国 ", "* - "].concat().repeat(400);
    for query in [
        "\"near",
        "near*",
        "NEAR(title near)",
        "title: near",
        "title:near",
        "near AND",
        "OR near",
        "near NOT NOT",
        "^near",
        "{title}: near",
        "near + title",
        "'near",
        "near'; drop table item; --",
        "near\0title",
        "(((near",
        "near\\",
        "\"near\"\"title\"",
        "-x near",
        long.as_str(),
    ] {
        let parsed = Query::parse(query).expect("words to look for");
        app.app
            .store
            .search(&parsed, 20, app.now())
            .await
            .unwrap_or_else(|e| panic!("{query}: {e:?}"));
    }
    assert_eq!(titles(&app, "title: near").await, ["Near title"]);
    assert_eq!(titles(&app, "NOT and OR").await, ["Near title"]);
}

#[tokio::test]
async fn the_command_indexes_what_is_new_and_prints_what_it_found() {
    let origin = Origin::start().await;
    let app = with_items(
        &origin,
        &[
            ("1", "كتاب‌هاي تازه", "<p>نگاهي به <b>كتاب‌ها</b>.</p>", TODAY),
            ("2", "Other", "<p>things</p>", TODAY),
        ],
    )
    .await;
    let said = app.said(&["search", "کتابها", "-things"]).await;
    assert!(
        said.starts_with("كتاب‌هاي تازه\n  a, 2026-11-22 08:00:00Z, https://n.example/1\n  نگاهي به [كتاب‌ها].\n"),
        "{said}"
    );
    let lines = app.said(&["search", "--json", "--limit", "1", "نگاهی"]).await;
    let line: Value = serde_json::from_str(lines.trim_end()).unwrap();
    let keys: Vec<&String> = line.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 9);
    for (key, value) in [
        ("feed", "a"),
        ("title", "كتاب‌هاي تازه"),
        ("link", "https://n.example/1"),
        ("published", "2026-11-22T08:00:00Z"),
        ("excerpt", "نگاهي به كتاب‌ها."),
    ] {
        assert_eq!(line[key], value, "{line}");
    }
    let story = &app
        .stories()
        .await
        .into_iter()
        .find(|story| story.link.ends_with("/1"))
        .unwrap();
    assert_eq!(
        (line["story"].as_str(), line["seq"].as_i64()),
        (Some(&*story.uid.to_string()), Some(story.seq.0))
    );
    assert!(line["item"].is_number() && line["score"].as_f64().unwrap() > 0.0);
    assert_eq!(app.said(&["search", "nowhere"]).await, "nothing was found\n");
    assert_eq!(
        app.said(&["search", "nowhere", "--json", "--limit", "3", "-x"]).await,
        ""
    );
    let refused = app.said(&["search", "x", "--limit", "0"]).await;
    assert!(refused.contains("--limit"), "{refused}");
    let mut wrong = tidings(&app.folder.path().join("tidings.toml"));
    let wrong = wrong.args(["search", "?!", "-things"]).output().await.unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("no word to look for"));
}

#[tokio::test]
async fn a_database_that_another_process_keeps_to_itself_is_searched_as_far_as_it_is_indexed() {
    let origin = Origin::start().await;
    let app = with_items(&origin, &[("1", "One bridge", "<p>x</p>", TODAY)]).await;
    complete(&app).await;
    origin.serve(
        "/feed",
        document(&[
            ("1", "One bridge", "<p>x</p>", TODAY),
            ("2", "Two bridges", "<p>y</p>", TODAY),
        ]),
    );
    app.poll_all().await;
    let db = rusqlite::Connection::open(app.folder.path().join("data/tidings.db")).unwrap();
    db.execute_batch("begin immediate").unwrap();
    let said = app.said(&["search", "bridge*"]).await;
    assert!(said.contains("One [bridge]") && !said.contains("[bridges]"), "{said}");
    assert!(
        said.contains("the newest 1 items are not searched: the database is locked"),
        "{said}"
    );
    db.execute_batch("rollback").unwrap();
    assert!(app.said(&["search", "bridge*"]).await.contains("Two [bridges]"));
}

#[tokio::test]
async fn the_daemon_indexes_what_comes() {
    let (origin, folder) = (Origin::start().await, tempfile::tempdir().unwrap());
    origin.serve("/feed", document(&[("1", "Elephants", "<p>grey</p>", TODAY)]));
    let config = folder.path().join("tidings.toml");
    let text = format!(
        "{BASICS}[web]\nlisten = \"127.0.0.1:0\"\n{}",
        feed("a", &origin.url("/feed"))
    );
    std::fs::write(&config, text).unwrap();
    let daemon = Daemon::start(&config).await;
    let store = Store::open(&folder.path().join("data/tidings.db")).unwrap();
    let query = Query::parse("elephants").unwrap();
    let found = eventually("the item in the index", || async {
        let found = store.search(&query, 1, jiff::Timestamp::UNIX_EPOCH).await.unwrap();
        found.into_iter().next()
    })
    .await;
    assert_eq!(found.title, "Elephants");
    assert_eq!(daemon.stop().await, 0);
}
