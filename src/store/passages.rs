//! The tables of marks and of what recurs over a feed.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, params};

use crate::model::feed::FeedId;
use crate::model::item::ItemId;
use crate::store::SqlResult;

/// Runs of words that are known to recur over one feed, at most.
const MAX_RECURRING: usize = 4096;

/// Keeps the marks of a new item.
pub(super) fn sketch(db: &Connection, item: ItemId, marks: &[i32]) -> SqlResult<()> {
    if marks.is_empty() {
        return Ok(());
    }
    let bytes: Vec<u8> = marks.iter().flat_map(|mark| mark.to_le_bytes()).collect();
    db.prepare_cached("insert or replace into sketch (item_id, marks) values (?, ?)")?
        .execute(params![item.0, bytes])
        .map(|_| ())
}

/// Keeps the marks of an item that was edited.
pub(super) fn sketch_anew(db: &Connection, item: ItemId, marks: &[i32]) -> SqlResult<()> {
    if marks_of(db, item)? == marks {
        return Ok(());
    }
    forget(db, item)?;
    sketch(db, item, marks)
}

/// Forgets the marks of an item.
pub(super) fn forget(db: &Connection, item: ItemId) -> SqlResult<()> {
    let mut forget = db.prepare_cached("delete from passage where mark = ? and item_id = ?")?;
    for mark in marks_of(db, item)? {
        forget.execute(params![mark, item.0])?;
    }
    db.prepare_cached("delete from sketch where item_id = ?")?
        .execute([item.0])
        .map(|_| ())
}

/// An item that has its place is to be looked at again.
pub(super) fn doubt(db: &Connection, item: ItemId) -> SqlResult<()> {
    db.prepare_cached("insert or ignore into doubt select id from item where id = ? and story_id is not null")?
        .execute([item.0])
        .map(|_| ())
}

/// The marks of an item.
pub(super) fn marks_of(db: &Connection, item: ItemId) -> SqlResult<Vec<i32>> {
    let bytes: Option<Vec<u8>> = db
        .prepare_cached("select marks from sketch where item_id = ?")?
        .query_row([item.0], |row| row.get(0))
        .optional()?;
    let (marks, _) = bytes.as_deref().unwrap_or_default().as_chunks::<4>();
    Ok(marks.iter().map(|mark| i32::from_le_bytes(*mark)).collect())
}

/// The runs that recur over a feed.
pub(super) fn recurring(db: &Connection, feed: FeedId) -> SqlResult<HashSet<u64>> {
    let mut statement = db.prepare_cached("select run from boilerplate where feed_id = ?")?;
    let runs = statement.query_map([feed.0], |row| row.get::<_, i64>(0).map(i64::cast_unsigned))?;
    runs.collect()
}

/// Adds to the runs that recur over a feed; they are never forgotten. Says whether any of them is news.
pub(super) fn learn(db: &Connection, feed: FeedId, known: &mut HashSet<u64>, runs: HashSet<u64>) -> SqlResult<bool> {
    let mut insert = db.prepare_cached("insert or ignore into boilerplate (feed_id, run) values (?, ?)")?;
    let before = known.len();
    // Where there is no room for all, the same ones have it each time.
    let mut runs: Vec<u64> = runs.into_iter().collect();
    runs.sort_unstable();
    for run in runs {
        if known.len() < MAX_RECURRING && known.insert(run) {
            insert.execute(params![feed.0, run.cast_signed()])?;
        }
    }
    Ok(known.len() > before)
}
