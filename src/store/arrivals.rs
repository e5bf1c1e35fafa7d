//! What becomes of new items as they are stored: who has nothing in common with any other opens a story at once, who may have waits
//! to be compared.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, params};

use crate::model::clock::later;
use crate::model::feed::FeedId;
use crate::model::item::{Hash16, ItemId, ItemKey, NewItem};
use crate::model::story::{StoryId, StoryUid};
use crate::store::SqlResult;
use crate::store::passages;
use crate::store::regroup::uid_of;
use crate::store::rows::{details, unsigned};
use crate::store::stories::{self, bump_version};
use crate::store::tail::Tail;

/// The new items of one document.
pub(super) struct Arrivals<'a> {
    db: &'a Connection,
    tail: &'a mut Tail,
    feed: FeedId,
    feed_name: String,
    now: Timestamp,
    held_until: Option<Timestamp>,
    /// Whether all of them wait: they are held, or parts of them do not count, since they recur over the feed.
    all_wait: bool,
    last_item: i64,
    last_seq: i64,
    /// Stories that were opened.
    opened: u64,
    statements: Statements<'a>,
}

/// What is said for each item; to look a statement up costs as much as to run a short one.
struct Statements<'a> {
    is_new: CachedStatement<'a>,
    insert_item: CachedStatement<'a>,
    insert_text: CachedStatement<'a>,
}

impl<'a> Statements<'a> {
    fn prepare(db: &'a Connection) -> SqlResult<Self> {
        Ok(Self {
            is_new: db.prepare_cached(
                "select not exists (select 1 from item where feed_id = ?1 and key = ?2)
                     and not exists (select 1 from item where canonical_link = ?3 and canonical_link <> '')
                     and not exists (select 1 from story where uid = ?4)",
            )?,
            insert_item: db.prepare_cached(
                "insert into item (id, feed_id, key, raw_hash, content_hash, guid, link, canonical_link, title, language, details,
                     published_at, updated_at, first_seen_at, held_until, story_id)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
                 on conflict (feed_id, key) do nothing",
            )?,
            insert_text: db.prepare_cached("insert into item_text (item_id, summary, content) values (?, ?, ?)")?,
        })
    }
}

impl<'a> Arrivals<'a> {
    pub(super) fn new(db: &'a Connection, feed: FeedId, now: Timestamp, tail: &'a mut Tail) -> SqlResult<Self> {
        let mut statement = db.prepare_cached(
            "select name, manner ->> '$.hold_seconds', exists (select 1 from boilerplate where feed_id = feed.id),
                 coalesce((select seq from sqlite_sequence where name = 'item'), 0), coalesce((select max(seq) from story), 0)
             from feed where id = ?",
        )?;
        statement.query_row([feed.0], |row| {
            let hold: Option<i64> = row.get(1)?;
            let held_until = hold.map(|seconds| later(now, Duration::from_secs(unsigned(seconds))));
            Ok(Self {
                db,
                tail,
                feed,
                feed_name: row.get(0)?,
                now,
                held_until,
                all_wait: held_until.is_some() || row.get(2)?,
                last_item: row.get(3)?,
                last_seq: row.get(4)?,
                opened: 0,
                statements: Statements::prepare(db)?,
            })
        })
    }

    /// Stores a new item. Says whether it is one: what is there already (another process was faster) stays as it is.
    pub(super) fn add(
        &mut self,
        (key, raw_hash, content_hash): (&ItemKey, &Hash16, &Hash16),
        item: &NewItem,
    ) -> SqlResult<bool> {
        let id = ItemId(self.last_item + 1);
        let uid = uid_of(&self.feed_name, key);
        let story = match self.is_alone(key, uid, item)? {
            true => Some(self.open(uid, id)?),
            false => None,
        };
        let inserted = self.statements.insert_item.execute(params![
            id.0,
            self.feed.0,
            key.0,
            raw_hash,
            content_hash,
            item.guid,
            item.link,
            item.canonical_link,
            item.title,
            item.language,
            details(item),
            item.published.map(Timestamp::as_millisecond),
            item.updated.map(Timestamp::as_millisecond),
            self.now.as_millisecond(),
            self.held_until.map_or(0, Timestamp::as_millisecond),
            story.map(|story| story.0),
        ])?;
        if inserted == 0 {
            return Ok(false);
        }
        self.last_item = id.0;
        self.statements
            .insert_text
            .execute(params![id.0, item.summary, item.content])?;
        passages::sketch(self.db, id, &item.marks)?;
        if story.is_some() {
            self.tail.remember(self.db, id, &item.marks)?;
        }
        Ok(true)
    }

    /// Stories that were opened.
    pub(super) fn finish(self) -> SqlResult<u64> {
        if self.opened > 0 {
            bump_version(self.db)?;
        }
        Ok(self.opened)
    }

    /// Whether an item is stored nowhere, its link and its story's name are new, and no other may be like it.
    fn is_alone(&mut self, key: &ItemKey, uid: StoryUid, item: &NewItem) -> SqlResult<bool> {
        if self.all_wait || self.tail.has_like(self.db, &item.marks)? {
            return Ok(false);
        }
        self.statements
            .is_new
            .query_row(params![self.feed.0, key.0, item.canonical_link, uid.0], |row| {
                row.get(0)
            })
    }

    fn open(&mut self, uid: StoryUid, leader: ItemId) -> SqlResult<StoryId> {
        self.last_seq += 1;
        self.opened += 1;
        stories::open(self.db, (self.last_seq, uid), leader, self.now)
    }
}
