//! The marks of all items with a place: the newest in memory, the others in a table.
//!
//! They get into the table many at once, in its order, a part with each piece of work: a mark may be here and there, and is nowhere
//! missing. What is not known to be in the table is read from the items again.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use crate::model::item::ItemId;
use crate::model::story::share_enough;
use crate::store::SqlResult;
use crate::store::passages::marks_of;
use crate::store::rows::signed;

/// Items with a mark that are looked at, the newest: what more have it in common than this is told often, not alike.
const ITEMS_OF_MARK: usize = 64;
/// A mark that so many items have, or fewer, is rare: they hardly share it by chance.
const RARE: usize = 12;
/// Marks in memory leave for the table when so many have not ...
const MANY_NEW: usize = 64_000;
/// ... so many with each piece of work, which does not wait until all are there ...
const STEP: usize = 640;
/// ... and are let go when there are so many.
const MANY_MARKS: usize = 256_000;
const INSERT: &str = "insert or ignore into passage (mark, item_id) values (?, ?)";
/// Rows that one statement inserts.
const MANY_ROWS: usize = 32;
/// Not the place of any entry.
const NOWHERE: u32 = u32::MAX;

/// Marks are hashes already.
#[derive(Debug, Default, Clone, Copy)]
struct MarkHasher(u64);

impl MarkHasher {
    /// Tables take their places from the low bits and compare by the high ones.
    fn spread(&mut self, bits: u64) {
        self.0 = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for MarkHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.spread(bytes.iter().fold(self.0, |sum, byte| sum << 8 | u64::from(*byte)));
    }

    fn write_i32(&mut self, mark: i32) {
        self.spread(u64::from(mark.cast_unsigned()));
    }

    fn write_i64(&mut self, item: i64) {
        self.spread(item.cast_unsigned());
    }
}

type Table<K, V> = HashMap<K, V, BuildHasherDefault<MarkHasher>>;

/// The marks, for all who store and place items.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedTail(Arc<Mutex<Tail>>);

impl SharedTail {
    /// Lends them for one piece of work in a transaction. What the work puts there stays if it succeeds.
    pub(super) fn lend<T>(&self, db: &Connection, work: impl FnOnce(&mut Tail) -> SqlResult<T>) -> SqlResult<T> {
        // Whoever fails leaves none behind.
        let mut tail = self.take();
        tail.catch_up(db)?;
        let before = tail.marks.entries.len();
        let done = work(&mut tail)?;
        let added = tail.marks.entries.len().saturating_sub(before);
        tail.send_off(db)?;
        // Always more than comes: else they would never all be there.
        tail.write(db, STEP.max(2 * added))?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = tail;
        Ok(done)
    }

    /// Ends what was begun: the next process would begin it again.
    pub(super) fn finish(&self, db: &Connection) -> SqlResult<()> {
        self.lend(db, |tail| {
            tail.write(db, usize::MAX)?;
            tail.send_off(db)?;
            tail.write(db, usize::MAX)
        })
    }

    /// What was put there last was never committed: all are to be read anew.
    pub(super) fn forget(&self) {
        drop(self.take());
    }

