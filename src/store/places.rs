//! Gives items their stories and stories their places: compares, ties, groups. One transaction at a time, in order of arrival.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::model::feed::FeedId;
use crate::model::item::ItemId;
use crate::model::story::{Comparison, StoryId, Telling, Tie, TieKind};
use crate::store::judge::{Judge, Recurring};
use crate::store::regroup::Book;
use crate::store::rows::{instant, signed};
use crate::store::stories::{bump_version, number_anew};
use crate::store::tail::{Shared, Tail};
use crate::store::{SqlResult, Store, StoreError, passages, ties};

/// Items that one is compared with, at most ...
const COMPARED: usize = 24;
/// ... of which so many of one story.
const OF_ONE_STORY: usize = 3;
/// Items with its link that one is compared with.
const OF_ONE_LINK: usize = 16;
/// How much of an item must stand in another of its feed for what recurs over the feed to be looked for.
const RECURRING_SHARE: f64 = 0.1;
/// Quotations that are kept of one item.
const MAX_QUOTED: usize = 16;

/// What one round of placing did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Placed {
    /// Items that have a story now, or were looked at again.
    pub items: usize,
    /// Stories opened.
    pub stories: usize,
}

impl Store {
    /// Gives up to `limit` waiting items, in order of arrival, their story, and each new story the next place; when none waits, looks
    /// again at as many that are in doubt.
    ///
    /// # Errors
    /// When the database fails; then nobody has got a place.
    pub async fn place_arrivals(&self, limit: usize, now: Timestamp, judge: &Judge) -> Result<Placed, StoreError> {
        let (judge, tail) = (judge.clone(), self.tail.clone());
        self.write("giving stories their places", move |db| {
            let turns = turns(db, limit, now)?;
            if turns.is_empty() {
                return Ok(Placed::default());
            }
            tail.lend(db, |tail| {
                let mut placing = Placing::new(db, &judge, now, tail)?;
                let mut placed = Placed::default();
                for (item, feed) in turns {
                    placing.place(item, feed)?;
                    placed.items += 1;
                }
                placed.stories = placing.book.opened;
                bump_version(db)?;
                Ok(placed)
            })
        })
        .await
    }

    /// Gives the item that waits first a story of its own, with nothing compared; when none waits, the first that is in doubt stays what
    /// it is. Its marks are forgotten, so that it stops no other.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn place_uncompared(&self, now: Timestamp, judge: &Judge) -> Result<Placed, StoreError> {
        let (judge, tail) = (judge.clone(), self.tail.clone());
        self.write("giving a story its place", move |db| {
            let Some((item, _)) = turns(db, 1, now)?.pop() else {
                return Ok(Placed::default());
            };
            passages::forget(db, item)?;
            // What is in memory may have them.
            tail.forget();
            let stories = tail.lend(db, |tail| {
                let mut placing = Placing::new(db, &judge, now, tail)?;
                let ItemRow { story, was_held, .. } = placing.row(item)?;
                if story.is_none() {
                    placing.open(item)?;
                }
                if story.is_none() && was_held {
                    number_anew(db, item)?;
                }
                Ok(placing.book.opened)
            })?;
            bump_version(db)?;
            Ok(Placed { items: 1, stories })
        })
        .await
    }

    /// Ends the writing of marks that was begun.
    ///
    /// # Errors
    /// When the database fails; then the next process writes them.
    pub async fn finish_marks(&self) -> Result<(), StoreError> {
        let tail = self.tail.clone();
        self.write("storing marks", move |db| tail.finish(db)).await
    }
}

/// Up to `limit` items that are to be placed: those that wait; when none does, those in doubt, which they are no longer.
fn turns(db: &Connection, limit: usize, now: Timestamp) -> SqlResult<Vec<(ItemId, FeedId)>> {
    match waiting(db, limit, now)? {
        none if none.is_empty() => doubted(db, limit),
        waiting => Ok(waiting),
    }
}

/// Those that are held arrive when their hold is over.
fn waiting(db: &Connection, limit: usize, now: Timestamp) -> SqlResult<Vec<(ItemId, FeedId)>> {
    let mut statement = db.prepare_cached(
        "select id, feed_id from item where story_id is null and held_until <= ? order by held_until, id limit ?",
    )?;
    let rows = statement.query_map(params![now.as_millisecond(), signed(limit)], |row| {
        Ok((ItemId(row.get(0)?), FeedId(row.get(1)?)))
    })?;
    rows.collect()
}

