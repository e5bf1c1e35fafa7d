//! Hosts that asked all their guests to wait.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::model::feed::FeedId;
use crate::model::poll::{HostRest, Tally};
use crate::store::rows::{instant, unsigned};
use crate::store::{SqlResult, Store, StoreError};

impl Store {
    /// The hosts that want to be left alone or are asked more slowly since they did.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resting_hosts(&self) -> Result<Vec<HostRest>, StoreError> {
        self.read("listing resting hosts", |db| {
            let mut statement = db.prepare_cached("select * from host")?;
            let rows = statement.query_map([], |row| {
                Ok(HostRest {
                    name: row.get("name")?,
                    until: instant(row, "wait_until")?,
                    strikes: unsigned(row.get("strikes")?),
                    why: row.get("why")?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    /// Counts what was asked for a feed without an answer of its own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self, feed: FeedId, tally: Tally, now: Timestamp) -> Result<(), StoreError> {
        if tally.requests == 0 {
            return Ok(());
        }
        self.write("counting requests", move |db| {
            db.prepare_cached(
                "update feed set requests = requests + ?2, conditional_polls = conditional_polls + ?3 where id = ?1",
            )?
            .execute(params![feed.0, tally.requests, tally.conditional])?;
            tally.rests.iter().try_for_each(|rest| write_rest(db, rest, now))
        })
        .await
    }

    /// Keeps what hosts have said to all their guests.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_rests(&self, rests: Vec<HostRest>, now: Timestamp) -> Result<(), StoreError> {
        if rests.is_empty() {
            return Ok(());
        }
        self.write("remembering resting hosts", move |db| {
            rests.iter().try_for_each(|rest| write_rest(db, rest, now))
        })
        .await
    }
}

/// Remembers a host, or forgets one that has made up for all it said. Those that nobody asks any more are forgotten in time.
pub(super) fn write_rest(db: &Connection, rest: &HostRest, now: Timestamp) -> SqlResult<()> {
    const FORGOTTEN_AFTER_MS: i64 = 30 * 86_400_000;
    if rest.strikes == 0 {
        db.prepare_cached("delete from host where name = ? and wait_until <= ?")?
            .execute(params![rest.name, rest.until.as_millisecond()])?;
        return Ok(());
    }
    db.prepare_cached("delete from host where wait_until < ?")?
        .execute([now.as_millisecond() - FORGOTTEN_AFTER_MS])?;
    // What another process was told to wait for longer stays.
    db.prepare_cached(
        "insert into host (name, wait_until, strikes, why) values (?, ?, ?, ?) on conflict (name) do update
             set wait_until = excluded.wait_until, strikes = excluded.strikes, why = excluded.why
             where excluded.wait_until >= host.wait_until",
    )?
    .execute(params![rest.name, rest.until.as_millisecond(), rest.strikes, rest.why])?;
    Ok(())
}
