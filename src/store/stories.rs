//! The table of stories: gives each its place and reads them back in the order of their places.

use std::collections::HashMap;
use std::ops::Range;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::model::item::ItemId;
use crate::model::story::{Seq, StoryFeed, StoryId, StoryText, StoryUid};
use crate::store::choice::FeedChoice;
use crate::store::rows::{instant, maybe_instant, signed};
use crate::store::{SqlResult, Store, StoreError};

/// Which stories to read, newest place first.
#[derive(Debug, Clone, Default)]
pub struct StoryRange {
    /// Only places below this one; None: from the last.
    pub before: Option<Seq>,
    /// Only stories that one of these feeds carries.
    pub feeds: FeedChoice,
    /// The most stories to read.
    pub limit: usize,
}

/// The stories with which items of a story are tied by quotations, as a JSON list; its own items stand in one column of the ties, the
/// others in the other.
macro_rules! quoted {
    ($own:literal, $others:literal) => {
        concat!(
            "(select json_group_array(json_object('title', l.title, 'link', l.link, 'feed', iif(f.title = '', f.name, f.title),
                 'share', most))
             from (select o.story_id as other, max(share) as most from item i join quotation on quotation.",
            $own,
            " = i.id join item o on o.id = quotation.",
            $others,
            " where i.story_id = story.id and o.story_id <> story.id group by other order by most desc, other limit 8)
             join story s on s.id = other join item l on l.id = s.leader_item_id join feed f on f.id = l.feed_id)"
        )
    };
}
/// The items that have arrived in (?1, ?2]: those that were held have their own number, for all others it is their id.
const ARRIVED: &str =
    "(select story_id, feed_id, first_seen_at, id as arrival from item where id > ?1 and id <= ?2 and arrival is null
         and held_until = 0
     union all select story_id, feed_id, first_seen_at, arrival from item where arrival > ?1 and arrival <= ?2)";

/// The columns of a story with the text of its leader.
const STORY: &str = concat!(
    "select story.id, seq, uid, changed_at, item.title, link, summary, content, item.language, details,
        published_at, updated_at, first_seen_at, revision, feed.name, feed_group, feed.title as feed_title, iif(offered_url = '', url, offered_url) as url,
        source_id, site_link,
        (select json_group_array(distinct iif(f.title = '', f.name, f.title)) from item i join feed f on f.id = i.feed_id
          where i.story_id = story.id and i.feed_id <> item.feed_id) as also_in,
        ",
    quoted!("item_id", "other_id"),
    " as quotes, ",
    quoted!("other_id", "item_id"),
    " as quoted_by
    from story join item on item.id = leader_item_id join item_text on item_id = item.id
    join feed on feed.id = item.feed_id"
);

impl Store {
    /// Reads stories, newest place first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stories(&self, range: StoryRange) -> Result<Vec<StoryText>, StoreError> {
        self.read("reading stories", move |db| {
            let (before, limit) = (range.before.map_or(i64::MAX, |seq| seq.0), signed(range.limit));
            let chosen = match &range.feeds {
                FeedChoice::Any => {
                    return texts(
                        db,
                        &format!("{STORY} where seq < ? and merged_into is null order by seq desc limit ?"),
                        params![before, limit],
                    );
                }
                // Few feeds: their stories are found by them. Many: nearly every story is one of theirs.
                FeedChoice::Few(_) => format!(
                    "story.id in (select story_id from item i where i.story_id is not null and {})",
                    range.feeds.has("i", "?3")
                ),
                FeedChoice::Many(_) => {
                    let has = range.feeds.has("i", "?3");
                    format!("exists (select 1 from item i where i.story_id = story.id and {has})")
                }
            };
            let sql = format!("{STORY} where seq < ?1 and {chosen} order by seq desc limit ?2");
            texts(db, &sql, params![before, limit, range.feeds.value()])
        })
        .await
    }

    /// Reads the stories that came into a choice of feeds with the arrivals in (`after`, `upto`]: those of which none of
    /// these feeds had an item before. In order of arrival, from `after` on, those of at most `limit` items; with the arrival that
    /// was reached.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn arrived_stories(
        &self,
        feeds: FeedChoice,
        (after, upto): (ItemId, ItemId),
        limit: usize,
    ) -> Result<(Vec<StoryText>, ItemId), StoreError> {
        self.read("reading stories that arrived", move |db| {
            let reached: i64 = db.query_row(
                &format!(
                    "select coalesce(max(arrival), ?2) from (select arrival from {ARRIVED} order by arrival limit ?3)"
                ),
                params![after.0, upto.0, signed(limit)],
                |row| row.get(0),
            )?;
            let (has, had) = (feeds.has("i", "?3"), feeds.has("before", "?3"));
            let sql = format!(
                "{STORY} where story.id in (
                     select story_id from {ARRIVED} i where {has}
                     and not exists (select 1 from item before where before.story_id = i.story_id
                         and coalesce(before.arrival, before.id) < i.arrival and {had}))
                 order by seq"
            );
            Ok((
                texts(db, &sql, params![after.0, reached, feeds.value()])?,
                ItemId(reached),
            ))
        })
        .await
    }

    /// The last arrival up to which every item has a story. Items that are held have not arrived.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_placed(&self) -> Result<ItemId, StoreError> {
        self.read("reading the last arrival", |db| {
            // All others get their stories in order: the last is the one before the first that waits.
            let sql = "select coalesce((select min(id) - 1 from item where story_id is null and held_until = 0),
                 (select seq from sqlite_sequence where name = 'item'), 0)";
            db.query_row(sql, [], |row| row.get(0).map(ItemId))
        })
        .await
    }

    /// The first of the arrivals in (`after`, `upto`] with an item of these feeds that was first seen in `seen`, from the first
    /// instant on and before the second; None: there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn first_arrival_seen(
        &self,
        feeds: FeedChoice,
        (after, upto): (ItemId, ItemId),
        seen: Range<Timestamp>,
    ) -> Result<Option<ItemId>, StoreError> {
        self.read("looking for arrivals that are settling", move |db| {
            let sql = format!(
                "select min(arrival) from {ARRIVED} i where first_seen_at >= ?4 and first_seen_at < ?5 and {}",
                feeds.has("i", "?3")
            );
            let (start, end) = (seen.start.as_millisecond(), seen.end.as_millisecond());
            db.query_row(&sql, params![after.0, upto.0, feeds.value(), start, end], |row| {
                row.get::<_, Option<i64>>(0).map(|arrival| arrival.map(ItemId))
            })
        })
        .await
    }

    /// When the first of these feeds brought each of these stories; those that none of them has brought are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn brought_at(
        &self,
        feeds: FeedChoice,
        stories: Vec<StoryId>,
    ) -> Result<HashMap<StoryId, Timestamp>, StoreError> {
        self.read("reading when stories came", move |db| {
            let sql = format!(
                "select story_id, min(first_seen_at) as seen from item i
                 where story_id in (select value from json_each(?1)) and {} group by story_id",
                feeds.has("i", "?2")
            );
            let mut statement = db.prepare_cached(&sql)?;
            let rows = statement.query_map(params![serde_json::json!(stories).to_string(), feeds.value()], |row| {
                Ok((StoryId(row.get(0)?), instant(row, "seen")?))
            })?;
            rows.collect()
        })
        .await
    }

    /// A number that differs whenever anything that a reader of stories sees has changed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stories_version(&self) -> Result<i64, StoreError> {
        self.read("reading the version of the stories", |db| {
            db.prepare_cached("select value from setting where name = 'stories_version'")?
                .query_row([], |row| row.get(0))
                .optional()
                .map(Option::unwrap_or_default)
        })
        .await
    }
}

