//! Places one item: compares it with those that it may belong to, learns what recurs over its feed, ties it, and gives it its story.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::model::feed::FeedId;
use crate::model::item::ItemId;
use crate::model::story::{Comparison, RECURRING_SHARE, StoryId, Telling, Tie, TieKind, share_enough};
use crate::store::judge::{Judge, Recurring};
use crate::store::regroup::Book;
use crate::store::rows::{instant, signed};
use crate::store::stories::number_anew;
use crate::store::tail::{Shared, Tail};
use crate::store::{SqlResult, passages, ties};

/// Items that one is compared with, at most ...
const COMPARED: usize = 48;
/// ... of which so many of one story.
const OF_ONE_STORY: usize = 8;
/// Items with its link that one is compared with.
const OF_ONE_LINK: usize = 16;
/// Quotations that are kept of one item.
const MAX_QUOTED: usize = 16;

/// What the table has of an item.
struct ItemRow {
    feed: FeedId,
    story: Option<StoryId>,
    /// Its link in canonical form; empty: none.
    link: String,
    /// Whether it had to wait for its place.
    was_held: bool,
}

/// What was found of an item.
struct Look {
    /// Its marks, but for those of what recurs.
    marks: Vec<i32>,
    /// Whether it was compared with any.
    has_others: bool,
    /// How it belongs together with them.
    ties: Vec<Tie>,
}

