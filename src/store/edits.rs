//! Edits of items: what they said before (table `revision`), and what readers were sent of it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::model::item::{Edit, Hash16, ItemId, ItemText, MAX_REVISIONS, NewItem, StoredItem};
use crate::store::rows::{details, instant, maybe_instant, signed, unsigned};
use crate::store::{SqlResult, Store, StoreError, passages, search, stories};

/// Bytes of the revisions of one item that are kept, beside the first and the one that readers were sent last.
const MAX_REVISION_BYTES: i64 = 4 * 1024 * 1024;
/// Items whose histories are read by one address.
const MAX_HISTORIES: u32 = 100;

/// Which items' histories are wanted.
#[derive(Debug, Clone)]
pub enum HistoryOf {
    /// That of this item.
    Item(ItemId),
    /// Those of the items with this link in canonical form, in any feed.
    Link(String),
}

/// An item with all that is kept of what it said before.
#[derive(Debug, Clone)]
pub struct ItemHistory {
    /// The item.
    pub id: ItemId,
    /// The name of its feed.
    pub feed: String,
    /// Its address; may be empty.
    pub link: String,
    /// What it says now.
    pub text: ItemText,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When readers were last told that it was updated, or its publisher says so; None: never.
    pub updated_at: Option<Timestamp>,
    /// Oldest first.
    pub revisions: Vec<Revision>,
}

/// What an item said before.
#[derive(Debug, Clone)]
pub struct Revision {
    /// 0, 1, 2 ... within the item; the first is always kept, then those that are not too old.
    pub number: u32,
    /// What it said.
    pub text: ItemText,
    /// When something else took its place.
    pub replaced_at: Timestamp,
    /// Whether readers were sent that as updated.
    pub is_material: bool,
}

impl Store {
    /// An item with what an edit of it is compared with; None: there is none. This thread waits for it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn stored_item(&self, id: ItemId) -> Result<Option<StoredItem>, StoreError> {
        self.read_here("comparing an edit", |db| {
            let sql = "select item.title, item_text.summary, item_text.content, story_id is not null as is_placed, item.revision,
                    updated_at, sent_revision is not null and sent.revision is not null as is_sent,
                    coalesce(sent.title, '') as sent_title, coalesce(sent.summary, '') as sent_summary,
                    coalesce(sent.content, '') as sent_content
                from item join item_text on item_text.item_id = id
                left join revision sent on sent.item_id = id and sent.revision = sent_revision where id = ?";
            let stored = db.prepare_cached(sql)?.query_row([id.0], |row| {
                let sent = ItemText {
                    title: row.get("sent_title")?,
                    summary: row.get("sent_summary")?,
                    content: row.get("sent_content")?,
                };
                let is_sent: bool = row.get("is_sent")?;
                Ok(StoredItem {
                    is_placed: row.get("is_placed")?,
                    text: text(row)?,
                    sent: is_sent.then_some(sent),
                    revisions: unsigned(row.get("revision")?),
                    said: Vec::new(),
                    updated: maybe_instant(row, "updated_at")?,
                })
            });
            let Some(mut stored) = stored.optional()? else {
                return Ok(None);
            };
            let mut hashes = db.prepare_cached("select words_hash from revision where item_id = ?")?;
            let hashes = hashes.query_map([id.0], |row| row.get::<_, Vec<u8>>(0))?;
            for hash in hashes {
                // Revisions from before there were hashes are not recognised.
                stored.said.extend(Hash16::try_from(hash?).ok());
            }
            Ok(Some(stored))
        })
    }

    /// Items with what they said before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn histories(&self, of: HistoryOf) -> Result<Vec<ItemHistory>, StoreError> {
        self.read("reading the history of an item", move |db| {
            let (id, link) = match of {
                HistoryOf::Item(id) => (id.0, String::new()),
                HistoryOf::Link(link) => (0, link),
            };
            let sql = "select id, name, link, item.title, summary, content, first_seen_at, updated_at from (
                    select * from item where id = ?1 union all
                    select * from item where canonical_link = ?2 and canonical_link <> '') item
                join item_text on item_id = id join (select id as feed, name from feed) on feed = feed_id order by id limit ?3";
            let mut statement = db.prepare(sql)?;
            let items = statement.query_map(params![id, link, MAX_HISTORIES], |row| {
                Ok(ItemHistory {
                    id: ItemId(row.get("id")?),
                    feed: row.get("name")?,
                    link: row.get("link")?,
                    text: text(row)?,
                    first_seen_at: instant(row, "first_seen_at")?,
                    updated_at: maybe_instant(row, "updated_at")?,
                    revisions: Vec::new(),
                })
            })?;
            let mut items = items.collect::<SqlResult<Vec<_>>>()?;
            for item in &mut items {
                item.revisions = revisions(db, item.id)?;
            }
            Ok(items)
        })
        .await
    }
}

