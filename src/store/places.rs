//! Whose turn it is to get a place: items that wait, in order of arrival, else those in doubt. One transaction at a time.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::model::feed::FeedId;
use crate::model::item::ItemId;
use crate::store::judge::Judge;
use crate::store::placing::Placing;
use crate::store::rows::signed;
use crate::store::stories::bump_version;
use crate::store::{SqlResult, Store, StoreError, passages};

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
                placed.stories = placing.opened();
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
                placing.place_alone(item)?;
                Ok(placing.opened())
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
