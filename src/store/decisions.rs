//! What an operator asks of stories and decides of them: why an item is where it is, apart, together, and back.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::model::item::ItemId;
use crate::model::story::{Comparison, Decided, ListedItem, StoryId};
use crate::store::judge::Judge;
use crate::store::placing::Placing;
use crate::store::rows::{instant, maybe_instant, signed, unsigned};
use crate::store::stories::bump_version;
use crate::store::tail::Tail;
use crate::store::{SqlResult, Store, StoreError, passages, ties};

/// Items that one address may name.
const OF_ONE_ADDRESS: usize = 20;

/// All that decides where an item belongs.
#[derive(Debug, Clone)]
pub struct Reasons {
    /// The item.
    pub item: ListedItem,
    /// The key under which its feed knows it, in hexadecimal; the first byte is the version of the rule.
    pub key: String,
    /// By what the entries of its feed are told apart: `guid`, `link`, `title_and_date` or `text`; where an entry lacks it, by the next.
    pub told_apart_by: String,
    /// The publisher's own identifier.
    pub guid: String,
    /// Its link in canonical form; empty: none.
    pub canonical_link: String,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// How many marks of its text it is found by.
    pub marks: usize,
    /// Runs of words that recur over its feed and do not count.
    pub recurring: usize,
    /// Its story; None: it waits for its place.
    pub story: Option<StoryId>,
    /// Until when it is held back; None: it never was.
    pub held_until: Option<Timestamp>,
    /// What it was tied to: the other item, how, by which rule, how much of the other stands in it and the other way round.
    pub ties: Vec<StoredTie>,
    /// What it is compared with now.
    pub compared: Vec<(ListedItem, Option<StoryId>, Comparison)>,
    /// What was decided of it: the number of the decision, together or apart, the other item.
    pub decisions: Vec<(i64, Decided, ItemId)>,
}

/// A tie of an item, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTie {
    /// The other item.
    pub other: ItemId,
    /// `same`, `quotes` or `quoted by`.
    pub kind: String,
    /// By which rule.
    pub rule: String,
    /// How much of the other's text stands in the item.
    pub share: f64,
    /// How much of the item's text stands in the other.
    pub back: f64,
}

