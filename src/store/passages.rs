//! The tables of marks: which items have parts of their texts in common, and what recurs over a feed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};

use crate::model::feed::FeedId;
use crate::model::item::ItemId;
use crate::store::SqlResult;
use crate::store::rows::signed;

/// Items with a mark that are looked at, the newest: what more have it in common than this is told often, not alike.
const ITEMS_OF_MARK: usize = 64;
/// A mark that so many items have, or fewer, is rare: they hardly share it by chance.
const RARE: usize = 4;
/// An item with so few marks may be like those that share a rare one of them; others have to share two.
const FEW_MARKS: usize = 8;
/// Runs of words that are known to recur over one feed, at most.
const MAX_RECURRING: usize = 4096;
/// Marks are stored when there are so many in memory ...
const MANY_MARKS: usize = 250_000;
/// ... or so many at the end.
const FEW_LEFT: usize = 30_000;

/// Keeps the marks of a new item until it gets its place.
pub(super) fn sketch(db: &Connection, item: ItemId, marks: &[i32]) -> SqlResult<()> {
    if marks.is_empty() {
        return Ok(());
    }
    let bytes: Vec<u8> = marks.iter().flat_map(|mark| mark.to_le_bytes()).collect();
    db.prepare_cached("insert or replace into sketch (item_id, marks) values (?, ?)")?
        .execute(params![item.0, bytes])
        .map(|_| ())
}

/// Keeps the marks of an item that was edited; if it has its place, it is to be looked at again.
pub(super) fn sketch_anew(db: &Connection, item: ItemId, marks: &[i32]) -> SqlResult<()> {
    let before = marks_of(db, item)?;
    if before == marks {
        return Ok(());
    }
    let mut forget = db.prepare_cached("delete from passage where mark = ? and item_id = ?")?;
    for mark in before {
        forget.execute(params![mark, item.0])?;
    }
    db.prepare_cached("delete from sketch where item_id = ?")?
        .execute([item.0])?;
    sketch(db, item, marks)?;
    doubt(db, item)
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

/// Marks are hashes already.
#[derive(Debug, Default, Clone, Copy)]
struct MarkHasher(u64);

impl Hasher for MarkHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0 << 8 | u64::from(*byte));
        // Tables take their places from the low bits and compare by the high ones.
        self.0 = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// The marks of the items that came last, for all who store and place items.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedTail(Arc<Mutex<Tail>>);

impl SharedTail {
    /// Lends them for one piece of work in a transaction. What the work puts there stays if it succeeds; else they are read anew.
    pub(super) fn lend<T>(&self, db: &Connection, work: impl FnOnce(&mut Tail) -> SqlResult<T>) -> SqlResult<T> {
        // Whoever fails leaves none behind.
        let mut tail = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        tail.catch_up(db)?;
        let done = work(&mut tail)?;
        tail.flush(db, MANY_MARKS)?;
        tail.stamp(db)?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = tail;
        Ok(done)
    }

    /// Puts them into the table, if there are so many that the next process would be long reading them.
    pub(super) fn flush(&self, db: &Connection) -> SqlResult<()> {
        self.lend(db, |tail| tail.flush(db, FEW_LEFT))
    }
}

/// The marks of the items that came last, which are not in the table yet: they go there many at once, in its order.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// By mark, the place of its newest entry.
    heads: HashMap<i32, usize, BuildHasherDefault<MarkHasher>>,
    /// How many marks each item has.
    sizes: HashMap<ItemId, usize>,
    /// Items, each with the place of the one before it that has the same mark.
    entries: Vec<(ItemId, Option<usize>)>,
    /// Items up to this one are in the table.
    after: i64,
    /// The last item that is here.
    last: i64,
    /// When it was looked at last: what changes when another process writes, and the last number of an item.
    seen: Option<(i64, i64)>,
}

impl Tail {
    /// Takes in what others have placed, and lets go what somebody else has put into the table.
    pub(super) fn catch_up(&mut self, db: &Connection) -> SqlResult<()> {
        let (version, number) = versions(db)?;
        match self.seen {
            // What was placed last was never committed.
            Some((_, last)) if last > number => *self = Self::default(),
            Some((before, _)) if before == version => return Ok(()),
            _ => {}
        }
        let after: Option<i64> = db
            .prepare_cached("select value from setting where name = 'passages_upto'")?
            .query_row([], |row| row.get(0))
            .optional()?;
        let after = after.unwrap_or_default();
        if after != self.after {
            *self = Self {
                after,
                last: after,
                ..Self::default()
            };
        }
        let mut statement = db.prepare_cached(
            "select item_id, marks from sketch join item on id = item_id where item_id > ? and story_id is not null order by item_id",
        )?;
        let mut rows = statement.query([self.last])?;
        while let Some(row) = rows.next()? {
            let item = ItemId(row.get(0)?);
            let (marks, _) = row.get_ref(1)?.as_blob()?.as_chunks::<4>();
            if self.sizes.insert(item, marks.len()).is_none() {
                marks.iter().for_each(|mark| self.add(i32::from_le_bytes(*mark), item));
            }
        }
        self.stamp(db)
    }

    /// Notes that everything up to now is here.
    fn stamp(&mut self, db: &Connection) -> SqlResult<()> {
        self.last = all_placed_upto(db)?.max(self.after);
        self.seen = Some(versions(db)?);
        Ok(())
    }