/// Items that are in doubt, which they are no longer.
fn doubted(db: &Connection, limit: usize) -> SqlResult<Vec<(ItemId, FeedId)>> {
    let mut statement = db.prepare_cached(
        "delete from doubt where item_id in (select item_id from doubt order by item_id limit ?)
         returning item_id, (select feed_id from item where id = item_id)",
    )?;
    let rows = statement.query_map([signed(limit)], |row| {
        let (item, feed): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
        Ok(feed.map(|feed| (ItemId(item), FeedId(feed))))
    })?;
    Ok(rows.collect::<SqlResult<Vec<_>>>()?.into_iter().flatten().collect())
}

/// What the table has of an item.
struct ItemRow {
    story: Option<StoryId>,
    /// Its link in canonical form; empty: none.
    link: String,
    /// Whether it had to wait for its place.
    was_held: bool,
}

/// One round of placing.
pub(super) struct Placing<'a> {
    db: &'a Connection,
    judge: &'a Judge,
    book: Book<'a>,
    recurring: Recurring,
    /// Feeds that were looked at for what recurs.
    looked_at: HashSet<FeedId>,
    tail: &'a mut Tail,
}

impl<'a> Placing<'a> {
    pub(super) fn new(db: &'a Connection, judge: &'a Judge, now: Timestamp, tail: &'a mut Tail) -> SqlResult<Self> {
        Ok(Self {
            db,
            judge,
            book: Book::new(db, judge, now)?,
            recurring: HashMap::new(),
            looked_at: HashSet::new(),
            tail,
        })
    }

    /// Compares one item with those that it may belong to, and gives it its story.
    fn place(&mut self, item: ItemId, feed: FeedId) -> SqlResult<()> {
        let marks = self.marks(item, feed)?;
        let ItemRow { story, link, was_held } = self.row(item)?;
        let mut candidates = self.candidates(item, feed, &marks, &link)?;
        if story.is_none() && !candidates.is_empty() {
            self.doubt_link(item, feed, &link)?;
        }
        if story.is_some() {
            let tied = ties::forget(self.db, item)?;
            candidates.extend(
                tied.into_iter()
                    .filter(|other| !candidates.contains(other))
                    .collect::<Vec<_>>(),
            );
        }
        let ties = if candidates.is_empty() {
            Vec::new()
        } else {
            self.compare(item, feed, &candidates)?
        };
        self.tail.remember(self.db, item, &marks)?;
        ties::write(self.db, &ties)?;
        if ties.iter().any(|tie| tie.kind == TieKind::Quotes) {
            ties::forget_in_common(self.db, item)?;
        }
        let quoting = ties
            .iter()
            .filter(|tie| tie.kind == TieKind::Quotes)
            .map(|tie| tie.item);
        for quoting in quoting.collect::<HashSet<_>>() {
            ties::bound_quotations(self.db, quoting, MAX_QUOTED)?;
        }
        let same = ties.iter().filter(|tie| tie.kind == TieKind::Same);
        let tied: Vec<ItemId> = same
            .map(|tie| if tie.item == item { tie.other } else { tie.item })
            .collect();
        match (story, tied.as_slice()) {
            (None, []) => self.open(item)?,
            (None, tied) if self.book.join(item, tied)? => {}
            (_, tied) => self.book.regroup(&[tied, &[item]].concat())?,
        }
        if story.is_none() && was_held {
            number_anew(self.db, item)?;
        }
        // Who is quoted leads.
        for quoted in ties
            .iter()
            .filter(|tie| tie.kind == TieKind::Quotes)
            .map(|tie| tie.other)
        {
            ties::forget_common(self.db, quoted)?;
            if let Some(story) = self.row(quoted)?.story {
                self.book.lead(story)?;
            }
        }
        Ok(())
    }

    fn open(&mut self, item: ItemId) -> SqlResult<()> {
        let story = self.book.open(&[item])?;
        self.book.give(story, &[item])
    }

    /// Parts an item from the others of its story, which keep it.
    pub(super) fn part_from_others(&mut self, item: ItemId) -> SqlResult<()> {
        self.book.part_from_others(item)
    }