impl Store {
    /// Items by their number or by their link in canonical form (empty: not by that).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn items_named(&self, number: Option<i64>, canonical: &str) -> Result<Vec<ItemId>, StoreError> {
        let canonical = canonical.to_owned();
        self.read("looking for an item", move |db| {
            let mut statement = db.prepare_cached(
                "select id from item where id = ?1 union
                 select id from item where canonical_link = ?2 and canonical_link <> '' order by id limit ?3",
            )?;
            let rows = statement.query_map(params![number, canonical, signed(OF_ONE_ADDRESS)], |row| {
                row.get(0).map(ItemId)
            })?;
            rows.collect()
        })
        .await
    }

    /// The story with this place or this name for the world.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn story_named(&self, seq: Option<i64>, uid: Option<[u8; 16]>) -> Result<Option<StoryId>, StoreError> {
        self.read("looking for a story", move |db| {
            // Of one that has become part of another, the other.
            db.query_row(
                "with recursive named (id, merged_into) as (
                     select id, merged_into from story where seq = ?1 union select id, merged_into from story where uid = ?2
                     union select story.id, story.merged_into from story join named on story.id = named.merged_into)
                 select id from named where merged_into is null limit 1",
                params![seq, uid],
                |row| row.get(0).map(StoryId),
            )
            .optional()
        })
        .await
    }

    /// Why an item is where it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reasons(&self, item: ItemId, now: Timestamp, judge: &Judge) -> Result<Reasons, StoreError> {
        let judge = judge.clone();
        self.read("comparing an item", move |db| {
            let mut tail = Tail::default();
            tail.catch_up(db)?;
            let compared = Placing::new(db, &judge, now, &mut tail)?.comparisons(item)?;
            let compared = compared.into_iter().map(|compared| {
                let (other, story) = listed(db, compared.other)?;
                Ok((other, story, compared))
            });
            let compared = compared.collect::<SqlResult<Vec<_>>>()?;
            let (listed, story) = listed(db, item)?;
            let marks = passages::marks_of(db, item)?.len();
            db.query_row(
                "select hex(key) as key, guid, canonical_link,
                     (select coalesce(manner ->> '$.identity', nullif(identity, ''), 'guid') from feed where feed.id = feed_id) as told_apart_by,
                     first_seen_at, nullif(held_until, 0) as held_until,
                     (select count(*) from boilerplate b where b.feed_id = item.feed_id) as recurring from item where id = ?",
                [item.0],
                |row| {
                    Ok(Reasons {
                        item: listed,
                        key: row.get::<_, String>("key")?.to_ascii_lowercase(),
                        guid: row.get("guid")?,
                        told_apart_by: row.get("told_apart_by")?,
                        canonical_link: row.get("canonical_link")?,
                        first_seen_at: instant(row, "first_seen_at")?,
                        marks,
                        recurring: unsigned(row.get("recurring")?),
                        story,
                        held_until: maybe_instant(row, "held_until")?,
                        ties: stored_ties(db, item)?,
                        compared,
                        decisions: ties::of(db, item)?,
                    })
                },
            )
        })
        .await
    }

    /// Parts an item from the others of its story. Returns the number of the decision; None: it is alone in its story.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn split_story(&self, item: ItemId, now: Timestamp, judge: &Judge) -> Result<Option<i64>, StoreError> {
        let judge = judge.clone();
        self.write_durably("splitting a story", move |db| {
            let story: Option<i64> =
                db.query_row("select story_id from item where id = ?", [item.0], |row| row.get(0))?;
            let others: Vec<ItemId> = items(db, story)?.into_iter().filter(|other| *other != item).collect();
            if others.is_empty() {
                return Ok(None);
            }
            let pairs: Vec<(ItemId, ItemId)> = others.iter().map(|other| (item, *other)).collect();
            let decision = ties::decide(db, Decided::Apart, &pairs, now)?;
            Placing::new(db, &judge, now, &mut Tail::default())?.part_from_others(item)?;
            bump_version(db)?;
            Ok(Some(decision))
        })
        .await
    }

    /// Makes one story of two. Returns the number of the decision; None: they are one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn merge_stories(
        &self,
        stories: (StoryId, StoryId),
        now: Timestamp,
        judge: &Judge,
    ) -> Result<Option<i64>, StoreError> {
        let judge = judge.clone();
        self.write_durably("merging stories", move |db| {
            let (one, other) = (items(db, Some(stories.0.0))?, items(db, Some(stories.1.0))?);
            let (Some(first), Some(second)) = (one.first(), other.first()) else {
                return Ok(None);
            };
            if stories.0 == stories.1 {
                return Ok(None);
            }
            // What was decided of pairs of them before holds no longer.
            let all: Vec<ItemId> = one.iter().chain(&other).copied().collect();
            let decided = ties::decided(db, &serde_json::json!(all).to_string())?;
            let apart = decided
                .into_iter()
                .filter(|(a, b, decided)| *decided == Decided::Apart && one.contains(a) != one.contains(b));
            let pairs: Vec<(ItemId, ItemId)> = apart.map(|(a, b, _)| (a, b)).chain([(*first, *second)]).collect();
            let decision = ties::decide(db, Decided::Together, &pairs, now)?;
            Placing::new(db, &judge, now, &mut Tail::default())?.regroup(&[*first, *second])?;
            bump_version(db)?;
            Ok(Some(decision))
        })
        .await
    }

    /// Takes a decision back (None: the last that stands). Returns its number; None: there is none such.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn undo_decision(
        &self,
        decision: Option<i64>,
        now: Timestamp,
        judge: &Judge,
    ) -> Result<Option<i64>, StoreError> {
        let judge = judge.clone();
        self.write_durably("taking a decision back", move |db| {
            let undone: Option<i64> = db
                .query_row(
                    "update decision set undone_at = ?2 where undone_at is null
                     and id = coalesce(?1, (select max(id) from decision where undone_at is null)) returning id",
                    params![decision, now.as_millisecond()],
                    |row| row.get(0),
                )
                .optional()?;
            let Some(undone) = undone else { return Ok(None) };
            let mut statement = db.prepare(
                "select item_id from decision_pair where decision_id = ?1
                 union select other_id from decision_pair where decision_id = ?1",
            )?;
            let items = statement.query_map([undone], |row| row.get(0).map(ItemId))?;
            Placing::new(db, &judge, now, &mut Tail::default())?.regroup(&items.collect::<SqlResult<Vec<_>>>()?)?;
            bump_version(db)?;
            Ok(Some(undone))
        })
        .await
    }
}

/// The items of a story, in order of arrival.
fn items(db: &Connection, story: Option<i64>) -> SqlResult<Vec<ItemId>> {
    let mut statement = db.prepare_cached("select id from item where story_id = ? order by id")?;
    let rows = statement.query_map([story], |row| row.get(0).map(ItemId))?;
    rows.collect()
}

fn listed(db: &Connection, item: ItemId) -> SqlResult<(ListedItem, Option<StoryId>)> {
    db.prepare_cached(
        "select name, item.title, link, story_id from item join feed on feed.id = feed_id where item.id = ?",
    )?
    .query_row([item.0], |row| {
        let listed = ListedItem {
            id: item,
            feed: row.get(0)?,
            title: row.get(1)?,
            link: row.get(2)?,
        };
        Ok((listed, row.get::<_, Option<i64>>(3)?.map(StoryId)))
    })
}

fn stored_ties(db: &Connection, item: ItemId) -> SqlResult<Vec<StoredTie>> {
    let mut statement = db.prepare_cached(
        "select other_id, kind, rule, share, back from tie where item_id = ?1 and kind = 'same'
         union all select item_id, kind, rule, back, share from tie where other_id = ?1 and kind = 'same'
         union all select other_id, 'quotes', rule, share, back from quotation where item_id = ?1
         union all select item_id, 'quoted by', rule, back, share from quotation where other_id = ?1
         order by 2 desc, 4 desc limit 64",
    )?;
    let rows = statement.query_map([item.0], |row| {
        Ok(StoredTie {
            other: ItemId(row.get(0)?),
            kind: row.get(1)?,
            rule: row.get(2)?,
            share: row.get(3)?,
            back: row.get(4)?,
        })
    })?;
    rows.collect()
}