    /// Whether any item may be like one with these marks.
    pub(super) fn has_like(&self, db: &Connection, marks: &[i32]) -> SqlResult<bool> {
        for (item, shared) in self.count(db, marks)? {
            if self.may_be_like(db, marks, item, shared)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether an item may be like one with these marks, so many of which it shares.
    pub(super) fn may_be_like(&self, db: &Connection, marks: &[i32], item: ItemId, shared: Shared) -> SqlResult<bool> {
        if shared.marks > 1 {
            return Ok(true);
        }
        Ok(shared.has_rare && (marks.len() <= FEW_MARKS || self.size(db, item)? <= FEW_MARKS))
    }

    /// How many marks an item has.
    fn size(&self, db: &Connection, item: ItemId) -> SqlResult<usize> {
        match self.sizes.get(&item) {
            Some(size) => Ok(*size),
            None => marks_of(db, item).map(|marks| marks.len()),
        }
    }

    fn add(&mut self, mark: i32, item: ItemId) {
        let place = self.entries.len();
        let before = self.heads.insert(mark, place);
        self.entries.push((item, before));
    }

    /// The items with a mark, the newest first.
    fn having(&self, mark: i32) -> impl Iterator<Item = ItemId> {
        let newest = self.heads.get(&mark).copied();
        let entries = std::iter::successors(newest, |at| self.entries.get(*at).and_then(|(_, before)| *before));
        entries.filter_map(|at| self.entries.get(at).map(|(item, _)| *item))
    }

    /// Takes in the marks of an item that has got its place, or was looked at again.
    pub(super) fn remember(&mut self, db: &Connection, item: ItemId, marks: &[i32]) -> SqlResult<()> {
        if item.0 <= self.after {
            let mut insert = db.prepare_cached("insert or ignore into passage (mark, item_id) values (?, ?)")?;
            return marks
                .iter()
                .try_for_each(|mark| insert.execute(params![mark, item.0]).map(|_| ()));
        }
        let is_new = self.sizes.insert(item, marks.len()).is_none();
        for mark in marks {
            if is_new || !self.having(*mark).any(|other| other == item) {
                self.add(*mark, item);
            }
        }
        Ok(())
    }

    /// Puts everything into the table, if it is at least so many marks.
    fn flush(&mut self, db: &Connection, at_least: usize) -> SqlResult<()> {
        if self.entries.is_empty() || self.entries.len() < at_least {
            return Ok(());
        }
        let mut rows: Vec<(i32, ItemId)> = Vec::with_capacity(self.entries.len());
        for mark in self.heads.keys() {
            rows.extend(self.having(*mark).map(|item| (*mark, item)));
        }
        rows.sort_unstable();
        let mut insert = db.prepare_cached("insert or ignore into passage (mark, item_id) values (?, ?)")?;
        rows.iter()
            .try_for_each(|(mark, item)| insert.execute(params![mark, item.0]).map(|_| ()))?;
        let upto = all_placed_upto(db)?.max(self.after);
        db.prepare_cached("insert or replace into setting values ('passages_upto', ?)")?
            .execute([upto])?;
        *self = Self {
            after: upto,
            last: upto,
            ..Self::default()
        };
        Ok(())
    }

    /// Counts the marks that items share with one of these marks.
    pub(super) fn count(&self, db: &Connection, marks: &[i32]) -> SqlResult<BTreeMap<ItemId, Shared>> {
        let mut statement =
            db.prepare_cached("select item_id from passage where mark = ? order by item_id desc limit ?")?;
        let (mut shared, mut having): (BTreeMap<ItemId, Shared>, _) = (BTreeMap::new(), Vec::new());
        for mark in marks {
            having.clear();
            having.extend(self.having(*mark).take(ITEMS_OF_MARK));
            // Else nothing was ever put into the table.
            if self.after > 0 && having.len() < ITEMS_OF_MARK {
                let mut rows = statement.query(params![mark, signed(ITEMS_OF_MARK - having.len())])?;
                while let Some(row) = rows.next()? {
                    let item = ItemId(row.get(0)?);
                    // What came after one that waits may be here and there.
                    if !having.contains(&item) {
                        having.push(item);
                    }
                }
            }
            let is_rare = having.len() <= RARE;
            for item in &having {
                let shared = shared.entry(*item).or_default();
                shared.marks += 1;
                shared.has_rare |= is_rare;
            }
        }
        Ok(shared)
    }
}

/// What differs whenever another connection has written, and the last number that an item has.
fn versions(db: &Connection) -> SqlResult<(i64, i64)> {
    let version: i64 = db
        .prepare_cached("pragma data_version")?
        .query_row([], |row| row.get(0))?;
    let number: Option<i64> = db
        .prepare_cached("select seq from sqlite_sequence where name = 'item'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok((version, number.unwrap_or_default()))
}

/// The last item before the first that waits for its place and may get it from anybody; those that are held get it late.
fn all_placed_upto(db: &Connection) -> SqlResult<i64> {
    db.prepare_cached(
        "select coalesce((select min(id) - 1 from item where story_id is null and held_until = 0), (select max(id) from item), 0)",
    )?
    .query_row([], |row| row.get(0))
}

/// The marks that an item shares with another.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shared {
    /// How many.
    pub(super) marks: usize,
    /// Whether one of them stands in few items.
    pub(super) has_rare: bool,
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
    for run in runs {
        if known.len() < MAX_RECURRING && known.insert(run) {
            insert.execute(params![feed.0, run.cast_signed()])?;
        }
    }
    Ok(known.len() > before)
}
