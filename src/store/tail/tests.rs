#![allow(clippy::unwrap_used, reason = "tests")]

use std::ops::RangeInclusive;

use rusqlite::Connection;

use super::{MANY_MARKS, MANY_NEW, STEP, SharedTail, Tail};
use crate::model::item::ItemId;
use crate::store::passages::sketch;
use crate::store::{SqlResult, migrations};

/// Marks of an item of these tests.
const MARKS: usize = 500;

fn database(path: &std::path::Path) -> Connection {
    let mut db = Connection::open(path).unwrap();
    migrations::apply(&mut db).unwrap();
    db.execute_batch(
        "insert or ignore into feed (id, name, url) values (1, 'a', 'https://a.example/');
         insert or ignore into story (id, seq, uid, leader_item_id, changed_at) values (1, 1, x'00', 1, 0);",
    )
    .unwrap();
    db
}

fn marks(item: i64) -> Vec<i32> {
    let first = i32::try_from(item).unwrap() * 1000;
    (first..).take(MARKS).collect()
}

/// An item arrives, and gets its story.
fn arrive(db: &Connection, tail: &SharedTail, item: i64) -> SqlResult<()> {
    arrive_at_once(db, tail, item..=item)
}

fn arrive_at_once(db: &Connection, tail: &SharedTail, items: RangeInclusive<i64>) -> SqlResult<()> {
    tail.lend(db, |tail| items.into_iter().try_for_each(|item| store(db, tail, item)))
}

fn store(db: &Connection, tail: &mut Tail, item: i64) -> SqlResult<()> {
    db.execute(
            "insert into item (id, feed_id, key, raw_hash, content_hash, guid, link, canonical_link, title, language, details,
                 first_seen_at, story_id) values (?1, 1, cast(?1 as blob), x'', x'', '', '', '', '', '', '{}', 0, 1)",
            [item],
        )?;
    sketch(db, ItemId(item), &marks(item))?;
    tail.remember(db, ItemId(item), &marks(item))
}

/// The items that an item like this one may be like.
fn like(db: &Connection, tail: &SharedTail, item: i64) -> Vec<i64> {
    let found = tail.lend(db, |tail| tail.count(db, &marks(item))).unwrap();
    let alike = found.into_iter().filter(|(_, shared)| shared.marks == MARKS);
    alike.map(|(item, _)| item.0).collect()
}

fn written(db: &Connection) -> usize {
    let rows: i64 = db
        .query_row("select count(*) from passage", [], |row| row.get(0))
        .unwrap();
    usize::try_from(rows).unwrap()
}

#[test]
fn marks_are_found_in_memory_and_on_their_way_and_in_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(&folder.path().join("a.db"));
    let tail = SharedTail::default();
    let transaction = db.unchecked_transaction().unwrap();
    let items = i64::try_from(2 * MANY_MARKS / MARKS).unwrap();
    let mut was_on_the_way = false;
    for item in 1..=items {
        arrive(&db, &tail, item).unwrap();
        was_on_the_way |= (1..MANY_NEW).contains(&written(&db));
        if item % 64 == 0 {
            assert_eq!(like(&db, &tail, 1), [1], "after {item}");
            assert_eq!(like(&db, &tail, item), [item]);
            // The next process reads what is not known to be in the table.
            assert_eq!(like(&db, &SharedTail::default(), 1), [1], "anew after {item}");
            assert_eq!(like(&db, &SharedTail::default(), item), [item]);
        }
    }
    assert!(was_on_the_way);
    tail.finish(&db).unwrap();
    assert!(written(&db) >= MANY_MARKS);
    let held = tail.0.lock().unwrap();
    assert!(held.marks.entries.len() < MANY_MARKS, "{}", held.marks.entries.len());
    drop(held);
    transaction.commit().unwrap();
}

#[test]
fn what_was_begun_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(&folder.path().join("a.db"));
    let tail = SharedTail::default();
    let items = i64::try_from(MANY_NEW / MARKS).unwrap();
    let transaction = db.unchecked_transaction().unwrap();
    for item in 1..=items {
        arrive(&db, &tail, item).unwrap();
    }
    assert_eq!(written(&db), 2 * MARKS);
    tail.finish(&db).unwrap();
    assert_eq!(written(&db), MANY_NEW);
    transaction.commit().unwrap();
    let upto = "select value from setting where name = 'passages_upto'";
    assert_eq!(db.query_row(upto, [], |row| row.get::<_, i64>(0)).unwrap(), items);
}

#[test]
fn what_was_never_committed_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(&folder.path().join("a.db"));
    let tail = SharedTail::default();
    arrive(&db, &tail, 1).unwrap();
    // The work fails ...
    let failed = tail.lend(&db, |tail| {
        tail.remember(&db, ItemId(2), &marks(2))?;
        db.execute("no statement", []).map(|_| ())
    });
    assert!(failed.is_err());
    assert_eq!(like(&db, &tail, 2), [0; 0]);
    // ... or what it did is taken back with all else of its transaction, even what left for the table.
    let items = i64::try_from(MANY_NEW / MARKS).unwrap();
    arrive_at_once(&db, &tail, 2..=items).unwrap();
    let transaction = db.unchecked_transaction().unwrap();
    tail.finish(&db).unwrap();
    transaction.rollback().unwrap();
    tail.forget();
    tail.finish(&db).unwrap();
    assert_eq!(written(&db), MANY_NEW);
}

#[test]
fn more_leaves_than_comes() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(&folder.path().join("a.db"));
    let tail = SharedTail::default();
    let transaction = db.unchecked_transaction().unwrap();
    // Four times what leaves with a piece of work that brings little.
    let many = i64::try_from(4 * STEP / MARKS).unwrap();
    for first in (1..=1500).step_by(usize::try_from(many).unwrap()) {
        arrive_at_once(&db, &tail, first..=first + many - 1).unwrap();
        let held = tail.0.lock().unwrap().marks.entries.len();
        assert!(held < MANY_MARKS + 2 * MANY_NEW, "{held} after {first}");
    }
    transaction.commit().unwrap();
}

#[test]
fn what_another_process_has_placed_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (one, other) = (database(&path), database(&path));
    let (tail, others) = (SharedTail::default(), SharedTail::default());
    arrive(&one, &tail, 1).unwrap();
    arrive(&other, &others, 2).unwrap();
    arrive(&one, &tail, 3).unwrap();
    assert_eq!(like(&one, &tail, 2), [2]);
    assert_eq!(like(&other, &others, 3), [3]);
    assert_eq!(like(&other, &others, 1), [1]);
    // One that was held has a number from long before.
    one.execute("update item set story_id = null, held_until = 1 where id = 2", [])
        .unwrap();
    arrive(&one, &tail, 4).unwrap();
    assert_eq!(like(&one, &SharedTail::default(), 2), [0; 0]);
    let tail = SharedTail::default();
    assert_eq!(like(&one, &tail, 4), [4]);
    other.execute("update item set story_id = 1 where id = 2", []).unwrap();
    assert_eq!(like(&one, &tail, 2), [2]);
}

#[test]
fn an_item_that_is_told_again_is_found_by_both_texts() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(&folder.path().join("a.db"));
    let tail = SharedTail::default();
    arrive(&db, &tail, 1).unwrap();
    tail.lend(&db, |tail| tail.remember(&db, ItemId(1), &marks(9))).unwrap();
    assert_eq!(like(&db, &tail, 9), [1]);
    assert_eq!(like(&db, &tail, 1), [1]);
}
