//! The store's promises: leases, one transaction an outcome, places without gaps, and a list of feeds that follows the configuration.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use tidings::model::feed::{Access, FeedIntent, FeedUrl, Manner, Select};
use tidings::model::feed_list::FeedList;
use tidings::store::due::Wanted;
use tidings::store::{Store, StoreError};

fn feed(name: &str, url: &str) -> FeedIntent {
    FeedIntent {
        name: name.to_owned(),
        url: FeedUrl::parse(url).unwrap(),
        group: String::new(),
        manner: Manner::default(),
        access: Access::default(),
    }
}

fn list<const N: usize>(feeds: [FeedIntent; N]) -> FeedList {
    feeds.into_iter().collect()
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

const LEASE: Duration = Duration::from_secs(900);

async fn store(folder: &Path, feeds: &[FeedIntent]) -> Store {
    let store = Store::open(&folder.join("new/folder/tidings.db")).unwrap();
    store.sync_feeds(feeds.iter().cloned().collect()).await.unwrap();
    store
}

#[tokio::test]
async fn a_feed_is_claimed_once_until_its_lease_is_over_or_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(
        folder.path(),
        &[feed("a", "https://a.example/"), feed("b", "https://b.example/")],
    )
    .await;
    let names = |feeds: Vec<tidings::model::feed::FeedForPoll>| feeds.into_iter().map(|f| f.name).collect::<Vec<_>>();
    let first = store.claim(Wanted::Due, now(), LEASE, 1).await.unwrap();
    let id = first[0].id;
    assert_eq!(names(first), ["a"]);
    assert_eq!(names(store.claim(Wanted::Due, now(), LEASE, 9).await.unwrap()), ["b"]);
    assert!(
        store
            .claim(Wanted::These(vec![id]), now(), LEASE, 9)
            .await
            .unwrap()
            .is_empty()
    );
    store.give_back(vec![id]).await.unwrap();
    assert_eq!(names(store.claim(Wanted::Due, now(), LEASE, 9).await.unwrap()), ["a"]);
    let later = now() + LEASE;
    assert_eq!(store.claim(Wanted::Due, later, LEASE, 9).await.unwrap().len(), 2);
}

#[tokio::test]
async fn feeds_follow_the_configuration_and_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(
        folder.path(),
        &[feed("a", "https://a.example/"), feed("b", "https://b.example/")],
    )
    .await;
    let ids = |store: Store| async move {
        let feeds = store.feeds_after("", 9).await.unwrap();
        feeds.into_iter().map(|feed| (feed.name, feed.id.0)).collect::<Vec<_>>()
    };
    let before = ids(store.clone()).await;
    store.sync_feeds(list([feed("b", "https://b.example/")])).await.unwrap();
    assert_eq!(ids(store.clone()).await, before[1..]);
    // Back again, and the other under a new name.
    store
        .sync_feeds(list([
            feed("a", "https://a.example/"),
            feed("renamed", "https://b.example/"),
        ]))
        .await
        .unwrap();
    let after = ids(store.clone()).await;
    assert_eq!(
        after,
        [("a".to_owned(), before[0].1), ("renamed".to_owned(), before[1].1)]
    );
}

#[tokio::test]
async fn a_database_locked_by_another_process_is_an_error_with_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), &[feed("a", "https://a.example/")]).await;
    let other = rusqlite::Connection::open(folder.path().join("new/folder/tidings.db")).unwrap();
    other.execute_batch("begin immediate").unwrap();
    // Readers see the last commit all the while.
    assert_eq!(store.feed_ids().await.unwrap().len(), 1);
    let waiting = store.release_leases();
    other.execute_batch("rollback").unwrap();
    waiting.await.unwrap();
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tidings.db");
    std::fs::write(&path, "This is a letter, not a database. ".repeat(100)).unwrap();
    let refused = Store::open(&path).unwrap_err();
    assert!(matches!(refused, StoreError::Open(..)), "{refused:?}");
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("This is a letter"));
}

