//! Hosts that asked all their guests to wait.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::model::poll::HostRest;
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
        db.prepare_cached("delete from host where name = ?")?
            .execute([&rest.name])?;
        return Ok(());
    }
    db.prepare_cached("delete from host where wait_until < ?")?
        .execute([now.as_millisecond() - FORGOTTEN_AFTER_MS])?;
    db.prepare_cached("insert or replace into host (name, wait_until, strikes, why) values (?, ?, ?, ?)")?
        .execute(params![rest.name, rest.until.as_millisecond(), rest.strikes, rest.why])?;
    Ok(())
}