fn revisions(db: &Connection, id: ItemId) -> SqlResult<Vec<Revision>> {
    let sql = "select revision, title, summary, content, replaced_at, is_material from revision where item_id = ? order by revision";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([id.0], |row| {
        Ok(Revision {
            number: unsigned(row.get("revision")?),
            text: text(row)?,
            replaced_at: instant(row, "replaced_at")?,
            is_material: row.get("is_material")?,
        })
    })?;
    rows.collect()
}

fn text(row: &Row<'_>) -> SqlResult<ItemText> {
    Ok(ItemText {
        title: row.get("title")?,
        summary: row.get("summary")?,
        content: row.get("content")?,
    })
}

/// What the item said becomes a revision, unless one has its words already.
pub(super) fn edit(
    db: &Connection,
    id: ItemId,
    (raw_hash, content_hash): &(Hash16, Hash16),
    item: &NewItem,
    edit: &Edit,
    now: Timestamp,
) -> SqlResult<()> {
    let now = now.as_millisecond();
    let kept = db
        .prepare_cached(
            "insert into revision (item_id, revision, title, summary, content, replaced_at, words_hash, is_material)
             select id, revision, title, summary, content, ?2, ?3, ?4 from item join item_text on item_id = id
             where id = ?1 and not exists (select 1 from revision known where known.item_id = ?1 and words_hash = ?3)",
        )?
        .execute(params![id.0, now, edit.replaced, edit.is_material])?;
    db.prepare_cached(
        "update item set revision = revision + ?2, sent_revision = iif(?3, null, coalesce(sent_revision,
             (select max(known.revision) from revision known where known.item_id = ?1 and words_hash = ?4))) where id = ?1",
    )?
    .execute(params![id.0, signed(kept), edit.is_material, edit.replaced])?;
    if kept > 0 {
        forget(db, id)?;
    }
    if edit.is_material {
        // An edit that does not say when it was made was made when it was seen.
        db.prepare_cached(
            "update item set updated_at = iif(?2 > coalesce(updated_at, published_at, first_seen_at), ?2, ?3),
                 published_at = coalesce(?4, published_at) where id = ?1",
        )?
        .execute(params![
            id.0,
            item.updated.map(Timestamp::as_millisecond),
            now,
            item.published.map(Timestamp::as_millisecond),
        ])?;
    }
    show(db, id, raw_hash, content_hash, item)?;
    db.prepare_cached("update story set changed_at = ?2 where id = (select story_id from item where id = ?1)")?
        .execute(params![id.0, now])?;
    stories::bump_version(db)
}

/// What readers get without being told that it is new: always the last that the publisher wrote.
pub(super) fn rewrite(
    db: &Connection,
    id: ItemId,
    raw_hash: &Hash16,
    content_hash: Option<&Hash16>,
    item: &NewItem,
) -> SqlResult<()> {
    match content_hash {
        Some(content_hash) => show(db, id, raw_hash, content_hash, item)?,
        None => describe(db, id, raw_hash, item)?,
    }
    stories::bump_version(db)
}

fn show(db: &Connection, id: ItemId, raw_hash: &Hash16, content_hash: &Hash16, item: &NewItem) -> SqlResult<()> {
    describe(db, id, raw_hash, item)?;
    db.prepare_cached("update item set content_hash = ?2, link = ?3, canonical_link = ?4, title = ?5 where id = ?1")?
        .execute(params![id.0, content_hash, item.link, item.canonical_link, item.title,])?;
    db.prepare_cached(
        "update item_text set summary = ?2, content = ?3 where item_id = ?1 and (summary <> ?2 or content <> ?3)",
    )?
    .execute(params![id.0, item.summary, item.content])?;
    passages::sketch_anew(db, id, &item.marks)?;
    // Its link may be another, or what it links to, though its marks are the same.
    passages::doubt(db, id)?;
    search::edited(db, id).map(|_| ())
}

/// Files, names, categories, dates.
fn describe(db: &Connection, id: ItemId, raw_hash: &Hash16, item: &NewItem) -> SqlResult<()> {
    // A date that is gone from the document never erases one that was there, and one that comes later moves no item to the front again.
    db.prepare_cached(
        "update item set raw_hash = ?2, language = ?3, details = ?4,
             published_at = iif(?5 <= coalesce(updated_at, published_at, first_seen_at), ?5, published_at) where id = ?1",
    )?
    .execute(params![
        id.0,
        raw_hash,
        item.language,
        details(item),
        item.published.map(Timestamp::as_millisecond),
    ])
    .map(|_| ())
}

/// Of very many revisions the first is kept, the one that readers were sent last, and the newest.
fn forget(db: &Connection, id: ItemId) -> SqlResult<()> {
    db.prepare_cached(
        "delete from revision where item_id = ?1 and revision in (
             select revision from (
                 select revision, row_number() over newest as place,
                     sum(octet_length(title) + octet_length(summary) + octet_length(content)) over newest as bytes
                 from revision where item_id = ?1 and revision > 0
                     and revision is not (select sent_revision from item where id = ?1)
                 window newest as (order by revision desc))
             where place > ?2 or bytes > ?3)",
    )?
    .execute(params![id.0, MAX_REVISIONS - 2, MAX_REVISION_BYTES])
    .map(|_| ())
}