/// Opens a story at a place, under a name for the world, with an item that leads it.
pub(super) fn open(db: &Connection, (seq, uid): (i64, StoryUid), leader: ItemId, now: Timestamp) -> SqlResult<StoryId> {
    db.prepare_cached("insert into story (seq, uid, leader_item_id, changed_at) values (?, ?, ?, ?)")?
        .execute(params![seq, uid.0, leader.0, now.as_millisecond()])?;
    Ok(StoryId(db.last_insert_rowid()))
}

/// Notes that readers of stories would see something new.
pub(super) fn bump_version(db: &Connection) -> SqlResult<()> {
    db.prepare_cached(
        "insert into setting values ('stories_version', 1) on conflict (name) do update set value = value + 1",
    )?
    .execute([])
    .map(|_| ())
}

/// An item that was held, or has left its story, arrives now: it takes the next number, and no item will have it as its id. Editions
/// that were made before are not asked about it again.
pub(super) fn number_anew(db: &Connection, item: ItemId) -> SqlResult<()> {
    let next = "update item set arrival = (select seq + 1 from sqlite_sequence where name = 'item') where id = ? returning arrival";
    let number: Option<i64> = db
        .prepare_cached(next)?
        .query_row([item.0], |row| row.get(0))
        .optional()?;
    if let Some(number) = number {
        db.prepare_cached("update sqlite_sequence set seq = ? where name = 'item'")?
            .execute([number])?;
    }
    Ok(())
}

/// Reads stories by a query for the columns of [`STORY`].
pub(super) fn texts(db: &Connection, sql: &str, values: &[&dyn rusqlite::ToSql]) -> SqlResult<Vec<StoryText>> {
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map(values, text)?;
    rows.collect()
}

/// The query for the columns of a story, to which a condition is added.
pub(super) fn select_story() -> &'static str {
    STORY
}

fn text(row: &Row<'_>) -> SqlResult<StoryText> {
    let first_seen = instant(row, "first_seen_at")?;
    let published = maybe_instant(row, "published_at")?.unwrap_or(first_seen);
    let name: String = row.get("name")?;
    let url: String = row.get("url")?;
    let own_title: String = row.get("feed_title")?;
    let source_id: String = row.get("source_id")?;
    let details: String = row.get("details")?;
    let also_in: String = row.get("also_in")?;
    let (quotes, quoted_by): (String, String) = (row.get("quotes")?, row.get("quoted_by")?);
    let uid: Vec<u8> = row.get("uid")?;
    Ok(StoryText {
        id: StoryId(row.get("id")?),
        seq: Seq(row.get("seq")?),
        uid: StoryUid(uid.try_into().unwrap_or_default()),
        feed: StoryFeed {
            title: if own_title.is_empty() { name.clone() } else { own_title },
            source_id: if source_id.is_empty() { url.clone() } else { source_id },
            name,
            group: row.get("feed_group")?,
            url,
            site_link: row.get("site_link")?,
        },
        title: row.get("title")?,
        link: row.get("link")?,
        summary: row.get("summary")?,
        content: row.get("content")?,
        language: row.get("language")?,
        details: serde_json::from_str(&details).unwrap_or_default(),
        published,
        updated: maybe_instant(row, "updated_at")?.unwrap_or(published).max(published),
        changed_at: instant(row, "changed_at")?,
        also_in: serde_json::from_str(&also_in).unwrap_or_default(),
        quotes: serde_json::from_str(&quotes).unwrap_or_default(),
        quoted_by: serde_json::from_str(&quoted_by).unwrap_or_default(),
    })
}