    fn take(&self) -> Tail {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Marks in memory.
#[derive(Debug, Default)]
struct Marks {
    /// By mark, the place of its newest entry.
    heads: Table<i32, u32>,
    /// In the order in which they came, each with the place of the one before it that has the same mark.
    entries: Vec<(i32, u32, ItemId)>,
    /// How many marks each item has.
    sizes: Table<i64, usize>,
}

impl Marks {
    fn add(&mut self, mark: i32, item: ItemId) {
        let place = u32::try_from(self.entries.len()).unwrap_or(NOWHERE);
        let before = self.heads.insert(mark, place).unwrap_or(NOWHERE);
        self.entries.push((mark, before, item));
    }

    /// The items with a mark, the newest first.
    fn having(&self, mark: i32) -> impl Iterator<Item = ItemId> {
        let entry = |place: u32| self.entries.get(usize::try_from(place).ok()?).copied();
        let newest = self.heads.get(&mark).and_then(|place| entry(*place));
        std::iter::successors(newest, move |(_, before, _)| entry(*before)).map(|(_, _, item)| item)
    }

    /// Those that came at this place and later.
    fn since(&self, place: usize) -> &[(i32, u32, ItemId)] {
        self.entries.get(place..).unwrap_or_default()
    }

    /// Only those that came at this place and later.
    fn only_since(&self, place: usize) -> Self {
        let mut newest = Self::default();
        for (mark, _, item) in self.since(place) {
            newest.add(*mark, *item);
            let size = self.sizes.get(&item.0).copied();
            newest.sizes.insert(item.0, size.unwrap_or_default());
        }
        newest
    }
}

/// Marks on their way into the table.
#[derive(Debug, Default)]
struct Leaving {
    /// In the order of the table.
    rows: Vec<(i32, ItemId)>,
    /// So many of the rows are there.
    written: usize,
    /// When all are there, those of all items up to this one are.
    upto: i64,
}

/// The marks of the items that came last, and the way to those of the others.
#[derive(Debug, Default)]
pub(super) struct Tail {
    marks: Marks,
    /// Those before this place have left for the table.
    sent: usize,
    leaving: Option<Leaving>,
    /// The marks of items up to this one are in the table.
    after: i64,
    /// Whether some are only there.
    has_more: bool,
    /// What differs when another process has written; None: nothing is here yet.
    seen: Option<i64>,
}

impl Tail {
    /// Reads the marks that are not known to be in the table, unless they are here already and nobody else has written.
    pub(super) fn catch_up(&mut self, db: &Connection) -> SqlResult<()> {
        let version: i64 = db
            .prepare_cached("pragma data_version")?
            .query_row([], |row| row.get(0))?;
        if self.seen == Some(version) {
            return Ok(());
        }
        let after: Option<i64> = db
            .prepare_cached("select value from setting where name = 'passages_upto'")?
            .query_row([], |row| row.get(0))
            .optional()?;
        let after = after.unwrap_or_default();
        *self = Self {
            after,
            has_more: after > 0,
            seen: Some(version),
            ..Self::default()
        };
        let mut statement = db.prepare_cached(
            "select item_id, marks from sketch where item_id > ? and item_id not in (select id from item where story_id is null)
             order by item_id",
        )?;
        let mut rows = statement.query([after])?;
        while let Some(row) = rows.next()? {
            let item = ItemId(row.get(0)?);
            let (marks, _) = row.get_ref(1)?.as_blob()?.as_chunks::<4>();
            self.marks.sizes.insert(item.0, marks.len());
            marks
                .iter()
                .for_each(|mark| self.marks.add(i32::from_le_bytes(*mark), item));
        }
        Ok(())
    }

    /// Takes in the marks of an item that has got its place, or was looked at again.
    pub(super) fn remember(&mut self, db: &Connection, item: ItemId, marks: &[i32]) -> SqlResult<()> {
        if item.0 <= self.leaving.as_ref().map_or(self.after, |leaving| leaving.upto) {
            // Nobody will look for it among the items.
            let mut insert = db.prepare_cached(INSERT)?;
            for mark in marks {
                insert.execute(params![mark, item.0])?;
            }
        }
        let is_new = self.marks.sizes.insert(item.0, marks.len()).is_none();
        for mark in marks {
            if is_new || !self.marks.having(*mark).any(|other| other == item) {
                self.marks.add(*mark, item);
            }
        }
        Ok(())
    }

    /// Marks that are new leave for the table, when there are many and none is on its way.
    fn send_off(&mut self, db: &Connection) -> SqlResult<()> {
        let new = self.marks.since(self.sent);
        if self.leaving.is_some() || new.len() < MANY_NEW {
            return Ok(());
        }
        let mut rows: Vec<(i32, ItemId)> = new.iter().map(|(mark, _, item)| (*mark, *item)).collect();
        rows.sort_unstable();
        self.sent = self.marks.entries.len();
        self.leaving = Some(Leaving {
            rows,
            written: 0,
            upto: all_placed_upto(db)?.max(self.after),
        });
        Ok(())
    }

    /// Puts up to `limit` of those that leave into the table.
    fn write(&mut self, db: &Connection, limit: usize) -> SqlResult<()> {
        let Some(leaving) = &mut self.leaving else {
            return Ok(());
        };
        let end = leaving.written.saturating_add(limit).min(leaving.rows.len());
        insert_all(db, leaving.rows.get(leaving.written..end).unwrap_or_default())?;
        leaving.written = end;
        if end == leaving.rows.len() {
            self.after = leaving.upto;
            self.leaving = None;
            db.prepare_cached("insert or replace into setting values ('passages_upto', ?)")?
                .execute([self.after])?;
            if self.marks.entries.len() >= MANY_MARKS {
                self.marks = self.marks.only_since(self.sent);
                self.sent = 0;
                self.has_more = true;
            }
        }
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
        if shared.marks > 1 || !shared.has_rare {
            return Ok(shared.marks > 1);
        }
        let size = match self.marks.sizes.get(&item.0) {
            Some(size) => *size,
            None => marks_of(db, item)?.len(),
        };
        Ok(share_enough(1, (marks.len(), size)))
    }

    /// Counts the marks that items share with one of these marks.
    pub(super) fn count(&self, db: &Connection, marks: &[i32]) -> SqlResult<BTreeMap<ItemId, Shared>> {
        let of_mark = "select item_id from passage where mark = ? order by item_id desc limit ?";
        let mut statement = self.has_more.then(|| db.prepare_cached(of_mark)).transpose()?;
        let (mut shared, mut having): (BTreeMap<ItemId, Shared>, _) = (BTreeMap::new(), Vec::new());
        for mark in marks {
            having.clear();
            having.extend(self.marks.having(*mark).take(ITEMS_OF_MARK));
            if let Some(statement) = &mut statement
                && having.len() < ITEMS_OF_MARK
            {
                let mut rows = statement.query(params![mark, signed(ITEMS_OF_MARK - having.len())])?;
                while let Some(row) = rows.next()? {
                    let item = ItemId(row.get(0)?);
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

/// The marks that an item shares with another.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shared {
    /// How many.
    pub(super) marks: usize,
    /// Whether one of them stands in few items.
    pub(super) has_rare: bool,
}

/// Rows in the order of the table.
fn insert_all(db: &Connection, rows: &[(i32, ItemId)]) -> SqlResult<()> {
    // A statement costs as much as some rows.
    let (many, few) = rows.as_chunks::<MANY_ROWS>();
    let mut insert = db.prepare_cached(&format!("{INSERT}{}", ", (?, ?)".repeat(MANY_ROWS - 1)))?;
    for rows in many {
        let values = rows.iter().flat_map(|(mark, item)| [i64::from(*mark), item.0]);
        insert.execute(params_from_iter(values))?;
    }
    let mut insert = db.prepare_cached(INSERT)?;
    few.iter()
        .try_for_each(|(mark, item)| insert.execute(params![mark, item.0]).map(|_| ()))
}

/// The last item before the first that waits for its place and may get it from anybody; those that are held get it late.
fn all_placed_upto(db: &Connection) -> SqlResult<i64> {
    db.prepare_cached(
        "select coalesce((select min(id) - 1 from item where story_id is null and held_until = 0), (select max(id) from item), 0)",
    )?
    .query_row([], |row| row.get(0))
}

#[cfg(test)]
mod tests;