    /// Parts items into stories anew.
    pub(super) fn regroup(&mut self, items: &[ItemId]) -> SqlResult<()> {
        self.book.regroup(items)
    }

    /// The marks of an item, but for those of what recurs over its feed.
    fn marks(&mut self, item: ItemId, feed: FeedId) -> SqlResult<Vec<i32>> {
        let mut marks = passages::marks_of(self.db, item)?;
        let mark = self.judge.mark;
        let recurring = self.recurring(feed)?;
        if !recurring.is_empty() {
            let recurring: HashSet<i32> = recurring.iter().map(|run| mark(*run)).collect();
            marks.retain(|mark| !recurring.contains(mark));
        }
        Ok(marks)
    }

    fn recurring(&mut self, feed: FeedId) -> SqlResult<&HashSet<u64>> {
        if !self.recurring.contains_key(&feed) {
            self.recurring.insert(feed, passages::recurring(self.db, feed)?);
        }
        Ok(self.recurring.entry(feed).or_default())
    }

    fn row(&self, item: ItemId) -> SqlResult<ItemRow> {
        self.db
            .prepare_cached("select story_id, canonical_link, held_until > 0 from item where id = ?")?
            .query_row([item.0], |row| {
                Ok(ItemRow {
                    story: row.get::<_, Option<i64>>(0)?.map(StoryId),
                    link: row.get(1)?,
                    was_held: row.get(2)?,
                })
            })
    }

    /// The items that one may belong to: those with its link in other feeds, and those that share the most marks with it.
    fn candidates(&self, item: ItemId, feed: FeedId, marks: &[i32], link: &str) -> SqlResult<Vec<ItemId>> {
        let (_, mut found) = self.of_link(item, feed, link)?;
        let mut shared = self.tail.count(self.db, marks)?;
        shared.remove(&item);
        let mut shared: Vec<(ItemId, Shared)> = shared.into_iter().collect();
        shared.sort_unstable_by_key(|(other, shared)| (Reverse(shared.marks), Reverse(*other)));
        let mut of_story: HashMap<i64, usize> = HashMap::new();
        for (other, shared) in shared {
            if found.len() >= COMPARED {
                break;
            }
            if found.contains(&other) || !self.tail.may_be_like(self.db, marks, other, shared)? {
                continue;
            }
            // One that waits for its place is compared when it gets it.
            if let Some(story) = self.row(other)?.story {
                let count = of_story.entry(story.0).or_default();
                *count += 1;
                if *count <= OF_ONE_STORY {
                    found.push(other);
                }
            }
        }
        Ok(found)
    }

    /// A link that a feed has twice names neither of its items: those of other feeds with it are looked at again.
    fn doubt_link(&self, item: ItemId, feed: FeedId, link: &str) -> SqlResult<()> {
        match self.of_link(item, feed, link)? {
            (own, _) if own.is_empty() => Ok(()),
            (_, others) => others.iter().try_for_each(|other| passages::doubt(self.db, *other)),
        }
    }

    /// The newest items with a link: those of the own feed, and those of others.
    fn of_link(&self, item: ItemId, feed: FeedId, link: &str) -> SqlResult<(Vec<ItemId>, Vec<ItemId>)> {
        if link.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let mut statement = self.db.prepare_cached(
            "select id, feed_id from item where canonical_link = ?1 and canonical_link <> '' and id <> ?2 and story_id is not null
             order by id desc limit ?3",
        )?;
        let rows = statement.query_map(params![link, item.0, signed(OF_ONE_LINK)], |row| {
            Ok((ItemId(row.get(0)?), FeedId(row.get(1)?)))
        })?;
        let (own, others): (Vec<_>, Vec<_>) = rows
            .collect::<SqlResult<Vec<_>>>()?
            .into_iter()
            .partition(|(_, of)| *of == feed);
        let items = |rows: Vec<(ItemId, FeedId)>| rows.into_iter().map(|(item, _)| item).collect();
        Ok((items(own), items(others)))
    }

