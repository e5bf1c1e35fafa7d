//! Stories as they are listed: with their items, and with whom they quote and who quotes them.

use rusqlite::{Connection, params};

use crate::model::item::ItemId;
use crate::model::story::{ListedItem, ListedStory, QuoteOf, Seq, StoryId, StoryUid};
use crate::store::rows::signed;
use crate::store::{SqlResult, Store, StoreError};

/// Items of one story, and ties of one story, that are listed.
const LISTED: usize = 512;

impl Store {
    /// Up to `limit` stories before a place (None: from the last), the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn listed_stories(&self, before: Option<Seq>, limit: usize) -> Result<Vec<ListedStory>, StoreError> {
        self.read("listing stories", move |db| {
            let mut statement = db.prepare_cached(
                "select story.id from story where merged_into is null and seq < ? order by seq desc limit ?",
            )?;
            let before = before.map_or(i64::MAX, |seq| seq.0);
            let ids = statement.query_map(params![before, signed(limit)], |row| row.get(0).map(StoryId))?;
            ids.map(|id| listed(db, id?)).collect()
        })
        .await
    }

    /// One story.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn listed_story(&self, story: StoryId) -> Result<ListedStory, StoreError> {
        self.read("listing a story", move |db| listed(db, story)).await
    }
}

fn listed(db: &Connection, story: StoryId) -> SqlResult<ListedStory> {
    let (seq, uid, leader): (i64, [u8; 16], i64) = db
        .prepare_cached("select seq, uid, leader_item_id from story where id = ?")?
        .query_row([story.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut statement = db.prepare_cached(
        "select item.id, name, item.title, link from item join feed on feed.id = feed_id where story_id = ?1
         order by item.id <> ?2, item.id limit ?3",
    )?;
    let items = statement.query_map(params![story.0, leader, signed(LISTED)], |row| {
        Ok(ListedItem {
            id: ItemId(row.get(0)?),
            feed: row.get(1)?,
            title: row.get(2)?,
            link: row.get(3)?,
        })
    })?;
    Ok(ListedStory {
        id: story,
        seq: Seq(seq),
        uid: StoryUid(uid),
        items: items.collect::<SqlResult<Vec<_>>>()?,
        quotes: quotes(db, story, ("item_id", "other_id"))?,
        quoted_by: quotes(db, story, ("other_id", "item_id"))?,
    })
}

/// The stories whose items stand in one column of the ties, where this one's own stand in the other, with the largest share; the most
/// first.
fn quotes(db: &Connection, story: StoryId, (own, others): (&str, &str)) -> SqlResult<Vec<QuoteOf>> {
    let mut statement = db.prepare_cached(&format!(
        "select story.id, uid, max(share) as most, seq from item me join quotation on quotation.{own} = me.id
             join item other on other.id = quotation.{others} join story on story.id = other.story_id
         where me.story_id = ?1 and other.story_id <> ?1 group by story.id order by most desc, seq limit ?2",
    ))?;
    let rows = statement.query_map(params![story.0, signed(LISTED)], |row| {
        Ok(QuoteOf {
            id: StoryId(row.get(0)?),
            story: StoryUid(row.get(1)?),
            seq: Seq(row.get(3)?),
            share: row.get(2)?,
        })
    })?;
    rows.collect()
}
