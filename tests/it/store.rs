//! The store's promises: leases, one transaction an outcome, places without gaps, and a list of feeds that follows the configuration.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use tidings::model::feed::{Access, FeedIntent, FeedUrl, Manner};
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

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

const LEASE: Duration = Duration::from_secs(900);

async fn store(folder: &Path, feeds: &[FeedIntent]) -> Store {
    let store = Store::open(&folder.join("new/folder/tidings.db")).unwrap();
    store.sync_feeds(feeds.to_vec()).await.unwrap();
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
        let mut names = store.feed_names().await.unwrap();
        names.sort_by(|x, y| x.1.cmp(&y.1));
        names.into_iter().map(|(id, name, _)| (name, id.0)).collect::<Vec<_>>()
    };
    let before = ids(store.clone()).await;
    store.sync_feeds(vec![feed("b", "https://b.example/")]).await.unwrap();
    assert_eq!(ids(store.clone()).await, before[1..]);
    assert!(store.has_former_feeds().await.unwrap());
    // Back again, and the other under a new name.
    store
        .sync_feeds(vec![
            feed("a", "https://a.example/"),
            feed("renamed", "https://b.example/"),
        ])
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
    assert_eq!(store.feed_names().await.unwrap().len(), 1);
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
        .sync_feeds(vec![feed("a", y), feed("b", z), feed("c", x)])
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
    store.sync_feeds(vec![feed("c", y), feed("b", z)]).await.unwrap();
    assert_eq!(
        names(&by_address().await),
        [(ids[1], "c".to_owned()), (ids[2], "b".to_owned())]
    );
    store
        .sync_feeds(vec![feed("c", y), feed("b", z), feed("again", x)])
        .await
        .unwrap();
    assert_eq!(names(&by_address().await)[0], (ids[0], "again".to_owned()));
    // A feed that moved keeps its row and starts afresh.
    store
        .sync_feeds(vec![feed("c", y), feed("b", z), feed("again", "https://new.example/")])
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