/// One round of placing.
pub(super) struct Placing<'a> {
    db: &'a Connection,
    judge: &'a Judge,
    book: Book<'a>,
    recurring: Recurring,
    /// The same as marks, of the feeds that were asked for.
    recurring_marks: HashMap<FeedId, HashSet<i32>>,
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
            recurring_marks: HashMap::new(),
            looked_at: HashSet::new(),
            tail,
        })
    }

    /// Stories opened.
    pub(super) fn opened(&self) -> usize {
        self.book.opened
    }

    /// Gives an item that has none a story of its own, with nothing compared.
    pub(super) fn place_alone(&mut self, item: ItemId) -> SqlResult<()> {
        let ItemRow { story, was_held, .. } = self.row(item)?;
        if story.is_some() {
            return Ok(());
        }
        self.open(item)?;
        if was_held {
            number_anew(self.db, item)?;
        }
        Ok(())
    }

    /// Compares one item with those that it may belong to, and gives it its story.
    pub(super) fn place(&mut self, item: ItemId, feed: FeedId) -> SqlResult<()> {
        let ItemRow {
            story, link, was_held, ..
        } = self.row(item)?;
        let tied = match story {
            Some(_) => ties::forget(self.db, item)?,
            None => Vec::new(),
        };
        let Look {
            marks,
            has_others,
            ties,
        } = self.look(item, feed, &link, &tied)?;
        if story.is_none() && has_others {
            self.doubt_link(item, feed, &link)?;
        }
        self.tail.remember(self.db, item, &marks)?;
        ties::write(self.db, &ties)?;
        // Who is quoted leads, and who is no longer may not.
        let mut around: HashSet<ItemId> = tied.into_iter().collect();
        let quotations = ties.iter().filter(|tie| tie.kind == TieKind::Quotes);
        for quoting in quotations.clone().map(|tie| tie.item).collect::<HashSet<_>>() {
            around.extend(ties::around_quotation(self.db, quoting)?);
            ties::bound_quotations(self.db, quoting, MAX_QUOTED)?;
        }
        let quoted: Vec<ItemId> = quotations.map(|tie| tie.other).collect();
        let same = ties.iter().filter(|tie| tie.kind == TieKind::Same);
        let together: Vec<ItemId> = same
            .map(|tie| if tie.item == item { tie.other } else { tie.item })
            .collect();
        match (story, together.as_slice()) {
            (None, []) => self.open(item)?,
            (None, others) if self.book.join(item, others)? => {}
            (_, others) => self.book.regroup(&[others, &[item]].concat())?,
        }
        if story.is_none() && was_held {
            number_anew(self.db, item)?;
        }
        for story in self.stories_of(quoted)? {
            self.book.lead(story)?;
        }
        for story in self.stories_of(around)? {
            self.book.lead_if_changed(story)?;
        }
        Ok(())
    }

    fn stories_of(&self, items: impl IntoIterator<Item = ItemId>) -> SqlResult<HashSet<StoryId>> {
        let stories = items.into_iter().map(|item| self.row(item).map(|row| row.story));
        stories.filter_map(Result::transpose).collect()
    }

    /// Compares an item with those that it may belong to, and with those that it was `tied` to.
    fn look(&mut self, item: ItemId, feed: FeedId, link: &str, tied: &[ItemId]) -> SqlResult<Look> {
        loop {
            let marks = self.marks(item, feed)?;
            let others = self.candidates((item, feed), &marks, link, tied)?;
            let has_others = !others.is_empty();
            let ties = match has_others {
                true => self.compare(item, feed, &others)?,
                false => Some(Vec::new()),
            };
            // What recurs finds no others: where more of it is known now, others may be nearer.
            if let Some(ties) = ties {
                return Ok(Look {
                    marks,
                    has_others,
                    ties,
                });
            }
        }
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
        if !self.recurring_marks.contains_key(&feed) {
            let mark = self.judge.mark;
            let recurring = self.recurring(feed)?.iter().map(|run| mark(*run)).collect();
            self.recurring_marks.insert(feed, recurring);
        }
        if let Some(recurring) = self.recurring_marks.get(&feed).filter(|marks| !marks.is_empty()) {
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
            .prepare_cached("select story_id, canonical_link, held_until > 0, feed_id from item where id = ?")?
            .query_row([item.0], |row| {
                Ok(ItemRow {
                    story: row.get::<_, Option<i64>>(0)?.map(StoryId),
                    link: row.get(1)?,
                    was_held: row.get(2)?,
                    feed: FeedId(row.get(3)?),
                })
            })
    }

    /// The items that one may belong to: those with its link in other feeds, and those that share the most marks with it. Of those that
    /// it was `tied` to all that it would find.
    fn candidates(
        &mut self,
        (item, feed): (ItemId, FeedId),
        marks: &[i32],
        link: &str,
        tied: &[ItemId],
    ) -> SqlResult<Vec<ItemId>> {
        let (_, mut found) = self.of_link(item, feed, link)?;
        let mut shared = self.tail.count(self.db, marks)?;
        shared.remove(&item);
        let mut shared: Vec<(ItemId, Shared)> = shared.into_iter().collect();
        shared.sort_unstable_by_key(|(other, shared)| (Reverse(shared.marks), Reverse(*other)));
        let mut of_story: HashMap<StoryId, usize> = HashMap::new();
        for (other, shared) in shared {
            if found.len() >= COMPARED {
                break;
            }
            if found.contains(&other) || !self.tail.may_be_like(self.db, marks, other, shared)? {
                continue;
            }
            // One that waits for its place is compared when it gets it.
            let ItemRow { story, feed, .. } = self.row(other)?;
            let Some(story) = story.filter(|story| of_story.get(story).is_none_or(|count| *count < OF_ONE_STORY))
            else {
                continue;
            };
            if self.recurring(feed)?.is_empty() || self.share_marks(marks, (other, feed))? {
                *of_story.entry(story).or_default() += 1;
                found.push(other);
            }
        }
        for other in tied {
            let row = self.row(*other)?;
            let has_link = row.feed != feed && !link.is_empty() && row.link == link;
            if !found.contains(other) && (has_link || self.share_marks(marks, (*other, row.feed))?) {
                found.push(*other);
            }
        }
        Ok(found)
    }

    /// Whether an item shares enough marks with one that has these, what recurs over its feed left out: what is known of that by now
    /// may not have been when its marks were stored.
    fn share_marks(&mut self, marks: &[i32], (other, feed): (ItemId, FeedId)) -> SqlResult<bool> {
        let theirs = self.marks(other, feed)?;
        let shared = theirs.iter().filter(|mark| marks.contains(mark)).count();
        Ok(share_enough(shared, (marks.len(), theirs.len())))
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

    /// How an item belongs together with others. None: one of its own feed has parts of it and is not the same, and more of what recurs
    /// over the feed is known now.
    fn compare(&mut self, item: ItemId, feed: FeedId, others: &[ItemId]) -> SqlResult<Option<Vec<Tie>>> {
        let telling = telling(self.db, item)?;
        let others = self.tellings(others)?;
        let compared = (self.judge.compare)(&telling, &others, &self.recurring);
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
            return Ok(None);
        }
        let mut ties: Vec<Tie> = compared.into_iter().filter_map(|compared| compared.tie).collect();
        ties.sort_by(|a, b| {
            (a.kind != TieKind::Same)
                .cmp(&(b.kind != TieKind::Same))
                .then(b.share.total_cmp(&a.share))
        });
        Ok(Some(ties))
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
        let others = self.candidates((item, telling.feed), &marks, &telling.canonical_link, &[])?;
        let others = self.tellings(&others)?;
        Ok((self.judge.compare)(&telling, &others, &self.recurring))
    }

    /// Looks at the last items of a feed for what recurs; those that have it are looked at again. Says whether there is news.
    fn learn(&mut self, telling: &Telling) -> SqlResult<bool> {
        let mut statement = self
            .db
            .prepare_cached("select id from item where feed_id = ? order by +id desc limit ?")?;
        let rows = statement.query_map(params![telling.feed.0, signed(self.judge.looked_at)], |row| {
            row.get(0).map(ItemId)
        })?;
        let last = rows.map(|item| self::telling(self.db, item?));
        let (runs, having) = (self.judge.recurring)(&last.collect::<SqlResult<Vec<_>>>()?);
        let known = self.recurring.entry(telling.feed).or_default();
        let is_news = passages::learn(self.db, telling.feed, known, runs)?;
        if is_news {
            self.recurring_marks.remove(&telling.feed);
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