    /// How an item belongs together with others. Where one of its own feed has parts of it and is not the same, what recurs over the
    /// feed is learned first.
    fn compare(&mut self, item: ItemId, feed: FeedId, others: &[ItemId]) -> SqlResult<Vec<Tie>> {
        let telling = telling(self.db, item)?;
        let others = self.tellings(others)?;
        let mut compared = (self.judge.compare)(&telling, &others, &self.recurring);
        let own: HashSet<ItemId> = others
            .iter()
            .filter(|other| other.feed == feed)
            .map(|other| other.item)
            .collect();
        let recurs = compared.iter().any(|compared| {
            let is_same = compared.tie.as_ref().is_some_and(|tie| tie.kind == TieKind::Same);
            own.contains(&compared.other) && !is_same && compared.shares.0.max(compared.shares.1) >= RECURRING_SHARE
        });
        if recurs && self.looked_at.insert(feed) && self.learn(&telling)? {
            compared = (self.judge.compare)(&telling, &others, &self.recurring);
        }
        let mut ties: Vec<Tie> = compared.into_iter().filter_map(|compared| compared.tie).collect();
        ties.sort_by(|a, b| {
            (a.kind != TieKind::Same)
                .cmp(&(b.kind != TieKind::Same))
                .then(b.share.total_cmp(&a.share))
        });
        Ok(ties)
    }

    /// Items as they are compared; what recurs over their feeds is known then.
    fn tellings(&mut self, items: &[ItemId]) -> SqlResult<Vec<Telling>> {
        let read = items.iter().map(|item| telling(self.db, *item));
        let read = read.collect::<SqlResult<Vec<_>>>()?;
        read.iter()
            .try_for_each(|telling| self.recurring(telling.feed).map(|_| ()))?;
        Ok(read)
    }

    /// An item compared with those that it may belong to, as it would be now.
    pub(super) fn comparisons(&mut self, item: ItemId) -> SqlResult<Vec<Comparison>> {
        let telling = telling(self.db, item)?;
        let marks = self.marks(item, telling.feed)?;
        let others = self.candidates(item, telling.feed, &marks, &telling.canonical_link)?;
        let others = self.tellings(&others)?;
        Ok((self.judge.compare)(&telling, &others, &self.recurring))
    }

    /// Looks at the last items of a feed for what recurs; those that have it are looked at again. Says whether there is news.
    fn learn(&mut self, telling: &Telling) -> SqlResult<bool> {
        let mut statement = self
            .db
            .prepare_cached(
                "select id, story_id from item where id in (select id from item where feed_id = ? order by +id desc limit ?)",
            )?;
        let rows = statement.query_map(params![telling.feed.0, signed(self.judge.looked_at)], |row| {
            Ok((ItemId(row.get(0)?), row.get::<_, Option<i64>>(1)?.map(StoryId)))
        })?;
        let rows = rows.collect::<SqlResult<Vec<_>>>()?;
        let last = rows
            .into_iter()
            .map(|(item, story)| Ok((self::telling(self.db, item)?, story)));
        let (runs, having) = (self.judge.recurring)(&last.collect::<SqlResult<Vec<_>>>()?);
        let known = self.recurring.entry(telling.feed).or_default();
        let is_news = passages::learn(self.db, telling.feed, known, runs)?;
        if is_news {
            having.iter().try_for_each(|item| passages::doubt(self.db, *item))?;
        }
        Ok(is_news)
    }
}

/// An item as it is compared.
pub(super) fn telling(db: &Connection, item: ItemId) -> SqlResult<Telling> {
    let read = |row: &Row<'_>| {
        Ok(Telling {
            item,
            feed: FeedId(row.get("feed_id")?),
            group: row.get("feed_group")?,
            at: instant(row, "at")?,
            link: row.get("link")?,
            canonical_link: row.get("canonical_link")?,
            title: row.get("title")?,
            html: row.get("html")?,
            shares_link: row.get("shares_link")?,
        })
    };
    db.prepare_cached(
        "select feed_id, feed_group, coalesce(published_at, first_seen_at) as at, link, canonical_link, item.title,
             iif(content = '', summary, content) as html,
             exists (select 1 from item i where i.canonical_link = item.canonical_link and i.canonical_link <> ''
                 and i.feed_id = item.feed_id and i.id <> item.id) as shares_link
         from item join item_text on item_id = item.id join feed on feed.id = feed_id where item.id = ?",
    )?
    .query_row([item.0], read)
}