#[tokio::test]
async fn names_and_addresses_that_change_places_take_their_items_along() {
    let folder = tempfile::tempdir().unwrap();
    let (x, y, z) = ("https://x.example/", "https://y.example/", "https://z.example/");
    let store = store(folder.path(), &[feed("a", x), feed("b", y), feed("c", z)]).await;
    let by_address = || async {
        let claimed = store.claim(Wanted::Due, now(), LEASE, 9).await.unwrap();
        store
            .give_back(claimed.iter().map(|feed| feed.id).collect())
            .await
            .unwrap();
        let mut feeds: Vec<_> = claimed
            .iter()
            .map(|feed| (feed.url.to_string(), feed.id.0, feed.name.clone()))
            .collect();
        feeds.sort();
        feeds
    };
    let before = by_address().await;
    let ids = [before[0].1, before[1].1, before[2].1];
    // A circle of names.
    store
        .sync_feeds(list([feed("a", y), feed("b", z), feed("c", x)]))
        .await
        .unwrap();
    let names = |feeds: &[(String, i64, String)]| {
        feeds
            .iter()
            .map(|(_, id, name)| (*id, name.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(&by_address().await),
        [
            (ids[0], "c".to_owned()),
            (ids[1], "a".to_owned()),
            (ids[2], "b".to_owned())
        ]
    );
    // One leaves, and another takes its name; its own address comes back under a third.
    store.sync_feeds(list([feed("c", y), feed("b", z)])).await.unwrap();
    assert_eq!(
        names(&by_address().await),
        [(ids[1], "c".to_owned()), (ids[2], "b".to_owned())]
    );
    store
        .sync_feeds(list([feed("c", y), feed("b", z), feed("again", x)]))
        .await
        .unwrap();
    assert_eq!(names(&by_address().await)[0], (ids[0], "again".to_owned()));
    // A feed that moved keeps its row and starts afresh.
    store
        .sync_feeds(list([
            feed("c", y),
            feed("b", z),
            feed("again", "https://new.example/"),
        ]))
        .await
        .unwrap();
    assert_eq!(names(&by_address().await)[0], (ids[0], "again".to_owned()));
}

#[tokio::test]
async fn the_next_due_time_is_that_of_a_feed_or_of_a_claim() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), &[feed("a", "https://a.example/")]).await;
    assert!(store.next_due(now()).await.unwrap().unwrap() <= now());
    store.claim(Wanted::Due, now(), LEASE, 9).await.unwrap();
    assert_eq!(store.next_due(now()).await.unwrap(), Some(now() + LEASE));
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(
        self::store(empty.path(), &[]).await.next_due(now()).await.unwrap(),
        None
    );
}

/// All of a row, under the names of its columns.
fn row(folder: &Path, name: &str) -> Vec<(String, rusqlite::types::Value)> {
    let db = rusqlite::Connection::open(folder.join("new/folder/tidings.db")).unwrap();
    let mut statement = db.prepare("select * from feed where name = ?").unwrap();
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    statement
        .query_row([name], |row| {
            columns
                .into_iter()
                .enumerate()
                .map(|(at, column)| Ok((column, row.get(at)?)))
                .collect()
        })
        .unwrap()
}

#[tokio::test]
async fn a_feed_that_is_configured_where_it_has_moved_to_goes_on_and_elsewhere_it_starts_afresh() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = ("https://old.example/", "https://new.example/");
    let store = store(folder.path(), &[feed("a", old), feed("b", "https://b.example/")]).await;
    let live = "update feed set etag = x'01', last_modified = x'02', document_hash = x'03', rhythm = x'04', pace = 3, polls = 7, entries = 5,
        failures = 2, next_poll_at = 99, next_poll_why = 'why', last_success_at = 8, hub_url = 'h', refused_url = 'r',
        moved_url = 'https://new.example/', moved_at = 4, move_url = 'https://new.example/', move_since = 1, move_polls = 3,
        notice = 'it has moved'";
    let db = rusqlite::Connection::open(folder.path().join("new/folder/tidings.db")).unwrap();
    db.execute_batch(live).unwrap();
    let before = row(folder.path(), "a");
    // A former feed at the new address does not come between them.
    db.execute_batch("insert into feed (name, url, configured) values ('former', 'https://new.example/', 0)")
        .unwrap();
    store
        .sync_feeds(list([feed("a", new), feed("b", "https://elsewhere.example/")]))
        .await
        .unwrap();
    let expected: Vec<_> = before
        .iter()
        .map(|(column, value)| {
            let value = match column.as_str() {
                "url" => new.to_owned().into(),
                "moved_url" | "move_url" | "notice" => String::new().into(),
                "moved_at" | "move_since" => rusqlite::types::Value::Null,
                "move_polls" => 0.into(),
                _ => value.clone(),
            };
            (column.clone(), value)
        })
        .collect();
    assert_eq!(row(folder.path(), "a"), expected);
    // The other had moved too, but its operator says something else: only its row, its items and its counts stay.
    let kept = ["id", "name", "configured", "polls"];
    let fresh_url = ("url".to_owned(), "https://elsewhere.example/".to_owned().into());
    let b = row(folder.path(), "b");
    assert!(b.contains(&fresh_url), "{b:?}");
    db.execute_batch(
        "insert into feed (name, url, polls, next_poll_why) values ('fresh', '', 7, 'its address is new')",
    )
    .unwrap();
    for ((column, value), (_, fresh)) in b.iter().zip(row(folder.path(), "fresh")) {
        if !kept.contains(&column.as_str()) && column != "url" {
            assert_eq!(*value, fresh, "{column}");
        }
    }
}

#[tokio::test]
async fn other_selectors_are_another_source_and_another_zone_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let url = "https://a.example/";
    let store = store(folder.path(), &[feed("a", url)]).await;
    let db = rusqlite::Connection::open(folder.path().join("new/folder/tidings.db")).unwrap();
    let state = || {
        db.query_row("select offered_url, last_success_at, etag from feed", [], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, Option<i64>>(1)?,
                row.get::<_, Option<Vec<u8>>>(2)?,
            ))
        })
        .unwrap()
    };
    let with = |time_zone: &str, item: &str| FeedIntent {
        manner: Manner {
            time_zone: time_zone.to_owned(),
            identity: None,
            select: (!item.is_empty()).then(|| Select {
                item: item.to_owned(),
                ..Select::default()
            }),
            ..Manner::default()
        },
        ..feed("a", url)
    };
    for (intent, offered, success) in [
        (with("Asia/Tehran", ""), "o", Some(5)),
        (with("Asia/Tehran", "li"), "", None),
        (with("", "li"), "o", Some(5)),
        (with("", "li.x"), "", None),
    ] {
        db.execute_batch("update feed set offered_url = 'o', last_success_at = 5, etag = x'00'")
            .unwrap();
        store.sync_feeds(list([intent])).await.unwrap();
        assert_eq!(state(), (offered.to_owned(), success, None));
    }
}

#[tokio::test]
async fn a_feed_that_is_asked_in_another_way_is_asked_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = "https://a.example/";
    let store = store(folder.path(), &[feed("a", url), feed("b", "https://b.example/")]).await;
    let db = rusqlite::Connection::open(folder.path().join("new/folder/tidings.db")).unwrap();
    db.execute_batch("update feed set next_poll_at = 99, failures = 3, etag = x'00'")
        .unwrap();
    let access = Access {
        proxy: "http://proxy.example/".to_owned(),
        ..Access::default()
    };
    let proxied = FeedIntent {
        access,
        ..feed("a", url)
    };
    store
        .sync_feeds(list([proxied, feed("b", "https://b.example/")]))
        .await
        .unwrap();
    let state = |name| {
        let sql = "select next_poll_at, failures, etag is not null, access from feed where name = ?";
        db.query_row(sql, [name], |row| {
            Ok((
                row.get::<_, u32>(0)?,
                row.get::<_, u32>(1)?,
                row.get::<_, bool>(2)?,
                row.get::<_, String>(3)?,
            ))
        })
        .unwrap()
    };
    assert_eq!(
        state("a"),
        (0, 0, true, "{\"proxy\":\"http://proxy.example/\"}".to_owned())
    );
    assert_eq!(state("b"), (99, 3, true, String::new()));
}

#[tokio::test]
async fn many_feeds_are_stored_and_only_what_changes_is_written() {
    const MANY: u32 = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path(), &[]).await;
    let numbered = |number: u32| FeedIntent {
        group: format!("g{}", number % 100),
        ..feed(
            &format!("f{number}"),
            &format!("https://{}.example/{number}", number % 999),
        )
    };
    store.sync_feeds((0..MANY).map(numbered).collect()).await.unwrap();
    assert_eq!(store.feed_ids().await.unwrap().len(), MANY as usize);
    let db = rusqlite::Connection::open(folder.path().join("new/folder/tidings.db")).unwrap();
    db.execute_batch(
        "create table written (id integer);
         create trigger seen after update on feed begin insert into written values (new.id); end;",
    )
    .unwrap();
    // Ten are gone, ten have new names, ten new addresses, ten another group; and ten are new.
    let changed = |number: u32| match number / 10 {
        0 => None,
        1 => Some(FeedIntent {
            name: format!("renamed {number}"),
            ..numbered(number)
        }),
        2 => Some(FeedIntent {
            url: FeedUrl::parse(&format!("https://new.example/{number}")).unwrap(),
            ..numbered(number)
        }),
        3 => Some(FeedIntent {
            group: "other".to_owned(),
            ..numbered(number)
        }),
        _ => Some(numbered(number)),
    };
    store
        .sync_feeds((0..MANY + 10).rev().filter_map(changed).collect())
        .await
        .unwrap();
    let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(count("select count(*) from feed where configured = 1"), MANY);
    assert_eq!(count("select count(*) from feed where configured = 0"), 10);
    assert_eq!(
        count("select count(*) from feed where name like 'renamed %' and id between 11 and 20"),
        10
    );
    assert_eq!(
        count("select count(*) from feed where url like 'https://new.example/%' and id between 21 and 30"),
        10
    );
    assert_eq!(
        count("select count(*) from feed where feed_group = 'other' and id between 31 and 40"),
        10
    );
    assert_eq!(count("select count(distinct id) from written"), 40);
}
